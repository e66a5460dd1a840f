//! What the operator is shown: the mirror attributes of a record.

use super::{Lane, Level, lane::Choice, target::Target, watch::Watch, words};
use crate::{
    failover,
    ledger::Ledger,
    look::{ChannelState, Look},
    problem::{Code, Problem, Shown},
    record::{DesiredState, Item, Wish},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The closed set of `streaming_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// At rest, nothing wrong.
    Ready,
    /// On its way to the air.
    Starting,
    /// The channel is running.
    Streaming,
    /// On its way off the air.
    Stopping,
    /// Everything is being deleted.
    Removing,
    /// The record cannot be carried out as it is.
    Error,
    /// Needs a person.
    Stuck,
}

impl Status {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ready => "ready",
            Status::Starting => "starting",
            Status::Streaming => "streaming",
            Status::Stopping => "stopping",
            Status::Removing => "removing",
            Status::Error => "error",
            Status::Stuck => "stuck",
        }
    }
}

/// Attributes with their values; `None` removes one.
pub type Attributes = BTreeMap<&'static str, Option<Value>>;

/// Changes to a record's mirror attributes. `None` removes an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// The status, for metrics.
    pub status: Status,
    /// Every mirror attribute with its value.
    pub attributes: Attributes,
    /// Whether anything but the times of looking differs from what the record shows.
    pub changed: bool,
}

/// What a row knows to exist, as a record shows it.
pub fn things(ledger: &Ledger) -> [(&'static str, Option<Value>); 5] {
    let channel = ledger.channel.as_ref();
    let url_type = match &ledger.on_air {
        Some(on_air) => on_air.url_type,
        None => ledger.failover.url_type,
    };
    [
        ("input_id", ledger.input.as_ref().map(|made| json!(made.id))),
        (
            "mediaconnect_output_arn",
            ledger.flow_output_arn.as_ref().map(|arn| json!(arn)),
        ),
        ("channel_id", channel.map(|made| json!(made.id))),
        (
            "current_url_type",
            channel.map(|_| json!(url_type.as_str())),
        ),
        (
            "streaming_started_at",
            ledger.streaming_started_at.map(|at| json!(at.to_string())),
        ),
    ]
}

impl Mirror {
    pub(super) fn new(
        item: &Item,
        status: Status,
        problem: Option<Problem>,
        ledger: &Ledger,
        look: &Look,
        now: Timestamp,
        watched: Attributes,
    ) -> Mirror {
        let since = ledger.problem.as_ref().map_or(now, |shown| shown.since);
        let problem = problem.map(|problem| json!(Shown { problem, since }));
        let mut attributes = BTreeMap::from(things(ledger));
        attributes.extend([
            ("streaming_status", Some(json!(status.as_str()))),
            ("problem", problem),
            ("generation", Some(json!(ledger.generation))),
            (
                "execution_arn",
                ledger.holder.as_ref().map(|holder| json!(holder)),
            ),
        ]);
        attributes.extend(watched);
        let changed = attributes
            .iter()
            .any(|(name, value)| item.get(*name) != value.as_ref());
        let time = Some(json!(now.to_string()));
        attributes.insert("observed_at", time.clone());
        if look.flow.is_some() {
            attributes.insert("last_mediaconnect_sync", time.clone());
        }
        if changed {
            attributes.insert("updated_at", time.clone());
        }
        if !item.contains_key("created_at") {
            attributes.insert("created_at", time);
        }
        Mirror {
            status,
            attributes,
            changed,
        }
    }
}

/// What is shown while a destination that has nothing yet waits for its place in a line. One that
/// has a channel is shown as it was seen last.
pub fn waiting_for_turn(now: Timestamp, item: &Item, ledger: &mut Ledger) -> Option<Mirror> {
    let place = ledger.place.as_ref().filter(|_| ledger.channel.is_none())?;
    if place.desired != DesiredState::Streaming {
        return None;
    }
    let message = format!(
        "AWS takes only so many requests a second; the turn of this destination comes at {}.",
        place.at.strftime("%H:%M:%S UTC")
    );
    let problem = Problem::new(Code::WaitingForTurn, message);
    super::show(now, ledger, Some(&problem));
    let unseen = Look::unseen();
    Some(Mirror::new(
        item,
        Status::Starting,
        Some(problem),
        ledger,
        &unseen,
        now,
        // Times and tries stay as they were seen last.
        Attributes::new(),
    ))
}

/// What a destination has in front of it: tries and times.
pub(super) fn watched(watch: &Watch, ledger: &Ledger) -> Attributes {
    let time = |at: Option<Timestamp>| at.map(|at| json!(at.to_string()));
    let attempt = words::attempt(watch, ledger);
    BTreeMap::from([
        ("attempt", attempt.map(|attempt| json!(attempt))),
        (
            "attempts_max",
            attempt.map(|_| json!(failover::SWITCHES_MAX + 1)),
        ),
        ("next_try_at", time(watch.next_try_at)),
        ("next_start_at", time(watch.next_start_at)),
        ("next_stop_at", time(watch.next_stop_at)),
    ])
}

/// Status and problem. One problem is shown: the one an operator has to know first.
pub(super) fn status(
    target: &Target,
    choice: &Choice,
    ledger: &Ledger,
    look: &Look,
    stuck: bool,
    wish: Option<&Wish>,
    watch: &Watch,
) -> (Status, Option<Problem>) {
    let state = look
        .channel
        .there()
        .map(|channel| &channel.state)
        .filter(|state| **state != ChannelState::Deleted);
    let on_air = state.is_some_and(ChannelState::is_on_air);
    let going_down = state.is_some_and(ChannelState::counts_as_running);
    let desired_problem = wish.and_then(|wish| wish.desired.as_ref().err()).cloned();
    let verdict = stuck
        .then(|| ledger.stuck.as_ref().map(|stuck| stuck.problem.clone()))
        .flatten();
    let too_long = choice.problem == Some(Code::TakingTooLong);

    let status = if verdict.is_some() || too_long {
        Status::Stuck
    } else if target.desired == DesiredState::Removed {
        match choice.lane {
            Lane::Release if desired_problem.is_some() => Status::Error,
            Lane::Release => Status::Ready,
            _ => Status::Removing,
        }
    } else if target.level == Level::Running {
        match choice.lane {
            Lane::Release if on_air => Status::Streaming,
            Lane::Stop => Status::Stopping,
            // Feeding a running channel again does not take it off the air.
            Lane::Start | Lane::Provision | Lane::WaitUntil if on_air => Status::Streaming,
            _ => Status::Starting,
        }
    } else if target.waits_for_quota.is_some() && !going_down {
        Status::Starting
    } else if going_down {
        Status::Stopping
    } else if target.refusal.is_some()
        || desired_problem.is_some()
        || target.holds_off
        || target.capped.is_some() && target.desired == DesiredState::Streaming
    {
        Status::Error
    } else if choice.lane == Lane::Provision
        || choice.lane == Lane::WaitForChannel && target.level == Level::Idle
    {
        Status::Starting
    } else {
        Status::Ready
    };

    let problem = verdict
        .or_else(|| {
            too_long.then(|| {
                Problem::new(
                    Code::TakingTooLong,
                    "The channel has been in one passing state for half an hour.",
                )
            })
        })
        .or_else(|| target.capped.clone())
        .or_else(|| target.refusal.clone())
        .or(desired_problem)
        .or_else(|| target.waits_for_quota.clone())
        .or_else(|| {
            choice
                .problem
                .map(|code| Problem::new(code, sentence(code)))
        })
        .or_else(|| words::pressing(watch, ledger, on_air))
        .or_else(|| scrubbed(ledger))
        .or_else(|| words::worth_knowing(watch, ledger))
        .or_else(|| {
            choice.pending.then(|| {
                Problem::new(
                    Code::ChangeWaitsForNextStart,
                    sentence(Code::ChangeWaitsForNextStart),
                )
            })
        })
        .or_else(|| wish.and_then(|wish| wish.notices.first()).cloned());
    (status, problem)
}

fn scrubbed(ledger: &Ledger) -> Option<Problem> {
    (ledger.scrubbed == Some(ledger.generation)).then(|| {
        Problem::new(
            Code::StreamKeyInRecord,
            "The record held a stream key. It was removed, but it has been seen.",
        )
    })
}

fn sentence(code: Code) -> &'static str {
    match code {
        Code::FlowMissing => "The MediaConnect flow does not exist or is being deleted.",
        Code::WaitingForFlow => "The MediaConnect flow is not running, and Lunora cannot start it.",
        Code::WaitingForOutcome => {
            "A call to AWS got no answer; Lunora waits until it is known what came of it."
        }
        Code::Recovering => "MediaLive is recovering the channel by itself.",
        Code::ChangeWaitsForNextStart => {
            "The preset or the stream key has changed since this stream started."
        }
        _ => "Lunora is waiting.",
    }
}
