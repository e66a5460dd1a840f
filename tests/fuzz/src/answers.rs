//! Whatever functions answer, wherever and whenever, an execution of the shipped state machine goes on
//! or ends: no panic, always a way out, and an end after silence.

use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use runner::{Effect, Execution, Failure, Machine, Status};
use serde_json::{Value, json};

use crate::machine::{RECONCILE, begin, functions, way_out};
use crate::{Chance, Seen, Target};

/// A list of happenings, each an answer to the function that was invoked last.
pub struct Answers;

const WORDS: &[&str] = &[
    "ok",
    "fail",
    "token",
    "late",
    "silent",
    "stop",
    "redrive",
    "again",
    "lane",
    "level",
    "lap",
    "knock",
    "generation",
    "incarnation",
    "until",
    "hand_over",
    "looked_at",
    "look",
    "channel",
    "flow",
    "did",
    "Provision",
    "Start",
    "Stop",
    "Change",
    "Teardown",
    "WaitForChannel",
    "WaitUntil",
    "AwaitTurn",
    "Release",
    "Gone",
    "Idle",
    "Running",
    "Transient",
    "Full",
    "Permanent",
    "Stale",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "States.Timeout",
    "2026-11-21T19:30:00Z",
    "not a time",
];

/// An execution that only waits ends after this many further steps; the shipped machine's timeout of
/// three hours ends it long before.
const STEPS: usize = 30_000;

/// The lanes that the shipped machine chooses between.
fn lanes() -> Vec<String> {
    let machine: Value = serde_json::from_str(RECONCILE).expect("the shipped machine is JSON");
    let choices = machine["States"]["Choose"]["Choices"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    choices
        .iter()
        .filter_map(|choice| choice["StringEquals"].as_str().map(str::to_owned))
        .collect()
}

/// What Plan answers: every name that the machine takes out of its answer.
fn plan(lane: &str) -> Value {
    let machine: Value = serde_json::from_str(RECONCILE).expect("the shipped machine is JSON");
    let taken = machine["States"]["Plan"]["ResultSelector"].as_object();
    let names = taken
        .into_iter()
        .flatten()
        .filter_map(|(_, path)| path.as_str()?.strip_prefix("$.Payload."));
    let answer = names.map(|name| {
        let value = match name {
            "lane" => json!(lane),
            "level" => json!("Running"),
            "until" | "looked_at" => json!("2026-11-21T19:30:00Z"),
            "hand_over" => json!(false),
            "look" => json!({"flow": null, "input": null, "flow_output": null, "channel": null}),
            _ => json!(1),
        };
        (name.to_owned(), value)
    });
    json!({ "ok": answer.collect::<serde_json::Map<_, _>>() })
}

impl Target for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn seeds(&self) -> Vec<String> {
        let claimed = json!({"ok": {"lap": 0, "knock": 3, "hand_over": false}});
        let done = json!({"ok": {"did": "done"}});
        let lanes = lanes().into_iter().map(|lane| {
            json!([claimed, plan(&lane), done, done, {"fail": "Transient"}, done, {"token": {"because": "event"}}, done, {"late": 30}, plan("Release"), done])
        });
        let errors = ["Transient", "Full", "Permanent", "Stale", "Lambda.Unknown", "States.Timeout", "Sandbox.Timedout"].map(|error| {
            json!([claimed, plan("Provision"), {"fail": error}, {"again": 1}, plan("Start"), {"silent": 1}, {"stop": 1}, {"redrive": 1}, {"fail": error}])
        });
        lanes
            .chain(errors)
            .map(|happenings| happenings.to_string())
            .collect()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        true
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        let Ok(Value::Array(happenings)) = serde_json::from_str::<Value>(input) else {
            return Ok(());
        };
        let mut run = Run::new();
        for happening in happenings.iter().take(200) {
            run.until_invoked()?;
            run.happens(happening);
            way_out(&run.execution)?;
            seen.note((
                run.execution.state(),
                run.execution.status().name(),
                happening.as_object().and_then(|it| it.keys().next()),
            ));
        }
        let told = run.execution.transitions();
        for _ in 0..STEPS {
            if run.execution.next_due().is_none() {
                break;
            }
            run.step();
        }
        if run.execution.status() == Status::Running {
            return Err(format!(
                "no end: after {} transitions and silence it is in {}",
                run.execution.transitions() - told,
                run.execution.state()
            ));
        }
        seen.note(("end", run.execution.state(), run.execution.status().name()));
        way_out(&run.execution)
    }
}

struct Run {
    execution: Execution,
    now: jiff::Timestamp,
    chance: Chance,
    open: Option<(u64, Option<String>)>,
}

impl Run {
    fn new() -> Run {
        static MACHINE: OnceLock<Arc<Machine>> = OnceLock::new();
        let machine = MACHINE.get_or_init(|| {
            Machine::parse("reconcile", RECONCILE, &functions())
                .expect("the shipped machine is taken")
        });
        let arn = "arn:aws:states:us-west-2:123456789012:execution:reconcile:a";
        Run {
            execution: Execution::start(
                machine.clone(),
                arn,
                "a",
                json!({"destination_id": "a"}),
                begin(),
            ),
            now: begin(),
            chance: Chance::new(7),
            open: None,
        }
    }

    /// Lets the next thing happen by itself.
    fn step(&mut self) -> bool {
        let Some(due) = self.execution.next_due() else {
            return false;
        };
        self.now = self.now.max(due);
        let chance = &mut self.chance;
        if let Some(Effect::Invoke { attempt, token, .. }) =
            self.execution.advance(self.now, &mut || chance.fraction())
        {
            self.open = Some((attempt, token));
            return true;
        }
        false
    }

    /// Goes on until a function is at work or it is over.
    fn until_invoked(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            if self.execution.open_attempt().is_some()
                || self.step()
                || self.execution.next_due().is_none()
            {
                return Ok(());
            }
        }
        Err(format!(
            "no end: it goes round in {}",
            self.execution.state()
        ))
    }

    fn happens(&mut self, happening: &Value) {
        let Some((kind, value)) = happening
            .as_object()
            .and_then(|entries| entries.iter().next())
        else {
            return;
        };
        let (attempt, token) = self.open.clone().unwrap_or((0, None));
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        match kind.as_str() {
            "ok" => self.execution.answer(self.now, attempt, Ok(value.clone())),
            "fail" => self.execution.answer(
                self.now,
                attempt,
                Err(Failure::of_function(&text(value), "A sentence.")),
            ),
            "again" => {
                // An answer of an attempt that is over, and of one that never was.
                self.execution
                    .answer(self.now, attempt.wrapping_sub(1), Ok(value.clone()));
                self.execution.answer(self.now, u64::MAX, Ok(value.clone()));
            }
            "token" => {
                let token = token.unwrap_or_else(|| text(value));
                // Whether it is accepted is the runner's business.
                let _ = self.execution.end_wait(self.now, &token, Ok(value.clone()));
                let _ = self.execution.heartbeat(self.now, &text(value));
            }
            "late" => {
                let seconds = value.as_i64().unwrap_or(0).clamp(0, 86_400);
                self.now = self
                    .now
                    .checked_add(SignedDuration::from_secs(seconds))
                    .unwrap_or(self.now);
                self.step();
            }
            "silent" => {
                self.step();
            }
            "stop" => self.execution.stop(self.now, &text(value), "By hand."),
            "redrive" => {
                let _ = self.execution.redrive(self.now);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn fuzzed_answers() {
        check(&Answers, 4_000);
    }

    #[test]
    fn seeds_go_every_lane() {
        assert!(lanes().len() >= 7, "{:?}", lanes());
    }
}
