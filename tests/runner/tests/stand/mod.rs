//! What the tests of the runner share: small machines, a clock of seconds, a function that follows a script.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use runner::{Effect, Execution, Failure, Machine, Status};
use serde_json::{Value, json};

pub const ARN: &str = "arn:aws:states:us-west-2:123456789012:execution:small:one";

/// So many seconds after the beginning.
pub fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millisecond((seconds * 1000.0) as i64).expect("a small number")
}

/// A machine of these states that starts at `A`.
pub fn machine(states: Value) -> Arc<Machine> {
    whole(json!({ "StartAt": "A", "States": states }))
}

/// A machine as it stands.
pub fn whole(definition: Value) -> Arc<Machine> {
    read(&definition).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The machine, or why it is refused.
pub fn read(definition: &Value) -> Result<Arc<Machine>, String> {
    Machine::parse("small", &definition.to_string(), &BTreeMap::new())
        .map_err(|refusal| refusal.to_string())
}

/// A task that ends the execution, with further fields.
pub fn task(more: Value) -> Value {
    let mut task = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": { "FunctionName": "work", "Payload.$": "$" }, "End": true,
    });
    let fields = task.as_object_mut().expect("an object");
    for (name, value) in more.as_object().expect("an object") {
        if name == "Next" {
            fields.remove("End");
        }
        fields.insert(name.clone(), value.clone());
    }
    task
}

/// A task that waits for its token, with further fields.
pub fn wait_for_token(more: Value) -> Value {
    let mut fields = json!({
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 60,
        "Parameters": { "FunctionName": "wait", "Payload": { "token.$": "$$.Task.Token" } },
    });
    for (name, value) in more.as_object().expect("an object") {
        fields[name] = value.clone();
    }
    task(fields)
}

/// An execution of it, just begun.
pub fn start(machine: &Arc<Machine>, input: Value) -> Execution {
    Execution::start(machine.clone(), ARN, "one", input, at(0.0))
}

/// An error answered by a function.
pub fn error(name: &str) -> Result<Value, Failure> {
    Err(Failure::of_function(name, "as the script says"))
}

/// Steps until it waits for something of the world or of time; gives back the last invocation.
pub fn settle(execution: &mut Execution, now: f64) -> Option<Effect> {
    let mut last = None;
    while execution.next_due().is_some_and(|due| due <= at(now)) {
        match execution.advance(at(now), &mut || 0.5) {
            Some(effect @ Effect::Invoke { .. }) => last = Some(effect),
            Some(_) => {}
            None => panic!("due, and nothing happened"),
        }
    }
    last
}

/// Runs to the end: each invocation gets the next answer of the script at once, time jumps to what is due.
/// Gives back the payloads.
pub fn follow(
    execution: &mut Execution,
    script: impl IntoIterator<Item = Result<Value, Failure>>,
) -> Vec<Value> {
    let mut script = script.into_iter();
    let mut payloads = Vec::new();
    let mut now = at(0.0);
    while let Some(due) = execution.next_due() {
        now = now.max(due);
        if let Some(Effect::Invoke {
            attempt, payload, ..
        }) = execution.advance(now, &mut || 0.5)
        {
            payloads.push(payload);
            execution.answer(
                now,
                attempt,
                script.next().expect("the script is long enough"),
            );
        }
    }
    payloads
}

/// Runs this machine with these answers.
pub fn run(states: Value, input: Value, script: Vec<Result<Value, Failure>>) -> Execution {
    let mut execution = start(&machine(states), input);
    follow(&mut execution, script);
    execution
}

/// The names of the states entered, in one line.
pub fn way(execution: &Execution) -> String {
    execution.entered().collect::<Vec<_>>().join(" ")
}

/// How it ended: status and error name.
pub fn fate(execution: &Execution) -> (Status, &str) {
    (
        execution.status(),
        execution.failure().map_or("", |failure| &failure.error),
    )
}
