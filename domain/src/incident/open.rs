//! An incident that is open, as the ledger's helper row has it.

use super::{Cause, incident_id};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An incident from its first word to its end, as the ledger's helper row has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The destination, or [`super::FLOW`].
    pub destination_id: String,
    /// Its key in the table of incidents.
    pub incident_id: String,
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// The channel it is about; empty for the flow.
    #[serde(default)]
    pub channel_id: String,
    /// It has an item in the table of incidents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// The execution that tells it, or told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<String>,
    /// The execution that watches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_by: Option<String>,
    /// The incident of the flow that explains it: told there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

impl Open {
    /// An incident that somebody has just heard of.
    pub fn new(destination_id: &str, channel_id: &str, cause: Cause, since: Timestamp) -> Open {
        Open {
            destination_id: destination_id.to_owned(),
            incident_id: incident_id(cause, since),
            cause,
            since,
            channel_id: channel_id.to_owned(),
            kept: false,
            told_by: None,
            watched_by: None,
            part_of: None,
        }
    }

    /// When it is worth a look.
    pub fn look_at(&self) -> Timestamp {
        crate::ledger::after(self.since, self.cause.debounce_seconds())
    }
}
