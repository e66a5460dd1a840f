//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::aws::Cloud;

/// MediaLive and MediaConnect on one machine.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "simulator",
    about = "MediaLive and MediaConnect on one machine"
)]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4700")]
    pub listen: SocketAddr,
    /// The Region of everything.
    #[arg(long, default_value = "us-west-2")]
    pub region: String,
    /// The account of everything.
    #[arg(long, default_value = "123456789012")]
    pub account: String,
    /// The same seed draws the same times.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Simulated seconds in a real one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub time_scale: u64,
    /// Does video move?
    #[arg(long, value_enum, default_value_t = MediaKind::None)]
    pub media: MediaKind,
    /// Where EventBridge and Secrets Manager are (plain http); without it no events are sent.
    #[arg(long)]
    pub events: Option<String>,
    /// Stands for aws.medialive and aws.mediaconnect, which only AWS may send.
    #[arg(long, default_value = "lunora.simulator")]
    pub event_source: String,
    /// `host:port=address:port`: where a platform is really found. May be given often.
    #[arg(long)]
    pub resolve: Vec<String>,
    /// A PEM file with certificates to trust besides the usual ones.
    #[arg(long)]
    pub trust: Option<PathBuf>,
    /// The ffmpeg program, if not the one on the path.
    #[arg(long)]
    pub ffmpeg: Option<PathBuf>,
}

/// What moves the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MediaKind {
    /// Nothing; the core assumes a picture that always arrives.
    None,
    /// Real video through ffmpeg.
    Ffmpeg,
}

impl Arguments {
    /// The cloud that takes events and holds secrets: `--events`, else `AWS_ENDPOINT_URL`.
    pub(super) fn cloud(&self) -> Cloud {
        let endpoint = self
            .events
            .clone()
            .or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
        Cloud::new(endpoint, &self.region)
    }
}
