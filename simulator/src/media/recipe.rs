//! From `encoderSettings` (wire case, as CreateChannel has them) to the arguments of one ffmpeg.
//! Only sizes, rates and names of codecs stand in these arguments: no address and no key.

use rml_rtmp::sessions::StreamMetadata;
use serde_json::Value;

use super::fill::Fill;

/// What to make of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    size: Option<(u64, u64)>,
    rate: Option<(u64, u64)>,
    bitrate: u64,
    peak: u64,
    buffer: u64,
    constant: bool,
    gop: Gop,
    closed: bool,
    b_frames: u64,
    references: Option<u64>,
    profile: &'static str,
    level: Option<String>,
    cabac: bool,
    scene_change: bool,
    filler: bool,
    audio_bitrate: u64,
    audio_rate: u64,
    audio_channels: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Gop {
    Frames(f64),
    Seconds(f64),
}

/// What feeds the encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// A transport stream on the standard input; its frame length in ticks of 90 kHz, if known.
    Feed(Option<f64>),
    /// What MediaLive sends when its input is lost, and silence.
    Fill(Fill),
}

impl Recipe {
    /// Reads the first video and the first audio description.
    ///
    /// # Errors
    /// A sentence if the codec is not one RTMP carries.
    pub fn new(settings: &Value) -> Result<Self, String> {
        let video = &settings["videoDescriptions"][0];
        let h264 = &video["codecSettings"]["h264Settings"];
        if !h264.is_object() {
            return Err("an RTMP output needs h264Settings".to_owned());
        }
        let aac = &settings["audioDescriptions"][0]["codecSettings"]["aacSettings"];
        let number = |value: &Value| value.as_u64();
        let is = |name: &str, value: &str| h264[name] == value;
        // The rates are MediaLive's own defaults: 5 Mb/s where nothing is said.
        let bitrate = number(&h264["bitrate"])
            .or(number(&h264["maxBitrate"]))
            .unwrap_or(5_000_000);
        let constant = h264["rateControlMode"].is_null() || is("rateControlMode", "CBR");
        let peak = if constant {
            bitrate
        } else {
            number(&h264["maxBitrate"]).unwrap_or(bitrate)
        };
        let gop = h264["gopSize"].as_f64().filter(|size| *size > 0.0);
        let gop = match (gop, is("gopSizeUnits", "SECONDS")) {
            (Some(size), true) => Gop::Seconds(size),
            (Some(size), false) => Gop::Frames(size),
            (None, _) => Gop::Frames(90.0),
        };
        let profile = match h264["profile"].as_str() {
            Some("BASELINE") => "baseline",
            Some("HIGH" | "HIGH_10BIT" | "HIGH_422" | "HIGH_422_10BIT") => "high",
            _ => "main",
        };
        let group = &settings["outputGroups"][0]["outputGroupSettings"]["rtmpGroupSettings"];
        Ok(Self {
            size: number(&video["width"])
                .zip(number(&video["height"]))
                .filter(|(w, h)| *w > 0 && *h > 0),
            rate: number(&h264["framerateNumerator"])
                .zip(number(&h264["framerateDenominator"]))
                .filter(|(n, d)| {
                    *n > 0 && *d > 0 && !is("framerateControl", "INITIALIZE_FROM_SOURCE")
                }),
            bitrate,
            peak,
            buffer: number(&h264["bufSize"]).unwrap_or(2 * peak),
            constant,
            gop,
            closed: number(&h264["gopClosedCadence"]) != Some(0),
            b_frames: if profile == "baseline" {
                0
            } else {
                number(&h264["gopNumBFrames"]).unwrap_or(0)
            },
            references: number(&h264["numRefFrames"]).filter(|n| (1..=6).contains(n)),
            profile,
            level: h264["level"]
                .as_str()
                .and_then(|level| level.strip_prefix("H264_LEVEL_"))
                .filter(|level| *level != "AUTO")
                .map(|level| level.replace('_', ".")),
            cabac: !is("entropyEncoding", "CAVLC"),
            scene_change: is("sceneChangeDetect", "ENABLED"),
            filler: constant && group["includeFillerNalUnits"] != "DROP",
            audio_bitrate: aac["bitrate"].as_f64().map_or(192_000, |rate| rate as u64),
            audio_rate: aac["sampleRate"]
                .as_f64()
                .map_or(48_000, |rate| rate as u64),
            audio_channels: match aac["codingMode"].as_str() {
                Some("CODING_MODE_1_0") => 1,
                Some("CODING_MODE_5_1") => 6,
                _ => 2,
            },
        })
    }

