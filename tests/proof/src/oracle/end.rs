//! L4: what is left in the end, and whether it is the same as without faults.

use std::collections::BTreeMap;

use simulator::core::book::{Thing as Kind, fingerprint};

use super::sight::{House, Table};
use super::watch::Oracles;

/// What is left in the end of one destination, without ids and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// `streaming_status`; absent: there is no record.
    pub status: Option<String>,
    /// The problem's code.
    pub problem: Option<String>,
    /// The channel's state; absent: there is none.
    pub channel: Option<&'static str>,
    /// Where it sends, by fingerprint of URL and key, and the fingerprint of what it encodes.
    pub content: Vec<u64>,
    /// The input's state.
    pub input: Option<&'static str>,
    /// The flow output's state.
    pub output: Option<&'static str>,
    /// Whether the ledger has a settled configuration.
    pub settled: bool,
}

impl Oracles {
    /// What is left in the end, without ids and times.
    #[must_use]
    pub fn end(&self, house: &dyn House) -> BTreeMap<String, End> {
        let state = |id: &str, kind| {
            let mut living = self.living_of(id, kind);
            living.next().map(|(_, thing)| thing.state())
        };
        let ends = self.destinations.iter().map(|(id, known)| {
            let channel = self.living_of(id, Kind::Channel).next();
            let row = channel.and_then(|(channel, _)| house.book().channel(channel));
            let mut content = Vec::new();
            if let Some(row) = row {
                for (inner, url, key) in row.destinations() {
                    content.push(fingerprint(&format!("{inner} {url}")));
                    content.push(key);
                }
                let encoder = row.setting("encoderSettings").to_string();
                content.push(fingerprint(&encoder));
            }
            let there = house.item(Table::Destinations, id).is_some();
            let end = End {
                status: known.shown.status.clone().filter(|_| there),
                problem: known.shown.problem.clone().filter(|_| there),
                channel: state(id, Kind::Channel),
                content,
                input: state(id, Kind::Input),
                output: state(id, Kind::Output),
                settled: known.row.as_ref().is_some_and(|row| row.settled),
            };
            (id.clone(), end)
        });
        ends.collect()
    }

    /// L4: the end with faults is the end without. `excused` names destinations that a fault refused
    /// for good (a quota, a verdict of AWS), which must then say so; L1 has judged that they do.
    pub fn is_same_end(&mut self, house: &dyn House, calm: &BTreeMap<String, End>) {
        let found = self.end(house);
        let at = house.now();
        for (id, wanted) in calm {
            let Some(end) = found.get(id) else {
                self.broken("L4 same end", at, Some(id), "it never came to be known");
                continue;
            };
            if end != wanted {
                let sentence =
                    format!("it ended as {end:?} and without faults it ends as {wanted:?}");
                self.broken("L4 same end", at, Some(id), sentence);
            }
        }
    }
}
