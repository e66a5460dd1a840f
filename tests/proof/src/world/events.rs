//! What the media services do by themselves, their events on the way to `resume`, and the schedule.

use super::{BEGIN, World, invoke::Caller, queue::Happening};
use crate::{Edge, Fault, Sink, What, chance::For};
use serde_json::{Value, json};
use simulator::core::Happening as MediaHappening;

/// EventBridge takes this long, milliseconds: half a second is its own figure for most events.
const EVENT_MS: (u64, u64) = (100, 400);
/// A tick takes this long to reach its function, milliseconds.
const TICK_MS: (u64, u64) = (50, 1000);
/// What comes later than this is nothing that is under way, milliseconds.
const SOON_MS: u64 = 60_000;
/// Lambda tries an asynchronous event again after one minute, then after two.
const AGAIN_MS: u64 = 60_000;

/// An event on its way to a worker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delivery {
    worker: &'static str,
    event: Value,
    since: u64,
    tries: u32,
    nth: u32,
    /// Whether it counts among what is under way.
    counted: bool,
}

impl World {
    /// Something happens at the media services by itself.
    pub(super) fn media(&mut self) {
        self.media_due = None;
        for MediaHappening::Event(event) in self.core.advance(self.now) {
            if self.setup.events {
                self.told(event);
            }
        }
    }

    /// After every step: what the account's book has gained, and when it moves by itself.
    pub(super) fn after_media(&mut self) {
        let book = self.core.book();
        let end = book.passages_end();
        if end != self.passages_seen {
            let from = self.passages.len();
            self.passages
                .extend(book.passages(self.passages_seen).cloned());
            self.passages_seen = end;
            for index in from..self.passages.len() {
                self.trace
                    .note(self.passages[index].at, What::Passed(index as u32));
                self.cue_passage(index);
            }
        }
        if let Some(due) = self.core.next_due() {
            let due = due.max(self.now);
            if self.media_due.is_none_or(|known| due < known) {
                self.media_due = Some(due);
                self.later(due, Happening::Media);
            }
        }
    }

    /// The second reader of the operator's table lets only the flow's record through. Its retries are
    /// an event's here; what it misses is the sweep's anyway.
    pub(super) fn edited_flow(&mut self, batch: Value) {
        self.told_to("update-flow", batch);
    }

    /// An alert of a channel that somebody else has in the account.
    pub(super) fn foreign_alert(&mut self, kind: &str) {
        self.told(json!({
            "version": "0",
            "id": "00000000-beef-4000-8000-000000000000",
            "detail-type": "MediaLive Channel Alert",
            "source": "aws.medialive",
            "account": crate::connector::ACCOUNT,
            "time": super::states::timestamp(self.now / 1000 * 1000).to_string(),
            "region": crate::connector::REGION,
            "resources": [FOREIGN_CHANNEL],
            "detail": {
                "alarm_state": "SET", "alarm_id": "1", "alert_type": kind, "pipeline": "0",
                "channel_arn": FOREIGN_CHANNEL, "message": kind,
            },
        }));
    }

    fn told(&mut self, event: Value) {
        for worker in self.house.woken_by(&event) {
            self.told_to(worker, event.clone());
        }
    }

    fn told_to(&mut self, worker: &'static str, event: Value) {
        let (nth, fault) = self.decide_edge(Edge::MediaEvent);
        let lag = self.chance.way(For::Event, u64::from(nth), 0, EVENT_MS);
        let mut at = self.now + lag;
        let delivery = Delivery {
            worker,
            event,
            since: self.now,
            tries: 0,
            nth,
            counted: false,
        };
        match fault {
            Some(Fault::Lost) => return,
            Some(Fault::Delayed(seconds)) => at += u64::from(seconds) * 1000,
            // Events of one channel follow each other within seconds.
            Some(Fault::Reordered) => at += 5000,
            Some(Fault::Doubled) => self.on_its_way(at + 50, delivery.clone()),
            Some(Fault::DoubledLate) => self.on_its_way(at + 3_600_000, delivery.clone()),
            Some(Fault::Forged) => self.on_its_way(at, forged(&delivery)),
            Some(Fault::Poisoned) => self.on_its_way(at, broken(&delivery)),
            _ => {}
        }
        self.on_its_way(at, delivery);
    }

    fn on_its_way(&mut self, at: u64, mut delivery: Delivery) {
        delivery.counted = at < self.now + SOON_MS;
        if delivery.counted {
            self.under_way += 1;
        } else {
            // Its age is counted from when EventBridge has it again.
            delivery.since = at;
        }
        self.later(at, Happening::Event(Box::new(delivery)));
    }

