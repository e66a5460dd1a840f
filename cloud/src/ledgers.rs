//! The ledger table: lease, knock, intent and tokens, each one conditional write.

mod opening;

pub use opening::{Foresight, Guard, Holder, Opening, open};

use crate::{
    clients::Clients,
    fault::CallError,
    helpers::{self, Feed, Helper},
    settings::Settings,
    table::{self, Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    heard::Heard,
    ledger::{Ledger, Wait},
    record::Item,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Attributes that whoever holds the lease never writes back from memory: others write them.
const NOT_FROM_MEMORY: &[&str] = &[
    "destination_id",
    "holder",
    "held_at",
    "fence",
    "knock",
    "troubles",
];

/// What came of asking for the lease.
pub enum Lease {
    /// It is ours.
    Taken,
    /// Somebody else's.
    HeldBy(Box<Ledger>),
}

fn parse(row: table::Row, destination_id: &str) -> Result<Ledger, Error> {
    if row.is_empty() {
        return Ok(Ledger::new(destination_id));
    }
    let mut ledger: Ledger = table::parse(row).ok_or_else(|| {
        Error::permanent(
            domain::problem::Code::Internal,
            format!("The ledger row of {destination_id} cannot be read."),
        )
    })?;
    ledger.destination_id = destination_id.to_owned();
    Ok(ledger)
}

/// Reads a row. A destination without one gets a new one, which is not written yet.
pub async fn read(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
) -> Result<Ledger, Error> {
    let row = table::get(clients, &settings.ledger_table, destination_id).await?;
    parse(row.unwrap_or_default(), destination_id)
}

/// Reads a row and the record it is about, with one call.
pub async fn read_with_record(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
) -> Result<(Ledger, Option<Item>), Error> {
    let tables = [
        settings.ledger_table.as_str(),
        settings.destinations_table.as_str(),
    ];
    let [row, record] = table::get_both(clients, tables, destination_id).await?;
    let ledger = parse(row.unwrap_or_default(), destination_id)?;
    Ok((ledger, record.map(|row| table::item(&row))))
}

pub(crate) async fn write(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    update: Update,
    returning: ReturnValue,
) -> Result<Written, CallError> {
    table::update(
        clients,
        &settings.ledger_table,
        destination_id,
        update,
        returning,
    )
    .await
}

/// Asks for the lease. It is given if nobody has it, or if we have it already.
pub async fn take_lease(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    execution: &str,
    now: Timestamp,
) -> Result<Lease, Error> {
    let update = Update::default()
        .set("holder", text(execution))
        .set("held_at", attribute(&now))
        .set_if_absent("incarnation", attribute(&1_u64))
        .when_absent_or_equal("holder", text(execution));
    match write(clients, settings, destination_id, update, ReturnValue::None).await? {
        Written::Yes(_) => Ok(Lease::Taken),
        Written::No(row) => Ok(Lease::HeldBy(Box::new(parse(row, destination_id)?))),
    }
}

/// Takes the lease from a holder that runs no more. False: it is not the holder any more.
pub async fn take_over(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    execution: &str,
    gone: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let update = Update::default()
        .set("holder", text(execution))
        .set("held_at", attribute(&now))
        .when_equal("holder", text(gone));
    Ok(matches!(
        write(clients, settings, destination_id, update, ReturnValue::None).await?,
        Written::Yes(_)
    ))
}

/// Leaves the mark that something changed. Gives the row, or nothing if the holder has changed.
pub async fn knock(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    holder: &str,
) -> Result<Option<Ledger>, Error> {
    let update = Update::default()
        .add("knock", 1)
        .when_equal("holder", text(holder));
    match write(
        clients,
        settings,
        destination_id,
        update,
        ReturnValue::AllNew,
    )
    .await?
    {
        Written::Yes(row) => parse(row, destination_id).map(Some),
        Written::No(_) => Ok(None),
    }
}

/// Gives the lease back, unless somebody knocked. Stale: planned from something that has changed.
pub async fn give_back(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    execution: &str,
    knock: u64,
) -> Result<(), Error> {
    let update = Update::default()
        .remove("holder")
        .remove("held_at")
        .when_equal("holder", text(execution));
    let update = when_count(update, "knock", knock);
    match write(clients, settings, destination_id, update, ReturnValue::None).await? {
        Written::Yes(_) => Ok(()),
        Written::No(row) => {
            let ledger = parse(row, destination_id)?;
            match ledger.holder.as_deref() {
                Some(holder) if holder == execution => {
                    Err(Error::Stale("Somebody knocked since the last plan.".into()))
                }
                // A repeated answer: it was given back before.
                None => Ok(()),
                Some(_) => Err(Error::Stale("Another execution holds the lease.".into())),
            }
        }
    }
}

/// On condition that a count is what it was; one that is not there is none.
fn when_count(update: Update, name: &str, count: u64) -> Update {
    if count == 0 {
        update.when_absent_or_equal(name, attribute(&0_u64))
    } else {
        update.when_equal(name, attribute(&count))
    }
}

/// Writes what has changed between two states of a row, on condition that we hold the lease.
pub async fn save(
    clients: &Clients,
    settings: &Settings,
    holder: Holder<'_>,
    before: &Ledger,
    after: &Ledger,
) -> Result<(), Error> {
    let update = table::difference(before, after, NOT_FROM_MEMORY);
    if update.is_empty() {
        return Ok(());
    }
    let mut update = holder.seal(update);
    if before.generation != after.generation {
        update = when_count(update, "generation", before.generation);
    }
    let id = &after.destination_id;
    match write(clients, settings, id, update, ReturnValue::None).await? {
        Written::Yes(_) => Ok(()),
        Written::No(row) if row.get("holder") == Some(&text(holder.execution)) => Err(
            Error::transient("A late write of an earlier try came in between."),
        ),
        Written::No(_) => Err(Error::Stale("Another execution holds the lease.".into())),
    }
}

/// Notes the token of a state that waits, on condition that we hold the lease. The step before has
/// its answer, so its intent goes. Gives the row as it was.
///
/// A token stays until the Plan that comes after the wait: ending a wait twice does nothing.
pub async fn begin_wait(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    holder: Holder<'_>,
    wait: &Wait,
) -> Result<Ledger, Error> {
    let update = Update::default()
        .set("wait", attribute(wait))
        .remove("intent");
    let update = holder.seal(update);
    match write(
        clients,
        settings,
        destination_id,
        update,
        ReturnValue::AllOld,
    )
    .await?
    {
        Written::Yes(row) => parse(row, destination_id),
        Written::No(_) => Err(Error::Stale("Another execution holds the lease.".into())),
    }
}

/// Notes what an event said of the destination's channel, unless a newer one has been noted. Gives
/// the row, or nothing if the channel is not the destination's any more.
pub async fn hear(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    heard: &Heard,
) -> Result<Option<Ledger>, Error> {
    let update = Update::default()
        .set("heard", attribute(heard))
        .when_nested_equal("channel", "id", text(&heard.channel_id))
        .when_absent_or_nested_at_most("heard", "at", attribute(&heard.at));
    match write(
        clients,
        settings,
        destination_id,
        update,
        ReturnValue::AllNew,
    )
    .await?
    {
        Written::Yes(row) => parse(row, destination_id).map(Some),
        Written::No(row) => {
            let ledger = parse(row, destination_id)?;
            let known = ledger
                .channel
                .as_ref()
                .is_some_and(|channel| channel.id == heard.channel_id);
            Ok(known.then_some(ledger))
        }
    }
}

/// Notes that the input is gone, on condition that we hold the lease and that it is this one. One that
/// was only not found is gone if DeleteInput was accepted; otherwise two looks of Plan tell.
pub async fn forget_input(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    holder: Holder<'_>,
    input_id: &str,
    seen_deleted: bool,
) -> Result<(), Error> {
    let mut update = Update::default()
        .remove("input")
        .remove("input_sought")
        .remove("input_deleted")
        .remove("intent")
        .add("incarnation", 1)
        .when_nested_equal("input", "id", text(input_id));
    if !seen_deleted {
        update = update.when_equal("input_deleted", attribute(&true));
    }
    let update = holder.seal(update);
    match write(clients, settings, destination_id, update, ReturnValue::None).await? {
        Written::Yes(_) => Ok(()),
        // Noted by an earlier try, not found without being deleted, or the lease is another's.
        Written::No(_) => Err(Error::Stale(
            "Plan can tell what became of the input.".into(),
        )),
    }
}

/// Everything in the ledger.
#[derive(Default)]
pub struct Everything {
    /// The rows of destinations.
    pub rows: BTreeMap<String, Ledger>,
    /// Destinations whose row this version of ours cannot read.
    pub unreadable: BTreeSet<String>,
    /// The helper rows.
    pub helpers: BTreeMap<String, Helper>,
    /// What the flow's row knows of the feed.
    pub feed: Feed,
}

/// Reads everything in the ledger.
pub async fn all(clients: &Clients, settings: &Settings) -> Result<Everything, Error> {
    let mut all = Everything::default();
    for row in table::scan(clients, &settings.ledger_table).await? {
        let Some(key) = row
            .get("destination_id")
            .and_then(|key| key.as_s().ok())
            .cloned()
        else {
            continue;
        };
        if key == helpers::FLOW_KEY {
            all.feed = Feed::of(table::item(&row));
        }
        if key.contains('#') {
            let helper = table::parse(row).unwrap_or_default();
            all.helpers.insert(key, helper);
        } else {
            match parse(row, &key) {
                Ok(ledger) => drop(all.rows.insert(key, ledger)),
                Err(_) => drop(all.unreadable.insert(key)),
            }
        }
    }
    Ok(all)
}
