//! Faults on demand: rules that make one call or every call of an operation go wrong, each counting
//! how often it fired. Faults act before the token buckets and never on what a person does by hand.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Core;
use super::model::Service;
use super::wire::ApiError;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// An error, and nothing has happened.
    ErrorBefore,
    /// It has happened, and the connection closes without an answer.
    AnswerLost,
    /// 429, and nothing has happened.
    Throttle,
    /// It has happened, and the answer takes `seconds` of real time (15).
    Slow,
    /// Describe and List answer as before the latest change, for a minute after it.
    Stale,
    /// 409 (400 in MediaConnect, which has no 409).
    Conflict,
    /// 403.
    Forbidden,
    /// Over quota, in the words of the service.
    Quota,
    /// StartChannel is accepted, the channel never runs.
    FallsBackToIdle,
    /// CreateChannel is accepted and ends in CREATE_FAILED.
    CreateFailed,
    /// UpdateChannel is accepted and ends in UPDATE_FAILED.
    UpdateFailed,
    /// StartChannel is accepted; soon after RUNNING the channel recovers for `seconds`.
    Recovering,
}

/// One rule as it is given.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    operation: String,
    kind: Kind,
    #[serde(default)]
    nth: Option<u64>,
    #[serde(default)]
    every: bool,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    seconds: Option<f64>,
    /// Only calls whose path contains this text (an id or part of an ARN).
    #[serde(default)]
    resource: Option<String>,
    #[serde(skip_deserializing)]
    id: u64,
    #[serde(skip_deserializing)]
    seen: u64,
    #[serde(skip_deserializing)]
    fired: u64,
}

/// A fault that fires now.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub kind: Kind,
    status: Option<u16>,
    message: Option<String>,
    seconds: Option<f64>,
}

impl Fault {
    pub fn seconds_or(&self, usual: f64) -> u64 {
        (self.seconds.unwrap_or(usual) * 1000.0) as u64
    }

    pub fn has_seconds(&self) -> bool {
        self.seconds.is_some()
    }
}

/// All rules.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    made: u64,
}

impl Faults {
    /// Adds a rule; without `nth` or `every` it fires at the next call.
    pub fn add(&mut self, body: Value) -> Result<Value, String> {
        let mut rule: Rule = serde_json::from_value(body).map_err(|error| error.to_string())?;
        if !rule.operation.contains(':') {
            return Err(
                "operation is written service:Operation, for example medialive:StartChannel".into(),
            );
        }
        if rule.nth.is_none() && !rule.every {
            rule.nth = Some(1);
        }
        self.made += 1;
        rule.id = self.made;
        self.rules.push(rule.clone());
        Ok(json!(rule))
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    pub fn list(&self) -> Value {
        json!(self.rules)
    }

    /// The first rule that fires at this call; every matching rule counts the call.
    pub fn fire(&mut self, service: Service, operation: &str, path: &str) -> Option<Fault> {
        let mut fault = None;
        for rule in &mut self.rules {
            let Some((whose, what)) = rule.operation.split_once(':') else {
                continue;
            };
            let path = super::wire::decode(path);
            let about = rule
                .resource
                .as_ref()
                .is_none_or(|text| path.contains(text.as_str()));
            if !((whose == "*" || whose == service.name())
                && (what == "*" || what == operation)
                && about)
            {
                continue;
            }
            rule.seen += 1;
            let due = if rule.every {
                rule.nth.is_none_or(|nth| rule.seen % nth.max(1) == 0)
            } else {
                rule.nth.is_some_and(|nth| rule.seen >= nth)
            };
            let most = rule.count.or(if rule.every { None } else { Some(1) });
            if fault.is_none() && due && most.is_none_or(|most| rule.fired < most) {
                rule.fired += 1;
                fault = Some(Fault {
                    kind: rule.kind,
                    status: rule.status,
                    message: rule.message.clone(),
                    seconds: rule.seconds,
                });
            }
        }
        fault
    }
}

impl Core {
    /// The error of a fault that keeps the operation from happening.
    pub(super) fn refusal(
        &self,
        fault: &Fault,
        service: Service,
        operation: &str,
    ) -> Option<ApiError> {
        let (status, text) = match fault.kind {
            Kind::ErrorBefore => (500, "Internal server error".to_owned()),
            Kind::Throttle => (429, "Too Many Requests".to_owned()),
            Kind::Forbidden => (
                403,
                format!(
                    "User is not authorized to perform: {}:{operation}",
                    service.name()
                ),
            ),
            Kind::Conflict if service == Service::MediaConnect => (
                400,
                "The flow can not be changed in its present state".to_owned(),
            ),
            Kind::Conflict => (
                409,
                "The resource is in a state that does not allow this".to_owned(),
            ),
            Kind::Quota => self.quota_error(service, operation),
            _ => return None,
        };
        Some(ApiError::new(
            fault.status.unwrap_or(status),
            fault.message.clone().unwrap_or(text),
        ))
    }

    fn quota_error(&self, service: Service, operation: &str) -> (u16, String) {
        match service {
            Service::MediaConnect => (
                420,
                "Your account has reached its quota for this resource".to_owned(),
            ),
            Service::MediaLive => (
                self.over_quota(),
                quota_text(
                    if operation == "CreateInput" {
                        "push inputs"
                    } else {
                        "channels"
                    },
                    5,
                ),
            ),
        }
    }

    pub(super) fn over_quota(&self) -> u16 {
        self.options.over_quota.parse().unwrap_or(403)
    }
}

/// AWS's own words are not known; these name the quota.
pub(super) fn quota_text(what: &str, quota: usize) -> String {
    format!("Your account has reached its service quota of {quota} {what} in this Region")
}
