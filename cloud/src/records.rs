//! The operator's table: read records, write the mirror, scrub a key.

use crate::{
    Cloud,
    clients::Clients,
    fault::CallError,
    settings::Settings,
    shell,
    table::{self, Update, Written, attribute, text},
};
use aws_lambda_events::{
    dynamodb::EventRecord,
    event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    cost::Money,
    flow::{self, View},
    ledger::{self, Ledger},
    plan::{self, Mirror, Status},
    problem::Shown,
    record::{self, Item},
    report,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// An image of a stream record as plain data. (The event types carry `serde_dynamo` items.)
pub fn item(image: &serde_dynamo::Item) -> Item {
    table::item(&image.clone().into())
}

/// The answer of a batch of which one record failed: it is delivered again from there. Why is logged here,
/// because to Lambda nothing failed.
pub fn again_from(
    cloud: &Cloud,
    worker: &str,
    failed: &EventRecord,
    error: Error,
) -> Result<DynamoDbEventResponse, Error> {
    let Some(identifier) = failed.change.sequence_number.clone() else {
        return Err(error);
    };
    let keys = Value::Object(item(&failed.change.keys).into_iter().collect());
    shell::log_record(cloud, worker, &keys, &error);
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(identifier);
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures.push(failure);
    Ok(response)
}

/// Whether an edit has wiped our mirror: a PutItem over the item does.
pub fn lost_mirror(old: &Item, new: &Item) -> bool {
    ["streaming_status", "generation"]
        .iter()
        .any(|name| old.contains_key(*name) && !new.contains_key(*name))
}

/// Everything in the operator's table.
#[derive(Default)]
pub struct Records {
    /// Fingerprint of every destination's operator attributes.
    pub fingerprints: BTreeMap<String, String>,
    /// The report as it is shown.
    pub report: Option<Item>,
    /// The flow's record; empty if there is none.
    pub flow: Item,
}

/// Reads everything in the operator's table.
pub async fn all(clients: &Clients, settings: &Settings) -> Result<Records, Error> {
    let mut records = Records::default();
    for row in table::scan(clients, &settings.destinations_table).await? {
        let item = table::item(&row);
        let Some(id) = item.get("destination_id").and_then(Value::as_str) else {
            continue;
        };
        let id = id.to_owned();
        if id == report::STATUS {
            records.report = Some(item);
        } else if id == flow::RECORD_ID {
            records.flow = item;
        // An id that cannot be used has been told so once; nothing else can be done for it.
        } else if record::is_valid_id(&id) || !item.contains_key("problem") {
            let fingerprint = record::operator_fingerprint(&item);
            records.fingerprints.insert(id, fingerprint);
        }
    }
    Ok(records)
}

async fn write(
    clients: &Clients,
    settings: &Settings,
    id: &str,
    update: Update,
) -> Result<Written, CallError> {
    let table = &settings.destinations_table;
    table::update(clients, table, id, update, ReturnValue::None).await
}

/// Writes the report, attribute by attribute.
pub async fn write_report(
    clients: &Clients,
    settings: &Settings,
    report: &Item,
    now: Timestamp,
) -> Result<(), Error> {
    let report = report.iter().map(|(name, value)| (name, Some(value)));
    let update = Update::default()
        .set("changed_at", attribute(&now))
        .mirror(report);
    write(clients, settings, report::STATUS, update).await?;
    Ok(())
}

/// Shows what a destination's sessions of this month cost. Never makes a record.
pub async fn show_cost(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    cost: Money,
) -> Result<(), Error> {
    let update = Update::default()
        .set("cost_usd_this_month", attribute(&cost))
        .when_there("destination_id");
    write(clients, settings, destination_id, update).await?;
    Ok(())
}

/// Writes the mirror, and removes the attributes that held a key. Never makes a record, and never
/// over a newer mirror: the record still shows the look that it showed when it was read. A write
/// that lands late is lost, and so is one that an edit has overtaken; whoever came between plans anew.
pub async fn mirror(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    read: &Item,
    mirror: &Mirror,
    scrub: &[String],
) -> Result<(), Error> {
    let mut update = Update::default().when_there("destination_id");
    update = match read.get("observed_at") {
        None => update.when_absent("observed_at"),
        Some(Value::String(shown)) => update.when_equal("observed_at", text(shown)),
        // Not what we write: somebody's own, and no measure of anything.
        Some(_) => update,
    };
    update = update.mirror(mirror.attributes.clone());
    for name in scrub {
        update = update.remove(name);
    }
    write(clients, settings, destination_id, update).await?;
    Ok(())
}

/// No text of a time in this second or an earlier one is greater.
fn next_second(now: Timestamp) -> String {
    ledger::after(now, 1).to_string()
}

/// Shows a problem on a record that no Plan can speak for: its id cannot be used (status `error`),
/// or Plan itself fails (status `stuck`). With a row, also what that knows to exist.
pub async fn show(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    (status, shown): (Status, &Shown),
    row: Option<&Ledger>,
    now: Timestamp,
) -> Result<(), Error> {
    let update = Update::default()
        .set("streaming_status", attribute(&status.as_str()))
        .set("problem", attribute(shown))
        .set("observed_at", attribute(&now))
        .mirror(row.into_iter().flat_map(plan::things))
        // Where Plan takes every key out that somebody pasted, nobody has read the record here.
        .remove("stream_key")
        .when_there("destination_id")
        .when_absent_or_at_most("observed_at", text(&next_second(now)));
    write(clients, settings, destination_id, update).await?;
    Ok(())
}

/// The flow's record as it is now; empty if there is none.
pub async fn read_flow(clients: &Clients, settings: &Settings) -> Result<Item, Error> {
    let row = table::get(clients, &settings.destinations_table, flow::RECORD_ID).await?;
    Ok(row.as_ref().map(table::item).unwrap_or_default())
}

/// Shows the flow, unless the record has a later revision. It is made if it is not there: the
/// operator sees the flow without having asked.
pub async fn show_flow(
    clients: &Clients,
    settings: &Settings,
    view: &View,
    revision: u64,
    now: Timestamp,
) -> Result<bool, Error> {
    let update = Update::default()
        .set("revision", attribute(&revision))
        .set_if_absent("name", text("The flow"))
        .when_absent_or_at_most("revision", attribute(&revision))
        .mirror(view.attributes(now));
    let written = write(clients, settings, flow::RECORD_ID, update).await?;
    Ok(matches!(written, Written::Yes(_)))
}
