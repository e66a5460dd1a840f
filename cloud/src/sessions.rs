//! The table of sessions: one item for each stretch of streaming, and the months' sums.

use crate::{
    clients::Clients,
    fault::CallError,
    records,
    settings::Settings,
    table::{self, text},
};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Error,
    cost::Money,
    ledger::Ledger,
    record::Item,
    session::{self, ALL, AddedUp, Session, Spent, Sum, all_item, month_key, month_of},
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

/// What a destination's sessions cost so far this month and today: what has ended. The stretch under way
/// is in its ledger row.
pub async fn spent(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    now: Timestamp,
) -> Result<Spent, Error> {
    let mut items = Vec::new();
    for month in session::budget_months(now) {
        items.extend(query(clients, settings, destination_id, &month).await?);
    }
    Ok(Spent::of(&items, now))
}

/// Adds up anew what is not what the sessions say, and shows it: each destination's month, the month
/// of all, the record. Gives what is to be remembered. All of it may be done twice.
pub async fn add_up(
    clients: &Clients,
    settings: &Settings,
    rows: &BTreeMap<String, Ledger>,
    known: &AddedUp,
    now: Timestamp,
) -> Result<AddedUp, Error> {
    let this = month_of(now);
    let mut after = known.clone();
    after.marks.retain(|id, _| rows.contains_key(id));
    if after.month != this {
        (after.month, after.usd) = (this.clone(), Money(0));
    }
    let mut changed: BTreeMap<String, BTreeMap<String, Money>> = BTreeMap::new();
    for due in session::due(now, rows, known) {
        let id = &due.destination_id;
        for month in due.months {
            let items = query(clients, settings, id, &month).await?;
            let sum = Sum::of(&items);
            put(clients, settings, sum.item(id, &month, now)).await?;
            if month == this {
                records::show_cost(clients, settings, id, sum.usd).await?;
            }
            let shares = changed.entry(month).or_default();
            shares.insert(id.clone(), sum.usd);
        }
        after.marks.insert(due.destination_id, due.mark);
    }
    for (month, some) in changed {
        let known = query(clients, settings, ALL, &month_key(&month)).await?;
        let mut shares = known.first().map(session::shares).unwrap_or_default();
        shares.extend(some);
        put(clients, settings, all_item(&month, &shares, now)).await?;
        if month == this {
            after.usd = shares.values().copied().sum();
        }
    }
    Ok(after)
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
