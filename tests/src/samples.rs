//! The samples in `events/`: one for each trigger and each worker, failures too, all of real shape.
//!
//! What a worker makes of its samples is tested where the worker is; here it is held that they
//! exist, that they are what AWS and our state machine send, and that none is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{house, story};

/// A file in `events/`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// File name without `.json`.
    pub name: String,
    /// What it holds.
    pub event: Value,
}

/// Beginnings of names that are triggers, and the worker each wakes.
const TRIGGERS: &[(&str, &str)] = &[
    ("stream-", "dispatch"),
    ("flow-edit", "update-flow"),
    ("source-recovered", "watch-flow"),
    ("channel-state-", "resume"),
    ("flow-status-", "resume"),
    ("channel-", "watch"),
    ("flow-", "watch"),
    ("source-", "watch"),
    ("sweep-", "sweep"),
];

/// The worker a sample is for. A worker's own name comes first: `claim-error-no-id` is for `claim`.
pub fn worker<'a>(name: &str, workers: &'a [String]) -> Option<&'a str> {
    let base = name.split_once("-error-").map_or(name, |(base, _)| base);
    let wakes = || {
        TRIGGERS
            .iter()
            .find(|(start, _)| base.starts_with(start))
            .map(|(_, worker)| *worker)
    };
    let known = |wanted: &str| {
        workers
            .iter()
            .map(String::as_str)
            .find(|worker| *worker == wanted)
    };
    known(base).or_else(|| wakes().and_then(known))
}

/// What is wrong with the samples. `machines` are our stories, the first of them with a Plan; `rules` the
/// detail types that the template's rules let through to each worker.
pub fn complaints(
    samples: &[Sample],
    workers: &[String],
    machines: &[Value],
    rules: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut sampled: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sent: BTreeMap<&str, Vec<BTreeSet<String>>> = BTreeMap::new();
    for machine in machines {
        for (worker, shapes) in payloads(machine, workers) {
            sent.entry(worker).or_default().extend(shapes);
        }
    }
    let machine = &machines[0];
    let lets_through =
        |worker: &str, kind: &str| rules.get(worker).is_some_and(|kinds| kinds.contains(kind));
    for sample in samples {
        let Some(worker) = worker(&sample.name, workers) else {
            found.push(format!("{} is for nobody", sample.name));
            continue;
        };
        *sampled.entry(worker).or_default() += 1;
        let broken = sample.name.contains("-error-");
        let mut wrong = |what: &str| found.push(format!("{}: {what}", sample.name));
        match worker {
            "dispatch" | "update-flow" => {
                let records = sample.event["Records"].as_array();
                if records.is_none_or(|records| {
                    records.is_empty() || !records.iter().all(is_stream_record)
                }) {
                    wrong("not what a table's stream sends");
                }
            }
            "resume" | "watch" | "watch-flow" | "sweep" if !is_event(&sample.event) => {
                wrong("not what EventBridge sends")
            }
            "resume" | "watch" | "watch-flow"
                if !lets_through(worker, sample.event["detail-type"].as_str().unwrap_or("")) =>
            {
                wrong("a detail type that the rule lets pass by");
            }
            "resume" | "watch" | "watch-flow" | "sweep" => {}
            _ => {
                let keys: BTreeSet<String> = sample
                    .event
                    .as_object()
                    .map(|event| event.keys().cloned().collect())
                    .unwrap_or_default();
                let is_sent = sent
                    .get(worker)
                    .is_some_and(|shapes| shapes.contains(&keys));
                let plan: BTreeSet<&str> = fields(&sample.event["plan"]);
                let planned = fields(&machine["States"]["Plan"]["ResultSelector"]);
                if !broken && !plan.is_empty() && plan != planned {
                    wrong(&format!("Plan hands on {planned:?}"));
                }
                if !broken && !is_sent {
                    wrong(&format!("the state machine sends {:?}", sent.get(worker)));
                }
            }
        }
    }
    for worker in workers
        .iter()
        .filter(|worker| !sampled.contains_key(worker.as_str()))
    {
        found.push(format!("{worker} has no sample"));
    }
    let shown: BTreeSet<&str> = samples
        .iter()
        .filter_map(|sample| sample.event["detail-type"].as_str())
        .collect();
    for kind in rules
        .values()
        .flatten()
        .filter(|kind| !shown.contains(kind.as_str()))
    {
        found.push(format!("{kind} has no sample"));
    }
    if !samples.iter().any(|sample| sample.name.contains("-error-")) {
        found.push("no sample of a failure".to_owned());
    }
    found
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .map(|fields| {
            fields
                .keys()
                .map(|key| key.trim_end_matches(".$"))
                .collect()
        })
        .unwrap_or_default()
}

