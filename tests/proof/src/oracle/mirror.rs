//! S8, truth: what a record shows is what the cloud was when somebody last looked.

use simulator::core::book::Thing as Kind;

use super::rows::Shown;
use super::watch::Oracles;
use super::wish::Desired;

/// An event of AWS may stand for a look while it is this young (decision 9).
const HEARD_MS: u64 = 30_000;

/// A channel that is on the air.
pub(super) fn on_air(state: &str) -> bool {
    matches!(state, "RUNNING" | "RECOVERING")
}

/// A channel that is on the air, on its way there or on its way back.
pub(super) fn up(state: &str) -> bool {
    matches!(state, "STARTING" | "RUNNING" | "RECOVERING" | "STOPPING")
}

impl Oracles {
    /// S8: `streaming_status` is one of its seven words and fits a state the channel was in while
    /// the writer looked, `streaming` only if it was RUNNING or RECOVERING then; the generation shown
    /// never falls; `streaming_started_at` is not before the run that it is about; ids are ours.
    pub(super) fn mirror_is_true(
        &mut self,
        (began, at): (u64, u64),
        id: &str,
        before: &Shown,
        shown: &Shown,
    ) {
        let Some(status) = shown.status.as_deref() else {
            return;
        };
        let mut sentences = Vec::new();
        let states = self.states_between(id, began.saturating_sub(HEARD_MS), at);
        let fits = |wanted: fn(&str) -> bool| states.iter().any(|state| wanted(state));
        let fine = match status {
            "streaming" => fits(on_air),
            "stopping" => fits(up),
            "ready" | "error" => fits(|state| !up(state)),
            "starting" => fits(|state| !on_air(state)),
            "removing" => self.destinations.get(id).is_some_and(|known| {
                let mut wishes = known.wishes_between(began, at);
                wishes.any(|wish| {
                    wish.is_none_or(|wish| matches!(wish.desired, Some(Desired::Removed) | None))
                })
            }),
            "stuck" => true,
            _ => false,
        };
        if !fine {
            sentences.push(format!(
                "the record shows {status} and its channel was {} while the writer looked",
                states.join(", ")
            ));
        }
        if let (Some(old), Some(new)) = (before.generation, shown.generation)
            && new < old
        {
            sentences.push(format!(
                "the generation shown went from {old} back to {new}"
            ));
        }
        if status == "streaming" {
            let runs = self.living_of(id, Kind::Channel);
            let last = runs.filter_map(|(_, thing)| {
                let rows = thing.states.windows(2).rev();
                rows.clone()
                    .find(|rows| rows[0].1 == "STARTING" && rows[1].1 == "RUNNING")
                    .map(|rows| rows[1].0)
            });
            // The time is from before the look, which takes up to two seconds in the worst weather.
            let slack = 3000 + self.rules.clock_off;
            match (shown.started_at, last.max()) {
                (None, _) => sentences.push("the record shows streaming and not since when".into()),
                (Some(started), Some(ran)) if started + slack < ran => {
                    sentences.push(format!(
                        "streaming_started_at is {} ms before this run of the channel",
                        ran - started
                    ));
                }
                (Some(started), _) if started > at + slack => {
                    sentences.push("streaming_started_at is in the future".into());
                }
                _ => {}
            }
        }
        for (word, shown) in [("channel_id", &shown.channel), ("input_id", &shown.input)] {
            let theirs = |shown: &String| {
                let thing = self.things.get(shown);
                thing.and_then(|thing| thing.destination.as_deref()) == Some(id)
            };
            if shown.as_ref().is_some_and(|shown| !theirs(shown)) {
                sentences.push(format!(
                    "{word} names a thing that is not this destination's"
                ));
            }
        }
        for sentence in sentences {
            self.broken("S8 truth", at, Some(id), sentence);
        }
    }

    /// The states a destination's channels were in between two moments; `absent` where there was none.
    /// Where reads may be stale, the state before the first is one of them.
    pub(super) fn states_between(&self, id: &str, from: u64, to: u64) -> Vec<&'static str> {
        let from = from.saturating_sub(self.rules.clock_off);
        let mut states: Vec<&'static str> = Vec::new();
        let mut there = false;
        let ours = self.things.values().filter(|thing| {
            thing.kind == Kind::Channel && thing.destination.as_deref() == Some(id)
        });
        for thing in ours {
            let first = thing.states.partition_point(|(at, _)| *at <= from);
            if self.rules.stale && first >= 2 {
                states.push(thing.states[first - 2].1);
            }
            let during: Vec<&'static str> = thing.between(from, to).collect();
            there |= thing.made_at <= from && !during.contains(&"DELETED");
            states.extend(during);
        }
        if !there || self.rules.stale {
            states.push("absent");
        }
        states
    }
}
