//! A thousand alerts over twenty channels, shuffled, doubled and a tenth of them lost: the table of
//! incidents ends equal to the truth, and exactly one message was sent each way. The same with all of
//! them lost.

use proof::{
    Act, Cue, Plan, Setup, When, World, chance,
    search::scripts,
    setup::{key_of, record},
    world::BEGIN,
};
use serde_json::json;
use std::collections::BTreeMap;

const SECOND: u64 = 1000;
const CHANNELS: usize = 20;
/// Two alerts each, SET and CLEARED.
const OUTAGES: usize = 500;
/// When the first may begin: all channels run by then, and the flow is no news any more.
const FROM: u64 = BEGIN + 600 * SECOND;

/// What a channel complains of: the alert, its cause, and how long it must last to count, seconds.
/// The short ones are over before Plan would do anything about them.
const KINDS: [(&str, &str, u64); 3] = [
    ("Failed RTMP Connection", "rtmp_failed", 15),
    ("Black Video Detected", "black_or_silent", 30),
    ("Input Resource is Inaccessible", "permissions", 0),
];

/// One alert, from SET to CLEARED, milliseconds.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    channel: usize,
    kind: usize,
    from: u64,
    to: u64,
}

/// A schedule by seed: each channel has one kind of trouble, one stretch after the other. Some are too
/// short to count, some follow so closely that they are the same outage.
fn schedule(seed: u64) -> Vec<Stretch> {
    let mut drawn = seed;
    let mut below = |most: u64| {
        drawn = chance::mix(drawn.wrapping_add(1));
        drawn % most
    };
    let mut ends = [FROM; CHANNELS];
    (0..OUTAGES)
        .map(|number| {
            let channel = number % CHANNELS;
            let kind = channel % KINDS.len();
            let debounce = KINDS[kind].2;
            let noise = debounce > 0 && below(4) == 0;
            let lasts = match (noise, kind) {
                (true, _) => 3 + below(debounce - 7),
                (false, 0) => 18 + below(8),
                (false, _) => debounce + 5 + below(60),
            };
            // A minute without it ends an outage. Near that, and after noise, nothing is left to chance.
            let gap = if below(4) == 0 && !noise {
                10 + below(35)
            } else {
                80 + below(120)
            };
            let from = ends[channel] + gap * SECOND;
            ends[channel] = from + lasts * SECOND;
            Stretch {
                channel,
                kind,
                from,
                to: ends[channel],
            }
        })
        .collect()
}

fn id(channel: usize) -> String {
    format!("d{channel:02}")
}

/// Every outage there really was: destination and key, and when it ended, in seconds since 1970.
fn truth(stretches: &[Stretch]) -> BTreeMap<(String, String), u64> {
    let mut found = BTreeMap::new();
    for channel in 0..CHANNELS {
        let mut open: Option<(u64, u64)> = None;
        let (_, cause, debounce) = KINDS[channel % KINDS.len()];
        let mut note = |(from, to): (u64, u64)| {
            let since = jiff::Timestamp::from_second((from / SECOND) as i64).unwrap();
            found.insert((id(channel), format!("{since}#{cause}")), to / SECOND);
        };
        let own = stretches.iter().filter(|one| one.channel == channel);
        for one in own.filter(|one| one.to - one.from >= debounce * SECOND) {
            open = match open {
                Some((from, to)) if one.from < to + 60 * SECOND => Some((from, one.to)),
                before => {
                    before.map(&mut note);
                    Some((one.from, one.to))
                }
            };
        }
        open.map(&mut note);
    }
    found
}

/// The house with its twenty channels on the air.
fn on_the_air(seed: u64, knobs: serde_json::Value) -> World {
    let cue = |act| Cue {
        when: When::At(0),
        act,
    };
    let script = (0..CHANNELS).flat_map(|channel| {
        let id = id(channel);
        [
            cue(Act::Key(key_of(&id))),
            cue(Act::Put(record(&id, "streaming"))),
        ]
    });
    let setup = Setup {
        script: script.collect(),
        quotas: json!({"channels": 100, "push_inputs": 100}),
        knobs,
        keep_sinks: false,
        keep_histories: false,
        ..scripts::all()[0].setup.clone()
    };
    let mut world = World::new(&setup, Plan::calm(seed));
    world.run_until(FROM);
    let book = world.core().book();
    let running = book.channels().filter(|row| row.state() == "RUNNING");
    assert_eq!(running.count(), CHANNELS, "all are on the air");
    assert_eq!(world.published(), [], "nothing was wrong so far");
    world
}

