//! What we drive towards now: the newest wish if it is valid, else the settled configuration with
//! the newest wish for on, off or gone.

use super::{Rules, course::Course, watch::Watch, words};
use crate::{
    failover::UrlType,
    ledger::{self, Ledger},
    look::{AddressLook, ChannelState, KeyLook, Look},
    problem::{Code, Problem},
    record::{Configuration, DesiredState, Wish},
};
use jiff::Timestamp;

/// How far a destination is to be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing exists.
    Gone,
    /// Everything exists, nothing runs.
    Idle,
    /// On the air.
    Running,
}

/// What we drive towards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub desired: DesiredState,
    pub level: Level,
    /// Absent only when there is nothing to go by: level is then Gone.
    pub configuration: Option<Configuration>,
    /// Why the newest wish is not the configuration.
    pub refusal: Option<Problem>,
    /// Waiting for room under a quota.
    pub waits_for_quota: Option<Problem>,
    /// The record's `retry`.
    pub retry: Option<String>,
    /// Which of the record's addresses the configuration sends to.
    pub url_type: UrlType,
    /// The look at that address's key; a settled fallback is not looked at.
    pub key: KeyLook,
    /// New starts by ourselves so far: what is on the air with fewer is started anew.
    pub restarts: u64,
    /// A new start may help what is on the air.
    pub ailing: bool,
    /// The channel waits for the next try.
    pub holds_off: bool,
    /// A limit was reached: nothing exists until the record is edited.
    pub capped: Option<Problem>,
}

pub(super) fn aim(
    now: Timestamp,
    wish: Option<&Wish>,
    ledger: &mut Ledger,
    look: &Look,
    rules: &Rules,
    watch: &mut Watch,
) -> Target {
    let desired = ledger.desired.unwrap_or(DesiredState::Ready);
    let wanted = match wish {
        None => Err(None),
        Some(wish) => wanted(wish, ledger, look)
            .map(|primary| watch.course(wish, primary, ledger, look, rules))
            .map_err(Some),
    };
    let mut course = None;
    let (configuration, refusal, ceiling) = match wanted {
        Ok(found) => {
            let configuration = found.configuration.clone();
            course = Some(found);
            (Some(configuration), None, Level::Running)
        }
        Err(refusal) => match &ledger.settled {
            Some(settled) => {
                let ceiling = if settled.streaming {
                    Level::Running
                } else {
                    Level::Idle
                };
                (Some(settled.configuration.clone()), refusal, ceiling)
            }
            // What exists was made with the key; that it cannot be looked at now ends nothing.
            None if let Some(made) = made_as_wished(wish, ledger, look) => {
                (Some(made), refusal, Level::Running)
            }
            None => (None, refusal, Level::Gone),
        },
    };
    if desired != DesiredState::Streaming && !wish.is_some_and(|wish| wish.keep_warm) {
        ledger.quota_wait = None;
    }
    let on_air = ledger.on_air.as_ref();
    let (url_type, key) = match course {
        Some(Course { url_type, key, .. }) => (url_type, key),
        // What is settled goes on where it is.
        None => (
            on_air.map_or(UrlType::Primary, |on_air| on_air.url_type),
            KeyLook::NotAsked,
        ),
    };
    let mut target = Target {
        desired,
        level: Level::Gone,
        configuration,
        refusal,
        waits_for_quota: None,
        retry: wish.and_then(|wish| wish.retry.clone()),
        url_type,
        key,
        restarts: ledger.failover.restarts,
        ailing: watch.is_ailing(),
        holds_off: watch.holds_off,
        capped: words::capped(ledger),
    };
    let channel = look
        .channel
        .there()
        .map(|channel| &channel.state)
        .filter(|state| **state != ChannelState::Deleted);
    if channel.is_some() {
        ledger.quota_wait = None;
    }
    target.level = match desired {
        DesiredState::Removed => Level::Gone,
        DesiredState::Streaming if target.holds_off => least(Level::Idle, ceiling),
        DesiredState::Streaming => least(Level::Running, ceiling),
        DesiredState::Ready if wish.is_some_and(|wish| wish.keep_warm) => {
            least(Level::Idle, ceiling)
        }
        DesiredState::Ready => least(kept(now, ledger, channel.is_some(), rules), ceiling),
    };
    if desired != DesiredState::Ready || wish.is_some_and(|wish| wish.keep_warm) {
        ledger.grace_until = None;
    }
    if target.capped.is_some() {
        target.level = Level::Gone;
        ledger.quota_wait = None;
        ledger.grace_until = None;
    }
    if target.level != Level::Gone
        && let Some(wait) = ledger.quota_wait.as_ref().filter(|wait| !wait.turn)
    {
        target.waits_for_quota = Some(wait.problem.clone());
        target.level = Level::Gone;
    }
    target
}

/// The configuration the newest wish asks for, or the first thing that is wrong with it.
fn wanted(wish: &Wish, ledger: &Ledger, look: &Look) -> Result<Configuration, Problem> {
    let configuration = wish.configuration.clone()?;
    if let Some(problem) = look.key.problem(&configuration.stream_key_param) {
        return Err(problem);
    }
    if let AddressLook::HeldBy(holder) = &look.address
        && ledger.desired != Some(DesiredState::Removed)
    {
        let message =
            format!("The destination {holder} already sends to this address with this key.");
        return Err(Problem::new(Code::DuplicateAddress, message));
    }
    match &ledger.refused {
        Some(refused) if refused.generation == ledger.generation => Err(refused.problem.clone()),
        _ => Ok(configuration),
    }
}

/// The configuration of a channel that was made as the newest wish has it, or may have been, while
/// nothing is wrong but the key.
fn made_as_wished(wish: Option<&Wish>, ledger: &Ledger, look: &Look) -> Option<Configuration> {
    let configuration = wish?.configuration.as_ref().ok()?;
    let only_the_key = matches!(look.key, KeyLook::Missing | KeyLook::Unreadable)
        && !matches!(look.address, AddressLook::HeldBy(_))
        && ledger.refused.is_none();
    let aimed = ledger
        .target
        .as_ref()
        .is_some_and(|aim| aim.configuration == *configuration);
    let as_wished = match &ledger.on_air {
        Some(on_air) => on_air.configuration == *configuration,
        // An answer was lost: what it was made with is what was aimed at.
        None => aimed,
    };
    (only_the_key && ledger.channel.is_some() && as_wished).then(|| configuration.clone())
}

/// A stopped destination keeps what it has for the grace time; a new one gets nothing before it is
/// to stream.
fn kept(now: Timestamp, ledger: &mut Ledger, has_channel: bool, rules: &Rules) -> Level {
    if !has_channel {
        ledger.grace_until = None;
        return Level::Gone;
    }
    let until = *ledger
        .grace_until
        .get_or_insert(ledger::after(now, rules.grace_seconds));
    if now < until {
        Level::Idle
    } else {
        Level::Gone
    }
}

fn least(level: Level, ceiling: Level) -> Level {
    match (level, ceiling) {
        (Level::Gone, _) | (_, Level::Gone) => Level::Gone,
        (Level::Idle, _) | (_, Level::Idle) => Level::Idle,
        (Level::Running, Level::Running) => Level::Running,
    }
}
