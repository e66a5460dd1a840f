//! Which error goes where: names, retries, catchers, and what nothing can catch.

mod stand;

use jiff::SignedDuration;
use runner::{Effect, Failure, Status, What};
use serde_json::{Value, json};
use stand::{at, error, fate, follow, machine, run, settle, start, task, wait_for_token, way};

/// A task with this Catch, and where it leads for an error of this name.
fn caught(names: Value, name: &str) -> String {
    let catch = json!([{ "ErrorEquals": names, "Next": "Caught" }]);
    let states = json!({ "A": task(json!({ "Catch": catch })), "Caught": { "Type": "Succeed" } });
    way(&run(states, json!({}), vec![error(name)]))
}

#[test]
fn what_the_names_match() {
    for (names, name, expected) in [
        (json!(["Stale"]), "Stale", true),
        (json!(["Stale"]), "stale", false),
        (json!(["Stale", "Full"]), "Full", true),
        (json!(["States.ALL"]), "Anything", true),
        (json!(["States.ALL"]), "States.Timeout", true),
        (json!(["States.ALL"]), "States.Runtime", false),
        (json!(["States.ALL"]), "States.DataLimitExceeded", false),
        (
            json!(["States.DataLimitExceeded"]),
            "States.DataLimitExceeded",
            true,
        ),
        (json!(["States.TaskFailed"]), "Anything", true),
        (json!(["States.TaskFailed"]), "States.Timeout", false),
        (
            json!(["States.TaskFailed"]),
            "States.HeartbeatTimeout",
            false,
        ),
        (
            json!(["States.TaskFailed"]),
            "States.DataLimitExceeded",
            false,
        ),
        (json!(["States.Timeout"]), "States.HeartbeatTimeout", true),
        (json!(["States.HeartbeatTimeout"]), "States.Timeout", false),
        (json!(["States.Timeout"]), "Sandbox.Timedout", false),
    ] {
        let expected = if expected { "A Caught" } else { "A" };
        assert_eq!(caught(names.clone(), name), expected, "{names} and {name}");
    }
}

#[test]
fn what_a_catcher_hands_on() {
    let catch = |path: Value| json!([{ "ErrorEquals": ["E"], "ResultPath": path, "Next": "B" }]);
    let states = |path: Value| json!({ "A": task(json!({ "Catch": catch(path) })), "B": { "Type": "Succeed" } });
    let cause = r#"{"errorMessage":"as the script says","errorType":"E"}"#;
    let told = json!({ "Error": "E", "Cause": cause });
    let output = |path: Value| {
        run(states(path), json!({ "a": 1 }), vec![error("E")])
            .output()
            .cloned()
    };
    assert_eq!(
        output(json!("$.error")),
        Some(json!({ "a": 1, "error": told }))
    );
    assert_eq!(output(json!("$")), Some(told));
    assert_eq!(output(json!(null)), Some(json!({ "a": 1 })));

    // Without a Catch the error is the execution's own.
    let execution = run(json!({ "A": task(json!({})) }), json!({}), vec![error("E")]);
    assert_eq!(execution.failure(), Some(&Failure::new("E", cause)));
    assert_eq!(fate(&execution), (Status::Failed, "E"));
    assert_eq!(execution.output(), None);
}

#[test]
fn retriers_first_and_the_first_that_matches_decides() {
    let state = task(json!({
        "Retry": [
            { "ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2 },
            { "ErrorEquals": ["C"], "IntervalSeconds": 5 },
            { "ErrorEquals": ["States.ALL"], "IntervalSeconds": 7 },
        ],
        "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Z" }],
    }));
    let machine = machine(json!({ "A": state, "Z": { "Type": "Succeed" } }));
    let mut execution = start(&machine, json!({}));
    let mut now = at(0.0);
    let mut delays = Vec::new();
    // The example of the States Language: A, B, C, then B again finds its retrier used up.
    for name in ["A", "B", "C", "B"] {
        let Some(Effect::Invoke { attempt, .. }) = execution.advance(now, &mut || 0.5) else {
            panic!("an invocation")
        };
        execution.answer(now, attempt, error(name));
        assert!(execution.advance(now, &mut || 0.5).is_some());
        if let Some(due) = execution.next_due() {
            delays.push(due.duration_since(now).as_secs());
            now = due;
        }
    }
    assert_eq!(delays, [1, 2, 5]);
    assert_eq!(way(&execution), "A Z");
    // Two states and three retries.
    assert_eq!(execution.transitions(), 5);
}

