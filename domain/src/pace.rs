//! Pace: AWS takes so many requests a second from an account, and refuses the rest.
//!
//! Tries that are refused and repeated are most of the traffic of a storm: each destination asks
//! again and again until it happens to be let in. So a Plan takes a place in a line before it looks,
//! for all the calls its lap is about to make, and waits in the state machine if the place is not
//! near. A line is one number in the ledger, the time until which it is taken (the generic cell rate
//! algorithm: one write, no queue to keep).
//!
//! There are two lines for each API. What stops or unmakes joins whichever is shorter, what makes or
//! starts only the general one: however long that has become, a stop does not stand in it.
//! A line only spares refusals. Nothing depends on it being right: a call that is refused all the
//! same is tried again.

use crate::{
    heard,
    ledger::{Ledger, Until},
    record::{DesiredState, Wish},
    schedule,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place this near is as good as now: it takes as long to wait for it.
const NEAR_MILLISECONDS: i64 = 1000;
/// Nobody waits longer than this.
const FAR_MILLISECONDS: i64 = 3_600_000;
/// Clocks at AWS differ by less.
const SKEW_MILLISECONDS: i64 = 5000;
/// The attribute that tells by whose clock the row was last written.
pub const CLOCK: &str = "clock";

/// A line for one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its attribute in the row.
    pub name: &'static str,
    /// Between two calls.
    pub interval_milliseconds: i64,
    /// Calls that may be made at once after a rest.
    pub burst: i64,
}

// MediaLive's whole API takes 20 requests a second and 40 at once, MediaConnect's apart from
// Describe 5 a second and 30 at once (user guides, quotas). What the lines leave is for looks that
// nobody plans, for the sweep, and for whoever else works in the account.
const MEDIA_LIVE: Line = Line {
    name: "medialive",
    interval_milliseconds: 69,
    burst: 24,
};
const MEDIA_LIVE_UNMAKING: Line = Line {
    name: "medialive_unmaking",
    interval_milliseconds: 250,
    burst: 8,
};
const MEDIA_CONNECT: Line = Line {
    name: "mediaconnect",
    interval_milliseconds: 227,
    burst: 22,
};
// An output that is removed a little later costs nothing: its channel has stopped before.
const MEDIA_CONNECT_UNMAKING: Line = Line {
    name: "mediaconnect_unmaking",
    interval_milliseconds: 2000,
    burst: 4,
};

/// The APIs that are paced, the scarcer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// MediaConnect, without Describe, which has a limit of its own that nothing of ours reaches.
    MediaConnect,
    /// MediaLive, looks included.
    MediaLive,
}

/// Both, in the order in which places are taken.
pub const APIS: [Api; 2] = [Api::MediaConnect, Api::MediaLive];

impl Api {
    /// The line for whatever comes.
    pub fn general(self) -> Line {
        match self {
            Api::MediaConnect => MEDIA_CONNECT,
            Api::MediaLive => MEDIA_LIVE,
        }
    }

    fn unmaking(self) -> Line {
        match self {
            Api::MediaConnect => MEDIA_CONNECT_UNMAKING,
            Api::MediaLive => MEDIA_LIVE_UNMAKING,
        }
    }
}

/// Until when each line is taken, in Unix milliseconds.
pub type Taken = BTreeMap<String, i64>;

impl Line {
    /// How much longer the line is taken by so many calls.
    pub fn span(&self, calls: u32) -> i64 {
        i64::from(calls) * self.interval_milliseconds
    }

    /// When those may go whose calls have just been added to the line.
    pub fn place(&self, taken_until: i64, now: i64) -> i64 {
        let at = taken_until - self.burst * self.interval_milliseconds;
        at.clamp(now, now + FAR_MILLISECONDS)
    }

    /// When calls that join now may go.
    fn next(&self, taken: &Taken, calls: u32, now: i64) -> i64 {
        let until = taken.get(self.name).map_or(now, |until| (*until).max(now));
        self.place(until + self.span(calls), now)
    }
}

/// Whether the row was last written by a clock that is ahead of this one: one of the two is wrong,
/// and what the row says of the lines is worth nothing.
pub fn is_off(taken: &Taken, now: i64) -> bool {
    taken
        .get(CLOCK)
        .is_some_and(|clock| *clock > now + SKEW_MILLISECONDS)
}

/// The line to join: what unmakes has the choice.
pub fn line(taken: &Taken, api: Api, need: Need, now: i64) -> Line {
    let (general, calls) = (api.general(), need.calls(api));
    let other = api.unmaking();
    if need.unmakes && other.next(taken, calls, now) < general.next(taken, calls, now) {
        other
    } else {
        general
    }
}

/// Whether a place is as good as now.
pub fn is_near(at: i64, now: i64) -> bool {
    at <= now + NEAR_MILLISECONDS
}

/// The calls a lap is about to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Need {
    /// Of MediaLive, looks included.
    pub media_live: u32,
    /// Of MediaConnect, without Describe.
    pub media_connect: u32,
    /// They stop or unmake.
    pub unmakes: bool,
}

impl Need {
    fn of(media_live: u32, media_connect: u32, unmakes: bool) -> Need {
        Need {
            media_live,
            media_connect,
            unmakes,
        }
    }

    /// How many of one API.
    pub fn calls(&self, api: Api) -> u32 {
        match api {
            Api::MediaConnect => self.media_connect,
            Api::MediaLive => self.media_live,
        }
    }

