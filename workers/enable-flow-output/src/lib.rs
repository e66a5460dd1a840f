//! Lets the flow feed the destination's input.
//!
//! Runs twice: an output that is enabled is left alone.
//! Undone by: disable-flow-output.

use cloud::{
    Cloud, Error,
    ledgers::Foresight,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
    switch::{self, Switched},
};

/// Switches the output on.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
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
    let step = Step::open_unless_knocked(cloud, &input, "enable-flow-output", Foresight::default())
        .await?;
    match switch::flow_output(cloud, &input, step, true).await? {
        Switched::Done => Ok(Done::new("switched")),
        Switched::AlreadySo => Ok(Done::new("already so")),
        Switched::Gone => Err(Error::Stale("The flow output is gone.".into())),
    }
}
