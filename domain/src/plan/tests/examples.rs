//! The planner's answers to situations an operator would name, as one table.

use super::{
    super::{Lane, Lane::*},
    enumeration::tries,
    support::{Scene, at, sought, verdict},
};
use crate::{
    ledger::{Intent, Passing, QuotaWait},
    look::{AddressLook, KeyLook, Sight},
    problem::{Code, Problem},
    record::DesiredState,
};
use serde_json::{Value, json};

pub(super) fn streaming() -> Value {
    json!({"desired_state": "streaming"})
}

pub(super) fn live() -> Scene {
    Scene::new(streaming())
        .made("RUNNING")
        .settled(json!({}), true)
}

fn with(mut changes: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        changes[name] = value.clone();
    }
    changes
}

pub(super) fn streaming_and(more: Value) -> Value {
    with(streaming(), more)
}

pub(super) fn intent(scene: Scene, operation: &str, until: i64) -> Scene {
    scene.with(|ledger, _| {
        ledger.intent = Some(Intent {
            operation: operation.to_owned(),
            until: at(until),
        })
    })
}

fn waiting(scene: Scene, turn: bool) -> Scene {
    scene.with(|ledger, _| {
        ledger.quota_wait = Some(QuotaWait {
            since: at(-600),
            problem: Problem::new(Code::WaitingForQuota, "There is no room."),
            count: None,
            turn,
            tried_at: at(-60),
        })
    })
}

pub(super) fn tried(scene: Scene, starts: i64, lost: i64) -> Scene {
    scene.with(|ledger, _| (ledger.starts, ledger.lost) = (tries(starts), tries(lost)))
}

fn passing(scene: Scene, state: &str, since: i64) -> Scene {
    scene.with(|ledger, _| {
        ledger.passing = Some(Passing {
            state: state.to_owned(),
            since: at(since),
        })
    })
}

fn was_streaming(mut scene: Scene) -> Scene {
    scene.ledger.desired = Some(DesiredState::Streaming);
    scene
}

