//! The benchmarks of virtual time at their smallest: whoever edits is served, and AWS's limits are
//! kept. What a figure should be at its best is for `make bench` to judge.

use proof::bench::{
    Progress, arithmetic,
    crowd::{self, Manner},
    life, minimum,
};

#[test]
fn a_hundred_edits_at_once_are_on_the_air_soon_and_hardly_throttled() {
    for destinations in [1, 10, 50, 100] {
        let crowd = crowd::converge(destinations, 1, Manner::Calm, &Progress::default());
        assert_eq!(crowd.seconds.len(), destinations, "all of them stream");
        let last = crowd.seconds[destinations - 1];
        let share = arithmetic::ideal_seconds(destinations) / last;
        assert!(share >= 0.8, "{destinations}: {share:.2} of the best");
        assert!(crowd.throttled * 10 <= crowd.calls, "{destinations}");
    }
}

#[test]
fn a_stop_does_not_stand_in_the_line_of_the_starts() {
    let storm = crowd::converge(100, 1, Manner::Stop, &Progress::default());
    let seconds = storm.stop_seconds.expect("the stop is accepted");
    assert!(seconds <= 10.0, "after {seconds} s");
}

#[test]
fn a_sixth_destination_waits_visibly_where_five_are_allowed() {
    let sixth = crowd::sixth(1);
    assert_eq!(
        (sixth.streaming, sixth.waiting, sixth.failed),
        (5, 1, 0),
        "{sixth:?}"
    );
    assert!(sixth.shown_seconds.is_some_and(|seconds| seconds < 60.0));
    assert!(sixth.turn_seconds.is_some(), "its turn comes");
}

#[test]
fn a_life_is_counted_the_same_each_time() {
    let (one, two) = (life::live(1, false), life::live(1, false));
    assert_eq!(one.counter.calls, two.counter.calls);
    assert_eq!(one.transitions, two.transitions);
    assert!(one.counter.all_calls() >= minimum::calls(None, false));
    assert!(one.cost.0 > 0 && one.history_bytes > 0);
}
