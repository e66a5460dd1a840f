//! Rates, who overtakes whom, and what each lap is expected to call.

use super::*;
use crate::{
    heard::Heard,
    ledger::{Made, Rest, Wait},
    look::ChannelState,
    record,
};
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// One line of people, each write as `cloud` makes it: added, then read back.
fn join(taken: &mut Taken, api: Api, need: Need, now: i64) -> i64 {
    let line = line(taken, api, need, now);
    let until = taken.entry(line.name.to_owned()).or_insert(now);
    *until = (*until).max(now) + line.span(need.calls(api));
    line.place(*until, now)
}

#[test]
fn the_lines_together_stay_below_what_aws_takes() {
    for (api, rate, burst) in [(Api::MediaLive, 20.0, 40), (Api::MediaConnect, 5.0, 30)] {
        let lines = [api.general(), api.unmaking()];
        let sum: f64 = lines
            .iter()
            .map(|line| 1000.0 / line.interval_milliseconds as f64)
            .sum();
        assert!(sum < rate && sum > 0.9 * rate, "{api:?} {sum}");
        let at_once: i64 = lines.iter().map(|line| line.burst).sum();
        assert!(at_once <= burst, "{api:?} {at_once}");
    }
}

#[test]
fn a_storm_is_spread_and_a_rest_is_forgotten() {
    let (mut taken, make) = (Taken::new(), Need::of(2, 1, false));
    let places: Vec<i64> = (0..1000)
        .map(|_| join(&mut taken, Api::MediaConnect, make, 0))
        .collect();
    assert!(places[..22].iter().all(|place| *place == 0));
    assert!(places.windows(2).all(|pair| pair[0] <= pair[1]));
    // 978 calls after the burst at 4.4 a second.
    assert_eq!(places[999], 978 * 227);
    let later = 3_600_000;
    assert_eq!(join(&mut taken, Api::MediaConnect, make, later), later);
}

#[test]
fn a_stop_overtakes_every_start_and_stops_alone_have_both_lines() {
    let (mut taken, start, stop) = (Taken::new(), Need::of(2, 0, false), Need::of(2, 0, true));
    for _ in 0..1000 {
        join(&mut taken, Api::MediaLive, start, 0);
    }
    let (first, general) = (
        join(&mut taken, Api::MediaLive, stop, 0),
        taken[MEDIA_LIVE.name],
    );
    assert_eq!(first, 0);
    assert!(general > 130_000, "{general}");
    let mut alone = Taken::new();
    let places: Vec<i64> = (0..100)
        .map(|_| join(&mut alone, Api::MediaLive, stop, 0))
        .collect();
    // 200 calls, 32 of them at once, the rest at 18.5 a second.
    assert!(
        places.iter().all(|place| *place < 10_000),
        "{:?}",
        places.last()
    );
}

#[test]
fn a_clock_that_was_wrong_keeps_nobody_for_long() {
    let taken = Taken::from([(MEDIA_LIVE.name.to_owned(), 1_000_000_000_000)]);
    let ahead = Taken::from([(CLOCK.to_owned(), 120_000)]);
    assert!(is_off(&ahead, 0) && !is_off(&ahead, 119_000) && !is_off(&taken, 0));
    let need = Need::of(1, 0, false);
    let line = line(&taken, Api::MediaLive, need, 0);
    assert_eq!(line.next(&taken, 1, 0), FAR_MILLISECONDS);
}

fn wish(changes: Value) -> Wish {
    let mut item: record::Item = serde_json::from_value(json!({
        "destination_id": "youtube-main",
        "platform": "youtube",
        "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2",
        "stream_key_param": "/lunora-player/streaming/youtube-main",
        "preset_id": "1080p30",
    }))
    .unwrap();
    item.extend(serde_json::from_value::<record::Item>(changes).unwrap());
    record::read(&item, "/lunora-player/streaming")
}

fn row(rests_at: Option<&str>, waited: Option<Until>) -> Ledger {
    let made = |id: &str| {
        Some(Made {
            id: id.into(),
            at: at(-600),
            address: String::new(),
        })
    };
    Ledger {
        channel: made("1234567"),
        input: made("7654321"),
        rest: rests_at.map(|state| Rest {
            channel: Some(state.to_owned()),
            ..Rest::default()
        }),
        wait: waited.map(|until| Wait {
            token: "token".into(),
            until,
            since: at(-60),
            taken_at: None,
        }),
        ..Ledger::new("youtube-main")
    }
}

