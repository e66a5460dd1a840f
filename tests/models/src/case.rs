//! Conformance cases: calls from nothing, one after another, to the models here and over the wire
//! to what the models stand for.
//!
//! A case in `cases/*.json` has a `name`, what was there `before` (items, or calls as
//! `[operation, body]`), the `call` in question, and what is expected: an `error` or a `body`, a
//! `page`, the items `after`, the names of the `stream`'s records. `{"repeat": [text, times]}`
//! stands for a long text. A case that is `sorted` has a table with a sort key.

use crate::{Answer, Database, Parameters, StreamRecord};
use serde_json::{Value, json};

/// The one table of a case; the bodies leave its name out.
const TABLE: &str = "cases";
/// That table's key.
const KEY: &str = "id";
/// Its sort key, in a case that is `sorted`.
const RANGE: &str = "moment";
/// When a case begins; each call is a second later than the one before.
const START_MS: u64 = 1_767_312_000_000;

/// The calls of a case as they go over the wire, `[operation, body]`. The last one looks at the table.
fn calls(case: &Value) -> Vec<Value> {
    let before = case["before"].as_array().into_iter().flatten();
    let puts = before.map(|each| match each {
        Value::Array(_) => each.clone(),
        item => json!(["PutItem", {"Item": item}]),
    });
    let mut calls: Vec<Value> = puts.chain([case["call"].clone()]).collect();
    if !is_parameter(&calls[0]) {
        calls.push(json!(["Scan", {"ConsistentRead": true}]));
    }
    for call in &mut calls {
        let alone = !matches!(
            call[0].as_str(),
            Some("BatchGetItem" | "TransactWriteItems")
        );
        if alone && !is_parameter(call) && call[1]["TableName"].is_null() {
            call[1]["TableName"] = TABLE.into();
        }
        expand(&mut call[1]);
    }
    calls
}

fn is_parameter(call: &Value) -> bool {
    call[0]
        .as_str()
        .is_some_and(|operation| operation.contains("Parameter"))
}

fn expand(value: &mut Value) {
    if let Some(repeat) = value.get("repeat") {
        let times = repeat[1].as_u64().unwrap_or_default() as usize;
        *value = repeat[0].as_str().unwrap_or_default().repeat(times).into();
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(expand),
        Value::Object(map) => map.values_mut().for_each(expand),
        _ => {}
    }
}

/// What the models answer to a case: its `calls`, an `answer` to each, and what its table's
/// `stream` holds in the end.
#[must_use]
pub fn answers(case: &Value) -> Value {
    let (mut database, mut parameters) = (Database::new(), Parameters::new());
    let range = (case["sorted"] == true).then_some(RANGE);
    database.create_sorted_table(TABLE, KEY, range, true);
    let calls = calls(case);
    let answer = |(call, now_ms): (&Value, u64)| {
        let operation = call[0].as_str().expect("an operation");
        let Answer {
            status,
            error,
            body,
        } = if is_parameter(call) {
            parameters.handle(now_ms, operation, &call[1])
        } else {
            database.handle(now_ms, operation, &call[1])
        };
        json!({"status": status, "error": error, "body": body})
    };
    let answers: Vec<Value> = calls
        .iter()
        .zip((START_MS..).step_by(1000))
        .map(answer)
        .collect();
    let stream: Vec<Value> = database
        .take_stream()
        .iter()
        .map(StreamRecord::event)
        .collect();
    json!({"name": case["name"], "sorted": range.is_some(), "calls": calls, "answers": answers, "stream": stream})
}
