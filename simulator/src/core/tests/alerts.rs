//! Channel alerts (MediaLive user guide: monitoring alerts, list of alerts for channels, handling
//! loss of video input).

use serde_json::{Value, json};

use super::{Account, encode, output, text};

const LOST: &str = "Stopped Receiving UDP Input";
const NO_VIDEO: &str = "Video Not Detected";
const NO_AUDIO: &str = "Audio Not Detected";
const PROBING: &str = "Initial Probe is Taking Longer Than Expected";

fn set(kinds: &[&str]) -> Vec<(String, String)> {
    let pair = |kind: &&str| ("SET".to_owned(), (*kind).to_owned());
    kinds.iter().map(pair).collect()
}

fn cleared(kinds: &[&str]) -> Vec<(String, String)> {
    let pair = |kind: &&str| ("CLEARED".to_owned(), (*kind).to_owned());
    kinds.iter().map(pair).collect()
}

/// SET and CLEARED with one id; ListAlerts shows what is set, and for five minutes what is cleared.
#[test]
fn alerts_are_set_and_cleared() {
    let mut aws = Account::new();
    aws.tell(
        "options",
        json!({"media": "reported", "loss_alerts": "one"}),
    );
    let (id, _) = aws.channel("a");
    let (other, _) = aws.channel("b");
    aws.start(&id);
    aws.start(&other);
    aws.pass(40);
    let lost = |id: &str| json!({"kind": "input_lost", "channel_id": id});
    let mut ids = Vec::new();
    for _ in 0..2 {
        aws.events.clear();
        aws.tell("report", lost(&id));
        aws.tell("report", lost(&id));
        aws.tell(
            "report",
            json!({"kind": "rtmp_failed", "channel_id": id, "reason": "connection refused"}),
        );
        assert_eq!(aws.alerts(&id, "SET"), [LOST, "Failed RTMP Connection"]);
        aws.tell(
            "report",
            json!({"kind": "input_restored", "channel_id": id}),
        );
        aws.pass(1);
        let told: Vec<Value> = aws.events.iter().map(|row| row["detail"].clone()).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(
            (&told[0]["alarm_state"], &told[2]["alarm_state"]),
            (&json!("SET"), &json!("CLEARED"))
        );
        assert_eq!(told[0]["alarm_id"], told[2]["alarm_id"]);
        assert_ne!(told[0]["alarm_id"], told[1]["alarm_id"]);
        assert_eq!(told[0]["pipeline"], "0");
        assert_eq!(
            told[0]["message"],
            "Stopped receiving network data on [rtp://:5000]"
        );
        ids.push(text(&told[0]["alarm_id"]));
        assert_eq!(aws.alerts(&id, "CLEARED"), [LOST]);
        aws.pass(301);
        assert!(aws.alerts(&id, "CLEARED").is_empty());
        aws.stop(&id);
        aws.pass(20);
        assert!(aws.alerts(&id, "SET").is_empty());
        aws.start(&id);
        aws.pass(40);
    }
    // The count begins anew with each start, and each channel has its own: ids come again.
    aws.events.clear();
    aws.tell("report", lost(&other));
    aws.pass(1);
    ids.push(text(&aws.events[0]["detail"]["alarm_id"]));
    assert!(
        ids.iter().all(|id| *id == ids[0] && id.len() == 40),
        "{ids:?}"
    );
}

/// One outage, several alerts: what can not be decoded is missed too.
#[test]
fn a_lost_input_is_told_three_times() {
    let mut aws = Account::new();
    let (id, flow) = aws.fed();
    aws.tell("times", json!({"picture_alerts": 2}));
    aws.alarms();
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(1);
    assert_eq!(aws.alarms(), set(&[LOST]));
    aws.pass(2);
    assert_eq!(aws.alarms(), set(&[NO_VIDEO, NO_AUDIO]));
    aws.tell("options", json!({"feed": "on"}));
    aws.pass(0);
    assert_eq!(aws.alarms(), cleared(&[LOST]));
    aws.pass(2);
    assert_eq!(aws.alarms(), cleared(&[NO_VIDEO, NO_AUDIO]));
    // Shorter than a second is no loss.
    let described = aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null);
    let arn = encode(&text(&described["flow"]["outputs"][0]["outputArn"]));
    for status in ["DISABLED", "ENABLED"] {
        aws.ok(
            "PUT",
            &format!("/v1/flows/{flow}/outputs/{arn}"),
            json!({"outputStatus": status}),
        );
    }
    aws.pass(60);
    assert!(aws.alarms().is_empty());
    assert_eq!(aws.state(&id), "RUNNING");
}

