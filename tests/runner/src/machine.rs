//! A state machine as it was read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::choice::Rule;
use crate::fields::Fields;
use crate::path::Path;
use crate::template::Template;
use crate::trouble::{Catcher, Retrier};
use crate::words::Refusal;

/// A state machine, read once and shared by its executions.
#[derive(Debug)]
pub struct Machine {
    name: String,
    pub(crate) start: usize,
    pub(crate) timeout: Option<SignedDuration>,
    pub(crate) states: Vec<State>,
}

/// One state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    pub(crate) input_path: Option<Path>,
    pub(crate) output_path: Option<Path>,
    pub(crate) kind: Kind,
}

/// What a state does.
#[derive(Debug)]
pub(crate) enum Kind {
    Task(Task),
    Choice {
        rules: Vec<(Rule, usize)>,
        default: Option<usize>,
    },
    Wait {
        until: Until,
        next: Next,
    },
    Pass {
        result: Option<Value>,
        parameters: Option<Template>,
        result_path: Option<Path>,
        next: Next,
    },
    Succeed,
    Fail {
        error: String,
        cause: String,
    },
}

/// A Task state: the invocation of one Lambda function, or a message to one topic.
#[derive(Debug)]
pub(crate) struct Task {
    /// The function's ARN, or the topic's.
    pub(crate) target: String,
    pub(crate) publishes: bool,
    pub(crate) payload: Template,
    /// Whether it waits for its task token to come back.
    pub(crate) token: bool,
    pub(crate) timeout: Timeout,
    pub(crate) heartbeat: Option<SignedDuration>,
    pub(crate) selector: Option<Template>,
    pub(crate) result_path: Option<Path>,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
    pub(crate) next: Next,
}

/// How long a task may take.
#[derive(Debug)]
pub(crate) enum Timeout {
    Seconds(SignedDuration),
    SecondsAt(Path),
}

/// When a Wait state is over.
#[derive(Debug)]
pub(crate) enum Until {
    Seconds(SignedDuration),
    SecondsAt(Path),
    Time(Timestamp),
    TimeAt(Path),
}

/// Where a state leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    State(usize),
    End,
}

impl Machine {
    /// Reads a definition. `${Name}` is replaced by the value `substitutions` has for it, as CloudFormation does;
    /// anything this runner does not know is refused, with machine, state and field.
    pub fn parse(
        name: &str,
        text: &str,
        substitutions: &BTreeMap<String, String>,
    ) -> Result<Arc<Machine>, Refusal> {
        let mut whole: Value = serde_json::from_str(text)
            .map_err(|error| Refusal(format!("{name} is not JSON: {error}")))?;
        substitute(&mut whole, substitutions).map_err(|why| Refusal(format!("{name}: {why}")))?;
        let mut fields = Fields::of(name, &whole)?;
        fields.text("Comment")?;
        for (field, only) in [("Version", "1.0"), ("QueryLanguage", "JSONPath")] {
            if fields.text(field)?.is_some_and(|value| value != only) {
                return Err(fields.refuse(field, &format!("is not `{only}`")));
            }
        }
        let timeout = fields.seconds("TimeoutSeconds", 1)?;
        let start = fields.need_text("StartAt")?;
        let states = fields
            .take("States")
            .ok_or_else(|| fields.missing("States"))?;
        let map = states
            .as_object()
            .ok_or_else(|| fields.refuse("States", "is not an object"))?;
        let names: Vec<&str> = map.keys().map(String::as_str).collect();
        let find = |fields: &Fields<'_>, field: &str, target: &str| {
            let place = names.binary_search(&target);
            place.map_err(|_| fields.refuse(field, &format!("there is no state `{target}`")))
        };
        let start = find(&fields, "StartAt", start)?;
        let mut states = Vec::new();
        for (state, value) in map {
            states.push(State::read(
                Fields::of(format!("{name}, state {state}"), value)?,
                state,
                &find,
            )?);
        }
        fields.finish()?;
        let machine = Machine {
            name: name.into(),
            start,
            timeout,
            states,
        };
        machine.check_ways()?;
        Ok(Arc::new(machine))
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of all functions its tasks invoke.
    pub fn functions(&self) -> BTreeSet<String> {
        let function = |state: &State| match &state.kind {
            Kind::Task(task) if !task.publishes => Some(task.target.clone()),
            _ => None,
        };
        self.states.iter().filter_map(function).collect()
    }

    /// The names of its states.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|state| &*state.name)
    }

    /// Every state can be reached, and every state has a way to an end.
    fn check_ways(&self) -> Result<(), Refusal> {
        let mut reached = BTreeSet::from([self.start]);
        let mut open = vec![self.start];
        while let Some(at) = open.pop() {
            open.extend(
                self.states[at]
                    .targets()
                    .filter(|target| reached.insert(*target)),
            );
        }
        let mut ending = BTreeSet::new();
        while let Some(more) = (0..self.states.len()).find(|at| {
            let state = &self.states[*at];
            !ending.contains(at)
                && (state.ends() || state.targets().any(|target| ending.contains(&target)))
        }) {
            ending.insert(more);
        }
        for (what, good) in [
            ("cannot be reached", reached),
            ("has no way to an end", ending),
        ] {
            if let Some(bad) = (0..self.states.len()).find(|at| !good.contains(at)) {
                return Err(Refusal(format!(
                    "{}, state {}: {what}",
                    self.name, self.states[bad].name
                )));
            }
        }
        Ok(())
    }
}

impl State {
    /// The states it can lead to.
    fn targets(&self) -> impl Iterator<Item = usize> {
        let mut targets = Vec::new();
        match &self.kind {
            Kind::Task(task) => {
                targets.extend(task.catch.iter().map(|catcher| catcher.next));
                targets.extend(task.next.state());
            }
            Kind::Choice { rules, default } => {
                targets.extend(rules.iter().map(|(_, next)| *next).chain(*default))
            }
            Kind::Wait { next, .. } | Kind::Pass { next, .. } => targets.extend(next.state()),
            Kind::Succeed | Kind::Fail { .. } => {}
        }
        targets.into_iter()
    }

    /// Whether the execution can end in it as it should.
    fn ends(&self) -> bool {
        match &self.kind {
            Kind::Task(Task { next, .. }) | Kind::Wait { next, .. } | Kind::Pass { next, .. } => {
                next.state().is_none()
            }
            Kind::Choice { .. } => false,
            Kind::Succeed | Kind::Fail { .. } => true,
        }
    }
}

impl Next {
    /// The state, unless it is the end.
    fn state(self) -> Option<usize> {
        match self {
            Next::State(state) => Some(state),
            Next::End => None,
        }
    }
}

/// Puts the values for `${Name}` into all texts.
fn substitute(value: &mut Value, values: &BTreeMap<String, String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let mut done = 0;
            while let Some(begin) = text[done..].find("${").map(|found| found + done) {
                let end = text[begin..]
                    .find('}')
                    .ok_or_else(|| format!("`{text}` has no end"))?
                    + begin;
                let name = &text[begin + 2..end];
                let new = values
                    .get(name)
                    .ok_or_else(|| format!("there is no value for ${{{name}}}"))?;
                // What was put in is not looked at again.
                done = begin + new.len();
                text.replace_range(begin..=end, new);
            }
            Ok(())
        }
        Value::Array(list) => list
            .iter_mut()
            .try_for_each(|item| substitute(item, values)),
        Value::Object(map) => map
            .values_mut()
            .try_for_each(|item| substitute(item, values)),
        _ => Ok(()),
    }
}
