//! What the endpoint answers. Every worker gets the answers that let it do its whole work on its
//! sample of `events/`, call by call, and nothing that it did not ask for.

use crate::rows;
use serde_json::{Value, json};

/// A service of AWS that our workers call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    Dynamodb,
    /// MediaLive.
    Medialive,
    /// MediaConnect.
    Mediaconnect,
    /// Systems Manager's Parameter Store.
    Ssm,
    /// Step Functions.
    Sfn,
    /// CloudWatch.
    Cloudwatch,
}

/// All of them.
pub const SERVICES: [Service; 6] = [
    Service::Dynamodb,
    Service::Medialive,
    Service::Mediaconnect,
    Service::Ssm,
    Service::Sfn,
    Service::Cloudwatch,
];

impl Service {
    /// The environment variable that names its endpoint.
    pub fn variable(self) -> &'static str {
        match self {
            Service::Dynamodb => "AWS_ENDPOINT_URL_DYNAMODB",
            Service::Medialive => "AWS_ENDPOINT_URL_MEDIALIVE",
            Service::Mediaconnect => "AWS_ENDPOINT_URL_MEDIACONNECT",
            Service::Ssm => "AWS_ENDPOINT_URL_SSM",
            Service::Sfn => "AWS_ENDPOINT_URL_SFN",
            // Where no service's own variable stands: its client asks for no other.
            Service::Cloudwatch => "AWS_ENDPOINT_URL",
        }
    }
}

