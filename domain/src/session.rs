//! Sessions: what each stretch of streaming of one destination was and what it cost.
//!
//! A stretch lasts from the moment StartChannel is taken until the channel is IDLE again or gone: that
//! is what MediaLive bills, for ten minutes at least, with or without picture. What exists without
//! running bills as idle: channel and input apart, each for itself. Idle time before a start belongs
//! to the session that follows; what is left when everything is gone belongs to the last one. So each
//! billed minute of a destination is in exactly one session, and a session is written twice at most.
//!
//! Times are AWS's own where an answer or an event told them, in whole seconds, for neither tells more.
//! Where the answer to a start was lost, the stretch counts from when it was about to be sent.

mod books;
mod price;
mod sums;
#[cfg(test)]
mod tests;

pub use books::{Facts, account, note_answer};
pub use sums::{
    ALL, AddedUp, Due, Spent, Sum, all_item, budget_months, cost_of, day_began, due, month_began,
    month_key, month_of, shares,
};

use crate::{
    cost::{EGRESS, IDLE_CHANNEL, IDLE_INPUT, Money},
    ledger::whole_seconds,
    record::Item,
};
use jiff::Timestamp;
use price::{minutes, run_minutes, run_price, seconds};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// Why a stretch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The operator wanted it off, or the record gone.
    Operator,
    /// An edit of what is on the air: it was stopped to be started anew.
    Edit,
    /// The record's `stop_at`.
    Schedule,
    /// Nobody fed it.
    CapNoInput,
    /// It ran too long.
    CapSession,
    /// The day's budget was spent.
    CapBudgetDay,
    /// The month's budget was spent.
    CapBudgetMonth,
    /// It changed over to the other address.
    Failover,
    /// It never came on the air.
    Failed,
    /// It ended without Lunora: by hand, or by MediaLive itself.
    Lost,
    /// It existed and was never started.
    NeverStarted,
}

/// A stretch that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When StartChannel was taken.
    pub started_at: Timestamp,
    /// The channel that runs.
    pub channel_id: String,
    /// When it was first RUNNING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_air_at: Option<Timestamp>,
    /// When its stop was taken, or, before that, decided; and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping: Option<(Timestamp, Cause)>,
    /// What it encodes; empty when that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preset_id: String,
    /// Which of the record's addresses it sends to: `primary` or `backup`.
    pub url_type: String,
    /// Incidents that Plan was told of meanwhile, by id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub incidents: BTreeSet<String>,
}

/// Idle time that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Billed minutes of channels that did not run.
    pub channel_minutes: u64,
    /// Billed minutes of inputs whose channel did not run.
    pub input_minutes: u64,
    /// What they cost.
    pub usd: Money,
}

/// The books of one destination, kept in its ledger row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// The stretch that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Since when the channel exists without running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_idle_since: Option<Timestamp>,
    /// Since when the input exists without a running channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_idle_since: Option<Timestamp>,
    /// Since when anything exists: the key of a session that never starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists_since: Option<Timestamp>,
    /// Idle time that is over and in no session yet.
    #[serde(skip_serializing_if = "Idle::is_none")]
    pub idle: Idle,
    /// The newest session, as long as anything exists that may be added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Session>,
    /// The session written last, and when: whoever sums them up sees that there is something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
}

/// That a session was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Which.
    pub started_at: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// One stretch of streaming that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub destination_id: String,
    /// When StartChannel was taken; of one that never started, since when it existed.
    pub started_at: Timestamp,
    /// When the channel was IDLE again or gone.
    pub stopped_at: Timestamp,
    /// When it was on the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_air_at: Option<Timestamp>,
    /// Why it ended.
    pub cause: Cause,
    /// What it encoded; empty when that is not known.
    pub preset_id: String,
    /// Which of the record's addresses it sent to.
    pub url_type: String,
    /// Incidents meanwhile, by id.
    pub incidents: BTreeSet<String>,
    /// Minutes that MediaLive bills for the run.
    pub billed_minutes: u64,
    /// Seconds with a picture.
    pub on_air_seconds: u64,
    /// What the run costs.
    pub running_usd: Money,
    /// Idle time before it, and after it if it was the last.
    pub idle: Idle,
    /// Bytes that left for the platform, at nominal rates.
    pub egress_bytes: u64,
    /// What these cost, before the free 100 GB that an account has each month.
    pub egress_usd: Money,
    /// True when a price is a guess until the first real bill.
    pub placeholder: bool,
}