#[test]
fn each_lap_asks_for_what_it_is_about_to_call() {
    let (on, off) = (
        || Some(wish(json!({"desired_state": "streaming"}))),
        || Some(wish(json!({"desired_state": "ready"}))),
    );
    let warm = || Some(wish(json!({"keep_warm": true})));
    let refused = || {
        Some(wish(
            json!({"desired_state": "streaming", "rtmp_url": "ftp://x"}),
        ))
    };
    let new = || Ledger::new("youtube-main");
    let heard = |waited, state| Ledger {
        heard: Some(Heard::new("1234567", state, at(-1).as_second())),
        ..row(None, Some(waited))
    };
    let inputs_left = || Ledger {
        channel: None,
        ..row(None, None)
    };
    let graced = |until| Ledger {
        grace_until: Some(at(until)),
        ..row(Some("IDLE"), None)
    };
    let cases = [
        (
            "a new one is made",
            new(),
            on(),
            true,
            Need::of(3, 1, false),
        ),
        (
            "one that is to be kept",
            new(),
            warm(),
            true,
            Need::of(2, 1, false),
        ),
        (
            "one that wants nothing",
            new(),
            off(),
            true,
            Need::default(),
        ),
        (
            "one that is refused",
            new(),
            refused(),
            true,
            Need::default(),
        ),
        ("one that is gone", new(), None, true, Need::default()),
        (
            "what a removal left",
            inputs_left(),
            None,
            true,
            Need::of(3, 1, true),
        ),
        (
            "made, and heard",
            heard(Until::Idle, ChannelState::Idle),
            on(),
            false,
            Need::default(),
        ),
        (
            "made, not heard",
            row(None, Some(Until::Idle)),
            on(),
            false,
            Need::of(1, 0, false),
        ),
        (
            "made to be kept",
            row(None, Some(Until::Idle)),
            warm(),
            false,
            Need::of(1, 0, false),
        ),
        (
            "started, and heard",
            heard(Until::Running, ChannelState::Running),
            on(),
            false,
            Need::default(),
        ),
        (
            "started, not heard",
            row(None, Some(Until::Running)),
            on(),
            false,
            Need::of(1, 0, false),
        ),
        (
            "a warm one is started",
            row(Some("IDLE"), None),
            on(),
            true,
            Need::of(2, 0, false),
        ),
        (
            "on the air, looked after",
            row(Some("RUNNING"), None),
            on(),
            false,
            Need::of(1, 0, false),
        ),
        (
            "on the air, edited",
            row(Some("RUNNING"), None),
            on(),
            true,
            Need::of(2, 0, true),
        ),
        (
            "on the air, stopped",
            row(Some("RUNNING"), None),
            off(),
            true,
            Need::of(2, 0, true),
        ),
        (
            "on the air, removed",
            row(Some("RUNNING"), None),
            None,
            true,
            Need::of(2, 0, true),
        ),
        (
            "starting, stopped",
            row(None, Some(Until::Running)),
            off(),
            true,
            Need::of(2, 0, true),
        ),
        (
            "stopped, and kept",
            heard(Until::Stopped, ChannelState::Idle),
            off(),
            false,
            Need::default(),
        ),
        (
            "stopped, and heard, to be removed",
            heard(Until::Stopped, ChannelState::Idle),
            None,
            false,
            Need::of(5, 1, true),
        ),
        (
            "its grace lasts",
            graced(60),
            off(),
            false,
            Need::of(1, 0, false),
        ),
        (
            "its grace is over",
            graced(-1),
            off(),
            false,
            Need::of(6, 1, true),
        ),
        (
            "deleted",
            row(None, Some(Until::Deleted)),
            None,
            false,
            Need::default(),
        ),
    ];
    for (what, row, wish, edited, wanted) in cases {
        assert_eq!(need(at(0), &row, wish.as_ref(), edited), wanted, "{what}");
    }
}

#[test]
fn a_place_is_kept_until_its_time_and_for_the_same_wish_only() {
    let (on, off) = (
        wish(json!({"desired_state": "streaming"})),
        wish(json!({"desired_state": "ready"})),
    );
    let row = Ledger {
        place: Some(Place {
            at: at(60),
            since: at(0),
            desired: DesiredState::Streaming,
            owed: Need::of(2, 0, false),
        }),
        ..Ledger::new("youtube-main")
    };
    assert_eq!(turn(at(0), &row, Some(&on), true), Turn::Wait(at(60)));
    let owed = Turn::Take(Need::of(2, 0, false));
    assert_eq!(turn(at(59), &row, Some(&on), false), owed);
    assert_eq!(turn(at(3600), &row, Some(&on), false), owed);
    let ahead = Turn::Take(Need::of(3, 1, false));
    assert_eq!(
        turn(at(-120), &row, Some(&on), true),
        ahead,
        "taken by a clock that is ahead"
    );
    let nothing = Turn::Take(Need::default());
    assert_eq!(turn(at(0), &row, Some(&off), true), nothing);
    assert_eq!(turn(at(0), &row, None, true), nothing);
}
