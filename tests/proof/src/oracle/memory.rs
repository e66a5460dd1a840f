//! What is remembered of things, destinations, invocations and executions.

use std::collections::{BTreeMap, BTreeSet};

use simulator::core::book;

use super::rows::{Row, Shown};
use super::wish::{Configuration, Wish};

/// A thing of the cloud as it was seen since it was made.
#[derive(Clone, Debug)]
pub struct Thing {
    /// What kind of thing.
    pub kind: book::Thing,
    /// Its name.
    pub name: String,
    /// The destination that its name and all its tags agree on; absent: it is not ours.
    pub destination: Option<String>,
    /// Its incarnation tag.
    pub incarnation: Option<u64>,
    /// When it was made.
    pub made_at: u64,
    /// Every state it was in, and since when.
    pub states: Vec<(u64, &'static str)>,
}

impl Thing {
    /// The state it is in.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.states.last().map_or("", |(_, state)| state)
    }

    /// Whether it exists no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.state(), "DELETED" | "REMOVED")
    }

    /// The states it was in between two moments, both included.
    pub fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &'static str> {
        let first = self.states.partition_point(|(at, _)| *at <= from);
        let rows = &self.states[first.saturating_sub(1)..];
        rows.iter()
            .take_while(move |(at, _)| *at <= to)
            .map(|(_, state)| *state)
    }
}

/// One destination as it was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// The record as its operator left it.
    pub item: Option<serde_json::Value>,
    /// What the record asks for; absent: there is no record.
    pub wish: Option<Wish>,
    /// When the operator last did something to the record.
    pub wished_at: u64,
    /// Since when it asks for this on, off or gone.
    pub desired_since: u64,
    /// When an on-air attribute or `retry` was last edited.
    pub edited_on_air_at: u64,
    /// When `keep_warm` was last edited.
    pub kept_since: u64,
    /// Every wish it ever had and since when, the newest last.
    pub wishes: Vec<(u64, Option<Wish>)>,
    /// When its key's parameter could not be read for want of a permission.
    pub key_denied_at: u64,
    /// When plans read its record that wrote what they made of it.
    pub looks: Vec<u64>,
    /// The ledger row.
    pub row: Option<Row>,
    /// When the row took its generation.
    pub generation_at: u64,
    /// The record's mirror.
    pub shown: Shown,
    /// The row has let the problem go that the record still shows: the mirror's write was lost.
    pub problem_let_go: bool,
    /// When StartChannel was accepted, since the operator's last act.
    pub starts: Vec<u64>,
    /// Calls that were refused for good: operation and status.
    pub refused: Vec<(&'static str, u16)>,
    /// What a person did in the console, and when.
    pub by_hand: Vec<(u64, String)>,
    /// Executions of it that run.
    pub executions: BTreeSet<u32>,
    /// Executions that watch an incident of it.
    pub incidents: BTreeSet<u32>,
    /// Refusals by state visit: execution, entries of states so far, operation, status.
    pub refusals: BTreeMap<(u32, u32, String, u16), u32>,
    /// When a quota refused it.
    pub quota_refusals: Vec<u64>,
    /// Since when something of it exists that nobody wants and nobody works on.
    pub unattended_since: Option<u64>,
    /// Since when it is not on the air although it should be.
    pub down_since: Option<u64>,
    /// When edits let a limit go that had ended it.
    pub let_go: Vec<u64>,
    /// Whether a record of it ever named a time.
    pub has_times: bool,
    /// Alerts that were set on its channel, or cleared, by hand: when, and the text.
    pub alerts: Vec<(u64, &'static str, bool)>,
    /// When the first start of this stretch of streaming was accepted.
    pub stretch_since: Option<u64>,
    /// The same, or the next start where that one fell back to IDLE: a plan may never have seen it up.
    pub stretch_since_at_most: Option<u64>,
    /// A limit that will be reached, when and under which code, as far as is known by now.
    pub cap_due: Option<(u64, &'static str)>,
    /// A limit that was reached, when and under which code; an edit takes it away.
    pub capped: Option<(u64, &'static str)>,
    /// Where its channel was last made or changed to send: when, whether to the backup, and when the
    /// record had been written that was so then.
    pub sent_to: Option<(u64, bool, u64)>,
    /// When it last went back to the primary, and when the record had been written that was so then.
    pub returned: Option<(u64, u64)>,
}

/// An invocation that runs.
#[derive(Clone, Debug)]
pub struct Run {
    /// The worker.
    pub worker: &'static str,
    /// Whom it works for.
    pub destination: Option<String>,
    /// The execution it is a task of.
    pub execution: Option<u32>,
    /// The knock that its plan knew of.
    pub planned: Option<u64>,
    /// When its plan read the record, until it writes what it made of it.
    pub read_at: Option<u64>,
    /// The row as it was right after this run's first accepted write to the ledger.
    pub opened: Option<Row>,
}

/// An execution.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its destination.
    pub destination: String,
    /// Whether it watches an incident: it acts for nobody.
    pub tells: bool,
    /// Whether it runs.
    pub runs: bool,
    /// States entered so far.
    pub entered: u32,
    /// The state it is in.
    pub state: &'static str,
    /// When it last began to plan.
    pub planned_at: u64,
    /// Plans made so far.
    pub plans: u32,
}

impl Destination {
    /// The next start begins a new stretch of streaming.
    pub fn no_stretch(&mut self) {
        (self.stretch_since, self.stretch_since_at_most) = (None, None);
    }

    /// The wishes it had between two moments, both included.
    pub fn wishes_between(&self, from: u64, to: u64) -> impl Iterator<Item = Option<&Wish>> {
        let first = self.wishes.partition_point(|(at, _)| *at <= from);
        let rows = &self.wishes[first.saturating_sub(1)..];
        rows.iter()
            .take_while(move |(at, _)| *at <= to)
            .map(|(_, wish)| wish.as_ref())
    }

    /// Every configuration it ever asked for, those of its backups too.
    pub fn configurations(&self) -> impl Iterator<Item = &Configuration> {
        let wishes = self.wishes.iter().filter_map(|(_, wish)| wish.as_ref());
        wishes.flat_map(|wish| {
            wish.configuration
                .as_ref()
                .ok()
                .into_iter()
                .chain(&wish.backup)
        })
    }
}
