//! Limits, times and second addresses where two of them meet.

use super::{
    convergence::{on_the_air, record},
    model::World,
    support::at,
};
use crate::{
    incident::Cause,
    plan::tests::watching::{BACKUP, EVER, PRIMARY, with_backup},
};
use serde_json::{Value, json};

fn time(second: i64) -> String {
    at(second).to_string()
}

fn message(world: &World) -> &str {
    let problem = world.attribute("problem");
    problem
        .and_then(|problem| problem["message"].as_str())
        .unwrap_or_default()
}

fn changed(world: &World, changes: Value) -> Option<crate::record::Item> {
    let mut item = world.record.clone().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        item.insert(name.clone(), value.clone());
    }
    Some(item)
}

/// On its backup, because the primary takes nothing for so many seconds.
fn on_backup(more: Value, seconds: i64) -> World {
    let mut world = with_backup(more);
    let cut = world.now;
    let until = cut.saturating_add(seconds);
    world
        .laws
        .suffers
        .push((Cause::RtmpFailed, PRIMARY, cut, until));
    world.watch_for(5);
    assert_eq!(world.host(), Some(BACKUP));
    world
}

#[test]
fn a_show_that_a_limit_has_ended_stays_off() {
    let mut world = World::new(record(
        json!({"start_at": time(600), "session_hours_max": 1}),
    ));
    world.execute();
    world.watch_for(12 * 60);
    assert_eq!(world.starts.len(), 1);
    assert_eq!(world.shown(), ("error", "cap_session"));
}

/// A record that streamed and that a limit has ended.
fn ended_by_its_limit(more: Value) -> World {
    let mut with = json!({"session_hours_max": 1});
    for (name, value) in more.as_object().unwrap() {
        with[name] = value.clone();
    }
    let mut world = World::new(record(with));
    world.execute();
    world.watch_for(120);
    assert_eq!(world.shown(), ("error", "cap_session"));
    world
}

#[test]
fn what_a_limit_has_ended_waits_for_a_new_time() {
    for more in [
        json!({"start_at": time(600)}),
        json!({"desired_state": "streaming"}),
    ] {
        let mut world = ended_by_its_limit(more.clone());
        let starts = world.starts.len();
        let tomorrow = 24 * 3600;
        world.edit(changed(&world, json!({"start_at": time(tomorrow)})));
        world.execute();
        world.watch_for(30);
        assert_eq!(
            (world.status.as_str(), world.starts.len()),
            ("ready", starts),
            "{more}"
        );
        world.watch_for((tomorrow - world.now) / 60 + 5);
        assert_eq!(world.shown(), ("streaming", ""), "{more}");
    }
}

#[test]
fn a_time_that_was_there_before_the_limit_acted_keeps_nobody_from_going_on() {
    let mut world = World::new(record(
        json!({"desired_state": "streaming", "session_hours_max": 1}),
    ));
    world.execute();
    world.watch_for(10);
    let tomorrow = time(24 * 3600);
    world.edit(changed(&world, json!({ "start_at": tomorrow })));
    world.execute();
    world.watch_for(120);
    assert_eq!(world.shown(), ("error", "cap_session"));
    world.edit(changed(&world, json!({"retry": "go on"})));
    world.execute();
    assert_eq!(world.shown(), ("streaming", ""));
}

#[test]
fn a_show_may_follow_another_at_once() {
    for gap in [1, 60, 200, 299, 301] {
        let mut world = World::new(record(json!({"desired_state": "streaming"})));
        world.execute();
        let (end, next) = (7200, 7200 + gap);
        world.edit(changed(
            &world,
            json!({"stop_at": time(end), "start_at": time(next)}),
        ));
        world.execute();
        world.watch_for((next - world.now) / 60 + 10);
        assert_eq!(world.shown(), ("streaming", ""), "{gap} s between them");
    }
}

