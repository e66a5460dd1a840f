//! What a person, a network or AWS itself does: reports as a media plane would make them, console
//! actions with all their events, cut lines, maintenance, alerts and content quality on demand.

use serde_json::{Value, json};

use super::Core;
use super::channel::{Channel, ChannelState};
use super::control::Told;
use super::flow::Interruption;
use super::wire::Request;
use crate::media::view::MediaReport;

impl Core {
    /// A report as a media plane would make it, told by a test.
    pub(super) fn take_told_report(&mut self, body: &Value) -> Told {
        let text = |member: &str| {
            body[member]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{member} is missing"))
        };
        let reason = || body["reason"].as_str().unwrap_or("told by hand").to_owned();
        let report = match body["kind"].as_str().unwrap_or_default() {
            "source_connected" => MediaReport::SourceConnected {
                flow_arn: text("flow_arn")?,
                source_arn: text("source_arn")?,
            },
            "source_disconnected" => MediaReport::SourceDisconnected {
                flow_arn: text("flow_arn")?,
                source_arn: text("source_arn")?,
            },
            "source_sending" => MediaReport::SourceSending {
                flow_arn: text("flow_arn")?,
                source_arn: text("source_arn")?,
                sending: body["sending"].as_bool().unwrap_or(true),
            },
            "source_selected" => MediaReport::SourceSelected {
                flow_arn: text("flow_arn")?,
                source_arn: text("source_arn")?,
            },
            "source_errors" => MediaReport::SourceErrors {
                flow_arn: text("flow_arn")?,
                source_arn: text("source_arn")?,
                continuity: body["continuity"].as_bool().unwrap_or(true),
            },
            "input_lost" => MediaReport::InputLost {
                channel_id: text("channel_id")?,
            },
            "input_restored" => MediaReport::InputRestored {
                channel_id: text("channel_id")?,
            },
            "rtmp_connected" => MediaReport::RtmpConnected {
                channel_id: text("channel_id")?,
            },
            "rtmp_failed" => MediaReport::RtmpFailed {
                channel_id: text("channel_id")?,
                reason: reason(),
            },
            "output_gave_up" => MediaReport::OutputGaveUp {
                channel_id: text("channel_id")?,
            },
            "encoder_failed" => MediaReport::EncoderFailed {
                channel_id: text("channel_id")?,
                reason: reason(),
            },
            "egress" => MediaReport::Egress {
                channel_id: text("channel_id")?,
                bytes: body["bytes"].as_u64().unwrap_or_default(),
            },
            other => return Err(format!("unknown report {other:?}")),
        };
        self.take_report(&report);
        Ok(json!({}))
    }

