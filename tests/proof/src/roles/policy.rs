//! Statements of a policy, and what a service answers where none of them permits a call.

use serde_json::{Value, json};

use super::call::Need;
use super::condition::{Condition, list, matches};
use super::resolve::{self, Deployment};

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// What it matches may be done, unless something denies it.
    Allow,
    /// What it matches may not be done, whatever allows it.
    Deny,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The policy it stands in: `PlanRole`, `EveryWorkerPolicy`, ...
    pub policy: String,
    /// Its place in the policy, from 0.
    pub place: usize,
    /// Allow or deny.
    pub effect: Effect,
    /// Its actions.
    pub actions: Vec<String>,
    /// Its resources.
    pub resources: Vec<String>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// Whether it is about a need.
    #[must_use]
    pub fn covers(&self, need: &Need) -> bool {
        self.actions
            .iter()
            .any(|action| names(action, &need.action))
            && self
                .resources
                .iter()
                .any(|resource| matches(resource, &need.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(&need.keys))
    }
}

/// Whether a statement's action is an action; actions are compared without case.
fn names(pattern: &str, action: &str) -> bool {
    pattern.eq_ignore_ascii_case(action)
        || pattern.contains(['*', '?'])
            && matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Why a call may not be made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// Who called: `plan`, `reconcile`, ...
    pub principal: String,
    /// The action that was missing.
    pub action: String,
    /// On what.
    pub resource: String,
    /// A statement says no, rather than none saying yes.
    pub explicit: bool,
}

impl Denied {
    /// What the service says. AWS names caller, action and resource; of a resource that does not
    /// exist it says the same.
    #[must_use]
    pub fn sentence(&self) -> String {
        let because = if self.explicit {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!(
                "because no identity-based policy allows the {} action",
                self.action
            )
        };
        format!(
            "User: arn:aws:sts::{}:assumed-role/{} is not authorized to perform: {} on resource: {} {because}",
            resolve::ACCOUNT,
            self.principal,
            self.action,
            self.resource
        )
    }

    /// HTTP status, error name and body in the shape of the service: the JSON protocols of DynamoDB,
    /// Step Functions and Systems Manager answer 400 and name the error in the body, the REST
    /// services 403 with the name in a header.
    #[must_use]
    pub fn answer(&self, service: &str) -> (u16, &'static str, Value) {
        const NAME: &str = "AccessDeniedException";
        let message = self.sentence();
        match service {
            "dynamodb" => (
                400,
                NAME,
                json!({"__type": format!("com.amazon.coral.service#{NAME}"), "Message": message}),
            ),
            "states" => (
                400,
                NAME,
                json!({"__type": format!("com.amazon.coral.service#{NAME}"), "message": message}),
            ),
            "ssm" => (400, NAME, json!({"__type": NAME, "Message": message})),
            _ => (403, NAME, json!({"Message": message})),
        }
    }
}

/// Whether a call may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Permitted,
    /// It may not.
    Denied(Denied),
}

impl Verdict {
    /// Whether it may be made.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        *self == Verdict::Permitted
    }
}

/// The statements of a policy document. A principal becomes a condition on who asks.
pub fn read(deployment: &Deployment, policy: &str, document: &Value) -> Vec<Statement> {
    let statements = document["Statement"]
        .as_array()
        .unwrap_or_else(|| panic!("{policy} has no statements"));
    let known = [
        "Effect",
        "Action",
        "Resource",
        "Condition",
        "Principal",
        "Sid",
    ];
    let mut found = Vec::new();
    for (place, statement) in statements.iter().enumerate() {
        for name in statement
            .as_object()
            .expect("a statement is an object")
            .keys()
        {
            assert!(
                known.contains(&name.as_str()),
                "{policy}: {name} is not understood here"
            );
        }
        let resolved = |name: &str| deployment.resolve(&statement[name]).unwrap_or_default();
        let mut conditions = Condition::read(&resolved("Condition"));
        if let Some(service) = statement["Principal"].get("Service") {
            conditions.push(Condition {
                operator: "StringEquals".to_owned(),
                key: "aws:PrincipalServiceName".to_owned(),
                values: list(&deployment.resolve(service).unwrap_or_default()),
            });
        } else {
            assert!(
                statement.get("Principal").is_none(),
                "{policy}: only services are understood as principals"
            );
        }
        found.push(Statement {
            policy: policy.to_owned(),
            place,
            effect: match statement["Effect"].as_str() {
                Some("Allow") => Effect::Allow,
                Some("Deny") => Effect::Deny,
                other => panic!("{policy}: the effect {other:?}"),
            },
            actions: list(&resolved("Action")),
            // A trust policy names no resource: it is about its role.
            resources: if statement.get("Resource").is_some() {
                list(&resolved("Resource"))
            } else {
                vec!["*".to_owned()]
            },
            conditions,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_own_shape_of_no() {
        let denied = Denied {
            principal: "plan".into(),
            action: "a:B".into(),
            resource: "*".into(),
            explicit: true,
        };
        assert_eq!(denied.answer("medialive").0, 403);
        let (status, name, body) = denied.answer("dynamodb");
        assert_eq!((status, name), (400, "AccessDeniedException"));
        assert_eq!(
            body["__type"],
            "com.amazon.coral.service#AccessDeniedException"
        );
    }
}
