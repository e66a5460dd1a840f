//! Limits and people: each limit is told once when it is near and once when it has acted, whatever
//! happens on the way; the record, the session and the table of incidents say the same.

use proof::{
    Act, Cue, Decision, Fault, Place, Plan, Setup, Site, When, World,
    setup::{key_of, record},
    world::BEGIN,
};
use serde_json::{Value, json};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

/// Each limit: its attribute, a number that is reached within the hour, and its problem.
const LIMITS: [(&str, &str, &str); 4] = [
    ("no_input_minutes_max", "30", "cap_no_input"),
    ("session_hours_max", "0.5", "cap_session"),
    ("budget_usd_per_day", "0.5", "cap_budget_day"),
    ("budget_usd_per_month", "0.5", "cap_budget_month"),
];

/// A destination on the air with one limit, from ten minutes after the beginning on.
fn limited(attribute: &str, number: &str, plan: Plan) -> World {
    let mut item = record("a", "streaming");
    item[attribute] = json!(number);
    let cue = |act| Cue {
        when: When::At(0),
        act,
    };
    let setup = Setup {
        script: vec![cue(Act::Key(key_of("a"))), cue(Act::Put(item))],
        keep_sinks: false,
        ..Setup::default()
    };
    let mut world = World::new(&setup, plan);
    world.run_until(BEGIN + 10 * MINUTE);
    assert_eq!(running(&world), 1, "{attribute}: it is on the air");
    if attribute == "no_input_minutes_max" {
        world.perform_act(Act::Alert("a".into(), "Video Not Detected", true));
    }
    world
}

fn running(world: &World) -> usize {
    let channels = world.core().book().channels();
    channels.filter(|row| row.state() == "RUNNING").count()
}

