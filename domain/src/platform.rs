//! Platforms: where the audience watches, as rows of data.
//!
//! A row holds the URL forms a platform gives out, the hosts it owns and the limits it sets. A new
//! platform is a new row. Where a platform publishes only recommendations and no hard limit, the
//! recommendation is the limit here; each row says where its numbers are from.

use crate::address::{Address, Scheme, WELL_KNOWN_PORTS, at_or_below};
use crate::problem::{Code, Problem};

/// One platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// What the record's `platform` says.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Server URLs as the platform shows them (without key).
    pub url_examples: &'static [&'static str],
    /// The server URLs that fit everyone, best first. Empty when each user or event gets its own.
    pub ingest_urls: &'static [&'static str],
    /// Host names the platform owns, with everything below them. Empty: any public host.
    pub host_suffixes: &'static [&'static str],
    /// How it can be reached.
    pub schemes: &'static [Scheme],
    /// What it takes.
    pub limits: Limits,
    /// How a lost connection is taken up again.
    pub reconnect: Reconnect,
    /// Where URLs and limits are from, and when they were read.
    pub source: &'static str,
    /// False: known, but not built yet (`not_available_yet`).
    pub built: bool,
}

/// How a lost connection is taken up again, so that viewers and the recording go on where they were: a
/// platform that still keeps the stream open continues it, one that has closed it begins a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// How long MediaLive waits after it has dropped a connection, in seconds: long enough for the platform
    /// to notice that the old one is gone, since many refuse a second one with the same key.
    pub restart_delay_seconds: u32,
    /// How long the platform keeps a stream open that has stopped, in seconds. None: it says nothing of it.
    pub kept_seconds: Option<u32>,
}

/// Where nothing is known: what RTMP groups in production wait.
const CAREFUL: Reconnect = Reconnect {
    restart_delay_seconds: 15,
    kept_seconds: None,
};

/// What a platform takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Video steps, smallest first. A picture is judged by the first step that holds its height and
    /// frame rate; none holds it: too big. Empty: no limit known.
    pub video: &'static [VideoStep],
    /// Longest time between two key frames, in seconds.
    pub gop_seconds_max: u32,
    /// Highest audio bitrate in bits per second.
    pub audio_bitrate_max: u32,
    /// Sample rates it takes, in hertz.
    pub audio_sample_rates: &'static [u32],
}

/// One video step: up to this height and frame rate, this bitrate at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoStep {
    /// Height of the picture in lines.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Video bitrate in bits per second.
    pub bitrate_max: u32,
}

const fn step(height: u32, fps: u32, bitrate_max: u32) -> VideoStep {
    VideoStep {
        height,
        fps,
        bitrate_max,
    }
}

const BOTH: &[Scheme] = &[Scheme::Rtmps, Scheme::Rtmp];
const USUAL_RATES: &[u32] = &[44_100, 48_000];

