//! Channels: states, what they allow, request ids, quotas, lags.

use serde_json::{Value, json};

use super::{Account, channel_body, text};

/// Waiters of the API model: created, running, stopped, deleted pass through these states.
#[test]
fn a_channel_lives_through_its_states() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    let answer = aws.ok("POST", "/prod/channels", channel_body("a", &input));
    let id = text(&answer["channel"]["id"]);
    assert_eq!(answer["channel"]["state"], "CREATING");
    assert_eq!(aws.input_state(&input), "ATTACHED");
    aws.pass(4);
    assert_eq!(aws.state(&id), "IDLE");
    aws.start(&id);
    assert_eq!(aws.state(&id), "STARTING");
    aws.pass(40);
    assert_eq!(aws.state(&id), "RUNNING");
    aws.stop(&id);
    assert_eq!(aws.state(&id), "STOPPING");
    aws.pass(20);
    assert_eq!(aws.state(&id), "IDLE");
    aws.ok("DELETE", &format!("/prod/channels/{id}"), Value::Null);
    assert_eq!(aws.state(&id), "DELETING");
    aws.pass(10);
    // Observed with the real service: DELETED stays describable for a while, then it is 404.
    assert_eq!(aws.state(&id), "DELETED");
    assert_eq!(aws.input_state(&input), "ATTACHED");
    aws.pass(5);
    assert_eq!(aws.input_state(&input), "DETACHED");
    aws.pass(60);
    assert_eq!(
        aws.refused("GET", &format!("/prod/channels/{id}"), Value::Null)
            .1,
        "NotFoundException"
    );
}

/// User guide (editing and deleting a channel; starting, stopping and deleting a channel) and the
/// API model's errors: each operation in each state.
#[test]
fn each_operation_in_each_state() {
    // update, start, stop, delete, restart: the status in that state.
    let table = [
        ("CREATING", [409, 400, 409, 409, 409]),
        ("IDLE", [200, 200, 409, 200, 409]),
        ("STARTING", [409, 409, 409, 409, 409]),
        ("RUNNING", [409, 409, 200, 409, 200]),
        ("RECOVERING", [409, 409, 200, 409, 409]),
        ("STOPPING", [409, 409, 409, 409, 409]),
        ("UPDATING", [409, 409, 409, 409, 409]),
        ("DELETING", [409, 409, 409, 409, 409]),
        ("DELETED", [404, 404, 404, 404, 404]),
    ];
    for (state, expected) in table {
        for (index, expected) in expected.into_iter().enumerate() {
            let mut aws = Account::new();
            let id = reach(&mut aws, state);
            assert_eq!(aws.state(&id), state);
            let path = format!("/prod/channels/{id}");
            let (method, path, body) = match index {
                0 => (
                    "PUT",
                    path,
                    json!({"name": "b", "roleArn": "arn:aws:iam::123456789012:role/r"}),
                ),
                1 => ("POST", path + "/start", Value::Null),
                2 => ("POST", path + "/stop", Value::Null),
                3 => ("DELETE", path, Value::Null),
                _ => (
                    "POST",
                    path + "/restartChannelPipelines",
                    json!({"pipelineIds": ["PIPELINE_0"]}),
                ),
            };
            let (status, error, _) = aws.call(method, &path, body);
            assert_eq!(status, expected, "{method} {path} in {state}: {error}");
        }
    }
}

