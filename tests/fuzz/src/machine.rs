//! State machines as anybody may have edited them: the runner takes one or refuses it with a sentence,
//! and what it takes it can run to an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use runner::{Effect, Execution, Failure, Machine, Status};
use serde_json::{Value, json};

use crate::{Chance, Seen, Target};

/// `runner::Machine::parse`, and a run of what it takes.
pub struct Machines;

/// The state machine that is shipped.
pub const RECONCILE: &str = include_str!("../../../statemachines/reconcile.asl.json");

const WORDS: &[&str] = &[
    "Comment",
    "StartAt",
    "States",
    "TimeoutSeconds",
    "Type",
    "Task",
    "Choice",
    "Wait",
    "Pass",
    "Succeed",
    "Fail",
    "Map",
    "Parallel",
    "Resource",
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters",
    "FunctionName",
    "Payload",
    "${ClaimFunction}",
    "ResultSelector",
    "ResultPath",
    "InputPath",
    "OutputPath",
    "Result",
    "Retry",
    "Catch",
    "ErrorEquals",
    "States.ALL",
    "States.Timeout",
    "States.TaskFailed",
    "IntervalSeconds",
    "BackoffRate",
    "MaxDelaySeconds",
    "MaxAttempts",
    "JitterStrategy",
    "FULL",
    "Next",
    "End",
    "Choices",
    "Default",
    "Variable",
    "StringEquals",
    "IsPresent",
    "And",
    "Or",
    "Not",
    "BooleanEquals",
    "NumericEquals",
    "Seconds",
    "SecondsPath",
    "Timestamp",
    "TimestampPath",
    "HeartbeatSeconds",
    "Error",
    "Cause",
    "$",
    "$.a",
    "$.plan.lane",
    "$$.Execution.Id",
    "$$.Task.Token",
    "$$.State.RetryCount",
    "a.$",
    "Claim",
    "Plan",
    "Choose",
    "Release",
    "2026-11-21T19:00:00Z",
    "QueryLanguage",
    "JSONata",
    "ItemsPath",
];

/// Small machines that use what the shipped one does not.
fn small() -> Vec<Value> {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2}]);
    vec![
        json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"a": 1}, "Next": "B"}, "B": {"Type": "Choice",
            "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "C"}, {"Not": {"Variable": "$.b", "IsPresent": true}, "Next": "A"}], "Default": "C"},
            "C": {"Type": "Wait", "SecondsPath": "$.a", "Next": "D"}, "D": {"Type": "Succeed"}}}),
        json!({"StartAt": "A", "TimeoutSeconds": 60, "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 30,
            "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}}, "Retry": retry,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B"}], "End": true}, "B": {"Type": "Fail", "Error": "No", "Cause": "Because."}}}),
    ]
}

impl Target for Machines {
    fn name(&self) -> &'static str {
        "machine"
    }

    fn seeds(&self) -> Vec<String> {
        let shipped: Value = serde_json::from_str(RECONCILE).expect("the shipped machine is JSON");
        // One state at a time reads ten times as fast as all of them.
        let states = shipped["States"].as_object().expect("it has states").iter();
        let single = states.map(|(name, state)| {
            let mut alone = state.clone();
            for place in ["Next", "Catch", "Choices", "Default"] {
                if let Some(entries) = alone.as_object_mut() {
                    entries.remove(place);
                }
            }
            alone["End"] = json!(true);
            json!({"StartAt": name, "States": {name: alone}})
        });
        single
            .chain(small())
            .chain([shipped.clone()])
            .map(|machine| machine.to_string())
            .collect()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        true
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        match Machine::parse("fuzzed", input, &functions()) {
            Err(refusal) => {
                let text = refusal.to_string();
                seen.note(("refused", reason(&text)));
                if text.is_empty() || text.len() > input.len() + 1000 {
                    return Err(format!("no sentence: {} letters", text.len()));
                }
                Ok(())
            }
            Ok(machine) => {
                seen.note("taken");
                to_the_end(machine, seen)
            }
        }
    }
}

/// A refusal without the names in it.
fn reason(text: &str) -> String {
    let (mut plain, mut quoted) = (String::new(), false);
    for letter in text.chars() {
        quoted ^= letter == '`';
        if !quoted {
            plain.push(letter);
        }
    }
    let last = plain.rsplit(": ").next().unwrap_or_default();
    let words = last
        .split(' ')
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.take(8).collect::<Vec<_>>().join(" ")
}

/// Every name in `${}` of the shipped machine stands for a function of that name.
pub fn functions() -> BTreeMap<String, String> {
    let names = RECONCILE
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    names
        .map(|(name, _)| (name.to_owned(), name.to_owned()))
        .collect()
}

/// When executions begin.
pub fn begin() -> Timestamp {
    Timestamp::from_second(1_795_287_600).unwrap_or_default()
}

/// Runs a machine on answers that mean nothing, then on silence: it must end.
fn to_the_end(machine: Arc<Machine>, seen: &mut Seen) -> Result<(), String> {
    let mut chance = Chance::new(1);
    let input = json!({"destination_id": "a", "a": 1, "plan": {"lane": "Start", "lap": 0}});
    let mut execution = Execution::start(
        machine,
        "arn:aws:states:us-west-2:123456789012:execution:fuzzed:a",
        "a",
        input,
        begin(),
    );
    let mut now = begin();
    for step in 0..400 {
        let Some(due) = execution.next_due() else {
            break;
        };
        now = now.max(due);
        let effect = execution.advance(now, &mut || chance.fraction());
        seen.note((
            "state",
            effect
                .as_ref()
                .map(|effect| matches!(effect, Effect::Moved)),
            execution.status().name(),
        ));
        if let Some(Effect::Invoke { attempt, .. }) = effect {
            let answer = match step % 4 {
                0 => Ok(json!({"lane": "Done", "lap": 1})),
                1 => Err(Failure::of_function("Transient", "Later.")),
                2 => Err(Failure::new("Lambda.Unknown", "")),
                _ => continue,
            };
            now = now
                .checked_add(SignedDuration::from_millis(200))
                .unwrap_or(now);
            execution.answer(now, attempt, answer);
        }
    }
    way_out(&execution)
}

/// Something will happen to whatever has not ended.
pub fn way_out(execution: &Execution) -> Result<(), String> {
    if (execution.status() == Status::Running) == execution.next_due().is_some() {
        return Ok(());
    }
    Err(format!(
        "no way out: {:?} in {}",
        execution.status(),
        execution.state()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn fuzzed_machines() {
        check(&Machines, 8_000);
    }

    #[test]
    fn seeds_are_taken() {
        let taken = Machines
            .seeds()
            .iter()
            .filter(|seed| Machine::parse("seed", seed, &functions()).is_ok())
            .count();
        assert!(taken > 15, "{taken}");
    }
}
