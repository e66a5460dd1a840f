//! Reference paths: those of JSONPath that name exactly one place, `$.plan.look[0]`.

use serde_json::{Map, Value};

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
}

/// A reference path, read once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

impl Path {
    /// `$` itself.
    pub(crate) fn root() -> Path {
        Path {
            text: "$".into(),
            steps: Vec::new(),
        }
    }

    /// Reads a path that begins with `$`; none of wildcards, filters, slices, quotes or functions.
    pub(crate) fn read(text: &str) -> Option<Path> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let name = &after[..end];
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                if name.is_empty() || !name.chars().all(plain) {
                    return None;
                }
                steps.push(Step::Name(name.into()));
                rest = &after[end..];
            } else {
                let (digits, after) = rest.strip_prefix('[')?.split_once(']')?;
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                steps.push(Step::Index(digits.parse().ok()?));
                rest = after;
            }
        }
        Some(Path {
            text: text.into(),
            steps,
        })
    }

    /// Whether it is `$`.
    pub(crate) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What stands there, if anything does; null is something.
    pub(crate) fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(root, |at, step| match step {
            Step::Name(name) => at.get(name),
            Step::Index(index) => at.get(index),
        })
    }

    /// `root` with `value` put there. Missing objects on the way are made; None if something else stands in the way,
    /// or an array is too short.
    pub(crate) fn put(&self, mut root: Value, value: Value) -> Option<Value> {
        let mut at = &mut root;
        for (index, step) in self.steps.iter().enumerate() {
            let last = index + 1 == self.steps.len();
            let made = || {
                if last {
                    Value::Null
                } else {
                    Value::Object(Map::new())
                }
            };
            at = match step {
                Step::Name(name) => at
                    .as_object_mut()?
                    .entry(name.as_str())
                    .or_insert_with(made),
                Step::Index(index) => at.get_mut(index)?,
            };
        }
        *at = value;
        Some(root)
    }
}
