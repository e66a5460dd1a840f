//! Tests of the scheduled pass: each reason to wake, each wait, quota turns, orphans, the flow.

mod orphans;
mod quota;

use super::*;
use crate::{
    incident::{Cause, Trouble},
    ledger::{Made, Passing, QuotaWait, Rest, Sought, Until, Verdict, Wait},
    problem::{Code, Problem},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn rules() -> Rules {
    Rules {
        stack: "show".to_owned(),
        flow_grace_seconds: 900,
        may_stop_flow: true,
    }
}

fn flow_in(status: &str) -> Option<FlowLook> {
    Some(FlowLook {
        status: status.to_owned(),
        egress_ip: None,
        outputs: 1,
        ours: None,
    })
}

fn made(id: &str) -> Option<Made> {
    Some(Made {
        id: id.to_owned(),
        at: at(-3600),
        address: String::new(),
    })
}

fn thing(kind: Kind, id: &str, state: &str, destination: &str, incarnation: u64) -> Listed {
    Listed {
        kind,
        id: id.to_owned(),
        name: name::resource("show", destination),
        state: state.to_owned(),
        tags: name::tags("show", destination, incarnation),
    }
}

/// A pass that finds one settled destination on the air and nothing to do.
fn quiet() -> Seen {
    let mut row = Ledger::new("a");
    row.seen = Some(ledger::Seen {
        attributes: "as now".to_owned(),
        asked: String::new(),
        key_version: Some(1),
    });
    row.channel = made("1");
    row.input = made("11");
    row.flow_output_arn = Some("arn:a".to_owned());
    row.rest = Some(Rest {
        channel: Some("RUNNING".to_owned()),
        awaits_flow: false,
        flow: Some("ACTIVE".to_owned()),
        needs_flow: true,
        ..Rest::default()
    });
    Seen {
        records: BTreeMap::from([("a".to_owned(), "as now".to_owned())]),
        rows: BTreeMap::from([("a".to_owned(), row)]),
        things: vec![
            thing(Kind::Channel, "1", "RUNNING", "a", 1),
            thing(Kind::Input, "11", "ATTACHED", "a", 1),
            thing(Kind::FlowOutput, "arn:a", "ENABLED", "a", 1),
        ],
        flow: flow_in("ACTIVE"),
        ..Seen::default()
    }
}

fn row(seen: &mut Seen) -> &mut Ledger {
    seen.rows.get_mut("a").unwrap()
}

fn pass(seen: &Seen) -> Pass {
    decide(at(0), seen, &rules())
}

#[test]
fn a_settled_destination_is_left_alone() {
    let pass = pass(&quiet());
    assert_eq!(
        pass,
        Pass {
            count: 3,
            ..Pass::default()
        }
    );
}

/// What is changed of a quiet pass, and the reason to wake, or none.
type Row = (&'static str, fn(&mut Seen), Option<&'static str>);

#[rustfmt::skip]
const WAKES: &[Row] = &[
    ("edited", |s| drop(s.records.insert("a".into(), "edited".into())), Some("the record has changed")),
    ("deleted", |s| s.records.clear(), Some("the record has changed")),
    ("edited while held", |s| { row(s).holder = Some("x".into()); s.records.clear() }, Some("the record has changed")),
    ("new", |s| { s.rows.clear(); s.things.clear() }, Some("a record that no execution has seen")),
    ("held", |s| { row(s).holder = Some("x".into()); row(s).rest = None }, None),
    ("its holder is gone", |s| { row(s).holder = Some("x".into()); s.ended_holders.insert("x".into()); }, Some("its execution ended without a word")),
    ("another's holder is gone", |s| { row(s).holder = Some("x".into()); s.ended_holders.insert("y".into()); }, None),
    ("left unfinished", |s| row(s).rest = None, Some("its last execution did not finish")),
    ("due now", |s| row(s).wake_at = Some(at(0)), Some("its time has come")),
    ("due later", |s| row(s).wake_at = Some(at(1)), None),
    ("stopped by hand", |s| s.things[0].state = "IDLE".into(), Some("its channel is in another state")),
    ("repairing itself", |s| s.things[0].state = "RECOVERING".into(), Some("its channel is in another state")),
    ("deleted by hand", |s| s.things[0].state = "DELETED".into(), Some("its channel is in another state")),
    ("not listed", |s| drop(s.things.remove(0)), Some("its channel is in another state")),
    ("waits for the flow, as it was", |s| { awaits(s, "STANDBY"); s.flow = flow_in("STANDBY") }, None),
    ("waits for the flow, on its way", |s| { awaits(s, "STANDBY"); s.flow = flow_in("STARTING") }, Some("the flow is in another state")),
    ("waits for the flow, up", |s| awaits(s, "STANDBY"), Some("the flow is in another state")),
    ("waits for a flow, there is none", |s| { awaits(s, ""); s.flow = None }, None),
    ("waits for a flow, there is one", |s| { awaits(s, ""); s.flow = flow_in("STANDBY") }, Some("the flow is in another state")),
    ("the flow is down", |s| s.flow = flow_in("STANDBY"), Some("its channel is not fed")),
    ("the flow is gone", |s| s.flow = None, Some("its channel is not fed")),
    ("its output is disabled", |s| s.things[2].state = "DISABLED".into(), Some("its channel is not fed")),
    ("its output is gone", |s| drop(s.things.remove(2)), Some("its channel is not fed")),
    ("its output is gone, but it is stuck", |s| { s.things.remove(2); stick(s) }, None),
    ("at rest, and its output is gone", |s| { row(s).rest.as_mut().unwrap().needs_flow = false; s.things.remove(2); }, Some("its flow output is gone")),
    ("at rest, and the flow is not known", |s| { row(s).rest.as_mut().unwrap().needs_flow = false; s.things.remove(2); s.flow = None }, None),
    ("its address is held", |s| hold(s, true), None),
    ("its address is held by a row that let it go", |s| hold(s, false), Some("its address is free")),
    ("nobody holds its address", |s| row(s).address_awaited = Some("hash".into()), Some("its address is free")),
    ("trouble that its last plan did not know of", |s| { trouble(s, 30); }, Some("nobody has acted on what its incidents say")),
    ("trouble that its last plan knew of", |s| { let since = trouble(s, 30); row(s).rest.as_mut().unwrap().troubles = since }, None),
    ("trouble that began anew", |s| { let since = trouble(s, 60); row(s).rest.as_mut().unwrap().troubles = since; trouble(s, 30); }, Some("nobody has acted on what its incidents say")),
    ("trouble that is over", |s| { let since = trouble(s, 30); row(s).rest.as_mut().unwrap().troubles = since; row(s).troubles.clear() }, Some("nobody has acted on what its incidents say")),
    ("stopped and in its grace time", |s| { stop(s); row(s).grace_until = Some(at(60)) }, None),
    ("removed, a row without a record", |s| { s.records.clear(); s.things.clear(); *row(s) = row(s).shrunk(at(-60)) }, None),
    ("put back", |s| { s.things.clear(); *row(s) = row(s).shrunk(at(-60)) }, Some("the record has changed")),
];

fn awaits(seen: &mut Seen, status: &str) {
    let rest = row(seen).rest.as_mut().unwrap();
    rest.awaits_flow = true;
    rest.flow = Some(status.to_owned()).filter(|status| !status.is_empty());
}

fn verdict() -> Verdict {
    Verdict {
        generation: 1,
        problem: Problem::new(Code::StartFailed, "It did not stay up."),
        again_at: None,
        heeded: false,
        keeps: false,
    }
}

fn trouble(seen: &mut Seen, ago: i64) -> BTreeMap<Cause, Timestamp> {
    let trouble = Trouble {
        channel_id: "1".to_owned(),
        since: at(-ago),
        alert_types: Vec::new(),
    };
    row(seen).troubles.insert(Cause::InputLoss, trouble);
    row(seen).troubles_since()
}

fn stick(seen: &mut Seen) {
    row(seen).stuck = Some(verdict());
}

fn stop(seen: &mut Seen) {
    seen.things[0].state = "IDLE".to_owned();
    row(seen).rest = Some(Rest {
        channel: Some("IDLE".to_owned()),
        ..Rest::default()
    });
}

fn hold(seen: &mut Seen, noted: bool) {
    row(seen).address_awaited = Some("hash".to_owned());
    let mut holder = Ledger::new("b");
    holder.rest = Some(Rest::default());
    if noted {
        holder.addresses = vec!["hash".to_owned()];
    }
    seen.rows.insert("b".to_owned(), holder);
    seen.addresses.insert("hash".to_owned(), "b".to_owned());
}

#[test]
fn each_reason_to_wake() {
    let mut wrong = Vec::new();
    for (situation, change, reason) in WAKES {
        let mut seen = quiet();
        change(&mut seen);
        let woken = pass(&seen).wakes.get("a").copied();
        if woken != *reason {
            wrong.push(format!("{situation}: {woken:?}, not {reason:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wait_ends_when_the_state_is_there() {
    let over = |until, since, state: &str| {
        let mut seen = quiet();
        row(&mut seen).holder = Some("x".to_owned());
        row(&mut seen).wait = Some(Wait {
            token: "token".to_owned(),
            until,
            since: at(since),
            taken_at: None,
        });
        if state.is_empty() {
            seen.things.remove(0);
        } else {
            seen.things[0].state = state.to_owned();
        }
        pass(&seen).completes == ["a"]
    };
    for (until, since, state, expected) in [
        (Until::Idle, -5, "CREATING", false),
        (Until::Idle, -5, "UPDATING", false),
        (Until::Idle, -5, "IDLE", true),
        (Until::Idle, -5, "CREATE_FAILED", true),
        (Until::Running, -5, "STARTING", false),
        (Until::Running, -5, "RUNNING", true),
        (Until::Running, -5, "RECOVERING", true),
        // A start may not be visible at once; taken for a failure it would be counted twice.
        (Until::Running, -5, "IDLE", false),
        (Until::Running, -20, "IDLE", true),
        (Until::Stopped, -5, "STOPPING", false),
        (Until::Stopped, -5, "STARTING", false),
        (Until::Stopped, -5, "IDLE", true),
        (Until::Stopped, -5, "RUNNING", true),
        (Until::Deleted, -5, "DELETING", false),
        (Until::Deleted, -5, "DELETED", true),
        (Until::Deleted, -59, "", false),
        (Until::Deleted, -60, "", true),
        (Until::Running, -900, "SOMETHING_NEW", false),
    ] {
        assert_eq!(
            over(until, since, state),
            expected,
            "{until:?} {since} {state}"
        );
    }
}

#[test]
fn the_flow_is_stopped_its_grace_after_the_last_one_needed_it() {
    let mut seen = quiet();
    assert_eq!(pass(&seen).flow_unneeded_since, None, "it is needed");
    stop(&mut seen);
    let first = pass(&seen);
    assert_eq!(
        (first.flow_unneeded_since, first.stop_flow),
        (Some(at(0)), false)
    );
    seen.flow_unneeded_since = first.flow_unneeded_since;
    assert!(!decide(at(899), &seen, &rules()).stop_flow);
    assert!(decide(at(900), &seen, &rules()).stop_flow);
    let always = Rules {
        may_stop_flow: false,
        ..rules()
    };
    assert!(!decide(at(900), &seen, &always).stop_flow);
    for (needed, change) in [
        (
            "starting",
            (|s| s.things[0].state = "STARTING".into()) as fn(&mut Seen),
        ),
        ("stopping", |s| s.things[0].state = "STOPPING".into()),
        ("held, on its way up", |s| {
            row(s).holder = Some("x".into());
            row(s).rest = None
        }),
        ("the flow is down", |s| s.flow = flow_in("STANDBY")),
        ("the flow is on its way up", |s| {
            s.flow = flow_in("STARTING")
        }),
        ("the flow is gone", |s| s.flow = None),
    ] {
        let mut seen = seen.clone();
        change(&mut seen);
        let pass = decide(at(900), &seen, &rules());
        assert_eq!(
            (pass.stop_flow, pass.flow_unneeded_since),
            (false, None),
            "{needed}"
        );
    }
    // A destination that rests as stuck, waits for room or is being torn down keeps no flow up.
    row(&mut seen).holder = Some("x".to_owned());
    (row(&mut seen).rest, row(&mut seen).seen) = (None, None);
    assert!(
        decide(at(900), &seen, &rules()).stop_flow,
        "its record is deleted"
    );
}

#[test]
fn the_same_pass_twice_decides_the_same() {
    for (situation, change, _) in WAKES {
        let mut seen = quota::waiters(&[("b", -300, -60, Some(4)), ("c", -400, -60, None)]);
        change(&mut seen);
        seen.things
            .push(thing(Kind::Input, "9", "DETACHED", "lost", 1));
        let first = pass(&seen);
        seen.suspects = first.suspects.clone();
        seen.flow_unneeded_since = first.flow_unneeded_since;
        assert_eq!(pass(&seen), first, "{situation}");
    }
}

#[test]
fn with_the_whole_ledger_lost_everything_is_taken_down_and_made_anew() {
    let mut seen = quiet();
    seen.rows.clear();
    let first = pass(&seen);
    assert_eq!(first.wakes["a"], "a record that no execution has seen");
    assert_eq!(first.suspects.len(), 3);
    seen.suspects = first.suspects;
    assert_eq!(decide(at(60), &seen, &rules()).orphans.len(), 3);
}

#[test]
fn with_every_event_lost_a_channel_that_is_stuck_half_way_is_still_watched() {
    let mut seen = quiet();
    row(&mut seen).passing = Some(Passing {
        state: "STARTING".to_owned(),
        since: at(-3600),
    });
    row(&mut seen).rest = Some(Rest {
        channel: Some("STARTING".to_owned()),
        ..Rest::default()
    });
    seen.things[0].state = "STARTING".to_owned();
    assert!(pass(&seen).wakes.is_empty());
    seen.things[0].state = "RUNNING".to_owned();
    assert_eq!(pass(&seen).wakes["a"], "its channel is in another state");
}
