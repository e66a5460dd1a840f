//! What will happen, in order of time; within a millisecond the seed decides.

use super::World;
use crate::{Fault, chance::For};
use std::cmp::{Ordering, Reverse};

/// Something that will happen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Happening {
    /// An invocation begins to run.
    Begin(u32),
    /// An invocation has run too long.
    FunctionTimeout(u32),
    /// A call takes effect.
    Effect(u32),
    /// A call is answered.
    Answer(u32),
    /// The SDK gives a call up.
    CallTimeout(u32, u64),
    /// A transition of an execution may be due.
    Advance(u32),
    /// Somebody strikes at an execution.
    Strike(u32, Fault),
    /// Somebody redrives an execution.
    Redrive(u32),
    /// A token is answered late, or once more.
    LateToken(String, String),
    /// The media services do something by themselves.
    Media,
    /// An event reaches its function.
    Event(Box<super::events::Delivery>),
    /// The schedule ticks.
    Tick(u32),
    /// A late or second tick.
    ExtraTick,
    /// The mapping asks a shard for records.
    Stream(usize),
    /// A record of the stream once more.
    Again(Box<super::stream::Item>),
    /// An act of the operator.
    Act(usize),
}

/// A place in the queue.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    at: u64,
    tie: u64,
    what: Happening,
}

impl Entry {
    fn order(&self) -> Reverse<(u64, u64)> {
        Reverse((self.at, self.tie))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl World {
    /// Puts something into the queue.
    pub(super) fn later(&mut self, at: u64, what: Happening) {
        self.queued += 1;
        let tie = self.chance.draw(For::Tie, self.queued, 0);
        self.queue.push(Entry { at, tie, what });
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        self.queue.peek().map(|entry| entry.at)
    }

    /// Lets the next thing happen. False: nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let Some(entry) = self.queue.pop() else {
            return false;
        };
        self.now = self.now.max(entry.at);
        match entry.what {
            Happening::Begin(invocation) => self.begin(invocation),
            Happening::FunctionTimeout(invocation) => {
                self.die(invocation, "Sandbox.Timedout");
            }
            Happening::Effect(call) => self.effect(call),
            Happening::Answer(call) => self.answer(call),
            Happening::CallTimeout(call, wire) => self.call_timeout(call, wire),
            Happening::Advance(execution) => self.advance(execution, entry.at),
            Happening::Strike(execution, fault) => self.strike(execution, fault),
            Happening::Redrive(execution) => self.redrive(execution),
            Happening::LateToken(token, output) => self.late_token(&token, &output),
            Happening::Media => self.media(),
            Happening::Event(delivery) => self.hand_over(*delivery),
            Happening::Tick(nth) => self.tick(nth),
            Happening::ExtraTick => self.extra_tick(),
            Happening::Stream(shard) => self.poll_stream(shard),
            Happening::Again(item) => self.again(*item),
            Happening::Act(index) => self.act(index),
        }
        self.after_media();
        self.after_tables();
        self.cue();
        true
    }

    /// Nothing runs and nothing is under way; what waits for a later time does not count, nor does a
    /// media service that is about to finish something by itself.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.live.is_empty()
            && self.under_way == 0
            && self.shards.iter().all(super::stream::Shard::is_empty)
            && self.running == 0
    }
}
