//! The rule by which the used source is told, and when the flow is told a preference.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn look(peers: &[(&str, bool)], priority: Option<&str>) -> FeedLook {
    FeedLook {
        sources: peers
            .iter()
            .map(|(name, has_peer)| SourceLook {
                name: (*name).to_owned(),
                has_peer: *has_peer,
                ..SourceLook::default()
            })
            .collect(),
        priority: priority.map(str::to_owned),
    }
}

fn heard(words: &[(&str, bool, i64)]) -> BTreeMap<String, Heard> {
    words
        .iter()
        .map(|(name, connected, seconds)| {
            let heard = Heard {
                connected: *connected,
                damaged: false,
                at: at(*seconds),
            };
            ((*name).to_owned(), heard)
        })
        .collect()
}

fn status(view: &View, name: &str) -> SourceStatus {
    view.sources
        .iter()
        .find(|source| source.name == name)
        .unwrap()
        .status
}

const BOTH: &[(&str, bool)] = &[("primary", true), ("backup", true)];

#[test]
fn a_source_with_priority_is_used_whenever_it_is_there() {
    let none = BTreeMap::new();
    let first = view(
        at(0),
        "ACTIVE",
        &look(BOTH, Some("primary")),
        &none,
        &View::default(),
    );
    assert_eq!(first.active_source.as_deref(), Some("primary"));
    // It drops; DescribeFlow still shows it for a while, the event does not.
    let dropped = heard(&[("primary", false, 10)]);
    let second = view(
        at(11),
        "ACTIVE",
        &look(BOTH, Some("primary")),
        &dropped,
        &first,
    );
    assert_eq!(second.active_source.as_deref(), Some("backup"));
    assert_eq!(second.active_since, Some(at(10)));
    assert_eq!(status(&second, "primary"), SourceStatus::Disconnected);
    let shown = second
        .clone()
        .with_problem(at(11), None, &first)
        .problem
        .unwrap();
    assert_eq!(
        (shown.problem.code.as_str(), shown.since),
        ("source_unhealthy", at(10))
    );
    // It is back: it takes over at once.
    let back = heard(&[("primary", true, 60)]);
    let third = view(
        at(61),
        "ACTIVE",
        &look(BOTH, Some("primary")),
        &back,
        &second,
    );
    assert_eq!(third.active_source.as_deref(), Some("primary"));
    assert_eq!(third.with_problem(at(61), None, &second).problem, None);
}

#[test]
fn equal_sources_stay_until_they_drop() {
    let both = look(BOTH, None);
    let mut shown = View {
        active_source: Some("backup".into()),
        flow_status: "ACTIVE".into(),
        ..View::default()
    };
    shown = view(at(0), "ACTIVE", &both, &BTreeMap::new(), &shown);
    assert_eq!(shown.active_source.as_deref(), Some("backup"));
    shown = view(
        at(5),
        "ACTIVE",
        &both,
        &heard(&[("backup", false, 4)]),
        &shown,
    );
    assert_eq!(shown.active_source.as_deref(), Some("primary"));
    shown = view(
        at(9),
        "ACTIVE",
        &both,
        &heard(&[("backup", true, 8)]),
        &shown,
    );
    assert_eq!(shown.active_source.as_deref(), Some("primary"));
}

#[test]
fn with_every_event_lost_a_look_tells_the_same_half_a_minute_later() {
    let both = look(BOTH, Some("primary"));
    let before = view(
        at(0),
        "ACTIVE",
        &both,
        &heard(&[("primary", true, 0)]),
        &View::default(),
    );
    let gone = look(&[("primary", false), ("backup", true)], Some("primary"));
    let early = view(
        at(29),
        "ACTIVE",
        &gone,
        &heard(&[("primary", true, 0)]),
        &before,
    );
    assert_eq!(status(&early, "primary"), SourceStatus::Connected);
    let later = view(
        at(31),
        "ACTIVE",
        &gone,
        &heard(&[("primary", true, 0)]),
        &before,
    );
    assert_eq!(status(&later, "primary"), SourceStatus::Disconnected);
    assert_eq!(later.active_source.as_deref(), Some("backup"));
}

