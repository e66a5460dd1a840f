//! What happens within one step: entering a state, doing its work, leaving it.

use std::io;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::execution::{Execution, Phase, later};
use crate::history::What;
use crate::machine::{Kind, Machine, Next, State, Until};
use crate::path::Path;
use crate::template::{Context, Template};
use crate::trouble::{RUNTIME, TOO_LARGE};
use crate::words::{Effect, Failure, Status};

/// Step Functions' quota for the input or output of a state or a task, in bytes as UTF-8.
const LARGEST: usize = 262_144;
/// The longest a Wait state waits.
const LONGEST_WAIT: f64 = 99_999_999.0;

impl Execution {
    /// What is ready: leaves the state it is in, if that is over, and enters the next one.
    pub(crate) fn step(&mut self, now: Timestamp, chance: &mut dyn FnMut() -> f64) -> Effect {
        let (machine, at) = self.here();
        let state = &machine.states[at];
        match (
            std::mem::replace(&mut self.phase, Phase::Ended),
            &state.kind,
        ) {
            (Phase::Ready { .. }, _) => return self.enter(now, &machine),
            (Phase::Again { .. }, _) => return self.run(now, state),
            (Phase::Delayed { .. }, Kind::Task(task)) => return self.invoke(now, state, task),
            (
                Phase::Answered {
                    attempt, outcome, ..
                },
                Kind::Task(task),
            ) => {
                let outcome = outcome.and_then(|output| within(output, "the task's result"));
                match outcome {
                    Ok(output) => {
                        self.note(
                            now,
                            What::TaskSucceeded {
                                attempt,
                                output: output.clone(),
                            },
                        );
                        if let Err(failure) = self.take_result(now, state, task, output) {
                            self.fail(now, task, failure, chance);
                        }
                    }
                    Err(failure) => {
                        self.note(
                            now,
                            What::TaskFailed {
                                attempt,
                                failure: failure.clone(),
                            },
                        );
                        self.fail(now, task, failure, chance);
                    }
                }
            }
            (Phase::Working(work), Kind::Task(task)) => {
                let (attempt, failure) = work.timeout();
                self.note(
                    now,
                    What::TaskTimedOut {
                        attempt,
                        failure: failure.clone(),
                    },
                );
                self.fail(now, task, failure, chance);
            }
            (Phase::Waiting { .. }, Kind::Wait { next, .. }) => {
                let left = self
                    .effective_input(state)
                    .and_then(|input| self.leave(now, state, *next, input));
                if let Err(failure) = left {
                    self.end(now, Status::Failed, Err(failure));
                }
            }
            (phase, _) => self.phase = phase,
        }
        if let Phase::Ready { .. } = self.phase {
            self.enter(now, &machine)
        } else {
            Effect::Moved
        }
    }

    /// Enters the state it stands at.
    fn enter(&mut self, now: Timestamp, machine: &Machine) -> Effect {
        let state = &machine.states[self.at];
        self.transitions += 1;
        self.entered_at = now;
        self.note(
            now,
            What::Entered {
                state: state.name.clone(),
                input: self.raw.clone(),
            },
        );
        self.entered_event = self.history().len();
        self.retries = match &state.kind {
            Kind::Task(task) => vec![0; task.retry.len()],
            _ => Vec::new(),
        };
        self.run(now, state)
    }

    /// Does what the state does.
    fn run(&mut self, now: Timestamp, state: &State) -> Effect {
        match &state.kind {
            Kind::Task(task) => return self.invoke(now, state, task),
            Kind::Fail { error, cause } => {
                self.end(now, Status::Failed, Err(Failure::new(error, cause)));
                return Effect::Ended;
            }
            _ => {}
        }
        if let Err(failure) = self.run_quick(now, state) {
            self.end(now, Status::Failed, Err(failure));
        }
        Effect::Moved
    }

    /// A state without a task.
    fn run_quick(&mut self, now: Timestamp, state: &State) -> Result<(), Failure> {
        let input = self.effective_input(state)?;
        match &state.kind {
            Kind::Choice { rules, default } => {
                for (rule, next) in rules {
                    if rule.holds(&input).map_err(|why| self.runtime(&why))? {
                        return self.leave(now, state, Next::State(*next), input);
                    }
                }
                // A Choice state has no Catch: this fails the execution.
                let next = default.ok_or_else(|| {
                    Failure::new(
                        "States.NoChoiceMatched",
                        self.place("No choice rule matched."),
                    )
                })?;
                self.leave(now, state, Next::State(next), input)
            }
            Kind::Wait { until, .. } => {
                let until = self.wait_end(now, until, &input)?;
                self.phase = Phase::Waiting { until };
                Ok(())
            }
            Kind::Pass {
                result,
                parameters,
                result_path,
                next,
            } => {
                let input = match parameters {
                    Some(template) => Arc::new(self.fill(template, "Parameters", &input)?),
                    None => input,
                };
                let result = result.clone().map_or(input, Arc::new);
                let output = self.combine(result_path.as_ref(), result)?;
                self.leave(now, state, *next, output)
            }
            Kind::Succeed => self.leave(now, state, Next::End, input),
            Kind::Task(_) | Kind::Fail { .. } => Ok(()),
        }
    }

