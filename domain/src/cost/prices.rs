//! Prices as rows of data, each with where it is from.

use super::money::Money;
use crate::encoder::InputClass;

/// A price per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourlyPrice {
    /// What is paid for.
    pub item: &'static str,
    /// Per hour of it.
    pub per_hour: Money,
    /// Where the number is from.
    pub source: &'static str,
    /// True when it is a guess until the first real bill.
    pub placeholder: bool,
}

const fn sure(item: &'static str, micros: u64, source: &'static str) -> HourlyPrice {
    HourlyPrice {
        item,
        per_hour: Money(micros),
        source,
        placeholder: false,
    }
}

const fn guess(item: &'static str, micros: u64, source: &'static str) -> HourlyPrice {
    HourlyPrice {
        item,
        per_hour: Money(micros),
        source,
        placeholder: true,
    }
}

const PAGE: &str = "MediaLive pricing page: single pipeline is 60 % of standard; read 2026-11";

/// One running AVC HD input of a single-pipeline channel, by its class.
pub const INPUTS: &[(InputClass, HourlyPrice)] = &[
    (
        InputClass::Max10,
        sure(
            "running input, AVC HD, up to 10 Mb/s",
            140_400,
            "AWS Price List sample 2026-11, checked against a published single-pipeline bill",
        ),
    ),
    (
        InputClass::Max20,
        sure("running input, AVC HD, 10 to 20 Mb/s", 176_400, PAGE),
    ),
    (
        InputClass::Max50,
        guess(
            "running input, AVC HD, 20 to 50 Mb/s",
            220_500,
            "guess: 1.25 times the class below, as that is to the one below it",
        ),
    ),
];

/// The price of one class. Every class has a row.
pub fn input_price(class: InputClass) -> HourlyPrice {
    let last = INPUTS[INPUTS.len() - 1].1;
    INPUTS
        .iter()
        .find(|(row, _)| *row == class)
        .map_or(last, |(_, price)| *price)
}

/// What the price of an output depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputClass {
    /// 720 lines and more (and not more than 1080).
    pub hd: bool,
    /// More than 10 Mb/s (and not more than 20).
    pub above_10_mbps: bool,
    /// More than 30 frames per second (and not more than 60).
    pub above_30_fps: bool,
}

/// One price row: which outputs it is for, and how much.
pub type OutputPrice = (OutputClass, HourlyPrice);

const fn class(hd: bool, above_10_mbps: bool, above_30_fps: bool) -> OutputClass {
    OutputClass {
        hd,
        above_10_mbps,
        above_30_fps,
    }
}

const SAMPLE: &str = "AWS solution Live Streaming with Amazon S3, cost example (standard class), times 60 %; read 2026-11";
const FPS60: &str =
    "guess: 1.5 times the price up to 30 frames per second, the dearest that was seen";
const MBPS20: &str = "guess: 1.25 times the price up to 10 Mb/s, as inputs have it";

/// One running AVC output of a single-pipeline channel.
pub const OUTPUTS: &[OutputPrice] = &[
    (
        class(false, false, false),
        sure(
            "output, AVC SD, up to 10 Mb/s, up to 30 fps",
            212_400,
            SAMPLE,
        ),
    ),
    (
        class(false, false, true),
        guess(
            "output, AVC SD, up to 10 Mb/s, up to 60 fps",
            318_600,
            FPS60,
        ),
    ),
    (
        class(true, false, false),
        sure(
            "output, AVC HD, up to 10 Mb/s, up to 30 fps",
            421_200,
            SAMPLE,
        ),
    ),
    (
        class(true, false, true),
        guess(
            "output, AVC HD, up to 10 Mb/s, up to 60 fps",
            631_800,
            FPS60,
        ),
    ),
    (
        class(true, true, false),
        guess(
            "output, AVC HD, 10 to 20 Mb/s, up to 30 fps",
            526_500,
            MBPS20,
        ),
    ),
    (
        class(true, true, true),
        guess(
            "output, AVC HD, 10 to 20 Mb/s, up to 60 fps",
            789_750,
            FPS60,
        ),
    ),
];

/// The price of an output of this height (lines), frame rate (frames per second) and bitrate (bits
/// per second). `None` where no row is known: above 1080 lines, 60 frames per second or 20 Mb/s.
pub fn output_price(height: u32, fps: u32, bitrate: u32) -> Option<HourlyPrice> {
    if height > 1080 || fps > 60 || bitrate > 20_000_000 {
        return None;
    }
    let wanted = class(height >= 720, bitrate > 10_000_000, fps > 30);
    OUTPUTS
        .iter()
        .find(|(row, _)| *row == wanted)
        .map(|(_, price)| *price)
}

