//! Stops feeding the destination's input: what is sent is billed, whether anything reads it or not.
//!
//! Runs twice: an output that is disabled or gone is left alone.
//! Undone by: enable-flow-output.

use cloud::{
    Cloud, Error, media_connect,
    payload::{Done, Level, StepInput},
    step::{Step, is_fresh},
};

/// Switches the output off.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let look = &input.plan.look;
    if input.plan.level == Level::Gone {
        // It is about to be removed as a whole.
        return Ok(Done::new("left to remove-flow-output"));
    }
    let fresh = is_fresh(&input, cloud.now());
    if fresh
        && look
            .flow_output
            .as_ref()
            .is_none_or(|output| !output.enabled)
    {
        return Ok(Done::new("already so"));
    }
    let step = Step::open_to_unmake(cloud, &input, "disable-flow-output").await?;
    let known = if step.must_look {
        media_connect::describe_flow(clients, settings)
            .await?
            .and_then(|flow| flow.output(&settings.stack, &input.destination_id))
    } else {
        look.flow_output.clone()
    };
    let Some(output) = known else {
        step.close().await?;
        return Ok(Done::new("already gone"));
    };
    if !output.enabled {
        step.close().await?;
        return Ok(Done::new("already so"));
    }
    match media_connect::switch_flow_output(clients, settings, &output.arn, false).await {
        Ok(()) => {
            step.close().await?;
            Ok(Done::new("switched"))
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Ok(Done::new("already gone"))
        }
        Err(error) if error.may_be_conflict() && input.retry_count < 2 => {
            // MediaConnect says 400 to everything, and a flow in transition takes no change.
            step.close().await?;
            Err(Error::transient("The flow cannot take a change now."))
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
