//! Encoder settings as plain data: what a preset becomes in MediaLive's words.
//!
//! The structures serialise to exactly the `encoderSettings` of a CreateChannel body in wire case.
//! The cloud crate maps them to SDK types field by field; enumerated values stay MediaLive's texts.
//!
//! Bitrate and frame rate are always explicit: MediaLive takes the price class of an output from
//! `bitrate`, and where it is absent from the input's maximum; a frame rate taken from the source is
//! billed as 30 to 60 frames per second (MediaLive user guide, pricing and rate control).

mod recipe;

use serde::{Deserialize, Serialize};

use crate::address::hex_prefix;

pub use recipe::{CACHE_SECONDS, RETRY_SECONDS, settings};

/// The constant inner id of the one RTMP destination of every channel. Letters and digits only:
/// what else MediaLive takes here is not documented.
pub const RTMP_DESTINATION_ID: &str = "rtmp1";

/// The audio selector of the input attachment that the audio description refers to.
pub const AUDIO_SELECTOR: &str = "default";

/// All that a channel encodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncoderSettings {
    /// Where timecodes come from.
    pub timecode_config: TimecodeConfig,
    /// One audio encode.
    pub audio_descriptions: Vec<AudioDescription>,
    /// One video encode.
    pub video_descriptions: Vec<VideoDescription>,
    /// One group with one output: RTMP takes one video and one audio per output.
    pub output_groups: Vec<OutputGroup>,
}

impl EncoderSettings {
    /// A stable hash of these settings: the first 32 hex digits of the SHA-256 of their JSON.
    /// It changes when and only when what MediaLive is told changes.
    pub fn fingerprint(&self) -> String {
        // Field order is that of the structures, so the text is canonical.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex_prefix(&[&json])
    }
}

/// `timecodeConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimecodeConfig {
    /// EMBEDDED, SYSTEMCLOCK or ZEROBASED.
    pub source: String,
}

/// `audioDescriptions[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioDescription {
    /// The name outputs refer to.
    pub name: String,
    /// Which selector of the input it takes.
    pub audio_selector_name: String,
    /// FOLLOW_INPUT or USE_CONFIGURED.
    pub audio_type_control: String,
    /// FOLLOW_INPUT or USE_CONFIGURED.
    pub language_code_control: String,
    /// The codec.
    pub codec_settings: AudioCodec,
}

/// The one of `audioDescriptions[].codecSettings` that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudioCodec {
    /// AAC.
    #[serde(rename = "aacSettings")]
    Aac(AacSettings),
}

/// `aacSettings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AacSettings {
    /// Bits per second (the wire type is a double).
    pub bitrate: u32,
    /// CODING_MODE_2_0: stereo.
    pub coding_mode: String,
    /// NORMAL: no audio description mixed in.
    pub input_type: String,
    /// LC.
    pub profile: String,
    /// CBR or VBR.
    pub rate_control_mode: String,
    /// NONE or LATM_LOAS.
    pub raw_format: String,
    /// Hertz (the wire type is a double).
    pub sample_rate: u32,
    /// MPEG2 or MPEG4.
    pub spec: String,
}

/// `videoDescriptions[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VideoDescription {
    /// The name outputs refer to.
    pub name: String,
    /// Pixels; even.
    pub width: u32,
    /// Pixels; even.
    pub height: u32,
    /// NONE, PASSTHROUGH or RESPOND.
    pub respond_to_afd: String,
    /// DEFAULT (keep the picture's shape, pad) or STRETCH_TO_OUTPUT.
    pub scaling_behavior: String,
    /// 0 to 100; 50 is neutral.
    pub sharpness: u32,
    /// The codec.
    pub codec_settings: VideoCodec,
}

/// The one of `videoDescriptions[].codecSettings` that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoCodec {
    /// H.264. Boxed: it is much bigger than what else may come here.
    #[serde(rename = "h264Settings")]
    H264(Box<H264Settings>),
}

/// `h264Settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct H264Settings {
    /// CBR: platforms ask for a constant bitrate.
    pub rate_control_mode: String,
    /// Bits per second.
    pub bitrate: u32,
    /// Bits; twice the bitrate is MediaLive's advice.
    pub buf_size: u32,
    /// Per cent; 90 is MediaLive's advice.
    pub buf_fill_pct: u32,
    /// SPECIFIED, never INITIALIZE_FROM_SOURCE, which is billed as 60 frames per second.
    pub framerate_control: String,
    /// Frame rate, numerator.
    pub framerate_numerator: u32,
    /// Frame rate, denominator.
    pub framerate_denominator: u32,
    /// Time between key frames (the wire type is a double).
    pub gop_size: u32,
    /// SECONDS or FRAMES.
    pub gop_size_units: String,
    /// 1: every group of pictures is closed, so players can start at any key frame.
    pub gop_closed_cadence: u32,
    /// B-frames between reference frames.
    pub gop_num_b_frames: u32,
    /// Whether B-frames are referred to.
    pub gop_b_reference: String,
    /// FIXED or DYNAMIC.
    pub subgop_length: String,
    /// DISABLED: a key frame at a scene change would break the fixed distance.
    pub scene_change_detect: String,
    /// AUTO lets MediaLive choose all kinds of it.
    pub adaptive_quantization: String,
    /// BASELINE, MAIN or HIGH.
    pub profile: String,
    /// H264_LEVEL_AUTO, or a fixed level.
    pub level: String,
    /// CABAC or CAVLC.
    pub entropy_encoding: String,
    /// PROGRESSIVE or INTERLACED.
    pub scan_type: String,
    /// SPECIFIED or INITIALIZE_FROM_SOURCE.
    pub par_control: String,
    /// Pixel aspect ratio, numerator.
    pub par_numerator: u32,
    /// Pixel aspect ratio, denominator.
    pub par_denominator: u32,
    /// Reference frames, 1 to 6.
    pub num_ref_frames: u32,
    /// HIGH, MEDIUM or LOW.
    pub look_ahead_rate_control: String,
    /// STANDARD_QUALITY; ENHANCED_QUALITY is a dearer class.
    pub quality_level: String,
    /// DEFAULT or RP2027.
    pub syntax: String,
    /// INSERT or IGNORE.
    pub color_metadata: String,
    /// AUTO, FIXED or NONE.
    pub afd_signaling: String,
    /// DISABLED or PIC_TIMING_SEI.
    pub timecode_insertion: String,
}