#[test]
fn the_delay_of_a_retry() {
    let delays = |more: Value, chance: f64| {
        let mut retrier = json!({ "ErrorEquals": ["E"], "MaxAttempts": 5 });
        for (name, value) in more.as_object().expect("an object") {
            retrier[name] = value.clone();
        }
        let mut execution = start(
            &machine(json!({ "A": task(json!({ "Retry": [retrier] })) })),
            json!({}),
        );
        let mut now = at(0.0);
        let mut delays = Vec::new();
        for _ in 0..5 {
            let Some(Effect::Invoke { attempt, .. }) = execution.advance(now, &mut || chance)
            else {
                panic!("an invocation")
            };
            execution.answer(now, attempt, error("E"));
            assert_eq!(execution.advance(now, &mut || chance), Some(Effect::Moved));
            let due = execution.next_due().expect("a delay");
            delays.push(due.duration_since(now).as_secs_f64());
            assert_eq!(
                execution.advance(due - SignedDuration::from_millis(1), &mut || chance),
                None
            );
            now = due;
        }
        delays
    };
    assert_eq!(delays(json!({}), 0.9), [1.0, 2.0, 4.0, 8.0, 16.0]);
    let capped = json!({ "IntervalSeconds": 2, "BackoffRate": 1.5, "MaxDelaySeconds": 5 });
    assert_eq!(delays(capped, 0.9), [2.0, 3.0, 4.5, 5.0, 5.0]);
    let jitter = json!({ "BackoffRate": 1.5, "MaxDelaySeconds": 3, "JitterStrategy": "FULL" });
    assert_eq!(delays(jitter.clone(), 0.5), [0.5, 0.75, 1.125, 1.5, 1.5]);
    assert_eq!(delays(jitter, 0.0), [0.0; 5]);
}

#[test]
fn the_count_of_retries_is_told_and_begins_anew_in_each_state() {
    let payload =
        json!({ "FunctionName": "work", "Payload": { "count.$": "$$.State.RetryCount" } });
    let retry = json!([{ "ErrorEquals": ["E"], "MaxAttempts": 2 }, { "ErrorEquals": ["F"] }]);
    let state = |next: &str| {
        task(json!({ "Parameters": payload, "Retry": retry, "Next": next, "ResultPath": null }))
    };
    let states = json!({ "A": state("B"), "B": state("C"), "C": { "Type": "Succeed" } });
    let mut execution = start(&machine(states), json!({}));
    let ok = || Ok(json!({}));
    let script = [
        error("E"),
        error("F"),
        error("E"),
        ok(),
        error("E"),
        error("E"),
        error("E"),
    ];
    let counts: Vec<Value> = follow(&mut execution, script)
        .iter()
        .map(|payload| payload["count"].clone())
        .collect();
    assert_eq!(counts, [0, 1, 2, 3, 0, 1, 2]);
    assert_eq!(fate(&execution), (Status::Failed, "E"));
    assert_eq!(execution.transitions(), 2 + 5);
}

#[test]
fn never_means_no_retry() {
    let retry =
        json!([{ "ErrorEquals": ["E"], "MaxAttempts": 0 }, { "ErrorEquals": ["States.ALL"] }]);
    let execution = run(
        json!({ "A": task(json!({ "Retry": retry })) }),
        json!({}),
        vec![error("E")],
    );
    assert_eq!(
        (fate(&execution), execution.transitions()),
        ((Status::Failed, "E"), 1)
    );
}

