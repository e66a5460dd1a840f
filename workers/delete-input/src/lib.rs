//! Deletes the destination's input and waits for it by asking to be tried again.
//!
//! Runs twice: an input that is gone is left alone.
//! Undone by: create-input, in a new incarnation.

use cloud::{
    Cloud, Error, inputs,
    payload::{Done, StepInput},
    step::Step,
};

/// Deletes. Transient while the input is still attached, which lags the channel's end by minutes,
/// and until it is seen to be gone.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let clients = &cloud.clients;
    let Some(seen) = &input.plan.look.input else {
        return Ok(Done::new("already gone"));
    };
    let mut step = Step::open_to_unmake(cloud, &input, "delete-input").await?;
    let state = inputs::describe(clients, &seen.id)
        .await?
        .map(|input| input.state);
    let deleted = match state.as_deref() {
        None | Some("DELETED") => true,
        Some("DETACHED") => match inputs::delete(clients, &seen.id).await {
            Ok(()) => inputs::describe(clients, &seen.id)
                .await?
                .is_none_or(|input| input.state == "DELETED"),
            Err(error) if error.may_be_conflict() => false,
            Err(error) => return Err(step.close_with(error).await),
        },
        Some(_) => false,
    };
    if deleted {
        step.ledger.forget_input();
        step.close().await?;
        return Ok(Done::new("deleted"));
    }
    step.close().await?;
    // ATTACHED, or DELETING since a moment ago.
    let state = state.unwrap_or_default();
    Err(Error::transient(format!(
        "The input was {state} and is not gone yet."
    )))
}
