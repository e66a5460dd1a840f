//! What people are told: one message for each incident and one when it is over, none of what is not ours.

use std::collections::BTreeMap;

use super::sight::{House, Table};
use super::watch::Oracles;
use crate::setup::Act;
use crate::trace::{Event, What};
use crate::{Fault, World};

/// How often an incident was told, and how often that it was over.
type Told = BTreeMap<(String, String), (u32, u32)>;

/// Every message, by destination and incident.
fn told(world: &World) -> Result<Told, String> {
    let mut told = Told::new();
    for message in world.published() {
        let named = message
            .message
            .lines()
            .find_map(|line| line.strip_prefix("Incident: "));
        let Some((incident, destination)) = named.and_then(|named| named.split_once(" of ")) else {
            return Err(format!("a message names no incident: {}", message.subject));
        };
        let key = (destination.to_owned(), incident.to_owned());
        let (one, over) = told.entry(key).or_default();
        match message.subject.starts_with("Lunora over: ") {
            true => *over += 1,
            false => *one += 1,
        }
    }
    Ok(told)
}

/// An incident that ends so soon after the one who was to tell it gave up may be told at its end only.
const GIVEN_UP_MS: u64 = 660_000;

/// A limit is told when it is near and when it has acted, each as a word of its own.
fn is_limit(incident: &str) -> bool {
    incident.contains("#cap_")
}

impl Oracles {
    /// An incident is told once, and once that it is over, by whoever watches it; whoever was stopped by a
    /// person between noting that it tells and telling leaves one untold, and one that is redriven may
    /// tell again. Of one whose tries were all used up the end may be told alone, if it comes within
    /// minutes. At rest what was told is told to be over, unless it lasts. Nobody is told of a thing
    /// that no record of ours asked for.
    pub fn tells_once(&mut self, world: &World) {
        let (now, disturbed) = (World::now(world), is_disturbed(world));
        let told = match told(world) {
            Ok(told) => told,
            Err(sentence) => return self.broken("one message", now, None, sentence),
        };
        for ((destination, incident), (one, over)) in told {
            let ours = destination == domain::incident::FLOW
                || self
                    .destinations
                    .get(&destination)
                    .is_some_and(|known| !known.wishes.is_empty());
            let sentence = if !ours {
                "somebody was told of what is not ours".to_owned()
            } else if is_limit(&incident) && over > 0 {
                "a limit that has acted is never over by itself".to_owned()
            } else if !disturbed
                && (one > 1 || over > 1 || over > one && !gave_up(world, &destination))
            {
                format!("it was told {one} times and to be over {over} times")
            } else {
                continue;
            };
            let sentence = format!("{incident}: {sentence}");
            self.broken("one message", now, Some(&destination), sentence);
        }
    }

    /// At rest what was told is told to be over, if it is, and no row is left of it.
    pub fn tells_the_end(&mut self, world: &World) {
        let (now, disturbed) = (World::now(world), is_disturbed(world));
        let open: Vec<String> = House::keys(world, Table::Ledger)
            .into_iter()
            .filter(|key| key.starts_with("incident#"))
            .filter(|key| {
                let row = world.item(Table::Ledger, key);
                row.is_some_and(|row| row.get("open").is_some())
            })
            .collect();
        for ((destination, incident), (one, over)) in told(world).unwrap_or_default() {
            let cause = incident.split_once('#').map_or("", |(_, cause)| cause);
            let lasts = open.contains(&format!("incident#{destination}#{cause}"));
            if one > 0 && over == 0 && !lasts && !disturbed && !is_limit(&incident) {
                let sentence = format!("{incident} was told, is over, and nobody was told so");
                self.broken("one message", now, Some(&destination), sentence);
            }
        }
        if !disturbed {
            self.tells_what_is_written(world);
        }
        for key in open {
            let id = key.split('#').nth(1).unwrap_or_default().to_owned();
            let gone = self
                .living
                .get(&id)
                .is_none_or(std::collections::BTreeSet::is_empty);
            if gone && id != domain::incident::FLOW {
                let sentence = format!("nothing of it exists, and {key} is open");
                self.broken("one message", now, Some(&id), sentence);
            }
        }
    }
}

impl Oracles {
    /// When it ended and how is told as the table of incidents has it.
    fn tells_what_is_written(&mut self, world: &World) {
        let over = world
            .published()
            .iter()
            .filter(|message| message.subject.starts_with("Lunora over: "));
        let texts: Vec<String> = over.map(|message| message.message.clone()).collect();
        for (_, item) in world.database().items(&world.house().incidents_table) {
            let field = |name: &str| item[name]["S"].as_str().unwrap_or_default();
            let (destination, incident) = (field("destination_id"), field("incident_id"));
            let named = format!("Incident: {incident} of {destination}\n");
            let stopped = field("ending") == "stopped";
            let ends = format!("Until: {}\n", field("until"));
            let is_told = |text: &&String| {
                text.contains(&ends) && text.contains("nothing streams there any more") == stopped
            };
            // What is debounced has lasted.
            let debounced = [
                "input_loss",
                "rtmp_failed",
                "source_unhealthy",
                "black_or_silent",
            ];
            let until = field("until");
            if debounced.contains(&field("cause")) && !until.is_empty() && until <= field("since") {
                let sentence = format!("{incident}: it is written to have ended as it began");
                self.broken(
                    "one message",
                    World::now(world),
                    Some(destination),
                    sentence,
                );
            }
            let told = texts.iter().find(|text| text.contains(&named));
            if told.is_some_and(|text| !is_told(&text)) {
                let sentence =
                    format!("{incident}: what was told of its end is not what is written");
                self.broken(
                    "one message",
                    World::now(world),
                    Some(destination),
                    sentence,
                );
            }
        }
    }
}

/// Whether an execution that watches this destination has failed within the last minutes.
fn gave_up(world: &World, destination: &str) -> bool {
    world.executions().iter().any(|execution| {
        let last = execution.history().last();
        let ended = last.map_or(0, |event| event.at.as_millisecond().unsigned_abs());
        execution.status() == runner::Status::Failed
            && execution.name().starts_with(&format!("{destination}-"))
            && World::now(world) < ended + GIVEN_UP_MS
    })
}

/// Whether a person stopped or redrove an execution.
fn is_disturbed(world: &World) -> bool {
    let stopped = |fault: Fault| matches!(fault, Fault::Aborted | Fault::Redriven(_));
    let by_hand = |event: &Event| match event.what {
        What::Acted(number) => matches!(
            world.act(number),
            Act::Abort(_) | Act::Redrive(_) | Act::Replay(_)
        ),
        _ => false,
    };
    world.taken().iter().any(|taken| stopped(taken.fault))
        || world.trace().events().iter().any(by_hand)
}
