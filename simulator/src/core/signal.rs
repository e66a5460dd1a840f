//! What the picture does, as far as the APIs can tell: sources that are called, outputs that send,
//! inputs that receive, publications that hold. With a media plane it is reported; without one the
//! core assumes an encoder that always calls and platforms that always take the stream.

use super::Core;
use super::alerts::{FAILED_RTMP, WRITE_FAILED};
use super::channel::{Channel, ChannelState};
use super::flow::{Flow, Interruption, Output};
use super::health::Tr101;
use super::input::RTP_PORT;
use super::timers::Timer;
use crate::media::view::{
    ChannelView, FlowView, MediaReport, MediaView, OutputView, RtmpDestination, Secret, SourceView,
};

/// So long after the last packet an RTP input counts as lost (user guide: alert 5302).
const INPUT_SILENCE_MS: u64 = 1000;

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
            active: flow.carries() && flow.interrupted != Some(Interruption::Whole),
            primary: flow.primary().map(str::to_owned),
            sources: flow
                .sources
                .iter()
                .map(|source| {
                    let number =
                        |member: &str| source.request.get(member).and_then(|value| value.as_u64());
                    let secret = source
                        .request
                        .get("decryption")
                        .and_then(|decryption| decryption["secretArn"].as_str());
                    SourceView {
                        arn: source.arn.clone(),
                        name: source.name().to_owned(),
                        protocol: source.text("protocol").to_owned(),
                        port: u16::try_from(number("ingestPort").unwrap_or_default())
                            .unwrap_or_default(),
                        whitelist: Some(source.text("whitelistCidr").to_owned())
                            .filter(|cidr| !cidr.is_empty()),
                        passphrase_secret_arn: secret.map(str::to_owned),
                        min_latency_ms: u32::try_from(number("minLatency").unwrap_or(2000))
                            .unwrap_or(2000),
                        cut: !source.reachable(),
                    }
                })
                .collect(),
            outputs: flow
                .outputs
                .iter()
                .map(|output| OutputView {
                    arn: output.arn.clone(),
                    name: output.text("name").to_owned(),
                    enabled: output.enabled() && flow.interrupted.is_none(),
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
            platforms: self.platform_views(),
            thumbnails: self
                .channels
                .values()
                .filter(|channel| self.thumbnail_wanted(channel))
                .map(|channel| channel.id.clone())
                .collect(),
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
            waits: self.options.probe == "waits",
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
            } => self.source_sends(flow_arn, source_arn, true),
            MediaReport::SourceDisconnected {
                flow_arn,
                source_arn,
            } => self.source_disconnects(flow_arn, source_arn),
            MediaReport::SourceSending {
                flow_arn,
                source_arn,
                sending,
            } => self.source_sends(flow_arn, source_arn, *sending),
            MediaReport::SourceSelected {
                flow_arn,
                source_arn,
            } => self.select_source(flow_arn, Some(source_arn.clone())),
            MediaReport::SourceErrors {
                flow_arn,
                source_arn,
                continuity,
            } => {
                let errors = Tr101 {
                    continuity: *continuity,
                    ..Tr101::default()
                };
                self.source_errors(flow_arn, source_arn, errors);
            }
            MediaReport::InputLost { channel_id } => self.input_signal(channel_id, false),
            MediaReport::InputRestored { channel_id } => self.input_signal(channel_id, true),
            MediaReport::RtmpConnected { channel_id } => {
                if let Some(channel) = self.channels.get_mut(channel_id) {
                    (channel.connected, channel.probed) = (true, true);
                    channel.trouble = None;
                }
                self.alert_clear(channel_id, FAILED_RTMP);
                self.alert_clear(channel_id, WRITE_FAILED);
            }
            MediaReport::RtmpFailed { channel_id, reason } => {
                self.rtmp_trouble(channel_id, reason);
            }
            MediaReport::OutputGaveUp { channel_id } => self.output_gave_up(channel_id),
            MediaReport::EncoderFailed { channel_id, reason } => {
                if let Some(channel) = self.channels.get_mut(channel_id) {
                    channel.trouble = Some(reason.clone());
                    channel.connected = false;
                }
                if self
                    .channels
                    .get(channel_id)
                    .is_some_and(|channel| channel.state == ChannelState::Running)
                {
                    let lasting = self.duration("channel_recover");
                    self.channel_recovers(channel_id, lasting);
                }
            }
            MediaReport::Thumbnail { channel_id, jpeg } => self.take_thumbnail(channel_id, jpeg),
            MediaReport::Transfer { output_arn, bytes } => {
                self.meter.count_transfer(output_arn, bytes * self.scale);
            }
            MediaReport::Egress { channel_id, bytes } => {
                self.meter.count_bytes(channel_id, bytes * self.scale)
            }
        }
    }

    /// The retries are used up: the output stops, and with its only output the channel stops
    /// (user guide: RTMP connection). The state after that is not documented, so it can be left out.
    pub(super) fn output_gave_up(&mut self, id: &str) {
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

    /// Brings what follows from everything else up to date: with ideal media who is connected and
    /// who receives, and always what the outputs do. Where nothing has changed since it found
    /// nothing to do, it does not look again.
    pub(super) fn settle_signal(&mut self) {
        let version = self.notes.version();
        if self.settled == Some(version) {
            return;
        }
        let mut settled = true;
        if self.options.media == "ideal" {
            settled &= self.assume_sources();
            settled &= self.assume_inputs();
            settled &= self.assume_publications();
        }
        let mut changes = Vec::new();
        for flow in self.flows.values_mut() {
            let sends = flow.sends();
            // What was silent and is silent has nothing to say of its outputs.
            if !sends && !flow.sent {
                continue;
            }
            flow.sent = sends;
            for output in &mut flow.outputs {
                let health = if sends && output.enabled() {
                    "SENDING"
                } else {
                    "IDLE"
                };
                if health != output.health {
                    changes.push((flow.arn.clone(), output.arn.clone(), output.health, health));
                    output.health = health;
                }
            }
        }
        settled &= changes.is_empty();
        for (flow, output, previous, current) in changes {
            self.emit_output_health(&flow, &output, previous, current);
            self.meter_transfer(&flow, &output, current == "SENDING");
        }
        self.settled = settled.then_some(version);
    }

    /// Whether there was nothing to change.
    fn assume_sources(&mut self) -> bool {
        let mut changes = Vec::new();
        for flow in self.flows.values().filter(|flow| flow.carries()) {
            let open = flow.interrupted != Some(Interruption::Whole);
            for (index, source) in flow.sources.iter().enumerate() {
                let called = match self.options.feed.as_str() {
                    "all" => true,
                    "on" => index == 0,
                    _ => false,
                };
                let wanted = called && open && source.reachable();
                if source.sending != wanted {
                    changes.push((flow.arn.clone(), source.arn.clone(), wanted));
                }
            }
        }
        let settled = changes.is_empty();
        for (flow, source, sending) in changes {
            self.source_sends(&flow, &source, sending);
        }
        settled
    }

    /// An input that receives nothing counts as lost after a second (user guide: alert 5302).
    /// Whether there was nothing to change.
    fn assume_inputs(&mut self) -> bool {
        let now = self.now;
        let mut changes = Vec::new();
        let running = |channel: &&Channel| channel.state == ChannelState::Running;
        for channel in self.channels.values().filter(running) {
            let receives = self.receives(channel);
            let known_silent = channel.silent_since.is_some();
            let news = !channel.receiving || !channel.probed;
            if receives == known_silent || receives && news {
                changes.push((channel.id.clone(), receives));
            }
        }
        let settled = changes.is_empty();
        for (id, receives) in changes {
            let Some(channel) = self.channels.get_mut(&id) else {
                continue;
            };
            if receives {
                channel.silent_since = None;
                channel.probed = true;
                if !channel.receiving {
                    self.input_signal(&id, true);
                }
            } else if channel.silent_since.is_none() {
                channel.silent_since = Some(now);
                self.later(INPUT_SILENCE_MS, Timer::InputSilent { id, since: now });
            }
        }
        settled
    }

    /// A running channel publishes once it has decoded a picture (user guide: alert 5007).
    /// Whether there was nothing to change.
    fn assume_publications(&mut self) -> bool {
        let waits = self.options.probe == "waits";
        let due = self.channels.values().filter(|channel| {
            let running = channel.state == ChannelState::Running;
            running && !channel.publishing && (channel.probed || !waits)
        });
        let due: Vec<String> = due.map(|channel| channel.id.clone()).collect();
        let settled = due.is_empty();
        for id in due {
            self.rtmp_begins(&id);
        }
        settled
    }

    pub(super) fn input_stays_silent(&mut self, id: &str, since: u64) {
        let still = |channel: &&Channel| {
            channel.silent_since == Some(since)
                && channel.receiving
                && channel.state == ChannelState::Running
        };
        if self.channels.get(id).filter(still).is_some() {
            self.input_signal(id, false);
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
