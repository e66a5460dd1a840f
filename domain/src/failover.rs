//! From the primary address to the backup and back: decided by what the output reports, damped so
//! that a flapping platform never costs a second ten-minute start.
//!
//! MediaLive has no second address in one RTMP output, so a switch is a stop, an update and a start:
//! some minutes off the air and a new ten-minute minimum. It is made only when the address in use
//! has been failing for longer than the encoder's own reconnecting takes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ledger::after;

/// How long an address may fail before the other is tried. MediaLive itself reconnects every two
/// seconds; a platform that restarts its ingest server is usually back within half a minute.
pub const GRACE_SECONDS: i64 = 30;
/// Between two switches of one destination. A start is billed for ten minutes at least, and three
/// of them within the half hour would be paid for nothing.
pub const DAMPING_SECONDS: i64 = 1800;
/// Switches within [`WINDOW_SECONDS`] before both addresses count as bad.
pub const SWITCHES_MAX: usize = 3;
/// The window in which switches are counted.
pub const WINDOW_SECONDS: i64 = 2 * 3600;

/// Which of a record's two addresses is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlType {
    /// `rtmp_url` with `stream_key_param`.
    #[default]
    Primary,
    /// `backup_rtmp_url` with `backup_stream_key_param`.
    Backup,
}

impl UrlType {
    /// The text of `current_url_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            UrlType::Primary => "primary",
            UrlType::Backup => "backup",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> UrlType {
        match self {
            UrlType::Primary => UrlType::Backup,
            UrlType::Backup => UrlType::Primary,
        }
    }
}

/// What is known of a destination's switches; kept in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failover {
    /// Which address is to be used.
    pub url_type: UrlType,
    /// When it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Every switch of the last two hours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<Timestamp>,
}

/// What decides.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The record has a valid backup and `failover_enabled`.
    pub has_backup: bool,
    /// The output of the channel that runs now has been failing since then.
    pub failing_since: Option<Timestamp>,
    /// After so many minutes on the backup without a failure the primary is tried again; absent
    /// means that only an edit goes back.
    pub return_after_minutes: Option<i64>,
    /// When the channel was seen RUNNING on the address in use.
    pub running_since: Option<Timestamp>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing; look again at that time, if any.
    Stay(Option<Timestamp>),
    /// Use the other address from now on.
    Switch(UrlType),
    /// Both addresses fail, or there is only one: MediaLive goes on trying, and the next switch is
    /// allowed at that time, if ever.
    Exhausted(Option<Timestamp>),
}

/// Decides. Pure; [`Failover::switch`] notes what was decided.
pub fn decide(now: Timestamp, failover: &Failover, facts: &Facts) -> Turn {
    if !facts.has_backup {
        return match (failover.url_type, facts.failing_since) {
            // The backup was taken out of the record: there is only the primary.
            (UrlType::Backup, _) => Turn::Switch(UrlType::Primary),
            (_, Some(since)) if now >= after(since, GRACE_SECONDS) => Turn::Exhausted(None),
            (_, Some(since)) => Turn::Stay(Some(after(since, GRACE_SECONDS))),
            (_, None) => Turn::Stay(None),
        };
    }
    let Some(since) = facts.failing_since else {
        return match (
            failover.url_type,
            facts.return_after_minutes,
            facts.running_since,
        ) {
            (UrlType::Backup, Some(minutes), Some(running)) => {
                let stable = after(running, (60 * minutes).max(DAMPING_SECONDS));
                if now >= stable && failover.may_switch(now) {
                    Turn::Switch(UrlType::Primary)
                } else {
                    Turn::Stay(Some(stable.max(failover.free_at(now).unwrap_or(stable))))
                }
            }
            _ => Turn::Stay(None),
        };
    };
    let due = after(since, GRACE_SECONDS);
    if now < due {
        return Turn::Stay(Some(due));
    }
    if failover.may_switch(now) {
        Turn::Switch(failover.url_type.other())
    } else {
        Turn::Exhausted(failover.free_at(now))
    }
}

impl Failover {
    /// Notes a switch.
    pub fn switch(&mut self, now: Timestamp, to: UrlType) {
        self.switches.retain(|at| now < after(*at, WINDOW_SECONDS));
        self.switches.push(now);
        self.url_type = to;
        self.since = Some(now);
    }

    /// An operator's edit: the primary again, and no grudge.
    pub fn reset(&mut self) {
        *self = Failover::default();
    }

    /// Switches within the window.
    pub fn attempts(&self, now: Timestamp) -> usize {
        let recent = |at: &&Timestamp| now < after(**at, WINDOW_SECONDS);
        self.switches.iter().filter(recent).count()
    }

