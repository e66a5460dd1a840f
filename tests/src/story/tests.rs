//! The machines of the house pass; each planted violation is seen.

use serde_json::json;

use super::*;
use crate::{house, template};

/// The machines of the house, with the substitutions the template hands to each.
pub fn machines() -> Vec<(String, Value, BTreeSet<String>)> {
    let template = template::load();
    template::resources(&template, "AWS::Serverless::StateMachine")
        .into_iter()
        .map(|(_, properties)| {
            let path = properties["DefinitionUri"]
                .as_str()
                .expect("a file")
                .to_owned();
            let machine = serde_json::from_str(&house::read(&path))
                .unwrap_or_else(|error| panic!("{path}: {error}"));
            let names = properties["DefinitionSubstitutions"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect();
            (path, machine, names)
        })
        .collect()
}

#[test]
fn our_stories_are_well_told() {
    let machines = machines();
    assert!(!machines.is_empty());
    for (path, machine, names) in &machines {
        assert_eq!(complaints(machine, names), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn every_story_is_in_the_template() {
    let known: BTreeSet<String> = machines().into_iter().map(|(path, ..)| path).collect();
    for file in house::texts()
        .iter()
        .filter(|file| file.path.ends_with(".asl.json"))
    {
        assert!(
            known.contains(&file.path),
            "{} is in no template",
            file.path
        );
    }
}

fn retrier(errors: &[&str]) -> Value {
    json!({"ErrorEquals": errors, "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 2.0, "MaxDelaySeconds": 30, "JitterStrategy": "FULL"})
}

fn small_machine() -> Value {
    let mut errors = vec!["Transient", "States.Timeout"];
    errors.extend(PASSING);
    json!({
        "Comment": "A small story.",
        "StartAt": "Claim",
        "TimeoutSeconds": 60,
        "States": {
            "Claim": {
                "Type": "Task", "Comment": "Takes it.", "Resource": INVOKE, "TimeoutSeconds": 20,
                "Parameters": {"FunctionName": "${ClaimFunction}", "Payload": {"destination_id.$": "$.destination_id"}},
                "Retry": [retrier(&errors)],
                "Catch": [
                    {"ErrorEquals": ["Stale"], "ResultPath": "$.error", "Next": "Done"},
                    {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Stuck"}
                ],
                "ResultPath": "$.claim", "Next": "Choose"
            },
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.claim.Payload.mine", "BooleanEquals": true, "Next": "Claim"}],
                "Default": "Done"
            },
            "Stuck": {"Type": "Fail", "Error": "Stuck", "Cause": "A person must look."},
            "Done": {"Type": "Succeed"}
        }
    })
}

fn names() -> BTreeSet<String> {
    ["ClaimFunction".to_owned()].into()
}

#[test]
fn the_small_story_is_fine() {
    assert_eq!(complaints(&small_machine(), &names()), Vec::<String>::new());
}

/// Changes the small story at one place and says what the lint must then say.
fn seen(place: &str, value: Value, complaint: &str) {
    let mut machine = small_machine();
    if value == Value::Null {
        let (parent, field) = place.rsplit_once('/').unwrap();
        machine
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field)
            .unwrap();
    } else {
        let (parent, field) = place.rsplit_once('/').unwrap();
        match machine.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
            other => other[field] = value,
        }
    }
    let found = complaints(&machine, &names());
    assert!(
        found.iter().any(|line| line.contains(complaint)),
        "{place}: wanted {complaint:?}, got {found:?}"
    );
}

#[test]
fn each_missing_piece_is_seen() {
    for field in [
        "Comment",
        "Resource",
        "Parameters",
        "TimeoutSeconds",
        "Retry",
        "Catch",
    ] {
        seen(
            &format!("/States/Claim/{field}"),
            Value::Null,
            &format!("{field} is missing"),
        );
    }
    for field in [
        "MaxDelaySeconds",
        "JitterStrategy",
        "MaxAttempts",
        "BackoffRate",
        "IntervalSeconds",
        "ErrorEquals",
    ] {
        seen(
            &format!("/States/Claim/Retry/0/{field}"),
            Value::Null,
            &format!("{field} is missing"),
        );
    }
    seen("/TimeoutSeconds", Value::Null, "TimeoutSeconds is missing");
    seen("/States/Choose/Default", Value::Null, "Default is missing");
    seen("/States/Claim/Next", Value::Null, "Choose: never reached");
}

#[test]
fn each_stranger_is_seen() {
    seen(
        "/QueryLanguage",
        json!("JSONata"),
        "QueryLanguage is not in our list",
    );
    seen(
        "/States/Claim/InputPath",
        json!("$.x"),
        "InputPath is not in our list",
    );
    seen(
        "/States/Claim/Type",
        json!("Parallel"),
        "Parallel is not in our list",
    );
    seen(
        "/States/Claim/Resource",
        json!("arn:aws:states:::aws-sdk:medialive:createChannel"),
        "not the call of a function",
    );
    seen("/States/Claim/TimeoutSeconds", json!(0), "a number above 0");
    seen(
        "/States/Claim/Catch/0/ErrorEquals",
        json!(["Nobody", "Stale"]),
        "no error that we know",
    );
    seen(
        "/States/Choose/Choices/0/StringMatches",
        json!("a*"),
        "StringMatches is not in our list",
    );
}

#[test]
fn each_wrong_retry_is_seen() {
    seen(
        "/States/Claim/Retry/0/JitterStrategy",
        json!("NONE"),
        "full jitter",
    );
    seen("/States/Claim/Retry/0/BackoffRate", json!(1.0), "backs off");
    seen(
        "/States/Claim/Retry/0/ErrorEquals",
        json!(["Transient"]),
        "States.Timeout is not retried",
    );
    let mut errors: Vec<&str> = PASSING.to_vec();
    errors.extend(["Transient", "States.Timeout", "Permanent"]);
    seen(
        "/States/Claim/Retry/0/ErrorEquals",
        json!(errors),
        "Permanent must not be retried",
    );
}

#[test]
fn each_wrong_catch_is_seen() {
    seen(
        "/States/Claim/Catch/1/ErrorEquals",
        json!(["States.TaskFailed"]),
        "the last catch takes everything",
    );
    seen(
        "/States/Claim/Catch/0/ErrorEquals",
        json!(["Full"]),
        "Stale ends quietly",
    );
    seen(
        "/States/Claim/Catch/1/Next",
        json!("Done"),
        "what fails does not succeed",
    );
}

#[test]
fn each_computed_path_is_seen() {
    for path in [
        "$.a[0]",
        "$..a",
        "$.a[?(@.b)]",
        "States.Format('{}', $.a)",
        "destination_id",
    ] {
        seen(
            "/States/Claim/Parameters/Payload/destination_id.$",
            json!(path),
            "no plain path",
        );
    }
    seen(
        "/States/Choose/Choices/0/Variable",
        json!("$.a-b"),
        "no plain path",
    );
    seen("/States/Claim/ResultPath", json!("$.a[1]"), "no plain path");
}

#[test]
fn each_token_out_of_place_is_seen() {
    seen(
        "/States/Claim/Resource",
        json!(INVOKE_AND_WAIT),
        "hands its token over",
    );
    seen(
        "/States/Claim/Parameters/Payload/task_token.$",
        json!("$$.Task.Token"),
        "hands its token over",
    );
}

#[test]
fn each_loose_end_is_seen() {
    seen(
        "/States/Claim/Next",
        json!("Nowhere"),
        "there is no Nowhere",
    );
    seen(
        "/States/Lonely",
        json!({"Type": "Pass", "Next": "Done"}),
        "Lonely: never reached",
    );
    seen(
        "/States/Choose",
        json!({"Type": "Pass", "Comment": "A dead end."}),
        "Choose: no way on",
    );
    seen(
        "/States/Choose/Default",
        json!("Round"),
        "there is no Round",
    );
    let mut machine = small_machine();
    machine["States"]["Choose"]["Default"] = json!("Round");
    machine["States"]["Round"] = json!({"Type": "Wait", "Seconds": 1, "Next": "Round"});
    assert!(complaints(&machine, &names()).contains(&"Round: no way to an end".to_owned()));
}

#[test]
fn each_substitution_must_be_used_and_given() {
    let mut more = names();
    more.insert("PlanFunction".to_owned());
    assert!(
        complaints(&small_machine(), &more)
            .iter()
            .any(|line| line.contains("PlanFunction over, nobody uses it"))
    );
    assert!(
        complaints(&small_machine(), &BTreeSet::new())
            .iter()
            .any(|line| line.contains("ClaimFunction} is not handed over"))
    );
}

#[test]
fn each_wrong_message_is_seen() {
    let publish = json!({"Type": "Task", "Comment": "Tell.", "Resource": PUBLISH,
        "Parameters": {"TopicArn": "${Topic}", "Subject.$": "$.subject", "Message.$": "$.text"},
        "TimeoutSeconds": 20, "ResultPath": null,
        "Retry": [retrier(&["States.TaskFailed", "States.Timeout"])],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Lost"}], "Next": "Over"});
    let found = |place: &str, value: Value| {
        let mut machine = json!({"Comment": "Tells.", "StartAt": "Tell", "TimeoutSeconds": 60,
            "States": {"Tell": publish.clone(), "Over": {"Type": "Succeed"},
                "Lost": {"Type": "Fail", "Error": "Lost", "Cause": "Nobody was told."}}});
        if !place.is_empty() {
            *machine["States"]["Tell"].pointer_mut(place).unwrap() = value;
        }
        complaints(&machine, &BTreeSet::from(["Topic".to_owned()]))
    };
    assert_eq!(found("", Value::Null), Vec::<String>::new());
    for (place, value, complaint) in [
        (
            "/Retry/0/ErrorEquals",
            json!(["States.Timeout"]),
            "Tell: a message is tried again",
        ),
        (
            "/Catch/0/ErrorEquals",
            json!(["States.Timeout"]),
            "Tell: the last catch takes everything",
        ),
        (
            "/TimeoutSeconds",
            json!(0),
            "Tell: TimeoutSeconds is a number",
        ),
        (
            "/Parameters",
            json!({"TopicArn": "${Topic}"}),
            "Tell.Parameters: Subject.$ is missing",
        ),
    ] {
        let found = found(place, value);
        assert!(
            found.iter().any(|line| line.starts_with(complaint)),
            "{place}: {found:?}"
        );
    }
}
