//! What each preset stands for in MediaLive's words: a table of its own, so that a wrong number or a
//! wrong field in the product's recipe is seen. The sizes, rates and bitrates are the README's and
//! the platforms' published ones; the rest is MediaLive's advice for RTMP outputs (user guide:
//! video and rate control, RTMP outputs).

use serde_json::{Value, json};

/// One preset.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its id.
    pub id: &'static str,
    width: u32,
    height: u32,
    fps: u32,
    kilobits: u32,
}

const fn row(id: &'static str, height: u32, fps: u32, kilobits: u32) -> Preset {
    Preset {
        id,
        width: height * 16 / 9,
        height,
        fps,
        kilobits,
    }
}

/// Every preset there is.
const PRESETS: [Preset; 21] = [
    row("360p30", 360, 30, 1000),
    row("720p30", 720, 30, 3000),
    row("1080p30", 1080, 30, 6000),
    row("1080p60", 1080, 60, 6000),
    row("youtube-720p30", 720, 30, 4000),
    row("youtube-720p60", 720, 60, 6000),
    row("youtube-1080p30", 1080, 30, 8000),
    row("youtube-1080p60", 1080, 60, 9000),
    row("twitch-720p30", 720, 30, 3000),
    row("twitch-720p60", 720, 60, 4500),
    row("twitch-1080p30", 1080, 30, 4500),
    row("twitch-1080p60", 1080, 60, 6000),
    row("linkedin-720p30", 720, 30, 3500),
    row("linkedin-1080p30", 1080, 30, 5000),
    row("facebook-720p30", 720, 30, 4000),
    row("facebook-720p60", 720, 60, 6000),
    row("facebook-1080p30", 1080, 30, 6000),
    row("facebook-1080p60", 1080, 60, 9000),
    row("restream-720p30", 720, 30, 3000),
    row("restream-1080p30", 1080, 30, 4500),
    row("restream-1080p60", 1080, 60, 6000),
];

/// The preset with this id or old name.
#[must_use]
pub fn preset(id: &str) -> Option<&'static Preset> {
    let id = match id {
        "720p" => "720p30",
        "1080p" => "1080p30",
        id => id,
    };
    PRESETS.iter().find(|preset| preset.id == id)
}

