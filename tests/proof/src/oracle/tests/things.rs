//! S1, S2, S3, S6, S7, S9 and the needless acts.

use serde_json::{Value, json};

use super::stage::{Stage, tags};
use crate::trace::What;

#[test]
fn a_house_in_order_has_no_violation() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(60);
    stage.expect_nothing();
}

#[test]
fn two_channels_are_seen() {
    let mut stage = Stage::new();
    let (_, _) = stage.made();
    let input = {
        let body = json!({
            "type": "RTP_PUSH", "name": "lunora-lunora-a", "inputSecurityGroups": [stage.rules.group],
            "requestId": "lunora-lunora-a-2-input", "tags": tags(2),
        });
        super::stage::text(&stage.call("POST", "/prod/inputs", body)["input"]["id"])
    };
    stage.expect("S1 one of each", "2 inputs");
    let mut body = stage.channel_body(&input);
    body["requestId"] = json!("lunora-lunora-a-2-channel");
    body["tags"] = tags(2);
    stage.make_channel(body);
    stage.expect("S1 one of each", "2 channels");
    stage.expect("S2 nothing is lost", "no ledger row answers for it");
}

#[test]
fn a_channel_that_no_row_was_looking_for_is_seen_at_once() {
    let mut stage = Stage::new();
    stage.wish(json!({}));
    stage.make_input();
    stage.expect("S2 nothing is lost", "there is none");
}

#[test]
fn a_row_that_forgets_what_exists_is_seen() {
    let mut stage = Stage::new();
    stage.made();
    let run = stage.invoke("plan", 0, 0);
    let mut row = stage.row(json!({"incarnation": 2}));
    row.as_object_mut().unwrap().remove("channel_sought");
    stage.write_row(run, &row);
    stage.expect("S2 nothing is lost", "Channel");
    // Looking for the next incarnation's does not answer for the last one's either.
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let run = stage.invoke("plan", 0, 0);
    let row = stage.row(
        json!({"incarnation": 2, "channel": {"id": channel}, "input_sought": {"incarnation": 2}}),
    );
    stage.write_row(run, &row);
    stage.expect("S2 nothing is lost", "Input");
}

#[test]
fn a_write_to_what_is_not_ours_is_seen_even_if_it_is_refused() {
    let mut stage = Stage::new();
    let body = json!({
        "type": "RTP_PUSH", "name": "somebody-elses", "inputSecurityGroups": [stage.rules.group],
        "tags": tags(1),
    });
    let answer = stage.by("by-hand", "POST", "/prod/inputs", body);
    stage.expect_nothing();
    let id = super::stage::text(&answer["input"]["id"]);
    stage.call("DELETE", &format!("/prod/inputs/{id}"), Value::Null);
    stage.expect("S3 nothing foreign", "DeleteInput");
    let mut stage = Stage::new();
    stage.look();
    stage.call("POST", "/prod/channels/7777777/stop", Value::Null);
    stage.expect("S3 nothing foreign", "StopChannel was sent to 7777777");
}

#[test]
fn a_worker_that_acts_for_one_and_writes_to_another_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let run = stage.invoke("stop-channel", 0, 0);
    stage.invocations[run as usize].destination = Some("b".into());
    stage.happens(What::Invoked(run));
    let call = stage.send(run, "medialive:StopChannel", &channel);
    stage.happens(What::Effect(call, 409));
    stage.expect("S3 nobody else's", "acts for b");
}

#[test]
fn a_call_without_a_note_in_the_ledger_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let run = stage.invoke("start-channel", 0, 0);
    stage.send(run, "medialive:StartChannel", &channel);
    stage.expect("S2 written ahead", "without noting it");
}

#[test]
fn a_start_after_a_knock_and_after_a_stop_was_seen_is_seen() {
    let intent = json!({"operation": "start-channel", "until": "2026-11-21T19:10:00Z"});
    for (changes, invariant, words) in [
        (
            json!({"knock": 3}),
            "S6 generation",
            "knock was 3 and its plan knew of 0",
        ),
        (
            json!({"desired": "ready"}),
            "S7 stop wins",
            "had seen ready",
        ),
        (
            json!({"holder": "another"}),
            "S6 generation",
            "does not hold the lease",
        ),
        (
            json!({"intent": {"operation": "stop-channel", "until": "2026-11-21T19:10:00Z"}}),
            "S2 written ahead",
            "its intent",
        ),
    ] {
        let mut stage = Stage::new();
        let (input, channel) = stage.made();
        let run = stage.invoke("start-channel", 0, 0);
        let mut row = stage
            .row(json!({"input": {"id": input}, "channel": {"id": channel}, "intent": intent}));
        for (name, value) in changes.as_object().unwrap() {
            row[name] = value.clone();
        }
        stage.write_row(run, &row);
        stage.send(run, "medialive:StartChannel", &channel);
        stage.expect(invariant, words);
    }
}

