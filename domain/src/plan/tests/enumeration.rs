//! Every small input: what a record says, times what the cloud may show, times what the ledger may
//! remember. For each the planner's promises are checked.

use super::{
    promises::{broken_promise, is_restless},
    support::{Scene, at, made, on_air, sought, verdict},
};
use crate::{
    caps::{Cap, Capped},
    failover::UrlType,
    incident::{Cause, Trouble},
    ledger::{Attempt, Intent, Ledger, Passing, QuotaWait},
    look::{AddressLook, KeyLook, Look, Sight},
    problem::{Code, Problem},
    record::DesiredState,
};
use serde_json::{Value, json};

const CHANNELS: &[&str] = &[
    "",
    "NOT_FOUND",
    "CREATING",
    "CREATE_FAILED",
    "IDLE",
    "STARTING",
    "RUNNING",
    "RECOVERING",
    "STOPPING",
    "DELETING",
    "DELETED",
    "UPDATING",
    "UPDATE_FAILED",
    "NEW_STATE",
];
const INPUTS: &[&str] = &[
    "",
    "NOT_FOUND",
    "CREATING_WITHOUT_ADDRESS",
    "CREATING",
    "DETACHED",
    "ATTACHED",
    "DELETING",
    "DELETED",
];
const OUTPUTS: &[&str] = &["", "enabled", "disabled", "elsewhere"];
const FLOWS: &[&str] = &[
    "", "STANDBY", "FOREIGN", "ACTIVE", "UPDATING", "STARTING", "STOPPING", "DELETING", "ERROR",
];

fn records() -> Vec<Scene> {
    let mut scenes: Vec<Scene> = [
        json!({}),
        json!({"keep_warm": true}),
        json!({"keep_warm": true, "platform": "nowhere"}),
        json!({"desired_state": "streaming"}),
        json!({"desired_state": "streaming", "retry": "2"}),
        json!({"desired_state": "streaming", "enabled": false}),
        json!({"desired_state": "streaming", "platform": "nowhere"}),
        json!({"desired_state": "ready", "platform": "nowhere"}),
        json!({"desired_state": "streaming", "failover_enabled": true, "backup_rtmp_url": "rtmps://b.rtmps.youtube.com/live2"}),
        json!({"desired_state": "removed"}),
        json!({"desired_state": "removed", "platform": "nowhere"}),
        json!({"desired_state": "on"}),
        json!({"desired_state": "on", "enabled": false}),
    ]
    .into_iter()
    .map(Scene::new)
    .collect();
    scenes.push(Scene::deleted().seen());
    scenes
}

