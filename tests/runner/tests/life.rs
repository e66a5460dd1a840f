//! What is done to an execution from outside: tokens, stopping, redriving; and what its history keeps.

mod stand;

use runner::{Effect, Execution, Failure, Status, TokenProblem, What, execution_of};
use serde_json::{Value, json};
use stand::{
    ARN, at, error, fate, follow, machine, settle, start, task, wait_for_token, way, whole,
};

/// Up to the first invocation: its attempt and token.
fn invoked(execution: &mut Execution, now: f64) -> (u64, Option<String>) {
    match settle(execution, now) {
        Some(Effect::Invoke { attempt, token, .. }) => (attempt, token),
        other => panic!("{other:?} instead of an invocation"),
    }
}

#[test]
fn a_token_ends_the_wait_it_was_made_for_and_no_other() {
    let retry = json!([{ "ErrorEquals": ["Transient"], "MaxAttempts": 1 }]);
    let states = json!({
        "A": wait_for_token(json!({ "Retry": retry, "ResultPath": "$.a", "Next": "B" })),
        "B": wait_for_token(json!({ "ResultPath": "$.b" })),
    });
    let mut execution = start(&machine(states), json!({}));
    let (attempt, token) = invoked(&mut execution, 0.0);
    let first = token.expect("a token");
    assert_eq!(execution_of(&first), Some(ARN));
    execution.answer(
        at(1.0),
        attempt,
        Ok(json!("the function's own answer counts for nothing")),
    );
    execution.answer(
        at(1.0),
        attempt,
        error("once it has answered, it is not heard again"),
    );
    assert_eq!(execution.next_due(), Some(at(60.0)));
    let open: Vec<_> = execution
        .open_tokens()
        .map(|open| (open.token.to_owned(), open.state.to_owned(), open.due))
        .collect();
    assert_eq!(open, [(first.clone(), "A".to_owned(), at(60.0))]);
    assert_eq!(
        execution.end_wait(at(1.0), "nonsense", Ok(json!({}))),
        Err(TokenProblem::InvalidToken)
    );
    assert_eq!(
        execution.end_wait(at(1.0), &format!("{ARN}#7"), Ok(json!({}))),
        Err(TokenProblem::InvalidToken)
    );
    let transient = || Err(Failure::new("Transient", "not yet"));
    assert_eq!(execution.end_wait(at(2.0), &first, transient()), Ok(()));
    assert_eq!(
        execution.end_wait(at(2.0), &first, transient()),
        Err(TokenProblem::TaskTimedOut)
    );

    settle(&mut execution, 2.0);
    let (_, token) = invoked(&mut execution, 3.0);
    let second = token.expect("a token");
    assert_ne!(first, second, "each attempt has a token of its own");
    assert_eq!(
        execution.end_wait(at(3.0), &first, Ok(json!(1))),
        Err(TokenProblem::TaskTimedOut)
    );
    // The answer may be there before the function has returned.
    assert_eq!(execution.end_wait(at(3.0), &second, Ok(json!(2))), Ok(()));
    let (_, token) = invoked(&mut execution, 3.0);
    assert_eq!(
        execution.end_wait(at(4.0), &second, Ok(json!(3))),
        Err(TokenProblem::TaskTimedOut)
    );
    assert_eq!(
        execution.end_wait(at(4.0), &token.expect("a token"), Ok(json!(4))),
        Ok(())
    );
    settle(&mut execution, 4.0);
    assert_eq!(execution.output(), Some(&json!({ "a": 2, "b": 4 })));
    assert_eq!(execution.open_tokens().count(), 0);
}

#[test]
fn a_token_that_nobody_sends_back() {
    let states = json!({ "A": wait_for_token(json!({})) });
    let mut execution = start(&machine(states), json!({}));
    let (_, token) = invoked(&mut execution, 0.0);
    let token = token.expect("a token");
    assert_eq!(
        execution.end_wait(at(60.1), &token, Ok(json!({}))),
        Err(TokenProblem::TaskTimedOut)
    );
    settle(&mut execution, 60.0);
    assert_eq!(fate(&execution), (Status::Failed, "States.Timeout"));
}

