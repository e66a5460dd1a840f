//! Many faults of one script, with the way to each of them gone once.
//!
//! Up to the place of its one fault a run is the script without any. So each script is run without faults,
//! and where one is wanted the process forks: the child goes on with the fault to its end, tells what came
//! of it, and is gone; its parent goes on without. That halves the work. What breaks a promise, and what
//! nobody told of, is run once more from its beginning, as a run that was planned.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, BufReader, PipeWriter, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use fork::Fork;

use super::{
    Task,
    crew::{self, Finding, Manner, Report},
    recording,
};
use crate::{Decision, Fault, Place, Setup, check, oracle::Violation};

/// A script, and each fault that is to be tried on it with its number among all.
#[derive(Debug)]
pub struct Tree<'a> {
    /// What the operator does.
    pub setup: &'a Setup,
    /// The faults.
    pub faults: Vec<(usize, Decision)>,
}

/// What a child tells: its number, whether a promise was broken, simulated and orphaned milliseconds.
type Word = (usize, bool, u64, u64);

/// Tries the faults of all trees on all cores. `task`: the planned run of a number below `number`.
///
/// # Errors
///
/// If there is no pipe or no process to be had. Call it while the process has one thread.
pub fn run(
    what: &str,
    trees: &[Tree<'_>],
    number: usize,
    manner: &Manner,
    task: impl Fn(usize) -> Task + Sync,
) -> io::Result<Report> {
    let began = Instant::now();
    let walkers = std::thread::available_parallelism().map_or(1, usize::from);
    let (reader, writer) = io::pipe()?;
    let mut walking = Vec::new();
    for walker in 0..walkers {
        match fork::fork()? {
            Fork::Parent(id) => walking.push(id),
            Fork::Child => {
                drop(reader);
                for tree in trees {
                    walk(tree, |which| which % walkers == walker, &writer);
                }
                end(true);
            }
        }
    }
    drop(writer);
    let (mut report, mut told, mut broken) = (Report::default(), BTreeSet::new(), BTreeSet::new());
    let mut progress = Instant::now();
    for line in BufReader::new(reader).lines() {
        let (which, is_broken, simulated_ms, orphan_ms): Word = serde_json::from_str(&line?)?;
        told.insert(which);
        if is_broken {
            broken.insert(which);
        } else {
            report.count(simulated_ms, orphan_ms);
        }
        if progress.elapsed() >= Duration::from_secs(10) {
            progress = Instant::now();
            let rate = 60.0 * told.len() as f64 / began.elapsed().as_secs_f64();
            eprintln!(
                "{what}: {} of {number} runs, {rate:.0} a minute",
                told.len()
            );
        }
    }
    for id in walking {
        fork::waitpid(id)?;
    }
    let again: Vec<usize> = (0..number)
        .filter(|which| broken.contains(which) || !told.contains(which))
        .take(manner.findings_max)
        .collect();
    let second = crew::run(what, again.len(), manner, |which| task(again[which]));
    for (at, which) in again.iter().enumerate() {
        if broken.contains(which) && !second.findings.contains_key(&at) {
            let violation = Violation {
                invariant: "one way",
                at: crate::world::BEGIN,
                destination: None,
                sentence: "branched off it breaks a promise, and planned it breaks none".into(),
            };
            let task = task(*which);
            report.findings.insert(*which, Finding { task, violation });
        }
    }
    report.take(second);
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

/// One walk through a script without faults; at each place a child for each fault that is wanted there.
fn walk(tree: &Tree<'_>, is_mine: impl Fn(usize) -> bool, words: &PipeWriter) {
    let mut wanted: BTreeMap<Place, Vec<(usize, Fault)>> = BTreeMap::new();
    for (which, decision) in &tree.faults {
        if is_mine(*which) {
            let faults = wanted.entry(decision.place).or_default();
            faults.push((*which, decision.fault));
        }
    }
    if wanted.is_empty() {
        return;
    }
    let branch = Rc::new(Cell::new(None));
    let turn = {
        let branch = Rc::clone(&branch);
        move |place: Place| {
            for (which, fault) in wanted.get(&place).into_iter().flatten() {
                match fork::fork() {
                    Ok(Fork::Child) => {
                        branch.set(Some(*which));
                        return Some(*fault);
                    }
                    // One child at a time: there is a walker for each core.
                    Ok(Fork::Parent(id)) => drop(fork::waitpid(id)),
                    // Nobody tells of this one, so it is run from its beginning.
                    Err(_) => {}
                }
            }
            None
        }
    };
    let outcome = check::turned(tree.setup, recording::SEED, Rc::new(turn));
    let Some(which) = branch.get() else { return };
    let word: Word = (
        which,
        !outcome.violations.is_empty(),
        outcome.simulated_ms(),
        outcome.tally().orphan_ms,
    );
    // One write of less than a page, so that no two words mix.
    let told = serde_json::to_string(&word).map(|line| line + "\n");
    let sent = told.is_ok_and(|line| (&*words).write_all(line.as_bytes()).is_ok());
    end(sent);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a child ends where it is: what it would drop, and return to, is a copy of its parent's"
)]
fn end(well: bool) -> ! {
    std::process::exit(i32::from(!well))
}