/// `outputGroups[]`. HLS will be one more variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OutputGroup {
    /// A push to one RTMP server.
    Rtmp(RtmpGroup),
}

/// An output group of the RTMP kind with its outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtmpGroup {
    /// At most 32 characters.
    pub name: String,
    /// How the group behaves.
    #[serde(rename = "outputGroupSettings", with = "wrapped::group")]
    pub settings: RtmpGroupSettings,
    /// Exactly one: MediaLive's console allows no more.
    pub outputs: Vec<RtmpOutput>,
}

/// `rtmpGroupSettings`. On a lost connection MediaLive holds `cache_length` seconds, acts by
/// `cache_full_behavior`, waits `restart_delay` and then retries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtmpGroupSettings {
    /// AKAMAI or COMMON.
    pub authentication_scheme: String,
    /// DISCONNECT_IMMEDIATELY or WAIT_FOR_SERVER.
    pub cache_full_behavior: String,
    /// Seconds, at least 30.
    pub cache_length: u32,
    /// ALL, FIELD1_608 or FIELD1_AND_FIELD2_608.
    pub caption_data: String,
    /// AUTO, DROP or INCLUDE.
    pub include_filler_nal_units: String,
    /// EMIT_OUTPUT keeps the platform's session alive with black when the feed is lost.
    pub input_loss_action: String,
    /// Seconds; 0 would mean never.
    pub restart_delay: u32,
}

/// One output of an RTMP group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtmpOutput {
    /// Its name in alerts and metrics.
    pub output_name: String,
    /// The video description it sends.
    pub video_description_name: String,
    /// The audio descriptions it sends: one.
    pub audio_description_names: Vec<String>,
    /// Where and how.
    #[serde(rename = "outputSettings", with = "wrapped::output")]
    pub settings: RtmpOutputSettings,
}

/// `rtmpOutputSettings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtmpOutputSettings {
    /// Which of the channel's destinations.
    pub destination: DestinationRef,
    /// VERIFY_AUTHENTICITY or SELF_SIGNED.
    pub certificate_mode: String,
    /// Seconds between two tries.
    pub connection_retry_interval: u32,
    /// Tries before the output gives up for good.
    pub num_retries: u32,
}

/// `destination`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRef {
    /// The id of the channel's destination.
    pub destination_ref_id: String,
}

/// The wire puts settings into an object with one member that names their kind. The kind is known
/// from the variant of [`OutputGroup`], so that a group and its outputs cannot disagree.
mod wrapped {
    macro_rules! wrapped {
        ($module:ident, $inner:ty, $member:literal) => {
            pub mod $module {
                use serde::{Deserialize, Deserializer, Serialize, Serializer};

                #[derive(Serialize)]
                struct Out<'a> {
                    #[serde(rename = $member)]
                    inner: &'a $inner,
                }

                #[derive(Deserialize)]
                struct In {
                    #[serde(rename = $member)]
                    inner: $inner,
                }

                pub fn serialize<S: Serializer>(inner: &$inner, s: S) -> Result<S::Ok, S::Error> {
                    Out { inner }.serialize(s)
                }

                pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<$inner, D::Error> {
                    In::deserialize(d).map(|wrapped| wrapped.inner)
                }
            }
        };
    }
    wrapped!(
        group,
        crate::encoder::RtmpGroupSettings,
        "rtmpGroupSettings"
    );
    wrapped!(
        output,
        crate::encoder::RtmpOutputSettings,
        "rtmpOutputSettings"
    );
}

/// MediaLive's input specification: what the channel must be ready to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InputClass {
    /// Up to 10 Mb/s.
    #[serde(rename = "MAX_10_MBPS")]
    Max10,
    /// Up to 20 Mb/s.
    #[serde(rename = "MAX_20_MBPS")]
    Max20,
    /// Up to 50 Mb/s.
    #[serde(rename = "MAX_50_MBPS")]
    Max50,
}

impl InputClass {
    /// The value of `inputSpecification.maximumBitrate`.
    pub fn as_str(self) -> &'static str {
        match self {
            InputClass::Max10 => "MAX_10_MBPS",
            InputClass::Max20 => "MAX_20_MBPS",
            InputClass::Max50 => "MAX_50_MBPS",
        }
    }
}

/// The smallest class that holds a feed of this bitrate (bits per second).
pub fn input_class(feed_bitrate: u64) -> InputClass {
    match feed_bitrate {
        0..=10_000_000 => InputClass::Max10,
        10_000_001..=20_000_000 => InputClass::Max20,
        _ => InputClass::Max50,
    }
}
