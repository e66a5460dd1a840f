//! Single cases that need more than a row in a table.

use super::{
    super::{Decision, Lane::*, Level, decide, fail},
    examples::{intent, live, streaming, streaming_and, tried},
    support::{Scene, at, made, rules, sought, verdict},
};
use crate::{
    ledger::Verdict,
    look::{KeyLook, Sight},
    problem::{Code, Problem},
};
use serde_json::json;

#[test]
fn a_retry_that_had_nothing_to_apply_does_not_interrupt_later() {
    let scene = Scene::new(streaming_and(json!({"retry": "2"}))).made("RUNNING");
    let mut later = scene.clone();
    later.ledger = scene.decide().ledger;
    later.ledger.on_air.as_mut().unwrap().settings = "older".into();
    assert_eq!(
        later.decide().lane,
        Release,
        "a deployment changed the preset"
    );
    assert_eq!(later.channel("RECOVERING").decide().lane, Release);
}

#[test]
fn an_edit_opens_a_new_generation_with_new_budgets() {
    let stuck = tried(Scene::new(streaming()).made("IDLE"), 3, 0).with(|ledger, _| {
        let seen = ledger.seen.as_mut().unwrap();
        (seen.attributes, seen.asked) = ("older".into(), "older".into());
        ledger.refused = Some(verdict(5, None));
        ledger.stuck = Some(verdict(5, None));
    });
    let decision = stuck.decide();
    assert_eq!((decision.lane, decision.ledger.generation), (Start, 6));
    assert_eq!(decision.ledger.refused, None);
    assert_eq!(decision.ledger.stuck, None);
}

#[test]
fn a_row_of_an_older_version_is_no_edit_and_no_other_key() {
    let found = 1_795_287_600_125_003;
    let running = |noted: i64| {
        Scene::new(streaming())
            .made("RUNNING")
            .settled(streaming(), true)
            .with(|ledger, look| {
                look.key = KeyLook::Version(found);
                let seen = ledger.seen.as_mut().unwrap();
                (seen.key_version, seen.asked) = (Some(noted), String::new());
                ledger.on_air.as_mut().unwrap().key_version = noted;
            })
            .decide()
    };
    let shown = |decision: &Decision| decision.ledger.problem.clone().map(|shown| shown.code);
    let before = Scene::new(streaming()).ledger.generation;
    // Noted when only the parameter's version was: the same one. And the one before it.
    let same = running(3);
    assert_eq!((shown(&same), same.ledger.generation), (None, before));
    assert_eq!(same.ledger.seen.unwrap().key_version, Some(found));
    let waits = Some("change_waits_for_next_start".to_owned());
    for noted in [2, 1_795_287_600_000_003] {
        let other = running(noted);
        assert_eq!(
            (shown(&other), other.ledger.generation),
            (waits.clone(), before + 1)
        );
    }
}

#[test]
fn a_destination_that_is_gone_lets_its_address_go() {
    let held = |scene: &Scene| scene.ledger.addresses.clone();
    let gone = Scene::deleted().settled(json!({}), true);
    let decision = gone.decide();
    assert_eq!(decision.let_go, held(&gone));
    assert!(decision.ledger.expires_at.is_some());
    let asked = Scene::new(json!({"desired_state": "removed"}));
    assert_eq!(asked.decide().let_go, held(&asked));
    let tearing = Scene::deleted().made("IDLE").settled(json!({}), true);
    assert!(
        tearing.decide().let_go.is_empty(),
        "it may still send there"
    );
    let resting = Scene::new(json!({}));
    assert!(resting.decide().let_go.is_empty());
}

#[test]
fn waiting_for_the_flow_settles_nothing() {
    let waiting = Scene::new(streaming()).made("IDLE").no_flow();
    let waiting = waiting.on_air(json!({"preset_id": "720p30"}));
    let waiting = waiting.settled(json!({"preset_id": "720p30"}), true);
    let decision = waiting.decide();
    assert_eq!(decision.ledger.settled, waiting.ledger.settled);
    assert!(decision.ledger.rest.unwrap().awaits_flow);
}

#[test]
fn a_channel_found_by_name_is_not_the_one_that_was_known() {
    let scene = live().channel("IDLE").with(|ledger, _| {
        ledger.channel = Some(made("7", ""));
        ledger.channel_deleted = true;
    });
    let decision = scene.decide();
    assert_eq!(decision.lane, Change, "what it was made with is not known");
    assert_eq!(decision.ledger.channel.unwrap().id, "1");
    assert!(!decision.ledger.channel_deleted);
}

#[test]
fn each_thing_is_missed_twice_before_it_is_gone() {
    let scene = live().with(|ledger, look| {
        look.channel = Sight::NotFound;
        look.input = Sight::NotFound;
        ledger.channel_missing_since = Some(at(-5));
    });
    let ledger = scene.decide().ledger;
    assert!(ledger.channel.is_none() && ledger.input.is_some());
    assert_eq!(
        (ledger.incarnation, ledger.input_missing_since),
        (2, Some(at(0)))
    );
}

