//! The planner: from a record, a ledger row and a look at the cloud to the next lane.
//!
//! Pure: time is an argument, nothing is read or written here. A lane is a story of steps of which
//! each does nothing when its work is already done, so that the planner only has to choose the
//! story. Every combination has a lane, an honest wait or a rest with a reason; the tests
//! enumerate them.

mod course;
mod lane;
mod mirror;
mod notes;
mod notice;
mod outcome;
mod session;
mod target;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;
mod words;

pub use mirror::{Mirror, Status, things, waiting_for_turn};
pub use target::Level;
pub use verdict::fail;
pub use watch::asks_for_spent;

use crate::{
    caps::Limits,
    ledger::{self, Ledger, OnShow, Rest},
    look::{AddressLook, ChannelState, Look},
    problem::{Code, Problem},
    record::{self, Item, Wish},
    session::Session,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One story in the state machine, or what to do instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// Make input, flow output and channel.
    Provision,
    /// Bring flow, flow output and channel up.
    Start,
    /// Bring the channel down and stop feeding it.
    Stop,
    /// Bring a stopped channel up to date.
    Change,
    /// Delete channel, flow output and input.
    Teardown,
    /// Wait for a create or an update to end.
    WaitForChannel,
    /// Wait for a time.
    WaitUntil,
    /// Wait for a place in the line of an API; an edit ends it.
    AwaitTurn,
    /// Nothing more to do now.
    Release,
}

/// The numbers a decision needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How long resources of a stopped destination are kept.
    pub grace_seconds: i64,
    /// Where key parameters must be.
    pub parameter_prefix: String,
    /// StartChannel calls per generation and hour. A start costs ten minutes.
    pub starts_max: usize,
    /// Channels per generation and hour that may fail to be made before it is a verdict; twice as
    /// many may get lost before a person is asked.
    pub creates_max: usize,
    /// The feed's bit rate, bit/s: decides what an input costs.
    pub feed_bitrate: u64,
    /// Laps of one execution, then a successor: 25,000 history events end an execution.
    pub laps_max: u64,
    /// The stack's limits, where a record has none of its own.
    pub limits: Limits,
}

impl Rules {
    /// The built-in numbers with the stack's own.
    pub fn new(grace_seconds: i64, parameter_prefix: &str) -> Rules {
        Rules {
            grace_seconds,
            parameter_prefix: parameter_prefix.to_owned(),
            starts_max: 3,
            creates_max: 2,
            feed_bitrate: 10_000_000,
            laps_max: 30,
            limits: Limits::default(),
        }
    }
}

/// What Plan decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Which story.
    pub lane: Lane,
    /// How far the destination is to be brought.
    pub level: Level,
    /// When a WaitUntil ends.
    pub until: Timestamp,
    /// The ledger row from now on.
    pub ledger: Ledger,
    /// What the operator is shown; absent when there is no record.
    pub mirror: Option<Mirror>,
    /// A session that is new or has changed: to be written before the row.
    pub session: Option<Session>,
    /// Addresses that nothing needs any more.
    pub let_go: Vec<String>,
    /// This execution has made all its laps: let a successor go on.
    pub hand_over: bool,
}

