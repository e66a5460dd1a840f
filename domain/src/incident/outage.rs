//! What a channel's list of alerts says of one cause: when it began, whether it lasts.

use super::{Cause, QUIET_SECONDS};
use crate::ledger::{after, whole_seconds};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// An input's loss explains what is missed so much before it is told, seconds: MediaLive tells each thing
/// that is missing by itself, in any order.
const EXPLAINS_SECONDS: i64 = 10;

/// A connection that holds for less than this was none, seconds: a platform that does not know the key
/// closes it within a few.
const HELD_SECONDS: i64 = 10;

/// One alert as MediaLive's list has it. Not its message, which may name a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// MediaLive's `alert_type`.
    pub alert_type: String,
    /// When it was set.
    pub set_at: Timestamp,
    /// When it was cleared; absent while it lasts.
    pub cleared_at: Option<Timestamp>,
}

/// One outage by a channel's list of alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// When it began.
    pub since: Timestamp,
    /// When it ended; absent while it lasts.
    pub until: Option<Timestamp>,
    /// Since when it lasts without a break, while it does; a connection that did not hold is none.
    pub set_since: Option<Timestamp>,
    /// Since when this run of the channel has not been well, while it lasts: a platform that takes the
    /// stream and closes it again and again fails all the time, and never for long.
    pub failing_since: Option<Timestamp>,
    /// The alerts that say so.
    pub alert_types: Vec<String>,
}

/// A stretch in which something of a cause was set all the time.
#[derive(Clone, Debug, PartialEq)]
struct Stretch {
    from: Timestamp,
    to: Option<Timestamp>,
    alert_types: BTreeSet<String>,
}

/// The first outage of a cause in a channel's list of alerts that is not `accounted` for: it ended after
/// that time, or lasts.
///
/// What lasts less than the debounce is noise. What has a gap of less than the quiet time is one. An alert
/// from before the newest start that never was cleared says nothing of this run: ids are counted anew.
pub fn outage(
    cause: Cause,
    listed: &[Listed],
    run_since: Option<Timestamp>,
    accounted: Option<Timestamp>,
) -> Option<Outage> {
    let run_since = run_since.map(whole_seconds);
    let lost = match is_explainable(cause) {
        true => stretches(Cause::InputLoss, listed, run_since),
        false => Vec::new(),
    };
    let mut found: Option<Outage> = None;
    let mut first_of_run: Option<Timestamp> = None;
    let all = stretches(cause, listed, run_since);
    for stretch in all.clone() {
        let Some(stretch) = unexplained(stretch, &lost) else {
            continue;
        };
        let noise = is_noise(&stretch, &all, cause);
        let known = stretch
            .to
            .is_some_and(|to| accounted.is_some_and(|accounted| to <= accounted));
        if noise || known {
            continue;
        }
        let of_run = run_since.is_none_or(|since| stretch.from >= since);
        match &mut found {
            None => {
                first_of_run = of_run.then_some(stretch.from);
                found = Some(Outage {
                    since: stretch.from,
                    until: stretch.to,
                    set_since: stretch
                        .to
                        .is_none()
                        .then(|| row_from(&stretch, &all, cause)),
                    failing_since: None,
                    alert_types: stretch.alert_types.into_iter().collect(),
                });
            }
            Some(outage)
                if outage
                    .until
                    .is_some_and(|until| stretch.from < after(until, QUIET_SECONDS)) =>
            {
                first_of_run = first_of_run.or(of_run.then_some(stretch.from));
                outage.until = stretch.to;
                outage.set_since = stretch
                    .to
                    .is_none()
                    .then(|| row_from(&stretch, &all, cause));
                outage.alert_types = stretch.alert_types.into_iter().collect();
            }
            Some(_) => break,
        }
    }
    // A picture that comes and goes is not missing all the time, and counts against a limit of its own.
    let reconnects = cause == Cause::RtmpFailed;
    if let Some(outage) = found.as_mut().filter(|_| reconnects) {
        outage.failing_since = first_of_run.filter(|_| outage.set_since.is_some());
    }
    found
}

/// Whether a stretch was too short to be told: alone, or in a row that was. A platform that takes the
/// stream and closes it at once, as with a wrong key, fails for as long as the row lasts.
fn is_noise(stretch: &Stretch, all: &[Stretch], cause: Cause) -> bool {
    let Some(to) = stretch.to else {
        return false;
    };
    let (from, mut to) = (row_from(stretch, all, cause), to);
    if cause == Cause::RtmpFailed {
        for later in all.iter().filter(|one| one.from > stretch.from) {
            if later.from >= after(to, HELD_SECONDS) {
                break;
            }
            match later.to {
                Some(end) => to = end,
                None => return false,
            }
        }
    }
    to < after(from, cause.debounce_seconds())
}

