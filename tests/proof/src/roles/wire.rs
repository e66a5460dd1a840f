//! Requests as they go over the wire, read as calls: what a connector saw, in IAM's words.

use serde_json::Value;

use super::call::{Call, Resource, Tags};
use super::resolve::{ACCOUNT, REGION};

/// What a request does not say itself.
pub struct Sight<'a> {
    /// The tags of a MediaLive or MediaConnect resource by its ARN; empty if it does not exist.
    pub tags: &'a dyn Fn(&str) -> Tags,
    /// Whether a parameter exists and is a SecureString, so that reading it decrypts.
    pub secure: &'a dyn Fn(&str) -> bool,
}

/// The key that SecureStrings are under.
const KEY: &str = "key/1a2b-made-up";

/// Reads a request: service and operation, path as sent, body as JSON (null for none).
#[must_use]
pub fn read(service: &str, operation: &str, path: &str, body: &Value, sight: &Sight<'_>) -> Call {
    let arn = |service: &str, rest: String| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let tagged = |arn: String| Resource {
        tags: (sight.tags)(&arn),
        arn,
    };
    let segments: Vec<String> = path
        .split('?')
        .next()
        .unwrap_or_default()
        .split('/')
        .map(decoded)
        .collect();
    let after = |word: &str| {
        let at = segments.iter().position(|segment| segment == word)?;
        segments.get(at + 1).cloned()
    };
    let media = |kind: &str, word: &str| {
        let id = after(word).unwrap_or_else(|| panic!("{operation}: no {word} in its path"));
        tagged(arn("medialive", format!("{kind}:{id}")))
    };
    let mut call = Call::new(service, operation, Vec::new());
    match service {
        "medialive" => {
            call.resources = match operation {
                "CreateInput" => {
                    let groups = body["inputSecurityGroups"].as_array().into_iter().flatten();
                    let groups = groups.filter_map(Value::as_str);
                    let groups = groups
                        .map(|id| tagged(arn("medialive", format!("inputSecurityGroup:{id}"))));
                    std::iter::once(Resource::new(arn("medialive", "input:*".to_owned())))
                        .chain(groups)
                        .collect()
                }
                "CreateChannel" => {
                    let inputs = body["inputAttachments"].as_array().into_iter().flatten();
                    let inputs = inputs.filter_map(|it| it["inputId"].as_str());
                    let inputs = inputs.map(|id| tagged(arn("medialive", format!("input:{id}"))));
                    std::iter::once(Resource::new(arn("medialive", "channel:*".to_owned())))
                        .chain(inputs)
                        .collect()
                }
                name if name.starts_with("List") => Vec::new(),
                name if name.ends_with("InputSecurityGroup") => {
                    vec![media("inputSecurityGroup", "inputSecurityGroups")]
                }
                name if name.ends_with("Input") => vec![media("input", "inputs")],
                _ => vec![media("channel", "channels")],
            };
            call.resources
                .extend(body["roleArn"].as_str().map(Resource::new));
            call.request_tags = tags(&body["tags"]);
        }
        "mediaconnect" => {
            // `start` and `stop` stand before the flow's ARN, `outputs` between the two ARNs.
            let named = segments
                .iter()
                .filter(|segment| segment.starts_with("arn:"));
            if operation != "ListTagsForResource" {
                call.resources.extend(named.cloned().map(tagged));
            }
            if operation == "AddFlowOutputs" {
                call.resources
                    .push(Resource::new(arn("mediaconnect", "output:*".to_owned())));
                call.request_tags = tags(&body["outputs"][0]["outputTags"]);
            }
        }
        "ssm" => {
            let name = text("Name");
            call.resources
                .push(Resource::new(arn("ssm", format!("parameter{name}"))));
            if body["WithDecryption"] == true && (sight.secure)(&name) {
                call.resources
                    .push(Resource::new(arn("kms", KEY.to_owned())));
            }
        }
        "states" => {
            let about = [text("stateMachineArn"), text("executionArn")];
            call.resources = about
                .into_iter()
                .filter(|it| !it.is_empty())
                .map(Resource::new)
                .collect();
        }
        "dynamodb" => {
            // The partition keys that a request names (DynamoDB guide, "Using IAM policy conditions").
            let one = ["Key", "Item"].map(|place| &body[place]);
            let one = one.into_iter().filter(|row| row.is_object());
            let mut rows: Vec<&Value> = one.collect();
            let mut tables = vec![text("TableName")];
            if let Some(several) = body["RequestItems"].as_object() {
                tables = several.keys().cloned().collect();
                let keys = several
                    .values()
                    .filter_map(|table| table["Keys"].as_array());
                rows.extend(keys.flatten());
            }
            let tables = tables
                .iter()
                .map(|name| arn("dynamodb", format!("table/{name}")));
            call.resources.extend(tables.map(Resource::new));
            for key in rows
                .iter()
                .filter_map(|row| row["destination_id"]["S"].as_str())
            {
                call = call.with("dynamodb:LeadingKeys", key);
            }
        }
        "cloudwatch" => {}
        other => panic!("{other} is called by none of us"),
    }
    call
}