#[test]
fn too_many_starts_and_refusals_are_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let run = stage.invoke("start-channel", 0, 0);
    for count in 1..=4 {
        let call = stage.send(run, "medialive:StartChannel", &channel);
        stage.happens(What::Effect(call, 200));
        assert_eq!(
            stage
                .found()
                .iter()
                .any(|row| row.invariant == "S9 start budget"),
            count == 4
        );
    }
    for count in 1..=5 {
        let call = stage.send(run, "medialive:StopChannel", &channel);
        stage.happens(What::Effect(call, 409));
        assert_eq!(
            stage
                .found()
                .iter()
                .any(|row| row.sentence.contains("refused with 409")),
            count == 5
        );
    }
    for count in 1..=2 {
        let call = stage.send(run, "medialive:UpdateChannel", &channel);
        stage.happens(What::Effect(call, 422));
        assert_eq!(
            stage
                .found()
                .iter()
                .any(|row| row.sentence.contains("refused with 422")),
            count == 2
        );
    }
    for count in 1..=15 {
        let call = stage.send(run, "medialive:CreateChannel", "*");
        stage.happens(What::Effect(call, 403));
        assert_eq!(
            stage
                .found()
                .iter()
                .any(|row| row.sentence.contains("by a quota")),
            count == 15
        );
    }
}

#[test]
fn throttling_by_ones_own_haste_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let run = stage.invoke("plan", 0, 0);
    for _ in 0..7 {
        let call = stage.send(run, "medialive:DescribeChannel", &channel);
        stage.happens(What::Effect(call, 429));
    }
    let oracles = stage.oracles.as_mut().unwrap();
    oracles.few_calls_are_throttled(stage.now, 3);
    assert!(oracles.violations.is_empty());
    oracles.few_calls_are_throttled(stage.now, 0);
    stage.expect("S9 rates", "7 of 7");
}

#[test]
fn a_stop_that_nobody_asked_for_is_seen() {
    let mut stage = Stage::new();
    let (input, channel) = stage.made();
    stage.pass(200);
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(60);
    let run = stage.invoke("stop-channel", 0, 0);
    let row = stage.row(json!({"input": {"id": input}, "channel": {"id": channel},
        "intent": {"operation": "stop-channel", "until": "2026-11-21T19:30:00Z"}}));
    stage.write_row(run, &row);
    let call = stage.send(run, "medialive:StopChannel", &channel);
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/stop"),
        Value::Null,
    );
    stage.happens(What::Effect(call, 200));
    stage.expect("S7 needless stop", "nothing of the record was edited");
}

#[test]
fn a_teardown_of_what_is_kept_and_a_grace_cut_short_are_seen() {
    for (changes, words) in [
        (json!({}), "asks for streaming"),
        (
            json!({"desired_state": "ready", "keep_warm": true}),
            "keep_warm",
        ),
        (json!({"desired_state": "ready"}), "the grace is 900 s"),
    ] {
        let mut stage = Stage::new();
        let (input, channel) = stage.made();
        stage.wish(changes.clone());
        stage.begin();
        let run = stage.invoke("delete-channel", 0, 0);
        let desired = changes
            .get("desired_state")
            .and_then(Value::as_str)
            .unwrap_or("streaming");
        let row = stage
            .row(json!({"input": {"id": input}, "channel": {"id": channel}, "desired": desired}));
        stage.write_row(run, &row);
        stage.happens(What::Entered(0, "Plan"));
        stage.pass(1);
        let path = format!("/prod/channels/{channel}");
        stage.by("delete-channel", "DELETE", &path, Value::Null);
        stage.expect("needless teardown", words);
    }
}

#[test]
fn a_flow_stopped_under_a_stream_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    let flow = stage.rules.flow.replace(':', "%3A");
    stage.call("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(60);
    stage.call("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    stage.expect("needless teardown", "StopFlow was accepted while");
}

#[test]
fn a_feed_taken_from_a_stream_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(60);
    let output = stage
        .core
        .book()
        .flows()
        .next()
        .unwrap()
        .outputs()
        .next()
        .unwrap()
        .arn()
        .to_owned();
    let flow = stage.rules.flow.replace(':', "%3A");
    let path = format!("/v1/flows/{flow}/outputs/{}", output.replace(':', "%3A"));
    stage.call("PUT", &path, json!({"outputStatus": "DISABLED"}));
    stage.expect("S7 needless stop", "took the feed");
}

#[test]
fn a_channel_that_stops_while_nobody_is_at_work_is_seen() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(60);
    let from = stage.now;
    stage.pass(1);
    stage.by(
        "by-hand",
        "POST",
        &format!("/prod/channels/{channel}/stop"),
        Value::Null,
    );
    stage.pass(30);
    let now = stage.now;
    stage.oracles.as_mut().unwrap().ran_on(from, now);
    stage.expect("static stability", "became STOPPING");
}

#[test]
fn minutes_of_an_orphan_are_counted() {
    let mut stage = Stage::new();
    stage.made();
    stage.happens(What::Ended(0, "SUCCEEDED"));
    stage.delete_record();
    stage.pass(90);
    let mut oracles = stage.oracles.take().unwrap();
    oracles.little_is_orphaned(&stage, false, 0);
    stage.oracles = Some(oracles);
    stage.expect("orphan-minutes", "left unattended for 90 s");
    // As long as somebody is at work on it, it is no orphan.
    let mut stage = Stage::new();
    stage.made();
    stage.delete_record();
    stage.pass(90);
    let mut oracles = stage.oracles.take().unwrap();
    oracles.little_is_orphaned(&stage, false, 0);
    stage.oracles = Some(oracles);
    assert!(
        !stage
            .found()
            .iter()
            .any(|row| row.invariant == "orphan-minutes")
    );
}
