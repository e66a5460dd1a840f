//! Content and secrecy.

use serde_json::{Value, json};

use super::stage::{KEY, Stage, tags};
use crate::world::Sink;

/// A channel made with a body that was spoilt in one place.
fn spoilt(pointer: &str, value: Value) -> Stage {
    let mut stage = Stage::new();
    stage.wish(json!({}));
    let execution = stage.begin();
    let run = stage.invoke("create-channel", execution, 0);
    let row = stage.row(json!({}));
    stage.write_row(run, &row);
    let input = stage.make_input();
    let mut body = stage.channel_body(&input);
    *body.pointer_mut(pointer).unwrap() = value;
    stage.make_channel(body);
    stage
}

#[test]
fn every_wrong_field_of_a_channel_is_seen() {
    let h264 = "/encoderSettings/videoDescriptions/0/codecSettings/h264Settings";
    for (pointer, value, words) in [
        ("/name", json!("lunora-lunora-b"), "do not say whose"),
        (
            "/tags",
            json!({"lunora:stack": "lunora", "lunora:destination": "a"}),
            "do not say whose",
        ),
        ("/requestId", json!("8d7f"), "request id"),
        ("/requestId", json!("lunora-lunora-a-channel"), "request id"),
        (
            "/roleArn",
            json!("arn:aws:iam::123456789012:role/Other"),
            "roleArn",
        ),
        (
            "/inputSpecification/maximumBitrate",
            json!("MAX_20_MBPS"),
            "inputSpecification",
        ),
        (
            "/destinations/0/settings/0/url",
            json!("rtmps://b.rtmps.youtube.com:443/live2"),
            "it sends to",
        ),
        (
            "/destinations/0/settings/0/streamName",
            json!("another"),
            "its key",
        ),
        (
            &format!("{h264}/bitrate"),
            json!(5_000_000),
            "bitrate is 5000000",
        ),
        (&format!("{h264}/gopSize"), json!(4), "gopSize"),
        (&format!("{h264}/profile"), json!("MAIN"), "profile"),
        (
            "/encoderSettings/outputGroups/0/outputs/0/outputSettings/rtmpOutputSettings/numRetries",
            json!(10),
            "numRetries",
        ),
        (
            "/inputAttachments/0/inputSettings/sourceEndBehavior",
            json!("LOOP"),
            "inputAttachments[0]",
        ),
    ] {
        let mut stage = spoilt(pointer, value);
        let found = stage.found();
        let hit = found
            .iter()
            .any(|row| row.invariant == "content" && row.sentence.contains(words));
        assert!(hit, "{pointer}: {found:#?}");
    }
}

#[test]
fn a_wrong_input_is_seen() {
    let mut stage = Stage::new();
    stage.wish(json!({}));
    let body = json!({
        "type": "UDP_PUSH", "name": "lunora-lunora-a", "inputSecurityGroups": [stage.rules.group],
        "requestId": "lunora-lunora-a-1-input", "tags": tags(1),
    });
    stage.call("POST", "/prod/inputs", body);
    stage.expect("content", "UDP_PUSH");
}

#[test]
fn an_output_that_feeds_another_port_or_address_is_seen() {
    for (changes, words) in [
        (json!({"port": 5004}), "port 5004"),
        (
            json!({"destination": "203.0.113.99"}),
            "no input of its own",
        ),
        (json!({"protocol": "rtp"}), "sends rtp to"),
        (json!({"outputTags": {}}), "do not say whose"),
    ] {
        let mut stage = Stage::new();
        stage.wish(json!({}));
        let input = stage.make_input();
        stage.add_output(&input, changes);
        stage.expect("content", words);
    }
}

#[test]
fn a_key_in_any_sink_is_seen() {
    let allowed = [
        Sink::Request("medialive:CreateChannel"),
        Sink::Answer("ssm:GetParameter"),
        Sink::Answer("medialive:DescribeChannel"),
        Sink::Answer("medialive:ListAlerts"),
        Sink::Event,
    ];
    let forbidden = [
        Sink::Request("dynamodb:UpdateItem"),
        Sink::Request("states:StartExecution"),
        Sink::Log,
        Sink::Outcome,
        Sink::Stream,
        Sink::Address("medialive:ListChannels"),
    ];
    for sink in allowed.into_iter().chain(forbidden) {
        let mut stage = Stage::new();
        stage.look();
        stage
            .sinks
            .push((sink, stage.now, format!("a line with {KEY} in it")));
        let mut oracles = stage.oracles.take().unwrap();
        oracles.search(&stage);
        assert_eq!(
            oracles.violations.len(),
            usize::from(forbidden.contains(&sink)),
            "{sink:?}"
        );
        assert!(
            oracles
                .violations
                .iter()
                .all(|row| !row.to_string().contains(KEY))
        );
    }
}
