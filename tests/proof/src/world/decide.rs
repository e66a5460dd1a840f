//! Which fault strikes where: planned ones by place, random ones by the climate.

use super::World;
use crate::{
    Decision, Edge, Fault, Place, Plan, Site, What,
    chance::{self, For},
    faults::applies,
};
use std::collections::BTreeMap;

/// The plan, opened, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    planned: BTreeMap<Place, Fault>,
    /// How often a call site or an edge was passed.
    sites: BTreeMap<(&'static str, &'static str), u32>,
    edges: BTreeMap<Edge, u32>,
    /// Throttling that goes on: how many more calls.
    throttled: BTreeMap<(&'static str, &'static str), u32>,
    pub taken: Vec<Decision>,
    pub passed: Vec<Place>,
}

impl Decisions {
    pub fn new(plan: &Plan) -> Decisions {
        let rows = plan.decisions.iter();
        Decisions {
            planned: rows
                .map(|decision| (decision.place, decision.fault))
                .collect(),
            ..Decisions::default()
        }
    }
}

impl World {
    /// The site of a call that is about to be sent, and what goes wrong there.
    pub(super) fn decide_call(
        &mut self,
        worker: &'static str,
        operation: &'static str,
    ) -> (Site, Option<Fault>) {
        let count = self.decisions.sites.entry((worker, operation)).or_default();
        *count += 1;
        let site = Site {
            worker,
            operation,
            nth: *count,
        };
        let more = self.decisions.throttled.get_mut(&(worker, operation));
        if let Some(more) = more.filter(|more| **more > 0) {
            *more -= 1;
            self.decisions.passed.push(Place::Call(site));
            return (site, Some(Fault::Throttled(1)));
        }
        let fault = self.decide(Place::Call(site));
        if let Some(Fault::Throttled(times)) = fault {
            self.decisions
                .throttled
                .insert((worker, operation), times.saturating_sub(1));
        }
        (site, fault)
    }

    /// What goes wrong at the next passage of an edge; also how many-th passage it is.
    pub(super) fn decide_edge(&mut self, edge: Edge) -> (u32, Option<Fault>) {
        let count = self.decisions.edges.entry(edge).or_default();
        *count += 1;
        let nth = *count;
        (nth, self.decide(Place::Edge(edge, nth)))
    }

    fn decide(&mut self, place: Place) -> Option<Fault> {
        self.decisions.passed.push(place);
        let planned = self.decisions.planned.get(&place).copied();
        let planned = planned.or_else(|| self.turned(place));
        let fault = planned.or_else(|| self.weather(place))?;
        self.trace
            .note(self.now, What::Fired(self.decisions.taken.len() as u32));
        self.decisions.taken.push(Decision { place, fault });
        Some(fault)
    }

    fn turned(&mut self, place: Place) -> Option<Fault> {
        let fault = self.turn.as_ref()?(place)?;
        self.turn = None;
        self.plan.decisions.push(Decision { place, fault });
        Some(fault)
    }

    fn weather(&self, place: Place) -> Option<Fault> {
        let climate = self.plan.climate.as_ref()?;
        if climate.until.is_some_and(|until| self.now >= until) {
            return None;
        }
        let which = number(place);
        let strikes = |(index, (fault, rate)): (usize, &(Fault, f64))| {
            let struck = self.chance.unit(For::Fault, which, index as u64) < *rate;
            (struck && applies(*fault, place)).then_some(*fault)
        };
        climate.rates.iter().enumerate().find_map(strikes)
    }
}

/// A number for a place, the same in every run.
pub(super) fn number(place: Place) -> u64 {
    match place {
        Place::Call(site) => {
            chance::mix(chance::of_text(site.worker) ^ chance::of_text(site.operation))
                ^ u64::from(site.nth)
        }
        Place::Edge(edge, nth) => {
            let (kind, name) = match edge {
                Edge::StreamRecord => (1, ""),
                Edge::MediaEvent => (2, ""),
                Edge::Tick => (3, ""),
                Edge::ExecutionStart => (4, ""),
                Edge::TokenAnswer => (5, ""),
                Edge::Entered(state) => (6, state),
                Edge::Invoked(worker) => (7, worker),
            };
            chance::mix(chance::of_text(name) ^ kind) ^ u64::from(nth)
        }
    }
}
