//! Stores the token of a state that waits for the channel, then looks whether it has to wait at all.
//!
//! Runs twice: the newest token is the one that counts, and a late answer is swallowed.
//! Undone by: resume, sweep or claim, which end the wait.

use cloud::{
    Cloud, Error, executions, ledgers, media_live,
    payload::{Done, PollInput},
};
use domain::{ledger::Wait, look};

/// Begins the wait, or ends it at once.
pub async fn handle(cloud: &Cloud, input: PollInput) -> Result<Done, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let id = &input.destination_id;
    let wait = Wait {
        token: input.task_token.clone(),
        until: input.until,
        since: now,
    };
    // First the token, then the look: a change in between finds somebody to wake.
    let ledger = match ledgers::begin_wait(clients, settings, id, &input.execution, &wait).await {
        Ok(ledger) => ledger,
        Err(stale @ Error::Stale(_)) => {
            // Let the state machine go on to Plan, which tells it to end.
            executions::end_wait(clients, &input.task_token, "not the holder").await?;
            return Err(stale);
        }
        Err(error) => return Err(error),
    };
    let because = if ledger.knock != input.plan.knock {
        Some("edited")
    } else {
        match &ledger.channel {
            None => Some("no channel"),
            Some(channel) => match media_live::describe_channel(clients, &channel.id).await? {
                // Just made and not found yet, or gone: Plan can tell, unless it has just been made.
                None if now >= domain::ledger::after(channel.at, domain::ledger::LAG_SECONDS) => {
                    Some("not found")
                }
                None => None,
                Some(seen) => {
                    look::is_wait_over(now, &wait, &seen.state).then_some("already there")
                }
            },
        }
    };
    let Some(because) = because else {
        return Ok(Done::new("waiting"));
    };
    executions::end_wait(clients, &input.task_token, because).await?;
    ledgers::forget_wait(clients, settings, id, &input.task_token).await?;
    Ok(Done::new(because))
}
