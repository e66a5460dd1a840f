//! One run from its beginning to rest, with every oracle looking on.

mod outcome;

pub use outcome::{Costs, Outcome};

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::oracle::end::End;
use crate::oracle::{Oracles, Rules, Violation};
use crate::setup::{Act, When};
use crate::trace::What;
use crate::{Fault, Plan, Setup, World, world::Turn};

/// After the last fault and the last act, a house comes to rest within this time: MediaLive's longest
/// normal stop, delete, detach and start one after the other (user guide: 300, 420, 420 and 600 s),
/// six sweeps between them, the retries' longest budget of seven minutes, and the quarter of an hour
/// after which what is stuck is tried again.
const REST_MS: u64 = 3_700_000;
/// What waits for others is tried, and streams until a lost feed ends it (half an hour), for no longer.
const TRY_MS: u64 = 2_400_000;
/// A script whose next act waits for a state that nothing leads to any more ends after this rest.
const IDLE_MS: u64 = 900_000;
/// What nobody was told of is seen by the sweep: within two of its passes, and one may be late.
const NOTICED_MS: u64 = 130_000;
/// From one pass of the sweep to the next.
const PASS_MS: u64 = 60_000;
/// A fault that passes at once holds a house up for no longer: the retries' wait or two passes of the sweep.
const SOON_MS: u64 = 150_000;
/// With faults that never stop only safety is judged, for so long after the last act.
const STORM_MS: u64 = 1_800_000;
/// Steps of one run: far more than any script needs, so that a house that turns in circles without
/// time passing is a finding and not a search that hangs.
const STEPS_MAX: u64 = 400_000;
/// Two passes of the sweep, the second of which finds nothing new to report.
const REPORT_MS: u64 = 120_000;
/// While the flow is up its record is written again after this, news or no news.
const FLOW_RECORD_MS: u64 = 600_000;
/// A simulated day.
const DAY_MS: u64 = 86_400_000;
/// An event may come a second time an hour later.
const LATE_MS: u64 = 3_660_000;

thread_local! {
    /// The ends of scripts without faults, and how long they took to settle, by script.
    static CALM: RefCell<BTreeMap<u64, Calm>> = const { RefCell::new(BTreeMap::new()) };
}

/// A run without faults: what was left, and the longest time from an act to rest, milliseconds.
#[derive(Clone)]
struct Calm {
    end: BTreeMap<String, End>,
    settled_ms: u64,
}

/// Runs a script under a plan. Stops at the first step after which a promise is broken.
#[must_use]
pub fn run(setup: &Setup, plan: Plan) -> Outcome {
    compared(setup, one(setup, plan, None))
}

/// Runs a script without faults until `turn` names one, and from there as if it had been planned.
#[must_use]
pub fn turned(setup: &Setup, seed: u64, turn: Turn) -> Outcome {
    // Known before the first turn, so that whoever forks there inherits it.
    calm(setup);
    compared(setup, one(setup, Plan::calm(seed), Some(turn)))
}

/// With what the same script comes to without its faults.
fn compared(setup: &Setup, mut outcome: Outcome) -> Outcome {
    let plan = outcome.world.plan();
    let planned = plan.climate.is_none() && !plan.decisions.is_empty();
    if planned && outcome.violations.is_empty() && outcome.world.script_is_over() {
        let Calm {
            end: calm,
            settled_ms,
        } = calm(setup);
        let world = &outcome.world;
        let found = outcome.end.iter();
        // What has refused a wish for good leaves another end.
        let same = is_mild(world);
        let differs =
            found.filter(|(id, end)| same && calm.get(*id).is_some_and(|calm| calm != *end));
        let late = held_up_most_ms(world).map_or(0, |most| {
            outcome.settled_ms.saturating_sub(settled_ms + most)
        });
        let lingers = (late > 0).then(|| Violation {
            invariant: "L1 soon",
            at: world.now(),
            destination: None,
            sentence: format!(
                "one fault that passes at once held it up for {} s more than it may",
                late / 1000
            ),
        });
        let broken = differs.map(|(id, end)| Violation {
            invariant: "L4 same end",
            at: world.now(),
            destination: Some(id.clone()),
            sentence: format!(
                "it ended as {end:?} and without faults it ends as {:?}",
                calm[id]
            ),
        });
        outcome.violations = broken.chain(lingers).collect();
    }
    outcome
}

