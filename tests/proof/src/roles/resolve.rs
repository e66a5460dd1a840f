//! Reads the template's functions (`Ref`, `Fn::Sub`, `Fn::If` and so on) as CloudFormation does, for
//! one deployment whose names and numbers are known: the defaults, account 123456789012, us-west-2.
//!
//! What it does not know it refuses loudly: a permission that was guessed would prove nothing.

use std::collections::BTreeMap;

use house::template;
use serde_json::{Map, Value};

/// The account of the deployment.
pub const ACCOUNT: &str = "123456789012";
/// Its region.
pub const REGION: &str = "us-west-2";

/// One deployment of the template.
#[derive(Clone, Debug)]
pub struct Deployment {
    template: Value,
    parameters: BTreeMap<String, Value>,
    physical: BTreeMap<String, String>,
}

impl Deployment {
    /// With the template's defaults; the one parameter without is an address nobody has (RFC 5737).
    #[must_use]
    pub fn new(template: Value) -> Deployment {
        let mut parameters: BTreeMap<String, Value> = template["Parameters"]
            .as_object()
            .expect("the template has parameters")
            .iter()
            .filter_map(|(name, parameter)| Some((name.clone(), text(parameter.get("Default")?))))
            .collect();
        parameters
            .entry("EncoderCidr".to_owned())
            .or_insert_with(|| "203.0.113.7/32".into());
        Deployment {
            template,
            parameters,
            physical: BTreeMap::new(),
        }
    }

