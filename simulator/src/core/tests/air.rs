//! RTMP outputs (MediaLive user guide: fields for the RTMP connection), with platforms that fail.

use serde_json::{Value, json};

use super::Account;
use crate::media::view::MediaReport;

const FAILED: &str = "Failed RTMP Connection";
const HOST: &str = "ingest.example.com";

fn platform(aws: &mut Account, name: &str, word: &str) {
    aws.tell("platforms", json!({name: word}));
}

fn media(aws: &mut Account) -> Value {
    aws.ask("state")["channels"][0]["media"].clone()
}

fn pair(state: &str) -> (String, String) {
    (state.to_owned(), FAILED.to_owned())
}

/// `restartDelay` after a loss, then a try; the channel runs all the time.
#[test]
fn a_dropped_connection_comes_back_after_the_restart_delay() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.alarms();
    aws.tell("by-hand", json!({"action": "drop_connection", "id": id}));
    aws.pass(14);
    assert_eq!(aws.alarms(), [pair("SET")]);
    assert_eq!(
        media(&mut aws)["trouble"],
        "the server closed the connection"
    );
    assert_eq!(aws.state(&id), "RUNNING");
    aws.pass(1);
    aws.pass(0);
    assert_eq!(aws.alarms(), [pair("CLEARED")]);
    assert_eq!(media(&mut aws)["connected"], true);
}

/// `connectionRetryInterval` and `numRetries`, here 2 s (the service's own) and 10.
#[test]
fn a_refused_connection_is_tried_again_and_then_given_up() {
    for (gave_up, state) in [("stops", "STOPPING"), ("stays", "RUNNING")] {
        let mut aws = Account::new();
        aws.tell("options", json!({"gave_up": gave_up}));
        platform(&mut aws, HOST, "refuses");
        let (id, _) = aws.fed();
        assert_eq!(aws.alarms(), [pair("SET")]);
        aws.pass(19);
        assert_eq!(aws.state(&id), "RUNNING");
        // The first try was at RUNNING, the tenth retry is 20 s later.
        aws.pass(1);
        assert_eq!(aws.state(&id), state);
        aws.pass(120);
        platform(&mut aws, HOST, "up");
        aws.pass(120);
        assert_ne!(media(&mut aws)["connected"], true, "it has given up");
    }
}

#[test]
fn a_platform_that_comes_back_in_time_heals_the_output() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.alarms();
    platform(&mut aws, HOST, "refuses");
    assert_eq!(aws.ask("platforms"), json!({HOST: "refuses"}));
    // 15 s of delay and nine tries.
    aws.pass(15 + 18);
    assert_eq!(aws.alarms(), [pair("SET")], "one alert for one outage");
    platform(&mut aws, HOST, "up");
    aws.pass(2);
    assert_eq!(aws.alarms(), [pair("CLEARED")]);
    assert_eq!(aws.state(&id), "RUNNING");
    // What it failed before does not count in the next outage.
    platform(&mut aws, HOST, "refuses");
    aws.pass(15 + 18);
    assert_eq!(aws.state(&id), "RUNNING");
}

/// A wrong stream key: accepted, then closed, again and again; the alert comes and goes.
#[test]
fn a_platform_that_accepts_and_closes() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.alarms();
    platform(&mut aws, &id, "closes");
    aws.pass(15 + 1 + 15 + 1);
    aws.pass(1);
    let expected = ["SET", "CLEARED", "SET", "CLEARED", "SET"].map(pair);
    assert_eq!(aws.alarms(), expected);
    assert_eq!(aws.state(&id), "RUNNING");
    let view = aws.core.media_view();
    assert!(view.platforms[&id].closes && !view.platforms[&id].refuses);
}

