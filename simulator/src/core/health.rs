//! What MediaConnect tells about a flow that runs: health of sources, outputs and the flow itself,
//! alerts, maintenance, content quality (MediaConnect user guide: flow events; EventBridge events
//! reference). The guide's Flow Health has `source_state` and `failover_switch`; a run against the
//! real service in September 2026 was published with `state` alone, and with an empty state before
//! the first, so the option `flow_health` knows both. Statistics of CloudWatch are in `metrics`.

use serde_json::{Map, Value, json};

use super::Core;
use super::model::Service;

/// How long a switch is told as going on; how long it really is, is not documented.
pub(super) const SWITCH_SHOWN_MS: u64 = 1000;

/// Four of TR 101 290's indicators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tr101 {
    pub sync_loss: bool,
    pub continuity: bool,
    pub transport: bool,
    pub pcr: bool,
}

impl Tr101 {
    pub fn any(self) -> bool {
        self.sync_loss || self.continuity || self.transport || self.pcr
    }

    fn json(self) -> Value {
        json!({"ts_sync_loss": self.sync_loss, "continuity_count_error": self.continuity,
            "transport_error": self.transport, "pcr_error": self.pcr})
    }
}

/// What a Flow Health event says of one moment. A flow that has just become ACTIVE has said nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FlowHealth {
    pub switch: bool,
    pub state: &'static str,
    pub bitrate_zero: bool,
    pub tr101: Tr101,
}

impl FlowHealth {
    fn unhealthy(self) -> bool {
        self.state != "CONNECTED" || self.bitrate_zero || self.tr101.any()
    }

    fn json(self, observed: bool) -> Value {
        let mut out = Map::new();
        if !observed {
            out.insert("failover_switch".into(), json!(self.switch));
        }
        let member = if observed { "state" } else { "source_state" };
        out.insert(member.into(), json!(self.state));
        // Nothing was known before: then nothing else is said either.
        if !(observed && self.state.is_empty()) {
            out.insert("isBitrateZero".into(), json!(self.bitrate_zero));
            out.insert("tr101".into(), self.tr101.json());
        }
        Value::Object(out)
    }
}

/// An error of a flow, as DescribeFlow lists it and MediaConnect Alert tells it.
#[derive(Clone, Debug)]
pub(super) struct Alarm {
    pub about: String,
    pub id: String,
    pub code: String,
    pub message: String,
}

impl Core {
    pub(super) fn emit_connect(&mut self, detail_type: &str, resources: &[&str], detail: &Value) {
        self.emit(Service::MediaConnect, detail_type, resources, detail);
    }

    pub(super) fn emit_flow_status(&mut self, arn: &str, previous: &str, current: &str) {
        let detail = json!({"currentStatus": current, "previousStatus": previous});
        self.emit_connect("MediaConnect Flow Status Change", &[arn], &detail);
    }

    pub(super) fn emit_output_status(
        &mut self,
        flow: &str,
        output: &str,
        previous: &str,
        current: &str,
    ) {
        let detail = json!({"currentStatus": current, "previousStatus": previous});
        self.emit_connect(
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
        self.emit_connect("MediaConnect Output Health", &[flow, output], &detail);
    }

    pub(super) fn emit_source_health(
        &mut self,
        flow: &str,
        source: &str,
        previous: (&str, Tr101),
        current: (&str, Tr101),
    ) {
        let side = |side: (&str, Tr101)| json!({"state": side.0, "tr101": side.1.json()});
        let detail = json!({
            "unhealthy": current.0 == "DISCONNECTED" || current.1.any(),
            "current": side(current), "previous": side(previous),
        });
        self.emit_connect("MediaConnect Source Health", &[flow, source], &detail);
    }

    /// `currentStatus`: SCHEDULED, RESCHEDULED, CANCELED, INPROGRESS, FINISHED or FAILED.
    pub(super) fn emit_maintenance(&mut self, flow: &str, status: &str) {
        let detail = json!({"currentStatus": status});
        self.emit_connect("MediaConnect Flow Maintenance", &[flow], &detail);
    }

    /// Looks at the flow again and tells what is different.
    pub(super) fn flow_health(&mut self, arn: &str) {
        let at = self.now;
        let observed = self.options.flow_health == "observed";
        let stays = self.options.failover_switch == "stays";
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let on_air = flow.on_air();
        let off_primary = flow.primary().is_some() && flow.selected.as_deref() != flow.primary();
        let switching = flow
            .switched_at
            .is_some_and(|then| at < then + SWITCH_SHOWN_MS);
        let now = FlowHealth {
            switch: if stays { off_primary } else { switching },
            state: match on_air {
                _ if !flow.carries() => "IDLE",
                Some(source) => source.state(),
                None => "DISCONNECTED",
            },
            bitrate_zero: !flow.fed(),
            tr101: on_air.map(|source| source.tr101).unwrap_or_default(),
        };
        let before = std::mem::replace(&mut flow.health, now);
        if now == before {
            return;
        }
        self.notes.bump();
        let detail = json!({"unhealthy": now.unhealthy(), "current": now.json(observed), "previous": before.json(observed)});
        self.emit_connect("MediaConnect Flow Health", &[arn], &detail);
    }

    /// `errored` true once, until it is cleared.
    pub(super) fn flow_alarm(&mut self, arn: &str, about: &str, code: &str, message: &str) {
        let id = self.ids.word(3);
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let known = |alarm: &Alarm| alarm.about == about && alarm.code == code;
        if flow.alarms.iter().any(known) {
            return;
        }
        let alarm = Alarm {
            about: about.to_owned(),
            id,
            code: code.to_owned(),
            message: message.to_owned(),
        };
        flow.alarms.push(alarm.clone());
        self.emit_alarm(arn, &alarm, true);
    }

    pub(super) fn flow_alarm_over(&mut self, arn: &str, about: &str, code: &str) {
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let same = |alarm: &mut Alarm| alarm.about == about && alarm.code == code;
        let over: Vec<Alarm> = flow.alarms.extract_if(.., same).collect();
        for alarm in over {
            self.emit_alarm(arn, &alarm, false);
        }
    }

    /// `MediaConnect Alert`. The guide's sample has no `error-id`, the published run has.
    fn emit_alarm(&mut self, arn: &str, alarm: &Alarm, errored: bool) {
        let detail = json!({"errored": errored, "error-code": alarm.code, "error-id": alarm.id,
            "error-message": alarm.message});
        self.emit_connect("MediaConnect Alert", &[arn], &detail);
    }
}
