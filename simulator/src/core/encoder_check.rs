//! What is refused in the encoder settings: codecs, references between their parts, and RTMP's own limits.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::channel_check::{Found, chosen, list, names, say};

pub(super) fn check_encoder(settings: &Map<String, Value>, found: &mut Found) {
    let encoder = settings.get("encoderSettings").unwrap_or(&Value::Null);
    let videos = list(encoder.get("videoDescriptions"));
    let audios = list(encoder.get("audioDescriptions"));
    let video_names = names(videos, "name", "videoDescriptions", found);
    let audio_names = names(audios, "name", "audioDescriptions", found);
    for (index, video) in videos.iter().enumerate() {
        check_video(video, &format!("videoDescriptions[{index}]"), found);
    }
    check_selectors(settings, audios, found);
    let groups = list(encoder.get("outputGroups"));
    if groups.is_empty() {
        say(
            found,
            "outputGroups",
            "at least one output group is required",
        );
    }
    for (index, group) in groups.iter().enumerate() {
        let path = format!("outputGroups[{index}]");
        let kinds = chosen(&group["outputGroupSettings"]);
        if kinds.len() != 1 {
            say(
                found,
                format!("{path}.outputGroupSettings"),
                "OutputGroupSettings must contain exactly one property",
            );
        }
        let rtmp = kinds.contains(&"rtmpGroupSettings");
        let outputs = list(group.get("outputs"));
        // The console's guide to RTMP output groups allows exactly one output.
        if rtmp && outputs.len() != 1 {
            say(
                found,
                format!("{path}.outputs"),
                "an RTMP output group has exactly one output",
            );
        }
        for (index, output) in outputs.iter().enumerate() {
            let path = format!("{path}.outputs[{index}]");
            check_output_refs(output, &path, (&video_names, &audio_names), found);
            if rtmp {
                check_rtmp_output(settings, output, videos, audios, &path, found);
            }
        }
    }
}

/// An audio description takes its sound from a selector of some attachment.
fn check_selectors(settings: &Map<String, Value>, audios: &[Value], found: &mut Found) {
    let attachments = list(settings.get("inputAttachments"));
    let selectors: BTreeSet<&str> = attachments
        .iter()
        .flat_map(|attachment| list(attachment.pointer("/inputSettings/audioSelectors")))
        .filter_map(|selector| selector["name"].as_str())
        .collect();
    for (index, audio) in audios.iter().enumerate() {
        let selector = audio["audioSelectorName"].as_str().unwrap_or_default();
        if !selectors.is_empty() && !selectors.contains(selector) {
            let text = format!("no attached input has an audio selector {selector}");
            say(
                found,
                format!("audioDescriptions[{index}].audioSelectorName"),
                text,
            );
        }
    }
}

fn check_video(video: &Value, path: &str, found: &mut Found) {
    for side in ["width", "height"] {
        // The API model's text: must be an even number.
        if video[side].as_u64().is_some_and(|number| number % 2 != 0) {
            say(found, format!("{path}.{side}"), "must be an even number");
        }
    }
    if chosen(&video["codecSettings"]).len() != 1 {
        say(
            found,
            format!("{path}.codecSettings"),
            "CodecSettings must contain exactly one property",
        );
    }
    let h264 = &video["codecSettings"]["h264Settings"];
    if h264.is_null() {
        return;
    }
    let path = format!("{path}.codecSettings.h264Settings");
    let positive = |member: &str| h264[member].as_f64().is_some_and(|number| number > 0.0);
    if h264["framerateControl"] == "SPECIFIED"
        && !(positive("framerateNumerator") && positive("framerateDenominator"))
    {
        say(
            found,
            format!("{path}.framerateNumerator"),
            "is required with framerateControl SPECIFIED",
        );
    }
    if h264["parControl"] == "SPECIFIED"
        && !(positive("parNumerator") && positive("parDenominator"))
    {
        say(
            found,
            format!("{path}.parNumerator"),
            "is required with parControl SPECIFIED",
        );
    }
    if !h264["gopSize"].is_null() {
        let frames = h264["gopSizeUnits"].as_str().unwrap_or("FRAMES") == "FRAMES";
        // The API model's text: a whole number of at least 1 frame, or more than 0 seconds.
        let size = h264["gopSize"].as_f64().unwrap_or_default();
        if size <= 0.0 || (frames && (size < 1.0 || size.fract() != 0.0)) {
            say(
                found,
                format!("{path}.gopSize"),
                "must be a whole number of frames or more than 0 seconds",
            );
        }
    }
    if h264["rateControlMode"] == "QVBR" && !positive("maxBitrate") {
        say(
            found,
            format!("{path}.maxBitrate"),
            "is required with rateControlMode QVBR",
        );
    }
    let bitrate = h264["bitrate"].as_u64();
    if h264["rateControlMode"] == "VBR"
        && h264["maxBitrate"]
            .as_u64()
            .zip(bitrate)
            .is_some_and(|(max, usual)| max < usual)
    {
        say(
            found,
            format!("{path}.maxBitrate"),
            "must not be below bitrate",
        );
    }
}

