//! What CreateChannel and UpdateChannel refuse beyond the model's shapes: references that lead
//! nowhere, unions with none or two members, RTMP's own limits. 422 with the element's path for the
//! content, 400 for destinations and the role, 409 for an input that is taken: in AWS's words where
//! these were seen. `check_channel` changes nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Core;
use super::encoder_check::check_encoder;
use super::input::InputState;
use super::wire::ApiError;

/// Push inputs and inputs of one channel (user guide: quotas).
const PUSH_INPUTS_MOST: usize = 2;
const INPUTS_MOST: usize = 20;

pub(super) type Found = Vec<(String, String)>;

pub(super) fn say(found: &mut Found, path: impl Into<String>, text: impl Into<String>) {
    found.push((path.into(), text.into()));
}

pub(super) fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Members of a union that are set.
pub(super) fn chosen(value: &Value) -> Vec<&str> {
    let members = value.as_object().into_iter().flatten();
    let set = members.filter(|(_, value)| {
        !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
    });
    set.map(|(key, _)| key.as_str()).collect()
}

pub(super) fn names(
    rows: &[Value],
    member: &str,
    path: &str,
    found: &mut Found,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        let name = row[member].as_str().unwrap_or_default();
        if name.is_empty() {
            say(
                found,
                format!("{path}[{index}].{member}"),
                "must not be empty",
            );
        } else if !seen.insert(name.to_owned()) {
            say(
                found,
                format!("{path}[{index}].{member}"),
                format!("{name} is used twice"),
            );
        }
    }
    seen
}

impl Core {
    /// `own` is the channel's id in an update: its inputs may be attached to itself.
    pub(super) fn check_channel(
        &self,
        settings: &Map<String, Value>,
        own: Option<&str>,
    ) -> Result<(), ApiError> {
        let mut found = Found::new();
        for member in [
            "name",
            "inputAttachments",
            "inputSpecification",
            "destinations",
            "encoderSettings",
        ] {
            if settings
                .get(member)
                .is_none_or(|value| value.is_null() || value.as_str() == Some(""))
            {
                say(&mut found, member, format!("{member} is required"));
            }
        }
        for member in ["codec", "resolution", "maximumBitrate"] {
            if settings
                .get("inputSpecification")
                .is_some_and(|spec| spec[member].is_null())
            {
                say(
                    &mut found,
                    format!("inputSpecification.{member}"),
                    format!("{member} is required"),
                );
            }
        }
        if !found.is_empty() {
            return Err(ApiError::unprocessable(found));
        }
        self.check_role(settings.get("roleArn"), own.is_some())?;
        check_destinations(settings)?;
        self.check_attachments(list(settings.get("inputAttachments")), own)?;
        check_encoder(settings, &mut found);
        if found.is_empty() {
            Ok(())
        } else {
            Err(ApiError::unprocessable(found))
        }
    }

    /// The text is the real service's; it also comes while a new role is not yet known everywhere.
    fn check_role(&self, role: Option<&Value>, update: bool) -> Result<(), ApiError> {
        let Some(role) = role.and_then(Value::as_str) else {
            return if update {
                Ok(())
            } else {
                Err(ApiError::unprocessable(vec![(
                    "roleArn".into(),
                    "roleArn is required".into(),
                )]))
            };
        };
        let known = format!("arn:aws:iam::{}:role/", self.settings.account);
        if role.len() > known.len() && role.starts_with(&known) {
            return Ok(());
        }
        let text = format!(
            "Invalid role {role}. Please make sure the role exists and medialive.amazonaws.com is a trusted service"
        );
        Err(ApiError::bad(text))
    }

    fn check_attachments(&self, attachments: &[Value], own: Option<&str>) -> Result<(), ApiError> {
        if attachments.is_empty() || attachments.len() > INPUTS_MOST {
            let text = format!("between 1 and {INPUTS_MOST} inputs must be attached");
            return Err(ApiError::unprocessable(vec![(
                "inputAttachments".into(),
                text,
            )]));
        }
        let mut seen = BTreeSet::new();
        let mut push = 0;
        for (index, attachment) in attachments.iter().enumerate() {
            let id = attachment["inputId"].as_str().unwrap_or_default();
            let path = format!("inputAttachments[{index}].inputId");
            if !seen.insert(id) {
                return Err(ApiError::unprocessable(vec![(
                    path,
                    format!("input {id} is attached twice"),
                )]));
            }
            let Some(input) = self
                .inputs
                .get(id)
                .filter(|input| !input.gone() && input.state != InputState::Deleting)
            else {
                let text = format!("Input {id} does not exist");
                let status = self.options.missing_reference.parse().unwrap_or(400);
                return Err(if status == 422 {
                    ApiError::unprocessable(vec![(path, text)])
                } else {
                    ApiError::new(status, text)
                });
            };
            if input
                .channels
                .iter()
                .any(|channel| Some(channel.as_str()) != own)
            {
                // Seen with CloudFormation: create-before-delete of a channel ends with this.
                return Err(ApiError::conflict(format!(
                    "inputId={id} is already attached"
                )));
            }
            if input.state == InputState::Creating {
                return Err(ApiError::conflict(format!(
                    "Input {id} is still being created"
                )));
            }
            push += usize::from(input.is_push());
        }
        if push > PUSH_INPUTS_MOST {
            let text = format!("at most {PUSH_INPUTS_MOST} push inputs can be attached");
            return Err(ApiError::unprocessable(vec![(
                "inputAttachments".into(),
                text,
            )]));
        }
        Ok(())
    }
}

/// One setting per pipeline, and exactly one kind of settings; the text was seen in several SDKs' issues.
fn check_destinations(settings: &Map<String, Value>) -> Result<(), ApiError> {
    let pipelines =
        if settings.get("channelClass").and_then(Value::as_str) == Some("SINGLE_PIPELINE") {
            1
        } else {
            2
        };
    let mut found = Found::new();
    let destinations = list(settings.get("destinations"));
    names(destinations, "id", "destinations", &mut found);
    for (index, destination) in destinations.iter().enumerate() {
        let kinds = chosen(destination)
            .into_iter()
            .filter(|key| key.ends_with("ettings"))
            .count();
        if kinds != 1 {
            let id = destination["id"].as_str().unwrap_or_default();
            let text = format!(
                "Exactly one of settings, MediaPackage settings, or Multiplex settings is required for destination {id}"
            );
            return Err(ApiError::bad(text));
        }
        let rows = list(destination.get("settings"));
        if !rows.is_empty() && rows.len() != pipelines {
            let text = format!("needs {pipelines} settings, one for each pipeline");
            say(&mut found, format!("destinations[{index}].settings"), text);
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(ApiError::unprocessable(found))
    }
}
