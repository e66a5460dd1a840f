//! One small show as AWS would tell of it: five destinations on one flow, their rows in both
//! tables, and the one called `youtube-main` that the samples in `events/` are about.

use domain::{
    name,
    record::{self, Configuration},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// The stack's label, as in the samples.
pub const STACK: &str = "lunora";
/// The operator's table.
pub const DESTINATIONS: &str = "lunora-lunora-destinations";
/// Our table.
pub const LEDGER: &str = "lunora-lunora-ledger";
/// The flow.
pub const FLOW: &str =
    "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-23aBC45dEF67hiJ8-12AbC34DE5fG:lunora";
/// The state machine.
pub const STATE_MACHINE: &str =
    "arn:aws:states:us-west-2:123456789012:stateMachine:lunora-lunora-reconcile";
/// The execution of the samples.
pub const EXECUTION: &str = "arn:aws:states:us-west-2:123456789012:execution:lunora-lunora-reconcile:5f0c2b1e-6d4b-4c1f-9a53-0d1f2e3a4b5c";
/// The state machine that watches incidents.
pub const INCIDENT_MACHINE: &str =
    "arn:aws:states:us-west-2:123456789012:stateMachine:lunora-lunora-incident";
/// The parameter that holds the key.
pub const KEY_PARAMETER: &str = "/lunora-player/streaming/youtube-main";
/// The prefix of such parameters.
pub const KEY_PREFIX: &str = "/lunora-player/streaming";
/// The input security group.
pub const SECURITY_GROUP: &str = "1234567";
/// MediaLive's role.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/MediaLiveAccessRole";

/// The show's destinations: five, as the crew has.
const DESTINATION_IDS: [&str; 5] = [
    "youtube-main",
    "youtube-second",
    "youtube-third",
    "youtube-fourth",
    "youtube-fifth",
];
const ADDRESS: &str = "198.51.100.10";

/// The time; every stamp in the answers is a little older.
#[expect(
    clippy::disallowed_methods,
    reason = "answers are about now: a look older than 30 s is not acted on"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

/// The operator's record of a destination.
pub fn record(id: &str) -> Value {
    json!({
        "destination_id": id, "name": "YouTube", "platform": "youtube", "preset_id": "1080p30",
        "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2",
        "stream_key_param": format!("{KEY_PREFIX}/{id}"),
        "enabled": true, "desired_state": "streaming", "keep_warm": false,
        "streaming_status": "streaming", "generation": 2,
        "observed_at": ago(600), "updated_at": ago(600),
    })
}

fn configuration(record: &Value) -> Configuration {
    let item: record::Item = serde_json::from_value(record.clone()).unwrap_or_default();
    record::read(&item, KEY_PREFIX)
        .configuration
        .unwrap_or_else(|problem| panic!("the benchmark's own record is refused: {problem:?}"))
}

/// The key that the canned parameter holds: when it was last changed, in milliseconds, and its version.
const KEY_VERSION: i64 = 1_795_287_600_000 * 1000 + 3;

/// The ledger row of a destination that is on the air, and whose execution is at work.
fn ledger(id: &str) -> Value {
    let record = record(id);
    let configuration = configuration(&record);
    let item: record::Item = serde_json::from_value(record).unwrap_or_default();
    json!({
        "destination_id": id, "generation": 2, "incarnation": 1, "knock": 0, "desired": "streaming",
        "seen": {"attributes": record::operator_fingerprint(&item), "key_version": KEY_VERSION},
        "settled": {"configuration": configuration, "streaming": true},
        "target": {"configuration": configuration},
        "input": {"id": input_id(id), "at": ago(900), "address": ADDRESS},
        "input_sought": {"incarnation": 1, "at": ago(901)},
        "flow_output_arn": output_arn(id),
        "channel": {"id": channel_id(id), "at": ago(880)},
        "channel_sought": {"incarnation": 1, "at": ago(881)},
        "on_air": {
            "configuration": configuration, "settings": configuration.settings_fingerprint(),
            "key_version": KEY_VERSION, "input_id": input_id(id),
        },
        "holder": EXECUTION, "held_at": ago(5),
        "addresses": [configuration.address_hash()],
        "streaming_started_at": ago(800),
    })
}

/// The ledger row of `youtube-main` as a worker meets it when it has something to do.
pub fn ledger_for(worker: &str) -> Value {
    let mut row = ledger("youtube-main");
    let without: &[&str] = match worker {
        "create-input" => &[
            "input",
            "input_sought",
            "flow_output_arn",
            "channel",
            "channel_sought",
            "on_air",
        ],
        "add-flow-output" => &["flow_output_arn", "channel", "channel_sought", "on_air"],
        "create-channel" => &["channel", "channel_sought", "on_air"],
        "resume" => &["holder", "held_at"],
        _ => &[],
    };
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !without.contains(&name.as_str()));
    }
    match worker {
        // The address was just edited: the longest of Plan's ways.
        "plan" => {
            let mut before = record("youtube-main");
            before["rtmp_url"] = json!("rtmps://b.rtmps.youtube.com:443/live2");
            let before = configuration(&before);
            row["addresses"] = json!([before.address_hash()]);
            for field in ["target", "settled", "on_air"] {
                row[field]["configuration"] = json!(before);
            }
        }
        "resume" => {
            row["wait"] = json!({"token": "AQCEAAAAKgAAAAMAAAAAAAAAAexampletasktoken",
                "until": "RUNNING", "since": ago(30)});
        }
        _ => {}
    }
    row
}