/// Decides. `record` is the operator's item (absent: removed), `wish` what `record::read` made of it.
pub fn decide(
    now: Timestamp,
    lap: u64,
    record: Option<(&Item, &Wish)>,
    ledger: &Ledger,
    look: &Look,
    rules: &Rules,
) -> Decision {
    let mut ledger = ledger.clone();
    crate::session::note_answer(&mut ledger);
    let before = &ledger.clone();
    let earlier = before.desired;
    let wish = record.map(|(_, wish)| wish);
    let mut watch = watch::Watch {
        now,
        ..watch::Watch::default()
    };
    notes::note_wish(&mut ledger, record, look);
    watch.keep_time(now, wish, earlier, &mut ledger);
    notes::note_unanswered(&mut ledger);
    notes::note_gone(now, &mut ledger, look);
    if ledger
        .intent
        .as_ref()
        .is_some_and(|intent| intent.until <= now || outcome::has_landed(&intent.operation, look))
    {
        ledger.intent = None;
    }
    ledger.output_may_land_until = ledger.output_may_land_until.filter(|until| *until > now);
    if let Some(refused) = ledger.refused.as_mut() {
        refused.heeded = true;
    }
    ledger.wait = None;
    ledger.place = None;
    ledger.wake_at = None;
    Ledger::forget_old(&mut ledger.starts, now);
    ledger.address_awaited = None;
    notes::note_passing(now, &mut ledger, look);
    notes::note_failure(now, &mut ledger, look, rules);

    watch.note_troubles(&ledger, look);
    watch.keep_limits(now, wish, &mut ledger, look, rules);
    notice::note(now, before, &mut ledger, wish, &watch, rules);

    let target = target::aim(now, wish, &mut ledger, look, rules, &mut watch);
    let mut choice = lane::choose(now, &target, &mut ledger, look, rules);
    if let Some(intent) = &ledger.intent
        && !outcome::repeats(choice.lane, &intent.operation)
    {
        // What was sent may still land: nothing else is done until it has, or cannot any more.
        choice = lane::Choice::wait(intent.until, Code::WaitingForOutcome);
    }
    ledger.target = target
        .configuration
        .clone()
        .filter(|_| target.level != Level::Gone)
        .map(|configuration| ledger::Aim {
            other_address: other_address(&configuration, wish, look),
            configuration,
            retry: target.retry.clone(),
            url_type: target.url_type,
            restarts: target.restarts,
        });
    let stuck = lane::is_stuck(now, &mut ledger, &choice);
    if stuck {
        choice.lane = Lane::Release;
    } else if choice.lane == Lane::Release
        && let Some(soon) = watch.soon(now)
    {
        choice.lane = Lane::WaitUntil;
        choice.until = soon;
    }
    let hand_over = choice.lane != Lane::Release && lap >= rules.laps_max;
    if hand_over {
        ledger.rest = None;
    } else if choice.lane == Lane::Release {
        rest(now, &target, &choice, &mut ledger, look, watch.wake_at);
    } else {
        ledger.rest = None;
    }

    let (status, problem) = mirror::status(&target, &choice, &ledger, look, stuck, wish, &watch);
    show(now, &mut ledger, problem.as_ref());
    let session = session::account(now, before, &mut ledger, look, (&target, &choice), rules);
    let mirror = record.map(|(item, wish)| {
        let watched = mirror::watched(&watch, &ledger);
        let mut mirror = Mirror::new(item, status, problem, &ledger, look, now, watched);
        session::show_prices(&mut mirror, item, wish, rules);
        mirror
    });
    let let_go = addresses_let_go(&mut ledger, &target, look, wish);
    if record.is_none() && choice.lane == Lane::Release && !stuck && !ledger.has_resources() {
        ledger = ledger.shrunk(now);
    } else {
        ledger.expires_at = None;
    }
    Decision {
        // A successor goes on where this one is: what is shown does not change.
        lane: if hand_over {
            Lane::Release
        } else {
            choice.lane
        },
        level: target.level,
        until: choice.until,
        ledger,
        mirror,
        session,
        let_go,
        hand_over,
    }
}

