//! What happens on the air without an edit: a platform takes nothing, a limit is reached, a time comes,
//! an alert is set, a source drops. The operator writes what is to become of it beforehand.

use serde_json::{Value, json};

use super::scripts::{
    SECOND, Script, after, born, cue, edit, end, one, quiet, ready, record, script, with,
};
use crate::setup::{Act, Cue, When, key_of};

/// Of every record that is called a.
const PRIMARY: &str = "a.example.com";
const BACKUP: &str = "backup.example.com";

/// A destination that is to stream as its record says besides.
fn written(name: &'static str, changes: Value, more: Vec<Cue>) -> Script {
    let mut cues = vec![
        cue(When::At(0), Act::Key(key_of("a"))),
        cue(When::At(SECOND), Act::Put(with(record("a"), changes))),
    ];
    cues.extend(more);
    script(name, cues)
}

fn with_backup(changes: Value) -> Value {
    let backup = json!({
        "backup_rtmp_url": format!("rtmp://{BACKUP}/live"), "failover_enabled": true,
    });
    with(backup, changes)
}

fn platform(host: &str, word: &'static str) -> Act {
    Act::Platform(host.into(), word)
}

fn running(seconds: u64, act: Act) -> Cue {
    cue(When::Channel("a".into(), "RUNNING", seconds * SECOND), act)
}

fn alert(kind: &'static str, set: bool) -> Act {
    Act::Alert("a".into(), kind, set)
}

/// Every story of this kind.
#[must_use]
pub fn all() -> Vec<Script> {
    let mut all = addresses();
    all.extend(limits());
    all.extend(times());
    all.push(alerts());
    all.extend(sources());
    all
}

fn addresses() -> Vec<Script> {
    vec![
        // It ends on the air: what is at rest there has to be the backup.
        written(
            "the platform refuses and the backup takes it",
            with_backup(json!({})),
            vec![
                running(5, platform(PRIMARY, "refuses")),
                running(60, Act::Nothing),
            ],
        ),
        // As with a wrong stream key: it never fails for long, and all the time.
        written(
            "the platform closes again and again and the backup takes it",
            with_backup(json!({})),
            vec![
                running(5, platform(PRIMARY, "closes")),
                running(60, Act::Nothing),
                end("a"),
            ],
        ),
        // Until its key is there the backup is none.
        written(
            "the backup has a key of its own, which comes late",
            with_backup(json!({"backup_stream_key_param": key_of("a-backup")})),
            vec![
                running(5, platform(PRIMARY, "refuses")),
                after(120, Act::Key(key_of("a-backup"))),
                after(5, edit("a", json!({"name": "touched"}))),
                running(60, Act::Nothing),
            ],
        ),
        written(
            "back on the primary when it is well again",
            with_backup(json!({"return_after_minutes": 30})),
            vec![
                running(5, platform(PRIMARY, "refuses")),
                running(60, platform(PRIMARY, "up")),
                running(60, Act::Nothing),
            ],
        ),
        written(
            "both addresses are refused, then the primary takes it",
            with_backup(json!({})),
            vec![
                running(5, platform(PRIMARY, "refuses")),
                after(0, platform(BACKUP, "refuses")),
                after(400, platform(PRIMARY, "up")),
                running(60, Act::Nothing),
                end("a"),
            ],
        ),
    ]
}

fn limits() -> Vec<Script> {
    vec![
        written(
            "no picture until its limit ends it",
            json!({"no_input_minutes_max": 5}),
            vec![
                running(70, Act::Cut("primary", true)),
                cue(
                    When::Channel("a".into(), "DELETED", 5 * SECOND),
                    Act::Cut("primary", false),
                ),
            ],
        ),
        written(
            "streams for too long, then edited",
            json!({"session_hours_max": 0.2}),
            vec![
                cue(
                    When::Channel("a".into(), "DELETED", 5 * SECOND),
                    edit("a", json!({"session_hours_max": null})),
                ),
                running(5, Act::Nothing),
                end("a"),
            ],
        ),
        written(
            "a budget that pays for no start",
            json!({"budget_usd_per_day": 0.001}),
            vec![
                quiet(edit("a", json!({"budget_usd_per_day": 50}))),
                running(5, edit("a", json!({"budget_usd_per_day": 0.001}))),
            ],
        ),
    ]
}

fn times() -> Vec<Script> {
    let show = |start: &str, stop: &str| json!({"desired_state": "ready", "start_at": start, "stop_at": stop});
    vec![
        written(
            "a show by the clock, then another by hand",
            show("2026-11-21T19:08:00Z", "2026-11-21T19:14:00Z"),
            vec![
                // Later and by hand: the time that is past does not take it off the air again.
                cue(
                    When::Channel("a".into(), "DELETED", 40 * SECOND),
                    edit("a", json!({"desired_state": "streaming"})),
                ),
                running(90, Act::Nothing),
            ],
        ),
        written(
            "a show that is moved, then switched off by hand",
            show("2026-11-21T19:08:00Z", "2026-11-21T19:30:00Z"),
            vec![
                after(60, edit("a", json!({"start_at": "2026-11-21T19:09:00Z"}))),
                running(20, edit("a", json!({"enabled": false}))),
                end("a"),
            ],
        ),
    ]
}

/// One that lasts, one that is too short to count, one that is set when the channel is stopped; and one
/// of a channel that is not ours.
fn alerts() -> Script {
    one(
        "alerts come and go",
        vec![
            running(5, Act::ForeignAlert("Failed RTMP Connection")),
            after(1, alert("Black Video Detected", true)),
            after(60, alert("Black Video Detected", false)),
            after(70, alert("Failed RTMP Connection", true)),
            after(8, alert("Failed RTMP Connection", false)),
            after(20, alert("Input Resource is Inaccessible", true)),
            after(40, ready("a")),
            end("a"),
        ],
    )
}

fn sources() -> Vec<Script> {
    let mut drops = one(
        "a source drops, then the other one too",
        vec![
            running(70, Act::Cut("primary", true)),
            after(60, Act::Cut("backup", true)),
            after(60, Act::Cut("backup", false)),
            after(90, Act::Cut("primary", false)),
            after(90, Act::Nothing),
            end("a"),
        ],
    );
    let prefers = |source: &str| edit("flow", json!({"preferred_source": source}));
    let mut cues = born("a");
    cues.extend([
        running(5, prefers("backup")),
        after(40, prefers("auto")),
        after(2, prefers("backup")),
        after(60, Act::Cut("backup", true)),
        after(60, Act::Cut("backup", false)),
        after(60, Act::Nothing),
        end("a"),
    ]);
    let mut preferred = script("the other encoder is preferred", cues);
    for script in [&mut drops, &mut preferred] {
        script.setup.backup_source = true;
        script.setup.options = json!({"feed": "all"});
    }
    vec![drops, preferred]
}
