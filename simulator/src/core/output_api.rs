//! The output operations of a flow. A name used twice, a protocol without an address, an address that
//! is taken all arrive as 400; over quota is 420 (API model).

use serde_json::{Map, Value, json};

use super::book::Thing;
use super::flow::{Flow, Output};
use super::tags::{Tags, tags_of};
use super::wire::ApiError;
use super::{Answer, Call, Core};

fn output_missing(arn: &str) -> ApiError {
    ApiError::not_found(format!("The output {arn} does not exist"))
}

/// The ports an output takes at its destination: FEC needs two more
/// (MediaConnect user guide: RTP-FEC outputs).
fn ports(protocol: &str, port: u64) -> Vec<u64> {
    if protocol == "rtp-fec" {
        vec![port, port + 2, port + 4]
    } else {
        vec![port]
    }
}

fn check_output(request: &Map<String, Value>) -> Result<(), ApiError> {
    let text = |member: &str| {
        request
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let protocol = text("protocol");
    if protocol.is_empty() {
        return Err(ApiError::bad("An output needs a protocol"));
    }
    if matches!(protocol, "rtp" | "rtp-fec" | "udp" | "rist" | "srt-caller") {
        if text("destination").parse::<std::net::IpAddr>().is_err() {
            return Err(ApiError::bad(format!(
                "An output with protocol {protocol} needs an IP address as destination"
            )));
        }
        let port = request
            .get("port")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if !(1..=65_531).contains(&port) {
            return Err(ApiError::bad(format!(
                "An output with protocol {protocol} needs a port"
            )));
        }
    }
    Ok(())
}

impl Core {
    /// Checks one output against the flow and gives it an ARN.
    pub(super) fn new_output(&mut self, flow: &Flow, request: &Value) -> Result<Output, ApiError> {
        let mut request = request.as_object().cloned().unwrap_or_default();
        check_output(&request)?;
        let name = match request.get("name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("output-{}", self.ids.word(6)),
        };
        if flow
            .outputs
            .iter()
            .any(|output| output.text("name") == name)
        {
            return Err(ApiError::bad(format!(
                "The flow already has an output with the name {name}"
            )));
        }
        request.insert("name".into(), json!(name));
        let tags: Tags = tags_of(request.remove("outputTags").as_ref());
        let arn = self.flow_arn("output", &name, Some(&flow.arn));
        let output = Output {
            arn,
            request,
            tags,
            input_arn: None,
            health: "IDLE",
        };
        check_ports(flow, &output)?;
        Ok(output)
    }

    pub(super) fn add_flow_outputs(&mut self, call: &Call<'_>) -> Answer {
        let arn = call.param("FlowArn").to_owned();
        self.changeable(&arn)?;
        let requests = call.body["outputs"].as_array().cloned().unwrap_or_default();
        if requests.is_empty() {
            return Err(ApiError::bad("At least one output is required"));
        }
        let quota = self.quotas.flow_outputs;
        if self.flow(&arn)?.outputs.len() + requests.len() > quota {
            return Err(ApiError::new(
                420,
                format!("The flow has reached its quota of {quota} outputs"),
            ));
        }
        // All or nothing: a copy takes the outputs one by one.
        let Some(mut flow) = self.flows.remove(&arn) else {
            return Err(ApiError::not_found("The flow does not exist"));
        };
        let (count, before) = (flow.outputs.len(), flow.before.clone());
        flow.remember(self.now);
        let mut refused = None;
        for request in &requests {
            match self.new_output(&flow, request) {
                Ok(output) => flow.outputs.push(output),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if refused.is_some() {
            flow.outputs.truncate(count);
            flow.before = before;
        }
        let added: Vec<Value> = flow.outputs[count..].iter().map(Output::json).collect();
        for output in &flow.outputs[count..] {
            self.notes
                .passage(self.now, Thing::Output, &output.arn, output.word());
        }
        self.flows.insert(arn.clone(), flow);
        match refused {
            Some(error) => Err(error),
            None => {
                self.flow_takes_up(&arn);
                Ok(json!({"flowArn": arn, "outputs": added}))
            }
        }
    }

    /// Merge patch: what is absent stays (API model).
    pub(super) fn update_flow_output(&mut self, call: &Call<'_>) -> Answer {
        let (arn, output_arn) = (
            call.param("FlowArn").to_owned(),
            call.param("OutputArn").to_owned(),
        );
        let changes = call.body.as_object().cloned().unwrap_or_default();
        let now = self.now;
        let flow = self.changeable(&arn)?;
        let at = flow
            .outputs
            .iter()
            .position(|output| output.arn == output_arn)
            .ok_or_else(|| output_missing(&output_arn))?;
        let mut next = flow.outputs[at].clone();
        if next.input_arn.is_some() {
            return Err(ApiError::bad(
                "The output belongs to a MediaLive input and can not be changed",
            ));
        }
        let was = next.word();
        next.request.extend(changes);
        check_output(&next.request)?;
        check_ports(flow, &next)?;
        flow.remember(now);
        let (is, answer) = (next.word(), next.json());
        flow.outputs[at] = next;
        self.notes.passage(self.now, Thing::Output, &output_arn, is);
        if was != is {
            self.emit_output_status(&arn, &output_arn, was, is);
        }
        self.flow_takes_up(&arn);
        Ok(json!({"flowArn": arn, "output": answer}))
    }

    pub(super) fn remove_flow_output(&mut self, call: &Call<'_>) -> Answer {
        let (arn, output_arn) = (
            call.param("FlowArn").to_owned(),
            call.param("OutputArn").to_owned(),
        );
        let now = self.now;
        let flow = self.changeable(&arn)?;
        let at = flow
            .outputs
            .iter()
            .position(|output| output.arn == output_arn)
            .ok_or_else(|| output_missing(&output_arn))?;
        if flow.outputs[at].input_arn.is_some() {
            return Err(ApiError::bad(
                "The output belongs to a MediaLive input and can not be removed",
            ));
        }
        flow.remember(now);
        flow.outputs.remove(at);
        self.notes
            .passage(self.now, Thing::Output, &output_arn, "REMOVED");
        self.meter_transfer_ends(&output_arn);
        self.flow_takes_up(&arn);
        Ok(json!({"flowArn": arn, "outputArn": output_arn}))
    }

    /// MediaLive makes the output of a MEDIACONNECT input by itself (user guide: distribution to MediaLive).
    pub(super) fn add_managed_output(&mut self, flow_arn: &str, input_id: &str) {
        let Some(input) = self.inputs.get(input_id) else {
            return;
        };
        let (input_arn, name) = (input.arn.clone(), format!("MediaLive-{input_id}"));
        let arn = self.flow_arn("output", &name, Some(flow_arn));
        let request = json!({"name": name, "protocol": "rtp-fec", "outputStatus": "ENABLED"});
        let request = request.as_object().cloned().unwrap_or_default();
        if let Some(flow) = self.flows.get_mut(flow_arn) {
            flow.outputs.push(Output {
                arn,
                request,
                tags: Tags::new(),
                input_arn: Some(input_arn),
                health: "IDLE",
            });
            self.flow_takes_up(flow_arn);
        }
    }

    pub(super) fn remove_managed_outputs(&mut self, input_id: &str) {
        let Some(input_arn) = self.inputs.get(input_id).map(|input| input.arn.clone()) else {
            return;
        };
        let mut gone = Vec::new();
        for flow in self.flows.values_mut() {
            let own = |output: &mut Output| output.input_arn.as_deref() == Some(&input_arn);
            for output in flow.outputs.extract_if(.., own) {
                gone.push((flow.arn.clone(), output.arn));
            }
        }
        for (flow, output) in gone {
            self.meter_transfer_ends(&output);
            self.flow_takes_up(&flow);
        }
    }
}

/// Each output must have a destination of its own; an address may be used on other ports.
fn check_ports(flow: &Flow, output: &Output) -> Result<(), ApiError> {
    let own = ports(output.text("protocol"), output.number("port"));
    for other in flow.outputs.iter().filter(|other| other.arn != output.arn) {
        let same = !output.text("destination").is_empty()
            && other.text("destination") == output.text("destination");
        let theirs = ports(other.text("protocol"), other.number("port"));
        if same && own.iter().any(|port| theirs.contains(port)) {
            let text = format!(
                "The destination is already used by the output {}",
                other.text("name")
            );
            return Err(ApiError::bad(text));
        }
    }
    Ok(())
}