#[test]
fn heartbeats() {
    let machine = machine(json!({ "A": wait_for_token(json!({ "HeartbeatSeconds": 10 })) }));
    let mut execution = start(&machine, json!({}));
    let (_, token) = invoked(&mut execution, 0.0);
    let token = token.expect("a token");
    for now in [9.0, 18.0, 27.0, 36.0, 45.0, 54.0] {
        assert_eq!(execution.heartbeat(at(now), &token), Ok(()));
    }
    assert_eq!(execution.next_due(), Some(at(60.0)));
    settle(&mut execution, 60.0);
    assert_eq!(fate(&execution), (Status::Failed, "States.Timeout"));
    assert_eq!(
        execution.heartbeat(at(61.0), &token),
        Err(TokenProblem::TaskTimedOut)
    );

    let mut silent = start(&machine, json!({}));
    settle(&mut silent, 0.0);
    settle(&mut silent, 10.0);
    assert_eq!(fate(&silent), (Status::Failed, "States.HeartbeatTimeout"));
}

#[test]
fn it_can_be_stopped_in_any_state() {
    let retry = json!([{ "ErrorEquals": ["E"], "IntervalSeconds": 10 }]);
    for (state, steps) in [
        (json!({ "Type": "Wait", "Seconds": 5, "End": true }), 0),
        (json!({ "Type": "Wait", "Seconds": 5, "End": true }), 1),
        (task(json!({ "Retry": retry })), 1),
        (task(json!({ "Retry": retry })), 2),
        (task(json!({ "Retry": retry })), 3),
        (wait_for_token(json!({})), 1),
    ] {
        let mut execution = start(&machine(json!({ "A": state })), json!({}));
        let mut token = None;
        for step in 0..steps {
            match step {
                // An invocation is answered, but the answer not yet taken up; then it is, and a retry waits.
                1 => execution.answer(at(0.0), 1, error("E")),
                _ => {
                    let effect = execution.advance(at(0.0), &mut || 0.5);
                    if let Some(Effect::Invoke { token: new, .. }) = effect {
                        token = new;
                    }
                }
            }
        }
        execution.stop(at(3.0), "Stopped", "by hand");
        assert_eq!(
            (fate(&execution), execution.next_due()),
            ((Status::Aborted, "Stopped"), None)
        );
        assert_eq!(execution.advance(at(100.0), &mut || 0.5), None);
        execution.answer(at(4.0), 1, Ok(json!({})));
        execution.stop(at(5.0), "Again", "");
        assert_eq!(
            (fate(&execution), execution.stopped()),
            ((Status::Aborted, "Stopped"), Some(at(3.0)))
        );
        if let Some(token) = token {
            assert_eq!(
                execution.end_wait(at(4.0), &token, Ok(json!({}))),
                Err(TokenProblem::TaskTimedOut)
            );
        }
    }
}

#[test]
fn a_redrive_goes_on_where_it_ended() {
    let payload = json!({ "FunctionName": "work", "Payload": { "count.$": "$$.State.RetryCount", "before.$": "$.a" } });
    let retry = json!([{ "ErrorEquals": ["E"], "MaxAttempts": 1 }]);
    let definition = json!({ "StartAt": "A", "TimeoutSeconds": 100, "States": {
        "A": task(json!({ "ResultPath": "$.a", "ResultSelector": { "x.$": "$.Payload" }, "Next": "B" })),
        "B": task(json!({ "Parameters": payload, "Retry": retry })),
    }});
    let mut execution = start(&whole(definition), json!({}));
    follow(&mut execution, [Ok(json!(1)), error("E"), error("E")]);
    assert_eq!(fate(&execution), (Status::Failed, "E"));
    let (events, transitions) = (execution.history().len(), execution.transitions());

    assert_eq!(execution.redrive(at(500.0)), Ok(()));
    assert_eq!(
        (
            execution.status(),
            execution.redrive_count(),
            execution.failure()
        ),
        (Status::Running, 1, None)
    );
    assert_eq!(
        execution.transitions(),
        transitions + 1,
        "a redrive is billed as a transition"
    );
    let Some(Effect::Invoke {
        attempt, payload, ..
    }) = settle(&mut execution, 500.0)
    else {
        panic!("an invocation")
    };
    assert_eq!(
        (attempt, payload),
        (4, json!({ "count": 0, "before": { "x": 1 } }))
    );
    // Its retries and the time of the machine begin anew.
    execution.answer(at(500.0), attempt, error("E"));
    settle(&mut execution, 500.0);
    let (_, _) = invoked(&mut execution, 501.0);
    settle(&mut execution, 600.0);
    assert_eq!(
        (execution.status(), execution.stopped()),
        (Status::TimedOut, Some(at(600.0)))
    );
    assert_eq!(execution.redrive(at(600.0)), Ok(()));
    let (attempt, _) = invoked(&mut execution, 600.0);
    execution.answer(at(600.0), attempt, Ok(json!({})));
    settle(&mut execution, 600.0);
    assert_eq!(
        (execution.status(), way(&execution)),
        (Status::Succeeded, "A B".into())
    );
    assert!(execution.history().len() > events);
    let redriven = execution
        .history()
        .iter()
        .filter(|event| matches!(event.what, What::Redriven { .. }))
        .count();
    assert_eq!(redriven, 2);
    let refusal = execution.redrive(at(601.0)).expect_err("it succeeded");
    assert!(
        refusal
            .to_string()
            .ends_with("cannot be redriven: it succeeded"),
        "{refusal}"
    );
}

