//! The bill of a run: the periods of the simulated account's book in the cost model's money. The two
//! have price lists of their own that agree to the cent, which the end-to-end tests check.

use crate::World;
use domain::{
    cost::{Encode, Kind, Money, Period, bill},
    preset,
};
use jiff::Timestamp;
use simulator::core::book::Thing;
use std::collections::BTreeMap;

/// What every destination of these runs encodes: 1080 lines, 30 frames, 6 Mb/s.
pub const PRESET: &str = "1080p30";
/// Milliseconds of a minute.
pub const MINUTE_MS: u64 = 60_000;

/// Dollars by line: `channel_input`, `channel_output`, `idle_channel`, `idle_input`, `flow`, `egress`.
pub type Lines = BTreeMap<String, Money>;

fn time(ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

fn period(kind: Kind, from: u64, to: u64) -> Period {
    Period {
        resource: String::new(),
        destination: None,
        kind,
        from: time(from),
        to: time(to),
    }
}

fn running() -> Kind {
    Kind::Running {
        encode: Encode::Preset {
            preset: PRESET.to_owned(),
        },
        feed_bitrate: 10_000_000,
    }
}

/// Bytes that leave for a platform in so many milliseconds: video and sound at their nominal rates.
fn bytes(ms: u64) -> u64 {
    let rate = preset::find(PRESET).map_or(0, |preset| preset.bitrate + preset.audio_bitrate);
    u64::from(rate) * ms / 8000
}

fn sums(periods: &[Period]) -> Lines {
    let mut lines = Lines::new();
    for line in bill(periods).map(|bill| bill.lines).unwrap_or_default() {
        let sum = lines.entry(line.kind).or_default();
        *sum = *sum + line.usd;
    }
    lines
}

/// The bill of a run so far; `on_air_ms`: milliseconds of picture, over all channels.
#[must_use]
pub fn of(world: &World, on_air_ms: u64) -> Lines {
    let now = world.now();
    let mut periods = vec![period(
        Kind::Egress {
            bytes: bytes(on_air_ms),
        },
        now,
        now,
    )];
    for row in world.core().book().bill() {
        let kind = match row.kind {
            "channel_output" => running(),
            "idle_channel" => Kind::IdleChannel,
            "idle_input" => Kind::IdleInput,
            "flow" => Kind::Flow,
            // The cost model makes it from the running period.
            _ => continue,
        };
        periods.push(period(kind, row.from, row.to.unwrap_or(now)));
    }
    sums(&periods)
}

/// What the picture alone would cost: not a minute rounded up, nothing idle, nothing started before
/// its time. `programme_ms`: how long there was anything to send.
#[must_use]
pub fn ideal(wanted_ms: u64, programme_ms: u64) -> Lines {
    sums(&[
        period(running(), 0, wanted_ms),
        period(Kind::Flow, 0, programme_ms),
        period(
            Kind::Egress {
                bytes: bytes(wanted_ms),
            },
            0,
            0,
        ),
    ])
}

/// Minutes billed for running channels, and hours of channels and inputs that exist and do not run.
#[must_use]
pub fn minutes_and_idle_hours(world: &World) -> (u64, f64) {
    let (mut minutes, mut idle) = (0, 0);
    for row in world.core().book().bill() {
        match row.kind {
            "channel_output" => minutes += row.minutes(world.now()),
            "idle_channel" | "idle_input" => idle += row.minutes(world.now()),
            _ => {}
        }
    }
    (minutes, idle as f64 / 60.0)
}

/// When each destination's channel was RUNNING or RECOVERING, in milliseconds since 1970.
#[must_use]
pub fn on_air(world: &World) -> BTreeMap<String, Vec<(u64, u64)>> {
    let book = world.core().book();
    let mut since: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    let mut close = |id: &str, from: u64, to: u64| {
        let name = book.channel(id).map_or("", |row| row.name());
        let id = name.trim_start_matches("lunora-lunora-");
        all.entry(id.to_owned()).or_default().push((from, to));
    };
    let passages = world.passages().iter();
    for passage in passages.filter(|passage| passage.thing == Thing::Channel) {
        let up = matches!(passage.state, "RUNNING" | "RECOVERING");
        match (up, since.get(passage.id.as_str()).copied()) {
            (true, None) => {
                since.insert(&passage.id, passage.at);
            }
            (false, Some(from)) => {
                since.remove(passage.id.as_str());
                close(&passage.id, from, passage.at);
            }
            _ => {}
        }
    }
    for (id, from) in since {
        close(id, from, world.now());
    }
    all
}

/// Milliseconds that two lists of stretches of time have in common.
#[must_use]
pub fn common_ms(ours: &[(u64, u64)], theirs: &[(u64, u64)]) -> u64 {
    let pairs = ours
        .iter()
        .flat_map(|our| theirs.iter().map(move |their| (our, their)));
    pairs
        .map(|(our, their)| our.1.min(their.1).saturating_sub(our.0.max(their.0)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_picture_costs_what_the_price_list_says() {
        let hour = 60 * MINUTE_MS;
        let lines = ideal(hour, hour);
        assert_eq!(lines["channel_input"], Money(140_400));
        assert_eq!(lines["channel_output"], Money(421_200));
        assert_eq!(lines["flow"], Money(160_000));
        // 6.128 Mb/s for an hour are 2.7576 GB, at nine cents.
        assert_eq!(lines["egress"], Money(248_184));
    }

    #[test]
    fn stretches_of_time_overlap() {
        let wanted = [(0, 100), (200, 300)];
        assert_eq!(common_ms(&[(50, 250)], &wanted), 100);
        assert_eq!(common_ms(&[(100, 200)], &wanted), 0);
        assert_eq!(common_ms(&[], &wanted), 0);
    }
}
