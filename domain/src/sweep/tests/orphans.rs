//! What is an orphan, and what never is.

use super::*;

#[test]
fn an_orphan_is_removed_when_it_is_seen_twice() {
    for (kind, state) in [
        (Kind::Channel, "IDLE"),
        (Kind::Channel, "RUNNING"),
        (Kind::Channel, "CREATE_FAILED"),
        (Kind::Input, "DETACHED"),
        (Kind::Input, "ATTACHED"),
        (Kind::FlowOutput, "ENABLED"),
        (Kind::FlowOutput, "DISABLED"),
    ] {
        // Of a destination without a row, of an earlier life, and a second one of its name.
        for (destination, incarnation, id) in [("lost", 1, "9"), ("a", 7, "9")] {
            // An output's name is unique in its flow: there is never a second one.
            if kind == Kind::FlowOutput && destination == "a" {
                continue;
            }
            let mut seen = quiet();
            seen.things
                .push(thing(kind, id, state, destination, incarnation));
            let first = pass(&seen);
            assert!(first.orphans.is_empty(), "{kind:?} {state}");
            assert_eq!(first.suspects, BTreeMap::from([("9".to_owned(), at(0))]));
            seen.suspects = first.suspects;
            assert!(decide(at(29), &seen, &rules()).orphans.is_empty());
            let second = decide(at(60), &seen, &rules());
            assert_eq!(second.orphans.len(), 1, "{kind:?} {state} {destination}");
            assert_eq!(second.suspects, seen.suspects, "since when stays");
            seen.things.pop();
            assert!(decide(at(120), &seen, &rules()).suspects.is_empty());
        }
    }
}

#[test]
fn what_is_not_ours_or_already_going_is_never_an_orphan() {
    let mut lookalikes = Vec::new();
    for kind in [Kind::Channel, Kind::Input, Kind::FlowOutput] {
        let orphan = thing(kind, "9", "IDLE", "lost", 1);
        lookalikes.push(Listed {
            tags: name::Tags::new(),
            ..orphan.clone()
        });
        lookalikes.push(Listed {
            name: "somebody's".to_owned(),
            ..orphan.clone()
        });
        lookalikes.push(Listed {
            tags: name::tags("other", "lost", 1),
            ..orphan.clone()
        });
        lookalikes.push(Listed {
            tags: name::tags("show", "other", 1),
            ..orphan.clone()
        });
        let mut tags = orphan.tags.clone();
        tags.insert(name::TAG_INCARNATION.to_owned(), "first".to_owned());
        lookalikes.push(Listed {
            tags,
            ..orphan.clone()
        });
        for state in ["DELETING", "DELETED"] {
            lookalikes.push(Listed {
                state: state.to_owned(),
                ..orphan.clone()
            });
        }
    }
    let mut seen = quiet();
    seen.things.extend(lookalikes);
    seen.suspects.insert("9".to_owned(), at(-3600));
    let pass = pass(&seen);
    assert!(pass.orphans.is_empty() && pass.suspects.is_empty());
}

#[test]
fn a_row_answers_for_what_it_knows_and_for_what_it_is_about_to_learn() {
    let accounted = |kind, incarnation, change: fn(&mut Ledger)| {
        let mut seen = quiet();
        let row = row(&mut seen);
        (row.channel, row.input, row.flow_output_arn) = (None, None, None);
        change(row);
        seen.things = vec![thing(kind, "9", "IDLE", "a", incarnation)];
        pass(&seen).suspects.is_empty()
    };
    fn sought(incarnation: u64) -> Option<Sought> {
        Some(Sought {
            incarnation,
            at: at(-5),
        })
    }
    for (kind, incarnation, change, expected) in [
        (
            Kind::Channel,
            2,
            (|row| row.channel_sought = sought(2)) as fn(&mut Ledger),
            true,
        ),
        (
            Kind::Channel,
            1,
            |row| row.channel_sought = sought(2),
            false,
        ),
        (
            Kind::Channel,
            2,
            |row| (row.channel_sought, row.channel) = (sought(2), made("8")),
            false,
        ),
        (Kind::Channel, 1, |row| row.channel = made("9"), true),
        (Kind::Channel, 1, |_| {}, false),
        (Kind::Input, 2, |row| row.input_sought = sought(2), true),
        (Kind::Input, 1, |row| row.input_sought = sought(2), false),
        (Kind::Input, 1, |row| row.input = made("9"), true),
        (Kind::Input, 1, |_| {}, false),
        (
            Kind::FlowOutput,
            1,
            |row| row.flow_output_arn = Some("9".into()),
            true,
        ),
        (
            Kind::FlowOutput,
            1,
            |row| row.holder = Some("x".into()),
            true,
        ),
        (Kind::FlowOutput, 1, |row| row.rest = None, true),
        (Kind::FlowOutput, 1, |_| {}, false),
    ] {
        assert_eq!(
            accounted(kind, incarnation, change),
            expected,
            "{kind:?} {incarnation}"
        );
    }
}

#[test]
fn what_belongs_to_a_row_that_cannot_be_read_is_left_alone() {
    let mut seen = quiet();
    seen.rows.clear();
    seen.suspects = BTreeMap::from_iter(["1", "11", "arn:a"].map(|id| (id.to_owned(), at(-3600))));
    seen.flow_unneeded_since = Some(at(-3600));
    let lost = pass(&seen);
    assert!(
        !lost.orphans.is_empty() && !lost.wakes.is_empty() && lost.stop_flow,
        "{lost:?}"
    );
    seen.unreadable = BTreeSet::from(["a".to_owned()]);
    let spared = pass(&seen);
    assert!(
        spared.orphans.is_empty() && spared.wakes.is_empty(),
        "{spared:?}"
    );
    assert!(!spared.stop_flow);
}

#[test]
fn every_state_that_lasts_has_a_way_to_be_rid_of_it() {
    let removal = |kind, state| thing(kind, "9", state, "lost", 1).removal();
    for state in ["IDLE", "CREATE_FAILED", "UPDATE_FAILED"] {
        assert_eq!(
            removal(Kind::Channel, state),
            Some(Removal::DeleteChannel),
            "{state}"
        );
    }
    for state in ["RUNNING", "RECOVERING", "STARTING"] {
        assert_eq!(
            removal(Kind::Channel, state),
            Some(Removal::StopChannel),
            "{state}"
        );
    }
    for state in ["CREATING", "UPDATING", "STOPPING", "DELETING", "DELETED"] {
        assert_eq!(removal(Kind::Channel, state), None, "{state}");
    }
    assert_eq!(removal(Kind::Input, "DETACHED"), Some(Removal::DeleteInput));
    assert_eq!(
        removal(Kind::Input, "ATTACHED"),
        None,
        "its channel goes first"
    );
    for state in ["ENABLED", "DISABLED"] {
        assert_eq!(
            removal(Kind::FlowOutput, state),
            Some(Removal::RemoveFlowOutput)
        );
    }
}

#[test]
fn a_person_is_called_for_as_long_as_one_is_needed() {
    let mut seen = quiet();
    assert_eq!(seen.stuck(), 0);
    row(&mut seen).stuck = Some(Verdict {
        generation: 1,
        problem: Problem::new(Code::Internal, "It failed."),
        again_at: Some(at(900)),
        heeded: false,
        keeps: false,
    });
    assert_eq!(seen.stuck(), 1, "also while it is tried again by itself");
    row(&mut seen).stuck = None;
    seen.unreadable = BTreeSet::from(["b".to_owned()]);
    assert_eq!(seen.stuck(), 1);
}
