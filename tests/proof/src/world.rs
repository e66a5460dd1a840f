//! The scheduler: one house from end to end, under a virtual clock.

use crate::{Decision, Plan, Setup, Trace};
use models::{Database, Parameters};
use runner::Execution;
use serde_json::Value;
use simulator::core::Core;

/// When every run begins: 2026-11-21T19:00:00Z, in milliseconds since 1970.
pub const BEGIN: u64 = 1_795_287_600_000;

/// One call of a worker to AWS.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where in the run it stands.
    pub site: crate::Site,
    /// The invocation that sent it.
    pub invocation: u32,
    /// What it is about: the key, id or ARN of the resource; `*` where the operation has none.
    pub resource: String,
    /// When it was sent, took effect, was answered.
    pub sent: u64,
    /// None: it never took effect.
    pub effect: Option<u64>,
    /// None: it was never answered, or its function was dead by then.
    pub answered: Option<u64>,
    /// The service's status, whether or not it arrived.
    pub status: u16,
    /// The service's error name.
    pub error: Option<String>,
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The worker.
    pub worker: &'static str,
    /// The execution it is a task of.
    pub execution: Option<u32>,
    /// The destination it is about, if its payload names one.
    pub destination: Option<String>,
    /// When it began to run.
    pub began: u64,
    /// When it answered or died.
    pub ended: Option<u64>,
    /// What came of it; None while it runs.
    pub outcome: Option<Result<Value, runner::Failure>>,
}

/// Something that a stream key must never be found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// An execution's input.
    ExecutionInput,
    /// A record of the stream.
    Stream,
    /// An event.
    Event,
    /// A line that a worker wrote.
    Log,
    /// A worker's answer or error, as its caller gets it.
    Outcome,
    /// The body of a request.
    Request(&'static str),
    /// The body of an answer.
    Answer(&'static str),
}

/// The world.
pub struct World {
    setup: Setup,
    plan: Plan,
    now: u64,
    trace: Trace,
    core: Core,
    database: Database,
    parameters: Parameters,
    executions: Vec<Execution>,
    calls: Vec<Call>,
    invocations: Vec<Invocation>,
    taken: Vec<Decision>,
    sinks: Vec<(Sink, u64, String)>,
}

impl World {
    /// A house as it stands after its first deployment.
    #[must_use]
    pub fn new(setup: &Setup, plan: Plan) -> World {
        World {
            setup: setup.clone(),
            plan,
            now: BEGIN,
            trace: Trace::default(),
            core: Core::new(simulator::core::Settings::default()),
            database: Database::new(),
            parameters: Parameters::new(),
            executions: Vec::new(),
            calls: Vec::new(),
            invocations: Vec::new(),
            taken: Vec::new(),
            sinks: Vec::new(),
        }
    }

    /// Lets the next thing happen. False: nothing is left to happen.
    pub fn step(&mut self) -> bool {
        false
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        None
    }

    /// Nothing runs and nothing is under way, but for ticks and for what is due at some later time.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        true
    }

    /// The time, milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// What the run began with.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What it suffers.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What happened.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The simulated account; its book is the truth.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The tables.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The executions, in the order they began; the trace's numbers are places in this list.
    #[must_use]
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// The calls, in the order they were sent.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The invocations, in the order they began.
    #[must_use]
    pub fn invocations(&self) -> &[Invocation] {
        &self.invocations
    }

    /// Every fault that fired, in order: as a plan's decisions they give the same trace again.
    #[must_use]
    pub fn taken(&self) -> &[Decision] {
        &self.taken
    }

    /// Planned faults that have not fired.
    #[must_use]
    pub fn unfired(&self) -> Vec<Decision> {
        let mut left = self.plan.decisions.clone();
        left.retain(|decision| !self.taken.contains(decision));
        left
    }

    /// What was written where it can be read: sink, time, text.
    #[must_use]
    pub fn sinks(&self) -> &[(Sink, u64, String)] {
        &self.sinks
    }

    /// Physical names: the operator's table and our own.
    #[must_use]
    pub fn tables(&self) -> (&str, &str) {
        ("lunora-lunora-destinations", "lunora-lunora-ledger")
    }
}
