//! The seam between the core and the media plane: plain data in both directions.
//! The core makes a `MediaView` of everything that should carry video now, the plane answers with
//! `MediaReport`s. Stream names pass through here, so they have a type that cannot be printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// A text that must never be printed, logged or serialised by accident.
/// Only the media plane (to publish) and the AWS-shaped answers (as AWS does) expose it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Everything that should carry video now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaView {
    /// Every flow that exists, active or not, in order of creation.
    pub flows: Vec<FlowView>,
    /// Channels in RUNNING or RECOVERING, in order of creation.
    pub channels: Vec<ChannelView>,
    /// What platforms do on purpose, by channel; those that are not named do what they do.
    pub platforms: BTreeMap<String, PlatformView>,
    /// Channels whose picture somebody wants to see.
    pub thumbnails: BTreeSet<String>,
}

/// A platform that fails on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlatformView {
    /// No connection comes about.
    pub refuses: bool,
    /// It accepts the publication and closes it a moment later.
    pub closes: bool,
    /// Counts the connections that were dropped by hand.
    pub drops: u64,
}

/// One MediaConnect flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowView {
    /// The flow's ARN.
    pub arn: String,
    /// True while the flow listens and sends (ACTIVE, or UPDATING while it was ACTIVE).
    pub active: bool,
    /// ARN of the source that is used whenever it has data; none if both are equal.
    pub primary: Option<String>,
    /// One or two sources.
    pub sources: Vec<SourceView>,
    /// Outputs, enabled or not.
    pub outputs: Vec<OutputView>,
}

/// One source of a flow: an SRT listener.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceView {
    /// The source's ARN.
    pub arn: String,
    /// Its name, for example `primary`.
    pub name: String,
    /// `srt-listener`, `rtp`, `rtp-fec` and so on, as the API has it.
    pub protocol: String,
    /// The port the listener listens on.
    pub port: u16,
    /// The addresses that may call, as a CIDR block.
    pub whitelist: Option<String>,
    /// The secret that holds the SRT passphrase; none means an open listener.
    pub passphrase_secret_arn: Option<String>,
    /// SRT latency.
    pub min_latency_ms: u32,
    /// The line is cut: whoever calls is dropped, and nobody gets through.
    pub cut: bool,
}

/// One output of a flow: an RTP sender.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutputView {
    /// The output's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// False for an output whose status is DISABLED.
    pub enabled: bool,
    /// The address it sends to, as the API has it (an invented public address).
    pub destination: String,
    /// The port it sends to.
    pub port: u16,
    /// True for protocol `rtp-fec`.
    pub fec: bool,
    /// False if the receiving input's security group refuses the flow's egress address:
    /// packets are sent and arrive nowhere.
    pub admitted: bool,
}

/// One running MediaLive channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelView {
    /// The channel's id.
    pub id: String,
    /// Counts the starts: a new number means a new encoder.
    pub run: u64,
    /// Nothing goes out before the first picture has come in.
    pub waits: bool,
    /// The first address of each attached push input, as the API has it.
    pub input_addresses: Vec<(String, u16)>,
    /// `encoderSettings` in wire case.
    pub encoder_settings: Value,
    /// Where the first pipeline publishes to.
    pub destination: RtmpDestination,
    /// `inputSettings` of the first attachment, in wire case (Null if absent).
    pub input_settings: Value,
}

/// An RTMP destination as CreateChannel had it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtmpDestination {
    /// Ends at the application name.
    pub url: String,
    /// The stream key.
    pub stream_name: Secret,
}

/// What the media plane saw happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaReport {
    /// A caller is connected to a source and sends.
    SourceConnected {
        /// The flow.
        flow_arn: String,
        /// The source.
        source_arn: String,
    },
    /// The caller of a source is gone.
    SourceDisconnected {
        /// The flow.
        flow_arn: String,
        /// The source.
        source_arn: String,
    },
    /// A connected caller has gone silent for half a second, or sends again.
    SourceSending {
        /// The flow.
        flow_arn: String,
        /// The source.
        source_arn: String,
        /// Whether data arrives.
        sending: bool,
    },
    /// The flow uses this source from now on.
    SourceSelected {
        /// The flow.
        flow_arn: String,
        /// The source.
        source_arn: String,
    },
    /// Packets of a source are missing, or it is whole again.
    SourceErrors {
        /// The flow.
        flow_arn: String,
        /// The source.
        source_arn: String,
        /// Whether the continuity counters have gaps.
        continuity: bool,
    },
    /// A channel's input received nothing for at least a second.
    InputLost {
        /// The channel.
        channel_id: String,
    },
    /// Its input receives again.
    InputRestored {
        /// The channel.
        channel_id: String,
    },
    /// The RTMP server accepted the publication.
    RtmpConnected {
        /// The channel.
        channel_id: String,
    },
    /// The RTMP connection failed or was lost; retries go on.
    RtmpFailed {
        /// The channel.
        channel_id: String,
        /// A short reason without the stream name.
        reason: String,
    },
    /// The retries are used up: the output stops.
    OutputGaveUp {
        /// The channel.
        channel_id: String,
    },
    /// A picture of what the channel receives.
    Thumbnail {
        /// The channel.
        channel_id: String,
        /// JPEG.
        jpeg: Vec<u8>,
    },
    /// The encoder died and is being started again.
    EncoderFailed {
        /// The channel.
        channel_id: String,
        /// A short reason without the stream name.
        reason: String,
    },
    /// Bytes that an output of a flow sent since the last such report.
    Transfer {
        /// The output.
        output_arn: String,
        /// How many.
        bytes: u64,
    },
    /// Bytes that left for the platform since the last such report.
    Egress {
        /// The channel.
        channel_id: String,
        /// How many.
        bytes: u64,
    },
}
