//! One name, one spelling: `workers/create-input` is crate `create-input`, function
//! `CreateInputFunction`, state `CreateInput`, and may do `medialive:CreateInput`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{house, permissions, story, template};

/// Workers that an event wakes; the state machine does not know them.
pub const WOKEN: &[&str] = &[
    "dispatch",
    "resume",
    "sweep",
    "update-flow",
    "watch",
    "watch-flow",
];

/// Deeds whose name at AWS is another one, with the reason in the name itself.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("AddFlowOutput", "AddFlowOutputs"),
    ("EnableFlowOutput", "UpdateFlowOutput"),
    ("DisableFlowOutput", "UpdateFlowOutput"),
];

/// What a worker may change besides what it is named after, and why.
const ALSO: &[(&str, &str)] = &[
    ("AddFlowOutput", "UpdateFlowOutput"), // an output of ours that points elsewhere is put right
];

/// Workers that change nothing in the cloud, or, like the sweep, many things.
const NO_DEED: &[&str] = &[
    "dispatch",
    "claim",
    "plan",
    "preflight",
    "poll-channel",
    "resume",
    "fail",
    "release",
    "sweep",
    "watch",
    "watch-flow",
    "confirm-incident",
    "watch-incident",
    "close-incident",
];

/// What the template hands to a machine that is no function.
const NO_FUNCTION: &[(&str, &str)] = &[("IncidentsTopic", "IncidentsTopic")];

/// What is wrong between the folders and the template.
pub fn in_template(workers: &[String], template: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let functions = template::resources(template, "AWS::Serverless::Function");
    let known: BTreeSet<String> = workers
        .iter()
        .map(|worker| house::pascal(worker) + "Function")
        .collect();
    for (name, _) in functions.iter().filter(|(name, _)| !known.contains(*name)) {
        found.push(format!("{name} has no worker of its name"));
    }
    for worker in workers {
        let pascal = house::pascal(worker);
        let Some((_, function)) = functions
            .iter()
            .find(|(name, _)| **name == format!("{pascal}Function"))
        else {
            found.push(format!("{worker} has no {pascal}Function"));
            continue;
        };
        let wanted = [
            ("CodeUri", json!(format!("workers/{worker}"))),
            (
                "FunctionName",
                json!({"Fn::Sub": format!("lunora-${{StackLabel}}-{worker}")}),
            ),
            (
                "Role",
                json!({"Fn::GetAtt": [format!("{pascal}Role"), "Arn"]}),
            ),
            (
                "LoggingConfig",
                json!({"LogGroup": {"Ref": format!("{pascal}LogGroup")}}),
            ),
        ];
        for (field, value) in wanted
            .iter()
            .filter(|(field, value)| function[field] != *value)
        {
            found.push(format!(
                "{worker}: {field} is {}, not {value}",
                function[field]
            ));
        }
        let resource = &template["Resources"][format!("{pascal}Function")];
        if resource["Metadata"]["BuildProperties"]["Binary"] != worker.as_str() {
            found.push(format!("{worker}: another binary is built"));
        }
        let log = &template["Resources"][format!("{pascal}LogGroup")]["Properties"]["LogGroupName"];
        if *log != json!({"Fn::Sub": format!("/aws/lambda/lunora-${{StackLabel}}-{worker}")}) {
            found.push(format!("{worker}: its log group is {log}"));
        }
        found.extend(deeds(worker, template));
    }
    found
}

/// A worker changes in the cloud what its name says, and nothing else.
fn deeds(worker: &str, template: &Value) -> Vec<String> {
    if NO_DEED.contains(&worker) {
        return Vec::new();
    }
    let pascal = house::pascal(worker);
    let aws = OTHER_NAMES
        .iter()
        .find(|(ours, _)| *ours == pascal)
        .map_or(pascal.as_str(), |(_, theirs)| theirs);
    let allowed: BTreeSet<&str> = ALSO
        .iter()
        .filter(|(ours, _)| *ours == pascal)
        .map(|(_, also)| *also)
        .chain([aws])
        .collect();
    let changes: BTreeSet<String> = permissions::statements(template, &format!("{pascal}Role"))
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(permissions::actions)
        .filter_map(|action| {
            let (service, name) = action.split_once(':')?;
            let reads = ["Describe", "List", "CreateTags", "TagResource"]
                .iter()
                .any(|read| name.starts_with(read));
            (matches!(service, "medialive" | "mediaconnect") && !reads).then(|| name.to_owned())
        })
        .collect();
    let mut found: Vec<String> = changes
        .iter()
        .filter(|change| !allowed.contains(change.as_str()))
        .map(|change| format!("{worker} may {change}, which is not its deed"))
        .collect();
    if !changes.contains(aws) {
        found.push(format!("{worker} may not {aws}"));
    }
    found
}

