//! What a look teaches the ledger before anything is decided.

use super::Rules;
use crate::{
    ledger::{self, Ledger, Passing, Seen, Verdict},
    look::{ChannelState, KeyLook, Look, Sight, is_same_key},
    problem::{Code, Problem},
    record::{self, Item, Wish},
};
use jiff::Timestamp;

/// Raises the generation when the wish, or the version of its key, is not the one seen last.
pub(super) fn note_wish(ledger: &mut Ledger, record: Option<(&Item, &Wish)>, look: &Look) {
    let seen = record.map(|(item, _)| Seen {
        attributes: record::operator_fingerprint(item),
        asked: record::asked_fingerprint(item),
        key_version: match look.key {
            KeyLook::Version(version) => Some(version),
            _ => None,
        },
    });
    let is_new = ledger.seen.is_none();
    let both = ledger.seen.as_ref().zip(seen.as_ref());
    let is_same_key = both.is_some_and(|(was, is)| match (was.key_version, is.key_version) {
        (Some(was), Some(is)) => is_same_key(was, is),
        (was, is) => was == is,
    });
    let is_as_it_was = match both {
        Some((was, is)) => is_same_key && was.attributes == is.attributes,
        None => is_new && seen.is_none(),
    };
    let asks_the_same = is_same_key && both.is_some_and(|(was, is)| was.asked == is.asked);
    let retry_now = seen.is_some();
    ledger.seen = seen;
    if !is_as_it_was {
        let before = ledger.generation;
        ledger.generation += 1;
        // What streams is not interrupted again for what was refused, while nothing else is asked for.
        ledger.refused = (ledger.refused.take())
            .filter(|refused| asks_the_same && refused.generation == before)
            .map(|refused| Verdict {
                generation: before + 1,
                ..refused
            });
        ledger.stuck = None;
        if let Some(wait) = ledger.quota_wait.as_mut() {
            // An edit may be all that was needed (another preset); the place in line stays.
            wait.turn = retry_now;
        }
    }
    if ledger.incarnation == 0 {
        ledger.incarnation = 1;
    }
    if let Some((item, wish)) = record {
        ledger.desired = match (&wish.desired, ledger.desired) {
            (Ok(desired), _) => Some(*desired),
            (Err(_), Some(record::DesiredState::Streaming)) if !wish.enabled => {
                Some(record::DesiredState::Ready)
            }
            // What an earlier record of this id wanted is no wish of this one.
            (Err(_), _) if is_new => Some(record::DesiredState::Ready),
            (Err(_), earlier) => earlier,
        };
        if !record::secrets_in(item).is_empty() {
            ledger.scrubbed = Some(ledger.generation);
        }
    } else {
        ledger.desired = Some(record::DesiredState::Removed);
    }
}

/// A create without an answer may have been sent again: what it makes is missing only when that is
/// long enough ago.
pub(super) fn note_unanswered(ledger: &mut Ledger) {
    let Some(intent) = &ledger.intent else { return };
    let sent = ledger::after(intent.until, -ledger::INTENT_SECONDS);
    let sought = match intent.operation.as_str() {
        "create-channel" => ledger.channel_sought.as_mut(),
        "create-input" => ledger.input_sought.as_mut(),
        _ => None,
    };
    if let Some(sought) = sought {
        sought.at = sought.at.max(sent);
    }
}

