//! Task states: the invocation, its result, and what becomes of a failure.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::execution::{Execution, Phase, Work, later};
use crate::history::What;
use crate::machine::{State, Task, Timeout};
use crate::step::within;
use crate::template::Context;
use crate::words::{Effect, Failure, Status};

impl Execution {
    /// Invokes the function of a task.
    pub(crate) fn invoke(&mut self, now: Timestamp, state: &State, task: &Task) -> Effect {
        let attempt = self.attempts + 1;
        let token = task.token.then(|| format!("{}#{attempt}", self.arn()));
        let (parameters, timeout) = match self.prepare(state, task, token.as_deref()) {
            Ok(prepared) => prepared,
            Err(failure) => {
                // Only what a Catch names can take it; there is nothing to try again.
                self.catch(now, task, failure);
                return Effect::Moved;
            }
        };
        let payload = parameters["Payload"].clone();
        let message = task.publishes.then(|| parameters.clone());
        self.note(
            now,
            What::Scheduled {
                attempt,
                parameters,
            },
        );
        self.note(now, What::TaskStarted { attempt });
        let heartbeat = task.heartbeat.map(|longest| (longest, later(now, longest)));
        let due = later(now, timeout);
        self.begin_work(Work {
            attempt,
            token: token.clone(),
            since: now,
            due,
            heartbeat,
            submitted: false,
        });
        if let Some(message) = message {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            return Effect::Publish {
                topic: task.target.clone(),
                subject: text("Subject"),
                message: text("Message"),
                attempt,
            };
        }
        Effect::Invoke {
            function: task.target.clone(),
            payload,
            attempt,
            token,
        }
    }

    /// What a task is invoked with, and how long it may take.
    fn prepare(
        &self,
        state: &State,
        task: &Task,
        token: Option<&str>,
    ) -> Result<(Arc<Value>, SignedDuration), Failure> {
        let input = self.effective_input(state)?;
        let context = |what: &Context| match what {
            Context::TaskToken => token.map(Value::from),
            what => self.context(what),
        };
        let filled = task.payload.fill("Parameters", &input, &context);
        let parameters = filled.map_err(|why| self.runtime(&why))?;
        let timeout = match &task.timeout {
            Timeout::Seconds(seconds) => *seconds,
            // Documented as a path to a positive whole number in the state's input.
            Timeout::SecondsAt(path) => {
                let seconds = path
                    .get(&input)
                    .and_then(Value::as_i64)
                    .filter(|seconds| *seconds > 0);
                let why = || {
                    format!(
                        "The TimeoutSecondsPath '{}' is no positive whole number",
                        path.text()
                    )
                };
                SignedDuration::from_secs(seconds.ok_or_else(|| self.runtime(&why()))?)
            }
        };
        Ok((within(Arc::new(parameters), "the task's input")?, timeout))
    }

    /// Goes on with what a task brought.
    pub(crate) fn take_result(
        &mut self,
        now: Timestamp,
        state: &State,
        task: &Task,
        output: Arc<Value>,
    ) -> Result<(), Failure> {
        let result = match &task.selector {
            Some(template) => Arc::new(self.fill(template, "ResultSelector", &output)?),
            None => output,
        };
        let output = self.combine(task.result_path.as_ref(), result)?;
        self.leave(now, state, task.next, output)
    }

    /// A task failed: tries again, or catches, or ends. The first retrier that matches decides; when it is used up,
    /// the catchers are asked.
    pub(crate) fn fail(
        &mut self,
        now: Timestamp,
        task: &Task,
        failure: Failure,
        chance: &mut dyn FnMut() -> f64,
    ) {
        let retrier = task
            .retry
            .iter()
            .position(|retrier| retrier.errors.matches(&failure.error));
        match retrier {
            Some(which) if self.retries[which] < task.retry[which].max_attempts => {
                let delay = task.retry[which].delay(self.retries[which], chance);
                self.retries[which] += 1;
                self.transitions += 1;
                self.phase = Phase::Delayed {
                    until: later(now, delay),
                };
            }
            _ => self.catch(now, task, failure),
        }
    }

    /// Goes on where the first catcher that matches says, or ends.
    pub(crate) fn catch(&mut self, now: Timestamp, task: &Task, failure: Failure) {
        let Some(catcher) = task
            .catch
            .iter()
            .find(|catcher| catcher.errors.matches(&failure.error))
        else {
            return self.end(now, Status::Failed, Err(failure));
        };
        let result = json!({ "Error": failure.error, "Cause": failure.cause });
        match self
            .combine(catcher.result_path.as_ref(), Arc::new(result))
            .and_then(|output| within(output, "the state's output"))
        {
            Ok(output) => self.go(now, catcher.next, output),
            Err(failure) => self.end(now, Status::Failed, Err(failure)),
        }
    }
}
