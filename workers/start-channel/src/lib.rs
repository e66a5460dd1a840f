//! Starts the channel. From here on every minute costs, at least ten of them.
//!
//! Runs twice: a channel that is on its way up is left alone, and the planner counts the starts.
//! Undone by: stop-channel.

use cloud::{
    Cloud, Error,
    fault::CallError,
    ledgers::Foresight,
    media_live,
    payload::{StepInput, Taken},
    step::{Step, is_fresh},
};
use domain::{
    heard,
    ledger::{Attempt, Ledger},
    look::ChannelState,
};

/// Starts. Transient while the channel is in a state that does not allow it.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Taken, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Err(Error::Stale(
            "There was no channel to start when this was planned.".into(),
        ));
    };
    if is_fresh(&input, cloud.now()) && seen.state.is_up() {
        return Ok(Taken::no_call("already so"));
    }
    let sent = cloud.now();
    let start = Attempt {
        // Where no answer tells, it is billed from here at the earliest.
        taken_at: Some(sent.max(input.entered_at)),
        // The same for every retry of this state, of which at most one sends a start that takes.
        ..Attempt::new(input.plan.generation, input.entered_at)
    };
    let foresight = Foresight {
        start: Some(start),
        ..Foresight::default()
    };
    let mut step = Step::open_unless_knocked(cloud, &input, "start-channel", foresight).await?;
    if step.must_look {
        match media_live::describe_channel(clients, &seen.id).await? {
            Some(channel) if channel.state.is_up() => {
                step.close().await?;
                return Ok(Taken::no_call("already so"));
            }
            Some(channel) if channel.state == ChannelState::Idle => {}
            _ => {
                Ledger::take_back(&mut step.ledger.starts);
                step.close().await?;
                return Err(Error::Stale(
                    "The channel is not where it was when this was planned.".into(),
                ));
            }
        }
    }
    match media_live::start_channel(clients, &seen.id).await {
        Ok(told) => {
            step.hand_on().await?;
            Ok(Taken {
                did: "started".to_owned(),
                taken_at: told.and_then(|told| heard::answered_at(told, sent, cloud.now())),
                refused: false,
            })
        }
        // A state that does not allow it comes as 409, while being made as 400: never interpreted,
        // always looked at. A retry looks first.
        Err(error) if error.may_be_conflict() && input.retry_count < 3 => {
            Ledger::take_back(&mut step.ledger.starts);
            step.close().await?;
            Err(Error::transient("The channel cannot be started yet."))
        }
        Err(error) if error.is_not_found() => {
            Ledger::take_back(&mut step.ledger.starts);
            step.close().await?;
            Err(Error::Stale("The channel is gone.".into()))
        }
        Err(error) => {
            if let CallError::Refused(_) = error {
                // A start that never was does not count.
                Ledger::take_back(&mut step.ledger.starts);
            }
            Err(step.close_with(error).await)
        }
    }
}