/// The sets of fields that the state machine sends to each worker.
fn payloads<'a>(
    machine: &Value,
    workers: &'a [String],
) -> BTreeMap<&'a str, Vec<BTreeSet<String>>> {
    let mut sent: BTreeMap<&str, Vec<BTreeSet<String>>> = BTreeMap::new();
    for (_, task) in story::tasks(machine) {
        let function = task["Parameters"]["FunctionName"].as_str().unwrap_or("");
        let worker = workers
            .iter()
            .find(|worker| function == format!("${{{}Function}}", house::pascal(worker)));
        if let (Some(worker), Some(payload)) = (worker, task["Parameters"]["Payload"].as_object()) {
            let keys = payload
                .keys()
                .map(|key| key.trim_end_matches(".$").to_owned())
                .collect();
            sent.entry(worker).or_default().push(keys);
        }
    }
    sent
}

fn is_event(event: &Value) -> bool {
    [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
    ]
    .iter()
    .all(|field| event[field].is_string())
        && event["resources"].is_array()
        && event["detail"].is_object()
}

fn is_stream_record(record: &Value) -> bool {
    [
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "eventSourceARN",
    ]
    .iter()
    .all(|field| record[field].is_string())
        && record["dynamodb"]["SequenceNumber"].is_string()
        && record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        && match record["eventName"].as_str() {
            Some("INSERT") => record["dynamodb"]["NewImage"].is_object(),
            Some("MODIFY") => {
                record["dynamodb"]["NewImage"].is_object()
                    && record["dynamodb"]["OldImage"].is_object()
            }
            Some("REMOVE") => {
                record["dynamodb"]["OldImage"].is_object()
                    && record["dynamodb"]["NewImage"].is_null()
            }
            _ => false,
        }
}

