//! A destination's life without faults: made, on the air, stopped, removed, and nothing left behind.

use proof::{Act, Cue, Plan, Setup, What, When, World, setup, world::BEGIN};
use serde_json::json;
use std::time::Instant;

const ID: &str = "youtube-main";

/// Made, on the air, stopped by an edit, removed by deleting the record.
fn life() -> Setup {
    let id = || ID.to_owned();
    let cue = |when, act| Cue { when, act };
    Setup {
        script: vec![
            cue(When::At(0), Act::Key(setup::key_of(ID))),
            cue(When::At(1000), Act::Put(setup::record(ID, "streaming"))),
            cue(
                When::Channel(id(), "RUNNING", 60_000),
                Act::Edit(id(), json!({"desired_state": "ready"})),
            ),
            cue(When::Channel(id(), "IDLE", 30_000), Act::Delete(id())),
        ],
        ..Setup::default()
    }
}

/// Lives a life and waits until everything is quiet again.
fn live(seed: u64) -> World {
    let mut world = World::new(&life(), Plan::calm(seed));
    while !(world.script_is_over() && world.is_quiet()) {
        assert!(world.now() < BEGIN + 3_600_000, "it does not end");
        world.step();
    }
    world
}

#[test]
fn a_destination_lives_and_leaves_nothing_behind() {
    let world = live(1);
    let book = world.core().book();
    assert!(book.channels().all(|channel| !channel.is_billable()));
    assert!(book.inputs().all(|input| input.deleted_at().is_some()));
    let flow = book.flow(world.flow_arn()).unwrap();
    assert_eq!(flow.outputs().count(), 0);
    assert!(
        world
            .passages()
            .iter()
            .any(|passage| passage.state == "RUNNING")
    );
    assert!(world.taken().is_empty());
    let calls = |from: &str| {
        let of = |call: &&proof::Call| from.is_empty() || call.site.worker == from;
        world.calls().iter().filter(of).count()
    };
    let states = world.trace().events().iter();
    let entered = states.filter(|event| matches!(event.what, What::Entered(..)));
    println!(
        "one life: {} calls, of these {} of the sweep, {} of resume, {} of watch, {} of dispatch; {} states entered; {} simulated minutes",
        calls(""),
        calls("sweep"),
        calls("resume"),
        calls("watch"),
        calls("dispatch"),
        entered.count(),
        (world.now() - BEGIN) / 60_000,
    );
    assert!((60..400).contains(&calls("")), "{}", calls(""));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let began = Instant::now();
    let mut calls = 0;
    let mut traces = std::collections::BTreeSet::new();
    for seed in 475..525 {
        let (one, two) = (live(seed), live(seed));
        assert_eq!(one.trace().hash(), two.trace().hash(), "seed {seed}");
        assert_eq!(one.trace().events(), two.trace().events(), "seed {seed}");
        calls += one.calls().len() + two.calls().len();
        traces.insert(one.trace().hash());
    }
    assert_eq!(traces.len(), 50, "another seed is another trace");
    let passed = began.elapsed();
    println!(
        "100 lives in {passed:?}: {} a minute, {:?} a call",
        6_000_000 / passed.as_millis().max(1),
        passed / calls as u32
    );
}
