//! What CreateChannel refuses, where the error points, and the loud answer to the unknown.

use serde_json::{Value, json};

use super::{Account, channel_body};

/// A change of the body, and what must come of it.
type Row = (&'static str, Value, u16, &'static str);

/// JSON pointer, new value (Null takes it away), status, and a part of the answer.
fn rows() -> Vec<Row> {
    let rtmp = "/encoderSettings/outputGroups/0/outputs/0/outputSettings";
    let h264 = "/encoderSettings/videoDescriptions/0/codecSettings/h264Settings";
    let output = json!({"outputSettings": {"rtmpOutputSettings": {"destination": {"destinationRefId": "rtmp1"}}},
        "videoDescriptionName": "video", "audioDescriptionNames": ["aac"]});
    vec![
        // API model: required members.
        ("/name", Value::Null, 422, "name"),
        (
            "/encoderSettings/timecodeConfig",
            Value::Null,
            422,
            "timecodeConfig",
        ),
        (
            "/encoderSettings/videoDescriptions",
            Value::Null,
            422,
            "videoDescriptions",
        ),
        (
            "/encoderSettings/audioDescriptions/0/audioSelectorName",
            Value::Null,
            422,
            "audioSelectorName",
        ),
        (
            "/inputSpecification",
            Value::Null,
            422,
            "inputSpecification",
        ),
        (
            "/inputSpecification/codec",
            Value::Null,
            422,
            "inputSpecification.codec",
        ),
        // API model: enums, limits, types, unknown members.
        ("/channelClass", json!("DOUBLE"), 422, "channelClass"),
        (
            "/encoderSettings/outputGroups/0/outputGroupSettings/rtmpGroupSettings/cacheLength",
            json!(29),
            422,
            "outputGroups[0].outputGroupSettings.rtmpGroupSettings.cacheLength",
        ),
        (
            "/encoderSettings/outputGroups/0/name",
            json!("a name that is longer than 32 letters"),
            422,
            "outputGroups[0].name",
        ),
        (
            "/encoderSettings/videoDescriptions/0/width",
            json!("1920"),
            422,
            "videoDescriptions[0].width",
        ),
        (
            "/encoderSettings/videoDescriptions/0/colour",
            json!("red"),
            422,
            "videoDescriptions[0].colour",
        ),
        // API model's texts: even sizes, GOP, rate control.
        (
            "/encoderSettings/videoDescriptions/0/width",
            json!(1919),
            422,
            "videoDescriptions[0].width",
        ),
        (concat_static(h264, "/gopSize"), json!(0), 422, "gopSize"),
        (
            concat_static(h264, "/framerateNumerator"),
            Value::Null,
            422,
            "framerateNumerator",
        ),
        (
            concat_static(h264, "/rateControlMode"),
            json!("QVBR"),
            422,
            "maxBitrate",
        ),
        // References inside the body.
        (
            "/encoderSettings/outputGroups/0/outputs/0/videoDescriptionName",
            json!("other"),
            422,
            "videoDescriptionName",
        ),
        (
            "/encoderSettings/outputGroups/0/outputs/0/audioDescriptionNames/0",
            json!("other"),
            422,
            "audioDescriptionNames[0]",
        ),
        (
            concat_static(rtmp, "/rtmpOutputSettings/destination/destinationRefId"),
            json!("other"),
            422,
            "destinationRefId",
        ),
        (
            "/encoderSettings/audioDescriptions/0/audioSelectorName",
            json!("other"),
            422,
            "audioSelectorName",
        ),
        // Unions; the texts were seen from the real service.
        (
            concat_static(rtmp, "/udpOutputSettings"),
            json!({"destination": {}, "containerSettings": {}}),
            422,
            "OutputSettings must contain exactly one property",
        ),
        (
            "/destinations/0/settings",
            json!([]),
            400,
            "Exactly one of settings, MediaPackage settings, or Multiplex settings is required for destination rtmp1",
        ),
        (
            "/destinations/0/settings/1",
            json!({"url": "rtmp://example.com/app", "streamName": "canary-two"}),
            422,
            "destinations[0].settings",
        ),
        // User guide, RTMP output groups: one output, H.264 and AAC.
        (
            "/encoderSettings/outputGroups/0/outputs/1",
            output,
            422,
            "outputGroups[0].outputs",
        ),
        (
            "/encoderSettings/audioDescriptions/0/codecSettings",
            json!({"ac3Settings": {}}),
            422,
            "AAC",
        ),
        (
            "/destinations/0/settings/0/url",
            json!("https://example.com/app"),
            422,
            "destinations[0].settings[0].url",
        ),
        (
            "/destinations/0/settings/0/streamName",
            json!(""),
            422,
            "destinations[0].settings[0].streamName",
        ),
        // Seen with Terraform, also while a role is new.
        (
            "/roleArn",
            json!("arn:aws:iam::123456789012:user/x"),
            400,
            "Please make sure the role exists and medialive.amazonaws.com is a trusted service",
        ),
        ("/inputAttachments", json!([]), 422, "inputAttachments"),
    ]
}