fn tags(value: &Value) -> Tags {
    let tags = value.as_object().into_iter().flatten();
    tags.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// One segment of a path without its percent signs.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| segment.get(at + 1..at + 3))
            .flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FLOW: &str = "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-a:lunora";
    const OUTPUT: &str = "arn:aws:mediaconnect:us-west-2:123456789012:output:1-b:lunora-x";

    fn read_with(service: &str, operation: &str, path: &str, body: Value) -> Call {
        let ours = |arn: &str| {
            if arn == OUTPUT {
                [("lunora:stack".into(), "lunora".into())].into()
            } else {
                Tags::new()
            }
        };
        read(
            service,
            operation,
            path,
            &body,
            &Sight {
                tags: &ours,
                secure: &|name| name == "/p/secret",
            },
        )
    }

    fn actions(call: &Call) -> Vec<String> {
        let short = |arn: &str| arn.rsplit("123456789012:").next().unwrap_or(arn).to_owned();
        call.needs()
            .iter()
            .map(|need| format!("{} {}", need.action, short(&need.resource)))
            .collect()
    }

    #[test]
    fn media_requests() {
        let body = json!({"inputAttachments": [{"inputId": "7"}], "roleArn": "arn:aws:iam::123456789012:role/m", "tags": {"lunora:stack": "lunora"}});
        let call = read_with("medialive", "CreateChannel", "/prod/channels", body);
        assert_eq!(
            actions(&call),
            [
                "medialive:CreateChannel channel:*",
                "medialive:CreateChannel input:7",
                "medialive:CreateTags channel:*",
                "iam:PassRole role/m"
            ]
        );
        let call = read_with(
            "medialive",
            "StopChannel",
            "/prod/channels/42/stop",
            Value::Null,
        );
        assert_eq!(actions(&call), ["medialive:StopChannel channel:42"]);
        let call = read_with(
            "medialive",
            "ListAlerts",
            "/prod/channels/42/alerts?maxResults=9",
            Value::Null,
        );
        assert_eq!(actions(&call), ["medialive:ListAlerts *"]);
        let call = read_with(
            "medialive",
            "CreateInput",
            "/prod/inputs",
            json!({"inputSecurityGroups": ["9"]}),
        );
        assert_eq!(
            actions(&call),
            [
                "medialive:CreateInput input:*",
                "medialive:CreateInput inputSecurityGroup:9"
            ]
        );
        let call = read_with(
            "medialive",
            "DescribeInputSecurityGroup",
            "/prod/inputSecurityGroups/9",
            Value::Null,
        );
        assert_eq!(
            actions(&call),
            ["medialive:DescribeInputSecurityGroup inputSecurityGroup:9"]
        );
    }

    #[test]
    fn flow_requests_name_flow_and_output_in_their_path() {
        let path = format!(
            "/v1/flows/{}/outputs/{}",
            FLOW.replace(':', "%3A"),
            OUTPUT.replace(':', "%3A")
        );
        let call = read_with("mediaconnect", "RemoveFlowOutput", &path, Value::Null);
        let needs = call.needs();
        assert_eq!(
            [needs[0].resource.as_str(), needs[1].resource.as_str()],
            [FLOW, OUTPUT]
        );
        assert_eq!(needs[1].keys["aws:resourcetag/lunora:stack"], ["lunora"]);
        let call = read_with(
            "mediaconnect",
            "AddFlowOutputs",
            &format!("/v1/flows/{FLOW}/outputs"),
            json!({"outputs": [{"outputTags": {"a": "b"}}]}),
        );
        assert_eq!(
            actions(&call),
            [
                "mediaconnect:AddFlowOutputs flow:1-a:lunora",
                "mediaconnect:AddFlowOutputs output:*",
                "mediaconnect:TagResource output:*"
            ]
        );
    }

    #[test]
    fn requests_of_the_json_protocols() {
        let call = read_with(
            "dynamodb",
            "UpdateItem",
            "/",
            json!({"TableName": "t", "Key": {"destination_id": {"S": "a"}}}),
        );
        assert_eq!(actions(&call), ["dynamodb:UpdateItem table/t"]);
        assert_eq!(call.keys["dynamodb:leadingkeys"], ["a"]);
        let ask = |name: &str, decrypt: bool| {
            actions(&read_with(
                "ssm",
                "GetParameter",
                "/",
                json!({"Name": name, "WithDecryption": decrypt}),
            ))
            .len()
        };
        assert_eq!(
            [
                ask("/p/secret", true),
                ask("/p/secret", false),
                ask("/p/none", true)
            ],
            [2, 1, 1]
        );
        let several = json!({"t": {"Keys": [{"destination_id": {"S": "a"}}]}, "u": {"Keys": [{"destination_id": {"S": "b"}}]}});
        let call = read_with(
            "dynamodb",
            "BatchGetItem",
            "/",
            json!({ "RequestItems": several }),
        );
        assert_eq!(
            actions(&call),
            [
                "dynamodb:BatchGetItem table/t",
                "dynamodb:BatchGetItem table/u"
            ]
        );
        assert_eq!(call.keys["dynamodb:leadingkeys"], ["a", "b"]);
        let call = read_with("cloudwatch", "GetMetricData", "/", json!({"StartTime": 1}));
        assert_eq!(actions(&call), ["cloudwatch:GetMetricData *"]);
        let call = read_with("states", "SendTaskSuccess", "/", json!({"taskToken": "x"}));
        assert_eq!(actions(&call), ["states:SendTaskSuccess *"]);
    }
}
