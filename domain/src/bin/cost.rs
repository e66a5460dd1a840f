//! `cost`: the cost model at the command line. It answers in JSON, money as decimal strings.
//!
//! - `cost` or `cost bill` reads `{"periods":[…]}` on standard input and prints the bill:
//!   `{"total_usd":"0.093600","by_destination":{"x":"0.093600"},"lines":[{"resource","destination",
//!   "kind","from","to","minutes","rate_usd_per_hour","usd","placeholder"}]}`.
//!   A period is `{"kind","resource","destination"?,"from","to"}` with RFC 3339 times and a kind of
//!   - `running`, with `"preset":"1080p30"` or `"height":1080,"fps":30,"bitrate":6000000`, and
//!     `"feed_bitrate"` (10000000 when left out): from STARTING until IDLE again;
//!   - `idle_channel`, `idle_input`, `flow`: while it exists without running, or is ACTIVE;
//!   - `egress`, with `"bytes"`.
//! - `cost hourly PRESET [FEED_BITRATE]` prints `{"preset","input_usd","output_usd","running_usd",
//!   "egress_usd","minimum_per_start_usd","idle_usd","flow_usd","placeholder"}`.
//! - `cost at-rest [ALARM_METRICS]` prints `{"total_usd","total_usd_after_free_units",
//!   "lines":[{"item","quantity","unit","usd","usd_after_free_units","source"}],"assumptions":{…}}`
//!   for a month of 730 hours.
//! - `cost lifecycle TRANSITIONS INVOCATIONS FUNCTION_MS HALF_READS WRITES` prints the same shape
//!   for one destination's life.
//!
//! It exits with 0, or with 2 and a sentence on standard error.

use std::io::Read as _;
use std::process::ExitCode;

use domain::cost::{
    AtRest, ControlPlaneLine, Lifecycle, Money, Period, at_rest, bill, hourly, lifecycle,
};
use domain::encoder::input_class;
use domain::preset;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Question {
    periods: Vec<Period>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match answer(&arguments) {
        Ok(json) => {
            println!("{json:#}");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("cost: {sentence}");
            ExitCode::from(2)
        }
    }
}

fn answer(arguments: &[&str]) -> Result<Value, String> {
    match arguments {
        [] | ["bill"] => the_bill(),
        ["hourly", id] => the_hour(id, 10_000_000),
        ["hourly", id, feed] => the_hour(id, number(feed)?),
        ["at-rest"] => rest(&AtRest::default()),
        ["at-rest", alarm_metrics] => rest(&AtRest {
            alarm_metrics: number(alarm_metrics)?,
            ..AtRest::default()
        }),
        ["lifecycle", counts @ ..] if counts.len() == 5 => life(counts),
        _ => Err(
            "use `cost bill`, `cost hourly PRESET [FEED_BITRATE]`, `cost at-rest [ALARM_METRICS]` or `cost lifecycle TRANSITIONS INVOCATIONS FUNCTION_MS HALF_READS WRITES`"
                .to_owned(),
        ),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text} is not a whole number"))
}

fn the_bill() -> Result<Value, String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    let question: Question = serde_json::from_str(&text)
        .map_err(|error| format!("standard input is not {{\"periods\":[…]}}: {error}"))?;
    let bill = bill(&question.periods).map_err(|error| error.to_string())?;
    serde_json::to_value(bill).map_err(|error| error.to_string())
}

fn the_hour(id: &str, feed_bitrate: u64) -> Result<Value, String> {
    let preset = preset::find(id).ok_or_else(|| format!("there is no preset {id}"))?;
    let hour = hourly(preset, input_class(feed_bitrate))
        .ok_or_else(|| format!("no price is known for {id}"))?;
    let mut answer = serde_json::to_value(hour).map_err(|error| error.to_string())?;
    answer["preset"] = json!(preset.id);
    Ok(answer)
}

fn with_totals(lines: Vec<ControlPlaneLine>) -> Value {
    let total: Money = lines.iter().map(|line| line.usd).sum();
    let after: Money = lines.iter().map(|line| line.usd_after_free_units).sum();
    json!({ "total_usd": total, "total_usd_after_free_units": after, "lines": lines })
}

fn rest(plan: &AtRest) -> Result<Value, String> {
    let mut answer = with_totals(at_rest(plan));
    answer["assumptions"] = json!(plan);
    Ok(answer)
}

fn life(counts: &[&str]) -> Result<Value, String> {
    let counts: Vec<u64> = counts
        .iter()
        .map(|text| number(text))
        .collect::<Result<_, _>>()?;
    let [transitions, invocations, function_ms, half_reads, writes] = counts[..] else {
        return Err("five numbers are needed".to_owned());
    };
    let counted = Lifecycle {
        transitions,
        invocations,
        function_ms,
        function_mb: 128,
        half_reads,
        writes,
        // About 500 bytes of our own line and Lambda's.
        log_bytes: invocations * 500,
    };
    let mut answer = with_totals(lifecycle(&counted));
    answer["counted"] = json!(counted);
    Ok(answer)
}
