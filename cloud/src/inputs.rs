//! MediaLive's inputs and their security group, in our words.

use crate::{
    clients::Clients,
    fault::CallError,
    media_live::{PAGE, absent, tags},
    settings::Settings,
};
use aws_sdk_medialive::types as sdk;
use domain::{
    look::InputLook,
    name,
    sweep::{Kind, Listed},
};

fn input_look(input: &sdk::Input) -> InputLook {
    input_parts(input.id(), input.state(), input.destinations())
}

fn input_parts(
    id: Option<&str>,
    state: Option<&sdk::InputState>,
    destinations: &[sdk::InputDestination],
) -> InputLook {
    // `rtp://198.51.100.7:5000`, or the address in a field of its own.
    let address = destinations.first().and_then(|destination| {
        let url = destination
            .url()
            .and_then(|url| url.strip_prefix("rtp://"))
            .and_then(|rest| rest.split(':').next());
        destination.ip().or(url)
    });
    InputLook {
        id: id.unwrap_or_default().to_owned(),
        state: state
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        address: address.map(str::to_owned),
    }
}

/// Creates the input of a destination: RTP push behind the stack's one security group.
pub async fn create(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    incarnation: u64,
) -> Result<InputLook, CallError> {
    let output = clients
        .medialive
        .create_input()
        .r#type(sdk::InputType::RtpPush)
        .name(name::resource(&settings.stack, destination_id))
        .input_security_groups(&settings.input_security_group_id)
        .request_id(name::input_request_id(
            &settings.stack,
            destination_id,
            incarnation,
        ))
        .set_tags(Some(
            name::tags(&settings.stack, destination_id, incarnation)
                .into_iter()
                .collect(),
        ))
        .send()
        .await
        .map_err(|error| CallError::new("CreateInput", &error))?;
    output.input().map(input_look).ok_or(CallError::Unknown {
        operation: "CreateInput",
    })
}

/// Looks at an input. `None`: not found.
pub async fn describe(clients: &Clients, id: &str) -> Result<Option<InputLook>, CallError> {
    match clients.medialive.describe_input().input_id(id).send().await {
        Ok(output) => Ok(Some(input_parts(
            output.id(),
            output.state(),
            output.destinations(),
        ))),
        Err(error) => absent(CallError::new("DescribeInput", &error)),
    }
}

/// Deletes an input. Not found counts as done.
pub async fn delete(clients: &Clients, id: &str) -> Result<(), CallError> {
    match clients.medialive.delete_input().input_id(id).send().await {
        Ok(_) => Ok(()),
        Err(error) => absent::<()>(CallError::new("DeleteInput", &error)).map(drop),
    }
}

/// Lists every input of the region.
pub async fn list(clients: &Clients) -> Result<Vec<Listed>, CallError> {
    let inputs: Vec<_> = clients
        .medialive
        .list_inputs()
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .map_err(|error| CallError::new("ListInputs", &error))?;
    let listed = |input: &sdk::Input| Listed {
        kind: Kind::Input,
        id: input.id().unwrap_or_default().to_owned(),
        name: input.name().unwrap_or_default().to_owned(),
        state: input
            .state()
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        tags: tags(input.tags()),
    };
    Ok(inputs.iter().map(listed).collect())
}

/// The whitelist of a security group. `None`: not found.
pub async fn describe_security_group(
    clients: &Clients,
    id: &str,
) -> Result<Option<Vec<String>>, CallError> {
    match clients
        .medialive
        .describe_input_security_group()
        .input_security_group_id(id)
        .send()
        .await
    {
        Ok(output) if output.state() == Some(&sdk::InputSecurityGroupState::Deleted) => Ok(None),
        Ok(output) => {
            let rules = output
                .whitelist_rules()
                .iter()
                .filter_map(|rule| rule.cidr());
            Ok(Some(rules.map(str::to_owned).collect()))
        }
        Err(error) => absent(CallError::new("DescribeInputSecurityGroup", &error)),
    }
}
