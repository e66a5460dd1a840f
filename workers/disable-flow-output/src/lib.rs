//! Stops feeding the destination's input: what is sent is billed, whether anything reads it or not.
//!
//! Runs twice: an output that is disabled or gone is left alone.
//! Undone by: enable-flow-output.

use cloud::{
    Cloud, Error,
    payload::{DisableInput, Done, Level},
    step::{Step, is_fresh},
    switch::{self, Switched},
};

/// Switches the output off.
pub async fn handle(cloud: &Cloud, input: DisableInput) -> Result<Done, Error> {
    let DisableInput {
        step: input,
        stop_refused,
    } = input;
    if stop_refused {
        // It is on the air by now, and stays fed until a stop is taken.
        return Ok(Done::new("left to the next stop"));
    }
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
    match switch::flow_output(cloud, &input, step, false).await? {
        Switched::Done => Ok(Done::new("switched")),
        Switched::AlreadySo => Ok(Done::new("already so")),
        Switched::Gone => Ok(Done::new("already gone")),
    }
}
