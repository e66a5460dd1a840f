//! Invocations: a handler begins, is polled when one of its calls is answered, answers or dies.

use super::{World, queue::Happening, records::Invocation};
use crate::{
    Edge, Fault, Sink, What,
    chance::For,
    connector::{self, Reply},
    functions::{self, Running},
};
use cloud::Error;
use runner::Failure;
use serde_json::{Value, json};

/// From an invocation to the handler's first line, milliseconds: a warm function.
const BEGIN_MS: (u64, u64) = (5, 50);

/// Who waits for an invocation.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// A task of an execution.
    Task(u32, u64),
    /// The mapping of the stream.
    Stream(usize),
    /// Lambda's own queue of events.
    Event(Box<super::events::Delivery>),
    /// The schedule.
    Tick,
}

/// An invocation under way.
pub(super) struct Live {
    caller: Caller,
    /// Until it begins.
    payload: Option<Value>,
    running: Option<Running>,
    /// How far its clock is off, milliseconds.
    skew: i64,
    /// Calls without an answer.
    waiting: usize,
}

impl World {
    /// Invokes a function.
    pub(super) fn invoke(
        &mut self,
        worker: &'static str,
        payload: Value,
        caller: Caller,
        destination: Option<String>,
    ) {
        let number = self.invocations.len() as u32;
        let (nth, fault) = self.decide_edge(Edge::Invoked(worker));
        let which = crate::chance::of_text(worker);
        let lag = self.chance.way(For::Begin, which, u64::from(nth), BEGIN_MS);
        self.invocations.push(Invocation {
            worker,
            execution: match &caller {
                Caller::Task(execution, _) => Some(*execution),
                _ => None,
            },
            destination,
            began: self.now,
            ended: None,
            outcome: None,
            spoilt: match fault {
                Some(Fault::AnswerLost) => Some("Lambda.SdkClientException"),
                Some(Fault::CrashAfter) => Some("Lambda.Unknown"),
                _ => None,
            },
        });
        let skew = match fault {
            Some(Fault::ClockJump(seconds)) => i64::from(seconds) * 1000,
            _ => 0,
        };
        self.live.insert(
            number,
            Live {
                caller,
                payload: Some(payload),
                running: None,
                skew,
                waiting: 0,
            },
        );
        if self.down.contains("lambda") {
            self.die(number, "Lambda.ServiceException");
            return;
        }
        match fault {
            Some(Fault::ErrorBefore(_)) => self.die(number, "Lambda.ServiceException"),
            Some(Fault::Throttled(_)) => self.die(number, "Lambda.TooManyRequestsException"),
            Some(Fault::CrashBefore) => self.die(number, "Runtime.ExitError"),
            Some(Fault::Delayed(seconds)) => {
                self.later(
                    self.now + u64::from(seconds) * 1000,
                    Happening::Begin(number),
                );
            }
            _ => self.later(self.now + lag, Happening::Begin(number)),
        }
    }

    /// The handler's first poll.
    pub(super) fn begin(&mut self, number: u32) {
        let Some(live) = self.live.get_mut(&number) else {
            return;
        };
        let invocation = &mut self.invocations[number as usize];
        invocation.began = self.now;
        let worker = invocation.worker;
        let (_, begin) = functions::find(worker).expect("an invocation is of a known worker");
        let payload = live.payload.take().unwrap_or_default();
        // As a UUID looks, the same in every run.
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let running = begin(self.cloud_of(number), payload, id);
        if let Some(live) = self.live.get_mut(&number) {
            live.running = Some(running);
        }
        self.trace.note(self.now, What::Invoked(number));
        let limit = self.now + self.house.function_ms(worker);
        self.later(limit, Happening::FunctionTimeout(number));
        self.poll(number, None);
    }

    /// Polls a handler, perhaps with the answer it waits for, and takes down what it did.
    pub(super) fn poll(&mut self, number: u32, reply: Option<(u64, Reply)>) {
        let Some(live) = self.live.get_mut(&number) else {
            return;
        };
        let Some(running) = live.running.as_mut() else {
            return;
        };
        let clock = self.now as i64 + live.skew;
        if reply.is_some() {
            live.waiting -= 1;
        }
        let polled = connector::poll(running.as_mut(), clock, reply);
        live.waiting += polled.sent.len();
        assert!(
            polled.result.is_some() || live.waiting > 0,
            "{} waits for something that is no call to AWS",
            self.invocations[number as usize].worker
        );
        for line in polled.lines {
            self.sink(Sink::Log, line);
        }
        for request in polled.sent {
            // A crash at the first of several calls leaves the others unsent.
            if self.live.contains_key(&number) {
                self.send(number, request);
            }
        }
        if let Some(result) = polled.result {
            self.answered(number, result);
        }
    }

    fn answered(&mut self, number: u32, result: Result<Value, Error>) {
        let outcome = result.map_err(|error| failure(error.name(), &error.to_string()));
        let text = match &outcome {
            Ok(value) => value.to_string(),
            Err(failure) => failure.cause.clone(),
        };
        self.sink(Sink::Outcome, text);
        self.trace.note(self.now, What::Returned(number));
        let seen = match self.invocations[number as usize].spoilt {
            Some(error) => Err(failure(error, "The answer of the function was lost.")),
            None => outcome.clone(),
        };
        self.end(number, outcome, seen);
    }

    /// The function dies: its future is dropped, whatever it was doing.
    pub(super) fn die(&mut self, number: u32, error: &'static str) {
        if !self.live.contains_key(&number) {
            return;
        }
        self.trace.note(self.now, What::Died(number, error));
        let words = match error {
            "Sandbox.Timedout" => "Task timed out after 15.00 seconds",
            "Runtime.ExitError" => "Runtime exited with error: exit status 1",
            _ => "The function could not be run.",
        };
        let dead = Err(failure(error, words));
        self.end(number, dead.clone(), dead);
    }

    fn end(&mut self, number: u32, outcome: Result<Value, Failure>, seen: Result<Value, Failure>) {
        let Some(live) = self.live.remove(&number) else {
            return;
        };
        let invocation = &mut self.invocations[number as usize];
        invocation.ended = Some(self.now);
        invocation.outcome = Some(outcome);
        match live.caller {
            Caller::Task(execution, attempt) => self.task_done(execution, attempt, seen),
            Caller::Stream(shard) => self.batch_done(shard, &seen),
            Caller::Event(delivery) => self.event_done(*delivery, seen.is_ok()),
            Caller::Tick => {}
        }
    }
}

/// An error as Lambda tells it: name, and JSON text as cause.
fn failure(error: &str, message: &str) -> Failure {
    let cause = json!({"errorType": error, "errorMessage": message}).to_string();
    Failure::new(error, cause)
}
