//! What is open about a destination or about the flow: helper rows of the ledger, one per cause, and
//! what of it a destination's own row shows. Each one conditional write.
//!
//! A row opens with the first word about an outage, and whoever hears more counts up `changes` and
//! wakes the execution that watches it. Nobody else writes it but that execution.

use crate::{
    Cloud,
    clients::Clients,
    executions,
    helpers::{self, Helper},
    ledgers, media_live,
    payload::{IncidentStart, WatchInput},
    settings::Settings,
    table::{self, Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    caps::Notice,
    incident::{self, Cause, Open, Trouble},
    ledger::{self, Ledger},
    name,
    news::{Word, Words},
    sweep::Seen,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Key of the row with what was last said about the flow.
pub const WORDS_KEY: &str = "words#flow";

/// How many channels' alerts a pass of the sweep lists, and how many watchers it asks after: MediaLive
/// takes 20 calls a second of all its callers, and a pass has 15 s.
const MOST: usize = 10;

/// How often a row may change under our eyes before we try again later.
const ROUNDS: usize = 3;

/// Key of the row for one cause.
pub fn key(destination_id: &str, cause: Cause) -> String {
    format!("incident#{destination_id}#{}", cause.as_str())
}

async fn write(
    clients: &Clients,
    settings: &Settings,
    key: &str,
    update: Update,
) -> Result<Option<Helper>, Error> {
    let table = &settings.ledger_table;
    match table::update(clients, table, key, update, ReturnValue::AllNew).await? {
        Written::Yes(row) => Ok(table::parse(row)),
        Written::No(_) => Ok(None),
    }
}

/// Takes in one word about an outage: opens it and starts its execution, or wakes the one that watches.
pub async fn hear(cloud: &Cloud, heard: &Open, bad: bool) -> Result<&'static str, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let key = key(&heard.destination_id, heard.cause);
    let more = Update::default().add("changes", 1).when_there("open");
    if let Some(row) = write(clients, settings, &key, more).await? {
        if let Some(token) = &row.token {
            executions::end_wait(clients, token, "event").await?;
            return Ok("woken");
        }
        // Nobody has looked yet: whoever opened it may have died before its execution began.
        if let Some(open) = row.open.filter(|open| open.watched_by.is_none()) {
            start(cloud, &open, "heard").await?;
        }
        return Ok("known");
    }
    match bad && begin(cloud, heard).await? {
        true => Ok("opened"),
        false => Ok("nothing to open"),
    }
}

/// Opens an incident and starts its execution. False: somebody else has opened it.
pub async fn begin(cloud: &Cloud, heard: &Open) -> Result<bool, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let key = key(&heard.destination_id, heard.cause);
    let first = Update::default()
        .set("open", attribute(heard))
        .add("changes", 1)
        .remove("token")
        .when_absent("open");
    if write(clients, settings, &key, first).await?.is_none() {
        return Ok(false);
    }
    start(cloud, heard, "heard").await?;
    Ok(true)
}

/// Starts the execution of an incident. The same word starts it once.
pub async fn start(cloud: &Cloud, open: &Open, because: &str) -> Result<(), Error> {
    let input = serde_json::to_value(IncidentStart::new(open)).unwrap_or_default();
    let (id, incident_id) = (&open.destination_id, &open.incident_id);
    Ok(executions::start_of(
        &cloud.clients,
        &cloud.settings.incident_machine_arn,
        &name::incident_execution(id, incident_id, because),
        &input,
    )
    .await?)
}

/// Starts the execution that tells people of a limit. The same word starts it once.
pub async fn tell(cloud: &Cloud, destination_id: &str, notice: &Notice) -> Result<(), Error> {
    let settings = &cloud.settings;
    let start = IncidentStart::of_limit(destination_id, notice, &settings.runbooks);
    let input = serde_json::to_value(start).unwrap_or_default();
    let name = name::incident_execution(destination_id, &notice.key, "limit");
    let machine = &settings.incident_machine_arn;
    Ok(executions::start_of(&cloud.clients, machine, &name, &input).await?)
}

