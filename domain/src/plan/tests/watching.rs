//! Stories of the model in which nobody edits anything: an address fails, a limit is reached, a time
//! comes. Each has a way out.

use super::{
    convergence::{on_the_air, record},
    model::World,
    support::at,
};
use crate::{
    failover::DAMPING_SECONDS,
    incident::{Cause, Trouble},
    look::ChannelState as S,
};
use serde_json::{Value, json};

pub(super) const EVER: i64 = i64::MAX;
pub(super) const PRIMARY: &str = "a.rtmps.youtube.com";
pub(super) const BACKUP: &str = "b.rtmps.youtube.com";

impl World {
    /// What whoever watches the alerts writes down. True: something is new.
    fn alerts(&mut self) -> bool {
        let Some(channel) = self
            .channel
            .as_ref()
            .filter(|channel| channel.state == S::Running)
        else {
            return false;
        };
        let host = channel
            .body
            .as_ref()
            .map(|body| body.configuration.address.host.clone())
            .unwrap_or_default();
        let started = self.starts.last().map_or(0, |(_, at)| *at);
        let before = self.ledger.troubles.clone();
        for (cause, whose, from, until) in &self.laws.suffers {
            let lasts = (*from..*until).contains(&self.now) && (whose.is_empty() || host == *whose);
            if !lasts {
                self.ledger.troubles.remove(cause);
                continue;
            }
            let known =
                self.ledger.troubles.get(cause).filter(|trouble| {
                    trouble.channel_id == channel.id && trouble.since >= at(started)
                });
            if known.is_none() {
                let trouble = Trouble {
                    channel_id: channel.id.clone(),
                    since: at(self.now),
                    alert_types: Vec::new(),
                };
                self.ledger.troubles.insert(*cause, trouble);
            }
        }
        self.ledger.troubles != before
    }

    /// MediaLive gives an output up that has failed for four minutes, and stops the channel.
    fn give_up(&mut self) {
        let failing = self.ledger.troubles.get(&Cause::RtmpFailed);
        let started = self.starts.last().map_or(0, |(_, second)| *second);
        let long_ago =
            |trouble: &Trouble| trouble.since >= at(started) && trouble.since <= at(self.now - 240);
        if self.laws.gives_up
            && failing.is_some_and(long_ago)
            && let Some(channel) = self.channel.as_mut()
            && channel.state == S::Running
        {
            channel.state = S::Idle;
        }
    }

    /// So many minutes of alerts and sweeps.
    pub(super) fn watch_for(&mut self, minutes: i64) {
        for quarter in 0..4 * minutes {
            // It may go on for days; round and round is what happens in one moment.
            self.laps = 0;
            self.pass(15);
            self.give_up();
            if self.alerts() {
                self.execute();
            }
            if quarter % 4 == 0 {
                self.sweep();
            }
        }
    }

    pub(super) fn shown(&self) -> (&str, &str) {
        (self.status.as_str(), self.problem.as_str())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Value> {
        self.record.as_ref().and_then(|item| item.get(name))
    }

    pub(super) fn host(&self) -> Option<&str> {
        let body = self.channel.as_ref()?.body.as_ref()?;
        Some(&body.configuration.address.host)
    }

    /// Nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        let gone = |state: &str| state == "DELETED";
        self.channel
            .as_ref()
            .is_none_or(|channel| channel.state == S::Deleted)
            && self.input.as_ref().is_none_or(|input| gone(&input.state))
            && self.output.is_none()
    }
}

pub(super) fn with_backup(more: Value) -> World {
    let mut world = on_the_air();
    let mut changes = json!({"desired_state": "streaming", "failover_enabled": true,
        "backup_rtmp_url": format!("rtmps://{BACKUP}/live2")});
    changes
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    world.edit(record(changes));
    world.settled().unwrap();
    assert_eq!(world.starts.len(), 1, "a backup interrupts nothing");
    world
}

fn starts(world: &World) -> Vec<i64> {
    world.starts.iter().map(|(_, second)| *second).collect()
}

#[test]
fn a_primary_that_fails_is_left_for_the_backup_and_nothing_flaps() {
    let mut world = with_backup(json!({}));
    let cut = world.now;
    world
        .laws
        .suffers
        .push((Cause::RtmpFailed, PRIMARY, cut, cut + 1800));
    world.watch_for(5);
    assert_eq!(world.host(), Some(BACKUP));
    assert_eq!(world.shown(), ("streaming", "on_backup"));
    assert_eq!(world.attribute("current_url_type"), Some(&json!("backup")));
    assert_eq!(world.attribute("attempt"), Some(&json!(2)));
    assert!(starts(&world)[1] - cut < 180, "{:#?}", world.story);
    world.watch_for(600);
    assert_eq!(
        world.starts.len(),
        2,
        "the primary is back, and nothing flaps"
    );
    assert_eq!(world.shown(), ("streaming", "on_backup"));
    let mut back = world.record.clone().unwrap();
    back.insert("retry".into(), json!("primary again"));
    world.edit(Some(back));
    world.settled().unwrap();
    assert_eq!(world.host(), Some(PRIMARY));
    assert_eq!(world.problem, "");
    assert_eq!(world.attribute("attempt"), None);
}