/// The `encoderSettings` that a channel of this preset has to have.
#[must_use]
pub fn settings(preset: &Preset) -> Value {
    let Preset {
        width,
        height,
        fps,
        kilobits,
        ..
    } = *preset;
    let (bitrate, video) = (kilobits * 1000, format!("v{height}p{fps}"));
    let aac = json!({
        "bitrate": 128_000, "codingMode": "CODING_MODE_2_0", "inputType": "NORMAL", "profile": "LC",
        "rateControlMode": "CBR", "rawFormat": "NONE", "sampleRate": 48_000, "spec": "MPEG4",
    });
    let mut h264 = json!({
        "rateControlMode": "CBR", "bitrate": bitrate, "bufSize": bitrate * 2, "bufFillPct": 90,
        "framerateControl": "SPECIFIED", "framerateNumerator": fps, "framerateDenominator": 1,
        "gopSize": 2, "gopSizeUnits": "SECONDS", "gopClosedCadence": 1, "gopNumBFrames": 2,
        "gopBReference": "DISABLED", "subgopLength": "FIXED", "sceneChangeDetect": "DISABLED",
    });
    let more = json!({
        "adaptiveQuantization": "AUTO", "profile": "HIGH", "level": "H264_LEVEL_AUTO",
        "entropyEncoding": "CABAC", "scanType": "PROGRESSIVE", "parControl": "SPECIFIED",
        "parNumerator": 1, "parDenominator": 1, "numRefFrames": 3, "lookAheadRateControl": "HIGH",
        "qualityLevel": "STANDARD_QUALITY", "syntax": "DEFAULT", "colorMetadata": "INSERT",
        "afdSignaling": "NONE", "timecodeInsertion": "DISABLED",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        h264[name] = value.clone();
    }
    let group = json!({
        "authenticationScheme": "COMMON", "cacheFullBehavior": "DISCONNECT_IMMEDIATELY", "cacheLength": 30,
        "captionData": "ALL", "includeFillerNalUnits": "AUTO", "inputLossAction": "EMIT_OUTPUT", "restartDelay": 15,
    });
    let output = json!({
        "destination": {"destinationRefId": "rtmp1"}, "certificateMode": "VERIFY_AUTHENTICITY",
        "connectionRetryInterval": 2, "numRetries": 100,
    });
    json!({
        "timecodeConfig": {"source": "SYSTEMCLOCK"},
        "audioDescriptions": [{
            "name": "aac128", "audioSelectorName": "default",
            "audioTypeControl": "FOLLOW_INPUT", "languageCodeControl": "FOLLOW_INPUT",
            "codecSettings": {"aacSettings": aac},
        }],
        "videoDescriptions": [{
            "name": video, "width": width, "height": height,
            "respondToAfd": "NONE", "scalingBehavior": "DEFAULT", "sharpness": 50,
            "codecSettings": {"h264Settings": h264},
        }],
        "outputGroups": [{
            "name": "rtmp",
            "outputGroupSettings": {"rtmpGroupSettings": group},
            "outputs": [{
                "outputName": "rtmp1", "videoDescriptionName": video, "audioDescriptionNames": ["aac128"],
                "outputSettings": {"rtmpOutputSettings": output},
            }],
        }],
    })
}

/// Members that the service fills in by itself.
const FILLED_IN: [&str; 4] = [
    "softness",
    "minIInterval",
    "slices",
    "captionDescriptionNames",
];

/// The first place where settings are not as they have to be, as a sentence's end.
#[must_use]
pub fn difference(wanted: &Value, found: &Value, filled_in: &[&str]) -> Option<String> {
    differs(wanted, found, "", filled_in)
}

/// The first place where encoder settings are not those of a preset.
#[must_use]
pub fn encoder_difference(preset: &Preset, found: &Value) -> Option<String> {
    differs(&settings(preset), found, "", &FILLED_IN)
}

fn differs(wanted: &Value, found: &Value, path: &str, filled_in: &[&str]) -> Option<String> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let extra = found
                .keys()
                .find(|key| !wanted.contains_key(*key) && !filled_in.contains(&key.as_str()));
            if let Some(extra) = extra {
                return Some(format!("{path}.{extra} is set and should not be"));
            }
            wanted.iter().find_map(|(key, value)| {
                let found = found.get(key).unwrap_or(&Value::Null);
                differs(value, found, &format!("{path}.{key}"), filled_in)
            })
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let rows = wanted.iter().zip(found).enumerate();
            rows.map(|(at, (wanted, found))| (format!("{path}[{at}]"), wanted, found))
                .find_map(|(path, wanted, found)| differs(wanted, found, &path, filled_in))
        }
        // 2 and 2.0 are the same number on the wire.
        (Value::Number(wanted), Value::Number(found)) if wanted.as_f64() == found.as_f64() => None,
        (wanted, found) if wanted == found => None,
        (wanted, found) => Some(format!("{path} is {found} and should be {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_number_anywhere_is_seen() {
        let preset = preset("1080p").unwrap();
        let mut found = settings(preset);
        let h264 = found
            .pointer_mut("/videoDescriptions/0/codecSettings/h264Settings")
            .unwrap();
        h264["gopSize"] = json!(2.0);
        h264["softness"] = json!(0);
        assert_eq!(encoder_difference(preset, &found), None);
        let h264 = found
            .pointer_mut("/videoDescriptions/0/codecSettings/h264Settings")
            .unwrap();
        h264["bufSize"] = json!(6_000_000);
        assert_eq!(
            encoder_difference(preset, &found).unwrap(),
            ".videoDescriptions[0].codecSettings.h264Settings.bufSize is 6000000 and should be 12000000"
        );
        let mut found = settings(preset);
        found["outputGroups"][0]["outputs"][0]["outputSettings"]["rtmpOutputSettings"]["x"] =
            json!(1);
        assert!(
            encoder_difference(preset, &found)
                .unwrap()
                .contains(".x is set")
        );
    }
}
