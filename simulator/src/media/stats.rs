//! What the media plane counted, for the control page. Numbers only: nothing here can hold a key.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::flv::{Kind, Tag};

/// Counters of one run of a channel.
#[derive(Debug, Default)]
pub struct Counters {
    frames: AtomicU64,
    audio: AtomicU64,
    finished_bytes: AtomicU64,
    connection_bytes: AtomicU64,
    connections: AtomicU64,
    connected_since_ms: AtomicU64,
    frames_not_sent: AtomicU64,
    input_packets: AtomicU64,
    rtp_lost: AtomicU64,
    rtp_recovered: AtomicU64,
    encoder_starts: AtomicU64,
    input_dropped: AtomicU64,
    on_slate: AtomicBool,
}

/// The counters as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChannelStats {
    /// Pictures sent to the platform.
    pub frames_sent: u64,
    /// Audio messages sent to the platform.
    pub audio_messages_sent: u64,
    /// Pictures made but never sent: no connection, or before the first key frame of one.
    pub frames_not_sent: u64,
    /// Bytes sent to the platform.
    pub bytes_sent: u64,
    /// Milliseconds since 1970 at which the present connection was accepted; 0 if there is none.
    pub connected_since_ms: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Groups of seven transport stream packets received.
    pub input_packets: u64,
    /// Datagrams lost on the way to the input.
    pub rtp_lost: u64,
    /// Datagrams brought back by FEC.
    pub rtp_recovered: u64,
    /// Groups the encoder was too slow to take.
    pub input_dropped: u64,
    /// Encoders started, slates among them.
    pub encoder_starts: u64,
    /// True while black is sent because the input is lost.
    pub on_slate: bool,
}

impl Counters {
    #[allow(
        clippy::disallowed_methods,
        reason = "the media plane moves real video in real time; this is for display"
    )]
    pub(super) fn connected(&self) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.connected_since_ms
            .store(now.as_millis() as u64, Relaxed);
        self.connections.fetch_add(1, Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connected_since_ms.store(0, Relaxed);
        self.finished_bytes
            .fetch_add(self.connection_bytes.swap(0, Relaxed), Relaxed);
    }

    pub(super) fn sent(&self, tag: &Tag) {
        match tag.kind {
            Kind::Video if tag.is_picture() => self.frames.fetch_add(1, Relaxed),
            Kind::Audio if !tag.is_header() => self.audio.fetch_add(1, Relaxed),
            _ => 0,
        };
    }

    pub(super) fn sent_bytes(&self, of_this_connection: u64) {
        self.connection_bytes.store(of_this_connection, Relaxed);
    }

    pub(super) fn dropped(&self, pictures: u64) {
        self.frames_not_sent.fetch_add(pictures, Relaxed);
    }

    pub(super) fn received(&self, lost: u64, recovered: u64) {
        self.input_packets.fetch_add(1, Relaxed);
        self.rtp_lost.store(lost, Relaxed);
        self.rtp_recovered.store(recovered, Relaxed);
    }

    pub(super) fn input_dropped(&self) {
        self.input_dropped.fetch_add(1, Relaxed);
    }

    pub(super) fn encoder_started(&self) {
        self.encoder_starts.fetch_add(1, Relaxed);
    }

    pub(super) fn slate(&self, on: bool) {
        self.on_slate.store(on, Relaxed);
    }

    fn read(&self) -> ChannelStats {
        ChannelStats {
            frames_sent: self.frames.load(Relaxed),
            audio_messages_sent: self.audio.load(Relaxed),
            frames_not_sent: self.frames_not_sent.load(Relaxed),
            bytes_sent: self.finished_bytes.load(Relaxed) + self.connection_bytes.load(Relaxed),
            connected_since_ms: self.connected_since_ms.load(Relaxed),
            reconnects: self.connections.load(Relaxed).saturating_sub(1),
            input_packets: self.input_packets.load(Relaxed),
            rtp_lost: self.rtp_lost.load(Relaxed),
            rtp_recovered: self.rtp_recovered.load(Relaxed),
            input_dropped: self.input_dropped.load(Relaxed),
            encoder_starts: self.encoder_starts.load(Relaxed),
            on_slate: self.on_slate.load(Relaxed),
        }
    }
}

