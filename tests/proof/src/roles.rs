//! The template's roles, evaluated: what each worker, state machine and service may do.
//!
//! Statements are read from `template.yaml` itself and judged as IAM does (IAM user guide, "Policy
//! evaluation logic"): an explicit deny wins, then any allow, else it is denied. The world asks before
//! a call takes effect, so a permission that is missing fails a run and not the first show on AWS.
//!
//! - `resolve`: the template's functions, for one deployment
//! - `policy`: statements, and the answer where none permits
//! - `condition`: condition operators and wildcards
//! - `call`: which actions on what an operation needs
//! - `wire`: requests as calls
//! - `platform`: what AWS's services themselves do with our roles
//! - `guard`: the roles in force in a world
//! - `audit`: granted against used, permission by permission
//! - `width`: which wildcards are wider than any use, and why

pub mod audit;
pub mod call;
pub mod condition;
pub mod guard;
pub mod platform;
pub mod policy;
pub mod resolve;
pub mod width;
pub mod wire;

use std::collections::BTreeMap;

use house::template;
use serde_json::json;

pub use call::{Call, Need, Resource, Tags};
pub use policy::{Denied, Effect, Statement, Verdict};
pub use resolve::Deployment;

/// Every role of a deployment, by who has it.
#[derive(Clone, Debug)]
pub struct Roles {
    deployment: Deployment,
    /// Worker or state machine, or the role's own name where AWS's services have it: its role.
    holders: BTreeMap<String, String>,
    statements: BTreeMap<String, Vec<Statement>>,
}

impl Roles {
    /// From the template as it stands, with its defaults.
    #[must_use]
    pub fn from_template() -> Roles {
        Roles::of(&Deployment::new(template::load()))
    }

