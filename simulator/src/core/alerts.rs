//! Channel alerts, SET and CLEARED, one for each pipeline. An alert's id is a hash of a count that
//! begins anew at each start of its channel, and two channels may well have the same at the same time
//! (MediaLive user guide: monitoring alerts using the AWS SDKs or API): only channel and id together
//! are unique, and only until the next start. ListAlerts keeps what is cleared for about five minutes.
//!
//! MediaLive does not tell black or silence by itself: 5202 needs automatic input failover with its
//! condition for black video. Here it is raised by hand; MediaConnect has content quality events.

use serde_json::{Value, json};

use super::channel::Channel;
use super::control::Told;
use super::model::Service;
use super::page::page;
use super::rng::Rng;
use super::when::rfc3339;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Wordings as in the MediaLive user guide's list of alerts for channels, those that can come from
/// an RTP input, an RTMP output, or a channel as a whole.
pub(super) const PROBING: &str = "Initial Probe is Taking Longer Than Expected"; // 5007
pub(super) const INACCESSIBLE: &str = "Input Resource is Inaccessible"; // 5008
pub(super) const NO_AUDIO: &str = "Audio Not Detected"; // 5101
pub(super) const NO_VIDEO: &str = "Video Not Detected"; // 5201
pub(super) const STOPPED_RECEIVING: &str = "Stopped Receiving UDP Input"; // 5302
pub(super) const WRITE_FAILED: &str = "Failed to Write to Output"; // 6006
pub(super) const FAILED_RTMP: &str = "Failed RTMP Connection"; // 6018
pub(super) const GROUP_PAUSED: &str = "Output Group is Paused"; // 6036
const KNOWN: [&str; 22] = [
    "Input Image Missing", // 5002
    PROBING,
    INACCESSIBLE,
    "Input Removed the Active Program", // 5010
    NO_AUDIO,
    "Audio PID Missing", // 5102
    NO_VIDEO,
    "Black Video Detected", // 5202
    STOPPED_RECEIVING,
    "RTP Header Corruption",                  // 5304
    "Input Double-Publishing Detected",       // 5314
    "Input PTS Behind PCR",                   // 5316
    "Input Failed Over",                      // 5601
    "Failed to Create Output File or Socket", // 6005
    WRITE_FAILED,
    "Failed to Close or Finalize The Output", // 6007
    FAILED_RTMP,
    "Failed to Validate Certificate Chain When Publishing", // 6028
    "Pipeline is Paused",                                   // 6033
    GROUP_PAUSED,
    "Failed To Upload Thumbnail", // 6043
    "Large Upload Cache Backlog", // 6501
];

const CLEARED_KEPT_MS: u64 = 300_000;

/// One alert of a channel.
pub(super) struct Alert {
    pub id: String,
    pub pipeline: u64,
    pub kind: &'static str,
    pub message: String,
    pub set_at: u64,
    pub cleared_at: Option<u64>,
}

/// Forty hexadecimal digits that depend on the count alone, as a published sample has them.
fn alert_id(count: u64) -> String {
    let mut rng = Rng::new(count);
    let mut digits: String = (0..3).map(|_| format!("{:016x}", rng.next())).collect();
    digits.truncate(40);
    digits
}

impl Alert {
    fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id,
            "alertType": self.kind,
            "message": self.message,
            "pipelineId": self.pipeline.to_string(),
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
    /// Sets an alert on every pipeline, once until it is cleared.
    pub(super) fn alert_set(&mut self, channel_id: &str, kind: &'static str, message: &str) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(channel_id) else {
            return;
        };
        let mut set = Vec::new();
        for pipeline in 0..channel.pipelines() {
            let same = |alert: &Alert| {
                alert.kind == kind && alert.pipeline == pipeline && alert.cleared_at.is_none()
            };
            if channel.alerts.iter().any(same) {
                continue;
            }
            channel.alert_counter += 1;
            let id = alert_id(channel.alert_counter);
            channel.alerts.push(Alert {
                id: id.clone(),
                pipeline,
                kind,
                message: message.to_owned(),
                set_at: now,
                cleared_at: None,
            });
            set.push(id);
        }
        for id in set {
            self.emit_alert(channel_id, &id, "SET");
        }
    }

    /// Clears what is set of this kind.
    pub(super) fn alert_clear(&mut self, channel_id: &str, kind: &str) {
        self.alerts_over(channel_id, |alert| alert.kind == kind, false);
    }

    /// A stopped channel has no alerts.
    pub(super) fn alerts_end(&mut self, channel_id: &str) {
        let silent = self.options.alerts_on_stop == "silent";
        self.alerts_over(channel_id, |_| true, silent);
    }

    fn alerts_over(&mut self, channel_id: &str, which: impl Fn(&Alert) -> bool, silent: bool) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(channel_id) else {
            return;
        };
        let mut over = Vec::new();
        let set = |alert: &&mut Alert| alert.cleared_at.is_none() && which(alert);
        for alert in channel.alerts.iter_mut().filter(set) {
            alert.cleared_at = Some(now);
            over.push(alert.id.clone());
        }
        for id in over.iter().filter(|_| !silent) {
            self.emit_alert(channel_id, id, "CLEARED");
        }
    }

    fn emit_alert(&mut self, channel_id: &str, id: &str, state: &str) {
        let Some(channel) = self.channels.get(channel_id) else {
            return;
        };
        let Some(alert) = channel.alerts.iter().find(|alert| alert.id == id) else {
            return;
        };
        let arn = channel.arn.clone();
        let detail = json!({
            "alarm_state": state,
            "alarm_id": id,
            "alert_type": alert.kind,
            "pipeline": alert.pipeline.to_string(),
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

    /// `set_alert` and `clear_alert` by hand: any alert of the user guide's list.
    pub(super) fn alert_by_hand(&mut self, id: &str, body: &Value, set: bool) -> Told {
        let asked = body["alert_type"].as_str().ok_or("alert_type is missing")?;
        let kind = KNOWN.into_iter().find(|known| *known == asked);
        let kind =
            kind.ok_or_else(|| format!("alert_type must be one of: {}", KNOWN.join("; ")))?;
        if !self.channels.get(id).is_some_and(Channel::started) {
            return Err(format!("channel {id} is not started"));
        }
        if set {
            self.alert_set(id, kind, body["message"].as_str().unwrap_or("Told by hand"));
        } else {
            self.alert_clear(id, kind);
        }
        Ok(json!({}))
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
}
