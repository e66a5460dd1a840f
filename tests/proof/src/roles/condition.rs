//! The condition operators that the template's policies use, as IAM evaluates them (IAM user guide,
//! "IAM JSON policy elements: Condition operators" and "Conditions with multiple context keys").

use std::collections::BTreeMap;

use serde_json::Value;

/// What is known about a request: names in small letters, as IAM compares them without case.
pub type Keys = BTreeMap<String, Vec<String>>;

/// One line of a statement's conditions: all lines must hold, and of a line's values one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// `StringEquals`, `ForAllValues:StringEquals`, ...
    pub operator: String,
    /// The context key, as the template spells it.
    pub key: String,
    /// What it is compared with.
    pub values: Vec<String>,
}

impl Condition {
    /// Reads the `Condition` element of a statement.
    #[must_use]
    pub fn read(element: &Value) -> Vec<Condition> {
        let mut found = Vec::new();
        for (operator, lines) in element.as_object().into_iter().flatten() {
            for (key, values) in lines.as_object().into_iter().flatten() {
                let values: Vec<String> = list(values);
                assert!(
                    !values.iter().any(|value| value.contains("${")),
                    "{key}: policy variables are not understood here"
                );
                found.push(Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    values,
                });
            }
        }
        found
    }

    /// Whether it holds for a request.
    #[must_use]
    pub fn holds(&self, keys: &Keys) -> bool {
        let there = keys
            .get(&self.key.to_ascii_lowercase())
            .filter(|values| !values.is_empty());
        if self.operator == "Null" {
            return there.is_none() == self.values.iter().any(|value| value == "true");
        }
        let (all, operator) = match self.operator.split_once(':') {
            Some(("ForAllValues", operator)) => (true, operator),
            Some(("ForAnyValue", operator)) => (false, operator),
            Some((other, _)) => panic!("{other} is no set operator"),
            None => (false, self.operator.as_str()),
        };
        let operator = match operator.strip_suffix("IfExists") {
            Some(_) if there.is_none() => return true,
            Some(operator) => operator,
            None => operator,
        };
        let one = |value: &String| {
            self.values
                .iter()
                .any(|wanted| compare(operator, wanted, value))
        };
        match there {
            // "For all values" of nothing is true.
            None => all,
            Some(values) if all => values.iter().all(one),
            Some(values) => values.iter().any(one),
        }
    }
}

fn compare(operator: &str, wanted: &str, value: &str) -> bool {
    match operator {
        "StringEquals" => wanted == value,
        // Of ARNs these two do the same (IAM user guide, ARN condition operators).
        "StringLike" | "ArnEquals" | "ArnLike" => matches(wanted, value),
        other => panic!("the condition operator {other} is not understood here"),
    }
}

/// A text or a list of texts as a list.
#[must_use]
pub fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(list).collect(),
        Value::String(text) => vec![text.clone()],
        other => panic!("{other} is neither a text nor a list of texts"),
    }
}

/// Whether a pattern with `*` (any number of characters) and `?` (one) fits a text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = back + 1;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&letter| letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(condition: Value, keys: &[(&str, &[&str])]) -> bool {
        let keys: Keys = keys
            .iter()
            .map(|(name, values)| {
                let values = values.iter().map(|value| (*value).to_owned()).collect();
                (name.to_ascii_lowercase(), values)
            })
            .collect();
        Condition::read(&condition)
            .iter()
            .all(|one| one.holds(&keys))
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("a*b*c", "axxbyybzc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("channel:*", "channel:1/../2", true),
            ("channel:*", "input:1", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_missing_key_is_not_equal_to_anything() {
        let equals = json!({"StringEquals": {"aws:ResourceTag/lunora:stack": "lunora"}});
        assert!(holds(
            equals.clone(),
            &[("aws:resourcetag/lunora:STACK", &["lunora"])]
        ));
        assert!(!holds(
            equals.clone(),
            &[("aws:ResourceTag/lunora:stack", &["other"])]
        ));
        assert!(!holds(equals, &[]));
        let exists = json!({"StringEqualsIfExists": {"a:b": "c"}});
        assert!(holds(exists.clone(), &[]));
        assert!(!holds(exists, &[("a:b", &["d"])]));
    }

    #[test]
    fn for_all_values_of_nothing_is_true_and_null_mends_it() {
        let all = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["flow#main"]}});
        assert!(holds(all.clone(), &[]));
        assert!(holds(
            all.clone(),
            &[("dynamodb:LeadingKeys", &["flow#main"])]
        ));
        assert!(!holds(
            all,
            &[("dynamodb:LeadingKeys", &["flow#main", "x"])]
        ));
        let asked = json!({"Null": {"dynamodb:LeadingKeys": "false"}});
        assert!(!holds(asked.clone(), &[]));
        assert!(holds(asked, &[("dynamodb:LeadingKeys", &["x"])]));
    }

    #[test]
    #[should_panic(expected = "NumericLessThan is not understood")]
    fn an_operator_it_does_not_know_is_refused() {
        holds(json!({"NumericLessThan": {"a:b": "1"}}), &[("a:b", &["0"])]);
    }
}
