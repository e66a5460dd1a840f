//! Calls as IAM sees them: which actions an operation needs, and on what.
//!
//! From AWS's Service Authorization Reference, the pages of MediaLive, MediaConnect, DynamoDB, Step
//! Functions, Systems Manager, Key Management Service, Lambda, SQS, Logs, X-Ray, Secrets Manager and
//! IAM: "resource types (*required)", "condition keys" and "dependent actions" of each action.

use std::collections::BTreeMap;

use super::condition::Keys;
use super::resolve::REGION;

/// Tags of a resource or of a request.
pub type Tags = BTreeMap<String, String>;

/// Something a call is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its ARN, `...:channel:*` for one that is still to be made, `*` where the action knows none.
    pub arn: String,
    /// Its tags. What does not exist has none, so a condition on them does not hold.
    pub tags: Tags,
}

impl Resource {
    /// Without tags.
    #[must_use]
    pub fn new(arn: impl Into<String>) -> Resource {
        Resource {
            arn: arn.into(),
            tags: Tags::new(),
        }
    }

    /// `medialive:channel`: service and kind.
    fn kind(&self) -> String {
        let parts: Vec<&str> = self.arn.splitn(6, ':').collect();
        let kind = parts
            .get(5)
            .map_or("", |rest| rest.split([':', '/']).next().unwrap_or_default());
        match parts.get(2) {
            // A queue's ARN ends in its name, a table's stream is of another kind than the table.
            Some(&"sqs") => "sqs:queue".to_owned(),
            Some(&"dynamodb") if self.arn.contains("/stream/") => "dynamodb:stream".to_owned(),
            Some(service) => format!("{service}:{kind}"),
            None => "*".to_owned(),
        }
    }
}

/// One call of a worker or of a service that acts with a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// `medialive`, `mediaconnect`, `dynamodb`, `ssm`, `states`, `lambda`, ...
    pub service: String,
    /// `CreateChannel`, ...
    pub operation: String,
    /// What it is about: everything that its actions are judged on.
    pub resources: Vec<Resource>,
    /// Tags it gives to what it makes.
    pub request_tags: Tags,
    /// Further condition keys, names in small letters.
    pub keys: Keys,
}

/// One action on one resource that a call is judged by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// `medialive:CreateChannel`.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// What conditions may ask about.
    pub keys: Keys,
}

/// When an action is needed.
#[derive(Clone, Copy)]
enum When {
    /// By each such call.
    Always,
    /// If the call gives tags.
    Tagged,
    /// If such a resource is among the call's.
    There,
}
use When::{Always, Tagged, There};

