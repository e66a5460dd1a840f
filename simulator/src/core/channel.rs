//! A MediaLive channel: its record, its states, and what each change of state brings with it
//! (events, billing, alerts, inputs). Transitions as in AWS's waiters and the MediaLive user guide
//! (editing and deleting a channel; starting, stopping and deleting a channel).

use serde_json::{Map, Value, json};

use super::Core;
use super::alerts::{Alert, INACCESSIBLE};
use super::book::Thing;
use super::tags::{Tags, tags_json};
use super::thumbnails::Thumbnail;
use super::timers::Timer;
use super::wire::ApiError;

/// The API's channel states that the simulator goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelState {
    Creating,
    CreateFailed,
    Idle,
    Starting,
    Running,
    Recovering,
    Stopping,
    Updating,
    UpdateFailed,
    Deleting,
    Deleted,
}

impl ChannelState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Idle => "IDLE",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Recovering => "RECOVERING",
            Self::Stopping => "STOPPING",
            Self::Updating => "UPDATING",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }
}

/// One channel. `settings` is the request in wire case and holds the stream name, so nothing here
/// derives Debug.
pub(super) struct Channel {
    pub id: String,
    pub arn: String,
    pub settings: Map<String, Value>,
    pub tags: Tags,
    pub state: ChannelState,
    pub before: Option<ChannelState>,
    pub since: u64,
    pub epoch: u64,
    pub run: u64,
    pub created_at: u64,
    pub visible_at: u64,
    pub deleted_at: Option<u64>,
    pub forgotten: bool,
    pub alerts: Vec<Alert>,
    pub alert_counter: u64,
    /// Does the input receive, as far as alerts have told?
    pub receiving: bool,
    /// With ideal media: since when it receives nothing.
    pub silent_since: Option<u64>,
    /// Has this run ever had a picture?
    pub probed: bool,
    /// The output has begun; it may be between two connections.
    pub publishing: bool,
    /// The RTMP server has accepted the publication, as far as is known.
    pub connected: bool,
    /// A wait of the output that was begun before this changed is void.
    pub rtmp_epoch: u64,
    pub rtmp_failures: u64,
    pub thumbnail: Option<Thumbnail>,
    pub thumbnail_asked_at: Option<u64>,
    /// Stopped by AWS for maintenance, and to be started again by it.
    pub maintained: bool,
    /// The last reason reported for a failed connection or encoder.
    pub trouble: Option<String>,
}

impl Channel {
    pub fn gone(&self) -> bool {
        self.forgotten || self.state == ChannelState::Deleted
    }

