//! The flow's record: which source the operator prefers, and what is known of each.
//!
//! MediaConnect changes sources by itself. It never says which one it uses: events tell when an
//! encoder connects and drops, DescribeFlow shows who is connected up to twenty seconds late, and
//! the rest follows from its rule (user guide: source failover). A source with priority is used
//! whenever it is there; without one, whichever is used stays until it drops.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ledger::after;
use crate::news::BELIEVED_SECONDS;
use crate::problem::{Code, Problem, Shown};
use crate::record::Item;

mod health;

pub use health::{Health, Measured, Measurement};

/// The record's id.
pub const RECORD_ID: &str = "flow";

/// What the operator writes into it.
pub const PREFERRED_SOURCE: &str = "preferred_source";

/// For so long after an event DescribeFlow may still show what was before it (user guide: a peer's
/// address follows up to 20 s behind), seconds; with room for an event that was late itself.
const DESCRIBE_LAG_SECONDS: i64 = 30;

/// A record that says nothing new is written again after so long, so that its age can be trusted,
/// seconds. Only while the flow is up.
const FRESH_SECONDS: i64 = 600;

/// Which source is used when both are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The source named `primary`, as soon as it sends.
    Primary,
    /// The source named `backup`, as soon as it sends.
    Backup,
    /// Neither: whichever is used stays until it drops.
    Auto,
}

impl Preference {
    /// The name of the source that is to have priority.
    pub fn source(self) -> Option<&'static str> {
        match self {
            Preference::Primary => Some("primary"),
            Preference::Backup => Some("backup"),
            Preference::Auto => None,
        }
    }
}

/// What the record asks for; `None` leaves the flow as it is.
pub fn preference(record: &Item) -> Result<Option<Preference>, Problem> {
    let wrong = |code, message: &str| {
        Err(Problem::new(code, message).with_advice(
            "Set preferred_source to primary, backup or auto, or delete the attribute. The flow stays as it is until then.",
        ))
    };
    match record.get(PREFERRED_SOURCE) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match text.as_str() {
            "" => Ok(None),
            "primary" => Ok(Some(Preference::Primary)),
            "backup" => Ok(Some(Preference::Backup)),
            "auto" => Ok(Some(Preference::Auto)),
            _ => wrong(
                Code::UnknownValue,
                "preferred_source is none of primary, backup and auto.",
            ),
        },
        Some(_) => wrong(
            Code::WrongType,
            "The attribute preferred_source should be a String.",
        ),
    }
}

/// A source as DescribeFlow shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLook {
    /// Its name.
    pub name: String,
    /// Its ARN, by which CloudWatch knows it.
    pub arn: String,
    /// Somebody sends to it, or did up to twenty seconds ago.
    pub has_peer: bool,
}

/// The sources of the flow as DescribeFlow shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedLook {
    /// All of them; a flow has one or two.
    pub sources: Vec<SourceLook>,
    /// The name of the one with priority.
    pub priority: Option<String>,
}

/// The newest word about one source, from a Source Health event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// An encoder is connected.
    pub connected: bool,
    /// What arrives is damaged (one of the four signs of TR 101 290 that MediaConnect tells).
    pub damaged: bool,
    /// When AWS says that it became so.
    pub at: Timestamp,
}

/// Where a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceStatus {
    /// The flow is not running, so nobody can connect.
    Off,
    /// An encoder is connected.
    Connected,
    /// None is.
    Disconnected,
}

/// What is shown of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub status: SourceStatus,
    /// What arrives is damaged.
    #[serde(default)]
    pub damaged: bool,
    /// Since when its status is so.
    pub since: Timestamp,
    /// How well it is received.
    #[serde(flatten)]
    pub health: Health,
}

/// What is shown of the flow, and remembered until the next look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// AWS's own word for the flow's state.
    pub flow_status: String,
    /// Its sources.
    pub sources: Vec<Source>,
    /// The source that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_source: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Timestamp>,
    /// The source with priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_source: Option<String>,
    /// The flow is up and nobody sends, since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_input_since: Option<Timestamp>,
    /// What the operator should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Shown>,
}

