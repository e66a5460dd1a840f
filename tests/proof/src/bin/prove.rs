//! `prove`: searches for a schedule that breaks a promise, replays a seed, and prints what it found
//! as a story. Exit code 0: nothing was broken; 1: something was; 2: it was called wrongly.

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use proof::Decision;
use proof::search::{
    Task,
    branches::{self, Tree},
    chance,
    crew::{self, Manner, Report},
    recording::{self, Recording},
    scripts, singles,
};
use proof::{check, shrink};
use serde_json::json;

const USAGE: &str = "\
prove                         what `make test` runs: recordings, traces twice, a sample of singles and of pairs
prove seed <number>           one random seed, told as a story (shrunk when it breaks a promise)
prove script <name>           one script without faults, told as a story
prove single <name>           one run by the name a search printed for it
prove singles-of <name> [number]  every fault at every place of one script, or an even sample of so many
prove singles [number]        every fault at every place, or an even sample of so many
prove pairs [number]          all pairs of faults, or a sample of so many
prove random [number] [from]  so many random seeds (20000), from a seed on (1)
prove twice [number]          so many seeds (1000) twice: the traces must be the same
prove hunt [seconds]          singles and random seeds mixed until something is broken, at most so long (60)
prove bench [quick]           what one life takes, how a crowd converges, what a month costs: one line of JSON each
prove record                  writes down anew how many places each script passes";

/// The number of places each script passes: see `search::recording`.
const RECORDINGS: &str = include_str!("../../recordings.json");

/// What is known to break a promise and not mended yet, each with its reason. A run that is on the
/// list and holds fails the search, so the list can only become shorter.
const OPEN: &str = include_str!("../../open.json");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |at: usize, usual: usize| {
        words.get(at).map_or(Ok(usual), |text| {
            text.parse::<usize>()
                .map_err(|_| format!("{text} is not a number"))
        })
    };
    let held = match words.first().copied() {
        None => all(),
        Some("seed") => number(1, 1).map(|seed| replay(&chance::task(seed as u64))),
        Some("script") => script(words.get(1).copied().unwrap_or_default()),
        Some("single") => single(words.get(1).copied().unwrap_or_default()),
        Some("singles") => {
            number(1, usize::MAX).and_then(|most| every_single(&recordings()?, most))
        }
        Some("singles-of") => number(2, usize::MAX)
            .and_then(|most| singles_of(words.get(1).copied().unwrap_or_default(), most)),
        Some("pairs") => {
            recordings().and_then(|recordings| Ok(pairs(&recordings, number(1, usize::MAX)?)))
        }
        Some("random") => number(1, 20_000).and_then(|runs| Ok(random(runs, number(2, 1)?))),
        Some("twice") => number(1, 1000).map(twice),
        Some("hunt") => number(1, 60).map(hunt),
        Some("record") => record(),
        Some("bench") => Ok(bench(&words[1..])),
        _ => Err(USAGE.to_owned()),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(words) => {
            eprintln!("{words}");
            ExitCode::from(2)
        }
    }
}

/// What CI asks: in a few minutes, and the whole of it by `prove singles`, `pairs` and `random`.
fn all() -> Result<bool, String> {
    let recordings = recordings()?;
    let complaints = recording::shrunk(&recordings, RECORDINGS);
    for complaint in &complaints {
        println!("✗ {complaint}; if that is meant, run `prove record`");
    }
    let mut held = complaints.is_empty();
    held &= twice(50);
    held &= every_single(&recordings, SINGLES_IN_CI)?;
    held &= pairs(&recordings, PAIRS_IN_CI);
    held &= random(RANDOM_IN_CI, 1);
    Ok(held)
}

/// A sample that takes two to three minutes on two cores, spread over all scripts, places and kinds.
const SINGLES_IN_CI: usize = 2500;
/// See `SINGLES_IN_CI`.
const PAIRS_IN_CI: usize = 150;
/// See `SINGLES_IN_CI`.
const RANDOM_IN_CI: usize = 500;

fn recordings() -> Result<Vec<Recording>, String> {
    let recordings: Vec<Recording> = scripts::all()
        .iter()
        .map(recording::record)
        .collect::<Result<_, _>>()?;
    let places: usize = recordings.iter().map(|one| one.places.len()).sum();
    println!(
        "✓ {} scripts without a fault: {places} calls and edges",
        recordings.len()
    );
    Ok(recordings)
}

fn record() -> Result<bool, String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings.json");
    std::fs::write(file, recording::write(&recordings()?))
        .map_err(|error| format!("{file} cannot be written: {error}"))?;
    Ok(true)
}