/// What is wrong between the state machines, the functions each is handed and the folders.
pub fn in_stories(workers: &[String], stories: &[(Value, Value)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for (machine, substitutions) in stories {
        found.extend(in_story(workers, machine, substitutions, &mut told));
    }
    for worker in workers
        .iter()
        .map(String::as_str)
        .filter(|worker| !told.contains(*worker) && !WOKEN.contains(worker))
    {
        found.push(format!("{worker} is in no story"));
    }
    found
}

fn in_story(
    workers: &[String],
    machine: &Value,
    substitutions: &Value,
    told: &mut BTreeSet<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, target) in substitutions.as_object().expect("substitutions") {
        let other = NO_FUNCTION.iter().find(|(known, _)| known == name);
        let wanted = match other {
            Some((_, resource)) => json!({"Ref": resource}),
            None => json!({"Fn::GetAtt": [name, "Arn"]}),
        };
        if *target != wanted {
            found.push(format!("{name} is handed over as {target}"));
        }
    }
    for (state, task) in story::tasks(machine) {
        let function = task["Parameters"]["FunctionName"].as_str().unwrap_or("?");
        let worker = workers
            .iter()
            .find(|worker| format!("${{{}Function}}", house::pascal(worker)) == function);
        let Some(worker) = worker else {
            found.push(format!("{state} calls {function}, which is no worker"));
            continue;
        };
        told.insert(worker.clone());
        let pascal = house::pascal(worker);
        // A state that waits says for what, one that follows a failure says of what.
        let rest = state.strip_prefix(&pascal).unwrap_or("?");
        let says_more = ["Until", "To"]
            .iter()
            .any(|word| rest.strip_prefix(word).is_some_and(|more| !more.is_empty()));
        if !rest.is_empty() && !says_more {
            found.push(format!("{state} calls {worker}"));
        }
        if WOKEN.contains(&worker.as_str()) {
            found.push(format!("{state} calls {worker}, which events wake"));
        }
    }
    found
}

