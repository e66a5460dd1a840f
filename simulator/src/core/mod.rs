//! The core: MediaLive and MediaConnect without I/O, without a clock and without chance of its own.
//! Time is an argument, randomness is seeded, every collection is ordered: the same calls at the
//! same times give the same answers. `handle` answers a request, `advance` lets time pass and gives
//! back the events that are due, `next_due` says when something will happen by itself.
//!
//! Rules come from AWS's user guides and API models; each is cited where it is held. What AWS does
//! not document is an option (`options`), and an operation that is not modelled is a loud error.

mod alerts;
mod billing;
mod channel;
mod channel_api;
mod channel_check;
mod control;
mod events;
mod faults;
mod flow;
mod flow_api;
mod group;
mod input;
mod input_api;
mod model;
mod options;
mod page;
mod prices;
mod rng;
mod signal;
mod source_api;
mod tags;
#[cfg(test)]
mod tests;
mod throttle;
mod timers;
mod when;
mod wire;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

pub use events::Happening;
pub use wire::{Request, Response};

use crate::media::view::{MediaReport, MediaView};
use faults::{Fault, Kind};
use model::{Route, Service};
use wire::ApiError;

/// Calls that are kept for the control API.
const CALLS_KEPT: usize = 10_000;

/// Where the simulated account lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For example `us-west-2`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// The same seed gives the same run.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { region: "us-west-2".into(), account: "123456789012".into(), seed: 1 }
    }
}

/// One call as the control API lists it: never a body.
struct CallNote {
    at: u64,
    service: &'static str,
    operation: String,
    status: u16,
    error: Option<String>,
    resource: Option<String>,
    caller: Option<String>,
}

/// One operation under way.
struct Call<'a> {
    params: &'a BTreeMap<String, String>,
    query: Vec<(String, String)>,
    body: Value,
    /// A fault that the operation itself has to act out.
    fault: Option<Fault>,
}

impl Call<'_> {
    fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }

    fn stale(&self) -> bool {
        self.has(Kind::Stale)
    }

    fn has(&self, kind: Kind) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.kind == kind)
    }
}

type Answer = Result<Value, ApiError>;

/// The whole simulated account.
pub struct Core {
    settings: Settings,
    now: u64,
    scale: u64,
    ids: rng::Rng,
    durations: rng::Rng,
    chance: rng::Rng,
    sequence: u64,
    channels: BTreeMap<String, channel::Channel>,
    inputs: BTreeMap<String, input::Input>,
    groups: BTreeMap<String, group::Group>,
    flows: BTreeMap<String, flow::Flow>,
    flows_deleted: Vec<Value>,
    /// Request ids of CreateInput and CreateChannel: the first resource and the body it was made with.
    requests: BTreeMap<(&'static str, String), (String, Value)>,
    timers: BTreeMap<(u64, u64), timers::Timer>,
    outbox: BTreeMap<(u64, u64), Value>,
    throttle: throttle::Throttle,
    options: options::Options,
    quotas: options::Quotas,
    times: options::Times,
    knobs: options::EventKnobs,
    faults: faults::Faults,
    meter: billing::Meter,
    calls: VecDeque<CallNote>,
    counts: BTreeMap<String, u64>,
    events_made: u64,
}

impl Core {
    /// An empty account.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let seed = settings.seed;
        Self {
            settings,
            now: 0,
            scale: 1,
            ids: rng::Rng::new(seed),
            durations: rng::Rng::new(seed ^ 0x5eed_0001),
            chance: rng::Rng::new(seed ^ 0x5eed_0002),
            sequence: 0,
            channels: BTreeMap::new(),
            inputs: BTreeMap::new(),
            groups: BTreeMap::new(),
            flows: BTreeMap::new(),
            flows_deleted: Vec::new(),
            requests: BTreeMap::new(),
            timers: BTreeMap::new(),
            outbox: BTreeMap::new(),
            throttle: throttle::Throttle::default(),
            options: options::Options::default(),
            quotas: options::Quotas::default(),
            times: options::Times::default(),
            knobs: options::EventKnobs::default(),
            faults: faults::Faults::default(),
            meter: billing::Meter::default(),
            calls: VecDeque::new(),
            counts: BTreeMap::new(),
            events_made: 0,
        }
    }

    /// How many simulated seconds pass in a real one; only the token buckets need to know.
    pub fn set_scale(&mut self, scale: u64) {
        self.scale = scale.max(1);
    }

    /// Says that a media plane reports what really arrives; without one the core assumes it.
    pub fn expect_reports(&mut self) {
        self.options.media = "reported".into();
    }

    /// Answers one request at a moment that is not before any earlier one.
    pub fn handle(&mut self, now_ms: u64, request: &Request) -> Response {
        self.run_until(now_ms);
        let response = self.answer(request, true);
        self.settle_signal();
        response
    }

