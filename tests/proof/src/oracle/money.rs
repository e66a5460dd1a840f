//! Money: nothing is kept that nobody wants, nothing is torn down that somebody keeps, the flow is up
//! exactly while it is needed. Times are those of the cloud's book.

use std::collections::BTreeMap;

use simulator::core::book::{Thing as Kind, Told};

use super::mirror::up;
use super::sight::House;
use super::watch::{Destination, Oracles};
use super::wish::Desired;
use crate::World;

/// How long a record stream, an event or a start of an execution may take in a run without faults
/// before somebody is at work.
const WAKE_LAG_MS: u64 = 15_000;

/// What is counted over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls to the media services.
    pub calls: u64,
    /// Of these, throttled.
    pub throttled: u64,
    /// Milliseconds in which something billable existed that no record wanted, beyond its grace, and
    /// that nobody was at work on.
    pub orphan_ms: u64,
    /// Milliseconds of the same while it was shown as stuck, waiting to be tried again.
    pub stuck_ms: u64,
    /// Milliseconds in which a valid record asked for streaming and its channel was not on the air.
    pub down_ms: u64,
    /// Milliseconds of these in which its channel was starting.
    pub starting_ms: u64,
    /// Milliseconds in which a channel was on the air as its record asked.
    pub on_air_ms: u64,
    last: u64,
}

