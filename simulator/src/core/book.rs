//! The account's own book, for whoever has to judge a client: what exists and existed, in which
//! states, what it was told and what is billed. Typed and borrowed, so that looking costs nothing;
//! a version says whether anything changed since the last look. A stream name is never shown, only
//! a fingerprint of it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Core, billing};

pub use super::book_rows::{ChannelRow, FlowRow, InputRow, OutputRow};

/// Rows that a journal keeps; whoever looks after every step misses none.
const KEPT: usize = 100_000;

/// The kinds of things in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A MediaLive channel.
    Channel,
    /// A MediaLive input.
    Input,
    /// A MediaConnect flow.
    Flow,
    /// An output of a flow.
    Output,
}

/// A thing has entered a state, or its settings have changed within it.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Milliseconds since 1970.
    pub at: u64,
    /// What kind of thing.
    pub thing: Thing,
    /// Id of a channel or input, ARN of a flow or output.
    pub id: String,
    /// The state in AWS's word; of an output ENABLED, DISABLED or REMOVED.
    pub state: &'static str,
}

/// One call as the account saw it: never a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Milliseconds since 1970.
    pub at: u64,
    /// `medialive` or `mediaconnect`.
    pub service: &'static str,
    /// `CreateChannel`.
    pub operation: String,
    /// Whether the operation changes something, as opposed to Describe and List.
    pub writes: bool,
    /// HTTP status of the answer, whether or not it arrived.
    pub status: u16,
    /// The error's name.
    pub error: Option<String>,
    /// Id or ARN of what it was about; of a create what it made.
    pub resource: Option<String>,
    /// The name of what it was about, or that a create asked for.
    pub name: Option<String>,
    /// The request id that a create was sent with.
    pub request_id: Option<String>,
    /// Who signed it.
    pub caller: Option<String>,
}

impl Told {
    /// Whether the account did what it was told.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.status < 300
    }
}

/// The last rows of something that only grows, each with a number of its own.
pub(super) struct Journal<T> {
    rows: VecDeque<T>,
    dropped: u64,
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self {
            rows: VecDeque::new(),
            dropped: 0,
        }
    }
}

impl<T> Journal<T> {
    fn push(&mut self, row: T) {
        if self.rows.len() == KEPT {
            self.rows.pop_front();
            self.dropped += 1;
        }
        self.rows.push_back(row);
    }

    fn end(&self) -> u64 {
        self.dropped + self.rows.len() as u64
    }

    fn since(&self, cursor: u64) -> impl Iterator<Item = &T> {
        let skip = cursor.saturating_sub(self.dropped);
        self.rows.range(
            usize::try_from(skip).map_or(self.rows.len(), |skip| skip.min(self.rows.len()))..,
        )
    }
}

/// What the core writes down for the book.
#[derive(Default)]
pub(super) struct Notes {
    version: u64,
    passages: Journal<Passage>,
    told: Journal<Told>,
}

impl Notes {
    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Something changed that has no state.
    pub fn bump(&mut self) {
        self.version += 1;
    }

    pub fn passage(&mut self, at: u64, thing: Thing, id: &str, state: &'static str) {
        self.version += 1;
        let id = id.to_owned();
        self.passages.push(Passage {
            at,
            thing,
            id,
            state,
        });
    }

    pub fn told(&mut self, told: Told) {
        if told.writes && told.accepted() {
            self.version += 1;
        }
        self.told.push(told);
    }
}

/// A fingerprint that tells one text from another and shows nothing of it.
#[must_use]
pub fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The book, open.
#[derive(Clone, Copy)]
pub struct Book<'a> {
    core: &'a Core,
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq)]
pub struct BillRow<'a> {
    /// The resource it is for.
    pub resource: &'a str,
    /// The resource's name.
    pub name: &'a str,
    /// `channel_input`, `channel_output`, `idle_channel`, `idle_input`, `flow` or `egress`.
    pub kind: &'static str,
    /// The tags it had.
    pub tags: &'a BTreeMap<String, String>,
    /// From when, milliseconds since 1970.
    pub from: u64,
    /// Until when; absent while it goes on.
    pub to: Option<u64>,
}

impl Core {
    /// Opens the book.
    #[must_use]
    pub fn book(&self) -> Book<'_> {
        Book { core: self }
    }
}

impl<'a> Book<'a> {
    /// Rises with every change of anything in the account.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.core.notes.version
    }

    /// The account's clock, milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.core.now
    }

    /// Every channel that ever was, the deleted ones too.
    pub fn channels(&self) -> impl Iterator<Item = ChannelRow<'a>> + use<'a> {
        self.core
            .channels
            .values()
            .map(|channel| ChannelRow { channel })
    }

    /// A channel by id.
    #[must_use]
    pub fn channel(&self, id: &str) -> Option<ChannelRow<'a>> {
        let channel = self.core.channels.get(id)?;
        Some(ChannelRow { channel })
    }

    /// Every input that ever was, the deleted ones too.
    pub fn inputs(&self) -> impl Iterator<Item = InputRow<'a>> + use<'a> {
        self.core.inputs.values().map(|input| InputRow { input })
    }

    /// An input by id.
    #[must_use]
    pub fn input(&self, id: &str) -> Option<InputRow<'a>> {
        let input = self.core.inputs.get(id)?;
        Some(InputRow { input })
    }

    /// Every flow that exists.
    pub fn flows(&self) -> impl Iterator<Item = FlowRow<'a>> + use<'a> {
        self.core.flows.values().map(|flow| FlowRow { flow })
    }

    /// A flow by ARN.
    #[must_use]
    pub fn flow(&self, arn: &str) -> Option<FlowRow<'a>> {
        let flow = self.core.flows.get(arn)?;
        Some(FlowRow { flow })
    }

    /// The cursor behind the last passage.
    #[must_use]
    pub fn passages_end(&self) -> u64 {
        self.core.notes.passages.end()
    }

    /// Every state that was entered since a cursor, in order.
    pub fn passages(&self, since: u64) -> impl Iterator<Item = &'a Passage> + use<'a> {
        self.core.notes.passages.since(since)
    }

    /// The cursor behind the last call.
    #[must_use]
    pub fn told_end(&self) -> u64 {
        self.core.notes.told.end()
    }

    /// Every call since a cursor, in order, reads and refusals too.
    pub fn told(&self, since: u64) -> impl Iterator<Item = &'a Told> + use<'a> {
        self.core.notes.told.since(since)
    }

    /// Every period that is billed by time, closed or still open.
    pub fn bill(&self) -> impl Iterator<Item = BillRow<'a>> + use<'a> {
        self.core.meter.periods()
    }

    /// The quotas of channels, push inputs and outputs of a flow.
    #[must_use]
    pub fn quotas(&self) -> (usize, usize, usize) {
        let quotas = &self.core.quotas;
        (quotas.channels, quotas.push_inputs, quotas.flow_outputs)
    }
}

impl<'a> BillRow<'a> {
    pub(super) fn new(line: &'a billing::Line) -> Self {
        let (resource, name, kind, tags, from, to) = line.period();
        Self {
            resource,
            name,
            kind,
            tags,
            from,
            to,
        }
    }

    /// Whole minutes that are billed up to now, rounded up, a run at least ten.
    #[must_use]
    pub fn minutes(&self, now: u64) -> u64 {
        billing::minutes(self.kind, self.to.unwrap_or(now).saturating_sub(self.from))
    }
}
