//! The history of an execution, event for event as GetExecutionHistory tells it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::Failure;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened; AWS's event types, those of the state kinds folded into `Entered` and `Exited`.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// ExecutionStarted.
    Started {
        /// The execution's input.
        input: Arc<Value>,
    },
    /// TaskStateEntered, ChoiceStateEntered...
    Entered {
        /// The state's name.
        state: Arc<str>,
        /// Its raw input.
        input: Arc<Value>,
    },
    /// TaskScheduled: what AWS keeps of the call, so also what a leaked key would be found in.
    Scheduled {
        /// The invocation.
        attempt: u64,
        /// `Parameters` as they were resolved: FunctionName and Payload.
        parameters: Arc<Value>,
    },
    /// TaskStarted.
    TaskStarted {
        /// The invocation.
        attempt: u64,
    },
    /// TaskSubmitted: the function has answered, the token is still waited for.
    TaskSubmitted {
        /// The invocation.
        attempt: u64,
        /// The function's answer in the wrapper of `lambda:invoke`.
        output: Arc<Value>,
    },
    /// TaskSucceeded.
    TaskSucceeded {
        /// The invocation.
        attempt: u64,
        /// The raw output: the wrapper of `lambda:invoke`, or what SendTaskSuccess brought.
        output: Arc<Value>,
    },
    /// TaskFailed.
    TaskFailed {
        /// The invocation.
        attempt: u64,
        /// The error.
        failure: Failure,
    },
    /// TaskTimedOut.
    TaskTimedOut {
        /// The invocation.
        attempt: u64,
        /// The error.
        failure: Failure,
    },
    /// TaskStateExited, ChoiceStateExited...
    Exited {
        /// The state's name.
        state: Arc<str>,
        /// Its output.
        output: Arc<Value>,
    },
    /// ExecutionSucceeded.
    Succeeded {
        /// The execution's output.
        output: Arc<Value>,
    },
    /// ExecutionFailed.
    Failed {
        /// The error.
        failure: Failure,
    },
    /// ExecutionTimedOut.
    TimedOut,
    /// ExecutionAborted.
    Aborted {
        /// What StopExecution was given.
        failure: Failure,
    },
    /// ExecutionRedriven.
    Redriven {
        /// How many times by now.
        count: u64,
    },
}

impl What {
    /// AWS's name of the event, without the kind of state in those of entering and leaving one.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Started { .. } => "ExecutionStarted",
            What::Entered { .. } => "StateEntered",
            What::Scheduled { .. } => "TaskScheduled",
            What::TaskStarted { .. } => "TaskStarted",
            What::TaskSubmitted { .. } => "TaskSubmitted",
            What::TaskSucceeded { .. } => "TaskSucceeded",
            What::TaskFailed { .. } => "TaskFailed",
            What::TaskTimedOut { .. } => "TaskTimedOut",
            What::Exited { .. } => "StateExited",
            What::Succeeded { .. } => "ExecutionSucceeded",
            What::Failed { .. } => "ExecutionFailed",
            What::TimedOut => "ExecutionTimedOut",
            What::Aborted { .. } => "ExecutionAborted",
            What::Redriven { .. } => "ExecutionRedriven",
        }
    }

    /// The JSON it keeps, if any.
    pub fn value(&self) -> Option<&Value> {
        match self {
            What::Started { input } | What::Entered { input, .. } => Some(input),
            What::Scheduled { parameters, .. } => Some(parameters),
            What::TaskSubmitted { output, .. }
            | What::TaskSucceeded { output, .. }
            | What::Exited { output, .. }
            | What::Succeeded { output } => Some(output),
            _ => None,
        }
    }

    pub(crate) fn value_mut(&mut self) -> Option<&mut Arc<Value>> {
        match self {
            What::Started { input } | What::Entered { input, .. } => Some(input),
            What::Scheduled { parameters, .. } => Some(parameters),
            What::TaskSubmitted { output, .. }
            | What::TaskSucceeded { output, .. }
            | What::Exited { output, .. }
            | What::Succeeded { output } => Some(output),
            _ => None,
        }
    }

    /// The error it keeps, if any.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            What::TaskFailed { failure, .. }
            | What::TaskTimedOut { failure, .. }
            | What::Failed { failure }
            | What::Aborted { failure } => Some(failure),
            _ => None,
        }
    }
}
