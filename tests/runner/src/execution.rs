//! One execution: where it stands, when it is due, and one step at a time.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Effect, Event, Failure, Machine, OpenToken, Refusal, Status, TokenProblem};

/// One execution of a state machine.
#[derive(Clone, Debug)]
pub struct Execution {
    machine: Arc<Machine>,
    arn: String,
    name: String,
    input: Arc<Value>,
    started: Timestamp,
    history: Vec<Event>,
}

impl Execution {
    /// A new execution; its first step is due at once.
    pub fn start(
        machine: Arc<Machine>,
        arn: &str,
        name: &str,
        input: Value,
        now: Timestamp,
    ) -> Execution {
        Execution {
            machine,
            arn: arn.into(),
            name: name.into(),
            input: Arc::new(input),
            started: now,
            history: Vec::new(),
        }
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        Status::Running
    }

    /// The state it is in.
    pub fn state(&self) -> &str {
        self.machine.name()
    }

    /// When `advance` is to be called next: at once for a step that is ready, else the earliest of wait, delay and
    /// timeouts. None once it has ended.
    pub fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// One transition at most, or one due timer; None if nothing is due. `chance` gives numbers from 0 up to
    /// but without 1, for the jitter of retries.
    pub fn advance(&mut self, _now: Timestamp, _chance: &mut dyn FnMut() -> f64) -> Option<Effect> {
        None
    }

    /// The answer of the function invoked as `attempt`: what it returned (without the wrapper of `lambda:invoke`),
    /// or its error. The answer of an attempt that is over changes nothing.
    pub fn answer(&mut self, _now: Timestamp, _attempt: u64, _outcome: Result<Value, Failure>) {}

    /// SendTaskSuccess or SendTaskFailure.
    pub fn end_wait(
        &mut self,
        _now: Timestamp,
        _token: &str,
        _outcome: Result<Value, Failure>,
    ) -> Result<(), TokenProblem> {
        Err(TokenProblem::InvalidToken)
    }

    /// SendTaskHeartbeat.
    pub fn heartbeat(&mut self, _now: Timestamp, _token: &str) -> Result<(), TokenProblem> {
        Err(TokenProblem::InvalidToken)
    }

    /// StopExecution. Stopping what has ended changes nothing.
    pub fn stop(&mut self, _now: Timestamp, _error: &str, _cause: &str) {}

    /// RedriveExecution: goes on with the state that did not succeed, with that state's same input.
    pub fn redrive(&mut self, _now: Timestamp) -> Result<(), Refusal> {
        Err(Refusal(
            "an execution that succeeded or still runs cannot be redriven".into(),
        ))
    }

    /// The tokens that are still waited for; at most one.
    pub fn open_tokens(&self) -> impl Iterator<Item = OpenToken<'_>> {
        [].into_iter()
    }

    /// All events so far.
    pub fn history(&self) -> &[Event] {
        &self.history
    }

    /// The states entered so far, in order.
    pub fn entered(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }

    /// What it was started with.
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// Its output, once it succeeded.
    pub fn output(&self) -> Option<&Value> {
        None
    }

    /// Its error, once it failed, timed out or was stopped.
    pub fn failure(&self) -> Option<&Failure> {
        None
    }

    /// State transitions as they are billed: one for each state entered, one more for each retry.
    pub fn transitions(&self) -> u64 {
        0
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When it ended.
    pub fn stopped(&self) -> Option<Timestamp> {
        None
    }

    /// How many times it was redriven.
    pub fn redrive_count(&self) -> u64 {
        0
    }
}

/// The ARN of the execution a task token belongs to.
pub fn execution_of(token: &str) -> Option<&str> {
    token.rsplit_once('#').map(|(arn, _)| arn)
}
