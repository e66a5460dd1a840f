//! What it costs: before a start, while it runs, afterwards, and at rest.
//!
//! All money is in whole micro-dollars, so that sums are exact and agree with any other clock that
//! follows the same rules. Prices are rows of data with their source; a price that is a guess says
//! so. They are list prices for us-east-1, which us-west-2 shares.

mod bill;
mod control_plane;
mod hourly;
mod money;
mod prices;

pub use bill::{Bill, BillError, BillLine, Encode, Kind, Period, bill};
pub use control_plane::{AtRest, ControlPlaneLine, Lifecycle, at_rest, lifecycle};
pub use hourly::{Hourly, hourly};
pub use money::Money;
pub use prices::{
    EGRESS, FLOW, HourlyPrice, IDLE_CHANNEL, IDLE_INPUT, INPUTS, OUTPUTS, OutputClass, OutputPrice,
    UNITS, UnitPrice, input_price, output_price, unit,
};

/// MediaLive bills every start for at least this many minutes (MediaLive pricing page).
pub const MINIMUM_RUN_MINUTES: u64 = 10;
