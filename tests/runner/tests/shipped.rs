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
