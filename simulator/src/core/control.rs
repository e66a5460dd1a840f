//! The control API without HTTP: what exists, what it costs, what was called, and every knob.
//! No stream name ever appears here.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Core;
use super::options::{EventKnobs, Options, Quotas};
use super::when::rfc3339_ms;

pub(super) type Told = Result<Value, String>;

/// Takes over the members that are named, refuses unknown ones, leaves the rest.
fn merge<T: Serialize + DeserializeOwned>(current: &T, change: &Value) -> Result<T, String> {
    let mut all = serde_json::to_value(current).map_err(|error| error.to_string())?;
    let (Some(members), Some(changes)) = (all.as_object_mut(), change.as_object()) else {
        return Err("expected a JSON object".into());
    };
    for (key, value) in changes {
        let slot = members
            .get_mut(key)
            .ok_or_else(|| format!("unknown member {key}"))?;
        // `true` and 403 are accepted for "true" and "403".
        *slot = if slot.is_string() && !value.is_string() {
            json!(value.to_string())
        } else {
            value.clone()
        };
    }
    serde_json::from_value(all).map_err(|error| error.to_string())
}

impl Core {
    /// Answers `/_simulator/<what>`: status and JSON. The clock belongs to whoever drives the core.
    pub fn control(&mut self, now_ms: u64, method: &str, what: &str, body: &Value) -> (u16, Value) {
        self.run_until(now_ms);
        let told = match (method, what) {
            ("GET", "state") => Ok(self.state()),
            ("GET", "bill") => Ok(self.bill()),
            ("GET", "calls") => Ok(self.call_list()),
            ("GET", "faults") => Ok(self.faults.list()),
            ("POST", "faults") => self.faults.add(body.clone()),
            ("DELETE", "faults") => {
                self.faults.clear();
                Ok(json!([]))
            }
            ("GET", "options") => Ok(json!(self.options)),
            ("POST", "options") => self.set_options(body),
            ("GET", "quotas") => Ok(json!(self.quotas)),
            ("POST", "quotas") => merge::<Quotas>(&self.quotas, body).map(|quotas| {
                self.quotas = quotas;
                json!(self.quotas)
            }),
            ("GET", "times") => Ok(json!(self.times)),
            ("POST", "times") => self.times.set(body).map(|()| json!(self.times)),
            ("GET", "events") => Ok(json!(self.knobs)),
            ("POST", "events") => self.set_knobs(body),
            ("GET", "platforms") => Ok(self.platform_list()),
            ("POST", "platforms") => self.set_platforms(body),
            ("POST", "report") => self.take_told_report(body),
            ("POST", "by-hand") => self.by_hand(body),
            ("POST", "reset") => Ok(self.reset(body)),
            _ => {
                return (
                    404,
                    json!({"message": format!("the simulator has no control {method} {what}")}),
                );
            }
        };
        if method != "GET" {
            self.notes.bump();
        }
        self.settle_signal();
        match told {
            Ok(value) => (200, value),
            Err(message) => (400, json!({"message": message})),
        }
    }

    fn set_options(&mut self, body: &Value) -> Told {
        let next: Options = merge(&self.options, body)?;
        next.check()?;
        self.options = next;
        Ok(json!(self.options))
    }

    fn set_knobs(&mut self, body: &Value) -> Told {
        let next: EventKnobs = merge(&self.knobs, body)?;
        let [min, max] = next.delay_seconds;
        if !((0.0..=1.0).contains(&next.drop)
            && (0.0..=1.0).contains(&next.duplicate)
            && min >= 0.0
            && max >= min)
        {
            return Err(
                "drop and duplicate are between 0 and 1, delay_seconds is [min, max]".into(),
            );
        }
        self.knobs = next;
        Ok(json!(self.knobs))
    }

    /// Forgets everything that exists, was called and was billed; `{"options": true}` also what was set.
    fn reset(&mut self, body: &Value) -> Value {
        let (now, scale, reported) = (self.now, self.scale, self.options.media.clone());
        let mut next = Core::new(self.settings.clone());
        (next.now, next.scale) = (now, scale);
        if body["options"] != true {
            std::mem::swap(&mut next.options, &mut self.options);
            std::mem::swap(&mut next.quotas, &mut self.quotas);
            std::mem::swap(&mut next.times, &mut self.times);
            std::mem::swap(&mut next.knobs, &mut self.knobs);
        }
        next.options.media = reported;
        *self = next;
        json!({})
    }