    /// What a person does in the console: the same operations, without faults and throttling, and
    /// with all their events.
    pub(super) fn by_hand(&mut self, body: &Value) -> Told {
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        let action = body["action"].as_str().unwrap_or_default();
        let escape = |text: &str| text.replace(':', "%3A");
        let channel = |verb: &str| ("POST", format!("/prod/channels/{id}/{verb}"), Value::Null);
        let owner = |core: &Self| {
            let flow = core
                .flows
                .values()
                .find(|flow| flow.outputs.iter().any(|output| output.arn == id));
            flow.map(|flow| escape(&flow.arn))
                .unwrap_or_else(|| "unknown".into())
        };
        let output = |core: &Self| format!("/v1/flows/{}/outputs/{}", owner(core), escape(&id));
        let (method, path, sent) = match action {
            "start_channel" => channel("start"),
            "stop_channel" => channel("stop"),
            "delete_channel" => ("DELETE", format!("/prod/channels/{id}"), Value::Null),
            "delete_input" => ("DELETE", format!("/prod/inputs/{id}"), Value::Null),
            "delete_security_group" => (
                "DELETE",
                format!("/prod/inputSecurityGroups/{id}"),
                Value::Null,
            ),
            "start_flow" => (
                "POST",
                format!("/v1/flows/start/{}", escape(&id)),
                Value::Null,
            ),
            "stop_flow" => (
                "POST",
                format!("/v1/flows/stop/{}", escape(&id)),
                Value::Null,
            ),
            "delete_flow" => ("DELETE", format!("/v1/flows/{}", escape(&id)), Value::Null),
            "remove_flow_output" => ("DELETE", output(self), Value::Null),
            "disable_flow_output" => ("PUT", output(self), json!({"outputStatus": "DISABLED"})),
            "enable_flow_output" => ("PUT", output(self), json!({"outputStatus": "ENABLED"})),
            "cut_source" | "restore_source" => {
                return self.cut(&id, action == "cut_source");
            }
            "set_quality" => return self.set_quality(&id, body),
            "set_alert" | "clear_alert" => {
                return self.alert_by_hand(&id, body, action == "set_alert");
            }
            "drop_connection" => return self.drop_connection(&id),
            "maintain_channel" => return self.maintain_channel(&id),
            "maintain_flow" => return self.maintain_flow(&id),
            "schedule_flow_maintenance" => return self.schedule_maintenance(&id, body),
            "flow_alert" => return self.alert_flow(&id, body),
            "content_quality" => return self.content_quality(&id, body),
            "recover_channel" => {
                if self
                    .channels
                    .get(&id)
                    .is_none_or(|channel| channel.state != ChannelState::Running)
                {
                    return Err(format!("channel {id} is not running"));
                }
                let lasting = self.duration("channel_recover");
                self.channel_recovers(&id, lasting);
                return Ok(json!({"status": 200}));
            }
            _ => return Err(format!("unknown action {action:?}")),
        };
        let sent = if sent.is_null() {
            Vec::new()
        } else {
            sent.to_string().into_bytes()
        };
        let request = Request {
            method: method.into(),
            path,
            query: String::new(),
            body: sent,
            caller: Some("by-hand".into()),
        };
        let response = self.answer(&request, false);
        match response.error {
            None => Ok(json!({"status": response.status})),
            Some(error) => Err(format!(
                "{} {error}: {}",
                response.status,
                response.body["message"].as_str().unwrap_or_default()
            )),
        }
    }
}

impl Core {
    /// Cuts or mends the line of a source, or of all sources of a flow.
    fn cut(&mut self, id: &str, cut: bool) -> Told {
        let all = self.flows.values_mut().flat_map(|flow| {
            let whole = flow.arn == id;
            flow.sources
                .iter_mut()
                .filter(move |source| whole || source.arn == id)
        });
        let mut found = 0;
        for source in all {
            source.cut = cut;
            found += 1;
        }
        if found == 0 {
            return Err(format!("{id} is neither a source nor a flow"));
        }
        Ok(json!({"sources": found}))
    }

    /// MediaLive stops the only pipeline, and so the channel, and restarts it, without any notice
    /// (user guide: how MediaLive performs channel maintenance). Which states it goes through is not
    /// said. Notices of maintenance to come are AWS Health's, not MediaLive's.
    fn maintain_channel(&mut self, id: &str) -> Told {
        let running = |channel: &&mut Channel| channel.state == ChannelState::Running;
        let Some(channel) = self.channels.get_mut(id).filter(running) else {
            return Err(format!("channel {id} is not running"));
        };
        if self.options.maintenance == "restarts" {
            channel.maintained = true;
            let (through, to) = (ChannelState::Stopping, ChannelState::Idle);
            self.channel_begin(id, through, "channel_stop", to);
        } else {
            let lasting = self.duration("channel_recover");
            self.channel_recovers(id, lasting);
        }
        Ok(json!({}))
    }

