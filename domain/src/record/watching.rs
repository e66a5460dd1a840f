//! What a record says about the time it is on the air: the second address, times, limits.
//!
//! None of it refuses a configuration. A slip is said, and what it concerns is left as if it were
//! not written; only what cannot be left open is held back: a backup in use stays in use while its
//! attributes cannot be read, and a destination does not start at a time that cannot be read.

use std::num::NonZeroU64;

use jiff::Timestamp;

use super::attributes::{flag, scalar, text};
use super::{Configuration, Item, parameter};
use crate::address;
use crate::caps::Limits;
use crate::cost::Money;
use crate::platform::Platform;
use crate::problem::{Code, Problem};
use crate::schedule::Times;

/// The largest number an attribute may hold: more hours than a century has.
const NUMBER_MAX: u64 = 1_000_000;
const MICRO: u64 = 1_000_000;

/// The configuration with the backup's address and key; `None` without failover.
///
/// A backup without a key of its own takes the primary's: most platforms give one key for both of
/// their servers.
pub(super) fn backup(
    item: &Item,
    primary: Option<&Configuration>,
    platform: Option<&Platform>,
    prefix: &str,
) -> Result<Option<Configuration>, Problem> {
    let url = text(item, "backup_rtmp_url")?
        .map(|url| {
            let address = address::parse(url)?;
            match platform {
                Some(platform) => platform.accept(&address).map(|()| address),
                None => Ok(address),
            }
        })
        .transpose()
        .map_err(|problem| Problem {
            message: format!("backup_rtmp_url: {}", problem.message),
            ..problem
        })?;
    let key = text(item, "backup_stream_key_param")?
        .map(|name| parameter::check("backup_stream_key_param", name, prefix))
        .transpose()?;
    if !flag(item, "failover_enabled", false)? {
        return Ok(None);
    }
    let Some(address) = url else {
        return Err(Problem::new(
            Code::MissingUrl,
            "failover_enabled is true, and there is no backup_rtmp_url in the record.",
        )
        .with_advice("Add backup_rtmp_url, the platform's second server, or set failover_enabled to false. The destination streams without a backup."));
    };
    // Without a primary there is nothing to be the backup of, and that has been said.
    let Some(primary) = primary else {
        return Ok(None);
    };
    let backup = Configuration {
        address,
        stream_key_param: key.unwrap_or_else(|| primary.stream_key_param.clone()),
        ..primary.clone()
    };
    if backup == *primary {
        return Err(Problem::new(
            Code::UnknownValue,
            "The backup's address and key are the primary's.",
        )
        .with_advice("Set backup_rtmp_url to the platform's second server, or failover_enabled to false. The destination streams without a backup."));
    }
    Ok(Some(backup))
}

/// `start_at` and `stop_at`. One that cannot be read counts as missing.
pub(super) fn times(item: &Item, notices: &mut Vec<Problem>) -> (Times, Option<Problem>) {
    let start = time(item, "start_at");
    let unreadable_start = start.as_ref().err().cloned();
    let mut take = |time: Result<Option<Timestamp>, Problem>| {
        time.unwrap_or_else(|problem| {
            notices.push(problem);
            None
        })
    };
    let times = Times {
        start_at: take(start),
        stop_at: take(time(item, "stop_at")),
    };
    if times.start_at.is_some() && times.start_at == times.stop_at {
        let problem = Problem::new(
            Code::MalformedTime,
            "start_at and stop_at are the same time.",
        );
        notices.push(problem.clone());
        return (Times::default(), Some(problem));
    }
    (times, unreadable_start)
}

fn time(item: &Item, name: &str) -> Result<Option<Timestamp>, Problem> {
    text(item, name)?
        .map(|text| {
            text.trim().parse().map_err(|_| {
                Problem::new(
                    Code::MalformedTime,
                    format!("The {name} is not a time with its zone."),
                )
            })
        })
        .transpose()
}

/// The record's own limits. One that cannot be read counts as missing.
pub(super) fn limits(item: &Item, notices: &mut Vec<Problem>) -> Limits {
    let mut number = |name: &str| {
        positive(item, name).unwrap_or_else(|problem| {
            notices.push(problem);
            None
        })
    };
    let mut seconds = |name: &str, unit: u64| number(name).map(|micro| whole(micro, unit));
    Limits {
        no_input_seconds: seconds("no_input_minutes_max", 60),
        session_seconds: seconds("session_hours_max", 3600),
        usd_per_day: number("budget_usd_per_day").map(|micro| Money(micro.get())),
        usd_per_month: number("budget_usd_per_month").map(|micro| Money(micro.get())),
    }
}

/// `return_after_minutes`, in seconds.
pub(super) fn return_after(item: &Item, notices: &mut Vec<Problem>) -> Option<i64> {
    match positive(item, "return_after_minutes") {
        Ok(number) => number.map(|micro| whole(micro, 60)),
        Err(problem) => {
            notices.push(problem);
            None
        }
    }
}

/// So many millionths of a unit in whole seconds, at least one.
fn whole(micro: NonZeroU64, unit_seconds: u64) -> i64 {
    let seconds = (micro.get() * unit_seconds).div_ceil(MICRO);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// A number greater than zero, in millionths. The console's String is as good as its Number.
fn positive(item: &Item, name: &str) -> Result<Option<NonZeroU64>, Problem> {
    if matches!(item.get(name), Some(serde_json::Value::Bool(_))) {
        return Err(not_a_number(name));
    }
    let Some(text) = scalar(item, name)? else {
        return Ok(None);
    };
    Money::parse(text.trim())
        .filter(|number| number.0 <= NUMBER_MAX * MICRO)
        .and_then(|number| NonZeroU64::new(number.0))
        .map(Some)
        .ok_or_else(|| not_a_number(name))
}

fn not_a_number(name: &str) -> Problem {
    Problem::new(
        Code::MalformedNumber,
        format!("The {name} is not a number greater than zero, with six decimals at most."),
    )
}
