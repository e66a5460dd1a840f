//! Stories of the model: what goes wrong in the cloud and what hands do, each to its end.

use super::{
    convergence::{finish, on_the_air, record, streaming, ways},
    model::{ID, World},
    support::{at, on_air},
};
use crate::look::ChannelState as S;
use serde_json::json;

#[test]
fn a_record_deleted_and_put_back_has_another_life() {
    let mut world = on_the_air();
    let mut lives = vec![world.ledger.incarnation];
    for _ in 0..3 {
        world.edit(None);
        world.settled().unwrap();
        world.edit(streaming());
        world.settled().unwrap();
        lives.push(world.ledger.incarnation);
    }
    assert!(lives.is_sorted_by(|a, b| a < b), "{lives:?}");
}

#[test]
fn one_start_is_enough() {
    for lag in [0, 5, 50] {
        let mut world = World::new(streaming());
        world.laws.lag = lag;
        world.settled().unwrap();
        assert_eq!(world.starts.len(), 1);
    }
}

#[test]
fn a_channel_that_falls_back_each_time_is_started_three_times() {
    let mut world = World::new(streaming());
    world.laws.falls_back = true;
    world.settle_for(300);
    assert_eq!(
        (
            world.starts.len(),
            world.status.as_str(),
            world.problem.as_str()
        ),
        (3, "stuck", "start_failed")
    );
    assert_eq!(world.flow, "STANDBY", "nobody needs it");
    let mut removed = world.clone();
    removed.edit(None);
    removed.settled().unwrap();
    world.laws.falls_back = false;
    world.edit(record(json!({"desired_state": "streaming", "retry": "2"})));
    world.settled().unwrap();
    assert_eq!(world.starts.len(), 4);
}

#[test]
fn creates_that_fail_end() {
    let mut world = World::new(streaming());
    world.laws.creates_fail = 1;
    world.settled().unwrap();
    let mut world = World::new(streaming());
    world.laws.creates_fail = 100;
    world.settle_for(300);
    assert_eq!(
        (world.status.as_str(), world.problem.as_str()),
        ("error", "create_failed")
    );
    assert!(world.channel.is_none() && world.output.is_none());
    assert_eq!(world.laws.creates_fail, 98);
}

#[test]
fn an_edit_that_aws_cannot_apply_leads_back() {
    let other = || record(json!({"desired_state": "streaming", "preset_id": "720p30"}));
    let mut failed = on_the_air();
    failed.laws.update_fails = true;
    let mut refused = on_the_air();
    refused.laws.refused = Some("update-channel");
    failed.edit(other());
    failed.settle_for(300);
    let shown = (failed.status.as_str(), failed.problem.as_str());
    assert_eq!(shown, ("streaming", "update_failed"));
    let channel = failed.channel.as_ref().unwrap();
    let on_air_now = channel.body.as_ref().map(|body| &body.configuration);
    assert_eq!(on_air_now, Some(&on_air(json!({})).configuration));
    // What stands beside the point asks for nothing else: nobody is interrupted for it.
    let starts = failed.starts.len();
    failed.edit(record(
        json!({"desired_state": "streaming", "preset_id": "720p30", "hold": true, "name": "renamed"}),
    ));
    failed.settle_for(300);
    let shown = (failed.status.as_str(), failed.problem.as_str());
    assert_eq!(shown, ("streaming", "update_failed"));
    assert_eq!(failed.starts.len(), starts);
    failed.laws.update_fails = false;
    failed.edit(record(
        json!({"desired_state": "streaming", "preset_id": "720p30", "retry": "again"}),
    ));
    failed.settle_for(300);
    let shown = (failed.status.as_str(), failed.problem.as_str());
    assert_eq!(
        (shown, failed.starts.len()),
        (("streaming", ""), starts + 1)
    );
    failed.edit(None);
    failed.settled().unwrap();
    refused.edit(other());
    refused.settle_for(60);
    assert_eq!(
        (refused.status.as_str(), refused.problem.as_str()),
        ("stuck", "refused_by_aws")
    );
    refused.laws.refused = None;
    refused.edit(None);
    refused.settled().unwrap();
}

