//! Limits, shows and failovers: when each is due, whether it acts in time, and what comes after it.

use simulator::core::book::{Thing as Kind, Told};

use super::clock::PREWARM_MS;
use super::course::SLACK_MS;
use super::memory::Destination;
use super::mirror::{on_air, up};
use super::sight::House;
use super::watch::Oracles;
use super::wish::Desired;

/// Without faults a limit acts within two passes of the sweep and a wake-up.
const CAP_LATE_MS: u64 = 150_000;
/// Without faults a show is on the air so long after its time at the latest.
const SHOW_LATE_MS: u64 = 5_000;
/// Without faults an address that fails is left within its grace time, what it takes to be sure that it
/// fails, and two looks.
const FAILOVER_LATE_MS: u64 = 75_000;
/// So long after the feed is back whoever was about to end the stream for want of it has done so.
const BACK_MS: u64 = 30_000;

impl Oracles {
    /// Reckons which limit is due, once a second: a limit that is reached ends the stream, without
    /// faults within two passes of the sweep; a show begins at its time.
    pub(super) fn reckon(&mut self, house: &dyn House) {
        let now = house.now();
        if now / 1000 == std::mem::replace(&mut self.outside.reckoned, now / 1000) {
            return;
        }
        let soon = now + self.rules.clock_off + SLACK_MS;
        let (rules, lost_since) = (&self.rules, self.outside.lost_since);
        let (living, things) = (&self.living, &self.things);
        let on_air_or_near = |id: &String| {
            let mut own = living.get(id).into_iter().flatten();
            own.any(|id| {
                let thing = things.get(id);
                thing.is_some_and(|thing| thing.kind == Kind::Channel && up(thing.state()))
            })
        };
        let fell_back = |id: &String| {
            let mut own = living.get(id).into_iter().flatten();
            own.any(|id| {
                things.get(id).is_some_and(|thing| {
                    let mut states = thing.states.iter().rev().map(|(_, state)| *state);
                    let (last, before) = (states.next(), states.next());
                    (before, last) == (Some("STARTING"), Some("IDLE"))
                })
            })
        };
        let mended_at = self.outside.feed_moved.filter(|_| lost_since.is_none());
        for (id, known) in &mut self.destinations {
            known.cap_due = None;
            let (wanted, since) = known.wanted_at(now);
            let Some(limits) = known.wish.as_ref().map(|wish| wish.limits) else {
                known.no_stretch();
                known.capped = None;
                continue;
            };
            if known.capped.is_some_and(|(at, _)| at < since) && known.has_times {
                known.capped = None;
            }
            // An edit that is taken back before anybody has seen it ends no stretch.
            if wanted != Some(Desired::Streaming) && !on_air_or_near(id) {
                known.no_stretch();
            }
            if fell_back(id) {
                known.stretch_since_at_most = None;
            }
            // The feed is back before the pass that would have ended the stream.
            if let Some((due, "cap_no_input")) = known.capped
                && mended_at.is_some_and(|at| at <= due + CAP_LATE_MS && now > at + BACK_MS)
                && on_air_or_near(id)
                && known.row.as_ref().is_some_and(|row| !row.capped)
            {
                known.capped = None;
            }
            if wanted != Some(Desired::Streaming) || known.capped.is_some() || limits.hold {
                continue;
            }
            let after = |from: Option<u64>, most: Option<u64>| Some(from? + most?);
            let spent = limits.day_is_spent.then(|| since.max(known.wished_at));
            let first_due = |stretch: Option<u64>| {
                let silent = lost_since
                    .zip(stretch)
                    .map(|(lost, stretch)| lost.max(stretch));
                let dues = [
                    (spent, "cap_budget_day"),
                    (
                        after(stretch, limits.session.or(rules.session)),
                        "cap_session",
                    ),
                    (
                        after(silent, limits.no_input.or(rules.no_input)),
                        "cap_no_input",
                    ),
                ];
                let dues = dues.into_iter();
                dues.filter_map(|(due, code)| Some((due?, code))).min()
            };
            known.cap_due = first_due(known.stretch_since);
            known.capped = first_due(known.stretch_since_at_most).filter(|(due, _)| *due <= soon);
        }
        if self.rules.calm {
            self.acts_in_time(house);
        }
    }

