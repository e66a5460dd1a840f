//! Brings a stopped channel up to date with the record: address, key, encoder settings, input.
//!
//! Runs twice: what is up to date already is not sent again, and from before the call until its
//! answer the ledger does not claim to know what the channel runs with.
//! Undone by: another update-channel, with what is wanted then.

use cloud::{
    Cloud, Error,
    ledgers::{self, Foresight},
    makings::Makings,
    media_live, parameters,
    payload::{Done, StepInput},
    step::Step,
};
use domain::{
    ledger::Ledger,
    look::{ChannelState, KeyLook},
};

/// Updates, which is legal only while the channel is IDLE. Transient while the channel is UPDATING:
/// no event tells of its end (MediaLive user guide, events).
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let Some(seen) = &input.plan.look.channel else {
        return Err(Error::Stale(
            "There was no channel to update when this was planned.".into(),
        ));
    };
    if input.retry_count > 0 {
        let row = ledgers::read(clients, settings, &input.destination_id).await?;
        if row.holder.as_deref() == Some(input.execution.as_str()) && is_done(cloud, &row).await? {
            return settled(cloud, &seen.id).await;
        }
    }
    let foresight = Foresight {
        forget_on_air: true,
        ..Foresight::default()
    };
    let mut step = Step::open_unless_knocked(cloud, &input, "update-channel", foresight).await?;
    if step.must_look
        && media_live::describe_channel(clients, &seen.id)
            .await?
            .is_none_or(|channel| channel.state != ChannelState::Idle)
    {
        step.close().await?;
        return Err(Error::Stale(
            "The channel is not where it was when this was planned.".into(),
        ));
    }
    let makings = match Makings::gather(cloud, &step.ledger).await {
        Ok(Some(makings)) => makings,
        Ok(None) => {
            step.close().await?;
            return Err(Error::Stale(
                "There is nothing to update the channel with.".into(),
            ));
        }
        Err(error) => {
            step.close().await?;
            return Err(error);
        }
    };
    let body = makings.body();
    match media_live::update_channel(clients, settings, &input.destination_id, &seen.id, &body)
        .await
    {
        Ok(()) => {
            step.ledger.on_air = Some(makings.on_air());
            step.close().await?;
            settled(cloud, &seen.id).await
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Err(Error::Stale("The channel is gone.".into()))
        }
        Err(error) => Err(step.close_with(error).await),
    }
}

/// Whether an earlier try was answered: the channel has what the target asks for.
async fn is_done(cloud: &Cloud, row: &Ledger) -> Result<bool, Error> {
    let (Some(aim), Some(on_air), Some(made)) = (&row.target, &row.on_air, &row.input) else {
        return Ok(false);
    };
    let same = on_air.configuration == aim.configuration
        && on_air.settings == aim.configuration.settings_fingerprint()
        && on_air.retry == aim.retry
        && on_air.restarts == aim.restarts
        && on_air.input_id == made.id;
    if !same {
        return Ok(false);
    }
    let key = &aim.configuration.stream_key_param;
    let found = parameters::look(&cloud.clients, key).await?;
    Ok(matches!(found, KeyLook::Version(_)) && !found.is_another(on_air.key_version))
}

async fn settled(cloud: &Cloud, channel_id: &str) -> Result<Done, Error> {
    let seen = media_live::describe_channel(&cloud.clients, channel_id).await?;
    if seen.is_some_and(|channel| channel.state == ChannelState::Updating) {
        return Err(Error::transient("The channel is still being updated."));
    }
    Ok(Done::new("updated"))
}