fn check_output_refs(
    output: &Value,
    path: &str,
    known: (&BTreeSet<String>, &BTreeSet<String>),
    found: &mut Found,
) {
    let kinds = chosen(&output["outputSettings"]);
    if kinds.len() != 1 {
        // Seen with Terraform.
        let text = "OutputSettings must contain exactly one property: archive, frame capture, hls, media package, ms smooth, multiplex, rtmp, udp, cmaf ingest or srt";
        say(found, format!("{path}.outputSettings"), text);
    }
    if let Some(name) = output["videoDescriptionName"]
        .as_str()
        .filter(|name| !known.0.contains(*name))
    {
        say(
            found,
            format!("{path}.videoDescriptionName"),
            format!("there is no video description {name}"),
        );
    }
    for (index, name) in list(output.get("audioDescriptionNames"))
        .iter()
        .filter_map(Value::as_str)
        .enumerate()
    {
        if !known.1.contains(name) {
            say(
                found,
                format!("{path}.audioDescriptionNames[{index}]"),
                format!("there is no audio description {name}"),
            );
        }
    }
}

/// RTMP carries H.264 and AAC, one of each (user guide: supported formats of RTMP outputs).
fn check_rtmp_output(
    settings: &Map<String, Value>,
    output: &Value,
    videos: &[Value],
    audios: &[Value],
    path: &str,
    found: &mut Found,
) {
    let named = |rows: &[Value], name: &Value| {
        rows.iter()
            .find(|row| row["name"] == *name && name.is_string())
            .cloned()
    };
    match named(videos, &output["videoDescriptionName"]) {
        Some(video) if video["codecSettings"]["h264Settings"].is_object() => {}
        _ => say(
            found,
            format!("{path}.videoDescriptionName"),
            "an RTMP output needs one H.264 video",
        ),
    }
    let sounds = list(output.get("audioDescriptionNames"));
    if sounds.len() > 1 {
        say(
            found,
            format!("{path}.audioDescriptionNames"),
            "an RTMP output has at most one audio",
        );
    }
    let sound = sounds.first().and_then(|name| named(audios, name));
    if sound.is_some_and(|audio| !audio["codecSettings"]["aacSettings"].is_object()) {
        say(
            found,
            format!("{path}.audioDescriptionNames"),
            "an RTMP output needs AAC audio",
        );
    }
    let rtmp = &output["outputSettings"]["rtmpOutputSettings"];
    if rtmp.is_null() {
        say(
            found,
            format!("{path}.outputSettings"),
            "an RTMP output group needs rtmpOutputSettings",
        );
        return;
    }
    let wanted = &rtmp["destination"]["destinationRefId"];
    let destinations = list(settings.get("destinations"));
    let Some(at) = destinations.iter().position(|row| row["id"] == *wanted) else {
        let path = format!("{path}.outputSettings.rtmpOutputSettings.destination.destinationRefId");
        say(
            found,
            path,
            format!(
                "there is no destination {}",
                wanted.as_str().unwrap_or_default()
            ),
        );
        return;
    };
    for (pipeline, row) in list(destinations[at].get("settings")).iter().enumerate() {
        let path = format!("destinations[{at}].settings[{pipeline}]");
        let url = row["url"].as_str().unwrap_or_default();
        let host = url
            .strip_prefix("rtmp://")
            .or_else(|| url.strip_prefix("rtmps://"))
            .unwrap_or_default();
        if host.is_empty() || host.starts_with('/') {
            say(
                found,
                format!("{path}.url"),
                "must be an rtmp:// or rtmps:// address",
            );
        }
        if row["streamName"].as_str().unwrap_or_default().is_empty() {
            say(
                found,
                format!("{path}.streamName"),
                "streamName is required for an RTMP output",
            );
        }
    }
}
