//! The planner's promises, said without the planner's words.

use super::{
    super::{Decision, Lane, Level, Status},
    support::{ADDRESS, Scene, at},
};
use crate::{
    failover::UrlType,
    ledger::Ledger,
    look::{ChannelState, KeyLook, Look},
    record::DesiredState,
};

fn state(look: &Look) -> Option<&ChannelState> {
    look.channel
        .there()
        .map(|channel| &channel.state)
        .filter(|state| **state != ChannelState::Deleted)
}

fn desired(scene: &Scene) -> DesiredState {
    let Some((_, wish)) = &scene.record else {
        return DesiredState::Removed;
    };
    let earlier = scene.ledger.seen.as_ref().and(scene.ledger.desired);
    match (&wish.desired, earlier) {
        (Ok(desired), _) => *desired,
        (Err(_), Some(DesiredState::Streaming)) if wish.enabled => DesiredState::Streaming,
        _ => DesiredState::Ready,
    }
}

/// Whether AWS takes the first acting step of the lane in the state that was looked at.
fn is_legal(decision: &Decision, look: &Look) -> bool {
    use ChannelState as S;
    let state = state(look);
    let input = look.input.there().map(|input| input.state.as_str());
    let flow = look.flow.as_ref().map(|flow| flow.status.as_str());
    let flow_there = !matches!(flow, None | Some("DELETING"));
    let enabled = look
        .flow_output
        .as_ref()
        .is_some_and(|output| output.enabled);
    let up = matches!(state, Some(S::Starting | S::Running | S::Recovering));
    match decision.lane {
        Lane::Provision => {
            flow_there && input != Some("DELETING") && (up || matches!(state, None | Some(S::Idle)))
        }
        Lane::Start => {
            let foreign = look
                .flow
                .as_ref()
                .is_some_and(|flow| flow.ours == Some(false));
            flow_there && !foreign && (up || state == Some(&S::Idle))
        }
        Lane::Stop => up || state == Some(&S::Stopping) || state == Some(&S::Idle) && enabled,
        Lane::Change => state == Some(&S::Idle),
        Lane::Teardown => matches!(
            state,
            None | Some(S::Idle | S::CreateFailed | S::UpdateFailed | S::Deleting)
        ),
        Lane::WaitForChannel => {
            matches!(state, Some(S::Creating | S::Updating | S::Unknown(_)))
        }
        Lane::WaitUntil => decision.until > at(0) && decision.until <= at(60),
        // A decision is made after the turn has come.
        Lane::AwaitTurn => false,
        Lane::Release => true,
    }
}

fn is_reached(decision: &Decision, look: &Look) -> bool {
    use ChannelState as S;
    let output = look.flow_output.as_ref();
    let fed = output
        .filter(|output| output.feeds(ADDRESS))
        .map(|output| output.enabled);
    let flow_up = look.flow.as_ref().is_some_and(|flow| flow.is_up());
    match (decision.level, state(look)) {
        (Level::Gone, None) => {
            output.is_none()
                && look
                    .input
                    .there()
                    .is_none_or(|input| input.state == "DELETED")
                && !decision.ledger.has_resources()
        }
        (Level::Idle, Some(S::Idle)) => fed == Some(false),
        (Level::Running, Some(S::Running | S::Recovering)) => fed == Some(true) && flow_up,
        _ => false,
    }
}

