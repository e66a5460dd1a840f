//! The crew's month through the billing clock: 730 hours in which a hundred are streamed, to five
//! destinations at 6 Mb/s, in sessions of two to five hours. Records say `streaming` for a session
//! and `ready` after it. The flow is up while it is needed.
//!
//! Two months to compare it with: one in which destinations flap, and one that is always on. What a
//! platform or a person breaks is not in it, nor what a real feed lacks.

use super::{Progress, bill, counter, counter::Counter};
use crate::{
    Act, Cue, Plan, Setup, When, World,
    chance::{Chance, For},
    oracle::{Oracles, Rules, Violation},
    setup::{self, key_of},
    world::BEGIN,
};
use bill::{Lines, MINUTE_MS};
use domain::cost::{AtRest, Money, at_rest};
use serde_json::json;

/// A month of 730 hours, in minutes.
pub(super) const MONTH: u64 = 730 * 60;
/// Minutes to be streamed.
const STREAMED: u64 = 100 * 60;
/// Destinations.
pub(super) const DESTINATIONS: usize = 5;
/// The least and the most a session takes, in minutes.
const SESSION: (u64, u64) = (120, 300);

/// Stretches of time, milliseconds since 1970.
pub(super) type Stretches = Vec<(u64, u64)>;

/// What came of a month.
#[derive(Debug)]
pub struct Month {
    /// Sessions.
    pub sessions: usize,
    /// Minutes in which a record asked for streaming, over all destinations.
    pub wanted_minutes: f64,
    /// Minutes of these on the air.
    pub streamed_minutes: f64,
    /// Minutes billed for running channels.
    pub billed_minutes: u64,
    /// Starts.
    pub starts: usize,
    /// Hours of channels and inputs that existed and did not run.
    pub idle_hours: f64,
    /// Minutes in which something billable existed that nobody wanted and nobody was at work on.
    pub orphan_minutes: f64,
    /// Promises that were broken, in words.
    pub broken: Vec<String>,
    /// Dollars by line.
    pub lines: Lines,
    /// What the picture alone would cost.
    pub ideal: Lines,
    /// Dollars of the control plane: at rest, and for what was done.
    pub control_plane: Money,
}

/// How a month goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// By plan.
    Planned,
    /// By plan, and each destination has trouble in one session of five: it is switched off and,
    /// half a minute to three minutes later, on again, two to four times within a few minutes.
    Flapping,
    /// On all the time.
    Always,
}

fn id(number: usize) -> String {
    format!("platform-{number}")
}

/// Sessions of the seeded plan, in minutes of the month, a hundred hours in all: about one a day.
#[must_use]
pub fn sessions(seed: u64) -> Vec<(u64, u64)> {
    let chance = Chance::new(seed);
    let mut lengths = Vec::new();
    let mut left = STREAMED;
    while left > 0 {
        let number = lengths.len() as u64;
        let length = chance.between(For::Act, number, 0, SESSION.0, SESSION.1);
        // What is left in the end is a session, too.
        let length = match left {
            rest if rest <= SESSION.1 => rest,
            rest if rest < length + SESSION.0 => rest / 2,
            _ => length,
        };
        lengths.push(length);
        left -= length;
    }
    let each = MONTH / lengths.len() as u64;
    let begin = |number: u64| {
        let late = chance.between(For::Act, number, 1, 30, each - SESSION.1 - 60);
        number * each + late
    };
    let numbered = lengths.iter().zip(0..);
    numbered
        .map(|(length, number)| (begin(number), begin(number) + length))
        .collect()
}

/// When each destination is wanted.
pub(super) fn wanted(manner: Manner, seed: u64) -> Vec<Stretches> {
    let ms = |minutes: u64| BEGIN + minutes * MINUTE_MS;
    if manner == Manner::Always {
        return vec![vec![(ms(1), ms(MONTH))]; DESTINATIONS];
    }
    let chance = Chance::new(seed ^ 1);
    let mut all = vec![Stretches::new(); DESTINATIONS];
    for (number, (from, to)) in sessions(seed).into_iter().enumerate() {
        for (which, stretches) in all.iter_mut().enumerate() {
            let place = (number * DESTINATIONS + which) as u64;
            let draw = |what: u64, low, high| chance.between(For::Act, place, what, low, high);
            let mut since = ms(from);
            // One in five has trouble in a session.
            if manner == Manner::Flapping && draw(0, 1, 5) == 1 {
                let mut off = since + draw(1, 10, 30) * MINUTE_MS;
                for time in 0..draw(2, 2, 4) {
                    stretches.push((since, off));
                    since = off + draw(10 + time, 30_000, 180_000);
                    off = since + draw(20 + time, 120_000, 360_000);
                }
            }
            stretches.push((since, ms(to)));
        }
    }
    all
}

