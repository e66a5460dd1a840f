//! The scheduler: one house from end to end, under a virtual clock.
//!
//! `step` takes the earliest happening and lets it happen. A handler runs only inside such a step,
//! up to its next call; a call's effect and its answer are happenings of their own.

mod acts;
mod call;
mod decide;
mod events;
mod flows;
mod invoke;
mod lose;
mod metrics;
mod perform;
mod queue;
mod records;
mod states;
mod stream;

use crate::{
    Decision, Fault, Place, Plan, Setup, Trace,
    chance::Chance,
    connector,
    deployed::{Deployed, deployed},
};
use models::{Database, Parameters};
use runner::{Execution, Machine};
use simulator::core::{Core, book::Passage};
use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    rc::Rc,
    sync::Arc,
};

pub use call::Asked;
pub use records::{Call, Invocation, Published, Run, Sink};

/// When every run begins: 2026-11-21T19:00:00Z, in milliseconds since 1970.
pub const BEGIN: u64 = 1_795_287_600_000;

/// Says whether a role allows a call.
pub type Permits = Rc<dyn Fn(&Asked<'_>) -> bool>;

/// Asked at every place that nothing was planned for: what goes wrong there after all. Asked no more when
/// something does.
pub type Turn = Rc<dyn Fn(Place) -> Option<Fault>>;

/// The world.
pub struct World {
    setup: Setup,
    plan: Plan,
    house: &'static Deployed,
    chance: Chance,
    now: u64,
    queue: BinaryHeap<queue::Entry>,
    queued: u64,
    trace: Trace,
    core: Core,
    media_due: Option<u64>,
    passages_seen: u64,
    passages: Vec<Passage>,
    database: Database,
    parameters: Parameters,
    machine: Arc<Machine>,
    executions: Vec<Execution>,
    runs: Vec<Run>,
    names: BTreeMap<String, u32>,
    calls: Vec<Call>,
    pending: BTreeMap<u32, call::Pending>,
    invocations: Vec<Invocation>,
    live: BTreeMap<u32, invoke::Live>,
    clouds: flows::Clouds,
    more: flows::More,
    shards: Vec<stream::Shard>,
    under_way: u64,
    /// Executions that run.
    running: usize,
    down: BTreeSet<&'static str>,
    script: acts::Script,
    keys: Vec<(String, String)>,
    flow_arn: String,
    decisions: decide::Decisions,
    sinks: Vec<(Sink, u64, String)>,
    published: Vec<Published>,
    /// Says whether a worker's role allows a call; None allows everything.
    pub permits: Option<Permits>,
    /// Lets a run take another way than its plan says; the plan is changed accordingly.
    pub turn: Option<Turn>,
}

impl World {
    /// A house as it stands after its first deployment.
    ///
    /// # Panics
    ///
    /// If the set-up names an option, quota or time that the simulator does not know.
    #[must_use]
    pub fn new(setup: &Setup, plan: Plan) -> World {
        let house = setup.deployed.unwrap_or_else(|| deployed());
        let chance = Chance::new(plan.seed);
        let mut core = Core::new(simulator::core::Settings {
            region: connector::REGION.into(),
            account: connector::ACCOUNT.into(),
            seed: plan.seed,
        });
        for (what, body) in [
            ("options", &setup.options),
            ("quotas", &setup.quotas),
            ("times", &setup.times),
            ("events", &setup.knobs),
        ] {
            if !body.is_null() {
                let (status, answer) = core.control(acts::deployed_at(setup), "POST", what, body);
                assert_eq!(status, 200, "the simulator refuses the {what}: {answer}");
            }
        }
        let (flow_arn, more, group) = acts::deploy(&mut core, setup);
        let clients = connector::clients();
        let clouds = |flow: &str| flows::clouds(house, setup, flow, &group, &clients);
        let more = more.into_iter().map(|flow| {
            let clouds = clouds(&flow);
            (flow, clouds)
        });
        let mut database = Database::new();
        database.create_table(&house.tables.0, "destination_id", true);
        database.create_table(&house.tables.1, "destination_id", false);
        database.expire_by(&house.tables.1, "expires_at");
        database.create_sorted_table(&house.sessions, "destination_id", Some("started_at"), false);
        let incidents = &house.incidents_table;
        database.create_sorted_table(incidents, "destination_id", Some("incident_id"), false);
        database.expire_by(incidents, "expires_at");
        let mut world = World {
            clouds: clouds(&flow_arn),
            more: flows::More::new(more.collect()),
            decisions: decide::Decisions::new(&plan),
            script: acts::Script::new(&setup.script),
            setup: setup.clone(),
            machine: Arc::clone(&house.machine),
            plan,
            house,
            chance,
            now: BEGIN,
            queue: BinaryHeap::new(),
            queued: 0,
            trace: Trace::default(),
            core,
            media_due: None,
            passages_seen: 0,
            passages: Vec::new(),
            database,
            parameters: Parameters::new(),
            executions: Vec::new(),
            runs: Vec::new(),
            names: BTreeMap::new(),
            calls: Vec::new(),
            pending: BTreeMap::new(),
            invocations: Vec::new(),
            live: BTreeMap::new(),
            shards: stream::shards(),
            under_way: 0,
            running: 0,
            down: BTreeSet::new(),
            keys: Vec::new(),
            flow_arn,
            sinks: Vec::new(),
            published: Vec::new(),
            permits: None,
            turn: None,
        };
        world.after_media();
        world.begin_ticks();
        world.cue();
        world
    }

    /// Lets everything happen that is due up to a time, then sets the clock to it.
    pub fn run_until(&mut self, at: u64) {
        while self.next_due().is_some_and(|due| due <= at) {
            self.step();
        }
        self.now = self.now.max(at);
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

    /// Every state that a channel, input, flow or output entered; the trace's numbers are places in this list.
    #[must_use]
    pub fn passages(&self) -> &[Passage] {
        &self.passages
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

    /// Every stream key that was ever planted: name of the parameter and value.
    #[must_use]
    pub fn keys(&self) -> &[(String, String)] {
        &self.keys
    }

    /// The executions, in the order they began; the trace's numbers are places in this list.
    #[must_use]
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// The destination of an execution.
    #[must_use]
    pub fn run(&self, execution: u32) -> &Run {
        &self.runs[execution as usize]
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
        &self.decisions.taken
    }

    /// Planned faults that have not fired.
    #[must_use]
    pub fn unfired(&self) -> Vec<Decision> {
        let mut left = self.plan.decisions.clone();
        left.retain(|decision| !self.decisions.taken.contains(decision));
        left
    }

    /// Every place that the run has passed, in order, whether or not anything went wrong there.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.decisions.passed
    }

    /// What was written where it can be read: sink, time, text.
    #[must_use]
    pub fn sinks(&self) -> &[(Sink, u64, String)] {
        &self.sinks
    }

    /// The messages that were sent to people, in order.
    #[must_use]
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// The bill of the simulated account up to now, by its own prices.
    pub fn bill(&mut self) -> serde_json::Value {
        let nothing = serde_json::Value::Null;
        self.core.control(self.now, "GET", "bill", &nothing).1
    }

    /// The table of sessions.
    #[must_use]
    pub fn sessions_table(&self) -> &str {
        &self.house.sessions
    }

    /// Physical names: the operator's table and our own.
    #[must_use]
    pub fn tables(&self) -> (&str, &str) {
        (&self.house.tables.0, &self.house.tables.1)
    }

    /// What was deployed.
    #[must_use]
    pub fn house(&self) -> &'static Deployed {
        self.house
    }

    /// The flow's ARN.
    #[must_use]
    pub fn flow_arn(&self) -> &str {
        &self.flow_arn
    }

    /// The settings of a worker.
    #[must_use]
    pub fn settings(&self, worker: &str) -> &cloud::settings::Settings {
        &self.clouds[worker].settings
    }

    fn sink(&mut self, sink: Sink, text: String) {
        if self.setup.keep_sinks {
            self.sinks.push((sink, self.now, text));
        }
    }
}
