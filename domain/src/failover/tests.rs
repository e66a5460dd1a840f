//! What is switched, when, and what a flapping platform costs.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn facts(failing_since: Option<i64>) -> Facts {
    Facts {
        has_backup: true,
        failing_since: failing_since.map(at),
        gave_up: None,
        broken_since: None,
        return_after_seconds: None,
        running_since: Some(at(0)),
        no_start_until: None,
    }
}

fn of(primary: &str, backup: Option<&str>, retry: Option<&str>) -> Of {
    Of {
        primary: primary.into(),
        backup: backup.map(str::to_owned),
        retry: retry.map(str::to_owned),
    }
}

fn switch(failover: &mut Failover, second: i64, to: UrlType) {
    let why = (Cause::RtmpFailed, at(second - GRACE_SECONDS));
    failover.switch(at(second), to, Some(why), of("a", Some("b"), None));
}

const TO_BACKUP: Turn = Turn::Switch(UrlType::Backup, Some(Cause::RtmpFailed));
const ANEW: Turn = Turn::Switch(UrlType::Primary, Some(Cause::RtmpFailed));
const RETURN: Turn = Turn::Switch(UrlType::Primary, None);

#[test]
fn a_short_failure_is_waited_out_and_a_long_one_goes_to_the_backup() {
    let fresh = Failover::default();
    assert_eq!(decide(at(10), &fresh, &facts(None)), Turn::Stay(None));
    assert_eq!(
        decide(at(10), &fresh, &facts(Some(0))),
        Turn::Stay(Some(at(30)))
    );
    assert_eq!(decide(at(30), &fresh, &facts(Some(0))), TO_BACKUP);
}

#[test]
fn without_a_backup_it_is_started_anew_now_and_then_and_exhausted_after_three_times() {
    let alone = |since| Facts {
        has_backup: false,
        ..facts(Some(since))
    };
    let mut failover = Failover::default();
    let mut now = 0;
    for _ in 0..SWITCHES_MAX {
        let due = now + DAMPING_SECONDS;
        assert_eq!(
            decide(at(now + 60), &failover, &alone(now)),
            Turn::Stay(Some(at(due)))
        );
        assert_eq!(decide(at(due), &failover, &alone(now)), ANEW);
        switch(&mut failover, due, UrlType::Primary);
        now = due + 60;
    }
    let Turn::Exhausted(next) = decide(at(now + 60), &failover, &alone(now)) else {
        panic!("three new starts in two hours are enough");
    };
    assert_eq!(next, at(DAMPING_SECONDS + WINDOW_SECONDS));
    assert_eq!(decide(next, &failover, &alone(now)), ANEW);
}

#[test]
fn a_platform_that_flaps_never_costs_a_second_start_in_ten_minutes() {
    // Whatever address is used begins to fail a minute after the switch.
    let mut failover = Failover::default();
    let mut failing_since = Some(0);
    let mut switched: Vec<(i64, UrlType)> = Vec::new();
    for second in 0..6 * 3600 {
        if let Turn::Switch(to, _) = decide(at(second), &failover, &facts(failing_since)) {
            switch(&mut failover, second, to);
            switched.push((second, to));
            failing_since = None;
        } else if switched.last().is_some_and(|last| second == last.0 + 60) {
            failing_since = Some(second);
        }
    }
    assert!(switched.windows(2).all(|two| two[1].0 - two[0].0 >= 600));
    for to in [UrlType::Primary, UrlType::Backup] {
        let times: Vec<i64> = switched
            .iter()
            .filter(|(_, other)| *other == to)
            .map(|(second, _)| *second)
            .collect();
        assert!(
            times
                .windows(2)
                .all(|two| two[1] - two[0] >= DAMPING_SECONDS)
        );
    }
    let in_window = |from: i64| {
        let recent = |at: &&(i64, UrlType)| at.0 >= from && at.0 < from + WINDOW_SECONDS;
        switched.iter().filter(recent).count()
    };
    assert!(
        switched
            .iter()
            .all(|from| in_window(from.0) <= SWITCHES_MAX)
    );
    assert!(switched.len() >= 6, "and it never gives up: {switched:?}");
}