impl Idle {
    fn is_none(&self) -> bool {
        *self == Idle::default()
    }

    fn add_channel(&mut self, from: Timestamp, to: Timestamp) {
        let minutes = minutes(from, to);
        self.channel_minutes += minutes;
        self.usd = self.usd + IDLE_CHANNEL.per_hour.share(minutes, 60);
    }

    fn add_input(&mut self, from: Timestamp, to: Timestamp) {
        let minutes = minutes(from, to);
        self.input_minutes += minutes;
        self.usd = self.usd + IDLE_INPUT.per_hour.share(minutes, 60);
    }

    fn add(&mut self, other: Idle) {
        self.channel_minutes += other.channel_minutes;
        self.input_minutes += other.input_minutes;
        self.usd = self.usd + other.usd;
    }
}

impl Session {
    /// All of it.
    pub fn cost(&self) -> Money {
        self.running_usd + self.idle.usd + self.egress_usd
    }

    /// Minutes that are billed and showed nothing.
    pub fn overhead_minutes(&self) -> u64 {
        self.billed_minutes.saturating_sub(self.on_air_seconds / 60)
    }

    /// The item of the table of sessions. `now`: when it is written.
    pub fn item(&self, now: Timestamp) -> Item {
        let idle = self.idle.channel_minutes + self.idle.input_minutes;
        let mut item = json!({
            "destination_id": self.destination_id,
            "started_at": self.started_at.to_string(),
            "stopped_at": self.stopped_at.to_string(),
            "cause": self.cause,
            "preset_id": self.preset_id,
            "url_type": self.url_type,
            "incidents": self.incidents.len(),
            "billed_minutes": self.billed_minutes,
            "on_air_minutes": hundredths(self.on_air_seconds, 60),
            "idle_hours": hundredths(idle, 60),
            "egress_gb_estimate": hundredths(self.egress_bytes, EGRESS.per),
            "running_usd": self.running_usd,
            "idle_usd": self.idle.usd,
            "egress_usd_estimate": self.egress_usd,
            "cost_usd": self.cost(),
            "prices_are_guesses": self.placeholder,
            "noted_at": whole_seconds(now).to_string(),
        });
        if !self.incidents.is_empty() {
            item["incident_ids"] = json!(self.incidents);
        }
        if let Some(at) = self.on_air_at {
            item["on_air_at"] = json!(at.to_string());
        }
        item.as_object()
            .map(|fields| fields.clone().into_iter().collect())
            .unwrap_or_default()
    }
}

impl Account {
    /// What is left when the row shrinks: that there was something to sum up.
    pub fn shrunk(&self) -> Account {
        Account {
            noted: self.noted.clone(),
            ..Account::default()
        }
    }

    /// Notes when AWS took the stop of the stretch under way: the picture goes with it.
    fn stop_is_taken(&mut self, at: Timestamp) {
        if let Some((stopping, _)) = self.run.as_mut().and_then(|run| run.stopping.as_mut()) {
            *stopping = whole_seconds(at);
        }
    }

    /// What the stretch under way costs up to now, idle time before it included.
    pub fn so_far(&self, now: Timestamp, feed_bitrate: u64) -> Money {
        let Some(run) = &self.run else {
            return self.idle.usd;
        };
        let price = run_price(&run.preset_id, feed_bitrate);
        let seconds = run.on_air_at.map_or(0, |at| seconds(at, now));
        let egress = EGRESS.price.share(price.bytes(seconds), EGRESS.per);
        price.of(run_minutes(run.started_at, now)) + egress + self.idle.usd
    }
}

/// A share with two decimals, for reading.
fn hundredths(amount: u64, of: u64) -> f64 {
    (amount as f64 * 100.0 / of as f64).round() / 100.0
}
