//! From every start, through every cut and edit, the model settles where the record says.

use super::{
    model::{Channel, Input, World},
    support::{item, made, on_air, sought},
};
use crate::{
    look::{ChannelState as S, FlowOutputLook},
    record::Item,
};
use serde_json::{Value, json};

pub(super) fn record(changes: Value) -> Option<Item> {
    Some(item(changes))
}

pub(super) fn streaming() -> Option<Item> {
    record(json!({"desired_state": "streaming"}))
}

/// What an operator may write, the good record among it.
fn edits() -> Vec<Option<Item>> {
    vec![
        None,
        record(json!({})),
        record(json!({"keep_warm": true})),
        streaming(),
        record(json!({"desired_state": "streaming", "preset_id": "720p30"})),
        record(json!({"desired_state": "streaming", "enabled": false})),
        record(json!({"desired_state": "removed"})),
        record(json!({"desired_state": "ready", "platform": "nowhere"})),
    ]
}

pub(super) fn on_the_air() -> World {
    let mut world = World::new(streaming());
    world.settled().unwrap();
    world
}

pub(super) fn finish(mut world: World, what: &dyn Fn() -> String) {
    if let Err(wrong) = world.settled() {
        panic!("{}: {wrong}", what());
    }
}

/// A channel in a state, its input, and what the ledger knows of them.
fn start(state: &str, input: &str, memory: &str) -> World {
    let mut world = World::new(None);
    let next = match state {
        "CREATING" | "UPDATING" | "STOPPING" => Some((30, S::Idle)),
        "STARTING" | "RECOVERING" => Some((30, S::Running)),
        "DELETING" | "DELETED" => Some((30, S::Deleted)),
        _ => None,
    };
    world.input = (!input.is_empty()).then(|| Input {
        id: "11".to_owned(),
        state: input.to_owned(),
        next: None,
        address: "198.51.100.7".to_owned(),
        made_at: -3600,
        incarnation: 1,
    });
    world.channel = (!state.is_empty()).then(|| Channel {
        id: "1".to_owned(),
        state: S::from(state.to_owned()),
        next,
        body: Some(on_air(json!({}))),
        made_at: -3600,
        incarnation: 1,
    });
    // Ids and requests of the life before are taken.
    world.ledger.incarnation = 2;
    let ledger = &mut world.ledger;
    match memory {
        "nothing" => {}
        "sought" => {
            (ledger.channel_sought, ledger.input_sought) =
                (Some(sought(-3600)), Some(sought(-3600)));
        }
        _ => {
            ledger.channel = world.channel.as_ref().map(|channel| made(&channel.id, ""));
            ledger.input = world
                .input
                .as_ref()
                .map(|input| made(&input.id, &input.address));
            ledger.on_air = match memory {
                "all" => Some(on_air(json!({}))),
                _ => None,
            };
        }
    }
    world
}

#[test]
fn from_every_start_to_the_right_end() {
    let mut cases = 0;
    let with_channel = [
        "CREATING",
        "CREATE_FAILED",
        "IDLE",
        "STARTING",
        "RUNNING",
        "RECOVERING",
        "STOPPING",
        "DELETING",
        "UPDATING",
        "UPDATE_FAILED",
    ];
    let mut places: Vec<(&str, &str)> = with_channel
        .iter()
        .map(|state| (*state, "ATTACHED"))
        .collect();
    places.extend([
        ("", ""),
        ("", "DETACHED"),
        ("", "DELETED"),
        ("DELETED", "DETACHED"),
    ]);
    for wish in edits() {
        for (state, input) in &places {
            for memory in ["all", "ids", "sought", "nothing"] {
                // The model holds one channel: what nobody remembers must not be wanted anew.
                let wanted = wish.as_ref().is_some_and(|item| {
                    item.contains_key("keep_warm")
                        || !item.contains_key("enabled")
                            && item.get("desired_state") == Some(&json!("streaming"))
                });
                if memory == "nothing" && wanted {
                    continue;
                }
                for output in ["", "enabled", "disabled", "elsewhere"] {
                    for flow in ["STANDBY", "ACTIVE"] {
                        let mut world = start(state, input, memory);
                        world.record = wish.clone();
                        world.flow = flow.to_owned();
                        world.output = (!output.is_empty()).then(|| FlowOutputLook {
                            arn: "arn:output".to_owned(),
                            enabled: output != "disabled",
                            destination: Some(
                                if output == "elsewhere" {
                                    "198.51.100.99"
                                } else {
                                    "198.51.100.7"
                                }
                                .to_owned(),
                            ),
                            port: Some(crate::INPUT_PORT),
                        });
                        cases += 1;
                        if *state == "UPDATE_FAILED" {
                            // With nothing to fall back to it is taken down; the operator says again.
                            world.settle_for(60);
                            if world.problem == "update_failed" {
                                assert!(world.output.is_none() && world.status != "streaming");
                                world.edit(wish.clone().map(|mut item| {
                                    item.insert("retry".to_owned(), json!(1));
                                    item
                                }));
                            }
                        }
                        finish(world, &|| {
                            format!("{wish:?} from {state} {input} {memory} {output} {flow}")
                        });
                    }
                }
            }
        }
    }
    println!("starts: {cases} cases");
}

/// Ways on which executions are cut off and records edited.
pub(super) fn ways() -> Vec<(&'static str, World)> {
    let mut change = on_the_air();
    change.edit(record(
        json!({"desired_state": "streaming", "preset_id": "720p30"}),
    ));
    let mut stop = on_the_air();
    stop.edit(record(json!({})));
    let mut remove = on_the_air();
    remove.edit(None);
    vec![
        ("up", World::new(streaming())),
        ("change", change),
        ("stop", stop),
        ("remove", remove),
    ]
}

#[test]
fn an_execution_may_end_at_any_call_and_the_record_change_meanwhile() {
    let mut cases = 0;
    for (way, begin) in ways() {
        for call in 1..=9 {
            for landing in [None, Some(0), Some(20)] {
                for wish in edits() {
                    let mut world = begin.clone();
                    let number = world.calls_made() + call;
                    world.laws.cut = Some((number, landing));
                    world.execute();
                    world.edit(wish.clone());
                    // The edit starts the next one at once, before a late call has landed.
                    world.execute();
                    cases += 1;
                    finish(world, &|| {
                        format!("{way}, cut at call {call} landing {landing:?}, then {wish:?}")
                    });
                }
            }
        }
    }
    println!("cuts: {cases} cases");
}

#[test]
fn an_edit_may_come_at_any_call() {
    let mut cases = 0;
    for (way, begin) in ways() {
        for call in 1..=9 {
            for wish in edits() {
                for lag in [0, 10] {
                    let mut world = begin.clone();
                    let number = world.calls_made() + call;
                    world.laws.lag = lag;
                    world.laws.edit = Some((number, wish.clone()));
                    let before = begin.record.clone();
                    let mut back = world.clone();
                    finish(world, &|| {
                        format!("{way}, edited at call {call}, lag {lag}: {wish:?}")
                    });
                    // And back again, as soon as the first execution is through.
                    back.execute();
                    back.edit(before);
                    finish(back, &|| {
                        format!("{way}, edited at call {call} and back, lag {lag}: {wish:?}")
                    });
                    cases += 2;
                }
            }
        }
    }
    println!("edits: {cases} cases");
}
