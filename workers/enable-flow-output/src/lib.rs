//! Lets the flow feed the destination's input.
//!
//! Runs twice: an output that is enabled is left alone.
//! Undone by: disable-flow-output.

use cloud::{
    Cloud, Error,
    ledgers::Foresight,
    media_connect,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};

/// Switches the output on.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let look = &input.plan.look;
    let fresh = is_fresh(&input, cloud.now());
    if fresh
        && look
            .flow_output
            .as_ref()
            .is_some_and(|output| output.enabled)
    {
        return Ok(Done::new("already so"));
    }
    let step =
        Step::open_to_make(cloud, &input, "enable-flow-output", Foresight::default()).await?;
    let known = if step.must_look {
        media_connect::describe_flow(clients, settings)
            .await?
            .and_then(|flow| flow.output(&settings.stack, &input.destination_id))
    } else {
        look.flow_output.clone()
    };
    let Some(output) = known else {
        step.close().await?;
        return Err(Error::Stale("The flow output is gone.".into()));
    };
    if output.enabled {
        step.close().await?;
        return Ok(Done::new("already so"));
    }
    match media_connect::switch_flow_output(clients, settings, &output.arn, true).await {
        Ok(()) => {
            step.close().await?;
            Ok(Done::new("switched"))
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Err(Error::Stale("The flow output is gone.".into()))
        }
        Err(error) if error.may_be_conflict() && input.retry_count < 2 => {
            // MediaConnect says 400 to everything, and a flow in transition takes no change.
            step.close().await?;
            Err(Error::transient("The flow cannot take a change now."))
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
