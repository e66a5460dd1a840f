//! The stream of the operator's table and its mapping to `dispatch`: per shard in order, batches,
//! partial failures, bisection, limits of tries and age, as Lambda's developer guide has them
//! (event source mappings for DynamoDB streams).

use super::{World, invoke::Caller, queue::Happening};
use crate::{
    Edge, Fault, Sink, What,
    chance::{self, For},
};
use models::StreamRecord;
use runner::Failure;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Shards of the table: a new on-demand table has four partitions; two make orders cross.
const SHARDS: usize = 2;
/// Lambda asks each shard four times a second; writing takes a moment too. Milliseconds.
const POLL_MS: (u64, u64) = (100, 500);
/// Waits between tries of a failed batch: doubled each time, up to a minute. Lambda does not say.
const RETRY_MS: (u64, u64) = (1000, 60_000);

/// A record on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub event: Value,
    pub sequence: u64,
    pub at: u64,
    pub shard: usize,
    /// Not handed over before this time.
    not_before: u64,
}

/// One shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    waiting: VecDeque<Item>,
    /// What was taken and is not done, in pieces: the first is being tried.
    pieces: VecDeque<Piece>,
    running: bool,
    /// A poll is in the queue.
    polled: bool,
    polls: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    items: Vec<Item>,
    tries: u32,
}

impl Shard {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.pieces.is_empty()
    }
}

pub(super) fn shards() -> Vec<Shard> {
    vec![Shard::default(); SHARDS]
}

impl World {
    /// Takes what the last step wrote from the tables' stream.
    pub(super) fn after_tables(&mut self) {
        for record in self.database.take_stream() {
            if self.setup.stream {
                self.streamed(&record);
            }
        }
    }

    fn streamed(&mut self, record: &StreamRecord) {
        let key = record.keys["destination_id"]["S"].as_str().unwrap_or("");
        let shard = (chance::mix(chance::of_text(key)) % SHARDS as u64) as usize;
        let mut item = Item {
            event: record.event(),
            sequence: record.sequence_number,
            at: self.now,
            shard,
            not_before: self.now,
        };
        let (_, fault) = self.decide_edge(Edge::StreamRecord);
        match fault {
            Some(Fault::Lost) => {
                self.trace
                    .note(self.now, What::GaveUp(record.sequence_number));
                return;
            }
            Some(Fault::Delayed(seconds)) => item.not_before += u64::from(seconds) * 1000,
            Some(Fault::Doubled) => {
                self.later(self.now + 2000, Happening::Again(Box::new(item.clone())));
            }
            Some(Fault::DoubledLate) => {
                self.later(
                    self.now + 3_600_000,
                    Happening::Again(Box::new(item.clone())),
                );
            }
            Some(Fault::Poisoned) => self.shards[shard].waiting.push_back(poison(&item)),
            _ => {}
        }
        self.shards[shard].waiting.push_back(item);
        self.expect_poll(shard, 0);
    }

    /// A record is delivered once more.
    pub(super) fn again(&mut self, item: Item) {
        let shard = item.shard;
        self.shards[shard].waiting.push_back(Item {
            at: self.now,
            not_before: self.now,
            ..item
        });
        self.expect_poll(shard, 0);
    }

    fn expect_poll(&mut self, number: usize, wait: u64) {
        let shard = &mut self.shards[number];
        if shard.polled || shard.running || shard.is_empty() {
            return;
        }
        shard.polled = true;
        shard.polls += 1;
        let which = number as u64;
        let lag = self.chance.way(For::Stream, which, shard.polls, POLL_MS);
        let first = shard.waiting.front().map_or(0, |item| item.not_before);
        let held = if shard.pieces.is_empty() { first } else { 0 };
        let at = (self.now + lag.max(wait)).max(held);
        self.later(at, Happening::Stream(number));
    }