/// What happens at one source of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceStats {
    /// The address the SRT listener is bound to; empty while it is not.
    pub listening: String,
    /// True while a caller sends.
    pub connected: bool,
    /// Why it does not listen, in a sentence; empty if it does.
    pub problem: String,
    /// Callers turned away, most often for a wrong passphrase.
    pub refused: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Bits a second over the last second or so.
    pub bits_per_second: u64,
    /// SRT packets received from the present caller.
    pub packets: u64,
    /// Of these, sent again because they were missing.
    pub packets_recovered: u64,
    /// Packets that never came in time.
    pub packets_lost: u64,
    /// Callers that went.
    pub disconnections: u64,
}

/// What a flow makes of its sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowStats {
    /// ARN of the source in use.
    pub source: String,
    /// How often another source took over.
    pub switches: u64,
    /// How long nothing went out before the latest of these.
    pub last_gap_ms: u64,
}

/// All counters of the plane, shared by its tasks.
#[derive(Clone, Debug, Default)]
pub struct Book {
    channels: Arc<Mutex<BTreeMap<String, Arc<Counters>>>>,
    sources: Arc<Mutex<BTreeMap<String, SourceStats>>>,
    flows: Arc<Mutex<BTreeMap<String, FlowStats>>>,
    outputs: Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>,
}

impl Book {
    pub(super) fn open(&self, channel_id: &str) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        if let Ok(mut channels) = self.channels.lock() {
            channels.insert(channel_id.to_owned(), counters.clone());
        }
        counters
    }

    pub(super) fn close(&self, channel_id: &str) {
        if let Ok(mut channels) = self.channels.lock() {
            channels.remove(channel_id);
        }
    }

    pub(super) fn source(&self, arn: &str, note: impl FnOnce(&mut SourceStats)) {
        if let Ok(mut sources) = self.sources.lock() {
            note(sources.entry(arn.to_owned()).or_default());
        }
    }

    pub(super) fn forget_source(&self, arn: &str) {
        if let Ok(mut sources) = self.sources.lock() {
            sources.remove(arn);
        }
    }

    pub(super) fn connected(&self, source: &str) -> bool {
        let sources = self.sources.lock();
        sources.is_ok_and(|sources| sources.get(source).is_some_and(|stats| stats.connected))
    }

    pub(super) fn flow(&self, arn: &str, note: impl FnOnce(&mut FlowStats)) {
        if let Ok(mut flows) = self.flows.lock() {
            note(flows.entry(arn.to_owned()).or_default());
        }
    }

    /// The counter of an output, which outlives the output's changes.
    pub(super) fn output(&self, arn: &str) -> Arc<AtomicU64> {
        match self.outputs.lock() {
            Ok(mut outputs) => outputs.entry(arn.to_owned()).or_default().clone(),
            Err(_) => Arc::default(),
        }
    }

    /// What outputs sent since the last call, by ARN.
    pub(super) fn take_outputs(&self) -> BTreeMap<String, u64> {
        let Ok(mut outputs) = self.outputs.lock() else {
            return BTreeMap::new();
        };
        let taken = |(arn, sent): (&String, &Arc<AtomicU64>)| (arn.clone(), sent.swap(0, Relaxed));
        let bytes = outputs.iter().map(taken).filter(|(_, bytes)| *bytes > 0);
        let bytes = bytes.collect();
        outputs.retain(|_, sent| Arc::strong_count(sent) > 1);
        bytes
    }

    pub(super) fn forget_flow(&self, arn: &str) {
        if let Ok(mut flows) = self.flows.lock() {
            flows.remove(arn);
        }
    }

    pub(super) fn flows(&self) -> BTreeMap<String, FlowStats> {
        self.flows
            .lock()
            .map(|flows| flows.clone())
            .unwrap_or_default()
    }

    pub(super) fn channels(&self) -> BTreeMap<String, ChannelStats> {
        let Ok(channels) = self.channels.lock() else {
            return BTreeMap::new();
        };
        channels
            .iter()
            .map(|(id, counters)| (id.clone(), counters.read()))
            .collect()
    }

    pub(super) fn sources(&self) -> BTreeMap<String, SourceStats> {
        self.sources
            .lock()
            .map(|sources| sources.clone())
            .unwrap_or_default()
    }
}
