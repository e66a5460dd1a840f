//! One run from its beginning to rest, with every oracle looking on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::oracle::rest::End;
use crate::oracle::{Oracles, Rules, Violation, money::Tally};
use crate::trace::What;
use crate::{Decision, Fault, Place, Plan, Setup, World, story, world};

/// After the last fault and the last act, a house comes to rest within this time: MediaLive's longest
/// normal stop, delete, detach and start one after the other (user guide: 300, 420, 420 and 600 s),
/// six sweeps between them, the retries' longest budget of seven minutes, and the quarter of an hour
/// after which what is stuck is tried again.
const REST_MS: u64 = 3_700_000;
/// A script whose next act waits for a state that nothing leads to any more ends after this rest.
const IDLE_MS: u64 = 900_000;
/// With faults that never stop only safety is judged, for so long after the last act.
const STORM_MS: u64 = 1_800_000;
/// Steps of one run: far more than any script needs, so that a house that turns in circles without
/// time passing is a finding and not a search that hangs.
const STEPS_MAX: u64 = 400_000;
/// An event may come a second time an hour later.
const LATE_MS: u64 = 3_660_000;

/// What came of a run.
pub struct Outcome {
    /// Every promise that was broken, in order.
    pub violations: Vec<Violation>,
    world: World,
    tally: Tally,
    end: BTreeMap<String, End>,
    settled_ms: u64,
}

thread_local! {
    /// The ends of scripts without faults, by script.
    static CALM: RefCell<BTreeMap<u64, BTreeMap<String, End>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs a script under a plan. Stops at the first step after which a promise is broken.
#[must_use]
pub fn run(setup: &Setup, plan: Plan) -> Outcome {
    let planned = plan.climate.is_none() && !plan.decisions.is_empty();
    let mut outcome = one(setup, plan);
    if planned && outcome.violations.is_empty() && outcome.is_comparable() {
        let calm = calm_end(setup);
        let world = &outcome.world;
        let found = outcome.end.iter();
        let differs = found.filter(|(id, end)| calm.get(*id).is_some_and(|calm| calm != *end));
        let broken = differs.map(|(id, end)| Violation {
            invariant: "L4 same end",
            at: world.now(),
            destination: Some(id.clone()),
            sentence: format!(
                "it ended as {end:?} and without faults it ends as {:?}",
                calm[id]
            ),
        });
        outcome.violations = broken.collect();
    }
    outcome
}

/// The end of a script without faults.
fn calm_end(setup: &Setup) -> BTreeMap<String, End> {
    let mut hasher = DefaultHasher::new();
    format!("{setup:?}").hash(&mut hasher);
    let key = hasher.finish();
    if let Some(known) = CALM.with_borrow(|known| known.get(&key).cloned()) {
        return known;
    }
    let end = one(setup, Plan::calm(1)).end;
    CALM.with_borrow_mut(|known| known.insert(key, end.clone()));
    end
}

fn one(setup: &Setup, plan: Plan) -> Outcome {
    let endless = plan
        .climate
        .as_ref()
        .is_some_and(|climate| climate.until.is_none() && !climate.rates.is_empty());
    let weather_until = plan.climate.as_ref().and_then(|climate| climate.until);
    let mut world = World::new(setup, plan);
    let mut oracles = Oracles::new(Rules::of(&world), &world);
    let (mut seen, mut disturbed, mut late, mut rested) = (0, world.now(), 0, None);
    let mut acted = world.now();
    let (mut settled_ms, mut steps) = (0, 0);
    loop {
        let stepped = world.step();
        steps += 1;
        if steps > STEPS_MAX {
            oracles.restless_for_ever(&world);
        }
        oracles.look(&world);
        if !oracles.violations.is_empty() || !stepped {
            break;
        }
        let now = world.now();
        for event in &world.trace().events()[seen..] {
            match event.what {
                What::Acted(_) => (acted, disturbed, rested) = (now, now, None),
                What::Fired(number) => {
                    (disturbed, rested) = (now, None);
                    match world.taken()[number as usize].fault {
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
        if now > disturbed.max(late).max(weather_until.unwrap_or(0)) + REST_MS {
            oracles.is_settled(&world, is_mild(&world));
            if oracles.violations.is_empty() {
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
        let over = world.script_is_over() || now > since + IDLE_MS;
        if over && now >= late && !stormy {
            oracles.is_settled(&world, is_mild(&world));
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

/// What is judged over a whole run.
fn finish(oracles: &mut Oracles, world: &World) {
    let throttled = world.taken().iter().map(|decision| match decision.fault {
        Fault::Throttled(times) => u64::from(times),
        _ => 0,
    });
    oracles.search(world);
    if oracles.violations.is_empty() {
        oracles.histories_are_short(world);
        oracles.little_is_orphaned(world);
        oracles.few_calls_are_throttled(world.now(), throttled.sum());
        oracles.tokens_are_fresh(world, false);
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
                | Fault::CreateFailed
                | Fault::UpdateFailed
                | Fault::FallsBackToIdle
                | Fault::Recovering
        )
    })
}

impl Outcome {
    /// Whether its end has to be that of the script without faults: nothing has refused a wish for
    /// good, and every act was done.
    fn is_comparable(&self) -> bool {
        is_mild(&self.world) && self.world.script_is_over()
    }

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
