//! The books against a bill that is reckoned apart.

mod desk;
mod sums;

use super::*;
use crate::{
    cost,
    incident::Trouble,
    ledger::{Ledger, Until},
    look::{Look, Sight},
};
use desk::{CHANNEL, Desk, ID, at, billed};

#[test]
fn an_ordinary_show() {
    let mut desk = Desk::provisioned();
    desk.starts(60)
        .hears(90, "RUNNING")
        .sees(91, "RUNNING", None);
    let run = desk.row.account.as_ref().unwrap().run.clone().unwrap();
    assert_eq!((run.started_at, run.on_air_at), (at(60), Some(at(90))));
    assert_eq!(desk.written, []);
    desk.sees(3600, "RUNNING", Some(Cause::Operator))
        .hears(3661, "IDLE")
        .sees(3662, "IDLE", None);
    assert_eq!(desk.written.len(), 1);
    let session = desk.written[0].clone();
    assert_eq!(session.started_at, at(60));
    assert_eq!(session.stopped_at, at(3661));
    assert_eq!(session.cause, Cause::Operator);
    assert_eq!(session.billed_minutes, 61);
    assert_eq!(session.on_air_seconds, 3510);
    assert_eq!(session.overhead_minutes(), 3);
    assert_eq!(session.egress_bytes, 6_128_000 * 3510 / 8);
    assert_eq!(session.preset_id, "1080p30");
    assert!(!session.placeholder);
    // What is left stands idle for a while and is then taken down.
    desk.sees(3700, "IDLE", None).tears_down(4600, 4650);
    assert_eq!(desk.written.len(), 1, "written again under the same key");
    let bill = [
        ('c', 20, 60),
        ('i', 0, 60),
        ('r', 60, 3661),
        ('c', 3661, 4600),
        ('i', 3661, 4650),
    ];
    assert_eq!(desk.cost(), billed(&bill));
    let account = desk.row.account.clone().unwrap();
    assert_eq!(account.last, None);
    assert_eq!(account.noted.unwrap().started_at, at(60));
}

#[test]
fn each_start_is_a_session_and_idle_time_goes_to_the_next() {
    let mut desk = Desk::provisioned();
    for (start, stop) in [(60, 200), (260, 400), (700, 1500)] {
        desk.starts(start)
            .hears(start + 30, "RUNNING")
            .sees(start + 31, "RUNNING", None)
            .sees(stop - 60, "RUNNING", Some(Cause::Edit))
            .hears(stop, "IDLE")
            .sees(stop + 1, "IDLE", None);
    }
    desk.tears_down(1600, 1610);
    let minutes: Vec<u64> = desk.written.iter().map(|one| one.billed_minutes).collect();
    assert_eq!(minutes, [10, 10, 14]);
    let bill = [
        ('c', 20, 60),
        ('i', 0, 60),
        ('r', 60, 200),
        ('c', 200, 260),
        ('i', 200, 260),
        ('r', 260, 400),
        ('c', 400, 700),
        ('i', 400, 700),
        ('r', 700, 1500),
        ('c', 1500, 1600),
        ('i', 1500, 1610),
    ];
    assert_eq!(desk.cost(), billed(&bill));
    assert_eq!(desk.written[1].cause, Cause::Edit);
}

