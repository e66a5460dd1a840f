//! The book: what whoever judges a client can rely on.

use serde_json::{Value, json};

use super::super::book::{Passage, Thing, fingerprint};
use super::{Account, START, output};

#[test]
fn every_state_is_in_the_book_with_its_time() {
    let mut account = Account::new();
    let (channel, input) = account.channel("youtube");
    account.start(&channel);
    account.pass(40);
    let book = account.core.book();
    let states: Vec<(&str, u64)> = book
        .passages(0)
        .filter(|passage| passage.thing == Thing::Channel)
        .map(|passage| (passage.state, passage.at - START))
        .collect();
    assert_eq!(
        states,
        [
            ("CREATING", 0),
            ("IDLE", 4000),
            ("STARTING", 4000),
            ("RUNNING", 44_000)
        ]
    );
    let row = book.channel(&channel).unwrap();
    assert_eq!(
        (row.state(), row.since(), row.runs()),
        ("RUNNING", START + 44_000, 1)
    );
    assert_eq!(row.inputs().collect::<Vec<_>>(), [input.as_str()]);
    assert!(row.is_billable() && book.input(&input).unwrap().is_billable());
    let end = book.passages_end();
    assert_eq!(book.passages(end).count(), 0);
    assert!(matches!(
        book.passages(end - 1).next(),
        Some(Passage {
            state: "RUNNING",
            ..
        })
    ));
}

#[test]
fn the_version_rises_with_a_change_and_only_then() {
    let mut account = Account::new();
    let (channel, _) = account.channel("youtube");
    let before = account.core.book().version();
    account.state(&channel);
    account.pass(1);
    assert_eq!(account.core.book().version(), before);
    account.start(&channel);
    assert!(account.core.book().version() > before);
    let before = account.core.book().version();
    account.refused("DELETE", &format!("/prod/channels/{channel}"), Value::Null);
    assert_eq!(account.core.book().version(), before);
    account.pass(40);
    assert!(account.core.book().version() > before);
}

#[test]
fn a_call_is_noted_with_name_and_answer_and_without_its_body() {
    let mut account = Account::new();
    let (channel, _) = account.channel("youtube");
    let flow = account.flow();
    let body = json!({"outputs": [output("youtube", "203.0.113.1")]});
    account.ok("POST", &format!("/v1/flows/{flow}/outputs"), body);
    account.refused("DELETE", "/prod/channels/1", Value::Null);
    let book = account.core.book();
    let told: Vec<(&str, u16, Option<&str>)> = book
        .told(0)
        .filter(|told| told.writes)
        .map(|told| (told.operation.as_str(), told.status, told.name.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("CreateInputSecurityGroup", 200, None),
            ("CreateInput", 201, Some("youtube")),
            ("CreateChannel", 201, Some("youtube")),
            ("CreateFlow", 201, Some("main")),
            ("AddFlowOutputs", 201, Some("youtube")),
            ("DeleteChannel", 404, None),
        ]
    );
    let made = book.told(0).find(|told| told.operation == "CreateChannel");
    assert_eq!(made.unwrap().resource.as_deref(), Some(channel.as_str()));
}

#[test]
fn a_stream_name_is_only_a_fingerprint() {
    let mut account = Account::new();
    let (channel, _) = account.channel("youtube");
    let row = account.core.book().channel(&channel).unwrap();
    assert!(row.setting("destinations").is_null());
    assert_eq!(
        row.destinations().collect::<Vec<_>>(),
        [(
            "rtmp1",
            "rtmps://ingest.example.com:443/live2",
            fingerprint("canary-core-key")
        )]
    );
}

#[test]
fn outputs_and_periods_are_in_the_book() {
    let mut account = Account::new();
    let flow = account.flow();
    account.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    account.pass(15);
    let body = json!({"outputs": [output("youtube", "203.0.113.1")]});
    account.ok("POST", &format!("/v1/flows/{flow}/outputs"), body);
    account.pass(61);
    let book = account.core.book();
    let flow = book.flows().next().unwrap();
    let row = flow.outputs().next().unwrap();
    assert!(flow.is_up() && row.is_enabled());
    assert_eq!(
        (row.destination(), row.port(), row.protocol()),
        ("203.0.113.1", 5000, "rtp-fec")
    );
    let line = book.bill().find(|line| line.kind == "flow").unwrap();
    assert_eq!((line.from, line.to), (START + 15_000, None));
    assert_eq!(line.minutes(book.now()), 2);
}
