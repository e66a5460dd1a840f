//! The air: a running stream does not depend on us. With the control plane dead it runs on.

use simulator::core::book::{Thing as Kind, Told};

use super::mirror::on_air;
use super::sight::House;
use super::watch::Oracles;

impl Oracles {
    /// A destination that streams is not fed less by us: its flow output is neither switched off,
    /// removed nor aimed elsewhere while its channel is on the air as its record asks.
    pub(super) fn air_is_kept(&mut self, house: &dyn House, told: &Told) {
        if !matches!(
            told.operation.as_str(),
            "UpdateFlowOutput" | "RemoveFlowOutput"
        ) {
            return;
        }
        let Some(arn) = told.resource.as_deref() else {
            return;
        };
        let Some(thing) = self.things.get(arn) else {
            return;
        };
        let Some(id) = thing.destination.clone() else {
            return;
        };
        let Some(known) = self.destinations.get(&id) else {
            return;
        };
        let streams = known.wish.as_ref().is_some_and(super::wish::Wish::streams)
            && known
                .row
                .as_ref()
                .is_some_and(|row| row.desired.as_deref() == Some("streaming"));
        let running = self
            .living_of(&id, Kind::Channel)
            .any(|(_, channel)| on_air(channel.state()));
        let stale = known.wish.as_ref().is_none_or(|wish| {
            // One that is about to be stopped for an edit may be fed no more.
            self.content_difference(house, &id, wish, true).is_some()
        });
        if streams && running && !stale && known.by_hand.is_empty() && thing.state() != "ENABLED" {
            let sentence = format!(
                "{} took the feed from a channel that is on the air and whose record asks for it",
                told.operation
            );
            self.broken("S7 needless stop", told.at, Some(&id), sentence);
        }
    }

    /// Static stability: between two moments in which the control plane was dead, no channel that
    /// was on the air left it, and nothing was written to the cloud.
    pub fn ran_on(&mut self, from: u64, to: u64) {
        let left: Vec<(String, Option<String>, &'static str)> = self
            .things
            .iter()
            .filter(|(_, thing)| thing.kind == Kind::Channel && thing.destination.is_some())
            .filter_map(|(id, thing)| {
                let mut states = thing.between(from, to);
                let first = states.next()?;
                let off = states.find(|state| !on_air(state))?;
                (first == "RUNNING").then(|| (id.clone(), thing.destination.clone(), off))
            })
            .collect();
        for (id, whose, state) in left {
            let sentence =
                format!("channel {id} was running and became {state} while nobody was at work");
            self.broken("static stability", to, whose.as_deref(), sentence);
        }
    }
}
