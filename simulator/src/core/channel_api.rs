//! The channel operations and which states allow them. A call in the wrong state is a 409
//! (MediaLive's model); where even that is not known, an option decides.

use serde_json::{Map, Value, json};

use super::channel::{Channel, ChannelState, channel_missing};
use super::defaults::add_server_defaults;
use super::faults::{Kind, quota_text};
use super::page::page;
use super::tags::tags_of;
use super::timers::Timer;
use super::wire::ApiError;
use super::{Answer, Call, Core};

impl Core {
    pub(super) fn create_channel(&mut self, call: &Call<'_>) -> Answer {
        let mut settings = call.body.as_object().cloned().unwrap_or_default();
        if let Some(first) = self.replayed("channel", call)? {
            let channel = self
                .channels
                .get(&first)
                .ok_or_else(|| channel_missing(&first))?;
            return Ok(json!({"channel": channel.json(channel.state)}));
        }
        let dry_run = settings
            .get("dryRun")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        self.check_channel(&settings, None)?;
        let quota = self.quotas.channels;
        // Every state counts but DELETED (user guide: quotas; leaked channels were seen to eat it).
        if self
            .channels
            .values()
            .filter(|channel| !channel.gone())
            .count()
            >= quota
        {
            return Err(ApiError::new(
                self.over_quota(),
                quota_text("channels", quota),
            ));
        }
        if dry_run {
            settings.remove("dryRun");
            settings.remove("requestId");
            return Ok(json!({"channel": settings}));
        }
        let id = self.numeric_id(|core, id| core.channels.contains_key(id));
        let tags = tags_of(settings.get("tags"));
        settings.remove("tags");
        add_server_defaults(&mut settings);
        let lag = self.duration("read_lag");
        let channel = Channel {
            arn: self.medialive_arn("channel", &id),
            id: id.clone(),
            settings,
            tags,
            state: ChannelState::Creating,
            before: None,
            since: self.now,
            epoch: 0,
            run: 0,
            created_at: self.now,
            visible_at: self.now + lag,
            deleted_at: None,
            forgotten: false,
            alerts: Vec::new(),
            alert_counter: 0,
            receiving: false,
            silent_since: None,
            probed: false,
            publishing: false,
            connected: false,
            rtmp_epoch: 0,
            rtmp_failures: 0,
            thumbnail: None,
            thumbnail_asked_at: None,
            maintained: false,
            trouble: None,
        };
        self.remember_request("channel", call, &id);
        let inputs = channel.input_ids();
        self.channels.insert(id.clone(), channel);
        for input in inputs {
            self.input_attach(&input, &id);
        }
        self.meter_open_idle_channel(&id);
        let end = if call.has(Kind::CreateFailed) {
            ChannelState::CreateFailed
        } else {
            ChannelState::Idle
        };
        self.channel_begin(&id, ChannelState::Creating, "channel_create", end);
        let channel = &self.channels[&id];
        Ok(json!({"channel": channel.json(channel.state)}))
    }

    pub(super) fn describe_channel(&mut self, call: &Call<'_>) -> Answer {
        let channel = self.visible_channel(call.param("channelId"))?;
        if call.stale(self.now, channel.since) {
            return match channel.before {
                Some(before) => Ok(channel.json(before)),
                None => Err(channel_missing(&channel.id)),
            };
        }
        Ok(channel.json(channel.state))
    }

    pub(super) fn list_channels(&mut self, call: &Call<'_>) -> Answer {
        let (now, deleted) = (self.now, self.options.list_deleted == "true");
        let seen = self
            .channels
            .values()
            .filter(|channel| !channel.forgotten && channel.visible_at <= now);
        let wanted = seen.filter(|channel| deleted || channel.state != ChannelState::Deleted);
        let rows = wanted.filter_map(|channel| {
            let state = if call.stale(now, channel.since) {
                channel.before?
            } else {
                channel.state
            };
            Some(channel.summary(state))
        });
        page("channels", rows.collect(), call, self.options.page_size)
    }

