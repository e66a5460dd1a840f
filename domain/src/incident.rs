//! Incidents: what MediaLive and MediaConnect complain of, paired, sorted into causes and weighed.
//!
//! Both services tell by events, best effort: lost, doubled, late and out of order. So an event only
//! says that a look is worth while; what stands is MediaLive's own list of alerts, where each has its
//! time of SET and of CLEARED. An incident is one outage of one thing: it begins with the first alert
//! of a cause and ends when none of that cause has been left for a quiet time.

mod open;
mod outage;

pub use open::Open;
pub use outage::{Listed, Outage, outage};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::problem::Code;

/// Why a running channel is not a live stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing arrives from the flow.
    InputLoss,
    /// The platform does not take the stream: it cannot be reached, or closes the connection.
    RtmpFailed,
    /// The picture is black or the sound is missing.
    BlackOrSilent,
    /// A pipeline has failed or is repaired by MediaLive.
    PipelineFailed,
    /// MediaLive may not read or reach what it needs.
    Permissions,
    /// A source of the flow has dropped or is damaged.
    SourceUnhealthy,
    /// AWS restarts something in its maintenance window.
    Maintenance,
    /// A limit is near or has acted. No outage: it is told, and nothing is watched.
    Limit,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The audience does not notice yet.
    Warning,
    /// The audience sees nothing, or not the programme.
    Critical,
}

/// Alert texts of MediaLive by cause (MediaLive user guide: the list of alerts, with their numbers
/// in the log and metric pages). A text that is not here is no incident of ours.
const ALERTS: &[(&str, Cause)] = &[
    ("Input Image Missing", Cause::InputLoss), // 5002
    (
        "Initial Probe is Taking Longer Than Expected",
        Cause::InputLoss,
    ), // 5007
    ("Input Resource is Inaccessible", Cause::Permissions), // 5008
    ("Audio Not Detected", Cause::BlackOrSilent), // 5101
    ("Audio PID Missing", Cause::BlackOrSilent), // 5102
    ("Video Not Detected", Cause::InputLoss),  // 5201
    ("Black Video Detected", Cause::BlackOrSilent), // 5202
    ("Stopped Receiving UDP Input", Cause::InputLoss), // 5302, also for RTP
    ("RTP Header Corruption", Cause::InputLoss), // 5304
    ("Failed to Create Output File or Socket", Cause::RtmpFailed), // 6005
    ("Failed to Write to Output", Cause::RtmpFailed), // 6006
    ("Failed RTMP Connection", Cause::RtmpFailed), // 6018
    (
        "Failed to Validate Certificate Chain When Publishing",
        Cause::RtmpFailed,
    ), // 6028
    ("Pipeline is Paused", Cause::PipelineFailed), // 6033
    ("Output Group is Paused", Cause::PipelineFailed), // 6036
    ("Unable to retrieve secret", Cause::Permissions), // 6047
];

impl Cause {
    /// Every cause of an outage.
    pub const ALL: [Cause; 7] = [
        Cause::InputLoss,
        Cause::RtmpFailed,
        Cause::BlackOrSilent,
        Cause::PipelineFailed,
        Cause::Permissions,
        Cause::SourceUnhealthy,
        Cause::Maintenance,
    ];

    /// The cause of an alert of MediaLive, by its `alert_type`.
    pub fn of_alert(alert_type: &str) -> Option<Cause> {
        ALERTS
            .iter()
            .find(|(text, _)| text.eq_ignore_ascii_case(alert_type.trim()))
            .map(|(_, cause)| *cause)
    }

