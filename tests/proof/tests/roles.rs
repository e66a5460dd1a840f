//! Least privilege: every call of every script, and of faults that lead where no script goes, with
//! the roles in force. Then nothing is missing, nothing unused, and nothing could be taken away
//! without a call being denied.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proof::roles::audit::{Recorded, Used, Useless, load_bearing, missing, unused};
use proof::roles::{guard, platform};
use proof::search::{chance, scripts};
use proof::{
    Act, Cue, Decision, Edge, Fault, Place, Plan, Setup, Site, When, World, faults, setup,
};
use serde_json::json;

/// Permissions that no run would miss, and why they are there all the same: policy, action, reason.
const KEPT: &[(&str, &str, &str)] = &[
    (
        "AddFlowOutputRole",
        "medialive:DescribeInput",
        "MediaLive may answer CreateInput before the input has its addresses; the simulator has them at once.",
    ),
    ("PreflightRole", "dynamodb:GetItem", FLOW_ROW),
    ("StartFlowRole", "dynamodb:GetItem", FLOW_ROW),
    ("SweepRole", "dynamodb:GetItem", FLOW_ROW),
    ("UpdateFlowRole", "dynamodb:GetItem", FLOW_ROW),
    ("WatchFlowRole", "dynamodb:GetItem", FLOW_ROW),
];
const FLOW_ROW: &str = "It reads the flow's row, as every worker may; but the local cloud knows no dynamodb:LeadingKeys, \
    and there the shared statement allows nothing.";

/// Faults after which a worker looks twice, waits, undoes or tells: each kind once.
const FAULTS: &[Fault] = &[
    Fault::AnswerLost,
    Fault::CrashAfter,
    Fault::Slow(16),
    Fault::Conflict(400),
    Fault::Conflict(409),
    Fault::CreateFailed,
    Fault::UpdateFailed,
    Fault::FallsBackToIdle,
    Fault::Recovering,
    Fault::Forbidden,
    Fault::Quota,
    Fault::Throttled(4),
    Fault::Lost,
    Fault::Aborted,
];

/// Random schedules besides.
const SEEDS: u64 = 24;
/// A run goes on for so long after its script at most.
const AFTER_MS: u64 = 40 * 60_000;
/// And so long when nothing is billed any more: the sweep takes the flow and the rows.
const REST_MS: u64 = 300_000;

/// One run to be made.
struct Run {
    setup: Setup,
    plan: Plan,
    /// Our row of this is lost as soon as the script is over.
    lost: Option<&'static str>,
}

impl Run {
    fn new(setup: &Setup, plan: Plan) -> Run {
        let mut setup = setup.clone();
        setup.keep_sinks = false;
        Run {
            setup,
            plan,
            lost: None,
        }
    }

    /// Runs to the end with the roles in force; gives what was asked and every place that was passed.
    fn recorded(self) -> (BTreeSet<Recorded>, Vec<Place>) {
        let record = guard::Record::default();
        let mut world = World::new(&self.setup, self.plan);
        world.permits = Some(guard::recorded(&record));
        let (mut end, mut lost) = (world.now() + 3 * 3_600_000, self.lost);
        while world.now() < end && world.step() {
            if world.script_is_over()
                && let Some(id) = lost.take()
            {
                world.lose_row(id);
            }
            if world.script_is_over() {
                end = end.min(world.now() + AFTER_MS);
                if world.is_quiet()
                    && world
                        .core()
                        .book()
                        .channels()
                        .all(|channel| !channel.is_billable())
                {
                    end = end.min(world.now() + REST_MS);
                }
            }
        }
        let places = world.places().to_vec();
        let mut all = guard::invoked(&world);
        drop(world);
        all.extend(Rc::unwrap_or_clone(record).into_inner());
        (all, places)
    }
}

