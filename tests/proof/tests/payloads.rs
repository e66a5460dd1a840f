//! Stream records and media events as nobody would send them, into the shipped handlers with the real
//! clients: no panic, no key in anything they send, say or write, and no execution that is not meant.

use std::rc::Rc;

use cloud::Cloud;
use fuzz::{Seen, Target, check};
use proof::connector::{self, Reply, Request};
use proof::{deployed, functions};
use serde_json::{Value, json};

/// How a planted key begins.
const CANARY: &str = "canary-";

/// A worker and what it is fed.
struct Payloads {
    worker: &'static str,
    /// Beginnings of the names of the samples that are for it.
    samples: &'static [&'static str],
}

const DISPATCH: Payloads = Payloads {
    worker: "dispatch",
    samples: &["stream-"],
};
const RESUME: Payloads = Payloads {
    worker: "resume",
    samples: &["channel-", "flow-", "output-", "source-"],
};

const WORDS: &[&str] = &[
    "Records",
    "eventID",
    "eventName",
    "INSERT",
    "MODIFY",
    "REMOVE",
    "dynamodb",
    "Keys",
    "NewImage",
    "OldImage",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
    "S",
    "N",
    "BOOL",
    "NULL",
    "L",
    "M",
    "SS",
    "B",
    "destination_id",
    "desired_state",
    "stream_key",
    "streaming_status",
    "generation",
    "rtmp_url",
    "canary-1a2b-3c4d-5e6f-7g8h",
    "detail",
    "detail-type",
    "source",
    "channel_arn",
    "state",
    "alarm_id",
    "alert_type",
    "alarm_state",
    "pipeline",
    "RUNNING",
    "IDLE",
    "DELETED",
    "STOPPING",
    "STARTING",
    "id",
    "time",
    "region",
    "resources",
    "account",
    "version",
    "arn:aws:medialive:us-west-2:123456789012:channel:1000001",
    "2026-11-21T19:00:00Z",
    "youtube-main",
];

impl Target for Payloads {
    fn name(&self) -> &'static str {
        self.worker
    }

    fn seeds(&self) -> Vec<String> {
        let folder = house::house::root().join("events");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("there are samples")
            .map(|entry| {
                entry
                    .expect("they can be listed")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| self.samples.iter().any(|begin| name.starts_with(begin)))
            .collect();
        names.sort();
        assert!(!names.is_empty(), "no samples for {}", self.worker);
        names
            .iter()
            .map(|name| house::house::read(&format!("events/{name}")))
            .collect()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        true
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        let Ok(payload) = serde_json::from_str::<Value>(input) else {
            return Ok(());
        };
        let settings = deployed::deployed().settings(self.worker).clone();
        let cloud =
            Cloud::new(settings, connector::clients(), connector::clock).with_log(connector::log);
        let (_, begin) = functions::find(self.worker).expect("it is a worker");
        let named = names_key(&payload);
        let mut running = begin(Rc::new(cloud), payload, "fuzzed".to_owned());
        let mut open: Vec<(u64, Reply)> = Vec::new();
        let mut sent = 0;
        loop {
            let now = i64::try_from(proof::world::BEGIN).unwrap_or(0);
            let polled = connector::poll(running.as_mut(), now, open.pop());
            for line in &polled.lines {
                hidden("a log line", line, named)?;
                if serde_json::from_str::<Value>(line).is_err() || line.contains('\n') {
                    return Err(format!("not one line of JSON; {line}"));
                }
            }
            for request in &polled.sent {
                seen.note(("calls", request.operation.name));
                hidden("a request", &String::from_utf8_lossy(&request.body), named)?;
                meant(request)?;
                open.push((request.wire, reply(request, seen)));
                sent += 1;
            }
            if let Some(result) = polled.result {
                let text = match &result {
                    Ok(answer) => answer.to_string(),
                    Err(error) => error.to_string(),
                };
                seen.note((
                    "ends",
                    result
                        .as_ref()
                        .map_err(|error| error.name())
                        .map(Value::to_string)
                        .map(|text| text.len().min(60)),
                    sent.min(12),
                ));
                return hidden("an answer", &text, named);
            }
            if open.is_empty() {
                return Err("it waits for nothing".to_owned());
            }
            if sent > 30_000 {
                return Err("it calls without an end".to_owned());
            }
        }
    }
}

/// Whether a planted key stands where an id does: it is then no secret.
fn names_key(payload: &Value) -> bool {
    match payload {
        Value::Object(entries) => entries.iter().any(|(name, inner)| {
            name.contains(CANARY)
                || matches!(
                    name.as_str(),
                    "destination_id"
                        | "channel_arn"
                        | "eventID"
                        | "SequenceNumber"
                        | "id"
                        | "state"
                ) && inner.to_string().contains(CANARY)
                || names_key(inner)
        }),
        Value::Array(items) => items.iter().any(names_key),
        _ => false,
    }
}

fn hidden(what: &str, text: &str, named: bool) -> Result<(), String> {
    if text.contains(CANARY) && !named {
        return Err(format!("a key is in {what}; {text}"));
    }
    Ok(())
}

/// An execution has a name that Step Functions takes, and only an id for input.
fn meant(request: &Request) -> Result<(), String> {
    if request.operation.name != "states:StartExecution" {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let name = body["name"].as_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || name.len() > 80 || !name.chars().all(plain) {
        return Err(format!("no name for an execution; {name}"));
    }
    let input: Value = serde_json::from_str(body["input"].as_str().unwrap_or_default())
        .map_err(|error| error.to_string())?;
    let entries = input.as_object().map_or(0, serde_json::Map::len);
    if entries != 1 || !input["destination_id"].is_string() {
        return Err(format!("no input for an execution; {input}"));
    }
    Ok(())
}

/// An answer that leads on: every channel is somebody's, and somebody waits for it.
fn reply(request: &Request, seen: &mut Seen) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let key = body["Key"]["destination_id"]["S"]
        .as_str()
        .unwrap_or_default();
    let answer = match request.operation.name {
        "states:StartExecution" => {
            json!({"executionArn": "arn:aws:states:us-west-2:123456789012:execution:x:y", "startDate": 1})
        }
        "dynamodb:GetItem" => match key.strip_prefix("channel#") {
            Some(_) => {
                json!({"Item": {"destination_id": {"S": key}, "serves": {"S": "youtube-main"}}})
            }
            None => {
                seen.note("reads the row");
                json!({"Item": {
                    "destination_id": {"S": key}, "channel": {"M": {"id": {"S": "1000001"}}},
                    "wait": {"M": {"token": {"S": "token"}, "until": {"S": "RUNNING"}, "since": {"S": "2026-11-21T19:00:00Z"}}},
                }})
            }
        },
        _ => json!({}),
    };
    Reply::Answer(200, None, answer.to_string(), proof::world::BEGIN)
}

#[test]
fn fuzzed_stream_records() {
    check(&DISPATCH, 2500);
}

#[test]
fn fuzzed_media_events() {
    check(&RESUME, 2500);
}