    /// The text of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::InputLoss => "input_loss",
            Cause::RtmpFailed => "rtmp_failed",
            Cause::BlackOrSilent => "black_or_silent",
            Cause::PipelineFailed => "pipeline_failed",
            Cause::Permissions => "permissions",
            Cause::SourceUnhealthy => "source_unhealthy",
            Cause::Maintenance => "maintenance",
            Cause::Limit => "limit",
        }
    }

    /// How long it must last before anybody is told, seconds. What a person cannot act on in that
    /// time, and what heals by itself in it, is not worth a message: MediaLive's own reconnecting
    /// takes about twenty seconds, a switch of sources half a second.
    pub fn debounce_seconds(self) -> i64 {
        match self {
            Cause::InputLoss => 5,
            Cause::RtmpFailed => 15,
            Cause::BlackOrSilent => 30,
            Cause::PipelineFailed => 30,
            Cause::Permissions => 0,
            Cause::SourceUnhealthy => 5,
            Cause::Maintenance => 0,
            Cause::Limit => 0,
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Cause::InputLoss | Cause::RtmpFailed | Cause::PipelineFailed | Cause::Permissions => {
                Severity::Critical
            }
            Cause::BlackOrSilent | Cause::SourceUnhealthy | Cause::Maintenance | Cause::Limit => {
                Severity::Warning
            }
        }
    }

    /// The problem a record shows while it lasts.
    pub fn code(self) -> Code {
        match self {
            Cause::InputLoss => Code::NoInput,
            Cause::RtmpFailed => Code::RtmpFailed,
            Cause::BlackOrSilent => Code::BlackOrSilent,
            Cause::PipelineFailed => Code::PipelineFailed,
            Cause::Permissions => Code::MissingPermission,
            Cause::SourceUnhealthy => Code::SourceUnhealthy,
            Cause::Maintenance => Code::Maintenance,
            Cause::Limit => Code::CapWarning,
        }
    }
}

/// What everything is about that concerns the feed, in the place of a destination's id.
pub const FLOW: &str = "flow";

/// Two outages of one cause with less than this between them are one incident, seconds: whoever is
/// told that it is over may rely on it. MediaLive's own reconnecting takes about twenty.
pub const QUIET_SECONDS: i64 = 60;

/// Whose turn it is to have its alerts listed in this pass of the sweep, `most` of them, all in turn.
pub fn turn(now: Timestamp, ids: &[String], most: usize) -> Vec<String> {
    if ids.is_empty() {
        return Vec::new();
    }
    let pass = usize::try_from(now.as_second().max(0) / 60).unwrap_or_default();
    let first = pass.wrapping_mul(most) % ids.len();
    ids.iter()
        .cycle()
        .skip(first)
        .take(most.min(ids.len()))
        .cloned()
        .collect()
}

/// One cause that lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// The channel it is about: a trouble of an earlier life says nothing of this one.
    #[serde(default)]
    pub channel_id: String,
    /// Since when.
    pub since: Timestamp,
    /// The alerts that say so.
    #[serde(default)]
    pub alert_types: Vec<String>,
}

/// The key of an incident in its table: sorted by time, and the same for whoever opens it.
pub fn incident_id(cause: Cause, since: Timestamp) -> String {
    format!(
        "{}#{}",
        since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        cause.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn every_channel_has_its_turn() {
        let ids: Vec<String> = (0..23).map(|number| number.to_string()).collect();
        let mut had = std::collections::BTreeSet::new();
        for pass in 0..3 {
            let turn = turn(at(pass * 60), &ids, 10);
            assert_eq!(turn.len(), 10);
            had.extend(turn);
        }
        assert_eq!(had.len(), 23);
        assert_eq!(turn(at(0), &ids[..2], 10).len(), 2);
        assert!(turn(at(0), &[], 10).is_empty());
    }

    #[test]
    fn every_alert_text_has_a_cause_and_unknown_ones_none() {
        for (text, cause) in ALERTS {
            assert_eq!(Cause::of_alert(&text.to_uppercase()), Some(*cause));
        }
        assert_eq!(Cause::of_alert("Large Upload Cache Backlog"), None);
    }

    #[test]
    fn ids_sort_by_time() {
        assert_eq!(
            incident_id(Cause::InputLoss, at(0)),
            "2027-01-15T08:00:00Z#input_loss"
        );
    }
}
