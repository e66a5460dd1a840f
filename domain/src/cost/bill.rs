//! The bill: from periods of existence to money, by the rules of MediaLive and MediaConnect.
//!
//! The rules (MediaLive and MediaConnect pricing pages):
//! - Minutes are rounded up for each contiguous period.
//! - A run lasts from the moment StartChannel is accepted until the channel is IDLE again and is
//!   billed for ten minutes at least. It makes two lines, one for the input and one for the output,
//!   with or without picture.
//! - A channel that exists without running, and a push input whose channel does not run or that has
//!   none, are billed as idle until they are deleted.
//! - A flow is billed while it is ACTIVE.
//! - A line's money is minutes times the hourly price by sixty, rounded half up to a micro-dollar.
//!   The total is the sum of the lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::MINIMUM_RUN_MINUTES;
use super::money::Money;
use super::prices::{self, EGRESS, FLOW, HourlyPrice, IDLE_CHANNEL, IDLE_INPUT};
use crate::{encoder, preset};

/// One contiguous period of one thing. Two runs of one channel are two periods, however close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Which thing, for the reader: `channel 1234567`.
    pub resource: String,
    /// The destination it belonged to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// What it did.
    #[serde(flatten)]
    pub kind: Kind,
    /// When that began.
    pub from: Timestamp,
    /// When that ended.
    pub to: Timestamp,
}

/// What is billed. In JSON the member `kind` holds the name, next to the members of the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A channel from STARTING until IDLE again, with its one input and one output.
    Running {
        /// What it encodes.
        #[serde(flatten)]
        encode: Encode,
        /// Bits per second that the input is made for; 10 Mb/s when left out.
        #[serde(default = "usual_feed")]
        feed_bitrate: u64,
    },
    /// A channel that exists and does not run.
    IdleChannel,
    /// A push input whose channel does not run, or that has none.
    IdleInput,
    /// A flow while it is ACTIVE.
    Flow,
    /// Bytes sent to a platform.
    Egress {
        /// How many.
        bytes: u64,
    },
}

fn usual_feed() -> u64 {
    10_000_000
}

/// What a running channel encodes: a preset's name, or the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Encode {
    /// A built-in preset.
    Preset {
        /// Its id or alias.
        preset: String,
    },
    /// Any picture.
    Picture {
        /// Lines.
        height: u32,
        /// Frames per second, rounded up.
        fps: u32,
        /// Bits per second of video.
        bitrate: u32,
    },
}

impl Encode {
    fn price(&self) -> Option<HourlyPrice> {
        match *self {
            Encode::Preset { ref preset } => {
                let preset = preset::find(preset)?;
                prices::output_price(preset.height, preset.fps(), preset.bitrate)
            }
            Encode::Picture {
                height,
                fps,
                bitrate,
            } => prices::output_price(height, fps, bitrate),
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// Which thing.
    pub resource: String,
    /// The destination it belonged to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `channel_input`, `channel_output`, `idle_channel`, `idle_input`, `flow` or `egress`.
    pub kind: String,
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// Billed minutes; 0 for egress, which is billed by bytes.
    pub minutes: u64,
    /// Price of an hour; 0 for egress.
    pub rate_usd_per_hour: Money,
    /// What it costs.
    pub usd: Money,
    /// True when the price is a guess until the first real bill.
    #[serde(default)]
    pub placeholder: bool,
}

/// A whole bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The sum of the lines.
    pub total_usd: Money,
    /// The sums by destination; what belongs to none, such as the flow, under `-`.
    pub by_destination: BTreeMap<String, Money>,
    /// In the order of the periods.
    pub lines: Vec<BillLine>,
}

/// Why there is no bill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// A period ends before it begins.
    #[error("the period of {0} ends before it begins")]
    Backwards(String),
    /// No price is known for what it encodes.
    #[error("no price is known for what {0} encodes")]
    NoPrice(String),
}

/// The bill for these periods.
///
/// # Errors
/// [`BillError`] when a period ends before it begins or has no price.
pub fn bill(periods: &[Period]) -> Result<Bill, BillError> {
    let mut bill = Bill::default();
    for period in periods {
        for line in lines(period)? {
            let owner = line.destination.clone().unwrap_or_else(|| "-".to_owned());
            let sum = bill.by_destination.entry(owner).or_default();
            *sum = *sum + line.usd;
            bill.total_usd = bill.total_usd + line.usd;
            bill.lines.push(line);
        }
    }
    Ok(bill)
}

fn lines(period: &Period) -> Result<Vec<BillLine>, BillError> {
    let minutes = minutes(period)?;
    let line = |kind: &str, minutes: u64, price: HourlyPrice| BillLine {
        resource: period.resource.clone(),
        destination: period.destination.clone(),
        kind: kind.to_owned(),
        from: period.from,
        to: period.to,
        minutes,
        rate_usd_per_hour: price.per_hour,
        usd: price.per_hour.share(minutes, 60),
        placeholder: price.placeholder,
    };
    Ok(match &period.kind {
        Kind::Running {
            encode,
            feed_bitrate,
        } => {
            let output = encode
                .price()
                .ok_or_else(|| BillError::NoPrice(period.resource.clone()))?;
            let input = prices::input_price(encoder::input_class(*feed_bitrate));
            let minutes = minutes.max(MINIMUM_RUN_MINUTES);
            vec![
                line("channel_input", minutes, input),
                line("channel_output", minutes, output),
            ]
        }
        Kind::IdleChannel => vec![line("idle_channel", minutes, IDLE_CHANNEL)],
        Kind::IdleInput => vec![line("idle_input", minutes, IDLE_INPUT)],
        Kind::Flow => vec![line("flow", minutes, FLOW)],
        Kind::Egress { bytes } => {
            let free = HourlyPrice {
                item: EGRESS.id,
                per_hour: Money(0),
                source: EGRESS.source,
                placeholder: false,
            };
            vec![BillLine {
                usd: EGRESS.price.share(*bytes, EGRESS.per),
                ..line("egress", 0, free)
            }]
        }
    })
}

/// Whole minutes of a period, rounded up.
fn minutes(period: &Period) -> Result<u64, BillError> {
    const MINUTE: i128 = 60_000_000_000;
    let nanoseconds = period.to.as_nanosecond() - period.from.as_nanosecond();
    // Rounded up by hand: the signed division that rounds up is not stable yet.
    u64::try_from((nanoseconds + MINUTE - 1).div_euclid(MINUTE))
        .ok()
        .filter(|_| nanoseconds >= 0)
        .ok_or_else(|| BillError::Backwards(period.resource.clone()))
}
