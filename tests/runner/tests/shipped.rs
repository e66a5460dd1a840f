//! The state machine we ship, through the runner.

use std::collections::BTreeMap;

use jiff::Timestamp;
use runner::{Effect, Execution, Failure, Machine, Status};
use serde_json::{Value, json};

#[test]
fn the_shipped_machine_goes_up_to_the_air() {
    let text = include_str!("../../../statemachines/reconcile.asl.json");
    let names: BTreeMap<String, String> = text
        .split("${")
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| (name.to_owned(), name.to_owned()))
        .collect();
    let definition: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    let machine =
        Machine::parse("reconcile", text, &names).unwrap_or_else(|refusal| panic!("{refusal}"));
    let now = Timestamp::UNIX_EPOCH;
    let arn = "arn:aws:states:us-west-2:123456789012:execution:reconcile:one";
    let mut execution = Execution::start(
        machine,
        arn,
        "one",
        json!({ "destination_id": "youtube" }),
        now,
    );
    let mut lanes = ["Provision", "Start", "Release"].into_iter();
    while execution.status() == Status::Running {
        let effect = execution.advance(now, &mut || 0.5);
        let Some(Effect::Invoke {
            function,
            attempt,
            token,
            payload,
        }) = effect
        else {
            continue;
        };
        assert_eq!(payload["execution"], arn);
        // Everything the state selects of its function's answer is there.
        let mut answer = json!({});
        let selector = &definition["States"][execution.state()]["ResultSelector"];
        for field in selector
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys())
        {
            answer[field.trim_end_matches(".$")] = json!(null);
        }
        if function == "PlanFunction" {
            answer["lane"] = json!(lanes.next());
        }
        execution.answer(now, attempt, Ok(answer));
        if let Some(token) = token {
            assert_eq!(
                execution.end_wait(now, &token, Ok(json!({ "event": "edited" }))),
                Ok(())
            );
        }
    }
    assert_eq!(execution.status(), Status::Succeeded);
    assert_eq!(
        execution.transitions(),
        17,
        "{}",
        execution.entered().collect::<Vec<_>>().join(" ")
    );
}

/// The shipped machine of incidents, about to look at one.
fn incident(now: Timestamp) -> Execution {
    let text = include_str!("../../../statemachines/incident.asl.json");
    let names: BTreeMap<String, String> = text
        .split("${")
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| (name.to_owned(), name.to_owned()))
        .collect();
    let machine =
        Machine::parse("incident", text, &names).unwrap_or_else(|refusal| panic!("{refusal}"));
    let arn = "arn:aws:states:us-west-2:123456789012:execution:incident:one";
    let input = json!({
        "destination_id": "youtube", "cause": "rtmp_failed", "told": { "done": false },
        "message": { "subject": "", "text": "" },
        "incident": { "incident_id": "one", "look_at": "1970-01-01T00:00:15Z", "looks": 0 },
    });
    Execution::start(machine, arn, "one", input, now)
}

/// What a look answers.
fn found(next: &str) -> Value {
    json!({
        "next": next, "incident_id": "one", "since": "1970-01-01T00:00:00Z",
        "look_at": "1970-01-01T00:00:20Z", "wait_seconds": 60,
        "until": "1970-01-01T00:10:00Z", "changes": 1, "looks": 1,
        "message": { "subject": next, "text": "..." },
    })
}

#[test]
fn the_shipped_incident_is_told_once_each_way() {
    let mut now = Timestamp::UNIX_EPOCH;
    let mut execution = incident(now);
    // What each look finds: too early, lasting, still there after a wait without news, over, flapping,
    // over again, begun again when it was to be closed, over, closed.
    let mut finds = [
        "Debounce", "Tell", "Watch", "Quiet", "Watch", "Quiet", "Again", "Quiet", "Tell",
    ]
    .into_iter();
    // Whether each watch has news; else it times out.
    let mut news = [false, true, true, true, false, false].into_iter();
    let mut told = Vec::new();
    while let Some(due) = execution.next_due() {
        now = now.max(due);
        match execution.advance(now, &mut || 0.5) {
            Some(Effect::Invoke {
                function,
                attempt,
                token,
                ..
            }) => {
                if function == "WatchIncidentFunction" {
                    execution.answer(now, attempt, Ok(json!({ "did": "waiting" })));
                    if news.next().expect("no more watches than that") {
                        let token = token.expect("it waits");
                        assert_eq!(execution.end_wait(now, &token, Ok(json!({}))), Ok(()));
                    }
                    continue;
                }
                let next = finds.next().expect("no more looks than that");
                execution.answer(now, attempt, Ok(found(next)));
            }
            Some(Effect::Publish { attempt, .. }) => {
                told.push(execution.state().to_owned());
                execution.answer(now, attempt, Ok(json!({ "MessageId": "1" })));
            }
            _ => {}
        }
    }
    assert_eq!(execution.status(), Status::Succeeded);
    assert_eq!(told, ["TellIncident", "TellRecovery"]);
    assert_eq!((finds.next(), news.next()), (None, None));
}

/// Somebody has encrypted the topic and takes an hour to notice: then each message is told after all.
#[test]
fn what_the_topic_refuses_for_an_hour_is_told_when_it_takes_it() {
    let hour = jiff::SignedDuration::from_hours(1);
    let mut now = Timestamp::UNIX_EPOCH;
    let mut execution = incident(now);
    let (mut told, mut refused, mut told_at) = (Vec::new(), 0, now);
    while let Some(due) = execution.next_due() {
        now = now.max(due);
        match execution.advance(now, &mut || 0.5) {
            Some(Effect::Invoke {
                function, attempt, ..
            }) => {
                let answer = match function.as_str() {
                    "WatchIncidentFunction" => json!({ "did": "waiting" }),
                    "ConfirmIncidentFunction" if told.is_empty() => found("Tell"),
                    "ConfirmIncidentFunction" => found("Quiet"),
                    _ => found("Tell"),
                };
                execution.answer(now, attempt, Ok(answer));
            }
            Some(Effect::Publish { attempt, .. }) => {
                // The topic is broken again when the end is to be told.
                if now < told_at + hour {
                    refused += 1;
                    let denied = Failure::new("Sns.KmsAccessDeniedException", "not allowed");
                    execution.answer(now, attempt, Err(denied));
                } else {
                    told_at = now;
                    told.push(execution.state().to_owned());
                    execution.answer(now, attempt, Ok(json!({ "MessageId": "1" })));
                }
            }
            _ => {}
        }
    }
    assert_eq!(execution.status(), Status::Succeeded);
    assert_eq!(told, ["TellIncident", "TellRecovery"]);
    // Seven tries in a few minutes, then five minutes without one: a day of it fits into a history.
    assert!((40..200).contains(&refused), "{refused}");
}
