//! The kinds of states, paths and templates, one small machine each.

mod stand;

use jiff::Timestamp;
use runner::{Execution, Status};
use serde_json::{Value, json};
use stand::{ARN, at, fate, follow, machine, run, settle, start, task, wait_for_token, way, whole};

#[test]
fn paths_in_and_out_of_a_task() {
    let input = json!({ "a": { "b": [1, { "c": 2 }] }, "d": 3 });
    let run = |state: Value| {
        let mut execution = start(&machine(json!({ "A": task(state) })), input.clone());
        let payloads = follow(&mut execution, [Ok(json!({ "x": 7 }))]);
        (
            payloads[0].clone(),
            execution.output().expect("an output").clone(),
        )
    };
    let wrapped = json!({ "ExecutedVersion": "$LATEST", "Payload": { "x": 7 }, "StatusCode": 200 });
    assert_eq!(run(json!({})), (input.clone(), wrapped.clone()));
    assert_eq!(run(json!({ "InputPath": "$.a.b[1]" })).0, json!({ "c": 2 }));
    assert_eq!(run(json!({ "InputPath": null })).0, json!({}));
    assert_eq!(run(json!({ "OutputPath": "$.Payload.x" })).1, json!(7));
    assert_eq!(run(json!({ "OutputPath": null })).1, json!({}));
    assert_eq!(run(json!({ "ResultPath": null })).1, input);
    let selected = run(json!({ "ResultSelector": { "y.$": "$.Payload.x", "z": "$.Payload.x" }, "ResultPath": "$.a.b[0]" })).1;
    assert_eq!(
        selected,
        json!({ "a": { "b": [{ "y": 7, "z": "$.Payload.x" }, { "c": 2 }] }, "d": 3 })
    );
    let deep =
        run(json!({ "ResultSelector": { "y.$": "$.Payload.x" }, "ResultPath": "$.new.deep" })).1;
    assert_eq!(deep["new"], json!({ "deep": { "y": 7 } }));
    // ResultPath works on the raw input, not on what InputPath took of it.
    assert_eq!(
        run(json!({ "InputPath": "$.a", "ResultPath": "$.r", "OutputPath": "$.d" })).1,
        json!(3)
    );
    let nested = json!({ "FunctionName": "f", "Payload": { "list": [{ "d.$": "$.d" }, "$.d"], "in": { "c.$": "$.a.b[1].c" } } });
    assert_eq!(
        run(json!({ "Parameters": nested })).0,
        json!({ "list": [{ "d": 3 }, "$.d"], "in": { "c": 2 } })
    );
}

#[test]
fn the_context_object() {
    let payload = json!({
        "id.$": "$$.Execution.Id", "name.$": "$$.Execution.Name", "input.$": "$$.Execution.Input", "deep.$": "$$.Execution.Input.a",
        "started.$": "$$.Execution.StartTime", "redrives.$": "$$.Execution.RedriveCount", "state.$": "$$.State.Name",
        "entered.$": "$$.State.EnteredTime", "retries.$": "$$.State.RetryCount", "machine.$": "$$.StateMachine.Id",
        "machine_name.$": "$$.StateMachine.Name", "token.$": "$$.Task.Token",
    });
    let states = json!({
        "A": { "Type": "Wait", "Seconds": 90, "Next": "B" },
        "B": wait_for_token(json!({ "Parameters": { "FunctionName": "f", "Payload": payload } })),
    });
    let mut execution = start(&machine(states), json!({ "a": [1] }));
    settle(&mut execution, 0.0);
    let Some(runner::Effect::Invoke { payload, token, .. }) = settle(&mut execution, 90.0) else {
        panic!("an invocation")
    };
    assert_eq!(
        payload,
        json!({
            "id": ARN, "name": "one", "input": { "a": [1] }, "deep": [1], "started": "1970-01-01T00:00:00.000Z",
            "redrives": 0, "state": "B", "entered": "1970-01-01T00:01:30.000Z", "retries": 0,
            "machine": "arn:aws:states:us-west-2:123456789012:stateMachine:small", "machine_name": "small", "token": token,
        })
    );
}

