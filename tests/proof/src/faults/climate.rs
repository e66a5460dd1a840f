//! Weather: which kinds of fault strike in a random run, and how often. Each seed leaves most kinds
//! out, so that those it has meet each other more often than if everything failed a little
//! (swarm testing: Groce and others, 2012).

use super::{Climate, Fault};
use crate::chance::{Chance, For};

/// The kinds, each with the most often it strikes: the rarest things do the most harm.
const KINDS: &[(Fault, f64)] = &[
    (Fault::ErrorBefore(500), 0.10),
    (Fault::ErrorBefore(503), 0.10),
    (Fault::AnswerLost, 0.10),
    (Fault::AnswerSpoilt, 0.08),
    (Fault::AnswerTimedOut, 0.05),
    (Fault::Throttled(1), 0.15),
    (Fault::Throttled(4), 0.05),
    (Fault::CrashBefore, 0.06),
    (Fault::CrashAfter, 0.06),
    (Fault::Slow(8), 0.03),
    (Fault::Slow(16), 0.03),
    (Fault::Slow(29), 0.03),
    (Fault::Stale, 0.30),
    (Fault::Conflict(400), 0.10),
    (Fault::Conflict(409), 0.10),
    (Fault::Unprocessable, 0.05),
    (Fault::CreateFailed, 0.20),
    (Fault::UpdateFailed, 0.20),
    (Fault::FallsBackToIdle, 0.20),
    (Fault::Recovering, 0.30),
    (Fault::Forbidden, 0.02),
    (Fault::Quota, 0.20),
    (Fault::Lost, 0.40),
    (Fault::Doubled, 0.30),
    (Fault::DoubledLate, 0.15),
    (Fault::Delayed(7), 0.20),
    (Fault::Delayed(90), 0.15),
    (Fault::Reordered, 0.20),
    (Fault::Poisoned, 0.10),
    (Fault::Forged, 0.10),
    (Fault::Aborted, 0.04),
    (Fault::Redriven(3), 0.03),
    (Fault::Redriven(50), 0.03),
    (Fault::TimedOut(20), 0.10),
    (Fault::TimedOut(200), 0.10),
    (Fault::LimitExceeded, 0.20),
    (Fault::Redeployed, 0.02),
    (Fault::ClockJump(-90), 0.03),
    (Fault::ClockJump(90), 0.03),
];

impl Climate {
    /// The weather of a seed. `until`: no fault begins after this time, milliseconds since 1970.
    #[must_use]
    pub fn draw(seed: u64, until: Option<u64>) -> Climate {
        let chance = Chance::new(seed);
        // From a breeze to a storm; one in eight has nearly every kind.
        let share =
            [0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.9][chance.draw(For::Fault, 0, 3) as usize % 8];
        let force = [0.1, 0.2, 0.4, 0.7, 1.0][chance.draw(For::Fault, 0, 4) as usize % 5];
        let rows = KINDS
            .iter()
            .enumerate()
            .filter_map(|(index, (fault, most))| {
                let which = 1 + index as u64;
                let on = chance.unit(For::Fault, which, 5) < share;
                let rate = most * force * (0.2 + 0.8 * chance.unit(For::Fault, which, 6));
                on.then_some((*fault, rate))
            });
        Climate {
            rates: rows.collect(),
            until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn seeds_have_weather_of_their_own_and_between_them_every_kind() {
        let all: Vec<Climate> = (0..200).map(|seed| Climate::draw(seed, None)).collect();
        let kinds: BTreeSet<Fault> = all
            .iter()
            .flat_map(|climate| climate.rates.iter().map(|(fault, _)| *fault))
            .collect();
        assert_eq!(kinds.len(), KINDS.len());
        assert!(all.iter().any(|climate| climate.rates.len() < 6));
        assert!(all.iter().any(|climate| climate.rates.len() > 30));
        assert_eq!(Climate::draw(7, None), all[7]);
    }
}
