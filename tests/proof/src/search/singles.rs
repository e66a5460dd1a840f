//! Every fault at every place, one at a time; and two at a time, all of them or a sample.

use std::collections::BTreeMap;

use super::chance::Dice;
use super::{Task, recording};
use crate::{Decision, Edge, Fault, Place, Plan, Site, faults};
use recording::Recording;

/// Every kind of fault with the strengths it is tried in: before the effect and after it, once and
/// for long, early and as late as it can land (30 s: the span of an intent).
pub const FAULTS: &[Fault] = &[
    Fault::ErrorBefore(500),
    Fault::ErrorBefore(503),
    Fault::AnswerLost,
    Fault::AnswerSpoilt,
    Fault::AnswerTimedOut,
    Fault::Throttled(1),
    Fault::Throttled(4),
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::Slow(16),
    Fault::Slow(29),
    Fault::Stale,
    Fault::Conflict(400),
    Fault::Conflict(409),
    Fault::Unprocessable,
    Fault::CreateFailed,
    Fault::UpdateFailed,
    Fault::FallsBackToIdle,
    Fault::Recovering,
    Fault::Forbidden,
    Fault::Quota,
    Fault::Lost,
    Fault::Doubled,
    Fault::DoubledLate,
    Fault::Delayed(7),
    Fault::Delayed(90),
    Fault::Reordered,
    Fault::Poisoned,
    Fault::Forged,
    Fault::Aborted,
    Fault::Redriven(20),
    Fault::TimedOut(3),
    Fault::LimitExceeded,
    Fault::Redeployed,
    Fault::ClockJump(-120),
    Fault::ClockJump(120),
];

/// Every decision that makes sense somewhere in a recording.
#[must_use]
pub fn decisions(recording: &Recording) -> Vec<Decision> {
    let mut all = Vec::new();
    for place in &recording.places {
        // Ticks come every minute and are alike: the first few stand for the rest.
        if matches!(place, Place::Edge(Edge::Tick, nth) if *nth > 6) {
            continue;
        }
        for fault in FAULTS {
            if faults::applies(*fault, *place) {
                all.push(Decision {
                    place: *place,
                    fault: *fault,
                });
            }
        }
    }
    all
}

fn task(recording: &Recording, decisions: Vec<Decision>) -> Task {
    let words: Vec<String> = decisions.iter().map(ToString::to_string).collect();
    Task {
        name: format!("{}: {}", recording.script.name, words.join(" and ")),
        setup: recording.script.setup.clone(),
        plan: Plan::of(recording::SEED, decisions),
    }
}

/// The run of one single fault.
#[must_use]
pub fn single(recording: &Recording, decision: Decision) -> Task {
    task(recording, vec![decision])
}

/// Every single fault of all recordings, in the order in which most is learned soonest: each kind of fault
/// at each kind of place once, in the shortest recording that passes it, before any a second time; and
/// of these the calls that change something in the media services first.
#[must_use]
pub fn widest_first(recordings: &[Recording], dice: &mut Dice) -> Vec<Task> {
    let mut shortest: Vec<&Recording> = recordings.iter().collect();
    shortest.sort_by_key(|recording| recording.places.len());
    let mut seen: BTreeMap<(Place, Fault), usize> = BTreeMap::new();
    let mut all = Vec::new();
    for recording in shortest {
        for decision in decisions(recording) {
            let round = seen
                .entry((kind(decision.place), decision.fault))
                .or_default();
            *round += 1;
            let order = (*round, weight(decision.place), dice.below(u64::MAX));
            all.push((order, recording, decision));
        }
    }
    all.sort_by_key(|(order, ..)| *order);
    let tasks = all.into_iter();
    tasks
        .map(|(_, recording, decision)| task(recording, vec![decision]))
        .collect()
}

/// What places have in common that are passed again and again: which passage it is does not count.
fn kind(place: Place) -> Place {
    match place {
        Place::Call(site) => Place::Call(Site { nth: 0, ..site }),
        Place::Edge(edge, _) => Place::Edge(edge, 0),
    }
}

fn weight(place: Place) -> u8 {
    match place {
        Place::Call(site) if site.operation.starts_with("media") => {
            let reads = ["Describe", "List"];
            u8::from(reads.iter().any(|read| site.operation.contains(read)))
        }
        Place::Call(_) => 2,
        Place::Edge(..) => 1,
    }
}

/// How many pairs a recording has.
#[must_use]
pub fn pairs_in_all(recording: &Recording) -> usize {
    let number = decisions(recording).len();
    number * number.saturating_sub(1) / 2
}

/// The `which`-th pair, for `which` below [`pairs_in_all`]. The second fault is planned at a place of
/// the recording; after the first one it may not be passed any more, which is no fault of the pair.
#[must_use]
pub fn pair(recording: &Recording, which: usize) -> Task {
    let decisions = decisions(recording);
    let (first, second) = nth_pair(decisions.len(), which);
    task(recording, vec![decisions[first], decisions[second]])
}

/// The places of the `which`-th pair among `number` things.
fn nth_pair(number: usize, which: usize) -> (usize, usize) {
    let (mut first, mut left) = (0, which);
    while left >= number - 1 - first {
        left -= number - 1 - first;
        first += 1;
    }
    (first, first + 1 + left)
}

#[cfg(test)]
mod tests {
    #[test]
    fn pairs_are_counted_without_a_gap() {
        let number = 7;
        let pairs = 0..number * (number - 1) / 2;
        let seen: std::collections::BTreeSet<_> =
            pairs.map(|which| super::nth_pair(number, which)).collect();
        assert_eq!(seen.len(), 21);
        assert!(
            seen.iter()
                .all(|(first, second)| first < second && *second < number)
        );
    }
}
