//! The flow and output operations. MediaConnect models no 409: a wrong state, a name used twice, a
//! protocol without an address all arrive as 400; over quota is 420 (API model).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::book::Thing;
use super::flow::{Flow, FlowStatus, Output};
use super::page::page;
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
    pub(super) fn create_flow(&mut self, call: &Call<'_>) -> Answer {
        let name = call.text("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(ApiError::bad("A flow needs a name"));
        }
        if self.flows.len() >= self.quotas.flows {
            return Err(ApiError::new(
                420,
                format!(
                    "Your account has reached its quota of {} flows",
                    self.quotas.flows
                ),
            ));
        }
        let mut requested: Vec<Value> =
            call.body["sources"].as_array().cloned().unwrap_or_default();
        requested.extend(call.body.get("source").cloned());
        let arn = self.flow_arn("flow", &name, None);
        let zone = call
            .text("availabilityZone")
            .map_or_else(|| format!("{}a", self.settings.region), str::to_owned);
        let mut extra = Map::new();
        for member in [
            "sourceFailoverConfig",
            "sourceMonitoringConfig",
            "maintenance",
        ] {
            if let Some(value) = call.body.get(member) {
                extra.insert(member.to_owned(), value.clone());
            }
        }
        extra.insert(
            "flowSize".into(),
            json!(call.text("flowSize").unwrap_or("MEDIUM")),
        );
        let taken: BTreeSet<&String> = self.flows.values().map(|flow| &flow.egress_ip).collect();
        // Egress addresses are invented (TEST-NET-1).
        let egress_ip = (10..)
            .map(|last| format!("192.0.2.{last}"))
            .find(|ip| !taken.contains(ip))
            .unwrap_or_default();
        let mut flow = Flow {
            arn: arn.clone(),
            name,
            zone,
            egress_ip,
            status: FlowStatus::Standby,
            since: self.now,
            epoch: 0,
            sources: Vec::new(),
            outputs: Vec::new(),
            before: None,
            extra,
            tags: tags_of(call.body.get("flowTags")),
            created_at: self.now,
        };
        for source in requested {
            let source = self.new_source(&flow, source)?;
            flow.sources.push(source);
        }
        super::source_api::check_failover(&flow)?;
        for output in call.body["outputs"].as_array().cloned().unwrap_or_default() {
            let output = self.new_output(&flow, &output)?;
            flow.outputs.push(output);
        }
        let answer = json!({"flow": flow.json(flow.status, &flow.outputs)});
        self.notes
            .passage(self.now, Thing::Flow, &arn, flow.status.name());
        self.flows.insert(arn, flow);
        Ok(answer)
    }

    /// `arn:aws:mediaconnect:REGION:ACCOUNT:flow:1-<id>-<id>:Name`, the same for sources and outputs.
    pub(super) fn flow_arn(&mut self, kind: &str, name: &str, of: Option<&str>) -> String {
        let first = of.and_then(|arn| arn.split(':').nth(6)).map_or_else(
            || self.ids.word(16),
            |id| id.split('-').nth(1).unwrap_or_default().to_owned(),
        );
        let second = self.ids.word(12);
        format!(
            "arn:aws:mediaconnect:{}:{}:{kind}:1-{first}-{second}:{name}",
            self.settings.region, self.settings.account
        )
    }

    pub(super) fn describe_flow(&mut self, call: &Call<'_>) -> Answer {
        let flow = self.flow(call.param("FlowArn"))?;
        let seen = match &flow.before {
            Some((status, outputs)) if call.stale() => flow.json(*status, outputs),
            _ => flow.json(flow.status, &flow.outputs),
        };
        Ok(json!({"flow": seen, "messages": {"errors": []}}))
    }

    pub(super) fn list_flows(&mut self, call: &Call<'_>) -> Answer {
        let rows = self.flows.values().map(|flow| json!({
            "flowArn": flow.arn, "name": flow.name, "availabilityZone": flow.zone, "status": flow.status.name(),
            "description": "", "sourceType": "OWNED",
        }));
        page("flows", rows.collect(), call, self.options.page_size)
    }

    pub(super) fn update_flow(&mut self, call: &Call<'_>) -> Answer {
        let arn = call.param("FlowArn").to_owned();
        let changes = call.body.as_object().cloned().unwrap_or_default();
        let flow = self.changeable(&arn)?;
        flow.remember();
        for (member, value) in changes {
            flow.extra.insert(member, value);
        }
        self.flow_takes_up(&arn);
        let flow = self.flow(&arn)?;
        Ok(json!({"flow": flow.json(flow.status, &flow.outputs)}))
    }

    fn flow_goes(
        &mut self,
        arn: &str,
        from: FlowStatus,
        through: FlowStatus,
        time: &str,
        to: FlowStatus,
    ) -> Answer {
        let status = self.flow(arn)?.status;
        if status != from {
            let reached = status == through || status == to;
            if reached && self.options.wrong_state == "ok" {
                return Ok(json!({"flowArn": arn, "status": status.name()}));
            }
            return Err(ApiError::bad(format!(
                "The flow is in status {}, it must be {}",
                status.name(),
                from.name()
            )));
        }
        let wait = self.duration(time);
        self.flow_enter(arn, through);
        self.flow_later(arn, wait, to);
        Ok(json!({"flowArn": arn, "status": through.name()}))
    }

    pub(super) fn start_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Standby,
            FlowStatus::Starting,
            "flow_start",
            FlowStatus::Active,
        )
    }

    pub(super) fn stop_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Active,
            FlowStatus::Stopping,
            "flow_stop",
            FlowStatus::Standby,
        )
    }

    /// STANDBY only; takes up to five minutes (user guide: deleting a flow), then 404.
    pub(super) fn delete_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Standby,
            FlowStatus::Deleting,
            "flow_delete",
            FlowStatus::Gone,
        )
    }

    /// Checks one output against the flow and gives it an ARN.
    fn new_output(&mut self, flow: &Flow, request: &Value) -> Result<Output, ApiError> {
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
        flow.remember();
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
        flow.remember();
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
        flow.remember();
        flow.outputs.remove(at);
        self.notes
            .passage(self.now, Thing::Output, &output_arn, "REMOVED");
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
        let mut touched = Vec::new();
        for flow in self.flows.values_mut() {
            let before = flow.outputs.len();
            flow.outputs
                .retain(|output| output.input_arn.as_deref() != Some(&input_arn));
            if flow.outputs.len() != before {
                touched.push(flow.arn.clone());
            }
        }
        for arn in touched {
            self.flow_takes_up(&arn);
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