    /// An event reaches its function.
    pub(super) fn hand_over(&mut self, delivery: Delivery) {
        if delivery.counted {
            self.under_way -= 1;
        }
        self.trace.note(self.now, What::Delivered(delivery.nth));
        if self.setup.keep_sinks {
            self.sink(Sink::Event, delivery.event.to_string());
        }
        let (worker, event) = (delivery.worker, delivery.event.clone());
        self.invoke(worker, event, Caller::Event(Box::new(delivery)), None);
    }

    /// The worker has answered, or not.
    pub(super) fn event_done(&mut self, delivery: Delivery, well: bool) {
        let rules = self.house.resume;
        let again = AGAIN_MS << delivery.tries;
        let age = (self.now + again).saturating_sub(delivery.since);
        if well || delivery.tries >= rules.retries || age > rules.age_ms {
            return;
        }
        let next = Delivery {
            tries: delivery.tries + 1,
            counted: false,
            ..delivery
        };
        self.later(self.now + again, Happening::Event(Box::new(next)));
    }

    /// The schedule's first tick, at a moment of its own within the minute.
    pub(super) fn begin_ticks(&mut self) {
        if self.setup.ticks {
            let phase = self
                .chance
                .between(For::Tick, 0, 0, 0, self.house.every_ms - 1);
            self.later(BEGIN + phase, Happening::Tick(0));
        }
    }

    /// The schedule ticks.
    pub(super) fn tick(&mut self, nth: u32) {
        self.later(self.now + self.house.every_ms, Happening::Tick(nth + 1));
        // Once an hour is often enough for what goes after three months.
        if nth % 60 == 59 {
            self.database.expire(self.now);
        }
        let (nth, fault) = self.decide_edge(Edge::Tick);
        let (low, high) = TICK_MS;
        let lag = self.chance.between(For::Tick, u64::from(nth), 1, low, high);
        let at = self.now + lag;
        match fault {
            Some(Fault::Lost) => return,
            Some(Fault::Delayed(seconds)) => {
                self.later(at + u64::from(seconds) * 1000, Happening::ExtraTick);
                return;
            }
            Some(Fault::Doubled) => self.later(at + 50, Happening::ExtraTick),
            _ => {}
        }
        self.later(at, Happening::ExtraTick);
    }

    /// A tick reaches the sweep.
    pub(super) fn extra_tick(&mut self) {
        let nth = self.invocations.len();
        self.trace.note(self.now, What::Ticked(nth as u32));
        let event = json!({
            "version": "0",
            "id": format!("0f1e2d3c-4b5a-6978-8796-{nth:012x}"),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": crate::connector::ACCOUNT,
            "time": super::states::timestamp(self.now / 1000 * 1000).to_string(),
            "region": crate::connector::REGION,
            "resources": ["arn:aws:events:us-west-2:123456789012:rule/lunora-lunora-sweep"],
            "detail": {},
        });
        self.invoke("sweep", event, Caller::Tick, None);
    }
}

/// A channel that is not ours.
const FOREIGN_CHANNEL: &str = "arn:aws:medialive:us-west-2:123456789012:channel:9999999";
/// A flow that is not ours.
const FOREIGN_FLOW: &str = "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-foreign-1:theirs";

/// The same event of a channel, or of a flow with its source, that is not ours.
fn forged(delivery: &Delivery) -> Delivery {
    let mut forged = delivery.clone();
    if forged.event["detail"].get("channel_arn").is_some() {
        forged.event["detail"]["channel_arn"] = json!(FOREIGN_CHANNEL);
    }
    if forged.event["source"] != "aws.mediaconnect" {
        forged.event["resources"] = json!([FOREIGN_CHANNEL]);
    } else {
        // Their source is called as ours is, and says the contrary.
        let ours = delivery.event["resources"].as_array().into_iter().flatten();
        let mut names = ours.filter_map(|arn| arn.as_str()?.rsplit_once(":source:"));
        let name = names.find_map(|(_, rest)| rest.rsplit(':').next());
        let source = FOREIGN_FLOW.replace(":flow:", ":source:");
        let source = source.replace(":theirs", &format!(":{}", name.unwrap_or("theirs")));
        forged.event["resources"] = json!([FOREIGN_FLOW, source]);
        if let Some(state) = forged.event.pointer_mut("/detail/current/state") {
            *state = match state.as_str() {
                Some("CONNECTED") => json!("DISCONNECTED"),
                _ => json!("CONNECTED"),
            };
        }
    }
    forged.event["id"] = json!("00000000-dead-4000-8000-000000000000");
    forged
}

/// An event that lacks what every event should have.
fn broken(delivery: &Delivery) -> Delivery {
    let mut broken = delivery.clone();
    broken.event["detail"] = json!({"channel_arn": 7, "state": ["RUNNING"]});
    broken
}
