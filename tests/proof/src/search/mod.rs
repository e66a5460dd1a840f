//! The search for a schedule that breaks a promise.
//!
//! - `scripts`, `stories`: what operators do, and what becomes of a stream without them
//! - `recording`: the places that a script passes when nothing goes wrong; they may not become fewer
//! - `singles`: every fault at every place of every recording, and pairs of them
//! - `chance`: random scripts under random weather, one seed each
//! - `crew`: many runs on all cores, with progress
//! - `branches`: many faults of one script, with the way to each of them gone once

pub mod branches;
pub mod chance;
pub mod crew;
pub mod recording;
pub mod scripts;
pub mod singles;
pub mod stories;

use crate::{Plan, Setup};

/// One run to be made: everything it takes to make it again.
#[derive(Clone, Debug)]
pub struct Task {
    /// What to call it: `singles: kept warm: create-channel/medialive:CreateChannel#1: AnswerLost`.
    pub name: String,
    /// What the operator does.
    pub setup: Setup,
    /// What goes wrong.
    pub plan: Plan,
}
