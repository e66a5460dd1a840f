//! Helper rows of the ledger table: who a channel serves, who holds an address and key, whether
//! the flow is needed, what the sweep remembers. Each one conditional write.

use crate::{
    clients::Clients,
    fault::CallError,
    ledgers,
    settings::Settings,
    table::{self, Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error, flow::Heard, incident::Open, ledger, news::Words, record::Item, report::Removed,
    session::AddedUp,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A helper row of the ledger: keyed by `channel#<id>`, `url#<hash>`, `flow#main`, `sweep#main`,
/// `incident#<destination>#<cause>` or `words#flow`, none of which can be a destination's id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Helper {
    /// Its key.
    pub destination_id: String,
    /// The destination it points to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serves: String,
    /// Suspected orphans and when each was first seen.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub suspects: BTreeMap<String, Timestamp>,
    /// What the sweep removed lately.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removed>,
    /// Up to where the sessions are added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_up: Option<AddedUp>,
    /// Since when nobody needs the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unneeded_since: Option<Timestamp>,
    /// Until when a StopFlow of ours may still land.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping_until: Option<Timestamp>,
    /// Whom the input security group was last seen to let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub let_in: Option<LetIn>,
    /// The incident that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// Until when what was wrong with this cause has been dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounted: Option<Timestamp>,
    /// Rises with every word about it.
    pub changes: u64,
    /// The key of the incident that people were last told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// The task token of the state that watches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What was last said about the flow.
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub words: Words,
    /// Unix seconds after which DynamoDB may drop the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What the input security group lets in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LetIn {
    /// Ranges of addresses, `203.0.113.9/32`.
    pub rules: Vec<String>,
    /// When it was seen.
    pub at: Timestamp,
}

/// Key of the row that tells which destination a channel serves.
pub fn channel_key(channel_id: &str) -> String {
    format!("channel#{channel_id}")
}

/// Key of the row that tells who holds an address and key.
pub fn address_key(hash: &str) -> String {
    format!("url#{hash}")
}

/// Key of the flow's row.
pub const FLOW_KEY: &str = "flow#main";
/// Key of the sweep's memory.
pub const SWEEP_KEY: &str = "sweep#main";

async fn write(
    clients: &Clients,
    settings: &Settings,
    key: &str,
    update: Update,
) -> Result<Written, CallError> {
    table::update(
        clients,
        &settings.ledger_table,
        key,
        update,
        ReturnValue::None,
    )
    .await
}

/// Reads a helper row.
pub async fn read(
    clients: &Clients,
    settings: &Settings,
    key: &str,
) -> Result<Option<Helper>, Error> {
    Ok(table::get(clients, &settings.ledger_table, key)
        .await?
        .and_then(table::parse))
}

/// Notes which destination a channel serves, for the events that name only the channel.
pub async fn note_channel(
    clients: &Clients,
    settings: &Settings,
    channel_id: &str,
    destination_id: &str,
) -> Result<(), Error> {
    let update = Update::default().set("serves", text(destination_id));
    write(clients, settings, &channel_key(channel_id), update).await?;
    Ok(())
}

/// Drops a helper row that serves a destination.
pub async fn drop_helper(
    clients: &Clients,
    settings: &Settings,
    key: &str,
    destination_id: &str,
) -> Result<(), Error> {
    let answer = clients
        .dynamodb
        .delete_item()
        .table_name(&settings.ledger_table)
        .key("destination_id", text(key))
        .condition_expression("attribute_not_exists(serves) OR serves = :me")
        .expression_attribute_values(":me", text(destination_id))
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) => match CallError::new("DeleteItem", &error) {
            error if error.is_condition() => Ok(()),
            error => Err(error.into()),
        },
    }
}

/// Asks for an address. Gives who holds it: this destination, or the one that had it first.
///
/// The asker has noted the address in its own row before, so that a holder whose row does not
/// know the address any more can be told from one that is about to take it.
pub async fn hold_address(
    clients: &Clients,
    settings: &Settings,
    hash: &str,
    destination_id: &str,
) -> Result<String, Error> {
    let key = address_key(hash);
    let update = Update::default()
        .set("serves", text(destination_id))
        .when_absent_or_equal("serves", text(destination_id));
    let holder = match write(clients, settings, &key, update).await? {
        Written::Yes(_) => return Ok(destination_id.to_owned()),
        Written::No(row) => table::parse::<Helper>(row).unwrap_or_default().serves,
    };
    let row = ledgers::read(clients, settings, &holder).await?;
    if row.addresses.iter().any(|held| held == hash) {
        return Ok(holder);
    }
    let update = Update::default()
        .set("serves", text(destination_id))
        .when_equal("serves", text(&holder));
    match write(clients, settings, &key, update).await? {
        Written::Yes(_) => Ok(destination_id.to_owned()),
        Written::No(row) => Ok(table::parse::<Helper>(row).unwrap_or_default().serves),
    }
}

