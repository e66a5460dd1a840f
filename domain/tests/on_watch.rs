//! What people are told, and when, while a show runs: each line is one that was once believed to be held by
//! something else.

use std::collections::BTreeMap;

use domain::{
    caps::{Cap, Limits, Notice, Stage},
    cost::Money,
    flow::{self, FeedLook, Heard, SourceLook, View},
    incident::{Cause, Severity},
    ledger::Ledger,
    news::{self, News},
    plan,
    problem::{Code, Problem},
    record::{self, DesiredState, Item},
    schedule::{self, Missed, Times, Turn},
};
use jiff::Timestamp;
use serde_json::json;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

#[test]
fn whatever_says_that_the_platform_does_not_take_the_stream_may_move_it_to_the_backup() {
    for alert in [
        "Failed to Create Output File or Socket",
        "Failed to Write to Output",
        "Failed RTMP Connection",
        "Failed to Validate Certificate Chain When Publishing",
    ] {
        assert_eq!(Cause::of_alert(alert), Some(Cause::RtmpFailed), "{alert}");
    }
    for alert in ["Pipeline is Paused", "Output Group is Paused"] {
        assert_eq!(
            Cause::of_alert(alert),
            Some(Cause::PipelineFailed),
            "{alert}"
        );
    }
}

#[test]
fn what_takes_the_programme_off_the_air_is_critical() {
    for cause in Cause::ALL {
        let off_air = matches!(
            cause,
            Cause::InputLoss | Cause::RtmpFailed | Cause::PipelineFailed | Cause::Permissions
        );
        assert_eq!(cause.severity() == Severity::Critical, off_air, "{cause:?}");
    }
}

#[test]
fn each_limit_falls_back_to_its_own() {
    let stack = Limits {
        no_input_seconds: Some(1),
        session_seconds: Some(2),
        usd_per_day: Some(Money(3)),
        usd_per_month: Some(Money(4)),
    };
    assert_eq!(Limits::default().or(stack), stack);
    let own = Limits {
        no_input_seconds: Some(5),
        session_seconds: Some(6),
        usd_per_day: Some(Money(7)),
        usd_per_month: Some(Money(8)),
    };
    assert_eq!(own.or(stack), own);
}

#[test]
fn a_budget_of_either_kind_is_worth_asking_what_was_spent() {
    let rules = plan::Rules::new(900, "/lunora-player/streaming");
    let asks = |attributes: serde_json::Value| {
        let item: Item = serde_json::from_value(attributes).unwrap();
        let wish = record::read(&item, "/lunora-player/streaming");
        plan::asks_for_spent(Some(&wish), &rules)
    };
    assert!(asks(json!({"budget_usd_per_day": 5})));
    assert!(asks(json!({"budget_usd_per_month": 5})));
    assert!(!asks(json!({"session_hours_max": 5})));
}

#[test]
fn a_warning_names_the_time_at_which_it_will_be() {
    let notice = Notice::new(Stage::Near, Cap::Session, at(300), at(0), "");
    let told = notice.message("a", "docs/runbooks");
    assert!(
        told.text.contains("At 08:05:00 UTC it is stopped"),
        "{}",
        told.text
    );
}

fn times(start: Option<i64>, stop: Option<i64>) -> Times {
    Times {
        start_at: start.map(at),
        stop_at: stop.map(at),
    }
}

#[test]
fn an_end_from_before_the_beginning_ends_nothing() {
    let left_over = times(Some(3600), Some(-7200));
    let mark = schedule::Mark {
        stopped_for: Some(at(-7200)),
        ..schedule::Mark::default()
    };
    let turn = schedule::turn(at(3400), DesiredState::Ready, true, &left_over, &mark);
    assert_eq!(turn.desired, DesiredState::Streaming);
    assert_eq!(turn.mark.missed, None);
}

