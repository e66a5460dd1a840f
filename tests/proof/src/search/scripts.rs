//! What an operator does in a run: short stories that between them reach every state and every call;
//! those of what happens on the air without an edit are in `stories`. They are recorded once without faults; the recording says which calls and
//! edges there are for faults to strike.

use serde_json::{Value, json};

use super::{Task, stories};
use crate::Plan;
use crate::setup::{self, Act, Cue, Setup, When, key_of};

/// Seconds, in the scheduler's milliseconds.
pub(super) const SECOND: u64 = 1000;

/// A story with a name.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name.
    pub name: &'static str,
    /// What happens in it.
    pub setup: Setup,
    /// How many destinations it has.
    pub records: usize,
}

pub(super) fn record(id: &str) -> Value {
    setup::record(id, "streaming")
}

pub(super) fn with(mut record: Value, changes: Value) -> Value {
    if let (Value::Object(record), Value::Object(changes)) = (&mut record, changes) {
        record.extend(changes);
    }
    record
}

pub(super) fn cue(when: When, act: Act) -> Cue {
    Cue { when, act }
}

pub(super) fn after(seconds: u64, act: Act) -> Cue {
    cue(When::After(seconds * SECOND), act)
}

pub(super) fn quiet(act: Act) -> Cue {
    cue(When::Quiet, act)
}

pub(super) fn edit(id: &str, changes: Value) -> Act {
    Act::Edit(id.to_owned(), changes)
}

pub(super) fn ready(id: &str) -> Act {
    edit(id, json!({"desired_state": "ready"}))
}

fn removed(id: &str) -> Act {
    edit(id, json!({"desired_state": "removed"}))
}

/// Key and record of a destination that is to stream.
pub(super) fn born(id: &str) -> Vec<Cue> {
    vec![
        cue(When::At(0), Act::Key(key_of(id))),
        cue(When::At(SECOND), Act::Put(record(id))),
    ]
}

/// Short media times, so that a run is minutes of the house's time: the order of things is what is
/// searched, and the tails of the usual law come in by the climates.
fn short(script: Vec<Cue>) -> Setup {
    Setup {
        script,
        grace_seconds: Some(90),
        flow_grace_seconds: Some(90),
        times: json!({
            "channel_create": [3, 8], "channel_start": [10, 25], "channel_stop": [5, 15],
            "channel_delete": [5, 15], "channel_update": [1, 4], "channel_recover": [10, 30],
            "input_create": [0, 2], "input_detach": [0, 20], "input_delete": [1, 5],
            "flow_start": [5, 15], "flow_stop": [5, 15], "flow_update": [0.2, 1],
            "read_lag": [0, 1], "deleted_lingers": [60, 200],
        }),
        ..Setup::default()
    }
}

pub(super) fn script(name: &'static str, script: Vec<Cue>) -> Script {
    let records = script
        .iter()
        .filter_map(|cue| match &cue.act {
            Act::Put(item) => item["destination_id"].as_str(),
            _ => None,
        })
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    Script {
        name,
        setup: short(script),
        records,
    }
}

pub(super) fn one(name: &'static str, more: Vec<Cue>) -> Script {
    let mut cues = born("a");
    cues.extend(more);
    script(name, cues)
}

/// The removal that ends a story, so that "nothing is left" is asked of every one of them.
pub(super) fn end(id: &str) -> Cue {
    quiet(Act::Delete(id.to_owned()))
}

/// Removed while the channel is in this state.
fn removed_in(name: &'static str, state: &'static str) -> Script {
    one(
        name,
        vec![cue(When::Channel("a".into(), state, 300), removed("a"))],
    )
}

/// The stories of one record with every event and every stream record lost: the sweep alone is left (L5).
#[must_use]
pub fn without_hints() -> Vec<Task> {
    let alone = all().into_iter().filter(|script| script.records == 1);
    // Long after its last execution has ended.
    let stopped = cue(
        When::Channel("a".into(), "RUNNING", 200 * SECOND),
        Act::ByHand("stop_channel", "a".into()),
    );
    alone
        .chain([one("channel stopped by hand at rest", vec![stopped])])
        .map(|script| Task {
            name: format!("{}, every hint lost", script.name),
            setup: Setup {
                events: false,
                stream: false,
                ..script.setup
            },
            plan: Plan::calm(1),
        })
        .collect()
}