/// When the row began that a stretch belongs to: connections that did not hold are no break.
fn row_from(stretch: &Stretch, all: &[Stretch], cause: Cause) -> Timestamp {
    let mut from = stretch.from;
    if cause == Cause::RtmpFailed {
        for earlier in all.iter().rev().filter(|one| one.from < stretch.from) {
            if earlier
                .to
                .is_none_or(|end| from >= after(end, HELD_SECONDS))
            {
                break;
            }
            from = earlier.from;
        }
    }
    from
}

/// Without a picture there is no sound either, and an output group without input may pause.
fn is_explainable(cause: Cause) -> bool {
    matches!(cause, Cause::BlackOrSilent | Cause::PipelineFailed)
}

/// What is left of a stretch when the input's loss is taken away, and what it needs to come back after it.
fn unexplained(stretch: Stretch, lost: &[Stretch]) -> Option<Stretch> {
    let mut left = stretch;
    for lost in lost {
        let from = after(lost.from, -EXPLAINS_SECONDS);
        let covers = from <= left.from && lost.to.is_none_or(|to| left.from <= to);
        if covers {
            left.from = lost.to?;
        }
    }
    left.to.is_none_or(|to| to > left.from).then_some(left)
}

/// The stretches of a cause, in order of time.
fn stretches(cause: Cause, listed: &[Listed], run_since: Option<Timestamp>) -> Vec<Stretch> {
    let mut alerts: Vec<&Listed> = listed
        .iter()
        .filter(|alert| Cause::of_alert(&alert.alert_type) == Some(cause))
        .filter(|alert| {
            alert.cleared_at.is_some() || run_since.is_none_or(|since| alert.set_at >= since)
        })
        .collect();
    alerts.sort_by_key(|alert| alert.set_at);
    let mut found: Vec<Stretch> = Vec::new();
    for alert in alerts {
        match found.last_mut() {
            Some(last) if last.to.is_none_or(|to| alert.set_at <= to) => {
                last.to = match (last.to, alert.cleared_at) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                };
                last.alert_types.insert(alert.alert_type.clone());
            }
            _ => found.push(Stretch {
                from: alert.set_at,
                to: alert.cleared_at,
                alert_types: BTreeSet::from([alert.alert_type.clone()]),
            }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn alert(alert_type: &str, set: i64, cleared: Option<i64>) -> Listed {
        Listed {
            alert_type: alert_type.into(),
            set_at: at(set),
            cleared_at: cleared.map(at),
        }
    }

    const RTMP: &str = "Failed RTMP Connection";

    fn found(
        cause: Cause,
        listed: &[Listed],
        accounted: Option<i64>,
    ) -> Option<(i64, Option<i64>)> {
        let second = |time: Timestamp| time.as_second() - at(0).as_second();
        outage(cause, listed, Some(at(0)), accounted.map(at))
            .map(|outage| (second(outage.since), outage.until.map(second)))
    }

    #[test]
    fn who_closes_again_and_again_fails_all_the_time_of_this_run() {
        let failing = |cause, listed: &[Listed]| {
            let outage = outage(cause, listed, Some(at(0)), None);
            let failing_since = outage.and_then(|outage| outage.failing_since);
            failing_since.map(|since| since.as_second() - at(0).as_second())
        };
        let rtmp = |listed: &[Listed]| failing(Cause::RtmpFailed, listed);
        let before = alert(RTMP, -20, Some(-2));
        let (one, two) = (alert(RTMP, 10, Some(25)), alert(RTMP, 26, None));
        assert_eq!(rtmp(&[one.clone(), two.clone()]), Some(10));
        assert_eq!(
            rtmp(&[before, one.clone(), two]),
            Some(10),
            "the run before says nothing of this one"
        );
        assert_eq!(
            rtmp(std::slice::from_ref(&one)),
            None,
            "it takes the stream now"
        );
        let set_since = |cause, from| {
            let last = [one.clone(), alert(RTMP, from, None)];
            let outage = outage(cause, &last, Some(at(0)), None).unwrap();
            outage.set_since.unwrap().as_second() - at(0).as_second()
        };
        assert_eq!(set_since(Cause::RtmpFailed, 34), 10, "it did not hold");
        assert_eq!(set_since(Cause::RtmpFailed, 35), 35, "it held in between");
        let black = "Black Video Detected";
        let flickers = [alert(black, 10, Some(45)), alert(black, 50, None)];
        assert_eq!(failing(Cause::BlackOrSilent, &flickers), None);
    }

    #[test]
    fn an_outage_is_what_lasts_and_ends_when_nothing_of_it_is_left() {
        let rtmp = |listed: &[Listed]| found(Cause::RtmpFailed, listed, None);
        let write = "Failed to Write to Output";
        assert_eq!(rtmp(&[]), None);
        assert_eq!(
            rtmp(&[alert(RTMP, 10, None)]),
            Some((10, None)),
            "young, but set"
        );
        assert_eq!(rtmp(&[alert(RTMP, 0, Some(9))]), None, "noise");
        assert_eq!(
            rtmp(&[alert(RTMP, 10, None), alert(write, 4, None)]),
            Some((4, None))
        );
        assert_eq!(
            rtmp(&[alert(RTMP, 10, Some(30)), alert(write, 4, Some(20))]),
            Some((4, Some(30))),
            "one after the other"
        );
        assert_eq!(
            rtmp(&[alert(RTMP, 0, Some(9)), alert(RTMP, 20, Some(40))]),
            Some((20, Some(40))),
            "noise before it"
        );
        assert_eq!(
            rtmp(&[alert(RTMP, 0, Some(20)), alert(RTMP, 70, None)]),
            Some((0, None)),
            "flapping"
        );
        assert_eq!(
            rtmp(&[alert(RTMP, 0, Some(20)), alert(RTMP, 81, None)]),
            Some((0, Some(20))),
            "quiet in between"
        );
        assert_eq!(
            rtmp(&[alert(RTMP, -5, None)]),
            None,
            "of a run before, never cleared"
        );
    }

    #[test]
    fn a_platform_that_closes_again_and_again_is_one_outage() {
        // Five seconds without a connection, three with one.
        let closes: Vec<Listed> = (0..6)
            .map(|time| alert(RTMP, time * 8, Some(time * 8 + 5)))
            .collect();
        let rtmp = |listed: &[Listed]| found(Cause::RtmpFailed, listed, None);
        assert_eq!(rtmp(&closes), Some((0, Some(45))));
        assert_eq!(rtmp(&closes[..2]), None, "twice within the debounce");
        assert_eq!(rtmp(&closes[2..3]), None, "once is noise");
        let apart = [closes[0].clone(), alert(RTMP, 20, Some(25))];
        assert_eq!(rtmp(&apart), None, "it held in between");
    }

    #[test]
    fn what_is_accounted_for_is_not_found_again() {
        let listed = [alert(RTMP, 0, Some(20)), alert(RTMP, 100, Some(140))];
        let rtmp = |accounted| found(Cause::RtmpFailed, &listed, accounted);
        assert_eq!(rtmp(None), Some((0, Some(20))));
        assert_eq!(rtmp(Some(20)), Some((100, Some(140))));
        assert_eq!(rtmp(Some(140)), None);
    }

    #[test]
    fn a_start_counts_from_its_whole_second() {
        // The list tells whole seconds, our own notes are finer.
        let started = Timestamp::from_millisecond(1_800_000_000_900).unwrap();
        let listed = [alert("Video Not Detected", 0, None)];
        assert!(outage(Cause::InputLoss, &listed, Some(started), None).is_some());
    }

    #[test]
    fn silence_without_a_picture_is_the_same_outage() {
        let mut listed = vec![
            alert("Audio Not Detected", 6, None),
            alert("Stopped Receiving UDP Input", 10, None),
            alert("Output Group is Paused", 11, None),
        ];
        assert_eq!(found(Cause::BlackOrSilent, &listed, None), None);
        assert_eq!(found(Cause::PipelineFailed, &listed, None), None);
        listed[1].cleared_at = Some(at(100));
        assert_eq!(
            found(Cause::BlackOrSilent, &listed, None),
            Some((100, None)),
            "still silent: it may last"
        );
        listed[0].cleared_at = Some(at(103));
        assert_eq!(found(Cause::BlackOrSilent, &listed, None), None);
        listed[0].cleared_at = Some(at(140));
        assert_eq!(
            found(Cause::BlackOrSilent, &listed, None),
            Some((100, Some(140)))
        );
        let alone = [alert("Audio Not Detected", 6, Some(60))];
        assert_eq!(
            found(Cause::BlackOrSilent, &alone, None),
            Some((6, Some(60)))
        );
    }
}
