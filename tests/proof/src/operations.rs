//! The operations that the workers use, by the names that roles have for them. An operation that
//! is not here stops the run: the world never guesses.

use serde_json::Value;

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// Systems Manager.
    Ssm,
    /// Step Functions.
    States,
    /// MediaLive.
    MediaLive,
    /// MediaConnect.
    MediaConnect,
    /// CloudWatch.
    CloudWatch,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// `medialive:CreateChannel`.
    pub name: &'static str,
    /// Whether it changes something.
    pub writes: bool,
}

impl Operation {
    /// The part of the name behind the colon.
    #[must_use]
    pub fn short(&self) -> &'static str {
        self.name.split_once(':').map_or(self.name, |pair| pair.1)
    }

    /// Describe, Get, List, Query, Scan: what can be answered from an older copy.
    #[must_use]
    pub fn reads(&self) -> bool {
        !self.writes
    }
}

const fn row(service: Service, name: &'static str, writes: bool) -> Operation {
    Operation {
        service,
        name,
        writes,
    }
}

/// All of them.
pub const ALL: &[Operation] = &[
    row(Service::DynamoDb, "dynamodb:GetItem", false),
    row(Service::DynamoDb, "dynamodb:PutItem", true),
    row(Service::DynamoDb, "dynamodb:UpdateItem", true),
    row(Service::DynamoDb, "dynamodb:DeleteItem", true),
    row(Service::DynamoDb, "dynamodb:Query", false),
    row(Service::DynamoDb, "dynamodb:Scan", false),
    row(Service::DynamoDb, "dynamodb:BatchGetItem", false),
    row(Service::Ssm, "ssm:GetParameter", false),
    row(Service::Ssm, "ssm:GetParameters", false),
    row(Service::Ssm, "ssm:DescribeParameters", false),
    row(Service::States, "states:StartExecution", true),
    row(Service::States, "states:DescribeExecution", false),
    row(Service::States, "states:StopExecution", true),
    row(Service::States, "states:SendTaskSuccess", true),
    row(Service::States, "states:SendTaskFailure", true),
    row(Service::MediaLive, "medialive:CreateInput", true),
    row(Service::MediaLive, "medialive:DescribeInput", false),
    row(Service::MediaLive, "medialive:ListInputs", false),
    row(Service::MediaLive, "medialive:UpdateInput", true),
    row(Service::MediaLive, "medialive:DeleteInput", true),
    row(
        Service::MediaLive,
        "medialive:DescribeInputSecurityGroup",
        false,
    ),
    row(Service::MediaLive, "medialive:CreateChannel", true),
    row(Service::MediaLive, "medialive:DescribeChannel", false),
    row(Service::MediaLive, "medialive:ListChannels", false),
    row(Service::MediaLive, "medialive:UpdateChannel", true),
    row(Service::MediaLive, "medialive:StartChannel", true),
    row(Service::MediaLive, "medialive:StopChannel", true),
    row(Service::MediaLive, "medialive:DeleteChannel", true),
    row(Service::MediaLive, "medialive:ListAlerts", false),
    row(Service::MediaLive, "medialive:ListTagsForResource", false),
    row(Service::MediaLive, "medialive:CreateTags", true),
    row(Service::MediaConnect, "mediaconnect:DescribeFlow", false),
    row(Service::MediaConnect, "mediaconnect:ListFlows", false),
    row(Service::MediaConnect, "mediaconnect:StartFlow", true),
    row(Service::MediaConnect, "mediaconnect:StopFlow", true),
    row(Service::MediaConnect, "mediaconnect:AddFlowOutputs", true),
    row(Service::MediaConnect, "mediaconnect:UpdateFlow", true),
    row(Service::MediaConnect, "mediaconnect:UpdateFlowOutput", true),
    row(Service::MediaConnect, "mediaconnect:RemoveFlowOutput", true),
    row(
        Service::MediaConnect,
        "mediaconnect:ListTagsForResource",
        false,
    ),
    row(Service::MediaConnect, "mediaconnect:TagResource", true),
    row(Service::CloudWatch, "cloudwatch:GetMetricData", false),
];

fn named(service: Service, short: &str) -> Operation {
    *ALL.iter()
        .find(|row| row.service == service && row.short() == short)
        .unwrap_or_else(|| panic!("the world does not know {service:?}'s {short} yet"))
}

/// An operation by the name that roles have for it.
#[must_use]
pub fn by_name(name: &str) -> Option<Operation> {
    ALL.iter().find(|row| row.name == name).copied()
}

