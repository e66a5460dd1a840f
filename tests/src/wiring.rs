//! What the template gives tables, logs and mappings.

use serde_json::{Value, json};

use crate::template;

/// What must hold at places of the template: path, value.
fn must() -> Vec<(&'static str, Value)> {
    let dispatch = "/Resources/DispatchFunction/Properties/Events/Edit/Properties";
    let mut must = vec![
        // The operator's table wakes us; ours does not, or we would wake ourselves.
        (
            "/Resources/DestinationsTable/Properties/StreamSpecification/StreamViewType",
            json!("NEW_AND_OLD_IMAGES"),
        ),
        (
            "/Resources/LedgerTable/Properties/StreamSpecification",
            Value::Null,
        ),
        (
            "/Resources/LedgerTable/Properties/TimeToLiveSpecification",
            json!({"AttributeName": "expires_at", "Enabled": true}),
        ),
        (
            "/Resources/IncidentsTable/Properties/TimeToLiveSpecification",
            json!({"AttributeName": "expires_at", "Enabled": true}),
        ),
        (
            "/Resources/IncidentStateMachine/Properties/Logging/IncludeExecutionData",
            json!(false),
        ),
        (
            "/Resources/IncidentStateMachine/Properties/Type",
            json!("STANDARD"),
        ),
        // Inputs and outputs of an execution belong to its history, not to a log.
        (
            "/Resources/ReconcileStateMachine/Properties/Logging/IncludeExecutionData",
            json!(false),
        ),
        (
            "/Resources/ReconcileStateMachine/Properties/Logging/Level",
            json!("ERROR"),
        ),
        (
            "/Resources/ReconcileStateMachine/Properties/Tracing/Enabled",
            json!(true),
        ),
        (
            "/Resources/ReconcileStateMachine/Properties/Type",
            json!("STANDARD"),
        ),
        ("/Globals/Function/Runtime", json!("provided.al2023")),
        ("/Globals/Function/Handler", json!("bootstrap")),
        ("/Globals/Function/Tracing", json!("Active")),
        // MediaConnect refuses an algorithm together with srt-password.
        (
            "/Resources/Flow/Properties/Source/Decryption/Algorithm",
            Value::Null,
        ),
        (
            "/Resources/Flow/Properties/Source/Decryption/KeyType",
            json!("srt-password"),
        ),
        ("/Resources/Flow/Condition", json!("MakesFlow")),
        ("/Parameters/EncoderCidr/Default", Value::Null),
    ];
    for table in [
        "DestinationsTable",
        "LedgerTable",
        "SessionsTable",
        "IncidentsTable",
    ] {
        for (field, value) in [
            ("DeletionPolicy", json!("Retain")),
            ("UpdateReplacePolicy", json!("Retain")),
            ("Properties/DeletionProtectionEnabled", json!(true)),
            (
                "Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
                json!(true),
            ),
            ("Properties/BillingMode", json!("PAY_PER_REQUEST")),
        ] {
            must.push((String::leak(format!("/Resources/{table}/{field}")), value));
        }
    }
    for (field, value) in [
        ("StartingPosition", json!("TRIM_HORIZON")),
        ("FunctionResponseTypes", json!(["ReportBatchItemFailures"])),
        ("BisectBatchOnFunctionError", json!(true)),
        ("DestinationConfig/OnFailure/Type", json!("SQS")),
    ] {
        must.push((String::leak(format!("{dispatch}/{field}")), value));
    }
    must
}

/// Numbers that must be there and be small enough: path, highest value.
const BOUNDED: &[(&str, u64)] = &[
    (
        "/Resources/DispatchFunction/Properties/Events/Edit/Properties/MaximumRetryAttempts",
        100,
    ),
    // The stream holds a record for a day; a poisoned one must not block its shard that long.
    (
        "/Resources/DispatchFunction/Properties/Events/Edit/Properties/MaximumRecordAgeInSeconds",
        3600,
    ),
    (
        "/Resources/ResumeFunction/Properties/EventInvokeConfig/MaximumEventAgeInSeconds",
        900,
    ),
    (
        "/Resources/WatchFunction/Properties/EventInvokeConfig/MaximumEventAgeInSeconds",
        900,
    ),
    ("/Globals/Function/Timeout", 15),
];

