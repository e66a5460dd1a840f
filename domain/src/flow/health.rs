//! How well a source is received: what CloudWatch measured, as numbers that an operator reads.
//!
//! Measured numbers never stand still, and a record that followed them would be written all the time
//! and say nothing. So they are written along when the record is written anyway, and are news of their
//! own only where somebody would act on them: nothing arrives, the bitrate or the round trip has
//! doubled or halved, the loss has crossed one of SRT's steps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Source, SourceStatus, View};
use crate::ledger::after;

/// Above each of these SRT needs one round trip more of latency to bring lost packets back, percent
/// (SRT Deployment Guide: RTT multiplier and packet loss rate).
const LOSS_STEPS: [f64; 4] = [1.0, 3.0, 7.0, 10.0];

/// Round trips below this are one as good as the other: with the latency of two seconds that the
/// README asks for, even ten of them fit.
const ROUND_TRIP_FLOOR_MS: u64 = 50;

/// Bitrates are rounded to this, bits per second. What is not zero stays above it.
const BITRATE_STEP: u64 = 10_000;

/// A measurement is of so long, from its time on, seconds.
const PERIOD_SECONDS: i64 = 60;

/// Older numbers say nothing of now. Longer than a record rests, which is ten minutes.
const STALE_SECONDS: i64 = 900;

/// While nothing else is to be written, numbers are asked for in one of so many minutes: CloudWatch
/// is paid by the metric.
const MEASURE_MINUTES: i64 = 3;

/// What CloudWatch has of one source, as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measurement {
    /// SourceBitRate, bits per second.
    pub bitrate: Option<f64>,
    /// SourcePacketLossPercent: lost on the way, brought back or not.
    pub packet_loss_percent: Option<f64>,
    /// SourceRoundTripTime, milliseconds.
    pub round_trip_ms: Option<f64>,
    /// The newest of the minutes these are from.
    pub at: Timestamp,
}

/// Measurements by the source's name.
pub type Measured = BTreeMap<String, Measurement>;

/// What is shown of it; empty where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// What arrives, bits per second, rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u64>,
    /// Packets lost on the way, also those that SRT brought back, with one decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_loss_percent: Option<f64>,
    /// From the encoder to AWS and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u64>,
    /// The minute they were measured in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Timestamp>,
}

impl Health {
    /// Rounds a measurement.
    pub fn of(measurement: &Measurement) -> Health {
        let sane = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
        let bitrate = sane(measurement.bitrate).map(|bits| match bits {
            0.0 => 0,
            bits => ((bits / BITRATE_STEP as f64).round() as u64).max(1) * BITRATE_STEP,
        });
        let packet_loss_percent =
            sane(measurement.packet_loss_percent).map(|loss| (loss * 10.0).round() / 10.0);
        let round_trip_ms = sane(measurement.round_trip_ms).map(|time| time.round() as u64);
        let known = bitrate.is_some() || packet_loss_percent.is_some() || round_trip_ms.is_some();
        Health {
            bitrate,
            packet_loss_percent,
            round_trip_ms,
            measured_at: known.then_some(measurement.at),
        }
    }

    /// The same while it is young enough, else nothing.
    pub(super) fn still(self, now: Timestamp) -> Health {
        let fresh = |at| now < after(at, STALE_SECONDS);
        if self.measured_at.is_some_and(fresh) {
            self
        } else {
            Health::default()
        }
    }

    /// Whether somebody would act on the difference.
    fn differs(&self, shown: &Health) -> bool {
        let moved = |now: Option<u64>, then: Option<u64>, floor: u64| match (now, then) {
            (Some(now), Some(then)) => now != then && now.max(then) >= 2 * now.min(then).max(floor),
            (now, then) => now != then,
        };
        let step = |loss: Option<f64>| {
            loss.map(|loss| LOSS_STEPS.iter().filter(|step| loss > **step).count())
        };
        moved(self.bitrate, shown.bitrate, 0)
            || moved(self.round_trip_ms, shown.round_trip_ms, ROUND_TRIP_FLOOR_MS)
            || step(self.packet_loss_percent) != step(shown.packet_loss_percent)
    }
}

impl Source {
    fn is_received(&self) -> bool {
        self.status == SourceStatus::Connected
    }
}

impl View {
    /// Puts in what was measured at the sources that are received, since they are.
    #[must_use]
    pub fn with_measured(mut self, measured: &Measured) -> View {
        for source in &mut self.sources {
            let measurement = measured.get(&source.name);
            let since = source.since;
            let meant =
                |it: &&Measurement| source.is_received() && after(it.at, PERIOD_SECONDS) > since;
            if let Some(measurement) = measurement.filter(meant) {
                source.health = Health::of(measurement);
            }
        }
        self
    }

