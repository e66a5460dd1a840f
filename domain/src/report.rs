//! The report: what exists in the Region, what of it is ours, what is billed and why, what the sweep
//! removed. Pure; the sweep writes it into the record `status` when it has changed.

use crate::{
    cost::{FLOW, IDLE_CHANNEL, IDLE_INPUT, Money, hourly},
    encoder::input_class,
    ledger::Ledger,
    look::ChannelState,
    name,
    record::{DesiredState, Item},
    sweep::{Kind, Listed, Seen},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The record that holds the report.
pub const STATUS: &str = "status";
/// So many of the things that were removed are remembered.
pub const REMOVED_MAX: usize = 20;

/// A thing that no record accounted for and that the sweep removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// `channel`, `input` or `flow_output`.
    pub kind: String,
    /// AWS's id, or the ARN of a flow output.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When its removal was asked for.
    pub at: Timestamp,
}

impl Removed {
    /// Notes a thing.
    pub fn new(thing: &Listed, at: Timestamp) -> Removed {
        Removed {
            kind: word(thing.kind).to_owned(),
            id: thing.id.clone(),
            name: thing.name.clone(),
            at,
        }
    }
}

/// Adds things to those that are remembered, the newest last. One that was stopped and is deleted a
/// pass later is one.
pub fn remember(known: &[Removed], more: Vec<Removed>) -> Vec<Removed> {
    let mut all = known.to_vec();
    let is_new = |one: &Removed| known.iter().all(|old| old.id != one.id);
    all.extend(more.into_iter().filter(is_new));
    let first = all.len().saturating_sub(REMOVED_MAX);
    all.split_off(first)
}

/// What the report is made from, beside what a pass saw.
pub struct Facts<'a> {
    /// The stack's label.
    pub stack: &'a str,
    /// The feed's bit rate, bit/s.
    pub feed_bitrate: u64,
    /// What was removed so far.
    pub removed: &'a [Removed],
    /// The month, `2026-11`, and what all sessions in it cost.
    pub month: (&'a str, Money),
}

/// One thing that is billed, or belongs to what is.
struct Line {
    kind: &'static str,
    id: String,
    name: String,
    state: String,
    usd: Money,
    why: String,
}

/// The record, but for the time of its change.
pub fn report(seen: &Seen, facts: &Facts<'_>) -> Item {
    let mut lines: Vec<Line> = Vec::new();
    let mut others = 0;
    for thing in &seen.things {
        if thing.state == "DELETED" {
            continue;
        }
        match name::owner(facts.stack, &thing.name, &thing.tags) {
            Some(destination) => lines.extend(line(thing, destination, seen, facts)),
            // An output that is known by its row comes without tags.
            None if thing.kind == Kind::FlowOutput => {}
            None => others += 1,
        }
    }
    lines.extend(flow(seen));
    lines.sort_by(|a, b| (a.kind, &a.name, &a.id).cmp(&(b.kind, &b.name, &b.id)));
    let total: Money = lines.iter().map(|line| line.usd).sum();
    let summary = match lines.len() {
        0 => "0 billable resources left".to_owned(),
        1 => format!("1 billable resource: ${} an hour", short(total)),
        count => format!("{count} billable resources: ${} an hour", short(total)),
    };
    let (month, cost) = facts.month;
    let fields = json!({
        "summary": summary,
        "billable": lines.len(),
        "cost_usd_per_hour": total,
        "resources": lines.iter().map(Line::json).collect::<Vec<Value>>(),
        "not_ours": others,
        "removed": facts.removed,
        "month": month,
        "cost_usd_this_month": cost,
    });
    fields
        .as_object()
        .map(|fields| fields.clone().into_iter().collect())
        .unwrap_or_default()
}

/// Whether a record shows something else than this report.
pub fn differs(shown: Option<&Item>, report: &Item) -> bool {
    shown.is_none_or(|shown| {
        report
            .iter()
            .any(|(name, value)| shown.get(name) != Some(value))
    })
}