/// A flow carries its feed in these states.
fn is_up(status: &str) -> bool {
    matches!(status, "ACTIVE" | "UPDATING")
}

/// What is to be shown now, from a look, the newest events and what was shown before.
pub fn view(
    now: Timestamp,
    status: &str,
    look: &FeedLook,
    heard: &BTreeMap<String, Heard>,
    before: &View,
) -> View {
    let up = is_up(status);
    let sources: Vec<Source> = look
        .sources
        .iter()
        .map(|source| {
            let earlier = before.sources.iter().find(|one| one.name == source.name);
            one_source(now, up, source, heard.get(&source.name), earlier)
        })
        .collect();
    let active = active(&sources, look.priority.as_deref(), before);
    let same = active == before.active_source;
    let moved = sources
        .iter()
        .filter(|source| is_up(&before.flow_status) && source.status != SourceStatus::Off)
        .map(|source| source.since)
        .max();
    let active_since = match &active {
        None => None,
        Some(_) if same => before.active_since.or(Some(now)),
        Some(_) => Some(moved.unwrap_or(now).min(now)),
    };
    let silent = up && active.is_none() && !sources.is_empty();
    let no_input_since = silent.then(|| {
        let dropped = sources.iter().map(|source| source.since).max();
        before.no_input_since.or(dropped).unwrap_or(now)
    });
    View {
        flow_status: status.to_owned(),
        sources,
        active_source: active,
        active_since,
        priority_source: look.priority.clone(),
        no_input_since,
        problem: None,
    }
}

/// A fresh event counts for more than a look, and a look for more than an old event.
fn one_source(
    now: Timestamp,
    up: bool,
    look: &SourceLook,
    heard: Option<&Heard>,
    before: Option<&Source>,
) -> Source {
    let fresh = heard.filter(|heard| now < after(heard.at, DESCRIBE_LAG_SECONDS));
    let connected = fresh.map_or(look.has_peer, |heard| heard.connected);
    let status = match (up, connected) {
        (false, _) => SourceStatus::Off,
        (true, true) => SourceStatus::Connected,
        (true, false) => SourceStatus::Disconnected,
    };
    let agrees = heard.filter(|heard| up && heard.connected == connected);
    let since = match before.filter(|before| before.status == status) {
        Some(before) => before.since,
        None => agrees.map_or(now, |heard| heard.at.min(now)),
    };
    let received = status == SourceStatus::Connected;
    let believed = agrees.filter(|heard| now < after(heard.at, BELIEVED_SECONDS));
    let before = before.filter(|before| received && before.status == status);
    Source {
        name: look.name.clone(),
        status,
        damaged: received && believed.is_some_and(|heard| heard.damaged),
        since,
        // Of a source that is not there nothing is measured.
        health: before.map_or_else(Health::default, |before| before.health.still(now)),
    }
}

/// MediaConnect's own rule.
fn active(sources: &[Source], priority: Option<&str>, before: &View) -> Option<String> {
    let there = |name: &str| {
        sources
            .iter()
            .any(|source| source.name == name && source.status == SourceStatus::Connected)
    };
    let first = sources
        .iter()
        .find(|source| source.status == SourceStatus::Connected);
    priority
        .filter(|name| there(name))
        .or(before.active_source.as_deref().filter(|name| there(name)))
        .map(str::to_owned)
        .or(first.map(|source| source.name.clone()))
}

/// What is to be done about the operator's preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Leave,
    /// Give this source priority, or none.
    Prefer(Option<&'static str>),
}