impl Oracles {
    /// At rest every run of a channel that is over has its session, whatever went wrong meanwhile.
    pub fn runs_are_sessions(&mut self, world: &World) {
        let mut sessions: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, item) in world.database().items(world.sessions_table()) {
            let text = |name: &str, kind: &str| item[name][kind].as_str().unwrap_or_default();
            if text("billed_minutes", "N") != "0" && !text("started_at", "S").starts_with("month#")
            {
                *sessions.entry(text("destination_id", "S")).or_default() += 1;
            }
        }
        let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
        for thing in self
            .things
            .values()
            .filter(|thing| thing.kind == Kind::Channel)
        {
            let Some(id) = thing.destination.as_deref() else {
                continue;
            };
            let begun = thing
                .states
                .iter()
                .filter(|(_, state)| *state == "STARTING");
            *runs.entry(id).or_default() += begun.count() - usize::from(up(thing.state()));
        }
        let broken: Vec<(String, String)> = runs
            .into_iter()
            .filter(|(id, _)| {
                let known = self.destinations.get(*id);
                known.is_some_and(|known| known.by_hand.is_empty() && known.row.is_some())
            })
            .filter_map(|(id, runs)| {
                let written = sessions.get(id).copied().unwrap_or_default();
                let sentence =
                    format!("its channel has run {runs} times, and {written} sessions are written");
                (written < runs).then(|| (id.to_owned(), sentence))
            })
            .collect();
        let now = World::now(world);
        for (id, sentence) in broken {
            self.broken("sessions", now, Some(&id), sentence);
        }
    }

    /// Counts the time since the last look, in which nothing changed.
    pub(super) fn tally_time(&mut self, house: &dyn House) {
        let now = house.now();
        let last = std::mem::replace(&mut self.tally.last, now);
        if last == 0 || now <= last {
            return;
        }
        // In a storm of a thousand a second's exactness is enough.
        if self.destinations.len() > 50 && now - last < 1000 {
            self.tally.last = last;
            return;
        }
        let (mut down, mut starting, mut on_air, mut orphan, mut stuck) = (0, 0, 0, 0, 0);
        for (id, known) in &self.destinations {
            let living = self.living.get(id).is_some_and(|living| !living.is_empty());
            let streams = known.streams_at(now);
            if !streams && !living {
                continue;
            }
            let channel = self.living_of(id, Kind::Channel).next();
            let state = channel.map_or("absent", |(_, thing)| thing.state());
            match (streams, state) {
                (true, "RUNNING" | "RECOVERING") => on_air += now - last,
                (true, "STARTING") => {
                    down += now - last;
                    starting += now - last;
                }
                (true, _) => down += now - last,
                _ => {}
            }
            if living && known.executions.is_empty() {
                let from = unwanted_from(known, now, self.rules.grace).map(|from| from.max(last));
                let time = from.map_or(0, |from| now.saturating_sub(from));
                match known.row.as_ref().is_some_and(|row| row.stuck.is_some()) {
                    true => stuck += time,
                    false => orphan += time,
                }
            }
        }
        self.tally.down_ms += down;
        self.tally.starting_ms += starting;
        self.tally.on_air_ms += on_air;
        self.tally.orphan_ms += orphan;
        self.tally.stuck_ms += stuck;
    }

    /// Remembers what the next stretch of time begins with.
    pub(super) fn note_time(&mut self, house: &dyn House) {
        let mut living = self.living.values().flatten();
        let needed = living.any(|id| {
            self.things.get(id).is_some_and(|thing| {
                thing.kind == Kind::Channel && super::mirror::up(thing.state())
            })
        });
        if needed {
            self.flow_needed_at = house.now();
        }
    }

    /// Orphan-minutes: without faults nothing unwanted is ever left unattended for longer than a
    /// wake-up takes; with faults for no longer than the next pass of the sweep, one more for each fault that may have taken a pass or a wake-up away.
    /// An execution that a person stops is such a fault.
    /// What is stuck waits for its next try; only where something has `refused` it may that take
    /// longer, and then the record says so.
    /// One fault that throttles `again` more calls may take as many passes.
    pub fn little_is_orphaned(&mut self, house: &dyn House, refused: bool, again: u64) {
        self.tally_time(house);
        let faults = self.fired.len() as u64 + self.aborts + again;
        let most = if faults == 0 && self.rules.hints {
            WAKE_LAG_MS
        } else {
            WAKE_LAG_MS + self.rules.sweep * (1 + faults)
        };
        let most = most * self.destinations.len().max(1) as u64;
        let stuck = if refused { 0 } else { self.tally.stuck_ms };
        let found = self.tally.orphan_ms + stuck;
        if found > most {
            let sentence = format!(
                "what nobody wanted was left unattended for {} s ({} of them stuck), and {} s are the bound",
                found / 1000,
                stuck / 1000,
                most / 1000
            );
            self.broken("orphan-minutes", house.now(), None, sentence);
        }
    }

    /// Nothing is torn down that its record keeps: no DeleteChannel while the wish that the ledger has seen is to stream or to be kept warm, or before the grace after a stop
    /// is over, unless AWS could not build it, or another destination waits for the room.
    pub(super) fn money_is_kept(&mut self, house: &dyn House, told: &Told) {
        let (at, id) = (told.at, told.resource.as_deref().unwrap_or_default());
        if told.operation == "StopFlow" {
            self.flow_is_kept(at);
        }
        // What is left when its channel is gone goes with it: the channel decides.
        if told.operation != "DeleteChannel" {
            return;
        }
        let Some(thing) = self.things.get(id) else {
            return;
        };
        let Some(whose) = thing.destination.clone() else {
            return;
        };
        let Some(known) = self.destinations.get(&whose) else {
            return;
        };
        let (Some(wish), Some(row)) = (&known.wish, &known.row) else {
            return;
        };
        let run = self.runs.values().find(|run| {
            run.destination.as_ref() == Some(&whose) && Some(run.worker) == told.caller.as_deref()
        });
        let execution = run.and_then(|run| self.executions.get(run.execution? as usize));
        // What has its effect after its caller gave up was judged by the wish of then.
        let Some(planned_at) = execution.map(|execution| execution.planned_at) else {
            return;
        };
        let before = thing
            .states
            .iter()
            .rev()
            .nth(1)
            .map_or("", |(_, state)| *state);
        // What AWS could not build is unmade as a whole.
        let failed = before.ends_with("FAILED")
            || self.things.values().any(|thing| {
                thing.destination.as_ref() == Some(&whose)
                    && thing
                        .states
                        .iter()
                        .any(|(_, state)| state.ends_with("FAILED"))
            });
        let others_wait = self.destinations.iter().any(|(other, row)| {
            *other != whose && row.row.as_ref().is_some_and(|row| row.waits_for_quota)
        });
        // Without a key there is nothing to stream with: like any refusal, it unmakes what never settled.
        let keyless = wish.configuration.as_ref().is_ok_and(|wish| {
            let key = house.key(&wish.parameter);
            key.is_none_or(|key| !key.secure)
        }) || known.key_denied_at >= planned_at;
        let (desired, since) = known.wanted_at(at + self.rules.clock_off + 1000);
        // An edit that nobody could know of: of one that was knocked for, S6 tells.
        let excused = known.wished_at > planned_at
            || failed
            || known.capped.is_some()
            || keyless
            || row.waits_for_quota
            || row.refused.is_some()
            || wish.configuration.is_err()
            || !known.by_hand.is_empty()
            || row.desired.as_deref() == Some("removed");
        if excused {
            return;
        }
        let kept_since = known.kept_since.max(since);
        let sentence = match desired {
            Some(Desired::Streaming) if row.desired.as_deref() == Some("streaming") => {
                "its record asks for streaming".to_owned()
            }
            Some(Desired::Ready) if wish.keep_warm => "its record says keep_warm".to_owned(),
            Some(Desired::Ready)
                if !others_wait
                    && at + 1000 + self.rules.clock_off < kept_since + self.rules.grace =>
            {
                format!(
                    "its record was stopped {} s ago and the grace is {} s",
                    at.saturating_sub(kept_since) / 1000,
                    self.rules.grace / 1000
                )
            }
            _ => return,
        };
        // A thing of a channel that was never on the air has no grace to keep: a wish that came and
        // went before it was made leaves nothing to come back to.
        if sentence.contains("stopped") && !self.was_built(&whose) {
            return;
        }
        let sentence = format!("{} was accepted for {id} and {sentence}", told.operation);
        self.broken("needless teardown", at, Some(&whose), sentence);
    }

    fn was_built(&self, id: &str) -> bool {
        self.things.values().any(|thing| {
            thing.kind == Kind::Channel
                && thing.destination.as_deref() == Some(id)
                && thing.states.iter().any(|(_, state)| *state == "IDLE")
        })
    }

    /// The flow is not stopped under a channel that is up, nor before its grace is over.
    fn flow_is_kept(&mut self, at: u64) {
        let up = self.things.iter().find(|(_, thing)| {
            thing.kind == Kind::Channel
                && thing.destination.is_some()
                && matches!(thing.state(), "STARTING" | "RUNNING" | "RECOVERING")
        });
        if let Some((id, thing)) = up {
            let whose = thing.destination.clone();
            let sentence = format!(
                "StopFlow was accepted while channel {id} was {}",
                thing.state()
            );
            self.broken("needless teardown", at, whose.as_deref(), sentence);
        }
        let since = self.flow_up_since().max(self.flow_needed_at);
        if at + 1000 < since + self.rules.flow_grace && self.rules.calm {
            let sentence = format!(
                "StopFlow was accepted {} s after the flow was last needed and the grace is {} s",
                at.saturating_sub(since) / 1000,
                self.rules.flow_grace / 1000
            );
            self.broken("needless teardown", at, None, sentence);
        }
    }

    /// When the flow last came up; being UPDATING does not interrupt it.
    fn flow_up_since(&self) -> u64 {
        let flow = self.things.get(&self.rules.flow);
        let mut states = flow
            .into_iter()
            .flat_map(|flow| flow.states.windows(2).rev());
        let came = states.find(|rows| rows[0].1 == "STARTING" && rows[1].1 == "ACTIVE");
        came.map_or(0, |rows| rows[1].0)
    }
}

/// Since when nothing of a destination is wanted; absent while something is.
fn unwanted_from(known: &Destination, now: u64, grace: u64) -> Option<u64> {
    let (desired, wanted_since) = known.wanted_at(now);
    let since = known.kept_since.max(wanted_since);
    if let Some((due, _)) = known.capped {
        // Until the pass after it.
        return Some(due.max(since) + 60_000);
    }
    match &known.wish {
        None => Some(since),
        Some(wish) => match desired? {
            Desired::Removed => Some(since),
            // Until the pass after its time has come.
            Desired::Ready if !wish.keep_warm => {
                let until = known.row.as_ref().and_then(|row| row.grace_until);
                Some(until.unwrap_or(since + grace).max(since + grace) + 60_000)
            }
            _ => None,
        },
    }
}
