//! Incidents: what MediaLive and MediaConnect complain of, paired, sorted into causes and weighed.
//!
//! Both services tell by events, best effort: lost, doubled, late and out of order. An alert is
//! therefore known by channel and alarm id, and only a newer word about it counts. An incident is
//! one outage of one thing: it begins with the first alert of a cause and ends when none of that
//! cause is left.

use std::collections::BTreeMap;

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
    /// Every cause.
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
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Cause::InputLoss | Cause::RtmpFailed | Cause::PipelineFailed | Cause::Permissions => {
                Severity::Critical
            }
            Cause::BlackOrSilent | Cause::SourceUnhealthy | Cause::Maintenance => Severity::Warning,
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
        }
    }
}

/// The last word about one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// MediaLive's `alert_type`.
    pub alert_type: String,
    /// Set, and not cleared.
    pub set: bool,
    /// When AWS said so.
    pub at: Timestamp,
}

/// The alerts of one channel by alarm id.
pub type Alerts = BTreeMap<String, Alert>;

/// Takes in one word about an alert. Gives false when a newer one is known already: at the same
/// second CLEARED is newer than SET, because what is cleared was set before.
///
/// Alarm ids are counted anew when a channel restarts; a word of an earlier run is older and so
/// changes nothing.
pub fn hear(alerts: &mut Alerts, alarm_id: &str, word: Alert) -> bool {
    if let Some(known) = alerts.get(alarm_id)
        && (known.at, !known.set) >= (word.at, !word.set)
    {
        return false;
    }
    alerts.insert(alarm_id.to_owned(), word);
    true
}

/// Replaces what was heard by what MediaLive's list says now: the list is the truth, the events
/// only hint at it. What was heard after the list was asked for stays.
pub fn correct(alerts: &mut Alerts, listed: &Alerts, asked_at: Timestamp) {
    alerts.retain(|alarm_id, alert| alert.at > asked_at || listed.contains_key(alarm_id));
    for (alarm_id, alert) in listed {
        if alerts
            .get(alarm_id)
            .is_none_or(|known| known.at <= asked_at)
        {
            alerts.insert(alarm_id.clone(), alert.clone());
        }
    }
}

/// Since when each cause lasts, with the alert texts that say so. A channel that was started at
/// `run_since` has no alerts from before.
pub fn troubles(
    channel_id: &str,
    alerts: &Alerts,
    run_since: Option<Timestamp>,
) -> BTreeMap<Cause, Trouble> {
    let mut troubles: BTreeMap<Cause, Trouble> = BTreeMap::new();
    for alert in alerts.values() {
        let of_this_run = run_since.is_none_or(|since| alert.at >= since);
        let Some(cause) = Cause::of_alert(&alert.alert_type).filter(|_| alert.set && of_this_run)
        else {
            continue;
        };
        let trouble = troubles.entry(cause).or_insert_with(|| Trouble {
            channel_id: channel_id.to_owned(),
            since: alert.at,
            alert_types: Vec::new(),
        });
        trouble.since = trouble.since.min(alert.at);
        if !trouble.alert_types.contains(&alert.alert_type) {
            trouble.alert_types.push(alert.alert_type.clone());
            trouble.alert_types.sort();
        }
    }
    troubles
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

impl Trouble {
    /// Whether it has lasted long enough to be told.
    pub fn is_confirmed(&self, cause: Cause, now: Timestamp) -> bool {
        now >= crate::ledger::after(self.since, cause.debounce_seconds())
    }
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

    fn word(set: bool, seconds: i64) -> Alert {
        Alert {
            alert_type: "Failed RTMP Connection".into(),
            set,
            at: at(seconds),
        }
    }

    #[test]
    fn whatever_the_order_the_newest_word_stands() {
        let words = [
            word(true, 0),
            word(false, 0),
            word(true, 40),
            word(false, 60),
        ];
        // Every order of four, some of them twice.
        for order in 0..256 {
            let mut alerts = Alerts::new();
            let mut heard = [false; 4];
            for step in 0..4 {
                let which = (order >> (2 * step)) & 3;
                heard[which] = true;
                hear(&mut alerts, "1", words[which].clone());
            }
            let newest = (0..4).rev().find(|&which| heard[which]).unwrap();
            assert_eq!(alerts["1"], words[newest], "{order}");
        }
    }

    #[test]
    fn a_lost_clear_is_mended_by_the_list() {
        let mut alerts = Alerts::new();
        hear(&mut alerts, "1", word(true, 0));
        hear(&mut alerts, "2", word(true, 50));
        correct(&mut alerts, &Alerts::new(), at(30));
        assert!(!alerts.contains_key("1"), "the list does not have it");
        assert!(
            alerts.contains_key("2"),
            "heard after the list was asked for"
        );
        let listed = Alerts::from([("3".to_owned(), word(true, 5))]);
        correct(&mut alerts, &listed, at(60));
        assert_eq!(alerts.keys().collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn a_restart_forgets_the_alerts_of_the_run_before() {
        let mut alerts = Alerts::new();
        hear(&mut alerts, "1", word(true, 0));
        assert_eq!(troubles("1234567", &alerts, None).len(), 1);
        assert!(troubles("1234567", &alerts, Some(at(100))).is_empty());
        hear(&mut alerts, "1", word(true, 120));
        let troubles = troubles("1234567", &alerts, Some(at(100)));
        assert_eq!(troubles[&Cause::RtmpFailed].since, at(120));
    }

    #[test]
    fn several_alerts_of_one_cause_are_one_trouble_since_the_first() {
        let mut alerts = Alerts::new();
        hear(&mut alerts, "1", word(true, 10));
        hear(
            &mut alerts,
            "2",
            Alert {
                alert_type: "Failed to Write to Output".into(),
                ..word(true, 4)
            },
        );
        let troubles = troubles("1234567", &alerts, None);
        assert_eq!(troubles.len(), 1);
        let trouble = &troubles[&Cause::RtmpFailed];
        assert_eq!(trouble.since, at(4));
        assert_eq!(trouble.alert_types.len(), 2);
        assert!(!trouble.is_confirmed(Cause::RtmpFailed, at(18)));
        assert!(trouble.is_confirmed(Cause::RtmpFailed, at(19)));
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
