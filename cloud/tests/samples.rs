//! Every sample in `events/` is decoded as the worker it is for decodes it.
//!
//! The house rules hold that the samples have the shape the triggers and the state machine send;
//! this holds that the workers read that shape.

use std::{fs, path::Path};

use cloud::{
    events::{dynamodb, eventbridge::EventBridgeEvent},
    payload::{
        ClaimInput, CloseInput, ConfirmInput, FailInput, PlanInput, PollInput, ReleaseInput,
        StepInput, WatchInput,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Samples of payloads that do not decode: the shell answers them with a name of ours. The other
/// failures decode, and what is wrong is what they say.
const UNREADABLE: &[&str] = &[
    "claim-error-no-id",
    "confirm-incident-error-unknown-cause",
    "create-channel-error-no-plan",
    "plan-error-wrong-type",
    "poll-channel-error-no-token",
    "poll-channel-error-unknown-until",
];

fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut samples: Vec<(String, Value)> = fs::read_dir(folder)
        .expect("events/ exists")
        .map(|entry| entry.expect("events/ can be read").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a sample can be read");
            (name, serde_json::from_str(&text).expect("a sample is JSON"))
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

fn decodes<T: DeserializeOwned>(event: &Value) -> Result<(), String> {
    serde_json::from_value::<T>(event.clone())
        .map(drop)
        .map_err(|error| error.to_string())
}

fn decode(name: &str, event: &Value) -> Result<(), String> {
    let worker = name
        .split_once("-error-")
        .map_or(name, |(worker, _)| worker);
    match worker {
        "claim" => decodes::<ClaimInput>(event),
        "plan" => decodes::<PlanInput>(event),
        "poll-channel" => decodes::<PollInput>(event),
        "fail" => decodes::<FailInput>(event),
        "release" => decodes::<ReleaseInput>(event),
        "confirm-incident" => decodes::<ConfirmInput>(event),
        "watch-incident" => decodes::<WatchInput>(event),
        "close-incident" => decodes::<CloseInput>(event),
        _ if event.get("Records").is_some() => decodes::<dynamodb::Event>(event),
        _ if event.get("detail-type").is_some() => decodes::<EventBridgeEvent>(event),
        _ => decodes::<StepInput>(event),
    }
}

#[test]
fn every_sample_is_read_as_its_worker_reads_it() {
    let samples = samples();
    assert!(samples.len() > 40, "{}", samples.len());
    for (name, event) in &samples {
        let read = decode(name, event);
        let unreadable = UNREADABLE.contains(&name.as_str());
        assert_eq!(read.is_err(), unreadable, "{name}: {read:?}");
    }
    for name in UNREADABLE {
        assert!(
            samples.iter().any(|(known, _)| known == name),
            "{name} is gone"
        );
    }
}

#[test]
fn a_poisoned_batch_still_gives_each_record() {
    let (_, batch) = samples()
        .into_iter()
        .find(|(name, _)| name == "stream-batch-poisoned")
        .expect("the sample");
    let records = batch["Records"].as_array().expect("records").len();
    let batch: dynamodb::Event = serde_json::from_value(batch).expect("a batch decodes whole");
    assert_eq!(batch.records.len(), records);
}