    fn acts_in_time(&mut self, house: &dyn House) {
        let now = house.now();
        let mut found = Vec::new();
        for (id, known) in &self.destinations {
            if let Some(since) = self.fails_since(house, id, known)
                && now > since + FAILOVER_LATE_MS
            {
                let late = (now - since) / 1000;
                let sentence =
                    format!("the primary has failed for {late} s and the backup is free");
                found.push((id.clone(), "failover", sentence));
            }
            let up = self
                .living_of(id, Kind::Channel)
                .any(|(_, channel)| on_air(channel.state()));
            if let Some((due, code)) = known.capped
                && up
                && now > due + CAP_LATE_MS
            {
                let late = (now - due) / 1000;
                found.push((
                    id.clone(),
                    "limit",
                    format!("{code} was reached {late} s ago and it streams"),
                ));
            }
            let start = known.wish.as_ref().and_then(|wish| wish.start_at);
            if let Some(start) = start.filter(|start| now > start + SHOW_LATE_MS)
                && known.streams_at(now)
                && known.wanted_at(now).1 == start.saturating_sub(PREWARM_MS)
                && now < start + 60_000
                && self.rules.hints
                && !up
            {
                found.push((
                    id.clone(),
                    "show",
                    "its time has come and it is not on the air".into(),
                ));
            }
        }
        for (id, invariant, sentence) in found {
            self.broken(invariant, now, Some(&id), sentence);
        }
    }

    /// Since when the primary has taken nothing of a destination on the air there, though its backup would:
    /// for the first time since the record was written, and with a picture to send.
    fn fails_since(&self, house: &dyn House, id: &str, known: &Destination) -> Option<u64> {
        let now = house.now();
        let wish = known.wish.as_ref()?;
        let (primary, backup) = (wish.configuration.as_ref().ok()?, wish.backup.as_ref()?);
        let is_first = known.returned.is_none() && !matches!(known.sent_to, Some((_, true, _)));
        let is_fed = self.outside.feed_moved.is_none() && !self.flow_by_hand;
        let may_go = self.rules.hints && is_first && is_fed && known.by_hand.is_empty();
        if !may_go || !known.streams_at(now) || known.capped.is_some() {
            return None;
        }
        let failing = self.refused_since(&primary.url, now + 1)?;
        let mut channels = self.living_of(id, Kind::Channel);
        let (_, channel) = channels.find(|(_, channel)| channel.state() == "RUNNING")?;
        let (since, _) = channel.states.last()?;
        let is_there = self.sends_to(house, id) == Some(primary.url.as_str());
        // A key that comes after the edit tells nobody.
        let keys = self.keys.get(&backup.parameter);
        let put_at = keys.and_then(|keys| keys.last()).map(|(at, _)| *at);
        let is_free = self.refused_since(&backup.url, known.wished_at).is_none()
            && house.key(&backup.parameter).is_some_and(|key| key.secure)
            && put_at.is_some_and(|at| at < known.wished_at);
        (is_there && is_free).then(|| failing.max(*since).max(known.wished_at))
    }

    /// A stretch of streaming begins with the first start that was taken, whoever sent it, and ends when a
    /// person stops the channel.
    pub(super) fn stretch_begins(&mut self, told: &Told) {
        let resource = told.resource.as_deref().unwrap_or_default();
        let thing = self.things.get(resource);
        let Some(id) = thing.and_then(|thing| thing.destination.clone()) else {
            return;
        };
        let (at, by_hand) = (told.at, told.caller.as_deref() == Some("by-hand"));
        let known = self.destination(&id);
        match told.operation.as_str() {
            _ if !told.accepted() => {}
            "StartChannel" => {
                known.stretch_since.get_or_insert(at);
                known.stretch_since_at_most.get_or_insert(at);
            }
            "StopChannel" if by_hand => known.no_stretch(),
            _ => {}
        }
    }

    /// No start for a destination that a limit has ended: nothing may come of it before an edit.
    pub(super) fn nothing_after_a_limit(&mut self, at: u64, id: &str) {
        let known = self.destination(id);
        let by = known.capped.filter(|(due, _)| at > due + CAP_LATE_MS);
        if let Some((due, code)) = by {
            let sentence = format!("StartChannel was sent {} s after {code}", (at - due) / 1000);
            self.broken("limit", at, Some(id), sentence);
        }
    }
}