    /// Legal in IDLE only (user guide: editing a channel). Members that are absent stay, except
    /// roleArn: leaving it out removes the role (API model's text).
    pub(super) fn update_channel(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("channelId").to_owned();
        let channel = self.live_channel(&id)?;
        if channel.state != ChannelState::Idle {
            return Err(ApiError::conflict(format!(
                "Channel {id} can only be updated while it is IDLE"
            )));
        }
        let mut next = channel.settings.clone();
        next.remove("roleArn");
        for (key, value) in call.body.as_object().into_iter().flatten() {
            next.insert(key.clone(), value.clone());
        }
        let dry_run = next
            .remove("dryRun")
            .and_then(|flag| flag.as_bool())
            .unwrap_or(false);
        self.check_channel(&next, Some(&id))?;
        if !dry_run {
            add_server_defaults(&mut next);
            self.change_settings(&id, next, call);
        }
        let channel = &self.channels[&id];
        Ok(json!({"channel": channel.json(channel.state)}))
    }

    /// IDLE only; the destinations must have one setting per pipeline (API model's text).
    pub(super) fn update_channel_class(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("channelId").to_owned();
        let channel = self.live_channel(&id)?;
        if channel.state != ChannelState::Idle {
            return Err(ApiError::conflict(format!(
                "Channel {id} can only be updated while it is IDLE"
            )));
        }
        let mut next = channel.settings.clone();
        for member in ["channelClass", "destinations"] {
            if let Some(value) = call.body.get(member) {
                next.insert(member.to_owned(), value.clone());
            }
        }
        self.check_channel(&next, Some(&id))?;
        self.change_settings(&id, next, call);
        let channel = &self.channels[&id];
        Ok(json!({"channel": channel.json(channel.state)}))
    }

    fn change_settings(&mut self, id: &str, next: Map<String, Value>, call: &Call<'_>) {
        let failed = call.has(Kind::UpdateFailed);
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let before = channel.input_ids();
        if !failed {
            channel.settings = next;
        }
        let after = channel.input_ids();
        for input in after.iter().filter(|input| !before.contains(input)) {
            self.input_attach(input, id);
        }
        for input in before.iter().filter(|input| !after.contains(input)) {
            let lag = self.duration("input_detach");
            self.later(
                lag,
                Timer::InputDetach {
                    input: input.clone(),
                    channel: id.to_owned(),
                },
            );
        }
        let end = if failed {
            ChannelState::UpdateFailed
        } else {
            ChannelState::Idle
        };
        self.channel_begin(id, ChannelState::Updating, "channel_update", end);
    }

    /// Legal in IDLE. Billed from here on.
    pub(super) fn start_channel(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let channel = self.live_channel(id)?;
        match channel.state {
            ChannelState::Idle => {}
            ChannelState::Creating => {
                let status = self.options.start_while_creating.parse().unwrap_or(400);
                let text = "Channel is unable to start due to an issue with channel resources";
                return Err(ApiError::new(status, text));
            }
            ChannelState::Starting | ChannelState::Running if self.options.wrong_state == "ok" => {
                return Ok(channel.json(channel.state));
            }
            state => {
                return Err(ApiError::conflict(format!(
                    "Channel {id} can not be started while it is {}",
                    state.name()
                )));
            }
        }
        if !channel.settings.contains_key("roleArn") {
            return Err(ApiError::bad(format!("Channel {id} has no role")));
        }
        let end = if call.has(Kind::FallsBackToIdle) {
            ChannelState::Idle
        } else {
            ChannelState::Running
        };
        self.run_begins(id, end);
        if let Some(fault) = call
            .fault
            .as_ref()
            .filter(|fault| fault.kind == Kind::Recovering)
        {
            let lasting = if fault.has_seconds() {
                fault.seconds_or(0.0)
            } else {
                self.duration("channel_recover")
            };
            let run = self.channels[id].run;
            // Soon after RUNNING, whenever that is.
            let running = self.timers.iter().filter_map(|(key, timer)| match timer {
                Timer::Channel {
                    id: other,
                    to: ChannelState::Running,
                    ..
                } if other == id => Some(key.0),
                _ => None,
            });
            let at = running.max().unwrap_or(self.now) + 2000;
            self.later(
                at - self.now,
                Timer::ChannelRecovers {
                    id: id.to_owned(),
                    run,
                    lasting,
                },
            );
        }
        let channel = &self.channels[id];
        Ok(channel.json(channel.state))
    }