fn reach(aws: &mut Account, state: &str) -> String {
    if state == "CREATING" {
        let group = aws.group();
        let input = aws.input("a", &group);
        return text(&aws.ok("POST", "/prod/channels", channel_body("a", &input))["channel"]["id"]);
    }
    let (id, _) = aws.channel("a");
    let path = format!("/prod/channels/{id}");
    if matches!(state, "STARTING" | "RUNNING" | "RECOVERING" | "STOPPING") {
        aws.start(&id);
    }
    if matches!(state, "RUNNING" | "RECOVERING" | "STOPPING") {
        aws.pass(40);
    }
    match state {
        "RECOVERING" => {
            aws.tell("by-hand", json!({"action": "recover_channel", "id": id}));
        }
        "STOPPING" => aws.stop(&id),
        "UPDATING" => {
            aws.ok(
                "PUT",
                &path,
                json!({"roleArn": "arn:aws:iam::123456789012:role/r"}),
            );
        }
        "DELETING" | "DELETED" => {
            aws.ok("DELETE", &path, Value::Null);
        }
        _ => {}
    }
    if state == "DELETED" {
        aws.pass(10);
    }
    id
}

/// Not documented: each answer can be run both ways.
#[test]
fn unknown_answers_can_be_switched() {
    let mut aws = Account::new();
    aws.tell(
        "options",
        json!({"wrong_state": "ok", "stop_while_starting": "ok", "start_while_creating": "409"}),
    );
    let creating = reach(&mut aws, "CREATING");
    assert_eq!(
        aws.refused(
            "POST",
            &format!("/prod/channels/{creating}/start"),
            Value::Null
        )
        .0,
        409
    );
    aws.pass(4);
    assert_eq!(
        aws.call(
            "POST",
            &format!("/prod/channels/{creating}/stop"),
            Value::Null
        )
        .0,
        200
    );
    aws.start(&creating);
    aws.start(&creating);
    aws.stop(&creating);
    assert_eq!(aws.state(&creating), "STOPPING");
}

/// Observed with CloudFormation and account cleaners.
#[test]
fn refusals_in_the_services_words() {
    let mut aws = Account::new();
    let (id, input) = aws.channel("a");
    let (status, name, said) = aws.refused("POST", "/prod/channels", channel_body("b", &input));
    assert_eq!((status, name.as_str()), (409, "ConflictException"));
    assert_eq!(said, format!("inputId={input} is already attached"));
    aws.start(&id);
    aws.pass(40);
    let (_, _, said) = aws.refused("DELETE", &format!("/prod/channels/{id}"), Value::Null);
    assert!(
        said.starts_with("Cannot delete a channel that has not been stopped yet."),
        "{said}"
    );
}

/// API model: requestId makes CreateChannel idempotent. With another body: not documented.
#[test]
fn a_request_id_makes_one_channel() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    let mut body = channel_body("a", &input);
    body["requestId"] = json!("once");
    let first = text(&aws.ok("POST", "/prod/channels", body.clone())["channel"]["id"]);
    let again = aws.ok("POST", "/prod/channels", body.clone());
    assert_eq!(again["channel"]["id"], first.as_str());
    body["name"] = json!("other");
    assert_eq!(
        aws.ok("POST", "/prod/channels", body.clone())["channel"]["name"],
        "a"
    );
    aws.tell("options", json!({"idempotent_replay": "conflict"}));
    assert_eq!(aws.refused("POST", "/prod/channels", body).0, 409);
}

/// User guide, quotas: five channels, in any state but DELETED.
#[test]
fn five_channels_and_no_more() {
    let mut aws = Account::new();
    aws.tell("quotas", json!({"push_inputs": 6}));
    let group = aws.group();
    let mut ids = Vec::new();
    for index in 0..5 {
        let input = aws.input(&format!("d{index}"), &group);
        let answer = aws.ok("POST", "/prod/channels", channel_body("d", &input));
        ids.push(text(&answer["channel"]["id"]));
    }
    let input = aws.input("d5", &group);
    let (status, _, said) = aws.refused("POST", "/prod/channels", channel_body("d", &input));
    assert_eq!(status, 403, "{said}");
    aws.tell("options", json!({"over_quota": "400"}));
    assert_eq!(
        aws.refused("POST", "/prod/channels", channel_body("d", &input))
            .0,
        400
    );
    aws.pass(4);
    aws.ok("DELETE", &format!("/prod/channels/{}", ids[0]), Value::Null);
    assert_eq!(
        aws.refused("POST", "/prod/channels", channel_body("d", &input))
            .0,
        400
    );
    aws.pass(10);
    aws.ok("POST", "/prod/channels", channel_body("d", &input));
}

