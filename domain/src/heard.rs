//! What an event said of a channel, and when its word may stand for a look of our own.
//!
//! Events come late, twice, out of order or not at all. One that came in time for the wait it ended
//! tells what a DescribeChannel would tell, and saves that call; every act that follows is refused
//! by AWS if it was wrong, and looks again then. What is gone for good is never taken from an event.

use crate::{
    ledger::{self, Intent, Ledger, Until},
    look::{ChannelLook, ChannelState, is_over},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An event older than this tells of the past.
const YOUNG_SECONDS: i64 = 30;

/// Clocks at AWS differ by less. An event from the future was stamped by another clock than ours (a
/// simulator that runs fast), and its time proves nothing.
const SKEW_SECONDS: i64 = 2;

/// The newest event about the destination's channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The channel it named.
    pub channel_id: String,
    /// The state it named.
    pub state: ChannelState,
    /// Its own time, in whole seconds: the state was entered no earlier.
    pub at: Timestamp,
}

impl Heard {
    /// An event of that Unix second; EventBridge tells no more.
    pub fn new(channel_id: &str, state: ChannelState, second: i64) -> Heard {
        Heard {
            channel_id: channel_id.to_owned(),
            state,
            at: Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

/// The channel as the event showed it that ended the wait before this look; `None`: look.
///
/// It counts only if it names what was waited for, of this very channel, after the wait began.
pub fn instead_of_a_look(now: Timestamp, row: &Ledger) -> Option<ChannelLook> {
    let (wait, heard, channel) = (
        row.wait.as_ref()?,
        row.heard.as_ref()?,
        row.channel.as_ref()?,
    );
    let hoped_for = matches!(
        (wait.until, &heard.state),
        (Until::Idle | Until::Stopped, ChannelState::Idle)
            | (Until::Running, ChannelState::Running)
    );
    let in_time = heard.at >= wait.since
        && now < ledger::after(heard.at, YOUNG_SECONDS)
        && heard.at <= ledger::after(now, SKEW_SECONDS);
    (hoped_for && in_time && heard.channel_id == channel.id).then(|| ChannelLook {
        id: channel.id.clone(),
        state: heard.state.clone(),
    })
}

/// When AWS answered, by its own clock, unless that is another clock than ours.
pub fn answered_at(told: Timestamp, sent: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let after_sending = ledger::after(told, SKEW_SECONDS) >= ledger::whole_seconds(sent);
    (after_sending && told <= ledger::after(now, SKEW_SECONDS)).then_some(told)
}

/// What a wait that begins can know without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The act was answered a moment ago: a look could only show that it has begun.
    JustSent,
    /// The act was answered a moment ago, and an event has told its end since.
    OverAlready,
    /// Nothing: look.
    Unknown,
}

/// Judges the row as it was before the wait was noted. A step that was answered leaves its intent
/// for the wait to take away.
pub fn beginning(row: &Ledger, until: Until, looked_at: Timestamp) -> Beginning {
    let (Some(intent), Some(channel)) = (&row.intent, &row.channel) else {
        return Beginning::Unknown;
    };
    let sent = sent_at(intent);
    if intent.operation != until.operation() || sent < ledger::whole_seconds(looked_at) {
        return Beginning::Unknown;
    }
    let over = row.heard.as_ref().is_some_and(|heard| {
        let goal = matches!(
            (until, &heard.state),
            (Until::Idle | Until::Stopped, ChannelState::Idle)
                | (Until::Running, ChannelState::Running)
                | (Until::Deleted, ChannelState::Deleted)
        );
        // In the second of the act, any other state is the one that the act set out from.
        let after = heard.at > ledger::whole_seconds(sent)
            || goal && heard.at == ledger::whole_seconds(sent);
        heard.channel_id == channel.id && after && is_over(until, &heard.state)
    });
    if over {
        Beginning::OverAlready
    } else {
        Beginning::JustSent
    }
}

fn sent_at(intent: &Intent) -> Timestamp {
    ledger::after(intent.until, -ledger::INTENT_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Made, Wait};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn row(until: Until, since: Timestamp, heard: Heard) -> Ledger {
        Ledger {
            channel: Some(Made {
                id: "1234567".into(),
                at: at(-60),
                address: String::new(),
            }),
            wait: Some(Wait {
                token: "token".into(),
                until,
                since,
                taken_at: None,
            }),
            heard: Some(heard),
            ..Ledger::new("youtube-main")
        }
    }

    #[test]
    fn an_event_stands_for_a_look_only_in_time_of_this_channel_and_with_good_news() {
        let heard = |id: &str, state: &str, seconds| {
            Heard::new(
                id,
                ChannelState::from(state.to_owned()),
                at(seconds).as_second(),
            )
        };
        let cases = [
            (Until::Running, heard("1234567", "RUNNING", 5), 6, true),
            (Until::Idle, heard("1234567", "CREATED", 0), 1, true),
            (Until::Stopped, heard("1234567", "STOPPED", 5), 6, true),
            // Of an earlier stretch, delivered late or twice.
            (Until::Running, heard("1234567", "RUNNING", -1), 1, false),
            // Of another life.
            (Until::Running, heard("7654321", "RUNNING", 5), 6, false),
            // Too old to act on.
            (Until::Running, heard("1234567", "RUNNING", 5), 35, false),
            // By a clock that is not ours.
            (Until::Running, heard("1234567", "RUNNING", 60), 6, false),
            // Not what was waited for, or the end of everything: look.
            (Until::Running, heard("1234567", "STOPPED", 5), 6, false),
            (Until::Stopped, heard("1234567", "RUNNING", 5), 6, false),
            (Until::Deleted, heard("1234567", "DELETED", 5), 6, false),
        ];
        for (until, heard, now, stands) in cases {
            let what = format!("{until:?} {heard:?} at {now}");
            let looked = instead_of_a_look(at(now), &row(until, at(0), heard));
            assert_eq!(looked.is_some(), stands, "{what}");
        }
    }

    #[test]
    fn an_answer_tells_its_time_unless_by_another_clock() {
        let told = |seconds| answered_at(at(seconds), at(10), at(12));
        for seconds in [8, 10, 11, 14] {
            assert_eq!(told(seconds), Some(at(seconds)));
        }
        for seconds in [7, 15, 3600] {
            assert_eq!(told(seconds), None);
        }
    }

    #[test]
    fn an_event_of_the_second_in_which_the_wait_began_may_be_older_than_the_wait() {
        let since = Timestamp::from_millisecond(1_800_000_000_400).unwrap();
        let heard = Heard::new("1234567", ChannelState::Running, since.as_second());
        assert_eq!(
            instead_of_a_look(at(2), &row(Until::Running, since, heard)),
            None
        );
    }

    #[test]
    fn a_wait_that_begins_looks_unless_its_act_was_answered_in_this_lap() {
        let running = Heard::new("1234567", ChannelState::Running, at(3).as_second());
        let mut row = row(Until::Running, at(0), running);
        assert_eq!(
            beginning(&row, Until::Running, at(0)),
            Beginning::Unknown,
            "no intent: what the step found was no act of this lap"
        );
        row.intent = Some(Intent {
            operation: "start-channel".into(),
            until: ledger::after(at(2), ledger::INTENT_SECONDS),
        });
        assert_eq!(
            beginning(&row, Until::Running, at(0)),
            Beginning::OverAlready
        );
        assert_eq!(beginning(&row, Until::Stopped, at(0)), Beginning::Unknown);
        let same_second = Timestamp::from_millisecond(1_800_000_002_700).unwrap();
        assert_eq!(
            beginning(&row, Until::Running, same_second),
            Beginning::OverAlready
        );
        assert_eq!(
            beginning(&row, Until::Running, at(3)),
            Beginning::Unknown,
            "an intent of an earlier lap"
        );
        let told = |seconds| Heard::new("1234567", ChannelState::Idle, at(seconds).as_second());
        row.heard = Some(told(2));
        assert_eq!(
            beginning(&row, Until::Running, at(0)),
            Beginning::JustSent,
            "the IDLE that the start set out from"
        );
        row.heard = Some(told(3));
        assert_eq!(
            beginning(&row, Until::Running, at(0)),
            Beginning::OverAlready,
            "it fell back"
        );
        row.heard = Some(Heard::new(
            "1234567",
            ChannelState::Running,
            at(1).as_second(),
        ));
        assert_eq!(beginning(&row, Until::Running, at(0)), Beginning::JustSent);
        row.heard = None;
        assert_eq!(beginning(&row, Until::Running, at(0)), Beginning::JustSent);
    }
}
