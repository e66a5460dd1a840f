//! The price tag: what one destination costs per hour, before it is started.

use serde::Serialize;

use super::MINIMUM_RUN_MINUTES;
use super::money::Money;
use super::prices::{self, EGRESS, FLOW, IDLE_CHANNEL, IDLE_INPUT};
use crate::encoder::InputClass;
use crate::preset::Preset;

/// What one destination costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hourly {
    /// The running input, per hour.
    pub input_usd: Money,
    /// The output, per hour.
    pub output_usd: Money,
    /// Both: what MediaLive bills per streamed hour.
    pub running_usd: Money,
    /// The video's way to the platform per hour, before the account's free 100 GB a month. An
    /// estimate: video and audio at their nominal bitrates, no overhead, no retries.
    pub egress_usd: Money,
    /// The least a start costs: ten minutes of running.
    pub minimum_per_start_usd: Money,
    /// An hour of existing without running: the idle channel and its idle input.
    pub idle_usd: Money,
    /// An hour of the flow that all destinations share.
    pub flow_usd: Money,
    /// True when one of the prices is a guess until the first real bill.
    pub placeholder: bool,
}

/// What a destination with this preset costs on a feed of this class. `None` when no price is known
/// for the preset's size.
pub fn hourly(preset: &Preset, feed: InputClass) -> Option<Hourly> {
    let input = prices::input_price(feed);
    let output = prices::output_price(preset.height, preset.fps(), preset.bitrate)?;
    let bytes_per_hour = u64::from(preset.bitrate + preset.audio_bitrate) * 3600 / 8;
    // The minimum is billed line by line, so it is rounded line by line.
    let minimum = |price: Money| price.share(MINIMUM_RUN_MINUTES, 60);
    Some(Hourly {
        input_usd: input.per_hour,
        output_usd: output.per_hour,
        running_usd: input.per_hour + output.per_hour,
        egress_usd: EGRESS.price.share(bytes_per_hour, EGRESS.per),
        minimum_per_start_usd: minimum(input.per_hour) + minimum(output.per_hour),
        idle_usd: IDLE_CHANNEL.per_hour + IDLE_INPUT.per_hour,
        flow_usd: FLOW.per_hour,
        placeholder: input.placeholder || output.placeholder,
    })
}
