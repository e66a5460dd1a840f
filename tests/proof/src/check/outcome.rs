//! What came of a run, to be asked.

use std::collections::BTreeMap;

use crate::oracle::{Violation, end::End, money::Tally};
use crate::{Decision, Place, World, story, world};

/// What came of a run.
pub struct Outcome {
    /// Every promise that was broken, in order.
    pub violations: Vec<Violation>,
    pub(super) world: World,
    pub(super) tally: Tally,
    pub(super) end: BTreeMap<String, End>,
    pub(super) settled_ms: u64,
}

/// What a run cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Calls of workers, the sweep's included.
    pub calls: usize,
    /// The same by worker and operation.
    pub calls_by_site: BTreeMap<(&'static str, &'static str), usize>,
    /// Calls that change something in the media services, the deployment's two included.
    pub media_writes: usize,
    /// Transitions of the state machine.
    pub transitions: u64,
}

impl Outcome {
    /// The world at its end.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What was counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is left in the end.
    #[must_use]
    pub fn end(&self) -> &BTreeMap<String, End> {
        &self.end
    }

    /// The longest time from the last act or fault to rest, milliseconds.
    #[must_use]
    pub fn settled_ms(&self) -> u64 {
        self.settled_ms
    }

    /// What it cost.
    #[must_use]
    pub fn costs(&self) -> Costs {
        let executions = self.world.executions().iter();
        let told = self.world.core().book().told(0);
        let mut calls_by_site = BTreeMap::new();
        for call in self.world.calls() {
            *calls_by_site
                .entry((call.site.worker, call.site.operation))
                .or_default() += 1;
        }
        Costs {
            calls: self.world.calls().len(),
            calls_by_site,
            media_writes: told.filter(|told| told.writes).count(),
            transitions: executions.map(|execution| execution.transitions()).sum(),
        }
    }

    /// What happened, to be read.
    #[must_use]
    pub fn story(&self) -> String {
        story::tell(&self.world, &self.violations)
    }

    /// Every place that was passed.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        self.world.places()
    }

    /// Every fault that fired.
    #[must_use]
    pub fn taken(&self) -> &[Decision] {
        self.world.taken()
    }

    /// Planned faults that did not fire.
    #[must_use]
    pub fn unfired(&self) -> Vec<Decision> {
        self.world.unfired()
    }

    /// The time that passed in the house.
    #[must_use]
    pub fn simulated_ms(&self) -> u64 {
        self.world.now() - world::BEGIN
    }

    /// Minutes in which something existed that nobody wanted and nobody was at work on.
    #[must_use]
    pub fn orphan_minutes(&self) -> f64 {
        self.tally.orphan_ms as f64 / 60_000.0
    }

    /// One number for everything that happened.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.world.trace().hash()
    }
}
