//! Reading single attributes: what counts as missing, and what as a wrong type.

use serde_json::Value;

use super::Item;
use crate::problem::{Code, Problem};

fn wrong_type(name: &str, wanted: &str, value: &Value) -> Problem {
    let found = match value {
        Value::Null => "NULL",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "List or Set",
        Value::Object(_) => "Map",
    };
    Problem::new(
        Code::WrongType,
        format!("The attribute {name} is a {found} and should be a {wanted}."),
    )
}

/// A text; `None` when it is missing, NULL or empty.
pub(super) fn text<'a>(item: &'a Item, name: &str) -> Result<Option<&'a str>, Problem> {
    match item.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(name, "String", other)),
    }
}

/// A yes or no; `default` when it is missing or NULL.
pub(super) fn flag(item: &Item, name: &str, default: bool) -> Result<bool, Problem> {
    match item.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(wrong_type(name, "Boolean", other)),
    }
}

/// Text, number or yes/no as text; `None` when it is missing, NULL or empty.
pub(super) fn scalar(item: &Item, name: &str) -> Result<Option<String>, Problem> {
    match item.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        Some(other) => Err(wrong_type(name, "String", other)),
    }
}
