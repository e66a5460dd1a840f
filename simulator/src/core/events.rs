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

    /// `MediaLive Channel Input Change`, one per pipeline.
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
                "message": format!("Input switch event on pipeline {pipeline}"),
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

    pub(super) fn emit_flow_status(&mut self, arn: &str, previous: &str, current: &str) {
        let detail = json!({"currentStatus": current, "previousStatus": previous});
        self.emit(
            Service::MediaConnect,
            "MediaConnect Flow Status Change",
            &[arn],
            &detail,
        );
    }

    pub(super) fn emit_output_status(
        &mut self,
        flow: &str,
        output: &str,
        previous: &str,
        current: &str,
    ) {
        let detail = json!({"currentStatus": current, "previousStatus": previous});
        self.emit(
            Service::MediaConnect,
            "MediaConnect Output Status Change",
            &[flow, output],
            &detail,
        );
    }

    pub(super) fn emit_output_health(
        &mut self,
        flow: &str,
        output: &str,
        previous: &str,
        current: &str,
    ) {
        let detail = json!({"current": {"state": current}, "previous": {"state": previous}});
        self.emit(
            Service::MediaConnect,
            "MediaConnect Output Health",
            &[flow, output],
            &detail,
        );
    }

    pub(super) fn emit_source_health(
        &mut self,
        flow: &str,
        source: &str,
        previous: &str,
        current: &str,
    ) {
        let detail = json!({
            "unhealthy": current == "DISCONNECTED",
            "current": {"state": current, "tr101": tr101()},
            "previous": {"state": previous, "tr101": tr101()},
        });
        self.emit(
            Service::MediaConnect,
            "MediaConnect Source Health",
            &[flow, source],
            &detail,
        );
    }

    pub(super) fn emit_flow_health(&mut self, flow: &str, was_fed: bool, is_fed: bool) {
        let side = |fed: bool| {
            let state = if fed { "CONNECTED" } else { "DISCONNECTED" };
            json!({"failover_switch": false, "source_state": state, "isBitrateZero": !fed, "tr101": tr101()})
        };
        let detail =
            json!({"unhealthy": !is_fed, "current": side(is_fed), "previous": side(was_fed)});
        self.emit(
            Service::MediaConnect,
            "MediaConnect Flow Health",
            &[flow],
            &detail,
        );
    }
}

fn tr101() -> Value {
    json!({"ts_sync_loss": false, "continuity_count_error": false, "transport_error": false, "pcr_error": false})
}
