//! Wildcards in resources, each with its reason. One that is not here, or that nobody needs any more,
//! fails a test.

use super::Statement;
use super::condition::matches;

/// Pattern of a resource (as a pattern over patterns), actions it may stand with, and why.
pub type Reason = (&'static str, &'static [&'static str], &'static str);

/// Every wildcard that is wider than what was used.
pub const REASONS: &[Reason] = &[
    (
        "arn:aws:medialive:us-west-2:123456789012:channel:[*]",
        &["medialive:*"],
        "MediaLive gives the ids. Whatever changes a channel is bound to our tag; Describe is not, since what is gone has no tags.",
    ),
    (
        "arn:aws:medialive:us-west-2:123456789012:input:[*]",
        &["medialive:*"],
        "MediaLive gives the ids. Whatever changes an input is bound to our tag; CreateChannel to the tag that it gives.",
    ),
    (
        "arn:aws:mediaconnect:us-west-2:123456789012:output:[*]",
        &["mediaconnect:*"],
        "MediaConnect gives the ids, and the flow is named. What changes an output is bound to its tag.",
    ),
    (
        "arn:aws:ssm:us-west-2:123456789012:parameter/lunora-player/streaming/[*]",
        &["ssm:GetParameter"],
        "The operator names the parameters, below the one prefix.",
    ),
    (
        "arn:aws:kms:us-west-2:123456789012:key/[*]",
        &["kms:Decrypt"],
        "The operator may have a key of their own. Bound to Parameter Store and to parameters below the prefix.",
    ),
    (
        "arn:aws:states:us-west-2:123456789012:execution:lunora-lunora-reconcile:[*]",
        &["states:DescribeExecution"],
        "Executions are named as they begin; the state machine is named.",
    ),
    (
        "arn:aws:states:us-west-2:123456789012:execution:lunora-lunora-incident:[*]",
        &["states:DescribeExecution"],
        "Executions are named as they begin; the state machine is named.",
    ),
    (
        "arn:aws:logs:us-west-2:123456789012:log-group:/aws/lambda/lunora-lunora-[*]",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        "One policy for all workers: each writes its own group of ours, and Lambda names the streams.",
    ),
    (
        "arn:aws:logs:us-west-2:123456789012:log-group:ElementalMediaLive[*]",
        &["logs:*"],
        "MediaLive names the group and its streams, and always the same way.",
    ),
    (
        "[*]",
        &[
            "cloudwatch:GetMetricData",
            "dynamodb:ListStreams",
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
            "mediaconnect:ListTagsForResource",
            "medialive:ListAlerts",
            "medialive:ListChannels",
            "medialive:ListInputs",
            "states:SendTaskSuccess",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        "The action knows no resources (Service Authorization Reference).",
    ),
    (
        "[*]",
        &["sts:AssumeRole"],
        "A trust policy is about its own role.",
    ),
    ("[*]", &["kms:Decrypt"], "A deny: the wider, the safer."),
];

/// Wildcards without a reason, and reasons without a wildcard.
#[must_use]
pub fn complaints(statements: &[&Statement], reasons: &[Reason]) -> Vec<String> {
    let mut used = vec![false; reasons.len()];
    let mut found = Vec::new();
    for statement in statements {
        for resource in statement
            .resources
            .iter()
            .filter(|it| it.contains(['*', '?']))
        {
            for action in &statement.actions {
                let reason = reasons.iter().position(|(pattern, actions, _)| {
                    pattern.replace("[*]", "*") == *resource
                        && actions.iter().any(|fits| matches(fits, action))
                });
                match reason {
                    Some(at) => used[at] = true,
                    None => found.push(format!(
                        "{}: {action} on {resource} is wider than its use",
                        statement.policy
                    )),
                }
            }
        }
    }
    let idle = reasons.iter().zip(used).filter(|(_, used)| !used);
    found.extend(
        idle.map(|((pattern, _, _), _)| format!("nothing needs the reason for {pattern} any more")),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Roles;

    #[test]
    fn every_wildcard_has_its_reason() {
        let roles = Roles::from_template();
        assert_eq!(complaints(&roles.all(), REASONS), Vec::<String>::new());
    }

    #[test]
    fn a_wider_wildcard_is_seen() {
        let roles = Roles::from_template();
        let all = roles.all();
        let stop = all
            .iter()
            .find(|it| it.policy == "StopChannelRole" && it.actions == ["medialive:StopChannel"])
            .unwrap();
        let mut wide = (*stop).clone();
        wide.resources = vec!["arn:aws:medialive:*".to_owned()];
        assert_eq!(
            complaints(&[&wide], &[]),
            ["StopChannelRole: medialive:StopChannel on arn:aws:medialive:* is wider than its use"]
        );
        assert_eq!(complaints(&[], &REASONS[..1]).len(), 1);
    }
}