    /// Whether anything is there to be measured.
    pub fn is_received(&self) -> bool {
        self.sources.iter().any(Source::is_received)
    }

    /// Whether numbers should be asked for though nothing else is to be written.
    pub fn wants_numbers(&self, shown_at: Timestamp, now: Timestamp) -> bool {
        let mut received = self.sources.iter().filter(|source| source.is_received());
        let missing = received.any(|source| source.health.still(now) == Health::default());
        self.is_received() && is_due(missing, shown_at, now)
    }

    /// Whether it says something new. Numbers count only where somebody would act on them.
    pub(super) fn differs(&self, before: &View) -> bool {
        let mut with_old_numbers = self.clone();
        let mut matters = false;
        for (source, shown) in with_old_numbers.sources.iter_mut().zip(&before.sources) {
            matters |= source.health.differs(&shown.health);
            source.health = shown.health;
        }
        matters || with_old_numbers != *before
    }
}

/// Whether it is time to ask again, while nothing else is to be written: always while numbers are
/// missing of a source that is received, else now and then since the record was written.
fn is_due(missing: bool, shown_at: Timestamp, now: Timestamp) -> bool {
    let minutes = now.as_second().saturating_sub(shown_at.as_second()) / 60;
    missing || minutes > 0 && minutes % MEASURE_MINUTES == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn measured(bitrate: f64, loss: f64, round_trip: f64) -> Health {
        Health::of(&Measurement {
            bitrate: Some(bitrate),
            packet_loss_percent: Some(loss),
            round_trip_ms: Some(round_trip),
            at: at(0),
        })
    }

    #[test]
    fn numbers_are_rounded_and_nothing_is_not_a_little() {
        for (bits, shown) in [
            (0.0, 0),
            (1.0, 10_000),
            (4_000.0, 10_000),
            (8_123_456.0, 8_120_000),
            (7_999_999.0, 8_000_000),
        ] {
            assert_eq!(measured(bits, 0.0, 0.0).bitrate, Some(shown), "{bits}");
        }
        for (loss, shown) in [(0.0, 0.0), (0.04, 0.0), (0.06, 0.1), (12.349, 12.3)] {
            let found = measured(0.0, loss, 0.0).packet_loss_percent;
            assert_eq!(found, Some(shown), "{loss}");
        }
        assert_eq!(measured(0.0, 0.0, 41.6).round_trip_ms, Some(42));
    }

    #[test]
    fn what_is_no_number_is_not_known() {
        let none = Measurement {
            bitrate: Some(f64::NAN),
            packet_loss_percent: Some(-1.0),
            round_trip_ms: None,
            at: at(0),
        };
        assert_eq!(Health::of(&none), Health::default());
    }

    #[test]
    fn only_what_somebody_would_act_on_is_news() {
        let shown = measured(8_000_000.0, 0.2, 40.0);
        for (bitrate, loss, round_trip, news) in [
            (8_000_000.0, 0.2, 40.0, false),
            (5_000_000.0, 0.9, 90.0, false),
            (15_000_000.0, 1.0, 1.0, false),
            (0.0, 0.2, 40.0, true),
            (4_000_000.0, 0.2, 40.0, true),
            (16_000_000.0, 0.2, 40.0, true),
            (8_000_000.0, 1.1, 40.0, true),
            (8_000_000.0, 0.2, 100.0, true),
        ] {
            let now = measured(bitrate, loss, round_trip);
            let case = format!("{bitrate} {loss} {round_trip}");
            assert_eq!(now.differs(&shown), news, "{case}");
            assert_eq!(shown.differs(&now), news, "{case}, the other way");
        }
        assert!(measured(8e6, 3.1, 40.0).differs(&measured(8e6, 2.9, 40.0)));
        assert!(!measured(0.0, 0.0, 0.0).differs(&measured(0.0, 0.0, 0.0)));
        assert!(shown.differs(&Health::default()) && Health::default().differs(&shown));
        assert!(!Health::default().differs(&Health::default()));
    }

    #[test]
    fn old_numbers_are_forgotten() {
        let shown = measured(8_000_000.0, 0.2, 40.0);
        assert_eq!(shown.still(at(899)), shown);
        assert_eq!(shown.still(at(900)), Health::default());
        assert_eq!(Health::default().still(at(0)), Health::default());
    }

    #[test]
    fn numbers_are_asked_for_in_one_minute_of_three() {
        let asked: Vec<i64> = (0..10)
            .filter(|minute| is_due(false, at(0), at(60 * minute + 20)))
            .collect();
        assert_eq!(asked, [3, 6, 9]);
        assert!(is_due(true, at(0), at(0)));
    }
}
