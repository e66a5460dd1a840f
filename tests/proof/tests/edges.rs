//! The edges of the house: what is lost, late, doubled or broken there, and what holds all the same.

use proof::{
    Act, Cue, Decision, Edge, Fault, Place, Plan, Setup, What, When, World, setup, world::BEGIN,
};
use serde_json::json;

const ID: &str = "custom-main";
const MINUTE: u64 = 60_000;

fn cue(when: When, act: Act) -> Cue {
    Cue { when, act }
}

fn wanted() -> Vec<Cue> {
    vec![
        cue(When::At(0), Act::Key(setup::key_of(ID))),
        cue(When::At(1000), Act::Put(setup::record(ID, "streaming"))),
    ]
}

/// When the channel first was on the air, milliseconds after the beginning.
fn on_air(world: &World) -> Option<u64> {
    let mut passages = world.passages().iter();
    passages
        .find(|passage| passage.state == "RUNNING")
        .map(|passage| passage.at - BEGIN)
}

fn gave_up(world: &World) -> usize {
    let events = world.trace().events().iter();
    events
        .filter(|event| matches!(event.what, What::GaveUp(_)))
        .count()
}

#[test]
fn the_schedule_alone_brings_a_destination_on_the_air() {
    let usual = {
        let mut world = World::new(
            &Setup {
                script: wanted(),
                ..Setup::default()
            },
            Plan::calm(1),
        );
        world.run_until(BEGIN + 20 * MINUTE);
        on_air(&world).unwrap()
    };
    let deaf = Setup {
        script: wanted(),
        events: false,
        stream: false,
        ..Setup::default()
    };
    let mut world = World::new(&deaf, Plan::calm(1));
    world.run_until(BEGIN + 20 * MINUTE);
    let late = on_air(&world).unwrap();
    assert!(
        late > usual && late < usual + 6 * MINUTE,
        "{late} ms instead of {usual} ms"
    );
}

#[test]
fn a_record_that_nobody_can_read_holds_up_its_neighbours_only_for_a_while() {
    let decision = Decision {
        place: Place::Edge(Edge::StreamRecord, 1),
        fault: Fault::Poisoned,
    };
    let setup = Setup {
        script: wanted(),
        ticks: false,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::of(1, vec![decision]));
    world.run_until(BEGIN + 30 * MINUTE);
    assert_eq!(world.taken(), [decision]);
    assert_eq!(gave_up(&world), 1, "the poison, and nothing but the poison");
    assert!(on_air(&world).is_some(), "the edit behind it was delivered");
}

#[test]
fn with_the_control_plane_dead_for_a_day_what_runs_runs_on() {
    let mut script = wanted();
    script.push(cue(When::At(10 * MINUTE), Act::Down("lambda")));
    let setup = Setup {
        script,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(2));
    world.run_until(BEGIN + 10 * MINUTE);
    let (calls, passages) = (world.calls().len(), world.passages().len());
    assert!(on_air(&world).is_some());
    world.run_until(BEGIN + 24 * 60 * MINUTE);
    assert_eq!(world.calls().len(), calls);
    assert_eq!(world.passages()[passages..], []);
    let book = world.core().book();
    let running = book
        .channels()
        .filter(|channel| channel.state() == "RUNNING");
    assert_eq!(running.count(), 1);
}

#[test]
fn a_call_that_lands_late_lands_once_and_its_function_is_not_told() {
    let place = Place::Call(proof::Site {
        worker: "create-input",
        operation: "medialive:CreateInput",
        nth: 1,
    });
    let fault = Fault::Slow(20);
    let setup = Setup {
        script: wanted(),
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::of(1, vec![Decision { place, fault }]));
    world.run_until(BEGIN + 30 * MINUTE);
    let call = world
        .calls()
        .iter()
        .find(|call| Place::Call(call.site) == place)
        .unwrap();
    assert_eq!(call.effect, Some(call.sent + 20_000));
    assert_eq!(call.answered, Some(call.sent + 10_000), "the SDK gave up");
    assert_eq!(world.core().book().inputs().count(), 1);
    assert!(on_air(&world).is_some());
}

#[test]
fn an_execution_that_a_person_stopped_is_taken_over() {
    let decision = Decision {
        place: Place::Edge(Edge::Entered("PollChannelUntilRunning"), 1),
        fault: Fault::Aborted,
    };
    let mut script = wanted();
    script.push(cue(
        When::At(20 * MINUTE),
        Act::Edit(ID.to_owned(), json!({"desired_state": "removed"})),
    ));
    let setup = Setup {
        script,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::of(1, vec![decision]));
    world.run_until(BEGIN + 40 * MINUTE);
    let stopped = world.executions().iter();
    let stopped = stopped.filter(|execution| execution.status() == runner::Status::Aborted);
    assert_eq!(stopped.count(), 1);
    let book = world.core().book();
    assert!(book.channels().all(|channel| !channel.is_billable()));
}

#[test]
fn nothing_is_stopped_for_a_backup_without_a_key() {
    let all = proof::search::scripts::all();
    let story = all
        .iter()
        .find(|script| script.name == "the backup has a key of its own, which comes late")
        .expect("the story is there");
    let mut world = proof::World::new(&story.setup, proof::Plan::calm(1));
    world.run_until(proof::world::BEGIN + 150_000);
    let stopped = |world: &proof::World| {
        let calls = world.calls().iter();
        calls
            .filter(|call| call.site.operation.ends_with(":StopChannel"))
            .count()
    };
    assert_eq!(
        stopped(&world),
        0,
        "the primary fails, and there is nothing to go to"
    );
    world.run_until(proof::world::BEGIN + 300_000);
    assert_eq!(stopped(&world), 1, "with its key it is one");
}
