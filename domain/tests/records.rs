//! Records: good ones, and a table of bad ones that covers every code an operator can cause.

#[path = "tables/bad_records.rs"]
mod bad;

use std::collections::BTreeSet;

use bad::{refusals, remarks};
use domain::caps::Limits;
use domain::cost::Money;
use domain::problem::{Code, Origin, Problem};
use domain::record::{
    DesiredState, Item, OPERATOR_ATTRIBUTES, RESERVED_IDS, Wish, is_valid_id, operator_attributes,
    operator_fingerprint, read, secrets_in,
};
use serde_json::{Value, json};

const PREFIX: &str = "/lunora-player/streaming";

fn item(value: Value) -> Item {
    serde_json::from_value(value).unwrap()
}

fn good() -> Item {
    item(json!({
        "destination_id": "youtube-main",
        "name": "Main stage",
        "platform": "youtube",
        "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2",
        "stream_key_param": "/lunora-player/streaming/youtube-main",
        "preset_id": "1080p",
        "enabled": true,
        "desired_state": "streaming",
        "streaming_status": "ready",
        "input_id": "1234567"
    }))
}

fn with(changes: Value) -> Item {
    let mut record = good();
    for (name, value) in item(changes) {
        if value == json!("-absent-") {
            record.remove(&name);
        } else {
            record.insert(name, value);
        }
    }
    record
}

fn wish(changes: Value) -> Wish {
    read(&with(changes), PREFIX)
}

#[test]
fn a_good_record_is_read_whole() {
    let wish = read(&good(), PREFIX);
    assert_eq!(wish.desired, Ok(DesiredState::Streaming));
    assert!(wish.enabled && !wish.keep_warm);
    assert_eq!((wish.retry, wish.notices), (None, vec![]));
    let configuration = wish.configuration.unwrap();
    assert_eq!(configuration.platform, "youtube");
    assert_eq!(configuration.preset_id, "1080p30");
    assert_eq!(
        configuration.address.url(),
        "rtmps://a.rtmps.youtube.com:443/live2"
    );
    assert_eq!(configuration.output_type, "medialive");
    assert_eq!(configuration.channel_class, "SINGLE_PIPELINE");
    assert_eq!(configuration.flow_id, "main");
    assert_eq!(configuration.preset().unwrap().id, "1080p30");
    assert_eq!(
        configuration.settings().unwrap().fingerprint(),
        configuration.settings_fingerprint()
    );
    let json = serde_json::to_value(&configuration).unwrap();
    assert_eq!(
        serde_json::from_value::<domain::record::Configuration>(json).unwrap(),
        configuration
    );
}

#[test]
fn a_missing_attribute_equals_its_default() {
    let written = wish(
        json!({"output_type": "medialive", "channel_class": "SINGLE_PIPELINE", "flow_id": "main", "preset_id": "1080p30", "rtmp_url": "rtmps://A.RTMPS.youtube.com/live2/"}),
    );
    assert_eq!(written.configuration, read(&good(), PREFIX).configuration);
    let older = json!({"platform": "youtube", "address": {"scheme": "rtmps", "host": "a.rtmps.youtube.com", "port": 443, "application": "live2"},
        "stream_key_param": "/lunora-player/streaming/youtube-main", "preset_id": "1080p30"});
    let older: domain::record::Configuration = serde_json::from_value(older).unwrap();
    assert_eq!(Ok(older), written.configuration);
}

#[test]
fn a_preset_that_a_later_version_dropped_still_reads() {
    let mut configuration = read(&good(), PREFIX).configuration.unwrap();
    configuration.preset_id = "gone".into();
    assert_eq!(configuration.preset(), None);
    assert_eq!(configuration.settings(), None);
    assert_eq!(configuration.settings_fingerprint(), "no-preset-gone");
}

