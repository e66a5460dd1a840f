//! What the scheduled pass does: wake what hints missed, act on times, remove orphans, stop a flow
//! that nobody needs. Pure; `workers/sweep` fetches and carries out.
//!
//! The pass is part of correctness: with every event lost everything still settles by it. It
//! decides nothing about a destination itself, it only starts the execution that does.

use crate::{
    ledger::{self, Ledger, Until},
    look::{self, ChannelState, FlowLook},
    name::{self, Tags},
    problem::Code,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

mod removal;

pub use removal::Removal;
use removal::spare;

/// An orphan is removed only when it was seen in two passes at least this far apart. A pass runs
/// every 60 s; half of it tolerates one that starts early.
const ORPHAN_SECONDS: i64 = 30;
/// A quota may have been raised without anything having been deleted: try again after this.
const QUOTA_SECONDS: i64 = 600;

/// A thing listed in the cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What kind of thing.
    pub kind: Kind,
    /// Id of a channel or input, ARN of a flow output.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state in AWS's word; a flow output's is ENABLED or DISABLED.
    pub state: String,
    /// Its tags.
    pub tags: Tags,
}

/// The kinds of things we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A MediaLive channel.
    Channel,
    /// A MediaLive input.
    Input,
    /// An output of the flow.
    FlowOutput,
}

/// Everything a pass saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Fingerprint of every record's operator attributes.
    pub records: BTreeMap<String, String>,
    /// Every ledger row of a destination.
    pub rows: BTreeMap<String, Ledger>,
    /// Destinations whose row cannot be read: nobody knows what they need.
    pub unreadable: BTreeSet<String>,
    /// Who holds which address.
    pub addresses: BTreeMap<String, String>,
    /// Channels whose helper row exists.
    pub channel_helpers: BTreeSet<String>,
    /// Every channel, input and flow output that exists, ours or not.
    pub things: Vec<Listed>,
    /// The flow; absent when it does not exist or could not be described.
    pub flow: Option<FlowLook>,
    /// Executions that hold a lease and run no more.
    pub ended_holders: BTreeSet<String>,
    /// Orphans of the last passes and when each was first seen.
    pub suspects: BTreeMap<String, Timestamp>,
    /// Since when nobody needs the flow.
    pub flow_unneeded_since: Option<Timestamp>,
}

impl Seen {
    /// How many destinations need a person: as long as one does, so that the alarm stays up until somebody
    /// has come, and also while it is tried again by itself.
    pub fn stuck(&self) -> usize {
        let lasting = |row: &&Ledger| {
            let shown = row.problem.as_ref().map(|shown| shown.code.as_str());
            row.stuck.is_some() || shown == Some(Code::TakingTooLong.as_str())
        };
        self.rows.values().filter(lasting).count() + self.unreadable.len()
    }

    /// The destinations whose channel is on the air, whatever its pipeline is doing.
    pub fn running(&self) -> Vec<&str> {
        let on_air = |thing: &&Listed| {
            thing.kind == Kind::Channel && matches!(thing.state.as_str(), "RUNNING" | "RECOVERING")
        };
        let running: BTreeSet<&str> = self
            .things
            .iter()
            .filter(on_air)
            .map(|thing| thing.id.as_str())
            .collect();
        let own = |row: &Ledger| {
            row.channel
                .as_ref()
                .is_some_and(|channel| running.contains(channel.id.as_str()))
        };
        self.rows
            .iter()
            .filter(|(_, row)| own(row))
            .map(|(id, _)| id.as_str())
            .collect()
    }
}

/// What a pass does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pass {
    /// Executions to start, with the reason.
    pub wakes: BTreeMap<String, &'static str>,
    /// Waits that are over: complete the token.
    pub completes: Vec<String>,
    /// Graces that end now, because another destination waits for room.
    pub end_graces: Vec<String>,
    /// The waiter whose turn it is.
    pub turn: Option<String>,
    /// Waiters whose count of things is to be noted.
    pub note_counts: Vec<String>,
    /// How many things count against quotas now.
    pub count: usize,
    /// Orphans to act on now.
    pub orphans: Vec<Listed>,
    /// Orphans seen so far, to be remembered.
    pub suspects: BTreeMap<String, Timestamp>,
    /// Since when nobody needs the flow, to be remembered.
    pub flow_unneeded_since: Option<Timestamp>,
    /// The flow's grace is over.
    pub stop_flow: bool,
}

/// The stack's own numbers.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The stack's label.
    pub stack: String,
    /// How long a flow that nobody needs stays up.
    pub flow_grace_seconds: i64,
    /// False with the policy `always`, or when the flow is not ours.
    pub may_stop_flow: bool,
}

