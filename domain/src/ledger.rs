//! The ledger row of a destination: what we know and did. Plain data.
//!
//! Only the execution that holds the lease writes a row, apart from `knock` (whoever saw an edit),
//! `heard` (what an event said of the channel), `troubles` (what an incident is open about), and the sweep's `wake_at`, `grace_until` and `quota_wait.turn`. What a row says about the
//! cloud is a memory and may be old: Plan looks before it decides.

mod parts;

pub use parts::*;

use crate::{
    caps::{Capped, Notice},
    failover::Failover,
    heard::Heard,
    incident::{Cause, Trouble},
    pace::Place,
    schedule::Mark,
    session::Account,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long an unknown outcome may still turn out to have happened: the SDK's timeout of 10 s,
/// the function's of 15 s, and as much again for a request that lands late.
pub const INTENT_SECONDS: i64 = 30;
/// Read-after-write lag after which a missing thing counts as gone, if it is missing twice.
pub const LAG_SECONDS: i64 = 60;
/// How long a row without a record stays, so that a record put back under the same id never meets
/// its own old request ids. Step Functions, too, keeps execution names for 90 days.
pub const REMEMBER_SECONDS: i64 = 91 * 24 * 3600;

/// So many words to people are kept while they cannot be told.
const UNTOLD_MAX: usize = 4;

/// One row of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The record's id.
    pub destination_id: String,
    /// Rises by one whenever the wish is seen to have changed.
    pub generation: u64,
    /// The wish that was seen last; absent when there was no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// The newest valid desired state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<crate::record::DesiredState>,
    /// The last configuration that the cloud was seen to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// Counts the lives of the destination's resources, from 1.
    pub incarnation: u64,
    /// The input, once its id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Made>,
    /// A create of the input was, or may have been, sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_sought: Option<Sought>,
    /// The flow output's ARN, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_output_arn: Option<String>,
    /// The channel, once its id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Made>,
    /// A create of the channel was, or may have been, sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_sought: Option<Sought>,
    /// What the channel was made or last updated with; absent when that is uncertain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_air: Option<OnAir>,
    /// What the steps of this lap drive towards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Aim>,
    /// DeleteChannel was accepted: not found is gone from now on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub channel_deleted: bool,
    /// The same for DeleteInput.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub input_deleted: bool,
    /// ARN of the execution that holds the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When the lease was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_at: Option<Timestamp>,
    /// The newest try of the holder that wrote: what an older try sent and lands late is void.
    #[serde(skip_serializing_if = "is_default")]
    pub fence: u64,
    /// Rises when somebody saw an edit while another execution held the lease.
    pub knock: u64,
    /// An act whose outcome is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// An output that was added, or switched off, without an answer: that may still land until then, even
    /// if a later one was answered. Nothing makes them one, as request ids do for inputs and channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_may_land_until: Option<Timestamp>,
    /// The task token of a state that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// The newest event about the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
    /// What lasts long enough to be told, by cause: written by whoever confirms an incident.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub troubles: BTreeMap<Cause, Trouble>,
    /// What has been billed and is in no session yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Which address is used, and how often that has changed.
    #[serde(skip_serializing_if = "is_default")]
    pub failover: Failover,
    /// What the record's times have done so far; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Mark>,
    /// When this stretch of streaming began: a start was sent. A new start by ourselves goes on with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_since: Option<Timestamp>,
    /// A limit was reached: nothing is made until the record is edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capped: Option<Capped>,
    /// The limit that was announced last in this stretch: once is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warned: Option<String>,
    /// Words to people about limits that are not on their way yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<Notice>,
    /// Since when MediaLive has been recovering the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovering_since: Option<Timestamp>,
    /// A place in the line of an API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Every StartChannel of the last hour.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<Attempt>,
    /// Every channel of the last hour that is gone again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Attempt>,
    /// AWS refused the configuration of this generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Verdict>,
    /// A person is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Verdict>,
    /// A quota was used up; waiting for room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_wait: Option<QuotaWait>,
    /// Resources of a stopped destination are kept until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<Timestamp>,
    /// When the sweep starts an execution even if nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// What the last Plan left the destination at; absent while something is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// Fingerprints of the addresses and keys this destination holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The fingerprint of an address that another destination holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_awaited: Option<String>,
    /// The channel was not found at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_missing_since: Option<Timestamp>,
    /// The input was not found at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_missing_since: Option<Timestamp>,
    /// The flow output was not found at this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_missing_since: Option<Timestamp>,
    /// The state the channel is passing through, since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passing: Option<Passing>,
    /// When the channel was first seen RUNNING in this stretch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming_started_at: Option<Timestamp>,
    /// The problem shown and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<OnShow>,
    /// The generation in which a stream key was found in the record and scrubbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrubbed: Option<u64>,
    /// Unix seconds after which DynamoDB may drop the row; only on rows without a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl Ledger {
    /// A row for a destination that never had one.
    pub fn new(destination_id: &str) -> Ledger {
        Ledger {
            destination_id: destination_id.to_owned(),
            incarnation: 1,
            ..Ledger::default()
        }
    }

    /// Whether anything billable exists, or may exist, for this destination.
    pub fn has_resources(&self) -> bool {
        self.input.is_some()
            || self.input_sought.is_some()
            || self.channel.is_some()
            || self.channel_sought.is_some()
            || self.flow_output_arn.is_some()
    }

    /// Since when each trouble is.
    pub fn troubles_since(&self) -> BTreeMap<Cause, Timestamp> {
        let since = |(cause, trouble): (&Cause, &Trouble)| (*cause, trouble.since);
        self.troubles.iter().map(since).collect()
    }

    /// Adds a word to people; of many that cannot be told the oldest go.
    pub fn note_untold(&mut self, notice: Notice) {
        self.untold.push(notice);
        let first = self.untold.len().saturating_sub(UNTOLD_MAX);
        self.untold.drain(..first);
    }

    /// Keeps words that did not get on their way: they are tried again in a minute, or by the next Plan.
    pub fn keep_untold(&mut self, notices: Vec<Notice>, now: Timestamp) {
        self.untold = notices;
        if !self.untold.is_empty() {
            let again = after(now, LAG_SECONDS);
            self.wake_at = Some(self.wake_at.map_or(again, |at| at.min(again)));
        }
    }

    /// When the channel was last sent a start: what it complained of before is of another run. After an
    /// hour only the books know.
    pub fn run_since(&self) -> Option<Timestamp> {
        let run = self
            .account
            .as_ref()
            .and_then(|account| account.run.as_ref());
        let started = self.starts.iter().map(|start| start.at).max();
        started.or(run.map(|run| run.started_at))
    }

    /// Tries of the running generation in the last hour. What was noted twice for one time is one:
    /// the retries of a state share the time at which it was entered.
    pub fn tries(attempts: &[Attempt], generation: u64, now: Timestamp) -> usize {
        attempts
            .iter()
            .filter(|try_| try_.generation == generation && !is_past_hour(try_, now))
            .map(|try_| try_.at)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Adds a try and forgets those older than an hour.
    pub fn count_try(attempts: &mut Vec<Attempt>, generation: u64, now: Timestamp) {
        Ledger::forget_old(attempts, now);
        attempts.push(Attempt::new(generation, now));
    }

    /// Takes back the newest try: it never was. One that an earlier try of the same state noted for
    /// the same time stays, for what came of that may not be known.
    pub fn take_back(attempts: &mut Vec<Attempt>) {
        attempts.pop();
    }

    /// Forgets tries older than an hour.
    pub fn forget_old(attempts: &mut Vec<Attempt>, now: Timestamp) {
        attempts.retain(|try_| !is_past_hour(try_, now));
    }

    /// Notes that the channel is gone. The next one is a new life with new request ids.
    pub fn forget_channel(&mut self) {
        self.channel = None;
        self.channel_sought = None;
        self.channel_deleted = false;
        self.on_air = None;
        self.passing = None;
        self.streaming_started_at = None;
        self.recovering_since = None;
        self.heard = None;
        self.incarnation += 1;
    }

    /// Notes that the input is gone.
    pub fn forget_input(&mut self) {
        self.input = None;
        self.input_sought = None;
        self.input_deleted = false;
        self.incarnation += 1;
    }

    /// What is left of a row when its record and its resources are gone.
    pub fn shrunk(&self, now: Timestamp) -> Ledger {
        Ledger {
            destination_id: self.destination_id.clone(),
            generation: self.generation,
            incarnation: self.incarnation,
            holder: self.holder.clone(),
            held_at: self.held_at,
            knock: self.knock,
            addresses: self.addresses.clone(),
            rest: Some(Rest::default()),
            account: self.account.as_ref().map(Account::shrunk),
            expires_at: Some(now.as_second() + REMEMBER_SECONDS),
            ..Ledger::default()
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_past_hour(attempt: &Attempt, now: Timestamp) -> bool {
    now.as_second() - attempt.at.as_second() >= 3600
}

/// The second that a time is in, as AWS tells times.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Seconds from now, as a time.
pub fn after(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(now.as_second() + seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_never_was_leaves_the_one_that_may_have_been() {
        let entered = Timestamp::UNIX_EPOCH;
        let mut starts = Vec::new();
        let tries = |starts: &[Attempt]| Ledger::tries(starts, 1, entered);
        Ledger::count_try(&mut starts, 1, entered);
        Ledger::take_back(&mut starts);
        assert_eq!(tries(&starts), 0, "refused: it never was");
        // No answer; the retry of the same state is refused. The first one may have been taken.
        Ledger::count_try(&mut starts, 1, entered);
        Ledger::count_try(&mut starts, 1, entered);
        Ledger::take_back(&mut starts);
        assert_eq!(tries(&starts), 1);
    }
}