/// Makes many runs on all cores.
fn together(runs: Vec<Run>) -> (BTreeSet<Recorded>, Vec<Vec<Place>>) {
    let number = runs.len();
    let runs: Vec<Mutex<Option<Run>>> = runs.into_iter().map(|run| Mutex::new(Some(run))).collect();
    let (next, all) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let places: Vec<Mutex<Vec<Place>>> = (0..number).map(|_| Mutex::default()).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(at).and_then(|run| run.lock().unwrap().take()) else {
                        break;
                    };
                    let (calls, passed) = run.recorded();
                    all.lock().unwrap().extend(calls);
                    *places[at].lock().unwrap() = passed;
                }
            });
        }
    });
    (
        all.into_inner().unwrap(),
        places
            .into_iter()
            .map(|passed| passed.into_inner().unwrap())
            .collect(),
    )
}

fn cue(when: When, act: Act) -> Cue {
    Cue { when, act }
}

/// A destination `a` that is to stream, and what happens then.
fn story(more: Vec<Cue>) -> Setup {
    let mut setup = scripts::all()[0].setup.clone();
    setup.script = vec![
        cue(When::At(0), Act::Key(setup::key_of("a"))),
        cue(When::At(1000), Act::Put(setup::record("a", "streaming"))),
    ];
    setup.script.extend(more);
    setup
}

fn call(worker: &'static str, operation: &'static str, nth: u32) -> Place {
    Place::Call(Site {
        worker,
        operation,
        nth,
    })
}

