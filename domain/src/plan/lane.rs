//! Which lane leads from what is there towards the target.

use super::{Lane, Level, Rules, outcome::second_look, target::Target};
use crate::{
    ledger::{self, Ledger, Settled, Verdict},
    look::{ChannelState, FlowLook, Look, Sight},
    problem::{Code, Problem},
};
use jiff::Timestamp;

/// Longer than this in a passing state is a matter for a person: three times MediaLive's longest
/// normal start of ten minutes.
const PASSING_SECONDS_MAX: i64 = 1800;
/// A lane and why it is not a better one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub lane: Lane,
    /// When a WaitUntil ends.
    pub until: Timestamp,
    /// What an operator should know about it.
    pub problem: Option<Code>,
    /// At rest only because a budget is used up.
    pub exhausted: bool,
    /// At rest only because somebody else has to bring the flow up.
    pub awaits_flow: bool,
    /// The running channel differs in what only the next start applies.
    pub pending: bool,
}

impl Choice {
    fn go(lane: Lane) -> Choice {
        Choice {
            lane,
            until: Timestamp::UNIX_EPOCH,
            problem: None,
            exhausted: false,
            awaits_flow: false,
            pending: false,
        }
    }

    pub fn wait(until: Timestamp, problem: Code) -> Choice {
        Choice {
            until,
            problem: Some(problem),
            ..Choice::go(Lane::WaitUntil)
        }
    }

    fn await_flow(problem: Code) -> Choice {
        Choice {
            problem: Some(problem),
            awaits_flow: true,
            ..Choice::go(Lane::Release)
        }
    }
}

/// How the channel compares with the target's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Same,
    /// Only preset data or the key's version differ: an edit of this record's own attributes or
    /// of `retry` interrupts a stream, nothing else does.
    Pending,
    Differs,
}

pub(super) fn choose(
    now: Timestamp,
    target: &Target,
    ledger: &mut Ledger,
    look: &Look,
    rules: &Rules,
) -> Choice {
    let state = look
        .channel
        .there()
        .map(|channel| &channel.state)
        .filter(|state| **state != ChannelState::Deleted);
    if is_taking_too_long(now, ledger) {
        // A stop is tried in any state that may be left by one; otherwise there is only looking.
        let unwanted =
            target.level != Level::Running || fit(target, ledger, look, true) == Fit::Differs;
        let lane = if state == Some(&ChannelState::Starting) && unwanted {
            Lane::Stop
        } else {
            Lane::Release
        };
        return Choice {
            problem: Some(Code::TakingTooLong),
            ..Choice::go(lane)
        };
    }
    use ChannelState as S;
    let up = matches!(state, Some(S::Starting | S::Running | S::Recovering));
    if up && target.level != Level::Running {
        // Whatever else is uncertain: a stop is right.
        return Choice::go(Lane::Stop);
    }
    if let Some(until) = second_look(now, target, ledger, look) {
        return Choice {
            problem: None,
            ..Choice::wait(until, Code::WaitingForOutcome)
        };
    }
    let choice = match (target.level, state) {
        (_, Some(S::Creating | S::Updating | S::Unknown(_))) => Choice::go(Lane::WaitForChannel),
        (_, Some(S::Deleting)) => Choice::go(Lane::Teardown),
        (_, Some(S::CreateFailed | S::UpdateFailed)) | (Level::Gone, Some(S::Idle)) => {
            Choice::go(Lane::Teardown)
        }
        (Level::Gone, None) => match (&look.input, &look.flow_output) {
            (Sight::Never, None) => Choice::go(Lane::Release),
            (Sight::There(input), None) if input.state == "DELETED" => Choice::go(Lane::Release),
            (Sight::NotFound, None) if ledger.input.is_none() && ledger.input_sought.is_none() => {
                Choice::go(Lane::Release)
            }
            _ => Choice::go(Lane::Teardown),
        },
        (_, Some(S::Stopping)) => Choice::go(Lane::Stop),
        (_, None) => provision(now, ledger, look, rules),
        (level, Some(state)) => bring(now, level, state, target, ledger, look, rules),
    };
    if choice.lane == Lane::Release
        && target.level == Level::Gone
        && let (Some(_), Some(since)) = (&ledger.flow_output_arn, ledger.output_missing_since)
    {
        let until = ledger::after(since, ledger::LAG_SECONDS);
        return Choice {
            problem: None,
            ..Choice::wait(until, Code::WaitingForOutcome)
        };
    }
    if choice.lane == Lane::Release && !choice.exhausted && !choice.awaits_flow {
        settle(target, state.is_some(), ledger);
    }
    choice
}

