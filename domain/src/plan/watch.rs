//! What happens to a destination without an edit: its times come, a limit is reached. (That an
//! address fails is in `course`.)
//!
//! The rules are in `schedule` and `caps`; here they meet what is known. A record that has no times
//! and no backup, and whose channel is well, is planned as if none of this were there.

use super::Rules;
use crate::{
    caps::{self, Capped, Due, Facts},
    cost::{self, Money},
    encoder::input_class,
    incident::{Cause, Trouble},
    ledger::{self, Attempt, Ledger},
    look::Look,
    problem::Problem,
    record::{Configuration, DesiredState, Wish},
    schedule::{self, Missed},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A look that is due this soon is waited for: the sweep comes once a minute, and a minute more of a
/// dead stream is long.
const SOON_SECONDS: i64 = 20;

/// What was found out, for the mirror and for the next look.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The moment of the look.
    pub now: Timestamp,
    /// What is wrong with the channel that runs now.
    pub troubles: BTreeMap<Cause, Trouble>,
    /// When to look again.
    pub wake_at: Option<Timestamp>,
    /// When the next address is tried, or the same one anew.
    pub next_try_at: Option<Timestamp>,
    /// All there is has been tried.
    pub exhausted: bool,
    /// MediaLive gave the output up and stopped the channel: it is not started before the next try.
    pub holds_off: bool,
    /// What runs is from before a switch or a new start that was decided, or is not known: it is on
    /// its way out.
    pub is_leaving: bool,
    /// A limit that is near.
    pub warning: Option<Due>,
    /// Why the backup cannot be used.
    pub backup_problem: Option<Problem>,
    /// A time that passed without being acted on.
    pub missed: Option<Missed>,
    /// The times to come.
    pub next_start_at: Option<Timestamp>,
    /// The times to come.
    pub next_stop_at: Option<Timestamp>,
    /// A time on the record turned it on just now.
    pub begins: bool,
}

impl Watch {
    /// Notes what is wrong with the channel that runs now: a trouble of another channel, or of a run
    /// before the newest start, says nothing of it.
    pub fn note_troubles(&mut self, ledger: &Ledger, look: &Look) {
        let channel = look.channel.there();
        let Some(channel) = channel.filter(|channel| channel.state.is_on_air()) else {
            return;
        };
        let started = ledger.starts.last().map(|start| start.at.as_second());
        let is_of_now = |trouble: &Trouble| {
            trouble.channel_id == channel.id
                && started.is_none_or(|started| trouble.since.as_second() >= started)
        };
        self.troubles = ledger
            .troubles
            .iter()
            .filter(|(_, trouble)| is_of_now(trouble))
            .map(|(cause, trouble)| (*cause, trouble.clone()))
            .collect();
    }

    /// Since when a cause lasts.
    pub fn since(&self, cause: Cause) -> Option<Timestamp> {
        self.troubles.get(&cause).map(|trouble| trouble.since)
    }

