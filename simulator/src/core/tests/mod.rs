//! Tests of the core: an account, a clock that is moved by hand, and what AWS says must happen.
//! Each test names the page or model that the rule comes from.

mod air;
mod alerts;
mod bill;
mod book;
mod channels;
mod events;
mod failover;
mod faults;
mod flows;
mod inputs;
mod metrics;
mod validation;

use serde_json::{Value, json};

use super::{Core, Happening, Request, Settings};

/// An account with exact times and no lag, and its clock.
pub(super) struct Account {
    pub core: Core,
    pub now: u64,
    pub events: Vec<Value>,
}

/// 2026-01-02T00:00:00Z.
pub(super) const START: u64 = 1_767_312_000_000;

impl Account {
    pub fn new() -> Self {
        let mut account = Self {
            core: Core::new(Settings::default()),
            now: START,
            events: Vec::new(),
        };
        account.tell("times", json!({
            "law": "fixed", "channel_create": 4, "channel_start": 40, "channel_stop": 20, "channel_delete": 10,
            "channel_update": 3, "channel_recover": 30, "input_create": 0, "input_detach": 5, "input_delete": 2,
            "group_release": 0, "group_update": 0, "flow_start": 15, "flow_stop": 10, "flow_update": 0,
            "flow_delete": 5, "read_lag": 0, "deleted_lingers": 60,
        }));
        account
    }

    /// A control call that must be taken.
    pub fn tell(&mut self, what: &str, body: Value) -> Value {
        let (status, told) = self.core.control(self.now, "POST", what, &body);
        assert_eq!(status, 200, "{what}: {told}");
        told
    }

    pub fn ask(&mut self, what: &str) -> Value {
        self.core.control(self.now, "GET", what, &Value::Null).1
    }

