//! Gives the lease back, unless somebody knocked since the last Plan.
//!
//! Runs twice: a lease that was given back stays given back.
//! Undone by: claim.

use cloud::{
    Cloud, Error, executions, ledgers,
    payload::{Done, ReleaseInput},
};
use domain::name;

/// Releases. Stale: there is something new, plan again.
pub async fn handle(cloud: &Cloud, input: ReleaseInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &input.destination_id;
    ledgers::give_back(clients, settings, id, &input.execution, input.plan.knock).await?;
    if !input.plan.hand_over {
        return Ok(Done::new("released"));
    }
    // A long history would end the execution by itself: a fresh one goes on. Its name follows from
    // ours, so that a repeated release starts no second one.
    let ours = input.execution.rsplit(':').next().unwrap_or_default();
    let successor = name::execution(id, &format!("after-{}", name::short_hash(ours)));
    executions::start(clients, settings, &successor, id).await?;
    Ok(Done::new("handed over"))
}
