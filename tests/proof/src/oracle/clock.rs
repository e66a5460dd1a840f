//! What a record wants at a moment, its times considered: read anew from the README. Reaching a time is as
//! if the operator edited the record at that moment; a newer edit by hand wins over it.

use super::memory::Destination;
use super::wish::{Desired, Wish};

/// A channel is started so long before `start_at` (README, the record).
pub(super) const PREWARM_MS: u64 = 300_000;
/// A start that was missed is made up for so long where no `stop_at` ends the show.
const LATE_MS: u64 = 3_600_000;

/// What is wanted, and what the times did so far.
#[derive(Debug, Default)]
struct Wanted {
    desired: Option<Desired>,
    since: u64,
    said: Option<Desired>,
    turned: Option<bool>,
    started_for: Option<u64>,
    stopped_for: Option<u64>,
    ahead: Option<u64>,
    start_ahead: Option<u64>,
}

impl Destination {
    /// What is wanted at a time, and since when.
    #[must_use]
    pub fn wanted_at(&self, now: u64) -> (Option<Desired>, u64) {
        if !self.has_times {
            let desired = match &self.wish {
                None => Some(Desired::Removed),
                Some(wish) => wish.desired,
            };
            return (desired, self.desired_since);
        }
        let mut wanted = Wanted::default();
        // What was written and taken back between two plans was nobody's wish.
        let looks = self.looks.iter().filter(|at| **at <= now);
        let (mut before, mut read) = (0, 0);
        for at in looks.clone() {
            let written = self.wishes.iter().rfind(|(written, _)| written <= at);
            let wish = written.and_then(|(_, wish)| wish.as_ref());
            let freed = |written: &u64| *written > read && written <= at;
            if self.let_go.iter().any(freed) {
                wanted.rests(*at, wish);
            }
            read = *at;
            wanted.look(*at, wish);
            if wanted.since == *at {
                // Wanted since it was written, or since its time came.
                let edges = wish.into_iter().flat_map(Wish::edges);
                let causes = edges.chain(written.map(|(written, _)| *written));
                let cause = causes.filter(|cause| *cause > before && cause <= at).max();
                wanted.since = cause.unwrap_or(*at);
            }
            before = *at;
        }
        let last = looks.max().copied().unwrap_or(0);
        let written = self.wishes.iter().filter(|(at, _)| *at <= now).count();
        for (index, (at, wish)) in self.wishes[..written].iter().enumerate() {
            let next = self.wishes.get(index + 1).map_or(now, |(next, _)| *next);
            let until = next.min(now);
            let edges = wish.iter().flat_map(Wish::edges);
            let mut looks: Vec<u64> = edges
                .filter(|edge| *edge > last.max(*at) && *edge <= until)
                .collect();
            looks.sort_unstable();
            if *at > last {
                if self.let_go.contains(at) {
                    wanted.rests(*at, wish.as_ref());
                }
                wanted.look(*at, wish.as_ref());
            }
            for edge in looks {
                wanted.look(edge, wish.as_ref());
            }
        }
        (wanted.desired, wanted.since)
    }

    /// Whether it is to stream at a time, and no limit has ended that.
    #[must_use]
    pub fn streams_at(&self, now: u64) -> bool {
        self.capped.is_none()
            && self.wanted_at(now).0 == Some(Desired::Streaming)
            && self
                .wish
                .as_ref()
                .is_some_and(|wish| wish.configuration.is_ok())
    }
}

impl Wish {
    /// When it changes what it wants by its times.
    fn edges(&self) -> impl Iterator<Item = u64> {
        self.begins().into_iter().chain(self.stop_at)
    }

    /// When a show is started: in advance, but not before the end of the one before it.
    fn begins(&self) -> Option<u64> {
        let start = self.start_at?;
        let before = self.stop_at.filter(|stop| *stop < start).unwrap_or(0);
        Some(start.saturating_sub(PREWARM_MS).max(before))
    }
}

impl Wanted {
    /// An edit has let a limit go that had ended it: a start to come that is new is waited for.
    fn rests(&mut self, now: u64, wish: Option<&Wish>) {
        let start = wish.and_then(|wish| wish.start_at).filter(|at| *at > now);
        if start.is_some() && start != self.start_ahead && start != self.started_for {
            self.turned = None;
            (self.desired, self.since) = (Some(Desired::Ready), now);
        }
    }

