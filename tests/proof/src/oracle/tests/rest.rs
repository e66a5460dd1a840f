//! L1, L2, L4: a house at rest.

use serde_json::{Value, json};

use super::super::Table;
use super::stage::{Stage, dynamo};
use crate::trace::What;

/// A destination that streams, with row and mirror as they should be, and nobody at work.
fn streaming() -> (Stage, String, String) {
    let mut stage = Stage::new();
    let (input, channel) = stage.made();
    let flow = stage.rules.flow.replace(':', "%3A");
    stage.call("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
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
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({
        "streaming_status": "streaming", "streaming_started_at": "2026-11-21T19:00:46Z",
        "channel_id": channel, "input_id": input, "mediaconnect_output_arn": output, "generation": 1,
    }));
    rest(
        &mut stage,
        run,
        json!({"input": {"id": input}, "channel": {"id": channel}, "flow_output_arn": output}),
    );
    (stage, input, channel)
}

fn rest(stage: &mut Stage, run: u32, changes: Value) {
    let mut row = stage.row(changes);
    row.as_object_mut().unwrap().remove("holder");
    row["rest"] = json!({});
    row["settled"] = json!({});
    stage.write_row(run, &row);
    stage.happens(What::Returned(run));
    stage.happens(What::Ended(0, "SUCCEEDED"));
}

fn judge(stage: &mut Stage) {
    let mut oracles = stage.oracles.take().unwrap();
    oracles.is_settled(stage, true);
    stage.oracles = Some(oracles);
}

#[test]
fn a_stream_as_it_should_be_is_settled() {
    let (mut stage, ..) = streaming();
    judge(&mut stage);
    stage.expect_nothing();
}

#[test]
fn whatever_is_not_at_rest_is_seen() {
    for (changes, words) in [
        (json!({"holder": "somebody"}), "lease is held"),
        (json!({"rest": null}), "did not finish"),
        (
            json!({"wake_at": "2026-11-21T20:00:00Z"}),
            "looked at again",
        ),
        (
            json!({"intent": {"operation": "start-channel", "until": "2026-11-21T20:00:00Z"}}),
            "may still land",
        ),
    ] {
        let (mut stage, input, channel) = streaming();
        let run = stage.invoke("plan", 0, 0);
        let mut row = stage.row(json!({"input": {"id": input}, "channel": {"id": channel}}));
        row.as_object_mut().unwrap().remove("holder");
        row["rest"] = json!({});
        for (name, value) in changes.as_object().unwrap() {
            row[name] = value.clone();
        }
        stage.write_row(run, &row);
        judge(&mut stage);
        stage.expect("L1 settled", words);
    }
    let (mut stage, ..) = streaming();
    stage.begin();
    judge(&mut stage);
    stage.expect("L1 settled", "executions run");
}

#[test]
fn a_mirror_that_is_not_the_cloud_is_seen() {
    for (changes, words) in [
        (json!({"streaming_status": "starting"}), "shows starting"),
        (json!({"channel_id": null}), "channel_id"),
        (json!({"input_id": "1"}), "input_id"),
        (json!({"problem": {"code": "recovering"}}), "recovering"),
        (
            json!({"streaming_status": "stuck", "problem": {"code": "internal"}}),
            "nothing calls for it",
        ),
    ] {
        let (mut stage, ..) = streaming();
        let run = stage.invoke("plan", 0, 0);
        stage.write_mirror(run, &changes);
        judge(&mut stage);
        stage.expect("L1 settled", words);
    }
}

#[test]
fn a_stream_with_an_older_key_or_another_preset_is_seen() {
    let (mut stage, ..) = streaming();
    stage.key = stage.key.map(|key| super::super::Key {
        version: 2,
        fingerprint: 7,
        ..key
    });
    judge(&mut stage);
    stage.expect("L1 settled", "its key");
    let (mut stage, ..) = streaming();
    let mut item = stage.items[&(Table::Destinations, "a".to_owned())].clone();
    item["preset_id"] = json!({"S": "720p30"});
    stage.items.insert((Table::Destinations, "a".into()), item);
    stage
        .acts
        .push(crate::setup::Act::Edit("a".into(), json!({})));
    stage.happens(What::Acted(u32::try_from(stage.acts.len() - 1).unwrap()));
    judge(&mut stage);
    stage.expect("L1 settled", "for 720p30");
}

#[test]
fn a_stream_that_is_not_fed_is_seen() {
    let (mut stage, ..) = streaming();
    let flow = stage.rules.flow.replace(':', "%3A");
    stage.by(
        "by-hand",
        "POST",
        &format!("/v1/flows/stop/{flow}"),
        Value::Null,
    );
    stage.pass(20);
    judge(&mut stage);
    stage.expect("L1 settled", "is not fed");
}

#[test]
fn what_is_left_of_a_deleted_record_is_seen() {
    let (mut stage, ..) = streaming();
    stage.delete_record();
    judge(&mut stage);
    stage.expect("L2 nothing left", "Channel RUNNING");
}

#[test]
fn a_flow_that_nobody_needs_is_seen() {
    let mut stage = Stage::new();
    let flow = stage.rules.flow.replace(':', "%3A");
    stage.look();
    stage.call("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    stage.pass(900 + 180 + 30);
    judge(&mut stage);
    stage.expect("L1 settled", "nobody has needed the flow");
}

#[test]
fn another_end_than_without_faults_is_seen() {
    let (stage, ..) = streaming();
    let calm = stage.oracles.as_ref().unwrap().end(&stage);
    let (mut stage, ..) = streaming();
    let mut oracles = stage.oracles.take().unwrap();
    oracles.is_same_end(&stage, &calm);
    assert!(oracles.violations.is_empty(), "{:?}", oracles.violations);
    stage.oracles = Some(oracles);
    let item = dynamo(
        &json!({"destination_id": "a", "streaming_status": "stuck", "problem": {"code": "internal"}}),
    );
    stage.items.insert((Table::Destinations, "a".into()), item);
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({}));
    let mut oracles = stage.oracles.take().unwrap();
    oracles.is_same_end(&stage, &calm);
    assert!(
        oracles
            .violations
            .iter()
            .any(|row| row.invariant == "L4 same end")
    );
}
