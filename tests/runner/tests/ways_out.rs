//! Whatever answers, silences, stops and redrives come in whatever order: nothing panics, and every execution has a
//! way on. Machines and happenings are drawn by seed; a failure names the seed.

mod stand;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use runner::{Effect, Execution, Failure, Machine, Status};
use serde_json::{Value, json};
use stand::{ARN, at, task, wait_for_token, whole};

const SEEDS: u64 = 3_000;
const ERRORS: [&str; 7] = [
    "Stale",
    "Transient",
    "Full",
    "Unheard.Of",
    "States.Timeout",
    "States.Runtime",
    "States.DataLimitExceeded",
];

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A machine of two to six states that lead anywhere, each with one sure way forward.
fn draw_machine(chance: &mut Chance) -> Arc<Machine> {
    let count = 2 + chance.below(5);
    let mut states = json!({ "End": { "Type": "Succeed" } });
    for index in 0..count {
        let next = if index + 1 == count {
            "End".to_owned()
        } else {
            format!("S{}", index + 1)
        };
        let target = format!("S{}", chance.below(count));
        let path = chance
            .one(&[json!("$"), json!("$.r"), json!("$.a.b"), json!(null)])
            .clone();
        let retry = json!([
            { "ErrorEquals": ["Transient", "States.Timeout"], "MaxAttempts": chance.below(4), "JitterStrategy": "FULL" },
            { "ErrorEquals": ["States.ALL"], "MaxAttempts": chance.below(2), "BackoffRate": 3, "MaxDelaySeconds": 20 },
        ]);
        let catch = json!([
            { "ErrorEquals": ["Stale"], "ResultPath": "$.error", "Next": target },
            { "ErrorEquals": [chance.one(&["States.ALL", "States.TaskFailed", "Full"])], "ResultPath": path, "Next": next },
        ]);
        let mut work = json!({ "ResultPath": path, "Retry": retry, "Catch": catch, "Next": next });
        states[format!("S{index}")] = match chance.below(6) {
            0 => json!({ "Type": "Wait", "SecondsPath": "$.seconds", "Next": next }),
            1 => {
                json!({ "Type": "Pass", "Result": { "seconds": 3, "x": true }, "ResultPath": path, "Next": next })
            }
            2 => json!({
                "Type": "Choice", "Default": next,
                "Choices": [{ "Variable": "$.x", "BooleanEquals": true, "Next": target }],
            }),
            3 => {
                work["HeartbeatSeconds"] = json!(25);
                wait_for_token(work)
            }
            4 => {
                work["ResultSelector"] = json!({ "x.$": "$.Payload.x" });
                task(work)
            }
            _ => task(work),
        };
    }
    whole(json!({ "StartAt": "S0", "TimeoutSeconds": 2_000, "States": states }))
}

/// What always holds.
fn check(execution: &Execution, now: Timestamp) {
    let running = execution.status() == Status::Running;
    assert_eq!(running, execution.next_due().is_some());
    assert_eq!(running, execution.stopped().is_none());
    assert_eq!(
        execution.status() == Status::Succeeded,
        execution.output().is_some()
    );
    assert_eq!(
        !running && execution.status() != Status::Succeeded,
        execution.failure().is_some()
    );
    let open: Vec<_> = execution.open_tokens().collect();
    assert!(open.len() <= usize::from(running));
    assert!(
        open.iter()
            .all(|open| open.since <= now && open.state == execution.state())
    );
}