fn concat_static(left: &str, right: &str) -> &'static str {
    Box::leak(format!("{left}{right}").into_boxed_str())
}

fn change(body: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(members) if value.is_null() => {
            members.remove(last);
        }
        Value::Object(members) => {
            members.insert(last.to_owned(), value);
        }
        Value::Array(items) => {
            let at: usize = last.parse().unwrap();
            if at == items.len() {
                items.push(value)
            } else {
                items[at] = value
            }
        }
        other => panic!("{pointer}: {other}"),
    }
}

#[test]
fn a_channel_is_refused_for_one_wrong_element() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    for (pointer, value, expected, part) in rows() {
        let mut body = channel_body("a", &input);
        change(&mut body, pointer, value);
        let (status, error, answer) = aws.call("POST", "/prod/channels", body);
        assert_eq!(status, expected, "{pointer}: {answer}");
        assert!(answer.to_string().contains(part), "{pointer}: {answer}");
        if status == 422 {
            assert_eq!(error, "UnprocessableEntityException");
            assert!(
                answer["validationErrors"][0]["elementPath"].is_string(),
                "{answer}"
            );
        }
    }
    assert_eq!(
        aws.input_state(&input),
        "DETACHED",
        "a refusal changes nothing"
    );
    aws.ok("POST", "/prod/channels", channel_body("a", &input));
}

/// API model: dryRun checks and makes nothing.
#[test]
fn a_dry_run_makes_nothing() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    let mut body = channel_body("a", &input);
    body["dryRun"] = json!(true);
    aws.ok("POST", "/prod/channels", body);
    assert_eq!(
        aws.ok("GET", "/prod/channels", Value::Null)["channels"],
        json!([])
    );
}

/// An operation that is not modelled is an error that nobody can overlook, and it is named.
#[test]
fn the_unknown_is_loud() {
    let mut aws = Account::new();
    let rows = [
        ("GET", "/prod/multiplexes", "medialive:ListMultiplexes"),
        ("POST", "/v1/bridges", "mediaconnect:CreateBridge"),
        (
            "PUT",
            "/prod/channels/1/schedule",
            "medialive:BatchUpdateSchedule",
        ),
        ("GET", "/2015-03-31/functions", "GET /2015-03-31/functions"),
    ];
    for (method, path, named) in rows {
        let (status, error, answer) = aws.call(method, path, Value::Null);
        assert_eq!((status, error.as_str()), (501, "UnknownOperationException"));
        assert!(
            answer["message"].as_str().unwrap().contains(named),
            "{answer}"
        );
    }
}

/// 20 calls a second with a burst of 40 (user guide, quotas), 429 beyond.
#[test]
fn the_forty_first_call_at_once_is_throttled() {
    let mut aws = Account::new();
    for _ in 0..40 {
        aws.ok("GET", "/prod/channels", Value::Null);
    }
    let (status, name, _) = aws.refused("GET", "/prod/channels", Value::Null);
    assert_eq!((status, name.as_str()), (429, "TooManyRequestsException"));
    aws.pass(1);
    aws.ok("GET", "/prod/channels", Value::Null);
}