#[test]
fn on_off_or_gone() {
    use DesiredState::{Ready, Removed, Streaming};
    let cases: &[(Value, Result<DesiredState, Code>)] = &[
        (json!({}), Ok(Streaming)),
        (json!({"desired_state": "-absent-"}), Ok(Ready)),
        (json!({"desired_state": null}), Ok(Ready)),
        (json!({"desired_state": ""}), Ok(Ready)),
        (json!({"desired_state": "ready"}), Ok(Ready)),
        (json!({"desired_state": "removed"}), Ok(Removed)),
        (
            json!({"desired_state": "Streaming"}),
            Err(Code::UnknownDesiredState),
        ),
        (
            json!({"desired_state": "live"}),
            Err(Code::UnknownDesiredState),
        ),
        (json!({"desired_state": true}), Err(Code::WrongType)),
        (json!({"enabled": false}), Ok(Ready)),
        (json!({"enabled": "-absent-"}), Ok(Streaming)),
        (json!({"enabled": null}), Ok(Streaming)),
        (json!({"enabled": "true"}), Err(Code::WrongType)),
        // A slip elsewhere never holds back a stop or a removal.
        (
            json!({"enabled": false, "desired_state": "removed"}),
            Ok(Removed),
        ),
        (
            json!({"enabled": "no", "desired_state": "removed"}),
            Ok(Removed),
        ),
        (json!({"enabled": 0, "desired_state": "ready"}), Ok(Ready)),
        (
            json!({"platform": 7, "preset_id": "?", "desired_state": "removed"}),
            Ok(Removed),
        ),
        (
            json!({"rtmp_url": "nonsense", "desired_state": "ready"}),
            Ok(Ready),
        ),
    ];
    for (changes, expected) in cases {
        let found = wish(changes.clone())
            .desired
            .map_err(|problem| problem.code);
        assert_eq!(found, *expected, "{changes}");
    }
    let both = wish(json!({"enabled": false, "desired_state": "on"}));
    assert!(!both.enabled && both.desired.is_err());
    assert!(wish(json!({"enabled": "false"})).enabled);
    for state in [Streaming, Ready, Removed] {
        assert_eq!(serde_json::to_value(state).unwrap(), json!(state.as_str()));
    }
}

#[test]
fn retry_is_any_scalar_as_text() {
    for (value, expected) in [
        (json!("again"), Some("again")),
        (json!(7), Some("7")),
        (json!(1.5), Some("1.5")),
        (json!(true), Some("true")),
        (json!(""), None),
        (json!(null), None),
        (json!("-absent-"), None),
    ] {
        assert_eq!(wish(json!({"retry": value})).retry.as_deref(), expected);
    }
    let list = wish(json!({"retry": [1]}));
    assert_eq!((list.retry, list.notices[0].code), (None, Code::WrongType));
    assert!(list.configuration.is_ok());
}

#[test]
fn bad_records_are_refused_with_their_code() {
    for (changes, code) in refusals() {
        let wish = wish(changes.clone());
        match &wish.configuration {
            Ok(_) => panic!("{changes} was taken"),
            Err(problem) => assert_eq!(problem.code, code, "{changes}: {problem}"),
        }
        assert_eq!(wish.desired, Ok(DesiredState::Streaming), "{changes}");
        assert!(!format!("{wish:?}").contains("canary"), "{changes}");
    }
}

#[test]
fn slips_beside_the_point_are_said_and_refuse_nothing() {
    for (changes, code) in remarks() {
        let wish = wish(changes.clone());
        assert!(wish.configuration.is_ok(), "{changes}");
        assert_eq!(wish.desired, Ok(DesiredState::Streaming));
        assert_eq!(
            wish.notices.first().map(|p| p.code),
            Some(code),
            "{changes}"
        );
        assert!(!format!("{wish:?}").contains("canary"), "{changes}");
    }
}

/// What only the ledger can tell: two records are needed for it.
const NEEDS_MORE_THAN_A_RECORD: &[Code] = &[Code::DuplicateAddress];

#[test]
fn the_tables_cover_every_code_a_record_can_cause() {
    let tables = refusals().into_iter().chain(remarks());
    let mut seen: BTreeSet<Code> = tables.map(|(_, code)| code).collect();
    seen.insert(Code::UnknownDesiredState); // `on_off_or_gone`
    seen.extend(NEEDS_MORE_THAN_A_RECORD);
    for &code in Code::ALL {
        if code.origin() == Origin::Record {
            assert!(seen.contains(&code), "no bad record for {code}");
        }
    }
}

