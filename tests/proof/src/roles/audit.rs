//! Granted against used: nothing missing, nothing unused, nothing wider than its use.
//!
//! A permission bears load if, without it, at least one recorded call is denied. A condition bears
//! load if, without it, a call that differs from a recorded one only in that key (another value, or
//! none) is permitted which the roles as they stand deny.

use std::collections::BTreeSet;

use super::call::{Call, Need};
use super::{Denied, Effect, Roles, Statement, Verdict};

/// A call that was made, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recorded {
    /// Worker, state machine or service.
    pub holder: String,
    /// The call.
    pub call: Call,
}

/// One permission: an action on a resource, as a statement writes both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The policy.
    pub policy: String,
    /// The statement's place in it.
    pub place: usize,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
}

/// Permissions that calls have used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used(BTreeSet<Permission>);

impl Used {
    /// Notes what permits a call. Nothing if it is not permitted.
    pub fn note(&mut self, roles: &Roles, holder: &str, call: &Call) {
        for need in call.needs() {
            for statement in roles.judge(holder, &need).into_iter().flatten() {
                self.0.extend(
                    permissions(statement).filter(|permission| fits(permission, statement, &need)),
                );
            }
        }
    }
}

fn fits(permission: &Permission, statement: &Statement, need: &Need) -> bool {
    let mut one = statement.clone();
    one.actions = vec![permission.action.clone()];
    one.resources = vec![permission.resource.clone()];
    one.covers(need)
}

/// The permissions of a statement.
fn permissions(statement: &Statement) -> impl Iterator<Item = Permission> {
    statement.actions.iter().flat_map(move |action| {
        statement.resources.iter().map(move |resource| Permission {
            policy: statement.policy.clone(),
            place: statement.place,
            action: action.clone(),
            resource: resource.clone(),
        })
    })
}

/// What no call has used.
#[must_use]
pub fn unused(roles: &Roles, used: &Used) -> Vec<Permission> {
    let allows = roles
        .all()
        .into_iter()
        .filter(|statement| statement.effect == Effect::Allow);
    allows
        .flat_map(permissions)
        .filter(|permission| !used.0.contains(permission))
        .collect()
}

