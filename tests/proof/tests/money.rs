//! Money, over a simulated month: what Lunora writes down is what the account bills, to the cent; what is
//! forgotten is stopped by its limit; nothing is left; and the page of costs says what this month says.

use domain::cost::Money;
use proof::{
    Act, Cue, Decision, Fault, Place, Plan, Setup, Site, When, World,
    bench::{
        Progress,
        books::{self, Books},
        costs, month,
    },
    setup::{key_of, record},
    world::BEGIN,
};
use serde_json::{Value, json};

const SEED: u64 = 1;
const MINUTE_MS: u64 = 60_000;
/// `session_hours_max` of the stack, in minutes.
const SESSION_MINUTES: u64 = 12 * 60;
/// Between two passes of the sweep, which acts on what no event tells, minutes; and the stop itself.
const SWEEP_MINUTES: u64 = 1;
const STOP_MINUTES: u64 = 5;
/// Half a cent, in millionths of a dollar.
const HALF_A_CENT: u64 = 5_000;

#[test]
fn a_month_of_sessions_is_the_months_bill() {
    let books = books::keep(SEED, &Progress::default());
    let pieces = costs::pieces(&books);
    eprintln!(
        "{}\nbilled {:?}; {} minutes of orphans; told {:#?}",
        pieces.join("\n"),
        books.billed,
        books.orphan_minutes,
        books.told,
    );
    to_the_cent(&books);
    the_sums_are_the_sessions(&books);
    what_is_forgotten_ends_by_its_limit(&books);
    every_show_is_in_it(&books);
    nothing_is_left(&books);
    // The oracles go by the record; what a limit ends against it has been looked at.
    let explained = |broken: &_| books.forgotten.iter().any(|one| one.explains(broken));
    let broken = books.broken.iter().find(|broken| !explained(*broken));
    assert_eq!(broken, None);
    let page = house::house::read("docs/costs.md");
    for piece in pieces {
        assert!(page.contains(&piece), "docs/costs.md should say:\n{piece}");
    }
}

/// The sessions equal the account's billing clock: running to the millionth of a dollar, for each start
/// and each end is told by AWS; all of it to the cent.
fn to_the_cent(books: &Books) {
    let [(_, ours, theirs), ..] = costs::compared(books);
    assert_eq!(ours, theirs, "running");
    for (what, ours, theirs) in costs::compared(books) {
        assert!(
            ours.0.abs_diff(theirs.0) < HALF_A_CENT,
            "{what}: sessions say {ours}, the account bills {theirs}"
        );
    }
    let all =
        |pick: fn(&(&str, Money, Money)) -> Money| costs::compared(books).iter().map(pick).sum();
    let (ours, theirs): (Money, Money) = (all(|row| row.1), all(|row| row.2));
    assert!(
        ours.0.abs_diff(theirs.0) < HALF_A_CENT,
        "{ours} of {theirs}"
    );
}

/// Where AWS's own times do not arrive: an answer to a start that is lost is one billed minute at most,
/// the event of an end that is lost two, and never is a session cheaper than the bill.
#[test]
fn what_is_not_told_costs_minutes_that_have_a_bound() {
    // Input and output of 1080p30 at 10 Mb/s, in millionths of a dollar.
    const MINUTE_OF_A_RUN: u64 = 9_360;
    let lost = Decision {
        place: Place::Call(Site {
            worker: "start-channel",
            operation: "medialive:StartChannel",
            nth: 1,
        }),
        fault: Fault::AnswerLost,
    };
    for seed in 1..=12 {
        for (events, decisions, most) in [
            (true, vec![], 0),
            (true, vec![lost], 1),
            (false, vec![], 2),
            (false, vec![lost], 3),
        ] {
            let cue = |minute: u64, act| Cue {
                when: When::At(minute * MINUTE_MS),
                act,
            };
            let stop = Act::Edit("a".into(), json!({"desired_state": "ready"}));
            let setup = Setup {
                script: vec![
                    cue(0, Act::Key(key_of("a"))),
                    cue(0, Act::Put(record("a", "streaming"))),
                    cue(25, stop),
                ],
                events,
                keep_sinks: false,
                ..Setup::default()
            };
            let mut world = World::new(&setup, Plan::of(seed, decisions));
            world.run_until(BEGIN + 90 * MINUTE_MS);
            assert_eq!(world.unfired(), []);
            let sessions = world.database().items(world.sessions_table());
            let sessions = sessions.filter_map(|(_, item)| Money::parse(text(item, "running_usd")));
            let ours: Money = sessions.sum();
            let bill = world.bill();
            let kinds = ["channel_input", "channel_output"];
            let theirs = kinds.map(|kind| bill["by_kind"][kind].as_str().and_then(Money::parse));
            let theirs: Money = theirs.into_iter().flatten().sum();
            let range = theirs.0..=theirs.0 + most * MINUTE_OF_A_RUN;
            assert!(
                theirs.0 > 0 && range.contains(&ours.0),
                "seed {seed}, events {events}, at most {most} minutes: {ours} of {theirs}"
            );
        }
    }
}