#[test]
fn it_returns_by_itself_only_when_that_was_asked_for_and_the_backup_was_stable() {
    let mut failover = Failover::default();
    switch(&mut failover, 0, UrlType::Backup);
    let mut facts = facts(None);
    facts.running_since = Some(at(120));
    assert_eq!(decide(at(1_000_000), &failover, &facts), Turn::Stay(None));
    facts.return_after_seconds = Some(3600);
    assert_eq!(
        decide(at(3000), &failover, &facts),
        Turn::Stay(Some(at(120 + 3600)))
    );
    assert_eq!(decide(at(120 + 3600), &failover, &facts), RETURN);
    failover.unwell_at = Some(at(3000));
    assert_eq!(
        decide(at(120 + 3600), &failover, &facts),
        Turn::Stay(Some(at(3000 + 3600)))
    );
    // And if the primary fails again, the backup is used as soon as that start is paid off.
    switch(&mut failover, 8000, UrlType::Primary);
    let failing = Facts {
        failing_since: Some(at(8100)),
        ..facts
    };
    assert_eq!(
        decide(at(8200), &failover, &failing),
        Turn::Exhausted(at(8600))
    );
    assert_eq!(decide(at(8600), &failover, &failing), TO_BACKUP);
}

#[test]
fn a_backup_that_is_taken_out_of_the_record_is_left() {
    let mut failover = Failover::default();
    switch(&mut failover, 0, UrlType::Backup);
    let none = Facts {
        has_backup: false,
        ..facts(None)
    };
    assert_eq!(decide(at(1), &failover, &none), RETURN);
}

#[test]
fn a_pipeline_that_is_not_repaired_is_started_again_on_the_same_address() {
    let mut failover = Failover::default();
    let broken = |since| Facts {
        broken_since: Some(at(since)),
        ..facts(Some(0))
    };
    assert_eq!(
        decide(at(100), &failover, &broken(0)),
        Turn::Stay(Some(at(REPAIR_SECONDS)))
    );
    let again = Turn::Switch(UrlType::Primary, Some(Cause::PipelineFailed));
    assert_eq!(decide(at(300), &failover, &broken(0)), again);
    let why = Some((Cause::PipelineFailed, at(0)));
    failover.switch(at(300), UrlType::Primary, why, Of::default());
    assert_eq!(
        decide(at(1000), &failover, &broken(400)),
        Turn::Stay(Some(at(300 + DAMPING_SECONDS)))
    );
    assert_eq!(
        decide(at(300 + DAMPING_SECONDS), &failover, &broken(400)),
        again
    );
}

#[test]
fn no_switch_stops_what_could_not_be_started_again() {
    let failing = Facts {
        no_start_until: Some(at(900)),
        ..facts(Some(0))
    };
    let fresh = Failover::default();
    assert_eq!(decide(at(60), &fresh, &failing), Turn::Stay(Some(at(900))));
    assert_eq!(decide(at(900), &fresh, &failing), TO_BACKUP);
}

#[test]
fn exhausted_always_names_a_time_in_the_future() {
    let mut failover = Failover::default();
    for second in [0, 2000, 4000] {
        let to = failover.url_type.other();
        switch(&mut failover, second, to);
    }
    let Turn::Exhausted(next) = decide(at(4100), &failover, &facts(Some(4050))) else {
        panic!("three switches in two hours are enough");
    };
    assert!(next > at(4100));
    let then = decide(next, &failover, &facts(Some(4050)));
    assert!(matches!(then, Turn::Switch(..)));
}

#[test]
fn an_edit_of_the_primary_or_of_retry_begins_anew_and_one_of_the_backup_clears_the_count() {
    let on_backup = || {
        let mut failover = Failover::default();
        switch(&mut failover, 0, UrlType::Backup);
        failover
    };
    let mut same = on_backup();
    same.heed(&of("a", Some("b"), None));
    same.heed(&of("a", None, None)); // cannot be read just now
    assert_eq!(same, on_backup());
    for edited in [of("x", Some("b"), None), of("a", Some("b"), Some("1"))] {
        let mut failover = on_backup();
        failover.heed(&edited);
        assert_eq!(failover.url_type, UrlType::Primary);
        assert_eq!((failover.attempts(at(1)), failover.restarts), (0, 1));
    }
    let mut failover = on_backup();
    failover.heed(&of("a", Some("y"), None));
    assert_eq!(failover.url_type, UrlType::Backup);
    assert_eq!(failover.attempts(at(1)), 0);
}

#[test]
fn when_medialive_gives_up_the_backup_is_used_at_once_and_a_start_is_paid_off_before_the_next() {
    let gave_up = |has_backup| Facts {
        has_backup,
        gave_up: Some(at(0)),
        ..facts(Some(60))
    };
    let mut failover = Failover::default();
    assert_eq!(decide(at(70), &failover, &gave_up(true)), TO_BACKUP);
    assert_eq!(
        decide(at(300), &failover, &gave_up(false)),
        Turn::Stay(Some(at(RETURNED_SECONDS)))
    );
    assert_eq!(
        decide(at(RETURNED_SECONDS), &failover, &gave_up(false)),
        ANEW
    );
    switch(&mut failover, 70, UrlType::Backup);
    assert_eq!(
        decide(at(400), &failover, &gave_up(true)),
        Turn::Exhausted(at(70 + DAMPING_SECONDS))
    );
}
