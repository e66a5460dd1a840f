//! Closes an incident that has stayed quiet, and says what to tell; or says that it has begun again.
//!
//! Runs twice: whoever is noted as the one who closed it tells, and an end written twice is the same end.
//! Undone by: its own next look, if a word came in between.

use cloud::{
    Cloud, Error, Timestamp, helpers, incidents, outages,
    payload::{CloseInput, IncidentOutput, Next},
};
use domain::{
    incident::{Open, QUIET_SECONDS},
    ledger,
    telling::{self, Ending, Message},
};

/// Closes.
pub async fn handle(cloud: &Cloud, input: CloseInput) -> Result<IncidentOutput, Error> {
    let now = cloud.now();
    let key = outages::key(&input.destination_id, input.cause);
    let helper = helpers::read(&cloud.clients, &cloud.settings, &key).await?;
    let helper = helper.unwrap_or_default();
    let changes = helper.changes;
    let own = |open: &Open| open.incident_id == input.incident_id;
    let Some(open) = helper.open.filter(own) else {
        return closed_before(cloud, &input, now).await;
    };
    let look = incidents::look(cloud, &open, helper.accounted).await?;
    let cleared = match &look.outage {
        Some(outage) if outage.until.is_none() => {
            return Ok(says(Next::Again, &input, changes, now));
        }
        Some(outage) => outage.until,
        None => None,
    };
    // By a clock that runs ahead of ours it would never be quiet: then it counts when it was seen.
    let until = cleared.filter(|at| *at <= now).unwrap_or(input.until);
    // It came and went once more meanwhile. Half a second is what a look may be early.
    if ledger::after(until, QUIET_SECONDS).as_millisecond() > now.as_millisecond() + 500 {
        return Ok(says(Next::Again, &input, changes, now));
    }
    incidents::end(cloud, &open, until, look.ending, &input.execution).await?;
    if !outages::forget(cloud, &open, changes, cleared.or(Some(until))).await? {
        incidents::reopen(cloud, &open).await?;
        return Ok(says(Next::Again, &input, changes, now));
    }
    if open.told_by.is_none() {
        return Ok(says(Next::Over, &input, changes, now));
    }
    Ok(tells(&input, &open, until, look.ending, now))
}

/// It is open no more: closed by another execution, or by an earlier try of this one, whose answer was
/// lost and who has told nobody.
async fn closed_before(
    cloud: &Cloud,
    input: &CloseInput,
    now: Timestamp,
) -> Result<IncidentOutput, Error> {
    let open = Open {
        incident_id: input.incident_id.clone(),
        ..Open::new(&input.destination_id, "", input.cause, input.since)
    };
    let written = incidents::end_written_by(cloud, &open, &input.execution).await?;
    if let Some((until, ending)) = written {
        return Ok(tells(input, &open, until, ending, now));
    }
    Ok(says(Next::Over, input, 0, now))
}

fn tells(
    input: &CloseInput,
    open: &Open,
    until: Timestamp,
    ending: Ending,
    now: Timestamp,
) -> IncidentOutput {
    IncidentOutput {
        message: telling::of_recovery(open, until, ending),
        ..says(Next::Tell, input, 0, now)
    }
}

fn says(next: Next, input: &CloseInput, changes: u64, now: Timestamp) -> IncidentOutput {
    IncidentOutput {
        next,
        incident_id: input.incident_id.clone(),
        since: input.since,
        look_at: now,
        wait_seconds: 1,
        until: input.until,
        changes,
        looks: input.looks,
        message: Message::default(),
    }
}