    /// No place is needed.
    pub fn is_nothing(&self) -> bool {
        self.media_live == 0 && self.media_connect == 0
    }

    /// What is left when places at one API are taken.
    pub fn without(self, api: Api) -> Need {
        match api {
            Api::MediaConnect => Need {
                media_connect: 0,
                ..self
            },
            Api::MediaLive => Need {
                media_live: 0,
                ..self
            },
        }
    }
}

/// A place in a line, noted in the destination's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// When its turn comes.
    pub at: Timestamp,
    /// When it was taken.
    pub since: Timestamp,
    /// What was wanted when it was taken: for anything else it is of no use.
    pub desired: DesiredState,
    /// Calls for which places are taken only then.
    pub owed: Need,
}

/// What a Plan does before it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Its turn has not come: an edit that changes nothing here has woken it.
    Wait(Timestamp),
    /// Takes places for these calls, possibly none, and goes on when they are near.
    Take(Need),
}

/// Whether it is this destination's turn. `edited`: the record is not the one that was seen last.
pub fn turn(now: Timestamp, row: &Ledger, wish: Option<&Wish>, edited: bool) -> Turn {
    let desired = desired(now, row, wish);
    let fits = |place: &&Place| {
        let by_this_clock =
            place.since.as_millisecond() <= now.as_millisecond() + SKEW_MILLISECONDS;
        place.desired == desired && by_this_clock
    };
    match row.place.as_ref().filter(fits) {
        Some(place) if is_near(place.at.as_millisecond(), now.as_millisecond()) => {
            Turn::Take(place.owed)
        }
        Some(place) => Turn::Wait(place.at),
        None => Turn::Take(need(now, row, wish, edited)),
    }
}

/// What is wanted, as far as it can be told before anything is decided.
pub fn desired(now: Timestamp, row: &Ledger, wish: Option<&Wish>) -> DesiredState {
    let Some(wish) = wish else {
        return DesiredState::Removed;
    };
    // A limit that an edit lets go is Plan's to judge: here it is only a place in a line.
    match schedule::of_record(now, wish, row.schedule.as_ref(), row.desired, false) {
        Some(turn) => turn.desired,
        None => match (&wish.desired, row.desired) {
            (Ok(desired), _) => *desired,
            (Err(_), Some(DesiredState::Streaming)) if !wish.enabled => DesiredState::Ready,
            (Err(_), earlier) => earlier.unwrap_or(DesiredState::Ready),
        },
    }
}

/// What the coming lap will most likely call, by memory alone. Too little is refused now and then,
/// too much lets others wait a little.
fn need(now: Timestamp, row: &Ledger, wish: Option<&Wish>, edited: bool) -> Need {
    let desired = desired(now, row, wish);
    let on = desired == DesiredState::Streaming;
    let keeps = on || desired == DesiredState::Ready && wish.is_some_and(|wish| wish.keep_warm);
    let look = u32::from(heard::instead_of_a_look(now, row).is_none());
    let waited = row.wait.as_ref().map(|wait| wait.until);
    let rests_at = row.rest.as_ref().and_then(|rest| rest.channel.as_deref());
    if row.channel.is_none() {
        let refused = wish.is_some_and(|wish| wish.configuration.is_err())
            || row.refused.is_some() && !edited
            || row.stuck.is_some() && !edited
            || row.capped.is_some() && !edited
            || row.quota_wait.as_ref().is_some_and(|wait| !wait.turn) && !edited;
        return match keeps {
            // CreateInput and CreateChannel, and the StartChannel that follows; AddFlowOutputs.
            true if !refused => Need::of(2 + u32::from(on), 1, false),
            // DescribeInput and DeleteInput, RemoveFlowOutput.
            _ if row.has_resources() => Need::of(3, 1, true),
            _ => Need::default(),
        };
    }
    let is_idle = match waited {
        Some(Until::Idle | Until::Stopped) => true,
        Some(Until::Running | Until::Deleted) => false,
        Some(Until::Turn) | None => rests_at == Some("IDLE"),
    };
    let is_up = waited == Some(Until::Running) || matches!(rests_at, Some("RUNNING"));
    match (keeps, is_idle) {
        // The end of a delete; its look was counted with it.
        _ if waited == Some(Until::Deleted) => Need::default(),
        // The start was counted with the create.
        (true, true) if waited == Some(Until::Idle) => Need::of(look, 0, false),
        // StartChannel, or UpdateChannel.
        (true, true) if on => Need::of(look + 1, 0, false),
        // An edit of what is on the air: StopChannel.
        (true, false) if edited && is_up => Need::of(look + 1, 0, true),
        (true, _) => Need::of(look, 0, false),
        (false, true) if is_kept(now, row, desired) => Need::of(look, 0, false),
        // DeleteChannel and a look at its end, DescribeInput, DeleteInput, DescribeInput.
        (false, true) => Need::of(look + 5, 1, true),
        // StopChannel.
        (false, false) => Need::of(look + 1, 0, true),
    }
}

/// A stopped channel that is kept for its grace time.
fn is_kept(now: Timestamp, row: &Ledger, desired: DesiredState) -> bool {
    desired == DesiredState::Ready && row.grace_until.is_none_or(|until| until > now)
}

#[cfg(test)]
mod tests;
