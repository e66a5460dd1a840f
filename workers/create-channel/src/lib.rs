//! Creates the destination's MediaLive channel, stopped.
//!
//! Runs twice: name and request id are the same within an incarnation, and a retry looks first.
//! Undone by: delete-channel.

use cloud::{
    Cloud, Error, helpers, inputs,
    ledgers::Foresight,
    makings::Makings,
    media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::ledger::{Made, Sought};

const NOT_READY: &str = "The input is not ready for a channel yet.";

async fn is_ready(cloud: &Cloud, input_id: &str) -> Result<bool, Error> {
    let input = inputs::describe(&cloud.clients, input_id).await?;
    Ok(input.is_some_and(|input| input.state == "DETACHED"))
}

/// Creates, or finds what an earlier try created. Transient while the input is not ready for it.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &input.destination_id;
    // By a clock that runs behind, what was made just now would be so old that it should be listed.
    let now = cloud.now().max(input.entered_at);
    if is_fresh(&input, now) && input.plan.look.channel.is_some() {
        return Ok(Done::new("already so"));
    }
    let sought = Sought {
        incarnation: input.plan.incarnation,
        at: now,
    };
    let foresight = Foresight {
        channel_sought: Some(sought),
        ..Foresight::default()
    };
    let mut step = Step::open_unless_knocked(cloud, &input, "create-channel", foresight).await?;
    if step.must_look {
        let listed = media_live::list_channels(clients).await?;
        let sought = step.ledger.channel_sought.as_ref();
        if let Some(own) = media_live::own(&listed, &settings.stack, id, sought)
            .filter(|own| own.state != "DELETED")
        {
            // What it was made with is uncertain: no snapshot, so Change brings it up to date.
            let channel_id = own.id.clone();
            step.ledger.channel = Some(Made {
                id: channel_id.clone(),
                at: now,
                address: String::new(),
            });
            step.close().await?;
            helpers::note_channel(clients, settings, &channel_id, id).await?;
            return Ok(Done::new("found"));
        }
    }
    // A detached input lags the end of the channel before by up to a minute: refused once, it is
    // looked at before the next try.
    if input.retry_count > 0
        && let Some(made) = step.ledger.input.clone()
        && !is_ready(cloud, &made.id).await?
    {
        step.close_unmade().await?;
        return Err(Error::transient(NOT_READY));
    }
    let makings = match Makings::gather(cloud, &step.ledger).await {
        Ok(Some(makings)) => makings,
        Ok(None) => {
            step.close_unmade().await?;
            return Err(Error::Stale(
                "There is nothing to make a channel of.".into(),
            ));
        }
        Err(error) => {
            step.close_unmade().await?;
            return Err(error);
        }
    };
    let incarnation = step
        .ledger
        .channel_sought
        .as_ref()
        .map_or(input.plan.incarnation, |sought| sought.incarnation);
    match media_live::create_channel(clients, settings, id, incarnation, &makings.body()).await {
        Ok(channel) => {
            step.ledger.channel = Some(Made {
                id: channel.id.clone(),
                at: now,
                address: String::new(),
            });
            // This body is the channel's only if no earlier create can have landed instead: AWS
            // answers a repeated request id with the channel it made first.
            let first = step
                .ledger
                .channel_sought
                .as_ref()
                .is_some_and(|sought| sought.at == now);
            step.ledger.on_air = first.then(|| makings.on_air());
            step.hand_on().await?;
            helpers::note_channel(clients, settings, &channel.id, id).await?;
            Ok(Done::new("created"))
        }
        Err(error) if error.may_be_conflict() => {
            let ready = is_ready(cloud, makings.input_id()).await?;
            step.close_unmade().await?;
            if ready {
                Err(error.into())
            } else {
                Err(Error::transient(NOT_READY))
            }
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