    pub fn name(&self) -> &str {
        self.settings
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub fn standard(&self) -> bool {
        self.settings.get("channelClass").and_then(Value::as_str) != Some("SINGLE_PIPELINE")
    }

    pub fn pipelines(&self) -> u64 {
        if self.standard() { 2 } else { 1 }
    }

    pub fn pipelines_running(&self) -> u64 {
        match self.state {
            ChannelState::Running => self.pipelines(),
            ChannelState::Recovering => self.pipelines() - 1,
            _ => 0,
        }
    }

    pub fn attachments(&self) -> &[Value] {
        self.settings
            .get("inputAttachments")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub fn input_ids(&self) -> Vec<String> {
        self.attachments()
            .iter()
            .filter_map(|row| row["inputId"].as_str())
            .map(str::to_owned)
            .collect()
    }

    pub fn attachment_name(&self) -> String {
        let first = self.attachments().first();
        first
            .and_then(|row| row["inputAttachmentName"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    pub fn encoder(&self) -> &Value {
        self.settings.get("encoderSettings").unwrap_or(&Value::Null)
    }

    pub fn started(&self) -> bool {
        use ChannelState::{Recovering, Running, Starting, Stopping};
        matches!(self.state, Starting | Running | Recovering | Stopping)
    }

    /// As DescribeChannel has it, stream names included, as AWS does.
    pub fn json(&self, state: ChannelState) -> Value {
        let mut out = self.settings.clone();
        out.remove("requestId");
        out.remove("dryRun");
        out.insert("id".into(), json!(self.id));
        out.insert("arn".into(), json!(self.arn));
        out.insert("state".into(), json!(state.name()));
        out.insert(
            "pipelinesRunningCount".into(),
            json!(self.pipelines_running()),
        );
        out.insert("tags".into(), tags_json(&self.tags));
        let pipelines = 0..self.pipelines();
        // Egress addresses are invented (TEST-NET-1).
        let egress = pipelines
            .clone()
            .map(|pipeline| json!({"sourceIp": format!("192.0.2.{}", 200 + pipeline)}));
        out.insert("egressEndpoints".into(), egress.collect());
        let details = if state == ChannelState::Running {
            pipelines.map(|pipeline| json!({
                "pipelineId": pipeline.to_string(), "activeInputAttachmentName": self.attachment_name(),
                "activeInputSwitchActionName": "",
            })).collect()
        } else {
            Value::Array(Vec::new())
        };
        out.insert("pipelineDetails".into(), details);
        Value::Object(out)
    }

    /// As ListChannels has it: without the encoder settings.
    pub fn summary(&self, state: ChannelState) -> Value {
        let mut out = self.json(state);
        if let Some(members) = out.as_object_mut() {
            members.remove("encoderSettings");
            members.remove("pipelineDetails");
        }
        out
    }
}

impl Core {
    /// A channel that Describe may show: not before the read lag ends, not after it is forgotten.
    pub(super) fn visible_channel(&self, id: &str) -> Result<&Channel, ApiError> {
        let channel = self
            .channels
            .get(id)
            .filter(|channel| !channel.forgotten && channel.visible_at <= self.now);
        channel.ok_or_else(|| channel_missing(id))
    }

    /// A channel that can be acted on.
    pub(super) fn live_channel(&self, id: &str) -> Result<&Channel, ApiError> {
        self.channels
            .get(id)
            .filter(|channel| !channel.gone())
            .ok_or_else(|| channel_missing(id))
    }

    /// Enters a state now, with all that this brings.
    pub(super) fn channel_enter(&mut self, id: &str, to: ChannelState) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let (from, was_started) = (channel.state, channel.started());
        channel.before = Some(from);
        channel.state = to;
        channel.since = now;
        channel.epoch += 1;
        self.notes.passage(now, Thing::Channel, id, to.name());
        match to {
            ChannelState::Idle => {
                if was_started {
                    channel.receiving = false;
                    let maintained = std::mem::take(&mut channel.maintained);
                    self.rtmp_ends(id);
                    self.meter_run_ends(id);
                    if from == ChannelState::Starting {
                        // A start that fails leaves a reason behind for as long as alerts are listed.
                        let text = self.named("The channel could not be started", id);
                        self.alert_set(id, INACCESSIBLE, &text);
                    }
                    self.alerts_end(id);
                    self.emit_channel_state(id, "STOPPED");
                    if maintained {
                        self.run_begins(id, ChannelState::Running);
                    }
                } else if from == ChannelState::Creating {
                    self.emit_channel_state(id, "CREATED");
                }
            }
            ChannelState::Starting => self.emit_channel_state(id, "STARTING"),
            ChannelState::Running => {
                self.emit_channel_state(id, "RUNNING");
                if from == ChannelState::Starting {
                    self.emit_input_change(id);
                }
            }
            ChannelState::Recovering => {
                self.rtmp_ends(id);
                self.emit_channel_state(id, "RECOVERING");
            }
            ChannelState::Stopping => {
                self.rtmp_ends(id);
                self.emit_channel_state(id, "STOPPING");
            }
            ChannelState::Deleting => self.emit_channel_state(id, "DELETING"),
            ChannelState::Deleted => {
                channel.deleted_at = Some(now);
                self.emit_channel_state(id, "DELETED");
                self.meter_close_idle(id);
                self.release_inputs(id);
                let linger = self.duration("deleted_lingers");
                self.later(linger, Timer::ChannelForget { id: id.to_owned() });
            }
            ChannelState::Creating
            | ChannelState::CreateFailed
            | ChannelState::Updating
            | ChannelState::UpdateFailed => {}
        }
    }

    /// Begins a transition: enters one state now and another after a drawn time.
    pub(super) fn channel_begin(
        &mut self,
        id: &str,
        now_in: ChannelState,
        time: &str,
        then: ChannelState,
    ) {
        let wait = self.duration(time);
        self.channel_enter(id, now_in);
        let Some(epoch) = self.channels.get(id).map(|channel| channel.epoch) else {
            return;
        };
        self.later(
            wait,
            Timer::Channel {
                id: id.to_owned(),
                epoch,
                to: then,
            },
        );
    }

    /// RUNNING to RECOVERING and back by itself.
    pub(super) fn channel_recovers(&mut self, id: &str, lasting: u64) {
        self.channel_enter(id, ChannelState::Recovering);
        let Some(epoch) = self.channels.get(id).map(|channel| channel.epoch) else {
            return;
        };
        self.later(
            lasting,
            Timer::Channel {
                id: id.to_owned(),
                epoch,
                to: ChannelState::Running,
            },
        );
    }

    /// The inputs of a deleted channel become DETACHED a while later (AWS's waiter allows 420 s).
    fn release_inputs(&mut self, id: &str) {
        let inputs = self
            .channels
            .get(id)
            .map(Channel::input_ids)
            .unwrap_or_default();
        for input in inputs {
            let lag = self.duration("input_detach");
            self.later(
                lag,
                Timer::InputDetach {
                    input,
                    channel: id.to_owned(),
                },
            );
        }
    }
}

pub(super) fn channel_missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Channel with id {id} not found"))
}