/// The names in the manifests of the workers that are not their folders'.
pub fn in_manifests(manifests: &[(String, String)]) -> Vec<String> {
    manifests
        .iter()
        .filter(|(folder, text)| {
            !text
                .lines()
                .any(|line| line.trim() == format!("name = \"{folder}\""))
        })
        .map(|(folder, _)| format!("workers/{folder} holds a crate of another name"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stories() -> Vec<(Value, Value)> {
        let template = template::load();
        template::resources(&template, "AWS::Serverless::StateMachine")
            .into_iter()
            .map(|(_, machine)| {
                let text = house::read(machine["DefinitionUri"].as_str().unwrap());
                (
                    serde_json::from_str(&text).unwrap(),
                    machine["DefinitionSubstitutions"].clone(),
                )
            })
            .collect()
    }

    #[test]
    fn one_name_everywhere() {
        let workers = house::workers();
        assert_eq!(
            in_template(&workers, &template::load()),
            Vec::<String>::new()
        );
        let manifests: Vec<_> = workers
            .iter()
            .map(|worker| {
                (
                    worker.clone(),
                    house::read(&format!("workers/{worker}/Cargo.toml")),
                )
            })
            .collect();
        assert_eq!(in_manifests(&manifests), Vec::<String>::new());
    }

    #[test]
    fn the_story_calls_things_by_their_names() {
        assert_eq!(
            in_stories(&house::workers(), &stories()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_other_spelling_in_the_template_is_seen() {
        let workers = house::workers();
        for (place, value, complaint) in [
            (
                "/Resources/ClaimFunction/Properties/CodeUri",
                json!("workers/plan"),
                "claim: CodeUri",
            ),
            (
                "/Resources/ClaimFunction/Properties/FunctionName",
                json!("claim"),
                "claim: FunctionName",
            ),
            (
                "/Resources/ClaimFunction/Properties/Role",
                json!({"Fn::GetAtt": ["PlanRole", "Arn"]}),
                "claim: Role",
            ),
            (
                "/Resources/ClaimFunction/Metadata/BuildProperties/Binary",
                json!("plan"),
                "claim: another binary",
            ),
            (
                "/Resources/ClaimLogGroup/Properties/LogGroupName",
                json!("claim"),
                "claim: its log group",
            ),
            (
                "/Resources/StopChannelRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
                json!(["medialive:StopChannel", "medialive:DeleteChannel"]),
                "stop-channel may DeleteChannel",
            ),
            (
                "/Resources/StopChannelRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
                json!("medialive:DescribeChannel"),
                "stop-channel may not StopChannel",
            ),
        ] {
            let mut template = template::load();
            *template.pointer_mut(place).unwrap() = value;
            let found = in_template(&workers, &template);
            assert!(
                found.iter().any(|line| line.starts_with(complaint)),
                "{place}: {found:?}"
            );
        }
        let mut fewer = workers.clone();
        fewer.retain(|worker| worker != "plan");
        assert_eq!(
            in_template(&fewer, &template::load()),
            ["PlanFunction has no worker of its name"]
        );
        let more = [workers, vec!["edit-input".to_owned()]].concat();
        assert_eq!(
            in_template(&more, &template::load()),
            ["edit-input has no EditInputFunction"]
        );
    }

    #[test]
    fn each_other_spelling_in_the_story_is_seen() {
        let workers = ["claim", "poll-channel", "resume"].map(str::to_owned);
        let machine = |state: &str, function: &str| {
            json!({"States": {
                "Claim": {"Type": "Task", "Parameters": {"FunctionName": "${ClaimFunction}"}},
                "PollChannelUntilIdle": {"Type": "Task", "Parameters": {"FunctionName": "${PollChannelFunction}"}},
                state: {"Type": "Task", "Parameters": {"FunctionName": function}},
            }})
        };
        let given = json!({"ClaimFunction": {"Fn::GetAtt": ["ClaimFunction", "Arn"]}});
        let found = |state: &str, function: &str| {
            in_stories(&workers, &[(machine(state, function), given.clone())])
        };
        assert_eq!(
            found("PollChannelUntilRunning", "${PollChannelFunction}"),
            Vec::<String>::new()
        );
        assert_eq!(
            found("ClaimToHelp", "${ClaimFunction}"),
            Vec::<String>::new()
        );
        assert_eq!(found("Take", "${ClaimFunction}"), ["Take calls claim"]);
        assert_eq!(
            found("ClaimTo", "${ClaimFunction}"),
            ["ClaimTo calls claim"]
        );
        assert_eq!(
            found("PollChannelUntil", "${PollChannelFunction}"),
            ["PollChannelUntil calls poll-channel"]
        );
        assert_eq!(
            found("Take", "${TakeFunction}"),
            ["Take calls ${TakeFunction}, which is no worker"]
        );
        assert_eq!(
            found("Resume", "${ResumeFunction}"),
            ["Resume calls resume, which events wake"]
        );
        assert_eq!(
            found("Claim", "${PollChannelFunction}"),
            ["Claim calls poll-channel", "claim is in no story"]
        );
        let wrong = json!({"ClaimFunction": {"Fn::GetAtt": ["PlanFunction", "Arn"]}});
        assert_eq!(
            in_stories(&workers, &[(machine("Claim", "${ClaimFunction}"), wrong)]).len(),
            1
        );
    }

    #[test]
    fn a_crate_of_another_name_is_seen() {
        let manifest = |folder: &str, name: &str| {
            (folder.to_owned(), format!("[package]\nname = \"{name}\"\n"))
        };
        assert_eq!(
            in_manifests(&[manifest("claim", "claim"), manifest("plan", "planner")]),
            ["workers/plan holds a crate of another name"]
        );
    }
}