/// What leads to calls that no script and no single fault leads to.
fn rare() -> Vec<Run> {
    let delete = || cue(When::After(1000), Act::Delete("a".into()));
    let streams = When::Channel("a".into(), "RUNNING", 5000);
    // Ids that cannot be one: told on the record, and nothing else can be done.
    let mut named_badly = story(Vec::new());
    named_badly.script[1].act = Act::Put(setup::record("Not an id", "streaming"));
    // More laps than one execution makes.
    let edits = (0..45).map(|number| {
        let url = format!(
            "rtmp://{}.example.com/live",
            if number % 2 == 0 { "b" } else { "a" }
        );
        cue(
            When::Enters("a".into(), "Plan", 1500),
            Act::Edit("a".into(), json!({ "rtmp_url": url })),
        )
    });
    let laps = story(edits.chain([delete()]).collect());
    // Stopped by hand between a create and its answer: the next execution has to look for the input.
    let sought = story(vec![
        cue(
            When::Enters("a".into(), "CreateInput", 3000),
            Act::Abort("a".into()),
        ),
        delete(),
    ]);
    let lands_late = Decision {
        place: call("create-input", "medialive:CreateInput", 1),
        fault: Fault::Slow(16),
    };
    // Three starts that fall back: the problem says what MediaLive complains of.
    let falls = (1..=3).map(|nth| Decision {
        place: call("start-channel", "medialive:StartChannel", nth),
        fault: Fault::FallsBackToIdle,
    });
    // Channel and input deleted by hand, and its address given to another: the output is there and
    // has to feed another input. The schedule sees it a minute after the beginning.
    let kept_warm = |id: &str| {
        let mut record = setup::record(id, "ready");
        record["keep_warm"] = json!(true);
        Act::Put(record)
    };
    let mut rewired = story(vec![
        cue(
            When::Channel("a".into(), "IDLE", 1000),
            Act::ByHand("delete_channel", "a".into()),
        ),
        cue(
            When::Channel("a".into(), "DELETED", 1000),
            Act::ByHand("delete_input", "a".into()),
        ),
        cue(When::After(7000), Act::Key(setup::key_of("b"))),
        cue(When::After(100), kept_warm("b")),
        cue(When::After(300_000), Act::Delete("a".into())),
        cue(When::After(100), Act::Delete("b".into())),
    ]);
    rewired.script[1].act = kept_warm("a");
    rewired.times["input_detach"] = json!([0, 0]);
    rewired.events = false;
    // Two records of one address and key: the second one is told who holds it.
    let mut twins = story(vec![cue(When::After(300_000), Act::Delete("a".into()))]);
    let mut twin = setup::record("b", "streaming");
    for name in ["rtmp_url", "stream_key_param"] {
        twin[name] = setup::record("a", "streaming")[name].clone();
    }
    twins.script.insert(2, cue(streams.clone(), Act::Put(twin)));
    twins
        .script
        .push(cue(When::After(300_000), Act::Delete("b".into())));
    // Our row and the record are gone while it runs: what is left answers to nobody.
    let mut orphaned = Run::new(
        &story(vec![cue(streams.clone(), Act::Delete("a".into()))]),
        Plan::calm(1),
    );
    orphaned.setup.stream = false;
    orphaned.lost = Some("a");
    // Something goes wrong on the air, is told, and is over; it comes back within the quiet time; the
    // execution that watches is stopped by hand; and all of it once more with the schedule alone.
    let alert = |set| Act::Alert("a".into(), "Failed RTMP Connection", set);
    let wrong = |events| {
        let mut wrong = story(vec![
            cue(streams.clone(), alert(true)),
            // Another word while somebody looks: who then watches is told at once.
            cue(
                When::Enters("a".into(), "ConfirmIncident", 0),
                Act::Alert("a".into(), "Failed to Write to Output", true),
            ),
            cue(When::After(150_000), alert(false)),
            cue(
                When::After(0),
                Act::Alert("a".into(), "Failed to Write to Output", false),
            ),
            cue(When::After(10_000), alert(true)),
            cue(When::After(1000), Act::Nothing),
            cue(When::After(150_000), Act::Abort("a".into())),
            cue(When::After(150_000), alert(false)),
            cue(When::After(200_000), Act::Delete("a".into())),
        ]);
        wrong.events = events;
        wrong
    };
    // The feed is cut and comes back while two are on the air, and the flow's own words are lost.
    let mut cut = story(vec![
        cue(When::After(0), Act::Key(setup::key_of("b"))),
        cue(When::After(0), Act::Put(setup::record("b", "streaming"))),
        cue(When::Quiet, Act::Nothing),
        cue(When::After(90_000), Act::Cut("primary", true)),
        cue(When::After(300_000), Act::Cut("primary", false)),
        cue(When::After(200_000), Act::Delete("a".into())),
        cue(When::After(100), Act::Delete("b".into())),
    ]);
    cut.events = false;
    let heard = story(vec![
        cue(streams.clone(), Act::Cut("primary", true)),
        cue(When::After(150_000), Act::Cut("primary", false)),
        cue(When::After(200_000), Act::Delete("a".into())),
    ]);
    // The other encoder is asked for: by the edit, or by the sweep where the edit was not heard of.
    let prefers = |stream: bool| {
        let mut setup = story(vec![
            cue(
                streams.clone(),
                Act::Put(json!({"destination_id": "flow", "preferred_source": "backup"})),
            ),
            cue(
                When::After(200_000),
                Act::Edit("flow".into(), json!({"preferred_source": "primary"})),
            ),
            cue(When::After(200_000), Act::Delete("a".into())),
        ]);
        setup.backup_source = true;
        setup.options = json!({"feed": "all"});
        setup.stream = stream;
        setup
    };
    // A budget is held against what the sessions say was spent.
    let budget = Act::Edit("a".into(), json!({"budget_usd_per_day": 50}));
    let budgeted = story(vec![
        cue(streams.clone(), budget),
        cue(When::After(100_000), Act::Delete("a".into())),
    ]);
    // A limit is announced, acts, and is told.
    let limit = Act::Edit("a".into(), json!({"session_hours_max": "0.2"}));
    let limited = story(vec![
        cue(streams.clone(), limit),
        cue(When::After(1_200_000), Act::Delete("a".into())),
    ]);
    let mut all = vec![
        Run::new(&limited, Plan::calm(1)),
        Run::new(&prefers(true), Plan::calm(1)),
        Run::new(&prefers(false), Plan::calm(1)),
        Run::new(&budgeted, Plan::calm(1)),
        Run::new(&wrong(true), Plan::calm(1)),
        Run::new(&wrong(false), Plan::calm(1)),
        Run::new(&cut, Plan::calm(1)),
        Run::new(&heard, Plan::calm(1)),
        Run::new(&named_badly, Plan::calm(1)),
        Run::new(&laps, Plan::calm(1)),
        Run::new(&sought, Plan::of(1, vec![lands_late])),
        Run::new(
            &story(vec![cue(When::After(600_000), Act::Delete("a".into()))]),
            Plan::of(1, falls.collect()),
        ),
        Run::new(&rewired, Plan::calm(1)),
        Run::new(&twins, Plan::calm(1)),
        orphaned,
    ];
    all.extend(
        (1..=SEEDS)
            .map(chance::task)
            .map(|task| Run::new(&task.setup, task.plan)),
    );
    all
}

