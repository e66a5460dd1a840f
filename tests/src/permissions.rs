//! What the roles of the template may and may not hold.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{house, template};

/// Actions that know no resources (service authorization reference), so `*` is all one can write.
const NO_RESOURCES: &[&str] = &[
    "cloudwatch:GetMetricData",
    "dynamodb:ListStreams",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "mediaconnect:ListTagsForResource",
    "medialive:ListAlerts",
    "medialive:ListChannels",
    "medialive:ListInputs",
    "states:SendTaskSuccess",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

/// Who may read a stream key.
const KEY_READERS: &[&str] = &["CreateChannelRole", "UpdateChannelRole"];

/// Who may look at the key's parameter without reading the key.
const KEY_LOOKERS: &[&str] = &["PlanRole"];

/// The statements of a role.
pub fn statements(template: &Value, role: &str) -> Vec<Value> {
    let policies = template["Resources"][role]["Properties"]["Policies"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    policies
        .iter()
        .flat_map(|policy| {
            policy["PolicyDocument"]["Statement"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        })
        .collect()
}

/// The actions of a statement.
pub fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// What is wrong with the permissions of the template.
pub fn complaints(template: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let roles = template::resources(template, "AWS::IAM::Role");
    for (role, properties) in &roles {
        let trusted = properties["AssumeRolePolicyDocument"].to_string();
        if trusted.contains("\"*\"") || trusted.contains("\"AWS\"") {
            found.push(format!("{role} can be assumed by more than one service"));
        }
        for statement in statements(template, role) {
            one_statement(role, &statement, &mut found);
        }
    }
    for (policy, properties) in template::resources(template, "AWS::IAM::ManagedPolicy") {
        for statement in properties["PolicyDocument"]["Statement"]
            .as_array()
            .into_iter()
            .flatten()
        {
            one_statement(policy, statement, &mut found);
        }
    }
    found.extend(machine(template));
    found
}

fn one_statement(role: &str, statement: &Value, found: &mut Vec<String>) {
    let actions = actions(statement);
    let mut wrong = |what: String| found.push(format!("{role}: {what}"));
    if actions.is_empty() {
        wrong("a statement without actions".to_owned());
    }
    if statement["Effect"] == "Deny" {
        return;
    }
    let everywhere = statement["Resource"] == "*";
    for action in &actions {
        if action.contains('*') {
            wrong(format!("{action} is more than one action"));
        }
        if everywhere && !NO_RESOURCES.contains(&action.as_str()) {
            wrong(format!("{action} on everything"));
        }
        if !everywhere && NO_RESOURCES.contains(&action.as_str()) {
            wrong(format!(
                "{action} knows no resources, so this allows nothing"
            ));
        }
        match action.as_str() {
            "kms:Decrypt" if !KEY_READERS.contains(&role) => wrong("reads stream keys".to_owned()),
            "kms:Decrypt"
                if statement["Condition"]["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"]
                    .is_null() =>
            {
                wrong("decrypts more than stream keys".to_owned());
            }
            "ssm:GetParameter"
                if ![KEY_READERS, KEY_LOOKERS]
                    .iter()
                    .any(|some| some.contains(&role)) =>
            {
                wrong("looks at stream keys".to_owned());
            }
            "ssm:GetParameter"
                if !statement["Resource"]
                    .to_string()
                    .contains("parameter${ParameterStorePrefix}/*") =>
            {
                wrong("looks outside the prefix".to_owned());
            }
            "iam:PassRole"
                if statement["Condition"]["StringEquals"]["iam:PassedToService"]
                    != "medialive.amazonaws.com" =>
            {
                wrong("passes a role to more than MediaLive".to_owned());
            }
            "iam:PassRole" if !KEY_READERS.contains(&role) => wrong("passes a role".to_owned()),
            action if must_be_ours(action) && !is_ours(statement) => {
                wrong(format!("{action} on what may not be ours"))
            }
            _ => {}
        }
    }
}

/// Whether an action changes or ends a media resource that a tag can tell to be ours. A flow handed
/// over carries no tag of ours: its outputs are guarded by theirs.
fn must_be_ours(action: &str) -> bool {
    matches!(action, "mediaconnect:StartFlow" | "mediaconnect:StopFlow")
        || action
            .strip_prefix("medialive:")
            .is_some_and(|name| !name.starts_with("Describe") && !name.starts_with("List"))
}

fn is_ours(statement: &Value) -> bool {
    let label = json!({"Ref": "StackLabel"});
    [
        "aws:ResourceTag/lunora:stack",
        "aws:RequestTag/lunora:stack",
    ]
    .iter()
    .any(|key| statement["Condition"]["StringEquals"][key] == label)
}

/// A state machine may invoke the functions it is handed and send to the topic it is handed, and
/// nothing else.
fn machine(template: &Value) -> Vec<String> {
    ["Reconcile", "Incident"]
        .iter()
        .flat_map(|name| one_machine(template, name))
        .collect()
}

fn one_machine(template: &Value, name: &str) -> Vec<String> {
    let role = format!("{name}Role");
    let properties = &template["Resources"][format!("{name}StateMachine")]["Properties"];
    let told: BTreeSet<String> = properties["DefinitionSubstitutions"]
        .as_object()
        .map(|names| names.values().map(Value::to_string).collect())
        .unwrap_or_default();
    let invoked: BTreeSet<String> = statements(template, &role)
        .iter()
        .filter(|statement| {
            actions(statement)
                .iter()
                .any(|action| matches!(action.as_str(), "lambda:InvokeFunction" | "sns:Publish"))
        })
        .flat_map(|statement| match &statement["Resource"] {
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        })
        .map(|resource| resource.to_string())
        .collect();
    told.symmetric_difference(&invoked)
        .map(|name| format!("{role}: {name} is told or invoked, not both"))
        .collect()
}

/// Statements of a worker whose deed AWS guards by tag, so that a condition is not forgotten.
pub fn denies_decryption(template: &Value, role: &str) -> bool {
    statements(template, role).iter().any(|statement| {
        statement["Effect"] == "Deny" && actions(statement).contains(&"kms:Decrypt".to_owned())
    })
}

/// Every worker has a role of its own, and every role a worker or a service it is for.
pub fn owners(template: &Value) -> Vec<String> {
    let mut known: BTreeSet<String> = house::workers()
        .iter()
        .map(|worker| house::pascal(worker) + "Role")
        .collect();
    known.extend(["FlowRole", "MediaLiveRole", "ReconcileRole", "IncidentRole"].map(str::to_owned));
    let there: BTreeSet<String> = template::resources(template, "AWS::IAM::Role")
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    known
        .symmetric_difference(&there)
        .map(|name| format!("{name} has no owner, or an owner has no {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_holds_the_least() {
        let template = template::load();
        assert_eq!(complaints(&template), Vec::<String>::new());
        assert_eq!(owners(&template), Vec::<String>::new());
        for role in KEY_LOOKERS {
            assert!(
                denies_decryption(&template, role),
                "{role} could decrypt by the key's own policy"
            );
        }
    }

    /// Gives the role of stop-channel one more statement and says what must be seen.
    fn seen(statement: Value, complaint: &str) {
        let mut template = template::load();
        let statements = template
            .pointer_mut(
                "/Resources/StopChannelRole/Properties/Policies/0/PolicyDocument/Statement",
            )
            .unwrap();
        statements.as_array_mut().unwrap().push(statement);
        let found = complaints(&template);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0], format!("StopChannelRole: {complaint}"));
    }

    #[test]
    fn each_loose_permission_is_seen() {
        let allow = |action: &str, resource: Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
        let table = json!({"Fn::GetAtt": ["LedgerTable", "Arn"]});
        seen(
            allow("dynamodb:*", table.clone()),
            "dynamodb:* is more than one action",
        );
        seen(
            allow("dynamodb:Scan", json!("*")),
            "dynamodb:Scan on everything",
        );
        seen(
            allow("medialive:ListChannels", table.clone()),
            "medialive:ListChannels knows no resources, so this allows nothing",
        );
        seen(
            json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            "a statement without actions",
        );
        seen(allow("kms:Decrypt", table.clone()), "reads stream keys");
        seen(
            allow("ssm:GetParameter", table.clone()),
            "looks at stream keys",
        );
        seen(
            allow("iam:PassRole", table.clone()),
            "passes a role to more than MediaLive",
        );
        seen(
            allow("medialive:StopChannel", table.clone()),
            "medialive:StopChannel on what may not be ours",
        );
        seen(
            allow("mediaconnect:StopFlow", table),
            "mediaconnect:StopFlow on what may not be ours",
        );
    }

    #[test]
    fn a_key_reader_stays_below_the_prefix() {
        for (place, value, complaint) in [
            (
                "Resource",
                json!("arn:aws:ssm:us-west-2:123456789012:parameter/other"),
                "CreateChannelRole: looks outside the prefix",
            ),
            (
                "Condition",
                json!({}),
                "CreateChannelRole: decrypts more than stream keys",
            ),
        ] {
            let mut template = template::load();
            let action = if place == "Resource" {
                "ssm:GetParameter"
            } else {
                "kms:Decrypt"
            };
            template
                .pointer_mut(
                    "/Resources/CreateChannelRole/Properties/Policies/0/PolicyDocument/Statement",
                )
                .unwrap()
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .filter(|statement| statement["Action"] == action)
                .for_each(|statement| statement[place] = value.clone());
            assert_eq!(complaints(&template), [complaint]);
        }
    }

    #[test]
    fn a_role_for_everybody_and_one_for_nobody_are_seen() {
        let mut template = template::load();
        template["Resources"]["ClaimRole"]["Properties"]["AssumeRolePolicyDocument"] = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]});
        assert_eq!(
            complaints(&template),
            ["ClaimRole can be assumed by more than one service"]
        );
        template["Resources"]["SpareRole"] = json!({"Type": "AWS::IAM::Role", "Properties": {}});
        assert_eq!(
            owners(&template),
            ["SpareRole has no owner, or an owner has no SpareRole"]
        );
    }

    #[test]
    fn a_machine_that_may_invoke_a_stranger_is_seen() {
        let mut template = template::load();
        template["Resources"]["ReconcileStateMachine"]["Properties"]["DefinitionSubstitutions"]["SweepFunction"] =
            json!({"Fn::GetAtt": ["SweepFunction", "Arn"]});
        assert_eq!(machine(&template).len(), 1);
    }
}
