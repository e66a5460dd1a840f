//! What AWS's services do with our roles by themselves: no call of a worker shows it.
//!
//! Each is derived from the property of the template that makes the service do it, so a permission
//! is unused as soon as its reason is gone. From the developer guides of Lambda (execution role, event
//! source mappings, destinations, X-Ray), Step Functions (logging to CloudWatch Logs, X-Ray),
//! MediaConnect (SRT password encryption), MediaLive (trusted entity) and EventBridge (dead-letter
//! queues).

use serde_json::{Value, json};

use super::audit::Recorded;
use super::call::{Call, Resource};
use super::condition::list;
use super::resolve::{ACCOUNT, Deployment, REGION};

/// Step Functions with logging switched on.
const LOG_DELIVERY: &[&str] = &[
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
];

/// X-Ray as Lambda's segments and sub-segments need it.
const TRACE: &[&str] = &["PutTraceSegments", "PutTelemetryRecords"];
/// X-Ray as Step Functions' own sampling needs it besides.
const SAMPLE: &[&str] = &["GetSamplingRules", "GetSamplingTargets"];
/// MediaConnect with an SRT passphrase.
const SECRET: &[&str] = &[
    "GetSecretValue",
    "DescribeSecret",
    "GetResourcePolicy",
    "ListSecretVersionIds",
];
/// MediaLive's log of a channel.
const CHANNEL_LOG: &[&str] = &[
    "CreateLogGroup",
    "CreateLogStream",
    "DescribeLogStreams",
    "PutLogEvents",
    "PutMetricFilter",
    "PutRetentionPolicy",
];

/// Everything the services do in a deployment.
#[must_use]
pub fn calls(deployment: &Deployment) -> Vec<Recorded> {
    let mut found = Found {
        deployment,
        calls: Vec::new(),
    };
    for (name, function) in deployment.resources("AWS::Serverless::Function") {
        found.function(name, function);
    }
    for (_, machine) in deployment.resources("AWS::Serverless::StateMachine") {
        found.machine(machine);
    }
    for (_, flow) in deployment.resources("AWS::MediaConnect::Flow") {
        let decryption = &flow["Source"]["Decryption"];
        if decryption["KeyType"] == "srt-password" {
            let secret = deployment.text(&decryption["SecretArn"]);
            found.each("FlowRole", "secretsmanager", SECRET, &secret);
            found.trust("FlowRole", "mediaconnect.amazonaws.com");
        }
    }
    for (name, _) in deployment.resources("AWS::IAM::Role") {
        if name == "MediaLiveRole" {
            let group = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:ElementalMediaLive");
            found.each(name, "logs", CHANNEL_LOG, &group);
            found.each(name, "logs", &["DescribeLogGroups"], "*");
            found.trust(name, "medialive.amazonaws.com");
        }
    }
    found.calls
}

struct Found<'a> {
    deployment: &'a Deployment,
    calls: Vec<Recorded>,
}

