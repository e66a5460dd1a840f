//! Adds the flow output that feeds the destination's input, or points it at the right address.
//!
//! Runs twice: an output's name is unique in its flow, and an output that feeds the address is enough.
//! Undone by: remove-flow-output.

use cloud::{
    Cloud, Error, FLOW_TRIES, inputs,
    ledgers::Foresight,
    media_connect,
    payload::{Done, Level, StepInput},
    step::{Step, is_fresh},
    switch,
};
use domain::problem::Code;

/// Adds or aims. Transient while the input has no address yet.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let look = &input.plan.look;
    let wired = look
        .input
        .as_ref()
        .and_then(|input| input.address.as_deref());
    if is_fresh(&input, now)
        && let (Some(output), Some(address)) = (&look.flow_output, wired)
        && output.feeds(address)
    {
        return Ok(Done::new("already so"));
    }
    let mut step =
        Step::open_unless_knocked(cloud, &input, "add-flow-output", Foresight::default()).await?;
    let Some(made) = &mut step.ledger.input else {
        step.close().await?;
        return Err(Error::Stale("There is no input to feed.".into()));
    };
    if made.address.is_empty() {
        let seen = inputs::describe(clients, &made.id).await?;
        let Some(address) = seen.and_then(|input| input.address) else {
            step.close().await?;
            return Err(Error::transient("The input is still being created."));
        };
        made.address = address;
    }
    let address = made.address.clone();
    let (known, busy) = switch::output_now(cloud, &input, step.must_look).await?;
    if busy && !known.as_ref().is_some_and(|output| output.feeds(&address)) {
        step.close().await?;
        return Err(Error::transient("The flow cannot take an output now."));
    }
    let enabled = input.plan.level == Level::Running;
    let outcome = match &known {
        Some(output) if output.feeds(&address) => Ok((output.arn.clone(), "found")),
        Some(output) => media_connect::aim_flow_output(clients, settings, &output.arn, &address)
            .await
            .map(|()| (output.arn.clone(), "aimed")),
        None => {
            let id = &input.destination_id;
            media_connect::add_flow_output(
                clients,
                settings,
                id,
                input.plan.incarnation,
                &address,
                enabled,
            )
            .await
            .map(|arn| (arn, "added"))
        }
    };
    match outcome {
        Ok((arn, did)) => {
            step.ledger.flow_output_arn = Some(arn);
            step.close().await?;
            Ok(Done::new(did))
        }
        Err(error) if error.may_be_conflict() => {
            // MediaConnect says 400 to everything: an output of that name, a flow in transition.
            let flow = media_connect::describe_flow(clients, settings).await?;
            let error = match flow {
                None => {
                    Error::permanent(Code::FlowMissing, "The MediaConnect flow does not exist.")
                }
                Some(flow)
                    if flow
                        .output(&settings.stack, &input.destination_id)
                        .is_some_and(|output| output.feeds(&address)) =>
                {
                    step.close().await?;
                    return Ok(Done::new("found"));
                }
                Some(flow)
                    if !matches!(flow.look.status.as_str(), "ACTIVE" | "STANDBY")
                        || input.retry_count < FLOW_TRIES =>
                {
                    Error::transient("The flow cannot take an output now.")
                }
                Some(_) => error.into(),
            };
            step.close().await?;
            Err(error)
        }
        Err(error) => Err(step.close_with(error).await),
    }
}
