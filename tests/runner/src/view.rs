//! What can be seen of an execution from outside.

use jiff::Timestamp;
use serde_json::Value;

use crate::execution::{Execution, Phase};
use crate::history::{Event, What};
use crate::words::{Failure, OpenToken};

impl Execution {
    /// The tokens that are still waited for; at most one.
    pub fn open_tokens(&self) -> impl Iterator<Item = OpenToken<'_>> {
        let work = if let Phase::Working(work) = &self.phase {
            Some(work)
        } else {
            None
        };
        work.into_iter().filter_map(|work| {
            let token = work.token.as_deref()?;
            Some(OpenToken {
                token,
                state: self.state(),
                since: work.since,
                due: work.limit(),
            })
        })
    }

    /// The invocation that has not been answered yet, if there is one.
    pub fn open_attempt(&self) -> Option<u64> {
        match &self.phase {
            Phase::Working(work) if !work.submitted => Some(work.attempt),
            _ => None,
        }
    }

    /// All events so far.
    pub fn history(&self) -> &[Event] {
        &self.history
    }

    /// The states entered so far, in order.
    pub fn entered(&self) -> impl Iterator<Item = &str> {
        self.history.iter().filter_map(|event| match &event.what {
            What::Entered { state, .. } => Some(&**state),
            _ => None,
        })
    }

    /// What it was started with.
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// Its output, once it succeeded.
    pub fn output(&self) -> Option<&Value> {
        self.output.as_deref()
    }

    /// Its error, once it failed, timed out or was stopped.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// State transitions as they are billed: one for each state entered, one more for each retry and each redrive.
    pub fn transitions(&self) -> u64 {
        self.transitions
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
        self.ended
    }

    /// How many times it was redriven.
    pub fn redrive_count(&self) -> u64 {
        self.redrives
    }
}
