//! Writes down why a step failed for good, so that the next Plan aims accordingly.
//!
//! Runs twice: the same verdict on the same generation is the same verdict.
//! Undone by: an edit of the record, or of `retry`.

use cloud::{
    Cloud, Error, ledgers,
    payload::{FailInput, Knocked},
    records,
};
use domain::{
    error,
    plan::{self, Status},
    problem::Shown,
};

/// Passes the verdict.
pub async fn handle(cloud: &Cloud, input: FailInput) -> Result<Knocked, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let before = ledgers::read(clients, settings, &input.destination_id).await?;
    if before.holder.as_deref() != Some(&input.execution) {
        return Err(Error::Stale("Another execution holds the lease.".into()));
    }
    let problem = error::problem_of_cause(&input.error.error, &input.error.cause);
    // That Plan fails is no judgement on the configuration.
    let name = if input.no_plan {
        "Plan"
    } else {
        &input.error.error
    };
    let mut after = plan::fail(now, &before, name, problem.clone());
    let since = plan::since(now, &before, &problem);
    if input.no_plan {
        plan::show(now, &mut after, Some(&problem));
    }
    let knock = before.knock;
    ledgers::save(clients, settings, input.holder(), &before, &after).await?;
    if input.no_plan {
        let id = &input.destination_id;
        let shown = (Status::Stuck, &Shown { problem, since });
        records::show(clients, settings, id, shown, Some(&after), now).await?;
    }
    Ok(Knocked {
        lap: 0,
        knock,
        hand_over: false,
    })
}