    /// Of one deployment.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Roles {
        let mut roles = Roles {
            deployment: deployment.clone(),
            holders: BTreeMap::new(),
            statements: BTreeMap::new(),
        };
        for (name, properties) in deployment.resources("AWS::IAM::Role") {
            let mut statements = Vec::new();
            for policy in properties["ManagedPolicyArns"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let policy = policy["Ref"]
                    .as_str()
                    .expect("a managed policy of the template");
                let document =
                    &deployment.template()["Resources"][policy]["Properties"]["PolicyDocument"];
                statements.extend(policy::read(deployment, policy, document));
            }
            let inline = properties["Policies"].as_array().into_iter().flatten();
            for (at, policy) in inline.enumerate() {
                let source = if at == 0 {
                    name.to_owned()
                } else {
                    format!("{name}.{at}")
                };
                statements.extend(policy::read(deployment, &source, &policy["PolicyDocument"]));
            }
            roles.statements.insert(name.to_owned(), statements);
            let trust = format!("trust in {name}");
            let document = &properties["AssumeRolePolicyDocument"];
            roles
                .statements
                .insert(trust.clone(), policy::read(deployment, &trust, document));
            roles.holders.insert(name.to_owned(), name.to_owned());
            roles.holders.insert(trust.clone(), trust);
        }
        for (name, properties) in deployment.resources("AWS::SQS::QueuePolicy") {
            let statements = policy::read(deployment, name, &properties["PolicyDocument"]);
            roles.statements.insert(name.to_owned(), statements);
            roles.holders.insert(name.to_owned(), name.to_owned());
        }
        for (kind, property) in [
            ("AWS::Serverless::Function", "FunctionName"),
            ("AWS::Serverless::StateMachine", "Name"),
        ] {
            for (_, properties) in deployment.resources(kind) {
                let label = deployment.text(&json!({"Fn::Sub": "lunora-${StackLabel}-"}));
                let name = deployment.text(&properties[property]);
                let name = name.strip_prefix(&label).unwrap_or(&name).to_owned();
                let role = properties["Role"]["Fn::GetAtt"][0]
                    .as_str()
                    .expect("a role of the template");
                roles.holders.insert(name, role.to_owned());
                roles.holders.remove(role);
            }
        }
        roles
    }

    /// The deployment they are of.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Everybody who has a role: workers and state machines by name, services by their role's.
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        self.holders.keys().map(String::as_str)
    }

    /// Every statement once, shared ones too.
    #[must_use]
    pub fn all(&self) -> Vec<&Statement> {
        let mut all: Vec<&Statement> = self
            .holders
            .values()
            .flat_map(|role| &self.statements[role])
            .collect();
        all.sort_by_key(|statement| (&statement.policy, statement.place));
        all.dedup();
        all
    }

    /// Whether a worker or a state machine may make a call.
    #[must_use]
    pub fn permits(&self, holder: &str, call: &Call) -> Verdict {
        let denied = call
            .needs()
            .iter()
            .find_map(|need| self.judge(holder, need).err());
        denied.map_or(Verdict::Permitted, Verdict::Denied)
    }

    /// Judges one need; gives the statements that allow it.
    pub fn judge(&self, holder: &str, need: &Need) -> Result<Vec<&Statement>, Denied> {
        let of = |effect| {
            move |statement: &&Statement| statement.effect == effect && statement.covers(need)
        };
        let statements = self.statements_of(holder);
        let explicit = statements
            .iter()
            .any(|statement| of(Effect::Deny)(&statement));
        let allowing: Vec<&Statement> = statements.iter().filter(of(Effect::Allow)).collect();
        if explicit || allowing.is_empty() {
            return Err(Denied {
                principal: holder.to_owned(),
                action: need.action.clone(),
                resource: need.resource.clone(),
                explicit,
            });
        }
        Ok(allowing)
    }

    /// The statements that a worker, state machine or service is under.
    #[must_use]
    pub fn statements_of(&self, holder: &str) -> &[Statement] {
        let role = self
            .holders
            .get(holder)
            .unwrap_or_else(|| panic!("{holder} has no role"));
        &self.statements[role]
    }

    /// The same roles with one statement changed wherever it stands; None takes it out.
    #[must_use]
    pub fn mutated(&self, statement: &Statement, change: Option<Statement>) -> Roles {
        let mut roles = self.clone();
        for statements in roles.statements.values_mut() {
            if let Some(at) = statements.iter().position(|it| it == statement) {
                match &change {
                    Some(other) => statements[at] = other.clone(),
                    None => drop(statements.remove(at)),
                }
            }
        }
        roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: &str = "arn:aws:medialive:us-west-2:123456789012:channel:42";
    const LEDGER: &str = "arn:aws:dynamodb:us-west-2:123456789012:table/lunora-lunora-ledger";

    fn with_stack(arn: &str, stack: &str) -> Resource {
        Resource {
            arn: arn.to_owned(),
            tags: [("lunora:stack".to_owned(), stack.to_owned())].into(),
        }
    }

    fn on_channel(operation: &str, channel: Resource) -> Call {
        Call::new("medialive", operation, vec![channel])
    }

    #[test]
    fn a_worker_may_do_what_its_role_says_and_nothing_else() {
        let roles = Roles::from_template();
        let stop = on_channel("StopChannel", with_stack(CHANNEL, "lunora"));
        assert!(roles.permits("stop-channel", &stop).is_permitted());
        assert!(!roles.permits("plan", &stop).is_permitted());
        let Verdict::Denied(denied) = roles.permits(
            "stop-channel",
            &on_channel("DeleteChannel", with_stack(CHANNEL, "lunora")),
        ) else {
            panic!("stop-channel deletes");
        };
        assert_eq!(denied.action, "medialive:DeleteChannel");
        assert!(!denied.explicit);
        assert!(denied.sentence().ends_with(
            "because no identity-based policy allows the medialive:DeleteChannel action"
        ));
    }

    #[test]
    fn what_does_not_carry_our_tag_is_out_of_reach() {
        let roles = Roles::from_template();
        for foreign in [with_stack(CHANNEL, "theirs"), Resource::new(CHANNEL)] {
            assert!(
                !roles
                    .permits("stop-channel", &on_channel("StopChannel", foreign.clone()))
                    .is_permitted()
            );
            assert!(
                roles
                    .permits("stop-channel", &on_channel("DescribeChannel", foreign))
                    .is_permitted()
            );
        }
    }

    #[test]
    fn the_one_row_every_worker_may_read() {
        let roles = Roles::from_template();
        let get = |key: &str| {
            Call::new("dynamodb", "GetItem", vec![Resource::new(LEDGER)])
                .with("dynamodb:LeadingKeys", key)
        };
        assert!(
            roles
                .permits("stop-channel", &get("flow#main"))
                .is_permitted()
        );
        assert!(
            !roles
                .permits("stop-channel", &get("youtube"))
                .is_permitted()
        );
        assert!(roles.permits("plan", &get("youtube")).is_permitted());
        let scan = Call::new("dynamodb", "GetItem", vec![Resource::new(LEDGER)]);
        assert!(
            !roles.permits("stop-channel", &scan).is_permitted(),
            "no key at all"
        );
    }

    #[test]
    fn an_explicit_deny_wins() {
        let roles = Roles::from_template();
        let key = Need {
            action: "kms:Decrypt".to_owned(),
            resource: "arn:aws:kms:us-west-2:123456789012:key/1".to_owned(),
            keys: [(
                "kms:viaservice".to_owned(),
                vec!["ssm.us-west-2.amazonaws.com".to_owned()],
            )]
            .into(),
        };
        assert!(roles.judge("plan", &key).unwrap_err().explicit);
        assert!(!roles.judge("claim", &key).unwrap_err().explicit);
    }

    #[test]
    fn only_the_service_it_is_for_takes_a_role() {
        let roles = Roles::from_template();
        let takes = |role: &str, service: &str, account: &str| {
            let call = Call::new("sts", "AssumeRole", vec![Resource::new("*")])
                .with("aws:PrincipalServiceName", service)
                .with("aws:SourceAccount", account);
            roles
                .permits(&format!("trust in {role}"), &call)
                .is_permitted()
        };
        assert!(takes("PlanRole", "lambda.amazonaws.com", resolve::ACCOUNT));
        assert!(!takes("PlanRole", "ec2.amazonaws.com", resolve::ACCOUNT));
        assert!(takes(
            "ReconcileRole",
            "states.amazonaws.com",
            resolve::ACCOUNT
        ));
        assert!(!takes(
            "ReconcileRole",
            "states.amazonaws.com",
            "000000000000"
        ));
    }

    #[test]
    fn everybody_has_a_role() {
        let roles = Roles::from_template();
        for worker in house::house::workers() {
            assert!(!roles.statements_of(&worker).is_empty(), "{worker}");
        }
        assert!(roles.holders().any(|holder| holder == "reconcile"));
        assert!(roles.holders().any(|holder| holder == "MediaLiveRole"));
        assert!(!roles.holders().any(|holder| holder == "PlanRole"));
    }
}
