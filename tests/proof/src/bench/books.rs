//! A month of the crew, told twice: by the table of sessions, which Lunora wrote, and by the simulated
//! account's billing clock, which has prices and rules of its own.
//!
//! Five destinations, a hundred hours, some of them flapping; two channels that nobody stops; and an
//! hour in which no function runs, in the middle of a show.

use super::{
    Progress,
    bill::{Lines, MINUTE_MS},
    counter::{self, Counter},
    month::{self, DESTINATIONS, MONTH, Manner, Stretches},
};
use crate::{
    Act, Plan, Setup, World,
    oracle::{Oracles, Rules, Violation},
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
    /// The channels that nobody stopped.
    pub forgotten: Vec<Forgotten>,
    /// The records as they stand in the end, by destination.
    pub records: BTreeMap<String, Value>,
    /// What bills when everything is over, in words.
    pub left: Vec<String>,
    /// Subjects of the messages that were sent to people.
    pub told: Vec<String>,
    /// Promises that were broken.
    pub broken: Vec<Violation>,
}

/// A channel that nobody stops after a show.
#[derive(Clone, Debug)]
pub struct Forgotten {
    /// Whose.
    pub destination: String,
    /// When it was switched on, milliseconds since 1970.
    pub on_at: u64,
    /// When the show was over.
    pub over_at: u64,
    /// When somebody finds it and switches it off.
    pub found_at: u64,
    /// Its record a minute before that.
    pub record: Value,
}

impl Forgotten {
    /// Whether something that was broken is that a limit acts against the record: the oracles go by
    /// the record alone.
    #[must_use]
    pub fn explains(&self, broken: &Violation) -> bool {
        broken.destination.as_ref() == Some(&self.destination)
            && (self.over_at..self.found_at).contains(&broken.at)
    }
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

/// When each destination is switched on and off, and when the functions are away; and what is forgotten.
fn acts(seed: u64) -> (Vec<(u64, Act)>, Vec<Forgotten>) {
    let wanted = month::wanted(Manner::Flapping, seed);
    let mut acts: Vec<(u64, Act)> = Vec::new();
    let mut all_forgotten = Vec::new();
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
            if off != *to {
                all_forgotten.push(Forgotten {
                    destination: id.clone(),
                    on_at: *from,
                    over_at: *to,
                    found_at: off,
                    record: Value::Null,
                });
            }
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
    all_forgotten.sort_by_key(|one| one.found_at);
    (acts, all_forgotten)
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
    let (acts, mut forgotten) = acts(seed);
    let script = acts.into_iter().map(|(at, act)| Cue {
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
    let mut to_see = 0;
    while world.next_due().is_some_and(|due| due <= end) {
        if let Some(one) = forgotten.get_mut(to_see)
            && world.now() + MINUTE_MS >= one.found_at
        {
            one.record = record(&world, &one.destination);
            to_see += 1;
        }
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
    read(&mut world, &oracles, &counter, forgotten)
}

fn record(world: &World, id: &str) -> Value {
    let item = world.database().item(world.tables().0, id);
    item.cloned().unwrap_or_default()
}

/// What bills now, by the account's own book.
fn left(world: &World) -> Vec<String> {
    let book = world.core().book();
    let channels = book.channels().filter(|row| row.is_billable());
    let channels = channels.map(|row| format!("channel {} is {}", row.name(), row.state()));
    let inputs = book.inputs().filter(|row| row.is_billable());
    let inputs = inputs.map(|row| format!("input {} is {}", row.name(), row.state()));
    let flows = book.flows().filter(|row| row.status() != "STANDBY");
    let flows = flows.map(|row| format!("flow {} is {}", row.name(), row.status()));
    channels.chain(inputs).chain(flows).collect()
}

fn read(
    world: &mut World,
    oracles: &Oracles,
    counter: &Counter,
    forgotten: Vec<Forgotten>,
) -> Books {
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
    let report = record(world, "status");
    Books {
        sessions,
        sums,
        report,
        billed: lines
            .map(|(kind, usd)| (kind.clone(), dollars(usd)))
            .collect(),
        control_plane: rest + work,
        orphan_minutes: oracles.tally().orphan_ms as f64 / MINUTE_MS as f64,
        forgotten,
        records: (0..DESTINATIONS)
            .map(|number| (id(number), record(world, &id(number))))
            .collect(),
        left: left(world),
        told: world
            .published()
            .iter()
            .map(|message| message.subject.clone())
            .collect(),
        broken: oracles.violations.clone(),
    }
}
