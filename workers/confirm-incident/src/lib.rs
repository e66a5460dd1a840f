//! Looks whether what an event hinted at is so, notes it for people and for Plan, and says what comes next.
//!
//! Runs twice: whoever is noted as the one who tells tells, and the same look writes the same.
//! Undone by: close-incident, or its own next look, when it is over.

use cloud::{
    Cloud, Error, Timestamp, executions, helpers,
    incidents::{self, Look},
    outages,
    payload::{ConfirmInput, IncidentOutput, Next},
};
use domain::{
    incident::{Cause, FLOW, Open, Outage, QUIET_SECONDS, Trouble, incident_id},
    ledger, name,
    telling::{self, Message},
};

/// How long it watches without a word before it looks by itself, seconds: events are best effort, and
/// the sweep hears of what they missed within minutes.
const LOOK_SECONDS: i64 = 900;
/// The same where no list of AWS's can be asked, or where somebody else was to tell, seconds.
const SOON_SECONDS: i64 = 60;

/// Looks of one execution, then another one goes on: a platform that takes the stream and closes it again
/// and again is news several times a minute, and 25,000 history events end an execution.
const LOOKS_MAX: u64 = 100;

/// Confirms, or says that it is over, or that another execution is to go on.
pub async fn handle(cloud: &Cloud, input: ConfirmInput) -> Result<IncidentOutput, Error> {
    let looks = input.looks + 1;
    let says = confirm(cloud, input).await?;
    let goes_on = matches!(says.next, Next::Debounce | Next::Watch | Next::Quiet);
    let next = match goes_on && looks >= LOOKS_MAX {
        true => Next::HandOver,
        false => says.next,
    };
    Ok(IncidentOutput {
        next,
        looks,
        ..says
    })
}

async fn confirm(cloud: &Cloud, input: ConfirmInput) -> Result<IncidentOutput, Error> {
    let now = cloud.now();
    if input.cause == Cause::Limit {
        return limit(cloud, input).await;
    }
    let key = outages::key(&input.destination_id, input.cause);
    let helper = helpers::read(&cloud.clients, &cloud.settings, &key).await?;
    let helper = helper.unwrap_or_default();
    let changes = helper.changes;
    let told = helper.told;
    let me = Some(&input.execution);
    // Its key may have changed since this execution began: it had begun earlier than was heard.
    let own = |open: &Open| open.incident_id == input.incident_id || open.watched_by.as_ref() == me;
    let Some(open) = helper.open.filter(own) else {
        let gone = Open {
            incident_id: input.incident_id.clone(),
            ..Open::new(&input.destination_id, "", input.cause, now)
        };
        return Ok(says(Next::Over, &gone, changes, now));
    };
    let look = incidents::look(cloud, &open, helper.accounted).await?;
    let mut next = Open {
        watched_by: Some(input.execution.clone()),
        ..open.clone()
    };
    let told = input.told.done || told.as_ref() == Some(&open.incident_id);
    let lasts = |outage: &&Outage| outage.until.is_none() || !open.kept;
    let Some(outage) = look.outage.as_ref().filter(lasts) else {
        show(cloud, &open, &look, None).await?;
        if !open.kept {
            return forget(cloud, &open, changes, now).await;
        }
        // Whoever was to tell it may not have got there before it was over.
        let owed = open.told_by.is_some() && open.is_to_tell(&input.execution, told, now);
        if owed {
            next.tell(&input.execution, now);
        }
        note(cloud, &open, &next).await?;
        if owed {
            return Ok(IncidentOutput {
                wait_seconds: 1,
                ..tells(cloud, &next, &look, changes, now)
            });
        }
        let until = look.outage.as_ref().and_then(|outage| outage.until);
        let over_at = until.or(look.over_at).unwrap_or(now);
        return Ok(quiet(&next, changes, now, over_at));
    };
    // By a clock that runs ahead of ours: since we heard of it.
    let heard = |time: Timestamp| if time > now { open.since } else { time };
    let set_since = outage.set_since.map(heard);
    if let Some(since) = set_since
        && let confirmed_at = ledger::after(since, open.cause.debounce_seconds())
        && now < confirmed_at
    {
        note(cloud, &open, &next).await?;
        return Ok(IncidentOutput {
            look_at: confirmed_at,
            ..says(Next::Debounce, &next, changes, now)
        });
    }
    if !open.kept {
        next.since = heard(outage.since);
        next.incident_id = incident_id(open.cause, next.since);
    }
    next.part_of = part_of(cloud, &next).await?;
    next.kept = true;
    let tells_now = next.part_of.is_none() && open.is_to_tell(&input.execution, told, now);
    // Before it is noted who tells: whoever fails here is not to be waited for.
    let trouble = set_since.map(|since| Trouble {
        channel_id: open.channel_id.clone(),
        since: outage.failing_since.map_or(since, heard),
        alert_types: outage.alert_types.clone(),
    });
    show(cloud, &open, &look, trouble).await?;
    if tells_now {
        next.tell(&input.execution, now);
    }
    if tells_now || !open.kept || next.part_of != open.part_of {
        let told_at = tells_now.then_some(now);
        incidents::keep(cloud, &next, &outage.alert_types, told_at).await?;
    }
    note(cloud, &open, &next).await?;
    let mut says = match tells_now {
        true => tells(cloud, &next, &look, changes, now),
        false => says(Next::Watch, &next, changes, now),
    };
    if outage.until.is_some() {
        // Noticed when it was over already: told all the same, and soon told to be over.
        says.wait_seconds = 1;
    }
    Ok(says)
}

