//! DynamoDB: tables with one hash key, expressions, conditions, pages, stream, time to live.

use crate::{Answer, StreamRecord};
use serde_json::Value;

/// All tables of one account in one Region.
#[derive(Clone, Debug, Default)]
pub struct Database {
    stream: Vec<StreamRecord>,
}

impl Database {
    /// No tables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a table whose key is one attribute of type S. `stream`: with NEW_AND_OLD_IMAGES.
    pub fn create_table(&mut self, name: &str, _hash_key: &str, _stream: bool) {
        panic!("the table {name} cannot be made yet");
    }

    /// Switches time to live on: items whose `attribute` (Unix seconds) has passed may go.
    pub fn expire_by(&mut self, table: &str, _attribute: &str) {
        panic!("there is no table {table}");
    }

    /// Removes every item whose time to live has passed, as DynamoDB does some time after it has.
    /// Gives back how many went. Their stream records name dynamodb.amazonaws.com as the doer.
    pub fn expire(&mut self, _now_ms: u64) -> usize {
        0
    }

    /// Answers one call. `operation` is the part of `x-amz-target` after the dot.
    pub fn handle(&mut self, now_ms: u64, operation: &str, _body: &Value) -> Answer {
        panic!("DynamoDB's {operation} is not modelled ({now_ms})");
    }

    /// Answers a read as of an earlier moment, at most two seconds back, as an eventually consistent
    /// read may be answered. A read that asks for ConsistentRead gets the newest all the same.
    pub fn handle_stale(&self, as_of_ms: u64, operation: &str, _body: &Value) -> Answer {
        panic!("DynamoDB's {operation} is not modelled ({as_of_ms})");
    }

    /// Takes what the streams hold, oldest first.
    pub fn take_stream(&mut self) -> Vec<StreamRecord> {
        std::mem::take(&mut self.stream)
    }

    /// The items of a table by key, as DynamoDB's JSON, in no order that means anything.
    pub fn items(&self, _table: &str) -> impl Iterator<Item = (&str, &Value)> {
        std::iter::empty()
    }

    /// One item, without a call.
    pub fn item(&self, _table: &str, _key: &str) -> Option<&Value> {
        None
    }
}
