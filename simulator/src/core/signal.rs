//! What the picture does, as far as the APIs can tell: sources that are called, outputs that send,
//! inputs that receive, publications that hold. With a media plane it is reported; without one the
//! core assumes an encoder that always calls and platforms that always take the stream.

use super::Core;
use super::alerts::{FAILED_RTMP, STOPPED_RECEIVING, WRITE_FAILED};
use super::channel::{Channel, ChannelState};
use super::flow::{Flow, Output};
use super::input::RTP_PORT;
use crate::media::view::{
    ChannelView, FlowView, MediaReport, MediaView, OutputView, RtmpDestination, Secret, SourceView,
};

impl Core {
    /// Does the input at an output's address let the flow's egress address in?
    /// What is no input of ours lets everyone in.
    fn admitted(&self, flow: &Flow, output: &Output) -> bool {
        let at = output.text("destination");
        let receiver = self
            .inputs
            .values()
            .find(|input| !input.gone() && input.addresses.iter().any(|ip| ip == at));
        let Some(input) = receiver else { return true };
        input
            .groups
            .iter()
            .filter_map(|id| self.groups.get(id))
            .any(|group| group.admits(&flow.egress_ip))
    }

    pub(super) fn view(&self) -> MediaView {
        let flows = self.flows.values().map(|flow| FlowView {
            arn: flow.arn.clone(),
            active: flow.carries(),
            sources: flow
                .sources
                .iter()
                .map(|source| {
                    let text =
                        |member: &str| source.request.get(member).and_then(|value| value.as_str());
                    let number =
                        |member: &str| source.request.get(member).and_then(|value| value.as_u64());
                    let secret = source
                        .request
                        .get("decryption")
                        .and_then(|decryption| decryption["secretArn"].as_str());
                    SourceView {
                        arn: source.arn.clone(),
                        name: source.name().to_owned(),
                        protocol: text("protocol").unwrap_or_default().to_owned(),
                        port: u16::try_from(number("ingestPort").unwrap_or_default())
                            .unwrap_or_default(),
                        whitelist: text("whitelistCidr").map(str::to_owned),
                        passphrase_secret_arn: secret.map(str::to_owned),
                        min_latency_ms: u32::try_from(number("minLatency").unwrap_or(2000))
                            .unwrap_or(2000),
                    }
                })
                .collect(),
            outputs: flow
                .outputs
                .iter()
                .map(|output| OutputView {
                    arn: output.arn.clone(),
                    name: output.text("name").to_owned(),
                    enabled: output.enabled(),
                    destination: output.text("destination").to_owned(),
                    port: u16::try_from(output.number("port")).unwrap_or_default(),
                    fec: output.text("protocol") == "rtp-fec",
                    admitted: self.admitted(flow, output),
                })
                .collect(),
        });
        let on_air = |channel: &&Channel| {
            matches!(
                channel.state,
                ChannelState::Running | ChannelState::Recovering
            )
        };
        let channels = self
            .channels
            .values()
            .filter(on_air)
            .map(|channel| self.channel_view(channel));
        MediaView {
            flows: flows.collect(),
            channels: channels.collect(),
        }
    }

    fn channel_view(&self, channel: &Channel) -> ChannelView {
        let setting = channel
            .settings
            .get("destinations")
            .and_then(|rows| rows.pointer("/0/settings/0"));
        let text = |member: &str| {
            setting
                .and_then(|row| row[member].as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let inputs = channel.input_ids();
        let addresses = inputs
            .iter()
            .filter_map(|id| self.inputs.get(id))
            .filter_map(|input| input.addresses.first());
        ChannelView {
            id: channel.id.clone(),
            run: channel.run,
            input_addresses: addresses.map(|ip| (ip.clone(), RTP_PORT)).collect(),
            encoder_settings: channel.encoder().clone(),
            destination: RtmpDestination {
                url: text("url"),
                stream_name: Secret::new(text("streamName")),
            },
            input_settings: channel
                .attachments()
                .first()
                .map(|row| row["inputSettings"].clone())
                .unwrap_or_default(),
        }
    }

    pub(super) fn take_report(&mut self, report: &MediaReport) {
        match report {
            MediaReport::SourceConnected {
                flow_arn,
                source_arn,
            } => self.source_state(flow_arn, source_arn, true),
            MediaReport::SourceDisconnected {
                flow_arn,
                source_arn,
            } => self.source_state(flow_arn, source_arn, false),
            MediaReport::InputLost { channel_id } => self.input_signal(channel_id, false),
            MediaReport::InputRestored { channel_id } => self.input_signal(channel_id, true),
            MediaReport::RtmpConnected { channel_id } => {
                self.trouble(channel_id, None);
                self.alert_clear(channel_id, FAILED_RTMP);
                self.alert_clear(channel_id, WRITE_FAILED);
            }
            MediaReport::RtmpFailed { channel_id, reason } => {
                self.trouble(channel_id, Some(reason));
                if self.on_air(channel_id) {
                    self.alert_set(
                        channel_id,
                        FAILED_RTMP,
                        &format!("RTMP connection failed: {reason}"),
                    );
                }
            }
            MediaReport::OutputGaveUp { channel_id } => self.output_gave_up(channel_id),
            MediaReport::EncoderFailed { channel_id, reason } => {
                self.trouble(channel_id, Some(reason));
                if self
                    .channels
                    .get(channel_id)
                    .is_some_and(|channel| channel.state == ChannelState::Running)
                {
                    let lasting = self.duration("channel_recover");
                    self.channel_recovers(channel_id, lasting);
                }
            }
            MediaReport::Egress { channel_id, bytes } => {
                self.meter.count_bytes(channel_id, bytes * self.scale)
            }
        }
    }

    fn on_air(&self, id: &str) -> bool {
        let state = self.channels.get(id).map(|channel| channel.state);
        matches!(
            state,
            Some(ChannelState::Running | ChannelState::Recovering)
        )
    }

    fn trouble(&mut self, id: &str, reason: Option<&String>) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.trouble = reason.cloned();
            channel.connected = reason.is_none();
        }
    }

