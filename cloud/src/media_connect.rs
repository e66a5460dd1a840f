//! MediaConnect: the flow and our outputs on it.
//!
//! Flow operations have no 409: whatever is wrong comes as 400, so the callers look again before
//! they call anything refused.

use crate::{clients::Clients, fault::CallError, settings::Settings};
use aws_sdk_mediaconnect::types as sdk;
use domain::{
    INPUT_PORT,
    flow::{FeedLook, SourceLook},
    look::{FlowLook, FlowOutputLook},
    name::{self, Tags},
};

/// The flow with its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its state.
    pub look: FlowLook,
    /// Every output, ours or not: name and what it does.
    pub outputs: Vec<(String, FlowOutputLook)>,
    /// Its sources.
    pub feed: FeedLook,
}

impl Flow {
    /// The output of a destination.
    pub fn output(&self, stack: &str, destination_id: &str) -> Option<FlowOutputLook> {
        let wanted = name::resource(stack, destination_id);
        self.outputs
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, output)| output.clone())
    }
}

/// Looks at the flow. `None`: not found.
pub async fn describe_flow(
    clients: &Clients,
    settings: &Settings,
) -> Result<Option<Flow>, CallError> {
    let output = match clients
        .mediaconnect
        .describe_flow()
        .flow_arn(&settings.flow_arn)
        .send()
        .await
    {
        Ok(output) => output,
        Err(error) => {
            let error = CallError::new("DescribeFlow", &error);
            return if error.is_not_found() {
                Ok(None)
            } else {
                Err(error)
            };
        }
    };
    let Some(flow) = output.flow() else {
        return Ok(None);
    };
    let outputs: Vec<(String, FlowOutputLook)> = flow
        .outputs()
        .iter()
        .map(|output| {
            let look = FlowOutputLook {
                arn: output.output_arn().unwrap_or_default().to_owned(),
                // An output made before 2024-07 has no status: it sends.
                enabled: output.output_status() != Some(&sdk::OutputStatus::Disabled),
                destination: output.destination().map(str::to_owned),
                port: output.port(),
            };
            (output.name().unwrap_or_default().to_owned(), look)
        })
        .collect();
    let look = FlowLook {
        status: flow
            .status()
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        egress_ip: flow.egress_ip().map(str::to_owned),
        outputs: outputs.len(),
        ours: None,
    };
    let feed = FeedLook {
        sources: flow.sources().iter().map(source).collect(),
        priority: flow
            .source_failover_config()
            .and_then(|config| config.source_priority())
            .and_then(|priority| priority.primary_source())
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    };
    Ok(Some(Flow {
        look,
        outputs,
        feed,
    }))
}

fn source(source: &sdk::Source) -> SourceLook {
    SourceLook {
        name: source.name().unwrap_or_default().to_owned(),
        arn: source.source_arn().unwrap_or_default().to_owned(),
        has_peer: source
            .peer_ip_address()
            .is_some_and(|address| !address.is_empty()),
    }
}

/// Gives one source of the flow priority over the other, or neither.
pub async fn update_flow(
    clients: &Clients,
    settings: &Settings,
    priority: Option<&str>,
) -> Result<(), CallError> {
    let config = sdk::UpdateFailoverConfig::builder()
        .state(sdk::State::Enabled)
        // SRT sources know no other mode.
        .failover_mode(sdk::FailoverMode::Failover)
        .set_source_priority(
            priority.map(|name| sdk::SourcePriority::builder().primary_source(name).build()),
        );
    let call = clients
        .mediaconnect
        .update_flow()
        .flow_arn(&settings.flow_arn)
        .source_failover_config(config.build());
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("UpdateFlow", &error))
}

/// The tags of the flow or of an output.
pub async fn tags(clients: &Clients, arn: &str) -> Result<Tags, CallError> {
    let output = clients
        .mediaconnect
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .map_err(|error| CallError::new("ListTagsForResource", &error))?;
    Ok(output
        .tags()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}

/// Adds the output of a destination. Gives its ARN.
pub async fn add_flow_output(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    incarnation: u64,
    address: &str,
    enabled: bool,
) -> Result<String, CallError> {
    let request = sdk::AddOutputRequest::builder()
        .name(name::resource(&settings.stack, destination_id))
        .description("Lunora")
        .protocol(sdk::Protocol::RtpFec)
        .destination(address)
        .port(INPUT_PORT)
        .smoothing_latency(0)
        .output_status(status(enabled))
        .set_output_tags(Some(
            name::tags(&settings.stack, destination_id, incarnation)
                .into_iter()
                .collect(),
        ))
        .build();
    let output = clients
        .mediaconnect
        .add_flow_outputs()
        .flow_arn(&settings.flow_arn)
        .outputs(request)
        .send()
        .await
        .map_err(|error| CallError::new("AddFlowOutputs", &error))?;
    let arn = output
        .outputs()
        .first()
        .and_then(|output| output.output_arn());
    arn.map(str::to_owned).ok_or(CallError::Unknown {
        operation: "AddFlowOutputs",
    })
}

/// Points an output at another address.
pub async fn aim_flow_output(
    clients: &Clients,
    settings: &Settings,
    arn: &str,
    address: &str,
) -> Result<(), CallError> {
    let call = clients
        .mediaconnect
        .update_flow_output()
        .flow_arn(&settings.flow_arn)
        .output_arn(arn)
        .protocol(sdk::Protocol::RtpFec)
        .destination(address)
        .port(INPUT_PORT);
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("UpdateFlowOutput", &error))
}

/// Switches an output on or off.
pub async fn switch_flow_output(
    clients: &Clients,
    settings: &Settings,
    arn: &str,
    enabled: bool,
) -> Result<(), CallError> {
    let call = clients
        .mediaconnect
        .update_flow_output()
        .flow_arn(&settings.flow_arn)
        .output_arn(arn)
        .output_status(status(enabled));
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("UpdateFlowOutput", &error))
}

/// Removes an output.
pub async fn remove_flow_output(
    clients: &Clients,
    settings: &Settings,
    arn: &str,
) -> Result<(), CallError> {
    let call = clients
        .mediaconnect
        .remove_flow_output()
        .flow_arn(&settings.flow_arn)
        .output_arn(arn);
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("RemoveFlowOutput", &error))
}

/// Starts the flow.
pub async fn start_flow(clients: &Clients, settings: &Settings) -> Result<(), CallError> {
    let call = clients
        .mediaconnect
        .start_flow()
        .flow_arn(&settings.flow_arn);
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("StartFlow", &error))
}

/// Stops the flow.
pub async fn stop_flow(clients: &Clients, settings: &Settings) -> Result<(), CallError> {
    let call = clients
        .mediaconnect
        .stop_flow()
        .flow_arn(&settings.flow_arn);
    call.send()
        .await
        .map(drop)
        .map_err(|error| CallError::new("StopFlow", &error))
}

fn status(enabled: bool) -> sdk::OutputStatus {
    if enabled {
        sdk::OutputStatus::Enabled
    } else {
        sdk::OutputStatus::Disabled
    }
}
