//! Checks what would make the next steps fail, before anything billable exists.
//!
//! Runs twice: it only reads.
//! Undone by: nothing to undo.

use cloud::{
    Cloud, Error, inputs,
    payload::{Done, StepInput},
};
use domain::{
    network,
    problem::{Code, Problem},
};

/// Outputs a flow takes (MediaConnect user guide, quotas).
const FLOW_OUTPUTS_MAX: usize = 50;

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
    let group = &cloud.settings.input_security_group_id;
    let Some(rules) = inputs::describe_security_group(&cloud.clients, group).await? else {
        return Err(Error::permanent(
            Code::FeedNotAllowed,
            "The input security group does not exist.",
        ));
    };
    // A flow that has not run yet may have no address.
    if let Some(address) = &flow.egress_ip
        && !rules.iter().any(|cidr| network::contains(cidr, address))
    {
        let message =
            format!("The input security group does not let the flow's address {address} in.");
        return Err(Error::permanent(Code::FeedNotAllowed, message));
    }
    Ok(Done::new("checked"))
}
