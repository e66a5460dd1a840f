//! Stores the token of a state that waits for the channel, then finds out whether it has to wait at all.
//!
//! Right after an answered act there is nothing to look at yet: the event, an edit or the sweep ends
//! the wait. Otherwise it looks.
//!
//! Runs twice: the newest token is the one that counts, and a late answer is swallowed.
//! Undone by: resume, sweep or claim, which end the wait.

use cloud::{
    Cloud, Error, executions, ledgers, media_live,
    payload::{Done, PollInput},
};
use domain::{
    heard::{self, Beginning},
    ledger::{self, Ledger, Until, Wait},
    look,
};

/// Begins the wait, or ends it at once.
pub async fn handle(cloud: &Cloud, input: PollInput) -> Result<Done, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let id = &input.destination_id;
    let wait = Wait {
        token: input.task_token.clone(),
        until: input.until,
        since: now,
        taken_at: input.taken_at,
    };
    // First the token, then the look: a change in between finds somebody to wake.
    let row = match ledgers::begin_wait(clients, settings, id, input.holder(), &wait).await {
        Ok(row) => row,
        Err(stale @ Error::Stale(_)) => {
            // Let the state machine go on to Plan, which tells it to end.
            executions::end_wait(clients, &input.task_token, "not the holder").await?;
            return Err(stale);
        }
        Err(error) => return Err(error),
    };
    let because = if row.knock != input.plan.knock {
        Some("edited")
    } else {
        match heard::beginning(&row, input.until, input.plan.looked_at) {
            // The event, an edit or the sweep ends the wait.
            Beginning::JustSent => None,
            Beginning::OverAlready => Some("heard already"),
            Beginning::Unknown => look(cloud, &row, &wait).await?,
        }
    };
    let Some(because) = because else {
        return Ok(Done::new("waiting"));
    };
    executions::end_wait(clients, &input.task_token, because).await?;
    Ok(Done::new(because))
}

/// Why there is nothing to wait for, if so.
async fn look(cloud: &Cloud, row: &Ledger, wait: &Wait) -> Result<Option<&'static str>, Error> {
    let now = wait.since;
    if wait.until == Until::Turn {
        let is_due = row.place.as_ref().is_none_or(|place| place.at <= now);
        return Ok(is_due.then_some("its turn has come"));
    }
    let Some(channel) = &row.channel else {
        return Ok(Some("no channel"));
    };
    Ok(
        match media_live::describe_channel(&cloud.clients, &channel.id).await? {
            // Just made and not found yet, or gone: Plan can tell, unless it has just been made.
            None => (now >= ledger::after(channel.at, ledger::LAG_SECONDS)).then_some("not found"),
            Some(seen) => look::is_wait_over(now, wait, &seen.state).then_some("already there"),
        },
    )
}
