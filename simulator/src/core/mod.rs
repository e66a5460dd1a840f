//! The core: MediaLive and MediaConnect without I/O, without a clock and without chance of its own.
//! Time is an argument, randomness is seeded, every collection is ordered: the same calls at the
//! same times give the same answers. `handle` answers a request, `advance` lets time pass and gives
//! back the events that are due, `next_due` says when something will happen by itself.
//!
//! Rules come from AWS's user guides and API models; each is cited where it is held. What AWS does
//! not document is an option (`options`), and an operation that is not modelled is a loud error.

mod alerts;
mod answer;
mod batch;
mod billing;
pub mod book;
mod book_rows;
mod by_hand;
mod channel;
mod channel_api;
mod channel_check;
mod control;
mod defaults;
mod encoder_check;
mod events;
mod failover;
mod faults;
mod flow;
mod flow_api;
mod group;
mod health;
mod input;
mod input_api;
mod loss;
mod metering;
pub mod metrics;
mod model;
mod options;
mod output_api;
mod page;
mod prices;
mod rng;
mod rtmp;
mod signal;
mod source;
mod source_api;
mod tags;
#[cfg(test)]
mod tests;
mod throttle;
mod thumbnails;
mod timers;
mod when;
mod wire;

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

pub use events::Happening;
pub use wire::{Request, Response};

use crate::media::view::{MediaReport, MediaView};
use faults::{Fault, Kind};
use wire::ApiError;

/// Where the simulated account lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For example `us-west-2`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// The same seed gives the same run.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-west-2".into(),
            account: "123456789012".into(),
            seed: 1,
        }
    }
}

/// One call as the control API lists it: never a body.
struct CallNote {
    at: u64,
    service: &'static str,
    operation: String,
    status: u16,
    error: Option<String>,
    resource: Option<String>,
    caller: Option<String>,
}

/// One operation under way.
struct Call<'a> {
    params: &'a BTreeMap<String, String>,
    query: Vec<(String, String)>,
    body: Value,
    /// A fault that the operation itself has to act out.
    fault: Option<Fault>,
}

/// For so long after a change a stale read shows what was before.
const STALE_MS: u64 = 60_000;

impl Call<'_> {
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }

    /// Whether a read shows what was before a change. AWS publishes no bound; who reads has to assume
    /// one, and a minute is far above what is reported.
    fn stale(&self, now: u64, changed: u64) -> bool {
        self.has(Kind::Stale) && now < changed + STALE_MS
    }

    fn has(&self, kind: Kind) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.kind == kind)
    }
}

type Answer = Result<Value, ApiError>;

/// The whole simulated account.
pub struct Core {
    settings: Settings,
    now: u64,
    scale: u64,
    ids: rng::Rng,
    durations: rng::Rng,
    chance: rng::Rng,
    sequence: u64,
    channels: BTreeMap<String, channel::Channel>,
    inputs: BTreeMap<String, input::Input>,
    groups: BTreeMap<String, group::Group>,
    flows: BTreeMap<String, flow::Flow>,
    flows_deleted: Vec<Value>,
    /// Request ids of CreateInput and CreateChannel: the first resource and the body it was made with.
    requests: BTreeMap<(&'static str, String), (String, Value)>,
    timers: BTreeMap<(u64, u64), timers::Timer>,
    outbox: BTreeMap<(u64, u64), Value>,
    throttle: throttle::Throttle,
    options: options::Options,
    quotas: options::Quotas,
    times: options::Times,
    knobs: options::EventKnobs,
    faults: faults::Faults,
    meter: billing::Meter,
    platforms: rtmp::Platforms,
    notes: book::Notes,
    /// The book's version at which nothing was left to settle.
    settled: Option<u64>,
    calls: VecDeque<CallNote>,
    counts: BTreeMap<String, u64>,
    events_made: u64,
}

impl Core {
    /// An empty account.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let seed = settings.seed;
        Self {
            settings,
            now: 0,
            scale: 1,
            ids: rng::Rng::new(seed),
            durations: rng::Rng::new(seed ^ 0x5eed_0001),
            chance: rng::Rng::new(seed ^ 0x5eed_0002),
            sequence: 0,
            channels: BTreeMap::new(),
            inputs: BTreeMap::new(),
            groups: BTreeMap::new(),
            flows: BTreeMap::new(),
            flows_deleted: Vec::new(),
            requests: BTreeMap::new(),
            timers: BTreeMap::new(),
            outbox: BTreeMap::new(),
            throttle: throttle::Throttle::default(),
            options: options::Options::default(),
            quotas: options::Quotas::default(),
            times: options::Times::default(),
            knobs: options::EventKnobs::default(),
            faults: faults::Faults::default(),
            meter: billing::Meter::default(),
            platforms: rtmp::Platforms::default(),
            notes: book::Notes::default(),
            settled: None,
            calls: VecDeque::new(),
            counts: BTreeMap::new(),
            events_made: 0,
        }
    }

    /// How many simulated seconds pass in a real one; only the token buckets need to know.
    pub fn set_scale(&mut self, scale: u64) {
        self.scale = scale.max(1);
    }

    /// Says that a media plane reports what really arrives; without one the core assumes it.
    pub fn expect_reports(&mut self) {
        self.options.media = "reported".into();
    }

    /// Answers one request at a moment that is not before any earlier one.
    pub fn handle(&mut self, now_ms: u64, request: &Request) -> Response {
        self.run_until(now_ms);
        let response = self.answer(request, true);
        self.settle_signal();
        response
    }

    /// Lets time pass; what is due to be told comes back.
    pub fn advance(&mut self, now_ms: u64) -> Vec<Happening> {
        self.run_until(now_ms);
        let mut due = Vec::new();
        while let Some(entry) = self.outbox.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            due.push(Happening::Event(entry.remove()));
        }
        due
    }

    /// The next moment at which something happens by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        let timer = self.timers.keys().next().map(|key| key.0);
        let event = self.outbox.keys().next().map(|key| key.0);
        timer.into_iter().chain(event).min()
    }

    /// What should carry video now.
    #[must_use]
    pub fn media_view(&self) -> MediaView {
        self.view()
    }

    /// What the media plane saw.
    pub fn report(&mut self, now_ms: u64, report: &MediaReport) {
        self.run_until(now_ms);
        self.notes.bump();
        self.take_report(report);
        self.settle_signal();
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Seven digits, as in all of AWS's samples.
    fn numeric_id(&mut self, taken: impl Fn(&Self, &str) -> bool) -> String {
        loop {
            let id = (1_000_000 + self.ids.below(9_000_000)).to_string();
            if !taken(self, &id) {
                return id;
            }
        }
    }

    fn medialive_arn(&self, kind: &str, id: &str) -> String {
        format!(
            "arn:aws:medialive:{}:{}:{kind}:{id}",
            self.settings.region, self.settings.account
        )
    }

    fn duration(&mut self, name: &str) -> u64 {
        self.times.draw(name, &mut self.durations)
    }
}
