//! The report, line by line.

use super::*;
use crate::{
    ledger::{Made, Rest, Seen as Wished},
    look::FlowLook,
};
use std::collections::BTreeMap;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_262_400 + seconds).unwrap()
}

fn facts(removed: &[Removed]) -> Facts<'_> {
    Facts {
        stack: "show",
        feed_bitrate: 10_000_000,
        removed,
        month: ("2026-11", Money(12_340_000)),
    }
}

fn thing(kind: Kind, id: &str, state: &str, destination: &str) -> Listed {
    Listed {
        kind,
        id: id.to_owned(),
        name: name::resource("show", destination),
        state: state.to_owned(),
        tags: name::tags("show", destination, 1),
    }
}

/// One destination with channel 1 and input 11, and somebody else's channel.
fn scene(channel: &str, flow: &str) -> Seen {
    let made = |id: &str| {
        Some(Made {
            id: id.to_owned(),
            at: at(0),
            address: String::new(),
        })
    };
    let row = Ledger {
        channel: made("1"),
        input: made("11"),
        seen: Some(Wished {
            attributes: "as now".to_owned(),
            asked: String::new(),
            key_version: Some(1),
        }),
        desired: Some(DesiredState::Streaming),
        rest: Some(Rest::default()),
        ..Ledger::new("a")
    };
    Seen {
        rows: BTreeMap::from([("a".to_owned(), row)]),
        things: vec![
            thing(Kind::Channel, "1", channel, "a"),
            thing(Kind::Input, "11", "ATTACHED", "a"),
            thing(Kind::FlowOutput, "arn:a", "ENABLED", "a"),
            Listed {
                name: "theirs".to_owned(),
                tags: name::Tags::new(),
                ..thing(Kind::Channel, "9", "RUNNING", "x")
            },
        ],
        flow: Some(FlowLook {
            status: flow.to_owned(),
            egress_ip: None,
            outputs: 1,
            ours: None,
        }),
        ..Seen::default()
    }
}

fn row(seen: &mut Seen) -> &mut Ledger {
    seen.rows.get_mut("a").unwrap()
}

#[test]
fn what_is_billed_and_why() {
    type Change = fn(&mut Seen);
    let rows: [(&str, &str, Change, &str, &str, &str); 8] = [
        (
            "RUNNING",
            "ACTIVE",
            |_| {},
            "3 billable resources: $0.72 an hour",
            "0.561600",
            "a is to stream",
        ),
        (
            "IDLE",
            "STANDBY",
            |seen| {
                row(seen).desired = Some(DesiredState::Ready);
                row(seen).grace_until = Some(at(900));
            },
            "2 billable resources: $0.02 an hour",
            "0.010000",
            "a was stopped; kept for a quick return until 12:15:00 UTC",
        ),
        (
            "IDLE",
            "STANDBY",
            |seen| row(seen).desired = Some(DesiredState::Ready),
            "2 billable resources: $0.02 an hour",
            "0.010000",
            "a is kept ready (keep_warm)",
        ),
        (
            "STOPPING",
            "STANDBY",
            |seen| row(seen).desired = Some(DesiredState::Ready),
            "2 billable resources: $0.56 an hour",
            "0.561600",
            "a is being stopped",
        ),
        (
            "RUNNING",
            "STANDBY",
            |seen| row(seen).seen = None,
            "2 billable resources: $0.56 an hour",
            "0.561600",
            "the record a is gone; it is being removed",
        ),
        (
            "IDLE",
            "STANDBY",
            |seen| {
                seen.suspects.insert("1".to_owned(), at(0));
            },
            "2 billable resources: $0.02 an hour",
            "0.010000",
            "no record accounts for it; the sweep removes it",
        ),
        (
            "IDLE",
            "STANDBY",
            |seen| {
                row(seen).desired = None;
                row(seen).rest = None;
            },
            "2 billable resources: $0.02 an hour",
            "0.010000",
            "a is being brought to what its record says",
        ),
        (
            "RUNNING",
            "STANDBY",
            |seen| seen.rows.clear(),
            "2 billable resources: $0.57 an hour",
            "0.561600",
            "no record accounts for it yet",
        ),
    ];
    for (channel, flow, change, summary, usd, why) in rows {
        let mut seen = scene(channel, flow);
        change(&mut seen);
        let report = report(&seen, &facts(&[]));
        assert_eq!(report["summary"], summary, "{why}");
        assert_eq!(report["not_ours"], 1);
        let line = &report["resources"][0];
        assert_eq!(
            (&line["kind"], &line["id"]),
            (&json!("channel"), &json!("1"))
        );
        assert_eq!(
            (&line["usd_per_hour"], &line["why"]),
            (&json!(usd), &json!(why))
        );
    }
}

#[test]
fn nothing_left_says_so() {
    let mut seen = scene("DELETED", "STANDBY");
    seen.things.truncate(1);
    let report = report(&seen, &facts(&[]));
    assert_eq!(report["summary"], "0 billable resources left");
    assert_eq!(report["billable"], 0);
    assert_eq!(report["cost_usd_per_hour"], "0.000000");
    assert_eq!(report["cost_usd_this_month"], "12.340000");
}

#[test]
fn a_flow_that_nobody_needs_is_told_with_its_time() {
    let mut seen = scene("IDLE", "ACTIVE");
    seen.flow_unneeded_since = Some(at(60));
    let report = report(&seen, &facts(&[]));
    let flow = &report["resources"][1];
    assert_eq!(flow["kind"], "flow");
    assert_eq!(
        flow["why"],
        "nobody has needed it since 12:01:00 UTC; it is stopped after its grace time"
    );
}

#[test]
fn a_report_is_written_only_when_it_says_something_else() {
    let seen = scene("RUNNING", "ACTIVE");
    let said = report(&seen, &facts(&[]));
    assert!(differs(None, &said));
    let mut shown = said.clone();
    shown.insert("changed_at".to_owned(), json!("2026-11-21T12:00:00Z"));
    shown.insert("note".to_owned(), json!("the operator's own"));
    assert!(!differs(Some(&shown), &said));
    assert!(differs(
        Some(&shown),
        &report(&scene("STOPPING", "ACTIVE"), &facts(&[]))
    ));
}

#[test]
fn what_was_removed_is_remembered_once_and_for_a_while() {
    let orphan = |id: &str| thing(Kind::Channel, id, "IDLE", "a");
    let mut known = remember(&[], vec![Removed::new(&orphan("1"), at(0))]);
    known = remember(&known, vec![Removed::new(&orphan("1"), at(60))]);
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].at, at(0));
    for number in 2..40 {
        known = remember(
            &known,
            vec![Removed::new(&orphan(&number.to_string()), at(number))],
        );
    }
    assert_eq!(known.len(), REMOVED_MAX);
    assert_eq!(known.last().unwrap().id, "39");
    let report = report(&Seen::default(), &facts(&known));
    assert_eq!(report["removed"][0]["kind"], "channel");
}
