//! What the oracles look at: the cloud's own book, both tables, the trace. A trait, so that an oracle
//! can be shown a violation made by hand; the world is one implementation, a test's stage the other.

use serde_json::Value;
use simulator::core::book::Book;

use super::bounds::{Size, Token};
use crate::setup::Act;
use crate::trace::Event;
use crate::world::{Call, Invocation, Sink};

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The operator's.
    Destinations,
    /// Ours.
    Ledger,
}

/// A key's parameter as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its version.
    pub version: u64,
    /// The fingerprint of its value.
    pub fingerprint: u64,
    /// Whether it is a SecureString.
    pub secure: bool,
}

/// A house that can be looked at after each of its steps.
pub trait House {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// The simulated account's book.
    fn book(&self) -> Book<'_>;
    /// An item of a table as DynamoDB's JSON.
    fn item(&self, table: Table, key: &str) -> Option<&Value>;
    /// Every key of a table.
    fn keys(&self, table: Table) -> Vec<String>;
    /// The parameter of this name.
    fn key(&self, parameter: &str) -> Option<Key>;
    /// What happened, from the beginning.
    fn events(&self) -> &[Event];
    /// An act of the script.
    fn act(&self, number: u32) -> &Act;
    /// A call of the trace.
    fn call(&self, number: u32) -> &Call;
    /// An invocation of the trace.
    fn invocation(&self, number: u32) -> &Invocation;
    /// An execution's ARN and destination.
    fn execution(&self, number: u32) -> (String, String);
    /// The knock that the plan knew of from which an invocation acts.
    fn planned_knock(&self, invocation: u32) -> Option<u64>;
    /// How big an execution has become.
    fn size(&self, number: u32) -> Size;
    /// Every task token that is waited for.
    fn tokens(&self) -> Vec<Token>;
    /// Every key that was ever planted.
    fn planted(&self) -> Vec<&str>;
    /// What was written where it can be read.
    fn sinks(&self) -> &[(Sink, u64, String)];
}
