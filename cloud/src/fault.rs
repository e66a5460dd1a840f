//! The one place where an answer of AWS becomes one of the four error names.
//!
//! Never from the text of a message where a status or a code will do, and never quoting one: a
//! validation error may echo a stream name. What is kept is the operation, the status, AWS's
//! error code, the request id and the paths of refused elements.

use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::{
    Error,
    problem::{Code, Problem},
};

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// No answer, or one that says nothing of the outcome: it may have happened.
    Unknown {
        /// The operation.
        operation: &'static str,
    },
    /// An answer that says no.
    Refused(Refusal),
}

/// An answer that says no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The operation, as AWS names it.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// AWS's name of the error.
    pub code: String,
    /// True where the answer means that a quota is used up.
    pub quota: bool,
    /// True where a role is not known to the service yet.
    pub role_unknown: bool,
    /// Paths of the elements that were refused.
    pub elements: Vec<String>,
}

impl CallError {
    /// Maps what an SDK client gave.
    pub fn new<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, Response>,
    ) -> CallError {
        let SdkError::ServiceError(answer) = error else {
            return CallError::Unknown { operation };
        };
        let status = answer.raw().status().as_u16();
        if matches!(status, 500..) {
            return CallError::Unknown { operation };
        }
        let code = answer.err().code().unwrap_or("").to_owned();
        // AWS does not say how it refuses what is over a quota, except for MediaConnect's 420:
        // here, and only here, words decide.
        let text = answer.err().message().unwrap_or("").to_ascii_lowercase();
        let throttled = is_throttle(status, &code);
        let quota = status == 420
            || code.contains("LimitExceeded") && !throttled
            || code.contains("QuotaExceeded")
            || matches!(
                operation,
                "CreateInput" | "CreateChannel" | "AddFlowOutputs"
            ) && matches!(status, 400 | 402 | 403 | 429)
                && ["quota", "limit exceeded", "maximum number"]
                    .iter()
                    .any(|words| text.contains(words))
                && !(status == 429 && text.contains("rate"));
        let role_unknown = status == 400 && text.contains("make sure the role exists");
        CallError::Refused(Refusal {
            operation,
            status,
            code,
            quota,
            role_unknown,
            elements: Vec::new(),
        })
    }

    /// Adds the paths of refused elements, which hold no values.
    pub fn with_elements(mut self, paths: impl Iterator<Item = String>) -> CallError {
        if let CallError::Refused(refusal) = &mut self {
            refusal.elements = paths.filter(|path| is_path(path)).take(5).collect();
        }
        self
    }

    /// The thing does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, CallError::Refused(refusal) if refusal.status == 404)
    }

    /// A condition of a conditional write does not hold.
    pub fn is_condition(&self) -> bool {
        matches!(self, CallError::Refused(refusal) if refusal.code == "ConditionalCheckFailedException")
    }

    /// Our own role may not make this call: a fault of ours or of the account, not of the record.
    pub fn is_denied(&self) -> bool {
        matches!(self, CallError::Refused(refusal) if refusal.is_denied())
    }

    /// The thing is in a state that does not allow it. AWS says so with 409; where its model has
    /// no 409 (MediaConnect, and StartChannel while a channel is being made) with 400.
    pub fn may_be_conflict(&self) -> bool {
        matches!(self, CallError::Refused(refusal) if matches!(refusal.status, 400 | 409) && !refusal.quota && !refusal.is_denied())
    }
}

impl Refusal {
    /// 403, or 400 with a code that says so: the services that speak AWS JSON know no 403.
    fn is_denied(&self) -> bool {
        !self.quota
            && (self.status == 403
                || self.code.starts_with("AccessDenied")
                || self.code == "UnauthorizedOperation")
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        match error {
            CallError::Unknown { operation } => {
                Error::transient(format!("{operation} got no answer that tells its outcome."))
            }
            CallError::Refused(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let Refusal {
            operation,
            status,
            code,
            ..
        } = &refusal;
        if refusal.quota {
            return Error::Full(Problem::new(
                Code::WaitingForQuota,
                format!(
                    "There is no room for another one: {operation} was refused with {status} {code}."
                ),
            ));
        }
        if is_throttle(*status, code)
            || *status == 409
            || refusal.role_unknown
            || code == "ConditionalCheckFailedException"
        {
            return Error::transient(format!(
                "{operation} was not possible yet: {status} {code}."
            ));
        }
        if refusal.is_denied() {
            return Error::permanent(
                Code::MissingPermission,
                format!("Lunora may not call {operation}: AWS answered {status} {code}."),
            );
        }
        let elements = if refusal.elements.is_empty() {
            String::new()
        } else {
            format!(" because of {}", refusal.elements.join(", "))
        };
        Error::permanent(
            Code::RefusedByAws,
            format!("AWS refused {operation} with {status} {code}{elements}."),
        )
    }
}

fn is_throttle(status: u16, code: &str) -> bool {
    // DynamoDB, Step Functions and Systems Manager answer 400 with a telling code.
    status == 429
        || matches!(
            code,
            "ThrottlingException"
                | "Throttling"
                | "TooManyRequestsException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "TransactionConflictException"
                | "ExecutionLimitExceeded"
        )
}

fn is_path(path: &str) -> bool {
    path.len() <= 120
        && path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '[' | ']' | '_'))
}