/// When each message about a limit was sent, and by which execution: when it was near, when it acted.
fn told(world: &World, attribute: &str) -> [Vec<(u64, u32)>; 2] {
    ["is near", "has ended it"].map(|stage| {
        let subject = format!("a: {attribute} {stage}");
        let messages = world.published().iter();
        messages
            .filter(|message| message.subject.ends_with(&subject))
            .map(|message| (message.at, message.execution))
            .collect()
    })
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

fn problem(world: &World) -> String {
    let item = world.database().item(world.tables().0, "a");
    let item = item.cloned().unwrap_or_default();
    text(&item["problem"]["M"], "code").to_owned()
}

/// Limits in the table of incidents.
fn kept(world: &World) -> Vec<String> {
    let items = world.database().items(&world.house().incidents_table);
    let limits = items.filter(|(_, item)| text(item, "cause") == "limit");
    limits
        .map(|(_, item)| text(item, "incident_id").to_owned())
        .collect()
}

#[test]
fn each_limit_is_told_once_when_it_is_near_and_once_when_it_has_acted() {
    for (attribute, number, code) in LIMITS {
        let mut world = limited(attribute, number, Plan::calm(3));
        while told(&world, attribute)[0].is_empty() && world.now() < BEGIN + 60 * MINUTE {
            world.step();
        }
        assert_eq!(running(&world), 1, "{attribute}: warned first");
        world.run_until(world.now() + 30 * SECOND);
        assert_eq!(problem(&world), "cap_warning", "{attribute}");
        world.run_until(BEGIN + 80 * MINUTE);
        assert_eq!(problem(&world), code, "{attribute}");
        let channels = world.core().book().channels();
        assert!(channels.into_iter().all(|row| !row.is_billable()));
        let [near, reached] = told(&world, attribute);
        assert_eq!((near.len(), reached.len()), (1, 1), "{attribute}");
        // Five minutes before it acts; the sweep that acts comes once a minute.
        let ahead = reached[0].0 - near[0].0;
        assert!(
            (3 * MINUTE..=7 * MINUTE).contains(&ahead),
            "{attribute}: {ahead} ms"
        );
        let sessions = world.database().items(world.sessions_table());
        let causes: Vec<&str> = sessions.map(|(_, item)| text(item, "cause")).collect();
        assert!(causes.contains(&code), "{attribute}: {causes:?}");
        let ids = kept(&world);
        assert_eq!(ids.len(), 2, "{attribute}: {ids:?}");
        assert!(ids[0].ends_with("#cap_warning") && ids[1].ends_with(&format!("#{code}")));
        let text = world.published().iter().map(|message| &message.message);
        let named = |id: &String| format!("Incident: {id} of a");
        for id in &ids {
            let with_id = text.clone().filter(|text| text.contains(&named(id)));
            assert_eq!(with_id.count(), 1, "{attribute}: {id}");
        }
    }
}

/// An edit lets it stream again: a limit that acts once more is told once more.
#[test]
fn a_limit_that_acts_again_after_an_edit_is_told_again() {
    let (attribute, number, code) = LIMITS[1];
    let mut world = limited(attribute, number, Plan::calm(4));
    world.run_until(BEGIN + 60 * MINUTE);
    assert_eq!(problem(&world), code);
    world.perform_act(Act::Edit("a".into(), json!({"retry": "once more"})));
    world.run_until(BEGIN + 120 * MINUTE);
    assert_eq!(problem(&world), code);
    let [near, reached] = told(&world, attribute);
    assert_eq!((near.len(), reached.len()), (2, 2));
    // An edit of something else while it is announced is no second word, and a hold none at all.
    let edit = json!({"retry": "and again", "session_hours_max": "1"});
    world.perform_act(Act::Edit("a".into(), edit));
    while told(&world, attribute)[0].len() < 3 && world.now() < BEGIN + 240 * MINUTE {
        world.step();
    }
    let renamed = json!({"name": "The second stage"});
    world.perform_act(Act::Edit("a".into(), renamed));
    world.run_until(world.now() + MINUTE);
    world.perform_act(Act::Edit("a".into(), json!({"hold": true})));
    world.run_until(world.now() + 120 * MINUTE);
    assert_eq!(running(&world), 1);
    let [near, reached] = told(&world, attribute);
    assert_eq!((near.len(), reached.len()), (3, 2));
}

/// A person starts the execution of a message once more: nobody is told twice.
#[test]
fn a_message_that_is_replayed_is_not_sent_again() {
    let (attribute, number, _) = LIMITS[1];
    let mut world = limited(attribute, number, Plan::calm(5));
    world.run_until(BEGIN + 60 * MINUTE);
    let before = world.published().len();
    for (_, execution) in told(&world, attribute).concat() {
        world.replay(execution);
    }
    world.run_until(world.now() + 10 * MINUTE);
    assert_eq!(world.published().len(), before);
    let running = world.executions().iter();
    let running = running.filter(|one| one.status() == runner::Status::Running);
    assert_eq!(running.count(), 0);
}

/// Whatever happens to the call that sends it on its way, or to whoever makes it: once each, and the
/// stop is not held back.
#[test]
fn trouble_on_the_way_neither_loses_nor_doubles_a_word() {
    let (attribute, number, code) = LIMITS[1];
    let starts = |worker, operation, nth, fault| Decision {
        place: Place::Call(Site {
            worker,
            operation,
            nth,
        }),
        fault,
    };
    let faults = [
        Fault::ErrorBefore(500),
        Fault::Throttled(4),
        Fault::AnswerLost,
        Fault::AnswerTimedOut,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Forbidden,
    ];
    let calls = [
        ("plan", "states:StartExecution"),
        ("confirm-incident", "dynamodb:UpdateItem"),
    ];
    for (worker, operation) in calls {
        // A denied call is no outcome that another try would change.
        let faults = faults
            .iter()
            .filter(|fault| worker == "plan" || **fault != Fault::Forbidden);
        for fault in faults {
            for nth in 1..=2 {
                let decision = starts(worker, operation, nth, *fault);
                let plan = Plan::of(6, vec![decision]);
                let mut world = limited(attribute, number, plan);
                world.run_until(BEGIN + 60 * MINUTE);
                let what = format!("{worker} {operation} {nth} {fault:?}");
                assert_eq!(world.unfired(), [], "{what}");
                assert_eq!(problem(&world), code, "{what}");
                assert_eq!(running(&world), 0, "{what}");
                let [near, reached] = told(&world, attribute);
                assert_eq!((near.len(), reached.len()), (1, 1), "{what}");
            }
        }
    }
}
