//! Times on a record: `start_at` and `stop_at` as acts of the operator that happen later.
//!
//! A time is an edge, not a level. Reaching `start_at` is as if the operator turned the destination
//! on at that moment, reaching `stop_at` as if it was turned off. So moving or removing a time
//! changes what will happen and never what is on the air, and a newer edit by hand wins over what
//! the schedule did before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ledger::after,
    record::{DesiredState, Wish},
};

/// How long before `start_at` the channel is started, so that it is RUNNING at the time. Most
/// channels take up to three minutes (MediaLive user guide: starting and stopping a channel); a
/// flow that has to come up first takes up to one, and making input and channel half a minute.
pub const PREWARM_SECONDS: i64 = 300;
/// A start that was missed is made up for this long when no `stop_at` bounds the show.
const LATE_SECONDS_MAX: i64 = 3600;

/// The times as the record has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// When it is to be on the air.
    pub start_at: Option<Timestamp>,
    /// When it is to be off again.
    pub stop_at: Option<Timestamp>,
}

impl Times {
    /// Whether the record has a schedule at all.
    pub fn is_empty(&self) -> bool {
        self.start_at.is_none() && self.stop_at.is_none()
    }
}

/// What the schedule did so far: kept in the ledger, so that each time is acted on once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// The `start_at` that was acted on, or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_for: Option<Timestamp>,
    /// The `stop_at` that was acted on, or was already past when it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_for: Option<Timestamp>,
    /// The `stop_at` that was seen before it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_ahead: Option<Timestamp>,
    /// The `start_at` that was seen before it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_ahead: Option<Timestamp>,
    /// What the schedule turned the destination to, until an edit by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned: Option<bool>,
    /// What the record said then: another value since is an edit by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_then: Option<DesiredState>,
    /// Whether it was to stream when it was looked at last.
    pub was_on: bool,
    /// A time that passed without being acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
}

impl Mark {
    fn rest_until_new(&mut self, start_at: Option<Timestamp>) {
        if self.start_ahead != start_at && self.started_for != start_at {
            (self.turned, self.desired_then, self.was_on) = (None, None, false);
        }
    }
}

/// A time that could not be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edge", content = "at", rename_all = "snake_case")]
pub enum Missed {
    /// The show would have been over, or more than an hour late.
    Start(Timestamp),
    /// It was already past when it was written.
    Stop(Timestamp),
}

/// What the schedule makes of a wish.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// On, off or gone, all things considered.
    pub desired: DesiredState,
    /// To be kept.
    pub mark: Mark,
    /// When to look again.
    pub next: Option<Timestamp>,
}

/// Applies the times to what the record wants now. `desired` already counts `enabled`, which stops
/// a destination whatever its times say; `enabled` says that it was not that which made it ready.
pub fn turn(
    now: Timestamp,
    desired: DesiredState,
    enabled: bool,
    times: &Times,
    mark: &Mark,
) -> Turn {
    let mut mark = mark.clone();
    if mark.desired_then.is_some_and(|then| then != desired) || !enabled {
        // By hand, and later: what the schedule did before no longer counts.
        mark.turned = None;
        mark.desired_then = None;
    }
    if mark.missed.is_some_and(|missed| !still_says(times, missed)) {
        mark.missed = None;
    }
    reach_stop(now, desired, times, &mut mark);
    reach_start(now, desired, enabled, times, &mut mark);
    let waits = times.start_at.is_some_and(|at| {
        // A wish to stream beside a time to come means that time, but not for what streams already.
        now < begins(times, at) && mark.started_for != Some(at) && !mark.was_on
    });
    mark.start_ahead = times.start_at.filter(|at| now < begins(times, *at));
    let effective = match (desired, mark.turned) {
        (DesiredState::Removed, _) => DesiredState::Removed,
        _ if !enabled => DesiredState::Ready,
        (_, Some(true)) => DesiredState::Streaming,
        (_, Some(false)) => DesiredState::Ready,
        (DesiredState::Streaming, None) if waits => DesiredState::Ready,
        (desired, None) => desired,
    };
    mark.was_on = effective == DesiredState::Streaming;
    let start = times.start_at.map(|at| begins(times, at));
    let start = start.filter(|at| enabled && *at > now);
    let stop = times.stop_at.filter(|at| *at > now);
    let next = if desired == DesiredState::Removed {
        None
    } else {
        start.into_iter().chain(stop).min()
    };
    Turn {
        desired: effective,
        mark,
        next,
    }
}

