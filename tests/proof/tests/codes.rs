//! Problems that take more than a bad record to come about: AWS that does not answer for long, a crowd,
//! and a story of our own that is broken. Each is shown on the record, tears nothing down, and passes.

use proof::{
    Act, Cue, Plan, Setup, When, World,
    deployed::{Deployed, deployed},
    setup::{key_of, record},
    world::BEGIN,
};
use std::collections::BTreeSet;

const MINUTE: u64 = 60_000;

fn cue(at: u64, act: Act) -> Cue {
    Cue {
        when: When::At(at),
        act,
    }
}

fn put(id: &str, desired_state: &str) -> [Cue; 2] {
    [
        cue(0, Act::Key(key_of(id))),
        cue(1000, Act::Put(record(id, desired_state))),
    ]
}

/// The problem on a record, and whether its channel runs.
fn shown(world: &World, id: &str) -> (String, bool) {
    let item = world.database().item(world.tables().0, id);
    let code = item.and_then(|item| item["problem"]["M"]["code"]["S"].as_str());
    let mut channels = world.core().book().channels();
    let name = format!("-{id}");
    let runs = channels.any(|row| row.name().ends_with(&name) && row.state() == "RUNNING");
    (code.unwrap_or_default().to_owned(), runs)
}

/// Every problem that a record shows between now and `until`, looked at once a second.
fn codes(world: &mut World, id: &str, until: u64) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while world.now() < until {
        world.run_until((world.now() + 1000).min(until));
        seen.insert(shown(world, id).0);
    }
    seen
}

/// Nothing is torn down while AWS fails, nothing is said to be over, and it heals without a person.
#[test]
fn retries_that_are_exhausted_are_said_and_end_with_the_trouble() {
    let setup = Setup {
        script: Vec::from(put("a", "streaming")),
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(1));
    world.run_until(BEGIN + 10 * MINUTE);
    assert_eq!(shown(&world, "a"), (String::new(), true));
    world.perform_act(Act::Down("medialive"));
    world.perform_act(Act::Edit(
        "a".into(),
        serde_json::json!({"preset_id": "720p30"}),
    ));
    let seen = codes(&mut world, "a", BEGIN + 120 * MINUTE);
    assert!(seen.contains("retries_exhausted"), "{seen:?}");
    assert!(shown(&world, "a").1, "it runs on");
    world.perform_act(Act::Up("medialive"));
    let up_at = world.now();
    world.run_until(up_at + 20 * MINUTE);
    assert_eq!(shown(&world, "a"), (String::new(), true));
}

/// A line that is visible, and in which nobody waits for ever.
#[test]
fn whoever_waits_for_a_turn_is_told_so() {
    let ids: Vec<_> = (0..40).map(|number| format!("c{number}")).collect();
    let setup = Setup {
        script: ids.iter().flat_map(|id| put(id, "streaming")).collect(),
        quotas: serde_json::json!({"channels": 100, "push_inputs": 100}),
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(1));
    let mut told = BTreeSet::new();
    while world.now() < BEGIN + 15 * MINUTE {
        world.run_until(world.now() + 1000);
        told.extend(ids.iter().map(|id| shown(&world, id).0));
    }
    assert!(told.contains("waiting_for_turn"), "{told:?}");
    let waits = |id: &&String| shown(&world, id) != (String::new(), true);
    let left: Vec<_> = ids.iter().filter(waits).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A deployment whose story hands its workers what they cannot read: a fault of ours, and named as one;
/// the mended one goes on after `retry`.
#[test]
fn a_story_that_is_broken_is_a_fault_of_ours_and_the_mended_one_goes_on() {
    let template = house::template::load();
    let story = house::house::read("statemachines/reconcile.asl.json");
    let sound = "\"plan.$\": \"$.plan\"";
    assert!(story.contains(sound), "the story hands on what was planned");
    let broken = story.replace(sound, "\"plan.$\": \"$.destination_id\"");
    let broken = Deployed::read(&template, &broken).expect("it can be deployed all the same");
    let setup = Setup {
        script: Vec::from(put("a", "streaming")),
        deployed: Some(Box::leak(Box::new(broken))),
        redeployed: Some(deployed()),
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(1));
    let seen = codes(&mut world, "a", BEGIN + 10 * MINUTE);
    assert!(seen.contains("internal"), "{seen:?}");
    world.perform_act(Act::Redeploy);
    // As the advice says.
    world.perform_act(Act::Edit("a".into(), serde_json::json!({"retry": "now"})));
    let mended_at = world.now();
    world.run_until(mended_at + 30 * MINUTE);
    assert_eq!(shown(&world, "a"), (String::new(), true));
}
