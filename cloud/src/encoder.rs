//! Encoder settings from plain data to SDK types, field by field.

use aws_sdk_medialive::types as sdk;
use domain::encoder::{
    AacSettings, AudioCodec, AudioDescription, EncoderSettings, H264Settings, OutputGroup,
    RtmpGroup, RtmpOutput, VideoCodec, VideoDescription,
};

/// Small numbers of ours in the SDK's signed type.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(crate) fn settings(settings: &EncoderSettings) -> sdk::EncoderSettings {
    sdk::EncoderSettings::builder()
        .timecode_config(
            sdk::TimecodeConfig::builder()
                .source(settings.timecode_config.source.as_str().into())
                .build(),
        )
        .set_audio_descriptions(Some(
            settings.audio_descriptions.iter().map(audio).collect(),
        ))
        .set_video_descriptions(Some(
            settings.video_descriptions.iter().map(video).collect(),
        ))
        .set_output_groups(Some(settings.output_groups.iter().map(group).collect()))
        .build()
}

fn audio(audio: &AudioDescription) -> sdk::AudioDescription {
    let AudioCodec::Aac(codec) = &audio.codec_settings;
    sdk::AudioDescription::builder()
        .name(&audio.name)
        .audio_selector_name(&audio.audio_selector_name)
        .audio_type_control(audio.audio_type_control.as_str().into())
        .language_code_control(audio.language_code_control.as_str().into())
        .codec_settings(
            sdk::AudioCodecSettings::builder()
                .aac_settings(aac(codec))
                .build(),
        )
        .build()
}

fn aac(aac: &AacSettings) -> sdk::AacSettings {
    sdk::AacSettings::builder()
        .bitrate(f64::from(aac.bitrate))
        .coding_mode(aac.coding_mode.as_str().into())
        .input_type(aac.input_type.as_str().into())
        .profile(aac.profile.as_str().into())
        .rate_control_mode(aac.rate_control_mode.as_str().into())
        .raw_format(aac.raw_format.as_str().into())
        .sample_rate(f64::from(aac.sample_rate))
        .spec(aac.spec.as_str().into())
        .build()
}

fn video(video: &VideoDescription) -> sdk::VideoDescription {
    let VideoCodec::H264(codec) = &video.codec_settings;
    sdk::VideoDescription::builder()
        .name(&video.name)
        .width(int(video.width))
        .height(int(video.height))
        .respond_to_afd(video.respond_to_afd.as_str().into())
        .scaling_behavior(video.scaling_behavior.as_str().into())
        .sharpness(int(video.sharpness))
        .codec_settings(
            sdk::VideoCodecSettings::builder()
                .h264_settings(h264(codec))
                .build(),
        )
        .build()
}

fn h264(h264: &H264Settings) -> sdk::H264Settings {
    sdk::H264Settings::builder()
        .rate_control_mode(h264.rate_control_mode.as_str().into())
        .bitrate(int(h264.bitrate))
        .buf_size(int(h264.buf_size))
        .buf_fill_pct(int(h264.buf_fill_pct))
        .framerate_control(h264.framerate_control.as_str().into())
        .framerate_numerator(int(h264.framerate_numerator))
        .framerate_denominator(int(h264.framerate_denominator))
        .gop_size(f64::from(h264.gop_size))
        .gop_size_units(h264.gop_size_units.as_str().into())
        .gop_closed_cadence(int(h264.gop_closed_cadence))
        .gop_num_b_frames(int(h264.gop_num_b_frames))
        .gop_b_reference(h264.gop_b_reference.as_str().into())
        .subgop_length(h264.subgop_length.as_str().into())
        .scene_change_detect(h264.scene_change_detect.as_str().into())
        .adaptive_quantization(h264.adaptive_quantization.as_str().into())
        .profile(h264.profile.as_str().into())
        .level(h264.level.as_str().into())
        .entropy_encoding(h264.entropy_encoding.as_str().into())
        .scan_type(h264.scan_type.as_str().into())
        .par_control(h264.par_control.as_str().into())
        .par_numerator(int(h264.par_numerator))
        .par_denominator(int(h264.par_denominator))
        .num_ref_frames(int(h264.num_ref_frames))
        .look_ahead_rate_control(h264.look_ahead_rate_control.as_str().into())
        .quality_level(h264.quality_level.as_str().into())
        .syntax(h264.syntax.as_str().into())
        .color_metadata(h264.color_metadata.as_str().into())
        .afd_signaling(h264.afd_signaling.as_str().into())
        .timecode_insertion(h264.timecode_insertion.as_str().into())
        .build()
}

fn group(group: &OutputGroup) -> sdk::OutputGroup {
    let OutputGroup::Rtmp(RtmpGroup {
        name,
        settings,
        outputs,
    }) = group;
    let rtmp = sdk::RtmpGroupSettings::builder()
        .authentication_scheme(settings.authentication_scheme.as_str().into())
        .cache_full_behavior(settings.cache_full_behavior.as_str().into())
        .cache_length(int(settings.cache_length))
        .caption_data(settings.caption_data.as_str().into())
        .include_filler_nal_units(settings.include_filler_nal_units.as_str().into())
        .input_loss_action(settings.input_loss_action.as_str().into())
        .restart_delay(int(settings.restart_delay))
        .build();
    sdk::OutputGroup::builder()
        .name(name)
        .output_group_settings(
            sdk::OutputGroupSettings::builder()
                .rtmp_group_settings(rtmp)
                .build(),
        )
        .set_outputs(Some(outputs.iter().map(output).collect()))
        .build()
}

fn output(output: &RtmpOutput) -> sdk::Output {
    let settings = &output.settings;
    let rtmp = sdk::RtmpOutputSettings::builder()
        .destination(
            sdk::OutputLocationRef::builder()
                .destination_ref_id(&settings.destination.destination_ref_id)
                .build(),
        )
        .certificate_mode(settings.certificate_mode.as_str().into())
        .connection_retry_interval(int(settings.connection_retry_interval))
        .num_retries(int(settings.num_retries))
        .build();
    sdk::Output::builder()
        .output_name(&output.output_name)
        .video_description_name(&output.video_description_name)
        .set_audio_description_names(Some(output.audio_description_names.clone()))
        .output_settings(
            sdk::OutputSettings::builder()
                .rtmp_output_settings(rtmp)
                .build(),
        )
        .build()
}
