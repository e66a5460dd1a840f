//! The lint of the state machines: what a reader, an operator and the in-process runner may rely on.
//!
//! The language is kept small on purpose. Nothing is computed in JSON, so what a run does is
//! decided by Rust that is tested; and a closed list of fields is what our own runner can promise
//! to play exactly as Step Functions does.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Map, Value};

mod graph;

/// What a function answers by name, and the only four names ASL may match for it.
pub const OUR_ERRORS: &[&str] = &["Transient", "Full", "Permanent", "Stale"];

/// Errors of Lambda and of Step Functions that pass by themselves, as their user guides list them.
const PASSING: &[&str] = &[
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

/// Other names that may be caught.
const CAUGHT: &[&str] = &["States.Timeout", "States.TaskFailed", "States.ALL"];

/// The fields a state of each type may have; the required ones end in `!`.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "Task",
        &[
            "Type!",
            "Comment!",
            "Resource!",
            "Parameters!",
            "TimeoutSeconds",
            "TimeoutSecondsPath",
            "Retry!",
            "Catch!",
            "ResultPath",
            "ResultSelector",
            "Next",
            "End",
        ],
    ),
    ("Choice", &["Type!", "Comment", "Choices!", "Default!"]),
    (
        "Wait",
        &[
            "Type!",
            "Comment",
            "Seconds",
            "SecondsPath",
            "TimestampPath",
            "Next",
            "End",
        ],
    ),
    (
        "Pass",
        &[
            "Type!",
            "Comment",
            "Parameters",
            "Result",
            "ResultPath",
            "Next",
            "End",
        ],
    ),
    ("Succeed", &["Type!", "Comment"]),
    ("Fail", &["Type!", "Comment", "Error!", "Cause!"]),
];

/// What one retrier must say.
const RETRIER: &[&str] = &[
    "ErrorEquals!",
    "IntervalSeconds!",
    "MaxAttempts!",
    "BackoffRate!",
    "MaxDelaySeconds!",
    "JitterStrategy!",
    "Comment",
];

/// What one catcher must say.
const CATCHER: &[&str] = &["ErrorEquals!", "ResultPath", "Next!", "Comment"];

/// A rule of a Choice: one comparison.
const RULE: &[&str] = &[
    "Variable!",
    "Next!",
    "Comment",
    "StringEquals",
    "BooleanEquals",
    "NumericEquals",
    "NumericGreaterThanEquals",
    "IsPresent",
    "IsNull",
];

/// A message is sent by Step Functions itself: no function has to run for it.
const PUBLISH: &str = "arn:aws:states:::sns:publish";
const INVOKE: &str = "arn:aws:states:::lambda:invoke";
const INVOKE_AND_WAIT: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";

/// What is wrong with a state machine. `substitutions` are the names the template hands over.
pub fn complaints(machine: &Value, substitutions: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let top = machine.as_object().expect("a state machine is an object");
    fields(
        top,
        &["Comment!", "StartAt!", "States!", "TimeoutSeconds!"],
        "machine",
        &mut found,
    );
    let Some(states) = machine["States"].as_object() else {
        return found;
    };
    for (name, state) in states {
        one_state(name, state, &mut found);
    }
    paths(machine, "machine", &mut found);
    found.extend(graph::complaints(machine));
    let used = placeholders(&machine.to_string());
    found.extend(
        used.difference(substitutions)
            .map(|name| format!("${{{name}}} is not handed over by the template")),
    );
    found.extend(
        substitutions
            .difference(&used)
            .map(|name| format!("the template hands {name} over, nobody uses it")),
    );
    found
}

