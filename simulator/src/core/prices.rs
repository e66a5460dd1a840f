//! Prices as data, on demand, us-east-1 and us-west-2, in micro-dollars per hour.
//! Sources: the MediaLive pricing page (single pipeline is 60 % of standard), the cost examples of
//! AWS's solution Live Streaming with Amazon S3 (standard class), an AWS Price List sample; all read
//! in November 2026. Rows marked as a guess have no published number that we could read.

use serde_json::Value;

/// A price per hour and whether it is a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Price {
    pub micros: u64,
    pub guess: bool,
}

const fn sure(micros: u64) -> Price {
    Price {
        micros,
        guess: false,
    }
}

const fn guess(micros: u64) -> Price {
    Price {
        micros,
        guess: true,
    }
}

/// A MediaConnect flow of medium size while it carries (price page, and a published bill).
pub(super) const FLOW: Price = sure(160_000);
/// An idle channel and an idle push input until they are deleted (price page, from memory).
pub(super) const IDLE_CHANNEL: Price = sure(10_000);
pub(super) const IDLE_INPUT: Price = sure(10_000);
/// Data transfer out to the internet, first 10 TB: 0.09 dollars per 10^9 bytes.
pub(super) const EGRESS: Price = sure(90_000);
/// From MediaConnect to MediaLive in the same Region, per 10^9 bytes: no published number could be read.
pub(super) const FLOW_TRANSFER: Price = guess(20_000);

/// Running AVC inputs, single pipeline: resolution, `maximumBitrate`, price.
const INPUTS: [(&str, &str, Price); 4] = [
    ("HD", "MAX_10_MBPS", sure(140_400)),   // price list sample
    ("HD", "MAX_20_MBPS", sure(176_400)),   // 0.294 standard, times 60 %
    ("HD", "MAX_50_MBPS", guess(220_500)),  // 1.25 times the class below
    ("UHD", "MAX_50_MBPS", guess(882_000)), // four times HD
];

/// Running AVC outputs, single pipeline: HD, above 10 Mb/s, above 30 frames per second, price.
const OUTPUTS: [(bool, bool, bool, Price); 8] = [
    (false, false, false, sure(212_400)), // 0.354 standard, times 60 %
    (false, false, true, guess(318_600)), // 1.5 times the price up to 30 frames
    (false, true, false, guess(265_500)), // 1.25 times the price up to 10 Mb/s
    (false, true, true, guess(398_250)),
    (true, false, false, sure(421_200)), // 0.702 standard, times 60 %
    (true, false, true, guess(631_800)),
    (true, true, false, guess(526_500)),
    (true, true, true, guess(789_750)),
];

/// Standard class has two pipelines: single is 60 % of it.
fn of_class(price: Price, standard: bool) -> Price {
    if standard {
        Price {
            micros: price.micros * 10 / 6,
            ..price
        }
    } else {
        price
    }
}

/// One running input, by the channel's `inputSpecification`. An unknown class costs what the
/// nearest known one does, as a guess.
pub(super) fn input(specification: &Value, standard: bool) -> Price {
    let (resolution, bitrate) = (
        specification["resolution"].as_str(),
        specification["maximumBitrate"].as_str(),
    );
    let exact = INPUTS
        .iter()
        .find(|row| Some(row.0) == resolution && Some(row.1) == bitrate)
        .map(|row| row.2);
    let same_rate = INPUTS
        .iter()
        .find(|row| Some(row.1) == bitrate)
        .map(|row| guess(row.2.micros));
    of_class(
        exact.or(same_rate).unwrap_or(guess(INPUTS[0].2.micros)),
        standard,
    )
}

/// One running output. The class is taken from the video's `bitrate`; if that is empty, from the
/// input's `maximumBitrate` (user guide: the trap of QVBR without a bitrate). A frame rate taken
/// from the source is billed as 30 to 60 frames (price page).
pub(super) fn output(video: &Value, specification: &Value, standard: bool) -> Price {
    let h264 = &video["codecSettings"]["h264Settings"];
    let hd = match video["height"].as_u64() {
        Some(lines) => lines >= 720,
        None => specification["resolution"] != "SD",
    };
    let bitrate =
        h264["bitrate"]
            .as_u64()
            .unwrap_or(match specification["maximumBitrate"].as_str() {
                Some("MAX_10_MBPS") => 10_000_000,
                _ => 20_000_000,
            });
    let fast = match (
        h264["framerateNumerator"].as_u64(),
        h264["framerateDenominator"].as_u64(),
    ) {
        (Some(frames), Some(per)) if h264["framerateControl"] == "SPECIFIED" => {
            frames > 30 * per.max(1)
        }
        _ => true,
    };
    let row = OUTPUTS
        .iter()
        .find(|row| (row.0, row.1, row.2) == (hd, bitrate > 10_000_000, fast));
    of_class(
        row.map_or(guess(OUTPUTS[7].3.micros), |row| row.3),
        standard,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn video(height: u64, fps: u64, bitrate: u64) -> Value {
        json!({"height": height, "codecSettings": {"h264Settings": {"bitrate": bitrate,
            "framerateControl": "SPECIFIED", "framerateNumerator": fps, "framerateDenominator": 1}}})
    }

    #[test]
    fn published_prices() {
        let ten = json!({"codec": "AVC", "resolution": "HD", "maximumBitrate": "MAX_10_MBPS"});
        assert_eq!(input(&ten, false), sure(140_400));
        assert_eq!(input(&ten, true), sure(234_000));
        assert_eq!(
            output(&video(1080, 30, 6_000_000), &ten, false),
            sure(421_200)
        );
        assert_eq!(
            output(&video(1080, 30, 6_000_000), &ten, true),
            sure(702_000)
        );
        assert_eq!(output(&video(360, 30, 800_000), &ten, false), sure(212_400));
        assert_eq!(output(&video(360, 30, 800_000), &ten, true), sure(354_000));
        assert!(output(&video(1080, 60, 6_000_000), &ten, false).guess);
    }

    #[test]
    fn an_empty_bitrate_is_billed_by_the_input_and_a_followed_frame_rate_as_60() {
        let twenty = json!({"resolution": "HD", "maximumBitrate": "MAX_20_MBPS"});
        let mut open = video(1080, 30, 0);
        open["codecSettings"]["h264Settings"]
            .as_object_mut()
            .unwrap()
            .remove("bitrate");
        assert_eq!(output(&open, &twenty, false).micros, 526_500);
        open["codecSettings"]["h264Settings"]["framerateControl"] = json!("INITIALIZE_FROM_SOURCE");
        assert_eq!(output(&open, &twenty, false).micros, 789_750);
    }
}
