//! What MediaConnect publishes to CloudWatch of each source of a running flow (MediaConnect user
//! guide: metrics to monitor flow source health): bits per second, percent lost on the way whether
//! brought back or not, and the round trip in milliseconds, which is known of SRT with a caller only.
//! The guide says that data points are sent every second; here one minute is one point. It does not
//! say what is sent of a source without a caller: here a bitrate of zero.
//!
//! Of the dimensions that the guide lists only the source's ARN is published, and of the metrics
//! these three.

use serde_json::Value;

use super::Core;
use super::control::Told;
use super::source::Source;

/// Namespace of these metrics.
pub const NAMESPACE: &str = "AWS/MediaConnect";

/// One data point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The metric.
    pub name: &'static str,
    /// Whose it is.
    pub source_arn: String,
    /// CloudWatch's name of the unit.
    pub unit: &'static str,
    /// The number.
    pub value: f64,
}

/// How good the line of a source is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quality {
    pub loss_percent: f64,
    pub round_trip_ms: f64,
}

impl Default for Quality {
    /// A good line to a Region a few hundred kilometres away.
    fn default() -> Self {
        Self {
            loss_percent: 0.0,
            round_trip_ms: 40.0,
        }
    }
}

/// What a media plane counted at a source since the last point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// Bits per second of real time.
    pub bits_per_second: f64,
    /// Packets lost, whether they were sent again or not.
    pub loss_percent: f64,
}

impl Core {
    /// The points of this moment, as they are without a media plane.
    #[must_use]
    pub fn metrics(&self) -> Vec<Point> {
        self.metrics_with(|_| None)
    }

    /// The same with what a media plane counted. It measures no round trip: the crate that receives
    /// SRT keeps it to itself.
    pub fn metrics_with(&self, counted: impl Fn(&str) -> Option<Counted>) -> Vec<Point> {
        let mut points = Vec::new();
        for flow in self.flows.values().filter(|flow| flow.carries()) {
            for source in &flow.sources {
                self.points_of(source, counted(&source.arn), &mut points);
            }
        }
        points
    }

    fn points_of(&self, source: &Source, counted: Option<Counted>, points: &mut Vec<Point>) {
        let nominal = self.options.feed_bits_per_second as f64;
        let seen = counted.unwrap_or(Counted {
            bits_per_second: if source.sending { nominal } else { 0.0 },
            loss_percent: 0.0,
        });
        let mut point = |name, unit, value| {
            points.push(Point {
                name,
                source_arn: source.arn.clone(),
                unit,
                value,
            });
        };
        point("SourceBitRate", "Bits/Second", seen.bits_per_second);
        if source.connected {
            let loss = seen.loss_percent.max(source.quality.loss_percent);
            point("SourcePacketLossPercent", "Percent", loss);
            if source.text("protocol").starts_with("srt") {
                let round_trip = source.quality.round_trip_ms;
                point("SourceRoundTripTime", "Milliseconds", round_trip);
            }
        }
    }

    /// By hand: the line of a source gets worse, or better. What is not named is as it was at first.
    pub(super) fn set_quality(&mut self, arn: &str, body: &Value) -> Told {
        let usual = Quality::default();
        let number = |member: &str, usual: f64, most: f64| match &body[member] {
            Value::Null => Ok(usual),
            value => value
                .as_f64()
                .filter(|number| (0.0..=most).contains(number))
                .ok_or_else(|| format!("{member} must be a number from 0 to {most}")),
        };
        let quality = Quality {
            loss_percent: number("loss_percent", usual.loss_percent, 100.0)?,
            round_trip_ms: number("round_trip_ms", usual.round_trip_ms, 60_000.0)?,
        };
        let mut all = self.flows.values_mut().flat_map(|flow| &mut flow.sources);
        let source = all.find(|source| source.arn == arn);
        let source = source.ok_or_else(|| format!("{arn} is no source"))?;
        source.quality = quality;
        Ok(serde_json::json!({}))
    }
}
