//! Brings a stopped channel up to date with the record: address, key, encoder settings, input.
//!
//! Runs twice: the whole body is sent each time, and from before the call until its answer the
//! ledger does not claim to know what the channel runs with.
//! Undone by: another update-channel, with what is wanted then.

use cloud::{
    Cloud, Error,
    ledgers::Foresight,
    media_live::{self, ChannelBody},
    parameters,
    payload::{Done, StepInput},
    step::Step,
};
use domain::{ledger::OnAir, look::ChannelState};

/// Updates. Legal only while the channel is IDLE.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let Some(seen) = &input.plan.look.channel else {
        return Err(Error::Stale(
            "There was no channel to update when this was planned.".into(),
        ));
    };
    let foresight = Foresight {
        forget_on_air: true,
        ..Foresight::default()
    };
    let mut step = Step::open_to_make(cloud, &input, "update-channel", foresight).await?;
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
    let (Some(aim), Some(made)) = (step.ledger.target.clone(), step.ledger.input.clone()) else {
        step.close().await?;
        return Err(Error::Stale(
            "There is nothing to update the channel with.".into(),
        ));
    };
    let (key, key_version) =
        match parameters::read(clients, &aim.configuration.stream_key_param).await {
            Ok(read) => read,
            Err(error) => {
                step.close().await?;
                return Err(error);
            }
        };
    let body = ChannelBody {
        configuration: &aim.configuration,
        input_id: &made.id,
        key: &key,
    };
    match media_live::update_channel(clients, settings, &input.destination_id, &seen.id, &body)
        .await
    {
        Ok(()) => {
            step.ledger.on_air = Some(OnAir {
                settings: aim.configuration.settings_fingerprint(),
                configuration: aim.configuration,
                key_version,
                input_id: made.id,
                retry: aim.retry,
            });
            step.close().await?;
            Ok(Done::new("updated"))
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Err(Error::Stale("The channel is gone.".into()))
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
