//! What ends or moves a stream without an edit: a limit is reached, an address fails. Reckoned from what
//! was done to the platforms, the feed and the channels and from the calls that were accepted, never from
//! our own ledger.

use std::collections::{BTreeMap, BTreeSet};

use simulator::core::book::{Thing as Kind, Told};

use super::memory::Destination;
use super::rows;
use super::sight::{House, Table};
use super::watch::Oracles;
use super::wish::{Configuration, Wish};
use crate::setup::Act;

/// Alerts that say that the platform does not take the stream.
const NOT_TAKEN: [&str; 2] = ["Failed RTMP Connection", "Failed to Write to Output"];
/// Alerts that are set by hand in a run.
const ALERTS: [&str; 4] = [
    "Failed RTMP Connection",
    "Failed to Write to Output",
    "Black Video Detected",
    "Input Resource is Inaccessible",
];
/// A function reads the clock, and then it acts.
pub(super) const SLACK_MS: u64 = 5000;
/// An address may fail for so long before the other is tried (README, failover).
const GRACE_MS: u64 = 30_000;
/// Between a switch to the backup and the way back.
const DAMPING_MS: u64 = 1_800_000;
/// Between the way back and the next switch to the backup.
const RETURNED_MS: u64 = 600_000;
/// It counts from the decision; the stop that comes before the update takes so long at most (MediaLive
/// user guide: stopping a channel), and may be quicker the second time.
const STOP_MS: u64 = 420_000;
/// DescribeFlow may be so far behind, with the time that a worker takes.
const SHOWN_LATE_MS: u64 = 60_000;
/// Announced so long before.
const WARNING_MS: u64 = 300_000;

/// What was done to the feed and to the platforms.
#[derive(Debug, Default)]
pub struct Outside {
    /// Hosts that take nothing: since when, and until when.
    refusing: BTreeMap<String, (u64, Option<u64>)>,
    /// Sources whose line is cut.
    cut: BTreeSet<&'static str>,
    /// Since when no source is left.
    pub(super) lost_since: Option<u64>,
    /// When a line was last cut or mended.
    pub feed_moved: Option<u64>,
    /// The second that was reckoned last.
    pub(super) reckoned: u64,
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host)
}

impl Oracles {
    /// Notes what was done outside.
    pub(super) fn done_outside(&mut self, at: u64, act: &Act) {
        match act {
            Act::Alert(id, kind, set) => self.destination(id).alerts.push((at, kind, *set)),
            Act::Cut(name, cut) => {
                let outside = &mut self.outside;
                outside.feed_moved = Some(at);
                match cut {
                    true => outside.cut.insert(name),
                    false => outside.cut.remove(name),
                };
                outside.lost_since = match outside.cut.len() >= self.rules.sources {
                    true => outside.lost_since.or(Some(at)),
                    false => None,
                };
            }
            Act::Platform(host, word) => {
                let refusing = &mut self.outside.refusing;
                match (refusing.get_mut(host), *word) {
                    (Some((_, until)), "up") => *until = until.or(Some(at)),
                    (None, "up") | (Some((_, None)), _) => {}
                    _ => drop(refusing.insert(host.clone(), (at, None))),
                }
            }
            _ => {}
        }
    }

    /// Whether the line of a source is cut.
    pub(super) fn is_cut(&self, source: &str) -> bool {
        self.outside.cut.contains(source)
    }

    /// Since when, from a time on, the platform has not taken the stream at an address.
    pub(super) fn refused_since(&self, url: &str, from: u64) -> Option<u64> {
        let (since, until) = self.outside.refusing.get(host(url))?;
        until.is_none_or(|until| until >= from).then_some(*since)
    }

    /// Since when something was wrong with an address of a destination, of all that was wrong from a time on.
    pub(super) fn ailed(&self, id: &str, from: u64) -> Option<u64> {
        let known = self.destinations.get(id)?;
        let told = known
            .alerts
            .iter()
            .filter(|(at, kind, set)| *set && *at >= from && NOT_TAKEN.contains(kind));
        let refused = known.configurations();
        let refused = refused.filter_map(|wanted| self.refused_since(&wanted.url, from));
        told.map(|(at, ..)| *at).chain(refused).min()
    }

    /// An alert of one of these texts was set and not cleared before a time.
    pub(super) fn was_alerted(&self, id: &str, kinds: &[&str], from: u64) -> bool {
        let Some(known) = self.destinations.get(id) else {
            return false;
        };
        kinds.iter().any(|kind| {
            let mut of_kind = known.alerts.iter().filter(|(_, text, _)| text == kind);
            of_kind
                .next_back()
                .is_some_and(|(at, _, set)| *set || *at >= from)
        })
    }