#[test]
fn choices() {
    let goes = |rule: Value, input: Value| {
        let mut rule = rule;
        rule["Next"] = json!("Yes");
        let states = json!({
            "A": { "Type": "Choice", "Choices": [rule], "Default": "No" },
            "Yes": { "Type": "Succeed" }, "No": { "Type": "Succeed" },
        });
        let execution = run(states, input, vec![]);
        if execution.status() == Status::Failed {
            "failed".into()
        } else {
            way(&execution).replace("A ", "")
        }
    };
    let a = |test: &str, value: Value| json!({ "Variable": "$.a", test: value });
    for (rule, value, expected) in [
        (a("StringEquals", json!("x")), json!("x"), "Yes"),
        (a("StringEquals", json!("x")), json!("y"), "No"),
        (a("StringEquals", json!("1")), json!(1), "No"),
        (a("StringEquals", json!("x")), json!(null), "No"),
        (a("BooleanEquals", json!(false)), json!(false), "Yes"),
        (a("BooleanEquals", json!(true)), json!("true"), "No"),
        (a("NumericEquals", json!(1)), json!(1.0), "Yes"),
        (a("NumericEquals", json!(1)), json!("1"), "No"),
        (a("NumericLessThan", json!(2)), json!(1), "Yes"),
        (a("NumericLessThan", json!(2)), json!(2), "No"),
        (a("NumericLessThanEquals", json!(2)), json!(2), "Yes"),
        (a("NumericGreaterThan", json!(2)), json!(2.5), "Yes"),
        (a("NumericGreaterThanEquals", json!(2)), json!(1), "No"),
        (a("IsNull", json!(true)), json!(null), "Yes"),
        (a("IsNull", json!(false)), json!(null), "No"),
        (a("IsPresent", json!(true)), json!(null), "Yes"),
        (
            json!({ "Variable": "$.b", "IsPresent": false }),
            json!(1),
            "Yes",
        ),
        (
            json!({ "Variable": "$.b", "IsNull": true }),
            json!(1),
            "failed",
        ),
        (
            json!({ "Variable": "$.b", "StringEquals": "x" }),
            json!(1),
            "failed",
        ),
        (
            json!({ "And": [a("NumericGreaterThan", json!(1)), a("NumericLessThan", json!(3))] }),
            json!(2),
            "Yes",
        ),
        (
            json!({ "And": [a("NumericGreaterThan", json!(1)), a("NumericLessThan", json!(3))] }),
            json!(3),
            "No",
        ),
        (
            json!({ "And": [{ "Variable": "$.b", "IsPresent": true }, { "Variable": "$.b", "IsNull": true }] }),
            json!(1),
            "No",
        ),
        (
            json!({ "Or": [a("NumericEquals", json!(1)), a("NumericEquals", json!(2))] }),
            json!(2),
            "Yes",
        ),
        (
            json!({ "Not": { "Or": [a("NumericEquals", json!(1)), a("NumericEquals", json!(2))] } }),
            json!(2),
            "No",
        ),
    ] {
        assert_eq!(
            goes(rule.clone(), json!({ "a": value })),
            expected,
            "{rule} of {value}"
        );
    }
    let states = json!({
        "A": { "Type": "Choice", "Choices": [{ "Variable": "$.a", "StringEquals": "x", "Next": "B" }] }, "B": { "Type": "Succeed" },
    });
    assert_eq!(
        fate(&run(states, json!({ "a": "y" }), vec![])),
        (Status::Failed, "States.NoChoiceMatched")
    );
}

#[test]
fn waits() {
    let over = |wait: Value, input: Value| {
        let mut state = json!({ "Type": "Wait", "End": true });
        for (name, value) in wait.as_object().expect("an object") {
            state[name] = value.clone();
        }
        let mut execution = start(&machine(json!({ "A": state })), input);
        settle(&mut execution, 0.0);
        let due = execution.next_due();
        follow(&mut execution, []);
        (due, fate(&execution).1.to_owned())
    };
    let good = |seconds: f64| (Some(at(seconds)), String::new());
    let bad = (None, "States.Runtime".to_owned());
    assert_eq!(over(json!({ "Seconds": 30 }), json!({})), good(30.0));
    assert_eq!(
        over(json!({ "SecondsPath": "$.s" }), json!({ "s": 5 })),
        good(5.0)
    );
    assert_eq!(
        over(json!({ "Timestamp": "1970-01-01T00:01:00Z" }), json!({})),
        good(60.0)
    );
    assert_eq!(
        over(
            json!({ "TimestampPath": "$.t" }),
            json!({ "t": "1970-01-01T00:00:01.5Z" })
        ),
        good(1.5)
    );
    let past = over(
        json!({ "TimestampPath": "$.t" }),
        json!({ "t": "1969-12-31T23:59:00+00:00" }),
    );
    assert_eq!(
        past,
        (None, String::new()),
        "a time in the past is over at once"
    );
    for value in [
        json!(-1),
        json!(1.5),
        json!("5"),
        json!(null),
        json!(100_000_000),
    ] {
        assert_eq!(
            over(json!({ "SecondsPath": "$.s" }), json!({ "s": value })),
            bad
        );
    }
    for value in [json!("soon"), json!("2026-11-21"), json!(null), json!(5)] {
        assert_eq!(
            over(json!({ "TimestampPath": "$.t" }), json!({ "t": value })),
            bad
        );
    }
    assert_eq!(over(json!({ "TimestampPath": "$.t" }), json!({})), bad);
}

