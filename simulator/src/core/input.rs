//! A MediaLive input: its addresses, its states, who is attached. An input serves one channel only;
//! it is ATTACHED from the channel's creation until some time after the channel is gone
//! (AWS's waiter for DETACHED allows 420 s; production code sees it lag).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Core;
use super::book::Thing;
use super::tags::{Tags, tags_json};
use super::timers::Timer;

/// The API's input states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputState {
    Creating,
    Detached,
    Attached,
    Deleting,
    Deleted,
}

impl InputState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Detached => "DETACHED",
            Self::Attached => "ATTACHED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }
}

/// The port of every RTP push input; FEC arrives on the ports 2 and 4 above
/// (user guide: creating an RTP push input).
pub(super) const RTP_PORT: u16 = 5000;

/// One input.
pub(super) struct Input {
    pub id: String,
    pub arn: String,
    pub name: String,
    pub kind: String,
    pub state: InputState,
    pub before: Option<InputState>,
    pub since: u64,
    pub epoch: u64,
    /// Two addresses of its own for its whole life, also if only one pipeline reads.
    pub addresses: Vec<String>,
    pub groups: Vec<String>,
    pub channels: BTreeSet<String>,
    /// Request members that are only answered back: sources, mediaConnectFlows, roleArn.
    pub extra: BTreeMap<String, Value>,
    pub tags: Tags,
    pub created_at: u64,
    pub visible_at: u64,
    pub deleted_at: Option<u64>,
    pub forgotten: bool,
}

impl Input {
    pub fn gone(&self) -> bool {
        self.forgotten || self.state == InputState::Deleted
    }

    pub fn is_push(&self) -> bool {
        self.kind.ends_with("_PUSH") || self.kind == "MEDIACONNECT"
    }

    pub fn destinations(&self) -> Value {
        let scheme = match self.kind.as_str() {
            "RTP_PUSH" => "rtp",
            "UDP_PUSH" => "udp",
            _ => "rtmp",
        };
        let rows = self.addresses.iter().map(|ip| json!({
            "ip": ip, "port": RTP_PORT.to_string(), "url": format!("{scheme}://{ip}:{RTP_PORT}"),
        }));
        rows.collect()
    }

    /// As DescribeInput has it.
    pub fn json(&self, state: InputState) -> Value {
        let mut out = json!({
            "id": self.id, "arn": self.arn, "name": self.name, "type": self.kind, "state": state.name(),
            "inputClass": if self.addresses.len() == 1 { "SINGLE_PIPELINE" } else { "STANDARD" },
            "inputSourceType": "STATIC", "inputPartnerIds": [], "inputDevices": [], "sources": [],
            "mediaConnectFlows": [], "attachedChannels": self.channels, "securityGroups": self.groups,
            "destinations": self.destinations(), "tags": tags_json(&self.tags),
        });
        for (key, value) in &self.extra {
            out[key] = value.clone();
        }
        out
    }
}

impl Core {
    /// Enters a state now.
    pub(super) fn input_enter(&mut self, id: &str, to: InputState) {
        let now = self.now;
        let Some(input) = self.inputs.get_mut(id) else {
            return;
        };
        input.before = Some(input.state);
        input.state = to;
        input.since = now;
        input.epoch += 1;
        self.notes.passage(now, Thing::Input, id, to.name());
        if to != InputState::Deleted {
            return;
        }
        input.deleted_at = Some(now);
        let groups = input.groups.clone();
        self.meter_close_idle(id);
        self.remove_managed_outputs(id);
        for group in groups {
            let lag = self.duration("group_release");
            self.later(
                lag,
                Timer::GroupRelease {
                    group,
                    input: id.to_owned(),
                },
            );
        }
        let linger = self.duration("deleted_lingers");
        self.later(linger, Timer::InputForget { id: id.to_owned() });
    }

    /// A channel names it: ATTACHED at once.
    pub(super) fn input_attach(&mut self, id: &str, channel: &str) {
        if let Some(input) = self.inputs.get_mut(id) {
            input.channels.insert(channel.to_owned());
            self.input_enter(id, InputState::Attached);
        }
    }

    /// The channel is gone, or names it no more.
    pub(super) fn input_detach(&mut self, id: &str, channel: &str) {
        let named_again = self.channels.get(channel).is_some_and(|channel| {
            !channel.gone() && channel.input_ids().iter().any(|input| input == id)
        });
        let Some(input) = self.inputs.get_mut(id) else {
            return;
        };
        if named_again || !input.channels.remove(channel) {
            return;
        }
        if input.channels.is_empty() && input.state == InputState::Attached {
            self.input_enter(id, InputState::Detached);
        }
    }

    /// Two free addresses. They look public and are invented: 203.0.113.0/24 and 198.51.100.0/24
    /// are reserved for documentation, 198.18.0.0/15 for benchmarks.
    pub(super) fn free_addresses(&self) -> Vec<String> {
        let living = self.inputs.values().filter(|input| !input.gone());
        let mut taken = vec![false; self.inputs.len() + 1];
        for place in living.filter_map(|input| place_of(input.addresses.first()?)) {
            if let Some(taken) = taken.get_mut(place) {
                *taken = true;
            }
        }
        let index = taken.iter().position(|taken| !taken).unwrap_or_default();
        if index < 254 {
            vec![
                format!("203.0.113.{}", index + 1),
                format!("198.51.100.{}", index + 1),
            ]
        } else {
            let index = index - 254;
            let rest = format!("{}.{}", index / 256 % 256, index % 256);
            vec![format!("198.18.{rest}"), format!("198.19.{rest}")]
        }
    }
}

/// How many-th of the invented pairs an address begins.
fn place_of(address: &str) -> Option<usize> {
    if let Some(last) = address.strip_prefix("203.0.113.") {
        return last.parse::<usize>().ok()?.checked_sub(1);
    }
    let (high, low) = address.strip_prefix("198.18.")?.split_once('.')?;
    Some(254 + 256 * high.parse::<usize>().ok()? + low.parse::<usize>().ok()?)
}
