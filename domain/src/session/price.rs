//! What a run costs, and how time is counted: in whole seconds, billed by the begun minute.

use crate::{
    cost::{MINIMUM_RUN_MINUTES, Money, input_price, output_price},
    encoder, preset,
};
use jiff::Timestamp;

/// What a channel encodes is known from when it was made; if it is not, it is priced as this one.
const USUAL_PRESET: &str = "1080p30";

/// What a run costs.
pub(super) struct RunPrice {
    input: Money,
    output: Money,
    bits_per_second: u64,
    pub placeholder: bool,
}

impl RunPrice {
    /// MediaLive bills the input and the output apart, so each is rounded for itself.
    pub fn of(&self, minutes: u64) -> Money {
        self.input.share(minutes, 60) + self.output.share(minutes, 60)
    }

    /// What leaves for the platform in so many seconds, at nominal rates.
    pub fn bytes(&self, seconds: u64) -> u64 {
        self.bits_per_second * seconds / 8
    }
}

pub(super) fn run_price(preset_id: &str, feed_bitrate: u64) -> RunPrice {
    let input = input_price(encoder::input_class(feed_bitrate));
    let known = preset::find(preset_id);
    let preset = known.or_else(|| preset::find(USUAL_PRESET));
    let output = preset.and_then(|row| output_price(row.height, row.fps(), row.bitrate));
    RunPrice {
        input: input.per_hour,
        output: output.map_or(Money(0), |price| price.per_hour),
        bits_per_second: preset.map_or(0, |row| u64::from(row.bitrate + row.audio_bitrate)),
        placeholder: known.is_none()
            || input.placeholder
            || output.is_none_or(|price| price.placeholder),
    }
}

/// The minutes billed for a run.
pub(super) fn run_minutes(from: Timestamp, to: Timestamp) -> u64 {
    minutes(from, to).max(MINIMUM_RUN_MINUTES)
}

/// Whole minutes, rounded up.
pub(super) fn minutes(from: Timestamp, to: Timestamp) -> u64 {
    seconds(from, to).div_ceil(60)
}

/// Whole seconds from one time to a later one.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
}