/// The samples of the house.
pub fn load() -> Vec<Sample> {
    house::texts()
        .iter()
        .filter_map(|file| {
            let name = file
                .path
                .strip_prefix("events/")?
                .strip_suffix(".json")?
                .to_owned();
            let event = serde_json::from_str(&file.text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.path));
            Some(Sample { name, event })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template;
    use serde_json::json;

    fn rules() -> BTreeMap<String, BTreeSet<String>> {
        let template = template::load();
        let functions = [
            ("resume", "ResumeFunction", "Media"),
            ("watch", "WatchFunction", "Complaint"),
            ("watch-flow", "WatchFlowFunction", "Feed"),
        ];
        functions
            .into_iter()
            .map(|(worker, function, event)| {
                let pattern = &template["Resources"][function]["Properties"]["Events"][event]["Properties"]
                    ["Pattern"];
                let kinds = pattern["detail-type"].as_array().unwrap();
                let kinds = kinds.iter().map(|kind| kind.as_str().unwrap().to_owned());
                (worker.to_owned(), kinds.collect())
            })
            .collect()
    }

    fn machines() -> Vec<Value> {
        ["reconcile", "incident"]
            .map(|name| {
                let text = house::read(&format!("statemachines/{name}.asl.json"));
                serde_json::from_str(&text).unwrap()
            })
            .to_vec()
    }

    #[test]
    fn every_trigger_and_every_worker_has_a_sample() {
        let samples = load();
        assert!(samples.len() > 40);
        assert_eq!(
            complaints(&samples, &house::workers(), &machines(), &rules()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_stream_is_shown_from_all_sides() {
        let names: BTreeSet<String> = load().into_iter().map(|sample| sample.name).collect();
        for name in [
            "stream-insert",
            "stream-modify",
            "stream-mirror-only",
            "stream-remove",
            "stream-batch-poisoned",
        ] {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn each_bad_sample_is_seen() {
        let workers = ["claim", "dispatch", "resume", "sweep", "watch"].map(str::to_owned);
        let machine = json!({"States": {
            "Claim": {"Type": "Task", "Parameters": {
                "FunctionName": "${ClaimFunction}", "Payload": {"destination_id.$": "$.destination_id", "execution.$": "$$.Execution.Id"}
            }},
            "Plan": {"Type": "Pass", "ResultSelector": {"lane.$": "$.Payload.lane"}}
        }});
        let kinds = |kind: &str| BTreeSet::from([kind.to_owned()]);
        let rules = BTreeMap::from([
            ("watch".to_owned(), kinds("MediaLive Channel Alert")),
            ("resume".to_owned(), kinds("MediaLive Channel State Change")),
        ]);
        let event = |kind: &str| {
            json!({"version": "0", "id": "1", "detail-type": kind, "source": "aws.medialive", "account": "123456789012",
            "time": "2026-11-21T19:00:00Z", "region": "us-west-2", "resources": [], "detail": {}})
        };
        let record = json!({"eventID": "1", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-west-2",
            "eventSourceARN": "arn", "dynamodb": {"SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES", "OldImage": {}}});
        let good = vec![
            ("claim", json!({"destination_id": "a", "execution": "b"})),
            ("claim-error-no-id", json!({"execution": "b"})),
            ("stream-remove", json!({"Records": [record]})),
            ("channel-alert", event("MediaLive Channel Alert")),
            ("sweep-tick", event("Scheduled Event")),
            (
                "channel-state-change",
                event("MediaLive Channel State Change"),
            ),
        ];
        let found = |samples: &[(&str, Value)]| {
            let samples: Vec<Sample> = samples
                .iter()
                .map(|(name, event)| Sample {
                    name: (*name).to_owned(),
                    event: event.clone(),
                })
                .collect();
            complaints(&samples, &workers, std::slice::from_ref(&machine), &rules)
        };
        assert_eq!(found(&good), Vec::<String>::new());
        for (place, name, event, complaint) in [
            (
                0,
                "claim",
                json!({"destination_id": "a"}),
                "claim: the state machine sends",
            ),
            (
                0,
                "claim",
                json!({"destination_id": "a", "execution": "b", "plan": {"road": "Start"}}),
                "claim: Plan hands on",
            ),
            (0, "nobody", json!({}), "nobody is for nobody"),
            (
                1,
                "claim",
                json!({"destination_id": "a", "execution": "b"}),
                "no sample of a failure",
            ),
            (
                2,
                "stream-remove",
                json!({"Records": []}),
                "stream-remove: not what a table's stream sends",
            ),
            (
                2,
                "stream-insert",
                json!({"Records": [{"eventName": "INSERT"}]}),
                "stream-insert: not what a table's stream sends",
            ),
            (
                3,
                "channel-alert",
                json!({"detail": {}}),
                "channel-alert: not what EventBridge sends",
            ),
            (
                3,
                "channel-alert",
                event("MediaLive Something"),
                "channel-alert: a detail type that the rule lets pass by",
            ),
            (
                3,
                "flow-status",
                event("Scheduled Event"),
                "MediaLive Channel Alert has no sample",
            ),
            (
                4,
                "claim",
                json!({"destination_id": "a", "execution": "b"}),
                "sweep has no sample",
            ),
        ] {
            let mut bad = good.clone();
            bad[place] = (name, event);
            let found = found(&bad);
            assert!(
                found.iter().any(|line| line.starts_with(complaint)),
                "{complaint}: {found:?}"
            );
        }
    }
}
