//! Metrics on their way to CloudWatch: once a minute of simulated time, as MediaConnect sends its own.
//! They carry the time at which the local cloud takes them, because whoever asks it asks in real time.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::aws::Cloud;
use crate::core::Core;
use crate::core::metrics::{Counted, NAMESPACE, Point};
use crate::media::SourceStats;

const MINUTE_MS: u64 = 60_000;

/// Sends them, a minute's points at a time. A minute that does not get through is lost.
pub(super) async fn send_all(mut minutes: mpsc::UnboundedReceiver<Vec<Point>>, cloud: Cloud) {
    while let Some(points) = minutes.recv().await {
        let data: Vec<Value> = points.iter().map(datum).collect();
        if let Err(error) = cloud.put_metrics(NAMESPACE, &data).await {
            eprintln!("metrics lost: {error}");
        }
    }
}

fn datum(point: &Point) -> Value {
    json!({
        "MetricName": point.name,
        "Dimensions": [{"Name": "SourceARN", "Value": point.source_arn}],
        "Unit": point.unit,
        "Value": point.value,
    })
}

/// What was counted at a source at the last minute.
struct Before {
    at: Instant,
    stats: SourceStats,
}

/// When a minute is over, and what it brought.
#[derive(Default)]
pub(super) struct Minutes {
    last: u64,
    before: BTreeMap<String, Before>,
}

impl Minutes {
    /// The points of the minute that has just ended, if one has. `stats`: what a media plane has
    /// counted until now, by source, if there is one.
    #[allow(
        clippy::disallowed_methods,
        reason = "real video is counted in real time"
    )]
    pub fn over(
        &mut self,
        core: &Core,
        now_ms: u64,
        stats: impl FnOnce() -> Option<BTreeMap<String, SourceStats>>,
    ) -> Option<Vec<Point>> {
        let minute = now_ms / MINUTE_MS;
        let first = self.last == 0;
        if std::mem::replace(&mut self.last, minute) == minute || first {
            return None;
        }
        let points = match stats() {
            None => core.metrics(),
            Some(stats) => {
                let counted = self.count(Instant::now(), stats);
                core.metrics_with(|arn| Some(counted.get(arn).copied().unwrap_or_default()))
            }
        };
        (!points.is_empty()).then_some(points)
    }

    /// What each source received since the last minute.
    fn count(
        &mut self,
        now: Instant,
        stats: BTreeMap<String, SourceStats>,
    ) -> BTreeMap<String, Counted> {
        let counted = stats.iter().map(|(arn, stats)| {
            let counted = match self.before.get(arn) {
                Some(before) => since(before, now, stats),
                None => Counted {
                    bits_per_second: stats.bits_per_second as f64,
                    loss_percent: 0.0,
                },
            };
            (arn.clone(), counted)
        });
        let counted = counted.collect();
        let before = stats.into_iter();
        self.before = before
            .map(|(arn, stats)| (arn, Before { at: now, stats }))
            .collect();
        counted
    }
}

/// Packets are counted anew with each caller.
fn since(before: &Before, now: Instant, stats: &SourceStats) -> Counted {
    let seconds = now.duration_since(before.at).as_secs_f64().max(0.001);
    let bytes = stats.bytes.saturating_sub(before.stats.bytes);
    let more = |now: u64, then: u64| if now >= then { now - then } else { now } as f64;
    let came = more(stats.packets, before.stats.packets);
    let again = more(stats.packets_recovered, before.stats.packets_recovered);
    let never = more(stats.packets_lost, before.stats.packets_lost);
    let sent = came + never;
    Counted {
        bits_per_second: bytes as f64 * 8.0 / seconds,
        loss_percent: if sent > 0.0 {
            ((again + never) / sent * 100.0).min(100.0)
        } else {
            0.0
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn stats(bytes: u64, packets: u64, again: u64, never: u64) -> SourceStats {
        SourceStats {
            bytes,
            packets,
            packets_recovered: again,
            packets_lost: never,
            ..SourceStats::default()
        }
    }

    #[allow(clippy::disallowed_methods, reason = "any moment will do")]
    #[test]
    fn what_really_arrived_is_counted() {
        let at = Instant::now();
        let before = Before {
            at,
            stats: stats(1_000, 100, 1, 0),
        };
        for (now, bits_per_second, loss_percent) in [
            (stats(4_000_000 + 1_000, 190, 3, 10), 8_000_000.0, 12.0),
            (stats(1_000, 100, 1, 0), 0.0, 0.0),
            // Another caller: its packets are counted from the beginning.
            (stats(4_000_000 + 1_000, 50, 0, 0), 8_000_000.0, 0.0),
        ] {
            let counted = since(&before, at + Duration::from_secs(4), &now);
            let expected = Counted {
                bits_per_second,
                loss_percent,
            };
            assert_eq!(counted, expected, "{now:?}");
        }
    }

    #[test]
    fn a_minute_is_over_once_and_without_a_flow_there_is_nothing_to_say() {
        let core = Core::new(crate::core::Settings::default());
        let mut minutes = Minutes::default();
        assert_eq!(minutes.over(&core, 90_000, || None), None);
        assert_eq!(minutes.over(&core, 130_000, || None), None);
        assert_eq!(minutes.last, 2);
    }
}
