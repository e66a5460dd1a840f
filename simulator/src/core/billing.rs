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
//!   per second times the time in which a platform took them. Gigabytes are 10^9 bytes. The 100 GB
//!   a month that AWS gives to each account, and the lower prices of large amounts, are left out.
//! - `flow_transfer`, with the option of that name: bytes that a flow sends to MediaLive, by output,
//!   while it is fed and the output enabled, whether or not a channel runs there (MediaConnect user
//!   guide: distributing content to MediaLive, billing considerations). Its price is a guess.
//!
//! Whether a flow is billed by the minute or by the begun hour is not published: `flow_rounding`.
//!
//! Times are cut to whole seconds: nothing finer is published, neither by events nor by CloudTrail.
//!
//! Money is in whole micro-dollars. A line is minutes times the hourly price by 60, rounded half up
//! once per line; the total is the exact sum of the lines. Lines that are still open are reckoned up
//! to now. A period without length makes no line. A channel in CREATE_FAILED bills as idle.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Core;
use super::book::BillRow;
use super::prices::{self, Price};
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
    /// Billed by bytes; the price is one of a gigabyte then.
    bytes: Option<u64>,
    /// Billed in whole stretches of so many minutes.
    unit: u64,
}

/// Bytes that leave, counted or reckoned.
#[derive(Clone)]
pub(super) struct Stream {
    /// None with a media plane: then only what it counted has left.
    pub bits_per_second: Option<u64>,
    pub reported: u64,
    pub since: Option<u64>,
    pub sent_ms: u64,
    pub from: u64,
}

/// What an output of a flow sends.
pub(super) struct Transfer {
    pub stream: Stream,
    pub name: String,
    pub tags: Tags,
}

/// All periods, open and closed.
#[derive(Default)]
pub(super) struct Meter {
    /// Open lines by what closes them: a channel's run, a channel's or input's idling, a flow.
    pub open: BTreeMap<(&'static str, String), Vec<Line>>,
    pub closed: Vec<Line>,
    pub egress: BTreeMap<String, Stream>,
    pub transfers: BTreeMap<String, Transfer>,
}

impl Line {
    pub fn ends(mut self, now: u64) -> Self {
        self.to = Some(second(now));
        self
    }

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

    pub fn close(&mut self, key: (&'static str, &str), now: u64) {
        for mut line in self
            .open
            .remove(&(key.0, key.1.to_owned()))
            .unwrap_or_default()
        {
            line.to = Some(second(now));
            if line.from < second(now) {
                self.closed.push(line);
            }
        }
    }

    pub fn count_bytes(&mut self, channel: &str, bytes: u64) {
        if let Some(egress) = self.egress.get_mut(channel) {
            egress.reported += bytes;
        }
    }

    pub fn count_transfer(&mut self, output: &str, bytes: u64) {
        if let Some(transfer) = self.transfers.get_mut(output) {
            transfer.stream.reported += bytes;
        }
    }
}

impl Stream {
    pub fn bytes(&self, now: u64) -> u64 {
        let Some(bits_per_second) = self.bits_per_second.filter(|_| self.reported == 0) else {
            return self.reported;
        };
        let sent = self.sent_ms + self.since.map_or(0, |since| now - since);
        // Bits per second times milliseconds, by 8000.
        bits_per_second * sent / 8000
    }