/// The names in `${...}`.
pub fn placeholders(text: &str) -> BTreeSet<String> {
    let placeholder = Regex::new(r"\$\{([^}]*)\}").expect("a pattern");
    placeholder
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

fn one_state(name: &str, state: &Value, found: &mut Vec<String>) {
    // Letters, digits, hyphen and underscore: with anything else the name is not logged.
    if name.len() > 80 || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        found.push(format!(
            "{name}: a state's name is letters and digits, 80 at most"
        ));
    }
    let kind = state["Type"].as_str().unwrap_or("?");
    let Some((_, known)) = FIELDS.iter().find(|(known, _)| *known == kind) else {
        found.push(format!("{name}: type {kind} is not in our list"));
        return;
    };
    fields(
        state.as_object().expect("a state is an object"),
        known,
        name,
        found,
    );
    match kind {
        "Task" => task(name, state, found),
        "Choice" => {
            for rule in list(&state["Choices"]) {
                fields(
                    rule.as_object().expect("a rule is an object"),
                    RULE,
                    &format!("{name}.Choices"),
                    found,
                );
            }
        }
        "Wait"
            if ["Seconds", "SecondsPath", "TimestampPath"]
                .iter()
                .filter(|field| state.get(**field).is_some())
                .count()
                != 1 =>
        {
            found.push(format!("{name}: a wait has one end"));
        }
        _ => {}
    }
}

fn task(name: &str, state: &Value, found: &mut Vec<String>) {
    let resource = state["Resource"].as_str().unwrap_or("?");
    let waits = resource == INVOKE_AND_WAIT;
    if resource == PUBLISH {
        return message(name, state, found);
    }
    if !waits && resource != INVOKE {
        found.push(format!("{name}: {resource} is not the call of a function"));
    }
    timeout(name, state, waits, found);
    if let Some(parameters) = state["Parameters"].as_object() {
        fields(
            parameters,
            &["FunctionName!", "Payload!"],
            &format!("{name}.Parameters"),
            found,
        );
    }
    let token = state["Parameters"]["Payload"]["task_token.$"].as_str();
    if waits != (token == Some("$$.Task.Token")) {
        found.push(format!(
            "{name}: a task that waits hands its token over, and no other does"
        ));
    }
    retry(name, list(&state["Retry"]), waits, found);
    catch(name, list(&state["Catch"]), found);
    let takes_the_end = list(&state["Catch"])
        .iter()
        .flat_map(|catcher| list(&catcher["ErrorEquals"]))
        .any(|error| error == "States.Timeout");
    if waits && !takes_the_end {
        found.push(format!(
            "{name}: the end of a wait is no error, so it is caught by name"
        ));
    }
}

/// A message: its topic, its subject, its text. Whatever fails is tried again, and what fails for good
/// never ends the story.
fn message(name: &str, state: &Value, found: &mut Vec<String>) {
    timeout(name, state, false, found);
    if let Some(parameters) = state["Parameters"].as_object() {
        fields(
            parameters,
            &["TopicArn!", "Subject.$!", "Message.$!"],
            &format!("{name}.Parameters"),
            found,
        );
    }
    for retrier in list(&state["Retry"]) {
        fields(
            retrier.as_object().expect("a retrier is an object"),
            RETRIER,
            &format!("{name}.Retry"),
            found,
        );
        if retrier["ErrorEquals"] != serde_json::json!(["States.TaskFailed", "States.Timeout"]) {
            found.push(format!("{name}: a message is tried again whatever failed"));
        }
    }
    for catcher in list(&state["Catch"]) {
        fields(
            catcher.as_object().expect("a catcher is an object"),
            CATCHER,
            &format!("{name}.Catch"),
            found,
        );
    }
    if list(&state["Catch"])
        .last()
        .map(|last| &last["ErrorEquals"])
        != Some(&serde_json::json!(["States.ALL"]))
    {
        found.push(format!("{name}: the last catch takes everything"));
    }
}

/// A task has its end: a number, or, where a wait is as long as a plan said, the place of one.
fn timeout(name: &str, state: &Value, waits: bool, found: &mut Vec<String>) {
    match (
        &state["TimeoutSeconds"],
        state["TimeoutSecondsPath"].as_str(),
    ) {
        (Value::Null, None) => found.push(format!("{name}: TimeoutSeconds is missing")),
        (Value::Null, Some(path))
            if waits && (path.starts_with("$.plan.") || path.starts_with("$.incident.")) => {}
        (Value::Null, Some(path)) => {
            found.push(format!("{name}: {path} is no place of a wait's length"));
        }
        (_, Some(_)) => found.push(format!("{name}: one timeout is enough")),
        (seconds, None) if seconds.as_u64().is_none_or(|seconds| seconds == 0) => {
            found.push(format!("{name}: TimeoutSeconds is a number above 0"));
        }
        _ => {}
    }
}

