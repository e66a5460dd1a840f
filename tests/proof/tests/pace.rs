//! What a life costs in calls, and what a storm of edits costs in time: counted at the connector, in
//! virtual time, with the account's own token buckets.

use proof::{Act, Cue, Plan, Setup, What, When, World, setup, world::BEGIN};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Media times of the benchmark's arithmetic: create 5 s, start 60 s.
fn times() -> Value {
    json!({
        "law": "fixed", "channel_create": 5, "channel_start": 60, "channel_stop": 10,
        "channel_delete": 5, "input_create": 0, "input_detach": 0, "input_delete": 1,
        "flow_start": 8, "flow_stop": 5, "read_lag": 0,
    })
}

fn quotas() -> Value {
    json!({"channels": 100_000, "push_inputs": 100_000, "flow_outputs": 100_000})
}

fn cue(when: When, act: Act) -> Cue {
    Cue { when, act }
}

/// One destination that is on the air before anything is counted, so that the flow is up.
fn first() -> Vec<Cue> {
    vec![
        cue(When::At(0), Act::Key(setup::key_of("first"))),
        cue(
            When::At(1000),
            Act::Put(setup::record("first", "streaming")),
        ),
    ]
}

/// Calls since a time by service and operation, the sweep's apart.
fn calls(world: &World, since: u64) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    for call in world.calls() {
        if call.sent >= since && call.site.worker != "sweep" {
            *counted.entry(call.site.operation).or_insert(0) += 1;
        }
    }
    counted
}

fn is_media(operation: &str) -> bool {
    operation.starts_with("medialive:") || operation.starts_with("mediaconnect:")
}

#[test]
fn a_life_costs_at_most_half_more_calls_than_it_must() {
    let id = || "youtube-main".to_owned();
    let mut script = first();
    script.extend([
        cue(
            When::Channel("first".into(), "RUNNING", 30_000),
            Act::Key(setup::key_of(&id())),
        ),
        cue(When::After(0), Act::Put(setup::record(&id(), "streaming"))),
        cue(When::Channel(id(), "RUNNING", 100_000), Act::Delete(id())),
        cue(When::After(120_000), Act::Nothing),
    ]);
    let setup = Setup {
        script,
        times: times(),
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(1));
    while !(world.script_is_over() && world.is_quiet()) {
        assert!(world.now() < BEGIN + 3_600_000, "it does not end");
        world.step();
        if world.script_is_over() {
            break;
        }
    }
    let of = |call: &&proof::Call| {
        let invocation = &world.invocations()[call.invocation as usize];
        let by = invocation.destination.as_deref() == Some("youtube-main")
            || matches!(call.site.worker, "resume" | "dispatch");
        by && call.sent > BEGIN + 130_000
    };
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for call in world.calls().iter().filter(of) {
        *counted.entry(call.site.operation).or_insert(0) += 1;
    }
    let media: usize = counted
        .iter()
        .filter(|(operation, _)| is_media(operation))
        .map(|(_, number)| number)
        .sum();
    let entered = world
        .trace()
        .events()
        .iter()
        .filter(|event| match &event.what {
            What::Entered(execution, ..) => world.run(*execution).destination == "youtube-main",
            _ => false,
        })
        .count();
    println!("a life: {media} media calls, {entered} states entered, {counted:#?}");
    // 6 writes of MediaLive, 2 of MediaConnect, and one look for each of the four waits.
    assert!(media <= 18, "{media}");
    assert!(entered <= 45, "{entered}");
}

/// When each destination was on the air, and what it took.
struct Storm {
    efficiency: f64,
    throttled: f64,
    stopped_after: u64,
    counted: BTreeMap<&'static str, usize>,
    widest: f64,
}

/// So many destinations are made at the same moment; in the middle of it one that streams is stopped.
fn storm(number: usize) -> Storm {
    let names: Vec<String> = (0..number).map(|number| format!("d{number}")).collect();
    let mut script = first();
    script.push(cue(
        When::Channel("first".into(), "RUNNING", 30_000),
        Act::Nothing,
    ));
    let after = |act| cue(When::After(0), act);
    script.extend(names.iter().map(|id| after(Act::Key(setup::key_of(id)))));
    script.extend(
        names
            .iter()
            .map(|id| after(Act::Put(setup::record(id, "streaming")))),
    );
    // MediaConnect takes 5 calls a second and 30 at once, MediaLive 20 and 40; a start is one call of
    // the one and three of the other.
    let work = f64::max(
        (number as f64 - 30.0) / 5.0,
        (3.0 * number as f64 - 40.0) / 20.0,
    );
    let ideal = work.max(0.0) + 65.0;
    script.push(cue(
        When::After((work.max(0.0) * 500.0) as u64),
        Act::Edit("first".into(), json!({"desired_state": "ready"})),
    ));
    let setup = Setup {
        script,
        times: times(),
        quotas: quotas(),
        keep_sinks: false,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(1));
    let (mut began, mut edited) = (None, None);
    let streaming = |world: &World| {
        let (table, _) = world.tables();
        let on = |row: &Value| row["streaming_status"]["S"] == "streaming";
        world
            .database()
            .items(table)
            .filter(|(id, row)| *id != "first" && on(row))
            .count()
    };
    loop {
        let second = world.now() + 1000;
        world.run_until(second);
        let (table, _) = world.tables();
        if began.is_none() && world.database().items(table).count() > 1 {
            began = Some(world.now() - 1000);
        }
        if edited.is_none() && world.script_is_over() {
            edited = Some(world.now() - 1000);
        }
        if streaming(&world) == number && edited.is_some() {
            break;
        }
        assert!(
            world.now() < BEGIN + 20_000_000,
            "{} on the air",
            streaming(&world)
        );
    }
    let (began, edited) = (began.unwrap(), edited.unwrap());
    let took = (world.now() - began) as f64 / 1000.0;
    let sent: Vec<&proof::Call> = world
        .calls()
        .iter()
        .filter(|call| call.sent >= began && is_media(call.site.operation))
        .collect();
    let refused = sent.iter().filter(|call| call.status == 429).count();
    let stop = sent
        .iter()
        .find(|call| call.site.operation == "medialive:StopChannel" && call.status == 200)
        .expect("a stop");
    let mut on_air: Vec<u64> = world
        .passages()
        .iter()
        .filter(|passage| passage.state == "RUNNING" && passage.at > began)
        .map(|passage| passage.at - began)
        .collect();
    on_air.sort_unstable();
    Storm {
        efficiency: ideal / took,
        throttled: refused as f64 / sent.len() as f64,
        stopped_after: stop.sent - edited,
        counted: calls(&world, began),
        widest: *on_air.last().unwrap() as f64 / on_air[on_air.len() / 2] as f64,
    }
}

fn is_calm(number: usize) {
    let storm = storm(number);
    println!(
        "{number} at once: efficiency {:.3}, refused {:.2} %, a stop after {} ms, last to median {:.2}, {:?}",
        storm.efficiency,
        storm.throttled * 100.0,
        storm.stopped_after,
        storm.widest,
        storm.counted,
    );
    assert!(storm.efficiency >= 0.80, "{}", storm.efficiency);
    assert!(storm.throttled <= 0.10, "{}", storm.throttled);
    assert!(storm.stopped_after <= 10_000, "{}", storm.stopped_after);
}

#[test]
fn a_hundred_at_once_are_on_the_air_nearly_as_soon_as_aws_allows() {
    is_calm(100);
}

#[test]
fn a_thousand_at_once_do_not_hold_a_stop_back() {
    is_calm(1000);
}