/// A delay of zero means never again (API model: RestartDelay).
#[test]
fn a_restart_delay_of_zero() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.stop(&id);
    aws.pass(20);
    let mut encoder = super::channel_body("a", "1")["encoderSettings"].clone();
    encoder["outputGroups"][0]["outputGroupSettings"]["rtmpGroupSettings"]["restartDelay"] =
        json!(0);
    let body = json!({"encoderSettings": encoder, "roleArn": "arn:aws:iam::123456789012:role/r"});
    aws.ok("PUT", &format!("/prod/channels/{id}"), body);
    aws.pass(3);
    aws.start(&id);
    aws.pass(41);
    aws.tell("by-hand", json!({"action": "drop_connection", "id": id}));
    assert_eq!(aws.state(&id), "STOPPING");
}

/// AWS's sample of an alert on an output has the whole address; nobody knows about the stream name.
#[test]
fn the_text_of_an_alert_both_ways() {
    for (option, shown) in [("plain", false), ("with_destination", true)] {
        let mut aws = Account::new();
        aws.tell("options", json!({"alert_text": option}));
        platform(&mut aws, HOST, "refuses");
        aws.fed();
        let told = format!("{:?}", aws.events);
        assert!(told.contains(FAILED));
        assert_eq!(told.contains("canary-core-key"), shown);
        assert!(!format!("{}", aws.ask("state")).contains("canary-core-key"));
    }
}

/// Bytes leave only while somebody takes them.
#[test]
fn no_connection_no_egress() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    let bytes = |aws: &mut Account| {
        let bill = aws.ask("bill")["lines"].clone();
        let rows = bill.as_array().unwrap().iter();
        rows.filter_map(|line| line["bytes"].as_u64()).sum::<u64>()
    };
    aws.pass(100);
    let hundred = bytes(&mut aws);
    assert_eq!(hundred, 100 * 6_128_000 / 8);
    aws.tell("by-hand", json!({"action": "drop_connection", "id": id}));
    aws.pass(15);
    assert_eq!(bytes(&mut aws), hundred);
    aws.pass(100);
    assert_eq!(bytes(&mut aws), 2 * hundred);
}

#[test]
fn wrong_words_for_platforms_are_refused() {
    let mut aws = Account::new();
    let body = json!({HOST: "sulks"});
    assert_eq!(aws.core.control(aws.now, "POST", "platforms", &body).0, 400);
    let body = json!({"action": "drop_connection", "id": "1234567"});
    assert_eq!(aws.core.control(aws.now, "POST", "by-hand", &body).0, 400);
}

/// API model: ThumbnailConfiguration, DescribeThumbnails. Only where a media plane has a picture.
#[test]
fn a_picture_is_made_when_somebody_asks_for_it() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    let mut body = super::channel_body("a", &input);
    body["encoderSettings"]["thumbnailConfiguration"] = json!({"state": "AUTO"});
    let id = super::text(&aws.ok("POST", "/prod/channels", body)["channel"]["id"]);
    aws.pass(4);
    aws.start(&id);
    aws.pass(40);
    let path = format!("/prod/channels/{id}/thumbnails?pipelineId=0&thumbnailType=CURRENT_ACTIVE");
    assert!(aws.core.media_view().thumbnails.is_empty());
    assert_eq!(
        aws.ok("GET", &path, Value::Null)["thumbnailDetails"],
        json!([])
    );
    assert!(aws.core.media_view().thumbnails.contains(&id));
    let jpeg = vec![0xff, 0xd8, 0xff];
    let report = MediaReport::Thumbnail {
        channel_id: id.clone(),
        jpeg,
    };
    aws.core.report(aws.now, &report);
    let thumbnail =
        aws.ok("GET", &path, Value::Null)["thumbnailDetails"][0]["thumbnails"][0].clone();
    assert_eq!(
        (&thumbnail["body"], &thumbnail["contentType"]),
        (&json!("/9j/"), &json!("image/jpeg"))
    );
    aws.pass(31);
    assert!(
        aws.core.media_view().thumbnails.is_empty(),
        "nobody asks any more"
    );
    aws.stop(&id);
    assert_eq!(aws.refused("GET", &path, Value::Null).0, 409);
}