    /// The same with another value for a parameter.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Deployment {
        assert!(
            self.template["Parameters"].get(parameter).is_some(),
            "the template has no parameter {parameter}"
        );
        self.parameters.insert(parameter.to_owned(), value.into());
        self
    }

    /// The same with what a resource (`InputSecurityGroup`) or an attribute of one (`Flow.FlowArn`)
    /// is called in the account.
    #[must_use]
    pub fn called(mut self, what: &str, name: &str) -> Deployment {
        self.physical.insert(what.to_owned(), name.to_owned());
        self
    }

    /// The template it is a deployment of.
    #[must_use]
    pub fn template(&self) -> &Value {
        &self.template
    }

    /// The resources of one type that this deployment has: logical id and properties, unresolved.
    #[must_use]
    pub fn resources(&self, kind: &str) -> Vec<(&str, &Value)> {
        template::resources(&self.template, kind)
            .into_iter()
            .filter(|(name, _)| self.has(name))
            .collect()
    }

    /// Whether the resource's condition holds.
    fn has(&self, resource: &str) -> bool {
        self.template["Resources"][resource]
            .get("Condition")
            .and_then(Value::as_str)
            .is_none_or(|condition| self.holds(condition))
    }

    fn holds(&self, condition: &str) -> bool {
        let text = &self.template["Conditions"][condition];
        assert!(!text.is_null(), "there is no condition {condition}");
        self.truth(text)
    }

    fn truth(&self, value: &Value) -> bool {
        let (name, argument) = function(value).expect("a condition is a function");
        let all = || argument.as_array().expect("a list of conditions").iter();
        match name {
            "Condition" => self.holds(argument.as_str().expect("a condition's name")),
            "Fn::Equals" => {
                let sides: Vec<Value> = all().filter_map(|side| self.resolve(side)).collect();
                sides[0] == sides[1]
            }
            "Fn::Not" => !all().any(|inner| self.truth(inner)),
            "Fn::And" => all().all(|inner| self.truth(inner)),
            "Fn::Or" => all().any(|inner| self.truth(inner)),
            other => panic!("{other} is no condition that is understood here"),
        }
    }

    /// A value as CloudFormation would hand it on. None: `AWS::NoValue`.
    #[must_use]
    pub fn resolve(&self, value: &Value) -> Option<Value> {
        if let Some((name, argument)) = function(value) {
            return self.call(name, argument);
        }
        Some(match value {
            Value::Array(items) => items.iter().filter_map(|item| self.resolve(item)).collect(),
            Value::Object(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)))
                    .collect::<Map<_, _>>(),
            ),
            plain => plain.clone(),
        })
    }

    /// A value that must be a text.
    #[must_use]
    pub fn text(&self, value: &Value) -> String {
        match self.resolve(value) {
            Some(Value::String(text)) => text,
            other => panic!("{value} gives {other:?} and not a text"),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Option<Value> {
        let part = |at: usize| &argument[at];
        match name {
            "Ref" => self.reference(argument.as_str().expect("a name")),
            "Fn::GetAtt" => {
                let path: Vec<&str> = argument
                    .as_array()
                    .expect("resource and attribute")
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                Some(self.attribute(path[0], &path[1..].join(".")).into())
            }
            "Fn::Sub" => Some(self.substitute(argument).into()),
            "Fn::If" => {
                let branch = 1 + usize::from(!self.holds(part(0).as_str().expect("a condition")));
                self.resolve(part(branch))
            }
            "Fn::FindInMap" => {
                let keys: Vec<String> = (0..3).map(|at| self.text(part(at))).collect();
                let found = &self.template["Mappings"][&keys[0]][&keys[1]][&keys[2]];
                assert!(!found.is_null(), "no mapping {keys:?}");
                Some(found.clone())
            }
            "Fn::Join" => {
                let parts = self.resolve(part(1))?;
                let parts: Vec<&str> = parts.as_array()?.iter().filter_map(Value::as_str).collect();
                Some(parts.join(part(0).as_str()?).into())
            }
            other => panic!("{other} is no function that is understood here"),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.parameters.get(name) {
            let list = self.template["Parameters"][name]["Type"] == "CommaDelimitedList";
            return Some(match value.as_str().filter(|_| list) {
                Some(items) => items
                    .split(',')
                    .map(|item| Value::from(item.trim()))
                    .collect(),
                None => value.clone(),
            });
        }
        Some(
            match name {
                "AWS::AccountId" => ACCOUNT.to_owned(),
                "AWS::Region" => REGION.to_owned(),
                "AWS::Partition" => "aws".to_owned(),
                "AWS::URLSuffix" => "amazonaws.com".to_owned(),
                "AWS::StackName" => "lunora".to_owned(),
                "AWS::NoValue" => return None,
                resource => self.attribute(resource, ""),
            }
            .into(),
        )
    }

    fn substitute(&self, argument: &Value) -> String {
        let (text, names) = match argument {
            Value::Array(both) => (both[0].as_str(), both[1].clone()),
            text => (text.as_str(), Value::Null),
        };
        let mut rest = text.expect("Fn::Sub has a text");
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').expect("a closed ${}");
            out += before;
            out += &match (name.strip_prefix('!'), names.get(name)) {
                (Some(literal), _) => format!("${{{literal}}}"),
                (None, Some(value)) => self.text(value),
                (None, None) => match name.split_once('.') {
                    Some((resource, attribute)) => self.attribute(resource, attribute),
                    None => self
                        .reference(name)
                        .as_ref()
                        .and_then(Value::as_str)
                        .unwrap_or_else(|| panic!("{name} is not a text"))
                        .to_owned(),
                },
            };
            rest = tail;
        }
        out + rest
    }

    /// What `Ref` (no attribute) or `Fn::GetAtt` gives for a resource.
    fn attribute(&self, resource: &str, attribute: &str) -> String {
        let whole = match attribute {
            "" => resource.to_owned(),
            attribute => format!("{resource}.{attribute}"),
        };
        if let Some(name) = self.physical.get(&whole) {
            return name.clone();
        }
        let there = &self.template["Resources"][resource];
        assert!(!there.is_null(), "the template has no resource {resource}");
        assert!(
            self.has(resource),
            "{resource} is not part of this deployment"
        );
        let kind = there["Type"].as_str().unwrap_or_default();
        let named = |property: &str| match there["Properties"].get(property) {
            Some(name) => self.text(name),
            None => format!("lunora-{resource}"),
        };
        let arn =
            |service: &str, rest: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
        match (kind, attribute) {
            ("AWS::DynamoDB::Table", "") => named("TableName"),
            ("AWS::DynamoDB::Table", "Arn") => {
                arn("dynamodb", format!("table/{}", named("TableName")))
            }
            ("AWS::DynamoDB::Table", "StreamArn") => arn(
                "dynamodb",
                format!(
                    "table/{}/stream/2026-11-21T19:00:00.000",
                    named("TableName")
                ),
            ),
            ("AWS::Serverless::Function", "") => named("FunctionName"),
            ("AWS::Serverless::Function", "Arn") => {
                arn("lambda", format!("function:{}", named("FunctionName")))
            }
            ("AWS::Serverless::StateMachine", "Name") => named("Name"),
            ("AWS::Serverless::StateMachine", "" | "Arn") => {
                arn("states", format!("stateMachine:{}", named("Name")))
            }
            ("AWS::IAM::Role", "") => named("RoleName"),
            ("AWS::IAM::Role", "Arn") => {
                format!("arn:aws:iam::{ACCOUNT}:role/{}", named("RoleName"))
            }
            ("AWS::IAM::ManagedPolicy", "") => {
                format!(
                    "arn:aws:iam::{ACCOUNT}:policy/{}",
                    named("ManagedPolicyName")
                )
            }
            ("AWS::SQS::Queue", "Arn") => arn("sqs", named("QueueName")),
            ("AWS::SQS::Queue", "QueueName") => named("QueueName"),
            ("AWS::SNS::Topic", "" | "TopicArn") => arn("sns", named("TopicName")),
            ("AWS::Logs::LogGroup", "") => named("LogGroupName"),
            ("AWS::Logs::LogGroup", "Arn") => {
                arn("logs", format!("log-group:{}:*", named("LogGroupName")))
            }
            ("AWS::SecretsManager::Secret", "") => {
                arn("secretsmanager", format!("secret:{resource}-Ab12Cd"))
            }
            ("AWS::MediaConnect::Flow", "FlowArn") => arn(
                "mediaconnect",
                format!("flow:1-AAAABBBBCCCCDDDD-000011112222:{}", named("Name")),
            ),
            ("AWS::MediaConnect::Flow", "EgressIp") => "203.0.113.9".to_owned(),
            ("AWS::MediaLive::InputSecurityGroup", "") => "1234567".to_owned(),
            _ => panic!("what {whole} of {kind} is called is not known here"),
        }
    }
}

/// A parameter's value as text, which is what CloudFormation hands on.
fn text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => other.to_string().into(),
    }
}

