//! From the primary address to the backup and back: decided by what the output reports, damped so
//! that a flapping platform never costs a second ten-minute start.
//!
//! MediaLive has no second address in one RTMP output, so a switch is a stop, an update and a start:
//! some minutes off the air and a new ten-minute minimum. It is made only when the address in use
//! has been failing for longer than the encoder's own reconnecting takes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::Cause;
use crate::ledger::after;

/// How long an address may fail before the other is tried. MediaLive itself reconnects every two
/// seconds; a platform that restarts its ingest server is usually back within half a minute.
pub const GRACE_SECONDS: i64 = 30;
/// Between two switches in the same direction, and before one away from the backup. A start is billed
/// for ten minutes at least, and three of them within the half hour would be paid for nothing.
pub const DAMPING_SECONDS: i64 = 1800;
/// Back on the primary, and it fails again: the backup is used as soon as the start is paid off.
pub const RETURNED_SECONDS: i64 = 600;
/// How long MediaLive may be at repairing a pipeline before the channel is started again.
pub const REPAIR_SECONDS: i64 = 300;
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

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl UrlType {
    /// Whether it is the primary, which is not written down.
    pub fn is_primary(&self) -> bool {
        *self == UrlType::Primary
    }

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
    /// Why, and since when that lasted; absent for a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<(Cause, Timestamp)>,
    /// Every switch, and every new start on the same address, of the last two hours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<Timestamp>,
    /// Counts them for good: what is on the air was started after so many.
    #[serde(skip_serializing_if = "is_zero")]
    pub restarts: u64,
    /// When the address in use was last seen failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwell_at: Option<Timestamp>,
    /// Since when the output of the newest run has been failing; it stays when that run ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_since: Option<Timestamp>,
    /// What the record said then: an edit of it begins anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Of>,
}

/// What a switch was decided on: fingerprints of the operator's words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Of {
    /// The primary's configuration.
    pub primary: String,
    /// The backup's; absent when there is none, or none that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// The record's `retry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
}

/// What decides.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The record has a valid backup and `failover_enabled`.
    pub has_backup: bool,
    /// The output of the channel that runs now has been failing since then.
    pub failing_since: Option<Timestamp>,
    /// And MediaLive has given up and stopped the channel, which was started then.
    pub gave_up: Option<Timestamp>,
    /// The channel's only pipeline has failed since then.
    pub broken_since: Option<Timestamp>,
    /// After so long on the backup without a failure the primary is tried again, seconds; absent
    /// means that only an edit goes back.
    pub return_after_seconds: Option<i64>,
    /// When the channel was seen RUNNING on the address in use.
    pub running_since: Option<Timestamp>,
    /// Until when no start is left in the hour's budget.
    pub no_start_until: Option<Timestamp>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing; look again at that time, if any.
    Stay(Option<Timestamp>),
    /// Use this address from now on; the one in use means a new start on it.
    Switch(UrlType, Option<Cause>),
    /// Everything has been tried: MediaLive goes on trying by itself, and the next switch is allowed
    /// at that time.
    Exhausted(Timestamp),
}

/// Decides. Pure; [`Failover::switch`] notes what was decided.
pub fn decide(now: Timestamp, failover: &Failover, facts: &Facts) -> Turn {
    if !facts.has_backup && failover.url_type == UrlType::Backup {
        // The backup was taken out of the record: there is only the primary.
        return Turn::Switch(UrlType::Primary, None);
    }
    let same = failover.url_type;
    let free = failover
        .free_at(now)
        .into_iter()
        .chain(facts.no_start_until)
        .filter(|at| *at > now)
        .max();
    // A new start on the same address may help where nothing else is left. It is no hurry: MediaLive
    // goes on trying.
    let (since, due, to, cause) = match (facts.broken_since, facts.failing_since) {
        // Nothing runs any more: the other address at once, the same one when the start is paid off.
        (_, Some(since)) if let Some(started) = facts.gave_up => match facts.has_backup {
            true => (since, now, same.other(), Cause::RtmpFailed),
            false => (
                since,
                after(started, RETURNED_SECONDS),
                same,
                Cause::RtmpFailed,
            ),
        },
        (Some(since), _) => (
            since,
            after(since, REPAIR_SECONDS),
            same,
            Cause::PipelineFailed,
        ),
        (None, Some(since)) if facts.has_backup => (
            since,
            after(since, GRACE_SECONDS),
            same.other(),
            Cause::RtmpFailed,
        ),
        (None, Some(since)) => (
            since,
            after(since, DAMPING_SECONDS),
            same,
            Cause::RtmpFailed,
        ),
        (None, None) => return stay_or_return(now, failover, facts, free),
    };
    match free {
        None if now >= due => Turn::Switch(to, Some(cause)),
        Some(free) if failover.is_used_up(now, to) => {
            let said = due.min(after(since, GRACE_SECONDS));
            if now < said && facts.gave_up.is_none() {
                Turn::Stay(Some(said))
            } else {
                Turn::Exhausted(free.max(due))
            }
        }
        free => Turn::Stay(Some(due.max(free.unwrap_or(due)))),
    }
}

