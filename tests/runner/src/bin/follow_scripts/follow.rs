//! One case through the runner.

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use runner::{Effect, Execution, Failure, Machine, Status, TokenProblem};
use serde_json::{Value, json};

use crate::draw::Draw;

/// When every execution begins.
const BEGIN: Timestamp = Timestamp::constant(1_795_219_200, 0);

/// Everything a case leads to, and the script it took.
pub(crate) fn follow(case: &Value) -> Result<Value, String> {
    let text = |field: &str| {
        case[field]
            .as_str()
            .ok_or_else(|| format!("`{field}` is missing"))
    };
    let (name, machine_name) = (text("name")?, text("machine")?);
    let definition = fs::read_to_string(text("definition")?).map_err(|error| error.to_string())?;
    let names: BTreeMap<String, String> = definition
        .split("${")
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| (name.to_owned(), "stand-in".to_owned()))
        .collect();
    let machine =
        Machine::parse(machine_name, &definition, &names).map_err(|refusal| refusal.to_string())?;
    let definition: Value = serde_json::from_str(&definition).map_err(|error| error.to_string())?;
    let mut draw = case["seed"]
        .as_u64()
        .map(|seed| Draw::new(seed, &definition, case["silences"] == true));
    let mut script = case["script"].as_array().cloned().unwrap_or_default();

    let arn = format!("arn:aws:states:us-west-2:123456789012:execution:{machine_name}:{name}");
    let mut now = BEGIN;
    let input = json!({
        "destination_id": name, "cause": "rtmp_failed", "told": { "done": false },
        "message": { "subject": "", "text": "" },
        "incident": { "incident_id": "one", "look_at": "2026-11-21T00:00:30Z", "looks": 0 },
    });
    let mut execution = Execution::start(machine, &arn, name, input, now);
    let (mut calls, mut asked, mut tokens) =
        (Vec::<Value>::new(), Vec::new(), Vec::<String>::new());
    while let Some(due) = execution.next_due() {
        now = now.max(due);
        let (mut payload, attempt, token) = match execution.advance(now, &mut || 0.5) {
            Some(Effect::Invoke {
                payload,
                attempt,
                token,
                ..
            }) => (payload, attempt, token),
            Some(Effect::Publish { attempt, .. }) => {
                execution.answer(now, attempt, Ok(json!({ "MessageId": "one" })));
                continue;
            }
            _ => continue,
        };
        if calls.len() == script.len() {
            let draw = draw
                .as_mut()
                .ok_or_else(|| format!("the script is over after {} answers", script.len()))?;
            script.push(draw.answer(execution.state(), calls.len()));
        }
        let answer = &script[calls.len()];
        let mut taken = 0;
        if answer["again"] == true {
            for old in &tokens {
                taken += u64::from(
                    execution.end_wait(now, old, Ok(json!("again")))
                        != Err(TokenProblem::TaskTimedOut),
                );
            }
        }
        if let Some(field) = payload.get_mut("task_token") {
            *field = json!("a token");
        }
        asked.push(execution.state().to_owned());
        calls.push(json!({ "payload": payload, "taken": taken }));
        if answer["stop"] == true {
            execution.stop(now, "Stopped", "by the script");
        }
        if let Some(token) = &token {
            let outcome = match (answer.get("success"), answer["failure"].as_str()) {
                (Some(value), _) => Some(Ok(value.clone())),
                (None, Some(name)) => Some(Err(Failure::new(name, "as the script says"))),
                (None, None) => None,
            };
            let sent = outcome.map(|outcome| execution.end_wait(now, token, outcome));
            if sent.is_some_and(|sent| sent.is_err() && execution.status() == Status::Running) {
                return Err("a token was refused while it was waited for".into());
            }
            tokens.push(token.clone());
        }
        match answer["error"].as_str() {
            Some(name) => execution.answer(
                now,
                attempt,
                Err(Failure::of_function(name, "as the script says")),
            ),
            None if answer["silent"] == true => {}
            None => execution.answer(now, attempt, Ok(answer["ok"].clone())),
        }
    }
    let mut seen = case.clone();
    seen["script"] = json!(script);
    seen["calls"] = json!(calls);
    seen["asked"] = json!(asked);
    seen["entered"] = execution.entered().collect();
    seen["status"] = json!(execution.status().name());
    seen["output"] = json!(execution.output());
    seen["error"] = json!(execution.failure().map(|failure| &failure.error));
    seen["cause"] = json!(execution.failure().map(|failure| &failure.cause));
    Ok(seen)
}