    /// The retries are used up: the output stops, and with its only output the channel stops
    /// (user guide: RTMP connection). The state after that is not documented, so it can be left out.
    fn output_gave_up(&mut self, id: &str) {
        if !self.on_air(id) {
            return;
        }
        self.alert_set(
            id,
            WRITE_FAILED,
            "The output stopped: its connection retries are used up",
        );
        if self.options.gave_up == "stops" {
            self.channel_begin(
                id,
                ChannelState::Stopping,
                "channel_stop",
                ChannelState::Idle,
            );
        }
    }

    fn input_signal(&mut self, id: &str, receiving: bool) {
        if !self.on_air(id) {
            return;
        }
        if let Some(channel) = self.channels.get_mut(id) {
            channel.receiving = receiving;
        }
        if receiving {
            self.alert_clear(id, STOPPED_RECEIVING);
        } else {
            self.alert_set(
                id,
                STOPPED_RECEIVING,
                "The input has stopped receiving packets",
            );
        }
    }

    fn source_state(&mut self, arn: &str, source_arn: &str, connected: bool) {
        let Some(flow) = self.flows.get_mut(arn).filter(|flow| flow.carries()) else {
            return;
        };
        let was_fed = flow.fed();
        let source = flow
            .sources
            .iter_mut()
            .find(|source| source.arn == source_arn && source.connected != connected);
        let Some(source) = source else { return };
        source.connected = connected;
        let is_fed = flow.fed();
        let word = |connected: bool| {
            if connected {
                "CONNECTED"
            } else {
                "DISCONNECTED"
            }
        };
        self.emit_source_health(arn, source_arn, word(!connected), word(connected));
        if was_fed != is_fed {
            self.emit_flow_health(arn, was_fed, is_fed);
        }
    }

    /// The flow carries no more: nobody is connected.
    pub(super) fn sources_end(&mut self, arn: &str, was_fed: bool) {
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let mut ended = Vec::new();
        for source in flow.sources.iter_mut().filter(|source| source.connected) {
            source.connected = false;
            ended.push(source.arn.clone());
        }
        for source in ended {
            self.emit_source_health(arn, &source, "CONNECTED", "IDLE");
        }
        if was_fed {
            self.emit_flow_health(arn, true, false);
        }
    }

    /// Brings what follows from everything else up to date: with ideal media who is connected and
    /// who receives, and always what the outputs do.
    pub(super) fn settle_signal(&mut self) {
        if self.options.media == "ideal" {
            self.assume_sources();
            self.assume_inputs();
        }
        let mut changes = Vec::new();
        for flow in self.flows.values_mut() {
            let fed = flow.fed();
            for output in &mut flow.outputs {
                let health = match (output.enabled() && fed, output.health) {
                    (true, _) => "SENDING",
                    _ => "IDLE",
                };
                if health != output.health {
                    changes.push((flow.arn.clone(), output.arn.clone(), output.health, health));
                    output.health = health;
                }
            }
        }
        for (flow, output, previous, current) in changes {
            self.emit_output_health(&flow, &output, previous, current);
        }
    }

    fn assume_sources(&mut self) {
        let on = self.options.feed == "on";
        let mut changes = Vec::new();
        for flow in self.flows.values().filter(|flow| flow.carries()) {
            for (index, source) in flow.sources.iter().enumerate() {
                let wanted = on && index == 0;
                if source.connected != wanted {
                    changes.push((flow.arn.clone(), source.arn.clone(), wanted));
                }
            }
        }
        for (flow, source, connected) in changes {
            self.source_state(&flow, &source, connected);
        }
    }

    fn assume_inputs(&mut self) {
        let mut changes = Vec::new();
        for channel in self
            .channels
            .values()
            .filter(|channel| channel.state == ChannelState::Running)
        {
            let receiving = self.receives(channel);
            if receiving != channel.receiving {
                changes.push((channel.id.clone(), receiving));
            }
        }
        for (id, receiving) in changes {
            self.input_signal(&id, receiving);
        }
    }

    /// Some attached input is fed by an enabled output of a fed flow, or is of a kind that no flow feeds.
    fn receives(&self, channel: &Channel) -> bool {
        let ids = channel.input_ids();
        ids.iter()
            .filter_map(|id| self.inputs.get(id))
            .any(|input| {
                let own = |output: &Output| {
                    output.input_arn.as_deref() == Some(&input.arn)
                        || input
                            .addresses
                            .first()
                            .is_some_and(|ip| ip == output.text("destination"))
                };
                let flows = self.flows.values().filter(|flow| flow.fed());
                let fed =
                    flows.flat_map(|flow| flow.outputs.iter().map(move |output| (flow, output)));
                let mut arriving = fed.filter(|(flow, output)| {
                    output.enabled() && own(output) && self.admitted(flow, output)
                });
                !matches!(input.kind.as_str(), "RTP_PUSH" | "MEDIACONNECT")
                    || arriving.next().is_some()
            })
    }
}
