//! Stores the token of a state that watches an incident, and ends the wait if there was news since the look.
//!
//! Runs twice: the newest token is the one that counts, and a late answer is swallowed.
//! Undone by: watch or sweep, which end the wait, or its own end.

use cloud::{
    Cloud, Error, executions, outages,
    payload::{Done, WatchInput},
};

/// Begins the wait, or ends it at once.
pub async fn handle(cloud: &Cloud, input: WatchInput) -> Result<Done, Error> {
    // First the token, then the question: a word in between finds somebody to wake.
    let words = outages::watch(cloud, &input).await?;
    if words == Some(input.changes) {
        return Ok(Done::new("waiting"));
    }
    executions::end_wait(&cloud.clients, &input.task_token, "news").await?;
    Ok(Done::new("not waiting"))
}