    /// Since when the platform has not taken what the encoder sends. A still picture is not worth a
    /// new start; no input has a limit of its own.
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.since(Cause::RtmpFailed).filter(|_| self.is_fed())
    }

    /// Whether the encoder's picture arrives.
    pub fn is_fed(&self) -> bool {
        !self.troubles.contains_key(&Cause::InputLoss)
    }

    /// Whether a new start may help the channel that runs now.
    pub fn is_ailing(&self) -> bool {
        [Cause::RtmpFailed, Cause::PipelineFailed, Cause::Permissions]
            .iter()
            .any(|cause| self.troubles.contains_key(cause))
    }

    /// A look that is due in a moment.
    pub fn soon(&self, now: Timestamp) -> Option<Timestamp> {
        self.next_try_at
            .filter(|at| *at > now && *at <= ledger::after(now, SOON_SECONDS))
    }

    /// Notes a time at which it is to be looked again.
    pub(super) fn wake(&mut self, at: Option<Timestamp>) {
        self.wake_at = self.wake_at.into_iter().chain(at).min();
    }

    /// Lets the record's times act. `earlier`: what was wanted before, all things considered.
    pub fn keep_time(
        &mut self,
        now: Timestamp,
        wish: Option<&Wish>,
        earlier: Option<DesiredState>,
        ledger: &mut Ledger,
    ) {
        let Some((wish, turn)) = wish.and_then(|wish| {
            let attributes = ledger.seen.as_ref().map(|seen| &seen.attributes);
            let is_other = |capped: &Capped| Some(&capped.attributes) != attributes;
            let freed = ledger.capped.as_ref().is_some_and(is_other);
            let turn = schedule::of_record(now, wish, ledger.schedule.as_ref(), earlier, freed)?;
            Some((wish, turn))
        }) else {
            ledger.schedule = None;
            return;
        };
        let acted_on = |mark: &schedule::Mark| mark.started_for;
        self.begins = turn.mark.turned == Some(true)
            && acted_on(&turn.mark) != ledger.schedule.as_ref().and_then(acted_on);
        self.missed = turn.mark.missed;
        let to_come = wish.enabled && turn.desired != DesiredState::Removed;
        self.next_start_at = wish
            .times
            .start_at
            .filter(|at| to_come && *at > now && turn.mark.started_for != Some(*at));
        self.next_stop_at = wish.times.stop_at.filter(|at| to_come && *at > now);
        self.wake(turn.next);
        ledger.desired = Some(turn.desired);
        let is_needed = !wish.times.is_empty() || turn.mark.turned.is_some();
        ledger.schedule = is_needed.then_some(turn.mark);
    }

    /// Lets the limits act: warns, or notes that nothing may exist until the record is edited.
    pub fn keep_limits(
        &mut self,
        now: Timestamp,
        wish: Option<&Wish>,
        ledger: &mut Ledger,
        look: &Look,
        rules: &Rules,
    ) {
        let attributes = ledger.seen.as_ref().map(|seen| seen.attributes.clone());
        ledger.capped = ledger
            .capped
            .take()
            .filter(|capped| !self.begins && Some(&capped.attributes) == attributes.as_ref());
        let wants = ledger.desired == Some(DesiredState::Streaming) && ledger.capped.is_none();
        let (Some(wish), Some(attributes)) = (wish.filter(|_| wants), attributes) else {
            ledger.on_since = None;
            return;
        };
        let channel = look.channel.there();
        let up = channel.is_some_and(|channel| channel.state.is_up());
        let taken = |start: &Attempt| start.taken_at.unwrap_or(start.at).min(now);
        let started = ledger.starts.last().map(taken);
        if up && ledger.on_since.is_none() {
            ledger.on_since = Some(started.unwrap_or(now));
        }
        let since = ledger.on_since;
        let billed_since = billed_since(ledger, started).unwrap_or(now);
        let per_hour = usd_per_hour(wish, ledger, rules.feed_bitrate);
        let facts = Facts {
            no_input_since: self.since(Cause::InputLoss),
            // What is about to start is held to the budgets, too, with the least that a start costs.
            session_since: Some(since.unwrap_or(now)),
            spent: caps::with_stretch(look.spent, now, billed_since, per_hour),
            usd_per_hour: per_hour,
            hold: wish.hold,
        };
        let turn = caps::decide(now, &wish.limits.or(rules.limits), &facts);
        if let Some(due) = turn.stop {
            ledger.on_since = None;
            ledger.capped = Some(Capped {
                cap: due.cap,
                at: now,
                attributes,
            });
        } else if since.is_some() {
            self.warning = turn.warn;
            self.wake(turn.next);
        }
    }
}

/// Since when what is not among what was spent is billed: the run that is in the books, or a start that is
/// not there yet. What was started anew is billed anew.
fn billed_since(ledger: &Ledger, started: Option<Timestamp>) -> Option<Timestamp> {
    let account = ledger.account.as_ref();
    let run = account.and_then(|account| account.run.as_ref());
    let ended = account.and_then(|account| account.last.as_ref());
    let is_new = |at: &Timestamp| ended.is_none_or(|last| *at >= last.stopped_at);
    run.map(|run| run.started_at).or(started.filter(is_new))
}

fn usd_per_hour(wish: &Wish, ledger: &Ledger, feed_bitrate: u64) -> Money {
    let configuration = ledger
        .on_air
        .as_ref()
        .map(|on_air| &on_air.configuration)
        .or(wish.configuration.as_ref().ok());
    configuration
        .and_then(Configuration::preset)
        .and_then(|preset| cost::hourly(preset, input_class(feed_bitrate)))
        .map_or(Money(0), |hourly| hourly.running_usd + hourly.egress_usd)
}

/// What was spent, if anybody asks: a destination without a budget is not worth a query.
pub fn asks_for_spent(wish: Option<&Wish>, rules: &Rules) -> bool {
    wish.is_some_and(|wish| {
        let limits = wish.limits.or(rules.limits);
        limits.usd_per_day.is_some() || limits.usd_per_month.is_some()
    })
}
