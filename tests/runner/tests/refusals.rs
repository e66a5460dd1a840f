//! What the runner does not know it refuses, with a sentence that names machine, state and field.

mod stand;

use serde_json::{Value, json};
use stand::{read, task, wait_for_token};

/// Refused, and the sentence has this in it.
fn refused(definition: Value, expected: &str) {
    match read(&definition) {
        Ok(_) => panic!("not refused: {definition}"),
        Err(sentence) => assert!(
            sentence.contains(expected),
            "`{sentence}` does not say `{expected}`"
        ),
    }
}

fn refused_state(state: Value, expected: &str) {
    let end = json!({ "Type": "Succeed" });
    refused(
        json!({ "StartAt": "A", "States": { "A": state, "B": end } }),
        expected,
    );
}

#[test]
fn fields_nobody_knows() {
    let good = json!({ "A": { "Type": "Succeed" } });
    refused(
        json!({ "StartAt": "A", "States": good, "Assign": {} }),
        "small, field Assign",
    );
    for (kind, field) in [
        (task(json!({ "Next": "B" })), "Assign"),
        (task(json!({ "Next": "B" })), "HeartbeatSecondsPath"),
        (task(json!({ "Next": "B" })), "Credentials"),
        (json!({ "Type": "Pass", "Next": "B" }), "Retry"),
        (
            json!({ "Type": "Wait", "Seconds": 1, "Next": "B" }),
            "Catch",
        ),
        (
            json!({ "Type": "Choice", "Choices": [{ "Variable": "$.a", "IsPresent": true, "Next": "B" }] }),
            "End",
        ),
        (json!({ "Type": "Succeed" }), "Output"),
        (json!({ "Type": "Fail" }), "ErrorPath"),
        (json!({ "Type": "Fail" }), "Next"),
    ] {
        let mut state = kind;
        state[field] = json!("x");
        refused_state(
            state,
            &format!("small, state A, field {field}: is not a field this runner knows here"),
        );
    }
    let retry = json!({ "Next": "B", "Retry": [{ "ErrorEquals": ["E"], "Interval": 1 }] });
    refused_state(task(retry), "small, state A, field Retry, field Interval");
    let catch =
        json!({ "Next": "B", "Catch": [{ "ErrorEquals": ["E"], "Next": "B", "Assign": {} }] });
    refused_state(task(catch), "small, state A, field Catch, field Assign");
    let call = json!({ "Next": "B", "Parameters": { "FunctionName": "f", "Payload": {}, "Qualifier": "1" } });
    refused_state(
        task(call),
        "small, state A, field Parameters, field Qualifier",
    );
    let rule = json!({ "Variable": "$.a", "StringMatches": "x*", "Next": "B" });
    refused_state(
        json!({ "Type": "Choice", "Choices": [rule] }),
        "no comparison that this runner knows",
    );
    let rule = json!({ "Variable": "$.a", "StringEquals": "x", "IsNull": true, "Next": "B" });
    refused_state(
        json!({ "Type": "Choice", "Choices": [rule] }),
        "field Choices, field IsNull",
    );
    let rule = json!({ "Not": { "Variable": "$.a", "IsNull": true, "Next": "B" }, "Next": "B" });
    refused_state(
        json!({ "Type": "Choice", "Choices": [rule] }),
        "field Choices, field Not, field Next",
    );
}

#[test]
fn kinds_nobody_knows() {
    refused_state(
        json!({ "Type": "Map", "Next": "B" }),
        "state A, field Type: Map is not a type of state",
    );
    refused_state(
        json!({ "Type": "Parallel", "Next": "B" }),
        "state A, field Type: Parallel",
    );
    refused_state(
        task(json!({ "Resource": "arn:aws:states:::aws-sdk:medialive:describeChannel" })),
        "field Resource",
    );
    refused_state(
        task(json!({ "Resource": "arn:aws:lambda:us-west-2:123456789012:function:f" })),
        "field Resource",
    );
    refused(
        json!({ "StartAt": "A", "QueryLanguage": "JSONata", "States": {} }),
        "field QueryLanguage",
    );
    refused(
        json!({ "StartAt": "A", "Version": "2.0", "States": {} }),
        "field Version",
    );
}

#[test]
fn ways_that_lead_nowhere() {
    refused(
        json!({ "StartAt": "Z", "States": { "A": { "Type": "Succeed" } } }),
        "small, field StartAt: there is no state `Z`",
    );
    refused(
        json!({ "StartAt": "A", "States": { "A": { "Type": "Pass" } } }),
        "state A, field Next: needs exactly one",
    );
    refused(
        json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "End": false } } }),
        "field Next",
    );
    let mut both = task(json!({ "Next": "B" }));
    both["End"] = json!(true);
    refused_state(both, "field Next: needs exactly one");
    refused_state(
        task(json!({ "Next": "Z" })),
        "state A, field Next: there is no state `Z`",
    );
    refused_state(
        task(json!({ "Catch": [{ "ErrorEquals": ["E"], "Next": "Z" }] })),
        "field Catch, field Next: there is no state `Z`",
    );
    let rules = json!([{ "Variable": "$.a", "IsNull": true, "Next": "B" }]);
    refused_state(
        json!({ "Type": "Choice", "Choices": rules, "Default": "Z" }),
        "field Default: there is no state `Z`",
    );
    refused_state(
        json!({ "Type": "Choice", "Choices": [] , "Default": "B" }),
        "field Choices",
    );
    refused_state(task(json!({})), "small, state B: cannot be reached");
    let circle =
        json!({ "A": { "Type": "Pass", "Next": "B" }, "B": { "Type": "Pass", "Next": "A" } });
    refused(
        json!({ "StartAt": "A", "States": circle }),
        "small, state A: has no way to an end",
    );
}

