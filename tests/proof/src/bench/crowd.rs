//! Convergence: many records that want to stream, all at one moment. The media services take the
//! same time for everybody, their limits are AWS's, and everything else is the shipped house.
//!
//! Up to fifty destinations are one flow. More are past what a stack is for: many flows of fifty
//! outputs with one ledger, so one line for all of them, and no schedule, which knows one flow only.

use super::{Progress, arithmetic};
use crate::{
    Act, Cue, Plan, Setup, What, When, World,
    operations::Service,
    setup::{self, key_of},
    world::BEGIN,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Outputs of a flow (MediaConnect user guide: quotas).
const OUTPUTS: usize = 50;
/// When the records are put: flows are up by then, and no bucket remembers that.
const EDIT_MS: u64 = 120_000;

/// What happens in a crowd besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing.
    Calm,
    /// A flow is UPDATING for a fifth of a second after each change, and refuses others meanwhile.
    /// Whether it does so at AWS is not documented.
    BusyFlow,
    /// When half of them stream, one of these is stopped, and the run ends when that is accepted.
    Stop,
}

/// What came of a crowd.
#[derive(Debug, Default)]
pub struct Crowd {
    /// How many.
    pub destinations: usize,
    /// Seconds from the edit until each record showed `streaming`, in the order in which they did.
    pub seconds: Vec<f64>,
    /// Calls to the media services.
    pub calls: usize,
    /// Of these, refused for their rate.
    pub throttled: usize,
    /// Calls to all services, without the sweep's.
    pub all_calls: usize,
    /// Seconds of processor time.
    pub processor_seconds: f64,
    /// Seconds from the edit in the middle of it all until StopChannel was accepted.
    pub stop_seconds: Option<f64>,
}

/// A world with so many destinations that want to stream, and what is seen of it.
struct Watched {
    world: World,
    events: usize,
    streaming: BTreeMap<String, u64>,
}

fn id(number: usize) -> String {
    format!("d{number:05}")
}

fn setup(destinations: usize, manner: Manner) -> Setup {
    let cue = |ms, act| Cue {
        when: When::At(ms),
        act,
    };
    let ids: Vec<String> = (0..destinations).map(id).collect();
    let mut script = vec![cue(0, Act::ByHand("start_flow", String::new()))];
    script.extend(ids.iter().map(|id| cue(0, Act::Key(key_of(id)))));
    let put = |id: &String| cue(EDIT_MS, Act::Put(setup::record(id, "streaming")));
    script.extend(ids.iter().map(put));
    let flows = destinations.div_ceil(OUTPUTS);
    let flow_update = if manner == Manner::BusyFlow { 0.2 } else { 0.0 };
    Setup {
        script,
        flows,
        ticks: flows == 1,
        keep_sinks: false,
        keep_histories: false,
        quotas: json!({"channels": destinations, "push_inputs": destinations, "flows": flows}),
        times: json!({
            "law": "fixed", "flow_start": 1, "flow_update": flow_update,
            "channel_create": arithmetic::CREATE_SECONDS,
            "channel_start": arithmetic::START_SECONDS,
        }),
        // Who receives what is reckoned for every destination at every call, and nobody asks here.
        options: match flows {
            1 => Value::Null,
            _ => json!({"media": "reported"}),
        },
        ..Setup::default()
    }
}

impl Watched {
    fn new(setup: &Setup, seed: u64) -> Watched {
        let mut world = World::new(setup, Plan::calm(seed));
        world.run_until(BEGIN + EDIT_MS - 1);
        Watched {
            events: world.trace().events().len(),
            world,
            streaming: BTreeMap::new(),
        }
    }

    /// Takes a step, and notes which records show `streaming` by now.
    fn step(&mut self) {
        self.world.step();
        let events = &self.world.trace().events()[self.events..];
        for event in events {
            let What::Effect(number, 200) = event.what else {
                continue;
            };
            let call = &self.world.calls()[number as usize];
            let table = self.world.tables().0;
            let Some(id) = call.resource.strip_prefix(table) else {
                continue;
            };
            let id = id.trim_start_matches('/');
            if shown(&self.world, id, "streaming_status") == "streaming" {
                self.streaming.entry(id.to_owned()).or_insert(event.at);
            }
        }
        self.events += events.len();
    }

    fn since_edit(&self, at: u64) -> f64 {
        at.saturating_sub(BEGIN + EDIT_MS) as f64 / 1000.0
    }
}

/// A text that a record shows.
fn shown<'a>(world: &'a World, id: &str, attribute: &str) -> &'a str {
    let item = world.database().item(world.tables().0, id);
    item.and_then(|item| item[attribute]["S"].as_str())
        .unwrap_or_default()
}

/// The code of the problem that a record shows.
fn problem<'a>(world: &'a World, id: &str) -> &'a str {
    let item = world.database().item(world.tables().0, id);
    item.and_then(|item| item["problem"]["M"]["code"]["S"].as_str())
        .unwrap_or_default()
}