    /// The mapping takes records and invokes the function.
    pub(super) fn poll_stream(&mut self, number: usize) {
        let mapping = self.house.mapping;
        let now = self.now;
        let shard = &mut self.shards[number];
        shard.polled = false;
        if shard.pieces.is_empty() {
            let ready = shard.waiting.iter().take(mapping.batch);
            let count = ready.take_while(|item| item.not_before <= now).count();
            let items: Vec<Item> = shard.waiting.drain(..count).collect();
            if !items.is_empty() {
                shard.pieces.push_back(Piece { items, tries: 0 });
            }
        }
        self.give_up(number);
        let Some(piece) = self.shards[number].pieces.front() else {
            self.expect_poll(number, 0);
            return;
        };
        let records: Vec<Value> = piece.items.iter().map(|item| item.event.clone()).collect();
        let sequences: Vec<u64> = piece.items.iter().map(|item| item.sequence).collect();
        for sequence in sequences {
            self.trace.note(now, What::Record(sequence));
        }
        let payload = json!({ "Records": records });
        if self.setup.keep_sinks {
            self.sink(Sink::Stream, payload.to_string());
        }
        let of_the_flow =
            |event: &&Value| event["dynamodb"]["Keys"]["destination_id"]["S"] == "flow";
        let edits: Vec<Value> = records.iter().filter(of_the_flow).cloned().collect();
        if !edits.is_empty() {
            self.edited_flow(json!({ "Records": edits }));
        }
        self.shards[number].running = true;
        self.invoke("dispatch", payload, Caller::Stream(number), None);
    }

    /// Gives up what was tried too often or is too old: it goes to the dead letters, by number and
    /// without its content, and the shard moves on.
    fn give_up(&mut self, number: usize) {
        let mapping = self.house.mapping;
        let now = self.now;
        let mut given_up = Vec::new();
        let pieces = &mut self.shards[number].pieces;
        while let Some(piece) = pieces.front_mut() {
            let too_often = piece.tries > mapping.retries;
            let old = |item: &Item| now.saturating_sub(item.at) > mapping.age_ms;
            given_up.extend(
                piece
                    .items
                    .iter()
                    .filter(|item| too_often || old(item))
                    .map(|item| item.sequence),
            );
            piece.items.retain(|item| !too_often && !old(item));
            if !piece.items.is_empty() {
                break;
            }
            pieces.pop_front();
        }
        for sequence in given_up {
            self.trace.note(now, What::GaveUp(sequence));
        }
    }

    /// The function has answered for the first piece.
    pub(super) fn batch_done(&mut self, number: usize, outcome: &Result<Value, Failure>) {
        let mapping = self.house.mapping;
        let shard = &mut self.shards[number];
        shard.running = false;
        let Some(mut piece) = shard.pieces.pop_front() else {
            return;
        };
        let tries = piece.tries;
        match outcome {
            Ok(answer) => {
                let failed = if mapping.reports {
                    first_failure(answer, &piece.items)
                } else {
                    None
                };
                if let Some(from) = failed {
                    let rest = piece.items.split_off(from);
                    shard.pieces.push_front(Piece {
                        items: rest,
                        tries: tries + 1,
                    });
                }
            }
            // Cutting a batch in two does not count as a try.
            Err(_) if mapping.bisects && piece.items.len() > 1 => {
                let rest = piece.items.split_off(piece.items.len() / 2);
                shard.pieces.push_front(Piece { items: rest, tries });
                shard.pieces.push_front(piece);
            }
            Err(_) => {
                piece.tries += 1;
                shard.pieces.push_front(piece);
            }
        }
        let again = self.shards[number].pieces.front();
        let wait = match again {
            Some(piece) if piece.tries > 0 => {
                (RETRY_MS.0 << piece.tries.min(6)).clamp(RETRY_MS.0, RETRY_MS.1)
            }
            _ => 0,
        };
        self.expect_poll(number, wait);
    }
}

/// Where a batch is to go on: the first record named as failed. An answer that names what is not in
/// the batch, or cannot be read, fails the whole of it.
fn first_failure(answer: &Value, items: &[Item]) -> Option<usize> {
    let failures = match &answer["batchItemFailures"] {
        Value::Null => return None,
        Value::Array(failures) => failures,
        _ => return Some(0),
    };
    let places = failures.iter().map(|failure| {
        let named = failure["itemIdentifier"].as_str().unwrap_or("");
        items
            .iter()
            .position(|item| item.event["dynamodb"]["SequenceNumber"] == named)
            .unwrap_or(0)
    });
    places.min()
}

/// A record that no program can make sense of, such as a newer version of the format might bring.
fn poison(item: &Item) -> Item {
    let mut event = item.event.clone();
    event["eventID"] = json!("ffffffffffffffffffffffffffffffff");
    event["dynamodb"]["NewImage"] = json!({"destination_id": {"Q": 7}});
    Item {
        event,
        ..item.clone()
    }
}