/// With the message for people.
fn tells(cloud: &Cloud, open: &Open, look: &Look, changes: u64, now: Timestamp) -> IncidentOutput {
    let names: Vec<String> = look.running.keys().cloned().collect();
    IncidentOutput {
        message: telling::of_incident(open, &names, &cloud.settings.runbooks),
        ..says(Next::Tell, open, changes, now)
    }
}

/// A limit is decided by Plan and needs no look. It is told by the execution that is noted, once.
async fn limit(cloud: &Cloud, input: ConfirmInput) -> Result<IncidentOutput, Error> {
    let now = cloud.now();
    let open = Open {
        incident_id: input.incident_id,
        ..Open::new(&input.destination_id, "", input.cause, now)
    };
    let told = input.told.done
        || !incidents::keep_limit(cloud, &open, &input.message, &input.execution).await?;
    let next = if told { Next::Over } else { Next::Tell };
    Ok(IncidentOutput {
        message: input.message,
        ..says(next, &open, 0, now)
    })
}

/// The incident of the flow that is told in the place of this one.
async fn part_of(cloud: &Cloud, open: &Open) -> Result<Option<String>, Error> {
    if open.cause != Cause::InputLoss || open.destination_id == FLOW || open.told_by.is_some() {
        return Ok(None);
    }
    let flow = incidents::feed_loss(cloud, open).await?;
    Ok(flow.map(|flow| flow.incident_id))
}

/// Ends what never was an incident, unless there was another word just now.
async fn forget(
    cloud: &Cloud,
    open: &Open,
    changes: u64,
    now: Timestamp,
) -> Result<IncidentOutput, Error> {
    if outages::forget(cloud, open, changes, None).await? {
        return Ok(says(Next::Over, open, changes, now));
    }
    Ok(IncidentOutput {
        look_at: ledger::after(now, open.cause.debounce_seconds()),
        ..says(Next::Debounce, open, changes, now)
    })
}

/// Writes what this look has learned.
async fn note(cloud: &Cloud, before: &Open, after: &Open) -> Result<(), Error> {
    match outages::note(cloud, before, after).await? {
        true => Ok(()),
        false => Err(Error::transient(
            "Another execution looks at the same incident.",
        )),
    }
}

/// Shows the trouble to Plan, or that there is none, and wakes it if that is news.
async fn show(
    cloud: &Cloud,
    open: &Open,
    look: &Look,
    trouble: Option<Trouble>,
) -> Result<(), Error> {
    let Some(row) = &look.row else {
        return Ok(());
    };
    let because = match &trouble {
        Some(trouble) => format!("{} since {}", open.incident_id, trouble.since),
        None => format!("{} over at {}", open.incident_id, cloud.now().as_second()),
    };
    if outages::show(cloud, row, open.cause, trouble).await? {
        let id = &open.destination_id;
        let name = name::execution(id, &name::short_hash(&because));
        executions::start(&cloud.clients, &cloud.settings, &name, id).await?;
    }
    Ok(())
}

/// Over, if it stays so for the quiet time.
fn quiet(open: &Open, changes: u64, now: Timestamp, over_at: Timestamp) -> IncidentOutput {
    let until = over_at.min(now);
    let left = ledger::after(until, QUIET_SECONDS).as_second() - now.as_second();
    IncidentOutput {
        until,
        // Step Functions takes a timeout from one second on.
        wait_seconds: left.max(1),
        ..says(Next::Quiet, open, changes, now)
    }
}

fn says(next: Next, open: &Open, changes: u64, now: Timestamp) -> IncidentOutput {
    let soon = open.destination_id == FLOW || open.part_of.is_some();
    IncidentOutput {
        next,
        incident_id: open.incident_id.clone(),
        since: open.since,
        look_at: now,
        wait_seconds: if soon { SOON_SECONDS } else { LOOK_SECONDS },
        until: now,
        changes,
        looks: 0,
        message: Message::default(),
    }
}