#[test]
fn why_it_ended() {
    type Story = fn(&mut Desk);
    let rows: [(&str, Story, Cause, u64, u64); 6] = [
        (
            "it fell back before it ran, and the wait for it tells",
            |desk| {
                desk.starts(60).waits_for_running(61).sees(90, "IDLE", None);
            },
            Cause::Failed,
            10,
            0,
        ),
        (
            "it fell back at once, and an event tells",
            |desk| {
                desk.starts(60)
                    .waits_for_running(61)
                    .hears(65, "IDLE")
                    .sees(66, "IDLE", None);
            },
            Cause::Failed,
            10,
            0,
        ),
        (
            "it was stopped while starting",
            |desk| {
                desk.starts(60)
                    .sees(70, "STARTING", Some(Cause::Operator))
                    .sees(100, "IDLE", None);
            },
            Cause::Operator,
            10,
            0,
        ),
        (
            "it was stopped by hand",
            |desk| {
                desk.starts(60)
                    .sees(90, "RUNNING", None)
                    .hears(1260, "IDLE")
                    .sees(1265, "IDLE", None);
            },
            Cause::Lost,
            20,
            1170,
        ),
        (
            "a stop that was taken back does not count",
            |desk| {
                desk.starts(60)
                    .sees(90, "RUNNING", None)
                    .sees(100, "RUNNING", Some(Cause::Operator))
                    .sees(110, "RUNNING", None)
                    .sees(700, "RUNNING", Some(Cause::CapNoInput))
                    .sees(710, "STOPPING", None)
                    .sees(760, "IDLE", None);
            },
            Cause::CapNoInput,
            12,
            610,
        ),
        (
            "it was started by hand",
            |desk| {
                desk.hears(300, "STARTING")
                    .sees(302, "STARTING", Some(Cause::Operator))
                    .sees(400, "IDLE", None);
            },
            Cause::Operator,
            10,
            0,
        ),
    ];
    for (what, story, cause, billed_minutes, on_air) in rows {
        let mut desk = Desk::provisioned();
        story(&mut desk);
        assert_eq!(desk.written.len(), 1, "{what}");
        let session = &desk.written[0];
        assert_eq!(session.cause, cause, "{what}");
        assert_eq!(session.billed_minutes, billed_minutes, "{what}");
        assert_eq!(session.on_air_seconds, on_air, "{what}");
    }
}

#[test]
fn a_run_begins_when_its_start_was_taken_and_its_picture_ends_with_its_stop() {
    let mut desk = Desk::provisioned();
    // Noted in the last second of a minute, taken in the next: sixty whole minutes, not sixty-one.
    desk.starts(60).waits_after_answer(Until::Running, 61);
    desk.hears(90, "RUNNING").sees(91, "RUNNING", None);
    desk.sees(3600, "RUNNING", Some(Cause::Operator))
        .waits_after_answer(Until::Stopped, 3602)
        .hears(3661, "IDLE")
        .sees(3662, "IDLE", None);
    let session = &desk.written[0];
    assert_eq!(session.started_at, at(61));
    assert_eq!(session.billed_minutes, 60);
    assert_eq!(session.on_air_seconds, 3512);
    assert_eq!(session.cause, Cause::Operator);
    desk.tears_down(4600, 4650);
    let bill = [
        ('c', 20, 61),
        ('i', 0, 61),
        ('r', 61, 3661),
        ('c', 3661, 4600),
        ('i', 3661, 4650),
    ];
    assert_eq!(desk.cost(), billed(&bill));
}

#[test]
fn a_look_that_may_be_old_ends_no_session() {
    let mut desk = Desk::provisioned();
    // Just started, and a describe still shows what was before.
    desk.starts(60).waits_for_running(61).sees(63, "IDLE", None);
    assert_eq!(desk.written, []);
    desk.sees(80, "STARTING", None);
    let run = desk.row.account.as_ref().unwrap().run.clone().unwrap();
    assert_eq!(run.started_at, at(60));
    // Missing once is not gone.
    let mut missing = Look::unseen();
    missing.channel = Sight::NotFound;
    desk.plans(100, &missing, None, |_| {});
    assert_eq!(desk.written, []);
    // Gone for good while it ran: that is its end.
    desk.plans(200, &missing, None, Ledger::forget_channel);
    assert_eq!(desk.written[0].cause, Cause::Failed);
    assert_eq!(desk.written[0].stopped_at, at(200));
}

