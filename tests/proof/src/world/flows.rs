//! The flow, and more flows than one. A stack has one flow, which takes fifty outputs. More are past
//! what a stack is for; the benchmark has them, to ask how the rest of the house bears a crowd.
//! Each flow takes fifty destinations in the order in which they come. The sweep knows the first.

use super::World;
use crate::{Setup, deployed::Deployed, functions};
use cloud::{Cloud, clients::Clients};
use serde_json::Value;
use std::{collections::BTreeMap, rc::Rc};

/// Outputs that a flow takes (MediaConnect user guide: quotas).
const OUTPUTS: usize = 50;

/// What each worker is handed, by worker.
pub(super) type Clouds = BTreeMap<&'static str, Rc<Cloud>>;

/// The flows beside the first.
#[derive(Default)]
pub(super) struct More {
    flows: Vec<(String, Clouds)>,
    /// How many-th each destination came.
    seats: BTreeMap<String, usize>,
}

impl More {
    pub fn new(flows: Vec<(String, Clouds)>) -> More {
        More {
            flows,
            ..More::default()
        }
    }
}

/// What the workers are handed that work with this flow.
pub(super) fn clouds(
    house: &Deployed,
    setup: &Setup,
    flow_arn: &str,
    group: &str,
    clients: &Clients,
) -> Clouds {
    let all = functions::ALL.iter().map(|(worker, _)| {
        let mut settings = house.settings(worker).clone();
        flow_arn.clone_into(&mut settings.flow_arn);
        group.clone_into(&mut settings.input_security_group_id);
        if let Some(grace) = setup.grace_seconds {
            settings.grace_seconds = grace;
        }
        if let Some(grace) = setup.flow_grace_seconds {
            settings.flow_grace_seconds = grace;
        }
        let cloud = Cloud::new(settings, clients.clone(), crate::connector::clock);
        (*worker, Rc::new(cloud.with_log(crate::connector::log)))
    });
    all.collect()
}

impl World {
    /// What an invocation is handed: the flow is that of its destination.
    pub(super) fn cloud_of(&mut self, invocation: u32) -> Rc<Cloud> {
        let invocation = &self.invocations[invocation as usize];
        let worker = invocation.worker;
        if let (false, Some(id)) = (self.more.flows.is_empty(), &invocation.destination) {
            let next = self.more.seats.len();
            let seat = *self.more.seats.entry(id.clone()).or_insert(next);
            let other = (seat / OUTPUTS).checked_sub(1);
            if let Some((_, clouds)) = other.and_then(|other| self.more.flows.get(other)) {
                return Rc::clone(&clouds[worker]);
            }
        }
        Rc::clone(&self.clouds[worker])
    }

    /// The ARNs of all flows.
    pub(super) fn flow_arns(&self) -> Vec<String> {
        let more = self.more.flows.iter().map(|(arn, _)| arn.clone());
        std::iter::once(self.flow_arn.clone()).chain(more).collect()
    }

    /// Shows every flow with the address of the first: a stack with its one flow looks at the
    /// security group once in ten minutes, and not anew for each flow that is not the last one.
    pub(super) fn as_of_one_address(&self, answer: &mut Value) {
        let first = self.core.book().flow(&self.flow_arn);
        if let (false, Some(first)) = (self.more.flows.is_empty(), first)
            && let Some(address) = answer.pointer_mut("/flow/egressIp")
        {
            *address = first.egress_address().into();
        }
    }
}