/// An outage that ends before the picture is missed leaves nothing behind.
#[test]
fn a_short_outage_is_told_once() {
    let mut aws = Account::new();
    aws.fed();
    aws.tell("times", json!({"picture_alerts": 2}));
    aws.alarms();
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(2);
    aws.tell("options", json!({"feed": "on"}));
    aws.pass(60);
    let mut expected = set(&[LOST]);
    expected.extend(cleared(&[LOST]));
    assert_eq!(aws.alarms(), expected);
}

/// Alert 5007: no picture yet, nothing is put out; not the same as a picture that was lost.
#[test]
fn a_channel_that_starts_without_a_picture_waits_for_it() {
    for probe in ["waits", "slate"] {
        let mut aws = Account::new();
        aws.tell("options", json!({"feed": "off", "probe": probe}));
        let (id, _) = aws.fed();
        aws.pass(10);
        assert_eq!(aws.alarms(), set(&[LOST, PROBING]), "{probe}");
        let published =
            |aws: &mut Account| aws.ask("state")["channels"][0]["media"]["connected"] == true;
        assert_eq!(published(&mut aws), probe == "slate");
        assert_eq!(aws.core.media_view().channels[0].waits, probe == "waits");
        aws.tell("options", json!({"feed": "on"}));
        aws.pass(3);
        assert_eq!(aws.alarms(), cleared(&[LOST, PROBING]));
        assert!(published(&mut aws));
        assert_eq!(aws.state(&id), "RUNNING");
    }
}

/// PAUSE_OUTPUT: alert 6036, and no byte leaves while the input is lost.
#[test]
fn a_paused_output_group() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.stop(&id);
    aws.pass(20);
    let mut encoder = super::channel_body("a", "1")["encoderSettings"].clone();
    encoder["outputGroups"][0]["outputGroupSettings"]["rtmpGroupSettings"]["inputLossAction"] =
        json!("PAUSE_OUTPUT");
    let body = json!({"encoderSettings": encoder, "roleArn": "arn:aws:iam::123456789012:role/r"});
    aws.ok("PUT", &format!("/prod/channels/{id}"), body);
    aws.pass(3);
    aws.start(&id);
    aws.pass(50);
    let bytes = |aws: &mut Account| {
        let bill = aws.ask("bill")["lines"].clone();
        let rows = bill.as_array().unwrap().iter();
        rows.filter_map(|line| line["bytes"].as_u64()).sum::<u64>()
    };
    aws.alarms();
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(5);
    let expected = set(&[LOST, "Output Group is Paused", NO_VIDEO, NO_AUDIO]);
    assert_eq!(aws.alarms(), expected);
    let before = bytes(&mut aws);
    aws.pass(600);
    assert_eq!(bytes(&mut aws), before);
    aws.tell("options", json!({"feed": "on"}));
    aws.pass(10);
    assert!(bytes(&mut aws) > before);
}

/// A standard channel has two pipelines, each with alerts of its own.
#[test]
fn each_pipeline_has_its_alerts() {
    let mut aws = Account::new();
    let group = aws.group();
    let input = aws.input("a", &group);
    let mut body = super::channel_body("a", &input);
    body["channelClass"] = json!("STANDARD");
    let one = body["destinations"][0]["settings"][0].clone();
    body["destinations"][0]["settings"] = json!([one, one]);
    let id = text(&aws.ok("POST", "/prod/channels", body)["channel"]["id"]);
    aws.pass(4);
    aws.start(&id);
    aws.pass(42);
    let pipelines: Vec<Value> = aws
        .events
        .iter()
        .filter(|event| event["detail"]["alert_type"] == LOST)
        .map(|event| event["detail"]["pipeline"].clone())
        .collect();
    assert_eq!(pipelines, ["0", "1"]);
}