/// Operation, then what it needs: action, kinds of resources (none: the action knows none), when.
type Row = (
    &'static str,
    &'static [(&'static str, &'static [&'static str], When)],
);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("medialive:CreateInput", &[
        ("medialive:CreateInput", &["medialive:input", "medialive:inputSecurityGroup"], Always),
        ("medialive:CreateTags", &["medialive:input"], Tagged),
    ]),
    ("medialive:CreateChannel", &[
        ("medialive:CreateChannel", &["medialive:channel", "medialive:input"], Always),
        ("medialive:CreateTags", &["medialive:channel"], Tagged),
        ("iam:PassRole", &["iam:role"], There),
    ]),
    ("medialive:UpdateChannel", &[
        ("medialive:UpdateChannel", &["medialive:channel"], Always),
        ("iam:PassRole", &["iam:role"], There),
    ]),
    ("medialive:StartChannel", &[("medialive:StartChannel", &["medialive:channel"], Always)]),
    ("medialive:StopChannel", &[("medialive:StopChannel", &["medialive:channel"], Always)]),
    ("medialive:DeleteChannel", &[("medialive:DeleteChannel", &["medialive:channel"], Always)]),
    ("medialive:DescribeChannel", &[("medialive:DescribeChannel", &["medialive:channel"], Always)]),
    ("medialive:DeleteInput", &[("medialive:DeleteInput", &["medialive:input"], Always)]),
    ("medialive:DescribeInput", &[("medialive:DescribeInput", &["medialive:input"], Always)]),
    ("medialive:DescribeInputSecurityGroup", &[("medialive:DescribeInputSecurityGroup", &["medialive:inputSecurityGroup"], Always)]),
    ("medialive:ListChannels", &[("medialive:ListChannels", &[], Always)]),
    ("medialive:ListInputs", &[("medialive:ListInputs", &[], Always)]),
    ("medialive:ListAlerts", &[("medialive:ListAlerts", &[], Always)]),
    ("mediaconnect:DescribeFlow", &[("mediaconnect:DescribeFlow", &["mediaconnect:flow"], Always)]),
    ("mediaconnect:StartFlow", &[("mediaconnect:StartFlow", &["mediaconnect:flow"], Always)]),
    ("mediaconnect:StopFlow", &[("mediaconnect:StopFlow", &["mediaconnect:flow"], Always)]),
    ("mediaconnect:AddFlowOutputs", &[
        ("mediaconnect:AddFlowOutputs", &["mediaconnect:flow", "mediaconnect:output"], Always),
        ("mediaconnect:TagResource", &["mediaconnect:output"], Tagged),
    ]),
    ("mediaconnect:UpdateFlow", &[("mediaconnect:UpdateFlow", &["mediaconnect:flow"], Always)]),
    ("mediaconnect:UpdateFlowOutput", &[("mediaconnect:UpdateFlowOutput", &["mediaconnect:flow", "mediaconnect:output"], Always)]),
    ("mediaconnect:RemoveFlowOutput", &[("mediaconnect:RemoveFlowOutput", &["mediaconnect:flow", "mediaconnect:output"], Always)]),
    ("mediaconnect:ListTagsForResource", &[("mediaconnect:ListTagsForResource", &[], Always)]),
    ("ssm:GetParameter", &[
        ("ssm:GetParameter", &["ssm:parameter"], Always),
        ("kms:Decrypt", &["kms:key"], There),
    ]),
    ("states:StartExecution", &[("states:StartExecution", &["states:stateMachine"], Always)]),
    ("states:DescribeExecution", &[("states:DescribeExecution", &["states:execution"], Always)]),
    ("states:SendTaskSuccess", &[("states:SendTaskSuccess", &[], Always)]),
    ("states:SendTaskFailure", &[("states:SendTaskFailure", &[], Always)]),
    ("dynamodb:GetItem", &[("dynamodb:GetItem", &["dynamodb:table"], Always)]),
    ("dynamodb:BatchGetItem", &[("dynamodb:BatchGetItem", &["dynamodb:table"], Always)]),
    ("dynamodb:PutItem", &[("dynamodb:PutItem", &["dynamodb:table"], Always)]),
    ("dynamodb:UpdateItem", &[("dynamodb:UpdateItem", &["dynamodb:table"], Always)]),
    ("dynamodb:DeleteItem", &[("dynamodb:DeleteItem", &["dynamodb:table"], Always)]),
    ("dynamodb:Scan", &[("dynamodb:Scan", &["dynamodb:table"], Always)]),
    ("dynamodb:Query", &[("dynamodb:Query", &["dynamodb:table"], Always)]),
    ("dynamodb:DescribeStream", &[("dynamodb:DescribeStream", &["dynamodb:stream"], Always)]),
    ("dynamodb:GetShardIterator", &[("dynamodb:GetShardIterator", &["dynamodb:stream"], Always)]),
    ("dynamodb:GetRecords", &[("dynamodb:GetRecords", &["dynamodb:stream"], Always)]),
    ("dynamodb:ListStreams", &[("dynamodb:ListStreams", &[], Always)]),
    ("cloudwatch:GetMetricData", &[("cloudwatch:GetMetricData", &[], Always)]),
    ("lambda:Invoke", &[("lambda:InvokeFunction", &["lambda:function"], Always)]),
    ("sns:Publish", &[("sns:Publish", &["sns:"], Always)]),
];