    fn look(&mut self, now: u64, wish: Option<&Wish>) {
        let desired = match wish {
            None => Some(Desired::Removed),
            Some(wish) => self.by_time(now, wish),
        };
        if wish.is_none_or(|wish| !wish.has_times()) && self.turned.is_none() {
            (self.started_for, self.stopped_for, self.ahead) = (None, None, None);
        }
        if desired != self.desired {
            (self.desired, self.since) = (desired, now);
        }
    }

    fn by_time(&mut self, now: u64, wish: &Wish) -> Option<Desired> {
        if wish.desired != self.said || !wish.enabled {
            self.turned = None;
        }
        self.said = wish.desired;
        if let Some(stop) = wish.stop_at {
            if now < stop {
                self.ahead = Some(stop);
            } else if self.stopped_for != Some(stop) {
                self.stopped_for = Some(stop);
                // One that was past when it was written takes nothing off the air.
                if self.ahead == Some(stop) {
                    self.turned = Some(false);
                }
            }
        }
        let mut waits = false;
        if let Some(start) = wish.start_at {
            let begun = wish.begins().is_some_and(|at| now >= at);
            if wish.enabled && begun && self.started_for != Some(start) {
                self.started_for = Some(start);
                let over = match wish.stop_at {
                    Some(stop) if stop > start => now >= stop,
                    _ => now >= start + LATE_MS,
                };
                if !over {
                    self.turned = Some(true);
                }
            }
            self.start_ahead = Some(start).filter(|_| !begun);
            waits = !begun
                && self.started_for != Some(start)
                && self.desired != Some(Desired::Streaming);
        }
        match (wish.desired, self.turned) {
            (Some(Desired::Removed), _) => Some(Desired::Removed),
            _ if !wish.enabled => Some(Desired::Ready),
            (_, Some(true)) => Some(Desired::Streaming),
            (_, Some(false)) => Some(Desired::Ready),
            (Some(Desired::Streaming), None) if waits => Some(Desired::Ready),
            (desired, None) => desired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wish;
    use super::*;
    use serde_json::json;

    const MINUTE: u64 = 60_000;
    /// 2026-11-21T19:00:00Z.
    const BEGIN: u64 = 1_795_287_600_000;

    fn destination(items: &[(u64, serde_json::Value)]) -> Destination {
        let read = |(minute, item): &(u64, serde_json::Value)| {
            (BEGIN + minute * MINUTE, Some(wish::read(item, "/keys")))
        };
        Destination {
            has_times: true,
            wishes: items.iter().map(read).collect(),
            ..Destination::default()
        }
    }

    #[test]
    fn times_act_once_and_a_newer_edit_wins() {
        let show = |desired: &str, start: &str| {
            json!({"desired_state": {"S": desired}, "start_at": {"S": start},
                "stop_at": {"S": "2026-11-21T20:00:00Z"}})
        };
        let ready = show("ready", "2026-11-21T19:20:00Z");
        let known = destination(&[(0, ready.clone())]);
        let at = |known: &Destination, minute| known.wanted_at(BEGIN + minute * MINUTE).0;
        assert_eq!(at(&known, 14), Some(Desired::Ready));
        assert_eq!(at(&known, 15), Some(Desired::Streaming));
        assert_eq!(
            known.wanted_at(BEGIN + 61 * MINUTE),
            (Some(Desired::Ready), BEGIN + 60 * MINUTE)
        );
        let by_hand = destination(&[(0, show("streaming", "2026-11-21T19:20:00Z")), (30, ready)]);
        assert_eq!(
            at(&by_hand, 14),
            Some(Desired::Ready),
            "it waits for its time"
        );
        assert_eq!(at(&by_hand, 29), Some(Desired::Streaming));
        assert_eq!(at(&by_hand, 31), Some(Desired::Ready));
        let late = destination(&[(0, show("ready", "2026-11-21T20:00:00Z"))]);
        assert_eq!(at(&late, 70), Some(Desired::Ready), "one time is no show");
    }
}
