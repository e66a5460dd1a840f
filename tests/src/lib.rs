//! The house rules, as tests.
//!
//! Each module holds one family of rules as plain functions from text or data to a list of
//! complaints, and two kinds of test: the house itself has no complaint, and a planted violation
//! has one. A rule whose planted violation goes through is worth nothing.
//!
//! - `arrows`: which crate may depend on which
//! - `spellings`: folder, crate, function, state and permission have one name
//! - `story`: the lint of the state machines
//! - `permissions`: what roles may and may not hold
//! - `provoked`: which test provokes which problem code
//! - `needs`: each role allows what its worker calls, no more and no less
//! - `samples`: the events that the workers are tried with
//! - `secrets`: nothing real in the repository
//! - `wiring`: what the template gives tables, logs and mappings
//! - `alarms`: what they watch, and that nothing goes unwatched
//! - `manners`: file lengths, doc comments, unfinished work, runbooks

pub mod alarms;
pub mod arrows;
pub mod house;
pub mod manners;
pub mod needs;
pub mod permissions;
pub mod provoked;
pub mod samples;
pub mod secrets;
pub mod spellings;
pub mod story;
pub mod template;
pub mod wiring;