impl Call {
    /// A call about these resources.
    #[must_use]
    pub fn new(service: &str, operation: &str, resources: Vec<Resource>) -> Call {
        Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            resources,
            request_tags: Tags::new(),
            keys: Keys::new(),
        }
    }

    /// The same with one more condition key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Call {
        let values = self.keys.entry(key.to_ascii_lowercase()).or_default();
        values.push(value.to_owned());
        self
    }

    /// What it is judged by. An operation that is not in the table is its own action on all that it
    /// names: services that act with a role call what needs no table.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let name = format!("{}:{}", self.service, self.operation);
        let Some((_, rows)) = TABLE.iter().find(|(operation, _)| *operation == name) else {
            return self
                .resources
                .iter()
                .map(|it| self.need(&name, it))
                .collect();
        };
        let mut needs = Vec::new();
        for (action, kinds, when) in *rows {
            if kinds.is_empty() {
                needs.push(self.need(action, &Resource::new("*")));
            }
            for kind in *kinds {
                let of_kind = self.resources.iter().filter(|resource| {
                    let its = resource.kind();
                    its == *kind || kind.ends_with(':') && its.starts_with(kind)
                });
                let before = needs.len();
                if !matches!(when, Tagged) || !self.request_tags.is_empty() {
                    needs.extend(of_kind.map(|resource| self.need(action, resource)));
                }
                assert!(
                    !matches!(when, Always) || needs.len() > before,
                    "{name} without a {kind}: {:?}",
                    self.resources
                );
            }
        }
        needs
    }

    fn need(&self, action: &str, resource: &Resource) -> Need {
        let mut keys = self.keys.clone();
        let mut tell = |key: String, value: &str| {
            keys.entry(key.to_ascii_lowercase())
                .or_default()
                .push(value.to_owned());
        };
        for (name, value) in &resource.tags {
            tell(format!("aws:ResourceTag/{name}"), value);
        }
        for (name, value) in &self.request_tags {
            tell(format!("aws:RequestTag/{name}"), value);
            tell("aws:TagKeys".to_owned(), name);
        }
        match action {
            "iam:PassRole" => tell(
                "iam:PassedToService".to_owned(),
                &format!("{}.amazonaws.com", self.service),
            ),
            // Parameter Store decrypts in the caller's name (Systems Manager user guide, "How
            // Parameter Store uses KMS"): the context of a standard parameter is its ARN.
            "kms:Decrypt" => {
                tell(
                    "kms:ViaService".to_owned(),
                    &format!("{}.{REGION}.amazonaws.com", self.service),
                );
                for parameter in self
                    .resources
                    .iter()
                    .filter(|it| it.kind() == "ssm:parameter")
                {
                    tell(
                        "kms:EncryptionContext:PARAMETER_ARN".to_owned(),
                        &parameter.arn,
                    );
                }
            }
            _ => {}
        }
        Need {
            action: action.to_owned(),
            resource: resource.arn.clone(),
            keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(call: &Call) -> Vec<String> {
        let pairs = call.needs();
        pairs
            .iter()
            .map(|need| format!("{} {}", need.action, need.resource))
            .collect()
    }

    #[test]
    fn a_create_needs_more_than_its_own_action() {
        let channel = "arn:aws:medialive:us-west-2:123456789012:channel:*";
        let input = "arn:aws:medialive:us-west-2:123456789012:input:7";
        let role = "arn:aws:iam::123456789012:role/media";
        let mut call = Call::new(
            "medialive",
            "CreateChannel",
            [channel, input, role].map(Resource::new).to_vec(),
        );
        let own = [
            format!("medialive:CreateChannel {channel}"),
            format!("medialive:CreateChannel {input}"),
        ];
        assert_eq!(needs(&call)[..2], own);
        assert_eq!(needs(&call)[2..], [format!("iam:PassRole {role}")]);
        call.request_tags
            .insert("lunora:stack".into(), "lunora".into());
        assert_eq!(needs(&call)[2], format!("medialive:CreateTags {channel}"));
        let all = call.needs();
        assert_eq!(
            all[3].keys["iam:passedtoservice"],
            ["medialive.amazonaws.com"]
        );
        assert_eq!(all[0].keys["aws:requesttag/lunora:stack"], ["lunora"]);
    }

    #[test]
    fn decryption_is_an_action_of_its_own_on_the_key() {
        let parameter = "arn:aws:ssm:us-west-2:123456789012:parameter/lunora-player/streaming/a";
        let key = "arn:aws:kms:us-west-2:123456789012:key/1a2b-made-up";
        let plain = Call::new("ssm", "GetParameter", vec![Resource::new(parameter)]);
        assert_eq!(needs(&plain), [format!("ssm:GetParameter {parameter}")]);
        let call = Call::new(
            "ssm",
            "GetParameter",
            [parameter, key].map(Resource::new).to_vec(),
        );
        assert_eq!(needs(&call)[1], format!("kms:Decrypt {key}"));
        let keys = &call.needs()[1].keys;
        assert_eq!(keys["kms:encryptioncontext:parameter_arn"], [parameter]);
        assert_eq!(keys["kms:viaservice"], ["ssm.us-west-2.amazonaws.com"]);
    }

    #[test]
    #[should_panic(expected = "medialive:StartChannel without a medialive:channel")]
    fn a_call_without_what_it_must_be_about_is_a_mistake_of_the_recorder() {
        drop(Call::new("medialive", "StartChannel", vec![]).needs());
    }
}
