//! Caps that act: a destination that nobody feeds, that runs too long or costs too much is stopped
//! and deleted, after a warning. A forgotten channel bills all night; a cap is what ends it.

mod notice;

pub use notice::{Notice, Stage, clock, near, reached};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::cost::{MINIMUM_RUN_MINUTES, Money};
use crate::ledger::after;
use crate::problem::Code;
use crate::session::{Spent, day_began, month_began};

/// How long before a cap acts it is announced, seconds; at most a fifth of the cap itself.
pub const WARNING_SECONDS: i64 = 300;
/// What every start is billed for at least.
const MINIMUM_SECONDS: i64 = 60 * MINIMUM_RUN_MINUTES as i64;

/// The limits of one destination: its own where the record has them, else the stack's. Absent means
/// no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Longest time without a picture from the flow, seconds.
    pub no_input_seconds: Option<i64>,
    /// Longest stretch of streaming, seconds.
    pub session_seconds: Option<i64>,
    /// Money in a day (UTC).
    pub usd_per_day: Option<Money>,
    /// Money in a calendar month (UTC).
    pub usd_per_month: Option<Money>,
}

/// What was spent with the stretch that began then at so much an hour. The least that a start costs
/// counts from its first second. A stretch over midnight counts for each day what falls into it.
#[must_use]
pub fn with_stretch(spent: Spent, now: Timestamp, since: Timestamp, per_hour: Money) -> Spent {
    let part = |from: i64| {
        let began = since.as_second();
        let seconds = (now.as_second() - began.max(from)).max(0);
        let least = if began >= from { MINIMUM_SECONDS } else { 0 };
        let seconds = u64::try_from(seconds.max(least)).unwrap_or(0);
        per_hour.share(seconds.div_ceil(60), 60)
    };
    Spent {
        today: spent.today + part(day_began(now)),
        this_month: spent.this_month + part(month_began(now)),
    }
}

/// What is known.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Since when it has had no input.
    pub no_input_since: Option<Timestamp>,
    /// When this stretch of streaming began: StartChannel was sent.
    pub session_since: Option<Timestamp>,
    /// What was spent, this stretch included.
    pub spent: Spent,
    /// What an hour of streaming costs.
    pub usd_per_hour: Money,
    /// The operator holds the caps off.
    pub hold: bool,
}

/// Which cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// No input for too long.
    NoInput,
    /// One stretch is too long.
    Session,
    /// The day's budget.
    BudgetDay,
    /// The month's budget.
    BudgetMonth,
}

impl Cap {
    /// Every cap.
    pub const ALL: [Cap; 4] = [Cap::NoInput, Cap::Session, Cap::BudgetDay, Cap::BudgetMonth];

    /// The problem a record shows after it has acted.
    pub fn code(self) -> Code {
        match self {
            Cap::NoInput => Code::CapNoInput,
            Cap::Session => Code::CapSession,
            Cap::BudgetDay => Code::CapBudgetDay,
            Cap::BudgetMonth => Code::CapBudgetMonth,
        }
    }

    /// The attribute of the record that says how much.
    pub fn attribute(self) -> &'static str {
        match self {
            Cap::NoInput => "no_input_minutes_max",
            Cap::Session => "session_hours_max",
            Cap::BudgetDay => "budget_usd_per_day",
            Cap::BudgetMonth => "budget_usd_per_month",
        }
    }

    /// Why, as the beginning of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Cap::NoInput => "Nothing has come from the encoder for no_input_minutes_max",
            Cap::Session => "It has streamed for session_hours_max",
            Cap::BudgetDay => "The day's budget, budget_usd_per_day, is used up",
            Cap::BudgetMonth => "The month's budget, budget_usd_per_month, is used up",
        }
    }
}

/// A cap that has acted: kept in the ledger until the operator edits the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capped {
    /// Which.
    pub cap: Cap,
    /// When.
    pub at: Timestamp,
    /// Fingerprint of the record then.
    pub attributes: String,
}

/// A cap that is near or reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub cap: Cap,
    /// When it acts, or would have.
    pub at: Timestamp,
}

/// What the caps say now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Stop and delete, because of this one.
    pub stop: Option<Due>,
    /// Soon to stop because of this one.
    pub warn: Option<Due>,
    /// When to look again.
    pub next: Option<Timestamp>,
}