#[test]
fn nobody_there_is_no_input_since_the_last_one_dropped() {
    let nobody = look(&[("primary", false), ("backup", false)], Some("primary"));
    let before = view(
        at(0),
        "ACTIVE",
        &look(BOTH, Some("primary")),
        &BTreeMap::new(),
        &View::default(),
    );
    let lost = heard(&[("backup", false, 100), ("primary", false, 40)]);
    let now = view(at(101), "ACTIVE", &nobody, &lost, &before);
    assert_eq!(
        (now.active_source.as_deref(), now.active_since),
        (None, None)
    );
    assert_eq!(now.no_input_since, Some(at(100)));
    let shown = now
        .clone()
        .with_problem(at(101), None, &before)
        .problem
        .unwrap();
    assert_eq!(shown.problem.code.as_str(), "no_input");
    let later = view(at(500), "ACTIVE", &nobody, &lost, &now);
    assert_eq!(later.no_input_since, now.no_input_since);
    let stopped = view(at(501), "STANDBY", &nobody, &lost, &later);
    assert_eq!(stopped.no_input_since, None);
    assert_eq!(status(&stopped, "primary"), SourceStatus::Off);
    assert_eq!(stopped.with_problem(at(501), None, &later).problem, None);
}

#[test]
fn a_backup_that_never_came_is_no_problem() {
    let one = look(&[("primary", true), ("backup", false)], Some("primary"));
    let before = View::default();
    let now = view(at(0), "ACTIVE", &one, &BTreeMap::new(), &before);
    assert_eq!(now.with_problem(at(0), None, &before).problem, None);
}

#[test]
fn the_flow_is_told_only_what_it_does_not_have_yet() {
    use Preference::{Auto, Backup, Primary};
    let both = |priority| look(BOTH, priority);
    for (wish, priority, turn) in [
        (None, Some("primary"), Turn::Leave),
        (Some(Primary), Some("primary"), Turn::Leave),
        (Some(Backup), Some("primary"), Turn::Prefer(Some("backup"))),
        (Some(Primary), Some("backup"), Turn::Prefer(Some("primary"))),
        (Some(Primary), None, Turn::Prefer(Some("primary"))),
        (Some(Auto), Some("backup"), Turn::Prefer(None)),
        (Some(Auto), None, Turn::Leave),
    ] {
        assert_eq!(
            decide(wish, &both(priority)),
            Ok(turn),
            "{wish:?} {priority:?}"
        );
    }
    let single = look(&[("primary", true)], Some("primary"));
    assert_eq!(decide(Some(Primary), &single), Ok(Turn::Leave));
    assert_eq!(decide(Some(Auto), &single), Ok(Turn::Leave));
    assert_eq!(
        decide(Some(Backup), &single).unwrap_err().code,
        Code::UnknownValue
    );
}

#[test]
fn a_slip_is_said_and_leaves_the_flow_alone() {
    let record = |value: Value| Item::from([(PREFERRED_SOURCE.to_owned(), value)]);
    assert_eq!(preference(&Item::new()), Ok(None));
    assert_eq!(preference(&record(json!(null))), Ok(None));
    assert_eq!(
        preference(&record(json!("auto"))),
        Ok(Some(Preference::Auto))
    );
    assert_eq!(
        preference(&record(json!("second"))).unwrap_err().code,
        Code::UnknownValue
    );
    assert_eq!(
        preference(&record(json!(2))).unwrap_err().code,
        Code::WrongType
    );
}

#[test]
fn a_record_is_written_when_it_has_news_or_is_old() {
    let one = look(&[("primary", true)], Some("primary"));
    let none = BTreeMap::new();
    let first = view(at(0), "ACTIVE", &one, &none, &View::default());
    assert!(first.is_news(&View::default(), None, at(0)));
    let same = view(at(30), "ACTIVE", &one, &none, &first);
    assert_eq!(same, first);
    assert!(!same.is_news(&first, Some(at(0)), at(599)));
    assert!(same.is_news(&first, Some(at(0)), at(600)));
    let down = view(at(61), "STANDBY", &one, &none, &same);
    assert!(down.is_news(&same, Some(at(60)), at(61)));
    let still = view(at(6000), "STANDBY", &one, &none, &down);
    assert!(!still.is_news(&down, Some(at(61)), at(6000)));
}

