//! Removes the destination's flow output.
//!
//! Runs twice: an output that is gone is left alone.
//! Undone by: add-flow-output.

use cloud::{
    Cloud, Error, FLOW_TRIES, media_connect,
    payload::{Done, StepInput},
    step::Step,
    switch,
};

/// Removes.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    // Opened even if there is none: a request to make one may still be under way.
    let mut step = Step::open_to_unmake(cloud, &input, "remove-flow-output").await?;
    let may_land_until = step.ledger.output_may_land_until;
    let (known, busy) = switch::output_now(cloud, &input, step.must_look).await?;
    if busy && known.is_some() {
        step.close().await?;
        return Err(Error::transient("The flow cannot take a change now."));
    }
    let outcome = match &known {
        Some(output) => media_connect::remove_flow_output(clients, settings, &output.arn).await,
        None => Ok(()),
    };
    match outcome {
        Err(error) if error.may_be_conflict() && input.retry_count < FLOW_TRIES => {
            // MediaConnect says 400 to everything, and a flow in transition takes no change.
            step.close().await?;
            Err(Error::transient("The flow cannot take a change now."))
        }
        Err(error) if !error.is_not_found() => Err(step.close_with(error).await),
        // What is removed now could be made again by a request that is still under way.
        _ if may_land_until.is_some_and(|until| cloud.now() < until) => {
            step.close().await?;
            Err(Error::transient(
                "An earlier AddFlowOutputs may still land.",
            ))
        }
        _ => {
            step.ledger.flow_output_arn = None;
            // The next step opens over this one's mark.
            step.hand_on().await?;
            Ok(Done::new(match known {
                Some(_) => "removed",
                None => "already gone",
            }))
        }
    }
}