/// Every single fault, or a sample of so many, evenly spread.
fn every_single(recordings: &[Recording], most: usize) -> Result<bool, String> {
    let rows = recordings.iter().enumerate();
    let all: Vec<(usize, Decision)> = rows
        .flat_map(|(at, recording)| {
            let decisions = singles::decisions(recording).into_iter();
            decisions.map(move |decision| (at, decision))
        })
        .collect();
    let number = all.len().min(most);
    let chosen = |which: usize| all[which * all.len() / number];
    let mut trees: Vec<Tree<'_>> = recordings
        .iter()
        .map(|recording| Tree {
            setup: &recording.script.setup,
            faults: Vec::new(),
        })
        .collect();
    for which in 0..number {
        let (at, decision) = chosen(which);
        trees[at].faults.push((which, decision));
    }
    let manner = Manner {
        findings_max: 200,
        all_must_fire: true,
        ..Manner::default()
    };
    let task = |which: usize| {
        let (at, decision) = chosen(which);
        singles::single(&recordings[at], decision)
    };
    let mut report = branches::run("singles", &trees, number, &manner, task)
        .map_err(|error| format!("no processes for the single faults: {error}"))?;
    let asked: BTreeSet<String> = (0..number).map(|which| task(which).name).collect();
    let open: Vec<Open> = match serde_json::from_str(OPEN) {
        Ok(open) => open,
        Err(error) => {
            return Err(format!("tests/proof/open.json cannot be read: {error}"));
        }
    };
    let found: BTreeSet<String> = report
        .findings
        .values()
        .map(|one| one.task.name.clone())
        .collect();
    report.findings.retain(|_, finding| {
        let known = open.iter().any(|open| {
            open.run == finding.task.name && open.promise == finding.violation.invariant
        });
        if known {
            println!("  open: {}: {}", finding.task.name, finding.violation);
        }
        !known
    });
    let mended: Vec<&Open> = open
        .iter()
        .filter(|open| asked.contains(&open.run) && !found.contains(&open.run))
        .collect();
    for open in &mended {
        println!(
            "✗ {} holds now: take it off the list of open findings",
            open.run
        );
    }
    let what = format!("single faults ({number} of {})", all.len());
    Ok(tell(&what, &report, number) && mended.is_empty())
}

/// A finding that is known and not mended yet.
#[derive(serde::Deserialize)]
struct Open {
    /// The run's name.
    run: String,
    /// The promise it breaks.
    promise: String,
}

fn pairs(recordings: &[Recording], most: usize) -> bool {
    let counts: Vec<usize> = recordings.iter().map(singles::pairs_in_all).collect();
    let number: usize = counts.iter().sum();
    let sample = most.min(number);
    let mut dice = chance::Dice::new(2);
    let chosen: Vec<usize> = if sample < number {
        let pick = |_| usize::try_from(dice.below(number as u64)).unwrap_or(0);
        (0..sample).map(pick).collect()
    } else {
        (0..number).collect()
    };
    let task = |which: usize| {
        let (mut script, mut left) = (0, chosen[which]);
        while left >= counts[script] {
            left -= counts[script];
            script += 1;
        }
        singles::pair(&recordings[script], left)
    };
    let report = crew::run("pairs", chosen.len(), &Manner::default(), task);
    tell(
        &format!("pairs of faults ({sample} of {number})"),
        &report,
        chosen.len(),
    )
}

fn random(runs: usize, from: usize) -> bool {
    let manner = Manner {
        findings_max: 20,
        ..Manner::default()
    };
    let report = crew::run("random", runs, &manner, |which| {
        chance::task((from + which) as u64)
    });
    let held = tell("random schedules", &report, runs);
    for (kind, times) in &report.fired {
        println!("    {kind}: {times} times");
    }
    held
}