fn text<'a>(item: &'a serde_json::Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

#[test]
fn a_thousand_alerts_end_as_the_truth_with_one_message_each_way() {
    ends_as_the_truth(
        7,
        json!({"drop": 0.1, "duplicate": 0.3, "delay_seconds": [0, 6], "shuffle": true}),
    );
}

#[test]
fn with_every_event_lost_the_sweep_alone_tells_the_same() {
    ends_as_the_truth(8, json!({"drop": 1}));
}

fn ends_as_the_truth(seed: u64, knobs: serde_json::Value) {
    let began = std::time::Instant::now();
    let stretches = schedule(seed);
    let mut world = on_the_air(seed, knobs);
    let mut acts: Vec<(u64, usize, &str, bool)> = stretches
        .iter()
        .flat_map(|one| {
            let alert = KINDS[one.kind].0;
            [
                (one.from, one.channel, alert, true),
                (one.to, one.channel, alert, false),
            ]
        })
        .collect();
    acts.sort_by_key(|(at, ..)| *at);
    assert_eq!(acts.len(), 1000);
    for (at, channel, alert, set) in &acts {
        world.run_until(*at);
        world.perform_act(Act::Alert(
            id(*channel),
            KINDS.iter().find(|kind| kind.0 == *alert).unwrap().0,
            *set,
        ));
    }
    world.run_until(world.now() + 1200 * SECOND);
    let truth = truth(&stretches);
    let table = &world.house().incidents_table;
    let kept: BTreeMap<(String, String), u64> = world
        .database()
        .items(table)
        .map(|(_, item)| {
            let until: jiff::Timestamp = text(item, "until").parse().unwrap_or_default();
            let key = (
                text(item, "destination_id").to_owned(),
                text(item, "incident_id").to_owned(),
            );
            (key, until.as_second() as u64)
        })
        .collect();
    let mut different = Vec::new();
    for key in truth.keys().chain(kept.keys()) {
        if truth.get(key) != kept.get(key) {
            different.push(format!(
                "{key:?}: {:?}, not {:?}",
                kept.get(key),
                truth.get(key)
            ));
        }
    }
    different.dedup();
    assert!(
        different.is_empty(),
        "{} of {}: {different:#?}",
        different.len(),
        truth.len()
    );
    // One message for each, and one when it was over.
    let mut told: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
    for message in world.published() {
        let named = message
            .message
            .lines()
            .find_map(|line| line.strip_prefix("Incident: "));
        let (incident, destination) = named.and_then(|named| named.split_once(" of ")).unwrap();
        let (one, over) = told
            .entry((destination.to_owned(), incident.to_owned()))
            .or_default();
        if message.subject.starts_with("Lunora over: ") {
            *over += 1;
        } else {
            *one += 1;
        }
    }
    let wrong: Vec<_> = truth
        .keys()
        .filter(|key| told.get(*key) != Some(&(1, 1)))
        .map(|key| (key, told.get(key)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        truth.len()
    );
    assert_eq!(told.len(), truth.len());
    println!(
        "{} alerts, {} outages, {} messages, in {:?}",
        acts.len(),
        truth.len(),
        world.published().len(),
        began.elapsed()
    );
}

#[test]
fn what_ends_with_the_channel_is_not_told_to_be_well_again_and_stays_to_be_read() {
    let mut world = on_the_air(9, json!({}));
    let alert = |set| Act::Alert(id(0), KINDS[0].0, set);
    world.perform_act(alert(true));
    world.run_until(world.now() + 60 * SECOND);
    assert_eq!(world.published().len(), 1, "told while it lasts");
    world.perform_act(Act::Edit(id(0), json!({"desired_state": "ready"})));
    world.run_until(world.now() + 600 * SECOND);
    let over = &world.published()[1].message;
    assert!(over.contains("nothing streams there any more"), "{over}");
    let table = &world.house().incidents_table;
    let (_, item) = world.database().items(table).next().unwrap();
    assert_eq!(text(item, "ending"), "stopped");
    let since: jiff::Timestamp = text(item, "since").parse().unwrap();
    let expires: i64 = item["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    let days = (expires - since.as_second()) / 86_400;
    assert!(
        (390..=410).contains(&days),
        "kept for {days} days: last year's show is looked up"
    );
}