/// Notes what is gone. Gone is DELETED seen, or not found in two looks of which the last is at
/// least a minute after we learned of the thing.
pub(super) fn note_gone(now: Timestamp, ledger: &mut Ledger, look: &Look) {
    if look
        .channel
        .there()
        .is_some_and(|channel| channel.state == ChannelState::Deleted)
        && (ledger.channel.is_some() || ledger.channel_sought.is_some())
    {
        lose_channel(now, ledger);
    }
    if look
        .input
        .there()
        .is_some_and(|input| input.state == "DELETED")
        && (ledger.input.is_some() || ledger.input_sought.is_some())
    {
        ledger.forget_input();
    }
    if look.channel == Sight::NotFound && ledger.channel_deleted {
        lose_channel(now, ledger);
    }
    if look.input == Sight::NotFound && ledger.input_deleted {
        ledger.forget_input();
    }
    let due =
        |at: Option<Timestamp>| at.is_none_or(|at| now >= ledger::after(at, ledger::LAG_SECONDS));
    let channel_at = ledger
        .channel
        .as_ref()
        .map(|made| made.at)
        .or(ledger.channel_sought.as_ref().map(|sought| sought.at));
    let input_at = ledger
        .input
        .as_ref()
        .map(|made| made.at)
        .or(ledger.input_sought.as_ref().map(|sought| sought.at));
    let channel_missing =
        look.channel == Sight::NotFound && channel_at.is_some() && due(channel_at);
    let input_missing = look.input == Sight::NotFound && input_at.is_some() && due(input_at);
    if is_missing_again(now, channel_missing, &mut ledger.channel_missing_since) {
        lose_channel(now, ledger);
    }
    if is_missing_again(now, input_missing, &mut ledger.input_missing_since) {
        ledger.forget_input();
    }
    // What was found by name is known by id from now on.
    if let Some(channel) = look.channel.there()
        && channel.state != ChannelState::Deleted
        && ledger
            .channel
            .as_ref()
            .is_none_or(|made| made.id != channel.id)
    {
        ledger.channel = Some(ledger::Made {
            id: channel.id.clone(),
            at: now,
            address: String::new(),
        });
        // What it was made with is not known, and it is not the one that was deleted.
        ledger.on_air = None;
        ledger.channel_deleted = false;
    }
    if let Some(input) = look.input.there()
        && input.state != "DELETED"
    {
        let address = input.address.clone().unwrap_or_default();
        match ledger.input.as_mut() {
            Some(made) if made.id == input.id => {
                if !address.is_empty() {
                    made.address = address;
                }
            }
            _ => {
                ledger.input = Some(ledger::Made {
                    id: input.id.clone(),
                    at: now,
                    address,
                });
                ledger.input_deleted = false;
            }
        }
    }
    note_output(now, ledger, look);
}

/// A flow output is made anew as soon as it is missed; it is forgotten when it is missing a minute later,
/// for which only a destination that ends waits. Without its flow it is gone.
fn note_output(now: Timestamp, ledger: &mut Ledger, look: &Look) {
    if let Some(output) = &look.flow_output {
        ledger.flow_output_arn = Some(output.arn.clone());
    }
    let missing = look.flow_output.is_none() && ledger.flow_output_arn.is_some();
    let since = ledger.output_missing_since.unwrap_or(now);
    if missing && look.flow.is_some() && now < ledger::after(since, ledger::LAG_SECONDS) {
        ledger.output_missing_since = Some(since);
        return;
    }
    ledger.output_missing_since = None;
    if missing {
        ledger.flow_output_arn = None;
    }
}

/// True at the second look at which a thing is missing.
fn is_missing_again(now: Timestamp, missing: bool, since: &mut Option<Timestamp>) -> bool {
    let again = missing && since.is_some_and(|since| since < now);
    *since = (missing && !again).then(|| since.unwrap_or(now));
    again
}

/// Notes that the channel is gone, and counts it: one that is lost each time it is made is a matter
/// for a person.
fn lose_channel(now: Timestamp, ledger: &mut Ledger) {
    if ledger.channel.is_some() {
        Ledger::count_try(&mut ledger.lost, ledger.generation, now);
    }
    ledger.forget_channel();
}

pub(super) fn note_passing(now: Timestamp, ledger: &mut Ledger, look: &Look) {
    let state = look
        .channel
        .there()
        .map(|channel| &channel.state)
        .filter(|state| state.is_passing());
    match (state, &ledger.passing) {
        (None, _) => ledger.passing = None,
        (Some(state), Some(passing)) if passing.state == state.as_str() => {}
        (Some(state), _) => {
            ledger.passing = Some(Passing {
                state: state.as_str().to_owned(),
                since: now,
            })
        }
    }
    let state = look.channel.there().map(|channel| &channel.state);
    if state != Some(&ChannelState::Recovering) {
        ledger.recovering_since = None;
    } else {
        ledger.recovering_since.get_or_insert(now);
    }
    match state {
        // What recovers has run, seen or not.
        Some(state) if state.is_on_air() => {
            ledger.streaming_started_at.get_or_insert(now);
        }
        Some(ChannelState::Stopping) => {}
        _ => ledger.streaming_started_at = None,
    }
}

/// A channel that could not be brought up to date, or not be made twice, refuses the wish.
pub(super) fn note_failure(now: Timestamp, ledger: &mut Ledger, look: &Look, rules: &Rules) {
    let state = look.channel.there().map(|channel| &channel.state);
    let lost = Ledger::tries(&ledger.lost, ledger.generation, now);
    let problem = match state {
        Some(ChannelState::UpdateFailed) => Problem::new(
            Code::UpdateFailed,
            "MediaLive could not bring the channel up to date.",
        ),
        Some(ChannelState::CreateFailed) if lost + 1 >= rules.creates_max => {
            Problem::new(Code::CreateFailed, "MediaLive could not make the channel.")
        }
        _ => return,
    };
    ledger.refused = Some(Verdict {
        generation: ledger.generation,
        problem,
        again_at: None,
        heeded: true,
        keeps: false,
    });
}
