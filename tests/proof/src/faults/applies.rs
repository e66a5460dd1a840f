//! Which fault makes sense where. What is not named here is not applicable, for one of these reasons:
//! a read has no effect that could be kept or lost, so an answer lost after it, a crash after it and a
//! late effect are what an error before it is; a service does not know the error; the edge cannot do
//! that (a stream keeps its order, a schedule's tick has no content).

use super::{Edge, Fault, Place};
use crate::operations::{self, Operation, Service};

/// Whether a fault makes sense at a place.
#[must_use]
pub fn applies(fault: Fault, place: Place) -> bool {
    match place {
        Place::Call(site) => {
            operations::by_name(site.operation).is_some_and(|operation| at_call(fault, operation))
        }
        Place::Edge(edge, _) => at_edge(fault, edge),
    }
}

fn at_call(fault: Fault, operation: Operation) -> bool {
    let media_connect = operation.service == Service::MediaConnect;
    match fault {
        Fault::ErrorBefore(_)
        | Fault::AnswerTimedOut
        | Fault::Throttled(_)
        | Fault::CrashBefore
        | Fault::Forbidden => true,
        Fault::AnswerLost | Fault::AnswerSpoilt | Fault::CrashAfter | Fault::Slow(_) => {
            operation.writes
        }
        // Parameter Store and tags are read rarely and change rarely; no lag is documented for them.
        Fault::Stale => matches!(
            operation.name,
            "dynamodb:GetItem"
                | "dynamodb:BatchGetItem"
                | "dynamodb:Query"
                | "dynamodb:Scan"
                | "states:DescribeExecution"
                | "medialive:DescribeChannel"
                | "medialive:ListChannels"
                | "medialive:DescribeInput"
                | "medialive:ListInputs"
                | "mediaconnect:DescribeFlow"
        ),
        // MediaConnect's model has no 409 for these; MediaLive says 400 where a thing is still being made.
        Fault::Conflict(400) => {
            media_connect && operation.writes
                || matches!(
                    operation.name,
                    "medialive:StartChannel" | "medialive:CreateChannel"
                )
        }
        Fault::Conflict(409) => {
            operation.service == Service::MediaLive
                && operation.writes
                && operation.name != "medialive:CreateInput"
        }
        Fault::Unprocessable => matches!(
            operation.name,
            "medialive:CreateChannel" | "medialive:UpdateChannel"
        ),
        Fault::CreateFailed => operation.name == "medialive:CreateChannel",
        Fault::UpdateFailed => operation.name == "medialive:UpdateChannel",
        Fault::FallsBackToIdle | Fault::Recovering => operation.name == "medialive:StartChannel",
        Fault::Quota => matches!(
            operation.name,
            "medialive:CreateInput" | "medialive:CreateChannel" | "mediaconnect:AddFlowOutputs"
        ),
        _ => false,
    }
}

fn at_edge(fault: Fault, edge: Edge) -> bool {
    match edge {
        Edge::StreamRecord => matches!(
            fault,
            Fault::Lost | Fault::Doubled | Fault::DoubledLate | Fault::Delayed(_) | Fault::Poisoned
        ),
        Edge::MediaEvent => matches!(
            fault,
            Fault::Lost
                | Fault::Doubled
                | Fault::DoubledLate
                | Fault::Delayed(_)
                | Fault::Reordered
                | Fault::Forged
                | Fault::Poisoned
        ),
        Edge::Tick => matches!(fault, Fault::Lost | Fault::Doubled | Fault::Delayed(_)),
        Edge::ExecutionStart => matches!(
            fault,
            Fault::Delayed(_) | Fault::LimitExceeded | Fault::TimedOut(_)
        ),
        Edge::TokenAnswer => {
            matches!(
                fault,
                Fault::Delayed(_) | Fault::Doubled | Fault::DoubledLate
            )
        }
        Edge::Entered(_) => {
            matches!(
                fault,
                Fault::Aborted | Fault::Redriven(_) | Fault::Redeployed
            )
        }
        Edge::Invoked(_) => match fault {
            Fault::ErrorBefore(500)
            | Fault::Throttled(1)
            | Fault::CrashBefore
            | Fault::CrashAfter
            | Fault::AnswerLost
            | Fault::ClockJump(_) => true,
            // A cold start that takes longer than a function may run is none.
            Fault::Delayed(seconds) => seconds <= 15,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;

    fn at(operation: &'static str) -> Place {
        Place::Call(Site {
            worker: "plan",
            operation,
            nth: 1,
        })
    }

    #[test]
    fn a_read_has_no_effect_to_lose() {
        for fault in [Fault::AnswerLost, Fault::CrashAfter, Fault::Slow(20)] {
            assert!(applies(fault, at("medialive:CreateChannel")));
            assert!(!applies(fault, at("medialive:DescribeChannel")));
        }
        assert!(applies(Fault::Stale, at("medialive:DescribeChannel")));
        assert!(!applies(Fault::Stale, at("medialive:StopChannel")));
    }

    #[test]
    fn every_operation_has_faults_and_no_fault_is_without_a_place() {
        let all = crate::faults::text::examples();
        let places = || {
            operations::ALL.iter().map(|row| at(row.name)).chain(
                [
                    Edge::StreamRecord,
                    Edge::MediaEvent,
                    Edge::Tick,
                    Edge::ExecutionStart,
                    Edge::TokenAnswer,
                    Edge::Entered("Plan"),
                    Edge::Invoked("plan"),
                ]
                .map(|edge| Place::Edge(edge, 1)),
            )
        };
        for place in places() {
            let kinds = all.iter().filter(|fault| applies(**fault, place)).count();
            assert!(kinds >= 3, "{place}");
        }
        for fault in &all {
            assert!(places().any(|place| applies(*fault, place)), "{fault:?}");
        }
    }
}
