//! S4, S6's generation, S8, S10 and L6.

use serde_json::{Value, json};

use super::super::Table;
use super::super::bounds::{Size, Token};
use super::stage::{EXECUTION, Stage};
use crate::trace::What;

#[test]
fn a_record_that_our_write_changes_or_brings_back_is_seen() {
    let mut stage = Stage::new();
    stage.made();
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({"streaming_status": "ready"}));
    stage.expect_nothing();
    stage.write_mirror(run, &json!({"preset_id": "720p30"}));
    stage.expect("S4 no lost record", "preset_id");
    let mut stage = Stage::new();
    stage.made();
    stage.delete_record();
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({"streaming_status": "ready"}));
    stage.expect("S4 no lost record", "made one again");
    let mut stage = Stage::new();
    stage.made();
    stage.items.remove(&(Table::Destinations, "a".into()));
    let run = stage.invoke("plan", 0, 0);
    let row = stage.row(json!({}));
    stage.write_row(run, &row);
    stage.expect("S4 no lost record", "no operator deleted it");
}

#[test]
fn a_live_lease_taken_and_a_generation_or_incarnation_gone_wrong_are_seen() {
    let other = EXECUTION.replace("a-1", "a-2");
    for (changes, invariant, words) in [
        (json!({"holder": other}), "S4 one holder", "still runs"),
        (json!({"generation": 0}), "S6 generation", "from 1 to 0"),
        (json!({"generation": 3}), "S6 generation", "from 1 to 3"),
        (
            json!({"seen": {"attributes": "x", "key_version": 2}}),
            "S6 generation",
            "stayed 1",
        ),
        (json!({"incarnation": 0}), "S2 incarnation", "fell"),
        (json!({"channel": null}), "S2 incarnation", "stayed 1"),
    ] {
        let mut stage = Stage::new();
        let (input, channel) = stage.made();
        let run = stage.invoke("plan", 0, 0);
        let mut row = stage.row(json!({"input": {"id": input}, "channel": {"id": channel}}));
        for (name, value) in changes.as_object().unwrap() {
            row[name] = value.clone();
        }
        stage.write_row(run, &row);
        stage.expect(invariant, words);
    }
    // Of an execution that has ended the lease may be taken.
    let mut stage = Stage::new();
    let (input, channel) = stage.made();
    stage.happens(What::Ended(0, "FAILED"));
    let second = stage.begin();
    let run = stage.invoke("claim", second, 0);
    let row =
        stage.row(json!({"input": {"id": input}, "channel": {"id": channel}, "holder": other}));
    stage.write_row(run, &row);
    stage.expect_nothing();
}

#[test]
fn a_status_that_was_never_true_is_seen() {
    for (status, fine) in [
        ("ready", true),
        ("starting", true),
        ("streaming", false),
        ("stopping", false),
        ("removing", false),
        ("gone fishing", false),
    ] {
        let mut stage = Stage::new();
        stage.made();
        let run = stage.invoke("plan", 0, 0);
        let started = if status == "streaming" {
            json!("2026-11-21T19:00:01Z")
        } else {
            Value::Null
        };
        stage.write_mirror(
            run,
            &json!({"streaming_status": status, "streaming_started_at": started}),
        );
        let hit = stage.found().iter().any(|row| row.invariant == "S8 truth");
        assert_eq!(!hit, fine, "{status}: {:#?}", stage.found());
    }
}

#[test]
fn a_stream_without_its_beginning_or_with_an_older_ones_is_seen() {
    for (started, fine) in [
        (Value::Null, false),
        (json!("2026-11-21T19:00:01Z"), false),
        (json!("2027-11-21T19:00:01Z"), false),
        (json!("2026-11-21T19:00:46Z"), true),
    ] {
        let mut stage = Stage::new();
        let (_, channel) = stage.made();
        stage.call(
            "POST",
            &format!("/prod/channels/{channel}/start"),
            Value::Null,
        );
        stage.pass(60);
        let run = stage.invoke("plan", 0, 0);
        stage.write_mirror(
            run,
            &json!({"streaming_status": "streaming", "streaming_started_at": started}),
        );
        let hit = stage.found().iter().any(|row| row.invariant == "S8 truth");
        assert_eq!(!hit, fine, "{started}: {:#?}", stage.found());
    }
}

