//! The state machine we ship, through the runner.

use std::collections::BTreeMap;

use jiff::Timestamp;
use runner::{Effect, Execution, Machine, Status};
use serde_json::json;

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

#[test]
fn the_shipped_incident_is_told_once_each_way() {
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
    let mut now = Timestamp::UNIX_EPOCH;
    let input = json!({
        "destination_id": "youtube", "cause": "rtmp_failed", "told": { "done": false },
        "message": { "subject": "", "text": "" },
        "incident": { "incident_id": "one", "look_at": "1970-01-01T00:00:15Z", "looks": 0 },
    });
    let mut execution = Execution::start(machine, arn, "one", input, now);
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
                let answer = json!({
                    "next": next, "incident_id": "one", "since": "1970-01-01T00:00:00Z",
                    "look_at": "1970-01-01T00:00:20Z", "wait_seconds": 60,
                    "until": "1970-01-01T00:10:00Z", "changes": 1, "looks": 1,
                    "message": { "subject": next, "text": "..." },
                });
                execution.answer(now, attempt, Ok(answer));
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
