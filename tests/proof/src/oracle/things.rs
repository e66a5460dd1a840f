//! S1 one of each, S2 nothing is lost, S3 nothing foreign is touched: counted in the cloud's book.

use simulator::core::book::{Thing as Kind, Told};

use super::sight::House;
use super::watch::Oracles;
use crate::world::Call;

impl Oracles {
    /// S1: a destination has at most one channel, one input and one flow output that are not gone,
    /// whatever our tables say. The bound is the design's: one record, one route.
    pub(super) fn one_of_each(&mut self, house: &dyn House, id: &str) {
        for (kind, word) in [
            (Kind::Channel, "channels"),
            (Kind::Input, "inputs"),
            (Kind::Output, "flow outputs"),
        ] {
            let living: Vec<String> = self
                .living_of(id, kind)
                .map(|(id, thing)| format!("{id} {}", thing.state()))
                .collect();
            if living.len() > 1 {
                let sentence = format!("there are {} {word}: {}", living.len(), living.join(", "));
                self.broken("S1 one of each", house.now(), Some(id), sentence);
            }
        }
    }

    /// S2: at every instant, also between effect and record, the ledger answers for everything that
    /// exists: by its id, or by a create of that incarnation noted before it was sent. No tolerance.
    pub(super) fn nothing_is_lost(&mut self, house: &dyn House, id: &str) {
        let row = self
            .destinations
            .get(id)
            .and_then(|known| known.row.as_ref());
        let lost: Vec<String> = self
            .living
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|thing_id| {
                let thing = self.things.get(thing_id)?;
                let answered = row.is_some_and(|row| match thing.kind {
                    Kind::Channel => row.answers_for_channel(thing_id, thing.incarnation),
                    Kind::Input => row.answers_for_input(thing_id, thing.incarnation),
                    Kind::Output => row.answers_for_output(thing_id),
                    Kind::Flow => true,
                });
                (!answered).then(|| format!("{:?} {thing_id} is {}", thing.kind, thing.state()))
            })
            .collect();
        if let Some(first) = lost.first() {
            let sentence = format!(
                "{first} and no ledger row answers for it: the row knows {}",
                row.map_or("nothing, for there is none".to_owned(), |row| format!(
                    "channel {:?} (sought in incarnation {:?}), input {:?} (sought in {:?})",
                    row.channel, row.channel_sought, row.input, row.input_sought
                ))
            );
            self.broken("S2 nothing is lost", house.now(), Some(id), sentence);
        }
    }

    /// S3: what does not carry our name and all our tags never receives a write, not even one that is
    /// refused. On a flow only our own named outputs are touched; only a flow with our tag is
    /// started, stopped or told which source to prefer.
    pub(super) fn nothing_foreign(&mut self, told: &Told) {
        if !told.writes || told.caller.as_deref() == Some("by-hand") {
            return;
        }
        let name = told.name.as_deref().unwrap_or_default();
        let ours_by_name = name.starts_with(&self.rules.name(""));
        let resource = told.resource.as_deref().unwrap_or_default();
        let fine = match told.operation.as_str() {
            "CreateChannel" | "CreateInput" => ours_by_name,
            "AddFlowOutputs" => ours_by_name && resource == self.rules.flow,
            "StartFlow" | "StopFlow" | "UpdateFlow" => {
                resource == self.rules.flow && self.flow_is_ours
            }
            "StartChannel" | "StopChannel" | "DeleteChannel" | "UpdateChannel" | "DeleteInput"
            | "UpdateFlowOutput" | "RemoveFlowOutput" => match self.things.get(resource) {
                Some(thing) => thing.destination.is_some(),
                // It never existed: an id out of nowhere.
                None => false,
            },
            // Nothing else is part of any worker's deed.
            _ => false,
        };
        if !fine {
            let sentence = format!(
                "{} was sent to {resource} named {name:?}, which is not ours to touch (answer {})",
                told.operation, told.status
            );
            self.broken("S3 nothing foreign", told.at, None, sentence);
        }
    }

    /// S3 among our own: a worker that acts for one destination writes to that destination's things
    /// only. The scheduled pass alone acts for none.
    pub(super) fn nobody_elses(&mut self, at: u64, call: &Call) {
        let Some(run) = self.runs.get(&call.invocation) else {
            return;
        };
        let Some(thing) = self.things.get(&call.resource) else {
            return;
        };
        let reads = ["Describe", "List", "Get"];
        let verb = call.site.operation.split(':').nth(1).unwrap_or_default();
        if reads.iter().any(|read| verb.starts_with(read)) || run.destination.is_none() {
            return;
        }
        if thing.destination.is_some() && thing.destination != run.destination {
            let sentence = format!(
                "{} acts for {} and sent {} to {:?} {} of {}",
                run.worker,
                run.destination.as_deref().unwrap_or_default(),
                call.site.operation,
                thing.kind,
                call.resource,
                thing.destination.as_deref().unwrap_or_default(),
            );
            let whose = thing.destination.clone();
            self.broken("S3 nobody else's", at, whose.as_deref(), sentence);
        }
    }
}
