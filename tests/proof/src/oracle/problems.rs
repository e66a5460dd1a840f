//! S8 for problems: what a record says is wrong has a cause in the cloud, in the record, in the
//! parameter or in a fault that really happened.

use simulator::core::book::Thing as Kind;

use super::rows::Shown;
use super::sight::House;
use super::watch::{Destination, Oracles};

/// Half an hour: longer than this in a passing state is shown (docs, the problem's runbook).
const TOO_LONG_MS: u64 = 1_800_000;
/// StartChannel calls per generation and hour (architecture, invariant 10).
pub(super) const STARTS_MAX: usize = 3;

impl Oracles {
    /// S8: a problem code that appears has its cause, and a code that stays keeps its first time.
    pub(super) fn problem_is_honest(
        &mut self,
        house: &dyn House,
        window: (u64, u64),
        id: &str,
        before: &Shown,
        shown: &Shown,
    ) {
        let at = window.1;
        let Some(code) = shown.problem.as_deref() else {
            if matches!(shown.status.as_deref(), Some("stuck" | "error")) {
                let sentence = "the record shows an error and no problem that says which";
                self.broken("S8 problem", at, Some(id), sentence);
            }
            return;
        };
        if before.problem.as_deref() == Some(code) {
            // Where a role denies the record, or a write of it is lost, the problem may have gone and
            // come again unseen.
            let known = self.destinations.get(id);
            let unseen = self.denied > 0
                || !self.fired.is_empty() && known.is_some_and(|known| known.problem_let_go);
            if before.problem_since != shown.problem_since && !unseen {
                let sentence = format!("{code} is shown since another time, and was never away");
                self.broken("S8 since", at, Some(id), sentence);
            }
            return;
        }
        if let Some(sentence) = self.dishonest(house, window, id, code) {
            self.broken("S8 problem", at, Some(id), sentence);
        }
    }

    /// Why a code has no cause.
    pub(super) fn dishonest(
        &self,
        house: &dyn House,
        (began, at): (u64, u64),
        id: &str,
        code: &str,
    ) -> Option<String> {
        let known = self.destinations.get(id)?;
        let was = |state: &str| {
            let ours = self.things.values().filter(|thing| {
                thing.kind == Kind::Channel && thing.destination.as_deref() == Some(id)
            });
            ours.flat_map(|thing| &thing.states)
                .filter(|(_, seen)| *seen == state)
                .count()
        };
        let faulty = !self.rules.calm || !known.by_hand.is_empty();
        let flow_up = house
            .book()
            .flow(&self.rules.flow)
            .map(|flow| (flow.is_up(), flow.status()));
        let of_course = self.course_is_honest(id, (began, at), code);
        let cause = match code {
            _ if of_course.is_some() => of_course == Some(true),
            // AWS may say it with 400 or 409 too, as it says other things.
            "waiting_for_quota" => !known.quota_refusals.is_empty() || !known.refused.is_empty(),
            "start_failed" => was("STARTING") >= STARTS_MAX,
            "create_failed" => was("CREATE_FAILED") > 0 || was("DELETED") >= 4,
            "update_failed" => was("UPDATE_FAILED") > 0,
            "recovering" => self.states_between(id, began, at).contains(&"RECOVERING"),
            "flow_missing" => {
                flow_up.is_none_or(|(_, status)| status == "DELETING") || self.rules.stale
            }
            "waiting_for_flow" => flow_up.is_none_or(|(up, _)| !up) || self.rules.stale,
            "parameter_missing"
            | "parameter_not_secure"
            | "parameter_unreadable"
            | "parameter_empty" => faulty || self.key_is_bad(house, known, (began, at)),
            "duplicate_address" => self.address_is_shared(id, known),
            "change_waits_for_next_start" => known.configurations().any(|wish| {
                self.keys
                    .get(&wish.parameter)
                    .is_some_and(|keys| keys.len() > 1)
            }),
            "refused_by_aws" => !known.refused.is_empty(),
            "missing_permission" => self.denied > 0,
            "waiting_for_turn" => self.destinations.len() > 1 || faulty,
            "retries_exhausted" | "waiting_for_outcome" => faulty && !self.fired.is_empty(),
            // What comes from the flow can be missing for a moment where the flow, or somebody's hand
            // in the console, took it away.
            "no_input" | "black_or_silent" | "source_unhealthy" => {
                faulty || flow_up.is_none_or(|(up, _)| !up)
            }
            "pipeline_failed" | "maintenance" => faulty,
            "taking_too_long" => self.living_of(id, Kind::Channel).any(|(_, thing)| {
                thing
                    .states
                    .last()
                    .is_some_and(|(since, _)| since + TOO_LONG_MS <= at + 60_000)
            }),
            // A fault of ours, whatever happened around it.
            "internal" => false,
            // The house was set up so that the feed is let in.
            "feed_not_allowed" => false,
            code => self.record_is_wrong(known, (began, at), code),
        };
        (!cause).then(|| {
            format!("the record shows {code} and nothing is known that could be its cause")
        })
    }

    fn key_is_bad(&self, house: &dyn House, known: &Destination, (began, at): (u64, u64)) -> bool {
        let wishes: Vec<_> = known.wishes_between(began, at).flatten().collect();
        let refused = wishes.iter().any(|wish| wish.configuration.is_err());
        // An edit that is refused leaves what was asked for before it.
        let earlier = known.configurations().last().filter(|_| refused);
        wishes
            .iter()
            .flat_map(|wish| {
                wish.configuration
                    .as_ref()
                    .ok()
                    .into_iter()
                    .chain(&wish.backup)
            })
            .chain(earlier)
            .any(|wish| house.key(&wish.parameter).is_none_or(|key| !key.secure))
    }

    /// Another record asks, or asked, for the same address with the same key.
    fn address_is_shared(&self, id: &str, known: &Destination) -> bool {
        let same = |other: &Destination| {
            other.configurations().any(|theirs| {
                known
                    .configurations()
                    .any(|ours| (&ours.url, &ours.parameter) == (&theirs.url, &theirs.parameter))
            })
        };
        self.destinations
            .iter()
            .any(|(other, row)| other != id && same(row))
    }

    /// The record itself was wrong, by our own reading of it.
    fn record_is_wrong(&self, known: &Destination, (began, at): (u64, u64), code: &str) -> bool {
        let odd = [
            "failover_enabled",
            "backup_rtmp_url",
            "backup_stream_key_param",
            "stream_key",
            "return_after_minutes",
            "start_at",
            "stop_at",
            "hold",
            "no_input_minutes_max",
            "session_hours_max",
            "budget_usd_per_day",
            "budget_usd_per_month",
        ];
        let has_odd = |item: &serde_json::Value| odd.iter().any(|name| item.get(name).is_some());
        if known.item.as_ref().is_some_and(has_odd) {
            return true;
        }
        known.wishes_between(began, at).flatten().any(|wish| {
            let refused = wish.configuration.as_ref().err();
            refused.is_some_and(|codes| codes.contains(&code))
                || wish.desired.is_none() && code == "unknown_desired_state"
        })
    }
}
