//! What is not certain yet: acts without an answer, and things that are not found.

use super::{Lane, Level, target::Target};
use crate::{
    ledger::{self, Ledger},
    look::{ChannelState, Look, Sight},
};
use jiff::Timestamp;

/// Between the two looks at a thing that is not found.
const SECOND_LOOK_SECONDS: i64 = 5;

/// Whether a lane does, or only waits for, what an unknown outcome was about.
pub(super) fn repeats(lane: Lane, operation: &str) -> bool {
    let operations: &[&str] = match lane {
        Lane::Provision => &["create-input", "add-flow-output", "create-channel"],
        Lane::Start => &["start-flow", "enable-flow-output", "start-channel"],
        Lane::Stop => &["stop-channel", "disable-flow-output"],
        Lane::Teardown => &["delete-channel", "remove-flow-output", "delete-input"],
        Lane::WaitForChannel | Lane::WaitUntil | Lane::AwaitTurn => return true,
        // An update that lands late would put an older body over a newer one.
        Lane::Change | Lane::Release => &[],
    };
    operations.contains(&operation)
}

/// Whether the look shows the effect of an act, so that its outcome is known.
pub(super) fn has_landed(operation: &str, look: &Look) -> bool {
    use ChannelState as S;
    let state = look.channel.there().map(|channel| &channel.state);
    let enabled = look.flow_output.as_ref().map(|output| output.enabled);
    match operation {
        "create-input" => look.input.there().is_some(),
        "add-flow-output" => enabled.is_some(),
        "create-channel" => state.is_some(),
        "start-flow" => look
            .flow
            .as_ref()
            .is_some_and(|flow| flow.is_up() || flow.status == "STARTING"),
        "enable-flow-output" => enabled == Some(true),
        "disable-flow-output" => enabled != Some(true),
        "start-channel" => matches!(state, Some(S::Starting | S::Running | S::Recovering)),
        "stop-channel" => matches!(state, Some(S::Stopping | S::Idle)),
        "update-channel" => matches!(state, Some(S::Updating | S::UpdateFailed)),
        "delete-channel" => matches!(state, None | Some(S::Deleting | S::Deleted)),
        "remove-flow-output" => enabled.is_none(),
        "delete-input" => look
            .input
            .there()
            .is_none_or(|input| matches!(input.state.as_str(), "DELETING" | "DELETED")),
        _ => false,
    }
}

/// A thing we know of, or asked for, is not found: until when to look again before it is gone.
pub(super) fn second_look(
    now: Timestamp,
    target: &Target,
    ledger: &Ledger,
    look: &Look,
) -> Option<Timestamp> {
    let unmake = target.level == Level::Gone;
    let channel = (look.channel == Sight::NotFound)
        .then(|| {
            ledger.channel.as_ref().map(|made| made.at).or(ledger
                .channel_sought
                .as_ref()
                .map(|sought| sought.at)
                .filter(|_| unmake))
        })
        .flatten();
    let input = (look.input == Sight::NotFound)
        .then(|| {
            ledger.input.as_ref().map(|made| made.at).or(ledger
                .input_sought
                .as_ref()
                .map(|sought| sought.at)
                .filter(|_| unmake))
        })
        .flatten();
    let at = channel.into_iter().chain(input).max()?;
    let lag_over = ledger::after(at, ledger::LAG_SECONDS);
    Some(if now < lag_over {
        lag_over
    } else {
        ledger::after(now, SECOND_LOOK_SECONDS)
    })
}