/// Says that the flow is needed. False: a StopFlow of ours may still land, so not yet. `landed`: it
/// was seen to have landed.
pub async fn need_flow(
    clients: &Clients,
    settings: &Settings,
    now: Timestamp,
    landed: bool,
) -> Result<bool, Error> {
    let row = read(clients, settings, FLOW_KEY).await?.unwrap_or_default();
    if !landed && row.stopping_until.is_some_and(|until| until > now) {
        return Ok(false);
    }
    if row.unneeded_since.is_none() && row.stopping_until.is_none() {
        return Ok(true);
    }
    let mut update = Update::default()
        .remove("unneeded_since")
        .remove("stopping_until");
    update = match &row.stopping_until {
        Some(until) => update.when_equal("stopping_until", attribute(until)),
        None => update.when_absent("stopping_until"),
    };
    Ok(matches!(
        write(clients, settings, FLOW_KEY, update).await?,
        Written::Yes(_)
    ))
}

/// Notes what the input security group lets in.
pub async fn note_let_in(
    clients: &Clients,
    settings: &Settings,
    let_in: &LetIn,
) -> Result<(), Error> {
    let update = Update::default().set("let_in", attribute(let_in));
    write(clients, settings, FLOW_KEY, update).await?;
    Ok(())
}

/// Remembers since when nobody needs the flow.
pub async fn note_unneeded(
    clients: &Clients,
    settings: &Settings,
    since: Option<Timestamp>,
) -> Result<(), Error> {
    let update = match since {
        Some(since) => Update::default().set_if_absent("unneeded_since", attribute(&since)),
        None => Update::default().remove("unneeded_since"),
    };
    write(clients, settings, FLOW_KEY, update).await?;
    Ok(())
}

/// Announces a StopFlow, on condition that still nobody needs the flow since then.
pub async fn announce_stop(
    clients: &Clients,
    settings: &Settings,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let update = Update::default()
        .set(
            "stopping_until",
            attribute(&ledger::after(now, ledger::INTENT_SECONDS)),
        )
        .remove("unneeded_since")
        .when_equal("unneeded_since", attribute(&since));
    Ok(matches!(
        write(clients, settings, FLOW_KEY, update).await?,
        Written::Yes(_)
    ))
}

/// Remembers suspected orphans.
pub async fn note_suspects(
    clients: &Clients,
    settings: &Settings,
    suspects: &BTreeMap<String, Timestamp>,
) -> Result<(), Error> {
    let update = Update::default().set("suspects", attribute(suspects));
    write(clients, settings, SWEEP_KEY, update).await?;
    Ok(())
}

/// Remembers what the sweep removed.
pub async fn note_removed(
    clients: &Clients,
    settings: &Settings,
    removed: &[Removed],
) -> Result<(), Error> {
    let update = Update::default().set("removed", attribute(&removed));
    write(clients, settings, SWEEP_KEY, update).await?;
    Ok(())
}

/// Remembers up to where the sessions are added up.
pub async fn note_added_up(
    clients: &Clients,
    settings: &Settings,
    added_up: &AddedUp,
) -> Result<(), Error> {
    let update = Update::default().set("added_up", attribute(added_up));
    write(clients, settings, SWEEP_KEY, update).await?;
    Ok(())
}

/// Before a source's name: the attribute of the flow's row that holds the newest word about it.
const HEARD: &str = "heard#";
/// The attribute of the flow's row that holds what was shown of the feed last.
const SHOWN: &str = "feed";

/// What the flow's row knows of the feed.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// What was shown last, if anything was.
    pub shown: Option<Value>,
    /// The newest word about each source.
    pub heard: BTreeMap<String, Heard>,
}

impl Feed {
    /// Reads it from the flow's row.
    pub fn of(mut row: Item) -> Feed {
        let heard = row
            .iter()
            .filter_map(|(key, value)| {
                let heard = serde_json::from_value(value.clone()).ok()?;
                Some((key.strip_prefix(HEARD)?.to_owned(), heard))
            })
            .collect();
        Feed {
            shown: row.remove(SHOWN),
            heard,
        }
    }
}

/// What is known of the feed now.
pub async fn feed(clients: &Clients, settings: &Settings) -> Result<Feed, Error> {
    let row = table::get(clients, &settings.ledger_table, FLOW_KEY).await?;
    Ok(Feed::of(row.as_ref().map(table::item).unwrap_or_default()))
}

/// Notes what an event says of a source and gives what is known then; nothing if something newer is known.
pub async fn hear_source(
    clients: &Clients,
    settings: &Settings,
    source: &str,
    heard: &Heard,
) -> Result<Option<Feed>, Error> {
    let key = format!("{HEARD}{source}");
    let update = Update::default()
        .set(&key, attribute(heard))
        .when_absent_or_nested_at_most(&key, "at", attribute(&heard.at));
    let table = &settings.ledger_table;
    match table::update(clients, table, FLOW_KEY, update, ReturnValue::AllNew).await? {
        Written::Yes(row) => Ok(Some(Feed::of(table::item(&row)))),
        Written::No(_) => Ok(None),
    }
}

/// Remembers what is shown of the feed, on condition that nobody did since revision `before`.
pub async fn note_feed<T: Serialize>(
    clients: &Clients,
    settings: &Settings,
    before: Option<u64>,
    shown: &T,
) -> Result<bool, Error> {
    let update = Update::default().set(SHOWN, attribute(shown));
    let update = match before {
        Some(revision) => update.when_nested_equal(SHOWN, "revision", attribute(&revision)),
        None => update.when_absent(SHOWN),
    };
    let written = write(clients, settings, FLOW_KEY, update).await?;
    Ok(matches!(written, Written::Yes(_)))
}