/// A channel that exists and does not run.
pub const IDLE_CHANNEL: HourlyPrice = sure(
    "idle channel",
    10_000,
    "MediaLive pricing page, idle resources, from memory",
);

/// A push input whose channel does not run, or that has none.
pub const IDLE_INPUT: HourlyPrice = sure(
    "idle push input",
    10_000,
    "MediaLive pricing page, idle resources, from memory",
);

/// A MediaConnect flow of medium size while it is ACTIVE; in STANDBY it is free.
pub const FLOW: HourlyPrice = sure(
    "active flow, medium",
    160_000,
    "MediaConnect pricing page and a published bill, read 2026-11",
);

/// A price per quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    /// Short name, stable.
    pub id: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// The price of `per` units.
    pub price: Money,
    /// How many units that price buys.
    pub per: u64,
    /// Units a month that every account gets for nothing, for ever.
    pub free_per_month: u64,
    /// Where the number is from.
    pub source: &'static str,
}

/// Video that leaves AWS for a platform.
pub const EGRESS: UnitPrice = UnitPrice {
    id: "egress",
    unit: "bytes to the internet",
    price: Money(90_000),
    per: 1_000_000_000,
    free_per_month: 100_000_000_000,
    source: "EC2 on-demand pricing, data transfer out, first 10 TB, from memory",
};

const fn row(
    id: &'static str,
    unit: &'static str,
    micros: u64,
    per: u64,
    free_per_month: u64,
    source: &'static str,
) -> UnitPrice {
    UnitPrice {
        id,
        unit,
        price: Money(micros),
        per,
        free_per_month,
        source,
    }
}

/// MB-milliseconds in a GB-second.
const GB_SECOND: u64 = 1_024_000;

/// What the control plane is billed for, us-east-1 and us-west-2, as known in 2026-11.
pub const UNITS: &[UnitPrice] = &[
    row(
        "lambda_requests",
        "requests",
        200_000,
        1_000_000,
        1_000_000,
        "Lambda pricing page",
    ),
    // $0.0000133334 per GB-second; the free 400,000 GB-seconds are shared by both architectures.
    row(
        "lambda_arm64",
        "MB-ms",
        133_334,
        10_000 * GB_SECOND,
        400_000 * GB_SECOND,
        "Lambda pricing page",
    ),
    row(
        "lambda_x86_64",
        "MB-ms",
        166_667,
        10_000 * GB_SECOND,
        400_000 * GB_SECOND,
        "Lambda pricing page",
    ),
    // Counted in halves, because an eventually consistent read is half a unit.
    row(
        "dynamodb_reads",
        "half read units",
        125_000,
        2_000_000,
        0,
        "DynamoDB on-demand pricing page, standard class",
    ),
    row(
        "dynamodb_writes",
        "write units",
        625_000,
        1_000_000,
        0,
        "DynamoDB on-demand pricing page, standard class",
    ),
    row(
        "dynamodb_backup",
        "bytes kept for point-in-time recovery, per month",
        200_000,
        1_000_000_000,
        0,
        "DynamoDB pricing page",
    ),
    row(
        "step_functions",
        "state transitions",
        25_000_000,
        1_000_000,
        4_000,
        "Step Functions pricing page, Standard",
    ),
    row(
        "eventbridge_schedule",
        "scheduled rule invocations",
        0,
        1,
        0,
        "EventBridge pricing page: rules on a schedule and AWS's own events are free",
    ),
    row(
        "logs",
        "bytes taken in",
        500_000,
        1_000_000_000,
        5_000_000_000,
        "CloudWatch pricing page, logs",
    ),
    row(
        "alarm_metrics",
        "metrics watched by alarms, per month",
        100_000,
        1,
        10,
        "CloudWatch pricing page, standard resolution; an alarm over an expression pays per metric in it",
    ),
    row(
        "custom_metrics",
        "custom metrics, per month",
        300_000,
        1,
        10,
        "CloudWatch pricing page",
    ),
    row(
        "traces",
        "traces recorded",
        5_000_000,
        1_000_000,
        100_000,
        "X-Ray pricing page",
    ),
    row(
        "secrets",
        "secrets, per month",
        400_000,
        1,
        0,
        "Secrets Manager pricing page",
    ),
    row(
        "secret_reads",
        "API calls",
        50_000,
        10_000,
        0,
        "Secrets Manager pricing page",
    ),
];

/// The row with this id.
pub fn unit(id: &str) -> Option<&'static UnitPrice> {
    UNITS.iter().find(|price| price.id == id)
}
