//! Random schedules: one seed is one run. The seed chooses how many records there are, what their
//! operator does to them and when, how long the media take, and the weather: which kinds of faults
//! there are at all (each seed switches a random part of them off, so that a rare kind is not
//! always drowned by a frequent one), how often they strike, and whether they ever stop.

use serde_json::{Value, json};

use super::{Task, scripts, singles};
use crate::{
    Climate, Fault, Plan,
    chance::mix,
    setup::{self, Act, Cue, Setup, When},
    world,
};

/// Numbers from a seed, one after the other.
pub struct Dice(u64);

impl Dice {
    /// Dice for a seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(mix(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether something of this chance happens.
    pub fn happens(&mut self, chance: f64) -> bool {
        (self.next() >> 11) as f64 / ((1_u64 << 53) as f64) < chance
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let which = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        all[which]
    }
}

/// The run of a seed.
#[must_use]
pub fn task(seed: u64) -> Task {
    let mut dice = Dice::new(seed);
    let mut setup = life(&mut dice);
    // With dice of its own: the other seeds stay as they are.
    let mut more = Dice::new(seed ^ ON_THE_AIR);
    if more.happens(0.25) {
        on_the_air(&mut more, &mut setup);
    }
    let climate = climate(&mut dice, &setup);
    Task {
        name: format!("seed {seed}"),
        setup,
        plan: Plan {
            seed,
            decisions: Vec::new(),
            climate: Some(climate),
        },
    }
}

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const STATES: [&str; 6] = [
    "CREATING", "IDLE", "STARTING", "RUNNING", "STOPPING", "DELETING",
];
const STEPS: [&str; 12] = [
    "Claim",
    "Plan",
    "CreateInput",
    "AddFlowOutput",
    "CreateChannel",
    "PollChannelUntilIdle",
    "StartChannel",
    "PollChannelUntilRunning",
    "StopChannel",
    "DeleteChannel",
    "DeleteInput",
    "Release",
];

fn life(dice: &mut Dice) -> Setup {
    let number = match dice.below(10) {
        0..4 => 1,
        4..7 => 2,
        7..9 => 3,
        _ => 5,
    };
    let ids = &IDS[..number];
    let mut script = Vec::new();
    for id in ids {
        script.push(Cue {
            when: When::At(0),
            act: Act::Key(setup::key_of(id)),
        });
    }
    for id in ids {
        let mut record = setup::record(id, "streaming");
        if dice.happens(0.2) {
            record["desired_state"] = json!("ready");
        }
        if dice.happens(0.15) {
            record["keep_warm"] = json!(true);
        }
        script.push(Cue {
            when: When::At(1000 + dice.below(4000)),
            act: Act::Put(record),
        });
    }
    for _ in 0..1 + dice.below(4 * number as u64) {
        let id = dice.one_of(ids);
        script.push(Cue {
            when: when(dice, id),
            act: act(dice, id),
        });
    }
    // Half of the runs end with nothing wanted, so that "nothing is left" is asked often.
    if dice.happens(0.5) {
        for id in ids {
            script.push(Cue {
                when: When::After(dice.below(60_000)),
                act: Act::Delete((*id).to_owned()),
            });
        }
    }
    let template = &scripts::all()[0].setup;
    let tight = dice.happens(0.2);
    Setup {
        script,
        times: if dice.happens(0.15) {
            // The usual law has the long tails that AWS calls normal.
            Value::Null
        } else {
            template.times.clone()
        },
        options: options(dice),
        quotas: if tight {
            json!({"channels": 1 + dice.below(2), "push_inputs": 1 + dice.below(3)})
        } else {
            Value::Null
        },
        events: !dice.happens(0.1),
        grace_seconds: Some(dice.one_of(&[0, 60, 90, 300])),
        ..template.clone()
    }
}

/// Where AWS's answer is not known it is either.
fn options(dice: &mut Dice) -> Value {
    let mut options = json!({});
    for (name, other) in [
        ("wrong_state", "ok"),
        ("stop_while_starting", "ok"),
        ("start_while_creating", "409"),
        ("over_quota", "400"),
        ("over_quota", "429"),
        ("missing_reference", "404"),
        ("flow_busy", "ok"),
        ("list_deleted", "false"),
    ] {
        if dice.happens(0.2) {
            options[name] = json!(other);
        }
    }
    options
}

fn when(dice: &mut Dice, id: &str) -> When {
    match dice.below(10) {
        0..5 => When::After(dice.below(60_000)),
        5..7 => When::Channel(id.to_owned(), dice.one_of(&STATES), dice.below(8000)),
        7..9 => When::Enters(id.to_owned(), dice.one_of(&STEPS), dice.below(300)),
        _ => When::Quiet,
    }
}

