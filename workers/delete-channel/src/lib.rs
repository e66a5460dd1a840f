//! Deletes the channel: a stopped channel is billed until it is deleted.
//!
//! Runs twice: a channel that is gone or going is left alone.
//! Undone by: create-channel, in a new incarnation.

use cloud::{
    Cloud, Error,
    ledgers::Foresight,
    media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::look::ChannelState;

/// Deletes. Stale if the channel has to be stopped first, or if somebody knocked.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Ok(Done::new("already gone"));
    };
    if is_fresh(&input, cloud.now()) && seen.state == ChannelState::Deleting {
        return Ok(Done::new("already so"));
    }
    // A newer wish may want the channel that this one does not.
    let mut step =
        Step::open_unless_knocked(cloud, &input, "delete-channel", Foresight::default()).await?;
    if step.must_look {
        let state = media_live::describe_channel(clients, &seen.id)
            .await?
            .map(|channel| channel.state);
        if is_going(state.as_ref()) {
            step.ledger.channel_deleted = true;
            step.close().await?;
            return Ok(Done::new("already so"));
        }
    }
    match media_live::delete_channel(clients, &seen.id).await {
        Ok(()) => {
            step.ledger.channel_deleted = true;
            step.hand_on().await?;
            Ok(Done::new("deleted"))
        }
        Err(error) if error.is_not_found() => {
            step.ledger.channel_deleted = true;
            step.close().await?;
            Ok(Done::new("already gone"))
        }
        Err(error) if error.may_be_conflict() => {
            let state = media_live::describe_channel(clients, &seen.id)
                .await?
                .map(|channel| channel.state);
            step.ledger.channel_deleted = is_going(state.as_ref());
            step.close().await?;
            match state {
                state if is_going(state.as_ref()) => Ok(Done::new("already so")),
                Some(state) if state.counts_as_running() => {
                    Err(Error::Stale("The channel has to be stopped first.".into()))
                }
                _ => Err(Error::transient("The channel cannot be deleted yet.")),
            }
        }
        Err(error) => Err(step.close_with(error).await),
    }
}

/// Whether there is nothing left to delete. Not found is no proof: a look may be older than the channel.
fn is_going(state: Option<&ChannelState>) -> bool {
    matches!(state, Some(ChannelState::Deleting | ChannelState::Deleted))
}
