//! Changes: of a text letter by letter, of JSON value by value.

use serde_json::{Map, Value, json};

use crate::Chance;

/// Texts that readers stumble over, whatever they read.
const NASTY: &[&str] = &[
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "%00",
    "%2e%2e",
    "..",
    "//",
    "\\",
    "\u{202e}",
    "\u{feff}",
    "\u{ff0e}",
    "e\u{301}",
    "\u{1f600}",
    "\u{10ffff}",
    "ß",
    "İ",
    "'\"<>&`",
    "${x}",
    "$.a[0]",
    "null",
    "NaN",
    "-0",
    "1e400",
    "9223372036854775808",
    "18446744073709551616",
    "0x7f",
    "__proto__",
];

/// Numbers at the edges of what types hold.
const EDGES: &[i64] = &[
    0,
    -1,
    1,
    2,
    59,
    60,
    255,
    256,
    65_535,
    65_536,
    99_999_999,
    i64::MAX,
    i64::MIN,
];

/// Changes a text once. `words` are what the target's language is made of.
pub fn text(chance: &mut Chance, text: &str, words: &[&str]) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = chance.below(letters.len() + 1);
    let until = at + chance.below((letters.len() - at).min(12) + 1);
    let (before, cut, after) = (&letters[..at], &letters[at..until], &letters[until..]);
    let middle: String = match chance.below(9) {
        0 => String::new(),
        1 => chance.pick(NASTY).to_string(),
        2 | 3 if !words.is_empty() => chance.pick(words).to_string(),
        4 => cut.iter().rev().collect(),
        5 => cut.iter().collect::<String>().repeat(2 + chance.below(3)),
        6 => cut.iter().map(|letter| flipped(*letter)).collect(),
        7 => {
            let long = 1 << chance.below(12);
            std::iter::repeat_n('a', long).collect()
        }
        _ => {
            let wide = if chance.once_in(4) { 0x3000 } else { 0x7f };
            let code = u32::try_from(chance.below(wide)).unwrap_or(0);
            let letter: String = char::from_u32(code).into_iter().collect();
            letter + &cut.iter().collect::<String>()
        }
    };
    before.iter().collect::<String>() + &middle + &after.iter().collect::<String>()
}

fn flipped(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}

/// Changes JSON once, somewhere. `words` are names and texts of the target's language.
pub fn tree(chance: &mut Chance, value: &mut Value, words: &[&str]) {
    let steps = chance.below(8);
    let here = descend(chance, value, steps);
    change(chance, here, words);
}

/// A value some steps further in, or as far in as it goes.
fn descend<'a>(chance: &mut Chance, value: &'a mut Value, steps: usize) -> &'a mut Value {
    let size = match value {
        Value::Object(entries) => entries.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if steps == 0 || size == 0 {
        return value;
    }
    let at = chance.below(size);
    let inner = match value {
        Value::Object(entries) => entries.values_mut().nth(at),
        Value::Array(items) => items.get_mut(at),
        _ => None,
    };
    descend(chance, inner.expect("it is within its size"), steps - 1)
}

fn change(chance: &mut Chance, value: &mut Value, words: &[&str]) {
    match (chance.below(6), &mut *value) {
        (0 | 1, Value::Object(entries)) => entry(chance, entries, words),
        (0 | 1, Value::Array(items)) => item(chance, items, words),
        (0..=2, Value::String(old)) => *old = text(chance, old, words),
        (0..=2, Value::Number(_)) => *value = json!(*chance.pick(EDGES)),
        (0 | 1, Value::Bool(flag)) => *flag = !*flag,
        _ => *value = fresh(chance, words),
    }
}

fn entry(chance: &mut Chance, entries: &mut Map<String, Value>, words: &[&str]) {
    let at = chance.below(entries.len());
    let Some(name) = entries.keys().nth(at).cloned() else {
        entries.insert(word(chance, words), fresh(chance, words));
        return;
    };
    match chance.below(4) {
        0 => drop(entries.remove(&name)),
        1 => drop(entries.insert(word(chance, words), fresh(chance, words))),
        2 => {
            let value = entries.remove(&name).unwrap_or_default();
            let name = text(chance, &name, words);
            entries.insert(name, value);
        }
        _ => {
            // The value of another name: right type, wrong place.
            let other = entries.values().nth(chance.below(entries.len())).cloned();
            entries.insert(name, other.unwrap_or_default());
        }
    }
}

fn item(chance: &mut Chance, items: &mut Vec<Value>, words: &[&str]) {
    let at = chance.below(items.len());
    match chance.below(4) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => {
            let again = items[at].clone();
            items.insert(at, again);
        }
        2 if !items.is_empty() => {
            let other = chance.below(items.len());
            items.swap(at, other);
        }
        _ => items.insert(at, fresh(chance, words)),
    }
}

fn word(chance: &mut Chance, words: &[&str]) -> String {
    if words.is_empty() || chance.once_in(8) {
        chance.pick(NASTY).to_string()
    } else {
        chance.pick(words).to_string()
    }
}

/// A value of any type.
pub fn fresh(chance: &mut Chance, words: &[&str]) -> Value {
    match chance.below(11) {
        0 => Value::Null,
        1 => json!(chance.once_in(2)),
        2 => json!(*chance.pick(EDGES)),
        3 => json!(chance.fraction() * 1e9 - 1e6),
        4 => json!([]),
        5 => json!({}),
        6 => json!([word(chance, words), 1, null]),
        7 => json!({ word(chance, words): word(chance, words) }),
        8 => json!("x".repeat(1 << chance.below(13))),
        9 => (0..chance.below(60)).fold(json!(1), |deep, _| json!([deep])),
        _ => json!(word(chance, words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_change_and_never_panic() {
        let mut chance = Chance::new(3);
        let words = ["rtmp://", "live_"];
        let (mut letters, mut values) = (
            "rtmp://a.example.com/live".to_owned(),
            json!({"a": [1, "b", {"c": true}]}),
        );
        let mut different = 0;
        for _ in 0..2000 {
            let (next, before) = (text(&mut chance, &letters, &words), values.clone());
            tree(&mut chance, &mut values, &words);
            different += usize::from(next != letters) + usize::from(values != before);
            letters = if next.len() > 4000 {
                String::new()
            } else {
                next
            };
            if values.to_string().len() > 4000 {
                values = json!({"a": {}});
            }
        }
        assert!(different > 2000, "{different} of 4000 changed something");
    }
}
