//! A destination's life without faults: made, on the air, stopped, removed, and nothing left behind.

use proof::{Act, Cue, Plan, Setup, When, World, setup};
use serde_json::json;

fn cue(when: When, act: Act) -> Cue {
    Cue { when, act }
}

/// Made, on the air, stopped by an edit, removed by deleting the record.
fn life() -> Setup {
    let id = || "youtube-main".to_owned();
    Setup {
        script: vec![
            cue(When::At(0), Act::Key(setup::key_of("youtube-main"))),
            cue(
                When::At(1000),
                Act::Put(setup::record("youtube-main", "streaming")),
            ),
            cue(
                When::Channel(id(), "RUNNING", 60_000),
                Act::Edit(id(), json!({"desired_state": "ready"})),
            ),
            cue(When::Channel(id(), "IDLE", 30_000), Act::Delete(id())),
        ],
        ..Setup::default()
    }
}

#[test]
fn a_destination_lives_and_leaves_nothing_behind() {
    let mut world = World::new(&life(), Plan::calm(1));
    world.run_until(proof::world::BEGIN + 30 * 60_000);
    for event in world.trace().events() {
        println!("{:>8} {:?}", event.at - proof::world::BEGIN, event.what);
    }
    for call in world.calls() {
        println!(
            "{:?} {} {} {:?}",
            call.site, call.resource, call.status, call.error
        );
    }
    for invocation in world.invocations() {
        println!("{} {:?}", invocation.worker, invocation.outcome);
    }
    assert!(world.script_is_over());
}
