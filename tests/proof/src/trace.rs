//! What happened, compact and typed; text is made only when a story is told.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

thread_local! {
    static NAMES: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// A name that lives as long as the program: states and workers are few and used again and again.
#[must_use]
pub fn intern(name: &str) -> &'static str {
    NAMES.with_borrow_mut(|names| match names.get(name) {
        Some(known) => known,
        None => {
            let lasting: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(lasting);
            lasting
        }
    })
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Milliseconds since 1970.
    pub at: u64,
    /// What.
    pub what: What,
}

/// What happened. The numbers are indexes into the world's lists of acts, calls, invocations,
/// executions and decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The operator did this act of the script.
    Acted(u32),
    /// An execution began.
    Began(u32),
    /// An execution entered a state.
    Entered(u32, &'static str),
    /// An execution ended, in Step Functions' word.
    Ended(u32, &'static str),
    /// A function began to run.
    Invoked(u32),
    /// A function answered.
    Returned(u32),
    /// A function died; the error that its caller sees.
    Died(u32, &'static str),
    /// A call was sent.
    Sent(u32),
    /// A call took effect, or was refused; the status.
    Effect(u32, u16),
    /// A call was answered; 0 for no answer.
    Answered(u32, u16),
    /// A channel, input, flow or output entered a state: index into the world's passages.
    Passed(u32),
    /// A stream record was handed over: its sequence number.
    Record(u64),
    /// A stream record was given up.
    GaveUp(u64),
    /// A media event was handed over.
    Delivered(u32),
    /// The schedule ticked.
    Ticked(u32),
    /// A fault fired: index into the decisions taken.
    Fired(u32),
}

/// Everything that happened, with a running hash.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    events: Vec<Event>,
    hash: u64,
}

impl Trace {
    /// Notes one thing.
    pub fn note(&mut self, at: u64, what: What) {
        let event = Event { at, what };
        let mut hasher = DefaultHasher::new();
        (self.hash, event).hash(&mut hasher);
        self.hash = hasher.finish();
        self.events.push(event);
    }

    /// All events so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// One number for all of it.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}
