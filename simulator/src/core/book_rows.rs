//! The rows of the book: one thing each, as it is now.

use std::collections::BTreeMap;

use serde_json::Value;

use super::book::fingerprint;
use super::channel::Channel;
use super::flow::{Flow, Output};
use super::input::Input;

/// A channel in the book.
#[derive(Clone, Copy)]
pub struct ChannelRow<'a> {
    pub(super) channel: &'a Channel,
}

/// An input in the book.
#[derive(Clone, Copy)]
pub struct InputRow<'a> {
    pub(super) input: &'a Input,
}

/// A flow in the book.
#[derive(Clone, Copy)]
pub struct FlowRow<'a> {
    pub(super) flow: &'a Flow,
}

/// An output in the book.
#[derive(Clone, Copy)]
pub struct OutputRow<'a> {
    pub(super) output: &'a Output,
}

impl<'a> ChannelRow<'a> {
    /// MediaLive's id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.channel.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.channel.name()
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &'a BTreeMap<String, String> {
        &self.channel.tags
    }

    /// Its state in AWS's word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.channel.state.name()
    }

    /// Since when it is in this state.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.channel.since
    }

    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.channel.created_at
    }

    /// When it was gone.
    #[must_use]
    pub fn deleted_at(&self) -> Option<u64> {
        self.channel.deleted_at
    }

    /// Everything that is not DELETED is billed, idle or running, and counts against the quota.
    #[must_use]
    pub fn is_billable(&self) -> bool {
        !self.channel.gone()
    }

    /// Runs begun so far: starts, and restarts of its pipelines.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.channel.run
    }

    /// Ids of the attached inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let rows = self.channel.attachments().iter();
        rows.filter_map(|row| row["inputId"].as_str())
    }

    /// A request member other than `destinations`, which holds the stream name.
    #[must_use]
    pub fn setting(&self, member: &str) -> &'a Value {
        match member {
            "destinations" => &Value::Null,
            _ => self.channel.settings.get(member).unwrap_or(&Value::Null),
        }
    }

    /// Every RTMP destination: its inner id, its URL and the fingerprint of its stream name.
    pub fn destinations(&self) -> impl Iterator<Item = (&'a str, &'a str, u64)> + use<'a> {
        let rows = self.channel.settings.get("destinations");
        let rows = rows.and_then(Value::as_array).into_iter().flatten();
        rows.flat_map(|row| {
            let id = row["id"].as_str().unwrap_or_default();
            let settings = row["settings"].as_array().into_iter().flatten();
            settings.map(move |setting| {
                let text = |member: &str| setting[member].as_str().unwrap_or_default();
                (id, text("url"), fingerprint(text("streamName")))
            })
        })
    }
}

impl<'a> InputRow<'a> {
    /// MediaLive's id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.input.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.input.name
    }

    /// `RTP_PUSH` and so on.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        &self.input.kind
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &'a BTreeMap<String, String> {
        &self.input.tags
    }

    /// Its state in AWS's word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.input.state.name()
    }

    /// Since when it is in this state.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.input.since
    }

    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.input.created_at
    }

    /// When it was gone.
    #[must_use]
    pub fn deleted_at(&self) -> Option<u64> {
        self.input.deleted_at
    }

    /// A push input is billed until it is DELETED.
    #[must_use]
    pub fn is_billable(&self) -> bool {
        !self.input.gone() && self.input.is_push()
    }

    /// Its addresses; a single pipeline reads the first.
    #[must_use]
    pub fn addresses(&self) -> &'a [String] {
        &self.input.addresses
    }

    /// Its security groups.
    #[must_use]
    pub fn groups(&self) -> &'a [String] {
        &self.input.groups
    }

    /// The channels that are attached.
    pub fn channels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.input.channels.iter().map(String::as_str)
    }
}

impl<'a> FlowRow<'a> {
    /// MediaConnect's ARN.
    #[must_use]
    pub fn arn(&self) -> &'a str {
        &self.flow.arn
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.flow.name
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &'a BTreeMap<String, String> {
        &self.flow.tags
    }

    /// Where it sends from.
    #[must_use]
    pub fn egress_address(&self) -> &'a str {
        &self.flow.egress_ip
    }

    /// Its status in AWS's word.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.flow.status.name()
    }

    /// Since when it has this status.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.flow.since
    }

    /// Whether it carries video, and so is billed.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.flow.carries()
    }

    /// The name of the source that has priority, if one has.
    #[must_use]
    pub fn priority(&self) -> Option<&'a str> {
        let config = self.flow.failover_config();
        config["sourcePriority"]["primarySource"].as_str()
    }

    /// Its outputs.
    pub fn outputs(&self) -> impl Iterator<Item = OutputRow<'a>> + use<'a> {
        self.flow.outputs.iter().map(|output| OutputRow { output })
    }
}

impl<'a> OutputRow<'a> {
    /// MediaConnect's ARN.
    #[must_use]
    pub fn arn(&self) -> &'a str {
        &self.output.arn
    }

    /// Its name, unique in the flow.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.output.text("name")
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &'a BTreeMap<String, String> {
        &self.output.tags
    }

    /// Whether it sends.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.output.enabled()
    }

    /// Where to.
    #[must_use]
    pub fn destination(&self) -> &'a str {
        self.output.text("destination")
    }

    /// To which port.
    #[must_use]
    pub fn port(&self) -> u64 {
        self.output.number("port")
    }

    /// `rtp-fec` and so on.
    #[must_use]
    pub fn protocol(&self) -> &'a str {
        self.output.text("protocol")
    }
}
