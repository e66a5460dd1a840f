//! What the oracles remember from look to look, and who is asked when something has changed.

use std::collections::{BTreeMap, BTreeSet};

use simulator::core::book::{self, Book, Passage};

use super::course::Outside;
use super::sight::{House, Table};
use super::{Rules, Violation, money::Tally};

pub use super::memory::{Destination, Execution, Run, Thing};
use crate::faults::Decision;

/// All oracles with their memory.
pub struct Oracles {
    pub(super) rules: Rules,
    pub(super) things: BTreeMap<String, Thing>,
    pub(super) living: BTreeMap<String, BTreeSet<String>>,
    pub(super) destinations: BTreeMap<String, Destination>,
    pub(super) runs: BTreeMap<u32, Run>,
    pub(super) executions: Vec<Execution>,
    pub(super) fired: Vec<(u64, Option<Decision>)>,
    /// Every key a parameter had, by fingerprint, and when it came.
    pub(super) keys: BTreeMap<String, Vec<(u64, u64)>>,
    pub(super) tally: Tally,
    pub(super) touched: BTreeSet<String>,
    /// Calls of any service that a role was said not to allow.
    pub(super) denied: u32,
    pub(super) flow_by_hand: bool,
    /// What was done to the feed and to the platforms.
    pub(super) outside: Outside,
    /// Which source of the flow the operator asked for last; absent: never asked.
    pub(super) preferred: Option<Option<String>>,
    /// Executions that a person stopped.
    pub(super) aborts: u64,
    pub(super) flow_is_ours: bool,
    pub(super) flow_needed_at: u64,
    sinks: usize,
    events: usize,
    passages: u64,
    told: u64,
    version: u64,
    /// Everything that was broken, in order.
    pub violations: Vec<Violation>,
}

impl Oracles {
    /// From here on other rules hold.
    pub fn judge_by(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Begins to watch a house. What exists in the cloud by now is not ours unless it says so.
    #[must_use]
    pub fn new(rules: Rules, house: &dyn House) -> Oracles {
        let flow_is_ours = house
            .book()
            .flow(&rules.flow)
            .is_some_and(|flow| flow.tags().get("lunora:stack") == Some(&rules.stack));
        let mut oracles = Oracles {
            rules,
            things: BTreeMap::new(),
            living: BTreeMap::new(),
            destinations: BTreeMap::new(),
            runs: BTreeMap::new(),
            executions: Vec::new(),
            fired: Vec::new(),
            keys: BTreeMap::new(),
            tally: Tally::default(),
            touched: BTreeSet::new(),
            denied: 0,
            flow_by_hand: false,
            outside: Outside::default(),
            preferred: None,
            aborts: 0,
            flow_is_ours,
            flow_needed_at: house.now(),
            sinks: 0,
            events: 0,
            passages: 0,
            told: house.book().told_end(),
            version: 0,
            violations: Vec::new(),
        };
        for id in house.keys(Table::Destinations) {
            oracles.wished(house, &id);
        }
        oracles.look(house);
        oracles
    }

    /// Looks after a step. Costs next to nothing if nothing has changed.
    pub fn look(&mut self, house: &dyn House) {
        self.reckon(house);
        let (events, book) = (house.events(), house.book());
        let same = book.version() == self.version && book.told_end() == self.told;
        if events.len() == self.events && same {
            return;
        }
        self.tally_time(house);
        for passage in book.passages(self.passages) {
            self.passed(book, passage);
        }
        for event in &events[self.events..] {
            self.happened(house, *event);
        }
        for told in book.told(self.told) {
            self.was_told(house, told);
        }
        for id in std::mem::take(&mut self.touched) {
            self.one_of_each(house, &id);
            self.nothing_is_lost(house, &id);
        }
        self.events = events.len();
        self.passages = book.passages_end();
        self.told = book.told_end();
        self.version = book.version();
        self.note_time(house);
    }

    /// Searches what was written since the last search for a key (S5).
    pub fn search(&mut self, house: &dyn House) {
        let sinks = house.sinks();
        self.no_key_in(&house.planted(), &sinks[self.sinks..]);
        self.sinks = sinks.len();
    }

    /// What was counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn broken(
        &mut self,
        invariant: &'static str,
        at: u64,
        destination: Option<&str>,
        sentence: impl Into<String>,
    ) {
        self.violations.push(Violation {
            invariant,
            at,
            destination: destination.map(str::to_owned),
            sentence: sentence.into(),
        });
    }

    pub(super) fn destination(&mut self, id: &str) -> &mut Destination {
        if !self.destinations.contains_key(id) {
            self.destinations
                .insert(id.to_owned(), Destination::default());
        }
        self.destinations.entry(id.to_owned()).or_default()
    }

    /// The living things of a destination of one kind, with their ids.
    pub(super) fn living_of(
        &self,
        id: &str,
        kind: book::Thing,
    ) -> impl Iterator<Item = (&String, &Thing)> {
        let ids = self.living.get(id).into_iter().flatten();
        ids.filter_map(|id| self.things.get_key_value(id))
            .filter(move |(_, thing)| thing.kind == kind)
    }

    /// A thing entered a state.
    fn passed(&mut self, book: Book<'_>, passage: &Passage) {
        let Passage {
            at,
            thing,
            id,
            state,
            ..
        } = passage;
        if !self.things.contains_key(id) {
            let made = self.meet(book, *thing, id, *at);
            self.things.insert(id.clone(), made);
        }
        let Some(known) = self.things.get_mut(id) else {
            return;
        };
        if known.state() != *state {
            known.states.push((*at, state));
        }
        let Some(destination) = known.destination.clone() else {
            return;
        };
        let living = self.living.entry(destination.clone()).or_default();
        if matches!(*state, "DELETED" | "REMOVED") {
            living.remove(id);
        } else {
            living.insert(id.clone());
        }
        self.touched.insert(destination);
    }

    /// A thing that was not there before.
    fn meet(&self, book: Book<'_>, kind: book::Thing, id: &str, at: u64) -> Thing {
        let nothing = BTreeMap::new();
        let (name, tags) = match kind {
            book::Thing::Channel => book
                .channel(id)
                .map_or(("", &nothing), |row| (row.name(), row.tags())),
            book::Thing::Input => book
                .input(id)
                .map_or(("", &nothing), |row| (row.name(), row.tags())),
            book::Thing::Flow => book
                .flow(id)
                .map_or(("", &nothing), |row| (row.name(), row.tags())),
            book::Thing::Output => book
                .flows()
                .flat_map(|flow| flow.outputs())
                .find(|row| row.arn() == id)
                .map_or(("", &nothing), |row| (row.name(), row.tags())),
        };
        Thing {
            kind,
            name: name.to_owned(),
            destination: self.rules.owner(name, tags),
            incarnation: tags
                .get("lunora:incarnation")
                .and_then(|tag| tag.parse().ok()),
            made_at: at,
            states: Vec::new(),
        }
    }
}

impl Rules {
    /// The destination that a name and all tags agree on.
    #[must_use]
    pub fn owner(&self, name: &str, tags: &BTreeMap<String, String>) -> Option<String> {
        let destination = tags.get("lunora:destination")?;
        let ours = tags.get("lunora:stack") == Some(&self.stack)
            && tags
                .get("lunora:incarnation")
                .is_some_and(|tag| tag.parse::<u64>().is_ok())
            && name == self.name(destination);
        ours.then(|| destination.clone())
    }

    /// The name of a destination's things.
    #[must_use]
    pub fn name(&self, destination: &str) -> String {
        format!("lunora-{}-{destination}", self.stack)
    }
}
