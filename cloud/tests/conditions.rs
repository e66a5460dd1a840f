//! On what condition a write is sent: what another has written since must not be lost. The request is put
//! into words, names and values in their places.

mod wired;

use cloud::{
    Cloud, helpers,
    ledgers::{self, Foresight, Guard, Holder, Opening},
    outages, sessions,
};
use domain::{
    incident::{Cause, Trouble},
    ledger::Ledger,
    session::Session,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wired::{block_on, settings, wire};

/// An expression of a request, names and values in the places of their placeholders.
fn said(body: &Value, expression: &str) -> String {
    let mut words = body[expression].as_str().unwrap_or_default().to_owned();
    let mut placeholders = BTreeMap::new();
    for (name, value) in body["ExpressionAttributeNames"]
        .as_object()
        .into_iter()
        .flatten()
    {
        placeholders.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    for (name, value) in body["ExpressionAttributeValues"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let plain = value["S"].as_str().or(value["N"].as_str());
        placeholders.insert(
            name.clone(),
            plain.map_or_else(|| value.to_string(), str::to_owned),
        );
    }
    // The longest first: `:v1` is a part of `:v10`.
    let mut rows: Vec<_> = placeholders.into_iter().collect();
    rows.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, plain) in rows {
        words = words.replace(&name, &plain);
    }
    words
}

fn at(time: &str) -> Timestamp {
    format!("2026-12-01T{time}Z").parse().unwrap()
}

fn noon() -> Timestamp {
    at("12:00:00")
}

fn ledger(more: Value) -> Ledger {
    let mut row = json!({"destination_id": "a", "generation": 1, "knock": 3});
    for (name, value) in more.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

/// A write of half a minute ago lands now: what was written of the session since stays.
#[test]
fn an_older_word_on_a_session_is_lost() {
    let (wire, clients) = wire(&[(200, "", json!({}))]);
    let session: Session = serde_json::from_value(json!({
        "destination_id": "a", "started_at": at("10:00:00"), "stopped_at": at("11:00:00"), "cause": "edit",
        "preset_id": "1080p30", "url_type": "primary", "incidents": [], "billed_minutes": 60,
        "on_air_seconds": 3600, "running_usd": "0", "idle": domain::session::Idle::default(), "egress_bytes": 0, "egress_usd": "0",
        "placeholder": false}))
    .unwrap();
    block_on(sessions::write(&clients, &settings(), &session, noon())).unwrap();
    let (_, body) = &wire.requests.lock().unwrap()[0];
    let noted_at = body["Item"]["noted_at"]["S"].as_str().unwrap();
    assert_eq!(
        said(body, "ConditionExpression"),
        format!("attribute_not_exists(noted_at) OR noted_at <= {noted_at}")
    );
}

/// Two incidents are noted in the same second: the second of them looks again.
#[test]
fn a_trouble_is_added_to_those_that_were_read() {
    let trouble = |since| Trouble {
        channel_id: "7".into(),
        since,
        alert_types: Vec::new(),
    };
    let mut row = ledger(json!({}));
    let (wire, clients) = wire(&[(200, "", json!({})), (200, "", json!({}))]);
    let cloud = Cloud::new(settings(), clients, noon);
    let show = |row: &Ledger, cause| {
        let shown = outages::show(&cloud, row, cause, Some(trouble(noon())));
        assert!(block_on(shown).unwrap());
    };
    show(&row, Cause::InputLoss);
    row.troubles.insert(Cause::InputLoss, trouble(noon()));
    show(&row, Cause::RtmpFailed);
    let requests = wire.requests.lock().unwrap();
    let first = said(&requests[0].1, "ConditionExpression");
    assert!(first.contains("attribute_not_exists(troubles)"), "{first}");
    let second = said(&requests[1].1, "ConditionExpression");
    assert!(
        second.contains("troubles = {") && !second.contains("rtmp"),
        "{second}"
    );
    assert!(second.contains("input_loss"), "{second}");
}

/// Somebody has said since that the flow is needed: it is not stopped.
#[test]
fn the_flow_is_stopped_only_while_it_is_still_unneeded() {
    let (wire, clients) = wire(&[(200, "", json!({}))]);
    let since = at("11:00:00");
    block_on(helpers::announce_stop(&clients, &settings(), since, noon())).unwrap();
    let (_, body) = &wire.requests.lock().unwrap()[0];
    assert_eq!(
        said(body, "ConditionExpression"),
        "unneeded_since = 2026-12-01T11:00:00Z"
    );
}

/// A change is about to be sent: nobody may believe any more what the channel was made with.
#[test]
fn what_a_channel_runs_with_is_forgotten_before_it_is_changed() {
    let (wire, clients) = wire(&[(
        200,
        "",
        json!({"Attributes": {
        "destination_id": {"S": "a"}, "generation": {"N": "1"}, "knock": {"N": "3"}}}),
    )]);
    let foresight = Foresight {
        forget_on_air: true,
        ..Foresight::default()
    };
    let opening = Opening {
        operation: "update-channel",
        guard: Guard::HolderAndKnock(3),
        foresight: &foresight,
    };
    let holder = Holder::new("execution", noon(), 0);
    block_on(ledgers::open(
        &clients,
        &settings(),
        "a",
        holder,
        &opening,
        noon(),
    ))
    .unwrap();
    let (_, body) = &wire.requests.lock().unwrap()[0];
    let update = said(body, "UpdateExpression");
    assert!(update.contains("REMOVE on_air"), "{update}");
    let condition = said(body, "ConditionExpression");
    for part in ["holder = execution", "knock = 3", "fence"] {
        assert!(condition.contains(part), "{part}: {condition}");
    }
}