/// Every known platform.
pub const ALL: &[Platform] = &[
    Platform {
        id: "youtube",
        name: "YouTube",
        url_examples: &[
            "rtmps://a.rtmps.youtube.com:443/live2",
            "rtmps://b.rtmps.youtube.com:443/live2?backup=1",
            "rtmp://a.rtmp.youtube.com/live2",
        ],
        ingest_urls: &[
            "rtmps://a.rtmps.youtube.com:443/live2",
            "rtmps://b.rtmps.youtube.com:443/live2?backup=1",
        ],
        host_suffixes: &["youtube.com"],
        schemes: BOTH,
        limits: Limits {
            video: &[
                step(720, 30, 4_000_000),
                step(720, 60, 6_000_000),
                step(1080, 30, 10_000_000),
                step(1080, 60, 12_000_000),
                step(1440, 30, 15_000_000),
                step(1440, 60, 24_000_000),
                step(2160, 30, 30_000_000),
                step(2160, 60, 35_000_000),
            ],
            gop_seconds_max: 4,
            audio_bitrate_max: 384_000,
            audio_sample_rates: USUAL_RATES,
        },
        // A broadcast with auto-stop ends about a minute after its stream has stopped (observed by users,
        // not published); one without stays open. Both go on under the same key.
        reconnect: Reconnect {
            restart_delay_seconds: 5,
            kept_seconds: Some(60),
        },
        source: "YouTube Help, live encoder settings (answer 2853702), recommended H.264 bitrates, read 2026-11; the two 720p rates and the audio maximum from memory",
        built: true,
    },
    Platform {
        id: "twitch",
        name: "Twitch",
        url_examples: &[
            "rtmp://live-pdx.twitch.tv/app",
            "rtmps://sfo.contribute.live-video.net/app",
        ],
        ingest_urls: &["rtmp://live-pdx.twitch.tv/app"],
        host_suffixes: &[
            "twitch.tv",
            "contribute.live-video.net",
            "global-contribute.live-video.net",
        ],
        schemes: BOTH,
        // One cap for all sizes. The smaller numbers Twitch prints for 1080p30 (4500 kb/s) and
        // 720p30 (3000 kb/s) are advice; they are kept by Twitch's own presets.
        limits: Limits {
            video: &[step(1080, 60, 6_000_000)],
            gop_seconds_max: 2,
            audio_bitrate_max: 320_000,
            audio_sample_rates: USUAL_RATES,
        },
        // Disconnect Protection: viewers see a card for 90 s, and a stream that is back by then is the
        // same broadcast and the same recording. Two tries fit.
        reconnect: Reconnect {
            restart_delay_seconds: 5,
            kept_seconds: Some(90),
        },
        source: "Twitch broadcasting guidelines and OBS service list (commit 000d038), read 2026-11; ingest names from Twitch's video broadcast guide for developers; Disconnect Protection as creators are told of it",
        built: true,
    },
    Platform {
        id: "linkedin",
        name: "LinkedIn Live",
        url_examples: &["rtmps://live.example.com:443/live"],
        ingest_urls: &[],
        // Each event gets a server of its own and LinkedIn publishes no list of hosts.
        host_suffixes: &[],
        schemes: BOTH,
        limits: Limits {
            video: &[step(720, 30, 6_000_000), step(1080, 30, 6_000_000)],
            gop_seconds_max: 2,
            audio_bitrate_max: 128_000,
            audio_sample_rates: &[48_000],
        },
        reconnect: CAREFUL,
        source: "SyncWords help, LinkedIn video specifications, read 2026-11; the maximum of 6 Mb/s from memory, to be checked at LinkedIn",
        built: true,
    },
    Platform {
        id: "facebook",
        name: "Facebook Live",
        url_examples: &[
            "rtmps://live-api-s.facebook.com:443/rtmp/",
            "rtmps://rtmp-api.facebook.com:443/rtmp/",
        ],
        ingest_urls: &["rtmps://live-api-s.facebook.com:443/rtmp/"],
        host_suffixes: &["facebook.com"],
        schemes: &[Scheme::Rtmps],
        limits: Limits {
            video: &[
                step(720, 30, 4_000_000),
                step(720, 60, 6_000_000),
                step(1080, 30, 6_000_000),
                step(1080, 60, 9_000_000),
            ],
            gop_seconds_max: 4,
            audio_bitrate_max: 256_000,
            audio_sample_rates: USUAL_RATES,
        },
        reconnect: CAREFUL,
        source: "Meta for Developers, Live Video API, broadcasting specifications, read 2026-11",
        built: true,
    },
    Platform {
        id: "restream",
        name: "Restream",
        url_examples: &[
            "rtmp://live.restream.io/live",
            "rtmp://seattle.restream.io/live",
        ],
        ingest_urls: &["rtmp://live.restream.io/live"],
        host_suffixes: &["restream.io"],
        schemes: BOTH,
        // Restream passes the stream on as it is, so the strictest platform behind it decides and
        // no number of its own is known.
        limits: Limits {
            video: &[],
            gop_seconds_max: 2,
            audio_bitrate_max: 320_000,
            audio_sample_rates: USUAL_RATES,
        },
        reconnect: CAREFUL,
        source: "OBS service list (commit 000d038), read 2026-11; it names no maximum",
        built: true,
    },
    Platform {
        id: "custom",
        name: "Custom RTMP server",
        url_examples: &[
            "rtmps://stream.example.com:443/live",
            "rtmp://stream.example.com:1935/live",
        ],
        ingest_urls: &[],
        host_suffixes: &[],
        schemes: BOTH,
        limits: Limits {
            video: &[],
            gop_seconds_max: 10,
            audio_bitrate_max: 384_000,
            audio_sample_rates: &[32_000, 44_100, 48_000, 96_000],
        },
        reconnect: CAREFUL,
        source: "No limits of our own; what MediaLive can send decides",
        built: true,
    },
    Platform {
        id: "hls",
        name: "HLS to viewers",
        url_examples: &[],
        ingest_urls: &[],
        host_suffixes: &[],
        schemes: &[],
        limits: Limits {
            video: &[],
            gop_seconds_max: 10,
            audio_bitrate_max: 384_000,
            audio_sample_rates: USUAL_RATES,
        },
        reconnect: CAREFUL,
        source: "Reserved; built later",
        built: false,
    },
];

