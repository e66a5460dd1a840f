//! The sweep's own small changes to rows that nobody holds.

use crate::{
    clients::Clients,
    ledgers,
    settings::Settings,
    table::{Update, attribute},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::{Error, ledger::Ledger};
use jiff::Timestamp;

/// The sweep's own small changes to a destination's row; each holds only while it is at rest.
pub enum Nudge {
    /// The grace ends now.
    EndGrace(Timestamp),
    /// It is this waiter's turn, with so many things in the way.
    GiveTurn(usize),
    /// How many things existed while it waited.
    NoteCount(usize),
}

/// Makes a small change to the row of a destination that nobody holds.
pub async fn give(
    clients: &Clients,
    settings: &Settings,
    row: &Ledger,
    nudge: Nudge,
) -> Result<(), Error> {
    let mut update = Update::default().when_absent("holder");
    match nudge {
        Nudge::EndGrace(now) => {
            update = update
                .set("grace_until", attribute(&now))
                .when_there("grace_until")
        }
        Nudge::GiveTurn(count) | Nudge::NoteCount(count) => {
            let Some(mut wait) = row.quota_wait.clone() else {
                return Ok(());
            };
            let before = attribute(&wait);
            wait.count = Some(count);
            wait.turn |= matches!(nudge, Nudge::GiveTurn(_));
            update = update
                .set("quota_wait", attribute(&wait))
                .when_equal("quota_wait", before);
        }
    }
    ledgers::write(
        clients,
        settings,
        &row.destination_id,
        update,
        ReturnValue::None,
    )
    .await?;
    Ok(())
}
