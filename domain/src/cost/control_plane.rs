//! What Lunora itself costs: a month at rest, and one destination's life from record to nothing.

use serde::Serialize;

use super::money::Money;
use super::prices::unit;

/// What runs when nothing streams. The defaults are those of the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtRest {
    /// Minutes of the month.
    pub minutes: u64,
    /// Sweeps per hour.
    pub sweeps_per_hour: u64,
    /// Billed milliseconds of one sweep. Two small reads over a warm connection; an assumption.
    pub sweep_ms: u64,
    /// Memory of the sweep in MB.
    pub sweep_mb: u64,
    /// Whether functions run on arm64.
    pub arm64: bool,
    /// Half read units of one sweep: a consistent scan of each of two tables of up to 8 KB.
    pub sweep_half_reads: u64,
    /// Bytes that one sweep logs, Lambda's own lines among them.
    pub sweep_log_bytes: u64,
    /// Metrics that alarms watch, counted in each alarm.
    pub alarm_metrics: u64,
    /// Metrics of our own that are written at rest.
    pub custom_metrics: u64,
    /// Whether each sweep is traced: X-Ray records the first request of every second.
    pub traced: bool,
    /// Secrets of our own: the feed's passphrase.
    pub secrets: u64,
    /// Bytes in both tables.
    pub table_bytes: u64,
}

impl Default for AtRest {
    fn default() -> AtRest {
        AtRest {
            minutes: 730 * 60,
            sweeps_per_hour: 60,
            sweep_ms: 50,
            sweep_mb: 256,
            arm64: true,
            sweep_half_reads: 8,
            sweep_log_bytes: 800,
            alarm_metrics: 16,
            custom_metrics: 0,
            traced: true,
            secrets: 1,
            table_bytes: 100_000,
        }
    }
}

/// One line of the control plane's cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlPlaneLine {
    /// Id of the price row.
    pub item: &'static str,
    /// How many units.
    pub quantity: u64,
    /// What is counted.
    pub unit: &'static str,
    /// What they cost at list price.
    pub usd: Money,
    /// What is left after the units every account gets for nothing, if nothing else uses them.
    pub usd_after_free_units: Money,
    /// Where the price is from.
    pub source: &'static str,
}

fn lines(quantities: &[(&'static str, u64)]) -> Vec<ControlPlaneLine> {
    quantities
        .iter()
        .filter_map(|&(id, quantity)| unit(id).map(|row| (row, quantity)))
        .map(|(row, quantity)| ControlPlaneLine {
            item: row.id,
            quantity,
            unit: row.unit,
            usd: row.price.share(quantity, row.per),
            usd_after_free_units: row
                .price
                .share(quantity.saturating_sub(row.free_per_month), row.per),
            source: row.source,
        })
        .collect()
}

/// A month with no destination on the air and none waiting. What stays is the sweep, its logs and
/// traces, the alarms and the secret. The alarms and the secret are the larger part of it.
pub fn at_rest(plan: &AtRest) -> Vec<ControlPlaneLine> {
    let sweeps = plan.minutes * plan.sweeps_per_hour / 60;
    let memory = if plan.arm64 {
        "lambda_arm64"
    } else {
        "lambda_x86_64"
    };
    lines(&[
        ("eventbridge_schedule", sweeps),
        ("lambda_requests", sweeps),
        (memory, sweeps * plan.sweep_ms * plan.sweep_mb),
        ("dynamodb_reads", sweeps * plan.sweep_half_reads),
        ("dynamodb_backup", plan.table_bytes),
        ("logs", sweeps * plan.sweep_log_bytes),
        ("traces", if plan.traced { sweeps } else { 0 }),
        ("alarm_metrics", plan.alarm_metrics),
        ("custom_metrics", plan.custom_metrics),
        ("secrets", plan.secrets),
    ])
}

/// What was counted during one destination's life: made, started, stopped and removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lifecycle {
    /// State transitions of Step Functions.
    pub transitions: u64,
    /// Function invocations.
    pub invocations: u64,
    /// Billed milliseconds of all of them together.
    pub function_ms: u64,
    /// Memory of a function in MB.
    pub function_mb: u64,
    /// Half read units.
    pub half_reads: u64,
    /// Write units.
    pub writes: u64,
    /// Bytes of logs.
    pub log_bytes: u64,
}

/// What one life costs beside the media services, at list price.
pub fn lifecycle(counted: &Lifecycle) -> Vec<ControlPlaneLine> {
    lines(&[
        ("step_functions", counted.transitions),
        ("lambda_requests", counted.invocations),
        ("lambda_arm64", counted.function_ms * counted.function_mb),
        ("dynamodb_reads", counted.half_reads),
        ("dynamodb_writes", counted.writes),
        ("logs", counted.log_bytes),
    ])
}
