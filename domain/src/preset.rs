//! Presets: named encoding recipes, as rows of data.
//!
//! Every recipe is H.264 at a constant bitrate with a key frame every two seconds and AAC, for that
//! is what all platforms ask for. Bitrates stay below 10 Mb/s, where MediaLive's dearer price class
//! begins. A test checks each row against the limits of every platform it may be used for.

use crate::platform::{Limits, Platform, VideoRoom};
use crate::problem::{Code, Problem};

/// One encoding recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What the record's `preset_id` says.
    pub id: &'static str,
    /// Width in pixels; even.
    pub width: u32,
    /// Height in pixels; even.
    pub height: u32,
    /// Frame rate, numerator.
    pub fps_numerator: u32,
    /// Frame rate, denominator.
    pub fps_denominator: u32,
    /// Video bitrate in bits per second.
    pub bitrate: u32,
    /// Seconds between two key frames.
    pub gop_seconds: u32,
    /// B-frames between two reference frames.
    pub b_frames: u32,
    /// H.264 profile in MediaLive's words.
    pub profile: &'static str,
    /// Audio bitrate in bits per second.
    pub audio_bitrate: u32,
    /// Audio sample rate in hertz.
    pub sample_rate: u32,
    /// Platforms it is made for. Empty: any.
    pub platforms: &'static [&'static str],
}

/// What all built-in presets share: 30 frames per second, two B-frames, HIGH profile, stereo AAC
/// with 128 kb/s at 48 kHz.
const BASE: Preset = Preset {
    id: "",
    width: 1920,
    height: 1080,
    fps_numerator: 30,
    fps_denominator: 1,
    bitrate: 0,
    gop_seconds: 2,
    b_frames: 2,
    profile: "HIGH",
    audio_bitrate: 128_000,
    sample_rate: 48_000,
    platforms: &[],
};

const fn p1080(
    id: &'static str,
    fps: u32,
    bitrate: u32,
    platforms: &'static [&'static str],
) -> Preset {
    Preset {
        id,
        fps_numerator: fps,
        bitrate,
        platforms,
        ..BASE
    }
}

const fn p720(
    id: &'static str,
    fps: u32,
    bitrate: u32,
    platforms: &'static [&'static str],
) -> Preset {
    Preset {
        id,
        width: 1280,
        height: 720,
        fps_numerator: fps,
        bitrate,
        platforms,
        ..BASE
    }
}

const YOUTUBE: &[&str] = &["youtube"];
const TWITCH: &[&str] = &["twitch"];
const LINKEDIN: &[&str] = &["linkedin"];
const FACEBOOK: &[&str] = &["facebook"];
const RESTREAM: &[&str] = &["restream"];

/// Every built-in preset.
pub const ALL: &[Preset] = &[
    // Generic: chosen so that every platform that takes the size takes the bitrate.
    Preset {
        id: "360p30",
        width: 640,
        height: 360,
        bitrate: 1_000_000,
        ..BASE
    },
    p720("720p30", 30, 3_000_000, &[]),
    p1080("1080p30", 30, 6_000_000, &[]),
    p1080("1080p60", 60, 6_000_000, &[]),
    // YouTube re-encodes, so more is better; its advice for 1080p60 (12 Mb/s) would cost more.
    p720("youtube-720p30", 30, 4_000_000, YOUTUBE),
    p720("youtube-720p60", 60, 6_000_000, YOUTUBE),
    p1080("youtube-1080p30", 30, 8_000_000, YOUTUBE),
    p1080("youtube-1080p60", 60, 9_000_000, YOUTUBE),
    // Twitch's own table.
    p720("twitch-720p30", 30, 3_000_000, TWITCH),
    p720("twitch-720p60", 60, 4_500_000, TWITCH),
    p1080("twitch-1080p30", 30, 4_500_000, TWITCH),
    p1080("twitch-1080p60", 60, 6_000_000, TWITCH),
    // LinkedIn's player ends at 720p; 1080p stays below its maximum with room for peaks.
    p720("linkedin-720p30", 30, 3_500_000, LINKEDIN),
    p1080("linkedin-1080p30", 30, 5_000_000, LINKEDIN),
    p720("facebook-720p30", 30, 4_000_000, FACEBOOK),
    p720("facebook-720p60", 60, 6_000_000, FACEBOOK),
    p1080("facebook-1080p30", 30, 6_000_000, FACEBOOK),
    p1080("facebook-1080p60", 60, 9_000_000, FACEBOOK),
    // Restream passes on what it gets, so these fit the strictest common platform behind it.
    p720("restream-720p30", 30, 3_000_000, RESTREAM),
    p1080("restream-1080p30", 30, 4_500_000, RESTREAM),
    p1080("restream-1080p60", 60, 6_000_000, RESTREAM),
];

