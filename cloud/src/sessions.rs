//! The table of sessions: one item for each stretch of streaming, and the months' sums.

use crate::{
    clients::Clients,
    fault::CallError,
    settings::Settings,
    table::{self, text},
};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Error,
    cost::Money,
    record::Item,
    session::{self, ALL, Session, Spent, Sum, all_item, month_key},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Writes a session, whole, unless a newer word on it is there: a write that lands late is lost.
pub async fn write(
    clients: &Clients,
    settings: &Settings,
    session: &Session,
    now: Timestamp,
) -> Result<(), Error> {
    put(clients, settings, session.item(now)).await
}

async fn put(clients: &Clients, settings: &Settings, item: Item) -> Result<(), Error> {
    let noted_at = item.get("noted_at").and_then(|at| at.as_str());
    let noted_at = text(noted_at.unwrap_or_default());
    let answer = clients
        .dynamodb
        .put_item()
        .table_name(&settings.sessions_table)
        .set_item(Some(table::row(&item)))
        .condition_expression("attribute_not_exists(noted_at) OR noted_at <= :now")
        .expression_attribute_values(":now", noted_at)
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) => match CallError::new("PutItem", &error) {
            error if error.is_condition() => Ok(()),
            error => Err(error.into()),
        },
    }
}

/// What a destination's sessions of this month cost so far, and those of today: what has ended. The
/// stretch under way is in its ledger row.
pub async fn spent(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    now: Timestamp,
) -> Result<Spent, Error> {
    let month = now.strftime("%Y-%m").to_string();
    let items = query(clients, settings, destination_id, &month).await?;
    Ok(Spent::of(&items, now))
}

/// Adds a destination's month up anew, from its sessions, and writes the sum down.
pub async fn sum_up(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    month: &str,
    now: Timestamp,
) -> Result<Sum, Error> {
    let items = query(clients, settings, destination_id, month).await?;
    let sum = Sum::of(&items);
    put(clients, settings, sum.item(destination_id, month, now)).await?;
    Ok(sum)
}

/// Reads what all destinations of a month came to when they were last added up.
pub async fn sums(
    clients: &Clients,
    settings: &Settings,
    month: &str,
) -> Result<BTreeMap<String, Money>, Error> {
    let key = month_key(month);
    let rows = query(clients, settings, ALL, &key).await?;
    Ok(rows.first().map(session::shares).unwrap_or_default())
}

/// Writes what all destinations of a month come to.
pub async fn write_all(
    clients: &Clients,
    settings: &Settings,
    month: &str,
    shares: &BTreeMap<String, Money>,
    now: Timestamp,
) -> Result<(), Error> {
    let item = all_item(month, shares, now);
    put(clients, settings, item).await
}

/// Everything of one destination whose sort key begins with something, page by page.
async fn query(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    begins_with: &str,
) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    let mut start: Option<HashMap<String, AttributeValue>> = None;
    loop {
        let page = clients
            .dynamodb
            .query()
            .table_name(&settings.sessions_table)
            .key_condition_expression("destination_id = :id AND begins_with(started_at, :from)")
            .expression_attribute_values(":id", text(destination_id))
            .expression_attribute_values(":from", text(begins_with))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| CallError::new("Query", &error))?;
        items.extend(page.items.unwrap_or_default().iter().map(table::item));
        match page.last_evaluated_key {
            Some(key) if !key.is_empty() => start = Some(key),
            _ => return Ok(items),
        }
    }
}
