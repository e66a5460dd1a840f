//! Starts the channel. From here on every minute costs, at least ten of them.
//!
//! Runs twice: a channel that is on its way up is left alone, and the planner counts the starts.
//! Undone by: stop-channel.

use cloud::{
    Cloud, Error,
    fault::CallError,
    ledgers::Foresight,
    media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::{
    ledger::{Attempt, Ledger},
    look::ChannelState,
};

/// Starts. Transient while the channel is in a state that does not allow it.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Err(Error::Stale(
            "There was no channel to start when this was planned.".into(),
        ));
    };
    if is_fresh(&input, cloud.now()) && seen.state.is_up() {
        return Ok(Done::new("already so"));
    }
    let start = Attempt {
        generation: input.plan.generation,
        // The same for every retry of this state, of which at most one sends a start that takes.
        at: input.entered_at,
    };
    let foresight = Foresight {
        start: Some(start),
        ..Foresight::default()
    };
    let mut step = Step::open_to_make(cloud, &input, "start-channel", foresight).await?;
    if step.must_look {
        match media_live::describe_channel(clients, &seen.id).await? {
            Some(channel) if channel.state.is_up() => {
                step.close().await?;
                return Ok(Done::new("already so"));
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
        Ok(()) => {
            step.hand_on().await?;
            Ok(Done::new("started"))
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
