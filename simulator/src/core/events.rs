//! EventBridge events in AWS's real shapes (EventBridge events reference; MediaLive and MediaConnect
//! user guides). They are best effort, so the knobs may lose, double, delay or shuffle them.

use serde_json::{Value, json};

use super::Core;
use super::model::Service;
use super::when::rfc3339;

/// Something to be told outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// An EventBridge envelope, `source` being `aws.medialive` or `aws.mediaconnect`.
    Event(Value),
}

/// With shuffling on, neighbours within this time may change places.
const SHUFFLE_MS: u64 = 4000;

impl Core {
    pub(super) fn emit(
        &mut self,
        service: Service,
        detail_type: &str,
        resources: &[&str],
        detail: &Value,
    ) {
        self.events_made += 1;
        let envelope = json!({
            "version": "0",
            "id": self.ids.uuid(),
            "detail-type": detail_type,
            "source": format!("aws.{}", service.name()),
            "account": self.settings.account,
            "time": rfc3339(self.now),
            "region": self.settings.region,
            "resources": resources,
            "detail": detail,
        });
        if self.chance.chance(self.knobs.drop) {
            return;
        }
        self.post(envelope.clone());
        if self.chance.chance(self.knobs.duplicate) {
            self.post(envelope);
        }
    }

    fn post(&mut self, envelope: Value) {
        let [min, max] = self.knobs.delay_seconds;
        let mut at = self.now + ((min + (max - min) * self.chance.unit()) * 1000.0) as u64;
        if self.knobs.shuffle {
            at += self.chance.below(SHUFFLE_MS);
        }
        let sequence = self.next_sequence();
        self.outbox.insert((at, sequence), envelope);
    }

    /// `MediaLive Channel State Change`: CREATED and STOPPED stand for the API's IDLE, UPDATING is
    /// never sent (MediaLive user guide: EventBridge; production listeners agree).
    pub(super) fn emit_channel_state(&mut self, channel_id: &str, state: &str) {
        let Some(channel) = self.channels.get(channel_id) else {
            return;
        };
        let (arn, running) = (channel.arn.clone(), channel.pipelines_running());
        let pipelines = channel.pipelines();
        let message = match state {
            "CREATED" => "Created channel",
            "STARTING" => "Starting channel",
            "RUNNING" => "Channel is running",
            "STOPPING" => "Stopping channel",
            "STOPPED" => "Stopped channel",
            "DELETING" => "Deleting channel",
            "DELETED" => "Deleted channel",
            _ => "Channel is recovering",
        };
        let mut detail = json!({
            "channel_arn": arn, "state": state, "message": message, "pipelines_running_count": running,
        });
        if state == "RUNNING" && pipelines == 1 {
            detail["pipeline"] = json!("0");
        }
        self.emit(
            Service::MediaLive,
            "MediaLive Channel State Change",
            &[&arn],
            &detail,
        );
    }

    /// `MediaLive Channel Input Change`, one per pipeline; members and text as two published samples
    /// have them.
    pub(super) fn emit_input_change(&mut self, channel_id: &str) {
        let Some(channel) = self.channels.get(channel_id) else {
            return;
        };
        let (arn, attachment) = (channel.arn.clone(), channel.attachment_name());
        for pipeline in 0..channel.pipelines() {
            let detail = json!({
                "active_input_switch_action_name": "",
                "active_input_attachment_name": attachment,
                "pipeline": pipeline.to_string(),
                "message": "Input switch event on pipeline",
                "channel_arn": arn,
            });
            self.emit(
                Service::MediaLive,
                "MediaLive Channel Input Change",
                &[&arn],
                &detail,
            );
        }
    }
}
