//! The words the runner and its caller share: what an execution asks for, how it stands, what went wrong.

use std::fmt;

use serde_json::Value;

/// How an execution stands, as DescribeExecution says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It has not ended.
    Running,
    /// It ended in a Succeed state or in a state with `End`.
    Succeeded,
    /// It ended in a Fail state, or by an error that no Catch took.
    Failed,
    /// The state machine's own `TimeoutSeconds` passed.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

impl Status {
    /// The spelling of the Step Functions API.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::TimedOut => "TIMED_OUT",
            Status::Aborted => "ABORTED",
        }
    }
}

/// What one step of an execution asks of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A Lambda function is to be invoked; its answer goes to `Execution::answer`.
    Invoke {
        /// The `FunctionName` as it stands in the state machine, substitutions done.
        function: String,
        /// The event the function receives.
        payload: Value,
        /// Unique per invocation within the execution.
        attempt: u64,
        /// The task token, if the state waits for one.
        token: Option<String>,
    },
    /// A message is to be sent; its answer goes to `Execution::answer`.
    Publish {
        /// The topic's ARN, substitutions done.
        topic: String,
        /// One line.
        subject: String,
        /// The rest.
        message: String,
        /// Unique per invocation within the execution.
        attempt: u64,
    },
    /// It moved on and asks for nothing: a Choice, a Pass, the start of a wait or of a retry's delay.
    Moved,
    /// It is over; `Execution::status` says how.
    Ended,
}

/// An error with the two texts Step Functions knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name that Retry and Catch match.
    pub error: String,
    /// Free text; for an error a Lambda function answered, JSON text.
    pub cause: String,
}

impl Failure {
    /// An error of this name for this reason.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Failure {
        Failure {
            error: error.into(),
            cause: cause.into(),
        }
    }

    /// What a Lambda function answered that ended with an error: Step Functions takes the error's type as its name
    /// and the whole answer as its cause.
    pub fn of_function(error_type: &str, message: &str) -> Failure {
        let answer = serde_json::json!({ "errorMessage": message, "errorType": error_type });
        Failure::new(error_type, answer.to_string())
    }
}

/// Why a token was not accepted, as SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// The task this token was made for is over.
    TaskTimedOut,
    /// No task of this execution was ever given this token.
    InvalidToken,
}

/// Why a state machine, or a request about an execution, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// A task token that is still waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenToken<'a> {
    /// The token.
    pub token: &'a str,
    /// The state that waits.
    pub state: &'a str,
    /// When it was handed out.
    pub since: jiff::Timestamp,
    /// When the task that waits for it times out.
    pub due: jiff::Timestamp,
}
