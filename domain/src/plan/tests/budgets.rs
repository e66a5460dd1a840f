//! Budgets over several runs: what is closed is among the sessions, what runs is not, and nothing counts
//! twice.

use super::{convergence::record, model::World, support::at};
use crate::record::Item;
use serde_json::json;

/// About two hours of 1080p30.
fn budget(attribute: &str) -> Item {
    record(json!({"desired_state": "streaming", attribute: "1.6"})).unwrap()
}

/// Minutes on until a limit ended it, from the first start.
fn minutes_on(world: &mut World) -> i64 {
    let began = world.starts[0].1;
    for _ in 0..400 {
        if world.ledger.capped.is_some() {
            break;
        }
        world.watch_for(1);
    }
    let capped = world.ledger.capped.as_ref().expect("a budget ends it");
    (capped.at.as_second() - at(began).as_second()) / 60
}

#[test]
fn a_new_start_counts_nothing_twice() {
    for attribute in ["budget_usd_per_day", "budget_usd_per_month"] {
        let calm = {
            let mut world = World::new(Some(budget(attribute)));
            world.execute();
            minutes_on(&mut world)
        };
        let mut world = World::new(Some(budget(attribute)));
        world.execute();
        world.watch_for(75);
        let mut edited = budget(attribute);
        edited.insert(
            "rtmp_url".into(),
            json!("rtmps://b.rtmps.youtube.com:443/live2"),
        );
        world.edit(Some(edited));
        world.execute();
        assert_eq!(
            world.shown(),
            ("streaming", ""),
            "{attribute}: {:#?}",
            world.story
        );
        assert_eq!(world.starts.len(), 2);
        let restarted = minutes_on(&mut world);
        assert!(
            (restarted - calm).abs() <= 12,
            "{attribute}: {restarted}, and in one piece {calm}"
        );
    }
}

#[test]
fn what_a_show_before_has_spent_counts_in_the_month() {
    let mut world = World::new(Some(budget("budget_usd_per_month")));
    world.execute();
    world.watch_for(75);
    let mut off = budget("budget_usd_per_month");
    off.insert("desired_state".into(), json!("ready"));
    world.edit(Some(off));
    world.execute();
    // Two days later, within the month.
    world.watch_for(2 * 24 * 60);
    world.edit(Some(budget("budget_usd_per_month")));
    world.execute();
    let again = world.starts.last().unwrap().1;
    world.watch_for(90);
    let capped = world
        .ledger
        .capped
        .as_ref()
        .expect("most of it was spent before");
    let minutes = (capped.at.as_second() - at(again).as_second()) / 60;
    assert!((20..70).contains(&minutes), "{minutes} min");
}
