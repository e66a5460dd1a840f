//! The flow's record: looked after by whoever has seen an event, an edit, or the flow itself.
//!
//! What was heard and shown is kept in the row `flow#main`; the record is a mirror of it. Two that
//! look at once are told apart by a revision: the one that was overtaken looks at the notes again.

use crate::{
    Cloud, Error, helpers,
    media_connect::{self, Flow},
    records,
};
use domain::{
    flow::{self, Turn, View},
    name,
    problem::{Code, Problem},
    record::Item,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How often it is tried again when another was faster. Each try follows another's success.
const TRIES: usize = 5;

/// What was shown last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Edition {
    revision: u64,
    at: Option<Timestamp>,
    view: View,
}

/// Tells the flow what the operator prefers, if it has to be told. Whoever has sent something reads
/// the record again: so the one that sends last has seen the newest wish.
pub async fn prefer(cloud: &Cloud, flow: &mut Flow) -> Result<(), Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    for _ in 0..TRIES {
        let record = records::read_flow(clients, settings).await?;
        let turn = flow::preference(&record).and_then(|wish| flow::decide(wish, &flow.feed));
        // What cannot be done is said by `show`.
        let Ok(Turn::Prefer(priority)) = turn else {
            return Ok(());
        };
        let tags = media_connect::tags(clients, &settings.flow_arn).await?;
        if !name::is_our_flow(&settings.stack, &tags) {
            return Ok(());
        }
        match media_connect::update_flow(clients, settings, priority).await {
            Ok(()) => flow.feed.priority = priority.map(str::to_owned),
            // MediaConnect takes no change while the flow starts, stops or takes up another one.
            Err(error) if error.may_be_conflict() => {
                return Err(Error::transient("The flow takes no change now."));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::transient("The preference changes all the time."))
}

/// What is wrong with the record's preference, as far as a look tells it.
async fn slip(cloud: &Cloud, record: &Item, flow: &Flow) -> Result<Option<Problem>, Error> {
    match flow::preference(record).and_then(|wish| flow::decide(wish, &flow.feed)) {
        Err(problem) => Ok(Some(problem)),
        Ok(Turn::Leave) => Ok(None),
        Ok(Turn::Prefer(_)) => {
            let tags = media_connect::tags(&cloud.clients, &cloud.settings.flow_arn).await?;
            let ours = name::is_our_flow(&cloud.settings.stack, &tags);
            Ok((!ours).then(|| {
                Problem::new(
                    Code::NotAvailableYet,
                    "The flow was handed over in FlowArn, so which of its sources is preferred is not Lunora's to say.",
                )
                .with_advice("Prefer a source where that flow is kept, and delete preferred_source here.")
            }))
        }
    }
}

/// Brings the record in line with what was seen and heard. Says whether it was written.
pub async fn show(cloud: &Cloud, flow: &Flow) -> Result<bool, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    // Whole seconds, as AWS's events have them.
    let now = Timestamp::from_second(cloud.now().as_second()).unwrap_or_default();
    for _ in 0..TRIES {
        let (noted, heard) = helpers::feed(clients, settings).await?;
        let record = records::read_flow(clients, settings).await?;
        let is_first = noted.is_none();
        let last: Edition = noted
            .and_then(|noted| serde_json::from_value(noted).ok())
            .unwrap_or_default();
        let view = flow::view(now, &flow.look.status, &flow.feed, &heard, &last.view).with_problem(
            now,
            slip(cloud, &record, flow).await?,
            &last.view,
        );
        // A record that was deleted, put over or not reached by the last writer is written again.
        let reached = record.get("revision") == Some(&serde_json::json!(last.revision));
        if !view.is_news(&last.view, last.at.filter(|_| reached), now) {
            return Ok(false);
        }
        let shown = Edition {
            revision: last.revision + 1,
            at: Some(now),
            view,
        };
        let before = (!is_first).then_some(last.revision);
        if helpers::note_feed(clients, settings, before, &shown).await? {
            return records::show_flow(clients, settings, &shown.view, shown.revision, now).await;
        }
    }
    Err(Error::transient("Others were faster."))
}