    /// Lets time pass; what is due to be told comes back.
    pub fn advance(&mut self, now_ms: u64) -> Vec<Happening> {
        self.run_until(now_ms);
        let mut due = Vec::new();
        while let Some(entry) = self.outbox.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            due.push(Happening::Event(entry.remove()));
        }
        due
    }

    /// The next moment at which something happens by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        let timer = self.timers.keys().next().map(|key| key.0);
        let event = self.outbox.keys().next().map(|key| key.0);
        timer.into_iter().chain(event).min()
    }

    /// What should carry video now.
    #[must_use]
    pub fn media_view(&self) -> MediaView {
        self.view()
    }

    /// What the media plane saw.
    pub fn report(&mut self, now_ms: u64, report: &MediaReport) {
        self.run_until(now_ms);
        self.take_report(report);
        self.settle_signal();
    }

    /// `outside` is false for what a person does by hand: no faults, no throttle.
    fn answer(&mut self, request: &Request, outside: bool) -> Response {
        let request_id = self.ids.uuid();
        let Some(route) = model::route(&request.method, &request.path) else {
            let text = format!("the simulator knows no operation {} {}", request.method, path_only(&request.path));
            return self.refuse_unknown("unknown", &text, request, request_id);
        };
        if !route.operation.answered {
            let text = format!("the simulator does not answer {}:{}", route.service.name(), route.name);
            return self.refuse_unknown(route.name, &text, request, request_id);
        }
        let fault = if outside { self.faults.fire(route.service, route.name, &request.path) } else { None };
        let (mut lost, mut delay_ms) = (false, 0);
        let throttled = outside && !self.throttle.take(self.now, self.scale, route.service, route.name);
        let result = if throttled {
            Err(ApiError::new(429, "Too Many Requests"))
        } else {
            match fault.as_ref().and_then(|fault| self.refusal(fault, route.service, route.name)) {
                Some(refusal) => Err(refusal),
                None => {
                    lost = fault.as_ref().is_some_and(|fault| fault.kind == Kind::AnswerLost);
                    if let Some(slow) = fault.as_ref().filter(|fault| fault.kind == Kind::Slow) {
                        delay_ms = slow.seconds_or(15.0);
                    }
                    self.operate(&route, request, fault)
                }
            }
        };
        let (status, error, body) = match result {
            Ok(body) => (route.operation.code, None, body),
            Err(error) => (error.status, Some(route.operation.error_name(error.status)), error.body()),
        };
        let resource = resource_of(&route, &body);
        self.note(&route, request, status, error.clone(), resource);
        Response { status, error, request_id, body, lost, delay_ms }
    }

    fn refuse_unknown(&mut self, name: &str, text: &str, request: &Request, request_id: String) -> Response {
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
        Response { status: 501, error, request_id, body: json!({"message": text}), lost: false, delay_ms: 0 }
    }

    fn note(&mut self, route: &Route, request: &Request, status: u16, error: Option<String>, resource: Option<String>) {
        *self.counts.entry(format!("{}:{}", route.service.name(), route.name)).or_default() += 1;
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

    fn operate(&mut self, route: &Route, request: &Request, fault: Option<Fault>) -> Answer {
        let body = if request.body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(&request.body).map_err(|_| ApiError::bad("the body is not JSON"))?
        };
        if !body.is_object() {
            return Err(ApiError::bad("the body is not a JSON object"));
        }
        let found = model::check(route.service, &route.operation.input, &body);
        if let Some((path, text)) = found.first() {
            let whole = matches!(route.name, "CreateChannel" | "UpdateChannel");
            return Err(if whole { ApiError::unprocessable(found) } else { ApiError::bad(format!("{path} {text}").trim()) });
        }
        let call = Call { params: &route.params, query: wire::query_pairs(&request.query), body, fault };
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
            _ => Err(ApiError::new(501, format!("the simulator does not answer medialive:{name}"))),
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
            "TagResource" | "UntagResource" | "ListTagsForResource" => self.mediaconnect_tags(name, call),
            _ => Err(ApiError::new(501, format!("the simulator does not answer mediaconnect:{name}"))),
        }
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Seven digits, as in all of AWS's samples.
    fn numeric_id(&mut self, taken: impl Fn(&Self, &str) -> bool) -> String {
        loop {
            let id = (1_000_000 + self.ids.below(9_000_000)).to_string();
            if !taken(self, &id) {
                return id;
            }
        }
    }

    fn medialive_arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:medialive:{}:{}:{kind}:{id}", self.settings.region, self.settings.account)
    }

    fn duration(&mut self, name: &str) -> u64 {
        self.times.draw(name, &mut self.durations)
    }
}

/// A path that is safe to print: nothing of a query.
fn path_only(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// The resource a call was about, for the list of calls.
fn resource_of(route: &Route, body: &Value) -> Option<String> {
    let from_uri = ["OutputArn", "SourceArn", "FlowArn", "ResourceArn", "channelId", "inputId", "inputSecurityGroupId", "resource-arn"];
    if let Some(id) = from_uri.iter().find_map(|name| route.params.get(*name)) {
        return Some(id.clone());
    }
    let pointers = ["/channel/id", "/input/id", "/securityGroup/id", "/flow/flowArn"];
    pointers.iter().find_map(|pointer| body.pointer(pointer)).and_then(Value::as_str).map(str::to_owned)
}