#[test]
fn ready_while_the_channel_runs_is_seen_and_so_is_a_generation_that_falls() {
    let mut stage = Stage::new();
    let (_, channel) = stage.made();
    stage.call(
        "POST",
        &format!("/prod/channels/{channel}/start"),
        Value::Null,
    );
    stage.pass(100);
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({"streaming_status": "ready", "generation": 4}));
    stage.expect("S8 truth", "shows ready and its channel was RUNNING");
    stage.write_mirror(
        run,
        &json!({"streaming_status": "stopping", "generation": 3}),
    );
    stage.expect("S8 truth", "back to 3");
    stage.write_mirror(
        run,
        &json!({"streaming_status": "starting", "channel_id": "1234"}),
    );
    stage.expect("S8 truth", "channel_id names a thing");
}

#[test]
fn a_problem_without_a_cause_is_seen() {
    for code in [
        "waiting_for_quota",
        "start_failed",
        "create_failed",
        "update_failed",
        "recovering",
        "flow_missing",
        "parameter_missing",
        "duplicate_address",
        "change_waits_for_next_start",
        "refused_by_aws",
        "retries_exhausted",
        "waiting_for_outcome",
        "taking_too_long",
        "internal",
        "unknown_preset",
        "missing_url",
    ] {
        let mut stage = Stage::new();
        stage.made();
        let run = stage.invoke("plan", 0, 0);
        stage.write_mirror(
            run,
            &json!({"streaming_status": "starting", "problem": {"code": code}}),
        );
        stage.expect("S8 problem", code);
    }
    let mut stage = Stage::new();
    stage.wish(json!({"preset_id": "9000p"}));
    let execution = stage.begin();
    let run = stage.invoke("plan", execution, 0);
    let since = "2026-11-21T19:00:00Z";
    stage.write_mirror(run, &json!({"streaming_status": "error", "problem": {"code": "unknown_preset", "since": since}}));
    stage.expect_nothing();
    let since = "2026-11-21T19:00:09Z";
    stage.write_mirror(run, &json!({"streaming_status": "error", "problem": {"code": "unknown_preset", "since": since}}));
    stage.expect("S8 since", "since another time");
}

#[test]
fn an_error_that_says_nothing_is_seen() {
    let mut stage = Stage::new();
    stage.made();
    let run = stage.invoke("plan", 0, 0);
    stage.write_mirror(run, &json!({"streaming_status": "stuck"}));
    stage.expect("S8 problem", "no problem that says which");
}

#[test]
fn what_grows_without_bound_is_seen() {
    for size in [
        Size {
            events: 2001,
            ..Size::default()
        },
        Size {
            bytes: 40_000,
            ..Size::default()
        },
        Size {
            tries: 62,
            ..Size::default()
        },
    ] {
        let mut stage = Stage::new();
        stage.made();
        stage.size = size;
        let mut oracles = stage.oracles.take().unwrap();
        oracles.histories_are_short(&stage);
        assert_eq!(oracles.violations.len(), 1, "{size:?}");
    }
    let mut stage = Stage::new();
    stage.made();
    for _ in 0..=100 {
        stage.happens(What::Entered(0, "Plan"));
    }
    stage.expect("S10 bounded", "planned 101 times");
}

#[test]
fn a_token_that_outlives_its_task_is_seen() {
    let mut stage = Stage::new();
    stage.made();
    stage.tokens.push(Token {
        destination: "a".into(),
        state: "PollChannelUntilIdle".into(),
        due: stage.now,
    });
    let mut oracles = stage.oracles.take().unwrap();
    oracles.tokens_are_fresh(&stage, false);
    assert!(oracles.violations.is_empty());
    stage.now += 1;
    oracles.tokens_are_fresh(&stage, false);
    assert_eq!(oracles.violations[0].invariant, "L6 tokens");
}
