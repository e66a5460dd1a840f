//! What each happening tells the oracles: an act, an execution, an invocation, a call, a write.

use simulator::core::book::Told;

use super::memory::{Execution, Run, Thing};
use super::rows::{self, Row, Shown};
use super::sight::{House, Table};
use super::watch::Oracles;
use super::wish::{self, Desired, Wish};
use crate::setup::Act;
use crate::trace::{Event, What};

impl Oracles {
    pub(super) fn happened(&mut self, house: &dyn House, event: Event) {
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
            What::Returned(number) => {
                if let Some(run) = self.runs.remove(&number) {
                    self.knock_is_heard(house, at, &run);
                }
            }
            What::Died(number, _) => {
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
    pub(super) fn wished(&mut self, house: &dyn House, id: &str) {
        // What a limit makes of it is reckoned at once.
        self.outside.reckoned = 0;
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
                destination.no_stretch();
                destination.let_go.push(now);
            }
        }
        (destination.item, destination.wish) = (item, wish);
        destination.starts.clear();
    }

    /// S3 for executions: each is for a destination that has a record or had one, that something of ours
    /// carries the name of, or for the flow.
    fn began(&mut self, house: &dyn House, number: u32) {
        let (arn, destination) = house.execution(number);
        let tells = !self.rules.incidents.is_empty() && arn.starts_with(&self.rules.incidents);
        let is_named = |thing: &Thing| thing.destination.as_deref() == Some(&destination);
        let is_known = destination == domain::incident::FLOW
            || self
                .destinations
                .get(&destination)
                .is_some_and(|known| !known.wishes.is_empty() || known.row.is_some())
            || self.things.values().any(is_named);
        if !is_known {
            let sentence = "an execution began for it, and it is no destination of ours";
            self.broken("S3 ours", house.now(), Some(&destination), sentence);
        }
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
            let held = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.holder.is_some());
            let knock = row_before.as_ref().map(|row| row.knock);
            let unheard = held(&row_before) && !held(&row) && run.planned != knock;
            if run.opened.is_none() {
                run.opened = row;
            }
            if let (true, Some(_)) = (unheard, run.planned) {
                let sentence =
                    "the lease was given back although somebody had knocked since the plan";
                self.broken("S4 no lost edit", at, Some(id), sentence);
                return;
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

    pub(super) fn was_told(&mut self, house: &dyn House, told: &Told) {
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