    pub fn flows(&mut self, now: u64, flows: bool) {
        if flows {
            self.since.get_or_insert(now);
        } else if let Some(since) = self.since.take() {
            self.sent_ms += now - since;
        }
    }
}

/// The second that a time is in.
pub(super) fn second(ms: u64) -> u64 {
    ms / 1000 * 1000
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

impl Core {
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
            let channel = self.channels.get(id);
            let about = channel.map(|channel| (id.as_str(), channel.name(), &channel.tags));
            lines.extend(about.and_then(|about| self.bytes_line("egress", about, egress)));
        }
        for (arn, transfer) in &self.meter.transfers {
            let about = (arn.as_str(), transfer.name.as_str(), &transfer.tags);
            lines.extend(self.bytes_line("flow_transfer", about, &transfer.stream));
        }
        lines.sort_by(|a, b| (a.from, a.kind, &a.resource).cmp(&(b.from, b.kind, &b.resource)));
        let mut total = 0;
        let (mut kinds, mut owners) = (BTreeMap::new(), BTreeMap::new());
        let rows: Vec<Value> = lines
            .iter()
            .map(|line| {
                let (micros, row) = line_json(line, now);
                total += micros;
                *kinds.entry(line.kind).or_insert(0) += micros;
                *owners
                    .entry(line.destination().unwrap_or_default())
                    .or_insert(0) += micros;
                row
            })
            .collect();
        let sums = |sums: BTreeMap<&str, u64>| -> BTreeMap<String, String> {
            let rows = sums.into_iter();
            rows.map(|(name, micros)| (name.to_owned(), dollars(micros)))
                .collect()
        };
        json!({"total_usd": dollars(total), "by_kind": sums(kinds), "by_destination": sums(owners), "lines": rows})
    }

    /// A line of bytes so far; none if there were none.
    pub(super) fn bytes_line(
        &self,
        kind: &'static str,
        (resource, name, tags): (&str, &str, &Tags),
        stream: &Stream,
    ) -> Option<Line> {
        let price = match kind {
            "egress" => prices::EGRESS,
            _ => prices::FLOW_TRANSFER,
        };
        let bytes = Some(stream.bytes(self.now)).filter(|bytes| *bytes > 0)?;
        let mut line = self.line(resource, name, kind, tags, price);
        (line.from, line.bytes) = (stream.from, Some(bytes));
        Some(line)
    }

    pub(super) fn line(
        &self,
        resource: &str,
        name: &str,
        kind: &'static str,
        tags: &Tags,
        price: Price,
    ) -> Line {
        let (resource, name, tags) = (resource.to_owned(), name.to_owned(), tags.clone());
        let by_the_hour = kind == "flow" && self.options.flow_rounding == "hour";
        Line {
            resource,
            name,
            kind,
            tags,
            price,
            from: second(self.now),
            to: None,
            bytes: None,
            unit: if by_the_hour { 60 } else { 1 },
        }
    }
}

impl Line {
    /// The destination that its tags name.
    fn destination(&self) -> Option<&str> {
        let mut tags = self.tags.iter();
        let owner = tags.find(|(key, _)| key.rsplit(':').next() == Some("destination"));
        owner.map(|(_, value)| value.as_str())
    }
}

fn line_json(line: &Line, now: u64) -> (u64, Value) {
    let to = line.to.unwrap_or(second(now));
    let minutes = match line.bytes {
        Some(_) => 0,
        None => minutes(line.kind, to - line.from).next_multiple_of(line.unit),
    };
    let micros = match line.bytes {
        Some(bytes) => share(line.price.micros, bytes, 1_000_000_000),
        None => share(line.price.micros, minutes, 60),
    };
    let per_hour = if line.bytes.is_some() {
        0
    } else {
        line.price.micros
    };
    let mut row = json!({
        "resource": line.resource, "name": line.name, "kind": line.kind,
        "from": rfc3339_ms(line.from), "to": rfc3339_ms(to), "open": line.to.is_none(),
        "minutes": minutes, "rate_usd_per_hour": dollars(per_hour), "guess": line.price.guess,
        "usd": dollars(micros), "destination": line.destination(),
    });
    if let Some(bytes) = line.bytes {
        row["bytes"] = json!(bytes);
        row["rate_usd_per_gb"] = json!(dollars(line.price.micros));
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
            share(prices::EGRESS.micros, 1_000_000_000, 1_000_000_000),
            90_000
        );
        assert_eq!(dollars(93_600), "0.093600");
    }
}
