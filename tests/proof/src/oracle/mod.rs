//! The oracles: after every step of a world they judge what is there against what is promised, in
//! the cloud's own book and not only in our tables.
//!
//! [`Oracles::look`] is called after every step and does nothing when nothing changed. One function
//! holds one promise; its first sentence says what it promises, and where its bound comes from.
//!
//! - `sight`, `rows`, `wish`, `encoding`: what is looked at, read with eyes of their own
//! - `watch`, `memory`, `happenings`: what is remembered from look to look, and what each happening tells
//! - `clock`, `limits`, `course`: what a record means without an edit: its times, its limits, its second
//!   address
//! - `things` (S1, S2, S3), `record` (S4), `secrecy` (S5), `stops` (S6, S7), `mirror` and `problems`
//!   (S8), `calls` (S9), `bounds` (S10, L6), `content`, `money`, `air`: the safety oracles
//! - `telling`: one message for each incident, and one when it is over
//! - `restless`: whether a house has come to rest; `rest`: the liveness oracles for one that has (L1, L2);
//!   `end`: that it ends as without faults (L4)

pub mod air;
pub mod bounds;
pub mod calls;
pub mod canary;
pub mod clock;
pub mod content;
pub mod course;
pub mod encoding;
pub mod end;
pub mod happenings;
pub mod house;
pub mod limits;
pub mod memory;
pub mod mirror;
pub mod money;
pub mod problems;
pub mod record;
pub mod rest;
pub mod restless;
pub mod rows;
pub mod secrecy;
pub mod sight;
pub mod stops;
pub mod telling;
#[cfg(test)]
mod tests;
pub mod things;
pub mod watch;
pub mod wish;

use std::fmt;

pub use sight::{House, Key, Table};
pub use watch::Oracles;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise: `S1 one channel`.
    pub invariant: &'static str,
    /// When it was seen, milliseconds since 1970.
    pub at: u64,
    /// Whose, if it is one destination's.
    pub destination: Option<String>,
    /// What was seen, naming state and call. Never a key.
    pub sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.destination.as_deref().unwrap_or("the house");
        write!(out, "{}: {whose}: {}", self.invariant, self.sentence)
    }
}

/// The numbers of the house and of its promises.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The stack's label.
    pub stack: String,
    /// Where key parameters live.
    pub prefix: String,
    /// The flow.
    pub flow: String,
    /// The role that MediaLive assumes.
    pub role: String,
    /// The input security group.
    pub group: String,
    /// `GRACE_SECONDS` in milliseconds (template's parameter).
    pub grace: u64,
    /// `FLOW_GRACE_SECONDS` in milliseconds (template's parameter).
    pub flow_grace: u64,
    /// How the ARN of an execution begins that watches an incident.
    pub incidents: String,
    /// The stack's limit of time without a picture, milliseconds.
    pub no_input: Option<u64>,
    /// The stack's limit of one stretch of streaming, milliseconds.
    pub session: Option<u64>,
    /// Time between two sweeps in milliseconds (template's schedule: one minute).
    pub sweep: u64,
    /// How many sources the flow has.
    pub sources: usize,
    /// Whether events and records of the stream are delivered at all.
    pub hints: bool,
    /// Whether any fault may happen in this run: without, the strictest bounds hold.
    pub calm: bool,
    /// Whether no fault may happen but words of what is not ours.
    pub well_told: bool,
    /// Whether reads may be stale in this run.
    pub stale: bool,
    /// How far a worker's clock may be off in this run, milliseconds.
    pub clock_off: u64,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            stack: "lunora".into(),
            prefix: "/lunora-player/streaming".into(),
            flow: String::new(),
            role: String::new(),
            group: String::new(),
            grace: 900_000,
            flow_grace: 900_000,
            incidents: String::new(),
            no_input: None,
            session: None,
            sweep: 60_000,
            sources: 1,
            hints: true,
            calm: true,
            well_told: true,
            stale: false,
            clock_off: 0,
        }
    }
}
