//! Takes the lease on a record, or leaves the mark that something changed and ends.
//!
//! Runs twice: whoever holds the lease already gets it again.
//! Undone by: release, or by the next execution once this one runs no more.

use cloud::{
    Cloud, Error, executions,
    ledgers::{self, Lease},
    payload::{ClaimInput, Knocked},
    records,
};
use domain::{
    plan::Status,
    problem::{Code, Problem, Shown},
    record,
};

/// How often the holder may change under our eyes before we try again later.
const ROUNDS: usize = 3;

/// Claims. Stale: another execution runs and now knows that something changed.
pub async fn handle(cloud: &Cloud, input: ClaimInput) -> Result<Knocked, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let ClaimInput {
        destination_id,
        execution,
    } = &input;
    if !record::is_valid_id(destination_id) {
        let problem = Problem::new(Code::InvalidId, "This destination_id cannot be used.");
        records::show(
            clients,
            settings,
            destination_id,
            (
                Status::Error,
                &Shown {
                    problem,
                    since: now,
                },
            ),
            None,
            now,
        )
        .await?;
        return Err(Error::Stale(
            "The record's id cannot be used; the record says so.".into(),
        ));
    }
    for _ in 0..ROUNDS {
        let held =
            match ledgers::take_lease(clients, settings, destination_id, execution, now).await? {
                Lease::Taken => {
                    return Ok(Knocked {
                        lap: 0,
                        knock: 0,
                        hand_over: false,
                    });
                }
                Lease::HeldBy(held) => held,
            };
        let Some(holder) = held.holder.as_deref() else {
            continue;
        };
        let gone = executions::is_gone(clients, holder, held.held_at, now).await?;
        if gone {
            if ledgers::take_over(clients, settings, destination_id, execution, holder, now).await?
            {
                return Ok(Knocked {
                    lap: 0,
                    knock: 0,
                    hand_over: false,
                });
            }
            continue;
        }
        if let Some(row) = ledgers::knock(clients, settings, destination_id, holder).await? {
            if let Some(wait) = &row.wait {
                executions::end_wait(clients, &wait.token, "edited").await?;
            }
            return Err(Error::Stale(
                "Another execution is at work on this record and knows of the change.".into(),
            ));
        }
    }
    Err(Error::transient("The lease changed hands again and again."))
}