/// Decides what a pass does.
pub fn decide(now: Timestamp, seen: &Seen, rules: &Rules) -> Pass {
    let mut pass = Pass {
        count: count(seen),
        ..Pass::default()
    };
    let states = states(seen);
    for (id, row) in &seen.rows {
        let state = row
            .channel
            .as_ref()
            .and_then(|channel| states.get(channel.id.as_str()).copied());
        if let Some(reason) = wake(now, id, row, state, seen, rules) {
            pass.wakes.insert(id.clone(), reason);
        }
        if is_wait_over(now, row, &seen.things) {
            pass.completes.push(id.clone());
        }
    }
    for id in seen
        .records
        .keys()
        .filter(|id| !seen.rows.contains_key(*id))
    {
        pass.wakes
            .insert(id.clone(), "a record that no execution has seen");
    }
    quota(now, seen, &mut pass);
    orphans(now, seen, rules, &mut pass);
    flow(now, seen, rules, &mut pass);
    spare(seen, rules, &mut pass);
    pass
}

/// The state of every channel that exists, by its id.
fn states(seen: &Seen) -> BTreeMap<&str, &str> {
    seen.things
        .iter()
        .filter(|thing| thing.kind == Kind::Channel && thing.state != "DELETED")
        .map(|thing| (thing.id.as_str(), thing.state.as_str()))
        .collect()
}

/// Things that count against some quota: anything that exists, whoever made it.
fn count(seen: &Seen) -> usize {
    seen.things
        .iter()
        .filter(|thing| thing.state != "DELETED")
        .count()
}

fn wake(
    now: Timestamp,
    id: &str,
    row: &Ledger,
    state: Option<&str>,
    seen: &Seen,
    rules: &Rules,
) -> Option<&'static str> {
    let known = row.seen.as_ref().map(|seen| &seen.attributes);
    if seen.records.get(id) != known {
        return Some("the record has changed");
    }
    match &row.holder {
        Some(holder) if seen.ended_holders.contains(holder) => {
            return Some("its execution ended without a word");
        }
        Some(_) => return None,
        None => {}
    }
    let Some(rest) = &row.rest else {
        return Some("its last execution did not finish");
    };
    if row.wake_at.is_some_and(|wake_at| wake_at <= now) {
        return Some("its time has come");
    }
    if rest.channel.as_deref() != state {
        return Some("its channel is in another state");
    }
    if row.troubles_since() != rest.troubles {
        return Some("nobody has acted on what its incidents say");
    }
    let flow_up = seen.flow.as_ref().is_some_and(FlowLook::is_up);
    let flow = seen.flow.as_ref().map(|flow| &flow.status);
    if rest.awaits_flow && rest.flow.as_ref() != flow {
        return Some("the flow is in another state");
    }
    if rest.needs_flow && !rest.awaits_flow && row.stuck.is_none() {
        let name = name::resource(&rules.stack, id);
        let fed = seen.things.iter().any(|thing| {
            thing.kind == Kind::FlowOutput && thing.name == name && thing.state == "ENABLED"
        });
        if !flow_up || !fed {
            return Some("its channel is not fed");
        }
    }
    if let (Some(arn), Some(_), None) = (&row.flow_output_arn, &seen.flow, &row.stuck)
        && !seen.things.iter().any(|thing| thing.id == *arn)
    {
        return Some("its flow output is gone");
    }
    if let Some(awaited) = &row.address_awaited
        && !is_held(awaited, id, seen)
    {
        return Some("its address is free");
    }
    None
}

/// Whether another destination holds an address: its row says so, or it is about to.
fn is_held(address: &str, by_other_than: &str, seen: &Seen) -> bool {
    seen.addresses.get(address).is_some_and(|holder| {
        holder != by_other_than
            && seen
                .rows
                .get(holder)
                .is_some_and(|row| row.addresses.iter().any(|held| held == address))
    })
}

fn is_wait_over(now: Timestamp, row: &Ledger, things: &[Listed]) -> bool {
    let Some(wait) = &row.wait else { return false };
    if wait.until == Until::Turn {
        return row.place.as_ref().is_none_or(|place| place.at <= now);
    }
    let listed = row.channel.as_ref().and_then(|channel| {
        things
            .iter()
            .find(|thing| thing.kind == Kind::Channel && thing.id == channel.id)
    });
    match listed {
        // DELETED too is a state: it stays listed for a while.
        Some(thing) => look::is_wait_over(now, wait, &ChannelState::from(thing.state.clone())),
        // Not listed: deleted, or not yet listed.
        None => now >= ledger::after(wait.since, ledger::LAG_SECONDS),
    }
}

