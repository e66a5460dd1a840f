//! S9, legality: calls that the services forbid have a budget, and what is refused for good is not
//! tried again and again.

use simulator::core::book::Thing as Kind;

use super::problems::STARTS_MAX;
use super::sight::House;
use super::watch::Oracles;
use crate::world::Call;

/// Conflicts per visit of a state and operation. A step looks before it acts again, so each further
/// one needs a race of its own; the workers give up looking after three retries.
const CONFLICTS_MAX: u32 = 4;
/// The same for MediaConnect, which says 400 to everything while a flow starts, stops or takes up
/// another output: as many tries as the state machine makes in the minute that takes.
const FLOW_CONFLICTS_MAX: u32 = 12;
/// Calls that a quota refuses, per destination and hour: a turn every ten minutes at the most, each
/// with an input and a channel to be refused, and what an operator's edits bring on top.
const QUOTA_REFUSALS_MAX: usize = 14;
const HOUR_MS: u64 = 3_600_000;

impl Oracles {
    /// S9 and S3: judges a call that has had its effect or was refused.
    pub(super) fn judged(&mut self, house: &dyn House, at: u64, call: &Call, status: u16) {
        let (service, operation) = call.site.operation.split_once(':').unwrap_or_default();
        let denied = status == 403 || call.error.as_deref() == Some("AccessDeniedException");
        if denied {
            self.denied += 1;
            let run = self.runs.get(&call.invocation);
            if let Some(id) = run.and_then(|run| run.destination.clone())
                && call.site.operation == "ssm:GetParameter"
            {
                self.destination(&id).key_denied_at = at;
            }
        }
        if !matches!(service, "medialive" | "mediaconnect") {
            return;
        }
        self.tally.calls += 1;
        self.nobody_elses(at, call);
        if status == 429 {
            self.tally.throttled += 1;
        }
        let id = self
            .runs
            .get(&call.invocation)
            .and_then(|run| run.destination.clone())
            .or_else(|| house.invocation(call.invocation).destination.clone());
        let Some(id) = id else { return };
        if status < 300 {
            if operation == "StartChannel" {
                self.starts_are_counted(at, &id);
            }
            if operation == "StopChannel" {
                self.stream_is_left_alone(house, at, call, &id);
            }
            return;
        }
        let reads = ["Describe", "List"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        let over_quota = status == 429
            && matches!(operation, "CreateChannel" | "CreateInput")
            && (self.account_is_full(house) || !self.rules.calm);
        if !reads && (over_quota || !matches!(status, 404 | 429 | 500..)) {
            self.refusals_are_few(house, at, call, status, &id);
        }
    }

    /// Whether the account has no room for another channel or push input.
    fn account_is_full(&self, house: &dyn House) -> bool {
        let book = house.book();
        let (channels, inputs, _) = book.quotas();
        book.channels().filter(|row| row.is_billable()).count() >= channels
            || book.inputs().filter(|row| row.is_billable()).count() >= inputs
    }

    /// S9: in one visit of a state a call is refused for a conflict at most four times and refused for
    /// good at most once; a quota refuses a destination at most 14 times an hour.
    fn refusals_are_few(&mut self, house: &dyn House, at: u64, call: &Call, status: u16, id: &str) {
        let operation = call.site.operation;
        // One that has its effect after its caller gave up teaches nobody.
        let Some(execution) = visit(self, call) else {
            return;
        };
        // With faults a quota may be used up that nobody sees in the book.
        let full = self.account_is_full(house) || status == 429 && !self.rules.calm;
        let quota = status == 420
            || (full || matches!(status, 402 | 403))
                && matches!(
                    operation,
                    "medialive:CreateChannel" | "medialive:CreateInput"
                );
        let conflict = matches!(status, 400 | 409);
        let calm = self.fired.is_empty();
        let known = self.destination(id);
        known.refused.push((operation, status));
        if quota {
            known.quota_refusals.push(at);
            let hour = known
                .quota_refusals
                .iter()
                .filter(|then| **then + HOUR_MS > at);
            let count = hour.count();
            if count > QUOTA_REFUSALS_MAX {
                let sentence =
                    format!("{operation} was refused by a quota {count} times within an hour");
                self.broken("S9 legality", at, Some(id), sentence);
            }
            return;
        }
        let key = (execution.0, execution.1, operation.to_owned(), status);
        let count = known.refusals.entry(key).or_default();
        *count += 1;
        let count = *count;
        let most = match conflict {
            true if operation.starts_with("mediaconnect:") => FLOW_CONFLICTS_MAX,
            true => CONFLICTS_MAX,
            false => 1,
        };
        // The words of a quota are not the status alone: 400 and 409 may be one.
        if count > most {
            let sentence = format!(
                "{operation} was refused with {status} {count} times in one visit of a state{}",
                if calm { "" } else { ", faults included" }
            );
            self.broken("S9 legality", at, Some(id), sentence);
        }
    }

    /// The start budget: at most three StartChannel are accepted per hour after an operator's last
    /// act (architecture, invariant 10), whatever replays, crashes and retries there were.
    fn starts_are_counted(&mut self, at: u64, id: &str) {
        let known = self.destination(id);
        known.starts.push(at);
        let hour = known.starts.iter().filter(|then| **then + HOUR_MS > at);
        let count = hour.count();
        if count > STARTS_MAX {
            let sentence =
                format!("StartChannel was accepted {count} times within an hour of one wish");
            self.broken("S9 start budget", at, Some(id), sentence);
        }
    }

    /// S9 over a whole run: at most 5 % of the calls to the media services are throttled, a handful
    /// apart; what faults throttle does not count.
    pub fn few_calls_are_throttled(&mut self, at: u64, by_faults: u64) {
        let throttled = self.tally.throttled.saturating_sub(by_faults);
        if throttled > 5 + self.tally.calls / 20 {
            let sentence = format!(
                "{throttled} of {} calls were throttled by AWS's own rates",
                self.tally.calls
            );
            self.broken("S9 rates", at, None, sentence);
        }
    }

    /// What is on the air is interrupted only by its own record or by a platform that does not take it
    /// (architecture, invariant 7): no StopChannel for a channel that runs what its record asks for.
    fn stream_is_left_alone(&mut self, house: &dyn House, at: u64, call: &Call, id: &str) {
        let Some(known) = self.destinations.get(id) else {
            return;
        };
        let soon = at + self.rules.clock_off + 1000;
        let Some(wish) = known.wish.as_ref().filter(|_| known.streams_at(soon)) else {
            return;
        };
        let Some(thing) = self
            .things
            .get(&call.resource)
            .filter(|thing| thing.kind == Kind::Channel)
        else {
            return;
        };
        let seen = self
            .runs
            .get(&call.invocation)
            .and_then(|run| run.opened.as_ref());
        let saw_streaming = seen.is_none_or(|row| row.desired.as_deref() == Some("streaming"));
        let run = thing
            .states
            .iter()
            .rev()
            .find(|(_, state)| *state == "STARTING");
        let run_began = run.map_or(0, |(at, _)| *at);
        // An edit that came while it started is the reason even if it was taken back since.
        let edited = known.edited_on_air_at + 120_000 > run_began || !known.by_hand.is_empty();
        let ailing = thing
            .states
            .iter()
            .rev()
            .skip(1)
            .take(2)
            .any(|(_, state)| *state == "RECOVERING");
        // What the platform does not take is moved or started anew; so is what goes back to the primary.
        let ailed = self.ailed(id, run_began).is_some();
        let returns = matches!(known.sent_to, Some((_, true, _))) && wish.return_after.is_some();
        if saw_streaming
            && !edited
            && !ailing
            && !ailed
            && !returns
            && wish.configuration.is_ok()
            && self.content_difference(house, id, wish, true).is_none()
        {
            let sentence = "StopChannel was sent to a channel that runs what its record asks for, and nothing of the record was edited since";
            self.broken("S7 needless stop", at, Some(id), sentence);
        }
    }
}

/// The execution of a call and how many states it has entered: one visit of a state.
fn visit(oracles: &Oracles, call: &Call) -> Option<(u32, u32)> {
    let run = oracles.runs.get(&call.invocation)?;
    let Some(number) = run.execution else {
        return Some((u32::MAX, 0));
    };
    let entered = oracles.executions.get(number as usize)?.entered;
    Some((number, entered))
}
