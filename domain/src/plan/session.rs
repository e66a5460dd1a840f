//! What Plan tells the books, and what a record shows of money before and after a start.

use super::{Lane, Level, Mirror, Rules, lane::Choice, target::Target};
use crate::{
    caps::Cap,
    cost::hourly,
    encoder::input_class,
    ledger::Ledger,
    look::Look,
    record::{Item, Wish},
    session::{self, Cause, Facts, Session},
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Keeps the destination's books. Gives the session to be written before the row is.
pub(super) fn account(
    now: Timestamp,
    before: &Ledger,
    ledger: &mut Ledger,
    look: &Look,
    (target, choice): (&Target, &Choice),
    rules: &Rules,
) -> Option<Session> {
    let facts = Facts {
        now,
        look,
        stops: (choice.lane == Lane::Stop).then(|| cause(target, before, ledger)),
        url_type: ledger
            .on_air
            .as_ref()
            .map_or(target.url_type, |on_air| on_air.url_type)
            .as_str(),
        feed_bitrate: rules.feed_bitrate,
    };
    session::account(before, ledger, &facts)
}

/// Why a channel that is up is to be stopped.
fn cause(target: &Target, before: &Ledger, ledger: &Ledger) -> Cause {
    let turned_off = ledger.schedule.as_ref().and_then(|mark| mark.turned) == Some(false);
    let restarts = before.on_air.as_ref().map(|on_air| on_air.restarts);
    match (target.level, &ledger.capped) {
        (Level::Running, _) if restarts.is_some_and(|done| done != target.restarts) => {
            Cause::Failover
        }
        // Wanted on, and yet stopped: what is on the air has been edited.
        (Level::Running, _) => Cause::Edit,
        (_, Some(capped)) => match capped.cap {
            Cap::NoInput => Cause::CapNoInput,
            Cap::Session => Cause::CapSession,
            Cap::BudgetDay => Cause::CapBudgetDay,
            Cap::BudgetMonth => Cause::CapBudgetMonth,
        },
        _ if turned_off => Cause::Schedule,
        _ => Cause::Operator,
    }
}

/// Shows what an hour costs and what a start costs at least, before it is started. (The way to the
/// platform is in the hour; the flow, which all share, is not.)
pub(super) fn show_prices(mirror: &mut Mirror, item: &Item, wish: &Wish, rules: &Rules) {
    let configuration = wish.configuration.as_ref().ok();
    let prices = configuration
        .and_then(|configuration| configuration.preset())
        .and_then(|preset| hourly(preset, input_class(rules.feed_bitrate)));
    let shown = [
        (
            "cost_usd_per_hour",
            prices
                .as_ref()
                .map(|prices| json!(prices.running_usd + prices.egress_usd)),
        ),
        (
            "cost_usd_per_start",
            prices.map(|prices| json!(prices.minimum_per_start_usd)),
        ),
    ];
    for (name, value) in shown {
        let differs = item.get(name) != value.as_ref();
        mirror.show(name, value, differs);
    }
}

impl Mirror {
    /// Shows an attribute more, or none.
    pub(super) fn show(&mut self, name: &'static str, value: Option<Value>, differs: bool) {
        self.attributes.insert(name, value);
        self.changed |= differs;
    }
}