    fn frames_per_second(&self, source: Source) -> f64 {
        match (self.rate, source) {
            (Some((numerator, denominator)), _) => numerator as f64 / denominator as f64,
            (None, Source::Feed(Some(ticks))) => 90_000.0 / ticks,
            (None, _) => 30.0,
        }
    }

    /// True if every picture of the feed becomes exactly one of ours.
    fn agrees(&self, ticks: f64) -> bool {
        let rate = self.frames_per_second(Source::Feed(Some(ticks)));
        // 30000/1001 and 30 are three ticks apart; half of that tells them from each other.
        (90_000.0 / rate - ticks).abs() < 1.5
    }

    /// The length of one frame in milliseconds, rounded up.
    #[must_use]
    pub fn frame_ms(&self) -> u64 {
        (1000.0 / self.frames_per_second(Source::Feed(None))).ceil() as u64
    }

    /// What ffmpeg is called with. `speed` is x264's preset.
    #[must_use]
    pub fn arguments(&self, source: Source, speed: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut add = |text: &str| all.extend(text.split_whitespace().map(str::to_owned));
        let rate = self.rate.unwrap_or((30, 1));
        add("-hide_banner -nostdin -nostats -loglevel error");
        match source {
            // One second is enough for the rates; the sizes come with the first picture.
            Source::Feed(_) => add(
                "-threads 2 -probesize 2000000 -analyzeduration 1000000 -f mpegts -i pipe:0 -map 0:v:0 -map 0:a:0?",
            ),
            Source::Fill(fill) => {
                let graph = fill.graph(self.size.unwrap_or((1280, 720)), rate);
                let layout = match self.audio_channels {
                    1 => "mono",
                    6 => "5.1",
                    _ => "stereo",
                };
                add(&format!("-re -f lavfi -i {graph}"));
                add(&format!(
                    "-re -f lavfi -i anullsrc=r={}:cl={layout} -map 0:v -map 1:a",
                    self.audio_rate
                ));
            }
        }
        if let Some((width, height)) = self.size {
            add(&format!(
                "-vf scale={width}:{height}:flags=bicubic,setsar=1"
            ));
        }
        match source {
            Source::Feed(Some(ticks)) if !self.agrees(ticks) => {
                add(&format!("-fps_mode cfr -r {}/{}", rate.0, rate.1));
            }
            _ => add("-fps_mode passthrough"),
        }
        let fps = self.frames_per_second(source);
        let gop = match self.gop {
            Gop::Frames(frames) => frames,
            Gop::Seconds(seconds) => seconds * fps,
        };
        let gop = (gop.round() as u64).max(1);
        add(&format!(
            "-c:v libx264 -preset {speed} -pix_fmt yuv420p -profile:v {}",
            self.profile
        ));
        add(&format!(
            "-b:v {} -maxrate {} -bufsize {}",
            self.bitrate, self.peak, self.buffer
        ));
        if self.constant {
            add(&format!("-minrate {}", self.bitrate));
        }
        add(&format!("-g {gop} -keyint_min {gop} -bf {}", self.b_frames));
        if !self.scene_change {
            add("-sc_threshold 0");
        }
        if let Some(references) = self.references {
            add(&format!("-refs {references}"));
        }
        if let Some(level) = &self.level {
            add(&format!("-level {level}"));
        }
        // rc-lookahead and the thread count bound what the encoder holds back, and so the delay.
        add(&format!(
            "-threads 2 -x264-params open-gop={}:cabac={}:8x8dct={}:rc-lookahead=10:nal-hrd={}",
            u8::from(!self.closed),
            u8::from(self.cabac),
            // Without it x264 writes profile Main where High was asked for.
            u8::from(self.profile == "high"),
            if self.filler { "cbr" } else { "none" },
        ));
        add(&format!(
            "-c:a aac -b:a {} -ar {} -ac {}",
            self.audio_bitrate, self.audio_rate, self.audio_channels
        ));
        add("-f flv -flvflags no_duration_filesize -flush_packets 1 pipe:1");
        all
    }

