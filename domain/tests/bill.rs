//! The bill, worked out by hand, and the price tags that must agree with it.

use domain::cost::{
    AtRest, BillError, Encode, Kind, Lifecycle, Money, Period, UNITS, at_rest, bill, hourly,
    lifecycle, output_price, unit,
};
use domain::encoder::InputClass;
use domain::preset;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn period(kind: Kind, seconds: i64, millis: i64) -> Period {
    let from: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    Period {
        resource: "channel 1234567".into(),
        destination: Some("youtube-main".into()),
        kind,
        from,
        to: from + SignedDuration::from_millis(seconds * 1000 + millis),
    }
}

fn running(preset: &str) -> Kind {
    Kind::Running {
        encode: Encode::Preset {
            preset: preset.into(),
        },
        feed_bitrate: 10_000_000,
    }
}

fn total(kind: Kind, seconds: i64, millis: i64) -> u64 {
    bill(&[period(kind, seconds, millis)]).unwrap().total_usd.0
}

#[test]
fn periods_are_billed_by_the_rules() {
    let cases = [
        // A run: input 0.1404 and output 0.4212 per hour, ten minutes at least, then by the minute.
        (running("1080p30"), 0, 0, 23_400 + 70_200),
        (running("1080p30"), 1, 0, 23_400 + 70_200),
        (running("1080p30"), 600, 0, 23_400 + 70_200),
        (running("1080p30"), 600, 1, 25_740 + 77_220),
        (running("1080p30"), 660, 0, 25_740 + 77_220),
        (running("1080p30"), 3600, 0, 140_400 + 421_200),
        // SD and 60 frames per second have prices of their own.
        (running("360p30"), 3600, 0, 140_400 + 212_400),
        (running("1080p60"), 3600, 0, 140_400 + 631_800),
        // Idle has no minimum: 0.01 per hour, 166.67 micro-dollars a minute.
        (Kind::IdleChannel, 0, 0, 0),
        (Kind::IdleChannel, 0, 1, 167),
        (Kind::IdleInput, 60, 0, 167),
        (Kind::IdleInput, 61, 0, 333),
        (Kind::IdleChannel, 3600, 0, 10_000),
        // The flow: 0.16 per hour.
        (Kind::Flow, 59, 999, 2_667),
        (Kind::Flow, 3600, 0, 160_000),
        // Egress: 0.09 per GB.
        (Kind::Egress { bytes: 0 }, 60, 0, 0),
        (
            Kind::Egress {
                bytes: 1_000_000_000,
            },
            60,
            0,
            90_000,
        ),
        (Kind::Egress { bytes: 5_555 }, 60, 0, 0),
        (Kind::Egress { bytes: 5_556 }, 60, 0, 1),
    ];
    for (kind, seconds, millis, expected) in cases {
        let found = total(kind.clone(), seconds, millis);
        assert_eq!(found, expected, "{kind:?} for {seconds}.{millis:03} s");
    }
}

#[test]
fn a_bill_sums_by_line_and_by_destination() {
    let mut flow = period(Kind::Flow, 90, 0);
    flow.destination = None;
    let mut other = period(Kind::IdleInput, 30, 0);
    other.destination = Some("twitch-main".into());
    let made = bill(&[period(running("720p30"), 700, 0), flow, other]).unwrap();
    let kinds: Vec<&str> = made.lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["channel_input", "channel_output", "flow", "idle_input"]
    );
    let minutes: Vec<u64> = made.lines.iter().map(|line| line.minutes).collect();
    assert_eq!(minutes, [12, 12, 2, 1]);
    let sum: Money = made.lines.iter().map(|line| line.usd).sum();
    assert_eq!(made.total_usd, sum);
    assert_eq!(made.by_destination.values().copied().sum::<Money>(), sum);
    assert_eq!(made.by_destination["-"], Money(5_333));
    assert_eq!(made.by_destination["twitch-main"], Money(167));
    let json = serde_json::to_value(&made).unwrap();
    assert_eq!(json["lines"][0]["rate_usd_per_hour"], "0.140400");
    assert_eq!(
        serde_json::from_value::<domain::cost::Bill>(json).unwrap(),
        made
    );
}

#[test]
fn two_runs_are_two_starts_however_close() {
    let one = period(running("1080p30"), 60, 0);
    let two = bill(&[one.clone(), one]).unwrap();
    assert_eq!(two.total_usd, Money(2 * 93_600));
}

#[test]
fn no_bill_is_made_up() {
    let mut backwards = period(Kind::Flow, 0, 0);
    backwards.to = backwards.from - SignedDuration::from_nanos(1);
    assert!(matches!(bill(&[backwards]), Err(BillError::Backwards(_))));
    let unknown = bill(&[period(running("4k"), 60, 0)]);
    assert!(matches!(unknown, Err(BillError::NoPrice(_))));
    let huge = Kind::Running {
        encode: Encode::Picture {
            height: 2160,
            fps: 30,
            bitrate: 15_000_000,
        },
        feed_bitrate: 10_000_000,
    };
    assert!(matches!(
        bill(&[period(huge, 60, 0)]),
        Err(BillError::NoPrice(_))
    ));
}

