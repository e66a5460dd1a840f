//! What comes in and goes out, without HTTP: a request, an answer, and the errors in AWS's shape.
//! An answer can say that it must be lost on the way or come late, so that a server closes the
//! connection and an in-process scheduler can do the same under a virtual clock.

use serde_json::{Map, Value, json};

/// One request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// The query string as sent, without the question mark.
    pub query: String,
    /// The body (JSON or empty).
    pub body: Vec<u8>,
    /// The access key id that signed it.
    pub caller: Option<String>,
}

/// One answer.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `x-amzn-ErrorType`, for errors.
    pub error: Option<String>,
    /// `x-amzn-RequestId`.
    pub request_id: String,
    /// JSON, or Null for an empty body.
    pub body: Value,
    /// True if the effect has happened but the caller must not learn of it.
    pub lost: bool,
    /// Real milliseconds to hold the answer back.
    pub delay_ms: u64,
}

/// An error on its way to the caller; its name follows from the operation and the status.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub status: u16,
    pub message: String,
    pub validation: Vec<(String, String)>,
}

impl ApiError {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            validation: Vec::new(),
        }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 422 with one entry per element that is wrong.
    pub fn unprocessable(validation: Vec<(String, String)>) -> Self {
        let message = match validation.as_slice() {
            [(path, text)] => format!("{path}: {text}"),
            many => format!("{} elements are not valid", many.len()),
        };
        Self {
            status: 422,
            message,
            validation,
        }
    }

    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("message".into(), json!(self.message));
        if self.status == 422 {
            let rows = self.validation.iter();
            let rows = rows.map(|(path, text)| json!({"elementPath": path, "errorMessage": text}));
            body.insert("validationErrors".into(), Value::Array(rows.collect()));
        }
        Value::Object(body)
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], pair) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The query string as pairs, in order, decoded.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (
                decode(&key.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        })
        .collect()
}