fn setup(wanted: &[Stretches], manner: Manner) -> Setup {
    let mut acts: Vec<(u64, Act)> = Vec::new();
    for (number, stretches) in wanted.iter().enumerate() {
        let id = id(number);
        acts.push((BEGIN, Act::Key(key_of(&id))));
        let mut record = setup::record(&id, "ready");
        // What is always on is held: no limit ends it.
        record["hold"] = json!(manner == Manner::Always);
        acts.push((BEGIN, Act::Put(record)));
        for (from, to) in stretches {
            for (at, desired) in [(from, "streaming"), (to, "ready")] {
                acts.push((
                    *at,
                    Act::Edit(id.clone(), json!({"desired_state": desired})),
                ));
            }
        }
    }
    acts.sort_by_key(|(at, _)| *at);
    Setup {
        script: acts
            .into_iter()
            .map(|(at, act)| Cue {
                when: When::At(at - BEGIN),
                act,
            })
            .collect(),
        // Where nothing is edited for a month, nothing is missed and nothing is to be woken.
        ticks: manner != Manner::Always,
        keep_sinks: false,
        keep_histories: false,
        ..Setup::default()
    }
}

/// Lets a month pass.
#[must_use]
pub fn pass(manner: Manner, seed: u64, progress: &Progress) -> Month {
    let wanted = wanted(manner, seed);
    let setup = setup(&wanted, manner);
    let mut world = World::new(&setup, Plan::calm(seed));
    let mut oracles = Oracles::new(Rules::of(&world), &world);
    let mut counter = Counter::from_now(&world);
    let end = BEGIN + MONTH * MINUTE_MS;
    while world.next_due().is_some_and(|due| due <= end) {
        world.step();
        oracles.look(&world);
        counter.look(&world);
        progress.tell(|| {
            format!(
                "a month, {manner:?}: day {} of 30",
                (world.now() - BEGIN) / (1440 * MINUTE_MS)
            )
        });
    }
    world.run_until(end);
    oracles.look(&world);
    measure(&world, &oracles, &counter, &wanted)
}

fn told(violation: &Violation) -> String {
    let minute = (violation.at - BEGIN) / MINUTE_MS;
    format!("minute {minute} of the month: {violation}")
}

fn measure(world: &World, oracles: &Oracles, counter: &Counter, wanted: &[Stretches]) -> Month {
    let on_air = bill::on_air(world);
    let none = Stretches::new();
    let of = |number: usize| on_air.get(&id(number)).unwrap_or(&none);
    let lasting = |stretches: &Stretches| stretches.iter().map(|(from, to)| to - from).sum::<u64>();
    let wanted_ms: u64 = wanted.iter().map(lasting).sum();
    let streamed_ms: u64 = wanted
        .iter()
        .enumerate()
        .map(|(number, stretches)| bill::common_ms(of(number), stretches))
        .sum();
    let on_air_ms: u64 = on_air.values().map(lasting).sum();
    let (billed_minutes, idle_hours) = bill::minutes_and_idle_hours(world);
    let transitions = counter::transitions(world);
    let rest: Money = at_rest(&AtRest::default())
        .iter()
        .map(|line| line.usd)
        .sum();
    let first = wanted.first().map_or(0, lasting);
    Month {
        sessions: wanted.iter().map(Vec::len).min().unwrap_or_default(),
        wanted_minutes: wanted_ms as f64 / MINUTE_MS as f64,
        streamed_minutes: streamed_ms as f64 / MINUTE_MS as f64,
        billed_minutes,
        starts: on_air.values().map(Vec::len).sum(),
        idle_hours,
        orphan_minutes: oracles.tally().orphan_ms as f64 / MINUTE_MS as f64,
        broken: oracles.violations.iter().map(told).collect(),
        lines: bill::of(world, on_air_ms),
        ideal: bill::ideal(wanted_ms, first),
        control_plane: rest + counter.cost(transitions, counter::traces(world)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_hours_in_sessions_of_two_to_five() {
        for seed in 1..50 {
            let sessions = sessions(seed);
            let lasting = |session: &(u64, u64)| session.1 - session.0;
            assert_eq!(sessions.iter().map(lasting).sum::<u64>(), STREAMED);
            assert!(
                sessions
                    .iter()
                    .all(|one| (SESSION.0..=SESSION.1).contains(&lasting(one)))
            );
            assert!(sessions.windows(2).all(|two| two[0].1 + 60 <= two[1].0));
            assert!(sessions[0].0 >= 30 && sessions[sessions.len() - 1].1 < MONTH);
        }
    }

    #[test]
    fn flapping_only_takes_moments_away() {
        let lasting = |all: &[Stretches]| {
            let all = all.iter().flatten();
            all.map(|(from, to)| to - from).sum::<u64>() / MINUTE_MS
        };
        let (planned, flapping) = (wanted(Manner::Planned, 1), wanted(Manner::Flapping, 1));
        assert_eq!(lasting(&planned), STREAMED * DESTINATIONS as u64);
        assert!(lasting(&flapping) < lasting(&planned));
        assert!(lasting(&flapping) > lasting(&planned) * 99 / 100);
        for (ours, theirs) in flapping.iter().zip(&planned) {
            assert!(ours.len() > theirs.len());
            assert!(ours.windows(2).all(|two| two[0].1 < two[1].0));
            assert_eq!(
                ours.last().map(|last| last.1),
                theirs.last().map(|last| last.1)
            );
        }
    }
}
