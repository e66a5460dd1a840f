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
        let answer = match function.as_str() {
            "ClaimFunction" | "PlanFunction" => json!({
                "lap": 1, "knock": 0, "hand_over": null, "lane": if function == "PlanFunction" { lanes.next() } else { None },
                "level": "Running", "generation": 1, "incarnation": 1, "until": null, "looked_at": null, "look": {},
            }),
            _ => json!({}),
        };
        execution.answer(now, attempt, Ok(answer));
        if let Some(token) = token {
            assert_eq!(
                execution.end_wait(now, &token, Ok(json!({ "event": "edited" }))),
                Ok(())
            );
        }
    }
    assert_eq!(execution.status(), Status::Succeeded);
    assert_eq!(execution.transitions(), 17);
}
