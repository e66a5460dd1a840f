//! One execution: where it stands, when it is due, and what the world can do to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::history::{Event, What};
use crate::machine::Machine;
use crate::trouble::{HEARTBEAT, RUNTIME, TIMEOUT};
use crate::words::{Effect, Failure, Refusal, Status, TokenProblem};

/// A history holds 25,000 events, of which the last is the end of the execution.
const MOST_EVENTS: usize = 25_000;
/// Step Functions ends an execution after a year as one that timed out, and redrives it for 14 days after its end.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
const REDRIVABLE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// One execution of a state machine.
#[derive(Clone, Debug)]
pub struct Execution {
    pub(crate) machine: Arc<Machine>,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) input: Arc<Value>,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    status: Status,
    pub(crate) failure: Option<Failure>,
    pub(crate) output: Option<Arc<Value>>,
    deadline: Timestamp,
    pub(crate) phase: Phase,
    /// The state it is in, or enters first, and that state's raw input.
    pub(crate) at: usize,
    pub(crate) raw: Arc<Value>,
    pub(crate) entered_at: Timestamp,
    pub(crate) entered_event: usize,
    /// How often each retrier of the state was used.
    pub(crate) retries: Vec<u64>,
    pub(crate) attempts: u64,
    /// The attempts that were given a token.
    tokens: BTreeSet<u64>,
    pub(crate) redrives: u64,
    pub(crate) transitions: u64,
    pub(crate) history: Vec<Event>,
    overflow: bool,
}

/// What it waits for.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// To enter its state.
    Ready { since: Timestamp },
    /// To run its state again after a redrive: it was entered before.
    Again { since: Timestamp },
    /// For an answer.
    Working(Work),
    /// To go on with an answer that has come.
    Answered {
        since: Timestamp,
        attempt: u64,
        outcome: Result<Arc<Value>, Failure>,
    },
    /// For the delay of a retry to pass.
    Delayed { until: Timestamp },
    /// For a Wait state to pass.
    Waiting { until: Timestamp },
    /// For nothing.
    Ended,
}

/// An invocation under way.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) attempt: u64,
    pub(crate) token: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) due: Timestamp,
    /// How long without a heartbeat is too long, and when that is.
    pub(crate) heartbeat: Option<(SignedDuration, Timestamp)>,
    pub(crate) submitted: bool,
}

impl Work {
    /// When it times out, one way or the other.
    pub(crate) fn limit(&self) -> Timestamp {
        self.heartbeat
            .map_or(self.due, |(_, due)| due.min(self.due))
    }