#[test]
fn whatever_aws_refuses_for_good_is_not_asked_again_and_again() {
    let operations = [
        "create-input",
        "add-flow-output",
        "create-channel",
        "start-flow",
        "enable-flow-output",
        "start-channel",
        "stop-channel",
        "disable-flow-output",
        "update-channel",
        "delete-channel",
        "remove-flow-output",
        "delete-input",
    ];
    for operation in operations {
        for (way, mut world) in ways() {
            world.laws.refused = Some(operation);
            world.laps = 0;
            world.settle_for(180);
            assert!(
                world.laps <= 70,
                "{operation} on the way {way}: {} laps, {:#?}",
                world.laps,
                world.story
            );
            let mut again = world.clone();
            again.laws.refused = None;
            again.edit(record(
                json!({"desired_state": "streaming", "retry": operation}),
            ));
            finish(again, &|| {
                format!("{operation} refused on the way {way}, then not")
            });
            world.laws.refused = None;
            world.edit(None);
            finish(world, &|| {
                format!("{operation} refused on the way {way}, then removed")
            });
        }
    }
}

#[test]
fn without_room_it_waits_and_goes_on_by_itself() {
    for full in [100, 3000, 8000] {
        let mut world = World::new(streaming());
        world.laws.full_until = full;
        while world.now < full - 300 {
            world.settle_for(1);
        }
        if full > 600 {
            assert_eq!(
                (world.status.as_str(), world.problem.as_str()),
                ("starting", "waiting_for_quota")
            );
            assert!(world.output.is_none(), "nothing is kept meanwhile");
            let mut unwanted = world.clone();
            unwanted.edit(record(json!({})));
            unwanted.settled().unwrap();
        }
        finish(world, &|| format!("full for {full} seconds"));
    }
}

#[test]
fn a_stop_that_is_refused_while_starting_is_done_after_it() {
    let mut world = World::new(streaming());
    world.laws.stop_waits = true;
    world.laws.edit = Some((6, None));
    world.settled().unwrap();
    assert!(world.starts.len() <= 1);
}

/// What somebody did in the console.
type Hand = (&'static str, fn(&mut World));

#[test]
fn what_hands_do_is_undone() {
    let by_hand: [Hand; 6] = [
        ("stopped", |world| {
            world.channel.as_mut().unwrap().state = S::Idle
        }),
        ("deleted", |world| {
            let channel = world.channel.as_mut().unwrap();
            (channel.state, channel.next) = (S::Deleting, Some((world.now + 5, S::Deleted)));
        }),
        ("gone at once", |world| {
            world.channel = None;
            world.input.as_mut().unwrap().state = "DETACHED".to_owned();
        }),
        ("output removed", |world| world.output = None),
        ("output disabled", |world| {
            world.output.as_mut().unwrap().enabled = false
        }),
        ("flow stopped", |world| world.flow = "STANDBY".to_owned()),
    ];
    for (what, act) in by_hand {
        let mut world = on_the_air();
        let starts = world.starts.len();
        act(&mut world);
        let running = world
            .channel
            .as_ref()
            .is_some_and(|channel| channel.state == S::Running);
        let mut removed = world.clone();
        world.settled().unwrap();
        let more = world.starts.len() - starts;
        assert_eq!(
            more,
            usize::from(!running),
            "{what}: a running channel is not started again"
        );
        removed.edit(None);
        finish(removed, &|| format!("{what} by hand, then removed"));
    }
}

#[test]
fn a_channel_deleted_by_hand_again_and_again_is_a_matter_for_a_person() {
    let mut world = World::new(streaming());
    for _ in 0..6 {
        world.settle_for(4);
        if let Some(channel) = &mut world.channel
            && channel.state == S::Running
        {
            (channel.state, channel.next) = (S::Deleting, Some((world.now + 5, S::Deleted)));
        }
    }
    world.settle_for(60);
    assert_eq!(
        (
            world.starts.len(),
            world.status.as_str(),
            world.problem.as_str()
        ),
        (3, "stuck", "start_failed")
    );
}

#[test]
fn a_stopped_destination_is_kept_for_its_grace_time_and_no_longer() {
    let mut world = on_the_air();
    world.edit(record(json!({})));
    world.settle_for(10);
    assert_eq!(
        world.channel.as_ref().map(|channel| &channel.state),
        Some(&S::Idle)
    );
    assert!(world.ledger.wake_at > Some(at(world.now)));
    world.settle_for(8);
    assert!(world.ledger.channel.is_none());
    world.settled().unwrap();
    let mut warm = on_the_air();
    warm.edit(record(json!({"keep_warm": true})));
    warm.settled().unwrap();
    warm.edit(streaming());
    warm.settled().unwrap();
    assert_eq!(warm.starts.len(), 2);
    assert_eq!(warm.ledger.destination_id, ID);
}
