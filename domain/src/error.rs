//! The four error names that the state machine matches, and nothing else.
//!
//! A worker maps whatever went wrong to one of them in one place (`cloud::fault`); the state
//! machine decides what to do. A message is one sentence of ours: it never quotes an answer of
//! AWS, because a validation error may echo the stream name.

use crate::problem::{Code, Problem};

/// Why a step did not do its work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Throttled, 5xx, timed out, not yet possible, outcome unknown: the same step again, later.
    #[error("{0}")]
    Transient(String),
    /// A quota is used up: unmake, wait for room, go on by itself.
    #[error("{}: {}", .0.code.as_str(), .0.message)]
    Full(Problem),
    /// Refused or invalid: trying again without a change is useless.
    #[error("{}: {}", .0.code.as_str(), .0.message)]
    Permanent(Problem),
    /// The execution is not the holder any more, or planned from something that has changed.
    #[error("{0}")]
    Stale(String),
}

impl Error {
    /// The name that `ErrorEquals` matches.
    pub fn name(&self) -> &'static str {
        match self {
            Error::Transient(_) => "Transient",
            Error::Full(_) => "Full",
            Error::Permanent(_) => "Permanent",
            Error::Stale(_) => "Stale",
        }
    }

    /// Shorthand for a refusal with a code.
    pub fn permanent(code: Code, message: impl Into<String>) -> Error {
        Error::Permanent(Problem::new(code, message))
    }

    /// Shorthand for "the same step again, later".
    pub fn transient(message: impl Into<String>) -> Error {
        Error::Transient(message.into())
    }
}

/// What the state machine hands to the Fail worker: `Error` and `Cause` of a caught error.
///
/// `Cause` of a failed function is a JSON text with `errorType` and `errorMessage`; of a timeout
/// or a service error it is a sentence or empty.
pub fn problem_of_cause(error: &str, cause: &str) -> Problem {
    let message = serde_json::from_str::<serde_json::Value>(cause)
        .ok()
        .and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()))
        .unwrap_or_default();
    if let Some((code, sentence)) = message.split_once(": ")
        && let Some(code) = Code::ALL.iter().find(|known| known.as_str() == code)
        && matches!(error, "Permanent" | "Full")
    {
        return Problem::new(*code, sentence);
    }
    // What the standard Retry covers has been tried until its budget was used up.
    let retried = error == "Transient"
        || error == "States.Timeout"
        || ["Lambda.", "Sandbox.", "Runtime."]
            .iter()
            .any(|service| error.starts_with(service));
    let sentence = match message.is_empty() {
        false if error == "Transient" => format!("The last try ended with: {message}"),
        _ => format!("A step ended with {error}."),
    };
    Problem::new(
        if retried {
            Code::RetriesExhausted
        } else {
            Code::Internal
        },
        sentence,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_travels_through_the_state_machine_with_its_code() {
        let error = Error::permanent(Code::ParameterMissing, "No such parameter.");
        let cause =
            serde_json::json!({"errorType": error.name(), "errorMessage": error.to_string()});
        let problem = problem_of_cause(error.name(), &cause.to_string());
        assert_eq!(
            problem,
            Problem::new(Code::ParameterMissing, "No such parameter.")
        );
    }

    #[test]
    fn whatever_else_arrives_is_a_used_up_budget_or_a_bug() {
        for (error, cause, code) in [
            ("States.Timeout", "", Code::RetriesExhausted),
            ("Lambda.Unknown", "not json", Code::RetriesExhausted),
            ("Runtime.ExitError", "{}", Code::RetriesExhausted),
            (
                "Transient",
                r#"{"errorMessage":"MediaLive throttled StartChannel"}"#,
                Code::RetriesExhausted,
            ),
            (
                "Permanent",
                r#"{"errorMessage":"no_such_code: x"}"#,
                Code::Internal,
            ),
            ("States.Runtime", "a path that is not there", Code::Internal),
        ] {
            assert_eq!(problem_of_cause(error, cause).code, code, "{error}");
        }
    }
}