    /// The configuration in use: the backup only if the channel sends there, and something was wrong.
    pub(super) fn in_use<'w>(
        &self,
        id: &str,
        wish: &'w Wish,
        url: &str,
    ) -> Option<&'w Configuration> {
        let backup = wish.backup.as_ref().filter(|backup| backup.url == url);
        backup
            .filter(|_| self.ailed(id, 0).is_some())
            .or(wish.configuration.as_ref().ok())
    }

    /// Where the channel of a destination sends.
    pub(super) fn sends_to<'b>(&self, house: &'b dyn House, id: &str) -> Option<&'b str> {
        let (channel, _) = self.living_of(id, Kind::Channel).next()?;
        let (_, url, _) = house.book().channel(channel)?.destinations().next()?;
        Some(url)
    }

    /// S8 for the flow's record: where every word arrives, a source is shown as it is; half a minute is
    /// what DescribeFlow may be behind.
    pub(super) fn sources_are_true(&mut self, house: &dyn House, at: u64) {
        if let Some(sentence) = self.source_shown_wrongly(house, SHOWN_LATE_MS) {
            self.broken("S8 truth", at, Some(domain::incident::FLOW), sentence);
        }
    }

    /// A source that the flow's record shows other than it is, and nothing moved for so long.
    pub(super) fn source_shown_wrongly(&self, house: &dyn House, quiet: u64) -> Option<String> {
        let flow = house.book().flow(&self.rules.flow)?;
        let came = flow.since().max(self.outside.feed_moved.unwrap_or(0));
        if self.flow_by_hand || house.now() <= came + quiet {
            return None;
        }
        let shown = house.item(Table::Destinations, domain::flow::RECORD_ID)?;
        let rows = shown.get("sources")?.get("L")?.as_array()?;
        rows.iter().filter_map(|row| row.get("M")).find_map(|row| {
            let text = |name| rows::text(row, name).unwrap_or_default();
            let (name, status) = (text("name"), text("status"));
            let there = match (flow.is_up(), self.is_cut(name)) {
                (false, _) => "off",
                (true, true) => "disconnected",
                (true, false) => "connected",
            };
            (status != there)
                .then(|| format!("its record shows source {name} {status} and it is {there}"))
        })
    }

    /// Whether an incident of a destination, or of the flow, lasts: nothing has mended what is wrong.
    pub(super) fn lasts(&self, id: &str, now: u64) -> bool {
        let (flow, cut) = (id == domain::incident::FLOW, !self.outside.cut.is_empty());
        flow && cut
            || self.outside.lost_since.is_some()
            || self.ailed(id, now).is_some()
            || self.was_alerted(id, &ALERTS, now)
    }

    /// Whether a destination waits for others: its platform takes nothing, and it tries again and again.
    pub(super) fn waits_for_others(&self, id: &str, known: &Destination, now: u64) -> bool {
        let row = known.row.as_ref();
        let at_work = !known.executions.is_empty()
            || row.is_none_or(|row| row.holder.is_some() || !row.rests || row.intent.is_some());
        !at_work && self.ailed(id, now).is_some()
    }

    /// At rest nothing sends to a platform that takes nothing while the other address is free.
    pub(super) fn sends_in_vain(&self, house: &dyn House, id: &str, wish: &Wish) -> Option<String> {
        let url = self.sends_to(house, id)?;
        let primary = &wish.configuration.as_ref().ok()?.url;
        let backup = &wish.backup.as_ref()?.url;
        let now = house.now();
        let other = if url == primary { backup } else { primary };
        let vain = self.refused_since(url, now + 1).is_some();
        (vain && self.refused_since(other, now + 1).is_none())
            .then(|| format!("it sends to {url}, which takes nothing, and {other} would"))
    }

    /// From one address to the other only for a reason, and not too often: an address has failed for
    /// half a minute; back after half an hour at the earliest, and only if the record says so; and
    /// again to the backup when the start is paid off. An edit begins anew.
    pub(super) fn switches_are_few(&mut self, house: &dyn House, told: &Told) {
        if !matches!(told.operation.as_str(), "CreateChannel" | "UpdateChannel") {
            return;
        }
        let channel = told.resource.as_deref().unwrap_or_default();
        let Some(id) = self
            .things
            .get(channel)
            .and_then(|thing| thing.destination.clone())
        else {
            return;
        };
        let Some(known) = self.destinations.get(&id) else {
            return;
        };
        let Some(wish) = &known.wish else { return };
        let row = house.book().channel(channel);
        let url = row.and_then(|row| row.destinations().next().map(|(_, url, _)| url));
        let is = |wanted: Option<&Configuration>| wanted.map(|wanted| wanted.url.as_str()) == url;
        let to_backup = match (
            is(wish.configuration.as_ref().ok()),
            is(wish.backup.as_ref()),
        ) {
            (true, false) => false,
            (false, true) => true,
            _ => return,
        };
        let at = told.at + self.rules.clock_off + 1000;
        // The words of the record then, and since when they want it on the air.
        let words = known.wished_at.max(known.wanted_at(told.at).1);
        let before = known.sent_to.filter(|(.., then)| *then == words);
        let returns = wish.return_after.map(|after| after.max(DAMPING_MS));
        let sentence = match before {
            None if to_backup && self.ailed(&id, 0).is_none() => {
                Some("to the backup, and nothing was wrong with the primary".to_owned())
            }
            Some((last, false, _)) if to_backup => {
                let ailed = self.ailed(&id, last);
                let young = ailed.is_none_or(|since| at < since + GRACE_MS);
                young.then(|| format!("to the backup, and it had failed since {ailed:?} only"))
            }
            Some((last, true, _)) if !to_backup => {
                let gap = at - last;
                let ailed = self.ailed(&id, last).is_some();
                let fine = gap + STOP_MS >= DAMPING_MS
                    && (ailed || returns.is_some_and(|most| gap + STOP_MS >= most));
                (!fine).then(|| format!("back to the primary after {} s", gap / 1000))
            }
            _ => None,
        };
        let again = known.returned.filter(|(_, then)| *then == words);
        let soon = again.filter(|(back, _)| to_backup && at + STOP_MS < back + RETURNED_MS);
        let sentence = sentence.or_else(|| {
            soon.map(|(back, _)| format!("to the backup again after {} s", (at - back) / 1000))
        });
        let known = self.destination(&id);
        if matches!(before, Some((_, true, _))) && !to_backup {
            known.returned = Some((told.at, words));
        }
        known.sent_to = Some((told.at, to_backup, words));
        if let Some(sentence) = sentence {
            let sentence = format!("{} moved it {sentence}", told.operation);
            self.broken("switches are few", told.at, Some(&id), sentence);
        }
    }

    /// Whether a problem that is about the course of a stream has a cause; `None` for other codes.
    pub(super) fn course_is_honest(
        &self,
        id: &str,
        (began, at): (u64, u64),
        code: &str,
    ) -> Option<bool> {
        let known = self.destinations.get(id)?;
        let by_hand = self.flow_by_hand || !known.by_hand.is_empty();
        let lately = began.saturating_sub(120_000 + self.rules.clock_off);
        let told = |kinds: &[&str]| self.was_alerted(id, kinds, lately);
        let feed = self.outside.lost_since.is_some()
            || self.outside.feed_moved.is_some_and(|moved| moved >= lately);
        Some(match code {
            "cap_budget_day" | "cap_budget_month" | "cap_session" | "cap_no_input" => {
                let spent = |wish: &Wish| wish.limits.day_is_spent && !wish.limits.hold;
                known.capped.is_some_and(|(_, capped)| capped == code)
                    // It is reached by the very words of the record.
                    || code == "cap_budget_day" && known.wish.as_ref().is_some_and(spent)
                    || code == "cap_no_input" && by_hand
                    || known.wished_at >= began
            }
            "cap_warning" => {
                let soon = at + WARNING_MS + self.rules.clock_off + SLACK_MS;
                known.capped.is_some()
                    || known.cap_due.is_some_and(|(due, _)| due <= soon)
                    || self.outside.feed_moved.is_some_and(|moved| moved >= lately)
                    || by_hand
                    || known.wished_at >= began
            }
            "schedule_missed" => known.has_times,
            "on_backup" | "output_failed" | "rtmp_failed" => self.ailed(id, 0).is_some(),
            "no_input" | "source_unhealthy" if feed => true,
            "black_or_silent" if feed || told(&["Black Video Detected"]) => true,
            "missing_permission" if told(&["Input Resource is Inaccessible"]) => true,
            _ => return None,
        })
    }

    /// Whether what a code says may still be so at rest.
    pub(super) fn course_is_over(&self, id: &str, now: u64, code: &str) -> bool {
        let ails = self.ailed(id, now).is_some() || self.was_alerted(id, &NOT_TAKEN, now);
        match code {
            "rtmp_failed" | "output_failed" => !ails,
            "no_input" => self.outside.lost_since.is_none() && !self.flow_by_hand,
            _ => false,
        }
    }
}
