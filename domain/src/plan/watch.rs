//! What happens to a destination without an edit: its times come, a limit is reached, an address
//! fails.
//!
//! The rules are in `schedule`, `caps` and `failover`; here they meet what is known. A record that
//! has no times and no backup, and whose channel is well, is planned as if none of this were there.

use super::Rules;
use crate::{
    address::hex_prefix,
    caps::{self, Capped, Due, Facts},
    cost::{self, Money},
    encoder::input_class,
    failover::{self, Failover, Of, Turn, UrlType},
    incident::{Cause, Trouble},
    ledger::{self, Attempt, Ledger},
    look::{AddressLook, ChannelState, KeyLook, Look},
    problem::{Code, Problem},
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

/// Where to send, and with what.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub configuration: Configuration,
    pub url_type: UrlType,
    pub key: KeyLook,
}

impl Watch {
    /// Notes what is wrong with the channel that runs now: a trouble of another channel, or of a run
    /// before the newest start, says nothing of it.
    pub fn note_troubles(&mut self, ledger: &Ledger, look: &Look) {
        let Some(channel) = look.channel.there().filter(|channel| {
            matches!(
                channel.state,
                ChannelState::Running | ChannelState::Recovering
            )
        }) else {
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

    fn wake(&mut self, at: Option<Timestamp>) {
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
            let turn = schedule::of_record(now, wish, ledger.schedule.as_ref(), earlier)?;
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
        let up = look.channel.there().is_some_and(|channel| {
            matches!(
                channel.state,
                ChannelState::Starting | ChannelState::Running | ChannelState::Recovering
            )
        });
        if up && ledger.on_since.is_none() {
            let sent = ledger.starts.last().map_or(now, |start| start.at.min(now));
            ledger.on_since = Some(sent);
        }
        let since = ledger.on_since;
        // What was started anew is billed anew, and the run before is among what was spent.
        let run = ledger
            .account
            .as_ref()
            .and_then(|account| account.run.as_ref());
        let billed_since = run.map(|run| run.started_at).or(since).unwrap_or(now);
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

    /// Which address is used, and whether the channel is started anew. Called only with a wish that
    /// can be carried out.
    pub fn course(
        &mut self,
        wish: &Wish,
        primary: Configuration,
        ledger: &mut Ledger,
        look: &Look,
        rules: &Rules,
    ) -> Course {
        let on_primary = |primary| Course {
            configuration: primary,
            url_type: UrlType::Primary,
            key: look.key.clone(),
        };
        if ledger.desired != Some(DesiredState::Streaming) || ledger.capped.is_some() {
            // The next stretch begins with the primary.
            ledger.failover.reset();
            return on_primary(primary);
        }
        let backup = self.usable_backup(wish, ledger, look);
        let of = Of {
            primary: fingerprint(&primary),
            backup: match &wish.backup {
                Ok(Some(backup)) => Some(fingerprint(backup)),
                _ => None,
            },
            retry: wish.retry.clone(),
        };
        ledger.failover.heed(&of);
        if backup.is_none() && ledger.failover.url_type == UrlType::Backup {
            // It was taken out of the record: there is only the primary.
            let now = self.now;
            ledger
                .failover
                .switch(now, UrlType::Primary, None, of.clone());
        }
        let pick = |failover: &Failover| match &backup {
            Some(configuration) if failover.url_type == UrlType::Backup => Course {
                configuration: configuration.clone(),
                url_type: UrlType::Backup,
                key: look.backup_key.clone(),
            },
            _ => on_primary(primary.clone()),
        };
        if look.channel.there().is_some_and(|channel| {
            matches!(
                channel.state,
                ChannelState::Running | ChannelState::Recovering
            )
        }) {
            let fed = !self.troubles.contains_key(&Cause::InputLoss);
            ledger.failover.failed_since = self.since(Cause::RtmpFailed).filter(|_| fed);
        }
        // What runs from before an edit or a switch is on its way out: its troubles have had their
        // answer, and say nothing of what comes next.
        if self.is_outdated(&pick(&ledger.failover), wish, ledger) {
            self.is_leaving = true;
            ledger.failover.failed_since = None;
        } else {
            self.turn(wish, backup.is_some(), of, ledger, look, rules);
            self.is_leaving = was_restarted(ledger);
        }
        pick(&ledger.failover)
    }

    /// Whether what is on the air is not what is wanted there, or is not known.
    fn is_outdated(&self, course: &Course, wish: &Wish, ledger: &Ledger) -> bool {
        let Some(on_air) = &ledger.on_air else {
            return true;
        };
        let rotated = match course.key {
            KeyLook::Version(version) => version != on_air.key_version,
            _ => false,
        };
        let failed = self.is_ailing() || ledger.failover.failed_since.is_some();
        was_restarted(ledger)
            || on_air.configuration != course.configuration
            || failed && (rotated || on_air.retry != wish.retry)
    }

    fn turn(
        &mut self,
        wish: &Wish,
        has_backup: bool,
        of: Of,
        ledger: &mut Ledger,
        look: &Look,
        rules: &Rules,
    ) {
        let now = self.now;
        // A still picture is not worth a new start; no input has a limit of its own.
        let fed = !self.troubles.contains_key(&Cause::InputLoss);
        let failing_since = self.since(Cause::RtmpFailed).filter(|_| fed);
        // MediaLive repairs for as long again before the state alone counts as a failure.
        let repairing_since = ledger
            .recovering_since
            .map(|since| ledger::after(since, failover::REPAIR_SECONDS));
        let broken_since = self
            .since(Cause::PipelineFailed)
            .into_iter()
            .chain(repairing_since)
            .min()
            .filter(|_| fed);
        let state = look.channel.there().map(|channel| &channel.state);
        if failing_since.is_some() {
            ledger.failover.unwell_at = Some(now);
            ledger.failover.of.get_or_insert(of.clone());
        }
        let gave_up = ledger
            .failover
            .failed_since
            .filter(|_| state == Some(&ChannelState::Idle));
        let started = ledger.starts.last().map(|start| start.at);
        let failing_since = failing_since.or(gave_up);
        let facts = failover::Facts {
            has_backup,
            failing_since,
            gave_up: gave_up.map(|since| started.unwrap_or(since)),
            broken_since,
            return_after_seconds: wish.return_after_seconds,
            running_since: ledger.streaming_started_at,
            no_start_until: no_start_until(now, ledger, rules),
        };
        let is_well = failing_since.is_none() && broken_since.is_none();
        let turn = failover::decide(now, &ledger.failover, &facts);
        self.holds_off = gave_up.is_some() && !matches!(turn, Turn::Switch(..));
        match turn {
            Turn::Stay(at) => {
                self.next_try_at = at.filter(|_| !is_well);
                self.wake(at);
            }
            Turn::Exhausted(at) => {
                self.exhausted = true;
                self.next_try_at = Some(at);
                self.wake(Some(at));
            }
            Turn::Switch(to, cause) => {
                let since = match cause {
                    Some(Cause::PipelineFailed) => broken_since,
                    _ => failing_since,
                };
                ledger.failover.switch(now, to, cause.zip(since), of);
            }
        }
    }

    /// The backup, if it can be used now. What runs on it stays there while its attributes cannot be
    /// read or its key is not there.
    fn usable_backup(
        &mut self,
        wish: &Wish,
        ledger: &Ledger,
        look: &Look,
    ) -> Option<Configuration> {
        let in_use = ledger
            .on_air
            .as_ref()
            .filter(|on_air| on_air.url_type == UrlType::Backup)
            .map(|on_air| &on_air.configuration);
        let backup = match &wish.backup {
            Ok(None) => return None,
            Ok(Some(backup)) => backup,
            Err(_) => {
                return in_use
                    .filter(|_| ledger.failover.url_type == UrlType::Backup)
                    .cloned();
            }
        };
        self.backup_problem = unusable(backup, look);
        (self.backup_problem.is_none() || in_use == Some(backup)).then(|| backup.clone())
    }
}

/// Whether it was decided to start what is on the air anew.
fn was_restarted(ledger: &Ledger) -> bool {
    ledger
        .on_air
        .as_ref()
        .is_none_or(|on_air| on_air.restarts != ledger.failover.restarts)
}

fn unusable(backup: &Configuration, look: &Look) -> Option<Problem> {
    let parameter = &backup.stream_key_param;
    let (code, message) = match (&look.backup_address, &look.backup_key) {
        (AddressLook::HeldBy(holder), _) => (
            Code::DuplicateAddress,
            format!("The destination {holder} already sends to the backup's address with its key."),
        ),
        (_, KeyLook::Version(_) | KeyLook::NotAsked) => return None,
        (_, KeyLook::Missing) => (
            Code::ParameterMissing,
            format!("There is no parameter {parameter}."),
        ),
        (_, KeyLook::Unreadable) => (
            Code::ParameterUnreadable,
            format!("Lunora may not read the parameter {parameter}."),
        ),
        (_, KeyLook::NotSecure) => (
            Code::ParameterNotSecure,
            format!("The parameter {parameter} is not a SecureString."),
        ),
    };
    let message = message + " The destination streams without a backup.";
    Some(Problem::new(code, message))
}

/// Until when a channel that is stopped now could not be started again.
fn no_start_until(now: Timestamp, ledger: &Ledger, rules: &Rules) -> Option<Timestamp> {
    let starts: Vec<&Attempt> = ledger
        .starts
        .iter()
        .filter(|start| start.generation == ledger.generation)
        .collect();
    let oldest = starts.len().checked_sub(rules.starts_max)?;
    let free = ledger::after(starts[oldest].at, 3600);
    (free > now).then_some(free)
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

/// What a configuration is told from another by.
fn fingerprint(configuration: &Configuration) -> String {
    let json = serde_json::to_vec(configuration).unwrap_or_default();
    hex_prefix(&[&json])
}

/// What was spent, if anybody asks: a destination without a budget is not worth a query.
pub fn asks_for_spent(wish: Option<&Wish>, rules: &Rules) -> bool {
    wish.is_some_and(|wish| {
        let limits = wish.limits.or(rules.limits);
        limits.usd_per_day.is_some() || limits.usd_per_month.is_some()
    })
}
