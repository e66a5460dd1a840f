//! Money, over a simulated month: what Lunora writes down is what the account bills; and the page of
//! costs says what this month says.

use domain::cost::Money;
use proof::bench::{Progress, books};

const SEED: u64 = 1;

/// To the cent.
fn agree(what: &str, ours: Money, theirs: Money) {
    let apart = ours.0.abs_diff(theirs.0);
    assert!(
        apart < 5_000,
        "{what}: sessions say {ours}, the account bills {theirs}"
    );
}

#[test]
fn a_month_of_sessions_is_the_months_bill() {
    let books = books::keep(SEED, &Progress::default());
    let table = books::table(&books);
    let shown = format!(
        "{} sessions, running {}, idle {}, egress {}; the account bills {:?}; {} minutes of orphans\n{table}",
        books.sessions.len(),
        books.part("running_usd"),
        books.part("idle_usd"),
        books.part("egress_usd_estimate"),
        books.billed,
        books.orphan_minutes,
    );
    eprintln!("{shown}");
    // The oracles go by the record; what a limit ends against it is looked at below.
    let forgotten = |sentence: &&String| {
        !["platform-3", "platform-4"]
            .iter()
            .any(|id| sentence.contains(id))
    };
    assert_eq!(books.broken.iter().find(forgotten), None);

    let billed = |kinds: &[&str]| books.lines(kinds);
    let run = ["channel_input", "channel_output"];
    let idle = ["idle_channel", "idle_input"];
    // A start is noted in the second before it is accepted now and then: one more billed minute each.
    let (ours, theirs) = (books.part("running_usd"), billed(&run));
    let minute = 9_360;
    assert!(
        ours.0.abs_diff(theirs.0) <= 3 * minute,
        "{ours} of {theirs}"
    );
    agree("idle", books.part("idle_usd"), billed(&idle));
    // An estimate at nominal rates: within a thousandth.
    let (ours, theirs) = (books.part("egress_usd_estimate"), billed(&["egress"]));
    assert!(
        ours.0.abs_diff(theirs.0) * 1000 < theirs.0,
        "{ours} of {theirs}"
    );

    // The sums of the months are the sessions, of each destination and of all.
    let all: Money = books
        .sums
        .iter()
        .filter(|((id, _), _)| id == "all")
        .map(|(_, usd)| *usd)
        .sum();
    let each: Money = books
        .sums
        .iter()
        .filter(|((id, _), _)| id != "all")
        .map(|(_, usd)| *usd)
        .sum();
    assert_eq!(all, books.part("cost_usd"));
    assert_eq!(each, all);

    assert!(
        books.orphan_minutes <= 1.0,
        "{} minutes",
        books.orphan_minutes
    );

    let page = house::house::read("docs/costs.md");
    assert!(page.contains(&table), "docs/costs.md should say:\n{table}");
}
