//! The operator's table: read records, write the mirror, scrub a key.

use crate::{
    clients::Clients,
    settings::Settings,
    table::{self, Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    cost::Money,
    flow::{self, View},
    ledger::{self, Ledger},
    plan::{Mirror, Status},
    problem::Problem,
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

/// Writes the report, attribute by attribute.
pub async fn write_report(
    clients: &Clients,
    settings: &Settings,
    report: &Item,
    now: Timestamp,
) -> Result<(), Error> {
    let mut update = Update::default().set("changed_at", attribute(&now));
    for (name, value) in report {
        update = update.set(name, attribute(value));
    }
    table::update(
        clients,
        &settings.destinations_table,
        report::STATUS,
        update,
        ReturnValue::None,
    )
    .await?;
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
    table::update(
        clients,
        &settings.destinations_table,
        destination_id,
        update,
        ReturnValue::None,
    )
    .await?;
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
    for (name, value) in &mirror.attributes {
        update = match value {
            Some(value) => update.set(name, attribute(value)),
            None => update.remove(name),
        };
    }
    for name in scrub {
        update = update.remove(name);
    }
    table::update(
        clients,
        &settings.destinations_table,
        destination_id,
        update,
        ReturnValue::None,
    )
    .await?;
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
    (status, problem, since): (Status, &Problem, Timestamp),
    row: Option<&Ledger>,
    now: Timestamp,
) -> Result<(), Error> {
    let shown = serde_json::json!({
        "code": problem.code.as_str(), "message": problem.message, "advice": problem.advice, "since": since.to_string(),
    });
    let mut update = Update::default()
        .set("streaming_status", attribute(&status.as_str()))
        .set("problem", attribute(&shown))
        .set("observed_at", attribute(&now));
    if let Some(row) = row {
        for (name, value) in domain::plan::things(row) {
            update = match value {
                Some(value) => update.set(name, attribute(&value)),
                None => update.remove(name),
            };
        }
    }
    let update = update
        .when_there("destination_id")
        .when_absent_or_at_most("observed_at", text(&next_second(now)));
    table::update(
        clients,
        &settings.destinations_table,
        destination_id,
        update,
        ReturnValue::None,
    )
    .await?;
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
    let mut update = Update::default()
        .set("revision", attribute(&revision))
        .set_if_absent("name", text("The flow"))
        .when_absent_or_at_most("revision", attribute(&revision));
    for (name, value) in view.attributes(now) {
        update = match value {
            Some(value) => update.set(name, attribute(&value)),
            None => update.remove(name),
        };
    }
    let written = table::update(
        clients,
        &settings.destinations_table,
        flow::RECORD_ID,
        update,
        ReturnValue::None,
    )
    .await?;
    Ok(matches!(written, Written::Yes(_)))
}
