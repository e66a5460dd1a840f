//! What the alarms watch, and that nothing goes unwatched.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{house, manners, template};

/// How many metrics the alarms read: each costs ten cents a month, and the cost model says how many.
pub fn watched_metrics(template: &Value) -> usize {
    template::resources(template, "AWS::CloudWatch::Alarm")
        .iter()
        .map(|(_, properties)| {
            properties["Metrics"].as_array().map_or(1, |metrics| {
                metrics
                    .iter()
                    .filter(|metric| metric.get("MetricStat").is_some())
                    .count()
            })
        })
        .sum()
}

/// What a resource is named in a property, as `Ref` or `GetAtt` has it.
fn named(value: &Value) -> Option<&str> {
    value["Ref"].as_str().or(value["Fn::GetAtt"][0].as_str())
}

/// What the alarms watch: the names in one dimension of one metric.
fn watched<'a>(template: &'a Value, metric: &str, dimension: &str) -> BTreeSet<&'a str> {
    let alarms = template::resources(template, "AWS::CloudWatch::Alarm");
    let metrics = alarms.iter().flat_map(|(_, properties)| {
        let metrics = properties["Metrics"].as_array().into_iter().flatten();
        metrics.map(|one| &one["MetricStat"]["Metric"])
    });
    metrics
        .filter(|one| one["MetricName"] == metric)
        .flat_map(|one| one["Dimensions"].as_array().into_iter().flatten())
        .filter(|one| one["Name"] == dimension)
        .filter_map(|one| named(&one["Value"]))
        .collect()
}

/// State machines whose failures no alarm sees, and functions that no alarm sees in any of three ways:
/// their errors, a queue that takes what they give up, the machine that calls them.
fn unwatched(template: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let failures = watched(template, "ExecutionsFailed", "StateMachineArn");
    let mut called = BTreeSet::new();
    for (name, properties) in template::resources(template, "AWS::Serverless::StateMachine") {
        if failures.contains(name) {
            let handed = properties["DefinitionSubstitutions"].as_object();
            called.extend(handed.into_iter().flatten().filter_map(|(_, to)| named(to)));
        } else {
            found.push(format!("{name}: no alarm sees its executions fail"));
        }
    }
    let errors = watched(template, "Errors", "FunctionName");
    let queues = watched(template, "ApproximateNumberOfMessagesVisible", "QueueName");
    for (name, properties) in template::resources(template, "AWS::Serverless::Function") {
        let events = properties["Events"].as_object();
        let mut given_up = events
            .into_iter()
            .flat_map(|events| events.values())
            .map(|event| match event["Type"].as_str() {
                Some("DynamoDB") => &event["Properties"],
                _ => &properties["EventInvokeConfig"],
            })
            .map(|end| named(&end["DestinationConfig"]["OnFailure"]["Destination"]))
            .peekable();
        let is_kept = given_up.peek().is_some()
            && given_up.all(|queue| queue.is_some_and(|queue| queues.contains(queue)));
        if !is_kept && !called.contains(name) && !errors.contains(name) {
            found.push(format!("{name}: no alarm sees it fail"));
        }
    }
    found
}

/// What is wrong with the alarms. `runbooks` are the pages' names without their ending.
pub fn complaints(template: &Value, runbooks: &BTreeSet<String>) -> Vec<String> {
    let link =
        regex_lite::Regex::new(r"Runbook: \$\{RunbookUrl\}/([a-z-]+)\.md$").expect("a pattern");
    let mut found = Vec::new();
    let mut linked = BTreeSet::new();
    for (name, properties) in template::resources(template, "AWS::CloudWatch::Alarm") {
        let description = properties["AlarmDescription"]["Fn::Sub"]
            .as_str()
            .unwrap_or("");
        match link.captures(description).map(|found| found[1].to_owned()) {
            Some(page) if runbooks.contains(&page) => {
                linked.insert(page);
            }
            _ => found.push(format!("{name} links to no runbook")),
        }
        // A math expression used for an alarm can include ten metrics at most (CloudWatch user guide).
        if properties["Metrics"]
            .as_array()
            .is_some_and(|metrics| metrics.len() > 11)
        {
            found.push(format!("{name} reads more than ten metrics"));
        }
        // No metric is ever below nothing.
        let below = properties["ComparisonOperator"] == "LessThanThreshold";
        if below
            && properties["Threshold"]
                .as_f64()
                .is_none_or(|least| least <= 0.0)
        {
            found.push(format!("{name} can never go off"));
        }
        // The local cloud refuses metric math.
        if properties.get("Metrics").is_some()
            != (template["Resources"][name]["Condition"] == "OnAws")
        {
            found.push(format!("{name}: metric math is for AWS only"));
        }
    }
    let codes = manners::problem_codes(&house::read("domain/src/problem.rs"));
    let pages = runbooks
        .iter()
        .filter(|page| !matches!(page.as_str(), "README" | "problems"))
        // The pages of the problem codes are held elsewhere.
        .filter(|page| !codes.contains(*page));
    found.extend(
        pages
            .filter(|page| !linked.contains(*page))
            .map(|page| format!("{page}.md belongs to no alarm")),
    );
    found.extend(unwatched(template));
    found.extend(unsaid(template, &house::read("cloud/src/shell.rs")));
    found
}

