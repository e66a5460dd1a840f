//! What the operator is told about a destination on the air: sentences for what is wrong, in the
//! order in which an operator has to know it.

use super::watch::Watch;
use crate::{
    caps::{self, Due, clock},
    failover::{self, Failover, UrlType},
    incident::Cause,
    ledger::{Ledger, after},
    problem::{Code, Problem},
    record::DesiredState,
    schedule::Missed,
};
use jiff::Timestamp;

/// A start that takes longer has a reason of its own: MediaLive's longest normal one is ten minutes,
/// and a stop comes before it.
const RESTART_SECONDS: i64 = 900;

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A limit was reached.
pub(super) fn capped(ledger: &Ledger) -> Option<Problem> {
    let capped = ledger.capped.as_ref()?;
    let message = caps::reached(capped.cap, capped.at);
    Some(Problem::new(capped.cap.code(), message))
}

/// What is wrong with what the audience sees.
pub(super) fn pressing(watch: &Watch, ledger: &Ledger, is_up: bool) -> Option<Problem> {
    if let Some(Due { cap, at }) = watch.warning {
        let message = caps::near(cap, at);
        return Some(Problem::new(Code::CapWarning, message));
    }
    let which = ledger.failover.url_type.as_str();
    if watch.holds_off {
        let mut message = format!(
            "The platform did not take the stream at the {which} address until MediaLive gave up and stopped."
        );
        if let Some(at) = watch.next_try_at {
            message += &format!(" The next try is at {}.", clock(at));
        }
        let code = match watch.exhausted {
            true => Code::OutputFailed,
            false => Code::RtmpFailed,
        };
        return Some(Problem::new(code, message));
    }
    let told = |cause: Cause, words: &str| {
        let trouble = watch.troubles.get(&cause)?;
        let mut message = format!("{words} since {}", clock(trouble.since));
        if !trouble.alert_types.is_empty() {
            message += &format!(" (MediaLive: {})", trouble.alert_types.join(", "));
        }
        Some((cause, message + "."))
    };
    let rtmp = format!("The platform has not taken the stream at the {which} address");
    let found = told(
        Cause::Permissions,
        "MediaLive may not read or reach what it needs",
    )
    .or_else(|| told(Cause::InputLoss, "Nothing has come from the encoder"))
    .or_else(|| {
        told(
            Cause::PipelineFailed,
            "MediaLive has had a fault of its own",
        )
    })
    .or_else(|| told(Cause::RtmpFailed, &rtmp))
    // What is on its way out has been answered.
    .filter(|(cause, _)| {
        !watch.is_leaving || !matches!(cause, Cause::PipelineFailed | Cause::RtmpFailed)
    });
    match found {
        Some((cause, message)) => {
            let next = watch.next_try_at.filter(|_| cause != Cause::InputLoss);
            let message = match next {
                Some(at) => format!("{message} The next try is at {}.", clock(at)),
                None => message,
            };
            let code = match cause {
                Cause::RtmpFailed if watch.exhausted => Code::OutputFailed,
                cause => cause.code(),
            };
            Some(Problem::new(code, message))
        }
        // It is being started again because of what its last run suffered from.
        None if (!is_up || watch.is_leaving) && ledger.failover.url_type == UrlType::Primary => {
            let (cause, since) = ledger.failover.why?;
            let switched = ledger.failover.since?;
            if watch.now >= after(switched, RESTART_SECONDS) {
                return None;
            }
            let message = format!(
                "It is started again because of what lasted since {}.",
                clock(since)
            );
            Some(Problem::new(cause.code(), message))
        }
        None => None,
    }
}

/// What should be known, though the audience sees the programme.
pub(super) fn worth_knowing(watch: &Watch, ledger: &Ledger) -> Option<Problem> {
    on_backup(&ledger.failover)
        .or_else(|| watch.missed.map(missed))
        .or_else(|| {
            [
                (
                    Cause::BlackOrSilent,
                    "The picture is black or the sound is missing",
                ),
                (
                    Cause::SourceUnhealthy,
                    "A source of the flow has been unhealthy",
                ),
                (Cause::Maintenance, "AWS maintains this"),
            ]
            .into_iter()
            .find_map(|(cause, words)| {
                let since = watch.since(cause)?;
                let message = format!("{words} since {}.", clock(since));
                Some(Problem::new(cause.code(), message))
            })
        })
        .or_else(|| watch.backup_problem.clone())
}

fn on_backup(failover: &Failover) -> Option<Problem> {
    if failover.url_type != UrlType::Backup {
        return None;
    }
    let (switched, (_, failed)) = (failover.since?, failover.why?);
    let message = format!(
        "The platform did not take the stream at the primary address from {} on; the backup is used since {}.",
        clock(failed),
        clock(switched)
    );
    Some(Problem::new(Code::OnBackup, message))
}

fn missed(missed: Missed) -> Problem {
    let message = match missed {
        Missed::Start(at) => format!(
            "Nothing was started at {}: it was noticed too late.",
            day(at)
        ),
        Missed::Stop(at) => format!(
            "Nothing was stopped at {}: that was past when it was written.",
            day(at)
        ),
    };
    Problem::new(Code::ScheduleMissed, message)
}

/// Which try this is, of how many before it is given up for a while; only where there was a second.
pub(super) fn attempt(watch: &Watch, ledger: &Ledger) -> Option<usize> {
    let tries = ledger.failover.attempts(watch.now);
    let shown = ledger.desired == Some(DesiredState::Streaming)
        && (tries > 0 || watch.next_try_at.is_some());
    shown.then(|| tries.min(failover::SWITCHES_MAX) + 1)
}