/// The platform with this id.
pub fn find(id: &str) -> Option<&'static Platform> {
    ALL.iter().find(|platform| platform.id == id)
}

/// The ids of all platforms that can be used, for messages: `youtube, twitch, …`.
pub fn usable_ids() -> String {
    let ids: Vec<&str> = ALL.iter().filter(|p| p.built).map(|p| p.id).collect();
    ids.join(", ")
}

impl Platform {
    /// Checks that an address is one of this platform's.
    ///
    /// # Errors
    /// `url_host_not_allowed`, `url_scheme` or `url_port`.
    pub fn accept(&self, address: &Address) -> Result<(), Problem> {
        let Address {
            scheme, host, port, ..
        } = address;
        if !self.owns_host(host) {
            return Err(Problem::new(
                Code::UrlHostNotAllowed,
                format!("{host} is not a server of {}.", self.name),
            )
            .with_advice(self.host_advice()));
        }
        if !self.schemes.contains(scheme) {
            return Err(Problem::new(
                Code::UrlScheme,
                format!("{} does not take {scheme}.", self.name),
            )
            .with_advice(self.host_advice()));
        }
        if !self.host_suffixes.is_empty() && !WELL_KNOWN_PORTS.contains(port) {
            return Err(Problem::new(
                Code::UrlPort,
                format!(
                    "Port {port} of {scheme}://{host} is not a port of {}.",
                    self.name
                ),
            ));
        }
        Ok(())
    }

    fn owns_host(&self, host: &str) -> bool {
        self.host_suffixes.is_empty()
            || self
                .host_suffixes
                .iter()
                .any(|suffix| at_or_below(host, suffix))
    }

    fn host_advice(&self) -> String {
        let example = self.ingest_urls.first().or(self.url_examples.first());
        match example {
            Some(url) => format!(
                "Use a server URL of {}, for example {url}, or set platform to custom if the server is really another one.",
                self.name
            ),
            None => Code::UrlHostNotAllowed.advice().to_owned(),
        }
    }
}

/// How much video bitrate a platform leaves a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoRoom {
    /// The platform names no limit.
    NoLimit,
    /// So many bits per second at most.
    UpTo(u32),
    /// The picture is bigger or faster than anything it takes.
    TooBig,
}

impl Limits {
    /// The room for a picture of this height (lines) and frame rate (frames per second).
    pub fn video_room(&self, height: u32, fps: u32) -> VideoRoom {
        if self.video.is_empty() {
            return VideoRoom::NoLimit;
        }
        self.video
            .iter()
            .find(|step| step.height >= height && step.fps >= fps)
            .map_or(VideoRoom::TooBig, |step| VideoRoom::UpTo(step.bitrate_max))
    }
}