/// Namespaces that alarms read metrics from and that are neither AWS's nor the one that the workers' lines
/// name.
fn unsaid(template: &Value, shell: &str) -> Vec<String> {
    let alarms = template::resources(template, "AWS::CloudWatch::Alarm");
    let metrics = alarms.iter().flat_map(|(_, properties)| {
        let of_math = properties["Metrics"].as_array().into_iter().flatten();
        of_math
            .map(|one| &one["MetricStat"]["Metric"]["Namespace"])
            .chain([&properties["Namespace"]])
    });
    metrics
        .filter_map(Value::as_str)
        .filter(|name| !name.starts_with("AWS/"))
        .filter(|name| !shell.contains(&format!("\"Namespace\": \"{name}\"")))
        .map(|name| format!("an alarm reads the namespace {name}, and nobody writes there"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runbooks() -> BTreeSet<String> {
        house::texts()
            .iter()
            .filter_map(|file| {
                Some(
                    file.path
                        .strip_prefix("docs/runbooks/")?
                        .strip_suffix(".md")?
                        .to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn an_alarm_that_cannot_go_off_is_seen() {
        let mut planted = template::load();
        let alarm = planted["Resources"].as_object_mut().unwrap().values_mut();
        let mut below =
            alarm.filter(|one| one["Properties"]["ComparisonOperator"] == "LessThanThreshold");
        below.next().unwrap()["Properties"]["Threshold"] = json!(0);
        let found = complaints(&planted, &runbooks());
        assert!(
            found.iter().any(|one| one.ends_with("can never go off")),
            "{found:?}"
        );
        let elsewhere = unsaid(&template::load(), "\"Namespace\": \"Other\"");
        assert!(!elsewhere.is_empty());
    }

    #[test]
    fn the_alarms_watch_everything() {
        assert_eq!(
            complaints(&template::load(), &runbooks()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_cost_model_counts_the_alarms_that_there_are() {
        let template = template::load();
        let told = format!("alarm_metrics: {},", watched_metrics(&template));
        assert!(
            house::read("domain/src/cost/control_plane.rs").contains(&told),
            "not {told}"
        );
        let mut more = template;
        more["Resources"]["SpareAlarm"] = more["Resources"]["StuckAlarm"].clone();
        assert_ne!(format!("alarm_metrics: {},", watched_metrics(&more)), told);
    }

    #[test]
    fn each_gap_is_seen() {
        for (path, value, complaint) in [
            (
                "/Resources/StuckAlarm/Properties/AlarmDescription",
                json!("Stuck."),
                "StuckAlarm links to no runbook",
            ),
            (
                "/Resources/TablesAlarm/Condition",
                json!("MakesFlow"),
                "TablesAlarm: metric math is for AWS only",
            ),
            (
                "/Resources/TablesAlarm/Properties/Metrics",
                json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
                "TablesAlarm reads more than ten metrics",
            ),
            (
                "/Resources/WatchFlowFunction/Properties/EventInvokeConfig/DestinationConfig",
                Value::Null,
                "WatchFlowFunction: no alarm sees it fail",
            ),
            (
                "/Resources/UpdateFlowFunction/Properties/Events/Edit/Properties/DestinationConfig",
                Value::Null,
                "UpdateFlowFunction: no alarm sees it fail",
            ),
            (
                "/Resources/DeadLettersAlarm/Properties/Metrics",
                json!([]),
                "ResumeFunction: no alarm sees it fail",
            ),
            (
                "/Resources/FunctionErrorsAlarm/Properties/Metrics",
                json!([]),
                "SweepFunction: no alarm sees it fail",
            ),
            (
                "/Resources/RunsFailedAlarm/Properties/Metrics",
                json!([]),
                "IncidentStateMachine: no alarm sees its executions fail",
            ),
            (
                "/Resources/RunsFailedAlarm/Properties/Metrics",
                json!([]),
                "ConfirmIncidentFunction: no alarm sees it fail",
            ),
        ] {
            let mut template = template::load();
            *template.pointer_mut(path).unwrap() = value;
            let found = complaints(&template, &runbooks());
            assert!(
                found.iter().any(|line| line == complaint),
                "{path}: {found:?}"
            );
        }
        let mut more = runbooks();
        more.insert("lonely".to_owned());
        assert_eq!(
            complaints(&template::load(), &more),
            ["lonely.md belongs to no alarm"]
        );
    }
}
