//! How an acting step opens: by whom, on what condition, and what it notes before it acts.

use super::{parse, when_count, write};
use crate::{
    clients::Clients,
    settings::Settings,
    table::{Update, Written, attribute, text},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    Error,
    ledger::{self, Attempt, Intent, Ledger, Sought},
};
use jiff::Timestamp;

/// Who holds the lease, in one try of one state of its execution.
///
/// A write that got no answer may land half a minute later, when a later try or a later state has
/// long written something newer. All states of an execution come one after another, and so do the
/// tries of a state; so each write carries its place in that order and is void behind a later one.
/// The order is Step Functions' own; no clock of a function has a say.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// ARN of the execution.
    pub execution: &'a str,
    fence: u64,
}

impl<'a> Holder<'a> {
    /// `entered_at` is when the state was entered, `retry_count` how often it was retried since.
    pub fn new(execution: &'a str, entered_at: Timestamp, retry_count: u32) -> Holder<'a> {
        let entered_at = u64::try_from(entered_at.as_millisecond()).unwrap_or_default();
        Holder {
            execution,
            // At most 41 retries in a state; together 16 digits, of which DynamoDB keeps 38.
            fence: entered_at * 1000 + u64::from(retry_count.min(999)),
        }
    }

    /// Adds to a write what makes it ours.
    pub(super) fn seal(self, update: Update) -> Update {
        let fence = attribute(&self.fence);
        update
            .set("fence", fence.clone())
            .when_equal("holder", text(self.execution))
            .when_absent_or_at_most("fence", fence)
    }
}

/// What an acting step insists on when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// We hold the lease: enough for what unmakes.
    Holder,
    /// And nobody has knocked since Plan: for what makes, starts or changes.
    HolderAndKnock(u64),
}

/// How an acting step opens.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The step: `create-channel`.
    pub operation: &'a str,
    /// What it insists on.
    pub guard: Guard,
    /// What it notes.
    pub foresight: &'a Foresight,
}

/// What an acting step notes before it acts.
#[derive(Clone, Debug, Default)]
pub struct Foresight {
    /// A create of the input is about to be sent.
    pub input_sought: Option<Sought>,
    /// A create of the channel is about to be sent.
    pub channel_sought: Option<Sought>,
    /// What the channel runs with is uncertain from now on.
    pub forget_on_air: bool,
    /// A start is about to be sent: it counts, whatever comes of it.
    pub start: Option<Attempt>,
}

/// Opens an acting step: notes what is about to be sent, on condition that we may. Gives the row
/// as it was before, from which an intent of unknown outcome can be told.
pub async fn open(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    holder: Holder<'_>,
    opening: &Opening<'_>,
    now: Timestamp,
) -> Result<Ledger, Error> {
    let Opening {
        operation,
        guard,
        foresight,
    } = *opening;
    let intent = Intent {
        operation: operation.to_owned(),
        until: ledger::after(now, ledger::INTENT_SECONDS),
    };
    let mut update = holder.seal(Update::default().set("intent", attribute(&intent)));
    if let Guard::HolderAndKnock(knock) = guard {
        update = when_count(update, "knock", knock);
    }
    if let Some(sought) = &foresight.input_sought {
        update = update.set_if_absent("input_sought", attribute(sought));
    }
    if let Some(sought) = &foresight.channel_sought {
        update = update.set_if_absent("channel_sought", attribute(sought));
    }
    if foresight.forget_on_air {
        update = update.remove("on_air");
    }
    if let Some(start) = &foresight.start {
        update = update.append("starts", attribute(start));
    }
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
        Written::No(_) => Err(Error::Stale(
            "The lease is another's, or somebody knocked.".into(),
        )),
    }
}