impl Found<'_> {
    fn each(&mut self, holder: &str, service: &str, operations: &[&str], resource: &str) {
        for operation in operations {
            self.calls.push(Recorded {
                holder: holder.to_owned(),
                call: Call::new(service, operation, vec![Resource::new(resource)]),
            });
        }
    }

    /// A service takes a role, for something in this account.
    fn trust(&mut self, role: &str, service: &str) {
        let call = Call::new("sts", "AssumeRole", vec![Resource::new("*")])
            .with("aws:PrincipalServiceName", service)
            .with("aws:SourceAccount", ACCOUNT);
        self.calls.push(Recorded {
            holder: format!("trust in {role}"),
            call,
        });
    }

    fn function(&mut self, logical: &str, function: &Value) {
        let house = self.deployment;
        let name = house.text(&function["FunctionName"]);
        let label = house.text(&json!({"Fn::Sub": "lunora-${StackLabel}-"}));
        let worker = name.strip_prefix(&label).unwrap_or(&name).to_owned();
        let role = function["Role"]["Fn::GetAtt"][0]
            .as_str()
            .expect("a role of the template");
        self.trust(role, "lambda.amazonaws.com");
        let group = house.text(&function["LoggingConfig"]["LogGroup"]);
        let stream = format!(
            "arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:2026/11/21/[$LATEST]1"
        );
        self.each(
            &worker,
            "logs",
            &["CreateLogStream", "PutLogEvents"],
            &stream,
        );
        let global = &house.template()["Globals"]["Function"];
        let tracing = function.get("Tracing").unwrap_or(&global["Tracing"]);
        if tracing == "Active" {
            self.each(&worker, "xray", TRACE, "*");
        }
        // The shell of each worker opens its connection before its first event with this one read.
        let ledger = house.text(&json!({"Fn::GetAtt": ["LedgerTable", "Arn"]}));
        let read = Call::new("dynamodb", "GetItem", vec![Resource::new(ledger)]);
        self.calls.push(Recorded {
            holder: worker.clone(),
            call: read.with("dynamodb:LeadingKeys", "flow#main"),
        });
        for (event, source) in function["Events"].as_object().into_iter().flatten() {
            let properties = &source["Properties"];
            match source["Type"].as_str() {
                Some("DynamoDB") => {
                    let stream = house.text(&properties["Stream"]);
                    self.each(
                        &worker,
                        "dynamodb",
                        &["DescribeStream", "GetRecords", "GetShardIterator"],
                        &stream,
                    );
                    self.each(&worker, "dynamodb", &["ListStreams"], "*");
                    self.gives_up(&worker, properties);
                }
                Some("EventBridgeRule") => self.rule_gives_up(properties),
                Some("Schedule" | "ScheduleV2" | "HttpApi" | "SNS" | "SQS") => {}
                other => panic!(
                    "{logical}: what AWS needs for the event {event} of type {other:?} is not known here"
                ),
            }
        }
        self.gives_up(&worker, &function["EventInvokeConfig"]);
    }

    /// Lambda sends what a function failed on to a queue, in the function's name.
    fn gives_up(&mut self, worker: &str, properties: &Value) {
        let failure = &properties["DestinationConfig"]["OnFailure"];
        if failure["Type"] == "SQS" {
            let queue = self.deployment.text(&failure["Destination"]);
            self.each(worker, "sqs", &["SendMessage"], &queue);
        }
    }

    /// A rule sends what it could not deliver to a queue, in its own name: the queue must let it.
    fn rule_gives_up(&mut self, properties: &Value) {
        let house = self.deployment;
        let Some(queue) = properties["DeadLetterConfig"].get("Arn") else {
            return;
        };
        let (queue, rule) = (house.text(queue), house.text(&properties["RuleName"]));
        for (policy, its) in house.resources("AWS::SQS::QueuePolicy") {
            let statements = its["PolicyDocument"]["Statement"]
                .as_array()
                .into_iter()
                .flatten();
            let mut about =
                statements.filter_map(|statement| house.resolve(&statement["Resource"]));
            if about.any(|resource| list(&resource).contains(&queue)) {
                let call = Call::new("sqs", "SendMessage", vec![Resource::new(queue.as_str())])
                    .with("aws:PrincipalServiceName", "events.amazonaws.com")
                    .with(
                        "aws:SourceArn",
                        &format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"),
                    );
                self.calls.push(Recorded {
                    holder: policy.to_owned(),
                    call,
                });
            }
        }
    }

    fn machine(&mut self, machine: &Value) {
        let house = self.deployment;
        let name = house.text(&machine["Name"]);
        let label = house.text(&json!({"Fn::Sub": "lunora-${StackLabel}-"}));
        let holder = name.strip_prefix(&label).unwrap_or(&name).to_owned();
        let role = machine["Role"]["Fn::GetAtt"][0]
            .as_str()
            .expect("a role of the template");
        self.trust(role, "states.amazonaws.com");
        if machine["Logging"]["Level"]
            .as_str()
            .is_some_and(|level| level != "OFF")
        {
            self.each(&holder, "logs", LOG_DELIVERY, "*");
        }
        if machine["Tracing"]["Enabled"] == true {
            self.each(&holder, "xray", TRACE, "*");
            self.each(&holder, "xray", SAMPLE, "*");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Roles;
    use house::template;

    #[test]
    fn the_services_may_do_what_we_ask_of_them() {
        let roles = Roles::from_template();
        let recorded = calls(roles.deployment());
        let denied: Vec<_> = recorded
            .iter()
            .map(|it| roles.permits(&it.holder, &it.call))
            .filter(|verdict| !verdict.is_permitted())
            .collect();
        assert_eq!(denied, []);
        for (holder, operation) in [
            ("dispatch", "GetRecords"),
            ("dispatch", "SendMessage"),
            ("resume", "SendMessage"),
            ("ResumeDeadLettersPolicy", "SendMessage"),
            ("reconcile", "CreateLogDelivery"),
            ("FlowRole", "GetSecretValue"),
            ("MediaLiveRole", "PutLogEvents"),
            ("plan", "PutTraceSegments"),
        ] {
            assert!(
                recorded
                    .iter()
                    .any(|it| it.holder == holder && it.call.operation == operation),
                "{holder} {operation}"
            );
        }
    }

    #[test]
    fn without_its_reason_a_service_does_nothing() {
        let mut changed = template::load();
        changed["Resources"]["ReconcileStateMachine"]["Properties"]["Logging"]["Level"] =
            json!("OFF");
        changed["Globals"]["Function"]["Tracing"] = json!("PassThrough");
        let recorded = calls(&Deployment::new(changed));
        let has = |holder: &str, service: &str| {
            recorded
                .iter()
                .any(|it| it.holder == holder && it.call.service == service)
        };
        assert!(!has("reconcile", "logs") && has("reconcile", "xray"));
        assert!(!has("plan", "xray") && has("plan", "logs"));
    }
}