/// The sums of the months are the sessions, of each destination and of all.
fn the_sums_are_the_sessions(books: &Books) {
    let sum = |of_all: bool| -> Money {
        let some = books.sums.iter();
        some.filter(|((id, _), _)| (id == "all") == of_all)
            .map(|(_, usd)| *usd)
            .sum()
    };
    assert_eq!(sum(true), books.part("cost_usd"));
    assert_eq!(sum(false), sum(true));
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

/// Milliseconds since 1970.
fn time(item: &Value, name: &str) -> u64 {
    let at: jiff::Timestamp = text(item, name).parse().unwrap();
    u64::try_from(at.as_millisecond()).unwrap()
}

/// Two channels that nobody stops run for `session_hours_max`; then they are gone, and record, session
/// and message say why. Nothing else ends but as its record says.
fn what_is_forgotten_ends_by_its_limit(books: &Books) {
    assert_eq!(books.forgotten.len(), 2);
    for one in &books.forgotten {
        let own = books
            .sessions
            .iter()
            .filter(|session| text(session, "destination_id") == one.destination)
            .filter(|session| (one.on_at..one.found_at).contains(&time(session, "started_at")));
        let own: Vec<&Value> = own.collect();
        assert_eq!(own.len(), 1, "{own:#?}");
        assert_eq!(text(own[0], "cause"), "cap_session");
        let minutes: u64 = own[0]["billed_minutes"]["N"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let most = SESSION_MINUTES + SWEEP_MINUTES + STOP_MINUTES;
        assert!((SESSION_MINUTES..=most).contains(&minutes), "{minutes}");
        assert!(one.on_at + most * MINUTE_MS < one.found_at, "{one:#?}");
        let problem = &one.record["problem"]["M"];
        assert_eq!(text(problem, "code"), "cap_session", "{one:#?}");
        assert_eq!(text(&one.record, "streaming_status"), "error");
        for stage in ["is near", "has ended it"] {
            let subject = |subject: &&String| {
                subject.contains(&one.destination)
                    && subject.contains("session_hours_max")
                    && subject.contains(stage)
            };
            assert_eq!(books.told.iter().filter(subject).count(), 1, "{stage}");
        }
    }
    assert_eq!(books.told.len(), 4, "nothing else was worth a message");
    let ended = |cause: &str| {
        let sessions = books.sessions.iter();
        sessions.filter(|one| text(one, "cause") == cause).count()
    };
    assert_eq!(ended("cap_session"), 2);
    assert_eq!(ended("operator"), books.sessions.len() - 2);
}

/// Each show is among the sessions of each destination, up to the last hours of the month.
fn every_show_is_in_it(books: &Books) {
    let shows = month::sessions(SEED);
    let at = |minute: u64| BEGIN + minute * MINUTE_MS;
    for (from, to) in &shows {
        for id in books.records.keys() {
            let during = |session: &&Value| {
                text(session, "destination_id") == id
                    && (at(*from)..at(*to)).contains(&time(session, "started_at"))
            };
            let found = books.sessions.iter().filter(during).count();
            assert!(
                found > 0,
                "{id} has no session of the show of minute {from}"
            );
        }
    }
    let stopped = books.sessions.iter().map(|one| time(one, "stopped_at"));
    let last = shows.iter().map(|(_, to)| at(*to)).max();
    assert!(stopped.max() >= last);
}

/// Nothing bills, no record has a problem, and little was ever unattended.
fn nothing_is_left(books: &Books) {
    assert_eq!(books.left, Vec::<String>::new());
    assert_eq!(
        text(&books.report, "summary"),
        "0 billable resources left",
        "{:#?}",
        books.report
    );
    for (id, record) in &books.records {
        assert_eq!(text(record, "streaming_status"), "ready", "{id}");
        assert_eq!(text(&record["problem"]["M"], "code"), "", "{id}");
    }
    assert!(
        books.orphan_minutes <= SWEEP_MINUTES as f64,
        "{} minutes",
        books.orphan_minutes
    );
}
