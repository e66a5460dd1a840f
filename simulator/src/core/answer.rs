//! From a request to an answer: the route, the faults, the token buckets, the shape check, then the
//! operation itself; every call is noted without its body.

use serde_json::{Value, json};

use super::book::Told;
use super::faults::{Fault, Kind};
use super::model::{self, Route, Service};
use super::wire::{self, ApiError, Request, Response};
use super::{Answer, Call, CallNote, Core};

/// Calls that are kept for the control API.
const CALLS_KEPT: usize = 10_000;

impl Core {
    /// `outside` is false for what a person does by hand: no faults, no throttle.
    pub(super) fn answer(&mut self, request: &Request, outside: bool) -> Response {
        let request_id = self.ids.uuid();
        let Some(route) = model::route(&request.method, &request.path) else {
            let text = format!(
                "the simulator knows no operation {} {}",
                request.method,
                path_only(&request.path)
            );
            return self.refuse_unknown("unknown", &text, request, request_id);
        };
        if !route.operation.answered {
            let text = format!(
                "the simulator does not answer {}:{}",
                route.service.name(),
                route.name
            );
            return self.refuse_unknown(route.name, &text, request, request_id);
        }
        let fault = if outside {
            self.faults.fire(route.service, route.name, &request.path)
        } else {
            None
        };
        let (mut lost, mut delay_ms) = (false, 0);
        let (name, asked_as) = self.name_of(&route, request);
        let throttled = outside
            && !self
                .throttle
                .take(self.now, self.scale, route.service, route.name);
        let result = if throttled {
            Err(ApiError::new(429, "Too Many Requests"))
        } else {
            match fault
                .as_ref()
                .and_then(|fault| self.refusal(fault, route.service, route.name))
            {
                Some(refusal) => Err(refusal),
                None => {
                    lost = fault
                        .as_ref()
                        .is_some_and(|fault| fault.kind == Kind::AnswerLost);
                    if let Some(slow) = fault.as_ref().filter(|fault| fault.kind == Kind::Slow) {
                        delay_ms = slow.seconds_or(15.0);
                    }
                    self.operate(&route, request, fault)
                }
            }
        };
        let (status, error, body) = match result {
            Ok(body) => (route.operation.code, None, body),
            Err(error) => (
                error.status,
                Some(route.operation.error_name(error.status)),
                error.body(),
            ),
        };
        let resource = resource_of(&route, &body);
        self.notes.told(Told {
            at: self.now,
            service: route.service.name(),
            operation: route.name.to_owned(),
            writes: is_write(request),
            status,
            error: error.clone(),
            resource: resource.clone(),
            name,
            request_id: asked_as,
            caller: request.caller.clone(),
        });
        self.note(&route, request, status, error.clone(), resource);
        Response {
            status,
            error,
            request_id,
            body,
            lost,
            delay_ms,
        }
    }

    fn refuse_unknown(
        &mut self,
        name: &str,
        text: &str,
        request: &Request,
        request_id: String,
    ) -> Response {
        *self.counts.entry(format!("unknown:{name}")).or_default() += 1;
        self.calls.push_back(CallNote {
            at: self.now,
            service: "unknown",
            operation: name.to_owned(),
            status: 501,
            error: Some("UnknownOperationException".into()),
            resource: None,
            caller: request.caller.clone(),
        });
        let error = Some("UnknownOperationException".to_owned());
        Response {
            status: 501,
            error,
            request_id,
            body: json!({"message": text}),
            lost: false,
            delay_ms: 0,
        }
    }

    fn note(
        &mut self,
        route: &Route,
        request: &Request,
        status: u16,
        error: Option<String>,
        resource: Option<String>,
    ) {
        *self
            .counts
            .entry(format!("{}:{}", route.service.name(), route.name))
            .or_default() += 1;
        self.calls.push_back(CallNote {
            at: self.now,
            service: route.service.name(),
            operation: route.name.to_owned(),
            status,
            error,
            resource,
            caller: request.caller.clone(),
        });
        while self.calls.len() > CALLS_KEPT {
            self.calls.pop_front();
        }
    }

