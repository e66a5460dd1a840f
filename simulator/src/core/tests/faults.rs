//! Faults: each kind, how rules count, and that a person by hand is not hit.

use serde_json::{Value, json};

use super::{Account, channel_body, output, text};

fn fired(aws: &mut Account) -> u64 {
    aws.ask("faults")[0]["fired"].as_u64().unwrap()
}

#[test]
fn refusals_of_each_kind() {
    let rows = [
        (
            json!({"operation": "medialive:StartChannel", "kind": "error_before"}),
            500,
            "InternalServerErrorException",
        ),
        (
            json!({"operation": "medialive:StartChannel", "kind": "error_before", "status": 504}),
            504,
            "GatewayTimeoutException",
        ),
        (
            json!({"operation": "medialive:*", "kind": "throttle"}),
            429,
            "TooManyRequestsException",
        ),
        (
            json!({"operation": "*:StartChannel", "kind": "conflict"}),
            409,
            "ConflictException",
        ),
        (
            json!({"operation": "medialive:StartChannel", "kind": "forbidden"}),
            403,
            "ForbiddenException",
        ),
        (
            json!({"operation": "medialive:StartChannel", "kind": "quota"}),
            403,
            "ForbiddenException",
        ),
    ];
    for (rule, status, name) in rows {
        let mut aws = Account::new();
        let (id, _) = aws.channel("a");
        aws.tell("faults", rule.clone());
        let path = format!("/prod/channels/{id}/start");
        let refused = aws.refused("POST", &path, Value::Null);
        assert_eq!((refused.0, refused.1.as_str()), (status, name), "{rule}");
        assert_eq!(fired(&mut aws), 1);
        assert_eq!(aws.state(&id), "IDLE");
        aws.start(&id);
    }
}

#[test]
fn mediaconnect_says_400_and_420() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let path = format!("/v1/flows/{flow}/outputs");
    let body = json!({"outputs": [output("a", "203.0.113.1")]});
    for (kind, expected) in [
        ("conflict", (400, "BadRequestException")),
        ("quota", (420, "AddFlowOutputs420Exception")),
    ] {
        aws.tell(
            "faults",
            json!({"operation": "mediaconnect:AddFlowOutputs", "kind": kind}),
        );
        let refused = aws.refused("POST", &path, body.clone());
        assert_eq!((refused.0, refused.1.as_str()), expected);
    }
}

#[test]
fn rules_count_their_calls() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.tell("faults", json!({"operation": "medialive:DescribeChannel", "kind": "error_before", "nth": 3, "count": 2}));
    let path = format!("/prod/channels/{id}");
    let statuses: Vec<u16> = (0..6)
        .map(|_| aws.call("GET", &path, Value::Null).0)
        .collect();
    assert_eq!(statuses, [200, 200, 500, 500, 200, 200]);
    aws.core.control(aws.now, "DELETE", "faults", &Value::Null);
    aws.tell("faults", json!({"operation": "medialive:DescribeChannel", "kind": "error_before", "every": true, "resource": "no-such"}));
    assert_eq!(aws.call("GET", &path, Value::Null).0, 200);
    assert_eq!(
        aws.core
            .control(
                aws.now,
                "POST",
                "faults",
                &json!({"operation": "StartChannel", "kind": "slow"})
            )
            .0,
        400
    );
    assert_eq!(
        aws.core
            .control(
                aws.now,
                "POST",
                "faults",
                &json!({"operation": "medialive:X", "kind": "gloom"})
            )
            .0,
        400
    );
}

#[test]
fn an_answer_can_be_lost_or_late_after_the_effect() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.tell(
        "faults",
        json!({"operation": "medialive:StartChannel", "kind": "answer_lost"}),
    );
    let request = super::Request {
        method: "POST".into(),
        path: format!("/prod/channels/{id}/start"),
        ..Default::default()
    };
    assert!(aws.core.handle(aws.now, &request).lost);
    assert_eq!(aws.state(&id), "STARTING");
    aws.tell(
        "faults",
        json!({"operation": "medialive:DescribeChannel", "kind": "slow", "seconds": 3}),
    );
    let request = super::Request {
        method: "GET".into(),
        path: format!("/prod/channels/{id}"),
        ..Default::default()
    };
    assert_eq!(aws.core.handle(aws.now, &request).delay_ms, 3000);
}

