//! A month of the crew, told twice: by the table of sessions, which Lunora wrote, and by the simulated
//! account's billing clock, which has prices and rules of its own.
//!
//! Five destinations, a hundred hours, some of them flapping; two channels that nobody stops; and an
//! hour in which no function runs, in the middle of a show.

use super::{
    Progress,
    bill::{self, Lines, MINUTE_MS},
    counter::{self, Counter},
    month::{self, DESTINATIONS, MONTH, Manner, Stretches},
};
use crate::{
    Act, Plan, Setup, World,
    oracle::{Oracles, Rules},
    setup::{self, Cue, When, key_of},
    world::BEGIN,
};
use domain::cost::{AtRest, Money, at_rest};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long the control plane is away, and how long before a show's end that begins. (Where a stop
/// falls into such an hour, the channels run until it is over: nobody is there to stop them.)
const AWAY_MS: u64 = 60 * MINUTE_MS;
const BEFORE_END_MS: u64 = 90 * MINUTE_MS;
/// A forgotten channel is found this long before the next show.
const FOUND_MS: u64 = 30 * MINUTE_MS;
/// After the month's end everything has been taken down by then.
const AFTER_MS: u64 = 120 * MINUTE_MS;

/// What came of it.
#[derive(Debug)]
pub struct Books {
    /// The sessions as they stand in the table, by destination and start.
    pub sessions: Vec<Value>,
    /// The sums of months as they stand in the table: key and dollars.
    pub sums: BTreeMap<(String, String), Money>,
    /// The report in the end.
    pub report: Value,
    /// What the account bills, by line.
    pub billed: Lines,
    /// What Lunora's own services cost at list price.
    pub control_plane: Money,
    /// Minutes in which something billable existed that nobody wanted and nobody was at work on.
    pub orphan_minutes: f64,
    /// Promises that were broken, in words.
    pub broken: Vec<String>,
}

impl Books {
    /// Dollars of one part of all sessions: `running_usd`, `idle_usd`, `egress_usd_estimate`.
    #[must_use]
    pub fn part(&self, name: &str) -> Money {
        let each = self.sessions.iter();
        each.map(|session| dollars(&session[name]["S"])).sum()
    }

    /// Dollars that the account bills in some lines.
    #[must_use]
    pub fn lines(&self, kinds: &[&str]) -> Money {
        let each = kinds.iter().filter_map(|kind| self.billed.get(*kind));
        each.copied().sum()
    }
}