/// Every story of at most five records: each of their faults is enumerated.
#[must_use]
pub fn all() -> Vec<Script> {
    let running = |act: Act| cue(When::Channel("a".into(), "RUNNING", 5 * SECOND), act);
    let mut all = vec![
        one(
            "stream, stop, wait out the grace, delete",
            vec![running(ready("a")), end("a")],
        ),
        one(
            "stop and start again within the grace",
            vec![
                running(ready("a")),
                cue(
                    When::Channel("a".into(), "IDLE", 20 * SECOND),
                    edit("a", json!({"desired_state": "streaming"})),
                ),
                cue(
                    When::Channel("a".into(), "RUNNING", 5 * SECOND),
                    removed("a"),
                ),
            ],
        ),
        one(
            "edited while starting",
            vec![
                cue(
                    When::Channel("a".into(), "STARTING", SECOND),
                    edit("a", json!({"preset_id": "1080p30"})),
                ),
                end("a"),
            ],
        ),
        one(
            "there and back again",
            vec![
                running(edit("a", json!({"rtmp_url": "rtmp://b.example.com/live"}))),
                after(
                    2,
                    edit("a", json!({"rtmp_url": "rtmp://a.example.com/live"})),
                ),
                end("a"),
            ],
        ),
        one(
            "changed while it runs",
            vec![
                running(edit(
                    "a",
                    json!({"rtmp_url": "rtmp://b.example.com/live", "preset_id": "1080p30"}),
                )),
                end("a"),
            ],
        ),
        removed_in("removed while the channel is made", "CREATING"),
        removed_in("removed while it starts", "STARTING"),
        removed_in("removed while it runs", "RUNNING"),
        one(
            "removed while it stops",
            vec![
                running(ready("a")),
                cue(When::Channel("a".into(), "STOPPING", 300), removed("a")),
            ],
        ),
        one(
            "item deleted while it starts",
            vec![cue(
                When::Channel("a".into(), "STARTING", 2 * SECOND),
                Act::Delete("a".into()),
            )],
        ),
        one(
            "item deleted and put back",
            vec![
                running(Act::Delete("a".into())),
                cue(
                    When::Channel("a".into(), "DELETING", SECOND),
                    Act::Put(record("a")),
                ),
                end("a"),
            ],
        ),
        one(
            "item overwritten while it runs",
            vec![
                running(Act::Put(with(record("a"), json!({"name": "Another name"})))),
                end("a"),
            ],
        ),
        one(
            "key rotated while it runs, then taken in",
            vec![
                running(Act::Key(key_of("a"))),
                after(70, edit("a", json!({"retry": "1"}))),
                end("a"),
            ],
        ),
        one(
            "key missing, then there",
            vec![
                cue(When::Enters("a".into(), "Preflight", 0), Act::Nothing),
                quiet(Act::DropKey(key_of("a"))),
                after(1, edit("a", json!({"retry": "2", "preset_id": "1080p30"}))),
                quiet(Act::Key(key_of("a"))),
                after(1, edit("a", json!({"retry": "3"}))),
                end("a"),
            ],
        ),
        one(
            "channel deleted by hand",
            vec![
                running(Act::ByHand("stop_channel", "a".into())),
                cue(
                    When::Channel("a".into(), "IDLE", 0),
                    Act::ByHand("delete_channel", "a".into()),
                ),
                end("a"),
            ],
        ),
        one(
            "channel stopped by hand",
            vec![running(Act::ByHand("stop_channel", "a".into())), end("a")],
        ),
        one(
            "flow output removed by hand",
            vec![
                running(Act::ByHand("remove_flow_output", "a".into())),
                end("a"),
            ],
        ),
        one(
            "an address that is refused while it runs, then stopped",
            vec![
                running(edit("a", json!({"rtmp_url": "rtmp://127.0.0.1/live"}))),
                after(70, ready("a")),
                end("a"),
            ],
        ),
        one(
            "execution aborted and redriven",
            vec![
                cue(
                    When::Enters("a".into(), "CreateChannel", 100),
                    Act::Abort("a".into()),
                ),
                after(5, Act::Redrive("a".into())),
                quiet(Act::Replay("a".into())),
                end("a"),
            ],
        ),
        one(
            "kept warm",
            vec![
                running(edit(
                    "a",
                    json!({"keep_warm": true, "desired_state": "ready"}),
                )),
                quiet(edit("a", json!({"keep_warm": false}))),
                end("a"),
            ],
        ),
        one(
            "deployed anew while it is made",
            vec![
                cue(When::Enters("a".into(), "CreateInput", 50), Act::Redeploy),
                running(removed("a")),
            ],
        ),
    ];
    all.push(quota_full());
    all.push(at_once("two at once", 2));
    all.push(at_once("five at once", 5));
    all.push(same_address(
        "two records with one address",
        after(20, removed("a")),
        vec![after(300, removed("b"))],
    ));
    all.push(same_address(
        "an address that one leaves and the other takes",
        after(
            20,
            edit("a", json!({"rtmp_url": "rtmp://c.example.com/live"})),
        ),
        Vec::new(),
    ));
    all.extend(stories::all());
    all
}

/// Room for one channel: the second waits, and goes on when the first is gone.
fn quota_full() -> Script {
    let mut cues = born("a");
    cues.push(cue(When::At(0), Act::Key(key_of("b"))));
    cues.push(cue(
        When::Channel("a".into(), "RUNNING", SECOND),
        Act::Put(record("b")),
    ));
    cues.push(after(100, removed("a")));
    cues.push(cue(
        When::Channel("b".into(), "RUNNING", SECOND),
        removed("b"),
    ));
    let mut script = script("quota full", cues);
    script.setup.quotas = json!({"channels": 1, "push_inputs": 1});
    script
}

/// Several at the same moment, stopped one after the other.
#[must_use]
pub fn at_once(name: &'static str, records: usize) -> Script {
    let ids: Vec<String> = (0..records).map(|number| format!("d{number}")).collect();
    let mut cues: Vec<Cue> = Vec::new();
    for id in &ids {
        cues.push(cue(When::At(0), Act::Key(key_of(id))));
    }
    for id in &ids {
        cues.push(cue(When::At(SECOND), Act::Put(record(id))));
    }
    for id in &ids {
        cues.push(quiet(Act::Delete(id.clone())));
    }
    let mut script = script(name, cues);
    let room = records.max(5);
    script.setup.quotas =
        json!({"channels": room, "push_inputs": room, "flow_outputs": room.max(50)});
    script
}

/// Two records with one address and key: the first holds it, the second gets it when that is let go.
fn same_address(name: &'static str, lets_go: Cue, more: Vec<Cue>) -> Script {
    let mut cues = born("a");
    let same =
        ["rtmp_url", "stream_key_param"].map(|name| (name.to_owned(), record("a")[name].clone()));
    let twin = with(record("b"), Value::Object(same.into_iter().collect()));
    cues.push(cue(
        When::Channel("a".into(), "RUNNING", SECOND),
        Act::Put(twin),
    ));
    cues.push(lets_go);
    cues.push(quiet(Act::Nothing));
    cues.extend(more);
    script(name, cues)
}
