//! Gives priority to the source that an edit of the flow's record asks for.
//!
//! Runs twice: the flow is told only what it does not have yet.
//! Undone by: another edit; the sweep sends what an edit asked for and nobody sent.

use cloud::{
    Cloud, Error,
    events::{
        dynamodb::{Event, EventRecord},
        event::streams::DynamoDbEventResponse,
    },
    feed, media_connect, records,
};
use domain::flow;

/// Handles a batch. The mapping lets only edits of the flow's record through.
pub async fn handle(cloud: &Cloud, event: Event) -> Result<DynamoDbEventResponse, Error> {
    // However many edits there are, the record says what is wished now.
    if let Some(last) = event.records.iter().rfind(|edit| is_wish(edit))
        && let Err(error) = tell(cloud).await
    {
        return records::again_from(cloud, "update-flow", last, error);
    }
    Ok(DynamoDbEventResponse::default())
}

/// Whether a record of the stream is an edit of what the operator writes, not our own mirror.
fn is_wish(edit: &EventRecord) -> bool {
    let change = &edit.change;
    let keys = records::item(&change.keys);
    if keys.get("destination_id").and_then(|id| id.as_str()) != Some(flow::RECORD_ID) {
        return false;
    }
    let (old, new) = (
        records::item(&change.old_image),
        records::item(&change.new_image),
    );
    edit.event_name != "MODIFY"
        || old.get(flow::PREFERRED_SOURCE) != new.get(flow::PREFERRED_SOURCE)
}

async fn tell(cloud: &Cloud) -> Result<(), Error> {
    let Some(mut flow) = media_connect::describe_flow(&cloud.clients, &cloud.settings).await?
    else {
        return Ok(());
    };
    feed::prefer(cloud, &mut flow).await?;
    feed::show(cloud, &flow, None).await?;
    Ok(())
}