    fn may_switch(&self, now: Timestamp) -> bool {
        self.free_at(now).is_none_or(|at| at <= now)
    }

    /// When the next switch is allowed. The first switch away from the primary is always allowed.
    fn free_at(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.switches.last()?;
        let damped = after(*last, DAMPING_SECONDS);
        if self.attempts(now) < SWITCHES_MAX {
            return Some(damped);
        }
        let oldest = self.switches[self.switches.len() - SWITCHES_MAX];
        Some(damped.max(after(oldest, WINDOW_SECONDS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn facts(failing_since: Option<i64>) -> Facts {
        Facts {
            has_backup: true,
            failing_since: failing_since.map(at),
            return_after_minutes: None,
            running_since: Some(at(0)),
        }
    }

    #[test]
    fn a_short_failure_is_waited_out_and_a_long_one_goes_to_the_backup() {
        let fresh = Failover::default();
        assert_eq!(decide(at(10), &fresh, &facts(None)), Turn::Stay(None));
        assert_eq!(
            decide(at(10), &fresh, &facts(Some(0))),
            Turn::Stay(Some(at(30)))
        );
        assert_eq!(
            decide(at(30), &fresh, &facts(Some(0))),
            Turn::Switch(UrlType::Backup)
        );
    }

    #[test]
    fn without_a_backup_it_is_said_after_the_grace_time() {
        let alone = Facts {
            has_backup: false,
            ..facts(Some(0))
        };
        assert_eq!(
            decide(at(29), &Failover::default(), &alone),
            Turn::Stay(Some(at(30)))
        );
        assert_eq!(
            decide(at(30), &Failover::default(), &alone),
            Turn::Exhausted(None)
        );
    }

    #[test]
    fn a_platform_that_flaps_never_costs_a_second_start_in_ten_minutes() {
        // Whatever address is used begins to fail a minute after the switch.
        let mut failover = Failover::default();
        let mut failing_since = Some(0);
        let mut switched: Vec<i64> = Vec::new();
        for second in 0..6 * 3600 {
            if let Turn::Switch(to) = decide(at(second), &failover, &facts(failing_since)) {
                failover.switch(at(second), to);
                switched.push(second);
                failing_since = None;
            } else if switched.last().is_some_and(|last| second == last + 60) {
                failing_since = Some(second);
            }
        }
        assert!(
            switched
                .windows(2)
                .all(|two| two[1] - two[0] >= DAMPING_SECONDS)
        );
        let in_window = |from: i64| {
            let recent = |at: &&i64| **at >= from && **at < from + WINDOW_SECONDS;
            switched.iter().filter(recent).count()
        };
        assert!(switched.iter().all(|from| in_window(*from) <= SWITCHES_MAX));
        assert!(switched.len() >= 6, "and it never gives up: {switched:?}");
    }

    #[test]
    fn it_returns_by_itself_only_when_that_was_asked_for_and_the_backup_was_stable() {
        let mut failover = Failover::default();
        failover.switch(at(0), UrlType::Backup);
        let mut facts = facts(None);
        facts.running_since = Some(at(120));
        assert_eq!(decide(at(1_000_000), &failover, &facts), Turn::Stay(None));
        facts.return_after_minutes = Some(60);
        assert_eq!(
            decide(at(3000), &failover, &facts),
            Turn::Stay(Some(at(120 + 3600)))
        );
        assert_eq!(
            decide(at(120 + 3600), &failover, &facts),
            Turn::Switch(UrlType::Primary)
        );
        failover.reset();
        assert_eq!(failover.url_type, UrlType::Primary);
    }

    #[test]
    fn a_backup_that_is_taken_out_of_the_record_is_left() {
        let mut failover = Failover::default();
        failover.switch(at(0), UrlType::Backup);
        let none = Facts {
            has_backup: false,
            ..facts(None)
        };
        assert_eq!(
            decide(at(1), &failover, &none),
            Turn::Switch(UrlType::Primary)
        );
    }

    #[test]
    fn exhausted_always_names_a_time_in_the_future_when_there_is_a_backup() {
        let mut failover = Failover::default();
        for second in [0, 2000, 4000] {
            failover.switch(at(second), failover.url_type.other());
        }
        let Turn::Exhausted(Some(next)) = decide(at(4100), &failover, &facts(Some(4050))) else {
            panic!("three switches in two hours are enough");
        };
        assert!(next > at(4100));
        assert!(matches!(
            decide(next, &failover, &facts(Some(4050))),
            Turn::Switch(_)
        ));
    }
}
