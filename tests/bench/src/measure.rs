//! What is measured of each subject, and in which order.

use crate::{
    figures::{median, percentile},
    meter::Meter,
    process::{Bench, Run, Subject},
    runtime::Outcome,
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Processes that are started for the times of a cold start.
    pub starts: usize,
    /// Further events for times, memory and time on the processor.
    pub events: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Who.
    pub name: String,
    /// Calls to AWS from the start to the first answer.
    pub cold_calls: Vec<String>,
    /// Calls to AWS of each later event.
    pub warm_calls: Vec<String>,
    /// TLS connections it made.
    pub connections: usize,
    /// How its invocations end.
    pub outcome: String,
    /// Millions of instructions from the start to the first answer.
    pub cold: Option<f64>,
    /// Millions of instructions of each later event.
    pub warm: Option<f64>,
    /// Milliseconds to the first request for an event.
    pub init_ms: f64,
    /// Milliseconds to the first answer.
    pub first_ms: f64,
    /// Milliseconds of a later event, the middle one.
    pub warm_ms: f64,
    /// Milliseconds of a later event, the slowest of a hundred.
    pub slow_ms: f64,
    /// Milliseconds on the processor for a later event.
    pub cpu_ms: f64,
    /// The most memory, MiB.
    pub rss_mib: f64,
    /// The program, MB.
    pub size_mb: f64,
    /// The program packed, MB.
    pub zip_mb: f64,
    /// What CreateChannel was told, if it was called.
    pub channel: Option<Value>,
}

/// Takes the times of one subject. Nothing else should run meanwhile.
pub fn times(bench: &Bench, subject: &Subject, effort: Effort) -> Result<Measured, String> {
    // The first run also warms the disk's cache; what it does is known from here on.
    let once = good(subject, bench.run(subject, 1, None)?)?;
    let mut measured = Measured {
        name: subject.name.clone(),
        outcome: words(&once.record.outcomes),
        cold_calls: once.heard.calls,
        connections: once.heard.connections,
        channel: once.heard.channel,
        ..Measured::default()
    };
    let (mut init, mut first) = (Vec::new(), Vec::new());
    for _ in 0..effort.starts {
        let run = good(subject, bench.run(subject, 1, None)?)?;
        init.push(run.record.init_ms);
        first.push(run.record.first_ms);
    }
    (measured.init_ms, measured.first_ms) = (median(&init), median(&first));
    let many = good(subject, bench.run(subject, 1 + effort.events, None)?)?;
    let later = &many.record.later_ms;
    (measured.warm_ms, measured.slow_ms) = (median(later), percentile(later, 0.99));
    measured.cpu_ms = many.record.later_cpu_us / 1000.0 / effort.events as f64;
    measured.rss_mib = many.rss_kib as f64 / 1024.0;
    let after = many
        .heard
        .calls
        .get(measured.cold_calls.len()..)
        .unwrap_or_default();
    let each = after.len() / effort.events;
    if each * effort.events != after.len() {
        return Err(format!(
            "{}: its events do not all make the same calls",
            subject.name
        ));
    }
    measured.warm_calls = after.get(..each).unwrap_or_default().to_vec();
    Ok(measured)
}

/// Counts the instructions of a cold start and of a later event, in millions. Other processes may
/// run meanwhile: they change the count by next to nothing.
pub fn count(
    bench: &Bench,
    subject: &Subject,
    meter: Meter,
    events: usize,
) -> Result<(f64, f64), String> {
    let count = |events: usize| -> Result<f64, String> {
        let run = good(subject, bench.run(subject, events, Some(meter))?)?;
        Ok(run.instructions.unwrap_or_default() as f64 / 1e6)
    };
    let cold = count(1)?;
    Ok((cold, (count(1 + events)? - cold) / events as f64))
}

/// Size of a program, and of the zip it would be deployed as, in MB.
pub fn sizes(program: &Path) -> Result<(f64, f64), String> {
    let size = fs::metadata(program)
        .map_err(|error| error.to_string())?
        .len();
    // A zip holds the same compressed bytes as gzip makes, and a hundred bytes around them.
    let packed = Command::new("gzip")
        .arg("-c")
        .arg(program)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("gzip does not run here: {error}"))?;
    Ok((size as f64 / 1e6, packed.stdout.len() as f64 / 1e6))
}

/// The workers that ordinarily end with an error which the state machine tries again: a flow that
/// was just told to start is not up yet, an input that was just deleted not gone yet.
const TRANSIENT: &[&str] = &["start-flow", "delete-input"];

/// A run that did its work; else what went wrong.
fn good(subject: &Subject, run: Run) -> Result<Run, String> {
    for outcome in &run.record.outcomes {
        if let Outcome::Error(name, sentence) = outcome
            && !(name == "Transient" && TRANSIENT.contains(&subject.worker.as_str()))
        {
            return Err(format!("{} ended with {name}: {sentence}", subject.name));
        }
    }
    match run.heard.calls.iter().find(|call| call.contains(' ')) {
        Some(call) => Err(format!(
            "{} made a call that is unknown here: {call}",
            subject.name
        )),
        None => Ok(run),
    }
}

fn words(outcomes: &[Outcome]) -> String {
    match outcomes.first() {
        None => "nothing".to_owned(),
        Some(Outcome::Error(name, _)) => name.clone(),
        Some(Outcome::Answer(answer)) => answer["did"].as_str().unwrap_or("done").to_owned(),
    }
}