    /// When the wait that begins now is over.
    fn wait_end(&self, now: Timestamp, until: &Until, input: &Value) -> Result<Timestamp, Failure> {
        let found = |path: &Path, field: &str| {
            let missing = || {
                self.runtime(&format!(
                    "The {field} parameter '{}' does not reference a valid value",
                    path.text()
                ))
            };
            path.get(input).cloned().ok_or_else(missing)
        };
        let wrong = |field: &str, value: &Value| {
            self.runtime(&format!(
                "The {field} parameter does not reference a valid value: {value}"
            ))
        };
        Ok(match until {
            Until::Seconds(seconds) => later(now, *seconds),
            Until::SecondsAt(path) => {
                let value = found(path, "SecondsPath")?;
                let seconds = value.as_f64().filter(|seconds| {
                    (0.0..=LONGEST_WAIT).contains(seconds) && seconds.fract() == 0.0
                });
                later(
                    now,
                    SignedDuration::from_secs(
                        seconds.ok_or_else(|| wrong("SecondsPath", &value))? as i64
                    ),
                )
            }
            Until::Time(time) => now.max(*time),
            Until::TimeAt(path) => {
                let value = found(path, "TimestampPath")?;
                let time: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
                now.max(time.ok_or_else(|| wrong("TimestampPath", &value))?)
            }
        })
    }

    /// Leaves a state that did its work.
    pub(crate) fn leave(
        &mut self,
        now: Timestamp,
        state: &State,
        next: Next,
        output: Arc<Value>,
    ) -> Result<(), Failure> {
        let output = self.select(state.output_path.as_ref(), "OutputPath", output)?;
        // What went in is known to fit.
        let same = Arc::ptr_eq(&output, &self.raw);
        let output = if same {
            output
        } else {
            within(output, "the state's output")?
        };
        match next {
            Next::State(next) => self.go(now, next, output),
            Next::End => {
                self.note(
                    now,
                    What::Exited {
                        state: state.name.clone(),
                        output: output.clone(),
                    },
                );
                self.end(now, Status::Succeeded, Ok(output));
            }
        }
        Ok(())
    }

    /// On to another state.
    pub(crate) fn go(&mut self, now: Timestamp, next: usize, output: Arc<Value>) {
        let (machine, at) = self.here();
        self.note(
            now,
            What::Exited {
                state: machine.states[at].name.clone(),
                output: output.clone(),
            },
        );
        self.at = next;
        self.raw = output;
        self.phase = Phase::Ready { since: now };
    }

    /// The state's input after `InputPath`.
    pub(crate) fn effective_input(&self, state: &State) -> Result<Arc<Value>, Failure> {
        self.select(state.input_path.as_ref(), "InputPath", self.raw.clone())
    }

    /// What a path selects; nothing at all for null.
    fn select(
        &self,
        path: Option<&Path>,
        field: &str,
        value: Arc<Value>,
    ) -> Result<Arc<Value>, Failure> {
        let Some(path) = path else {
            return Ok(Arc::new(json!({})));
        };
        if path.is_root() {
            return Ok(value);
        }
        let why = || {
            self.runtime(&format!(
                "Invalid path '{}' in {field}: it is not in '{value}'",
                path.text()
            ))
        };
        path.get(&value).cloned().map(Arc::new).ok_or_else(why)
    }

    /// The state's raw input with a result put where `ResultPath` says.
    pub(crate) fn combine(
        &self,
        path: Option<&Path>,
        result: Arc<Value>,
    ) -> Result<Arc<Value>, Failure> {
        let Some(path) = path else {
            return Ok(self.raw.clone());
        };
        if path.is_root() {
            return Ok(result);
        }
        let put = path.put(Value::clone(&self.raw), Arc::unwrap_or_clone(result));
        let cause = || {
            self.place(&format!(
                "Unable to apply ResultPath '{}' to the input '{}'",
                path.text(),
                self.raw
            ))
        };
        put.map(Arc::new)
            .ok_or_else(|| Failure::new("States.ResultPathMatchFailure", cause()))
    }

    /// A template filled from a value.
    pub(crate) fn fill(
        &self,
        template: &Template,
        field: &str,
        input: &Value,
    ) -> Result<Value, Failure> {
        template
            .fill(field, input, &|what| self.context(what))
            .map_err(|why| self.runtime(&why))
    }

    /// The context object.
    pub(crate) fn context(&self, what: &Context) -> Option<Value> {
        let machine_arn = || {
            self.arn()
                .replacen(":execution:", ":stateMachine:", 1)
                .rsplit_once(':')
                .map(|(arn, _)| arn.to_owned())
        };
        Some(match what {
            Context::ExecutionId => json!(self.arn()),
            Context::ExecutionName => json!(self.name()),
            Context::ExecutionInput(path) => path.get(self.input())?.clone(),
            Context::StartTime => json!(format!("{:.3}", self.started())),
            Context::RedriveCount => json!(self.redrive_count()),
            Context::StateName => json!(self.state()),
            Context::EnteredTime => json!(format!("{:.3}", self.entered_at)),
            Context::RetryCount => json!(self.retries.iter().sum::<u64>()),
            Context::MachineId => json!(machine_arn()?),
            Context::MachineName => json!(machine_arn()?.rsplit_once(':')?.1),
            Context::TaskToken => return None,
        })
    }

    /// The error of something Step Functions cannot process.
    pub(crate) fn runtime(&self, why: &str) -> Failure {
        Failure::new(RUNTIME, self.place(why))
    }

    fn place(&self, why: &str) -> String {
        format!(
            "An error occurred while executing the state '{}' (entered at the event id #{}). {why}",
            self.state(),
            self.entered_event
        )
    }
}

/// A value that is not over the quota.
pub(crate) fn within(value: Arc<Value>, what: &str) -> Result<Arc<Value>, Failure> {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value made of JSON can always be written, and this writer takes everything.
    let written = serde_json::to_writer(&mut count, &*value).is_ok();
    if written && count.0 <= LARGEST {
        return Ok(value);
    }
    Err(Failure::new(
        TOO_LARGE,
        format!(
            "{what} has {} bytes, more than the {LARGEST} that are allowed",
            count.0
        ),
    ))
}
