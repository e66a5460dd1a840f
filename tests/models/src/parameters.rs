//! Systems Manager's Parameter Store: versions, SecureString, and a stand-in for what is encrypted.

use crate::Answer;
use serde_json::Value;

/// All parameters of one account in one Region. No Debug: the values are stream keys.
#[derive(Clone, Default)]
pub struct Parameters {}

impl Parameters {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a parameter; over an older one it is the next version.
    pub fn put(&mut self, _name: &str, _value: &str, _secure: bool, _now_ms: u64) {}

    /// Removes a parameter with all its versions. False: there was none.
    pub fn delete(&mut self, _name: &str) -> bool {
        false
    }

    /// Answers one call. `operation` is the part of `x-amz-target` after the dot.
    pub fn handle(&mut self, now_ms: u64, operation: &str, _body: &Value) -> Answer {
        panic!("Parameter Store's {operation} is not modelled ({now_ms})");
    }
}