#[test]
fn an_output_that_is_missed_once_is_waited_for_before_the_end() {
    let missed = |seconds: Option<i64>| {
        Scene::deleted().with(move |ledger, look| {
            ledger.flow_output_arn = Some("arn:output".to_owned());
            ledger.output_missing_since = seconds.map(|seconds| at(-seconds));
            look.flow_output = None;
        })
    };
    for seconds in [None, Some(59)] {
        let decision = missed(seconds).decide();
        assert_eq!(decision.lane, WaitUntil, "{seconds:?}");
        assert!(decision.ledger.flow_output_arn.is_some());
        assert_eq!(decision.until, at(60 - seconds.unwrap_or(0)));
    }
    let decision = missed(Some(60)).decide();
    assert_eq!(decision.lane, Release);
    assert_eq!(decision.ledger.flow_output_arn, None);
    let without_flow = missed(None).no_flow().decide();
    assert_eq!(without_flow.lane, Release, "an output goes with its flow");
}

#[test]
fn an_input_that_was_deleted_is_missed_once() {
    let scene = |deleted| {
        live().with(move |ledger, look| {
            ledger.input_deleted = deleted;
            look.input = Sight::NotFound;
        })
    };
    assert!(scene(true).decide().ledger.input.is_none());
    assert!(scene(false).decide().ledger.input.is_some());
}

#[test]
fn a_create_that_was_sent_again_is_not_missed_too_early() {
    let scene = intent(Scene::deleted(), "create-channel", 20).with(|ledger, look| {
        ledger.channel_sought = Some(sought(-90));
        ledger.channel_missing_since = Some(at(-5));
        look.channel = Sight::NotFound;
    });
    let decision = scene.decide();
    assert!(decision.ledger.channel_sought.is_some());
    assert_eq!(decision.lane, WaitUntil);
}

#[test]
fn after_its_laps_an_execution_hands_over_and_shows_what_it_showed() {
    let scene = Scene::deleted().made("RUNNING");
    let at_lap = |lap| decide(at(0), lap, None, &scene.ledger, &scene.look, &rules());
    assert!(!at_lap(29).hand_over && at_lap(30).hand_over);
    assert_eq!(at_lap(30).lane, Release);
    assert_eq!(
        at_lap(30).ledger.rest,
        None,
        "the sweep goes on if no successor does"
    );
    let removing = Scene::new(json!({"desired_state": "removed"})).made("RUNNING");
    let record = removing.record.as_ref().map(|(item, wish)| (item, wish));
    let last = decide(
        at(0),
        30,
        record,
        &removing.ledger,
        &removing.look,
        &rules(),
    );
    assert_eq!(last.mirror.unwrap().status.as_str(), "removing");
    assert_eq!(last.level, Level::Gone);
}

#[test]
fn a_record_put_over_without_its_mirror_gets_it_back() {
    let scene = live();
    let mut shown = scene.clone();
    let mirror = scene.decide().mirror.unwrap();
    assert!(mirror.changed);
    let (item, _) = shown.record.as_mut().unwrap();
    for (name, value) in &mirror.attributes {
        if let Some(value) = value {
            item.insert((*name).to_owned(), value.clone());
        }
    }
    let again = shown.decide().mirror.unwrap();
    assert!(!again.changed, "nothing but the time of looking is new");
}

#[test]
fn what_is_stuck_is_taken_down_when_its_grace_is_over() {
    let stuck = |keeps| {
        Scene::new(json!({"desired_state": "ready"}))
            .made("IDLE")
            .with(|ledger, _| {
                ledger.grace_until = Some(at(60));
                ledger.stuck = Some(Verdict {
                    keeps,
                    ..verdict(5, Some(900))
                });
            })
            // Nothing of what it is made with is known: it would have to be changed.
            .with(|ledger, _| ledger.on_air = None)
    };
    let waits = stuck(true).decide();
    assert_eq!(waits.lane, Release);
    assert_eq!(
        waits.ledger.wake_at,
        Some(at(60)),
        "the grace, not the next try"
    );
    assert_eq!(stuck(true).decide_at(60).lane, Teardown);
    let torn = stuck(false).decide_at(60);
    assert_eq!(torn.lane, Release, "the teardown itself was refused");
    assert_eq!(torn.ledger.wake_at, Some(at(900)));
}

#[test]
fn a_refusal_of_the_fallback_is_stuck_and_not_a_circle() {
    let problem = Problem::new(Code::RefusedByAws, "AWS refused it.");
    let ledger = live().ledger;
    let once = fail(at(0), &ledger, "Permanent", problem.clone());
    assert!(once.refused.is_some() && once.stuck.is_none());
    let repeated = fail(at(0), &once, "Permanent", problem.clone());
    assert_eq!(repeated, once, "a verdict passed twice");
    let mut planned = live();
    planned.ledger = once;
    let planned = planned.decide().ledger;
    let twice = fail(at(0), &planned, "Permanent", problem.clone());
    assert_eq!(twice.stuck.unwrap().again_at, Some(at(900)));
    let full = fail(at(0), &ledger, "Full", problem.clone());
    assert!(
        full.quota_wait.is_none() && full.stuck.is_some(),
        "it has a channel"
    );
    let full = fail(
        at(0),
        &Scene::new(streaming()).ledger,
        "Full",
        problem.clone(),
    );
    assert!(full.quota_wait.is_some() && full.stuck.is_none());
    let tired = fail(at(0), &ledger, "Lambda.Unknown", problem);
    assert!(tired.stuck.is_some() && tired.refused.is_none());
}
