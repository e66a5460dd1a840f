//! Channel alerts, SET and CLEARED. An alert is known by channel and alarm id; the counter starts
//! anew at each start of the channel, and ListAlerts keeps what is cleared for about five minutes
//! (MediaLive user guide: alerts and EventBridge).

use serde_json::{Value, json};

use super::channel::ChannelState;
use super::model::Service;
use super::page::page;
use super::when::rfc3339;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Numbers and texts as in the MediaLive user guide's list of alerts.
pub(super) const STOPPED_RECEIVING: &str = "Stopped Receiving UDP Input"; // 5302
pub(super) const FAILED_RTMP: &str = "Failed RTMP Connection"; // 6018
pub(super) const INACCESSIBLE: &str = "Input Resource is Inaccessible"; // 5008
pub(super) const WRITE_FAILED: &str = "Failed to Write to Output"; // 6006

const CLEARED_KEPT_MS: u64 = 300_000;

/// One alert of a channel.
pub(super) struct Alert {
    pub id: u64,
    pub kind: &'static str,
    pub message: String,
    pub set_at: u64,
    pub cleared_at: Option<u64>,
}

impl Alert {
    fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id.to_string(),
            "alertType": self.kind,
            "message": self.message,
            "pipelineId": "0",
            "state": if self.cleared_at.is_some() { "CLEARED" } else { "SET" },
            "setTimestamp": rfc3339(self.set_at),
        });
        if let Some(at) = self.cleared_at {
            out["clearedTimestamp"] = json!(rfc3339(at));
        }
        out
    }
}

impl Core {
    /// Sets an alert, once until it is cleared.
    pub(super) fn alert_set(&mut self, channel_id: &str, kind: &'static str, message: &str) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(channel_id) else {
            return;
        };
        if channel
            .alerts
            .iter()
            .any(|alert| alert.kind == kind && alert.cleared_at.is_none())
        {
            return;
        }
        channel.alert_counter += 1;
        let id = channel.alert_counter;
        channel.alerts.push(Alert {
            id,
            kind,
            message: message.to_owned(),
            set_at: now,
            cleared_at: None,
        });
        self.emit_alert(channel_id, id, "SET");
    }

    /// Clears what is set of this kind.
    pub(super) fn alert_clear(&mut self, channel_id: &str, kind: &'static str) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(channel_id) else {
            return;
        };
        let set = channel
            .alerts
            .iter_mut()
            .find(|alert| alert.kind == kind && alert.cleared_at.is_none());
        if let Some(alert) = set {
            alert.cleared_at = Some(now);
            let id = alert.id;
            self.emit_alert(channel_id, id, "CLEARED");
        }
    }

    /// A stopped channel has no alerts.
    pub(super) fn alerts_end(&mut self, channel_id: &str) {
        let (now, silent) = (self.now, self.options.alerts_on_stop == "silent");
        let Some(channel) = self.channels.get_mut(channel_id) else {
            return;
        };
        let mut ended = Vec::new();
        for alert in channel
            .alerts
            .iter_mut()
            .filter(|alert| alert.cleared_at.is_none())
        {
            alert.cleared_at = Some(now);
            ended.push(alert.id);
        }
        for id in ended {
            if !silent {
                self.emit_alert(channel_id, id, "CLEARED");
            }
        }
    }

    fn emit_alert(&mut self, channel_id: &str, id: u64, state: &str) {
        let Some(channel) = self.channels.get(channel_id) else {
            return;
        };
        let Some(alert) = channel.alerts.iter().find(|alert| alert.id == id) else {
            return;
        };
        let arn = channel.arn.clone();
        let detail = json!({
            "alarm_state": state,
            "alarm_id": id.to_string(),
            "alert_type": alert.kind,
            "pipeline": "0",
            "channel_arn": arn,
            "message": alert.message,
        });
        self.emit(
            Service::MediaLive,
            "MediaLive Channel Alert",
            &[&arn],
            &detail,
        );
    }

    pub(super) fn list_alerts(&mut self, call: &Call<'_>) -> Answer {
        let now = self.now;
        let filter = call
            .query
            .iter()
            .find(|(key, _)| key == "stateFilter")
            .map_or("SET", |(_, value)| value);
        if !matches!(filter, "SET" | "CLEARED" | "ALL") {
            return Err(ApiError::bad("stateFilter must be SET, CLEARED or ALL"));
        }
        let channel = self.visible_channel(call.param("channelId"))?;
        let wanted = channel
            .alerts
            .iter()
            .filter(|alert| match alert.cleared_at {
                None => filter != "CLEARED",
                Some(at) => filter != "SET" && now < at + CLEARED_KEPT_MS,
            });
        let rows = wanted.map(Alert::json).collect();
        page("alerts", rows, call, self.options.page_size)
    }

    /// Thumbnails come from a picture; the core has none, so the list is empty.
    pub(super) fn describe_thumbnails(&mut self, call: &Call<'_>) -> Answer {
        let asked = |name: &str| {
            call.query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        if !matches!(asked("pipelineId"), Some("0" | "1")) || asked("thumbnailType").is_none() {
            return Err(ApiError::bad("pipelineId and thumbnailType are required"));
        }
        let channel = self.visible_channel(call.param("channelId"))?;
        if channel.state != ChannelState::Running {
            return Err(ApiError::conflict("The channel is not running"));
        }
        Ok(json!({"thumbnailDetails": []}))
    }
}
