//! Removes the destination's flow output.
//!
//! Runs twice: an output that is gone is left alone.
//! Undone by: add-flow-output.

use cloud::{
    Cloud, Error, FLOW_TRIES, media_connect,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
    switch,
};

/// Removes.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let look = &input.plan.look;
    if is_fresh(&input, cloud.now()) && look.flow_output.is_none() {
        return Ok(Done::new("already gone"));
    }
    let step = Step::open_to_unmake(cloud, &input, "remove-flow-output").await?;
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
            // The next step opens over this one's mark, and the next Plan sees that it is gone.
            step.hand_on().await?;
            Ok(Done::new("removed"))
        }
    }
}