#[test]
fn a_path_that_finds_nothing_fails_the_execution_for_good() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let retry = json!([{ "ErrorEquals": ["States.ALL"] }]);
    let parameters = json!({ "FunctionName": "work", "Payload": { "x.$": "$.not.there" } });
    for (state, answers) in [
        (json!({ "Parameters": parameters }), vec![]),
        (json!({ "InputPath": "$.nothing" }), vec![]),
        (
            json!({ "ResultSelector": { "x.$": "$.Payload.nothing" } }),
            vec![Ok(json!({}))],
        ),
        (
            json!({ "ResultSelector": { "x.$": "$.Payload.x" } }),
            vec![Ok(json!(null))],
        ),
        (json!({ "OutputPath": "$.nothing" }), vec![Ok(json!({}))]),
    ] {
        let mut state = task(state);
        state["Catch"] = catch.clone();
        state["Retry"] = retry.clone();
        let states = json!({ "A": state, "Caught": { "Type": "Succeed" } });
        let execution = run(states, json!({ "not": "an object" }), answers);
        assert_eq!(
            (fate(&execution), way(&execution)),
            ((Status::Failed, "States.Runtime"), "A".into())
        );
        let cause = &execution.failure().expect("a failure").cause;
        assert!(
            cause.starts_with(
                "An error occurred while executing the state 'A' (entered at the event id #2)."
            ),
            "{cause}"
        );
    }
}

#[test]
fn a_result_path_that_does_not_fit_can_be_caught() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B" }]);
    let states = json!({ "A": task(json!({ "ResultPath": "$.a.b", "Catch": catch })), "B": { "Type": "Succeed" } });
    let execution = run(states.clone(), json!({ "a": "text" }), vec![Ok(json!(1))]);
    assert_eq!(
        execution.output().expect("an output")["error"]["Error"],
        "States.ResultPathMatchFailure"
    );
    // Not even the error fits into an input that is no object.
    let execution = run(states, json!("text"), vec![Ok(json!(1))]);
    assert_eq!(
        fate(&execution),
        (Status::Failed, "States.ResultPathMatchFailure")
    );
}

#[test]
fn payloads_over_the_quota() {
    // With the quotes around it and the rest, just over 262,144 bytes.
    let large = json!("x".repeat(262_144));
    let catch =
        json!([{ "ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": null, "Next": "B" }]);
    let states = json!({ "A": task(json!({ "Catch": catch })), "B": { "Type": "Succeed" } });
    assert_eq!(
        way(&run(states.clone(), json!({}), vec![Ok(large.clone())])),
        "A B"
    );
    assert_eq!(
        way(&run(states, large.clone(), vec![])),
        "A",
        "its own input is too large for the next state, too"
    );
    let all = json!([{ "ErrorEquals": ["States.ALL"], "Next": "B" }]);
    let states = json!({ "A": task(json!({ "Catch": all })), "B": { "Type": "Succeed" } });
    assert_eq!(
        fate(&run(states, json!({}), vec![Ok(large)])),
        (Status::Failed, "States.DataLimitExceeded")
    );
    let half = json!("x".repeat(140_000));
    let states = json!({ "A": task(json!({ "ResultPath": "$.r" })) });
    let both = run(states, json!({ "a": half }), vec![Ok(half)]);
    assert_eq!(
        fate(&both),
        (Status::Failed, "States.DataLimitExceeded"),
        "each fits, together they do not"
    );
    let fits = json!("x".repeat(262_000));
    let execution = run(
        json!({ "A": task(json!({ "ResultPath": null })) }),
        json!({}),
        vec![Ok(fits)],
    );
    assert_eq!(execution.status(), Status::Succeeded);
}