    /// MediaConnect restarts the flow: all outputs are interrupted (user guide: how maintenance works).
    fn maintain_flow(&mut self, arn: &str) -> Told {
        if !self.flows.get(arn).is_some_and(|flow| flow.carries()) {
            return Err(format!("flow {arn} is not running"));
        }
        let lasting = self.duration("flow_maintenance");
        self.emit_maintenance(arn, "INPROGRESS");
        self.flow_interrupted(arn, Interruption::Whole, lasting);
        if let Some(Value::Object(known)) = self
            .flows
            .get_mut(arn)
            .and_then(|flow| flow.extra.get_mut("maintenance"))
        {
            known.remove("maintenanceScheduledDate");
            known.remove("maintenanceDeadline");
        }
        Ok(json!({"seconds": lasting as f64 / 1000.0}))
    }

    /// AWS announces maintenance: `date` is YYYY-MM-DD, `status` SCHEDULED, RESCHEDULED or CANCELED.
    fn schedule_maintenance(&mut self, arn: &str, body: &Value) -> Told {
        let status = body["status"].as_str().unwrap_or("SCHEDULED");
        if !matches!(status, "SCHEDULED" | "RESCHEDULED" | "CANCELED") {
            return Err("status must be SCHEDULED, RESCHEDULED or CANCELED".into());
        }
        let flow = self.flows.get_mut(arn).ok_or("no such flow")?;
        let known = flow.extra.entry("maintenance").or_insert_with(
            || json!({"maintenanceDay": "Tuesday", "maintenanceStartHour": "02:00"}),
        );
        if status == "CANCELED" {
            if let Value::Object(known) = known {
                known.remove("maintenanceScheduledDate");
                known.remove("maintenanceDeadline");
            }
        } else {
            let date = body["date"].as_str().ok_or("date is missing")?;
            known["maintenanceScheduledDate"] = json!(date);
            known["maintenanceDeadline"] = json!(format!("{date}T23:59:59Z"));
        }
        self.emit_maintenance(arn, status);
        Ok(json!({}))
    }

    /// `{"code", "message", "errored"}`: sets an alert of a flow, or clears the one with that code.
    fn alert_flow(&mut self, arn: &str, body: &Value) -> Told {
        let code = body["code"].as_str().ok_or("code is missing")?;
        if !self.flows.contains_key(arn) {
            return Err(format!("there is no flow {arn}"));
        }
        if body["errored"] == false {
            self.flow_alarm_over(arn, "by hand", code);
        } else {
            let text = body["message"].as_str().unwrap_or("Told by hand");
            self.flow_alarm(arn, "by hand", code, text);
        }
        Ok(json!({}))
    }

    /// `MediaConnect Flow Content Quality`: black, frozen, silent or missing content. MediaConnect
    /// looks only where content quality analysis is switched on (user guide: content quality event).
    fn content_quality(&mut self, arn: &str, body: &Value) -> Told {
        let flow = self.flows.get(arn).ok_or("no such flow")?;
        let on = flow
            .extra
            .get("sourceMonitoringConfig")
            .is_some_and(|config| config["contentQualityAnalysisState"] == "ENABLED");
        if !on {
            return Err("content quality analysis is not enabled on this flow".into());
        }
        let known = [
            "black_frames_duration_breaching",
            "frozen_frames_duration_breaching",
            "silent_audio_duration_breaching",
            "audio_missing",
            "video_missing",
        ];
        let streams = body["streams"].as_array().ok_or("streams is missing")?;
        let mut members = streams
            .iter()
            .flat_map(|row| row.as_object().into_iter().flatten());
        if let Some((wrong, _)) = members.find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(format!("{wrong} is not one of {}", known.join(", ")));
        }
        let bad = |row: &Value| {
            row.as_object()
                .into_iter()
                .flatten()
                .any(|(_, on)| on == true)
        };
        let detail = json!({"impacted": streams.iter().any(bad), "streams": streams});
        self.emit_connect("MediaConnect Flow Content Quality", &[arn], &detail);
        Ok(json!({}))
    }
}