/// Situation, scene, lane, status, problem's code.
type Row = (&'static str, Scene, Lane, &'static str, &'static str);

fn table() -> Vec<Row> {
    let bad = json!({"rtmp_url": null});
    let mut rows = rest_and_way_up();
    rows.extend(way_down(&bad));
    rows.extend(edits(&bad));
    rows.extend(trouble());
    rows
}

#[rustfmt::skip]
fn rest_and_way_up() -> Vec<Row> {
    let ready = || Scene::new(json!({}));
    let up = || Scene::new(streaming());
    let warm = || Scene::new(json!({"keep_warm": true}));
    vec![
        ("a new record makes nothing", ready(), Release, "ready", ""),
        ("one that is kept warm is made at once", warm(), Provision, "starting", ""),
        ("kept warm and made", warm().made("IDLE").fed(false), Release, "ready", ""),
        ("kept warm, the output still sends", warm().made("IDLE"), Stop, "ready", ""),
        ("wanted on the air", up(), Provision, "starting", ""),
        ("wanted, its input is being made", up().input("CREATING"), Provision, "starting", ""),
        ("wanted, the channel is being made", up().made("CREATING"), WaitForChannel, "starting", ""),
        ("wanted, made", up().made("IDLE").fed(false), Start, "starting", ""),
        ("wanted, the flow is asleep", up().made("IDLE").flow("STANDBY"), Start, "starting", ""),
        ("wanted, coming up", up().made("STARTING"), Start, "starting", ""),
        ("on the air", live(), Release, "streaming", ""),
        ("on the air, repairing itself", live().channel("RECOVERING"), Release, "streaming", "recovering"),
        ("switched off by enabled", Scene::new(streaming_and(json!({"enabled": false}))), Release, "ready", ""),
        ("a state nobody knows", up().made("RESTARTING_PIPELINES"), WaitForChannel, "starting", ""),
    ]
}

#[rustfmt::skip]
fn way_down(bad: &Value) -> Vec<Row> {
    let ready = || Scene::new(json!({}));
    let removed = || Scene::new(json!({"desired_state": "removed"}));
    let refused_and_disabled = json!({"desired_state": "on", "enabled": false});
    vec![
        ("stop", ready().made("RUNNING"), Stop, "stopping", ""),
        ("stop while it comes up", ready().made("STARTING"), Stop, "stopping", ""),
        ("stopped, kept for the grace time", ready().made("IDLE").fed(false), Release, "ready", ""),
        ("the grace time is over", ready().made("IDLE").fed(false).with(|ledger, _| ledger.grace_until = Some(at(0))), Teardown, "ready", ""),
        ("remove what runs", removed().made("RUNNING"), Stop, "removing", ""),
        ("remove what is stopped", removed().made("IDLE"), Teardown, "removing", ""),
        ("remove what could not be made", removed().made("CREATE_FAILED"), Teardown, "removing", ""),
        ("remove, the input is left", removed().input("DETACHED"), Teardown, "removing", ""),
        ("remove, only an output is left", removed().fed(false), Teardown, "removing", ""),
        ("removed", removed(), Release, "ready", ""),
        ("the record is deleted while it streams", Scene::deleted().made("RUNNING"), Stop, "", ""),
        ("the record is deleted and nothing is left", Scene::deleted(), Release, "", ""),
        ("stop with a bad URL", Scene::new(with(json!({}), bad.clone())).made("RUNNING"), Stop, "stopping", "missing_url"),
        ("remove with a bad URL", Scene::new(with(json!({"desired_state": "removed"}), bad.clone())).made("RUNNING"), Stop, "removing", "missing_url"),
        ("an unknown desired_state keeps a stream", was_streaming(Scene::new(json!({"desired_state": "on"})).made("RUNNING")), Release, "streaming", "unknown_desired_state"),
        ("not enabled stops it even then", was_streaming(Scene::new(refused_and_disabled).made("RUNNING")), Stop, "stopping", "unknown_desired_state"),
        ("an unknown desired_state starts nothing", Scene::new(json!({"desired_state": "on"})), Release, "error", "unknown_desired_state"),
        ("stop what does not come up for half an hour", passing(ready().made("STARTING"), "STARTING", -1800), Stop, "stuck", "taking_too_long"),
        ("remove while the address is another's", removed().with(|_, look| look.address = AddressLook::HeldBy("twitch".into())), Release, "ready", ""),
    ]
}

#[rustfmt::skip]
fn edits(bad: &Value) -> Vec<Row> {
    let other = || Scene::new(streaming_and(json!({"preset_id": "720p30"})));
    let again = || Scene::new(streaming_and(json!({"retry": "2"})));
    let broken = || Scene::new(streaming_and(bad.clone()));
    let old_preset = |scene: Scene| {
        scene.with(|ledger, _| ledger.on_air.as_mut().unwrap().settings = "older".into())
    };
    let rotated = |scene: Scene| scene.with(|_, look| look.key = KeyLook::Version(2));
    let without_key = |scene: Scene| scene.with(|_, look| look.key = KeyLook::Missing);
    let foreign_key =
        |scene: Scene| scene.with(|_, look| look.address = AddressLook::HeldBy("twitch".into()));
    vec![
        ("another preset interrupts", other().made("RUNNING"), Stop, "stopping", ""),
        ("another preset, stopped for it", other().made("IDLE"), Change, "starting", ""),
        ("another preset being put in", other().made("UPDATING"), WaitForChannel, "starting", ""),
        ("a name interrupts nothing", Scene::new(streaming_and(json!({"name": "Main"}))).made("RUNNING"), Release, "streaming", ""),
        ("a deployment changes a preset", old_preset(live()), Release, "streaming", "change_waits_for_next_start"),
        ("... and it is used at the next start", old_preset(live().channel("IDLE")), Change, "starting", ""),
        ("... or when retry says now", old_preset(again().made("RUNNING")), Stop, "stopping", ""),
        ("a rotated key", rotated(live()), Release, "streaming", "change_waits_for_next_start"),
        ("a rotated key, now", rotated(again().made("RUNNING")), Stop, "stopping", ""),
        ("retry with nothing to apply", again().made("RUNNING"), Release, "streaming", ""),
        ("retry while it repairs itself", again().made("RECOVERING"), Stop, "stopping", ""),
        ("a bad URL keeps a stream", broken().made("RUNNING").settled(json!({}), true), Release, "streaming", "missing_url"),
        ("a bad URL starts nothing older", broken().made("IDLE").fed(false).settled(json!({}), false), Release, "error", "missing_url"),
        ("a bad URL and nothing to fall back to", broken().made("IDLE"), Teardown, "error", "missing_url"),
        ("a bad URL from the beginning", broken(), Release, "error", "missing_url"),
        ("the key's parameter is missing", without_key(Scene::new(streaming())), Release, "error", "parameter_missing"),
        ("... and the stream goes on", without_key(live()), Release, "streaming", "parameter_missing"),
        ("another destination sends there", foreign_key(Scene::new(streaming())), Release, "error", "duplicate_address"),
        ("AWS refused the edit: back to what was", other().made("IDLE").settled(json!({}), true).with(|ledger, _| { ledger.refused = Some(verdict(5, None)); ledger.on_air = None }), Change, "starting", "refused_by_aws"),
        ("AWS refused an older edit", Scene::new(streaming()).with(|ledger, _| ledger.refused = Some(verdict(4, None))), Provision, "starting", ""),
    ]
}

#[rustfmt::skip]
fn trouble() -> Vec<Row> {
    let up = || Scene::new(streaming());
    let idle = || up().made("IDLE");
    let aimed_elsewhere = |scene: Scene| {
        scene.with(|_, look| {
            look.flow_output.as_mut().unwrap().destination = Some("198.51.100.99".into())
        })
    };
    let missing = |scene: Scene, since: i64| {
        scene.with(|ledger, look| {
            look.channel = Sight::NotFound;
            ledger.channel_missing_since = Some(at(since));
        })
    };
    vec![
        ("stopped by hand", live().channel("IDLE"), Start, "starting", ""),
        ("deleted by hand, first look", live().with(|_, look| look.channel = Sight::NotFound), WaitUntil, "starting", ""),
        ("deleted by hand, second look", missing(live(), -5), Provision, "starting", ""),
        ("deleted by hand, seen", live().channel("DELETED"), Provision, "starting", ""),
        ("being deleted by hand", live().channel("DELETING"), Teardown, "starting", ""),
        ("its output was removed by hand", live().with(|_, look| look.flow_output = None), Provision, "streaming", ""),
        ("its output was disabled by hand", live().fed(false), Start, "streaming", ""),
        ("its output was aimed elsewhere by hand", aimed_elsewhere(live()), Provision, "streaming", ""),
        ("the flow was stopped by hand", live().flow("STANDBY"), Start, "streaming", ""),
        ("another's flow is not up", live().flow("FOREIGN"), Release, "streaming", "waiting_for_flow"),
        ("another's flow is not up yet", idle().flow("FOREIGN"), Release, "starting", "waiting_for_flow"),
        ("the flow has failed", idle().flow("ERROR"), Release, "starting", "waiting_for_flow"),
        ("there is no flow", up().no_flow(), Release, "starting", "flow_missing"),
        ("the flow is being deleted", idle().flow("DELETING"), Release, "starting", "flow_missing"),
        ("the flow was deleted under a stream", live().no_flow(), Release, "streaming", "flow_missing"),
        ("three starts and down again", tried(idle(), 3, 0), Release, "stuck", "start_failed"),
        ("two starts and down again", tried(idle(), 2, 0), Start, "starting", ""),
        ("a channel that could not be made", up().made("CREATE_FAILED"), Teardown, "starting", ""),
        ("... twice", tried(up().made("CREATE_FAILED"), 0, 1), Teardown, "error", "create_failed"),
        ("... and it is gone", tried(up(), 0, 4), Release, "stuck", "create_failed"),
        ("an update that failed", up().made("UPDATE_FAILED"), Teardown, "error", "update_failed"),
        ("no room", waiting(up(), false), Release, "starting", "waiting_for_quota"),
        ("no room, the input was made", waiting(up().input("DETACHED"), false), Teardown, "starting", "waiting_for_quota"),
        ("no room, its turn", waiting(up(), true), Provision, "starting", ""),
        ("no room and no longer wanted", waiting(Scene::new(json!({})), false), Release, "ready", ""),
        ("a start without an answer", intent(idle(), "start-channel", 20), Start, "starting", ""),
        ("an update without an answer", intent(idle().with(|ledger, _| ledger.on_air = None), "update-channel", 20), WaitUntil, "starting", "waiting_for_outcome"),
        ("a start without an answer, and a stop", intent(Scene::new(json!({})).made("IDLE"), "start-channel", 20), WaitUntil, "ready", "waiting_for_outcome"),
        ("... when it has landed", intent(Scene::new(json!({})).made("STARTING"), "start-channel", 20), Stop, "stopping", ""),
        ("... when it cannot land any more", intent(Scene::new(json!({})).made("IDLE").fed(false), "start-channel", 0), Release, "ready", ""),
        ("a create without an answer, then removed", Scene::deleted().with(|ledger, look| { ledger.channel_sought = Some(sought(-10)); look.channel = Sight::NotFound }), WaitUntil, "", ""),
        ("it does not come up for half an hour", passing(up().made("STARTING"), "STARTING", -1800), Release, "stuck", "taking_too_long"),
        ("steps failed for good", idle().with(|ledger, _| ledger.stuck = Some(verdict(5, Some(60)))), Release, "stuck", "refused_by_aws"),
        ("... and are tried again", idle().with(|ledger, _| ledger.stuck = Some(verdict(5, Some(0)))), Start, "starting", ""),
        ("... or after an edit", idle().with(|ledger, _| ledger.stuck = Some(verdict(4, None))), Start, "starting", ""),
        ("... or are not needed any more", live().with(|ledger, _| ledger.stuck = Some(verdict(5, None))), Release, "streaming", ""),
    ]
}

#[test]
fn every_named_situation_has_its_lane_status_and_problem() {
    let mut wrong = Vec::new();
    for (situation, scene, lane, status, problem) in table() {
        let decision = scene.decide();
        let (shown, code) = decision.mirror.as_ref().map_or(("", ""), |mirror| {
            let code = mirror.attributes["problem"].as_ref();
            let code = code.and_then(|problem| problem["code"].as_str());
            (mirror.status.as_str(), code.unwrap_or(""))
        });
        if (decision.lane, shown, code) != (lane, status, problem) {
            wrong.push(format!(
                "{situation}: {:?} {shown} {code}, not {lane:?} {status} {problem}",
                decision.lane
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