/// By hand: any alert of the list, nothing else; black is one that MediaLive would not tell here.
#[test]
fn alerts_by_hand() {
    let mut aws = Account::new();
    let (id, _) = aws.fed();
    aws.alarms();
    let ask = |action: &str, kind: &str| json!({"action": action, "id": id, "alert_type": kind, "message": "Black"});
    aws.tell("by-hand", ask("set_alert", "Black Video Detected"));
    aws.tell("by-hand", ask("clear_alert", "Black Video Detected"));
    aws.pass(0);
    let kinds = ["Black Video Detected"];
    assert_eq!(aws.alarms(), [set(&kinds), cleared(&kinds)].concat());
    let wrong = ask("set_alert", "Everything Is Fine");
    assert_eq!(aws.core.control(aws.now, "POST", "by-hand", &wrong).0, 400);
    let (idle, _) = aws.channel("b");
    let wrong = json!({"action": "set_alert", "id": idle, "alert_type": "Black Video Detected"});
    assert_eq!(aws.core.control(aws.now, "POST", "by-hand", &wrong).0, 400);
}

/// User guide, how MediaLive performs channel maintenance: no notice; the states are not said.
#[test]
fn a_channel_under_maintenance_both_ways() {
    for (maintenance, expected) in [
        ("recovers", vec!["RECOVERING", "RUNNING"]),
        (
            "restarts",
            vec!["STOPPING", "STOPPED", "STARTING", "RUNNING"],
        ),
    ] {
        let mut aws = Account::new();
        aws.tell("options", json!({"maintenance": maintenance}));
        let (id, _) = aws.fed();
        aws.events.clear();
        aws.tell("by-hand", json!({"action": "maintain_channel", "id": id}));
        aws.pass(61);
        let states: Vec<String> = aws
            .told()
            .into_iter()
            .filter(|(kind, _)| kind == "MediaLive Channel State Change")
            .map(|(_, state)| state)
            .collect();
        assert_eq!(states, expected);
        let media = aws.ask("state")["channels"][0]["media"].clone();
        assert_eq!(media["connected"], true, "{maintenance}");
    }
}

/// A second output of a flow that feeds nobody changes nothing.
#[test]
fn an_output_to_nowhere_raises_nothing() {
    let mut aws = Account::new();
    let (_, flow) = aws.fed();
    aws.alarms();
    let outputs = json!({"outputs": [output("b", "203.0.113.200")]});
    aws.ok("POST", &format!("/v1/flows/{flow}/outputs"), outputs);
    aws.pass(60);
    assert!(aws.alarms().is_empty());
}

/// What an output that is disabled, a group that refuses or an encoder that does not call do alike.
#[test]
fn an_input_without_a_feed_raises_the_alert() {
    let mut aws = Account::new();
    aws.tell("options", json!({"loss_alerts": "one"}));
    let (id, flow) = aws.fed();
    let groups = aws.ask("state")["security_groups"].clone();
    let group = format!("/prod/inputSecurityGroups/{}", text(&groups[0]["id"]));
    let rules = |cidr: &str| json!({"whitelistRules": [{"cidr": cidr}]});
    let described = aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null);
    let arn = encode(&text(&described["flow"]["outputs"][0]["outputArn"]));
    let output = format!("/v1/flows/{flow}/outputs/{arn}");
    let changes = [
        (
            "PUT",
            &output,
            json!({"outputStatus": "DISABLED"}),
            json!({"outputStatus": "ENABLED"}),
        ),
        (
            "PUT",
            &group,
            rules("198.51.100.0/24"),
            rules("192.0.2.0/24"),
        ),
    ];
    for (method, path, off, on) in changes {
        assert!(aws.alerts(&id, "SET").is_empty());
        aws.ok(method, path, off);
        aws.pass(1);
        assert_eq!(aws.alerts(&id, "SET"), [LOST]);
        aws.ok(method, path, on);
        aws.pass(1);
    }
    assert!(aws.alerts(&id, "SET").is_empty());
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(1);
    assert_eq!(aws.alerts(&id, "SET"), [LOST]);
}
