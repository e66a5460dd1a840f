//! Deletes the channel: a stopped channel is billed until it is deleted.
//!
//! Runs twice: a channel that is gone or going is left alone.
//! Undone by: create-channel, in a new incarnation.

use cloud::{
    Cloud, Error, media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::look::ChannelState;

/// Deletes. Stale if the channel has to be stopped first.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Ok(Done::new("already gone"));
    };
    if is_fresh(&input, cloud.now()) && seen.state == ChannelState::Deleting {
        return Ok(Done::new("already so"));
    }
    let mut step = Step::open_to_unmake(cloud, &input, "delete-channel").await?;
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
            step.ledger.channel_deleted = matches!(
                state,
                None | Some(ChannelState::Deleting | ChannelState::Deleted)
            );
            step.close().await?;
            match state {
                None | Some(ChannelState::Deleting | ChannelState::Deleted) => {
                    Ok(Done::new("already so"))
                }
                Some(state) if state.counts_as_running() => {
                    Err(Error::Stale("The channel has to be stopped first.".into()))
                }
                Some(_) => Err(Error::transient("The channel cannot be deleted yet.")),
            }
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
