//! What `docs/costs.md` says of a month: every figure of it is made here, from the books of the month
//! and the price list, and the page is held to it.

use super::{
    bill::{self, Lines, MINUTE_MS, PRESET},
    books::Books,
    month::DESTINATIONS,
};
use domain::{
    cost::{AtRest, EGRESS, Money, at_rest},
    preset,
};

/// The crew's plan, dollars a month.
const PLAN: u64 = 400;
/// Gigabytes that leave an account for nothing each month (EC2 price list: data transfer out).
const FREE_GIGABYTES: u64 = 100;
/// Hours that are streamed in a month, and that a month has.
const STREAMED_HOURS: u64 = 100;
const MONTH_HOURS: u64 = 730;

/// Lines of the account's bill that belong together.
const ROWS: [(&str, &[&str]); 5] = [
    ("channels running: inputs", &["channel_input"]),
    ("channels running: outputs", &["channel_output"]),
    ("channels and inputs idle", &["idle_channel", "idle_input"]),
    ("the flow", &["flow"]),
    ("the way to the platforms", &["egress"]),
];

/// What the sessions say beside what the account bills.
#[must_use]
pub fn compared(books: &Books) -> [(&'static str, Money, Money); 3] {
    [
        (
            "running",
            books.part("running_usd"),
            books.lines(&["channel_input", "channel_output"]),
        ),
        (
            "idle",
            books.part("idle_usd"),
            books.lines(&["idle_channel", "idle_input"]),
        ),
        (
            "the way to the platforms",
            books.part("egress_usd_estimate"),
            books.lines(&["egress"]),
        ),
    ]
}

/// Every piece of text that the page has to hold.
#[must_use]
pub fn pieces(books: &Books) -> Vec<String> {
    vec![agreement(books), table(books), plan()]
}

/// The sessions beside the bill.
fn agreement(books: &Books) -> String {
    let rows = compared(books);
    let mut text = String::from(
        "| US dollars | the sessions say | the account bills | apart |\n|---|--:|--:|--:|\n",
    );
    let mut line = |what: &str, ours: Money, theirs: Money| {
        let apart = Money(ours.0.abs_diff(theirs.0));
        text += &format!(
            "| {what} | {} | {} | {apart} |\n",
            cents(ours),
            cents(theirs)
        );
    };
    for (what, ours, theirs) in rows {
        line(what, ours, theirs);
    }
    let ours = rows.iter().map(|row| row.1).sum();
    let theirs = rows.iter().map(|row| row.2).sum();
    line(
        &format!("**{} sessions**", books.sessions.len()),
        ours,
        theirs,
    );
    text
}

fn of(lines: &Lines, kinds: &[&str]) -> Money {
    let each = kinds.iter().filter_map(|kind| lines.get(*kind));
    each.copied().sum()
}

fn ideal(hours: u64) -> Lines {
    let ms = |hours: u64| hours * 60 * MINUTE_MS;
    bill::ideal(ms(DESTINATIONS as u64 * hours), ms(hours))
}

/// The month line by line: on paper, as it was simulated, always on; beside the plan, and what is saved.
fn table(books: &Books) -> String {
    let (paper, always) = (ideal(STREAMED_HOURS), ideal(MONTH_HOURS));
    let rest: Money = at_rest(&AtRest::default())
        .iter()
        .map(|line| line.usd)
        .sum();
    let columns = [&paper, &books.billed, &always];
    let own = [rest, books.control_plane, rest];
    let line = |what: &str, amounts: [Money; 3]| {
        let [one, two, three] = amounts.map(cents);
        format!("| {what} | {one} | {two} | {three} |\n")
    };
    let mut text =
        String::from("| US dollars | on paper | as simulated | always on |\n|---|--:|--:|--:|\n");
    for (what, kinds) in ROWS {
        text += &line(what, columns.map(|lines| of(lines, kinds)));
    }
    text += &line("Lunora's own services, at list price", own);
    let mut totals = own;
    for (total, lines) in totals.iter_mut().zip(columns) {
        *total = lines.values().copied().sum::<Money>() + *total;
    }
    text += &line("**in all**", totals);
    let over = totals.map(|total| Money(total.0.saturating_sub(PLAN * 1_000_000)));
    text += &line(&format!("more than the plan of ${PLAN}"), over);
    let saved = |total: Money| {
        let saved = Money(totals[2].0.saturating_sub(total.0));
        let percent = saved.0 * 100 / totals[2].0.max(1);
        format!("{} ({percent} %)", cents(saved))
    };
    text + &format!(
        "| **saved against always on** | {} | {} | |\n",
        saved(totals[0]),
        saved(totals[1])
    )
}

/// Which assumption decides whether the plan's sum is met.
fn plan() -> String {
    let paper = ideal(STREAMED_HOURS);
    let media: Money = paper.values().copied().sum();
    let way = of(&paper, &["egress"]);
    let rate =
        preset::find(PRESET).map_or(0, |preset| u64::from(preset.bitrate + preset.audio_bitrate));
    let hours = DESTINATIONS as u64 * STREAMED_HOURS;
    // Bits per second, for so many seconds, by eight, in billions.
    let gigabytes = rate * hours * 3600 / 8 / 1_000_000_000;
    let free = EGRESS.price.share(FREE_GIGABYTES * EGRESS.per, EGRESS.per);
    let due = Money(media.0.saturating_sub(free.0));
    let over = due.0.saturating_sub(PLAN * 1_000_000);
    // What a bit per second less would save is the same for each of them.
    let fits = rate - rate * over / way.0.max(1);
    format!(
        "- **Beside the plan of ${PLAN}**: on paper the media services come to ${}, or ${} after the {FREE_GIGABYTES} GB that an account has free. What decides is the way to the platforms: {}.{:03} Mb/s for {hours} hours are {gigabytes} GB at nine cents each, {} % of it. At {}.{:02} Mb/s for each destination it would be ${PLAN}; nothing here was fitted to be.\n",
        cents(media),
        cents(due),
        rate / 1_000_000,
        rate / 1000 % 1000,
        way.0 * 100 / media.0.max(1),
        fits / 1_000_000,
        fits / 10_000 % 100,
    )
}

fn cents(amount: Money) -> String {
    let cents = amount.cents();
    format!("{}.{:02}", cents / 100, cents % 100)
}
