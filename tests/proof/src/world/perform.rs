//! A request reaches its service: faults that keep it from having an effect, then the model itself.

use super::{World, call::Asked, call::Pending};
use crate::{
    Fault,
    chance::For,
    operations::{Operation, Service},
};
use serde_json::{Value, json};
use simulator::core::Request as MediaRequest;

/// Status, error name, body.
pub(super) type Told = (u16, Option<String>, String);

/// An eventually consistent read may be this old, milliseconds.
const STALE_MS: (u64, u64) = (50, 2000);

impl World {
    pub(super) fn perform(&mut self, number: u32, pending: &Pending) -> Told {
        let operation = pending.request.operation;
        if let Some(permits) = self.permits.clone() {
            let call = &self.calls[number as usize];
            let asked = Asked {
                worker: call.site.worker,
                operation,
                resource: &call.resource,
                path: &pending.request.path,
                body: &pending.request.body,
                world: self,
            };
            if !permits(&asked) {
                return denied(operation);
            }
        }
        let family = operation.name.split(':').next().unwrap_or_default();
        if self.down.contains(family) {
            return error(503, "ServiceUnavailable", "The service is not available.");
        }
        match operation.service {
            Service::MediaLive | Service::MediaConnect => self.media_call(number, pending),
            _ => match pending.fault.and_then(|fault| refusal(operation, fault)) {
                Some(told) => told,
                None => self.model_call(number, pending),
            },
        }
    }

    fn model_call(&mut self, number: u32, pending: &Pending) -> Told {
        let operation = pending.request.operation;
        let stale = pending.fault == Some(Fault::Stale);
        let answer = match operation.service {
            Service::DynamoDb if stale => {
                let age =
                    self.chance
                        .between(For::Fault, u64::from(number), 2, STALE_MS.0, STALE_MS.1);
                let as_of = self.now.saturating_sub(age);
                self.database
                    .handle_stale(as_of, operation.short(), &pending.body)
            }
            Service::DynamoDb => self
                .database
                .handle(self.now, operation.short(), &pending.body),
            Service::Ssm => self
                .parameters
                .handle(self.now, operation.short(), &pending.body),
            Service::CloudWatch => return self.metrics_call(&pending.body),
            _ => return self.states_call(operation, &pending.body, stale),
        };
        (answer.status, answer.error, answer.body.to_string())
    }

    fn media_call(&mut self, number: u32, pending: &Pending) -> Told {
        let request = &pending.request;
        let rule = pending
            .fault
            .and_then(|fault| rule(request.operation, fault));
        if let Some(rule) = &rule {
            let (status, answer) = self.core.control(self.now, "POST", "faults", rule);
            assert_eq!(status, 200, "the simulator refuses {rule}: {answer}");
        }
        let worker = self.calls[number as usize].site.worker;
        let mut response = self.core.handle(
            self.now,
            &MediaRequest {
                method: request.method.clone(),
                path: request.path.clone(),
                query: request.query.clone(),
                body: request.body.clone(),
                caller: Some(worker.to_owned()),
            },
        );
        if rule.is_some() {
            self.core
                .control(self.now, "DELETE", "faults", &Value::Null);
        }
        assert_ne!(
            response.error.as_deref(),
            Some("UnknownOperationException"),
            "the simulator does not answer {}",
            request.operation.name
        );
        self.as_of_one_address(&mut response.body);
        let text = if response.body.is_null() {
            String::new()
        } else {
            response.body.to_string()
        };
        (response.status, response.error, text)
    }
}

/// The simulator's rule for a fault that it acts out itself.
fn rule(operation: Operation, fault: Fault) -> Option<Value> {
    let (kind, status) = match fault {
        Fault::ErrorBefore(status) => ("error_before", Some(status)),
        Fault::Throttled(_) => ("throttle", None),
        Fault::Stale => ("stale", None),
        Fault::Conflict(status) => ("conflict", Some(status)),
        Fault::Unprocessable => ("conflict", Some(422)),
        Fault::Forbidden => ("forbidden", None),
        Fault::Quota => ("quota", None),
        Fault::CreateFailed => ("create_failed", None),
        Fault::UpdateFailed => ("update_failed", None),
        Fault::FallsBackToIdle => ("falls_back_to_idle", None),
        Fault::Recovering => ("recovering", None),
        _ => return None,
    };
    let mut rule = json!({"operation": operation.name, "kind": kind});
    if let Some(status) = status {
        rule["status"] = json!(status);
    }
    Some(rule)
}

/// How DynamoDB, Parameter Store, Step Functions and CloudWatch say no (their API references: common errors).
fn refusal(operation: Operation, fault: Fault) -> Option<Told> {
    let (status, name) = match (fault, operation.service) {
        (Fault::ErrorBefore(status), Service::DynamoDb | Service::Ssm) => {
            (status, "InternalServerError")
        }
        (Fault::ErrorBefore(status), _) => (status, "InternalFailure"),
        (Fault::Throttled(_), Service::DynamoDb) => (400, "ProvisionedThroughputExceededException"),
        (Fault::Throttled(_), _) => (400, "ThrottlingException"),
        (Fault::Conflict(_), Service::DynamoDb) => (400, "TransactionConflictException"),
        (Fault::Forbidden, _) => return Some(denied(operation)),
        _ => return None,
    };
    Some(error(status, name, "The request could not be done."))
}

/// How a service says that a role does not allow a call.
fn denied(operation: Operation) -> Told {
    let words = format!("The role is not allowed to perform {}.", operation.name);
    match operation.service {
        Service::MediaLive | Service::MediaConnect => error(403, "AccessDeniedException", &words),
        _ => error(400, "AccessDeniedException", &words),
    }
}

/// An error in the shape that AWS's JSON protocols share.
pub(super) fn error(status: u16, name: &str, message: &str) -> Told {
    let body = json!({"__type": name, "message": message}).to_string();
    (status, Some(name.to_owned()), body)
}
