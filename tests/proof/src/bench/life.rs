//! One destination's life without faults, counted where its calls reach a service: made, started, on
//! the air for a while, stopped, removed.

use super::{
    counter::{self, Counter},
    minimum,
};
use crate::{
    Act, Cue, Plan, Setup, When, World,
    operations::Service,
    setup::{self, key_of},
    world::BEGIN,
};
use ::bench::figures::{Figure, Target};
use domain::cost::Money;
use serde_json::json;

/// The destination.
const ID: &str = "youtube-main";
/// A life that has not ended by then never does.
const MOST_MS: u64 = 7_200_000;

/// What was counted in a life.
#[derive(Debug)]
pub struct Life {
    /// Calls, invocations, units.
    pub counter: Counter,
    /// State transitions.
    pub transitions: u64,
    /// Bytes of history.
    pub history_bytes: usize,
    /// All of it in dollars, without the media services.
    pub cost: Money,
}

/// Put to stream, and later deleted: two edits. With a stop of its own in between: three.
fn script(with_stop: bool) -> Vec<Cue> {
    let id = || ID.to_owned();
    let cue = |when, act| Cue { when, act };
    let mut script = vec![
        cue(When::At(0), Act::ByHand("start_flow", String::new())),
        cue(When::At(0), Act::Key(key_of(ID))),
        cue(When::At(180_000), Act::Put(setup::record(ID, "streaming"))),
    ];
    if with_stop {
        script.push(cue(
            When::Channel(id(), "RUNNING", 60_000),
            Act::Edit(id(), json!({"desired_state": "ready"})),
        ));
        script.push(cue(When::Channel(id(), "IDLE", 60_000), Act::Delete(id())));
    } else {
        script.push(cue(
            When::Channel(id(), "RUNNING", 60_000),
            Act::Delete(id()),
        ));
    }
    script
}

/// Lives it.
#[must_use]
pub fn live(seed: u64, with_stop: bool) -> Life {
    let setup = Setup {
        script: script(with_stop),
        keep_sinks: false,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(seed));
    let mut counter = Counter::from_now(&world);
    while !(world.script_is_over() && world.is_quiet()) && world.now() < BEGIN + MOST_MS {
        world.step();
        counter.look(&world);
    }
    let transitions = counter::transitions(&world);
    Life {
        cost: counter.cost(transitions, counter::traces(&world)),
        history_bytes: counter::history_bytes(&world),
        transitions,
        counter,
    }
}

/// The figures, from the middle one of some lives: the times of the media services are drawn, and a
/// longer wait may take one look more.
#[must_use]
pub fn figures(lives: u64) -> Vec<Figure> {
    let mut all = Vec::new();
    for (with_stop, name) in [(false, "put and deleted"), (true, "put, stopped, deleted")] {
        let mut lived: Vec<Life> = (1..=lives).map(|seed| live(seed, with_stop)).collect();
        lived.sort_by_key(|life| (life.counter.all_calls(), life.transitions));
        let life = &lived[lived.len() / 2];
        all.extend(of(life, name, with_stop));
    }
    all
}

fn of(life: &Life, name: &str, with_stop: bool) -> Vec<Figure> {
    let calls = life.counter.all_calls();
    let dollars = life.cost.0 as f64 / 1_000_000.0;
    let figure = |id: &str, what: &str, value: f64, unit: &str, target| {
        Figure::new(
            id,
            &format!("one life, {name}: {what}"),
            value,
            unit,
            target,
        )
    };
    let least = minimum::calls(None, with_stop);
    let mut all = vec![
        figure(
            "c1",
            &format!("{calls} calls to all services against the {least} it takes"),
            calls as f64 / least as f64,
            "times",
            Target::AtMost(1.5),
        ),
        figure(
            "c2",
            "state transitions",
            life.transitions as f64,
            "",
            Target::AtMost(45.0),
        ),
        figure(
            "c2",
            "control plane at list price",
            dollars,
            "USD",
            Target::AtMost(0.0012),
        ),
    ];
    if with_stop {
        return all;
    }
    for (service, word) in [
        (Service::MediaLive, "MediaLive"),
        (Service::MediaConnect, "MediaConnect"),
        (Service::DynamoDb, "DynamoDB"),
        (Service::States, "Step Functions"),
        (Service::Ssm, "Parameter Store"),
    ] {
        let calls = life.counter.services.get(&service).copied();
        let least = minimum::calls(Some(service), with_stop);
        let operations = life.counter.calls.iter().filter_map(|(operation, calls)| {
            let (whose, short) = operation.split_once(':')?;
            (whose == prefix(service)).then(|| format!("{short} {calls}"))
        });
        let what = format!(
            "calls to {word}, where {least} would do ({})",
            operations.collect::<Vec<_>>().join(", ")
        );
        all.push(figure(
            "c3",
            &what,
            calls.unwrap_or_default() as f64,
            "calls",
            Target::None,
        ));
    }
    for (what, value, unit) in [
        ("functions invoked", life.counter.invocations, "invocations"),
        (
            "records of the table's stream",
            life.counter.stream_records,
            "records",
        ),
        (
            "histories of its executions",
            life.history_bytes as u64,
            "bytes",
        ),
        (
            "calls of the sweep meanwhile, which serve all destinations",
            life.counter.sweep_calls,
            "calls",
        ),
    ] {
        all.push(figure("c3", what, value as f64, unit, Target::None));
    }
    all
}

fn prefix(service: Service) -> &'static str {
    match service {
        Service::DynamoDb => "dynamodb",
        Service::Ssm => "ssm",
        Service::States => "states",
        Service::MediaLive => "medialive",
        Service::MediaConnect => "mediaconnect",
        Service::CloudWatch => "cloudwatch",
    }
}
