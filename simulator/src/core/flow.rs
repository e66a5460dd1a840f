//! A MediaConnect flow with its outputs: records and states. Outputs and sources can be changed on
//! an ACTIVE flow, which is UPDATING for a moment (MediaConnect user guide: updating flows).

use serde_json::{Map, Value, json};

use super::Core;
use super::book::Thing;
use super::health::{Alarm, FlowHealth};
use super::source::Source;
use super::tags::Tags;
use super::timers::Timer;
use super::wire::ApiError;

/// The API's flow statuses that the simulator goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowStatus {
    Standby,
    Starting,
    Active,
    Updating,
    Stopping,
    Deleting,
    /// Not a status of the API: the record is gone and answers 404.
    Gone,
}

impl FlowStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Standby => "STANDBY",
            Self::Starting => "STARTING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Stopping => "STOPPING",
            Self::Deleting | Self::Gone => "DELETING",
        }
    }
}

/// One output; `request` is AddOutputRequest in wire case, later changes merged in.
#[derive(Clone)]
pub(super) struct Output {
    pub arn: String,
    pub request: Map<String, Value>,
    pub tags: Tags,
    /// Made and removed by MediaLive for a MEDIACONNECT input.
    pub input_arn: Option<String>,
    pub health: &'static str,
}

impl Output {
    pub fn text(&self, member: &str) -> &str {
        self.request
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub fn number(&self, member: &str) -> u64 {
        self.request
            .get(member)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// An output without a status is ENABLED.
    pub fn enabled(&self) -> bool {
        self.text("outputStatus") != "DISABLED"
    }

    /// Its status in AWS's word.
    pub fn word(&self) -> &'static str {
        if self.enabled() {
            "ENABLED"
        } else {
            "DISABLED"
        }
    }

    pub fn json(&self) -> Value {
        let transport = pick(
            &self.request,
            &[
                "protocol",
                "smoothingLatency",
                "minLatency",
                "maxLatency",
                "streamId",
                "remoteId",
                "cidrAllowList",
                "senderControlPort",
            ],
        );
        let mut out = pick(
            &self.request,
            &[
                "name",
                "destination",
                "port",
                "description",
                "encryption",
                "vpcInterfaceAttachment",
            ],
        );
        out.insert("outputArn".into(), json!(self.arn));
        out.insert("outputStatus".into(), json!(self.word()));
        out.insert("transport".into(), Value::Object(transport));
        if let Some(arn) = &self.input_arn {
            out.insert("mediaLiveInputArn".into(), json!(arn));
        }
        Value::Object(out)
    }
}

pub(super) fn pick(from: &Map<String, Value>, members: &[&str]) -> Map<String, Value> {
    let present = members
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), from.get(*member)?.clone())));
    present.collect()
}

/// One flow.
pub(super) struct Flow {
    pub arn: String,
    pub name: String,
    pub zone: String,
    pub egress_ip: String,
    pub status: FlowStatus,
    pub since: u64,
    pub epoch: u64,
    pub sources: Vec<Source>,
    pub outputs: Vec<Output>,
    /// Status and outputs before the latest change and when that was, for stale reads.
    pub before: Option<(u64, FlowStatus, Vec<Output>)>,
    /// sourceFailoverConfig, sourceMonitoringConfig, maintenance, flowSize.
    pub extra: Map<String, Value>,
    pub tags: Tags,
    pub created_at: u64,
    /// ARN of the source that is used now.
    pub selected: Option<String>,
    /// When it last changed to another source, and how often it did.
    pub switched_at: Option<u64>,
    pub switches: u64,
    /// When it last became ACTIVE.
    pub begun: u64,
    pub interrupted: Option<Interruption>,
    /// What the latest Flow Health event said.
    pub health: FlowHealth,
    /// Whether its outputs sent when that was looked at last.
    pub sent: bool,
    /// Errors as DescribeFlow lists them.
    pub alarms: Vec<Alarm>,
}

/// What a running flow does not do for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Nothing leaves it, as when failover is enabled on a running flow.
    Outputs,
    /// It is being restarted: nobody is connected either.
    Whole,
}

impl Flow {
    /// Does it carry video? Also while a change is taken up.
    pub fn carries(&self) -> bool {
        matches!(self.status, FlowStatus::Active | FlowStatus::Updating)
    }