impl Line {
    fn json(&self) -> Value {
        json!({
            "kind": self.kind, "id": self.id, "name": self.name, "state": self.state,
            "usd_per_hour": self.usd, "why": self.why,
        })
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Channel => "channel",
        Kind::Input => "input",
        Kind::FlowOutput => "flow_output",
    }
}

/// Dollars and cents.
fn short(amount: Money) -> String {
    let cents = amount.cents();
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The line of a channel or an input of ours. An output of a flow has no price of its own.
fn line(thing: &Listed, destination: &str, seen: &Seen, facts: &Facts<'_>) -> Option<Line> {
    let row = seen.rows.get(destination);
    let is_orphan = seen.suspects.contains_key(&thing.id);
    let state = ChannelState::from(thing.state.clone());
    let usd = match thing.kind {
        Kind::Channel if state.counts_as_running() => running(row, facts),
        Kind::Channel => IDLE_CHANNEL.per_hour,
        Kind::Input if feeds_a_running_channel(row, seen) => Money(0),
        Kind::Input => IDLE_INPUT.per_hour,
        Kind::FlowOutput => return None,
    };
    let why = match row {
        _ if is_orphan => "no record accounts for it; the sweep removes it".to_owned(),
        Some(row) => reason(row, destination, &state),
        None => "no record accounts for it yet".to_owned(),
    };
    Some(Line {
        kind: word(thing.kind),
        id: thing.id.clone(),
        name: thing.name.clone(),
        state: thing.state.clone(),
        usd,
        why,
    })
}

fn running(row: Option<&Ledger>, facts: &Facts<'_>) -> Money {
    let on_air = row.and_then(|row| row.on_air.as_ref());
    let preset = on_air.and_then(|on_air| on_air.configuration.preset());
    let preset = preset.or_else(|| crate::preset::find("1080p30"));
    let price = preset.and_then(|preset| hourly(preset, input_class(facts.feed_bitrate)));
    price.map_or(Money(0), |price| price.running_usd)
}

/// The input of a running channel is billed with the channel.
fn feeds_a_running_channel(row: Option<&Ledger>, seen: &Seen) -> bool {
    let channel = row.and_then(|row| row.channel.as_ref());
    channel.is_some_and(|channel| {
        let mut things = seen.things.iter();
        things.any(|thing| {
            thing.kind == Kind::Channel
                && thing.id == channel.id
                && ChannelState::from(thing.state.clone()).counts_as_running()
        })
    })
}

/// Why it exists, in a sentence that stays the same as long as nothing changes.
fn reason(row: &Ledger, destination: &str, state: &ChannelState) -> String {
    if row.seen.is_none() {
        return format!("the record {destination} is gone; it is being removed");
    }
    if *state == ChannelState::Stopping {
        return format!("{destination} is being stopped");
    }
    match (row.desired, row.grace_until) {
        (Some(DesiredState::Streaming), _) => format!("{destination} is to stream"),
        (Some(DesiredState::Removed), _) => format!("{destination} is being removed"),
        (_, Some(until)) => format!(
            "{destination} was stopped; kept for a quick return until {}",
            until.strftime("%H:%M:%S UTC")
        ),
        _ if row.rest.is_some() => format!("{destination} is kept ready (keep_warm)"),
        _ => format!("{destination} is being brought to what its record says"),
    }
}

fn flow(seen: &Seen) -> Option<Line> {
    let flow = seen.flow.as_ref().filter(|flow| flow.is_up())?;
    let why = match seen.flow_unneeded_since {
        Some(since) => format!(
            "nobody has needed it since {}; it is stopped after its grace time",
            since.strftime("%H:%M:%S UTC")
        ),
        None => "carries the feed".to_owned(),
    };
    Some(Line {
        kind: "flow",
        id: "main".to_owned(),
        name: "flow".to_owned(),
        state: flow.status.clone(),
        usd: FLOW.per_hour,
        why,
    })
}

#[cfg(test)]
mod tests;
