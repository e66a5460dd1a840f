//! What goes out in place of a lost input (MediaLive user guide: handling loss of video input): the
//! last picture for `repeatFrameMsec`, black for `blackFrameMsec`, then a colour or a picture for as
//! long as it takes; a second of each and then black, if nothing is said. With PAUSE_OUTPUT nothing
//! goes out after the repeated picture, and the connection stays.
//!
//! Three things are simpler here. A repeated picture is one that stays on the viewer's screen because
//! no other comes; where it should stay for longer than a second, black comes instead. A slate's
//! picture is not fetched, dark grey stands for it. And a loss is noticed after a second without
//! packets, not after one missing frame.

use std::time::Duration;

use serde_json::Value;

/// What the settings call for ever.
const FOR_EVER: u64 = 1_000_000;
const USUAL_MS: u64 = 1000;

/// The replacement of a lost picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The last picture stays for so long.
    pub repeat: Duration,
    /// Milliseconds of black; none is for ever.
    pub black_ms: Option<u64>,
    /// What follows, as RGB.
    pub color: u32,
    /// Nothing goes out instead.
    pub pauses: bool,
}

impl Fill {
    /// Reads the encoder settings.
    #[must_use]
    pub fn new(settings: &Value) -> Self {
        let behavior = &settings["globalConfiguration"]["inputLossBehavior"];
        let number = |member: &str| behavior[member].as_u64().unwrap_or(USUAL_MS);
        let color = match behavior["inputLossImageType"].as_str() {
            Some("SLATE") => 0x0020_2020,
            _ => behavior["inputLossImageColor"]
                .as_str()
                .and_then(|text| u32::from_str_radix(text, 16).ok())
                .unwrap_or(0),
        };
        let group = &settings["outputGroups"][0]["outputGroupSettings"]["rtmpGroupSettings"];
        let repeat = Duration::from_millis(number("repeatFrameMsec"));
        let black = number("blackFrameMsec");
        let longer = repeat.saturating_sub(Duration::from_millis(USUAL_MS));
        let longer = longer.as_millis() as u64;
        let for_ever = black >= FOR_EVER || longer >= FOR_EVER - USUAL_MS;
        Self {
            repeat: repeat.min(Duration::from_millis(USUAL_MS)),
            black_ms: (!for_ever).then_some(black + longer),
            color,
            pauses: group["inputLossAction"] == "PAUSE_OUTPUT",
        }
    }

    /// A source for ffmpeg's lavfi.
    #[must_use]
    pub fn graph(&self, size: (u64, u64), rate: (u64, u64)) -> String {
        let plain = |color: u32, length: &str| {
            format!(
                "color=c=0x{color:06x}:s={}x{}:r={}/{}{length}",
                size.0, size.1, rate.0, rate.1
            )
        };
        match self.black_ms {
            None => plain(0, ""),
            _ if self.color == 0 => plain(0, ""),
            Some(0) => plain(self.color, ""),
            Some(ms) => {
                let seconds = format!(":d={}.{:03}", ms / 1000, ms % 1000);
                format!(
                    "{}[a];{}[b];[a][b]concat=n=2:v=1:a=0",
                    plain(0, &seconds),
                    plain(self.color, "")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(behavior: &Value) -> Fill {
        Fill::new(&json!({"globalConfiguration": {"inputLossBehavior": behavior}}))
    }

    #[test]
    fn a_second_of_each_and_then_black() {
        let usual = fill(&Value::Null);
        assert_eq!(
            (usual.repeat, usual.black_ms, usual.color, usual.pauses),
            (Duration::from_secs(1), Some(1000), 0, false)
        );
        assert_eq!(
            usual.graph((640, 360), (30, 1)),
            "color=c=0x000000:s=640x360:r=30/1"
        );
    }

    #[test]
    fn black_and_then_a_color() {
        let set = fill(&json!({"repeatFrameMsec": 0, "blackFrameMsec": 1500,
            "inputLossImageType": "COLOR", "inputLossImageColor": "3366CC"}));
        assert_eq!(set.repeat, Duration::ZERO);
        assert_eq!(
            set.graph((320, 180), (25, 1)),
            "color=c=0x000000:s=320x180:r=25/1:d=1.500[a];color=c=0x3366cc:s=320x180:r=25/1[b];[a][b]concat=n=2:v=1:a=0"
        );
        let at_once = fill(&json!({"blackFrameMsec": 0, "inputLossImageType": "SLATE"}));
        assert!(
            at_once
                .graph((320, 180), (25, 1))
                .starts_with("color=c=0x202020")
        );
        for for_ever in [
            json!({"blackFrameMsec": 1_000_000}),
            json!({"repeatFrameMsec": 1_000_000}),
        ] {
            let mut behavior = for_ever;
            behavior["inputLossImageColor"] = json!("ffffff");
            assert_eq!(fill(&behavior).black_ms, None);
        }
        let late = fill(&json!({"repeatFrameMsec": 3000}));
        assert_eq!(
            (late.repeat, late.black_ms),
            (Duration::from_secs(1), Some(3000))
        );
    }
}
