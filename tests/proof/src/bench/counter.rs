//! Counts what a run costs beside the media services: calls, transitions, invocations, units of the
//! tables. Call [`Counter::look`] after every step.

use super::crowd::service_of;
use crate::{Call, What, World, operations::Service};
use domain::cost::{ControlPlaneLine, Lifecycle, Money, lifecycle, unit};
use std::collections::BTreeMap;

/// Memory of a function, and bytes of log for each invocation, as the cost model has them.
const FUNCTION_MB: u64 = 128;
/// About 500 bytes of our own line and Lambda's.
const LOG_BYTES: u64 = 500;
/// The worker whose work belongs to no destination.
const SWEEP: &str = "sweep";

/// What was counted. The sweep is apart: it does the same for one destination as for a hundred.
#[derive(Debug, Default)]
pub struct Counter {
    events: usize,
    /// Calls by operation.
    pub calls: BTreeMap<&'static str, u64>,
    /// Calls by service.
    pub services: BTreeMap<Service, u64>,
    /// Calls of the sweep.
    pub sweep_calls: u64,
    /// Invocations without the sweep's.
    pub invocations: u64,
    /// Milliseconds of these, as Lambda bills them.
    pub function_ms: u64,
    /// Records that the stream handed over.
    pub stream_records: u64,
    /// Half read units and write units.
    pub half_reads: u64,
    /// See `half_reads`.
    pub writes: u64,
}

impl Counter {
    /// Counts from here on.
    #[must_use]
    pub fn from_now(world: &World) -> Counter {
        Counter {
            events: world.trace().events().len(),
            ..Counter::default()
        }
    }

    /// Takes in what has happened since the last look.
    pub fn look(&mut self, world: &World) {
        let events = &world.trace().events()[self.events..];
        self.events += events.len();
        for event in events {
            match event.what {
                What::Effect(number, _) => self.call(world, &world.calls()[number as usize]),
                What::Returned(number) | What::Died(number, _) => {
                    let invocation = &world.invocations()[number as usize];
                    if invocation.worker != SWEEP {
                        let lasted = event.at.saturating_sub(invocation.began);
                        self.invocations += 1;
                        self.function_ms += lasted.max(1);
                    }
                }
                What::Record(_) => self.stream_records += 1,
                _ => {}
            }
        }
    }

    fn call(&mut self, world: &World, call: &Call) {
        if call.site.worker == SWEEP {
            self.sweep_calls += 1;
            return;
        }
        let service = service_of(call);
        *self.calls.entry(call.site.operation).or_default() += 1;
        *self.services.entry(service).or_default() += 1;
        if service != Service::DynamoDb {
            return;
        }
        let database = world.database();
        // Every read is consistent: a unit for each four thousand bytes begun. A write costs a unit
        // for each thousand bytes begun of the whole item, changed or not, refused or not.
        let reads = |bytes: usize| 2 * bytes.max(1).div_ceil(4096) as u64;
        let bytes = match call.resource.split_once('/') {
            Some((table, key)) => database.item_bytes(table, key),
            None => 0,
        };
        match call.site.operation {
            "dynamodb:GetItem" => self.half_reads += reads(bytes),
            "dynamodb:BatchGetItem" => {
                let invocation = &world.invocations()[call.invocation as usize];
                let id = invocation.destination.as_deref().unwrap_or_default();
                let tables = world.tables();
                for table in [tables.0, tables.1] {
                    self.half_reads += reads(database.item_bytes(table, id));
                }
            }
            _ => self.writes += bytes.max(1).div_ceil(1024) as u64,
        }
    }

    /// Calls to all services.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.services.values().sum()
    }

    /// What it costs at list price, line by line, traces too: each execution and each function that
    /// nothing of ours calls begins one.
    #[must_use]
    pub fn lines(&self, transitions: u64) -> Vec<ControlPlaneLine> {
        lifecycle(&Lifecycle {
            transitions,
            invocations: self.invocations,
            function_ms: self.function_ms,
            function_mb: FUNCTION_MB,
            half_reads: self.half_reads,
            writes: self.writes,
            log_bytes: self.invocations * LOG_BYTES,
        })
    }

    /// The sum of the lines.
    #[must_use]
    pub fn cost(&self, transitions: u64, traces: u64) -> Money {
        let traces = unit("traces").map_or(Money(0), |row| row.price.share(traces, row.per));
        let lines = self.lines(transitions);
        lines.iter().map(|line| line.usd).sum::<Money>() + traces
    }
}

/// State transitions of all executions, as Step Functions bills them: one for each state entered,
/// one more for each retry.
#[must_use]
pub fn transitions(world: &World) -> u64 {
    let all = world.executions().iter();
    all.map(runner::Execution::transitions).sum()
}

/// Traces that begin: one for each execution, and one for each event or batch handed to a function.
#[must_use]
pub fn traces(world: &World) -> u64 {
    let invocations = world.invocations().iter();
    let begun = invocations.filter(|one| one.execution.is_none() && one.worker != SWEEP);
    (world.executions().len() + begun.count()) as u64
}

/// Bytes of JSON that the histories of all executions keep.
#[must_use]
pub fn history_bytes(world: &World) -> usize {
    let events = world.executions().iter().flat_map(|one| one.history());
    let kept = events.map(|event| {
        let failure = event.what.failure();
        let value = event
            .what
            .value()
            .map_or(0, |value| value.to_string().len());
        value + failure.map_or(0, |failure| failure.error.len() + failure.cause.len())
    });
    kept.sum()
}