/// The operation that a request is: from its target, or from method and path.
pub fn operation(service: Service, method: &str, path: &str, target: Option<&str>) -> String {
    if let Some(target) = target {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let name = match (service, method, parts.as_slice()) {
        (Service::Medialive, "POST", ["prod", "channels"]) => "CreateChannel",
        (Service::Medialive, "GET", ["prod", "channels"]) => "ListChannels",
        (Service::Medialive, "GET", ["prod", "channels", _]) => "DescribeChannel",
        (Service::Medialive, "GET", ["prod", "channels", _, "alerts"]) => "ListAlerts",
        (Service::Medialive, "PUT", ["prod", "channels", _]) => "UpdateChannel",
        (Service::Medialive, "DELETE", ["prod", "channels", _]) => "DeleteChannel",
        (Service::Medialive, "POST", ["prod", "channels", _, "start"]) => "StartChannel",
        (Service::Medialive, "POST", ["prod", "channels", _, "stop"]) => "StopChannel",
        (Service::Medialive, "POST", ["prod", "inputs"]) => "CreateInput",
        (Service::Medialive, "GET", ["prod", "inputs"]) => "ListInputs",
        (Service::Medialive, "GET", ["prod", "inputs", _]) => "DescribeInput",
        (Service::Medialive, "DELETE", ["prod", "inputs", _]) => "DeleteInput",
        (Service::Medialive, "GET", ["prod", "inputSecurityGroups", _]) => {
            "DescribeInputSecurityGroup"
        }
        (Service::Mediaconnect, "GET", ["v1", "flows", _]) => "DescribeFlow",
        (Service::Mediaconnect, "POST", ["v1", "flows", "start", _]) => "StartFlow",
        (Service::Mediaconnect, "POST", ["v1", "flows", "stop", _]) => "StopFlow",
        (Service::Mediaconnect, "POST", ["v1", "flows", _, "outputs"]) => "AddFlowOutputs",
        (Service::Mediaconnect, "PUT", ["v1", "flows", _, "outputs", _]) => "UpdateFlowOutput",
        (Service::Mediaconnect, "DELETE", ["v1", "flows", _, "outputs", _]) => "RemoveFlowOutput",
        (Service::Mediaconnect, "GET", ["tags", _]) => "ListTagsForResource",
        _ => return format!("{method} {path}"),
    };
    name.to_owned()
}

/// The answers for one worker.
pub struct Answers {
    worker: String,
}

impl Answers {
    /// Answers for a worker; a peer gets those of `create-channel`.
    pub fn new(worker: &str) -> Answers {
        Answers {
            worker: worker.to_owned(),
        }
    }

    /// Status and body.
    pub fn answer(&self, operation: &str, body: &Value) -> (u16, Value) {
        let answer = match operation {
            "GetItem" => match self.item(body) {
                Some(item) => json!({"Item": rows::dynamodb(&item)}),
                None => json!({}),
            },
            "BatchGetItem" => self.batch(body),
            "UpdateItem" if self.is_refused(body) => {
                return (
                    400,
                    json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                        "message": "The conditional request failed"}),
                );
            }
            "UpdateItem" => match (body["ReturnValues"].as_str(), self.item(body)) {
                (Some("ALL_OLD" | "ALL_NEW"), Some(item)) => {
                    json!({"Attributes": rows::dynamodb(&item)})
                }
                _ => json!({}),
            },
            "PutItem" | "DeleteItem" => json!({}),
            "Scan" => {
                let rows: Vec<Value> = rows::table(table(body))
                    .iter()
                    .map(rows::dynamodb)
                    .collect();
                json!({"Count": rows.len(), "ScannedCount": rows.len(), "Items": rows})
            }
            "GetParameter" => json!({"Parameter": {
                "ARN": "arn:aws:ssm:us-west-2:123456789012:parameter/lunora-player/streaming/youtube-main",
                "DataType": "text", "LastModifiedDate": 1_795_287_600.0, "Name": rows::KEY_PARAMETER,
                "Type": "SecureString", "Value": "canary-key-0001", "Version": 3,
            }}),
            "StartExecution" => json!({
                "executionArn": rows::EXECUTION, "startDate": 1_795_287_600.0,
            }),
            "DescribeExecution" => json!({
                "executionArn": rows::EXECUTION, "stateMachineArn": rows::STATE_MACHINE,
                "startDate": 1_795_287_600.0, "status": "RUNNING",
            }),
            "SendTaskSuccess" => json!({}),
            "Query" => json!({"Count": 0, "ScannedCount": 0, "Items": []}),
            "GetMetricData" => json!({"MetricDataResults": []}),
            "CreateChannel" => return (201, json!({"channel": rows::channel("CREATING")})),
            "UpdateChannel" => json!({"channel": rows::channel("UPDATING")}),
            "DescribeChannel" => rows::channel(match self.worker.as_str() {
                "poll-channel" => "STARTING",
                "update-channel" => "IDLE",
                _ => "RUNNING",
            }),
            "StartChannel" => rows::channel("STARTING"),
            "StopChannel" => rows::channel("STOPPING"),
            "DeleteChannel" => rows::channel("DELETING"),
            "ListAlerts" => json!({"alerts": rows::alerts(&self.worker)}),
            "ListChannels" => json!({"channels": rows::channels()}),
            "CreateInput" => return (201, json!({"input": rows::input("CREATING")})),
            "DescribeInput" => rows::input(if self.worker == "delete-input" {
                "DETACHED"
            } else {
                "ATTACHED"
            }),
            "DeleteInput" => json!({}),
            "ListInputs" => json!({"inputs": rows::inputs()}),
            "DescribeInputSecurityGroup" => json!({
                "id": rows::SECURITY_GROUP, "state": "IN_USE", "inputs": ["7654321"],
                "arn": "arn:aws:medialive:us-west-2:123456789012:inputSecurityGroup:1234567",
                "whitelistRules": [{"cidr": "203.0.113.9/32"}],
            }),
            "DescribeFlow" => rows::flow(match self.worker.as_str() {
                "start-flow" => "STANDBY",
                _ => "ACTIVE",
            }),
            "StartFlow" => json!({"flowArn": rows::FLOW, "status": "STARTING"}),
            "StopFlow" => json!({"flowArn": rows::FLOW, "status": "STOPPING"}),
            "AddFlowOutputs" => {
                return (
                    201,
                    json!({
                        "flowArn": rows::FLOW, "outputs": [rows::flow_output("youtube-main")],
                    }),
                );
            }
            "UpdateFlowOutput" => json!({
                "flowArn": rows::FLOW, "output": rows::flow_output("youtube-main"),
            }),
            "RemoveFlowOutput" => json!({
                "flowArn": rows::FLOW, "outputArn": rows::output_arn("youtube-main"),
            }),
            "ListTagsForResource" => json!({"tags": {"lunora:stack": rows::STACK}}),
            unknown => {
                return (
                    400,
                    json!({"message": format!("There is no answer for {unknown}.")}),
                );
            }
        };
        (200, answer)
    }

    /// The rows asked for in several tables.
    fn batch(&self, body: &Value) -> Value {
        let mut tables = serde_json::Map::new();
        for (table, asked) in body["RequestItems"].as_object().into_iter().flatten() {
            let keys = asked["Keys"].as_array().into_iter().flatten();
            let rows: Vec<Value> = keys
                .filter_map(|key| self.item(&json!({"TableName": table, "Key": key})))
                .map(|row| rows::dynamodb(&row))
                .collect();
            tables.insert(table.clone(), json!(rows));
        }
        json!({"Responses": tables, "UnprocessedKeys": {}})
    }

    /// Nothing is open yet when `watch` hears of an outage.
    fn is_refused(&self, body: &Value) -> bool {
        let condition = body["ConditionExpression"].as_str().unwrap_or_default();
        self.worker == "watch" && condition.contains("attribute_exists(")
    }

    fn item(&self, body: &Value) -> Option<Value> {
        let key = body["Key"]["destination_id"]["S"].as_str()?;
        if table(body) == rows::DESTINATIONS {
            return Some(rows::record(key));
        }
        match key.split_once('#') {
            Some(("channel", _)) => Some(json!({"destination_id": key, "serves": "youtube-main"})),
            Some(("incident", _)) => Some(rows::incident(key)),
            Some(_) => None,
            None => Some(rows::ledger_for(&self.worker)),
        }
    }
}

fn table(body: &Value) -> &str {
    body["TableName"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_by_target_and_by_path() {
        let medialive = |method, path| operation(Service::Medialive, method, path, None);
        assert_eq!(
            operation(Service::Ssm, "POST", "/", Some("AmazonSSM.GetParameter")),
            "GetParameter"
        );
        assert_eq!(medialive("POST", "/prod/channels"), "CreateChannel");
        assert_eq!(
            medialive("GET", "/prod/channels?maxResults=5"),
            "ListChannels"
        );
        assert_eq!(medialive("POST", "/prod/channels/1/stop"), "StopChannel");
        let flow = operation(
            Service::Mediaconnect,
            "PUT",
            "/v1/flows/arn%3Aaws/outputs/arn%3Aaws%3Ax",
            None,
        );
        assert_eq!(flow, "UpdateFlowOutput");
        assert_eq!(medialive("PATCH", "/prod/x"), "PATCH /prod/x");
    }

    #[test]
    fn what_nobody_foresaw_is_refused() {
        assert_eq!(
            Answers::new("plan").answer("PutMetricData", &Value::Null).0,
            400
        );
    }
}