/// A whole table, for the sweep. One destination is due for another look, so that the sweep has
/// to start an execution too.
pub fn table(name: &str) -> Vec<Value> {
    if name == DESTINATIONS {
        return DESTINATION_IDS.iter().map(|id| record(id)).collect();
    }
    let mut rows = Vec::new();
    for (place, id) in DESTINATION_IDS.iter().enumerate() {
        let mut row = ledger(id);
        if let Some(fields) = row.as_object_mut() {
            fields.remove("holder");
            fields.remove("held_at");
            fields.insert(
                "rest".into(),
                json!({"channel": "RUNNING", "flow": "ACTIVE", "needs_flow": true}),
            );
            if place == 0 {
                fields.insert("wake_at".into(), json!(ago(10)));
            }
        }
        let hash = row["addresses"][0].as_str().unwrap_or_default().to_owned();
        rows.push(row);
        rows.push(json!({"destination_id": format!("channel#{}", channel_id(id)), "serves": id}));
        rows.push(json!({"destination_id": format!("url#{hash}"), "serves": id}));
    }
    rows
}

/// The helper row of the incident that the samples of `events/` are about.
pub fn incident(key: &str) -> Value {
    let since = "2026-11-21T19:02:41Z";
    json!({
        "destination_id": key, "changes": 1,
        "open": {
            "destination_id": "youtube-main", "incident_id": format!("{since}#rtmp_failed"),
            "cause": "rtmp_failed", "since": since, "channel_id": channel_id("youtube-main"),
            "told_by": "an execution before", "tells_since": since,
        },
    })
}

/// A channel's list of alerts: what `confirm-incident` looks for has lasted for a while, and for
/// `close-incident` it is over.
pub fn alerts(worker: &str) -> Vec<Value> {
    let alert = json!({
        "id": "3", "alertType": "Failed RTMP Connection", "pipelineId": "0",
        "message": "Failed to connect to the RTMP server", "state": "SET",
        "setTimestamp": ago(300), "channelArn": channel("RUNNING")["arn"],
    });
    let mut over = alert.clone();
    over["state"] = json!("CLEARED");
    over["clearedTimestamp"] = json!(ago(120));
    match worker {
        "confirm-incident" => vec![alert],
        "close-incident" => vec![over],
        _ => Vec::new(),
    }
}

fn place(id: &str) -> usize {
    DESTINATION_IDS
        .iter()
        .position(|known| *known == id)
        .unwrap_or_default()
}

fn channel_id(id: &str) -> String {
    (1_234_567 + place(id)).to_string()
}

fn input_id(id: &str) -> String {
    (7_654_321 + place(id)).to_string()
}

/// The ARN of a destination's flow output.
pub fn output_arn(id: &str) -> String {
    format!(
        "arn:aws:mediaconnect:us-west-2:123456789012:output:1-23aBC45dEF67hiJ8-12AbC34DE5fG:{}",
        name::resource(STACK, id)
    )
}

/// The channel as MediaLive describes it: with everything it was made with.
pub fn channel(state: &str) -> Value {
    channel_of("youtube-main", state)
}