#[test]
fn passes_and_ends() {
    let output = |state: Value| {
        run(json!({ "A": state }), json!({ "a": 1 }), vec![])
            .output()
            .cloned()
    };
    assert_eq!(
        output(json!({ "Type": "Pass", "End": true })),
        Some(json!({ "a": 1 }))
    );
    assert_eq!(
        output(json!({ "Type": "Pass", "Result": [1], "ResultPath": "$.r", "End": true })),
        Some(json!({ "a": 1, "r": [1] }))
    );
    let parameters = json!({ "b.$": "$.a", "c": "d" });
    assert_eq!(
        output(json!({ "Type": "Pass", "Parameters": parameters, "End": true })),
        Some(json!({ "b": 1, "c": "d" }))
    );
    assert_eq!(
        output(json!({ "Type": "Succeed", "InputPath": "$.a" })),
        Some(json!(1))
    );
    assert_eq!(
        output(json!({ "Type": "Succeed", "OutputPath": null })),
        Some(json!({}))
    );
    let failed = run(
        json!({ "A": { "Type": "Fail", "Error": "E", "Cause": "because" } }),
        json!({}),
        vec![],
    );
    assert_eq!(
        failed
            .failure()
            .map(|failure| (&*failure.error, &*failure.cause)),
        Some(("E", "because"))
    );
    assert_eq!(failed.transitions(), 1);
}

#[test]
fn the_time_of_a_whole_execution() {
    let definition = json!({ "StartAt": "A", "TimeoutSeconds": 100, "States": { "A": { "Type": "Wait", "Seconds": 200, "End": true } } });
    let mut execution = start(&whole(definition), json!({}));
    settle(&mut execution, 0.0);
    assert_eq!(execution.next_due(), Some(at(100.0)));
    follow(&mut execution, []);
    assert_eq!(
        (execution.status(), execution.stopped()),
        (Status::TimedOut, Some(at(100.0)))
    );
    // Without a limit of its own it gets a year, as every execution does.
    let endless = machine(json!({ "A": { "Type": "Wait", "Seconds": 99_999_999, "End": true } }));
    let mut execution = Execution::start(endless, ARN, "one", json!({}), Timestamp::UNIX_EPOCH);
    follow(&mut execution, []);
    assert_eq!(
        (execution.status(), execution.stopped()),
        (Status::TimedOut, Some(at(31_536_000.0)))
    );
}

#[test]
fn a_message_is_handed_out_and_its_answer_selected() {
    let tell = json!({
        "Type": "Task", "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn": "topic", "Subject.$": "$.message.subject", "Message.$": "$.message.text"
        },
        "TimeoutSeconds": 20, "ResultSelector": { "done": true }, "ResultPath": "$.told",
        "Retry": [{
            "ErrorEquals": ["States.TaskFailed", "States.Timeout"], "IntervalSeconds": 2,
            "MaxAttempts": 1, "BackoffRate": 2.0
        }],
        "End": true
    });
    let input = json!({ "message": { "subject": "Over.", "text": "All is well." } });
    let mut execution = stand::start(&stand::machine(json!({ "A": tell })), input.clone());
    let mut attempts = Vec::new();
    for (now, answer) in [
        (
            0.0,
            Err(runner::Failure::new("SNS.InternalErrorException", "no")),
        ),
        (2.0, Ok(json!({ "MessageId": "1" }))),
    ] {
        while execution
            .next_due()
            .is_some_and(|due| due <= stand::at(now))
        {
            let effect = execution.advance(stand::at(now), &mut || 1.0);
            if let Some(runner::Effect::Publish {
                topic,
                subject,
                message,
                attempt,
            }) = effect
            {
                assert_eq!(
                    (topic.as_str(), subject.as_str(), message.as_str()),
                    ("topic", "Over.", "All is well.")
                );
                attempts.push(attempt);
                execution.answer(stand::at(now), attempt, answer.clone());
            }
        }
    }
    assert_eq!(attempts, [1, 2]);
    let mut told = input;
    told["told"] = json!({ "done": true });
    assert_eq!(*execution.output().expect("it ended"), told);
}

#[test]
fn a_message_without_a_text_is_refused() {
    for parameters in [
        json!({ "TopicArn": "topic", "Subject.$": "$.a" }),
        json!({ "Subject.$": "$.a", "Message.$": "$.b" }),
        json!({ "TopicArn": "topic", "Subject": "a", "Message": "b", "TargetArn": "c" }),
    ] {
        let tell = json!({
            "Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": parameters,
            "End": true
        });
        let machine = json!({ "StartAt": "A", "States": { "A": tell } });
        assert!(stand::read(&machine).is_err(), "{machine}");
    }
}