fn act(dice: &mut Dice, id: &str) -> Act {
    let edit = |changes: Value| Act::Edit(id.to_owned(), changes);
    match dice.below(24) {
        0..4 => edit(json!({"desired_state": "ready"})),
        4..7 => edit(json!({"desired_state": "streaming"})),
        7..9 => edit(json!({"desired_state": "removed"})),
        9 => edit(json!({"enabled": dice.happens(0.5)})),
        10 => edit(json!({"preset_id": dice.one_of(&["360p30", "720p30", "1080p30", "no-such"])})),
        11 => edit(json!({"rtmp_url": format!("rtmp://{}.example.com/live", dice.one_of(&IDS))})),
        12 => edit(json!({"retry": dice.below(1000).to_string()})),
        13 => edit(json!({"keep_warm": dice.happens(0.5)})),
        14 => edit(json!({"rtmp_url": "rtmp://127.0.0.1/live"})),
        15 | 16 => Act::Delete(id.to_owned()),
        17 => Act::Put(setup::record(id, "streaming")),
        18 => Act::Key(setup::key_of(id)),
        19 => Act::ByHand(
            dice.one_of(&[
                "stop_channel",
                "delete_channel",
                "start_channel",
                "remove_flow_output",
            ]),
            id.to_owned(),
        ),
        20 => Act::Abort(id.to_owned()),
        21 => Act::Redrive(id.to_owned()),
        22 => Act::Replay(id.to_owned()),
        _ => Act::Redeploy,
    }
}

/// What is mixed into a seed for what happens on the air without an edit.
const ON_THE_AIR: u64 = 0x0a1f_0a1f;

/// A record gets a second address, a limit or a time; and platforms, alerts and encoders come and go
/// among the operator's acts. In the end all of it is well again.
fn on_the_air(dice: &mut Dice, setup: &mut Setup) {
    let mut ids = Vec::new();
    for cue in &mut setup.script {
        if let Act::Put(record) = &mut cue.act
            && dice.happens(0.7)
        {
            ids.push(record["destination_id"].as_str().unwrap_or("a").to_owned());
            if let (Value::Object(record), Value::Object(more)) = (record, besides(dice)) {
                record.extend(more);
            }
        }
    }
    let mut over = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let id = ids
            .get(dice.below(ids.len() as u64) as usize)
            .map_or("a", String::as_str);
        let (act, mends) = outside(dice, id);
        let at = 1 + dice.below(setup.script.len() as u64) as usize;
        let when = match dice.below(3) {
            0 => When::Channel(id.to_owned(), "RUNNING", dice.below(20_000)),
            _ => When::After(dice.below(120_000)),
        };
        setup.script.insert(at, Cue { when, act });
        over.extend(mends);
    }
    // Long enough for a limit or a switch to act.
    let mut wait = 30_000 + dice.below(400_000);
    for act in over {
        let when = When::After(std::mem::take(&mut wait));
        setup.script.push(Cue { when, act });
    }
}

/// What a record says besides.
fn besides(dice: &mut Dice) -> Value {
    let time = |minutes: u64| {
        let at = (world::BEGIN / 60_000 + minutes) * 60;
        let at = jiff::Timestamp::from_second(i64::try_from(at).unwrap_or_default());
        json!(at.map_or_else(|_| String::new(), |at| at.to_string()))
    };
    match dice.below(6) {
        0 | 1 => json!({
            "failover_enabled": true,
            "backup_rtmp_url": format!("rtmp://{}-backup.example.com/live", dice.one_of(&IDS)),
        }),
        2 => json!({"no_input_minutes_max": 2 + dice.below(4)}),
        3 => json!({"session_hours_max": dice.one_of(&[0.1, 0.15, 0.2])}),
        4 => json!({"budget_usd_per_day": dice.one_of(&[0.001, 50.0])}),
        _ => {
            let start = 8 + dice.below(10);
            json!({"start_at": time(start), "stop_at": time(start + 5 + dice.below(10))})
        }
    }
}

/// What happens on the air, and what mends it.
fn outside(dice: &mut Dice, id: &str) -> (Act, Option<Act>) {
    let alert = |kind| {
        let set = |set| Act::Alert(id.to_owned(), kind, set);
        (set(true), Some(set(false)))
    };
    match dice.below(8) {
        0..3 => {
            let host = format!("{id}.example.com");
            let word = dice.one_of(&["refuses", "closes"]);
            (
                Act::Platform(host.clone(), word),
                Some(Act::Platform(host, "up")),
            )
        }
        3 => alert("Failed RTMP Connection"),
        4 => alert("Black Video Detected"),
        5 | 6 => (Act::Cut("primary", true), Some(Act::Cut("primary", false))),
        _ => (Act::ForeignAlert("Failed RTMP Connection"), None),
    }
}

/// The weather of a seed. In one of four it never clears up: then only what must hold at every moment
/// is asked, and not that everything settles.
fn climate(dice: &mut Dice, setup: &Setup) -> Climate {
    let fierce = dice.below(4);
    let rates = singles::FAULTS
        .iter()
        .filter(|_| dice.happens(0.35))
        .collect::<Vec<&Fault>>();
    let rates = rates
        .into_iter()
        .map(|fault| {
            let usual = match fierce {
                0 => 0.003,
                1 => 0.01,
                2 => 0.03,
                _ => 0.06,
            };
            (*fault, usual)
        })
        .collect();
    let span = 30_000 * (setup.script.len() as u64 + 4);
    Climate {
        rates,
        until: (!dice.happens(0.25)).then(|| world::BEGIN + dice.below(span) + 20_000),
    }
}
