//! The input operations. CreateInput models neither 409 nor 422: what it refuses is a 400.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::book::Thing;
use super::channel::ChannelState;
use super::faults::quota_text;
use super::input::{Input, InputState};
use super::page::page;
use super::tags::tags_of;
use super::timers::Timer;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Types that are modelled. The rest of the API's types are a loud refusal.
const TYPES: [&str; 6] = [
    "RTP_PUSH",
    "UDP_PUSH",
    "RTMP_PUSH",
    "MEDIACONNECT",
    "URL_PULL",
    "RTMP_PULL",
];

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Input with id {id} not found"))
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Core {
    fn live_input(&self, id: &str) -> Result<&Input, ApiError> {
        self.inputs
            .get(id)
            .filter(|input| !input.gone())
            .ok_or_else(|| missing(id))
    }

    /// Public push inputs need a security group (user guide: input security groups).
    fn groups_of(&self, body: &Value, kind: &str) -> Result<Vec<String>, ApiError> {
        let groups = texts(body.get("inputSecurityGroups"));
        if !matches!(kind, "RTP_PUSH" | "UDP_PUSH" | "RTMP_PUSH") {
            return Ok(Vec::new());
        }
        if groups.len() != 1 {
            return Err(ApiError::bad(
                "Exactly one input security group is required for a push input",
            ));
        }
        match groups
            .iter()
            .find(|id| self.groups.get(*id).is_none_or(|group| group.deleted))
        {
            Some(id) => Err(ApiError::bad(format!(
                "Input security group {id} does not exist"
            ))),
            None => Ok(groups),
        }
    }

    pub(super) fn create_input(&mut self, call: &Call<'_>) -> Answer {
        if let Some(first) = self.replayed("input", call)? {
            let input = self.inputs.get(&first).ok_or_else(|| missing(&first))?;
            return Ok(json!({"input": input.json(input.state)}));
        }
        let kind = call.text("type").unwrap_or_default().to_owned();
        if !TYPES.contains(&kind.as_str()) {
            return Err(ApiError::bad(format!(
                "The simulator has no inputs of type {kind:?}"
            )));
        }
        let name = call.text("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(ApiError::bad("An input needs a name"));
        }
        let groups = self.groups_of(&call.body, &kind)?;
        let flows = self.flows_of(&call.body, &kind)?;
        let mut extra = BTreeMap::new();
        for member in ["sources", "mediaConnectFlows", "roleArn"] {
            if let Some(value) = call.body.get(member) {
                extra.insert(member.to_owned(), value.clone());
            }
        }
        if kind.ends_with("_PULL") && call.body["sources"].as_array().is_none_or(Vec::is_empty) {
            return Err(ApiError::bad("A pull input needs sources"));
        }
        self.check_push_quota(&kind)?;
        let id = self.numeric_id(|core, id| core.inputs.contains_key(id));
        let addresses = if kind.ends_with("_PUSH") {
            self.free_addresses()
        } else {
            Vec::new()
        };
        let (wait, lag) = (self.duration("input_create"), self.duration("read_lag"));
        let input = Input {
            arn: self.medialive_arn("input", &id),
            id: id.clone(),
            name,
            kind,
            // CloudTrail's sample answer for an RTP push input says DETACHED already.
            state: if wait == 0 {
                InputState::Detached
            } else {
                InputState::Creating
            },
            before: None,
            since: self.now,
            epoch: 0,
            addresses,
            groups: groups.clone(),
            channels: BTreeSet::new(),
            extra,
            tags: tags_of(call.body.get("tags")),
            created_at: self.now,
            visible_at: self.now + lag,
            deleted_at: None,
            forgotten: false,
        };
        self.remember_request("input", call, &id);
        let answer = json!({"input": input.json(input.state)});
        self.notes
            .passage(self.now, Thing::Input, &id, input.state.name());
        self.inputs.insert(id.clone(), input);
        for group in groups {
            if let Some(group) = self.groups.get_mut(&group) {
                group.inputs.insert(id.clone());
            }
        }
        for flow in flows {
            self.add_managed_output(&flow, &id);
        }
        self.meter_open_idle_input(&id);
        if wait > 0 {
            self.later(
                wait,
                Timer::Input {
                    id,
                    epoch: 0,
                    to: InputState::Detached,
                },
            );
        }
        Ok(answer)
    }

    /// MEDIACONNECT inputs name one flow or two (user guide: creating a MediaConnect input).
    fn flows_of(&self, body: &Value, kind: &str) -> Result<Vec<String>, ApiError> {
        if kind != "MEDIACONNECT" {
            return Ok(Vec::new());
        }
        let rows = body["mediaConnectFlows"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let flows: Vec<String> = rows
            .iter()
            .filter_map(|row| row["flowArn"].as_str())
            .map(str::to_owned)
            .collect();
        if flows.is_empty() || flows.len() > 2 || body["roleArn"].as_str().is_none() {
            return Err(ApiError::bad(
                "A MEDIACONNECT input needs a roleArn and one or two flows",
            ));
        }
        match flows.iter().find(|arn| !self.flows.contains_key(*arn)) {
            Some(arn) => Err(ApiError::bad(format!("The flow {arn} does not exist"))),
            None => Ok(flows),
        }
    }

    fn check_push_quota(&self, kind: &str) -> Result<(), ApiError> {
        let quota = self.quotas.push_inputs;
        let counts = |kind: &str| {
            kind.ends_with("_PUSH")
                || (kind == "MEDIACONNECT" && self.options.mediaconnect_counts == "true")
        };
        let used = self
            .inputs
            .values()
            .filter(|input| !input.gone() && counts(&input.kind))
            .count();
        if counts(kind) && used >= quota {
            return Err(ApiError::new(
                self.over_quota(),
                quota_text("push inputs", quota),
            ));
        }
        Ok(())
    }

    pub(super) fn describe_input(&mut self, call: &Call<'_>) -> Answer {
        let (id, now) = (call.param("inputId"), self.now);
        let input = self
            .inputs
            .get(id)
            .filter(|input| !input.forgotten && input.visible_at <= now)
            .ok_or_else(|| missing(id))?;
        if call.stale(now, input.since) {
            return input
                .before
                .map(|before| input.json(before))
                .ok_or_else(|| missing(id));
        }
        Ok(input.json(input.state))
    }

    pub(super) fn list_inputs(&mut self, call: &Call<'_>) -> Answer {
        let (now, deleted) = (self.now, self.options.list_deleted == "true");
        let seen = self
            .inputs
            .values()
            .filter(|input| !input.forgotten && input.visible_at <= now);
        let wanted = seen.filter(|input| deleted || input.state != InputState::Deleted);
        let rows = wanted.filter_map(|input| {
            let state = if call.stale(now, input.since) {
                input.before?
            } else {
                input.state
            };
            Some(input.json(state))
        });
        page("inputs", rows.collect(), call, self.options.page_size)
    }

    /// An attached input can be changed while its channel is IDLE only (user guide: editing an input).
    pub(super) fn update_input(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("inputId").to_owned();
        let input = self.live_input(&id)?;
        let idle = |channel: &String| {
            self.channels
                .get(channel)
                .is_none_or(|channel| channel.gone() || channel.state == ChannelState::Idle)
        };
        if !input.channels.iter().all(idle)
            || matches!(input.state, InputState::Creating | InputState::Deleting)
        {
            return Err(ApiError::conflict(format!(
                "Input {id} can not be changed in its present state"
            )));
        }
        let (kind, old) = (input.kind.clone(), input.groups.clone());
        let groups = match call.body.get("inputSecurityGroups") {
            Some(_) => self.groups_of(&call.body, &kind)?,
            None => old.clone(),
        };
        for group in old.iter().filter(|group| !groups.contains(group)) {
            let lag = self.duration("group_release");
            self.later(
                lag,
                Timer::GroupRelease {
                    group: group.clone(),
                    input: id.clone(),
                },
            );
        }
        for group in &groups {
            if let Some(group) = self.groups.get_mut(group) {
                group.inputs.insert(id.clone());
            }
        }
        let Some(input) = self.inputs.get_mut(&id) else {
            return Err(missing(&id));
        };
        input.groups = groups;
        if let Some(name) = call.text("name") {
            input.name = name.to_owned();
        }
        Ok(json!({"input": input.json(input.state)}))
    }

    /// DETACHED only.
    pub(super) fn delete_input(&mut self, id: &str) -> Answer {
        let input = self.live_input(id)?;
        match input.state {
            InputState::Detached => {}
            InputState::Deleting if self.options.wrong_state == "ok" => return Ok(json!({})),
            InputState::Attached => {
                return Err(ApiError::conflict(format!(
                    "Input {id} is attached to a channel and can not be deleted"
                )));
            }
            state => {
                return Err(ApiError::conflict(format!(
                    "Input {id} can not be deleted while it is {}",
                    state.name()
                )));
            }
        }
        let wait = self.duration("input_delete");
        self.input_enter(id, InputState::Deleting);
        let epoch = self.inputs[id].epoch;
        self.later(
            wait,
            Timer::Input {
                id: id.to_owned(),
                epoch,
                to: InputState::Deleted,
            },
        );
        Ok(json!({}))
    }
}
