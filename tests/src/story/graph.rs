//! The states as a graph: every name exists, every state is reached, every state has a way out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{PUBLISH, list};

/// What is wrong with the way the states hang together.
pub fn complaints(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(states) = machine["States"].as_object() else {
        return found;
    };
    ends(states, &mut found);
    let start = machine["StartAt"].as_str().unwrap_or("?");
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, state) in states {
        let mut next = BTreeSet::new();
        targets(state, &mut next);
        let ends =
            state["End"] == true || matches!(state["Type"].as_str(), Some("Succeed" | "Fail"));
        match (ends, next.is_empty()) {
            (false, true) => found.push(format!("{name}: no way on")),
            (true, false) if state["Type"] != "Task" => {
                found.push(format!("{name}: an end has no way on"))
            }
            _ => {}
        }
        found.extend(
            next.iter()
                .filter(|target| !states.contains_key(**target))
                .map(|target| format!("{name}: there is no {target}")),
        );
        edges.insert(name, next);
    }
    let reached = closure([start].into(), &edges);
    found.extend(
        states
            .keys()
            .filter(|name| !reached.contains(name.as_str()))
            .map(|name| format!("{name}: never reached")),
    );
    // Backwards from the ends: what is not met turns in a circle for ever.
    let mut backwards: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, next) in &edges {
        for to in next {
            backwards.entry(to).or_default().insert(from);
        }
    }
    let ends = states
        .iter()
        .filter(|(_, state)| {
            state["End"] == true || matches!(state["Type"].as_str(), Some("Succeed" | "Fail"))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let leaving = closure(ends, &backwards);
    found.extend(
        states
            .keys()
            .filter(|name| !leaving.contains(name.as_str()))
            .map(|name| format!("{name}: no way to an end")),
    );
    found
}

/// What would end as if all were well although everything failed, and messages that are not tried again
/// alike.
fn ends(states: &Map<String, Value>, found: &mut Vec<String>) {
    let mut retries: BTreeSet<String> = BTreeSet::new();
    for (name, state) in states {
        for catcher in list(&state["Catch"]) {
            let all = list(&catcher["ErrorEquals"])
                .iter()
                .any(|one| one == "States.ALL");
            let next = catcher["Next"].as_str().unwrap_or_default();
            if all
                && states
                    .get(next)
                    .is_some_and(|next| next["Type"] == "Succeed")
            {
                found.push(format!("{name}: what fails does not succeed"));
            }
        }
        if state["Resource"] == PUBLISH {
            retries.insert(state["Retry"].to_string());
        }
    }
    if retries.len() > 1 {
        found.push("messages are not all tried again alike".to_owned());
    }
}

fn closure<'a>(
    start: BTreeSet<&'a str>,
    edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = start.into_iter().collect();
    while let Some(name) = next.pop() {
        if seen.insert(name) {
            next.extend(edges.get(name).into_iter().flatten());
        }
    }
    seen
}

fn targets<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                match inner.as_str() {
                    Some(target) if key == "Next" || key == "Default" => {
                        found.insert(target);
                    }
                    _ if key == "Parameters" || key == "Result" => {}
                    _ => targets(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| targets(item, found)),
        _ => {}
    }
}
