//! An operator who writes anything at any moment: random acts and edits of random attributes, with
//! every promise of the house as the judge.

use fuzz::{Seen, Target};
use proof::search::scripts;
use proof::{Act, Cue, Plan, Setup, What, When, check, setup};
use serde_json::{Value, json};

/// A list of acts, each `{"what": ..., "on": "a" or "b", "after": seconds}`.
struct Edits;

/// More acts than this are one long story told twice.
const ACTS_MAX: usize = 12;

const WORDS: &[&str] = &[
    "put",
    "edit",
    "delete",
    "key",
    "drop",
    "hand",
    "abort",
    "redrive",
    "replay",
    "quiet",
    "what",
    "on",
    "after",
    "with",
    "a",
    "b",
    "desired_state",
    "streaming",
    "ready",
    "removed",
    "enabled",
    "rtmp_url",
    "rtmp://c.example.com/live",
    "rtmps://d.example.com:443/app",
    "rtmp://127.0.0.1/live",
    "preset_id",
    "720p30",
    "1080p30",
    "1080p60",
    "platform",
    "custom",
    "youtube",
    "twitch",
    "stream_key_param",
    "/lunora-player/streaming/a",
    "/lunora-player/streaming/b",
    "/elsewhere/c",
    "keep_warm",
    "retry",
    "name",
    "output_type",
    "mediaconnect",
    "flow_id",
    "backup_rtmp_url",
    "stop_channel",
    "delete_channel",
    "start_channel",
    "remove_flow_output",
    "delete_input",
    "stop_flow",
    "recover_channel",
];

const BY_HAND: &[&str] = &[
    "stop_channel",
    "delete_channel",
    "start_channel",
    "remove_flow_output",
    "delete_input",
    "recover_channel",
];

/// The script that a text stands for; nothing if it stands for none.
fn script(input: &str) -> Vec<Cue> {
    let Ok(Value::Array(acts)) = serde_json::from_str(input) else {
        return Vec::new();
    };
    let begin = ["a", "b"].map(|id| Cue {
        when: When::At(0),
        act: Act::Key(setup::key_of(id)),
    });
    let mut cues = begin.to_vec();
    for act in acts.iter().take(ACTS_MAX) {
        let id = if act["on"] == "b" { "b" } else { "a" }.to_owned();
        let with = act["with"].clone();
        let what = match act["what"].as_str().unwrap_or_default() {
            "put" => {
                let mut record = setup::record(&id, "streaming");
                merge(&mut record, &with);
                Act::Put(record)
            }
            "edit" => Act::Edit(id, attributes(&with)),
            "delete" => Act::Delete(id),
            "key" => Act::Key(setup::key_of(&id)),
            "drop" => Act::DropKey(setup::key_of(&id)),
            "hand" => match BY_HAND.iter().find(|action| with == **action) {
                Some(action) => Act::ByHand(action, id),
                None => continue,
            },
            "abort" => Act::Abort(id),
            "redrive" => Act::Redrive(id),
            "replay" => Act::Replay(id),
            _ => continue,
        };
        let when = match act["after"].as_u64() {
            Some(seconds) => When::After(1 + seconds.min(600) * 1000),
            None => When::Quiet,
        };
        cues.push(Cue { when, act: what });
    }
    cues
}

/// What each attribute may become: right, wrong, and Null for none. Values of wrong types are the
/// business of the record's own target; here the judge reads the records with eyes of its own, and
/// must not be the one that is fuzzed.
fn choices(name: &str) -> Option<Value> {
    Some(match name {
        "desired_state" => json!(["streaming", "ready", "removed", "perhaps"]),
        "enabled" | "keep_warm" => json!([true, false, null]),
        "rtmp_url" => json!([
            "rtmp://c.example.com/live",
            "rtmps://d.example.com:443/app",
            "rtmp://127.0.0.1/live",
            "x",
            null
        ]),
        "preset_id" => json!(["1080p30", "720p30", "none-such", null]),
        "platform" => json!(["custom", "youtube", "nobody", null]),
        "stream_key_param" => json!([setup::key_of("a"), setup::key_of("b"), "/elsewhere/c", null]),
        "output_type" => json!(["medialive", "mediaconnect", null]),
        "retry" | "name" => json!(["1", "2", "3"]),
        _ => return None,
    })
}

/// Edits of a record: what is no choice becomes one.
fn attributes(with: &Value) -> Value {
    let mut some = json!({"name": "edited"});
    merge(&mut some, with);
    some
}

fn merge(record: &mut Value, with: &Value) {
    for (name, value) in with.as_object().into_iter().flatten() {
        let Some(Value::Array(choices)) = choices(name) else {
            continue;
        };
        let at = value.to_string().bytes().map(usize::from).sum::<usize>() % choices.len();
        let chosen = choices
            .iter()
            .find(|choice| *choice == value)
            .unwrap_or(&choices[at]);
        match (record.as_object_mut(), chosen) {
            // A whole item has no Null in it; an edit removes with one.
            (Some(whole), Value::Null) if whole.contains_key("destination_id") => {
                drop(whole.remove(name))
            }
            _ => record[name] = chosen.clone(),
        }
    }
}

impl Target for Edits {
    fn name(&self) -> &'static str {
        "edits"
    }

    fn seeds(&self) -> Vec<String> {
        let put = json!({"what": "put", "on": "a", "after": 1});
        let edit = |after: u64, with: Value| json!({"what": "edit", "on": "a", "after": after, "with": with});
        let delete = json!({"what": "delete", "on": "a"});
        [
            json!([put, edit(60, json!({"desired_state": "ready"})), delete]),
            json!([put, edit(20, json!({"rtmp_url": "rtmp://c.example.com/live"})), edit(3, json!({"enabled": false})), delete]),
            json!([put, {"what": "put", "on": "b", "after": 5, "with": {"keep_warm": true, "desired_state": "ready"}}, {"what": "hand", "on": "a", "after": 50, "with": "stop_channel"}, delete]),
            json!([put, {"what": "key", "on": "a", "after": 30}, edit(5, json!({"retry": 2})), {"what": "drop", "on": "a", "after": 9}, edit(1, json!({"preset_id": "720p30"})), delete]),
            json!([put, {"what": "abort", "on": "a", "after": 12}, {"what": "redrive", "on": "a", "after": 8}, {"what": "replay", "on": "a", "after": 8}, delete, put]),
            json!([put, edit(40, json!({"platform": "nobody", "desired_state": "removed"})), edit(10, json!({"platform": null, "rtmp_url": "x"})), delete]),
        ]
        .map(|acts| acts.to_string())
        .to_vec()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        true
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        let script = script(input);
        if script.len() < 3 {
            return Ok(());
        }
        let setup = Setup {
            script,
            ..scripts::all()[0].setup.clone()
        };
        let outcome = check::run(&setup, Plan::calm(1));
        for event in outcome.world().trace().events() {
            if let What::Entered(_, state) = &event.what {
                seen.note(state);
            }
        }
        let mirrors = outcome.world().database().items(outcome.world().tables().0);
        for (_, item) in mirrors {
            seen.note((
                item["streaming_status"].to_string(),
                item["problem"]["M"]["code"].to_string(),
            ));
        }
        match outcome.violations.first() {
            None => Ok(()),
            Some(violation) => Err(format!("{violation}\n{}", outcome.story())),
        }
    }
}

#[test]
fn fuzzed_edits() {
    fuzz::check(&Edits, 40);
}
