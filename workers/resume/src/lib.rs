//! Wakes whoever waits for a channel that has moved, or starts an execution if nobody does.
//!
//! Runs twice: a token that was used is gone, and an execution's name derives from its event.
//! Undone by: nothing; a wake-up is only a hint, and Plan looks.

use cloud::{
    Cloud, Error, events::eventbridge::EventBridgeEvent, executions, helpers, ledgers,
    payload::Done,
};
use domain::{
    look::{ChannelState, is_over},
    name,
};

/// Handles one event of MediaLive or MediaConnect. Events come late, twice, out of order, of things
/// that are not ours, or not at all.
pub async fn handle(cloud: &Cloud, event: EventBridgeEvent) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let channel_id = event
        .detail
        .get("channel_arn")
        .and_then(|arn| arn.as_str())
        .and_then(|arn| arn.rsplit(':').next());
    // Flow events say nothing of a destination; the sweep looks at the flow every minute.
    let Some(channel_id) = channel_id else {
        return Ok(Done::new("nothing to wake"));
    };
    let Some(helper) = helpers::read(clients, settings, &helpers::channel_key(channel_id)).await?
    else {
        return Ok(Done::new("not ours"));
    };
    let id = helper.serves;
    let row = ledgers::read(clients, settings, &id).await?;
    if row
        .channel
        .as_ref()
        .is_none_or(|channel| channel.id != channel_id)
    {
        return Ok(Done::new("of an earlier life"));
    }
    let state = event
        .detail
        .get("state")
        .and_then(|state| state.as_str())
        .map(|state| ChannelState::from(state.to_owned()));
    // An alert says nothing of where the channel is.
    let Some(state) = state else {
        return Ok(Done::new("nothing to wake"));
    };
    if let Some(wait) = &row.wait {
        if is_over(wait.until, &state) {
            executions::end_wait(clients, &wait.token, "event").await?;
            ledgers::forget_wait(clients, settings, &id, &wait.token).await?;
            return Ok(Done::new("woken"));
        }
        return Ok(Done::new("not yet over"));
    }
    let known = row
        .rest
        .as_ref()
        .is_some_and(|rest| rest.channel.as_deref() == Some(state.as_str()) || state.is_passing());
    if row.holder.is_some() || known {
        return Ok(Done::new("known"));
    }
    let name = name::execution(&id, &event.id.unwrap_or_default());
    executions::start(clients, settings, &name, &id).await?;
    Ok(Done::new("started"))
}
