//! Answers drawn by seed: mostly what a state machine hopes for, often enough what it does not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// So many invocations are enough; then the execution is stopped.
const MOST_CALLS: usize = 24;

/// A drawer for one state machine.
pub(crate) struct Draw {
    chance: u64,
    /// Whether functions and tokens may stay silent until their time is over.
    silences: bool,
    states: BTreeMap<String, Value>,
    /// What fields of this name are compared with somewhere, or waited for.
    wanted: BTreeMap<String, Vec<Value>>,
    /// An error that comes again and again, and how often it still will.
    stubborn: Option<(String, u64)>,
}

impl Draw {
    /// Learns from the definition what its states look for.
    pub(crate) fn new(seed: u64, definition: &Value, silences: bool) -> Draw {
        let states: BTreeMap<String, Value> = definition["States"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, state)| (name.clone(), state.clone()))
            .collect();
        // A message is sent by Step Functions itself, from what a function answered.
        let message = json!({ "subject": "One line.", "text": "And more." });
        let mut wanted = BTreeMap::from([("message".to_owned(), vec![message])]);
        states.values().for_each(|state| learn(state, &mut wanted));
        Draw {
            chance: seed,
            silences,
            states,
            wanted,
            stubborn: None,
        }
    }

    /// SplitMix64, below a number.
    fn below(&mut self, most: usize) -> usize {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// The answer to one invocation.
    pub(crate) fn answer(&mut self, state: &str, calls: usize) -> Value {
        let state = self.states[state].clone();
        if calls == MOST_CALLS {
            return json!({ "stop": true });
        }
        let waits = state["Resource"]
            .as_str()
            .is_some_and(|resource| resource.ends_with(".waitForTaskToken"));
        // The local cloud swallows an error of a function whose token is waited for: there it comes by the token.
        let fails = if waits { "failure" } else { "error" };
        if let Some((name, left)) = self.stubborn.take().filter(|(_, left)| *left > 0) {
            self.stubborn = Some((name.clone(), left - 1));
            return json!({ fails: name });
        }
        let mut answer = match self.below(100) {
            0 => return json!({ "stop": true }),
            1..=20 => {
                let name = self.error(&state);
                if self.below(25) == 0 {
                    self.stubborn = Some((name.clone(), 25));
                }
                json!({ fails: name })
            }
            21..=26 if self.silences => json!({ "silent": true }),
            _ if waits => json!({ "success": self.odd() }),
            _ => json!({ "ok": self.payload(&state) }),
        };
        if self.below(6) == 0 {
            answer["again"] = json!(true);
        }
        answer
    }

    /// An error this state knows, or one nobody knows.
    fn error(&mut self, state: &Value) -> String {
        let entries = ["Retry", "Catch"]
            .into_iter()
            .filter_map(|field| state[field].as_array())
            .flatten();
        let known: BTreeSet<&str> = entries
            .filter_map(|entry| entry["ErrorEquals"].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut names: Vec<&str> = known
            .into_iter()
            .filter(|name| !name.starts_with("States."))
            .collect();
        names.extend(["Permanent", "Unheard.Of"]);
        self.one(&names).to_owned()
    }

    /// A payload with everything the state selects of it, right or odd.
    fn payload(&mut self, state: &Value) -> Value {
        let Some(selector) = state["ResultSelector"].as_object() else {
            return self.odd();
        };
        let mut payload = Map::new();
        for path in selector.values().filter_map(Value::as_str) {
            let Some(field) = path.strip_prefix("$.Payload.") else {
                continue;
            };
            let wanted = self.wanted.get(field).cloned().unwrap_or_default();
            let value = if wanted.is_empty() {
                self.odd()
            } else {
                self.one(&wanted)
            };
            payload.insert(field.to_owned(), value);
        }
        Value::Object(payload)
    }

    fn odd(&mut self) -> Value {
        self.one(&[
            json!({}),
            json!(null),
            json!(0),
            json!(1.5),
            json!("text"),
            json!([1, null]),
            json!({ "a": { "b": true } }),
        ])
    }
}

/// Collects what the fields of a state's conditions and waits are compared with.
fn learn(value: &Value, wanted: &mut BTreeMap<String, Vec<Value>>) {
    let last = |path: &Value| {
        path.as_str()
            .and_then(|path| path.rsplit('.').next())
            .map(str::to_owned)
    };
    if let Some(field) = last(&value["Variable"]) {
        let list = wanted.entry(field).or_insert_with(|| vec![json!(null)]);
        for (name, value) in value.as_object().into_iter().flatten() {
            if name.contains("Equals") || name.starts_with("Numeric") {
                list.extend(value.as_bool().map(|yes| json!(!yes)));
                list.push(value.clone());
            }
        }
    }
    for (field, example) in [
        ("TimestampPath", json!("2026-11-21T00:00:30Z")),
        ("SecondsPath", json!(3)),
        ("TimeoutSecondsPath", json!(3)),
    ] {
        if let Some(field) = last(&value[field]) {
            wanted.entry(field).or_default().push(example);
        }
    }
    match value {
        Value::Array(list) => list.iter().for_each(|item| learn(item, wanted)),
        Value::Object(map) => map.values().for_each(|item| learn(item, wanted)),
        _ => {}
    }
}