    /// The name of what a write is about, while it is still there; of a create the name and the
    /// request id it asks for.
    fn name_of(&self, route: &Route, request: &Request) -> (Option<String>, Option<String>) {
        if !is_write(request) {
            return (None, None);
        }
        let param = |name: &str| route.params.get(name).map(String::as_str);
        let output = |arn: &str| {
            let mut outputs = self.flows.values().flat_map(|flow| &flow.outputs);
            outputs.find(|output| output.arn == arn)
        };
        if let Some(id) = param("channelId") {
            let row = self.channels.get(id);
            return (row.map(|row| row.name().to_owned()), None);
        }
        if let Some(id) = param("inputId") {
            return (self.inputs.get(id).map(|row| row.name.clone()), None);
        }
        if let Some(arn) = param("OutputArn") {
            return (output(arn).map(|row| row.text("name").to_owned()), None);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |at: &str| Some(body.pointer(at)?.as_str()?.to_owned());
        let flow = || Some(self.flows.get(param("FlowArn")?)?.name.clone());
        let asked = text("/name").or_else(|| text("/outputs/0/name"));
        (asked.or_else(flow), text("/requestId"))
    }

    fn operate(&mut self, route: &Route, request: &Request, fault: Option<Fault>) -> Answer {
        let body = if request.body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(&request.body)
                .map_err(|_| ApiError::bad("the body is not JSON"))?
        };
        if !body.is_object() {
            return Err(ApiError::bad("the body is not a JSON object"));
        }
        let found = model::check(route.service, &route.operation.input, &body);
        if let Some((path, text)) = found.first() {
            let whole = matches!(route.name, "CreateChannel" | "UpdateChannel");
            return Err(if whole {
                ApiError::unprocessable(found)
            } else {
                ApiError::bad(format!("{path} {text}").trim())
            });
        }
        let call = Call {
            params: &route.params,
            query: wire::query_pairs(&request.query),
            body,
            fault,
        };
        match route.service {
            Service::MediaLive => self.medialive(route.name, &call),
            Service::MediaConnect => self.mediaconnect(route.name, &call),
        }
    }

    fn medialive(&mut self, name: &str, call: &Call<'_>) -> Answer {
        match name {
            "CreateInput" => self.create_input(call),
            "DescribeInput" => self.describe_input(call),
            "ListInputs" => self.list_inputs(call),
            "UpdateInput" => self.update_input(call),
            "DeleteInput" => self.delete_input(call.param("inputId")),
            "CreateInputSecurityGroup" => self.create_group(call),
            "DescribeInputSecurityGroup" => self.describe_group(call),
            "UpdateInputSecurityGroup" => self.update_group(call),
            "DeleteInputSecurityGroup" => self.delete_group(call.param("inputSecurityGroupId")),
            "ListInputSecurityGroups" => self.list_groups(call),
            "CreateChannel" => self.create_channel(call),
            "DescribeChannel" => self.describe_channel(call),
            "ListChannels" => self.list_channels(call),
            "UpdateChannel" => self.update_channel(call),
            "UpdateChannelClass" => self.update_channel_class(call),
            "StartChannel" => self.start_channel(call.param("channelId"), call),
            "StopChannel" => self.stop_channel(call.param("channelId")),
            "DeleteChannel" => self.delete_channel(call.param("channelId")),
            "RestartChannelPipelines" => self.restart_pipelines(call),
            "BatchStart" | "BatchStop" | "BatchDelete" => self.batch(name, call),
            "ListAlerts" => self.list_alerts(call),
            "DescribeThumbnails" => self.describe_thumbnails(call),
            "CreateTags" | "DeleteTags" | "ListTagsForResource" => self.medialive_tags(name, call),
            _ => Err(ApiError::new(
                501,
                format!("the simulator does not answer medialive:{name}"),
            )),
        }
    }

    fn mediaconnect(&mut self, name: &str, call: &Call<'_>) -> Answer {
        match name {
            "CreateFlow" => self.create_flow(call),
            "DescribeFlow" => self.describe_flow(call),
            "ListFlows" => self.list_flows(call),
            "UpdateFlow" => self.update_flow(call),
            "StartFlow" => self.start_flow(call.param("FlowArn")),
            "StopFlow" => self.stop_flow(call.param("FlowArn")),
            "DeleteFlow" => self.delete_flow(call.param("FlowArn")),
            "AddFlowOutputs" => self.add_flow_outputs(call),
            "UpdateFlowOutput" => self.update_flow_output(call),
            "RemoveFlowOutput" => self.remove_flow_output(call),
            "AddFlowSources" => self.add_flow_sources(call),
            "UpdateFlowSource" => self.update_flow_source(call),
            "RemoveFlowSource" => self.remove_flow_source(call),
            "DescribeFlowSourceMetadata" => self.describe_source_metadata(call),
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                self.mediaconnect_tags(name, call)
            }
            _ => Err(ApiError::new(
                501,
                format!("the simulator does not answer mediaconnect:{name}"),
            )),
        }
    }
}

/// MediaLive and MediaConnect are plain REST: what is not a GET changes something.
fn is_write(request: &Request) -> bool {
    request.method != "GET"
}

/// A path that is safe to print: nothing of a query.
fn path_only(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// The resource a call was about, for the list of calls.
fn resource_of(route: &Route, body: &Value) -> Option<String> {
    let from_uri = [
        "OutputArn",
        "SourceArn",
        "FlowArn",
        "ResourceArn",
        "channelId",
        "inputId",
        "inputSecurityGroupId",
        "resource-arn",
    ];
    if let Some(id) = from_uri.iter().find_map(|name| route.params.get(*name)) {
        return Some(id.clone());
    }
    let pointers = [
        "/channel/id",
        "/input/id",
        "/securityGroup/id",
        "/flow/flowArn",
    ];
    pointers
        .iter()
        .find_map(|pointer| body.pointer(pointer))
        .and_then(Value::as_str)
        .map(str::to_owned)
}