/// How long a house may be held up where all that went wrong was one call or one word, milliseconds. A call
/// that goes on to be throttled may be the sweep's: two passes each time, where the one in between waits
/// for an answer.
fn held_up_most_ms(world: &World) -> Option<u64> {
    let [one] = world.taken() else { return None };
    match one.fault {
        Fault::Throttled(more) => Some(SOON_MS + 2 * u64::from(more) * PASS_MS),
        Fault::ErrorBefore(_)
        | Fault::AnswerLost
        | Fault::AnswerSpoilt
        | Fault::AnswerTimedOut
        | Fault::CrashBefore
        | Fault::CrashAfter
        | Fault::Conflict(_)
        | Fault::Lost
        | Fault::Stale => Some(SOON_MS),
        _ => None,
    }
}

/// A script without faults.
fn calm(setup: &Setup) -> Calm {
    let mut hasher = DefaultHasher::new();
    format!("{setup:?}").hash(&mut hasher);
    let key = hasher.finish();
    if let Some(known) = CALM.with_borrow(|known| known.get(&key).cloned()) {
        return known;
    }
    let outcome = one(setup, Plan::calm(1), None);
    let calm = Calm {
        end: outcome.end,
        settled_ms: outcome.settled_ms,
    };
    CALM.with_borrow_mut(|known| known.insert(key, calm.clone()));
    calm
}