/// Applies a record's times to what it says; `None` when there is no schedule and none in memory.
/// `earlier` is what was wanted, all things considered, at the look before. `freed`: a limit had ended it,
/// and an edit has just let that go.
pub fn of_record(
    now: Timestamp,
    wish: &Wish,
    known: Option<&Mark>,
    earlier: Option<DesiredState>,
    freed: bool,
) -> Option<Turn> {
    if wish.times.is_empty() && known.is_none() {
        return None;
    }
    let mut mark = known.cloned().unwrap_or_else(|| Mark {
        was_on: earlier == Some(DesiredState::Streaming),
        ..Mark::default()
    });
    if freed && wish.times.start_at.is_some_and(|at| at > now) {
        // What a limit ended streams no more: a time to come that is new is waited for.
        mark.rest_until_new(wish.times.start_at);
    }
    let said = match &wish.desired {
        Ok(desired) => *desired,
        // Words that cannot be read are no edit by hand.
        Err(_) if wish.enabled => mark.desired_then.or(earlier).unwrap_or(DesiredState::Ready),
        Err(_) => DesiredState::Ready,
    };
    Some(turn(now, said, wish.enabled, &wish.times, &mark))
}

/// When a channel is started for a show. Where the one before ends within the prewarming, at its end: it
/// streams on, and its end is not the end of the next.
fn begins(times: &Times, start_at: Timestamp) -> Timestamp {
    let early = after(start_at, -PREWARM_SECONDS);
    let before = times.stop_at.filter(|stop_at| *stop_at < start_at);
    before.map_or(early, |stop_at| early.max(stop_at))
}

fn still_says(times: &Times, missed: Missed) -> bool {
    match missed {
        Missed::Start(at) => times.start_at == Some(at),
        Missed::Stop(at) => times.stop_at == Some(at),
    }
}

fn reach_stop(now: Timestamp, desired: DesiredState, times: &Times, mark: &mut Mark) {
    let Some(stop_at) = times.stop_at else {
        mark.stop_ahead = None;
        return;
    };
    if now < stop_at {
        mark.stop_ahead = Some(stop_at);
        return;
    }
    if mark.stopped_for == Some(stop_at) {
        return;
    }
    mark.stopped_for = Some(stop_at);
    if mark.stop_ahead == Some(stop_at) {
        mark.turned = Some(false);
        mark.desired_then = Some(desired);
    } else {
        // Written when it was past: moving a time takes nothing off the air.
        mark.missed = Some(Missed::Stop(stop_at));
    }
}

