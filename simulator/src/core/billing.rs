//! The billing clock. The rule, exactly (MediaLive and MediaConnect pricing pages):
//!
//! - A **run** lasts from the moment StartChannel is accepted (STARTING) until the channel is IDLE
//!   again, with or without picture. It makes one line per attached input (`channel_input`) and one
//!   per output (`channel_output`). Its minutes are rounded up, and are at least ten.
//! - `idle_channel`: from CreateChannel accepted to StartChannel accepted, from IDLE after a run to
//!   the next start, until the channel is DELETED. Minutes are rounded up per contiguous period.
//! - `idle_input`: a push input that is attached to no running channel: from CreateInput accepted to
//!   the start of its channel, from that channel's IDLE on, until the input is DELETED. One period,
//!   however often it is attached and detached meanwhile.
//! - `flow`: from ACTIVE to the moment StopFlow is accepted; being UPDATING does not interrupt it.
//! - `egress`: bytes that left for the platforms during one run, as the media plane counted them
//!   (times the time scale, since it works in real time); without a media plane the encoder's bits
//!   per second times the time in RUNNING and RECOVERING. Gigabytes are 10^9 bytes.
//!
//! Money is in whole micro-dollars. A line is minutes times the hourly price by 60, rounded half up
//! once per line; the total is the exact sum of the lines. Lines that are still open are reckoned up
//! to now. A period without length makes no line. A channel in CREATE_FAILED bills as idle.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Core;
use super::book::BillRow;
use super::channel::Channel;
use super::prices::{self, EGRESS_MICROS_PER_GB, Price};
use super::tags::Tags;
use super::when::rfc3339_ms;

const MINIMUM_RUN_MINUTES: u64 = 10;
const MINUTE_MS: u64 = 60_000;

/// One line of the bill, open while `to` is none.
#[derive(Clone)]
pub(super) struct Line {
    resource: String,
    name: String,
    kind: &'static str,
    tags: Tags,
    price: Price,
    from: u64,
    to: Option<u64>,
    bytes: Option<u64>,
}

/// The bytes of a run, counted or reckoned.
struct Egress {
    /// None with a media plane: then only what it counted has left.
    bits_per_second: Option<u64>,
    reported: u64,
    running_since: Option<u64>,
    running_ms: u64,
    from: u64,
}

/// All periods, open and closed.
#[derive(Default)]
pub(super) struct Meter {
    /// Open lines by what closes them: a channel's run, a channel's or input's idling, a flow.
    open: BTreeMap<(&'static str, String), Vec<Line>>,
    closed: Vec<Line>,
    egress: BTreeMap<String, Egress>,
}

impl Line {
    /// Resource, name, kind, tags, from, to.
    pub fn period(&self) -> (&str, &str, &'static str, &Tags, u64, Option<u64>) {
        let Self { kind, from, to, .. } = self;
        (&self.resource, &self.name, kind, &self.tags, *from, *to)
    }
}

impl Meter {
    /// Every period, closed or open, without the bytes.
    pub fn periods(&self) -> impl Iterator<Item = BillRow<'_>> {
        let lines = self.closed.iter().chain(self.open.values().flatten());
        lines.filter(|line| line.bytes.is_none()).map(BillRow::new)
    }