#[test]
fn it_goes_back_by_itself_if_that_is_asked_for() {
    let mut world = with_backup(json!({"return_after_minutes": 60}));
    let cut = world.now;
    world
        .laws
        .suffers
        .push((Cause::RtmpFailed, PRIMARY, cut, cut + 1800));
    world.watch_for(50);
    assert_eq!(world.host(), Some(BACKUP));
    world.watch_for(40);
    assert_eq!(world.host(), Some(PRIMARY));
    assert_eq!((world.starts.len(), world.shown()), (3, ("streaming", "")));
}

#[test]
fn a_short_failure_changes_nothing() {
    let mut world = with_backup(json!({}));
    let cut = world.now;
    world
        .laws
        .suffers
        .push((Cause::RtmpFailed, PRIMARY, cut, cut + 30));
    world.watch_for(60);
    assert_eq!((world.starts.len(), world.shown()), (1, ("streaming", "")));
}

#[test]
fn when_all_fail_it_says_so_goes_on_trying_and_each_way_out_works() {
    for (backup, gives_up) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut world = if backup {
            with_backup(json!({}))
        } else {
            on_the_air()
        };
        world.laws.suffers.push((Cause::RtmpFailed, "", 0, EVER));
        world.laws.gives_up = gives_up;
        world.watch_for(match (backup, gives_up) {
            (true, _) => 15,
            (false, true) => 75,
            (false, false) => 140,
        });
        let status = if gives_up { "error" } else { "streaming" };
        assert_eq!(
            world.shown(),
            (status, "output_failed"),
            "{backup} {gives_up}"
        );
        let next = world.attribute("next_try_at").and_then(Value::as_str);
        assert!(next.unwrap().parse::<jiff::Timestamp>().unwrap() > at(world.now));
        assert_eq!(world.attribute("attempts_max"), Some(&json!(4)));
        world.watch_for(600);
        let times = starts(&world);
        let apart = |two: &[i64]| two[1] - two[0] >= 600;
        assert!(times[1..].windows(2).all(apart), "{backup} {times:?}");
        assert!(times.len() > 5, "it never gives up: {times:?}");
        let ways = [
            None,
            record(json!({"desired_state": "removed"})),
            record(json!({"desired_state": "ready"})),
            record(
                json!({"desired_state": "streaming", "rtmp_url": "rtmps://c.rtmps.youtube.com/live2"}),
            ),
            record(json!({"desired_state": "streaming", "retry": "now"})),
        ];
        for way in ways {
            let mut world = world.clone();
            world.laws.suffers.clear();
            world.edit(way.clone());
            world
                .settled()
                .unwrap_or_else(|wrong| panic!("{way:?}: {wrong}"));
        }
        for (name, value) in [
            ("retry", "now"),
            ("rtmp_url", "rtmps://c.rtmps.youtube.com/live2"),
        ] {
            let mut edited = world.clone();
            let mut item = edited.record.clone().unwrap();
            item.insert(name.into(), json!(value));
            edited.edit(Some(item));
            edited.execute();
            assert_eq!(
                edited.starts.len(),
                world.starts.len() + 1,
                "{name} tries at once: {backup} {gives_up}"
            );
        }
        // A new key and a touch are enough.
        let mut touched = world.clone();
        touched.key = 2;
        let mut item = touched.record.clone().unwrap();
        item.insert("name".into(), json!("touched"));
        touched.edit(Some(item));
        touched.execute();
        assert_eq!(touched.starts.len(), world.starts.len() + 1);
    }
}

#[test]
fn an_edit_while_it_fails_is_tried_at_once() {
    for (name, value) in [
        ("retry", "now"),
        ("rtmp_url", "rtmps://c.rtmps.youtube.com/live2"),
    ] {
        let mut world = on_the_air();
        let cut = world.now;
        world
            .laws
            .suffers
            .push((Cause::RtmpFailed, PRIMARY, cut, cut + 300));
        world.watch_for(1);
        assert_eq!(world.shown(), ("streaming", "rtmp_failed"));
        let mut item = world.record.clone().unwrap();
        item.insert(name.into(), json!(value));
        world.edit(Some(item));
        world.execute();
        assert_eq!(world.starts.len(), 2, "{name}");
        world.laws.suffers.clear();
        world.settled().unwrap();
        assert_eq!(world.starts.len(), 2, "{name}");
    }
}

#[test]
fn a_pipeline_that_does_not_heal_is_started_again_half_an_hour_apart() {
    let mut world = on_the_air();
    let broken = world.now;
    world
        .laws
        .suffers
        .push((Cause::PipelineFailed, "", broken, EVER));
    world.watch_for(4);
    assert_eq!(world.shown(), ("streaming", "pipeline_failed"));
    world.watch_for(300);
    let times = starts(&world);
    assert!(times[1] - broken >= 300);
    assert!(
        times[1..]
            .windows(2)
            .all(|two| two[1] - two[0] >= DAMPING_SECONDS),
        "{times:?}"
    );
    assert!(times.len() >= 4, "{times:?}");
    world.laws.suffers.clear();
    world.ledger.troubles.clear();
    world.settled().unwrap();
}

