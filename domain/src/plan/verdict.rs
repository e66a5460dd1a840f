//! What a step that failed for good means for the plans to come.

use crate::{
    ledger::{self, Ledger, QuotaWait, Verdict},
    problem::{Code, Problem},
};
use jiff::Timestamp;

/// What only a person or time can help is tried again by itself after this.
const AGAIN_SECONDS: i64 = 900;
/// What AWS did not answer for as long as the retries last is tried again by the next sweep: nothing
/// was refused, and a stop may be waiting.
const EXHAUSTED_SECONDS: i64 = 60;

/// Passes the verdict on a step that ended with `error`. `name` is the error's name as the state
/// machine caught it.
///
/// The first refusal of a generation is a judgement on the configuration: the next plan aims at the
/// settled one, or takes down what was made. If that is refused too, no plan helps, and going on at
/// once would go round and round: it is stuck, and tried again later. Passing a verdict twice before
/// the next plan passes it once.
pub fn fail(now: Timestamp, ledger: &Ledger, name: &str, problem: Problem) -> Ledger {
    let mut ledger = ledger.clone();
    let generation = ledger.generation;
    let refused_before = ledger
        .refused
        .as_ref()
        .is_some_and(|refused| refused.generation == generation && refused.heeded);
    match name {
        // A slip in a role says nothing of the record: what exists stays, and goes on.
        "Permanent" if !refused_before && problem.code != Code::MissingPermission => {
            ledger.refused = Some(Verdict {
                generation,
                problem,
                again_at: None,
                heeded: false,
                keeps: ledger.target.is_some(),
            })
        }
        // What has a channel has its room; to unmake that for another try would gain nothing.
        "Full" if ledger.channel.is_none() => {
            let since = ledger.quota_wait.as_ref().map_or(now, |wait| wait.since);
            ledger.quota_wait = Some(QuotaWait {
                since,
                problem,
                // What there was when the turn was given: if less is there now, room has come.
                count: ledger.quota_wait.as_ref().and_then(|wait| wait.count),
                turn: false,
                tried_at: now,
            });
        }
        _ => {
            let seconds = match problem.code {
                Code::RetriesExhausted => EXHAUSTED_SECONDS,
                _ => AGAIN_SECONDS,
            };
            let again_at = Some(ledger::after(now, seconds));
            ledger.stuck = Some(Verdict {
                generation,
                problem,
                again_at,
                heeded: false,
                keeps: ledger.target.is_some(),
            });
            // If it was Plan that failed, no Plan comes after this that would ask to be woken.
            ledger.wake_at = again_at;
        }
    }
    ledger
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_role_is_no_judgement_on_the_record() {
        let now = Timestamp::UNIX_EPOCH;
        let problem = Problem::new(Code::MissingPermission, "Lunora may not call StartChannel.");
        let ledger = Ledger::new("youtube-main");
        let failed = fail(now, &ledger, "Permanent", problem.clone());
        assert_eq!(failed.refused, None);
        let stuck = failed.stuck.expect("stuck");
        assert_eq!(stuck.problem, problem);
        assert_eq!(stuck.again_at, Some(ledger::after(now, AGAIN_SECONDS)));
    }
}
