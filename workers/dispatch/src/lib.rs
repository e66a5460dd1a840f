//! Starts `reconcile` for every record that an operator has edited or deleted.
//!
//! Runs twice: an execution's name derives from its stream record, so a redelivery starts nothing new.
//! Undone by: nothing; an execution that finds nothing to do ends.

use cloud::{
    Cloud, Error,
    events::{
        dynamodb::{Event, EventRecord},
        event::streams::DynamoDbEventResponse,
    },
    executions, records,
};
use domain::{name, record};

/// Handles a batch. A record that fails is reported by its sequence number, and the batch is
/// delivered again from there: one bad record does not hold the others up.
pub async fn handle(cloud: &Cloud, event: Event) -> Result<DynamoDbEventResponse, Error> {
    for stream_record in &event.records {
        if let Err(error) = start(cloud, stream_record).await {
            // What comes after is delivered again anyway, and order matters per record.
            return records::again_from(cloud, "dispatch", stream_record, error);
        }
    }
    Ok(DynamoDbEventResponse::default())
}

async fn start(cloud: &Cloud, stream_record: &EventRecord) -> Result<(), Error> {
    let change = &stream_record.change;
    let (old, new) = (
        records::item(&change.old_image),
        records::item(&change.new_image),
    );
    let keys = records::item(&change.keys);
    // Without a key there is nothing to reconcile; it would be no better the next time.
    let Some(destination_id) = keys.get("destination_id").and_then(|id| id.as_str()) else {
        return Ok(());
    };
    // The report and the flow's record are no destinations; `update-flow` has the flow's edits.
    if record::OUR_RECORDS.contains(&destination_id) {
        return Ok(());
    }
    let edited = stream_record.event_name != "MODIFY"
        || record::operator_attributes(&old) != record::operator_attributes(&new)
        || !record::secrets_in(&new).is_empty()
        || records::lost_mirror(&old, &new);
    if !edited {
        return Ok(());
    }
    let name = name::execution(destination_id, &stream_record.event_id);
    Ok(executions::start(&cloud.clients, &cloud.settings, &name, destination_id).await?)
}