    /// Any call: status, error name, body.
    pub fn call(&mut self, method: &str, path: &str, body: Value) -> (u16, String, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            body,
            caller: Some("AKIDEXAMPLE".into()),
        };
        let response = self.core.handle(self.now, &request);
        (
            response.status,
            response.error.unwrap_or_default(),
            response.body,
        )
    }

    /// A call that must succeed.
    pub fn ok(&mut self, method: &str, path: &str, body: Value) -> Value {
        let (status, error, answer) = self.call(method, path, body);
        assert!(
            status < 300,
            "{method} {path}: {status} {error} {}",
            answer["message"]
        );
        answer
    }

    /// A call that must be refused: status, name and text.
    pub fn refused(&mut self, method: &str, path: &str, body: Value) -> (u16, String, String) {
        let (status, error, answer) = self.call(method, path, body);
        assert!(status >= 400, "{method} {path} was taken");
        (
            status,
            error,
            answer["message"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// Lets simulated seconds pass.
    pub fn pass(&mut self, seconds: u64) {
        self.now += seconds * 1000;
        for Happening::Event(event) in self.core.advance(self.now) {
            self.events.push(event);
        }
    }

    pub fn group(&mut self) -> String {
        let answer = self.ok(
            "POST",
            "/prod/inputSecurityGroups",
            json!({"whitelistRules": [{"cidr": "192.0.2.0/24"}]}),
        );
        text(&answer["securityGroup"]["id"])
    }

    pub fn input(&mut self, name: &str, group: &str) -> String {
        let answer = self.ok("POST", "/prod/inputs", json!({
            "type": "RTP_PUSH", "name": name, "inputSecurityGroups": [group], "tags": {"lunora:destination": name},
        }));
        text(&answer["input"]["id"])
    }

    /// A channel in IDLE with an input and a group of its own: channel id and input id.
    pub fn channel(&mut self, name: &str) -> (String, String) {
        let group = self.group();
        let input = self.input(name, &group);
        let answer = self.ok("POST", "/prod/channels", channel_body(name, &input));
        self.pass(4);
        (text(&answer["channel"]["id"]), input)
    }

    pub fn state(&mut self, channel: &str) -> String {
        text(&self.ok("GET", &format!("/prod/channels/{channel}"), Value::Null)["state"])
    }

    pub fn input_state(&mut self, input: &str) -> String {
        text(&self.ok("GET", &format!("/prod/inputs/{input}"), Value::Null)["state"])
    }

    pub fn start(&mut self, channel: &str) {
        self.ok(
            "POST",
            &format!("/prod/channels/{channel}/start"),
            Value::Null,
        );
    }

    pub fn stop(&mut self, channel: &str) {
        self.ok(
            "POST",
            &format!("/prod/channels/{channel}/stop"),
            Value::Null,
        );
    }

    /// A channel in RUNNING that a flow feeds: its id, and the ARN of the flow, encoded for a path.
    pub fn fed(&mut self) -> (String, String) {
        let flow = self.flow();
        let outputs = json!({"outputs": [output("a", "203.0.113.1")]});
        self.ok("POST", &format!("/v1/flows/{flow}/outputs"), outputs);
        self.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
        let (id, _) = self.channel("a");
        self.start(&id);
        self.pass(40);
        (id, flow)
    }

    /// What ListAlerts says: types, in order.
    pub fn alerts(&mut self, channel: &str, filter: &str) -> Vec<String> {
        let path = format!("/prod/channels/{channel}/alerts?stateFilter={filter}");
        let alerts = self.ok("GET", &path, Value::Null)["alerts"].clone();
        let alerts = alerts.as_array().unwrap().iter();
        alerts.map(|alert| text(&alert["alertType"])).collect()
    }

    /// Alert events since the last look: (alarm_state, alert_type).
    pub fn alarms(&mut self) -> Vec<(String, String)> {
        let events = std::mem::take(&mut self.events);
        let alerts = events
            .iter()
            .filter(|event| event["detail-type"] == "MediaLive Channel Alert");
        alerts
            .map(|event| {
                let detail = &event["detail"];
                (text(&detail["alarm_state"]), text(&detail["alert_type"]))
            })
            .collect()
    }

    /// A flow with one source: its ARN, encoded for a path.
    pub fn flow(&mut self) -> String {
        let answer = self.ok(
            "POST",
            "/v1/flows",
            json!({"name": "main", "sources": [source("primary", 9998)]}),
        );
        encode(&text(&answer["flow"]["flowArn"]))
    }

    pub fn flow_status(&mut self, flow: &str) -> String {
        text(&self.ok("GET", &format!("/v1/flows/{flow}"), Value::Null)["flow"]["status"])
    }

    /// Of the events told so far: (detail-type, state or status).
    pub fn told(&self) -> Vec<(String, String)> {
        let what = |detail: &Value| {
            let member = ["state", "currentStatus", "alarm_state"]
                .into_iter()
                .find(|member| detail[*member].is_string());
            member.map_or_else(String::new, |member| text(&detail[member]))
        };
        self.events
            .iter()
            .map(|event| (text(&event["detail-type"]), what(&event["detail"])))
            .collect()
    }
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

pub(super) fn encode(arn: &str) -> String {
    arn.replace(':', "%3A")
}

pub(super) fn source(name: &str, port: u16) -> Value {
    json!({"name": name, "protocol": "srt-listener", "ingestPort": port, "whitelistCidr": "203.0.113.7/32", "minLatency": 2000})
}

pub(super) fn output(name: &str, destination: &str) -> Value {
    json!({"name": name, "protocol": "rtp-fec", "destination": destination, "port": 5000, "smoothingLatency": 0})
}

/// A whole CreateChannel body in wire case.
pub(super) fn channel_body(name: &str, input: &str) -> Value {
    json!({
        "name": name, "channelClass": "SINGLE_PIPELINE", "logLevel": "WARNING",
        "roleArn": "arn:aws:iam::123456789012:role/MediaLiveAccessRole",
        "inputSpecification": {"codec": "AVC", "resolution": "HD", "maximumBitrate": "MAX_10_MBPS"},
        "inputAttachments": [{"inputAttachmentName": "flow", "inputId": input, "inputSettings": {
            "sourceEndBehavior": "CONTINUE",
            "audioSelectors": [{"name": "default", "selectorSettings": {"audioTrackSelection": {"tracks": [{"track": 1}]}}}],
        }}],
        "destinations": [{"id": "rtmp1", "settings": [{"url": "rtmps://ingest.example.com:443/live2", "streamName": "canary-core-key"}]}],
        "encoderSettings": {
            "timecodeConfig": {"source": "SYSTEMCLOCK"},
            "audioDescriptions": [{"name": "aac", "audioSelectorName": "default", "codecSettings": {"aacSettings": {
                "bitrate": 128000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48000}}}],
            "videoDescriptions": [{"name": "video", "width": 1920, "height": 1080, "codecSettings": {"h264Settings": {
                "rateControlMode": "CBR", "bitrate": 6000000, "framerateControl": "SPECIFIED",
                "framerateNumerator": 30, "framerateDenominator": 1, "gopSize": 2, "gopSizeUnits": "SECONDS"}}}],
            "outputGroups": [{"name": "rtmp", "outputGroupSettings": {"rtmpGroupSettings": {"cacheLength": 30, "restartDelay": 15}},
                "outputs": [{"outputName": "rtmp1", "videoDescriptionName": "video", "audioDescriptionNames": ["aac"],
                    "outputSettings": {"rtmpOutputSettings": {"destination": {"destinationRefId": "rtmp1"}, "numRetries": 10}}}]}],
        },
        "tags": {"lunora:destination": name},
    })
}