#[test]
fn the_next_show_is_not_kept_off_by_the_limit_of_the_one_before() {
    let mut world = World::new(record(
        json!({"start_at": time(600), "session_hours_max": 1}),
    ));
    world.execute();
    world.watch_for(30);
    assert_eq!(world.status, "streaming");
    let tomorrow = 24 * 3600;
    world.edit(changed(&world, json!({"start_at": time(tomorrow)})));
    world.execute();
    assert_eq!(
        world.status, "streaming",
        "a time that moves takes nothing off the air"
    );
    world.watch_for(120);
    assert_eq!(world.shown(), ("error", "cap_session"));
    world.watch_for((tomorrow - world.now) / 60 + 5);
    assert_eq!(world.shown(), ("streaming", ""));
    assert_eq!(world.starts.len(), 2);
}

#[test]
fn a_slip_in_the_backups_attributes_leaves_a_backup_that_is_in_use() {
    let mut world = on_backup(json!({}), EVER);
    world.edit(changed(&world, json!({"backup_rtmp_url": "not a URL"})));
    world.execute();
    world.watch_for(5);
    assert_eq!(
        (world.host(), world.starts.len()),
        (Some(BACKUP), 2),
        "{:#?}",
        world.story
    );
}

#[test]
fn what_a_limit_has_ended_begins_on_the_primary() {
    let mut world = on_backup(json!({"session_hours_max": 1}), 1800);
    world.watch_for(85);
    assert_eq!(world.shown(), ("error", "cap_session"));
    world.edit(changed(&world, json!({"retry": "tomorrow"})));
    world.execute();
    assert_eq!((world.host(), world.problem.as_str()), (Some(PRIMARY), ""));
}

#[test]
fn what_is_said_of_the_backup_names_the_failure_first_and_then_the_switch() {
    let world = on_backup(json!({}), EVER);
    let told = message(&world);
    let clock = |word: &str| {
        let rest = &told[told.find(word).unwrap_or_else(|| panic!("{told}")) + word.len()..];
        rest[..8].to_owned()
    };
    assert!(clock("address from ") < clock("is used since "), "{told}");
}

#[test]
fn a_time_that_was_missed_is_called_by_its_name() {
    let mut start = World::new(record(
        json!({"start_at": time(600), "stop_at": time(1200)}),
    ));
    start.execute();
    start.pass(3600);
    start.watch_for(5);
    assert!(
        message(&start).starts_with("Nothing was started at"),
        "{}",
        message(&start)
    );
    let mut stop = on_the_air();
    let past = time(stop.now - 600);
    stop.edit(record(
        json!({"desired_state": "streaming", "stop_at": past}),
    ));
    stop.execute();
    stop.watch_for(5);
    assert_eq!(stop.shown(), ("streaming", "schedule_missed"));
    assert!(
        message(&stop).starts_with("Nothing was stopped at"),
        "{}",
        message(&stop)
    );
}

#[test]
fn what_was_kept_warm_has_its_whole_grace_afterwards() {
    let mut world = on_the_air();
    let ready = |warm: bool| record(json!({"desired_state": "ready", "keep_warm": warm}));
    world.edit(ready(false));
    world.execute();
    world.watch_for(5);
    world.edit(ready(true));
    world.execute();
    world.watch_for(120);
    assert!(!world.is_gone());
    world.edit(ready(false));
    world.execute();
    world.watch_for(10);
    assert!(
        !world.is_gone(),
        "the grace of the stop before is not this one's"
    );
    world.watch_for(15);
    assert!(world.is_gone());
}

#[test]
fn each_session_says_why_it_ended() {
    let causes = |world: &World| -> Vec<String> {
        let items = world.sessions.values();
        items
            .map(|item| item["cause"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut edited = on_the_air();
    edited.watch_for(20);
    edited.edit(changed(
        &edited,
        json!({"rtmp_url": "rtmps://c.rtmps.youtube.com/live2"}),
    ));
    edited.execute();
    assert_eq!(causes(&edited), ["edit"]);
    let switched = on_backup(json!({}), EVER);
    assert_eq!(causes(&switched), ["failover"]);
}

#[test]
fn what_comes_back_is_not_forgotten_with_what_it_was() {
    let mut world = on_the_air();
    world.edit(None);
    world.settled().unwrap();
    assert!(
        world.ledger.expires_at.is_some(),
        "the row of what is gone goes, too"
    );
    world.edit(record(json!({"desired_state": "streaming"})));
    world.execute();
    assert_eq!(world.status, "streaming");
    assert_eq!(
        world.ledger.expires_at, None,
        "and that of what streams stays"
    );
}