/// Writes what its own execution has learned. False: it is not as that execution read it.
pub async fn note(cloud: &Cloud, before: &Open, after: &Open) -> Result<bool, Error> {
    if before == after {
        return Ok(true);
    }
    let key = key(&before.destination_id, before.cause);
    let update = Update::default()
        .set("open", attribute(after))
        .when_equal("open", attribute(before));
    Ok(write(&cloud.clients, &cloud.settings, &key, update)
        .await?
        .is_some())
}

/// Notes the token of the state that watches, and whether its execution has told people. Gives how many
/// words there have been, or nothing if this incident is open no more.
pub async fn watch(cloud: &Cloud, input: &WatchInput) -> Result<Option<u64>, Error> {
    let incident_id = || text(&input.incident_id);
    let mut update = Update::default()
        .set("token", text(&input.task_token))
        .when_nested_equal("open", "incident_id", incident_id());
    if input.told.done {
        update = update.set("told", incident_id());
    }
    let key = key(&input.destination_id, input.cause);
    let row = write(&cloud.clients, &cloud.settings, &key, update).await?;
    Ok(row.map(|row| row.changes))
}

/// Ends an incident, unless there was another word since it was read. What ended by then is dealt with.
pub async fn forget(
    cloud: &Cloud,
    open: &Open,
    changes: u64,
    accounted: Option<Timestamp>,
) -> Result<bool, Error> {
    let key = key(&open.destination_id, open.cause);
    let update = match accounted {
        Some(accounted) => Update::default().set("accounted", attribute(&accounted)),
        None => Update::default(),
    };
    let update = update
        .remove("open")
        .remove("token")
        .when_nested_equal("open", "incident_id", text(&open.incident_id))
        .when_equal("changes", attribute(&changes));
    Ok(write(&cloud.clients, &cloud.settings, &key, update)
        .await?
        .is_some())
}

/// Shows a trouble in the destination's own row, where Plan reads it, or takes it away. True: it was not
/// so before, and Plan should know.
pub async fn show(
    cloud: &Cloud,
    row: &Ledger,
    cause: Cause,
    trouble: Option<Trouble>,
) -> Result<bool, Error> {
    let mut troubles = row.troubles.clone();
    match &trouble {
        Some(trouble) => troubles.insert(cause, trouble.clone()),
        None => troubles.remove(&cause),
    };
    if troubles == row.troubles {
        return Ok(false);
    }
    let mut update = match troubles.is_empty() {
        true => Update::default().remove("troubles"),
        false => Update::default().set("troubles", attribute(&troubles)),
    };
    update = match row.troubles.is_empty() {
        true => update.when_absent("troubles"),
        false => update.when_equal("troubles", attribute(&row.troubles)),
    };
    if let Some(trouble) = &trouble {
        update = update.when_nested_equal("channel", "id", text(&trouble.channel_id));
    }
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &row.destination_id;
    match ledgers::write(clients, settings, id, update, ReturnValue::None).await? {
        Written::Yes(_) => Ok(true),
        Written::No(_) => Err(Error::transient(
            "Another trouble of this destination came in between.",
        )),
    }
}

/// Remembers what was said of the flow, unless something newer was. False: all was well before, and is.
pub async fn remember(cloud: &Cloud, about: &str, word: &Word) -> Result<bool, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    for _ in 0..ROUNDS {
        let known = words(cloud).await?;
        let before = known.get(about);
        if before.is_some_and(|before| before.at > word.at) {
            return Ok(true);
        }
        let matters = word.bad || before.is_some_and(|before| before.bad);
        if before == Some(word) {
            return Ok(matters);
        }
        let mut next = known.clone();
        next.insert(about.to_owned(), word.clone());
        let mut update = Update::default().set("words", attribute(&next));
        update = match known.is_empty() {
            true => update.when_absent("words"),
            false => update.when_equal("words", attribute(&known)),
        };
        if write(clients, settings, WORDS_KEY, update).await?.is_some() {
            return Ok(matters);
        }
    }
    Err(Error::transient("The flow is much spoken of just now."))
}

