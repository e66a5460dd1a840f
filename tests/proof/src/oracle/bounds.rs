//! S10, bounded, and L6, token hygiene: every number of tries, laps, events and waits has an end.

use super::sight::House;
use super::watch::Oracles;

/// History events of one execution: AWS ends an execution at 25,000 (Step Functions quotas); a
/// twelfth of it is the promise.
const EVENTS_MAX: usize = 2000;
/// Bytes of a state's input: AWS's limit is 256 KiB (Step Functions quotas); an eighth of it is the
/// promise.
const STATE_BYTES_MAX: usize = 32 * 1024;
/// Tries of one step: the first and the longest retry of the state machine (DeleteInput's 60).
const TRIES_MAX: usize = 61;
/// Plans of one execution: thirty laps, and again after each of the few verdicts a generation can get.
const PLANS_MAX: u32 = 100;

/// How big an execution has become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Events in its history.
    pub events: usize,
    /// Bytes of the largest input of a state, as JSON.
    pub bytes: usize,
    /// The most tries one visit of a state took.
    pub tries: usize,
}

/// A task token that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The destination of its execution.
    pub destination: String,
    /// The state that waits.
    pub state: String,
    /// When the task times out, milliseconds since 1970.
    pub due: u64,
}

impl Oracles {
    /// S10: an execution plans at most a hundred times before a successor goes on.
    pub(super) fn bounded_states(&mut self, at: u64, number: u32) {
        let Some(execution) = self.executions.get(number as usize) else {
            return;
        };
        if execution.plans > PLANS_MAX {
            let (id, plans) = (execution.destination.clone(), execution.plans);
            let sentence = format!("one execution has planned {plans} times");
            self.broken("S10 bounded", at, Some(&id), sentence);
        }
    }

    /// S10: at most 2,000 history events per execution, 32 KiB of state, 61 tries of one step.
    pub fn histories_are_short(&mut self, house: &dyn House) {
        for number in 0..self.executions.len() {
            let size = house.size(u32::try_from(number).unwrap_or(u32::MAX));
            let sentences = [
                (size.events, EVENTS_MAX, "history events"),
                (size.bytes, STATE_BYTES_MAX, "bytes of state"),
                (size.tries, TRIES_MAX, "tries of one step"),
            ];
            for (found, most, what) in sentences {
                if found > most {
                    let id = self.executions[number].destination.clone();
                    let sentence = format!("an execution has {found} {what}, {most} are the bound");
                    self.broken("S10 bounded", house.now(), Some(&id), sentence);
                }
            }
        }
    }

    /// L6: no task token is open longer than its state's timeout, and none is open at rest; no row
    /// keeps a wait that nobody waits in.
    pub fn tokens_are_fresh(&mut self, house: &dyn House, at_rest: bool) {
        let now = house.now();
        for token in house.tokens() {
            // What was wrong outside may have passed a moment ago: that it stays quiet takes a minute.
            let watches = token.state == "WatchIncidentUntilQuiet"
                || token.state == "WatchIncident" && self.lasts(&token.destination, now);
            if token.due < now || at_rest && !watches {
                let sentence = format!("a token of {} is still open", token.state);
                self.broken("L6 tokens", now, Some(&token.destination), sentence);
            }
        }
        if !at_rest {
            return;
        }
        let waiting: Vec<String> = self
            .destinations
            .iter()
            .filter(|(_, known)| known.row.as_ref().is_some_and(|row| row.wait.is_some()))
            .map(|(id, _)| id.clone())
            .collect();
        for id in waiting {
            let sentence = "its ledger row notes a wait that nobody waits in";
            self.broken("L6 tokens", now, Some(&id), sentence);
        }
    }
}
