//! Wakes whoever waits for a channel that has moved, or starts an execution if nobody does.
//!
//! Runs twice: a token that was used is gone, and an execution's name derives from its event.
//! Undone by: nothing; a wake-up is only a hint, and Plan looks.

use cloud::{
    Cloud, Error, events::eventbridge::EventBridgeEvent, executions, helpers, ledgers,
    payload::Done,
};
use domain::{
    heard::Heard,
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
    let state = event
        .detail
        .get("state")
        .and_then(|state| state.as_str())
        .map(|state| ChannelState::from(state.to_owned()));
    // An alert says nothing of where the channel is, and nobody waits for what only passes.
    let Some(state) = state.filter(|state| !state.is_passing()) else {
        return Ok(Done::new("nothing to wake"));
    };
    let Some(helper) = helpers::read(clients, settings, &helpers::channel_key(channel_id)).await?
    else {
        return Ok(Done::new("not ours"));
    };
    let id = helper.serves;
    // Noted before anybody is woken: Plan may go by it, and a wait that is about to begin sees it.
    let told = event.time.map_or(0, |time| time.timestamp());
    let heard = Heard::new(channel_id, state.clone(), told);
    let Some(row) = ledgers::hear(clients, settings, &id, &heard).await? else {
        return Ok(Done::new("of an earlier life"));
    };
    if let Some(wait) = &row.wait {
        if is_over(wait.until, &state) {
            executions::end_wait(clients, &wait.token, "event").await?;
            return Ok(Done::new("woken"));
        }
        return Ok(Done::new("not yet over"));
    }
    let known = row
        .rest
        .as_ref()
        .is_some_and(|rest| rest.channel.as_deref() == Some(state.as_str()));
    if row.holder.is_some() || known {
        return Ok(Done::new("known"));
    }
    let name = name::execution(&id, &event.id.unwrap_or_default());
    executions::start(clients, settings, &name, &id).await?;
    Ok(Done::new("started"))
}
