//! Checks what would make the next steps fail, before anything billable exists.
//!
//! Runs twice: it reads, and notes what it saw for the others.
//! Undone by: nothing to undo.

use cloud::{
    Cloud, Error,
    helpers::{self, LetIn},
    inputs,
    payload::{Done, StepInput},
};
use domain::{
    ledger, network,
    problem::{Code, Problem},
};

/// Outputs a flow takes (MediaConnect user guide, quotas).
const FLOW_OUTPUTS_MAX: usize = 50;

/// How long a look at the security group serves: it changes with a deployment only.
const LET_IN_SECONDS: i64 = 600;

/// Checks the flow's room and that the security group lets the flow in.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    let look = &input.plan.look;
    if look.channel.is_some() {
        return Ok(Done::new("already so"));
    }
    let Some(flow) = &look.flow else {
        return Err(Error::permanent(
            Code::FlowMissing,
            "The MediaConnect flow does not exist.",
        ));
    };
    if look.flow_output.is_none() && flow.outputs >= FLOW_OUTPUTS_MAX {
        let message =
            format!("The MediaConnect flow has {FLOW_OUTPUTS_MAX} outputs and takes no more.");
        return Err(Error::Full(Problem::new(Code::WaitingForQuota, message)));
    }
    // A flow that has not run yet may have no address.
    let Some(address) = &flow.egress_ip else {
        group_rules(cloud).await?;
        return Ok(Done::new("checked"));
    };
    // The group is the same for all destinations: one look serves those of the next minutes.
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let lets_in = |rules: &[String]| rules.iter().any(|cidr| network::contains(cidr, address));
    let known = helpers::read(clients, settings, helpers::FLOW_KEY)
        .await?
        .and_then(|row| row.let_in)
        .is_some_and(|let_in| {
            now < ledger::after(let_in.at, LET_IN_SECONDS) && lets_in(&let_in.rules)
        });
    if known {
        return Ok(Done::new("checked a moment ago"));
    }
    let rules = group_rules(cloud).await?;
    if !lets_in(&rules) {
        let message =
            format!("The input security group does not let the flow's address {address} in.");
        return Err(Error::permanent(Code::FeedNotAllowed, message));
    }
    helpers::note_let_in(clients, settings, &LetIn { rules, at: now }).await?;
    Ok(Done::new("checked"))
}

/// The addresses that the input security group lets in.
async fn group_rules(cloud: &Cloud) -> Result<Vec<String>, Error> {
    let group = &cloud.settings.input_security_group_id;
    inputs::describe_security_group(&cloud.clients, group)
        .await?
        .ok_or_else(|| {
            Error::permanent(
                Code::FeedNotAllowed,
                "The input security group does not exist.",
            )
        })
}
