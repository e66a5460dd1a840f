//! The words, rules and decisions of Lunora. Pure: no AWS, no async, no clock, no randomness.
//! Time, ids and what was seen are arguments.

pub mod address;
pub mod caps;
pub mod cost;
pub mod encoder;
pub mod error;
pub mod failover;
pub mod flow;
pub mod heard;
pub mod incident;
pub mod ledger;
pub mod look;
pub mod name;
pub mod network;
pub mod news;
pub mod pace;
pub mod plan;
pub mod platform;
pub mod preset;
pub mod problem;
pub mod record;
pub mod report;
pub mod schedule;
pub mod session;
pub mod sweep;
pub mod telling;

pub use error::Error;

/// The port every RTP push input of MediaLive listens on (MediaLive user guide, RTP push inputs).
pub const INPUT_PORT: i32 = 5000;
