//! Writes down why a step failed for good, so that the next Plan aims accordingly.
//!
//! Runs twice: the same verdict on the same generation is the same verdict.
//! Undone by: an edit of the record, or of `retry`.

use cloud::{
    Cloud, Error, ledgers,
    payload::{FailInput, Knocked},
};
use domain::{
    error,
    ledger::{self, QuotaWait, Verdict},
};

/// A budget of retries that is used up is tried again by itself after this; a refusal is not.
const AGAIN_SECONDS: i64 = 900;

/// Passes the verdict.
pub async fn handle(cloud: &Cloud, input: FailInput) -> Result<Knocked, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let before = ledgers::read(clients, settings, &input.destination_id).await?;
    if before.holder.as_deref() != Some(&input.execution) {
        return Err(Error::Stale("Another execution holds the lease.".into()));
    }
    let problem = error::problem_of_cause(&input.error.error, &input.error.cause);
    let mut after = before.clone();
    let generation = after.generation;
    match input.error.error.as_str() {
        "Permanent" => {
            after.refused = Some(Verdict {
                generation,
                problem,
                again_at: None,
            })
        }
        "Full" => {
            let since = after.quota_wait.as_ref().map_or(now, |wait| wait.since);
            after.quota_wait = Some(QuotaWait {
                since,
                problem,
                count: None,
                turn: false,
                tried_at: now,
            });
        }
        _ => {
            after.stuck = Some(Verdict {
                generation,
                problem,
                again_at: Some(ledger::after(now, AGAIN_SECONDS)),
            })
        }
    }
    let knock = before.knock;
    ledgers::save(clients, settings, &input.execution, &before, &after).await?;
    Ok(Knocked {
        lap: 0,
        knock,
        hand_over: false,
    })
}