/// What a request asks for: `x-amz-target` names it, or method and path do.
///
/// # Panics
///
/// If the world does not know the operation.
#[must_use]
pub fn find(host: &str, target: Option<&str>, method: &str, path: &str) -> Operation {
    if let Some((family, short)) = target.and_then(|target| target.split_once('.')) {
        let service = match family {
            "DynamoDB_20120810" => Service::DynamoDb,
            "AmazonSSM" => Service::Ssm,
            "AWSStepFunctions" => Service::States,
            "GraniteServiceVersion20100801" => Service::CloudWatch,
            _ => panic!("the world does not know the service {family}"),
        };
        return named(service, short);
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    if host.starts_with("medialive.") {
        let short = match (method, parts.as_slice()) {
            ("POST", ["prod", "inputs"]) => "CreateInput",
            ("GET", ["prod", "inputs"]) => "ListInputs",
            ("GET", ["prod", "inputs", _]) => "DescribeInput",
            ("PUT", ["prod", "inputs", _]) => "UpdateInput",
            ("DELETE", ["prod", "inputs", _]) => "DeleteInput",
            ("GET", ["prod", "inputSecurityGroups", _]) => "DescribeInputSecurityGroup",
            ("POST", ["prod", "channels"]) => "CreateChannel",
            ("GET", ["prod", "channels"]) => "ListChannels",
            ("GET", ["prod", "channels", _]) => "DescribeChannel",
            ("PUT", ["prod", "channels", _]) => "UpdateChannel",
            ("DELETE", ["prod", "channels", _]) => "DeleteChannel",
            ("POST", ["prod", "channels", _, "start"]) => "StartChannel",
            ("POST", ["prod", "channels", _, "stop"]) => "StopChannel",
            ("GET", ["prod", "channels", _, "alerts"]) => "ListAlerts",
            ("GET", ["prod", "tags", _]) => "ListTagsForResource",
            ("POST", ["prod", "tags", _]) => "CreateTags",
            _ => panic!("the world does not know {method} {path} of {host} yet"),
        };
        return named(Service::MediaLive, short);
    }
    if host.starts_with("mediaconnect.") {
        let short = match (method, parts.as_slice()) {
            ("GET", ["v1", "flows"]) => "ListFlows",
            ("GET", ["v1", "flows", _]) => "DescribeFlow",
            ("POST", ["v1", "flows", "start", _]) => "StartFlow",
            ("POST", ["v1", "flows", "stop", _]) => "StopFlow",
            ("POST", ["v1", "flows", _, "outputs"]) => "AddFlowOutputs",
            ("PUT", ["v1", "flows", _]) => "UpdateFlow",
            ("PUT", ["v1", "flows", _, "outputs", _]) => "UpdateFlowOutput",
            ("DELETE", ["v1", "flows", _, "outputs", _]) => "RemoveFlowOutput",
            ("GET", ["tags", _]) => "ListTagsForResource",
            ("POST", ["tags", _]) => "TagResource",
            _ => panic!("the world does not know {method} {path} of {host} yet"),
        };
        return named(Service::MediaConnect, short);
    }
    panic!("the world does not know the host {host}");
}

/// The resource that a request is about, as far as it names one: a table and a key, the name of a
/// parameter, the ARN of an execution or of a machine, the id or ARN of a thing.
#[must_use]
pub fn resource(operation: Operation, path: &str, body: &Value) -> String {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match operation.service {
        Service::DynamoDb => {
            let key = ["Key", "Item"]
                .iter()
                .find_map(|place| body[place]["destination_id"]["S"].as_str());
            match key {
                Some(key) => format!("{}/{key}", text("TableName")),
                None => text("TableName"),
            }
        }
        Service::Ssm => text("Name"),
        Service::CloudWatch => "*".to_owned(),
        Service::States => match operation.short() {
            "StartExecution" => text("stateMachineArn"),
            "DescribeExecution" | "StopExecution" => text("executionArn"),
            _ => "*".to_owned(),
        },
        Service::MediaLive => {
            let parts: Vec<&str> = path.split('/').collect();
            match (operation.short(), parts.get(3)) {
                ("CreateInput" | "CreateChannel", _) => text("name"),
                (_, Some(id)) => decode(id),
                _ => "*".to_owned(),
            }
        }
        Service::MediaConnect => {
            let last = path.split('/').rfind(|part| part.starts_with("arn"));
            last.map_or_else(|| "*".to_owned(), decode)
        }
    }
}

/// Undoes the percent-encoding of an ARN in a path.
fn decode(text: &str) -> String {
    text.replace("%3A", ":").replace("%2F", "/")
}