/// The function and its argument, if a value is one.
fn function(value: &Value) -> Option<(&str, &Value)> {
    let (name, argument) = value
        .as_object()
        .filter(|entries| entries.len() == 1)?
        .iter()
        .next()?;
    let is = matches!(name.as_str(), "Ref" | "Condition") || name.starts_with("Fn::");
    // `Condition` with a mapping below it is a statement's, not a function.
    (is && !(name == "Condition" && argument.is_object())).then_some((name.as_str(), argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Deployment {
        Deployment::new(template::load())
    }

    #[test]
    fn names_are_those_of_the_deployment() {
        let house = deployment();
        for (value, wanted) in [
            (json!({"Ref": "LedgerTable"}), "lunora-lunora-ledger"),
            (
                json!({"Fn::GetAtt": ["LedgerTable", "Arn"]}),
                "arn:aws:dynamodb:us-west-2:123456789012:table/lunora-lunora-ledger",
            ),
            (
                json!({"Fn::GetAtt": ["ClaimFunction", "Arn"]}),
                "arn:aws:lambda:us-west-2:123456789012:function:lunora-lunora-claim",
            ),
            (
                json!({"Fn::Sub": "a${AWS::Region}b${StackLabel}${ParameterStorePrefix}/*"}),
                "aus-west-2blunora/lunora-player/streaming/*",
            ),
            (
                json!({"Fn::Sub": ["x:${Group}", {"Group": {"Ref": "GraceSeconds"}}]}),
                "x:900",
            ),
            (json!({"Fn::Sub": "${!Literal}"}), "${Literal}"),
            (json!({"Fn::If": ["MakesFlow", "made", "given"]}), "made"),
        ] {
            assert_eq!(house.text(&value), wanted, "{value}");
        }
        assert_eq!(house.resolve(&json!({"Ref": "AWS::NoValue"})), None);
        assert_eq!(
            house.resolve(&json!([{"Ref": "EventSources"}, {"Fn::If": ["HasBackup", 1, {"Ref": "AWS::NoValue"}]}])),
            Some(json!([["aws.medialive", "aws.mediaconnect"]]))
        );
    }

    #[test]
    fn a_flow_handed_over_is_no_resource_of_the_deployment() {
        let given = "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-x:theirs";
        let house = deployment()
            .with("FlowArn", given)
            .called("InputSecurityGroup", "77");
        assert!(house.resources("AWS::MediaConnect::Flow").is_empty());
        assert_eq!(house.text(&json!({"Fn::If": ["MakesFlow", {"Fn::GetAtt": ["Flow", "FlowArn"]}, {"Ref": "FlowArn"}]})), given);
        assert_eq!(house.text(&json!({"Ref": "InputSecurityGroup"})), "77");
    }

    #[test]
    #[should_panic(expected = "Fn::Cidr is no function")]
    fn what_it_does_not_know_it_refuses() {
        assert_eq!(deployment().resolve(&json!({"Fn::Cidr": ["a", "b"]})), None);
    }
}
