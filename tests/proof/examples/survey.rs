//! Surveys many runs: every kind of broken promise with how often it was broken and one example.
//! `survey singles 2000 [from]` or `survey random 2000 [from]`; then `survey tell <example>`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proof::search::{Task, chance, recording, scripts, singles};
use proof::{check, shrink};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: usize| {
        let given = arguments.get(at).and_then(|text| text.parse().ok());
        given.unwrap_or(usual)
    };
    match arguments.first().map(String::as_str) {
        Some("singles") => {
            let all = tasks();
            let (most, from) = (number(1, 2000), number(2, 0));
            let step = (all.len() / most.max(1)).max(1);
            survey(all.into_iter().skip(from).step_by(step));
        }
        Some("tell") => tell(&arguments[1]),
        _ => {
            let (most, from) = (number(1, 2000), number(2, 1));
            survey((from..from + most).map(|seed| chance::task(seed as u64)));
        }
    }
}

fn tasks() -> Vec<Task> {
    let recordings = scripts::all();
    let recordings = recordings
        .iter()
        .filter_map(|script| match recording::record(script) {
            Ok(recording) => Some(recording),
            Err(story) => {
                println!("{story}");
                None
            }
        });
    recordings
        .flat_map(|recording| singles::singles(&recording))
        .collect()
}

fn tell(name: &str) {
    let seed = name
        .strip_prefix("seed ")
        .and_then(|seed| seed.parse().ok());
    let task = match seed {
        Some(seed) => Some(chance::task(seed)),
        None => tasks().into_iter().find(|task| task.name == name),
    };
    let Some(task) = task else {
        println!("there is no {name}");
        return;
    };
    let outcome = check::run(&task.setup, task.plan.clone());
    let small = shrink::shrink(&task, &outcome, Duration::from_secs(60));
    let outcome = check::run(&small.setup, small.plan.clone());
    println!("{}", outcome.story());
    for decision in &small.plan.decisions {
        println!("  fault {decision}");
    }
}

fn survey(tasks: impl Iterator<Item = Task>) {
    let mut kinds: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let (mut runs, began, mut slowest, mut settled) = (0, Instant::now(), Duration::ZERO, 0);
    let most = std::env::var("SECONDS_MAX")
        .ok()
        .and_then(|text| text.parse().ok());
    for task in tasks {
        if began.elapsed().as_secs() > most.unwrap_or(60) {
            break;
        }
        let start = Instant::now();
        if std::env::var("SHOW").is_ok() {
            println!("{}", task.name);
        }
        let outcome = check::run(&task.setup, task.plan.clone());
        runs += 1;
        if start.elapsed() > slowest {
            slowest = start.elapsed();
            println!("slowest so far: {} in {slowest:?}", task.name);
        }
        settled = settled.max(outcome.settled_ms());
        if let Some(violation) = outcome.violations.first() {
            let shape: String = violation
                .sentence
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .take(110)
                .collect();
            let kind = kinds
                .entry(format!("{} | {shape}", violation.invariant))
                .or_insert((0, task.name.clone()));
            kind.0 += 1;
        }
    }
    println!(
        "{runs} runs in {:?}, the longest way to rest {} s",
        began.elapsed(),
        settled / 1000
    );
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
    for (kind, (times, example)) in kinds {
        println!("{times} x {kind}\n      {example}");
    }
}