#[test]
fn periods_read_as_the_tool_documents_them() {
    let read = |value| serde_json::from_value::<Period>(value);
    let base = |kind: &str| json!({"kind": kind, "resource": "r", "from": "2026-11-21T10:00:00Z", "to": "2026-11-21T10:30:00.5Z"});
    let mut by_name = base("running");
    by_name["preset"] = json!("1080p");
    let mut by_numbers = base("running");
    for (name, value) in [
        ("height", 1080),
        ("fps", 30),
        ("bitrate", 6_000_000),
        ("feed_bitrate", 10_000_000),
    ] {
        by_numbers[name] = json!(value);
    }
    let by_name = bill(&[read(by_name).unwrap()]).unwrap();
    let by_numbers = bill(&[read(by_numbers).unwrap()]).unwrap();
    assert_eq!(by_name, by_numbers);
    assert_eq!(by_name.lines[0].minutes, 31);
    for kind in ["idle_channel", "idle_input", "flow"] {
        assert!(read(base(kind)).is_ok(), "{kind}");
    }
    let mut egress = base("egress");
    assert!(read(egress.clone()).is_err());
    egress["bytes"] = json!(7);
    let egress = read(egress).unwrap();
    let again = serde_json::to_value(&egress).unwrap();
    assert_eq!(read(again).unwrap(), egress);
    assert!(read(base("running")).is_err());
    assert!(read(base("holiday")).is_err());
}

#[test]
fn the_price_tag_agrees_with_the_bill() {
    for preset in preset::ALL {
        let tag = hourly(preset, InputClass::Max10).unwrap();
        assert_eq!(
            tag.running_usd.0,
            total(running(preset.id), 3600, 0),
            "{}",
            preset.id
        );
        assert_eq!(tag.minimum_per_start_usd.0, total(running(preset.id), 1, 0));
        assert_eq!(tag.placeholder, preset.fps() > 30, "{}", preset.id);
        assert_eq!(tag.idle_usd, Money(20_000));
    }
    let hd = hourly(preset::find("1080p30").unwrap(), InputClass::Max10).unwrap();
    assert_eq!(hd.running_usd.to_string(), "0.561600");
    assert_eq!(hd.minimum_per_start_usd.to_string(), "0.093600");
    assert_eq!(hd.egress_usd.to_string(), "0.248184");
    assert_eq!(hd.flow_usd.to_string(), "0.160000");
    let fast_feed = hourly(preset::find("1080p30").unwrap(), InputClass::Max20).unwrap();
    assert_eq!(fast_feed.input_usd, Money(176_400));
}

#[test]
fn output_classes_have_their_borders_where_medialive_has_them() {
    let micros = |height, fps, bitrate| output_price(height, fps, bitrate).map(|p| p.per_hour.0);
    assert_eq!(micros(576, 30, 1_000_000), Some(212_400));
    assert_eq!(micros(720, 30, 1_000_000), Some(421_200));
    assert_eq!(micros(1080, 30, 10_000_000), Some(421_200));
    assert_eq!(micros(1080, 30, 10_000_001), Some(526_500));
    assert_eq!(micros(1080, 31, 6_000_000), Some(631_800));
    assert_eq!(micros(1080, 60, 12_000_000), Some(789_750));
    for (height, fps, bitrate) in [(1081, 30, 1), (720, 61, 1), (720, 30, 20_000_001)] {
        assert_eq!(micros(height, fps, bitrate), None);
    }
}

fn sum(lines: &[domain::cost::ControlPlaneLine]) -> Money {
    lines.iter().map(|line| line.usd).sum()
}

/// Most of it is alarms and the secret. After AWS's free units all of it is a dollar.
#[test]
fn the_control_plane_at_rest() {
    let month = at_rest(&AtRest::default());
    let of = |item: &str| month.iter().find(|line| line.item == item).unwrap();
    assert_eq!(of("lambda_requests").quantity, 43_800);
    assert_eq!(of("lambda_requests").usd, Money(8_760));
    assert_eq!(of("lambda_requests").usd_after_free_units, Money(0));
    assert_eq!(of("secrets").usd, Money(400_000));
    assert_eq!(of("alarm_metrics").usd, Money(1_600_000));
    assert_eq!(of("alarm_metrics").usd_after_free_units, Money(600_000));
    let after_free_units: Money = month.iter().map(|line| line.usd_after_free_units).sum();
    assert!(after_free_units < Money(1_050_000), "{after_free_units}");
    let watched = ["alarm_metrics", "custom_metrics", "secrets"];
    let working: Money = month
        .iter()
        .filter(|line| !watched.contains(&line.item))
        .map(|line| line.usd)
        .sum();
    assert!(working < Money(300_000), "{working}");
    let bare = AtRest {
        alarm_metrics: 0,
        custom_metrics: 0,
        ..AtRest::default()
    };
    assert!(sum(&at_rest(&bare)) < Money(1_000_000));
}

#[test]
fn a_life_costs_less_than_a_hundredth_of_the_cheapest_start() {
    // A lane loop of 45 transitions and 25 invocations of 20 ms.
    let life = lifecycle(&Lifecycle {
        transitions: 45,
        invocations: 25,
        function_ms: 500,
        function_mb: 128,
        half_reads: 100,
        writes: 60,
        log_bytes: 12_500,
    });
    assert_eq!(life[0].usd, Money(1_125));
    assert!(sum(&life) < Money(2_000), "{}", sum(&life));
}

#[test]
fn every_price_says_where_it_is_from() {
    for row in UNITS {
        assert!(!row.source.is_empty() && row.per > 0, "{}", row.id);
        assert_eq!(unit(row.id), Some(row));
    }
    for (_, price) in domain::cost::INPUTS {
        assert_eq!(price.placeholder, price.source.starts_with("guess"));
    }
    for (_, price) in domain::cost::OUTPUTS {
        assert_eq!(price.placeholder, price.source.starts_with("guess"));
    }
}