#[test]
fn a_backup_is_the_same_destination_at_another_address() {
    let backup = json!({"failover_enabled": true, "backup_rtmp_url": "rtmps://b.rtmps.youtube.com/live2?backup=1",
        "backup_stream_key_param": "/lunora-player/streaming/youtube-backup", "return_after_minutes": 45});
    let with_backup = wish(backup.clone());
    let (primary, second) = (
        with_backup.configuration.clone().unwrap(),
        with_backup.backup.unwrap().unwrap(),
    );
    assert_eq!(
        second.address.url(),
        "rtmps://b.rtmps.youtube.com:443/live2?backup=1"
    );
    assert_eq!(
        second.stream_key_param,
        "/lunora-player/streaming/youtube-backup"
    );
    assert_eq!(second.preset_id, primary.preset_id);
    assert_ne!(second.address_hash(), primary.address_hash());
    assert_eq!(with_backup.return_after_seconds, Some(45 * 60));
    assert_eq!(with_backup.notices, vec![]);
    let mut changes = backup.clone();
    changes["backup_stream_key_param"] = json!(null);
    let same_key = wish(changes).backup.unwrap().unwrap();
    assert_eq!(same_key.stream_key_param, primary.stream_key_param);
    let mut off = backup;
    off["failover_enabled"] = json!(false);
    assert_eq!(wish(off).backup, Ok(None));
}

#[test]
fn times_and_limits_are_read_as_people_write_them() {
    let watched = wish(
        json!({"start_at": "2026-12-31T20:00:00+01:00", "stop_at": "2026-12-31T23:30:00Z", "hold": true,
        "no_input_minutes_max": 12.5, "session_hours_max": "3", "budget_usd_per_day": 2.5, "budget_usd_per_month": "40"}),
    );
    assert_eq!(watched.times.start_at, "2026-12-31T19:00:00Z".parse().ok());
    assert_eq!(watched.times.stop_at, "2026-12-31T23:30:00Z".parse().ok());
    assert!(watched.hold);
    let limits = watched.limits;
    assert_eq!(limits.no_input_seconds, Some(750));
    assert_eq!(limits.session_seconds, Some(3 * 3600));
    assert_eq!(limits.usd_per_day, Some(Money(2_500_000)));
    assert_eq!(limits.usd_per_month, Some(Money(40_000_000)));
    assert_eq!(
        (watched.notices, watched.desired),
        (vec![], Ok(DesiredState::Streaming))
    );
    let plain = read(&good(), PREFIX);
    assert!(plain.times.is_empty() && !plain.hold);
    assert_eq!(plain.limits, Limits::default());
}

#[test]
fn a_start_that_cannot_be_read_starts_nothing_and_stops_nothing() {
    for changes in [
        json!({"start_at": "31.12.2026 20:00"}),
        json!({"start_at": "2026-12-31T20:00:00Z", "stop_at": "2026-12-31T21:00:00+01:00"}),
    ] {
        let spoiled = wish(changes.clone());
        let code = spoiled.desired.map_err(|problem| problem.code);
        assert_eq!(code, Err(Code::MalformedTime), "{changes}");
        assert!(spoiled.configuration.is_ok() && spoiled.times.is_empty());
        let mut ready = changes;
        ready["desired_state"] = json!("ready");
        assert_eq!(wish(ready.clone()).desired, Ok(DesiredState::Ready));
        assert_eq!(wish(ready).notices[0].code, Code::MalformedTime);
    }
}

