//! The course: which of the record's addresses is used, and whether the channel is started anew.
//!
//! The rules are in `failover`; here they meet what is known of this destination.

use super::{Rules, watch::Watch};
use crate::{
    address::hex_prefix,
    failover::{self, Failover, Of, Turn, UrlType},
    incident::Cause,
    ledger::{self, Attempt, Ledger},
    look::{AddressLook, ChannelState, KeyLook, Look},
    problem::{Code, Problem},
    record::{Configuration, DesiredState, Wish},
};
use jiff::Timestamp;

/// Where to send, and with what.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub configuration: Configuration,
    pub url_type: UrlType,
    pub key: KeyLook,
}

impl Watch {
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
        let channel = look.channel.there();
        if channel.is_some_and(|channel| channel.state.is_on_air()) {
            ledger.failover.failed_since = self.failing_since();
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
        let rotated = course.key.is_another(on_air.key_version);
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
        let failing_since = self.failing_since();
        // MediaLive repairs for as long again before the state alone counts as a failure.
        let repairing_since = ledger
            .recovering_since
            .map(|since| ledger::after(since, failover::REPAIR_SECONDS));
        let broken_since = self
            .since(Cause::PipelineFailed)
            .into_iter()
            .chain(repairing_since)
            .min()
            .filter(|_| self.is_fed());
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

/// Why the backup cannot be used now.
fn unusable(backup: &Configuration, look: &Look) -> Option<Problem> {
    let mut problem = match &look.backup_address {
        AddressLook::HeldBy(holder) => Problem::new(
            Code::DuplicateAddress,
            format!("The destination {holder} already sends to the backup's address with its key."),
        ),
        _ => look.backup_key.problem(&backup.stream_key_param)?,
    };
    problem.message += " The destination streams without a backup.";
    Some(problem)
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

/// What a configuration is told from another by.
fn fingerprint(configuration: &Configuration) -> String {
    let json = serde_json::to_vec(configuration).unwrap_or_default();
    hex_prefix(&[&json])
}
