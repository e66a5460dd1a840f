//! Inputs, security groups, tags.

use serde_json::{Value, json};

use super::{Account, channel_body, text};

/// User guide, creating an RTP push input: always two addresses, port 5000, a group is required.
#[test]
fn an_rtp_push_input_has_two_addresses_for_life() {
    let mut aws = Account::new();
    let group = aws.group();
    let answer = aws.ok(
        "POST",
        "/prod/inputs",
        json!({"type": "RTP_PUSH", "name": "a", "inputSecurityGroups": [group]}),
    );
    let input = &answer["input"];
    assert_eq!(input["state"], "DETACHED");
    assert_eq!(input["inputClass"], "STANDARD");
    let urls: Vec<String> = input["destinations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["url"]))
        .collect();
    assert_eq!(urls, ["rtp://203.0.113.1:5000", "rtp://198.51.100.1:5000"]);
    assert_eq!(input["destinations"][0]["port"], "5000");
    let bare = json!({"type": "RTP_PUSH", "name": "b"});
    assert_eq!(aws.refused("POST", "/prod/inputs", bare).0, 400);
    let second = aws.input("c", &group);
    assert_ne!(
        aws.ok("GET", &format!("/prod/inputs/{second}"), Value::Null)["destinations"][0]["ip"],
        "203.0.113.1"
    );
}

/// Waiter InputDeleted and the rule that an attached input stays.
#[test]
fn an_attached_input_can_not_be_deleted() {
    let mut aws = Account::new();
    let (channel, input) = aws.channel("a");
    let path = format!("/prod/inputs/{input}");
    assert_eq!(
        aws.refused("DELETE", &path, Value::Null).1,
        "ConflictException"
    );
    aws.ok("DELETE", &format!("/prod/channels/{channel}"), Value::Null);
    aws.pass(14);
    assert_eq!(aws.refused("DELETE", &path, Value::Null).0, 409);
    aws.pass(1);
    assert_eq!(aws.ok("DELETE", &path, Value::Null), json!({}));
    assert_eq!(aws.input_state(&input), "DELETING");
    aws.pass(2);
    assert_eq!(aws.input_state(&input), "DELETED");
    assert_eq!(aws.refused("DELETE", &path, Value::Null).0, 404);
}

/// API model: CreateInput is idempotent by requestId. User guide, quotas: five push inputs.
#[test]
fn request_ids_and_the_quota_of_push_inputs() {
    let mut aws = Account::new();
    let group = aws.group();
    let body = json!({"type": "RTP_PUSH", "name": "a", "inputSecurityGroups": [group], "requestId": "once"});
    let first = aws.ok("POST", "/prod/inputs", body.clone());
    assert_eq!(
        aws.ok("POST", "/prod/inputs", body.clone())["input"]["id"],
        first["input"]["id"]
    );
    for index in 1..5 {
        aws.input(&format!("i{index}"), &group);
    }
    let (status, _, said) = aws.refused(
        "POST",
        "/prod/inputs",
        json!({"type": "RTP_PUSH", "name": "six", "inputSecurityGroups": [group]}),
    );
    assert_eq!(status, 403, "{said}");
    // A replay needs no room.
    aws.ok("POST", "/prod/inputs", body);
}

/// User guide, editing an input: the channel must be IDLE.
#[test]
fn an_input_of_a_running_channel_can_not_be_changed() {
    let mut aws = Account::new();
    let (channel, input) = aws.channel("a");
    let path = format!("/prod/inputs/{input}");
    assert_eq!(
        aws.ok("PUT", &path, json!({"name": "b"}))["input"]["name"],
        "b"
    );
    aws.start(&channel);
    assert_eq!(aws.refused("PUT", &path, json!({"name": "c"})).0, 409);
}

/// User guide, input security groups; DeleteInputSecurityGroup models no 409.
#[test]
fn a_group_in_use_stays() {
    let mut aws = Account::new();
    let said = aws.refused(
        "POST",
        "/prod/inputSecurityGroups",
        json!({"whitelistRules": []}),
    );
    assert_eq!(
        said,
        (
            400,
            "BadRequestException".into(),
            "Must specify at least one whitelist".into()
        )
    );
    let group = aws.group();
    let path = format!("/prod/inputSecurityGroups/{group}");
    assert_eq!(aws.ok("GET", &path, Value::Null)["state"], "IDLE");
    let input = aws.input("a", &group);
    let answer = aws.ok("GET", &path, Value::Null);
    assert_eq!(
        (&answer["state"], &answer["inputs"]),
        (&json!("IN_USE"), &json!([input]))
    );
    let (status, name, said) = aws.refused("DELETE", &path, Value::Null);
    assert_eq!((status, name.as_str()), (400, "BadRequestException"));
    assert!(said.contains("still being used by inputs"), "{said}");
    let answer = aws.ok(
        "PUT",
        &path,
        json!({"whitelistRules": [{"cidr": "198.51.100.0/24"}]}),
    );
    assert_eq!(
        answer["securityGroup"]["whitelistRules"][0]["cidr"],
        "198.51.100.0/24"
    );
    aws.ok("DELETE", &format!("/prod/inputs/{input}"), Value::Null);
    aws.pass(3);
    aws.ok("DELETE", &path, Value::Null);
    assert_eq!(aws.refused("GET", &path, Value::Null).0, 404);
    for _ in 0..5 {
        aws.group();
    }
    assert_eq!(
        aws.refused(
            "POST",
            "/prod/inputSecurityGroups",
            json!({"whitelistRules": [{"cidr": "192.0.2.1/32"}]})
        )
        .0,
        403
    );
}

/// API model: 204 for changes, tags are part of Describe.
#[test]
fn tags_of_medialive() {
    let mut aws = Account::new();
    let (channel, _) = aws.channel("a");
    let arn = text(&aws.ok("GET", &format!("/prod/channels/{channel}"), Value::Null)["arn"]);
    let path = format!("/prod/tags/{}", super::encode(&arn));
    assert_eq!(aws.call("POST", &path, json!({"tags": {"k": "v"}})).0, 204);
    assert_eq!(aws.ok("GET", &path, Value::Null)["tags"]["k"], "v");
    assert_eq!(
        aws.call(
            "DELETE",
            &format!("{path}?tagKeys=k&tagKeys=lunora%3Adestination"),
            Value::Null
        )
        .0,
        204
    );
    assert_eq!(
        aws.ok("GET", &format!("/prod/channels/{channel}"), Value::Null)["tags"],
        json!({})
    );
    let unknown = path.replace(&channel, "1");
    assert_eq!(aws.refused("GET", &unknown, Value::Null).0, 404);
}

/// Pages: maxResults and nextToken of the API model.
#[test]
fn lists_come_in_pages() {
    let mut aws = Account::new();
    let group = aws.group();
    for index in 0..5 {
        aws.input(&format!("i{index}"), &group);
    }
    let first = aws.ok("GET", "/prod/inputs?maxResults=3", Value::Null);
    assert_eq!(first["inputs"].as_array().unwrap().len(), 3);
    let token = text(&first["nextToken"]);
    let second = aws.ok(
        "GET",
        &format!("/prod/inputs?maxResults=3&nextToken={token}"),
        Value::Null,
    );
    assert_eq!(second["inputs"].as_array().unwrap().len(), 2);
    assert!(second["nextToken"].is_null());
    assert_eq!(
        aws.refused("GET", "/prod/inputs?maxResults=0", Value::Null)
            .0,
        400
    );
}

/// What does not exist or is still being made can not be attached.
#[test]
fn a_channel_needs_an_input_that_is_ready() {
    let mut aws = Account::new();
    for (option, status) in [("400", 400), ("404", 404), ("422", 422)] {
        aws.tell("options", json!({"missing_reference": option}));
        assert_eq!(
            aws.refused("POST", "/prod/channels", channel_body("a", "1"))
                .0,
            status
        );
    }
    aws.tell("times", json!({"input_create": 2}));
    let group = aws.group();
    let input = aws.input("a", &group);
    assert_eq!(aws.input_state(&input), "CREATING");
    assert_eq!(
        aws.refused("POST", "/prod/channels", channel_body("a", &input))
            .0,
        409
    );
    aws.pass(2);
    aws.ok("POST", "/prod/channels", channel_body("a", &input));
}