#[test]
fn the_first_problem_is_the_one_an_operator_meets_first() {
    let all_wrong = wish(
        json!({"platform": "myspace", "rtmp_url": "x", "stream_key_param": "x", "preset_id": "x"}),
    );
    assert_eq!(
        all_wrong.configuration.unwrap_err().code,
        Code::UnknownPlatform
    );
    let rest = wish(json!({"rtmp_url": "x", "stream_key_param": "x", "preset_id": "x"}));
    assert_eq!(rest.configuration.unwrap_err().code, Code::MalformedUrl);
    let empty = read(&Item::new(), PREFIX);
    assert_eq!(empty.desired, Ok(DesiredState::Ready));
    assert_eq!(empty.configuration.unwrap_err().code, Code::MissingPlatform);
}

#[test]
fn the_prefix_may_end_in_a_slash() {
    assert!(
        read(&good(), "/lunora-player/streaming/")
            .configuration
            .is_ok()
    );
    let problem: Problem = read(&good(), "/other").configuration.unwrap_err();
    assert!(problem.message.contains("/other/"), "{problem}");
}

#[test]
fn ids() {
    for id in [
        "a",
        "0",
        "youtube-main",
        "a_b-c",
        &"a".repeat(39),
        "statuses",
    ] {
        assert!(is_valid_id(id), "{id}");
    }
    for id in [
        "",
        "-a",
        "_a",
        "A",
        "a b",
        "a.b",
        "a/b",
        "\u{e9}",
        "status",
        "a\n",
        &"a".repeat(40),
    ] {
        assert!(!is_valid_id(id), "{id:?}");
    }
    for id in RESERVED_IDS {
        let item = Item::from([("destination_id".to_owned(), json!(id))]);
        let problem = read(&item, PREFIX).configuration.unwrap_err();
        assert_eq!(problem.code, Code::InvalidId);
        for word in RESERVED_IDS {
            assert!(problem.message.contains(word), "{word}: {problem}");
        }
    }
}

#[test]
fn keys_in_a_record_are_found_by_name_and_never_in_free_text() {
    let long = "canary-0123456789-abcdef";
    let cases: &[(Value, &[&str])] = &[
        (json!({"stream_key": "x"}), &["stream_key"]),
        (
            json!({"streamKey": "x", "StreamKey": "y"}),
            &["StreamKey", "streamKey"],
        ),
        (json!({"stream-key": 12345}), &["stream-key"]),
        (
            json!({"backup_stream_key": "x", "rtmp_key": "y"}),
            &["backup_stream_key", "rtmp_key"],
        ),
        (json!({"youtube_stream_key": "x"}), &["youtube_stream_key"]),
        (json!({"stream_key": {"S": "x"}}), &["stream_key"]),
        (json!({"stream_key": "", "streamkey": null}), &[]),
        (
            json!({"key": long, "stream_name": long}),
            &["key", "stream_name"],
        ),
        (
            json!({"key": "sort-7", "stream_name": "The Sunday service of 2026-11-22"}),
            &[],
        ),
        (
            json!({"stream_key_param": "/lunora-player/streaming/canary-0123456789"}),
            &[],
        ),
        (
            json!({"stream_key_param": "live_123456789_canary"}),
            &["stream_key_param"],
        ),
        (json!({"notes": long, "name": long, "keynote": long}), &[]),
    ];
    for (record, expected) in cases {
        assert_eq!(secrets_in(&item(record.clone())), *expected, "{record}");
    }
}

#[test]
fn only_the_operators_attributes_make_a_wish() {
    let mine = operator_attributes(&good());
    assert!(
        mine.keys()
            .all(|name| OPERATOR_ATTRIBUTES.contains(&name.as_str()))
    );
    assert_eq!(mine.len(), 7);
    let mirrored =
        with(json!({"streaming_status": "streaming", "channel_id": "7654321", "own": 1}));
    assert_eq!(
        operator_fingerprint(&mirrored),
        operator_fingerprint(&good())
    );
    let edited = with(json!({"retry": 1}));
    assert_ne!(operator_fingerprint(&edited), operator_fingerprint(&good()));
}

#[test]
fn a_wish_survives_json() {
    for (changes, _) in refusals().into_iter().chain(remarks()) {
        let wish = wish(changes);
        let json = serde_json::to_string(&wish).unwrap();
        assert_eq!(serde_json::from_str::<Wish>(&json).unwrap(), wish);
    }
}