/// Decides. A destination that does not stream is never due.
pub fn decide(now: Timestamp, limits: &Limits, facts: &Facts) -> Turn {
    let mut turn = Turn::default();
    if facts.hold || facts.session_since.is_none() {
        return turn;
    }
    let mut due: Vec<(Due, i64)> = Cap::ALL
        .into_iter()
        .filter_map(|cap| {
            let (at, warning) = when(now, cap, limits, facts)?;
            Some((Due { cap, at }, warning))
        })
        .collect();
    due.sort_by_key(|(due, _)| (due.at, due.cap));
    if let Some((first, _)) = due.first().filter(|(first, _)| first.at <= now) {
        turn.stop = Some(*first);
        return turn;
    }
    let renewals = Cap::ALL.into_iter().filter_map(|cap| {
        limits.of(cap)?;
        renewal(now, cap)
    });
    turn.warn = due
        .iter()
        .find(|(due, warning)| after(due.at, -warning) <= now)
        .map(|(due, _)| *due);
    turn.next = due
        .iter()
        .flat_map(|(due, warning)| [after(due.at, -warning), due.at])
        .chain(renewals)
        .filter(|at| *at > now)
        .min();
    turn
}

impl Limits {
    /// The number of one: seconds, or millionths of a dollar.
    pub fn of(&self, cap: Cap) -> Option<u64> {
        let seconds = |seconds: i64| u64::try_from(seconds).unwrap_or_default();
        match cap {
            Cap::NoInput => self.no_input_seconds.map(seconds),
            Cap::Session => self.session_seconds.map(seconds),
            Cap::BudgetDay => self.usd_per_day.map(|usd| usd.0),
            Cap::BudgetMonth => self.usd_per_month.map(|usd| usd.0),
        }
    }

    /// These, and the stack's where there is none.
    #[must_use]
    pub fn or(self, stack: Limits) -> Limits {
        Limits {
            no_input_seconds: self.no_input_seconds.or(stack.no_input_seconds),
            session_seconds: self.session_seconds.or(stack.session_seconds),
            usd_per_day: self.usd_per_day.or(stack.usd_per_day),
            usd_per_month: self.usd_per_month.or(stack.usd_per_month),
        }
    }
}

/// When a cap acts, and how many seconds before that it is announced.
fn when(now: Timestamp, cap: Cap, limits: &Limits, facts: &Facts) -> Option<(Timestamp, i64)> {
    let session = facts.session_since?;
    let within = |since: Timestamp, seconds: i64| {
        Some((after(since, seconds), WARNING_SECONDS.min(seconds / 5)))
    };
    match cap {
        Cap::NoInput => within(facts.no_input_since?.max(session), limits.no_input_seconds?),
        Cap::Session => within(session, limits.session_seconds?),
        Cap::BudgetDay => spent(
            now,
            limits.usd_per_day?,
            facts.spent.today,
            facts.usd_per_hour,
        ),
        Cap::BudgetMonth => spent(
            now,
            limits.usd_per_month?,
            facts.spent.this_month,
            facts.usd_per_hour,
        ),
    }
    // Money that lasts until there is new money ends nothing.
    .filter(|(at, _)| *at <= now || renewal(now, cap).is_none_or(|new| *at < new))
}

/// When a budget begins anew: at midnight UTC, of the next day or of the first of the next month.
fn renewal(now: Timestamp, cap: Cap) -> Option<Timestamp> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = match cap {
        Cap::NoInput | Cap::Session => return None,
        Cap::BudgetDay => today.tomorrow(),
        Cap::BudgetMonth => today.last_of_month().tomorrow(),
    };
    let midnight = day.ok()?.to_zoned(TimeZone::UTC);
    Some(midnight.ok()?.timestamp())
}