/// Observed with Terraform: a read after a write may miss it for a while.
#[test]
fn a_new_channel_may_not_be_seen_at_once() {
    let mut aws = Account::new();
    aws.tell("times", json!({"read_lag": 2}));
    let group = aws.group();
    let input = aws.input("a", &group);
    let id = text(&aws.ok("POST", "/prod/channels", channel_body("a", &input))["channel"]["id"]);
    assert_eq!(
        aws.refused("GET", &format!("/prod/channels/{id}"), Value::Null)
            .0,
        404
    );
    assert_eq!(
        aws.ok("GET", "/prod/channels", Value::Null)["channels"],
        json!([])
    );
    aws.pass(2);
    assert_eq!(aws.state(&id), "CREATING");
}

/// API model's text: without roleArn an update removes the role. Other members stay.
#[test]
fn an_update_without_a_role_removes_it() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    let path = format!("/prod/channels/{id}");
    let answer = aws.ok("PUT", &path, json!({"name": "b"}));
    assert_eq!(
        (&answer["channel"]["name"], &answer["channel"]["roleArn"]),
        (&json!("b"), &Value::Null)
    );
    assert_eq!(answer["channel"]["state"], "UPDATING");
    aws.pass(3);
    assert!(aws.ok("GET", &path, Value::Null)["encoderSettings"].is_object());
    assert_eq!(
        aws.refused("POST", &format!("{path}/start"), Value::Null).0,
        400
    );
}

/// User guide, changing the channel class: IDLE only, one setting per pipeline.
#[test]
fn the_class_follows_the_destinations() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    let path = format!("/prod/channels/{id}/channelClass");
    assert_eq!(
        aws.refused("PUT", &path, json!({"channelClass": "STANDARD"}))
            .0,
        422
    );
    let one = json!({"url": "rtmp://ingest.example.com/app", "streamName": "canary-core-one"});
    let answer = aws.ok("PUT", &path, json!({"channelClass": "STANDARD", "destinations": [{"id": "rtmp1", "settings": [one, one]}]}));
    assert_eq!(answer["channel"]["channelClass"], "STANDARD");
}

/// API model: each item has an outcome of its own.
#[test]
fn batches_answer_one_by_one() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    let answer = aws.ok(
        "POST",
        "/prod/batch/start",
        json!({"channelIds": [id, "7"]}),
    );
    assert_eq!(answer["successful"][0]["state"], "STARTING");
    assert_eq!(answer["failed"][0]["code"], "404");
    aws.pass(40);
    aws.ok("POST", "/prod/batch/stop", json!({"channelIds": [id]}));
    aws.pass(20);
    let answer = aws.ok("POST", "/prod/batch/delete", json!({"channelIds": [id]}));
    assert_eq!(answer["failed"], json!([]));
}

/// AWS answers stream names in channels; the control API must not have them.
#[test]
fn the_stream_name_is_answered_by_aws_and_by_nothing_else() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    for path in [format!("/prod/channels/{id}"), "/prod/channels".into()] {
        assert!(
            aws.ok("GET", &path, Value::Null)
                .to_string()
                .contains("canary-core-key")
        );
    }
    aws.start(&id);
    aws.pass(60);
    aws.core.control(
        aws.now,
        "POST",
        "report",
        &json!({"kind": "rtmp_failed", "channel_id": id, "reason": "refused"}),
    );
    for what in ["state", "bill", "calls", "faults"] {
        assert!(!aws.ask(what).to_string().contains("canary"), "{what}");
    }
    assert!(!format!("{:?} {:?}", aws.core.media_view(), aws.events).contains("canary-core-key"));
}