/// Decides whether the flow has to be told.
pub fn decide(wish: Option<Preference>, look: &FeedLook) -> Result<Turn, Problem> {
    let Some(wish) = wish else {
        return Ok(Turn::Leave);
    };
    if let Some(name) = wish.source()
        && !look.sources.iter().any(|source| source.name == name)
    {
        return Err(Problem::new(
            Code::UnknownValue,
            format!("preferred_source is {name}, and the flow has no source of that name."),
        )
        .with_advice("For a second encoder give the stack its address in BackupEncoderCidr. The sources of a flow that was handed over in FlowArn are preferred where that flow is kept. The flow stays as it is until then."));
    }
    // With one source there is nothing to prefer.
    if look.sources.len() < 2 || look.priority.as_deref() == wish.source() {
        return Ok(Turn::Leave);
    }
    Ok(Turn::Prefer(wish.source()))
}

impl View {
    /// Adds what the operator should know: first what is wrong with the record, then with the feed.
    #[must_use]
    pub fn with_problem(mut self, now: Timestamp, slip: Option<Problem>, before: &View) -> View {
        let lost: Vec<&Source> = self
            .sources
            .iter()
            .filter(|source| source.status == SourceStatus::Disconnected)
            .collect();
        // A backup that was never there is no loss: many stacks have one for the day of need only.
        let dropped = lost.iter().find(|source| {
            self.priority_source.as_deref() == Some(source.name.as_str())
                || before.sources.iter().any(|earlier| {
                    earlier.name == source.name && earlier.status == SourceStatus::Connected
                })
                || before.names(&source.name)
        });
        let damaged = self.sources.iter().find(|source| source.damaged);
        let (found, since) = if let Some(slip) = slip {
            (slip, now)
        } else if let Some(since) = self.no_input_since {
            let problem = Problem::new(
                Code::NoInput,
                "No encoder is connected to the flow: every destination shows a black picture.",
            );
            (problem, since)
        } else if let Some(source) = dropped {
            let carries = self.active_source.as_deref().unwrap_or_default();
            let message = format!(
                "The source {} is not connected; the programme comes from {carries}.",
                source.name
            );
            (Problem::new(Code::SourceUnhealthy, message), source.since)
        } else if let Some(source) = damaged {
            let message = format!("What arrives at the source {} is damaged.", source.name);
            (Problem::new(Code::SourceUnhealthy, message), now)
        } else {
            return self;
        };
        let known = before.problem.as_ref().filter(|known| {
            known.problem.code == found.code && known.problem.message == found.message
        });
        self.problem = Some(Shown {
            since: known.map_or(since, |known| known.since),
            problem: found,
        });
        self
    }

    /// Whether the problem that is shown is about that source.
    fn names(&self, source: &str) -> bool {
        let about = format!("The source {source} ");
        self.problem
            .as_ref()
            .is_some_and(|shown| shown.problem.message.starts_with(&about))
    }

    /// Whether the record has to be written: it says something new, or what it says has become old.
    pub fn is_news(&self, before: &View, shown_at: Option<Timestamp>, now: Timestamp) -> bool {
        let old = is_up(&self.flow_status)
            && shown_at.is_none_or(|shown_at| now >= after(shown_at, FRESH_SECONDS));
        self.differs(before) || old || shown_at.is_none()
    }

    /// The record's mirrored attributes; `None` takes one away.
    pub fn attributes(&self, now: Timestamp) -> Vec<(&'static str, Option<Value>)> {
        let time = |at: Option<Timestamp>| at.map(|at| json!(at.to_string()));
        let name = |name: &Option<String>| name.as_ref().map(|name| json!(name));
        vec![
            ("flow_status", Some(json!(self.flow_status))),
            ("sources", Some(json!(self.sources))),
            ("active_source", name(&self.active_source)),
            ("active_since", time(self.active_since)),
            (
                "priority_source",
                Some(json!(self.priority_source.as_deref().unwrap_or("none"))),
            ),
            ("no_input_since", time(self.no_input_since)),
            ("problem", self.problem.as_ref().map(|shown| json!(shown))),
            ("observed_at", time(Some(now))),
        ]
    }
}

#[cfg(test)]
mod tests;