/// Nothing fails: goes back to the primary if that is asked for and the backup was stable.
fn stay_or_return(
    now: Timestamp,
    failover: &Failover,
    facts: &Facts,
    free: Option<Timestamp>,
) -> Turn {
    let (UrlType::Backup, Some(seconds), Some(running)) = (
        failover.url_type,
        facts.return_after_seconds,
        facts.running_since,
    ) else {
        return Turn::Stay(None);
    };
    let well_since = running.max(failover.unwell_at.unwrap_or(running));
    let stable = after(well_since, seconds.max(DAMPING_SECONDS));
    let due = stable.max(free.unwrap_or(stable));
    if now >= due {
        Turn::Switch(UrlType::Primary, None)
    } else {
        Turn::Stay(Some(due))
    }
}

impl Failover {
    /// Notes a switch.
    pub fn switch(&mut self, now: Timestamp, to: UrlType, why: Option<(Cause, Timestamp)>, of: Of) {
        self.switches.retain(|at| now < after(*at, WINDOW_SECONDS));
        self.switches.push(now);
        self.url_type = to;
        self.since = Some(now);
        self.why = why;
        self.restarts += 1;
        self.unwell_at = None;
        self.failed_since = None;
        self.of = Some(of);
    }

    /// The primary again, and no grudge.
    pub fn reset(&mut self) {
        *self = Failover {
            restarts: self.restarts,
            ..Failover::default()
        };
    }

    /// Takes in what the record says now. An edit of the primary, or of `retry`, begins anew with the
    /// primary; an edit of the backup is tried where it is in use, and clears the count.
    pub fn heed(&mut self, of: &Of) {
        let Some(known) = &self.of else { return };
        if (&known.primary, &known.retry) != (&of.primary, &of.retry) {
            self.reset();
        } else if of.backup.is_some() && known.backup != of.backup {
            self.switches.clear();
            self.of = Some(of.clone());
        }
    }

    /// Switches within the window.
    pub fn attempts(&self, now: Timestamp) -> usize {
        let recent = |at: &&Timestamp| now < after(**at, WINDOW_SECONDS);
        self.switches.iter().filter(recent).count()
    }

    /// Whether everything there is has been tried: both addresses, or the only one often enough.
    fn is_used_up(&self, now: Timestamp, to: UrlType) -> bool {
        let tried = self.attempts(now);
        tried >= SWITCHES_MAX || to != self.url_type && tried > 0
    }

    /// When the next switch is allowed. The first one is always allowed.
    fn free_at(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.switches.last()?;
        let returned = self.url_type == UrlType::Primary
            && self.why.is_none_or(|(cause, _)| cause == Cause::RtmpFailed);
        let damped = after(
            *last,
            if returned {
                RETURNED_SECONDS
            } else {
                DAMPING_SECONDS
            },
        );
        if self.attempts(now) < SWITCHES_MAX {
            return Some(damped);
        }
        let oldest = self.switches[self.switches.len() - SWITCHES_MAX];
        Some(damped.max(after(oldest, WINDOW_SECONDS)))
    }
}

#[cfg(test)]
mod tests;
