//! Faults: each fires where it is planned, and what was drawn at random can be planned again.

use proof::search::singles::FAULTS;
use proof::{
    Act, Climate, Cue, Decision, Edge, Fault, Place, Plan, Setup, When, World, check,
    faults::applies, setup, world::BEGIN,
};
use serde_json::json;
use std::{collections::BTreeMap, rc::Rc};

const ID: &str = "custom-main";

/// On the air, changed there, stopped, removed.
fn life() -> Setup {
    let id = || ID.to_owned();
    let cue = |when, act| Cue { when, act };
    Setup {
        script: vec![
            cue(When::At(0), Act::Key(setup::key_of(ID))),
            cue(When::At(1000), Act::Put(setup::record(ID, "streaming"))),
            cue(
                When::At(400_000),
                Act::Edit(id(), json!({"preset_id": "720p30"})),
            ),
            cue(
                When::At(800_000),
                Act::Edit(id(), json!({"desired_state": "ready"})),
            ),
            cue(When::At(1_000_000), Act::Delete(id())),
        ],
        ..Setup::default()
    }
}

fn run(plan: Plan) -> World {
    let mut world = World::new(&life(), plan);
    world.run_until(BEGIN + 1_400_000);
    world
}

#[test]
fn what_was_drawn_can_be_planned_again() {
    let mut fired = BTreeMap::new();
    for seed in 480..520 {
        let wild = run(Plan {
            seed,
            decisions: Vec::new(),
            climate: Some(Climate::draw(seed, None)),
        });
        for decision in wild.taken() {
            assert!(applies(decision.fault, decision.place), "{decision}");
            *fired.entry(decision.fault).or_insert(0) += 1;
            let text = decision.to_string();
            assert_eq!(text.parse::<Decision>().as_ref(), Ok(decision));
        }
        let told = run(Plan::of(seed, wild.taken().to_vec()));
        assert_eq!(wild.taken(), told.taken(), "seed {seed}");
        assert_eq!(wild.trace().hash(), told.trace().hash(), "seed {seed}");
        assert!(told.unfired().is_empty());
    }
    println!("{fired:?}");
    assert!(fired.len() > 25, "{} kinds fired", fired.len());
}

#[test]
fn a_fault_taken_away_leaves_what_came_before_as_it_was() {
    let calm = run(Plan::calm(3));
    let mut places = calm.places().iter();
    let place = *places
        .find(|place| matches!(place, Place::Call(site) if site.worker == "stop-channel"))
        .unwrap();
    let fault = Fault::ErrorBefore(500);
    let wrong = run(Plan::of(3, vec![Decision { place, fault }]));
    let mut pairs = calm.trace().events().iter().zip(wrong.trace().events());
    let differ = pairs.position(|(one, two)| one != two).unwrap();
    let at = calm.trace().events()[differ].at;
    assert!(
        at >= BEGIN + 400_000,
        "they differ {} ms after the beginning",
        at - BEGIN
    );
    assert_eq!(wrong.taken().len(), 1);
}

#[test]
fn every_planned_fault_fires() {
    let calm = run(Plan::calm(5));
    for fault in FAULTS.iter().copied() {
        let mut places = calm.places().iter().copied();
        let place = places
            .find(|place| applies(fault, *place) && !matches!(place, Place::Edge(Edge::Tick, _)))
            .unwrap_or_else(|| panic!("{fault:?} has no place"));
        let decision = Decision { place, fault };
        let world = run(Plan::of(5, vec![decision]));
        assert_eq!(world.taken(), [decision]);
        assert_ne!(
            world.trace().hash(),
            calm.trace().hash(),
            "{decision} changes nothing"
        );
    }
}

/// The search goes the way to a fault once for all that strike there; what it judges must be the planned run.
#[test]
fn a_run_that_turns_off_is_the_run_that_was_planned() {
    let setup = life();
    let calm = check::run(&setup, Plan::calm(5));
    let places = calm.places().iter().copied();
    let all = places.flat_map(|place| FAULTS.iter().map(move |fault| (place, *fault)));
    let all: Vec<_> = all
        .filter(|(place, fault)| applies(*fault, *place))
        .collect();
    for (place, fault) in all.iter().copied().step_by(all.len() / 40) {
        let decision = Decision { place, fault };
        let turn = move |at: Place| (at == place).then_some(fault);
        let turned = check::turned(&setup, 5, Rc::new(turn));
        let planned = check::run(&setup, Plan::of(5, vec![decision]));
        assert_eq!(turned.taken(), [decision]);
        assert_eq!(turned.trace_hash(), planned.trace_hash(), "{decision}");
        assert_eq!(turned.end(), planned.end(), "{decision}");
        assert_eq!(turned.tally(), planned.tally(), "{decision}");
        let broken = |outcome: &check::Outcome| format!("{:?}", outcome.violations);
        assert_eq!(broken(&turned), broken(&planned), "{decision}");
    }
}
