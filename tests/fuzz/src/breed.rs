//! New inputs from old ones, and smaller ones from a large one.

use serde_json::Value;

use crate::{Chance, Target, mutate};

/// A new input from one or two old ones.
pub(crate) fn child(chance: &mut Chance, target: &dyn Target, parent: &str, other: &str) -> String {
    let times = 1 + chance.below(4);
    // Now and then JSON is broken as text, so that the reader of JSON is not left out.
    if target.is_json() && !chance.once_in(40) {
        let mut value: Value = serde_json::from_str(parent).unwrap_or_default();
        for _ in 0..times {
            if chance.once_in(12) {
                let part = serde_json::from_str::<Value>(other).unwrap_or_default();
                graft(chance, &mut value, part);
            } else {
                mutate::tree(chance, &mut value, target.words());
            }
        }
        return value.to_string();
    }
    let mut text = parent.to_owned();
    for _ in 0..times {
        text = if chance.once_in(12) {
            let (head, tail) = (half(chance, &text).0, half(chance, other).1);
            head + &tail
        } else {
            mutate::text(chance, &text, target.words())
        };
    }
    text
}

fn half(chance: &mut Chance, text: &str) -> (String, String) {
    let letters: Vec<char> = text.chars().collect();
    let at = chance.below(letters.len() + 1);
    (
        letters[..at].iter().collect(),
        letters[at..].iter().collect(),
    )
}

/// Takes an entry of one object over into another.
fn graft(chance: &mut Chance, value: &mut Value, part: Value) {
    match (value, part) {
        (Value::Object(entries), Value::Object(part)) if !part.is_empty() => {
            let at = chance.below(part.len());
            entries.extend(part.into_iter().nth(at));
        }
        (Value::Array(items), Value::Array(part)) => items.extend(part),
        (value, part) => *value = part,
    }
}

/// The same input with something left out, large pieces first.
pub(crate) fn pieces(input: &str, json: bool) -> Vec<String> {
    if json && let Ok(value) = serde_json::from_str::<Value>(input) {
        return without_one(&value).iter().map(Value::to_string).collect();
    }
    let letters: Vec<char> = input.chars().collect();
    let mut found = Vec::new();
    let mut size = letters.len() / 2;
    while size > 0 {
        for at in (0..letters.len()).step_by(size) {
            let until = (at + size).min(letters.len());
            found.push(letters[..at].iter().chain(&letters[until..]).collect());
        }
        size /= 2;
    }
    found
}

/// The same value with one entry, item or half of a text left out.
fn without_one(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(entries) => {
            for (name, inner) in entries {
                let mut less = entries.clone();
                less.remove(name);
                found.push(Value::Object(less));
                for smaller in without_one(inner) {
                    let mut less = entries.clone();
                    less.insert(name.clone(), smaller);
                    found.push(Value::Object(less));
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                let mut less = items.clone();
                less.remove(at);
                found.push(Value::Array(less));
                for smaller in without_one(inner) {
                    let mut less = items.clone();
                    less[at] = smaller;
                    found.push(Value::Array(less));
                }
            }
        }
        Value::String(text) if text.len() > 1 => {
            let letters: Vec<char> = text.chars().collect();
            let (head, tail) = letters.split_at(letters.len() / 2);
            found.push(head.iter().collect::<String>().into());
            found.push(tail.iter().collect::<String>().into());
        }
        _ => {}
    }
    found
}
