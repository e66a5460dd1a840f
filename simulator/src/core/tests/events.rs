//! Events and alerts: shapes, order, and going astray.

use serde_json::{Value, json};

use super::{Account, encode, output, text};

/// MediaLive user guide, EventBridge: CREATED and STOPPED stand for IDLE, UPDATING is not told.
#[test]
fn the_events_of_a_channels_life() {
    let mut aws = Account::new();
    aws.tell("options", json!({"media": "reported"}));
    let (id, _) = aws.channel("a");
    aws.ok(
        "PUT",
        &format!("/prod/channels/{id}"),
        json!({"roleArn": "arn:aws:iam::123456789012:role/r"}),
    );
    aws.pass(3);
    aws.start(&id);
    aws.pass(40);
    aws.stop(&id);
    aws.pass(20);
    aws.ok("DELETE", &format!("/prod/channels/{id}"), Value::Null);
    aws.pass(10);
    let states: Vec<String> = aws
        .told()
        .into_iter()
        .filter(|(kind, _)| kind == "MediaLive Channel State Change")
        .map(|(_, state)| state)
        .collect();
    assert_eq!(
        states,
        [
            "CREATED", "STARTING", "RUNNING", "STOPPING", "STOPPED", "DELETING", "DELETED"
        ]
    );
    let running = aws
        .events
        .iter()
        .find(|event| event["detail"]["state"] == "RUNNING")
        .unwrap();
    assert_eq!(running["source"], "aws.medialive");
    assert_eq!(running["account"], "123456789012");
    assert_eq!(running["region"], "us-west-2");
    assert_eq!(
        running["resources"],
        json!([format!(
            "arn:aws:medialive:us-west-2:123456789012:channel:{id}"
        )])
    );
    assert_eq!(running["detail"]["pipelines_running_count"], 1);
    assert_eq!(running["time"], "2026-01-02T00:00:47Z");
    assert!(
        aws.told()
            .iter()
            .any(|(kind, _)| kind == "MediaLive Channel Input Change")
    );
}

/// MediaLive user guide, EventBridge: no event was ever seen of a creation that failed.
#[test]
fn a_creation_that_fails_is_not_told() {
    let mut aws = Account::new();
    let rule = json!({"operation": "medialive:CreateChannel", "kind": "create_failed"});
    aws.tell("faults", rule);
    let (id, _) = aws.channel("a");
    assert_eq!(aws.state(&id), "CREATE_FAILED");
    assert!(aws.events.is_empty(), "{:?}", aws.events);
}

/// MediaConnect events: flow status, output status, health of source, flow and output.
#[test]
fn the_events_of_a_flow() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let answer = aws.ok(
        "POST",
        &format!("/v1/flows/{flow}/outputs"),
        json!({"outputs": [output("a", "203.0.113.1")]}),
    );
    let arn = text(&answer["outputs"][0]["outputArn"]);
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(15);
    aws.ok(
        "PUT",
        &format!("/v1/flows/{flow}/outputs/{}", encode(&arn)),
        json!({"outputStatus": "DISABLED"}),
    );
    aws.ok("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    aws.pass(10);
    let rows: Vec<(String, Value)> = aws
        .events
        .iter()
        .map(|event| {
            (
                text(&event["detail-type"]).replace("MediaConnect ", ""),
                event["detail"].clone(),
            )
        })
        .collect();
    let statuses: Vec<&Value> = rows
        .iter()
        .filter(|row| row.0 == "Flow Status Change")
        .map(|row| &row.1["currentStatus"])
        .collect();
    assert_eq!(statuses, ["STARTING", "ACTIVE", "STOPPING", "STANDBY"]);
    let of = |kind: &str| {
        rows.iter()
            .find(|row| row.0 == kind)
            .map(|row| row.1.clone())
            .unwrap_or_else(|| panic!("no {kind}"))
    };
    assert_eq!(
        of("Output Status Change"),
        json!({"currentStatus": "DISABLED", "previousStatus": "ENABLED"})
    );
    assert_eq!(
        of("Output Health"),
        json!({"current": {"state": "SENDING"}, "previous": {"state": "IDLE"}})
    );
    assert_eq!(of("Source Health")["current"]["state"], "CONNECTED");
    assert_eq!(of("Flow Health")["unhealthy"], false);
    let output_event = aws
        .events
        .iter()
        .find(|event| event["detail-type"] == "MediaConnect Output Health")
        .unwrap();
    assert_eq!(
        output_event["resources"],
        json!([flow.replace("%3A", ":"), arn])
    );
}

/// EventBridge reference: best effort. Events may be missing, doubled, late, out of order.
#[test]
fn events_go_astray_on_request() {
    let count = |knobs: Value| {
        let mut aws = Account::new();
        aws.tell("events", knobs);
        let (id, _) = aws.channel("a");
        aws.start(&id);
        aws.pass(45);
        aws.stop(&id);
        aws.pass(120);
        aws.events
    };
    let all = count(json!({}));
    assert_eq!(count(json!({"drop": 1})).len(), 0);
    let doubled = count(json!({"duplicate": 1}));
    assert_eq!(doubled.len(), 2 * all.len());
    assert_eq!(doubled[0]["id"], doubled[1]["id"]);
    let shuffled = count(json!({"shuffle": true, "delay_seconds": [0, 30]}));
    assert_eq!(shuffled.len(), all.len());
    let order = |events: &[Value]| {
        events
            .iter()
            .map(|event| event["detail"].clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(order(&shuffled), order(&all));
}

/// The same seed and the same calls give the same run.
#[test]
fn a_run_can_be_repeated() {
    let run = || {
        let mut aws = Account::new();
        aws.tell("times", json!({"law": "usual"}));
        aws.tell(
            "events",
            json!({"drop": 0.3, "duplicate": 0.3, "delay_seconds": [0, 9], "shuffle": true}),
        );
        let (id, _) = aws.channel("a");
        aws.pass(60);
        aws.call("POST", &format!("/prod/channels/{id}/start"), Value::Null);
        aws.pass(900);
        let (state, bill) = (aws.ask("state"), aws.ask("bill"));
        (aws.events, state, bill)
    };
    assert_eq!(run(), run());
}