#[test]
fn an_event_that_comes_after_the_look_corrects_the_end() {
    let mut desk = Desk::provisioned();
    desk.starts(60)
        .hears(90, "RUNNING")
        .sees(91, "RUNNING", None)
        .sees(600, "RUNNING", Some(Cause::Operator))
        .sees(722, "IDLE", None);
    assert_eq!(desk.written[0].billed_minutes, 12);
    desk.hears(720, "IDLE").sees(800, "IDLE", None);
    assert_eq!(desk.written[0].billed_minutes, 11);
    assert_eq!(desk.written[0].stopped_at, at(720));
    desk.tears_down(900, 930);
    let bill = [
        ('c', 20, 60),
        ('i', 0, 60),
        ('r', 60, 720),
        ('c', 720, 900),
        ('i', 720, 930),
    ];
    assert_eq!(desk.cost(), billed(&bill));
    assert_eq!(desk.written.len(), 1);
}

#[test]
fn what_never_started_is_paid_for_too() {
    let mut desk = Desk::provisioned();
    desk.tears_down(600, 660);
    assert_eq!(desk.written.len(), 1);
    let session = &desk.written[0];
    assert_eq!(session.cause, Cause::NeverStarted);
    assert_eq!((session.started_at, session.billed_minutes), (at(0), 0));
    assert_eq!(desk.cost(), billed(&[('c', 20, 600), ('i', 0, 660)]));
}

#[test]
fn a_destination_that_has_nothing_has_no_books() {
    let mut row = Ledger::new(ID);
    let facts = Facts {
        now: at(0),
        look: &Look::unseen(),
        stops: None,
        url_type: "primary",
        feed_bitrate: 10_000_000,
    };
    let before = row.clone();
    assert_eq!(account(&before, &mut row, &facts), None);
    assert_eq!(row, before);
}

#[test]
fn incidents_are_counted_once_each() {
    let mut desk = Desk::provisioned();
    desk.starts(60);
    let trouble = |channel: &str| Trouble {
        channel_id: channel.to_owned(),
        since: at(100),
        alert_types: Vec::new(),
    };
    desk.row
        .troubles
        .insert(crate::incident::Cause::InputLoss, trouble(CHANNEL));
    desk.row
        .troubles
        .insert(crate::incident::Cause::RtmpFailed, trouble("7777777"));
    desk.sees(110, "RUNNING", None).sees(120, "RUNNING", None);
    desk.row.troubles.clear();
    desk.sees(900, "RUNNING", Some(Cause::Operator))
        .sees(960, "IDLE", None);
    let item = desk.written[0].item(at(960));
    assert_eq!(item["incidents"], 1);
    assert_eq!(
        item["incident_ids"],
        json!([format!("{}#input_loss", at(100))])
    );
}

#[test]
fn the_item_is_what_a_producer_reads() {
    let mut desk = Desk::provisioned();
    desk.starts(60)
        .hears(90, "RUNNING")
        .sees(91, "RUNNING", None)
        .sees(3690, "RUNNING", Some(Cause::Operator))
        .sees(3720, "IDLE", None);
    let item = desk.written[0].item(at(3720));
    let money = |name: &str| -> cost::Money { serde_json::from_value(item[name].clone()).unwrap() };
    assert_eq!(item["started_at"], json!(at(60).to_string()));
    assert_eq!(item["cause"], "operator");
    assert_eq!(item["billed_minutes"], 61);
    assert_eq!(item["on_air_minutes"], 60.0);
    assert_eq!(item["idle_hours"], 0.03);
    assert_eq!(item["egress_gb_estimate"], 2.76);
    assert_eq!(
        money("cost_usd"),
        money("running_usd") + money("idle_usd") + money("egress_usd_estimate")
    );
    assert_eq!(money("running_usd"), billed(&[('r', 60, 3720)]));
    assert_eq!(cost_of(&item), money("cost_usd"));
}

#[test]
fn a_stretch_under_way_has_a_price() {
    let mut desk = Desk::provisioned();
    desk.starts(60)
        .hears(90, "RUNNING")
        .sees(91, "RUNNING", None);
    let so_far = desk
        .row
        .account
        .as_ref()
        .unwrap()
        .so_far(at(660), 10_000_000);
    let egress = cost::EGRESS
        .price
        .share(6_128_000 * 570 / 8, cost::EGRESS.per);
    let bill = billed(&[('c', 20, 60), ('i', 0, 60), ('r', 60, 660)]);
    assert_eq!(so_far, bill + egress);
}