fn reach_start(
    now: Timestamp,
    desired: DesiredState,
    enabled: bool,
    times: &Times,
    mark: &mut Mark,
) {
    let Some(start_at) = times.start_at else {
        return;
    };
    if !enabled || now < begins(times, start_at) || mark.started_for == Some(start_at) {
        return;
    }
    mark.started_for = Some(start_at);
    let over = match times.stop_at {
        Some(stop_at) if stop_at > start_at => now >= stop_at,
        _ => now >= after(start_at, LATE_SECONDS_MAX),
    };
    if !over {
        mark.turned = Some(true);
        mark.desired_then = Some(desired);
    } else if !mark.was_on && desired != DesiredState::Streaming {
        mark.missed = Some(Missed::Start(start_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DesiredState::{Ready, Removed, Streaming};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
    }

    fn times(start: Option<i64>, stop: Option<i64>) -> Times {
        Times {
            start_at: start.map(at),
            stop_at: stop.map(at),
        }
    }

    /// Looks every minute from `from` to `to`, as the sweep would at worst, and gives the stretches
    /// in which it was on.
    fn stretches(
        desired: DesiredState,
        times: Times,
        looks: impl Iterator<Item = i64>,
    ) -> Vec<(i64, i64)> {
        let mut mark = Mark::default();
        let mut on: Vec<(i64, i64)> = Vec::new();
        let mut was = false;
        for minute in looks {
            let turn = turn(at(minute), desired, true, &times, &mark);
            mark = turn.mark;
            let is = turn.desired == Streaming;
            match (was, is) {
                (false, true) => on.push((minute, i64::MAX)),
                (true, false) => on.last_mut().unwrap().1 = minute,
                _ => {}
            }
            was = is;
        }
        on
    }

    #[test]
    fn it_starts_five_minutes_before_and_stops_at_the_time() {
        for desired in [Ready, Streaming] {
            assert_eq!(
                stretches(desired, times(Some(60), Some(120)), 0..200),
                [(55, 120)]
            );
        }
    }

    #[test]
    fn a_missed_start_is_made_up_while_there_is_a_show_and_reported_once_it_is_over() {
        // The system was down from minute 50 to 80, then to 130.
        let show = times(Some(60), Some(120));
        let down = |to: i64| (0..50).chain(to..200);
        assert_eq!(stretches(Ready, show, down(80)), [(80, 120)]);
        assert_eq!(stretches(Ready, show, down(130)), []);
        let late = turn(
            at(130),
            Ready,
            true,
            &show,
            &turn(at(49), Ready, true, &show, &Mark::default()).mark,
        );
        assert_eq!(late.mark.missed, Some(Missed::Start(at(60))));
        // Without an end it is made up for an hour.
        let open = times(Some(60), None);
        assert_eq!(stretches(Ready, open, down(110)), [(110, i64::MAX)]);
        assert_eq!(stretches(Ready, open, down(121)), []);
    }

    #[test]
    fn a_missed_stop_is_made_up_at_once() {
        let show = times(Some(60), Some(120));
        assert_eq!(
            stretches(Ready, show, (0..100).chain(150..200)),
            [(55, 150)]
        );
    }

    #[test]
    fn moving_or_removing_a_time_takes_nothing_off_the_air() {
        let on = turn(
            at(60),
            Ready,
            true,
            &times(Some(60), Some(120)),
            &Mark::default(),
        );
        assert_eq!(on.desired, Streaming);
        for moved in [
            times(None, None),
            times(Some(90), Some(120)),
            times(Some(60), None),
            times(Some(60), Some(30)), // a stop that is already past
            times(Some(1000), Some(1100)),
        ] {
            let next = turn(at(61), Ready, true, &moved, &on.mark);
            assert_eq!(next.desired, Streaming, "{moved:?}");
        }
    }

    #[test]
    fn what_streams_by_hand_goes_on_when_a_time_to_come_is_written() {
        let by_hand = turn(at(0), Streaming, true, &Times::default(), &Mark::default());
        let later = turn(
            at(1),
            Streaming,
            true,
            &times(Some(60), None),
            &by_hand.mark,
        );
        assert_eq!(later.desired, Streaming);
        assert_eq!(later.next, Some(at(55)));
    }

    #[test]
    fn a_hand_wins_over_what_the_schedule_did() {
        let show = times(Some(60), Some(120));
        let on = turn(at(60), Streaming, true, &show, &Mark::default());
        assert_eq!(turn(at(61), Ready, true, &show, &on.mark).desired, Ready);
        assert_eq!(turn(at(61), Ready, false, &show, &on.mark).desired, Ready);
        assert_eq!(
            turn(at(61), Removed, true, &show, &on.mark).desired,
            Removed
        );
        let off = turn(
            at(120),
            Ready,
            true,
            &show,
            &turn(at(60), Ready, true, &show, &Mark::default()).mark,
        );
        assert_eq!(off.desired, Ready);
        assert_eq!(
            turn(at(121), Streaming, true, &show, &off.mark).desired,
            Streaming
        );
    }

    #[test]
    fn each_time_is_acted_on_once() {
        let show = times(Some(60), Some(120));
        let mut mark = Mark::default();
        for minute in 0..130 {
            mark = turn(at(minute), Ready, true, &show, &mark).mark;
        }
        // By hand after the show: the old times do nothing again.
        for minute in 130..140 {
            let turn = turn(at(minute), Streaming, true, &show, &mark);
            assert_eq!(turn.desired, Streaming);
            mark = turn.mark;
        }
    }

    #[test]
    fn the_next_look_is_never_in_the_past() {
        for start in [None, Some(0), Some(5), Some(60)] {
            for stop in [None, Some(3), Some(60), Some(90)] {
                let mut mark = Mark::default();
                for minute in 0..100 {
                    let turn = turn(at(minute), Ready, true, &times(start, stop), &mark);
                    assert!(turn.next.is_none_or(|next| next > at(minute)));
                    mark = turn.mark;
                }
            }
        }
    }
}
