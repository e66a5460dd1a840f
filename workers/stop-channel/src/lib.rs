//! Stops the channel. A stop always wins.
//!
//! Runs twice: a channel that is down, on its way down or gone is left alone.
//! Undone by: start-channel, if the record wants that.

use cloud::{
    Cloud, Error, media_live,
    payload::{StepInput, Taken},
    step::{Step, is_fresh},
};
use domain::{heard, look::ChannelState};

/// Stops. A refusal while the channel starts is no error: the next state decides.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Taken, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.channel else {
        return Ok(Taken::no_call("already gone"));
    };
    if is_fresh(&input, cloud.now()) && !seen.state.is_up() {
        return Ok(Taken::no_call("already so"));
    }
    let step = Step::open_to_unmake(cloud, &input, "stop-channel").await?;
    if step.must_look
        && media_live::describe_channel(clients, &seen.id)
            .await?
            .is_none_or(|channel| !channel.state.is_up())
    {
        step.close().await?;
        return Ok(Taken::no_call("already so"));
    }
    let sent = cloud.now();
    match media_live::stop_channel(clients, &seen.id).await {
        Ok(told) => {
            step.hand_on().await?;
            Ok(Taken {
                did: "stopped".to_owned(),
                taken_at: told.and_then(|told| heard::answered_at(told, sent, cloud.now())),
                refused: false,
            })
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Ok(Taken::no_call("already gone"))
        }
        Err(error) if error.may_be_conflict() => {
            let state = media_live::describe_channel(clients, &seen.id)
                .await?
                .map(|channel| channel.state);
            step.close().await?;
            match state {
                Some(ChannelState::Starting) => Ok(Taken {
                    refused: true,
                    ..Taken::no_call("waiting for the next state")
                }),
                Some(state) if state.is_on_air() => {
                    Err(Error::transient("The channel cannot be stopped yet."))
                }
                _ => Ok(Taken::no_call("already so")),
            }
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
