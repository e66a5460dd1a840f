//! Document paths together: which may not stand side by side, and what they show of an item.

use crate::{
    answer::Refusal,
    attribute::{Item, one, parts},
    scope::{Step, wrong},
};
use serde_json::{Map, Value};

/// Refuses two paths of which one leads through the other, or which see a map and a list in one place.
pub(crate) fn overlap(member: &str, paths: &[Vec<Step<'_>>]) -> Result<(), Refusal> {
    for (at, left) in paths.iter().enumerate() {
        for right in &paths[at + 1..] {
            let same = left
                .iter()
                .zip(right)
                .take_while(|(left, right)| left == right)
                .count();
            let how = match (left.get(same), right.get(same)) {
                (None, _) | (_, None) => "overlap",
                (Some(Step::Name(_)), Some(Step::Index(_)))
                | (Some(Step::Index(_)), Some(Step::Name(_))) => "conflict",
                _ => continue,
            };
            return Err(wrong(
                member,
                &format!(
                    "Two document paths {how} with each other; must remove or rewrite one of these paths; path one: {left:?}, path two: {right:?}"
                ),
            ));
        }
    }
    Ok(())
}

/// The part of an item that some paths lead to. List elements close up.
pub(crate) fn project(item: &Item, paths: &[Vec<Step<'_>>]) -> Item {
    let tails: Vec<&[Step<'_>]> = paths.iter().map(Vec::as_slice).collect();
    project_map(item, &tails)
}

fn project_map(map: &Item, tails: &[&[Step<'_>]]) -> Item {
    let mut picked = Map::new();
    for tail in tails {
        let Some((Step::Name(name), _)) = tail.split_first() else {
            continue;
        };
        let below: Vec<_> = below(tails, tail[0]);
        if let Some(value) = map
            .get(*name)
            .and_then(|value| project_value(value, &below))
        {
            picked.insert((*name).to_owned(), value);
        }
    }
    picked
}

fn below<'p, 's>(tails: &[&'p [Step<'s>]], first: Step<'s>) -> Vec<&'p [Step<'s>]> {
    let same = tails.iter().filter(|tail| tail[0] == first);
    same.map(|tail| &tail[1..]).collect()
}

fn project_value(value: &Value, tails: &[&[Step<'_>]]) -> Option<Value> {
    if tails.iter().any(|tail| tail.is_empty()) {
        return Some(value.clone());
    }
    match parts(value) {
        ("M", Value::Object(map)) => {
            let picked = project_map(map, tails);
            (!picked.is_empty()).then(|| one("M", picked))
        }
        ("L", Value::Array(list)) => {
            let mut firsts: Vec<Step<'_>> = tails.iter().map(|tail| tail[0]).collect();
            firsts.sort_unstable();
            firsts.dedup();
            let picked: Vec<Value> = firsts
                .into_iter()
                .filter_map(|first| match first {
                    Step::Index(index) => project_value(list.get(index)?, &below(tails, first)),
                    Step::Name(_) => None,
                })
                .collect();
            (!picked.is_empty()).then(|| one("L", picked))
        }
        _ => None,
    }
}