#[test]
fn the_history_ends_with_its_25_000th_event() {
    let states = json!({
        "A": { "Type": "Choice", "Choices": [{ "Variable": "$.end", "BooleanEquals": true, "Next": "Z" }], "Default": "A" },
        "Z": { "Type": "Succeed" },
    });
    let execution = run(states, json!({ "end": false }), vec![]);
    assert_eq!(fate(&execution), (Status::Failed, "States.Runtime"));
    assert_eq!(execution.history().len(), 25_000);
    assert!(matches!(
        execution.history().last().expect("an event").what,
        What::Failed { .. }
    ));
    let mut execution = execution;
    let refusal = execution
        .redrive(at(1.0))
        .expect_err("no room for a redrive");
    assert!(
        refusal.to_string().contains("its history is full"),
        "{refusal}"
    );
}

#[test]
fn a_task_that_takes_too_long() {
    let catch =
        json!([{ "ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "B" }]);
    let retry = json!([{ "ErrorEquals": ["States.Timeout"], "MaxAttempts": 1 }]);
    let state = task(json!({ "TimeoutSeconds": 20, "Retry": retry, "Catch": catch }));
    let mut execution = start(
        &machine(json!({ "A": state, "B": { "Type": "Succeed" } })),
        json!({}),
    );
    let Some(Effect::Invoke { attempt: first, .. }) = settle(&mut execution, 0.0) else {
        panic!("an invocation")
    };
    assert_eq!(execution.next_due(), Some(at(20.0)));
    assert_eq!(execution.advance(at(19.9), &mut || 0.5), None);
    assert_eq!(
        execution.advance(at(20.0), &mut || 0.5),
        Some(Effect::Moved)
    );
    // Its late answer changes nothing, neither in the delay nor while the next attempt works.
    execution.answer(at(20.5), first, Ok(json!("late")));
    let Some(Effect::Invoke {
        attempt: second, ..
    }) = settle(&mut execution, 21.0)
    else {
        panic!("an invocation")
    };
    assert_ne!(first, second);
    execution.answer(at(22.0), first, Ok(json!("late")));
    assert_eq!(
        execution.next_due(),
        Some(at(41.0)),
        "each attempt has its own time"
    );
    // An answer after the time is over is too late, even if nobody has looked yet.
    execution.answer(at(41.1), second, Ok(json!("late")));
    settle(&mut execution, 41.1);
    assert_eq!(
        execution.output().expect("an output")["error"],
        json!({ "Error": "States.Timeout", "Cause": "" })
    );
}

#[test]
fn a_time_that_the_input_says() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "ResultPath": null, "Next": "B" }]);
    let state = task(json!({ "TimeoutSecondsPath": "$.seconds", "Catch": catch }));
    let machine = machine(json!({ "A": state, "B": { "Type": "Succeed" } }));
    let mut execution = start(&machine, json!({ "seconds": 7 }));
    settle(&mut execution, 0.0);
    assert_eq!(execution.next_due(), Some(at(7.0)));
    settle(&mut execution, 7.0);
    assert_eq!(way(&execution), "A B");
    for wrong in [json!(0), json!(-1), json!(1.5), json!("7"), json!(null)] {
        let mut execution = start(&machine, json!({ "seconds": wrong }));
        settle(&mut execution, 0.0);
        assert_eq!(fate(&execution), (Status::Failed, "States.Runtime"));
    }
}

#[test]
fn a_failing_function_fails_a_task_that_waits_for_its_token() {
    let catch = json!([{ "ErrorEquals": ["E"], "ResultPath": null, "Next": "B" }]);
    let states =
        json!({ "A": wait_for_token(json!({ "Catch": catch })), "B": { "Type": "Succeed" } });
    let mut execution = start(&machine(states), json!({}));
    let Some(Effect::Invoke {
        attempt,
        token: Some(token),
        ..
    }) = settle(&mut execution, 0.0)
    else {
        panic!("an invocation")
    };
    execution.answer(at(1.0), attempt, error("E"));
    assert_eq!(
        execution.end_wait(at(1.0), &token, Ok(json!({}))),
        Err(runner::TokenProblem::TaskTimedOut)
    );
    settle(&mut execution, 1.0);
    assert_eq!(way(&execution), "A B");
}