/// What holds of a whole life.
fn check_history(execution: &Execution) {
    let history = execution.history();
    assert!(history.len() <= 25_000);
    assert!(history.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(execution.transitions() >= execution.entered().count() as u64);
}

fn draw_outcome(chance: &mut Chance) -> Result<Value, Failure> {
    match chance.below(3) {
        0 => Err(Failure::new(*chance.one(&ERRORS), "drawn")),
        1 => Ok(json!({ "x": chance.below(2) == 0, "seconds": chance.below(9) })),
        _ => Ok(chance
            .one(&[
                json!(null),
                json!("text"),
                json!([1]),
                json!({ "seconds": -1 }),
            ])
            .clone()),
    }
}

/// One life; gives back the execution and what it asked for.
fn live(seed: u64) -> (Execution, Vec<String>) {
    let mut chance = Chance(seed);
    let machine = draw_machine(&mut chance);
    let input = chance
        .one(&[
            json!({ "x": false, "seconds": 2 }),
            json!({ "a": "b" }),
            json!("text"),
        ])
        .clone();
    let mut now = at(0.0);
    let mut execution = Execution::start(machine, ARN, "one", input, now);
    let (mut attempts, mut tokens, mut asked) =
        (BTreeSet::new(), vec!["nonsense".to_owned()], Vec::new());
    for _ in 0..80 {
        check(&execution, now);
        match chance.below(12) {
            0 => execution.answer(now, chance.below(20), draw_outcome(&mut chance)),
            1..=3 => {
                if let Some(attempt) = execution.open_attempt() {
                    execution.answer(now, attempt, draw_outcome(&mut chance));
                }
            }
            4 | 5 => {
                let token = chance.one(&tokens).clone();
                let open = execution
                    .open_tokens()
                    .any(|open| open.token == token && open.due >= now);
                let taken = execution.end_wait(now, &token, draw_outcome(&mut chance));
                assert_eq!(taken.is_ok(), open);
            }
            6 => {
                let token = chance.one(&tokens).clone();
                let open = execution
                    .open_tokens()
                    .any(|open| open.token == token && open.due >= now);
                assert_eq!(execution.heartbeat(now, &token).is_ok(), open);
            }
            7 if chance.below(8) == 0 => execution.stop(now, "Stopped", ""),
            8 if execution.status() != Status::Running => {
                assert_eq!(
                    execution.redrive(now).is_ok(),
                    execution.status() == Status::Running
                );
            }
            9 => now += SignedDuration::from_millis(chance.below(30_000) as i64),
            _ => {
                if let Some(due) = execution.next_due() {
                    now = now.max(due);
                }
                match execution.advance(now, &mut || chance.share()) {
                    Some(Effect::Invoke {
                        function,
                        payload,
                        attempt,
                        token,
                    }) => {
                        assert!(attempts.insert(attempt), "an attempt of its own");
                        asked.push(format!("{now} {function} {payload} {attempt}"));
                        tokens.extend(token);
                    }
                    Some(Effect::Ended) => assert_ne!(execution.status(), Status::Running),
                    Some(Effect::Moved) => assert_eq!(execution.status(), Status::Running),
                    Some(effect @ Effect::Publish { .. }) => panic!("{effect:?}"),
                    None => assert!(execution.next_due().is_none_or(|due| due > now)),
                }
            }
        }
    }
    // From now on nobody answers and only time passes: it comes to an end by itself.
    for step in 0.. {
        check(&execution, now);
        let Some(due) = execution.next_due() else {
            break;
        };
        assert!(step < 26_000, "it goes on for ever");
        now = now.max(due);
        assert!(execution.advance(now, &mut || chance.share()).is_some());
    }
    check_history(&execution);
    (execution, asked)
}

#[test]
fn every_state_has_a_way_out() {
    let mut fates = BTreeSet::new();
    for seed in 0..SEEDS {
        let lived = std::panic::catch_unwind(|| live(seed))
            .unwrap_or_else(|_| panic!("seed {seed} does not hold"));
        fates.insert(lived.0.status());
    }
    let all = [
        Status::Succeeded,
        Status::Failed,
        Status::TimedOut,
        Status::Aborted,
    ];
    assert_eq!(
        fates,
        BTreeSet::from(all),
        "the draw is wide enough to end in every way"
    );
}

#[test]
fn the_same_seed_lives_the_same_life() {
    for seed in 0..200 {
        let ((one, asked), (other, again)) = (live(seed), live(seed));
        assert_eq!(
            (one.history(), asked),
            (other.history(), again),
            "seed {seed}"
        );
    }
}