/// Level Idle or Running, and a channel that is IDLE, STARTING, RUNNING or RECOVERING.
fn bring(
    now: Timestamp,
    level: Level,
    state: &ChannelState,
    target: &Target,
    ledger: &mut Ledger,
    look: &Look,
    rules: &Rules,
) -> Choice {
    let ailing = *state == ChannelState::Recovering || target.ailing;
    let fit = fit(target, ledger, look, ailing);
    let idle = *state == ChannelState::Idle;
    if !idle && (fit == Fit::Differs || input_is_going(look)) {
        return Choice::go(Lane::Stop);
    }
    if let (Fit::Same, Some(on_air)) = (fit, ledger.on_air.as_mut()) {
        // Nothing is left that this `retry` could apply: it must not interrupt a stream later.
        on_air.retry = target.retry.clone();
    }
    if look.flow.as_ref().is_none_or(FlowLook::is_going) {
        return Choice::await_flow(Code::FlowMissing);
    }
    if !is_wired(look) {
        return provision(now, ledger, look, rules);
    }
    if idle && fit != Fit::Same {
        return Choice::go(Lane::Change);
    }
    let enabled = look
        .flow_output
        .as_ref()
        .is_some_and(|output| output.enabled);
    if level == Level::Idle {
        return Choice::go(if enabled { Lane::Stop } else { Lane::Release });
    }
    let flow_up = look.flow.as_ref().is_some_and(FlowLook::is_up);
    if !flow_up
        && look
            .flow
            .as_ref()
            .is_some_and(|flow| flow.ours == Some(false) || flow.status == "ERROR")
    {
        return Choice::await_flow(Code::WaitingForFlow);
    }
    if idle && Ledger::tries(&ledger.starts, ledger.generation, now) >= rules.starts_max {
        let message = format!(
            "MediaLive stopped the channel again after each of {} starts.",
            rules.starts_max
        );
        return exhausted(Problem::new(Code::StartFailed, message), ledger);
    }
    if idle || *state == ChannelState::Starting || !flow_up || !enabled {
        return Choice::go(Lane::Start);
    }
    Choice {
        pending: fit == Fit::Pending,
        problem: (*state == ChannelState::Recovering).then_some(Code::Recovering),
        ..Choice::go(Lane::Release)
    }
}

fn provision(now: Timestamp, ledger: &mut Ledger, look: &Look, rules: &Rules) -> Choice {
    if look.flow.as_ref().is_none_or(FlowLook::is_going) {
        return Choice::await_flow(Code::FlowMissing);
    }
    if input_is_going(look) {
        // One input at a time: the old one goes first.
        return Choice::go(Lane::Teardown);
    }
    if look.channel.there().is_none()
        && Ledger::tries(&ledger.lost, ledger.generation, now) >= 2 * rules.creates_max
    {
        let message = format!(
            "The channel was made {} times within the hour and is gone again.",
            2 * rules.creates_max
        );
        return exhausted(Problem::new(Code::CreateFailed, message), ledger);
    }
    Choice::go(Lane::Provision)
}

/// An input that is being deleted feeds nobody again.
fn input_is_going(look: &Look) -> bool {
    look.input
        .there()
        .is_some_and(|input| input.state == "DELETING")
}

fn is_taking_too_long(now: Timestamp, ledger: &Ledger) -> bool {
    ledger
        .passing
        .as_ref()
        .is_some_and(|passing| now >= ledger::after(passing.since, PASSING_SECONDS_MAX))
}

fn exhausted(problem: Problem, ledger: &mut Ledger) -> Choice {
    ledger.stuck = Some(Verdict {
        generation: ledger.generation,
        problem,
        again_at: None,
        heeded: false,
        keeps: true,
    });
    Choice {
        exhausted: true,
        ..Choice::go(Lane::Release)
    }
}

/// An `ailing` channel is RECOVERING, does not come up or does not reach the platform: a new `retry`
/// makes a fresh start of it.
fn fit(target: &Target, ledger: &Ledger, look: &Look, ailing: bool) -> Fit {
    let Some(wanted) = &target.configuration else {
        return Fit::Same;
    };
    let Some(on_air) = &ledger.on_air else {
        return Fit::Differs;
    };
    let input = look.input.there().map(|input| input.id.as_str());
    if on_air.configuration != *wanted
        || on_air.restarts != target.restarts
        || input.is_some_and(|input| input != on_air.input_id)
    {
        return Fit::Differs;
    }
    let rotated = target.key.is_another(on_air.key_version);
    let same = on_air.settings == wanted.settings_fingerprint() && !rotated;
    let again = on_air.retry != target.retry;
    match (same, again) {
        (true, true) if ailing => Fit::Differs,
        (true, _) => Fit::Same,
        (false, true) => Fit::Differs,
        // A new key is most likely what a platform that takes nothing was waiting for.
        (false, false) if rotated && target.ailing => Fit::Differs,
        (false, false) => Fit::Pending,
    }
}

fn is_wired(look: &Look) -> bool {
    let Some(input) = look.input.there() else {
        return false;
    };
    let Some(address) = &input.address else {
        return false;
    };
    input.state != "DELETED"
        && look
            .flow_output
            .as_ref()
            .is_some_and(|output| output.feeds(address))
}

/// Notes what the cloud was seen to match.
fn settle(target: &Target, has_channel: bool, ledger: &mut Ledger) {
    ledger.settled = match (&target.configuration, has_channel) {
        (Some(configuration), true) => Some(Settled {
            configuration: configuration.clone(),
            streaming: target.level == Level::Running,
        }),
        // Waiting for room is not an end: what was on the air before is still what we fall back to.
        _ if target.waits_for_quota.is_some() => ledger.settled.take(),
        _ => None,
    };
}

/// Whether a person is needed. A verdict of this generation holds until its own time, an edit or
/// `retry`, until the destination is where it should be anyway, or until it is to be taken down: a grace
/// time and a limit end while something else is stuck, too.
pub(super) fn is_stuck(now: Timestamp, ledger: &mut Ledger, choice: &Choice) -> bool {
    let Some(stuck) = &ledger.stuck else {
        return false;
    };
    let over = stuck.generation != ledger.generation
        || stuck.again_at.is_some_and(|again_at| again_at <= now)
        || (stuck.keeps && ledger.target.is_none())
        || (choice.lane == Lane::Release && !choice.exhausted && !choice.awaits_flow);
    if over {
        ledger.stuck = None;
    }
    !over
}
