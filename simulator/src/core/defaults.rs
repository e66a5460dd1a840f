//! What the service fills in by itself.

use serde_json::{Map, Value, json};

/// Describe answers with members that nobody sent: whoever compares its own settings with the
/// answer sees differences for ever (seen with Terraform). A few of them, as the service fills in.
pub(super) fn add_server_defaults(settings: &mut Map<String, Value>) {
    settings
        .entry("channelClass")
        .or_insert_with(|| json!("STANDARD"));
    settings
        .entry("logLevel")
        .or_insert_with(|| json!("DISABLED"));
    settings
        .entry("maintenance")
        .or_insert_with(|| json!({"maintenanceDay": "SUNDAY", "maintenanceStartTime": "08:00"}));
    for destination in settings
        .get_mut("destinations")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(members) = destination.as_object_mut() {
            members
                .entry("mediaPackageSettings")
                .or_insert_with(|| json!([]));
        }
    }
    for attachment in settings
        .get_mut("inputAttachments")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(inner) = attachment
            .get_mut("inputSettings")
            .and_then(Value::as_object_mut)
        {
            let rows = [
                ("deblockFilter", json!("DISABLED")),
                ("denoiseFilter", json!("DISABLED")),
            ];
            let more = [
                ("filterStrength", json!(1)),
                ("inputFilter", json!("AUTO")),
                ("captionSelectors", json!([])),
            ];
            for (key, value) in rows.into_iter().chain(more) {
                inner.entry(key).or_insert(value);
            }
        }
    }
    let Some(encoder) = settings.get_mut("encoderSettings") else {
        return;
    };
    for video in encoder
        .get_mut("videoDescriptions")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(h264) = video
            .pointer_mut("/codecSettings/h264Settings")
            .and_then(Value::as_object_mut)
        {
            for (key, value) in [
                ("softness", json!(0)),
                ("minIInterval", json!(0)),
                ("slices", json!(1)),
            ] {
                h264.entry(key).or_insert(value);
            }
        }
    }
    for group in encoder
        .get_mut("outputGroups")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        for output in group
            .get_mut("outputs")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(members) = output.as_object_mut() {
                members
                    .entry("captionDescriptionNames")
                    .or_insert_with(|| json!([]));
            }
        }
    }
}