#[test]
fn stale_reads_show_what_was() {
    let mut aws = Account::new();
    let (id, input) = aws.channel("a");
    let flow = aws.flow();
    aws.tell(
        "faults",
        json!({"operation": "*:*", "kind": "stale", "every": true, "count": 100}),
    );
    assert_eq!(aws.state(&id), "CREATING");
    aws.start(&id);
    assert_eq!(aws.state(&id), "IDLE");
    assert_eq!(
        aws.ok("GET", "/prod/channels", Value::Null)["channels"][0]["state"],
        "IDLE"
    );
    assert_eq!(aws.input_state(&input), "DETACHED");
    aws.pass(60);
    assert_eq!(aws.input_state(&input), "ATTACHED", "a minute later");
    aws.ok(
        "POST",
        &format!("/v1/flows/{flow}/outputs"),
        json!({"outputs": [output("a", "203.0.113.1")]}),
    );
    assert_eq!(
        aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null)["flow"]["outputs"],
        json!([])
    );
}

#[test]
fn starts_creations_and_updates_that_fail_later() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.tell(
        "faults",
        json!({"operation": "medialive:StartChannel", "kind": "falls_back_to_idle"}),
    );
    aws.start(&id);
    assert_eq!(aws.state(&id), "STARTING");
    aws.pass(40);
    assert_eq!(aws.state(&id), "IDLE");
    assert!(
        aws.told()
            .contains(&("MediaLive Channel Alert".into(), "SET".into()))
    );
    aws.tell(
        "faults",
        json!({"operation": "medialive:StartChannel", "kind": "recovering", "seconds": 10}),
    );
    aws.start(&id);
    aws.pass(42);
    assert_eq!(aws.state(&id), "RECOVERING");
    aws.pass(10);
    assert_eq!(aws.state(&id), "RUNNING");
    aws.stop(&id);
    aws.pass(20);
    aws.tell(
        "faults",
        json!({"operation": "medialive:UpdateChannel", "kind": "update_failed"}),
    );
    aws.ok("PUT", &format!("/prod/channels/{id}"), json!({"name": "b"}));
    aws.pass(3);
    assert_eq!(aws.state(&id), "UPDATE_FAILED");
    aws.ok("DELETE", &format!("/prod/channels/{id}"), Value::Null);
    aws.pass(15);
    aws.tell(
        "faults",
        json!({"operation": "medialive:CreateChannel", "kind": "create_failed"}),
    );
    let group = aws.group();
    let input = aws.input("c", &group);
    let failed =
        text(&aws.ok("POST", "/prod/channels", channel_body("c", &input))["channel"]["id"]);
    aws.pass(4);
    assert_eq!(aws.state(&failed), "CREATE_FAILED");
    assert_eq!(
        aws.refused(
            "POST",
            &format!("/prod/channels/{failed}/start"),
            Value::Null
        )
        .0,
        409
    );
    aws.ok("DELETE", &format!("/prod/channels/{failed}"), Value::Null);
}

#[test]
fn a_person_by_hand_is_not_hit_and_is_told_of() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.tell(
        "faults",
        json!({"operation": "medialive:*", "kind": "error_before", "every": true}),
    );
    aws.tell("by-hand", json!({"action": "start_channel", "id": id}));
    aws.pass(40);
    aws.tell("by-hand", json!({"action": "stop_channel", "id": id}));
    assert!(
        aws.told()
            .contains(&("MediaLive Channel State Change".into(), "RUNNING".into()))
    );
    let calls = aws.ask("calls");
    assert_eq!(
        calls.as_array().unwrap().last().unwrap()["caller"],
        "by-hand"
    );
    assert_eq!(
        aws.core
            .control(
                aws.now,
                "POST",
                "by-hand",
                &json!({"action": "stop_channel", "id": id})
            )
            .0,
        400
    );
}

#[test]
fn calls_are_listed_without_bodies() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.refused("GET", "/prod/channels/1", Value::Null);
    let calls = aws.ask("calls");
    let last = calls.as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (
            &last["operation"],
            &last["status"],
            &last["error"],
            &last["resource"],
            &last["caller"]
        ),
        (
            &json!("DescribeChannel"),
            &json!(404),
            &json!("NotFoundException"),
            &json!("1"),
            &json!("AKIDEXAMPLE")
        )
    );
    assert!(
        calls
            .as_array()
            .unwrap()
            .iter()
            .any(|call| call["resource"] == id.as_str())
    );
    assert!(!calls.to_string().contains("canary"));
}
