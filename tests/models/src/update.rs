//! What an UpdateExpression makes of an item.

use crate::{
    answer::Refusal,
    attribute::{Item, from_members, members, number, one, parts},
    expression::Update,
    projection::overlap,
    scope::{Scope, Step, incorrect_type},
};
use serde_json::Value;

fn bad_path() -> Refusal {
    Refusal::validation("The document path provided in the update expression is invalid for update")
}

/// Everything an update writes to.
pub(crate) fn targets<'s>(scope: &'s Scope<'_>, update: &'s Update) -> Vec<Vec<Step<'s>>> {
    let values = update.adds.iter().chain(&update.deletes);
    update
        .sets
        .iter()
        .map(|(path, _)| path)
        .chain(&update.removes)
        .chain(values.map(|(path, _)| path))
        .map(|path| scope.steps(path))
        .collect()
}

/// Refuses what DynamoDB refuses without looking at an item.
pub(crate) fn check<'k>(
    scope: &Scope<'_>,
    update: &Update,
    mut keys: impl Iterator<Item = &'k str>,
) -> Result<(), Refusal> {
    let targets = targets(scope, update);
    overlap("UpdateExpression", &targets)?;
    let writes = |key: &&str| targets.iter().any(|steps| steps[0] == Step::Name(key));
    if let Some(key) = keys.find(writes) {
        return Err(Refusal::validation(format!(
            "One or more parameter values were invalid: Cannot update attribute {key}. This attribute is part of the key"
        )));
    }
    for (clause, pairs) in [("ADD", &update.adds), ("DELETE", &update.deletes)] {
        for (_, name) in pairs {
            let kind = parts(scope.value(name)).0;
            if !(matches!(kind, "SS" | "NS") || kind == "N" && clause == "ADD") {
                return Err(Refusal::validation(format!(
                    "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: {clause}, operand type: {kind}"
                )));
            }
        }
    }
    Ok(())
}

/// The item after the update. Everything is read from the item as it was before. Nothing if there
/// was no item and the update only takes away: then DynamoDB makes none.
pub(crate) fn apply(
    scope: &Scope<'_>,
    update: &Update,
    before: Option<&Item>,
    key: &Item,
) -> Result<Option<Item>, Refusal> {
    if before.is_none() && update.sets.is_empty() && update.adds.is_empty() {
        return Ok(None);
    }
    let old = before.unwrap_or(key);
    let mut item = old.clone();
    let mut writes: Vec<(Vec<Step<'_>>, Value)> = Vec::new();
    let mut removes: Vec<Vec<Step<'_>>> = Vec::new();
    for (path, term) in &update.sets {
        writes.push((scope.steps(path), scope.term(old, term)?));
    }
    for (path, name) in &update.adds {
        let given = scope.value(name);
        let sum = match scope.find(old, path) {
            None => given.clone(),
            Some(there) => match (number(there), number(given)) {
                (Some(there), Some(given)) => one("N", there.plus(given)?.text()),
                _ => {
                    let (kind, mut joined, more) = two_sets(there, given)?;
                    joined.extend(more);
                    from_members(kind, joined)
                }
            },
        };
        writes.push((scope.steps(path), sum));
    }
    for (path, name) in &update.deletes {
        let Some(there) = scope.find(old, path) else {
            parent(&mut item, &scope.steps(path))?;
            continue;
        };
        let (kind, mut left, gone) = two_sets(there, scope.value(name))?;
        left.retain(|member| !gone.contains(member));
        if left.is_empty() {
            removes.push(scope.steps(path));
        } else {
            writes.push((scope.steps(path), from_members(kind, left)));
        }
    }
    for path in &update.removes {
        let steps = scope.steps(path);
        parent(&mut item, &steps)?;
        // An index counts as it was before; what was not there stays untouched.
        if scope.find(old, path).is_some() {
            removes.push(steps);
        }
    }
    // Elements beyond a list's end are added in the order of their numbers.
    writes.sort_by(|left, right| left.0.cmp(&right.0));
    for (steps, value) in writes {
        write(&mut item, &steps, value)?;
    }
    // The last of a list first, so that no number changes under the next.
    removes.sort_by(|left, right| right.cmp(left));
    for steps in removes {
        remove(&mut item, &steps);
    }
    Ok(Some(item))
}

fn two_sets<'v>(
    there: &'v Value,
    given: &Value,
) -> Result<(&'v str, Vec<String>, Vec<String>), Refusal> {
    match (members(there), members(given)) {
        (Some((kind, there)), Some((same, given))) if kind == same => Ok((kind, there, given)),
        _ => Err(incorrect_type()),
    }
}

/// The map or list in which the last step is taken; nothing for an attribute of the item itself.
fn parent<'i>(item: &'i mut Item, steps: &[Step<'_>]) -> Result<Option<&'i mut Value>, Refusal> {
    let [Step::Name(first), between @ .., _] = steps else {
        return Ok(None);
    };
    let mut value = item.get_mut(*first).ok_or_else(bad_path)?;
    for step in between {
        value = match step {
            Step::Name(name) => value.get_mut("M").and_then(|map| map.get_mut(name)),
            Step::Index(index) => value.get_mut("L").and_then(|list| list.get_mut(index)),
        }
        .ok_or_else(bad_path)?;
    }
    let kind = match steps[steps.len() - 1] {
        Step::Name(_) => "M",
        Step::Index(_) => "L",
    };
    value.get_mut(kind).map(Some).ok_or_else(bad_path)
}

fn write(item: &mut Item, steps: &[Step<'_>], value: Value) -> Result<(), Refusal> {
    match (parent(item, steps)?, steps[steps.len() - 1]) {
        (Some(Value::Array(list)), Step::Index(index)) => match list.get_mut(index) {
            Some(there) => *there = value,
            None => list.push(value),
        },
        (Some(Value::Object(map)), Step::Name(name)) => {
            map.insert(name.to_owned(), value);
        }
        (_, Step::Name(name)) => {
            item.insert(name.to_owned(), value);
        }
        (_, Step::Index(_)) => return Err(bad_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, steps: &[Step<'_>]) {
    match (parent(item, steps), steps[steps.len() - 1]) {
        (Ok(Some(Value::Array(list))), Step::Index(index)) if index < list.len() => {
            list.remove(index);
        }
        (Ok(Some(Value::Object(map))), Step::Name(name)) => {
            map.remove(name);
        }
        (Ok(None), Step::Name(name)) => {
            item.remove(name);
        }
        _ => {}
    }
}
