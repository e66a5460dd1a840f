//! One source of a flow: who calls it, what arrives, and how DescribeFlow shows it. An SRT listener
//! takes one caller at a time (MediaConnect user guide: SRT listener sources).

use serde_json::{Map, Value, json};

use super::flow::{Flow, pick};
use super::health::Tr101;
use super::metrics::Quality;
use super::tags::Tags;

/// One source; `request` is SetSourceRequest in wire case.
#[derive(Clone)]
pub(super) struct Source {
    pub arn: String,
    pub request: Map<String, Value>,
    pub tags: Tags,
    pub ingest_ip: String,
    /// MediaConnect knows of a caller.
    pub connected: bool,
    /// Data arrives right now.
    pub sending: bool,
    /// When `sending` last changed; a timer that was set for an earlier change is void.
    pub sending_since: u64,
    /// The line is cut, by hand.
    pub cut: bool,
    /// Its caller was dropped by an update and has not called again.
    pub away: bool,
    /// Whose address DescribeFlow shows: it follows up to 20 seconds behind.
    pub peer: Option<String>,
    pub tr101: Tr101,
    /// How good its line is, by hand.
    pub quality: Quality,
}

impl Source {
    pub fn new(arn: String, request: Map<String, Value>, tags: Tags) -> Self {
        Self {
            arn,
            request,
            tags,
            ingest_ip: "192.0.2.5".into(),
            connected: false,
            sending: false,
            sending_since: 0,
            cut: false,
            away: false,
            peer: None,
            tr101: Tr101::default(),
            quality: Quality::default(),
        }
    }

    pub fn text(&self, member: &str) -> &str {
        let value = self.request.get(member).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The state in the words of the Source Health event.
    pub fn state(&self) -> &'static str {
        if self.connected {
            "CONNECTED"
        } else {
            "DISCONNECTED"
        }
    }

    /// The address a caller would have: the first of those that may call.
    pub fn caller(&self) -> String {
        let block = self.text("whitelistCidr");
        block.split('/').next().unwrap_or_default().to_owned()
    }

    /// May data come in, as far as the line is concerned?
    pub fn reachable(&self) -> bool {
        !self.cut && !self.away
    }

    pub fn json(&self) -> Value {
        let transport = pick(
            &self.request,
            &[
                "protocol",
                "minLatency",
                "maxLatency",
                "maxBitrate",
                "maxSyncBuffer",
                "streamId",
                "senderControlPort",
                "senderIpAddress",
                "sourceListenerAddress",
                "sourceListenerPort",
            ],
        );
        let mut out = pick(
            &self.request,
            &[
                "name",
                "ingestPort",
                "whitelistCidr",
                "decryption",
                "description",
                "entitlementArn",
                "vpcInterfaceName",
            ],
        );
        out.insert("sourceArn".into(), json!(self.arn));
        out.insert("ingestIp".into(), json!(self.ingest_ip));
        out.insert("transport".into(), Value::Object(transport));
        if let Some(peer) = &self.peer {
            out.insert("peerIpAddress".into(), json!(peer));
        }
        Value::Object(out)
    }
}

impl Flow {
    pub fn source(&self, arn: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.arn == arn)
    }

    pub fn source_mut(&mut self, arn: &str) -> Option<&mut Source> {
        self.sources.iter_mut().find(|source| source.arn == arn)
    }

    /// The source that is used now.
    pub fn on_air(&self) -> Option<&Source> {
        self.source(self.selected.as_deref()?)
    }

    pub fn failover_config(&self) -> &Value {
        let config = self.extra.get("sourceFailoverConfig");
        config.unwrap_or(&Value::Null)
    }

    /// ARN of the source that has priority, if one has; with one source none needs it.
    pub fn primary(&self) -> Option<&str> {
        let config = self.failover_config();
        let name = config["sourcePriority"]["primarySource"].as_str()?;
        let found = self.sources.iter().find(|source| source.name() == name)?;
        (config["state"] == "ENABLED").then_some(found.arn.as_str())
    }
}
