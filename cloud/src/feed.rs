//! The flow's record: looked after by whoever has seen an event, an edit, or the flow itself.
//!
//! What was heard and shown is kept in the row `flow#main`; the record is a mirror of it. Two that
//! look at once are told apart by a revision: the one that was overtaken looks at the notes again.

use crate::{
    Cloud, Error,
    helpers::{self, Feed},
    measurements,
    media_connect::{self, Flow},
    records,
};
use domain::{
    flow::{self, Measured, Turn, View},
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
    at: Timestamp,
    view: View,
}

/// Tells the flow what the operator prefers, if it has to be told. Whoever has sent something reads
/// the record again: so the one that sends last has seen the newest wish.
pub async fn prefer(cloud: &Cloud, flow: &mut Flow) -> Result<(), Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    for _ in 0..TRIES {
        let record = records::read_flow(clients, settings).await?;
        // What cannot be done is said by `show`.
        let Ok(Turn::Prefer(priority)) = turn(&record, flow) else {
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
    match turn(record, flow) {
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

/// What was shown last and heard since, and the record as it is.
#[derive(Default)]
pub struct Known {
    /// What the ledger knows.
    pub feed: Feed,
    /// The record; empty if there is none.
    pub record: Item,
}

impl Known {
    /// What was shown last. Of what another version of ours has shown only its revision is known, so that
    /// it can be shown anew.
    fn last(&self) -> Edition {
        let Some(shown) = &self.feed.shown else {
            return Edition::default();
        };
        serde_json::from_value(shown.clone()).unwrap_or_else(|_| Edition {
            revision: shown["revision"].as_u64().unwrap_or_default(),
            ..Edition::default()
        })
    }
}

/// What the record is to say, if that is news.
async fn news(
    cloud: &Cloud,
    flow: &Flow,
    known: &Known,
    measured: &Measured,
) -> Result<Option<Edition>, Error> {
    // Whole seconds, as AWS's events have them.
    let now = Timestamp::from_second(cloud.now().as_second()).unwrap_or_default();
    let last = known.last();
    let view = flow::view(
        now,
        &flow.look.status,
        &flow.feed,
        &known.feed.heard,
        &last.view,
    )
    .with_measured(measured)
    .with_problem(now, slip(cloud, &known.record, flow).await?, &last.view);
    // A record that was deleted, put over or not reached by the last writer is written again.
    let reached = known.record.get("revision") == Some(&serde_json::json!(last.revision));
    let shown_at = (known.feed.shown.is_some() && reached).then_some(last.at);
    let is_news = view.is_news(&last.view, shown_at, now);
    Ok(is_news.then(|| Edition {
        revision: last.revision + 1,
        at: now,
        view,
    }))
}

/// Brings the record in line with what was seen and heard. Says whether it was written. `feed`: what the
/// caller has just read; who is overtaken reads again.
pub async fn show(cloud: &Cloud, flow: &Flow, feed: Option<Feed>) -> Result<bool, Error> {
    show_with(cloud, flow, feed, &Measured::new()).await
}

async fn show_with(
    cloud: &Cloud,
    flow: &Flow,
    mut feed: Option<Feed>,
    measured: &Measured,
) -> Result<bool, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    for _ in 0..TRIES {
        let known = Known {
            feed: match feed.take() {
                Some(feed) => feed,
                None => helpers::feed(clients, settings).await?,
            },
            record: records::read_flow(clients, settings).await?,
        };
        let Some(next) = news(cloud, flow, &known, measured).await? else {
            return Ok(false);
        };
        let before = known.feed.shown.is_some().then_some(next.revision - 1);
        if helpers::note_feed(clients, settings, before, &next).await? {
            let (view, revision, now) = (&next.view, next.revision, next.at);
            return records::show_flow(clients, settings, view, revision, now).await;
        }
    }
    Err(Error::transient("Others were faster."))
}

/// What the sweep does for the flow: sends what is preferred if nobody has, and shows what nobody did.
/// Nothing is read or sent while what the pass has read says that all is well, but for the numbers of
/// the sources: these are asked for when the record is written anyway, and now and then.
pub async fn recheck(cloud: &Cloud, mut flow: Flow, known: &Known) -> Result<(), Error> {
    let sent = match turn(&known.record, &flow) {
        Ok(Turn::Prefer(_)) => prefer(cloud, &mut flow).await,
        _ => Ok(()),
    };
    // A flow that takes no change now is shown all the same.
    let next = news(cloud, &flow, known, &Measured::new()).await?;
    let measured = measure(cloud, &flow, known, next.as_ref()).await;
    if next.is_some()
        || !measured.is_empty() && news(cloud, &flow, known, &measured).await?.is_some()
    {
        show_with(cloud, &flow, None, &measured).await?;
    }
    sent
}

/// The numbers of the sources, if they are wanted now and known.
async fn measure(cloud: &Cloud, flow: &Flow, known: &Known, next: Option<&Edition>) -> Measured {
    let wanted = match next {
        Some(next) => next.view.is_received(),
        None => {
            let last = known.last();
            last.view.wants_numbers(last.at, cloud.now())
        }
    };
    if wanted && flow.look.status == "ACTIVE" {
        measurements::measure(&cloud.clients, &flow.feed.sources, cloud.now()).await
    } else {
        Measured::new()
    }
}

/// What is to be done about the preference of the record.
fn turn(record: &Item, flow: &Flow) -> Result<Turn, Problem> {
    flow::preference(record).and_then(|wish| flow::decide(wish, &flow.feed))
}
