//! Recordings: which places a script passes when nothing goes wrong. The search enumerates its faults
//! from them, so a place that vanishes would silently take its faults along: the number of places
//! of each kind is kept in a file, and fewer of them fail the test until somebody says why.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::scripts::Script;
use crate::{Edge, Place, Plan, check};

/// Every recording is made with this seed.
pub const SEED: u64 = 1;

/// What a script passes.
pub struct Recording {
    /// The script.
    pub script: Script,
    /// Every call and every edge, in the order of their first passage.
    pub places: Vec<Place>,
}

/// Runs a script without faults. An error is the story of what was broken even so.
pub fn record(script: &Script) -> Result<Recording, String> {
    let outcome = check::run(&script.setup, Plan::calm(SEED));
    if let Some(violation) = outcome.violations.first() {
        return Err(format!(
            "{}, without any fault: {violation}\n{}",
            script.name,
            outcome.story()
        ));
    }
    Ok(Recording {
        script: script.clone(),
        places: outcome.places().to_vec(),
    })
}

impl Recording {
    /// How often each kind of place is passed: `create-channel/medialive:CreateChannel` and how often.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for place in &self.places {
            *counts.entry(kind(place)).or_default() += 1;
        }
        counts
    }
}

fn kind(place: &Place) -> String {
    match place {
        Place::Call(site) => format!("{}/{}", site.worker, site.operation),
        Place::Edge(Edge::Entered(state), _) => format!("enters {state}"),
        Place::Edge(Edge::Invoked(worker), _) => format!("invokes {worker}"),
        Place::Edge(edge, _) => format!("{edge:?}"),
    }
}

/// The file's content for these recordings.
#[must_use]
pub fn write(recordings: &[Recording]) -> String {
    let all: BTreeMap<&str, Value> = recordings
        .iter()
        .map(|recording| (recording.script.name, json!(recording.counts())))
        .collect();
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    text.push('\n');
    text
}

/// What a recording passes less often than the file says, in sentences.
#[must_use]
pub fn shrunk(recordings: &[Recording], file: &str) -> Vec<String> {
    let kept: BTreeMap<String, BTreeMap<String, usize>> = match serde_json::from_str(file) {
        Ok(kept) => kept,
        Err(error) => return vec![format!("the file of recordings cannot be read: {error}")],
    };
    let mut complaints = Vec::new();
    for (name, kinds) in &kept {
        let Some(recording) = recordings.iter().find(|one| one.script.name == name) else {
            complaints.push(format!("the script \"{name}\" is gone"));
            continue;
        };
        let counts = recording.counts();
        for (kind, before) in kinds {
            let now = counts.get(kind).copied().unwrap_or(0);
            if now < *before {
                complaints.push(format!(
                    "\"{name}\" passes {kind} {now} times, before {before}"
                ));
            }
        }
    }
    complaints
}
