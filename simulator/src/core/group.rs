//! Input security groups: who may push. IN_USE while an input names the group, IDLE again a while
//! after the last one is gone, UPDATING for a moment after an edit (MediaLive user guide: input
//! security groups). Deleting one in use is refused with 400, as DeleteInputSecurityGroup models no 409.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::faults::quota_text;
use super::page::page;
use super::tags::{tags_json, tags_of};
use super::timers::Timer;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Rules in one group (from memory; not in the quotas page).
const RULES_MOST: usize = 10;

pub(super) struct Group {
    pub id: String,
    pub arn: String,
    pub cidrs: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// Inputs that name it, and those that did until a moment ago.
    pub inputs: BTreeSet<String>,
    pub updating: bool,
    pub deleted: bool,
}

impl Group {
    pub fn state(&self) -> &'static str {
        match (self.deleted, self.updating, self.inputs.is_empty()) {
            (true, ..) => "DELETED",
            (_, true, _) => "UPDATING",
            (.., true) => "IDLE",
            _ => "IN_USE",
        }
    }

    /// May this address push?
    pub fn admits(&self, address: &str) -> bool {
        self.cidrs.iter().any(|cidr| cidr_holds(cidr, address))
    }
}

/// Does an IPv4 block hold an address? What cannot be read holds nothing.
pub(super) fn cidr_holds(cidr: &str, address: &str) -> bool {
    let (Some((network, bits)), Ok(address)) = (cidr_parts(cidr), address.parse::<Ipv4Addr>())
    else {
        return false;
    };
    let mask = if bits == 0 {
        0
    } else {
        u32::MAX << (32 - bits)
    };
    u32::from(network) & mask == u32::from(address) & mask
}

pub(super) fn cidr_parts(cidr: &str) -> Option<(Ipv4Addr, u32)> {
    let (network, bits) = cidr.split_once('/')?;
    let bits = bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?;
    Some((network.parse().ok()?, bits))
}

fn cidrs_of(body: &Value) -> Result<Vec<String>, ApiError> {
    let rules = body
        .get("whitelistRules")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let cidrs: Vec<String> = rules
        .iter()
        .filter_map(|rule| rule["cidr"].as_str())
        .map(str::to_owned)
        .collect();
    if cidrs.is_empty() {
        // Seen in the answer of the real service.
        return Err(ApiError::bad("Must specify at least one whitelist"));
    }
    if cidrs.len() > RULES_MOST {
        return Err(ApiError::bad(format!(
            "At most {RULES_MOST} whitelist rules are allowed"
        )));
    }
    match cidrs.iter().find(|cidr| cidr_parts(cidr).is_none()) {
        Some(wrong) => Err(ApiError::bad(format!("{wrong} is not a valid CIDR block"))),
        None => Ok(cidrs),
    }
}

impl Core {
    fn group_json(&self, group: &Group) -> Value {
        let attached = group.inputs.iter().filter_map(|id| self.inputs.get(id));
        let channels: BTreeSet<&String> =
            attached.flat_map(|input| input.channels.iter()).collect();
        let rules = group.cidrs.iter().map(|cidr| json!({"cidr": cidr}));
        json!({
            "id": group.id, "arn": group.arn, "state": group.state(), "inputs": group.inputs,
            "channels": channels, "whitelistRules": rules.collect::<Vec<_>>(), "tags": tags_json(&group.tags),
        })
    }

    fn group(&mut self, id: &str) -> Result<&mut Group, ApiError> {
        let group = self.groups.get_mut(id).filter(|group| !group.deleted);
        group.ok_or_else(|| ApiError::not_found(format!("Input security group {id} not found")))
    }

    pub(super) fn create_group(&mut self, call: &Call<'_>) -> Answer {
        let cidrs = cidrs_of(&call.body)?;
        let quota = self.quotas.security_groups;
        if self.groups.values().filter(|group| !group.deleted).count() >= quota {
            return Err(ApiError::new(
                self.over_quota(),
                quota_text("input security groups", quota),
            ));
        }
        let id = self.numeric_id(|core, id| core.groups.contains_key(id));
        let group = Group {
            arn: self.medialive_arn("inputSecurityGroup", &id),
            id: id.clone(),
            cidrs,
            tags: tags_of(call.body.get("tags")),
            inputs: BTreeSet::new(),
            updating: false,
            deleted: false,
        };
        let answer = json!({"securityGroup": self.group_json(&group)});
        self.groups.insert(id, group);
        Ok(answer)
    }

    pub(super) fn describe_group(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("inputSecurityGroupId");
        self.group(id)?;
        Ok(self.group_json(&self.groups[id]))
    }

    pub(super) fn list_groups(&mut self, call: &Call<'_>) -> Answer {
        let rows = self
            .groups
            .values()
            .filter(|group| !group.deleted)
            .map(|group| self.group_json(group));
        page(
            "inputSecurityGroups",
            rows.collect(),
            call,
            self.options.page_size,
        )
    }

    pub(super) fn update_group(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("inputSecurityGroupId").to_owned();
        if self.group(&id)?.updating {
            return Err(ApiError::conflict(
                "The input security group is being updated",
            ));
        }
        let cidrs = cidrs_of(&call.body)?;
        let wait = self.duration("group_update");
        let group = self.group(&id)?;
        group.cidrs = cidrs;
        group.updating = wait > 0;
        if let Some(tags) = call.body.get("tags") {
            group.tags = tags_of(Some(tags));
        }
        if wait > 0 {
            self.later(wait, Timer::GroupSettles { id: id.clone() });
        }
        Ok(json!({"securityGroup": self.group_json(&self.groups[&id])}))
    }

    pub(super) fn delete_group(&mut self, id: &str) -> Answer {
        let group = self.group(id)?;
        if !group.inputs.is_empty() {
            return Err(ApiError::bad(format!(
                "Input security group {id} is still being used by inputs"
            )));
        }
        group.deleted = true;
        Ok(json!({}))
    }
}
