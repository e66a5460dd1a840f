//! A failing run made shorter: fewer faults, fewer acts, fewer records, as long as the same promise is
//! broken. What was drawn at random is first written down as a plan.

use std::time::{Duration, Instant};

use crate::check::{self, Outcome};
use crate::search::Task;
use crate::setup::Act;
use crate::{Climate, Plan};

/// A run with this plan and script: whether the same promise is broken.
pub type Breaks<'a> = dyn FnMut(&Task) -> bool + 'a;

/// Makes a failing task shorter, for at most so long.
#[must_use]
pub fn shrink(task: &Task, outcome: &Outcome, most: Duration) -> Task {
    let Some(broken) = outcome.violations.first().cloned() else {
        return task.clone();
    };
    let began = Instant::now();
    let mut breaks = |task: &Task| {
        began.elapsed() < most
            && check::run(&task.setup, task.plan.clone())
                .violations
                .first()
                .is_some_and(|found| {
                    let somebodys = found.destination.is_some() == broken.destination.is_some();
                    found.invariant == broken.invariant && somebodys
                })
    };
    shorten(task, outcome.taken(), &mut breaks)
}

/// Makes a task shorter by a question.
pub fn shorten(task: &Task, taken: &[crate::Decision], breaks: &mut Breaks<'_>) -> Task {
    let mut best = written_down(task, taken, breaks);
    loop {
        let before = size(&best);
        let decisions = best.plan.decisions.clone();
        best.plan.decisions = fewest(&decisions, |fewer| {
            let mut task = best.clone();
            task.plan.decisions = fewer.to_vec();
            breaks(&task)
        });
        for id in records(&best) {
            let mut without = best.clone();
            without
                .setup
                .script
                .retain(|cue| whose(&cue.act) != Some(id.as_str()));
            if breaks(&without) {
                best = without;
            }
        }
        let script = best.setup.script.clone();
        best.setup.script = fewest(&script, |fewer| {
            let mut task = best.clone();
            task.setup.script = fewer.to_vec();
            breaks(&task)
        });
        if size(&best) == before {
            return best;
        }
    }
}

/// The faults that were drawn, as a plan; if that does not break the promise in the same way, the
/// weather stays.
fn written_down(task: &Task, taken: &[crate::Decision], breaks: &mut Breaks<'_>) -> Task {
    if task.plan.climate.is_none() {
        return task.clone();
    }
    let mut planned = task.clone();
    planned.plan = Plan::of(task.plan.seed, taken.to_vec());
    if breaks(&planned) {
        return planned;
    }
    // With faults that never stop only safety is judged: a climate without kinds keeps it so.
    planned.plan.climate = Some(Climate::default());
    if breaks(&planned) {
        planned
    } else {
        task.clone()
    }
}

fn size(task: &Task) -> usize {
    task.plan.decisions.len() + task.setup.script.len()
}

/// Delta debugging (Zeller and Hildebrandt): takes away halves, quarters, ... and at last single ones.
fn fewest<T: Clone>(all: &[T], mut breaks: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut best = all.to_vec();
    let mut piece = best.len().div_ceil(2);
    while piece > 0 && !best.is_empty() {
        let mut at = 0;
        let mut shorter = false;
        while at < best.len() {
            let mut fewer = best.clone();
            fewer.drain(at..(at + piece).min(best.len()));
            if breaks(&fewer) {
                best = fewer;
                shorter = true;
            } else {
                at += piece;
            }
        }
        piece = match (piece, shorter) {
            (1, false) => 0,
            (1, true) => 1,
            _ => piece.div_ceil(2),
        };
    }
    best
}

fn records(task: &Task) -> Vec<String> {
    let acts = task.setup.script.iter().filter_map(|cue| whose(&cue.act));
    let ids: std::collections::BTreeSet<String> = acts.map(str::to_owned).collect();
    ids.into_iter().collect()
}

/// The destination an act is about; a key's parameter is named after it.
fn whose(act: &Act) -> Option<&str> {
    match act {
        Act::Put(item) => item["destination_id"].as_str(),
        Act::Edit(id, _)
        | Act::Delete(id)
        | Act::ByHand(_, id)
        | Act::Alert(id, ..)
        | Act::Abort(id)
        | Act::Redrive(id)
        | Act::Replay(id) => Some(id),
        Act::Key(name) | Act::DropKey(name) => name.rsplit('/').next(),
        Act::Quotas(_)
        | Act::Redeploy
        | Act::Down(_)
        | Act::Up(_)
        | Act::Cut(..)
        | Act::Platform(..)
        | Act::ForeignAlert(_)
        | Act::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, Edge, Fault, Place, Setup, setup::Cue, setup::When};

    #[test]
    fn of_many_faults_and_acts_those_that_matter_are_left() {
        let decision = |nth| Decision {
            place: Place::Edge(Edge::Tick, nth),
            fault: Fault::Lost,
        };
        let cue = |id: &str| Cue {
            when: When::At(0),
            act: Act::Delete(id.to_owned()),
        };
        let script: Vec<Cue> = ["a", "b", "c", "d", "b"].map(cue).to_vec();
        let task = Task {
            name: "made by hand".into(),
            setup: Setup {
                script,
                ..Setup::default()
            },
            plan: Plan::of(1, (0..200).map(decision).collect()),
        };
        let mut runs = 0;
        let small = shorten(&task, &[], &mut |task| {
            runs += 1;
            let has = |nth| task.plan.decisions.contains(&decision(nth));
            has(17)
                && has(123)
                && task
                    .setup
                    .script
                    .iter()
                    .any(|cue| whose(&cue.act) == Some("c"))
        });
        assert_eq!(small.plan.decisions, [decision(17), decision(123)]);
        assert_eq!(small.setup.script, [cue("c")]);
        assert!(runs < 200, "{runs}");
    }
}