    /// A run begins: alerts are counted anew, and it is billed from here on.
    pub(super) fn run_begins(&mut self, id: &str, end: ChannelState) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.run += 1;
            channel.alerts.clear();
            channel.alert_counter = 0;
            channel.trouble = None;
            // What the first packet brings is not lost before it was there.
            channel.receiving = true;
            channel.silent_since = None;
            channel.probed = false;
            channel.thumbnail = None;
        }
        self.meter_run_starts(id);
        self.channel_begin(id, ChannelState::Starting, "channel_start", end);
    }

    /// Legal in RUNNING and RECOVERING.
    pub(super) fn stop_channel(&mut self, id: &str) -> Answer {
        let channel = self.live_channel(id)?;
        let state = channel.state;
        let refusal = ApiError::conflict(format!(
            "Channel {id} can not be stopped while it is {}",
            state.name()
        ));
        match state {
            ChannelState::Running | ChannelState::Recovering => {}
            ChannelState::Starting if self.options.stop_while_starting == "ok" => {}
            ChannelState::Idle | ChannelState::Stopping if self.options.wrong_state == "ok" => {
                return Ok(channel.json(state));
            }
            _ => return Err(refusal),
        }
        self.channel_begin(
            id,
            ChannelState::Stopping,
            "channel_stop",
            ChannelState::Idle,
        );
        let channel = &self.channels[id];
        Ok(channel.json(channel.state))
    }

    /// Legal in IDLE and in the failed states.
    pub(super) fn delete_channel(&mut self, id: &str) -> Answer {
        let channel = self.live_channel(id)?;
        match channel.state {
            ChannelState::Idle | ChannelState::CreateFailed | ChannelState::UpdateFailed => {}
            ChannelState::Deleting if self.options.wrong_state == "ok" => {
                return Ok(channel.json(channel.state));
            }
            ChannelState::Deleting => {
                return Err(ApiError::conflict(format!("Channel {id} is being deleted")));
            }
            // The words were seen in CloudTrail by the authors of account cleaners.
            _ => {
                let text = "Cannot delete a channel that has not been stopped yet. Please stop the channel and try again";
                return Err(ApiError::conflict(text));
            }
        }
        self.channel_begin(
            id,
            ChannelState::Deleting,
            "channel_delete",
            ChannelState::Deleted,
        );
        let channel = &self.channels[id];
        Ok(channel.json(channel.state))
    }

    /// Legal in RUNNING: the pipeline is lost for a moment.
    pub(super) fn restart_pipelines(&mut self, call: &Call<'_>) -> Answer {
        let id = call.param("channelId").to_owned();
        let channel = self.live_channel(&id)?;
        if channel.state != ChannelState::Running {
            return Err(ApiError::conflict(format!("Channel {id} is not running")));
        }
        let lasting = self.duration("channel_recover");
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.run += 1;
        }
        self.channel_recovers(&id, lasting);
        let channel = &self.channels[&id];
        let mut answer = channel.json(channel.state);
        answer["maintenanceStatus"] = json!("");
        Ok(answer)
    }

    /// The resource that an earlier call with this request id made. What AWS answers to the same
    /// request id with another body is not known, so an option decides.
    pub(super) fn replayed(
        &self,
        kind: &'static str,
        call: &Call<'_>,
    ) -> Result<Option<String>, ApiError> {
        let Some(request_id) = call.text("requestId") else {
            return Ok(None);
        };
        let Some((id, body)) = self.requests.get(&(kind, request_id.to_owned())) else {
            return Ok(None);
        };
        if self.options.idempotent_replay == "conflict" && *body != call.body {
            return Err(ApiError::conflict(
                "The request id was used before with other parameters",
            ));
        }
        Ok(Some(id.clone()))
    }

    pub(super) fn remember_request(&mut self, kind: &'static str, call: &Call<'_>, id: &str) {
        if let Some(request_id) = call.text("requestId") {
            self.requests.insert(
                (kind, request_id.to_owned()),
                (id.to_owned(), call.body.clone()),
            );
        }
    }
}