/// Names of the original system that still work.
pub const ALIASES: &[(&str, &str)] = &[("720p", "720p30"), ("1080p", "1080p30")];

/// The preset with this id or alias.
pub fn find(id: &str) -> Option<&'static Preset> {
    let id = ALIASES
        .iter()
        .find(|(alias, _)| *alias == id)
        .map_or(id, |(_, canonical)| canonical);
    ALL.iter().find(|preset| preset.id == id)
}

impl Preset {
    /// Frames per second, rounded up: 29.97 counts as 30.
    pub fn fps(&self) -> u32 {
        self.fps_numerator.div_ceil(self.fps_denominator)
    }

    /// The size as people say it: `1080p30`.
    pub fn size_name(&self) -> String {
        format!("{}p{}", self.height, self.fps())
    }

    /// Checks that this preset may be used for a platform and keeps its limits.
    ///
    /// # Errors
    /// `preset_not_for_platform` or `preset_exceeds_platform`.
    pub fn fits(&self, platform: &Platform) -> Result<(), Problem> {
        // A custom server takes what its owner says it takes.
        let anything_goes = platform.id == "custom";
        if !anything_goes && !self.made_for(platform) {
            return Err(Problem::new(
                Code::PresetNotForPlatform,
                format!(
                    "The preset {} is made for {}, not for {}.",
                    self.id,
                    self.platforms.join(", "),
                    platform.name
                ),
            ));
        }
        match self.excess(&platform.limits) {
            None => Ok(()),
            Some(excess) => Err(Problem::new(
                Code::PresetExceedsPlatform,
                format!(
                    "The preset {} is too much for {}: {excess}.",
                    self.id, platform.name
                ),
            )
            .with_advice(advice(platform))),
        }
    }

    /// What is too much for these limits, as half a sentence; `None` when all is kept.
    fn excess(&self, limits: &Limits) -> Option<String> {
        let fps = self.fps();
        match limits.video_room(self.height, fps) {
            VideoRoom::TooBig => {
                return Some(format!(
                    "it takes no picture of {} lines at {fps} frames per second",
                    self.height
                ));
            }
            VideoRoom::UpTo(max) if self.bitrate > max => {
                return Some(format!(
                    "it has {} kb/s of video and the platform takes {} kb/s at this size",
                    self.bitrate / 1000,
                    max / 1000
                ));
            }
            VideoRoom::UpTo(_) | VideoRoom::NoLimit => {}
        }
        if self.gop_seconds > limits.gop_seconds_max {
            return Some(format!(
                "it has a key frame every {} s and the platform wants one every {} s",
                self.gop_seconds, limits.gop_seconds_max
            ));
        }
        if self.audio_bitrate > limits.audio_bitrate_max {
            return Some(format!(
                "it has {} kb/s of audio and the platform takes {} kb/s",
                self.audio_bitrate / 1000,
                limits.audio_bitrate_max / 1000
            ));
        }
        if !limits.audio_sample_rates.contains(&self.sample_rate) {
            return Some(format!(
                "the platform does not take audio at {} Hz",
                self.sample_rate
            ));
        }
        None
    }

    fn made_for(&self, platform: &Platform) -> bool {
        self.platforms.is_empty() || self.platforms.contains(&platform.id)
    }
}

/// Names the presets that do fit, biggest first.
fn advice(platform: &Platform) -> String {
    let mut fitting: Vec<&Preset> = ALL
        .iter()
        .filter(|p| p.made_for(platform) && p.excess(&platform.limits).is_none())
        .collect();
    fitting.sort_by_key(|p| std::cmp::Reverse((p.height, p.fps(), p.bitrate)));
    let ids: Vec<&str> = fitting.iter().map(|p| p.id).collect();
    format!(
        "Choose one of the presets that fit {}: {}.",
        platform.name,
        ids.join(", ")
    )
}
