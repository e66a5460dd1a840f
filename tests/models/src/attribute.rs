//! Attribute values as DynamoDB's JSON, brought into one form: numbers as DynamoDB gives them back
//! and sets sorted, so that two values are equal exactly when their JSON is.

use crate::{answer::Refusal, number::Number};
use serde_json::{Map, Value};
use std::{borrow::Cow, cmp::Ordering};

/// A row, or what is in a map.
pub(crate) type Item = Map<String, Value>;

/// The developer guide's limit of nested attributes.
const DEPTH: usize = 32;
/// The developer guide's limit of an item.
pub(crate) const ITEM_BYTES: usize = 400 * 1024;

fn serialization(what: &str) -> Refusal {
    Refusal::new("SerializationException", format!("{what} was expected"))
}

/// The type letters and what is under them. Only for values that went through `canonical`.
pub(crate) fn parts(value: &Value) -> (&str, &Value) {
    let (kind, inner) = value
        .as_object()
        .and_then(|object| object.iter().next())
        .expect("an attribute value has one member");
    (kind, inner)
}

/// The number in a value of type N.
pub(crate) fn number(value: &Value) -> Option<Number> {
    let text = value.get("N")?.as_str()?;
    Some(Number::parse(text).expect("it was parsed when it came in"))
}

fn text(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or_else(|| serialization("a string"))
}

/// A JSON object with one member. (`json!` would copy the value.)
pub(crate) fn one(name: &str, value: impl Into<Value>) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value.into())]))
}

/// A value in its one form.
pub(crate) fn canonical(value: &Value) -> Result<Value, Refusal> {
    nested(value, 1)
}

fn nested(value: &Value, depth: usize) -> Result<Value, Refusal> {
    let Some(object) = value.as_object() else {
        return Err(serialization("an attribute value"));
    };
    if depth > DEPTH {
        return Err(Refusal::validation(
            "Nesting Levels have exceeded supported limits",
        ));
    }
    let mut members = object.iter();
    let (Some((kind, inner)), more) = (members.next(), members.next()) else {
        return Err(Refusal::validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ));
    };
    if more.is_some() {
        return Err(Refusal::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ));
    }
    Ok(match kind.as_str() {
        "S" => one("S", text(inner)?),
        "N" => one("N", Number::normal(text(inner)?)?),
        "BOOL" => match inner {
            Value::Bool(flag) => one("BOOL", *flag),
            _ => return Err(serialization("a boolean")),
        },
        "NULL" => match inner {
            Value::Bool(true) => one("NULL", true),
            Value::Bool(false) => {
                return Err(Refusal::validation(
                    "One or more parameter values were invalid: Null attribute value types must have the value of true",
                ));
            }
            _ => return Err(serialization("a boolean")),
        },
        "L" => {
            let list = inner.as_array().ok_or_else(|| serialization("a list"))?;
            let list: Result<Vec<Value>, Refusal> =
                list.iter().map(|each| nested(each, depth + 1)).collect();
            one("L", list?)
        }
        "M" => {
            let mut map = Map::new();
            for (name, each) in inner.as_object().ok_or_else(|| serialization("a map"))? {
                map.insert(name.clone(), nested(each, depth + 1)?);
            }
            one("M", map)
        }
        "SS" => set("SS", inner, |text| Ok(text.into()))?,
        "NS" => set("NS", inner, Number::normal)?,
        other => panic!("the models know no attribute values of type {other}"),
    })
}

fn set(
    kind: &str,
    inner: &Value,
    normal: impl Fn(&str) -> Result<Cow<'_, str>, Refusal>,
) -> Result<Value, Refusal> {
    let list = inner.as_array().ok_or_else(|| serialization("a list"))?;
    let mut members = Vec::with_capacity(list.len());
    for each in list {
        members.push(normal(text(each)?)?.into_owned());
    }
    if members.is_empty() {
        let name = if kind == "SS" { "string" } else { "number" };
        return Err(Refusal::validation(format!(
            "One or more parameter values were invalid: An {name} set  may not be empty"
        )));
    }
    let given = members.len();
    let set = from_members(kind, members);
    if set[kind].as_array().map_or(0, Vec::len) < given {
        return Err(Refusal::validation(
            "One or more parameter values were invalid: Input collection contains duplicates.",
        ));
    }
    Ok(set)
}

/// A set in its one form: sorted, each member once.
pub(crate) fn from_members(kind: &str, mut members: Vec<String>) -> Value {
    members.sort_unstable();
    members.dedup();
    one(kind, members)
}

/// The members of a set; nothing for what is no set.
pub(crate) fn members(value: &Value) -> Option<(&str, Vec<String>)> {
    let (kind, inner) = parts(value);
    let list = inner.as_array().filter(|_| kind.ends_with('S'))?;
    let texts = list.iter().filter_map(Value::as_str);
    Some((kind, texts.map(str::to_owned).collect()))
}

/// Every value of a map in its one form.
pub(crate) fn item(value: &Value) -> Result<Item, Refusal> {
    let given = value.as_object().ok_or_else(|| serialization("a map"))?;
    let mut item = Map::new();
    for (name, each) in given {
        if name.is_empty() || name.len() > 65_535 {
            return Err(Refusal::validation(
                "One or more parameter values were invalid: an attribute name must have 1 to 65535 bytes",
            ));
        }
        item.insert(name.clone(), canonical(each)?);
    }
    Ok(item)
}

/// How two values of one type are ordered; nothing for types without an order.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (parts(left), parts(right)) {
        (("S", left), ("S", right)) => Some(left.as_str().cmp(&right.as_str())),
        (("N", _), ("N", _)) => Some(number(left)?.cmp(&number(right)?)),
        _ => None,
    }
}

/// What an item counts, by the developer guide's "Item sizes and formats".
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + bytes(value))
        .sum()
}

fn bytes(value: &Value) -> usize {
    let number = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits.div_ceil(2) + 1 + usize::from(text.starts_with('-'))
    };
    let (kind, inner) = parts(value);
    match (kind, inner) {
        ("N", Value::String(text)) => number(text),
        (_, Value::String(text)) => text.len(),
        ("SS", Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::len).sum(),
        ("NS", Value::Array(list)) => list.iter().filter_map(Value::as_str).map(number).sum(),
        (_, Value::Array(list)) => 3 + list.iter().map(|each| 1 + bytes(each)).sum::<usize>(),
        (_, Value::Object(map)) => 3 + map.len() + item_bytes(map),
        _ => 1,
    }
}

/// What `size` gives: letters or members; nothing for types that have no size.
pub(crate) fn size(value: &Value) -> Option<usize> {
    match parts(value) {
        ("S", Value::String(text)) => {
            // AWS documents a text's length, not whether in letters or bytes.
            assert!(
                text.is_ascii(),
                "the models know the size of ASCII texts only"
            );
            Some(text.len())
        }
        (_, Value::Array(list)) => Some(list.len()),
        (_, Value::Object(map)) => Some(map.len()),
        _ => None,
    }
}
