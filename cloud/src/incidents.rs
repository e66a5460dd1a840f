//! The table of incidents: one item for each outage that lasted, for people to read; and the look at how
//! things stand, at the channel or at the flow.

use crate::{
    Cloud, helpers, ledgers, media_connect, media_live, outages,
    settings::Settings,
    table::{self, Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    incident::{self, Cause, FLOW, Open, Outage},
    ledger::{self, Ledger},
    news::{self, Input, Running},
    telling::{self, Ending, Message},
};
use jiff::Timestamp;
use serde::Deserialize;

/// How long an item stays: a year and a month, so that last year's show can be looked up.
const KEEP_SECONDS: i64 = 400 * 24 * 3600;

/// A channel that has run for less than this says nothing of the feed yet: its alerts may be on their way.
const FRESH_SECONDS: i64 = 60;

/// How things stand.
pub struct Look {
    /// The outage that is not accounted for, if there is one.
    pub outage: Option<Outage>,
    /// How it would have ended, if it is over.
    pub ending: Ending,
    /// When it would have ended, where the outage itself does not say so.
    pub over_at: Option<Timestamp>,
    /// The destination's own row; the flow has none.
    pub row: Option<Ledger>,
    /// Who is on the air, where that was looked up, and what it says of the feed.
    pub running: Running,
}

/// Looks: at the channel's list of alerts, or at the flow and what was said of it.
pub async fn look(cloud: &Cloud, open: &Open, accounted: Option<Timestamp>) -> Result<Look, Error> {
    if open.destination_id == FLOW {
        return look_at_flow(cloud, open).await;
    }
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let row = ledgers::read(clients, settings, &open.destination_id).await?;
    let its_own = row
        .channel
        .as_ref()
        .is_some_and(|channel| channel.id == open.channel_id);
    let listed = match its_own {
        true => media_live::alerts(clients, &open.channel_id).await?,
        false => None,
    };
    let listed = listed.unwrap_or_default();
    let streams = its_own && row.streaming_started_at.is_some();
    Ok(Look {
        outage: incident::outage(open.cause, &listed, row.run_since(), accounted),
        ending: match streams {
            true => Ending::Cleared,
            false => Ending::Stopped,
        },
        over_at: None,
        row: Some(row),
        running: Running::new(),
    })
}

async fn look_at_flow(cloud: &Cloud, open: &Open) -> Result<Look, Error> {
    let now = cloud.now();
    let flow = media_connect::describe_flow(&cloud.clients, &cloud.settings).await?;
    let up = flow.as_ref().is_some_and(|flow| flow.look.is_up());
    let feed = flow.map(|flow| flow.feed).unwrap_or_default();
    let words = outages::words(cloud).await?;
    let running = running(cloud).await?;
    let lasts = news::lasts(now, open.cause, &words, &running, up, &feed);
    Ok(Look {
        outage: lasts.then(|| Outage {
            since: open.since,
            until: None,
            set_since: Some(open.since),
            failing_since: None,
            alert_types: Vec::new(),
        }),
        ending: match up {
            true => Ending::Cleared,
            false => Ending::Stopped,
        },
        over_at: news::over_since(open.cause, &words),
        row: None,
        running,
    })
}

/// Who is on the air, and what it says of the feed.
pub async fn running(cloud: &Cloud) -> Result<Running, Error> {
    let now = cloud.now();
    let known = ledgers::all(&cloud.clients, &cloud.settings).await?;
    let input = |id: &str, since: Timestamp| {
        let loss = known.helpers.get(&outages::key(id, Cause::InputLoss));
        match loss.is_some_and(|helper| helper.open.is_some()) {
            _ if now < ledger::after(since, FRESH_SECONDS) => Input::Unknown,
            true => Input::Lost,
            false => Input::There,
        }
    };
    Ok(known
        .rows
        .iter()
        .filter(|(_, row)| row.channel.is_some())
        .filter_map(|(id, row)| {
            let input = input(id, row.streaming_started_at?);
            Some((id.clone(), input))
        })
        .collect())
}

/// The flow's incident that explains a lost input: one that is open, or one that nobody else has noticed
/// and that all the channels prove together, which is opened now.
pub async fn feed_loss(cloud: &Cloud, open: &Open) -> Result<Option<Open>, Error> {
    let key = outages::key(FLOW, Cause::InputLoss);
    let known = helpers::read(&cloud.clients, &cloud.settings, &key).await?;
    if let Some(flow) = known.and_then(|row| row.open) {
        return Ok(Some(flow));
    }
    if open.told_by.is_some() {
        return Ok(None);
    }
    let running = running(cloud).await?;
    if !news::is_feed_lost(cloud.now(), &news::Words::new(), &running) {
        return Ok(None);
    }
    let flow = Open::new(FLOW, "", Cause::InputLoss, open.since);
    // If somebody else has opened it just now, it is theirs that explains, under its own name.
    match outages::begin(cloud, &flow).await? {
        true => Ok(Some(flow)),
        false => Err(Error::transient("The feed's loss was noticed just now.")),
    }
}

/// Writes the item of an incident that lasts. The same facts give the same item.
pub async fn keep(
    cloud: &Cloud,
    open: &Open,
    alert_types: &[String],
    told_at: Option<Timestamp>,
) -> Result<(), Error> {
    let settings = &cloud.settings;
    let words = telling::words(open.cause, open.destination_id == FLOW);
    let code = open.cause.code();
    let mut update = Update::default()
        .set("cause", text(open.cause.as_str()))
        .set("severity", attribute(&open.cause.severity()))
        .set("since", attribute(&open.since))
        .set("message", text(words.seen))
        .set("acted", text(words.acted))
        .set("advice", text(code.advice()))
        .set("problem_code", text(code.as_str()))
        .set(
            "runbook",
            text(&telling::runbook(&settings.runbooks, open.cause)),
        )
        .set("alert_types", attribute(&alert_types))
        .set(
            "expires_at",
            attribute(&(open.since.as_second() + KEEP_SECONDS)),
        );
    if !open.channel_id.is_empty() {
        update = update.set("channel_id", text(&open.channel_id));
    }
    update = match &open.part_of {
        Some(part_of) => update.set("part_of", text(part_of)),
        None => update.remove("part_of"),
    };
    if let Some(told_at) = told_at {
        update = update.set("told_at", attribute(&told_at));
    }
    write(cloud, settings, open, update).await?;
    Ok(())
}

/// Writes the item of a limit, a moment and no outage, and who tells it. False: another execution does.
pub async fn keep_limit(
    cloud: &Cloud,
    open: &Open,
    message: &Message,
    execution: &str,
) -> Result<bool, Error> {
    let at = attribute(&open.since);
    let update = Update::default()
        .set("cause", text(open.cause.as_str()))
        .set("message", text(&message.subject))
        .set("told_by", text(execution))
        .set_if_absent("since", at.clone())
        .set_if_absent("until", at.clone())
        .set_if_absent("told_at", at)
        .set(
            "expires_at",
            attribute(&(open.since.as_second() + KEEP_SECONDS)),
        )
        .when_absent_or_equal("told_by", text(execution));
    Ok(matches!(
        write(cloud, &cloud.settings, open, update).await?,
        Written::Yes(_)
    ))
}

/// Writes the end of an incident, and who tells it.
pub async fn end(
    cloud: &Cloud,
    open: &Open,
    until: Timestamp,
    ending: Ending,
    execution: &str,
) -> Result<(), Error> {
    let seconds = (until.as_second() - open.since.as_second()).max(0);
    let mut update = Update::default()
        .set("until", attribute(&until))
        .set("duration_seconds", attribute(&seconds))
        .set("ending", attribute(&ending))
        .set("closed_by", text(execution));
    if open.told_by.is_some() {
        update = update.set("recovery_told_at", attribute(&cloud.now()));
    }
    write(cloud, &cloud.settings, open, update).await?;
    Ok(())
}

/// Takes the end back: it has begun again within the quiet time.
pub async fn reopen(cloud: &Cloud, open: &Open) -> Result<(), Error> {
    let update = [
        "until",
        "duration_seconds",
        "ending",
        "closed_by",
        "recovery_told_at",
    ]
    .iter()
    .fold(Update::default(), |update, name| update.remove(name));
    write(cloud, &cloud.settings, open, update).await?;
    Ok(())
}

/// The end that this execution has written of an incident before without getting the answer: then it still
/// has to tell it.
pub async fn end_written_by(
    cloud: &Cloud,
    open: &Open,
    execution: &str,
) -> Result<Option<(Timestamp, Ending)>, Error> {
    let update = Update::default()
        .set("closed_by", text(execution))
        .when_equal("closed_by", text(execution))
        .when_there("recovery_told_at");
    let key = item_key(open);
    let (clients, table) = (&cloud.clients, &cloud.settings.incidents_table);
    let written = table::update_at(clients, table, &key, update, ReturnValue::AllNew).await?;
    let Written::Yes(row) = written else {
        return Ok(None);
    };
    Ok(table::parse::<End>(row).map(|end| (end.until, end.ending)))
}

/// How an item says that its incident ended.
#[derive(Deserialize)]
struct End {
    until: Timestamp,
    ending: Ending,
}

fn item_key(open: &Open) -> [(&'static str, &str); 2] {
    [
        ("destination_id", open.destination_id.as_str()),
        ("incident_id", open.incident_id.as_str()),
    ]
}

async fn write(
    cloud: &Cloud,
    settings: &Settings,
    open: &Open,
    update: Update,
) -> Result<Written, Error> {
    Ok(table::update_at(
        &cloud.clients,
        &settings.incidents_table,
        &item_key(open),
        update,
        ReturnValue::None,
    )
    .await?)
}
