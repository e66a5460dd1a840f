//! Whom Plan tells of a limit, and when: once when it is near, once when it has acted.

use super::{Rules, watch::Watch};
use crate::{
    caps::{Cap, Notice, Stage},
    incident::Cause,
    ledger::Ledger,
    record::Wish,
};
use jiff::Timestamp;
use serde_json::json;

/// Notes what people are to be told. `before`: the row as it was read.
pub(super) fn note(
    now: Timestamp,
    before: &Ledger,
    ledger: &mut Ledger,
    wish: Option<&Wish>,
    watch: &Watch,
    rules: &Rules,
) {
    if ledger.on_since.is_none() {
        ledger.warned = None;
    }
    let about = |cap| about(now, cap, before, ledger, wish, watch, rules);
    match (&ledger.capped, watch.warning) {
        (Some(capped), _) if before.capped.as_ref() != Some(capped) => {
            // The same limit may end it once more after each edit.
            let about = format!(
                "{} {} {}",
                about(capped.cap),
                ledger.generation,
                capped.attributes
            );
            let notice = Notice::new(Stage::Reached, capped.cap, capped.at, now, &about);
            ledger.note_untold(notice);
        }
        (None, Some(due)) => {
            let notice = Notice::new(Stage::Near, due.cap, due.at, now, &about(due.cap));
            if ledger.warned.as_ref() != Some(&notice.key) {
                ledger.warned = Some(notice.key.clone());
                ledger.note_untold(notice);
            }
        }
        _ => {}
    }
}

/// What a limit is about, so that whoever decides the same again finds the same words: its number,
/// the stretch, and what else it is counted from.
fn about(
    now: Timestamp,
    cap: Cap,
    before: &Ledger,
    ledger: &Ledger,
    wish: Option<&Wish>,
    watch: &Watch,
    rules: &Rules,
) -> String {
    let limits = wish.map_or(rules.limits, |wish| wish.limits.or(rules.limits));
    let begun = ledger.schedule.as_ref().and_then(|mark| mark.started_for);
    let counted_from = match cap {
        Cap::NoInput => watch
            .since(Cause::InputLoss)
            .map(|since| since.to_string())
            .unwrap_or_default(),
        Cap::Session => String::new(),
        Cap::BudgetDay => now.strftime("%Y-%m-%d").to_string(),
        Cap::BudgetMonth => now.strftime("%Y-%m").to_string(),
    };
    let since = ledger.on_since.or(before.on_since);
    json!([limits.of(cap), since, begun, counted_from]).to_string()
}