fn one(setup: &Setup, plan: Plan, turn: Option<Turn>) -> Outcome {
    let endless = plan
        .climate
        .as_ref()
        .is_some_and(|climate| climate.until.is_none() && !climate.rates.is_empty());
    let weather_until = plan.climate.as_ref().and_then(|climate| climate.until);
    let mut world = World::new(setup, plan);
    // Under the roles as they are deployed: a call that no role permits is refused as AWS refuses it.
    world.permits = Some(crate::roles::guard::enforced());
    world.turn = turn;
    let mut oracles = Oracles::new(Rules::of(&world), &world);
    let mut planned = world.plan().decisions.len();
    let (mut seen, mut disturbed, mut late, mut rested) = (0, world.now(), 0, None);
    let mut acted = world.now();
    let (mut settled_ms, mut steps) = (0, 0);
    loop {
        let stepped = world.step();
        steps += 1;
        if steps > STEPS_MAX {
            oracles.restless_for_ever(&world);
        }
        if planned != world.plan().decisions.len() {
            planned = world.plan().decisions.len();
            oracles.judge_by(Rules::of(&world));
        }
        oracles.look(&world);
        if !oracles.violations.is_empty() || !stepped {
            break;
        }
        let now = world.now();
        for event in &world.trace().events()[seen..] {
            match event.what {
                What::Acted(number) => {
                    (acted, disturbed, rested) = (now, now, None);
                    // Of what a person does in the console only an event or the sweep tells.
                    let setup = world.setup();
                    if !setup.stream || !tells_itself(&setup.script[number as usize].act) {
                        late = late.max(now + NOTICED_MS);
                    }
                }
                What::Fired(number) => {
                    (disturbed, rested) = (now, None);
                    late = late.max(now + NOTICED_MS);
                    match world.taken()[number as usize].fault {
                        // A pass of the sweep each.
                        Fault::Throttled(more) => {
                            late = late.max(now + NOTICED_MS + u64::from(more) * PASS_MS);
                        }
                        Fault::DoubledLate => late = late.max(now + LATE_MS),
                        Fault::Delayed(seconds)
                        | Fault::Slow(seconds)
                        | Fault::Redriven(seconds) => {
                            late = late.max(now + u64::from(seconds) * 1000 + 60_000);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        seen = world.trace().events().len();
        if endless {
            // The next act may wait for a state that nothing leads to any more.
            if now > acted + STORM_MS {
                break;
            }
            continue;
        }
        let stormy = weather_until.is_some_and(|until| now < until);
        let patient = awaits_time(&world);
        if !patient && now > disturbed.max(late).max(weather_until.unwrap_or(0)) + REST_MS {
            // A moment at which somebody is at work for what waits for others proves nothing.
            if oracles.tries_again(&world) && now < disturbed.max(late) + REST_MS + TRY_MS {
                continue;
            }
            oracles.is_settled(&world, is_mild(&world));
            if oracles.violations.is_empty()
                && !oracles.waits_only(&world)
                && !oracles.rests(&world, disturbed)
            {
                oracles.restless_for_ever(&world);
            }
            break;
        }
        // Whether it is at rest costs more than a step, and rest is not reached in between.
        if !world.is_quiet() {
            continue;
        }
        if !oracles.rests(&world, disturbed) {
            rested = None;
            continue;
        }
        let since = *rested.get_or_insert_with(|| {
            settled_ms = settled_ms.max(now - disturbed);
            now
        });
        let over = world.script_is_over() || !patient && now > since + IDLE_MS;
        if over && now >= late && !stormy {
            oracles.is_settled(&world, is_mild(&world));
            oracles.tells_the_end(&world);
            oracles.runs_are_sessions(&world);
            break;
        }
    }
    finish(&mut oracles, &world);
    Outcome {
        violations: std::mem::take(&mut oracles.violations),
        tally: oracles.tally().clone(),
        end: oracles.end(&world),
        world,
        settled_ms,
    }
}

/// Whether the next act waits for nothing but its time.
fn awaits_time(world: &World) -> bool {
    let next = world.setup().script.get(world.acts_done());
    next.is_some_and(|cue| matches!(cue.when, When::At(_) | When::After(_)))
}

/// Whether an act is followed by a record of the table's stream.
fn tells_itself(act: &Act) -> bool {
    matches!(act, Act::Put(_) | Act::Edit(..) | Act::Delete(_))
}

/// Times in which no function ran.
fn dark_times(world: &World) -> Vec<(u64, u64)> {
    let mut times = Vec::new();
    let mut since = None;
    for event in world.trace().events() {
        let What::Acted(number) = event.what else {
            continue;
        };
        match world.setup().script[number as usize].act {
            Act::Down("lambda") => since = since.or(Some(event.at)),
            Act::Up("lambda") => times.extend(since.take().map(|since| (since, event.at))),
            _ => {}
        }
    }
    times
}

/// L1, the second half: a house at rest stays at rest. For a simulated day after it has come to
/// rest nothing is written to the media services or to a destination's row, and no execution
/// begins; the sweep's own memory apart, and the record of the flow, which is written again every ten
/// minutes while the flow is up, so that its age can be trusted.
#[must_use]
pub fn day_of_rest(setup: &Setup) -> Vec<Violation> {
    let outcome = run(setup, Plan::calm(1));
    let mut world = outcome.world;
    if !outcome.violations.is_empty() {
        return outcome.violations;
    }
    // The next pass of the sweep tells of it in the report.
    world.run_until(world.now() + REPORT_MS);
    let told = world.core().book().told_end();
    let (executions, calls) = (world.executions().len(), world.calls().len());
    world.run_until(world.now() + DAY_MS);
    let wrote = world.core().book().told(told).find(|told| told.writes);
    let wrote = wrote.map(|told| format!("{} was sent", told.operation));
    let begun = world.executions().get(executions);
    let begun = begun.map(|execution| format!("execution {} began", execution.name()));
    let mut flow_writes = 0;
    let mut rows = world.calls()[calls..].iter();
    let row = rows.find(|call| {
        let verb = call.site.operation.split(':').nth(1).unwrap_or_default();
        let writes = matches!(verb, "UpdateItem" | "PutItem" | "DeleteItem");
        let about_flow = writes && call.resource.ends_with("/flow");
        flow_writes += u64::from(about_flow);
        writes && !call.resource.contains('#') && !about_flow
    });
    let row = row.map(|call| format!("{} wrote {}", call.site.worker, call.resource));
    let often = flow_writes > DAY_MS / FLOW_RECORD_MS + 1;
    let often = often.then(|| format!("the record of the flow was written {flow_writes} times"));
    let sentences = [wrote, begun, row, often].into_iter().flatten();
    sentences
        .map(|sentence| Violation {
            invariant: "L1 quiet",
            at: world.now(),
            destination: None,
            sentence: format!("in a day of rest {sentence}"),
        })
        .collect()
}

/// What is judged over a whole run.
fn finish(oracles: &mut Oracles, world: &World) {
    let throttled = world
        .taken()
        .iter()
        .filter_map(|decision| match decision.fault {
            Fault::Throttled(times) => Some(u64::from(times)),
            _ => None,
        });
    let again: u64 = throttled.clone().map(|times| times - 1).sum();
    for (from, to) in dark_times(world) {
        oracles.ran_on(from, to);
    }
    oracles.search(world);
    if oracles.violations.is_empty() {
        oracles.histories_are_short(world);
        oracles.little_is_orphaned(world, !is_mild(world), again);
        oracles.few_calls_are_throttled(world.now(), throttled.sum());
        oracles.tokens_are_fresh(world, false);
        oracles.tells_once(world);
    }
}

/// Whether nothing has struck that may refuse a wish for good: only what passes, and what is lost,
/// doubled, late or cut off.
fn is_mild(world: &World) -> bool {
    world.taken().iter().all(|decision| {
        !matches!(
            decision.fault,
            Fault::Forbidden
                | Fault::Quota
                | Fault::Conflict(_)
                | Fault::Unprocessable
                | Fault::CreateFailed
                | Fault::UpdateFailed
                | Fault::FallsBackToIdle
                | Fault::Recovering
        )
    })
}
