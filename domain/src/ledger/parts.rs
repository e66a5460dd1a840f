//! What a row is made of.

use crate::{failover::UrlType, incident::Cause, problem::Problem, record::Configuration};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A wish, reduced to what tells it from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Fingerprint of the operator's attributes. Not the attributes: an address may hold a key by mistake.
    pub attributes: String,
    /// The same without what asks for nothing else of the channel; empty in a row of an older version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked: String,
    /// Which key the parameter holds, when that could be read: a number that no two keys share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_version: Option<i64>,
}

/// A configuration that the cloud matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The configuration.
    pub configuration: Configuration,
    /// Whether it was streaming: a refused edit falls back to no more than that.
    pub streaming: bool,
}

/// A thing whose id is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// AWS's id.
    pub id: String,
    /// When we learned it.
    pub at: Timestamp,
    /// An input's first address, `198.51.100.7`; empty for a channel or while unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
}

/// A create that was, or may have been, sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sought {
    /// The incarnation in its request id.
    pub incarnation: u64,
    /// When it was about to be sent.
    pub at: Timestamp,
}

/// What the steps need of the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aim {
    /// The configuration.
    pub configuration: Configuration,
    /// The record's `retry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// Which of the record's addresses that is.
    #[serde(default, skip_serializing_if = "UrlType::is_primary")]
    pub url_type: UrlType,
    /// Switches and new starts by ourselves so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restarts: u64,
    /// The fingerprint of the other address, if that is held as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_address: Option<String>,
}

/// What a channel was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnAir {
    /// The attributes an edit can change.
    pub configuration: Configuration,
    /// Fingerprint of the encoder settings the preset stood for.
    pub settings: String,
    /// Which key the parameter held: a number that no two keys share.
    pub key_version: i64,
    /// The input it is attached to.
    pub input_id: String,
    /// The record's `retry` at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// Which of the record's addresses that is.
    #[serde(default, skip_serializing_if = "UrlType::is_primary")]
    pub url_type: UrlType,
    /// Switches and new starts by ourselves before it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restarts: u64,
}

/// An act that was about to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The step: `create-channel`.
    pub operation: String,
    /// Until when its effect may still land.
    pub until: Timestamp,
}

/// A state of the state machine that waits for the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// The task token.
    pub token: String,
    /// What is waited for.
    pub until: Until,
    /// Since when.
    pub since: Timestamp,
    /// When AWS took the call before it, by the clock of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}

/// What a PollChannel state waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Until {
    /// A create or an update to end.
    Idle,
    /// A start to end.
    Running,
    /// A stop to end.
    Stopped,
    /// A delete to end.
    Deleted,
    /// Its turn in the line of an API.
    Turn,
}

impl Until {
    /// The step whose end is waited for.
    pub fn operation(self) -> &'static str {
        match self {
            Until::Idle => "create-channel",
            Until::Running => "start-channel",
            Until::Stopped => "stop-channel",
            Until::Deleted => "delete-channel",
            // A place in a line is no call.
            Until::Turn => "",
        }
    }
}

/// One try that counts against a budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The generation it was for.
    pub generation: u64,
    /// When.
    pub at: Timestamp,
    /// When AWS took it, by the clock of its answer; until there is one, when it was about to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
}

impl Attempt {
    /// One that has no answer yet.
    pub fn new(generation: u64, at: Timestamp) -> Attempt {
        Attempt {
            generation,
            at,
            taken_at: None,
        }
    }
}

/// A judgement that holds for one generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The generation it was passed on.
    pub generation: u64,
    /// Why, and what to do.
    pub problem: Problem,
    /// When we try again by ourselves; absent when only a person helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
    /// A plan has been made since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heeded: bool,
    /// It was passed on something that is made or kept: it does not hold back what takes that down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps: bool,
}

/// Waiting for room under a quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaWait {
    /// Since when: the longest waiter goes first.
    pub since: Timestamp,
    /// What there was no room for.
    pub problem: Problem,
    /// How many channels and inputs existed in the account when it was refused, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The sweep says: try now.
    #[serde(default)]
    pub turn: bool,
    /// When it was last tried.
    pub tried_at: Timestamp,
}

/// What a Plan left a destination at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// The channel's state then; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// True when it rests only because the flow has to come up first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_flow: bool,
    /// The flow's status then; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// True when the destination needs the flow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_flow: bool,
    /// The troubles of which Plan knew, and since when each was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub troubles: BTreeMap<Cause, Timestamp>,
}

/// A state that is passed through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passing {
    /// The channel's state.
    pub state: String,
    /// Since when it was seen.
    pub since: Timestamp,
}

/// Which problem is on show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnShow {
    /// Its code.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
}