/// One thing the ledger may remember or a look may show besides.
type Extra = (&'static str, fn(&mut Ledger, &mut Look));

fn intent(ledger: &mut Ledger, operation: &str, until: i64) {
    let operation = operation.to_owned();
    let until = at(until);
    ledger.intent = Some(Intent { operation, until });
}

fn waiting(ledger: &mut Ledger, turn: bool) {
    ledger.quota_wait = Some(QuotaWait {
        since: at(-60),
        problem: Problem::new(Code::WaitingForQuota, "There is no room."),
        count: None,
        turn,
        tried_at: at(-60),
    });
}

fn settled(ledger: &mut Ledger, changes: Value, streaming: bool) {
    ledger.settled = Scene::new(json!({}))
        .settled(changes, streaming)
        .ledger
        .settled;
}

pub(super) fn tries(count: i64) -> Vec<Attempt> {
    (0..count)
        .map(|number| Attempt::new(5, at(-60 - number)))
        .collect()
}

fn trouble(ledger: &mut Ledger, cause: Cause) {
    let trouble = Trouble {
        channel_id: "1".into(),
        since: at(-50),
        alert_types: vec!["Failed RTMP Connection".into()],
    };
    ledger.troubles.insert(cause, trouble);
}

fn passing(ledger: &mut Ledger, look: &Look, since: i64) {
    ledger.passing = look.channel.there().map(|channel| Passing {
        state: channel.state.as_str().to_owned(),
        since: at(since),
    });
}

#[rustfmt::skip]
const EXTRAS: &[Extra] = &[
    ("nothing", |_, _| {}),
    ("on air: other attributes", |l, _| l.on_air = Some(on_air(json!({"preset_id": "720p30"})))),
    ("on air: older preset data", |l, _| if let Some(on_air) = &mut l.on_air { on_air.settings = "older".into() }),
    ("on air: another retry", |l, _| if let Some(on_air) = &mut l.on_air { on_air.retry = Some("1".into()) }),
    ("on air: not known", |l, _| l.on_air = None),
    ("key rotated", |l, k| { k.key = KeyLook::Version(2); if let Some(seen) = &mut l.seen { seen.key_version = Some(2) } }),
    ("key rotated just now", |_, k| k.key = KeyLook::Version(2)),
    ("key missing", |_, k| k.key = KeyLook::Missing),
    ("key unreadable", |_, k| k.key = KeyLook::Unreadable),
    ("key in plain text", |_, k| k.key = KeyLook::NotSecure),
    ("address held by another", |_, k| k.address = AddressLook::HeldBy("b".into())),
    ("edited", |l, _| l.seen = None),
    ("was streaming", |l, _| l.desired = Some(DesiredState::Streaming)),
    ("settled streaming", |l, _| settled(l, json!({}), true)),
    ("settled idle", |l, _| settled(l, json!({}), false)),
    ("settled streaming otherwise", |l, _| settled(l, json!({"preset_id": "720p30"}), true)),
    ("refused", |l, _| l.refused = Some(verdict(5, None))),
    ("refused before", |l, _| l.refused = Some(verdict(4, None))),
    ("stuck", |l, _| l.stuck = Some(verdict(5, None))),
    ("stuck for a minute", |l, _| l.stuck = Some(verdict(5, Some(60)))),
    ("stuck until now", |l, _| l.stuck = Some(verdict(5, Some(0)))),
    ("stuck before", |l, _| l.stuck = Some(verdict(4, None))),
    ("no room", |l, _| waiting(l, false)),
    ("its turn", |l, _| waiting(l, true)),
    ("two starts", |l, _| l.starts = tries(2)),
    ("three starts", |l, _| l.starts = tries(3)),
    ("one channel lost", |l, _| l.lost = tries(1)),
    ("four channels lost", |l, _| l.lost = tries(4)),
    ("in its grace time", |l, _| l.grace_until = Some(at(60))),
    ("its grace time is over", |l, _| l.grace_until = Some(at(0))),
    ("passing for a while", |l, k| passing(l, k, -60)),
    ("passing for half an hour", |l, k| passing(l, k, -1800)),
    ("sought just now", |l, _| (l.channel, l.channel_sought, l.input, l.input_sought) = (None, Some(sought(-1)), None, Some(sought(-1)))),
    ("sought long ago", |l, _| (l.channel, l.channel_sought, l.input, l.input_sought) = (None, Some(sought(-90)), None, Some(sought(-90)))),
    ("missed before", |l, _| (l.channel_missing_since, l.input_missing_since) = (Some(at(-5)), Some(at(-5)))),
    ("known by another id", |l, _| (l.channel, l.input) = (Some(made("7", "")), Some(made("77", "")))),
    ("deletion accepted", |l, _| l.channel_deleted = true),
    ("due", |l, _| l.wake_at = Some(at(-60))),
    ("unknown create-input", |l, _| intent(l, "create-input", 20)),
    ("unknown add-flow-output", |l, _| intent(l, "add-flow-output", 20)),
    ("unknown create-channel", |l, _| intent(l, "create-channel", 20)),
    ("unknown start-flow", |l, _| intent(l, "start-flow", 20)),
    ("unknown enable-flow-output", |l, _| intent(l, "enable-flow-output", 20)),
    ("unknown start-channel", |l, _| intent(l, "start-channel", 20)),
    ("unknown stop-channel", |l, _| intent(l, "stop-channel", 20)),
    ("unknown disable-flow-output", |l, _| intent(l, "disable-flow-output", 20)),
    ("unknown update-channel", |l, _| { intent(l, "update-channel", 20); l.on_air = None }),
    ("unknown delete-channel", |l, _| intent(l, "delete-channel", 20)),
    ("unknown remove-flow-output", |l, _| intent(l, "remove-flow-output", 20)),
    ("unknown delete-input", |l, _| intent(l, "delete-input", 20)),
    ("the platform refuses", |l, _| trouble(l, Cause::RtmpFailed)),
    ("the platform refused until MediaLive gave up", |l, _| l.failover.failed_since = Some(at(-50))),
    ("nothing comes in", |l, _| trouble(l, Cause::InputLoss)),
    ("on the backup", |l, _| {
        (l.failover.url_type, l.failover.restarts) = (UrlType::Backup, 1);
        if let Some(on_air) = &mut l.on_air { (on_air.url_type, on_air.restarts) = (UrlType::Backup, 1) }
    }),
    ("a limit was reached", |l, _| l.capped = l.seen.as_ref().map(|seen| Capped { cap: Cap::Session, at: at(-60), attributes: seen.attributes.clone() })),
    ("recovering for long", |l, k| l.recovering_since = k.channel.there().map(|_| at(-3600))),
    ("expired start-channel", |l, _| intent(l, "start-channel", 0)),
];

/// The cloud as named; the ledger knows what was made.
fn place(scene: Scene, channel: &str, input: &str, output: &str, flow: &str) -> Scene {
    let mut scene = match channel {
        "" => scene,
        "NOT_FOUND" => scene
            .channel("")
            .with(|_, look| look.channel = Sight::NotFound),
        state => scene.channel(state),
    };
    if !channel.is_empty() {
        scene = scene.on_air(json!({}));
    }
    scene = match input {
        "" => scene,
        "NOT_FOUND" => scene.input("").with(|_, look| look.input = Sight::NotFound),
        "CREATING_WITHOUT_ADDRESS" => scene.input("CREATING").with(|_, look| {
            if let Sight::There(input) = &mut look.input {
                input.address = None;
            }
        }),
        state => scene.input(state),
    };
    scene = match output {
        "" => scene,
        output => scene.fed(output != "disabled"),
    };
    if output == "elsewhere"
        && let Some(output) = &mut scene.look.flow_output
    {
        output.destination = Some("198.51.100.99".to_owned());
    }
    match flow {
        "" => scene.no_flow(),
        status => scene.flow(status),
    }
}

#[derive(Default)]
struct Tally {
    cases: usize,
    broken: Vec<String>,
}

impl Tally {
    fn check(&mut self, scene: &Scene, name: &dyn Fn() -> String) {
        self.cases += 1;
        let decision = scene.decide();
        let broken = broken_promise(scene, &decision)
            .or_else(|| is_restless(scene, &decision).then_some("the second decision is another"));
        if let Some(broken) = broken {
            self.broken
                .push(format!("{broken}: {} -> {:?}", name(), decision.lane));
        }
    }

    fn end(self, what: &str) {
        println!("{what}: {} cases", self.cases);
        let shown: Vec<&String> = self
            .broken
            .iter()
            .step_by(self.broken.len() / 40 + 1)
            .collect();
        assert!(
            self.broken.is_empty(),
            "{} broken, some of them: {shown:#?}",
            self.broken.len()
        );
    }
}

fn say(scene: &Scene) -> String {
    let written = scene.record.as_ref().map(|(item, _)| {
        ["desired_state", "enabled", "keep_warm", "platform", "retry"]
            .map(|name| item.get(name).map(Value::to_string))
    });
    format!("{written:?}")
}

#[test]
fn every_record_in_every_state_of_the_cloud() {
    let mut tally = Tally::default();
    for record in records() {
        for channel in CHANNELS {
            for input in INPUTS {
                for output in OUTPUTS {
                    for flow in FLOWS {
                        let scene = place(record.clone(), channel, input, output, flow);
                        tally.check(&scene, &|| {
                            format!(
                                "{} channel {channel} input {input} output {output} flow {flow}",
                                say(&record)
                            )
                        });
                    }
                }
            }
        }
    }
    tally.end("records and clouds");
}

const CLOUDS: &[(&str, &str, &str)] = &[
    ("", "", "STANDBY"),
    ("ATTACHED", "enabled", "ACTIVE"),
    ("DETACHED", "disabled", "FOREIGN"),
    ("NOT_FOUND", "", "ACTIVE"),
    ("DETACHED", "", "ACTIVE"),
    ("ATTACHED", "disabled", "STANDBY"),
    ("DELETED", "enabled", ""),
];

/// What is sought or known is looked for, and what is not is not.
fn consistent(mut scene: Scene) -> Scene {
    let ledger = &scene.ledger;
    let channel = ledger.channel.is_some() || ledger.channel_sought.is_some();
    match (channel, &scene.look.channel) {
        (true, Sight::Never) => scene.look.channel = Sight::NotFound,
        (false, Sight::NotFound) => scene.look.channel = Sight::Never,
        _ => {}
    }
    let input = ledger.input.is_some() || ledger.input_sought.is_some();
    match (input, &scene.look.input) {
        (true, Sight::Never) => scene.look.input = Sight::NotFound,
        (false, Sight::NotFound) => scene.look.input = Sight::Never,
        _ => {}
    }
    scene
}

#[test]
fn every_memory_on_top() {
    let mut tally = Tally::default();
    for record in records() {
        for channel in CHANNELS {
            for (index, (input, output, flow)) in CLOUDS.iter().enumerate() {
                let scene = place(record.clone(), channel, input, output, flow);
                for (nth, (name, change)) in EXTRAS.iter().enumerate() {
                    let one = scene.clone().with(change);
                    // Two memories at once only on some clouds.
                    let others = if index < 2 {
                        &EXTRAS[..=nth]
                    } else {
                        &EXTRAS[..1]
                    };
                    for (other, change) in others.iter().filter(|(other, _)| other != name) {
                        let both = consistent(one.clone().with(change));
                        tally.check(&both, &|| {
                            format!("{} channel {channel} input {input} output {output} flow {flow} {name}, {other}", say(&record))
                        });
                    }
                }
            }
        }
    }
    tally.end("memories");
}
