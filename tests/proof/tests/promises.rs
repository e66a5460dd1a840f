//! The promises that a single schedule shows best: all hints lost, the control plane dead for a day, a
//! house at rest, and what a life costs when nothing goes wrong.

use proof::{
    Act, Cue, Plan, Setup, When, check,
    search::scripts,
    setup::{key_of, record},
};
use serde_json::json;

/// L5: with every event and every stream record lost the sweep alone settles everything.
#[test]
fn with_all_hints_lost_the_sweep_alone_settles_everything() {
    for task in scripts::without_hints() {
        let outcome = check::run(&task.setup, task.plan);
        // Without hints something unwanted waits for the next pass.
        let broken = outcome
            .violations
            .iter()
            .find(|row| row.invariant != "orphan-minutes");
        assert!(
            broken.is_none(),
            "{}: {broken:?}\n{}",
            task.name,
            outcome.story()
        );
    }
}

/// A record whose limits are held off: the longest session is shorter than a day.
fn held(mut record: serde_json::Value) -> serde_json::Value {
    record["hold"] = json!(true);
    record
}

/// A destination that streams, and then something else happens.
fn streaming(more: Vec<Cue>) -> Setup {
    let mut setup = scripts::all()[0].setup.clone();
    setup.script = vec![
        Cue {
            when: When::At(0),
            act: Act::Key(key_of("a")),
        },
        Cue {
            when: When::At(1000),
            act: Act::Put(held(record("a", "streaming"))),
        },
    ];
    setup.script.extend(more);
    setup
}

/// Static stability: with the control plane dead for a simulated day running channels run on, and
/// afterwards everything is where it should be.
#[test]
fn with_the_control_plane_dead_for_a_day_channels_run_on() {
    let day = 86_400_000;
    let running = When::Channel("a".into(), "RUNNING", 60_000);
    let setup = streaming(vec![
        Cue {
            when: running,
            act: Act::Down("lambda"),
        },
        Cue {
            when: When::After(day),
            act: Act::Up("lambda"),
        },
        Cue {
            when: When::After(600_000),
            act: Act::Edit("a".into(), json!({"desired_state": "ready"})),
        },
    ]);
    let outcome = check::run(&setup, Plan::calm(1));
    assert!(outcome.violations.is_empty(), "{}", outcome.story());
    assert!(outcome.tally().on_air_ms > day, "{:?}", outcome.tally());
}

/// L1, the second half: at rest nothing is written for a day, whether something streams or nothing is.
#[test]
fn at_rest_nothing_is_written_for_a_day() {
    let gone = Cue {
        when: When::Quiet,
        act: Act::Delete("a".into()),
    };
    let kept = Act::Edit(
        "a".into(),
        json!({"keep_warm": true, "desired_state": "ready"}),
    );
    let kept = Cue {
        when: When::Quiet,
        act: kept,
    };
    for more in [vec![], vec![gone], vec![kept]] {
        let violations = check::day_of_rest(&streaming(more));
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Efficiency: a life from nothing to the air and back to nothing costs no more than it does today.
/// A needless call, lap or transition fails here; a saved one is a reason to lower the numbers.
#[test]
fn a_life_costs_no_more_than_it_has_to() {
    let gone = Cue {
        when: When::Channel("a".into(), "RUNNING", 5000),
        act: Act::Delete("a".into()),
    };
    let mut setup = streaming(vec![gone]);
    // Exact times, so that the numbers are the same whatever is drawn.
    setup.times = json!({
        "law": "fixed", "channel_create": 4, "channel_start": 40, "channel_stop": 20, "channel_delete": 10,
        "channel_update": 3, "input_create": 0, "input_detach": 5, "input_delete": 2,
        "flow_start": 15, "flow_stop": 10, "flow_update": 0.5, "read_lag": 0,
    });
    let outcome = check::run(&setup, Plan::calm(1));
    assert!(outcome.violations.is_empty(), "{}", outcome.story());
    let costs = outcome.costs();
    // Ten are needed: input, output and channel made, flow and channel started, and all of it undone;
    // the deployment made two.
    assert!(costs.media_writes <= 12, "{costs:?}\n{}", outcome.story());
    assert!(costs.transitions <= 46, "{costs:?}\n{}", outcome.story());
    // The sweep's are among them: it writes the report when a pass finds something new, and adds the
    // session up. So are those of `watch` and `watch-flow`, which hear of the flow, and the seven by which
    // the first numbers of the source are asked for, twice because CloudWatch has them late, and shown.
    assert!(costs.calls <= 224, "{costs:#?}\n{}", outcome.story());
}