    fn close(&mut self, key: (&'static str, &str), now: u64) {
        for mut line in self
            .open
            .remove(&(key.0, key.1.to_owned()))
            .unwrap_or_default()
        {
            line.to = Some(now);
            if line.from < now {
                self.closed.push(line);
            }
        }
    }

    pub fn count_bytes(&mut self, channel: &str, bytes: u64) {
        if let Some(egress) = self.egress.get_mut(channel) {
            egress.reported += bytes;
        }
    }
}

impl Egress {
    fn bytes(&self, now: u64) -> u64 {
        let Some(bits_per_second) = self.bits_per_second.filter(|_| self.reported == 0) else {
            return self.reported;
        };
        let running = self.running_ms + self.running_since.map_or(0, |since| now - since);
        // Bits per second times milliseconds, by 8000.
        bits_per_second * running / 8000
    }
}

/// Whole minutes, rounded up; a run has at least ten.
pub(super) fn minutes(kind: &str, ms: u64) -> u64 {
    let whole = ms.div_ceil(MINUTE_MS);
    if kind.starts_with("channel_") {
        whole.max(MINIMUM_RUN_MINUTES)
    } else {
        whole
    }
}

/// `micros * amount / by`, half up.
fn share(micros: u64, amount: u64, by: u64) -> u64 {
    ((u128::from(micros) * u128::from(amount) + u128::from(by) / 2) / u128::from(by)) as u64
}

pub(super) fn dollars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Video plus audio of all outputs.
fn bits_per_second(channel: &Channel) -> u64 {
    let encoder = channel.encoder();
    let videos = encoder["videoDescriptions"]
        .as_array()
        .into_iter()
        .flatten();
    let audios = encoder["audioDescriptions"]
        .as_array()
        .into_iter()
        .flatten();
    let video: u64 = videos
        .filter_map(|row| row["codecSettings"]["h264Settings"]["bitrate"].as_u64())
        .sum();
    let audio: f64 = audios
        .filter_map(|row| row["codecSettings"]["aacSettings"]["bitrate"].as_f64())
        .sum();
    video + audio as u64
}

impl Core {
    fn line(
        &self,
        resource: &str,
        name: &str,
        kind: &'static str,
        tags: &Tags,
        price: Price,
    ) -> Line {
        let (resource, name, tags) = (resource.to_owned(), name.to_owned(), tags.clone());
        Line {
            resource,
            name,
            kind,
            tags,
            price,
            from: self.now,
            to: None,
            bytes: None,
        }
    }

    pub(super) fn meter_open_idle_channel(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let line = self.line(
            id,
            channel.name(),
            "idle_channel",
            &channel.tags,
            prices::IDLE_CHANNEL,
        );
        self.meter.open.insert(("idle", id.to_owned()), vec![line]);
    }

    pub(super) fn meter_open_idle_input(&mut self, id: &str) {
        let Some(input) = self.inputs.get(id).filter(|input| input.is_push()) else {
            return;
        };
        let line = self.line(
            id,
            &input.name,
            "idle_input",
            &input.tags,
            prices::IDLE_INPUT,
        );
        self.meter
            .open
            .insert(("idle-input", id.to_owned()), vec![line]);
    }

    /// A channel or an input is DELETED.
    pub(super) fn meter_close_idle(&mut self, id: &str) {
        self.meter.close(("idle", id), self.now);
        self.meter.close(("idle-input", id), self.now);
    }