    /// Does data go through to the outputs right now?
    pub fn fed(&self) -> bool {
        self.carries()
            && self.interrupted.is_none()
            && self.on_air().is_some_and(|source| source.sending)
    }

    /// Do its outputs send, as far as MediaConnect has noticed?
    pub fn sends(&self) -> bool {
        self.carries() && self.health.state == "CONNECTED" && !self.health.bitrate_zero
    }

    pub fn remember(&mut self, now: u64) {
        self.before = Some((now, self.status, self.outputs.clone()));
    }

    pub fn json(&self, status: FlowStatus, outputs: &[Output]) -> Value {
        let mut out = self.extra.clone();
        let sources: Vec<Value> = self.sources.iter().map(Source::json).collect();
        out.insert("flowArn".into(), json!(self.arn));
        out.insert("name".into(), json!(self.name));
        out.insert("availabilityZone".into(), json!(self.zone));
        out.insert("egressIp".into(), json!(self.egress_ip));
        out.insert("status".into(), json!(status.name()));
        out.insert("entitlements".into(), json!([]));
        out.insert("outputs".into(), outputs.iter().map(Output::json).collect());
        out.insert(
            "source".into(),
            sources.first().cloned().unwrap_or(Value::Null),
        );
        out.insert("sources".into(), Value::Array(sources));
        Value::Object(out)
    }
}

impl Core {
    pub(super) fn flow(&self, arn: &str) -> Result<&Flow, ApiError> {
        self.flows
            .get(arn)
            .ok_or_else(|| ApiError::not_found(format!("The flow {arn} does not exist")))
    }

    /// A flow whose outputs and sources may be changed now. MediaConnect has no 409: a flow that is
    /// busy answers 400 (or takes the change, by option; its text is not known).
    pub(super) fn changeable(&mut self, arn: &str) -> Result<&mut Flow, ApiError> {
        let busy_is_fine = self.options.flow_busy == "ok";
        let status = self.flow(arn)?.status;
        let fine = match status {
            FlowStatus::Standby | FlowStatus::Active => true,
            FlowStatus::Updating => busy_is_fine,
            _ => false,
        };
        if !fine {
            let text = format!(
                "The flow can not be changed while its status is {}",
                status.name()
            );
            return Err(ApiError::bad(text));
        }
        self.flows
            .get_mut(arn)
            .ok_or_else(|| ApiError::not_found("The flow does not exist"))
    }

    /// After a change of an ACTIVE flow.
    pub(super) fn flow_takes_up(&mut self, arn: &str) {
        if !self.flows.get(arn).is_some_and(Flow::carries) {
            return;
        }
        let wait = self.duration("flow_update");
        if wait == 0 {
            return;
        }
        self.flow_enter(arn, FlowStatus::Updating);
        self.flow_later(arn, wait, FlowStatus::Active);
    }

    pub(super) fn flow_later(&mut self, arn: &str, wait: u64, to: FlowStatus) {
        if let Some(epoch) = self.flows.get(arn).map(|flow| flow.epoch) {
            self.later(
                wait,
                Timer::Flow {
                    arn: arn.to_owned(),
                    epoch,
                    to,
                },
            );
        }
    }

    pub(super) fn flow_enter(&mut self, arn: &str, to: FlowStatus) {
        let now = self.now;
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let from = flow.status;
        if !(from == FlowStatus::Active && to == FlowStatus::Updating) {
            flow.before = Some((now, from, flow.outputs.clone()));
        }
        flow.status = to;
        flow.since = now;
        flow.epoch += 1;
        self.notes.passage(now, Thing::Flow, arn, to.name());
        let carried = matches!(from, FlowStatus::Active | FlowStatus::Updating);
        let carries = flow.carries();
        if to == FlowStatus::Gone {
            let note = json!({"kind": "flow", "arn": arn, "name": flow.name, "deleted_at": super::when::rfc3339_ms(now)});
            self.flows.remove(arn);
            self.flows_deleted.push(note);
            return;
        }
        self.emit_flow_status(arn, from.name(), to.name());
        match (carried, carries) {
            (false, true) => {
                self.meter_flow(arn, true);
                self.sources_begin(arn);
            }
            (true, false) => {
                self.meter_flow(arn, false);
                self.sources_end(arn);
            }
            _ => {}
        }
    }
}
