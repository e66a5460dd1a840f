//! Conformance cases: calls from nothing, one after another, to the models here and over the wire
//! to what the models stand for.

use crate::{Answer, Database, Parameters};
use serde_json::{Value, json};

/// The one table of a case; its bodies leave the name out.
const TABLE: &str = "cases";
/// That table's key.
const KEY: &str = "id";
/// When a case begins; each call is a second later than the one before.
const START_MS: u64 = 1_767_312_000_000;

/// What the models answer to the `calls` of a case (`[service, operation, body]`), and what its
/// table's stream holds in the end.
#[must_use]
pub fn answers(case: &Value) -> Value {
    let (mut database, mut parameters) = (Database::new(), Parameters::new());
    database.create_table(TABLE, KEY, true);
    let mut now_ms = START_MS;
    let mut answers = Vec::new();
    for call in case["calls"].as_array().expect("a case has calls") {
        let [service, operation, body] = [0, 1, 2].map(|at| &call[at]);
        let operation = operation.as_str().expect("an operation");
        let mut body = body.clone();
        let Answer {
            status,
            error,
            body,
        } = match service.as_str() {
            Some("dynamodb") => {
                if !matches!(operation, "BatchGetItem" | "TransactWriteItems")
                    && body["TableName"].is_null()
                {
                    body["TableName"] = TABLE.into();
                }
                database.handle(now_ms, operation, &body)
            }
            _ => parameters.handle(now_ms, operation, &body),
        };
        answers.push(json!({"status": status, "error": error, "body": body}));
        now_ms += 1000;
    }
    let stream = database
        .take_stream()
        .iter()
        .map(crate::StreamRecord::event)
        .collect::<Vec<_>>();
    json!({"name": case["name"], "answers": answers, "stream": stream})
}