    /// StartChannel is accepted.
    pub(super) fn meter_run_starts(&mut self, id: &str) {
        let now = self.now;
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let (standard, specification) =
            (channel.standard(), &channel.settings["inputSpecification"]);
        let mut lines = Vec::new();
        for input in channel.input_ids() {
            let name = self.inputs.get(&input).map_or("", |input| &input.name);
            let price = prices::input(specification, standard);
            lines.push(self.line(&input, name, "channel_input", &channel.tags, price));
        }
        let videos = channel.encoder()["videoDescriptions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let groups = channel.encoder()["outputGroups"]
            .as_array()
            .into_iter()
            .flatten();
        for output in groups.flat_map(|group| group["outputs"].as_array().into_iter().flatten()) {
            let video = videos
                .iter()
                .find(|video| video["name"] == output["videoDescriptionName"]);
            let price = prices::output(video.unwrap_or(&Value::Null), specification, standard);
            lines.push(self.line(id, channel.name(), "channel_output", &channel.tags, price));
        }
        let egress = Egress {
            bits_per_second: (self.options.media == "ideal").then(|| bits_per_second(channel)),
            reported: 0,
            running_since: None,
            running_ms: 0,
            from: now,
        };
        let inputs = channel.input_ids();
        self.meter.close(("idle", id), now);
        for input in inputs {
            self.meter.close(("idle-input", &input), now);
        }
        self.meter.egress.insert(id.to_owned(), egress);
        self.meter.open.insert(("run", id.to_owned()), lines);
    }

    /// RUNNING begins or ends; RECOVERING goes on counting.
    pub(super) fn meter_running(&mut self, id: &str, running: bool) {
        let now = self.now;
        let Some(egress) = self.meter.egress.get_mut(id) else {
            return;
        };
        if running {
            egress.running_since.get_or_insert(now);
        } else if let Some(since) = egress.running_since.take() {
            egress.running_ms += now - since;
        }
    }

    /// The channel is IDLE again.
    pub(super) fn meter_run_ends(&mut self, id: &str) {
        let now = self.now;
        self.meter_running(id, false);
        self.meter.close(("run", id), now);
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let inputs = channel.input_ids();
        if let Some(egress) = self.meter.egress.remove(id) {
            let mut line = self.line(
                id,
                channel.name(),
                "egress",
                &channel.tags,
                Price {
                    micros: 0,
                    guess: false,
                },
            );
            (line.from, line.to, line.bytes) = (egress.from, Some(now), Some(egress.bytes(now)));
            if line.bytes != Some(0) {
                self.meter.closed.push(line);
            }
        }
        self.meter_open_idle_channel(id);
        for input in inputs {
            self.meter_open_idle_input(&input);
        }
    }

    pub(super) fn meter_flow(&mut self, arn: &str, active: bool) {
        if !active {
            return self.meter.close(("flow", arn), self.now);
        }
        let Some(flow) = self.flows.get(arn) else {
            return;
        };
        let line = self.line(arn, &flow.name, "flow", &flow.tags, prices::FLOW);
        self.meter.open.insert(("flow", arn.to_owned()), vec![line]);
    }

    /// The whole bill up to now.
    pub(super) fn bill(&self) -> Value {
        let now = self.now;
        let mut lines = self.meter.closed.clone();
        lines.extend(
            self.meter
                .open
                .values()
                .flatten()
                .filter(|line| line.from < now)
                .cloned(),
        );
        for (id, egress) in &self.meter.egress {
            let Some(channel) = self.channels.get(id).filter(|_| egress.bytes(now) > 0) else {
                continue;
            };
            let mut line = self.line(
                id,
                channel.name(),
                "egress",
                &channel.tags,
                Price {
                    micros: 0,
                    guess: false,
                },
            );
            (line.from, line.bytes) = (egress.from, Some(egress.bytes(now)));
            lines.push(line);
        }
        lines.sort_by(|a, b| (a.from, a.kind, &a.resource).cmp(&(b.from, b.kind, &b.resource)));
        let mut total = 0;
        let rows: Vec<Value> = lines
            .iter()
            .map(|line| {
                let (micros, row) = line_json(line, now);
                total += micros;
                row
            })
            .collect();
        json!({"total_usd": dollars(total), "lines": rows})
    }
}

fn line_json(line: &Line, now: u64) -> (u64, Value) {
    let to = line.to.unwrap_or(now);
    let minutes = if line.bytes.is_some() {
        0
    } else {
        minutes(line.kind, to - line.from)
    };
    let micros = match line.bytes {
        Some(bytes) => share(EGRESS_MICROS_PER_GB, bytes, 1_000_000_000),
        None => share(line.price.micros, minutes, 60),
    };
    let owner = line
        .tags
        .iter()
        .find(|(key, _)| key.rsplit(':').next() == Some("destination"));
    let mut row = json!({
        "resource": line.resource, "name": line.name, "kind": line.kind,
        "from": rfc3339_ms(line.from), "to": rfc3339_ms(to), "open": line.to.is_none(),
        "minutes": minutes, "rate_usd_per_hour": dollars(line.price.micros), "guess": line.price.guess,
        "usd": dollars(micros), "destination": owner.map(|(_, value)| value),
    });
    if let Some(bytes) = line.bytes {
        row["bytes"] = json!(bytes);
        row["rate_usd_per_gb"] = json!(dollars(EGRESS_MICROS_PER_GB));
    }
    (micros, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_round_up_and_a_run_has_ten() {
        let rows = [
            ("idle_channel", 0, 0),
            ("idle_channel", 1, 1),
            ("flow", 60_000, 1),
            ("flow", 60_001, 2),
            ("channel_output", 1, 10),
            ("channel_input", 600_001, 11),
        ];
        for (kind, ms, expected) in rows {
            assert_eq!(minutes(kind, ms), expected, "{kind} {ms}");
        }
    }

    #[test]
    fn money_rounds_half_up_once() {
        assert_eq!(share(140_400, 10, 60), 23_400);
        assert_eq!(share(421_200, 10, 60), 70_200);
        assert_eq!(share(10_000, 1, 60), 167);
        assert_eq!(
            share(EGRESS_MICROS_PER_GB, 1_000_000_000, 1_000_000_000),
            90_000
        );
        assert_eq!(dollars(93_600), "0.093600");
    }
}
