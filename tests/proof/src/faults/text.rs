//! Decisions as text, so that a story can name them and a command line can take them:
//! `create-channel/medialive:CreateChannel#1: AnswerLost`, `enters StartChannel#2: Redriven(20)`.

use super::{Decision, Edge, Fault, Place, Site};
use crate::{functions, operations, trace::intern};
use std::{fmt, str::FromStr};

/// Why a text is no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "this is no decision: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Call(site) => write!(out, "{}/{}#{}", site.worker, site.operation, site.nth),
            Place::Edge(Edge::Entered(state), nth) => write!(out, "enters {state}#{nth}"),
            Place::Edge(Edge::Invoked(worker), nth) => write!(out, "invokes {worker}#{nth}"),
            Place::Edge(edge, nth) => write!(out, "{edge:?}#{nth}"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {:?}", self.place, self.fault)
    }
}

impl FromStr for Decision {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Decision, Unreadable> {
        let unreadable = || Unreadable(text.to_owned());
        let (place, fault) = text.split_once(": ").ok_or_else(unreadable)?;
        Ok(Decision {
            place: read_place(place.trim()).ok_or_else(unreadable)?,
            fault: read_fault(fault.trim()).ok_or_else(unreadable)?,
        })
    }
}

fn read_place(text: &str) -> Option<Place> {
    let (what, nth) = text.rsplit_once('#')?;
    let nth = nth.parse().ok()?;
    if let Some(state) = what.strip_prefix("enters ") {
        return Some(Place::Edge(Edge::Entered(intern(state)), nth));
    }
    if let Some(worker) = what.strip_prefix("invokes ") {
        return Some(Place::Edge(Edge::Invoked(functions::find(worker)?.0), nth));
    }
    if let Some((worker, operation)) = what.split_once('/') {
        return Some(Place::Call(Site {
            worker: functions::find(worker)?.0,
            operation: operations::by_name(operation)?.name,
            nth,
        }));
    }
    let edge = [
        Edge::StreamRecord,
        Edge::MediaEvent,
        Edge::Tick,
        Edge::ExecutionStart,
        Edge::TokenAnswer,
    ];
    let edge = edge.into_iter().find(|edge| format!("{edge:?}") == what)?;
    Some(Place::Edge(edge, nth))
}

fn read_fault(text: &str) -> Option<Fault> {
    let (name, number) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let with = |fault: &Fault| {
        let (seconds, status) = (number.unsigned_abs(), number.unsigned_abs() as u16);
        match fault {
            Fault::ErrorBefore(_) => Fault::ErrorBefore(status),
            Fault::Conflict(_) => Fault::Conflict(status),
            Fault::Throttled(_) => Fault::Throttled(seconds),
            Fault::Slow(_) => Fault::Slow(seconds),
            Fault::Delayed(_) => Fault::Delayed(seconds),
            Fault::Redriven(_) => Fault::Redriven(seconds),
            Fault::TimedOut(_) => Fault::TimedOut(seconds),
            Fault::ClockJump(_) => Fault::ClockJump(number),
            plain => *plain,
        }
    };
    let read = examples().iter().map(with).find(|fault| {
        let whole = format!("{fault:?}");
        whole.split('(').next() == Some(name)
    });
    read.filter(|fault| format!("{fault:?}") == text)
}

/// Every kind of fault once, with a usual strength.
pub(super) fn examples() -> Vec<Fault> {
    vec![
        Fault::ErrorBefore(500),
        Fault::AnswerLost,
        Fault::AnswerSpoilt,
        Fault::AnswerTimedOut,
        Fault::Throttled(1),
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Slow(20),
        Fault::Stale,
        Fault::Conflict(400),
        Fault::Conflict(409),
        Fault::Unprocessable,
        Fault::CreateFailed,
        Fault::UpdateFailed,
        Fault::FallsBackToIdle,
        Fault::Recovering,
        Fault::Forbidden,
        Fault::Quota,
        Fault::Lost,
        Fault::Doubled,
        Fault::DoubledLate,
        Fault::Delayed(10),
        Fault::Reordered,
        Fault::Poisoned,
        Fault::Forged,
        Fault::Aborted,
        Fault::Redriven(20),
        Fault::TimedOut(30),
        Fault::LimitExceeded,
        Fault::Redeployed,
        Fault::ClockJump(-90),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_can_be_read_back() {
        for text in [
            "create-channel/medialive:CreateChannel#1: AnswerLost",
            "enters StartChannel#2: Redriven(20)",
            "invokes plan#3: ClockJump(-90)",
            "MediaEvent#12: DoubledLate",
            "plan/dynamodb:GetItem#4: Throttled(3)",
        ] {
            let decision: Decision = text.parse().unwrap();
            assert_eq!(decision.to_string(), text);
        }
        for fault in examples() {
            assert_eq!(read_fault(&format!("{fault:?}")), Some(fault));
        }
        for text in ["", "plan: Lost", "x/y#1: Lost", "MediaEvent#1: Nothing"] {
            assert!(text.parse::<Decision>().is_err(), "{text}");
        }
    }
}