#[test]
fn errors_in_the_wrong_place() {
    let catch = |list: Value| task(json!({ "Next": "B", "Catch": list }));
    let retry = |list: Value| task(json!({ "Next": "B", "Retry": list }));
    let alone = "States.ALL has to stand alone and in the last place";
    refused_state(
        catch(json!([{ "ErrorEquals": ["States.ALL", "E"], "Next": "B" }])),
        alone,
    );
    refused_state(
        catch(
            json!([{ "ErrorEquals": ["States.ALL"], "Next": "B" }, { "ErrorEquals": ["E"], "Next": "B" }]),
        ),
        alone,
    );
    refused_state(
        retry(json!([{ "ErrorEquals": ["E", "States.ALL"] }])),
        alone,
    );
    refused_state(
        retry(json!([{ "ErrorEquals": ["States.ALL"] }, { "ErrorEquals": ["E"] }])),
        alone,
    );
    refused_state(
        catch(json!([{ "ErrorEquals": [], "Next": "B" }])),
        "field ErrorEquals",
    );
    refused_state(
        catch(json!([{ "ErrorEquals": ["States.Runtime"], "Next": "B" }])),
        "neither retried nor caught",
    );
    refused_state(
        catch(json!([{ "ErrorEquals": ["States.Timeouts"], "Next": "B" }])),
        "States.Timeouts is not a reserved name",
    );
    refused_state(catch(json!([])), "field Catch");
}

#[test]
fn numbers_out_of_bounds() {
    for (field, value) in [
        ("TimeoutSeconds", json!(0)),
        ("TimeoutSeconds", json!(1.5)),
        ("TimeoutSeconds", json!("20")),
    ] {
        let mut state = task(json!({ "Next": "B" }));
        state[field] = value;
        refused_state(state, "small, state A, field TimeoutSeconds");
    }
    for (field, value) in [
        ("IntervalSeconds", json!(0)),
        ("BackoffRate", json!(0.5)),
        ("MaxAttempts", json!(-1)),
        ("MaxDelaySeconds", json!(1)),
        ("JitterStrategy", json!("SOME")),
    ] {
        let mut retrier = json!({ "ErrorEquals": ["E"] });
        retrier[field] = value;
        refused_state(
            task(json!({ "Next": "B", "Retry": [retrier] })),
            &format!("field Retry, field {field}"),
        );
    }
    let heartbeat = json!({ "TimeoutSeconds": 20, "HeartbeatSeconds": 20, "Next": "B" });
    let both = json!({ "TimeoutSeconds": 20, "TimeoutSecondsPath": "$.s", "Next": "B" });
    refused_state(task(both), "field TimeoutSecondsPath: cannot stand beside");
    refused_state(
        wait_for_token(heartbeat),
        "field HeartbeatSeconds: is not below TimeoutSeconds",
    );
    refused_state(
        json!({ "Type": "Wait", "Seconds": 1, "Timestamp": "2026-11-21T00:00:00Z", "Next": "B" }),
        "exactly one of",
    );
    refused_state(
        json!({ "Type": "Wait", "Timestamp": "tomorrow", "Next": "B" }),
        "field Timestamp: is not a time",
    );
    refused_state(json!({ "Type": "Wait", "Next": "B" }), "exactly one of");
}

#[test]
fn paths_that_are_more_than_a_reference() {
    for path in [
        "$.a[*]",
        "$..a",
        "$.a[0:2]",
        "$['a']",
        "$.a[?(@.b)]",
        "$.",
        "a",
        "$.a[]",
        "$.a b",
        "",
    ] {
        refused_state(
            task(json!({ "Next": "B", "ResultPath": path })),
            "small, state A, field ResultPath",
        );
        let payload = json!({ "FunctionName": "f", "Payload": { "x.$": path } });
        refused_state(
            task(json!({ "Next": "B", "Parameters": payload })),
            "`x.$` is",
        );
    }
    for path in [
        "States.Format('x')",
        "$$",
        "$$.Execution.RoleArn",
        "$$.Map.Item.Index",
        "$$.Task.Token",
    ] {
        let payload = json!({ "FunctionName": "f", "Payload": { "x.$": path } });
        refused_state(
            task(json!({ "Next": "B", "Parameters": payload })),
            "small, state A, field Parameters",
        );
    }
    refused_state(
        task(json!({ "Next": "B", "ResultPath": "$$.a" })),
        "field ResultPath",
    );
    let twice = json!({ "FunctionName": "f", "Payload": { "x.$": "$.a", "x": 1 } });
    refused_state(
        task(json!({ "Next": "B", "Parameters": twice })),
        "stand side by side",
    );
    let none = json!({ "FunctionName": "f", "Payload": {} });
    refused_state(
        wait_for_token(json!({ "Next": "B", "Parameters": none })),
        "the task token has to be handed on",
    );
    refused_state(
        task(json!({ "Next": "B", "ResultSelector": { "x.$": "$$.Task.Token" } })),
        "field ResultSelector",
    );
}

#[test]
fn names_without_a_value() {
    let definition =
        json!({ "StartAt": "A", "States": { "A": { "Type": "Fail", "Cause": "${Unknown}" } } });
    refused(definition, "small: there is no value for ${Unknown}");
    assert!(read(&json!("no object")).is_err());
    let values =
        [("A", "one ${A}"), ("B", "two")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let task = task(json!({ "Parameters": { "FunctionName": "${A} and ${B}", "Payload": {} } }));
    let text = json!({ "StartAt": "A", "States": { "A": task } }).to_string();
    let machine = runner::Machine::parse("small", &text, &values.into())
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(machine.functions(), ["one ${A} and two".to_owned()].into());
}
