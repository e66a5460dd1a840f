//! Waiting for room under a quota: whose turn it is, and whose grace ends.

use super::*;

/// Destinations that wait for room: id, since, when tried last, how many things there were.
pub(super) fn waiters(waits: &[(&str, i64, i64, Option<usize>)]) -> Seen {
    let mut seen = quiet();
    for (id, since, tried_at, count) in waits {
        let mut row = Ledger::new(id);
        row.rest = Some(Rest::default());
        row.quota_wait = Some(QuotaWait {
            since: at(*since),
            problem: Problem::new(Code::WaitingForQuota, "There is no room."),
            count: *count,
            turn: false,
            tried_at: at(*tried_at),
        });
        seen.rows.insert((*id).to_owned(), row);
    }
    seen
}

#[test]
fn the_longest_waiter_goes_first_when_there_may_be_room() {
    for (situation, waits, turn) in [
        (
            "nothing has gone",
            &[("b", -300, -60, Some(3)), ("c", -400, -60, Some(3))][..],
            None,
        ),
        (
            "one thing has gone",
            &[("b", -300, -60, Some(4)), ("c", -400, -60, Some(4))],
            Some("c"),
        ),
        (
            "refused again just now, the next one's turn",
            &[("b", -300, -60, Some(4)), ("c", -400, -5, Some(3))],
            Some("b"),
        ),
        (
            "refused before anybody counted: what was in the way may have gone meanwhile",
            &[("b", -300, -60, Some(3)), ("c", -30, -5, None)],
            Some("c"),
        ),
        (
            "not tried for ten minutes",
            &[("b", -700, -599, Some(3)), ("c", -650, -600, Some(3))],
            Some("c"),
        ),
        (
            "more things than there were",
            &[("b", -300, -60, Some(2))],
            None,
        ),
        (
            "the same time: by name",
            &[("c", -300, -60, Some(9)), ("b", -300, -60, Some(9))],
            Some("b"),
        ),
    ] {
        let pass = pass(&waiters(waits));
        assert_eq!(pass.turn.as_deref(), turn, "{situation}");
        assert_eq!(
            pass.wakes.keys().next().map(String::as_str),
            turn,
            "{situation}"
        );
    }
}

#[test]
fn a_waiter_learns_how_many_things_there_are() {
    let pass = pass(&waiters(&[
        ("b", -60, -60, None),
        ("c", -60, -60, Some(2)),
        ("d", -60, -60, Some(3)),
    ]));
    assert_eq!(
        (pass.count, pass.note_counts),
        (3, vec!["b".to_owned(), "c".to_owned()])
    );
}

#[test]
fn a_waiter_that_is_held_unfinished_or_has_its_turn_is_not_given_another() {
    for change in [
        (|row| row.holder = Some("x".into())) as fn(&mut Ledger),
        |row| row.rest = None,
        |row| row.quota_wait.as_mut().unwrap().turn = true,
    ] {
        let mut seen = waiters(&[("b", -700, -700, Some(9))]);
        change(seen.rows.get_mut("b").unwrap());
        assert_eq!(pass(&seen).turn, None);
    }
}

#[test]
fn while_anybody_waits_a_stopped_destination_has_no_grace() {
    let stopped = |waits: &[(&str, i64, i64, Option<usize>)]| {
        let mut seen = waiters(waits);
        stop(&mut seen);
        row(&mut seen).grace_until = Some(at(600));
        seen
    };
    let mut seen = stopped(&[("b", -60, -60, Some(3))]);
    let ended = pass(&seen);
    assert_eq!(ended.end_graces, ["a"]);
    assert_eq!(ended.wakes["a"], "another destination waits for its room");
    row(&mut seen).holder = Some("x".to_owned());
    assert!(pass(&seen).end_graces.is_empty(), "it is at work");
    assert!(pass(&stopped(&[])).end_graces.is_empty(), "nobody waits");
}

#[test]
fn nobody_gets_a_turn_while_another_is_at_work_on_its_own() {
    for at_work in [
        (|row: &mut Ledger| row.holder = Some("execution".into())) as fn(&mut Ledger),
        |row| row.rest = None,
    ] {
        let mut seen = waiters(&[("b", -300, -60, Some(4)), ("c", -400, -5, Some(3))]);
        assert_eq!(pass(&seen).turn.as_deref(), Some("b"));
        let first = seen.rows.get_mut("c").unwrap();
        first.quota_wait.as_mut().unwrap().turn = true;
        at_work(first);
        assert_eq!(pass(&seen).turn, None);
    }
}

#[test]
fn a_turn_whose_execution_could_not_be_started_is_not_lost() {
    let mut seen = waiters(&[("c", -400, -5, None)]);
    seen.rows
        .get_mut("c")
        .unwrap()
        .quota_wait
        .as_mut()
        .unwrap()
        .turn = true;
    assert!(pass(&seen).wakes.contains_key("c"));
    seen.rows.get_mut("c").unwrap().holder = Some("execution".into());
    assert!(!pass(&seen).wakes.contains_key("c"));
}