/// The longest waiter's turn comes when something has been deleted since it was refused last. While
/// anyone waits, a stopped destination's grace is zero.
fn quota(now: Timestamp, seen: &Seen, pass: &mut Pass) {
    let mut waiters: Vec<(&String, &ledger::QuotaWait)> = seen
        .rows
        .iter()
        .filter(|(_, row)| row.holder.is_none() && row.rest.is_some())
        .filter_map(|(id, row)| Some((id, row.quota_wait.as_ref().filter(|wait| !wait.turn)?)))
        .collect();
    waiters.sort_by_key(|(id, wait)| (wait.since, id.as_str()));
    // A turn whose execution could not be started is not lost.
    for (id, row) in &seen.rows {
        let rests = row.holder.is_none()
            && row.refused.is_none()
            && row.stuck.is_none()
            && row.rest.as_ref().is_some_and(|rest| !rest.awaits_flow);
        if rests && row.quota_wait.as_ref().is_some_and(|wait| wait.turn) {
            pass.wakes.insert(id.clone(), "there may be room now");
        }
    }
    if waiters.is_empty() {
        return;
    }
    for (id, wait) in &waiters {
        if wait.count.is_none_or(|counted| counted < pass.count) {
            pass.note_counts.push((*id).clone());
        }
    }
    // One at a time: whoever is at work on its turn may be taking the very room that is free.
    let at_work = seen.rows.values().any(|row| {
        row.quota_wait.as_ref().is_some_and(|wait| wait.turn)
            && (row.holder.is_some() || row.rest.is_none())
    });
    // Each is judged by what it saw itself: one that was refused again just now lets the next try.
    pass.turn = waiters
        .iter()
        .find(|(_, wait)| {
            !at_work && {
                // One that was refused while nobody counted may have been refused for want of
                // what has gone since: it gets one try, and is counted from then on.
                wait.count.is_none_or(|counted| pass.count < counted)
                    || now >= ledger::after(wait.tried_at, QUOTA_SECONDS)
            }
        })
        .map(|(id, _)| (*id).clone());
    if let Some(id) = &pass.turn {
        pass.wakes.insert(id.clone(), "there may be room now");
    }
    for (id, _) in seen
        .rows
        .iter()
        .filter(|(_, row)| row.holder.is_none() && row.grace_until.is_some_and(|grace| grace > now))
    {
        pass.end_graces.push(id.clone());
        pass.wakes
            .insert(id.clone(), "another destination waits for its room");
    }
}

fn orphans(now: Timestamp, seen: &Seen, rules: &Rules, pass: &mut Pass) {
    for thing in &seen.things {
        let Some(destination) = name::owner(&rules.stack, &thing.name, &thing.tags) else {
            continue;
        };
        if matches!(thing.state.as_str(), "DELETED" | "DELETING")
            || is_accounted(thing, seen.rows.get(destination))
        {
            continue;
        }
        let key = thing.id.clone();
        let first = seen.suspects.get(&key).copied().unwrap_or(now);
        pass.suspects.insert(key, first);
        if now >= ledger::after(first, ORPHAN_SECONDS) {
            pass.orphans.push(thing.clone());
        }
    }
}

/// Whether a ledger row answers for a thing: it knows its id, or was about to learn it.
fn is_accounted(thing: &Listed, row: Option<&Ledger>) -> bool {
    let Some(row) = row else { return false };
    let tag = thing
        .tags
        .get(name::TAG_INCARNATION)
        .and_then(|tag| tag.parse::<u64>().ok());
    let by = |made: &Option<ledger::Made>, sought: &Option<ledger::Sought>| match (made, sought) {
        (Some(made), _) => made.id == thing.id,
        (None, Some(sought)) => tag == Some(sought.incarnation),
        (None, None) => false,
    };
    match thing.kind {
        Kind::Channel => by(&row.channel, &row.channel_sought),
        Kind::Input => by(&row.input, &row.input_sought),
        Kind::FlowOutput => {
            // An output's name is unique in its flow, so there is never a second one: it belongs to
            // the input, and a look that missed it for a moment does not make it nobody's.
            row.flow_output_arn.as_ref() == Some(&thing.id)
                || row.holder.is_some()
                || row.rest.is_none()
                || row.input.is_some()
                || row.channel.is_some()
        }
    }
}

/// Whether somebody needs the flow, or may.
pub fn needs_flow(seen: &Seen) -> bool {
    let states = states(seen);
    seen.rows.values().any(|row| {
        let running = row
            .channel
            .as_ref()
            .and_then(|channel| states.get(channel.id.as_str()));
        running.is_some_and(|state| !matches!(*state, "IDLE" | "CREATE_FAILED" | "UPDATE_FAILED"))
            || row
                .rest
                .as_ref()
                .map_or(row.holder.is_some() && row.seen.is_some(), |rest| {
                    rest.needs_flow
                })
    })
}

fn flow(now: Timestamp, seen: &Seen, rules: &Rules, pass: &mut Pass) {
    let up = seen.flow.as_ref().is_some_and(|flow| flow.is_up());
    if needs_flow(seen) || !up || !rules.may_stop_flow {
        return;
    }
    let since = seen.flow_unneeded_since.unwrap_or(now);
    pass.flow_unneeded_since = Some(since);
    pass.stop_flow = now >= ledger::after(since, rules.flow_grace_seconds);
}

#[cfg(test)]
mod tests;