#[test]
fn a_stop_that_was_missed_is_told_for_as_long_as_it_is_written() {
    let past = times(None, Some(-60));
    let desired = DesiredState::Streaming;
    let look =
        |mark: &schedule::Mark, times: &Times| schedule::turn(at(0), desired, true, times, mark);
    let Turn { mark, .. } = look(&schedule::Mark::default(), &past);
    assert_eq!(mark.missed, Some(Missed::Stop(at(-60))));
    let again = look(&mark, &past);
    assert_eq!(again.mark.missed, mark.missed, "a look forgets nothing");
    assert_eq!(again.desired, DesiredState::Streaming);
    assert_eq!(look(&mark, &times(None, Some(600))).mark.missed, None);
}

#[test]
fn to_mend_a_slip_is_no_edit_by_hand() {
    let wish = |desired: &str| {
        let start = at(60).to_string();
        let item: Item =
            serde_json::from_value(json!({"desired_state": desired, "start_at": start})).unwrap();
        record::read(&item, "/lunora-player/streaming")
    };
    let look = |now, desired, known: Option<&schedule::Mark>, earlier| {
        schedule::of_record(at(now), &wish(desired), known, earlier, false).unwrap()
    };
    let on = look(60, "ready", None, Some(DesiredState::Ready));
    assert_eq!(on.desired, DesiredState::Streaming);
    let slip = look(120, "raedy", Some(&on.mark), Some(on.desired));
    assert_eq!(slip.desired, DesiredState::Streaming, "the show goes on");
    let mended = look(180, "ready", Some(&slip.mark), Some(slip.desired));
    assert_eq!(mended.desired, DesiredState::Streaming, "and on");
    let by_hand = look(240, "streaming", Some(&mended.mark), Some(mended.desired));
    let off = look(300, "ready", Some(&by_hand.mark), Some(by_hand.desired));
    assert_eq!(off.desired, DesiredState::Ready, "that was one");
}

#[test]
fn a_lost_feed_is_heard_under_either_name_of_its_state() {
    let flow = "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-a-b:lunora".to_owned();
    for name in ["source_state", "state"] {
        let detail = json!({"current": {name: "DISCONNECTED"}});
        let news = news::read(
            "MediaConnect Flow Health",
            std::slice::from_ref(&flow),
            &detail,
        );
        let lost = matches!(
            &news,
            Some(News::Flow {
                cause: Cause::InputLoss,
                bad: true,
                ..
            })
        );
        assert!(lost, "{name}: {news:?}");
    }
}

#[test]
fn a_reserve_that_has_dropped_is_told_until_it_is_back() {
    let look = |backup| FeedLook {
        sources: [("primary", true), ("backup", backup)]
            .map(|(name, has_peer)| SourceLook {
                name: name.to_owned(),
                arn: String::new(),
                has_peer,
            })
            .to_vec(),
        priority: None,
    };
    let heard: BTreeMap<String, Heard> = BTreeMap::new();
    let next = |now, backup, before: &View| {
        flow::view(at(now), "ACTIVE", &look(backup), &heard, before).with_problem(
            at(now),
            None,
            before,
        )
    };
    let both = next(0, true, &View::default());
    assert_eq!(both.problem, None);
    let mut seen = next(60, false, &both);
    for now in [120, 180, 240] {
        let problem = seen.problem.clone().expect("it is still gone");
        assert_eq!(
            (problem.problem.code, problem.since),
            (Code::SourceUnhealthy, at(60))
        );
        seen = next(now, false, &seen);
    }
    assert_eq!(next(300, true, &seen).problem, None);
}

#[test]
fn whoever_waits_longest_for_a_quota_stays_first() {
    let full = || Problem::new(Code::WaitingForQuota, "There is no room.");
    let once = plan::fail(at(0), &Ledger::new("a"), "Full", full());
    let again = plan::fail(at(600), &once, "Full", full());
    let wait = again.quota_wait.unwrap();
    assert_eq!((wait.since, wait.tried_at), (at(0), at(600)));
}