/// The first eight octets of what an encoder may never be.
const WHOLE_INTERNET: &[&str] = &[
    "0.0.0.0/0",
    "203.0.113.7/0",
    "0.0.0.0/1",
    "203.0.113.7",
    "203.0.113.7/33",
    "",
    "256.0.0.1/32",
];

/// What is wrong with the wiring.
pub fn complaints(template: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, value) in must() {
        let there = template.pointer(path).unwrap_or(&Value::Null);
        if *there != value {
            found.push(format!("{path} is {there}, not {value}"));
        }
    }
    for (path, highest) in BOUNDED {
        let there = template.pointer(path).unwrap_or(&Value::Null);
        if there.as_u64().is_none_or(|number| number > *highest) {
            found.push(format!("{path} is {there}, not a number up to {highest}"));
        }
    }
    for (name, properties) in template::resources(template, "AWS::Logs::LogGroup") {
        if properties["RetentionInDays"] != json!({"Ref": "LogRetentionDays"}) {
            found.push(format!("{name} keeps its logs for ever"));
        }
    }
    for (name, properties) in template::resources(template, "AWS::SQS::Queue") {
        if properties["SqsManagedSseEnabled"] != true {
            found.push(format!("{name} is not encrypted"));
        }
    }
    found.extend(cidr(template));
    found
}

/// Where the feed may come from is asked, and the whole internet is refused.
fn cidr(template: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for parameter in ["EncoderCidr", "BackupEncoderCidr"] {
        let pattern = template["Parameters"][parameter]["AllowedPattern"]
            .as_str()
            .unwrap_or("");
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        let empty_is_fine = parameter == "BackupEncoderCidr";
        for wrong in WHOLE_INTERNET
            .iter()
            .filter(|wrong| !(empty_is_fine && wrong.is_empty()))
        {
            if pattern.is_match(wrong) {
                found.push(format!("{parameter} takes {wrong:?}"));
            }
        }
        for right in ["203.0.113.7/32", "198.51.100.0/24", "10.0.0.0/8"] {
            if !pattern.is_match(right) {
                found.push(format!("{parameter} refuses {right}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wiring_is_as_it_must_be() {
        assert_eq!(complaints(&template::load()), Vec::<String>::new());
    }

    #[test]
    fn every_wire_is_watched() {
        for path in must()
            .into_iter()
            .map(|(path, _)| path)
            .chain(BOUNDED.iter().map(|(path, _)| *path))
        {
            let mut template = template::load();
            let (parent, field) = path.rsplit_once('/').unwrap();
            template
                .pointer_mut(parent)
                .unwrap_or_else(|| panic!("{parent}"))[field] = json!("cut");
            let found = complaints(&template);
            assert!(
                found.iter().any(|line| line.starts_with(path)),
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn each_loose_end_is_seen() {
        for (path, value, complaint) in [
            (
                "/Resources/ClaimLogGroup/Properties/RetentionInDays",
                Value::Null,
                "ClaimLogGroup keeps its logs for ever",
            ),
            (
                "/Resources/DispatchDeadLetters/Properties/SqsManagedSseEnabled",
                json!(false),
                "DispatchDeadLetters is not encrypted",
            ),
            (
                "/Parameters/EncoderCidr/AllowedPattern",
                json!(".*"),
                "EncoderCidr takes \"0.0.0.0/0\"",
            ),
            (
                "/Parameters/BackupEncoderCidr/AllowedPattern",
                json!("^$"),
                "BackupEncoderCidr refuses 203.0.113.7/32",
            ),
        ] {
            let mut template = template::load();
            *template.pointer_mut(path).unwrap() = value;
            let found = complaints(&template);
            assert!(
                found.iter().any(|line| line == complaint),
                "{path}: {found:?}"
            );
        }
    }
}