#[test]
fn a_destination_that_nobody_feeds_is_warned_and_then_gone_until_an_edit() {
    let watched = json!({"desired_state": "streaming", "no_input_minutes_max": 30});
    let mut world = World::new(record(watched.clone()));
    world.settled().unwrap();
    let cut = world.now;
    world.laws.suffers.push((Cause::InputLoss, "", cut, EVER));
    world.watch_for(20);
    assert_eq!(world.shown(), ("streaming", "no_input"));
    world.watch_for(7);
    assert_eq!(world.shown(), ("streaming", "cap_warning"));
    world.watch_for(15);
    assert!(world.is_gone(), "{:#?}", world.story);
    assert_eq!(world.shown(), ("error", "cap_no_input"));
    world.watch_for(600);
    assert!(world.is_gone() && world.flow == "STANDBY");
    assert_eq!(world.starts.len(), 1, "and stays off");
    let mut removed = world.clone();
    removed.edit(None);
    removed.settled().unwrap();
    world.laws.suffers.clear();
    let mut again = world.record.clone().unwrap();
    again.insert("retry".into(), json!("the encoder is back"));
    world.edit(Some(again));
    world.settled().unwrap();
    assert_eq!(world.problem, "");

    let mut held = World::new(record(
        json!({"desired_state": "streaming", "no_input_minutes_max": 30, "hold": true}),
    ));
    held.laws.suffers.push((Cause::InputLoss, "", 0, EVER));
    held.watch_for(600);
    assert_eq!(held.shown(), ("streaming", "no_input"));
}

#[test]
fn the_longest_session_and_the_budget_end_a_stream_too() {
    for (limit, code, minutes) in [
        (json!({"session_hours_max": 1}), "cap_session", 60),
        (json!({"budget_usd_per_day": "0.4"}), "cap_budget_day", 30),
        (json!({"budget_usd_per_month": 0.4}), "cap_budget_month", 30),
    ] {
        let mut changes = json!({"desired_state": "streaming"});
        changes
            .as_object_mut()
            .unwrap()
            .extend(limit.as_object().unwrap().clone());
        let mut world = World::new(record(changes));
        world.execute();
        let began = starts(&world)[0];
        while world.shown().1 != "cap_warning" {
            world.watch_for(1);
            assert!(world.now < began + 7200, "never warned: {code}");
        }
        let warned = world.now;
        world.watch_for(30);
        assert_eq!(world.shown(), ("error", code));
        assert!(world.is_gone());
        let stopped = world.ledger.capped.as_ref().unwrap().at;
        assert!(at(warned) < stopped && at(began + minutes * 60 - 300) < stopped);
        assert!(stopped < at(began + minutes * 60 + 900), "{code}");
    }
}

#[test]
fn a_time_on_the_record_starts_in_advance_and_stops_on_time() {
    let time = |second: i64| at(second).to_string();
    let show =
        |start: i64, stop: i64| record(json!({"start_at": time(start), "stop_at": time(stop)}));
    let mut world = World::new(show(3600, 7200));
    world.execute();
    assert_eq!(world.attribute("next_start_at"), Some(&json!(time(3600))));
    world.watch_for(50);
    assert!(world.is_gone() && world.starts.is_empty());
    world.watch_for(10);
    assert_eq!(world.shown(), ("streaming", ""), "{:#?}", world.story);
    assert_eq!(world.attribute("next_start_at"), None);
    // Moving the start, or taking the stop away, takes nothing off the air.
    for moved in [show(36_000, 7200), record(json!({})), show(3600, 7200)] {
        world.edit(moved);
        world.execute();
        assert_eq!(world.status, "streaming");
    }
    world.watch_for((7200 - world.now) / 60 - 2);
    assert_eq!(world.status, "streaming");
    world.watch_for(25);
    assert!(world.is_gone());
    assert_eq!((world.starts.len(), world.problem.as_str()), (1, ""));
    world.watch_for(300);
    assert_eq!(world.starts.len(), 1, "each time acts once");
}

#[test]
fn a_time_that_was_missed_is_made_up_for_or_said() {
    let time = |second: i64| at(second).to_string();
    // The house was down from before the start until the show was half over.
    let mut late = World::new(record(
        json!({"start_at": time(600), "stop_at": time(7200)}),
    ));
    late.execute();
    late.pass(3600);
    late.watch_for(5);
    assert_eq!(late.status, "streaming");
    // Until it was over.
    let mut over = World::new(record(
        json!({"start_at": time(600), "stop_at": time(1200)}),
    ));
    over.execute();
    over.pass(3600);
    over.watch_for(5);
    assert_eq!(over.shown(), ("ready", "schedule_missed"));
    assert!(over.starts.is_empty());
    over.edit(record(json!({})));
    over.execute();
    assert_eq!(over.shown(), ("ready", ""));
}
