//! The services in process, asked what was asked over the wire: a line of JSON in, a line out, so
//! that the tests beside this can compare the answers.
//!
//! `{"name", "call", ...}` is a case of the models (`models::answers`). `{"seed", "scale", "steps"}`
//! is what a simulator was asked since it started, each step at its simulated millisecond: an API
//! request, or a call of the control API. The answers to the API requests come back.

use serde_json::{Value, json};
use simulator::core::{Core, Request, Settings};
use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let answered = match asked["steps"].as_array() {
            Some(steps) => again(&asked, steps),
            None => models::answers(&asked),
        };
        writeln!(out, "{answered}")?;
    }
    out.flush()
}

fn again(asked: &Value, steps: &[Value]) -> Value {
    let mut core = Core::new(Settings {
        seed: asked["seed"].as_u64().unwrap_or_default(),
        ..Settings::default()
    });
    core.set_scale(asked["scale"].as_u64().unwrap_or(1));
    let mut now_ms = 0;
    let mut answers = Vec::new();
    for step in steps {
        // An answer that was lost says no time: not long after the one before.
        now_ms = step["now_ms"].as_u64().unwrap_or(now_ms);
        core.advance(now_ms);
        let text = |member: &str| step[member].as_str().unwrap_or_default().to_owned();
        let (method, body) = (text("method"), text("body"));
        match step["control"].as_str() {
            Some("clock") => {
                let body: Value = serde_json::from_str(&body).unwrap_or_default();
                if let Some(scale) = body["scale"].as_u64() {
                    core.set_scale(scale);
                }
            }
            Some(what) => {
                let body = serde_json::from_str(&body).unwrap_or_else(|_| json!({}));
                core.control(now_ms, &method, what, &body);
            }
            None => {
                let request = Request {
                    method,
                    path: text("path"),
                    query: text("query"),
                    body: body.into_bytes(),
                    caller: step["caller"].as_str().map(str::to_owned),
                };
                let answer = core.handle(now_ms, &request);
                answers.push(json!({
                    "status": answer.status, "error": answer.error, "request_id": answer.request_id,
                    "body": answer.body, "lost": answer.lost,
                }));
            }
        }
    }
    answers.into()
}