pub(super) fn broken_promise(scene: &Scene, decision: &Decision) -> Option<&'static str> {
    use ChannelState as S;
    let (look, after) = (&scene.look, &decision.ledger);
    let state = state(look);
    let lane = decision.lane;
    let on_air = matches!(state, Some(S::Running | S::Recovering));
    let up = on_air || state == Some(&S::Starting);
    let desired = desired(scene);
    let too_long = scene
        .ledger
        .passing
        .as_ref()
        .is_some_and(|passing| passing.since <= at(-1800))
        && after.passing.is_some();
    let stuck = after.stuck.is_some() || too_long;
    let status = decision.mirror.as_ref().map(|mirror| mirror.status);
    let problem = decision
        .mirror
        .as_ref()
        .and_then(|mirror| mirror.attributes["problem"].as_ref());
    if !is_legal(decision, look) {
        return Some("the first step is one that AWS refuses");
    }
    if lane == Lane::Release && !is_reached(decision, look) && problem.is_none() && !stuck {
        return Some("at rest short of the target without a reason");
    }
    if matches!(status, Some(Status::Error | Status::Stuck)) && problem.is_none() {
        return Some("an error without a problem");
    }
    let level_is_right = match desired {
        DesiredState::Removed => decision.level == Level::Gone,
        DesiredState::Ready => decision.level != Level::Running,
        DesiredState::Streaming => true,
    };
    if !level_is_right {
        return Some("further than the record wants");
    }
    if up
        && desired != DesiredState::Streaming
        && after.intent.is_none()
        && !stuck
        && lane != Lane::Stop
    {
        return Some("a stop is held back");
    }
    if desired == DesiredState::Streaming && on_air && decision.level == Level::Running {
        let same = after
            .target
            .as_ref()
            .zip(scene.ledger.on_air.as_ref())
            .is_some_and(|(aim, on_air)| {
                aim.configuration == on_air.configuration
                    && aim.retry == on_air.retry
                    && aim.restarts == on_air.restarts
                    && (scene.ledger.troubles.is_empty()
                        || look.key == KeyLook::Version(on_air.key_version))
            });
        let going = look
            .input
            .there()
            .is_some_and(|input| input.state == "DELETING");
        let known = scene
            .ledger
            .channel
            .as_ref()
            .is_some_and(|made| made.id == "1");
        if same
            && known
            && !going
            && !matches!(
                lane,
                Lane::Release | Lane::Start | Lane::Provision | Lane::WaitUntil
            )
        {
            return Some("a stream is interrupted without an edit of its own");
        }
    }
    let before = &scene.ledger;
    if after.failover.restarts > before.failover.restarts
        && before.troubles.is_empty()
        && before.recovering_since.is_none()
        && before.failover.failed_since.is_none()
        && before.failover.url_type == UrlType::Primary
    {
        return Some("started anew without a reason");
    }
    if after.failover.restarts > before.failover.restarts
        && Ledger::tries(&after.starts, after.generation, at(0)) >= 3
        && before.failover.url_type == UrlType::Primary
    {
        return Some("stopped for a start that is not allowed");
    }
    if after.capped.is_some() && decision.level != Level::Gone {
        return Some("a limit that does not act");
    }
    if status == Some(Status::Streaming) && !on_air {
        return Some("said to be streaming and is not");
    }
    if lane == Lane::Start
        && state == Some(&S::Idle)
        && Ledger::tries(&after.starts, after.generation, at(0)) >= 3
    {
        return Some("a fourth start");
    }
    let keep_warm = scene
        .record
        .as_ref()
        .is_some_and(|(_, wish)| wish.keep_warm);
    let flow_awaited = after.rest.as_ref().is_some_and(|rest| rest.awaits_flow);
    if lane == Lane::Release
        && decision.level == Level::Idle
        && !keep_warm
        && !stuck
        && after.wake_at.is_none_or(|wake_at| wake_at <= at(0))
        && !(flow_awaited && desired == DesiredState::Streaming)
        && desired != DesiredState::Streaming
    {
        return Some("kept without an end");
    }
    if after.wake_at.is_some_and(|wake_at| wake_at <= at(0)) {
        return Some("woken again at once");
    }
    if lane == Lane::Release && decision.level == Level::Gone && after.has_resources() && !stuck {
        return Some("something may be left behind");
    }
    if after.generation < scene.ledger.generation || after.incarnation < scene.ledger.incarnation {
        return Some("a count fell");
    }
    if scene.record.is_none() != decision.mirror.is_none() {
        return Some("a mirror without a record");
    }
    if state.is_some()
        && scene.record.is_some()
        && after.on_air.as_ref().is_some_and(|on_air| {
            decision
                .let_go
                .contains(&on_air.configuration.address_hash())
        })
    {
        return Some("an address is let go that is in use");
    }
    if (after.rest.is_some()) != (lane == Lane::Release) {
        return Some("the sweep cannot tell whether it rests");
    }
    None
}

/// Deciding again on the same look changes nothing.
pub(super) fn is_restless(scene: &Scene, decision: &Decision) -> bool {
    let mut again = scene.clone();
    again.ledger = decision.ledger.clone();
    let second = again.decide();
    second.lane != decision.lane
        || second.ledger != decision.ledger
        || second.until != decision.until
}
