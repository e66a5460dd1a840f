//! Reads `template.yaml` as plain data: `!Sub x` becomes `{"Fn::Sub": "x"}` and so on, which is
//! what CloudFormation makes of it too.

use std::sync::OnceLock;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::house;

/// The template of the house: read once, then a copy for each who plants something in it.
pub fn load() -> Value {
    static READ: OnceLock<Value> = OnceLock::new();
    READ.get_or_init(|| parse(&house::read("template.yaml")))
        .clone()
}

/// A template from its text.
pub fn parse(text: &str) -> Value {
    let mut documents = Yaml::load_from_str(text).expect("the template is YAML");
    assert_eq!(documents.len(), 1, "one document");
    plain(&documents.remove(0))
}

/// The resources of one type: logical id and properties.
pub fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    template["Resources"]
        .as_object()
        .expect("a template has resources")
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
        .collect()
}

fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key_text(&plain(key)), plain(value)))
                .collect::<Map<_, _>>(),
        ),
        Yaml::Tagged(tag, value) => short_form(&tag.suffix, plain(value)),
        other => panic!("the template holds what CloudFormation cannot read: {other:?}"),
    }
}

fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

fn short_form(tag: &str, value: Value) -> Value {
    let name = if matches!(tag, "Ref" | "Condition") {
        tag.to_owned()
    } else {
        format!("Fn::{tag}")
    };
    let value = match (tag, value.as_str().and_then(|text| text.split_once('.'))) {
        ("GetAtt", Some((resource, attribute))) => json!([resource, attribute]),
        _ => value,
    };
    json!({ name: value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        let read = parse("a: !Sub 'x-${B}'\nc: !GetAtt D.Arn\ne: !If [F, !Ref G, 1]\n");
        assert_eq!(
            read,
            json!({"a": {"Fn::Sub": "x-${B}"}, "c": {"Fn::GetAtt": ["D", "Arn"]}, "e": {"Fn::If": ["F", {"Ref": "G"}, 1]}})
        );
    }

    #[test]
    fn the_template_is_small_enough_for_cloudformation() {
        // CloudFormation's limits: 1 MB of text, 500 resources, 200 parameters, 200 outputs.
        let template = load();
        let functions = resources(&template, "AWS::Serverless::Function").len();
        assert!(house::read("template.yaml").len() < 1_000_000);
        assert!(template["Resources"].as_object().unwrap().len() + 3 * functions < 500);
        assert!(template["Parameters"].as_object().unwrap().len() <= 200);
        assert!(template["Outputs"].as_object().unwrap().len() <= 200);
    }
}