#[test]
fn a_redrive_between_two_states_enters_the_second() {
    let states = json!({ "A": task(json!({ "ResultPath": null, "Next": "B" })), "B": { "Type": "Succeed" } });
    let mut execution = start(&machine(states), json!({}));
    execution.stop(at(0.0), "", "");
    assert_eq!(
        execution.redrive(at(1.0)),
        Ok(()),
        "even one that never entered a state"
    );
    assert!(execution.redrive(at(1.0)).is_err(), "but not one that runs");
    let (attempt, _) = invoked(&mut execution, 1.0);
    execution.answer(at(1.0), attempt, Ok(json!({})));
    execution.stop(at(1.0), "", "");
    assert_eq!(execution.redrive(at(2.0)), Ok(()));
    assert_eq!(way(&execution), "A");
    let (again, _) = invoked(&mut execution, 2.0);
    assert_ne!(
        attempt, again,
        "what was answered but not taken up is asked again"
    );
    execution.answer(at(2.0), again, Ok(json!({})));
    settle(&mut execution, 2.0);
    assert_eq!(
        (way(&execution), execution.status()),
        ("A B".into(), Status::Succeeded)
    );
}

#[test]
fn no_redrive_after_too_long_a_time() {
    let mut execution = start(&machine(json!({ "A": { "Type": "Fail" } })), json!({}));
    follow(&mut execution, []);
    let day = 86_400.0;
    let mut other = execution.clone();
    assert_eq!(other.redrive(at(14.0 * day)), Ok(()));
    let refusal = execution
        .redrive(at(14.0 * day + 1.0))
        .expect_err("too late");
    assert!(
        refusal.to_string().contains("more than 14 days ago"),
        "{refusal}"
    );
}

#[test]
fn a_redrive_does_not_lengthen_the_year() {
    let day = 86_400.0;
    let states = json!({ "A": { "Type": "Wait", "Seconds": 99_999_999, "End": true } });
    let mut execution = start(&machine(states), json!({}));
    settle(&mut execution, 0.0);
    execution.stop(at(360.0 * day), "", "");
    assert_eq!(execution.redrive(at(362.0 * day)), Ok(()));
    settle(&mut execution, 362.0 * day);
    assert_eq!(execution.next_due(), Some(at(365.0 * day)));
    execution.stop(at(362.0 * day), "", "");
    let refusal = execution.redrive(at(366.0 * day)).expect_err("too old");
    assert!(
        refusal.to_string().contains("more than a year ago"),
        "{refusal}"
    );
}

#[test]
fn the_history_keeps_what_aws_keeps() {
    let retry = json!([{ "ErrorEquals": ["E"] }]);
    let payload = json!({ "FunctionName": "work", "Payload": { "key": "canary-in-a-payload" } });
    let states = json!({
        "A": task(json!({ "Retry": retry, "Parameters": payload, "Next": "B" })),
        "B": { "Type": "Succeed" },
    });
    let mut execution = start(&machine(states), json!({}));
    follow(&mut execution, [error("E"), Ok(json!({}))]);
    let kinds: Vec<&str> = execution
        .history()
        .iter()
        .map(|event| event.what.kind())
        .collect();
    assert_eq!(
        kinds.join(" "),
        "ExecutionStarted StateEntered TaskScheduled TaskStarted TaskFailed TaskScheduled TaskStarted TaskSucceeded StateExited \
         StateEntered StateExited ExecutionSucceeded"
    );
    let kept: Vec<&Value> = execution
        .history()
        .iter()
        .flat_map(|event| event.what.value())
        .collect();
    assert!(
        kept.iter()
            .any(|value| value.to_string().contains("canary-in-a-payload"))
    );
}
