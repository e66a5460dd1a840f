//! Whether a house has come to rest, and why not.

use simulator::core::book::Thing as Kind;

use super::mirror::up;
use super::sight::House;
use super::watch::{Destination, Oracles};

/// What is stuck is tried again a quarter of an hour later (the plan's verdict), so twice by then.
const TRIED_AGAIN_MS: u64 = 2_000_000;
/// A look that is due later than the longest retry of anything stuck (a quarter of an hour) and the
/// longest damping (half an hour) is an appointment: a time on the record, or the limit of a long
/// session. A house with appointments is at rest until then.
const APPOINTMENT_MS: u64 = 3_600_000;

impl Oracles {
    /// Whether every destination has come to rest: no lease, nothing under way, no time noted at
    /// which somebody is to look again.
    #[must_use]
    pub fn at_rest(&self, house: &dyn House) -> bool {
        self.restless(house).is_none()
    }

    /// A destination that has not come to rest, and why.
    #[must_use]
    pub fn restless(&self, house: &dyn House) -> Option<(String, String)> {
        let now = house.now();
        self.destinations.iter().find_map(|(id, known)| {
            let why = self.why_restless(id, known, now)?;
            Some((id.clone(), why))
        })
    }

    /// Whether a house has come to rest for this run: everything is at rest, apart from what is stuck
    /// and has been tried again since the last disturbance; and a flow that nobody needs is down.
    #[must_use]
    pub fn rests(&self, house: &dyn House, disturbed: u64) -> bool {
        let now = house.now();
        let restless = self.destinations.iter().any(|(id, known)| {
            self.why_restless(id, known, now).is_some()
                && !(is_only_stuck(known) && now > disturbed + TRIED_AGAIN_MS)
        });
        !restless && !self.flow_is_idly_up(house)
    }

    /// Whether what is not at rest when the bound has passed only waits for others: a platform that takes
    /// nothing is tried again and again, and what is wrong outside goes on being watched.
    #[must_use]
    pub fn waits_only(&self, house: &dyn House) -> bool {
        let now = house.now();
        let lasts = |(id, known): (&String, &Destination)| {
            self.waits_for_others(id, known, now)
                || !known.incidents.is_empty() && self.lasts(id, now)
        };
        let at_work = |(id, known): (&String, &Destination)| {
            self.why_restless(id, known, now).is_some() && !self.waits_for_others(id, known, now)
        };
        self.destinations.iter().any(lasts) && !self.destinations.iter().any(at_work)
    }

    /// Whether somebody is at work for what waits for others or for its limit.
    #[must_use]
    pub fn tries_again(&self, house: &dyn House) -> bool {
        let now = house.now();
        self.destinations.iter().any(|(id, known)| {
            self.why_restless(id, known, now).is_some()
                && (self.ailed(id, now).is_some() || self.lasts(id, now))
                && !self.waits_for_others(id, known, now)
        })
    }

    pub(super) fn why_restless(&self, id: &str, known: &Destination, now: u64) -> Option<String> {
        why_restless(known, now).or_else(|| {
            (!known.incidents.is_empty() && !self.lasts(id, now))
                .then(|| "an incident is watched and nothing is wrong".to_owned())
                .or_else(|| self.awaits_a_free_address(id, known))
        })
    }

    /// What waited for an address that nobody asks for any more has its turn: the next pass of the sweep
    /// begins it. Who has trouble in leaving it may keep it.
    fn awaits_a_free_address(&self, id: &str, known: &Destination) -> Option<String> {
        let waits = known.shown.problem.as_deref() == Some("duplicate_address");
        let wish = known.wish.as_ref().filter(|_| waits)?;
        let mut others = self.destinations.iter().filter(|(other, _)| *other != id);
        let kept = others.any(|(_, other)| other.shown.problem.is_some());
        let free = !kept && !self.shares_its_address(id, wish);
        free.then(|| "the address that it waits for is free".to_owned())
    }

    /// L1: nothing goes on for ever. Called when the bound after the last disturbance has passed.
    pub fn restless_for_ever(&mut self, house: &dyn House) {
        let sentence = "it has not come to rest within the bound: its flow is up and nobody needs it, or somebody is always at work";
        self.broken("L1 settled", house.now(), None, sentence);
    }

    /// Our flow is up and nobody needs it: it is about to be stopped.
    fn flow_is_idly_up(&self, house: &dyn House) -> bool {
        let flow = house.book().flow(&self.rules.flow);
        let up = flow.is_some_and(|flow| !matches!(flow.status(), "STANDBY" | "DELETING"));
        self.flow_is_ours && !self.flow_by_hand && up && !self.flow_is_needed(house.now())
    }

    /// Somebody streams, or is to.
    pub(super) fn flow_is_needed(&self, now: u64) -> bool {
        let wanted = self.destinations.values().any(|known| {
            known.streams_at(now) || known.row.as_ref().is_some_and(|row| row.holder.is_some())
        });
        let mut living = self.living.values().flatten();
        wanted
            || living.any(|id| {
                let thing = self.things.get(id);
                thing.is_some_and(|thing| thing.kind == Kind::Channel && up(thing.state()))
            })
    }
}

/// Nothing is to happen but that what is stuck is tried again.
pub(super) fn is_only_stuck(known: &Destination) -> bool {
    let row = known.row.as_ref();
    known.executions.is_empty()
        && row.is_some_and(|row| {
            row.holder.is_none()
                && row.rests
                && row
                    .stuck
                    .as_ref()
                    .is_some_and(|(_, again)| *again == row.wake_at)
        })
}

fn why_restless(known: &Destination, now: u64) -> Option<String> {
    if known.item.is_none() && known.row.is_none() && known.executions.is_empty() {
        return None;
    }
    let Some(row) = &known.row else {
        return Some("no execution has seen its record".into());
    };
    if !known.executions.is_empty() {
        return Some(format!("{} executions run", known.executions.len()));
    }
    if row.holder.is_some() {
        return Some("its lease is held and nobody runs".into());
    }
    if !row.rests {
        return Some("its last execution did not finish".into());
    }
    if let Some((operation, until)) = row.intent.as_ref().filter(|(_, until)| *until > now) {
        return Some(format!(
            "{operation} may still land for {} s",
            (until - now) / 1000
        ));
    }
    let soon = |at: &u64| at.saturating_sub(now) < APPOINTMENT_MS;
    row.wake_at.filter(soon).map(|at| {
        format!(
            "it is to be looked at again in {} s",
            at.saturating_sub(now) / 1000
        )
    })
}
