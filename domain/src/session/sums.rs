//! What sessions come to: in a month of one destination, and of all.
//!
//! A sum holds the sessions that began in its month (UTC); a budget counts for each day and month what
//! falls into it, as it does while a stretch runs. Sums are made anew from the sessions each time and
//! never added to, so that doing it twice does it once.

use crate::ledger::{after, whole_seconds};
use crate::{cost::Money, ledger::Ledger, record::Item};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The id under which the sums of all destinations stand.
pub const ALL: &str = "all";

/// What the sessions of a destination came to, of each what falls into the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Today (UTC).
    pub today: Money,
    /// This month (UTC).
    pub this_month: Money,
}

/// The sum of some sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub sessions: u64,
    /// Minutes billed for running.
    pub billed_minutes: u64,
    /// Incidents.
    pub incidents: u64,
    /// What they cost.
    pub usd: Money,
}

const DAY_SECONDS: i64 = 24 * 3600;

/// So many destinations are added up in one pass of the sweep; the others wait for the next.
const DUE_MAX: usize = 20;

/// Up to where sessions are added up: the sweep's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddedUp {
    /// The month that `usd` is of: `2026-11`.
    pub month: String,
    /// What all sessions of that month cost.
    pub usd: Money,
    /// By destination: the month in which it was added up, and the newest session's writing.
    pub marks: BTreeMap<String, String>,
}

/// A destination whose sums are not what its sessions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub destination_id: String,
    /// Its mark from now on.
    pub mark: String,
    /// Months to add up anew.
    pub months: Vec<String>,
}

/// The month of a time, as sums name it.
pub fn month_of(time: Timestamp) -> String {
    time.strftime("%Y-%m").to_string()
}

/// What has to be added up: where a session has been written since, and all of it when a month begins.
pub fn due(now: Timestamp, rows: &BTreeMap<String, Ledger>, known: &AddedUp) -> Vec<Due> {
    let this = month_of(now);
    let each = rows.iter().filter_map(|(id, row)| {
        let noted = row.account.as_ref()?.noted.as_ref()?;
        let mark = format!("{this} {}", noted.at);
        if known.marks.get(id) == Some(&mark) {
            return None;
        }
        let mut months = vec![month_of(noted.started_at), this.clone()];
        // Two sessions may have been written since the last pass, one on each side of the month's end.
        months.extend(Some(known.month.clone()).filter(|month| !month.is_empty()));
        months.sort();
        months.dedup();
        Some(Due {
            destination_id: id.clone(),
            mark,
            months,
        })
    });
    each.take(DUE_MAX).collect()
}

/// The sort key of a month's sum: `2026-11` gives `month#2026-11`.
pub fn month_key(month: &str) -> String {
    format!("month#{month}")
}

/// What a session's item says that it cost.
pub fn cost_of(item: &Item) -> Money {
    let cost = item.get("cost_usd").cloned().unwrap_or_default();
    serde_json::from_value(cost).unwrap_or_default()
}

impl Spent {
    /// Adds sessions up: those that began in the months of [`budget_months`].
    pub fn of(items: &[Item], now: Timestamp) -> Spent {
        let since = |from: i64| items.iter().map(|item| cost_since(item, from)).sum();
        Spent {
            today: since(day_began(now)),
            this_month: since(month_began(now)),
        }
    }
}

/// The months whose sessions a budget may count: this one, and the one before, for one that ran over its end.
pub fn budget_months(now: Timestamp) -> [String; 2] {
    [
        month_of(after(now, month_began(now) - now.as_second() - 1)),
        month_of(now),
    ]
}

/// Midnight (UTC), in seconds of the epoch.
pub fn day_began(now: Timestamp) -> i64 {
    now.as_second() - now.as_second().rem_euclid(DAY_SECONDS)
}

/// Midnight (UTC) before the first of the month, in seconds of the epoch.
pub fn month_began(now: Timestamp) -> i64 {
    let day = TimeZone::UTC.to_datetime(now).day();
    day_began(now) - DAY_SECONDS * (i64::from(day) - 1)
}

/// What falls of a session's cost into the time since a moment: all of it if it began then.
fn cost_since(item: &Item, from: i64) -> Money {
    let time = |name: &str| {
        let text = item.get(name).and_then(Value::as_str)?;
        Some(text.parse::<Timestamp>().ok()?.as_second())
    };
    let (whole, Some(began)) = (cost_of(item), time("started_at")) else {
        return Money(0);
    };
    let ended = time("stopped_at").unwrap_or(began);
    if began >= from {
        return whole;
    }
    let seconds = |from: i64| u64::try_from(ended - from).unwrap_or(0);
    whole.share(seconds(from), seconds(began))
}

impl Sum {
    /// Adds sessions up.
    pub fn of(items: &[Item]) -> Sum {
        let number = |name: &str| {
            let each = items.iter().filter_map(|item| item.get(name)?.as_u64());
            each.sum()
        };
        Sum {
            // What never started is paid for, and was no session.
            sessions: started(items),
            billed_minutes: number("billed_minutes"),
            incidents: number("incidents"),
            usd: items.iter().map(cost_of).sum(),
        }
    }

    /// The item of a destination's month.
    pub fn item(&self, destination_id: &str, month: &str, now: Timestamp) -> Item {
        Item::from_iter([
            ("destination_id".to_owned(), json!(destination_id)),
            ("started_at".to_owned(), json!(month_key(month))),
            ("sessions".to_owned(), json!(self.sessions)),
            ("billed_minutes".to_owned(), json!(self.billed_minutes)),
            ("incidents".to_owned(), json!(self.incidents)),
            ("cost_usd".to_owned(), json!(self.usd)),
            ("noted_at".to_owned(), json!(whole_seconds(now).to_string())),
        ])
    }
}

fn started(items: &[Item]) -> u64 {
    let runs = items
        .iter()
        .filter(|item| item.get("billed_minutes").and_then(Value::as_u64) > Some(0));
    runs.count() as u64
}

/// The item of the month of all destinations, with each one's share.
pub fn all_item(month: &str, shares: &BTreeMap<String, Money>, now: Timestamp) -> Item {
    let total: Money = shares.values().copied().sum();
    Item::from_iter([
        ("destination_id".to_owned(), json!(ALL)),
        ("started_at".to_owned(), json!(month_key(month))),
        ("cost_usd".to_owned(), json!(total)),
        ("by_destination".to_owned(), json!(shares)),
        ("noted_at".to_owned(), json!(whole_seconds(now).to_string())),
    ])
}

/// Each destination's share of the month, as the item of all says.
pub fn shares(item: &Item) -> BTreeMap<String, Money> {
    let shares = item.get("by_destination").cloned().unwrap_or_default();
    serde_json::from_value(shares).unwrap_or_default()
}