#[test]
fn numbers_are_written_along_and_make_news_only_where_they_matter() {
    let one = look(&[("primary", true)], Some("primary"));
    let none = BTreeMap::new();
    let measured = |bitrate: f64, loss: f64, second: i64| {
        let measurement = Measurement {
            bitrate: Some(bitrate),
            packet_loss_percent: Some(loss),
            round_trip_ms: Some(40.0),
            at: at(second),
        };
        Measured::from([("primary".to_owned(), measurement)])
    };
    let first = view(at(0), "ACTIVE", &one, &none, &View::default());
    assert!(first.wants_numbers(at(0), at(20)), "none are known");
    let shown = first.clone().with_measured(&measured(8e6, 0.1, 0));
    assert!(shown.is_news(&first, Some(at(0)), at(60)));
    assert_eq!(shown.sources[0].health.bitrate, Some(8_000_000));
    assert_eq!(shown.sources[0].health.measured_at, Some(at(0)));
    // A look that measures nothing keeps them.
    let same = view(at(120), "ACTIVE", &one, &none, &shown);
    assert_eq!(same, shown);
    assert!(!same.wants_numbers(at(60), at(120)) && same.wants_numbers(at(60), at(240)));
    for (bitrate, loss, news) in [(7.5e6, 0.8, false), (0.0, 0.0, true), (8e6, 1.2, true)] {
        let next = same.clone().with_measured(&measured(bitrate, loss, 180));
        assert_eq!(
            next.is_news(&shown, Some(at(60)), at(240)),
            news,
            "{bitrate} {loss}"
        );
        // Old as it is, it is written with whatever is known.
        assert!(next.is_news(&shown, Some(at(60)), at(660)));
        assert_eq!(next.sources[0].health.measured_at, Some(at(180)));
    }
    // CloudWatch has had nothing for a quarter of an hour.
    let stale = view(at(900), "ACTIVE", &one, &none, &shown);
    assert_eq!(stale.sources[0].health, Health::default());
    assert!(stale.is_news(&shown, Some(at(860)), at(900)));
}

#[test]
fn a_source_that_is_not_there_has_no_numbers() {
    let both = look(BOTH, None);
    let measurement = Measurement {
        bitrate: Some(5e6),
        at: at(0),
        ..Measurement::default()
    };
    let measured = Measured::from(["primary", "backup"].map(|name| (name.to_owned(), measurement)));
    let none = BTreeMap::new();
    let shown = view(at(0), "ACTIVE", &both, &none, &View::default()).with_measured(&measured);
    assert!(
        shown
            .sources
            .iter()
            .all(|source| source.health.bitrate.is_some())
    );
    let dropped = heard(&[("backup", false, 10)]);
    let next = view(at(11), "ACTIVE", &both, &dropped, &shown).with_measured(&measured);
    assert_eq!(next.sources[0].health, shown.sources[0].health);
    assert_eq!(next.sources[1].health, Health::default());
    // It is back a minute later: what was measured before says nothing of it.
    let back = heard(&[("backup", true, 70)]);
    let again = view(at(71), "ACTIVE", &both, &back, &next).with_measured(&measured);
    assert_eq!(again.sources[1].health, Health::default());
    assert!(again.wants_numbers(at(70), at(71)));
    let off = view(at(20), "STANDBY", &both, &none, &next).with_measured(&measured);
    assert!(
        off.sources
            .iter()
            .all(|source| source.health == Health::default())
    );
    assert!(!off.is_received() && !off.wants_numbers(at(0), at(180)));
}

#[test]
fn the_record_has_the_numbers_beside_the_status_and_leaves_out_what_is_not_known() {
    let one = look(&[("primary", true)], None);
    let measurement = Measurement {
        bitrate: Some(8e6),
        packet_loss_percent: Some(0.25),
        round_trip_ms: None,
        at: at(0),
    };
    let measured = Measured::from([("primary".to_owned(), measurement)]);
    let plain = view(at(0), "ACTIVE", &one, &BTreeMap::new(), &View::default());
    let told = json!(plain.sources[0]);
    assert!(told.get("bitrate").is_none() && told.get("measured_at").is_none());
    let shown = plain.with_measured(&measured);
    let told = json!(shown.sources[0]);
    assert_eq!(told["bitrate"], 8_000_000);
    assert_eq!(told["packet_loss_percent"], 0.3);
    assert_eq!(told["measured_at"], at(0).to_string());
    assert!(told.get("round_trip_ms").is_none());
    // What was remembered before there were numbers is read as well.
    let mut old = json!(shown);
    let source = old["sources"][0].as_object_mut().unwrap();
    source.retain(|name, _| ["name", "status", "since"].contains(&name.as_str()));
    let read: View = serde_json::from_value(old).unwrap();
    assert_eq!(read.sources[0].health, Health::default());
    assert_eq!(serde_json::from_value::<View>(json!(shown)).unwrap(), shown);
}

#[test]
fn damage_is_believed_for_an_hour() {
    let mut words = heard(&[("primary", true, 0)]);
    for word in words.values_mut() {
        word.damaged = true;
    }
    let is_damaged = |now| {
        let both = look(BOTH, None);
        let view = view(at(now), "ACTIVE", &both, &words, &View::default());
        view.sources.iter().any(|source| source.damaged)
    };
    assert!(is_damaged(3590));
    assert!(!is_damaged(3610), "the event that ends it may be lost");
}
