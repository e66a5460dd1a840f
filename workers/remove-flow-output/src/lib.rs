//! Removes the destination's flow output.
//!
//! Runs twice: an output that is gone is left alone.
//! Undone by: add-flow-output.

use cloud::{
    Cloud, Error, media_connect,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};

/// Removes.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let look = &input.plan.look;
    if is_fresh(&input, cloud.now()) && look.flow_output.is_none() {
        return Ok(Done::new("already gone"));
    }
    let mut step = Step::open_to_unmake(cloud, &input, "remove-flow-output").await?;
    let known = if step.must_look {
        media_connect::describe_flow(clients, settings)
            .await?
            .and_then(|flow| flow.output(&settings.stack, &input.destination_id))
    } else {
        look.flow_output.clone()
    };
    let outcome = match &known {
        Some(output) => media_connect::remove_flow_output(clients, settings, &output.arn).await,
        None => Ok(()),
    };
    match outcome {
        Err(error) if error.may_be_conflict() && input.retry_count < 2 => {
            // MediaConnect says 400 to everything, and a flow in transition takes no change.
            step.close().await?;
            Err(Error::transient("The flow cannot take a change now."))
        }
        Err(error) if !error.is_not_found() => Err(step.close_with(error).await),
        _ => {
            step.ledger.flow_output_arn = None;
            step.close().await?;
            Ok(Done::new("removed"))
        }
    }
}
