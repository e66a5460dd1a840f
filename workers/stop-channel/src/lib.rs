//! Stops the channel. A stop always wins.
//!
//! Runs twice: a channel that is down, on its way down or gone is left alone.
//! Undone by: start-channel, if the record wants that.

use cloud::{
    Cloud, Error, media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::look::ChannelState;

/// Stops. A refusal while the channel starts is no error: the next state decides.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Ok(Done::new("already gone"));
    };
    if is_fresh(&input, cloud.now()) && !seen.state.is_up() {
        return Ok(Done::new("already so"));
    }
    let step = Step::open_to_unmake(cloud, &input, "stop-channel").await?;
    if step.must_look
        && media_live::describe_channel(clients, &seen.id)
            .await?
            .is_none_or(|channel| !channel.state.is_up())
    {
        step.close().await?;
        return Ok(Done::new("already so"));
    }
    match media_live::stop_channel(clients, &seen.id).await {
        Ok(()) => {
            step.hand_on().await?;
            Ok(Done::new("stopped"))
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Ok(Done::new("already gone"))
        }
        Err(error) if error.may_be_conflict() => {
            let state = media_live::describe_channel(clients, &seen.id)
                .await?
                .map(|channel| channel.state);
            step.close().await?;
            match state {
                Some(ChannelState::Starting) => Ok(Done::new("waiting for the next state")),
                Some(state) if state.is_on_air() => {
                    Err(Error::transient("The channel cannot be stopped yet."))
                }
                _ => Ok(Done::new("already so")),
            }
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
