//! What a service answers: a status, the name of the error if it is one, a body.

use serde_json::{Value, json};

/// One answer over the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The error's name without its namespace: what the SDKs make of `__type`.
    pub error: Option<String>,
    /// The JSON body.
    pub body: Value,
}

/// A refusal on its way to the caller.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub name: &'static str,
    pub message: String,
    /// Members beside the message, such as the item of a failed condition.
    pub more: Vec<(&'static str, Value)>,
}

impl Refusal {
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
            more: Vec::new(),
        }
    }

    /// DynamoDB's word for nearly everything that is wrong with a request.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }
}

impl Answer {
    /// Turns a result into an answer.
    pub(crate) fn of(result: Result<Value, Refusal>) -> Answer {
        match result {
            Ok(body) => Answer {
                status: 200,
                error: None,
                body,
            },
            Err(refusal) => {
                let mut body = json!({"__type": refusal.name});
                if !refusal.message.is_empty() {
                    body["message"] = refusal.message.into();
                }
                for (name, value) in refusal.more {
                    body[name] = value;
                }
                Answer {
                    status: 400,
                    error: Some(refusal.name.to_owned()),
                    body,
                }
            }
        }
    }
}