/// Lets a crowd stream.
#[must_use]
pub fn converge(destinations: usize, seed: u64, manner: Manner, progress: &Progress) -> Crowd {
    let begun = super::processor_seconds();
    let mut watched = Watched::new(&setup(destinations, manner), seed);
    let before = watched.world.calls().len();
    // Four times what is the least, and then ten minutes: whoever takes longer never comes.
    let most =
        BEGIN + EDIT_MS + (4000.0 * arithmetic::ideal_seconds(destinations)) as u64 + 600_000;
    let mut stopped: Option<(String, u64)> = None;
    let mut stop_seconds = None;
    while watched.streaming.len() < destinations && watched.world.now() < most {
        watched.step();
        progress.tell(|| {
            format!(
                "{destinations} at once: {} stream after {:.0} s",
                watched.streaming.len(),
                watched.since_edit(watched.world.now())
            )
        });
        if manner != Manner::Stop {
            continue;
        }
        if let Some((channel, at)) = &stopped {
            stop_seconds = accepted_stop(&watched.world, before, channel)
                .map(|accepted| (accepted - at) as f64 / 1000.0);
            if stop_seconds.is_some() {
                break;
            }
        } else if watched.streaming.len() * 2 >= destinations {
            stopped = stop_first(&mut watched);
        }
    }
    let mut seconds: Vec<f64> = watched
        .streaming
        .values()
        .map(|at| watched.since_edit(*at))
        .collect();
    seconds.sort_by(f64::total_cmp);
    let calls = &watched.world.calls()[before..];
    let media = |call: &&crate::Call| {
        let service = service_of(call);
        matches!(service, Service::MediaLive | Service::MediaConnect)
    };
    Crowd {
        destinations,
        seconds,
        calls: calls.iter().filter(media).count(),
        throttled: calls
            .iter()
            .filter(media)
            .filter(|call| call.status == 429)
            .count(),
        all_calls: calls
            .iter()
            .filter(|call| call.site.worker != "sweep")
            .count(),
        processor_seconds: super::processor_seconds() - begun,
        stop_seconds,
    }
}

/// The service that a call was for.
pub(super) fn service_of(call: &crate::Call) -> Service {
    match call.site.operation.split(':').next() {
        Some("dynamodb") => Service::DynamoDb,
        Some("ssm") => Service::Ssm,
        Some("states") => Service::States,
        Some("medialive") => Service::MediaLive,
        Some("cloudwatch") => Service::CloudWatch,
        _ => Service::MediaConnect,
    }
}

/// Edits the record that streams longest; gives its channel and the moment.
fn stop_first(watched: &mut Watched) -> Option<(String, u64)> {
    let first = watched.streaming.iter().min_by_key(|(_, at)| **at)?.0;
    let name = format!("lunora-lunora-{first}");
    let book = watched.world.core().book();
    let channel = book
        .channels()
        .find(|row| row.name() == name)
        .map(|row| row.id().to_owned())?;
    let act = Act::Edit(first.clone(), json!({"desired_state": "ready"}));
    watched.world.perform_act(act);
    Some((channel, watched.world.now()))
}

/// When MediaLive accepted to stop a channel.
fn accepted_stop(world: &World, before: usize, channel: &str) -> Option<u64> {
    let mut calls = world.calls()[before..].iter().rev().take(200);
    let stop = calls.find(|call| {
        call.site.operation == "medialive:StopChannel"
            && call.resource == channel
            && call.status == 200
    })?;
    stop.effect
}

/// What a sixth destination does where five channels are allowed.
#[derive(Debug, Default)]
pub struct Sixth {
    /// Records that streamed.
    pub streaming: usize,
    /// Records that waited visibly.
    pub waiting: usize,
    /// Records that failed or need a person.
    pub failed: usize,
    /// Seconds from the edit until the record said that it waits.
    pub shown_seconds: Option<f64>,
    /// Seconds from the removal of another until the sixth streamed.
    pub turn_seconds: Option<f64>,
}

/// Six destinations at AWS's default quota of five channels and five push inputs.
#[must_use]
pub fn sixth(seed: u64) -> Sixth {
    const SIX: usize = 6;
    let mut setup = setup(SIX, Manner::Calm);
    setup.quotas = Value::Null;
    let mut watched = Watched::new(&setup, seed);
    let mut sixth = Sixth::default();
    let until = BEGIN + EDIT_MS + 900_000;
    while watched.world.now() < until {
        watched.step();
        let waits = |number| problem(&watched.world, &id(number)) == "waiting_for_quota";
        if sixth.shown_seconds.is_none() && (0..SIX).any(waits) {
            sixth.shown_seconds = Some(watched.since_edit(watched.world.now()));
        }
    }
    let world = &watched.world;
    let status = |number| shown(world, &id(number), "streaming_status");
    let count = |fits: &dyn Fn(usize) -> bool| (0..SIX).filter(|number| fits(*number)).count();
    sixth.streaming = count(&|number| status(number) == "streaming");
    sixth.waiting = count(&|number| problem(world, &id(number)) == "waiting_for_quota");
    sixth.failed = count(&|number| matches!(status(number), "error" | "stuck"));
    let first = watched.streaming.keys().next().cloned();
    let at = watched.world.now();
    if let Some(first) = first {
        let act = Act::Edit(first, json!({"desired_state": "removed"}));
        watched.world.perform_act(act);
    }
    while watched.streaming.len() < SIX && watched.world.now() < at + 1_800_000 {
        watched.step();
    }
    let last = watched.streaming.values().max().copied();
    sixth.turn_seconds = last
        .filter(|last| *last > at)
        .map(|last| (last - at) as f64 / 1000.0);
    sixth
}