fn dollars(value: &Value) -> Money {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn id(number: usize) -> String {
    format!("platform-{number}")
}

/// When each destination is switched on and off, and when the functions are away.
fn acts(seed: u64) -> Vec<(u64, Act)> {
    let wanted = month::wanted(Manner::Flapping, seed);
    let mut acts: Vec<(u64, Act)> = Vec::new();
    for (number, stretches) in wanted.iter().enumerate() {
        let id = id(number);
        acts.push((BEGIN, Act::Key(key_of(&id))));
        acts.push((BEGIN, Act::Put(setup::record(&id, "ready"))));
        let forgotten = (number >= DESTINATIONS - 2).then(|| longest_gap(stretches, number));
        for (place, (from, to)) in stretches.iter().enumerate() {
            let off = match stretches.get(place + 1) {
                Some(next) if forgotten == Some(place) => next.0 - FOUND_MS,
                _ => *to,
            };
            for (at, desired) in [(*from, "streaming"), (off, "ready")] {
                let edit = json!({"desired_state": desired});
                acts.push((at, Act::Edit(id.clone(), edit)));
            }
        }
    }
    // The longest show: whatever flaps has calmed down by then.
    let shows = month::sessions(seed);
    let longest = shows.iter().max_by_key(|(from, to)| to - from);
    let end = BEGIN + longest.map_or(0, |(_, to)| to * MINUTE_MS);
    acts.push((end - BEFORE_END_MS, Act::Down("lambda")));
    acts.push((end - BEFORE_END_MS + AWAY_MS, Act::Up("lambda")));
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// The place of a stretch with much time behind it: of the longest for one, of the next for another.
fn longest_gap(stretches: &Stretches, number: usize) -> usize {
    let gap = |place: &usize| stretches[place + 1].0 - stretches[*place].1;
    let mut places: Vec<usize> = (0..stretches.len() - 1).collect();
    places.sort_by_key(gap);
    places[places.len() - 1 - (DESTINATIONS - 1 - number)]
}

/// Lets the month pass.
#[must_use]
pub fn keep(seed: u64, progress: &Progress) -> Books {
    let script = acts(seed).into_iter().map(|(at, act)| Cue {
        when: When::At(at - BEGIN),
        act,
    });
    let setup = Setup {
        script: script.collect(),
        keep_sinks: false,
        keep_histories: false,
        ..Setup::default()
    };
    let mut world = World::new(&setup, Plan::calm(seed));
    let mut oracles = Oracles::new(Rules::of(&world), &world);
    let mut counter = Counter::from_now(&world);
    let end = BEGIN + MONTH * MINUTE_MS + AFTER_MS;
    while world.next_due().is_some_and(|due| due <= end) {
        world.step();
        oracles.look(&world);
        counter.look(&world);
        progress.tell(|| {
            let day = (world.now() - BEGIN) / (1440 * MINUTE_MS);
            format!("a month and its books: day {day} of 30")
        });
    }
    world.run_until(end);
    oracles.look(&world);
    read(&mut world, &oracles, &counter)
}

fn read(world: &mut World, oracles: &Oracles, counter: &Counter) -> Books {
    let bill = world.bill();
    let lines = bill["by_kind"].as_object().into_iter().flatten();
    let (mut sessions, mut sums) = (Vec::new(), BTreeMap::new());
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    for (_, item) in world.database().items(world.sessions_table()) {
        let (id, at) = (text(item, "destination_id"), text(item, "started_at"));
        if at.starts_with("month#") {
            sums.insert((id, at), dollars(&item["cost_usd"]["S"]));
        } else {
            sessions.push(item.clone());
        }
    }
    let rest: Money = at_rest(&AtRest::default())
        .iter()
        .map(|line| line.usd)
        .sum();
    let work = counter.cost(counter::transitions(world), counter::traces(world));
    let report = world.database().item(world.tables().0, "status");
    Books {
        sessions,
        sums,
        report: report.cloned().unwrap_or_default(),
        billed: lines
            .map(|(kind, usd)| (kind.clone(), dollars(usd)))
            .collect(),
        control_plane: rest + work,
        orphan_minutes: oracles.tally().orphan_ms as f64 / MINUTE_MS as f64,
        broken: oracles.violations.iter().map(ToString::to_string).collect(),
    }
}

/// The month line by line, as `docs/costs.md` has it: on paper, as it was simulated, always on.
#[must_use]
pub fn table(books: &Books) -> String {
    let hours = |hours: u64| hours * 60 * MINUTE_MS;
    let each = DESTINATIONS as u64;
    let paper = bill::ideal(hours(each * 100), hours(100));
    let always = bill::ideal(hours(each * 730), hours(730));
    let rest: Money = at_rest(&AtRest::default())
        .iter()
        .map(|line| line.usd)
        .sum();
    let rows: [(&str, &[&str]); 5] = [
        ("channels running: inputs", &["channel_input"]),
        ("channels running: outputs", &["channel_output"]),
        ("channels and inputs idle", &["idle_channel", "idle_input"]),
        ("the flow", &["flow"]),
        ("the way to the platforms", &["egress"]),
    ];
    let of = |lines: &Lines, kinds: &[&str]| -> Money {
        let each = kinds.iter().filter_map(|kind| lines.get(*kind));
        each.copied().sum()
    };
    let columns = [&paper, &books.billed, &always];
    let own = [rest, books.control_plane, rest];
    let line = |what: &str, amounts: [Money; 3]| {
        let [one, two, three] = amounts.map(cents);
        format!("| {what} | {one} | {two} | {three} |\n")
    };
    let mut text =
        String::from("| US dollars | on paper | as simulated | always on |\n|---|--:|--:|--:|\n");
    for (what, kinds) in rows {
        text += &line(what, columns.map(|lines| of(lines, kinds)));
    }
    text += &line("Lunora's own services, at list price", own);
    let mut totals = own;
    for (total, lines) in totals.iter_mut().zip(columns) {
        *total = lines.values().copied().sum::<Money>() + *total;
    }
    text + &line("**in all**", totals)
}

fn cents(amount: Money) -> String {
    let cents = amount.cents();
    format!("{}.{:02}", cents / 100, cents % 100)
}