fn channel_of(id: &str, state: &str) -> Value {
    let mut channel: Map<String, Value> =
        serde_json::from_str(include_str!("../../../cloud/tests/create-channel.json"))
            .unwrap_or_default();
    channel.remove("requestId");
    let more = json!({
        "arn": format!("arn:aws:medialive:us-west-2:123456789012:channel:{}", channel_id(id)),
        "id": channel_id(id), "name": name::resource(STACK, id), "state": state,
        "tags": name::tags(STACK, id, 1), "pipelinesRunningCount": 0, "pipelineDetails": [],
        "egressEndpoints": [{"sourceIp": "203.0.113.20"}, {"sourceIp": "203.0.113.21"}],
    });
    channel.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(channel)
}

/// All channels, as ListChannels gives them: without encoder settings.
pub fn channels() -> Vec<Value> {
    let summary = |id: &&str| {
        let mut channel = channel_of(id, "RUNNING");
        if let Some(fields) = channel.as_object_mut() {
            fields.remove("encoderSettings");
        }
        channel
    };
    DESTINATION_IDS.iter().map(summary).collect()
}

/// The input as MediaLive describes it.
pub fn input(state: &str) -> Value {
    input_of("youtube-main", state)
}

fn input_of(id: &str, state: &str) -> Value {
    json!({
        "arn": format!("arn:aws:medialive:us-west-2:123456789012:input:{}", input_id(id)),
        "id": input_id(id), "name": name::resource(STACK, id), "type": "RTP_PUSH", "state": state,
        "inputClass": "STANDARD", "inputSourceType": "STATIC", "attachedChannels": [channel_id(id)],
        "destinations": [
            {"ip": ADDRESS, "port": "5000", "url": format!("rtp://{ADDRESS}:5000")},
            {"ip": "198.51.100.11", "port": "5000", "url": "rtp://198.51.100.11:5000"},
        ],
        "mediaConnectFlows": [], "sources": [], "inputDevices": [], "inputPartnerIds": [],
        "securityGroups": [SECURITY_GROUP], "tags": name::tags(STACK, id, 1),
    })
}

/// All inputs.
pub fn inputs() -> Vec<Value> {
    DESTINATION_IDS
        .iter()
        .map(|id| input_of(id, "ATTACHED"))
        .collect()
}

/// One output of the flow.
pub fn flow_output(id: &str) -> Value {
    json!({
        "name": name::resource(STACK, id), "outputArn": output_arn(id), "description": "Lunora",
        "destination": ADDRESS, "port": 5000, "outputStatus": "ENABLED",
        "transport": {"protocol": "rtp-fec", "smoothingLatency": 0},
    })
}

/// The flow with its outputs.
pub fn flow(status: &str) -> Value {
    let source = json!({
        "name": "encoder", "sourceArn": "arn:aws:mediaconnect:us-west-2:123456789012:source:1-a:encoder",
        "ingestIp": "203.0.113.8", "ingestPort": 9000, "whitelistCidr": "192.0.2.0/24",
        "transport": {"protocol": "srt-listener", "minLatency": 2000},
    });
    json!({
        "flow": {
            "flowArn": FLOW, "name": "lunora", "availabilityZone": "us-west-2a", "description": "Lunora",
            "egressIp": "203.0.113.9", "status": status, "entitlements": [], "source": source,
            "sources": [source],
            "outputs": DESTINATION_IDS.iter().map(|id| flow_output(id)).collect::<Vec<_>>(),
        },
        "messages": {"errors": []},
    })
}

/// A plain object as DynamoDB's item.
pub fn dynamodb(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    Value::Object(
        fields
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect(),
    )
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(flag) => json!({"BOOL": flag}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(_) => json!({"M": dynamodb(value)}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_as_the_ledger_reads_them() {
        for worker in ["plan", "create-channel", "create-input", "resume", "claim"] {
            let row: domain::ledger::Ledger = serde_json::from_value(ledger_for(worker)).unwrap();
            assert_eq!(row.destination_id, "youtube-main");
            assert_eq!(row.channel.is_none(), worker.starts_with("create-"));
            assert_eq!(row.wait.is_some(), worker == "resume");
        }
        assert_eq!(table(LEDGER).len(), 15);
    }

    #[test]
    fn an_item_is_what_dynamodb_would_send() {
        let item = dynamodb(&json!({"a": "x", "b": 3, "c": {"d": [true]}}));
        let sent = json!({"a": {"S": "x"}, "b": {"N": "3"},
            "c": {"M": {"d": {"L": [{"BOOL": true}]}}}});
        assert_eq!(item, sent);
    }
}