/// Calls that were made and may not be.
#[must_use]
pub fn missing(roles: &Roles, recorded: &[Recorded]) -> Vec<Denied> {
    let denied = recorded
        .iter()
        .filter_map(|it| match roles.permits(&it.holder, &it.call) {
            Verdict::Permitted => None,
            Verdict::Denied(denied) => Some(denied),
        });
    denied.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Something in the roles that no recorded call would miss.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Useless {
    /// A permission.
    Permission(Permission),
    /// A condition's key in a statement: policy, place, key.
    Condition(String, usize, String),
    /// A statement that denies what would be denied anyway.
    Denial(String, usize),
}

/// Takes each permission, condition and denial away in turn, and gives those whose loss no recorded
/// call would notice.
#[must_use]
pub fn load_bearing(roles: &Roles, recorded: &[Recorded]) -> Vec<Useless> {
    let needs: Vec<(&str, Need)> = recorded
        .iter()
        .flat_map(|it| {
            it.call
                .needs()
                .into_iter()
                .map(|need| (it.holder.as_str(), need))
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut useless = Vec::new();
    for statement in roles.all() {
        let under: Vec<&(&str, Need)> = needs
            .iter()
            .filter(|(holder, _)| roles.statements_of(holder).contains(statement))
            .collect();
        if statement.effect == Effect::Deny {
            if !denial_bears(roles, statement, &under) {
                useless.push(Useless::Denial(statement.policy.clone(), statement.place));
            }
            continue;
        }
        for permission in permissions(statement) {
            let without = roles.mutated_by(statement, &permission);
            let noticed = under.iter().any(|(holder, need)| {
                roles.judge(holder, need).is_ok() && without.judge(holder, need).is_err()
            });
            if !noticed {
                useless.push(Useless::Permission(permission));
            }
        }
        for condition in &statement.conditions {
            let mut loose = statement.clone();
            loose.conditions.retain(|other| other != condition);
            let loose_roles = roles.mutated(statement, Some(loose));
            let noticed =
                under
                    .iter()
                    .filter(|(_, need)| statement.covers(need))
                    .any(|(holder, need)| {
                        foreign(need, &condition.key).iter().any(|other| {
                            roles.judge(holder, other).is_err()
                                && loose_roles.judge(holder, other).is_ok()
                        })
                    });
            if !noticed {
                let name = format!("{} {}", condition.operator, condition.key);
                useless.push(Useless::Condition(
                    statement.policy.clone(),
                    statement.place,
                    name,
                ));
            }
        }
    }
    useless
}

impl Roles {
    /// The same roles without one permission of a statement; what else the statement gives stays.
    fn mutated_by(&self, statement: &Statement, permission: &Permission) -> Roles {
        let mut roles = self.mutated(statement, None);
        for (action, resource) in statement.actions.iter().flat_map(|action| {
            statement
                .resources
                .iter()
                .map(move |resource| (action, resource))
        }) {
            if (action, resource) != (&permission.action, &permission.resource) {
                let mut one = statement.clone();
                one.actions = vec![action.clone()];
                one.resources = vec![resource.clone()];
                roles.add_where(self, statement, &one);
            }
        }
        roles
    }

    /// Adds a statement to every role that held another one.
    fn add_where(&mut self, before: &Roles, held: &Statement, added: &Statement) {
        for (role, statements) in &mut self.statements {
            if before.statements[role].contains(held) {
                statements.push(added.clone());
            }
        }
    }
}

/// The same need as somebody else's thing would have it: another value of the key, and none.
fn foreign(need: &Need, key: &str) -> Vec<Need> {
    let key = key.to_ascii_lowercase();
    let mut none = need.clone();
    none.keys.remove(&key);
    let mut other = need.clone();
    other.keys.insert(key, vec!["somebody-else".to_owned()]);
    vec![none, other]
}

/// A denial bears load if the resource's own policy would permit what it denies: the key policy of
/// `aws/ssm` lets everybody in the account decrypt through Parameter Store (Key Management Service
/// guide, "Viewing AWS managed keys"). So it must cover the reading of every parameter that the
/// same role may look at.
fn denial_bears(roles: &Roles, statement: &Statement, under: &[&(&str, Need)]) -> bool {
    let looks: Vec<_> = under
        .iter()
        .filter(|(_, need)| need.action == "ssm:GetParameter")
        .collect();
    let decrypts = |need: &Need| {
        let parameter = super::Resource::new(need.resource.as_str());
        let key = super::Resource::new("arn:aws:kms:us-west-2:123456789012:key/1");
        Call::new("ssm", "GetParameter", vec![parameter, key])
            .needs()
            .remove(1)
    };
    !looks.is_empty()
        && looks.iter().all(|(holder, need)| {
            statement.covers(&decrypts(need))
                && roles
                    .judge(holder, &decrypts(need))
                    .is_err_and(|denied| denied.explicit)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{Deployment, Resource};
    use house::template;
    use serde_json::{Value, json};

    const CHANNEL: &str = "arn:aws:medialive:us-west-2:123456789012:channel:42";
    const LEDGER: &str = "arn:aws:dynamodb:us-west-2:123456789012:table/lunora-lunora-ledger";

    /// What stop-channel calls in a life, and only its statements.
    fn of_stop_channel() -> Vec<Recorded> {
        let ours = Resource {
            arn: CHANNEL.into(),
            tags: [("lunora:stack".into(), "lunora".into())].into(),
        };
        [
            Call::new("dynamodb", "UpdateItem", vec![Resource::new(LEDGER)])
                .with("dynamodb:LeadingKeys", "a"),
            Call::new("medialive", "StopChannel", vec![ours.clone()]),
            Call::new("medialive", "DescribeChannel", vec![ours]),
        ]
        .map(|call| Recorded {
            holder: "stop-channel".into(),
            call,
        })
        .to_vec()
    }

    fn about(found: Vec<Useless>, wanted: &str) -> Vec<Useless> {
        let policy = |it: &Useless| match it {
            Useless::Permission(permission) => permission.policy.clone(),
            Useless::Condition(policy, ..) | Useless::Denial(policy, _) => policy.clone(),
        };
        found
            .into_iter()
            .filter(|it| policy(it) == wanted)
            .collect()
    }

    fn planted(statement: Value) -> Roles {
        let mut changed = template::load();
        let path = "/Resources/StopChannelRole/Properties/Policies/0/PolicyDocument/Statement";
        changed
            .pointer_mut(path)
            .unwrap()
            .as_array_mut()
            .unwrap()
            .push(statement);
        Roles::of(&Deployment::new(changed))
    }

    #[test]
    fn a_fitting_role_has_nothing_useless() {
        let roles = Roles::from_template();
        let recorded = of_stop_channel();
        assert_eq!(missing(&roles, &recorded), []);
        assert_eq!(
            about(load_bearing(&roles, &recorded), "StopChannelRole"),
            []
        );
        let mut used = Used::default();
        recorded
            .iter()
            .for_each(|it| used.note(&roles, &it.holder, &it.call));
        assert!(
            !unused(&roles, &used)
                .iter()
                .any(|it| it.policy == "StopChannelRole")
        );
    }

    #[test]
    fn each_permission_that_is_not_used_is_named() {
        let roles = planted(
            json!({"Effect": "Allow", "Action": ["medialive:StopChannel", "medialive:DescribeInput"], "Resource": CHANNEL}),
        );
        let recorded = of_stop_channel();
        let found = about(load_bearing(&roles, &recorded), "StopChannelRole");
        // What is granted twice bears no load in either place.
        let shape: Vec<(usize, &str)> = found
            .iter()
            .map(|it| match it {
                Useless::Permission(permission) => (permission.place, permission.action.as_str()),
                Useless::Condition(_, place, name) => (*place, name.as_str()),
                Useless::Denial(_, place) => (*place, "deny"),
            })
            .collect();
        let key = "StringEquals aws:ResourceTag/lunora:stack";
        assert_eq!(
            shape,
            [
                (1, "medialive:StopChannel"),
                (1, key),
                (3, "medialive:StopChannel"),
                (3, "medialive:DescribeInput")
            ]
        );
        let mut used = Used::default();
        recorded
            .iter()
            .for_each(|it| used.note(&roles, &it.holder, &it.call));
        let idle = unused(&roles, &used);
        assert!(
            idle.iter()
                .any(|it| it.place == 3 && it.action == "medialive:DescribeInput")
        );
    }

    #[test]
    fn a_call_that_is_not_permitted_is_named() {
        let mut recorded = of_stop_channel();
        recorded.push(Recorded {
            holder: "stop-channel".into(),
            call: Call::new("medialive", "ListChannels", vec![]),
        });
        let found = missing(&Roles::from_template(), &recorded);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].action, "medialive:ListChannels");
    }

    #[test]
    fn a_denial_must_cover_what_it_is_for() {
        let look = |prefix: &str| {
            let parameter = Resource::new(format!(
                "arn:aws:ssm:us-west-2:123456789012:parameter{prefix}/a"
            ));
            vec![Recorded {
                holder: "plan".into(),
                call: Call::new("ssm", "GetParameter", vec![parameter]),
            }]
        };
        let recorded = look("/lunora-player/streaming");
        let roles = Roles::from_template();
        let denial = |found: Vec<Useless>| found.iter().any(|it| matches!(it, Useless::Denial(..)));
        assert!(!denial(load_bearing(&roles, &recorded)));
        assert!(denial(load_bearing(&roles, &[])));
    }
}
