//! Switching a destination's flow output on or off: the part that both steps share.

use crate::{Cloud, Error, FLOW_TRIES, media_connect, payload::StepInput, step::Step};
use domain::look::FlowOutputLook;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// It was switched.
    Done,
    /// There was nothing to do.
    AlreadySo,
    /// There is no such output.
    Gone,
}

/// The destination's output, and whether a look has shown that the flow takes no change now.
pub async fn output_now(
    cloud: &Cloud,
    input: &StepInput,
    must_look: bool,
) -> Result<(Option<FlowOutputLook>, bool), Error> {
    if !must_look {
        return Ok((input.plan.look.flow_output.clone(), false));
    }
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let flow = media_connect::describe_flow(clients, settings).await?;
    let busy = flow.as_ref().is_some_and(|flow| flow.look.is_busy());
    let output = flow.and_then(|flow| flow.output(&settings.stack, &input.destination_id));
    Ok((output, busy))
}

/// Switches, within an opened step, which it closes.
pub async fn flow_output(
    cloud: &Cloud,
    input: &StepInput,
    step: Step<'_>,
    on: bool,
) -> Result<Switched, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let (known, busy) = output_now(cloud, input, step.must_look).await?;
    let Some(output) = known else {
        step.close().await?;
        return Ok(Switched::Gone);
    };
    if output.enabled == on {
        step.close().await?;
        return Ok(Switched::AlreadySo);
    }
    if busy {
        step.close().await?;
        return Err(Error::transient("The flow cannot take a change now."));
    }
    let may_land_until = step.ledger.output_may_land_until;
    if on && may_land_until.is_some_and(|until| cloud.now() < until) {
        step.close().await?;
        return Err(Error::transient(
            "An earlier UpdateFlowOutput may still land.",
        ));
    }
    match media_connect::switch_flow_output(clients, settings, &output.arn, on).await {
        Ok(()) => {
            step.close().await?;
            Ok(Switched::Done)
        }
        Err(error) if error.is_not_found() => {
            step.close().await?;
            Ok(Switched::Gone)
        }
        Err(error) if error.may_be_conflict() && input.retry_count < FLOW_TRIES => {
            // MediaConnect says 400 to everything, and a flow in transition takes no change.
            step.close().await?;
            Err(Error::transient("The flow cannot take a change now."))
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
