//! Brings the flow up, if it is ours, and waits for it by asking to be tried again.
//!
//! Runs twice: a flow that is up, or on its way up, is left alone.
//! Undone by: the sweep, a grace time after the last destination needed it.

use cloud::{
    Cloud, Error, helpers,
    ledgers::Foresight,
    media_connect,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::{name, problem::Code};

/// Starts. Transient until the flow is ACTIVE.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let mut looked = false;
    if !helpers::need_flow(clients, settings, now, false).await? {
        // A stop of ours was sent. Once it is seen to have landed, nobody has to wait for it.
        let flow = media_connect::describe_flow(clients, settings).await?;
        let landed =
            flow.is_some_and(|flow| matches!(flow.look.status.as_str(), "STOPPING" | "STANDBY"));
        if !(landed && helpers::need_flow(clients, settings, now, true).await?) {
            return Err(Error::transient(
                "The flow is being stopped and comes back up after that.",
            ));
        }
        looked = true;
    }
    if !looked
        && is_fresh(&input, now)
        && input
            .plan
            .look
            .flow
            .as_ref()
            .is_some_and(|flow| flow.is_up())
    {
        return Ok(Done::new("already so"));
    }
    let Some(flow) = media_connect::describe_flow(clients, settings).await? else {
        return Err(Error::permanent(
            Code::FlowMissing,
            "The MediaConnect flow does not exist.",
        ));
    };
    if flow.look.is_up() {
        return Ok(Done::new("up"));
    }
    if flow.look.status != "STANDBY" {
        return Err(Error::transient(format!(
            "The flow is {}.",
            flow.look.status
        )));
    }
    let tags = media_connect::tags(clients, &settings.flow_arn).await?;
    if !name::is_our_flow(&settings.stack, &tags) {
        return Err(Error::permanent(
            Code::WaitingForFlow,
            "The flow is not running, and it is not Lunora's to start.",
        ));
    }
    let step = Step::open_unless_knocked(cloud, &input, "start-flow", Foresight::default()).await?;
    match media_connect::start_flow(clients, settings).await {
        // Another destination may have started it a moment ago.
        Ok(()) => {}
        Err(error) if error.may_be_conflict() => {}
        Err(error) => return Err(step.close_with(error).await),
    }
    step.close().await?;
    Err(Error::transient("The flow is starting."))
}