/// Writes down what is left to be watched.
fn rest(
    now: Timestamp,
    target: &target::Target,
    choice: &lane::Choice,
    ledger: &mut Ledger,
    look: &Look,
    wake_at: Option<Timestamp>,
) {
    ledger.rest = Some(Rest {
        channel: look
            .channel
            .there()
            .map(|channel| &channel.state)
            .filter(|state| **state != ChannelState::Deleted)
            .map(|state| state.as_str().to_owned()),
        awaits_flow: choice.awaits_flow,
        flow: look.flow.as_ref().map(|flow| flow.status.clone()),
        // Feeding one that does not come up would not help it.
        needs_flow: target.level == Level::Running
            && choice.problem != Some(Code::TakingTooLong)
            && look
                .channel
                .there()
                .is_some_and(|channel| channel.state.is_up()),
        troubles: ledger.troubles_since(),
    });
    let again = ledger.stuck.as_ref().and_then(|stuck| stuck.again_at);
    let grace = ledger.grace_until.filter(|grace| *grace > now);
    ledger.wake_at = [again, grace, wake_at].into_iter().flatten().min();
}

/// The fingerprint of the address that is not in use, if it is ours as well.
fn other_address(used: &record::Configuration, wish: Option<&Wish>, look: &Look) -> Option<String> {
    let wish = wish?;
    let used = used.address_hash();
    let held = |look: &AddressLook| *look == AddressLook::Held;
    let primary = wish
        .configuration
        .as_ref()
        .ok()
        .filter(|_| held(&look.address));
    let backup = wish.backup.as_ref().ok().and_then(Option::as_ref);
    primary
        .into_iter()
        .chain(backup.filter(|_| held(&look.backup_address)))
        .map(record::Configuration::address_hash)
        .find(|hash| *hash != used)
}

/// Since when a problem is on show: one of the same code keeps its time.
pub fn since(now: Timestamp, ledger: &Ledger, problem: &Problem) -> Timestamp {
    ledger
        .problem
        .as_ref()
        .filter(|shown| shown.code == problem.code.as_str())
        .map_or(now, |shown| shown.since)
}

/// Remembers since when a problem is on show.
pub fn show(now: Timestamp, ledger: &mut Ledger, problem: Option<&Problem>) {
    ledger.problem = problem.map(|problem| match &ledger.problem {
        Some(shown) if shown.code == problem.code.as_str() => shown.clone(),
        _ => OnShow {
            code: problem.code.as_str().to_owned(),
            since: now,
        },
    });
}

/// Addresses held that neither the wish nor what is on air nor the settled configuration needs.
/// They leave the ledger only after their rows are deleted, so this lists and `cloud` removes.
fn addresses_let_go(
    ledger: &mut Ledger,
    target: &target::Target,
    look: &Look,
    wish: Option<&Wish>,
) -> Vec<String> {
    let removed = target.desired == record::DesiredState::Removed;
    if let AddressLook::HeldBy(_) = look.address
        && !removed
        && let Some(Ok(wanted)) = wish.map(|wish| &wish.configuration)
    {
        ledger.address_awaited = Some(wanted.address_hash());
    } else if let AddressLook::HeldBy(_) = look.backup_address
        && !removed
        && let Some(Ok(Some(backup))) = wish.map(|wish| &wish.backup)
    {
        ledger.address_awaited = Some(backup.address_hash());
    }
    let mut needed: Vec<String> = Vec::new();
    needed.extend(
        ledger
            .on_air
            .iter()
            .map(|on_air| on_air.configuration.address_hash()),
    );
    needed.extend(
        ledger
            .settled
            .iter()
            .map(|settled| settled.configuration.address_hash()),
    );
    needed.extend(
        target
            .configuration
            .iter()
            .filter(|_| target.level != Level::Gone)
            .map(|configuration| configuration.address_hash()),
    );
    if let Some(Ok(wanted)) = wish.map(|wish| &wish.configuration)
        && look.address == AddressLook::Held
        && !removed
    {
        needed.push(wanted.address_hash());
    }
    if let Some(Ok(Some(backup))) = wish.map(|wish| &wish.backup)
        && look.backup_address == AddressLook::Held
        && !removed
    {
        needed.push(backup.address_hash());
    }
    ledger
        .addresses
        .iter()
        .filter(|held| !needed.contains(held))
        .cloned()
        .collect()
}