/// What was last said of the flow.
pub async fn words(cloud: &Cloud) -> Result<Words, Error> {
    let row = helpers::read(&cloud.clients, &cloud.settings, WORDS_KEY).await?;
    Ok(row.unwrap_or_default().words)
}

/// What the sweep does for incidents: alerts that nobody heard of are heard of now, those that are over
/// too, and an incident whose execution ended gets another. At most so many calls a pass, all in turn.
pub async fn recheck(
    cloud: &Cloud,
    seen: &Seen,
    rows: &BTreeMap<String, Helper>,
) -> Result<usize, Error> {
    let now = cloud.now();
    let running: Vec<String> = seen.running().into_iter().map(str::to_owned).collect();
    let open: BTreeMap<&str, &Open> = rows
        .iter()
        .filter_map(|(key, helper)| Some((key.as_str(), helper.open.as_ref()?)))
        .collect();
    let (mut heard, mut failed) = (0, None);
    let keys: Vec<String> = open.keys().map(|key| (*key).to_owned()).collect();
    for key in incident::turn(now, &keys, MOST) {
        let open = open[key.as_str()];
        failed = rewatch(cloud, open).await.err().or(failed);
        let row = seen.rows.get(&open.destination_id);
        let shown = row.is_some_and(|row| row.troubles.contains_key(&open.cause));
        if shown && !running.contains(&open.destination_id) {
            // Nothing streams there any more, and nobody has said so.
            match hear(cloud, open, false).await {
                Ok(_) => heard += 1,
                Err(error) => failed = Some(error),
            }
        }
    }
    for id in incident::turn(now, &running, MOST) {
        let Some(row) = seen.rows.get(&id) else {
            continue;
        };
        match relisten(cloud, row, rows).await {
            Ok(more) => heard += more,
            Err(error) => failed = Some(error),
        }
    }
    // One that fails keeps none of the others from being heard.
    failed.map_or(Ok(heard), Err)
}

async fn rewatch(cloud: &Cloud, open: &Open) -> Result<(), Error> {
    let now = cloud.now();
    let gone = match &open.watched_by {
        Some(watcher) => {
            executions::is_gone(&cloud.clients, watcher, Some(open.since), now).await?
        }
        // Its execution has not come to its first look: that is due after the debounce.
        None => now >= ledger::after(open.look_at(), ledger::LAG_SECONDS),
    };
    if gone {
        start(cloud, open, &now.as_second().to_string()).await?;
    }
    Ok(())
}

async fn relisten(
    cloud: &Cloud,
    row: &Ledger,
    rows: &BTreeMap<String, Helper>,
) -> Result<usize, Error> {
    let Some(channel) = &row.channel else {
        return Ok(0);
    };
    let Some(listed) = media_live::alerts(&cloud.clients, &channel.id).await? else {
        return Ok(0);
    };
    let (id, now) = (&row.destination_id, cloud.now());
    let mut heard = 0;
    for cause in Cause::ALL {
        let helper = rows.get(&key(id, cause));
        let accounted = helper.and_then(|helper| helper.accounted);
        let outage = incident::outage(cause, &listed, row.run_since(), accounted);
        let open = helper.and_then(|helper| helper.open.as_ref());
        let news = match (&outage, open) {
            (Some(outage), None) => Open::new(id, &channel.id, cause, outage.since.min(now)),
            // It is over, or back, and Plan does not know.
            (outage, Some(open))
                if outage.as_ref().is_some_and(|outage| outage.until.is_none())
                    != row.troubles.contains_key(&cause) =>
            {
                open.clone()
            }
            _ => continue,
        };
        hear(cloud, &news, outage.is_some()).await?;
        heard += 1;
    }
    Ok(heard)
}