    /// The error of having timed out.
    pub(crate) fn timeout(&self) -> (u64, Failure) {
        let error = if self.limit() < self.due {
            HEARTBEAT
        } else {
            TIMEOUT
        };
        (self.attempt, Failure::new(error, ""))
    }
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
        let input = Arc::new(input);
        let mut new = Execution {
            arn: arn.into(),
            name: name.into(),
            started: now,
            ended: None,
            status: Status::Running,
            failure: None,
            output: None,
            deadline: later(
                now,
                machine.timeout.unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE),
            ),
            phase: Phase::Ready { since: now },
            at: machine.start,
            raw: input.clone(),
            entered_at: now,
            entered_event: 0,
            retries: Vec::new(),
            attempts: 0,
            tokens: BTreeSet::new(),
            redrives: 0,
            transitions: 0,
            history: Vec::new(),
            overflow: false,
            input,
            machine,
        };
        new.note(
            now,
            What::Started {
                input: new.input.clone(),
            },
        );
        new
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The state it is in, or is about to enter.
    pub fn state(&self) -> &str {
        &self.machine.states[self.at].name
    }

    /// When `advance` is to be called next: at once for a step that is ready, else the earliest of wait, delay and
    /// timeouts. None once it has ended.
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = match &self.phase {
            Phase::Ready { since } | Phase::Again { since } | Phase::Answered { since, .. } => {
                *since
            }
            Phase::Working(work) => work.limit(),
            Phase::Delayed { until } | Phase::Waiting { until } => *until,
            Phase::Ended => return None,
        };
        Some(due.min(self.deadline))
    }

    /// One transition at most, or one due timer; None if nothing is due. `chance` gives numbers from 0 up to
    /// but without 1, for the jitter of retries.
    pub fn advance(&mut self, now: Timestamp, chance: &mut dyn FnMut() -> f64) -> Option<Effect> {
        if self.next_due()? > now {
            return None;
        }
        if self.deadline <= now {
            self.end(now, Status::TimedOut, Err(Failure::new(TIMEOUT, "")));
            return Some(Effect::Ended);
        }
        let effect = self.step(now, chance);
        if self.overflow && self.status == Status::Running {
            let cause = format!(
                "The execution reached the maximum number of history events ({MOST_EVENTS})."
            );
            self.end(now, Status::Failed, Err(Failure::new(RUNTIME, cause)));
        }
        Some(if self.status == Status::Running {
            effect
        } else {
            Effect::Ended
        })
    }

    /// The answer of the function invoked as `attempt`: what it returned (without the wrapper of `lambda:invoke`),
    /// or its error. The answer of an attempt that is over changes nothing.
    pub fn answer(&mut self, now: Timestamp, attempt: u64, outcome: Result<Value, Failure>) {
        let Phase::Working(work) = &mut self.phase else {
            return;
        };
        if work.attempt != attempt || work.limit() < now || work.submitted {
            return;
        }
        let outcome = outcome.map(|payload| {
            // Put in afterwards: the macro would copy it.
            let mut output = json!({ "ExecutedVersion": "$LATEST", "StatusCode": 200 });
            output["Payload"] = payload;
            Arc::new(output)
        });
        match (work.token.is_some(), outcome) {
            (true, Ok(output)) => {
                work.submitted = true;
                self.note(now, What::TaskSubmitted { attempt, output });
            }
            (_, outcome) => {
                self.phase = Phase::Answered {
                    since: now,
                    attempt,
                    outcome,
                }
            }
        }
    }

    /// SendTaskSuccess or SendTaskFailure.
    pub fn end_wait(
        &mut self,
        now: Timestamp,
        token: &str,
        outcome: Result<Value, Failure>,
    ) -> Result<(), TokenProblem> {
        let attempt = self.open_work(now, token)?.attempt;
        self.phase = Phase::Answered {
            since: now,
            attempt,
            outcome: outcome.map(Arc::new),
        };
        Ok(())
    }

    /// SendTaskHeartbeat.
    pub fn heartbeat(&mut self, now: Timestamp, token: &str) -> Result<(), TokenProblem> {
        if let Some((longest, due)) = &mut self.open_work(now, token)?.heartbeat {
            *due = later(now, *longest);
        }
        Ok(())
    }

    /// The invocation that waits for this token.
    fn open_work(&mut self, now: Timestamp, token: &str) -> Result<&mut Work, TokenProblem> {
        let attempt = token
            .strip_prefix(self.arn.as_str())
            .and_then(|rest| rest.strip_prefix('#')?.parse().ok());
        let attempt = attempt
            .filter(|attempt| self.tokens.contains(attempt))
            .ok_or(TokenProblem::InvalidToken)?;
        match &mut self.phase {
            Phase::Working(work) if work.attempt == attempt && now <= work.limit() => Ok(work),
            _ => Err(TokenProblem::TaskTimedOut),
        }
    }

    /// StopExecution. Stopping what has ended changes nothing.
    pub fn stop(&mut self, now: Timestamp, error: &str, cause: &str) {
        if self.status == Status::Running {
            self.end(now, Status::Aborted, Err(Failure::new(error, cause)));
        }
    }

    /// RedriveExecution: goes on with the state that did not succeed, with that state's same input. Documented as:
    /// retries start anew, the state machine's timeout starts anew, a redrive counts as a transition, and it takes
    /// an execution that did not succeed, ended in the last 14 days, began in the last year and has room in its history.
    pub fn redrive(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let refuse = |why: &str| Err(Refusal(format!("{} cannot be redriven: {why}", self.arn)));
        match self.ended {
            None => return refuse("it is still running"),
            Some(_) if self.status == Status::Succeeded => return refuse("it succeeded"),
            Some(ended) if now.duration_since(ended) > REDRIVABLE => {
                return refuse("it ended more than 14 days ago");
            }
            Some(_) if now.duration_since(self.started) > LONGEST_LIFE => {
                return refuse("it began more than a year ago");
            }
            Some(_) if self.history.len() >= MOST_EVENTS - 1 => {
                return refuse("its history is full");
            }
            Some(_) => {}
        }
        self.redrives += 1;
        self.transitions += 1;
        self.status = Status::Running;
        self.failure = None;
        self.ended = None;
        let timeout = self.machine.timeout.unwrap_or(LONGEST_LIFE);
        self.deadline = later(now, timeout).min(later(self.started, LONGEST_LIFE));
        self.retries = vec![0; self.retries.len()];
        let entered = self.entered_event > 0 && self.is_entered();
        self.phase = if entered {
            Phase::Again { since: now }
        } else {
            Phase::Ready { since: now }
        };
        self.note(
            now,
            What::Redriven {
                count: self.redrives,
            },
        );
        Ok(())
    }

    /// Forgets the JSON that the events from this one on kept, for whoever has thousands of
    /// executions and reads none of it. What happened, and when, stays.
    pub fn forget_values(&mut self, from: usize) {
        let nothing = Arc::new(Value::Null);
        for event in self.history.iter_mut().skip(from) {
            if let Some(value) = event.what.value_mut() {
                *value = Arc::clone(&nothing);
            }
        }
    }

    /// Whether the state it stands at was entered, and not only decided upon.
    fn is_entered(&self) -> bool {
        let left = |event: &Event| matches!(&event.what, What::Exited { .. });
        !self.history[self.entered_event..].iter().any(left)
    }

    /// The state it stands at.
    pub(crate) fn here(&self) -> (Arc<Machine>, usize) {
        (self.machine.clone(), self.at)
    }

    /// A new invocation of the task it stands at.
    pub(crate) fn begin_work(&mut self, work: Work) {
        if work.token.is_some() {
            self.tokens.insert(work.attempt);
        }
        self.attempts = work.attempt;
        self.phase = Phase::Working(work);
    }

    /// Adds an event, if there is room for it and for the last one.
    pub(crate) fn note(&mut self, at: Timestamp, what: What) {
        let last = matches!(
            what,
            What::Succeeded { .. } | What::Failed { .. } | What::TimedOut | What::Aborted { .. }
        );
        if self.history.len() < MOST_EVENTS - 1 || (last && self.history.len() < MOST_EVENTS) {
            self.history.push(Event { at, what });
        } else {
            self.overflow = true;
        }
    }

    /// The end of it.
    pub(crate) fn end(
        &mut self,
        now: Timestamp,
        status: Status,
        outcome: Result<Arc<Value>, Failure>,
    ) {
        self.status = status;
        self.ended = Some(now);
        self.phase = Phase::Ended;
        let what = match (status, &outcome) {
            (Status::TimedOut, _) => What::TimedOut,
            (_, Ok(output)) => What::Succeeded {
                output: output.clone(),
            },
            (Status::Aborted, Err(failure)) => What::Aborted {
                failure: failure.clone(),
            },
            (_, Err(failure)) => What::Failed {
                failure: failure.clone(),
            },
        };
        self.note(now, what);
        match outcome {
            Ok(output) => self.output = Some(output),
            Err(failure) => self.failure = Some(failure),
        }
    }
}

/// The ARN of the execution a task token belongs to.
pub fn execution_of(token: &str) -> Option<&str> {
    token.rsplit_once('#').map(|(arn, _)| arn)
}

/// So much later, or the end of time.
pub(crate) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