/// What finds a planted defect soonest: the scripts as they are, then every single fault in a mixed
/// order, with a random schedule after each. Prints one line of JSON.
fn hunt(seconds: usize) -> bool {
    let began = Instant::now();
    let found = |by: &str, runs: usize, promise: &str| {
        let line = json!({"found": !promise.is_empty(), "by": by, "runs": runs,
            "seconds": began.elapsed().as_secs_f64(), "promise": promise});
        println!("{line}");
        promise.is_empty()
    };
    let recordings = match recordings() {
        Ok(recordings) => recordings,
        Err(story) => {
            eprintln!("{story}");
            return found(
                "a script without faults",
                1,
                story.lines().next().unwrap_or("it"),
            );
        }
    };
    let mut tasks = scripts::without_hints();
    tasks.extend(singles::widest_first(
        &recordings,
        &mut chance::Dice::new(3),
    ));
    let manner = Manner {
        time_max: Some(Duration::from_secs(seconds as u64).saturating_sub(began.elapsed())),
        ..Manner::default()
    };
    let report = crew::run("hunt", usize::MAX, &manner, |which| {
        // One in four is a random seed.
        match tasks.get(which - which.div_ceil(4)) {
            Some(task) if which % 4 != 0 => task.clone(),
            _ => chance::task(which as u64),
        }
    });
    match report.findings.values().next() {
        None => found("", report.runs, ""),
        Some(finding) => found(
            &finding.task.name,
            report.runs,
            &finding.violation.to_string(),
        ),
    }
}

/// Prints the figures, whatever their verdicts: `make bench` shows them all.
fn bench(words: &[&str]) -> bool {
    use proof::bench::Scale;
    let scale = if words.contains(&"quick") {
        Scale::Quick
    } else {
        Scale::Whole
    };
    for figure in proof::bench::run(scale) {
        println!("{}", json!(figure));
    }
    true
}

fn twice(seeds: usize) -> bool {
    let mut differ = Vec::new();
    for seed in 1..=seeds as u64 {
        let task = chance::task(seed);
        let first = check::run(&task.setup, task.plan.clone());
        let second = check::run(&task.setup, task.plan.clone());
        // And what was drawn at random gives the same again when it is planned.
        if first.trace_hash() != second.trace_hash() {
            differ.push(seed);
        }
    }
    if differ.is_empty() {
        println!("✓ {seeds} seeds twice: the same traces");
    } else {
        println!("✗ these seeds gave two traces: {differ:?}");
    }
    differ.is_empty()
}

fn tell(what: &str, report: &Report, planned: usize) -> bool {
    let held = report.findings.is_empty() && report.unfired.is_empty() && report.runs == planned;
    println!(
        "{} {what}: {} of {planned} runs in {:.1} s ({:.0} a minute), {:.1} simulated days, at worst {:.1} orphan-minutes",
        if held { "✓" } else { "✗" },
        report.runs,
        report.seconds,
        report.runs_per_minute(),
        report.simulated_days,
        report.orphan_minutes.0,
    );
    for name in report.unfired.iter().take(20) {
        println!("  planned and never happened: {name}");
    }
    for finding in report.findings.values() {
        println!("  {}: {}", finding.task.name, finding.violation);
    }
    if let Some(finding) = report.findings.values().next() {
        replay(&finding.task);
    }
    held
}

/// Runs one task and tells it; shrinks it first when it breaks a promise.
fn replay(task: &Task) -> bool {
    let outcome = check::run(&task.setup, task.plan.clone());
    let Some(violation) = outcome.violations.first() else {
        println!("{}", outcome.story());
        println!("✓ {} holds", task.name);
        return true;
    };
    println!("✗ {}: {violation}", task.name);
    let small = shrink::shrink(task, &outcome, Duration::from_secs(60));
    println!(
        "  made shorter: {} faults, {} acts\n",
        small.plan.decisions.len(),
        small.setup.script.len()
    );
    let outcome = check::run(&small.setup, small.plan.clone());
    println!("{}", outcome.story());
    for violation in &outcome.violations {
        println!("✗ {violation}");
    }
    false
}

fn find(name: &str) -> Result<scripts::Script, String> {
    let all = scripts::all();
    let names: Vec<&str> = all.iter().map(|script| script.name).collect();
    let names = names.join("\n");
    all.into_iter()
        .find(|script| script.name == name)
        .ok_or_else(|| format!("There are these scripts:\n{names}"))
}

fn singles_of(name: &str, most: usize) -> Result<bool, String> {
    let recording = recording::record(&find(name)?)?;
    every_single(&[recording], most)
}

fn script(name: &str) -> Result<bool, String> {
    let script = find(name)?;
    Ok(replay(&Task {
        name: script.name.to_owned(),
        setup: script.setup.clone(),
        plan: proof::Plan::calm(recording::SEED),
    }))
}

fn single(name: &str) -> Result<bool, String> {
    let recordings = recordings()?;
    let tasks = recordings.iter().flat_map(|recording| {
        let decisions = singles::decisions(recording).into_iter();
        decisions.map(|decision| singles::single(recording, decision))
    });
    { tasks }
        .find(|task| task.name == name)
        .map(|task| replay(&task))
        .ok_or_else(|| "There is no single fault of this name; `prove singles` prints them.".into())
}
