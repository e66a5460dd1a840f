//! An incident that is open, as the ledger's helper row has it.

use super::{Cause, incident_id};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whoever tells has told within this, seconds, or never will: seven tries of 20 s, 122 s between them.
const TELLING_SECONDS: i64 = 300;

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
    /// When that execution set about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tells_since: Option<Timestamp>,
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
            tells_since: None,
            watched_by: None,
            part_of: None,
        }
    }

    /// Whether an execution is to tell it at a time: nobody does, or another one set about it too long ago
    /// and never got there. `told`: people have been told of it.
    pub fn is_to_tell(&self, execution: &str, told: bool, now: Timestamp) -> bool {
        let by = self.told_by.as_deref();
        let overdue = |at| now >= crate::ledger::after(at, TELLING_SECONDS);
        by.is_none() || !told && (by == Some(execution) || self.tells_since.is_some_and(overdue))
    }

    /// Notes who sets about telling it.
    pub fn tell(&mut self, execution: &str, now: Timestamp) {
        self.told_by = Some(execution.to_owned());
        self.tells_since = Some(now);
    }

    /// When it is worth a look.
    pub fn look_at(&self) -> Timestamp {
        crate::ledger::after(self.since, self.cause.debounce_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::after;

    #[test]
    fn one_execution_tells_and_another_one_when_it_never_got_there() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let noted = |by: Option<&str>, seconds: i64| Open {
            told_by: by.map(str::to_owned),
            tells_since: by.map(|_| after(now, -seconds)),
            ..Open::new("a", "1", Cause::InputLoss, now)
        };
        let cases = [
            (None, 0, false, true),
            (Some("me"), 1, false, true),
            (Some("me"), 400, true, false),
            (Some("other"), 299, false, false),
            (Some("other"), 300, false, true),
            (Some("other"), 400, true, false),
        ];
        for (by, seconds, told, tells) in cases {
            let open = noted(by, seconds);
            assert_eq!(
                open.is_to_tell("me", told, now),
                tells,
                "{by:?} {seconds} {told}"
            );
        }
    }
}