    /// What is told to the platform before the first picture.
    #[must_use]
    pub fn metadata(&self) -> StreamMetadata {
        let mut metadata = StreamMetadata::new();
        metadata.video_width = self.size.and_then(|(width, _)| width.try_into().ok());
        metadata.video_height = self.size.and_then(|(_, height)| height.try_into().ok());
        metadata.video_codec_id = Some(7);
        metadata.video_frame_rate = self.rate.map(|(n, d)| n as f32 / d as f32);
        metadata.video_bitrate_kbps = (self.bitrate / 1000).try_into().ok();
        metadata.audio_codec_id = Some(10);
        metadata.audio_bitrate_kbps = (self.audio_bitrate / 1000).try_into().ok();
        metadata.audio_sample_rate = self.audio_rate.try_into().ok();
        metadata.audio_channels = self.audio_channels.try_into().ok();
        metadata.audio_is_stereo = Some(self.audio_channels == 2);
        metadata.encoder = Some("Lunora simulator".to_owned());
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> Value {
        json!({
            "videoDescriptions": [{"width": 640, "height": 360, "codecSettings": {"h264Settings": {
                "rateControlMode": "CBR", "bitrate": 800_000, "bufSize": 1_600_000,
                "framerateControl": "SPECIFIED", "framerateNumerator": 30000, "framerateDenominator": 1001,
                "gopSize": 2, "gopSizeUnits": "SECONDS", "gopClosedCadence": 1, "gopNumBFrames": 2,
                "numRefFrames": 3, "profile": "HIGH", "level": "H264_LEVEL_4_1",
                "entropyEncoding": "CABAC", "sceneChangeDetect": "DISABLED"}}}],
            "audioDescriptions": [{"codecSettings": {"aacSettings": {
                "bitrate": 96000.0, "sampleRate": 44100.0, "codingMode": "CODING_MODE_2_0"}}}],
        })
    }

    fn line(source: Source) -> String {
        Recipe::new(&settings())
            .expect("settings")
            .arguments(source, "veryfast")
            .join(" ")
    }

    #[test]
    fn settings_become_arguments() {
        let line = line(Source::Feed(Some(3003.0)));
        for part in [
            "-vf scale=640:360:flags=bicubic,setsar=1",
            "-b:v 800000 -maxrate 800000 -bufsize 1600000 -minrate 800000",
            "-g 60 -keyint_min 60 -bf 2 -sc_threshold 0 -refs 3 -level 4.1",
            "-profile:v high",
            "open-gop=0:cabac=1",
            "nal-hrd=cbr",
            "-c:a aac -b:a 96000 -ar 44100 -ac 2",
            "-i pipe:0",
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }

    #[test]
    fn frames_are_only_touched_when_the_rates_differ() {
        assert!(line(Source::Feed(Some(3003.0))).contains("-fps_mode passthrough"));
        assert!(line(Source::Feed(Some(3000.0))).contains("-fps_mode cfr -r 30000/1001"));
        assert!(line(Source::Feed(Some(1501.5))).contains("-fps_mode cfr"));
        assert!(line(Source::Feed(None)).contains("-fps_mode passthrough"));
        let fill = Source::Fill(Fill::new(&Value::Null));
        assert!(line(fill).contains("color=c=0x000000:s=640x360:r=30000/1001"));
    }

    #[test]
    fn a_gop_in_frames_and_other_modes() {
        let mut settings = settings();
        let h264 = &mut settings["videoDescriptions"][0]["codecSettings"]["h264Settings"];
        h264["gopSizeUnits"] = json!("FRAMES");
        h264["gopSize"] = json!(48);
        h264["rateControlMode"] = json!("QVBR");
        h264["maxBitrate"] = json!(1_000_000);
        h264["profile"] = json!("BASELINE");
        let recipe = Recipe::new(&settings).expect("settings");
        let line = recipe.arguments(Source::Feed(None), "ultrafast").join(" ");
        assert!(
            line.contains("-g 48 ") && line.contains("-maxrate 1000000") && line.contains("-bf 0"),
            "{line}"
        );
        assert!(!line.contains("-minrate"), "{line}");
        assert!(Recipe::new(&json!({})).is_err());
    }
}
