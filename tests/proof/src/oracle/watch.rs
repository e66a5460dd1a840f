//! What the oracles remember from look to look, and who is asked when something has changed.

use std::collections::{BTreeMap, BTreeSet};

use simulator::core::book::{self, Book, Passage, Told};

use super::course::Outside;
use super::rows::{self, Row, Shown};
use super::sight::{House, Table};
use super::wish::{self, Desired, Wish};
use super::{Rules, Violation, money::Tally};

pub use super::memory::{Destination, Execution, Run, Thing};
use crate::faults::Decision;
use crate::setup::Act;
use crate::trace::{Event, What};

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

    fn happened(&mut self, house: &dyn House, event: Event) {
        let at = event.at;
        match event.what {
            What::Acted(number) => self.acted(house, at, number),
            What::Began(number) => self.began(house, number),
            What::Entered(number, state) => self.entered(at, number, state),
            What::Ended(number, _) => {
                if let Some(execution) = self.executions.get_mut(number as usize) {
                    execution.runs = false;
                    let id = execution.destination.clone();
                    let known = self.destination(&id);
                    known.executions.remove(&number);
                    known.incidents.remove(&number);
                }
            }
            What::Invoked(number) => {
                let invocation = house.invocation(number);
                let run = Run {
                    worker: invocation.worker,
                    destination: invocation.destination.clone(),
                    execution: invocation.execution,
                    planned: house.planned_knock(number),
                    read_at: None,
                    opened: None,
                };
                self.runs.insert(number, run);
            }
            What::Returned(number) | What::Died(number, _) => {
                self.runs.remove(&number);
            }
            What::Sent(number) => self.sent(house, at, number),
            What::Effect(number, status) => self.effect(house, at, number, status),
            What::Fired(_) => self.fired.push((at, None)),
            What::Answered(..)
            | What::Passed(_)
            | What::Record(_)
            | What::GaveUp(_)
            | What::Delivered(_)
            | What::Ticked(_) => {}
        }
    }

    fn acted(&mut self, house: &dyn House, at: u64, number: u32) {
        match house.act(number) {
            Act::Put(item) => {
                if let Some(id) = item["destination_id"].as_str() {
                    self.wished(house, id);
                }
            }
            Act::Edit(id, _) | Act::Delete(id) => self.wished(house, id),
            Act::Key(name) | Act::DropKey(name) => {
                let name = name.clone();
                let known = self.keys.entry(name.clone()).or_default();
                known.extend(house.key(&name).map(|key| (at, key.fingerprint)));
                // Another version of a key is another generation, which has starts of its own.
                for destination in self.destinations.values_mut() {
                    destination.starts.clear();
                }
            }
            Act::ByHand(action, id) => {
                self.flow_by_hand |= action.ends_with("_flow");
                let by_hand = &mut self.destination(id).by_hand;
                by_hand.push((at, (*action).to_owned()));
            }
            Act::Abort(_) => self.aborts += 1,
            Act::Quotas(_)
            | Act::Redrive(_)
            | Act::Replay(_)
            | Act::Redeploy
            | Act::Down(_)
            | Act::Up(_)
            | Act::ForeignAlert(_)
            | Act::Nothing => {}
            act @ (Act::Alert(..) | Act::Cut(..) | Act::Platform(..)) => {
                let act = act.clone();
                self.done_outside(at, &act);
            }
        }
    }

    /// The operator wrote or deleted a record.
    fn wished(&mut self, house: &dyn House, id: &str) {
        let now = house.now();
        let item = house.item(Table::Destinations, id).cloned();
        if domain::record::RESERVED_IDS.contains(&id) {
            let asked = item
                .as_ref()
                .and_then(|item| rows::text(item, "preferred_source"));
            self.preferred = Some(asked.map(str::to_owned));
            return;
        }
        let wish = item
            .as_ref()
            .map(|item| wish::read(item, &self.rules.prefix));
        let destination = self.destination(id);
        let before = destination.wish.take();
        let wanted = |wish: &Option<Wish>| match wish {
            None => Some(Desired::Removed),
            Some(wish) => wish.desired,
        };
        if wanted(&before) != wanted(&wish) {
            destination.desired_since = now;
        }
        let kept = |wish: &Option<Wish>| wish.as_ref().is_some_and(|wish| wish.keep_warm);
        if kept(&before) != kept(&wish) {
            destination.kept_since = now;
        }
        let same = match (&before, &wish) {
            (Some(before), Some(wish)) => before.same_on_air(wish),
            (None, None) => true,
            _ => false,
        };
        if !same {
            destination.edited_on_air_at = now;
        }
        destination.has_times |= wish.as_ref().is_some_and(Wish::has_times);
        destination.wishes.push((now, wish.clone()));
        destination.shown = item.as_ref().map(Shown::read).unwrap_or_default();
        // A write that changes nothing makes no stream record: nobody is told of it.
        let theirs =
            |item: &Option<serde_json::Value>, name: &str| item.as_ref()?.get(name).cloned();
        let same = destination.item.is_some() == item.is_some()
            && wish::OPERATOR
                .iter()
                .all(|name| theirs(&destination.item, name) == theirs(&item, name));
        if !same {
            destination.wished_at = now;
            // An edit lets the limit go that has acted, and the next stretch begins with the next start.
            let acted = destination.row.as_ref().is_some_and(|row| row.capped);
            if destination.capped.take().is_some_and(|(due, _)| due <= now) && acted {
                destination.stretch_since = None;
            }
        }
        (destination.item, destination.wish) = (item, wish);
        destination.starts.clear();
    }

    fn began(&mut self, house: &dyn House, number: u32) {
        let (arn, destination) = house.execution(number);
        let tells = !self.rules.incidents.is_empty() && arn.starts_with(&self.rules.incidents);
        let known = self.destination(&destination);
        match tells {
            true => known.incidents.insert(number),
            false => known.executions.insert(number),
        };
        self.executions.push(Execution {
            arn,
            destination,
            tells,
            runs: true,
            entered: 0,
            state: "",
            planned_at: 0,
            plans: 0,
        });
    }

    fn entered(&mut self, at: u64, number: u32, state: &'static str) {
        let Some(execution) = self.executions.get_mut(number as usize) else {
            return;
        };
        execution.entered += 1;
        execution.state = state;
        if state == "Plan" {
            execution.plans += 1;
            execution.planned_at = at;
        }
        self.bounded_states(at, number);
    }

    fn sent(&mut self, house: &dyn House, at: u64, number: u32) {
        let call = house.call(number);
        self.nothing_new_after_a_knock(at, call);
        if call.site.operation == "medialive:StartChannel"
            && let Some(id) = house.invocation(call.invocation).destination.clone()
        {
            self.nothing_after_a_limit(at, &id);
        }
    }

    fn effect(&mut self, house: &dyn House, at: u64, number: u32, status: u16) {
        let call = house.call(number);
        let operation = call.site.operation;
        let wrote = status < 300
            && matches!(
                operation,
                "dynamodb:UpdateItem" | "dynamodb:PutItem" | "dynamodb:DeleteItem"
            );
        if (call.site.worker, operation) == ("plan", "dynamodb:BatchGetItem")
            && let Some(run) = self.runs.get_mut(&call.invocation)
        {
            run.read_at = Some(at);
        }
        let key = call.resource.split_once('/').map(|(_, key)| key);
        if key == Some(domain::flow::RECORD_ID) && wrote && self.rules.well_told {
            self.sources_are_true(house, at);
        }
        if let Some(key) = key.filter(|key| wrote && !key.contains('#')) {
            self.read_again(house, at, key, Some(call.invocation));
        }
        self.judged(house, at, call, status);
    }

    /// A row of either table was written.
    pub(super) fn read_again(&mut self, house: &dyn House, at: u64, id: &str, writer: Option<u32>) {
        if domain::record::RESERVED_IDS.contains(&id) {
            // The report and its like: nobody's wish, and ours to write.
            return;
        }
        let row = house.item(Table::Ledger, id).map(Row::read);
        let item = house.item(Table::Destinations, id);
        let shown = item.map(Shown::read).unwrap_or_default();
        let destination = self.destination(id);
        let row_before = std::mem::replace(&mut destination.row, row.clone());
        let shown_before = std::mem::replace(&mut destination.shown, shown.clone());
        if row != row_before {
            let generation = |row: &Option<Row>| row.as_ref().map_or(0, |row| row.generation);
            if generation(&row) != generation(&row_before) {
                destination.generation_at = at;
            }
            let noted = row.as_ref().and_then(|row| row.problem.as_deref());
            destination.problem_let_go |= noted != shown_before.problem.as_deref();
            self.touched.insert(id.to_owned());
            self.row_changes_lawfully(at, id, row_before.as_ref(), row.as_ref());
        }
        if let Some(run) = writer.and_then(|number| self.runs.get_mut(&number))
            && run.destination.as_deref() == Some(id)
        {
            if run.opened.is_none() {
                run.opened = row;
            }
            if let Some(read_at) = run.read_at.take() {
                self.destination(id).looks.push(read_at);
            }
        }
        self.record_is_kept(house, at, id);
        if shown != shown_before {
            // The writer looked at the cloud at some time since it began. A write that lands late was
            // sent by a function that is dead by now.
            let began = writer.map_or(at, |number| house.invocation(number).began);
            self.mirror_is_true((began, at), id, &shown_before, &shown);
            self.problem_is_honest(house, (began, at), id, &shown_before, &shown);
            self.destination(id).problem_let_go = false;
        }
    }

    fn was_told(&mut self, house: &dyn House, told: &Told) {
        self.nothing_foreign(told);
        self.stretch_begins(told);
        if told.writes && told.accepted() && told.caller.as_deref() != Some("by-hand") {
            self.made_as_asked(house, told);
            self.money_is_kept(house, told);
            self.air_is_kept(house, told);
            self.switches_are_few(house, told);
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