fn retry(name: &str, retriers: &[Value], waits: bool, found: &mut Vec<String>) {
    let mut retried: BTreeSet<&str> = BTreeSet::new();
    for retrier in retriers {
        fields(
            retrier.as_object().expect("a retrier is an object"),
            RETRIER,
            &format!("{name}.Retry"),
            found,
        );
        if retrier["JitterStrategy"] != "FULL" {
            found.push(format!(
                "{name}: a retry without full jitter comes back in step with all the others"
            ));
        }
        if retrier["BackoffRate"]
            .as_f64()
            .is_some_and(|rate| rate <= 1.0)
        {
            found.push(format!("{name}: a retry backs off"));
        }
        retried.extend(
            list(&retrier["ErrorEquals"])
                .iter()
                .filter_map(Value::as_str),
        );
    }
    let mut wanted: BTreeSet<&str> = PASSING.iter().copied().collect();
    wanted.insert("Transient");
    // The end of a wait is not an error: Plan looks again.
    if !waits {
        wanted.insert("States.Timeout");
    }
    for missing in wanted.difference(&retried) {
        found.push(format!("{name}: {missing} is not retried"));
    }
    for extra in retried.difference(&wanted) {
        found.push(format!("{name}: {extra} must not be retried"));
    }
}

fn catch(name: &str, catchers: &[Value], found: &mut Vec<String>) {
    for catcher in catchers {
        fields(
            catcher.as_object().expect("a catcher is an object"),
            CATCHER,
            &format!("{name}.Catch"),
            found,
        );
        for error in list(&catcher["ErrorEquals"])
            .iter()
            .filter_map(Value::as_str)
        {
            if ![OUR_ERRORS, PASSING, CAUGHT]
                .iter()
                .any(|known| known.contains(&error))
            {
                found.push(format!("{name}: {error} is no error that we know"));
            }
        }
    }
    let last = catchers.last().map(|catcher| &catcher["ErrorEquals"]);
    if last != Some(&serde_json::json!(["States.ALL"])) {
        found.push(format!("{name}: the last catch takes everything"));
    }
    let takes = |error: &str| {
        catchers
            .iter()
            .position(|catcher| list(&catcher["ErrorEquals"]).iter().any(|one| one == error))
    };
    if takes("Stale").is_none() {
        found.push(format!(
            "{name}: Stale ends quietly, so it is caught by name"
        ));
    }
}

fn fields(object: &Map<String, Value>, known: &[&str], place: &str, found: &mut Vec<String>) {
    for required in known.iter().filter_map(|field| field.strip_suffix('!')) {
        if object
            .get(required)
            .is_none_or(|value| value == "" || value == &serde_json::json!([]))
        {
            found.push(format!("{place}: {required} is missing"));
        }
    }
    for name in object.keys() {
        if !known
            .iter()
            .any(|field| field.trim_end_matches('!') == name)
        {
            found.push(format!("{place}: {name} is not in our list"));
        }
    }
}

/// Every path is a plain reference: no functions, no filters, no slices.
fn paths(value: &Value, place: &str, found: &mut Vec<String>) {
    let plain = Regex::new(r"^\$\$?(\.[A-Za-z_][A-Za-z0-9_]*)*$").expect("a pattern");
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                let place = format!("{place}.{key}");
                let is_path = key.ends_with(".$") || key == "Variable" || key.ends_with("Path");
                match inner.as_str() {
                    Some(path) if is_path && !plain.is_match(path) => {
                        found.push(format!("{place}: {path} is no plain path"))
                    }
                    Some(text) if !is_path && text.contains("States.") && text.contains('(') => {
                        found.push(format!("{place}: nothing is computed in JSON"));
                    }
                    _ => paths(inner, &place, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, place, found)),
        _ => {}
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The tasks of a machine that invoke a function: state name and state.
pub fn tasks(machine: &Value) -> BTreeMap<&str, &Value> {
    machine["States"]
        .as_object()
        .expect("a state machine has states")
        .iter()
        .filter(|(_, state)| state["Type"] == "Task" && state["Resource"] != PUBLISH)
        .map(|(name, state)| (name.as_str(), state))
        .collect()
}

#[cfg(test)]
mod tests;