    fn state(&self) -> Value {
        let flows = self.flows.values().map(|flow| json!({
            "arn": flow.arn, "name": flow.name, "status": flow.status.name(), "egress_ip": flow.egress_ip, "tags": flow.tags,
            "created_at": rfc3339_ms(flow.created_at),
            "sources": flow.sources.iter().map(|source| json!({
                "arn": source.arn, "name": source.name(), "port": source.request.get("ingestPort"),
                "protocol": source.request.get("protocol"), "connected": source.connected,
                "sending": source.sending, "cut": source.cut, "used": flow.selected.as_deref() == Some(&source.arn),
                "primary": flow.primary() == Some(&source.arn),
            })).collect::<Vec<_>>(),
            "switches": flow.switches, "switched_at": flow.switched_at.map(rfc3339_ms),
            "alarms": flow.alarms.iter().map(|alarm| &alarm.code).collect::<Vec<_>>(),
            "outputs": flow.outputs.iter().map(|output| json!({
                "arn": output.arn, "name": output.text("name"), "status": output.word(),
                "destination": output.request.get("destination"), "port": output.request.get("port"),
                "protocol": output.text("protocol"), "health": output.health, "tags": output.tags,
            })).collect::<Vec<_>>(),
        }));
        let input_json = |input: &super::input::Input| {
            json!({
                "kind": "input", "id": input.id, "name": input.name, "type": input.kind, "state": input.state.name(),
                "security_groups": input.groups, "tags": input.tags, "attached_channels": input.channels,
                "destinations": input.destinations(), "created_at": rfc3339_ms(input.created_at),
                "deleted_at": input.deleted_at.map(rfc3339_ms),
            })
        };
        let channel_json = |channel: &super::channel::Channel| {
            json!({
                "kind": "channel", "id": channel.id, "name": channel.name(), "state": channel.state.name(), "tags": channel.tags,
                "input_ids": channel.input_ids(), "created_at": rfc3339_ms(channel.created_at), "run": channel.run,
                "deleted_at": channel.deleted_at.map(rfc3339_ms),
                "alerts": channel.alerts.iter().filter(|alert| alert.cleared_at.is_none()).map(|alert| alert.kind).collect::<Vec<_>>(),
                "media": {"receiving": channel.receiving, "connected": channel.connected, "trouble": channel.trouble, "had_a_picture": channel.probed},
            })
        };
        let groups = self.groups.values().filter(|group| !group.deleted).map(|group| json!({
            "id": group.id, "state": group.state(), "cidrs": group.cidrs, "inputs": group.inputs, "tags": group.tags,
        }));
        let gone_inputs = self
            .inputs
            .values()
            .filter(|input| input.gone())
            .map(input_json);
        let gone_channels = self
            .channels
            .values()
            .filter(|channel| channel.gone())
            .map(channel_json);
        let deleted: Vec<Value> = gone_inputs
            .chain(gone_channels)
            .chain(self.flows_deleted.iter().cloned())
            .collect();
        json!({
            "now": rfc3339_ms(self.now), "now_ms": self.now, "scale": self.scale,
            "flows": flows.collect::<Vec<_>>(),
            "inputs": self.inputs.values().filter(|input| !input.gone()).map(input_json).collect::<Vec<_>>(),
            "channels": self.channels.values().filter(|channel| !channel.gone()).map(channel_json).collect::<Vec<_>>(),
            "security_groups": groups.collect::<Vec<_>>(),
            "deleted": deleted,
            "calls": self.counts,
            "events": {"made": self.events_made, "waiting": self.outbox.len()},
        })
    }

    fn call_list(&self) -> Value {
        let rows = self.calls.iter().map(|call| json!({
            "at": rfc3339_ms(call.at), "service": call.service, "operation": call.operation, "status": call.status,
            "error": call.error, "resource": call.resource, "caller": call.caller,
        }));
        rows.collect()
    }
}
