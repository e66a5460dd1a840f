//! From a preset to encoder settings: which values are the preset's and which are always the same.

use super::{
    AUDIO_SELECTOR, AacSettings, AudioCodec, AudioDescription, DestinationRef, EncoderSettings,
    H264Settings, OutputGroup, RTMP_DESTINATION_ID, RtmpGroup, RtmpGroupSettings, RtmpOutput,
    RtmpOutputSettings, TimecodeConfig, VideoCodec, VideoDescription,
};
use crate::{platform::Reconnect, preset::Preset};

/// How long MediaLive holds what a silent server does not take before it drops the connection: its
/// shortest, in seconds.
pub const CACHE_SECONDS: u32 = 30;
/// Between two tries to connect, in seconds.
pub const RETRY_SECONDS: u32 = 2;

/// What MediaLive is told for a preset, at a platform that takes a lost connection up again like this.
pub fn settings(preset: &Preset, reconnect: Reconnect) -> EncoderSettings {
    let video = format!("v{}", preset.size_name());
    let audio = format!("aac{}", preset.audio_bitrate / 1000);
    EncoderSettings {
        timecode_config: TimecodeConfig {
            source: "SYSTEMCLOCK".into(),
        },
        audio_descriptions: vec![AudioDescription {
            name: audio.clone(),
            audio_selector_name: AUDIO_SELECTOR.into(),
            audio_type_control: "FOLLOW_INPUT".into(),
            language_code_control: "FOLLOW_INPUT".into(),
            codec_settings: AudioCodec::Aac(aac(preset)),
        }],
        video_descriptions: vec![VideoDescription {
            name: video.clone(),
            width: preset.width,
            height: preset.height,
            respond_to_afd: "NONE".into(),
            scaling_behavior: "DEFAULT".into(),
            sharpness: 50,
            codec_settings: VideoCodec::H264(Box::new(h264(preset))),
        }],
        output_groups: vec![OutputGroup::Rtmp(rtmp_group(video, audio, reconnect))],
    }
}

fn aac(preset: &Preset) -> AacSettings {
    AacSettings {
        bitrate: preset.audio_bitrate,
        coding_mode: "CODING_MODE_2_0".into(),
        input_type: "NORMAL".into(),
        profile: "LC".into(),
        rate_control_mode: "CBR".into(),
        raw_format: "NONE".into(),
        sample_rate: preset.sample_rate,
        spec: "MPEG4".into(),
    }
}

fn h264(preset: &Preset) -> H264Settings {
    H264Settings {
        rate_control_mode: "CBR".into(),
        bitrate: preset.bitrate,
        buf_size: preset.bitrate * 2,
        buf_fill_pct: 90,
        framerate_control: "SPECIFIED".into(),
        framerate_numerator: preset.fps_numerator,
        framerate_denominator: preset.fps_denominator,
        gop_size: preset.gop_seconds,
        gop_size_units: "SECONDS".into(),
        gop_closed_cadence: 1,
        gop_num_b_frames: preset.b_frames,
        gop_b_reference: "DISABLED".into(),
        subgop_length: "FIXED".into(),
        scene_change_detect: "DISABLED".into(),
        adaptive_quantization: "AUTO".into(),
        profile: preset.profile.into(),
        level: "H264_LEVEL_AUTO".into(),
        entropy_encoding: "CABAC".into(),
        scan_type: "PROGRESSIVE".into(),
        par_control: "SPECIFIED".into(),
        par_numerator: 1,
        par_denominator: 1,
        num_ref_frames: 3,
        look_ahead_rate_control: "HIGH".into(),
        quality_level: "STANDARD_QUALITY".into(),
        syntax: "DEFAULT".into(),
        color_metadata: "INSERT".into(),
        afd_signaling: "NONE".into(),
        timecode_insertion: "DISABLED".into(),
    }
}

fn rtmp_group(video: String, audio: String, reconnect: Reconnect) -> RtmpGroup {
    RtmpGroup {
        name: "rtmp".into(),
        settings: RtmpGroupSettings {
            authentication_scheme: "COMMON".into(),
            cache_full_behavior: "DISCONNECT_IMMEDIATELY".into(),
            cache_length: CACHE_SECONDS,
            caption_data: "ALL".into(),
            include_filler_nal_units: "AUTO".into(),
            input_loss_action: "EMIT_OUTPUT".into(),
            restart_delay: reconnect.restart_delay_seconds,
        },
        outputs: vec![RtmpOutput {
            output_name: RTMP_DESTINATION_ID.into(),
            video_description_name: video,
            audio_description_names: vec![audio],
            settings: RtmpOutputSettings {
                destination: DestinationRef {
                    destination_ref_id: RTMP_DESTINATION_ID.into(),
                },
                certificate_mode: "VERIFY_AUTHENTICITY".into(),
                connection_retry_interval: RETRY_SECONDS,
                // The usual 10 would give up after 20 s and take the channel down with it. 100 ride
                // out a platform's restart (more than three minutes per round).
                num_retries: 100,
            },
        }],
    }
}