/// One run for each kind of place and fault, at its first passage.
fn singles(runs: &[(Setup, Vec<Place>)]) -> Vec<Run> {
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    for (setup, places) in runs {
        for place in places {
            let kind = match place {
                Place::Call(site) => format!("{} {}", site.worker, site.operation),
                Place::Edge(Edge::Entered(_) | Edge::Tick, _) => continue,
                Place::Edge(edge, _) => format!("{edge:?}"),
            };
            for fault in FAULTS
                .iter()
                .filter(|fault| faults::applies(**fault, *place))
            {
                if known.insert(format!("{kind} {fault:?}")) {
                    let decision = Decision {
                        place: *place,
                        fault: *fault,
                    };
                    found.push(Run::new(setup, Plan::of(1, vec![decision])));
                }
            }
        }
    }
    found
}

/// Everything that was called, by workers, state machine and AWS's services.
fn recorded() -> Vec<Recorded> {
    let setups: Vec<Setup> = scripts::all()
        .into_iter()
        .map(|script| script.setup)
        .collect();
    let calm = setups.iter().map(|setup| Run::new(setup, Plan::calm(1)));
    let (mut all, places) = together(calm.collect());
    let runs: Vec<_> = setups.into_iter().zip(places).collect();
    let mut more = rare();
    more.extend(singles(&runs));
    println!("{} runs", runs.len() + more.len());
    all.extend(together(more).0);
    all.extend(platform::calls(guard::roles().deployment()));
    all.into_iter().collect()
}

/// Whether there is a reason to keep what no run needs.
fn is_kept(policy: &str, action: &str) -> bool {
    KEPT.iter()
        .any(|(its, one, _)| (*its, *one) == (policy, action))
}

#[test]
fn granted_is_used_and_used_is_granted() {
    let roles = guard::roles();
    let recorded = recorded();
    let mut used = Used::default();
    for it in &recorded {
        used.note(roles, &it.holder, &it.call);
    }
    let denied: Vec<String> = missing(roles, &recorded)
        .iter()
        .map(|denied| denied.sentence())
        .collect();
    println!(
        "{} different calls under {} roles",
        recorded.len(),
        roles.holders().count()
    );
    let mut idle = unused(roles, &used);
    idle.retain(|it| !is_kept(&it.policy, &it.action));
    let mut useless = load_bearing(roles, &recorded);
    for (policy, action, _) in KEPT {
        let before = useless.len();
        useless.retain(|it| {
            !matches!(it, Useless::Permission(it) if (it.policy.as_str(), it.action.as_str()) == (policy, action))
        });
        assert!(useless.len() < before, "{policy} needs {action} after all");
    }
    let found =
        format!("missing: {denied:#?}\nunused: {idle:#?}\nno call would miss: {useless:#?}");
    assert!(
        denied.is_empty() && idle.is_empty() && useless.is_empty(),
        "{found}"
    );
}
