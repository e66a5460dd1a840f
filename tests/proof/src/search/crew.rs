//! Many runs on all cores: each thread has worlds of its own, takes the next number from a common
//! counter, and the first findings are kept. Progress goes to standard error, once in ten seconds.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::Task;
use crate::check;

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Report {
    /// Runs that were made.
    pub runs: usize,
    /// Time it took.
    pub seconds: f64,
    /// Findings, in the order of their numbers: the number, the task's name and the violation.
    pub findings: BTreeMap<usize, Finding>,
    /// Planned faults that did not fire, by task.
    pub unfired: Vec<String>,
    /// How often each fault fired, by kind and place.
    pub fired: BTreeMap<String, usize>,
    /// Billable minutes of what nobody wanted, over all runs: the worst run and all of them.
    pub orphan_minutes: (f64, f64),
    /// Simulated days.
    pub simulated_days: f64,
}

/// A run that broke a promise.
#[derive(Debug)]
pub struct Finding {
    /// The run.
    pub task: Task,
    /// The first promise it broke.
    pub violation: crate::oracle::Violation,
}

/// How a search goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// Stops after so many findings.
    pub findings_max: usize,
    /// Stops after this time.
    pub time_max: Option<Duration>,
    /// Every planned fault has to fire.
    pub all_must_fire: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Manner {
            threads: 0,
            findings_max: 1,
            time_max: None,
            all_must_fire: false,
        }
    }
}

/// Runs `number` tasks.
pub fn run(
    what: &str,
    number: usize,
    manner: &Manner,
    task: impl Fn(usize) -> Task + Sync,
) -> Report {
    let threads = match manner.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let began = Instant::now();
    let (next, done, enough) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicBool::new(false),
    );
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Report::default();
                loop {
                    let late = manner.time_max.is_some_and(|most| began.elapsed() > most);
                    let which = next.fetch_add(1, Ordering::Relaxed);
                    if which >= number || late || enough.load(Ordering::Relaxed) {
                        break;
                    }
                    one(which, task(which), manner, &mut own);
                    done.fetch_add(1, Ordering::Relaxed);
                    if own.findings.len() >= manner.findings_max {
                        enough.store(true, Ordering::Relaxed);
                    }
                }
                if let Ok(mut report) = report.lock() {
                    report.take(own);
                }
            });
        }
        scope.spawn(|| {
            let mut told = Instant::now();
            while next.load(Ordering::Relaxed) < number && !enough.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(200));
                if manner.time_max.is_some_and(|most| began.elapsed() > most) {
                    break;
                }
                if told.elapsed() >= Duration::from_secs(10) {
                    told = Instant::now();
                    let done = done.load(Ordering::Relaxed);
                    let rate = 60.0 * done as f64 / began.elapsed().as_secs_f64();
                    eprintln!("{what}: {done} of {number} runs, {rate:.0} a minute");
                }
            }
        });
    });
    let mut report = report
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    report.seconds = began.elapsed().as_secs_f64();
    report
}

fn one(which: usize, task: Task, manner: &Manner, report: &mut Report) {
    let outcome = check::run(&task.setup, task.plan.clone());
    report.count(outcome.simulated_ms(), outcome.tally().orphan_ms);
    for decision in outcome.taken() {
        *report
            .fired
            .entry(format!("{:?}", decision.fault))
            .or_default() += 1;
    }
    if manner.all_must_fire && !outcome.unfired().is_empty() {
        report.unfired.push(task.name.clone());
    }
    if let Some(violation) = outcome.violations.first() {
        let finding = Finding {
            violation: violation.clone(),
            task,
        };
        report.findings.insert(which, finding);
    }
}

impl Report {
    /// Counts one run: simulated and orphaned milliseconds.
    pub(super) fn count(&mut self, simulated_ms: u64, orphan_ms: u64) {
        self.runs += 1;
        self.simulated_days += simulated_ms as f64 / 86_400_000.0;
        let orphan_minutes = orphan_ms as f64 / 60_000.0;
        self.orphan_minutes.0 = self.orphan_minutes.0.max(orphan_minutes);
        self.orphan_minutes.1 += orphan_minutes;
    }

    pub(super) fn take(&mut self, other: Report) {
        self.runs += other.runs;
        self.simulated_days += other.simulated_days;
        self.findings.extend(other.findings);
        self.unfired.extend(other.unfired);
        self.orphan_minutes.0 = self.orphan_minutes.0.max(other.orphan_minutes.0);
        self.orphan_minutes.1 += other.orphan_minutes.1;
        for (kind, times) in other.fired {
            *self.fired.entry(kind).or_default() += times;
        }
    }

    /// Runs a minute.
    #[must_use]
    pub fn runs_per_minute(&self) -> f64 {
        60.0 * self.runs as f64 / self.seconds.max(0.001)
    }
}