/// When the money is used up at this rate.
fn spent(now: Timestamp, budget: Money, spent: Money, per_hour: Money) -> Option<(Timestamp, i64)> {
    let left = budget.0.saturating_sub(spent.0);
    if left == 0 {
        return Some((now, WARNING_SECONDS));
    }
    let seconds = (left * 3600).checked_div(per_hour.0)?;
    Some((
        after(now, i64::try_from(seconds).ok()?.max(1)),
        WARNING_SECONDS,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
    }

    const DOLLAR: u64 = 1_000_000;

    fn facts() -> Facts {
        Facts {
            no_input_since: None,
            session_since: Some(at(0)),
            spent: Spent::default(),
            usd_per_hour: Money(DOLLAR / 2),
            hold: false,
        }
    }

    #[test]
    fn each_cap_warns_first_and_then_acts() {
        let rows = [
            // cap, limits, no input since, spent, warned at minute, acts at minute
            (
                Cap::NoInput,
                Limits {
                    no_input_seconds: Some(1800),
                    ..Limits::default()
                },
                55,
                60,
            ),
            (
                Cap::Session,
                Limits {
                    session_seconds: Some(7200),
                    ..Limits::default()
                },
                115,
                120,
            ),
            (
                Cap::BudgetDay,
                Limits {
                    usd_per_day: Some(Money(2 * DOLLAR)),
                    ..Limits::default()
                },
                235,
                240,
            ),
            (
                Cap::BudgetMonth,
                Limits {
                    usd_per_month: Some(Money(DOLLAR)),
                    ..Limits::default()
                },
                115,
                120,
            ),
        ];
        for (cap, limits, warned, acted) in rows {
            let mut first_warning = None;
            for minute in 0_i64..=acted {
                let spent = Money(DOLLAR * minute.unsigned_abs() / 120);
                let turn = decide(
                    at(minute),
                    &limits,
                    &Facts {
                        no_input_since: (minute >= 30).then(|| at(30)),
                        spent: Spent {
                            today: spent,
                            this_month: spent,
                        },
                        ..facts()
                    },
                );
                assert_eq!(
                    turn.stop.map(|due| due.cap),
                    (minute >= acted).then_some(cap),
                    "{cap:?} at {minute}"
                );
                if turn.warn.is_some() {
                    first_warning.get_or_insert(minute);
                }
                assert!(turn.next.is_none_or(|next| next > at(minute)));
            }
            assert_eq!(first_warning, Some(warned), "{cap:?}");
        }
    }

    #[test]
    fn a_hold_and_a_destination_that_does_not_stream_are_left_alone() {
        let limits = Limits {
            session_seconds: Some(3600),
            usd_per_day: Some(Money(1)),
            ..Limits::default()
        };
        let over = Facts {
            spent: Spent {
                today: Money(DOLLAR),
                ..Spent::default()
            },
            ..facts()
        };
        assert!(decide(at(600), &limits, &over).stop.is_some());
        for spared in [
            Facts { hold: true, ..over },
            Facts {
                session_since: None,
                ..over
            },
        ] {
            assert_eq!(decide(at(600), &limits, &spared), Turn::default());
        }
    }

    #[test]
    fn a_loss_that_began_before_the_stretch_counts_from_its_start() {
        let limits = Limits {
            no_input_seconds: Some(1800),
            ..Limits::default()
        };
        let facts = Facts {
            no_input_since: Some(at(-100)),
            ..facts()
        };
        assert!(decide(at(29), &limits, &facts).stop.is_none());
        assert!(decide(at(30), &limits, &facts).stop.is_some());
    }

    #[test]
    fn a_stretch_over_midnight_counts_for_each_day_what_falls_into_it() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let per_hour = Money(6 * DOLLAR);
        let spent = |now: &str, since: &str| {
            with_stretch(Spent::default(), time(now), time(since), per_hour)
        };
        let over = spent("2026-12-01T01:00:00Z", "2026-11-30T23:00:00Z");
        assert_eq!(over.today, Money(6 * DOLLAR));
        assert_eq!(over.this_month, Money(6 * DOLLAR));
        let within = spent("2026-12-02T01:00:00Z", "2026-12-01T23:00:00Z");
        assert_eq!(within.today, Money(6 * DOLLAR));
        assert_eq!(within.this_month, Money(12 * DOLLAR));
        let begun = spent("2026-12-02T01:00:01Z", "2026-12-02T01:00:00Z");
        assert_eq!(begun.today, Money(DOLLAR), "ten minutes at least");
    }

    #[test]
    fn money_that_lasts_until_there_is_new_money_ends_nothing() {
        let now: Timestamp = "2026-12-31T23:58:00Z".parse().unwrap();
        let midnight: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let spends = |minutes: u64, limits: Limits| {
            let mut facts = facts();
            facts.session_since = Some(after(now, -3600));
            // A dollar a minute.
            facts.usd_per_hour = Money(60 * DOLLAR);
            facts.spent.today = Money((100 - minutes) * DOLLAR);
            facts.spent.this_month = facts.spent.today;
            decide(now, &limits, &facts)
        };
        let budget = Some(Money(100 * DOLLAR));
        for limits in [
            Limits {
                usd_per_day: budget,
                ..Limits::default()
            },
            Limits {
                usd_per_month: budget,
                ..Limits::default()
            },
        ] {
            let enough = spends(4, limits);
            assert_eq!(
                (enough.warn, enough.stop, enough.next),
                (None, None, Some(midnight))
            );
            assert!(spends(1, limits).warn.is_some());
            assert!(spends(0, limits).stop.is_some());
        }
    }
}
