//! Deletes the destination's input and waits for it by asking to be tried again.
//!
//! Runs twice: an input that is gone is left alone.
//! Undone by: create-input, in a new incarnation.

use cloud::{
    Cloud, Error, inputs, ledgers,
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
    // Looked at before anything is noted: while it is attached, a try costs this one call.
    let state = inputs::describe(clients, &seen.id)
        .await?
        .map(|input| input.state);
    match state.as_deref() {
        None | Some("DELETED") => {
            let (id, holder) = (&input.destination_id, input.holder());
            let deleted = state.is_some();
            ledgers::forget_input(clients, &cloud.settings, id, holder, &seen.id, deleted).await?;
            return Ok(Done::new("deleted"));
        }
        Some("DETACHED") => {
            let mut step = Step::open_to_unmake(cloud, &input, "delete-input").await?;
            match inputs::delete(clients, &seen.id).await {
                // The next try, or Plan, sees it gone.
                Ok(()) => {
                    step.ledger.input_deleted = true;
                    step.hand_on().await?;
                }
                Err(error) if error.may_be_conflict() => step.close().await?,
                Err(error) => return Err(step.close_with(error).await),
            }
        }
        Some(_) => {}
    }
    // ATTACHED, or DELETING since a moment ago.
    let state = state.unwrap_or_default();
    Err(Error::transient(format!(
        "The input was {state} and is not gone yet."
    )))
}
