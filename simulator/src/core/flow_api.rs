//! The flow operations. MediaConnect models no 409: a wrong state arrives as 400; over quota is 420
//! (API model).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::book::Thing;
use super::flow::{Flow, FlowStatus, Interruption};
use super::health::FlowHealth;
use super::page::page;
use super::source_api::check_failover;
use super::tags::tags_of;
use super::wire::ApiError;
use super::{Answer, Call, Core};

impl Core {
    pub(super) fn create_flow(&mut self, call: &Call<'_>) -> Answer {
        let name = call.text("name").unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(ApiError::bad("A flow needs a name"));
        }
        if self.flows.len() >= self.quotas.flows {
            return Err(ApiError::new(
                420,
                format!(
                    "Your account has reached its quota of {} flows",
                    self.quotas.flows
                ),
            ));
        }
        let mut requested: Vec<Value> =
            call.body["sources"].as_array().cloned().unwrap_or_default();
        requested.extend(call.body.get("source").cloned());
        let arn = self.flow_arn("flow", &name, None);
        let zone = call
            .text("availabilityZone")
            .map_or_else(|| format!("{}a", self.settings.region), str::to_owned);
        let mut extra = Map::new();
        for member in [
            "sourceFailoverConfig",
            "sourceMonitoringConfig",
            "maintenance",
        ] {
            if let Some(value) = call.body.get(member) {
                extra.insert(member.to_owned(), value.clone());
            }
        }
        extra.insert(
            "flowSize".into(),
            json!(call.text("flowSize").unwrap_or("MEDIUM")),
        );
        let taken: BTreeSet<&String> = self.flows.values().map(|flow| &flow.egress_ip).collect();
        // Egress addresses are invented (TEST-NET-1).
        let egress_ip = (10..)
            .map(|last| format!("192.0.2.{last}"))
            .find(|ip| !taken.contains(ip))
            .unwrap_or_default();
        let mut flow = Flow {
            arn: arn.clone(),
            name,
            zone,
            egress_ip,
            status: FlowStatus::Standby,
            since: self.now,
            epoch: 0,
            sources: Vec::new(),
            outputs: Vec::new(),
            before: None,
            extra,
            tags: tags_of(call.body.get("flowTags")),
            created_at: self.now,
            selected: None,
            switched_at: None,
            switches: 0,
            begun: 0,
            interrupted: None,
            health: FlowHealth::default(),
            sent: false,
            alarms: Vec::new(),
        };
        for source in requested {
            let source = self.new_source(&flow, source)?;
            flow.sources.push(source);
        }
        check_failover(&flow.sources, flow.extra.get("sourceFailoverConfig"))?;
        for output in call.body["outputs"].as_array().cloned().unwrap_or_default() {
            let output = self.new_output(&flow, &output)?;
            flow.outputs.push(output);
        }
        let answer = json!({"flow": flow.json(flow.status, &flow.outputs)});
        self.notes
            .passage(self.now, Thing::Flow, &arn, flow.status.name());
        self.flows.insert(arn, flow);
        Ok(answer)
    }

    /// `arn:aws:mediaconnect:REGION:ACCOUNT:flow:1-<id>-<id>:Name`, the same for sources and outputs.
    pub(super) fn flow_arn(&mut self, kind: &str, name: &str, of: Option<&str>) -> String {
        let first = of.and_then(|arn| arn.split(':').nth(6)).map_or_else(
            || self.ids.word(16),
            |id| id.split('-').nth(1).unwrap_or_default().to_owned(),
        );
        let second = self.ids.word(12);
        format!(
            "arn:aws:mediaconnect:{}:{}:{kind}:1-{first}-{second}:{name}",
            self.settings.region, self.settings.account
        )
    }

    pub(super) fn describe_flow(&mut self, call: &Call<'_>) -> Answer {
        let flow = self.flow(call.param("FlowArn"))?;
        let seen = match &flow.before {
            Some((at, status, outputs)) if call.stale(self.now, *at) => flow.json(*status, outputs),
            _ => flow.json(flow.status, &flow.outputs),
        };
        let mut answer = json!({"flow": seen});
        // Without errors the member is not there (API model).
        if !flow.alarms.is_empty() {
            let texts = flow.alarms.iter().map(|alarm| &alarm.message);
            answer["messages"] = json!({"errors": texts.collect::<Vec<_>>()});
        }
        Ok(answer)
    }

    pub(super) fn list_flows(&mut self, call: &Call<'_>) -> Answer {
        let rows = self.flows.values().map(|flow| json!({
            "flowArn": flow.arn, "name": flow.name, "availabilityZone": flow.zone, "status": flow.status.name(),
            "description": "", "sourceType": "OWNED",
        }));
        page("flows", rows.collect(), call, self.options.page_size)
    }

    /// Each member that is given replaces the one before, `maintenance` alone is merged. Enabling
    /// failover on a running flow may interrupt its outputs for a moment (user guide: adding a
    /// source); another primary source takes over as soon as it has data.
    pub(super) fn update_flow(&mut self, call: &Call<'_>) -> Answer {
        let arn = call.param("FlowArn").to_owned();
        let changes = call.body.as_object().cloned().unwrap_or_default();
        let now = self.now;
        let flow = self.changeable(&arn)?;
        let mut extra = flow.extra.clone();
        for (member, value) in changes {
            match (extra.get_mut(&member), value) {
                (Some(Value::Object(known)), Value::Object(more)) if member == "maintenance" => {
                    known.extend(more);
                }
                (_, value) => drop(extra.insert(member, value)),
            }
        }
        check_failover(&flow.sources, extra.get("sourceFailoverConfig"))?;
        let enabled = |config: Option<&Value>| config.is_some_and(|row| row["state"] == "ENABLED");
        let was = enabled(flow.extra.get("sourceFailoverConfig"));
        let newly = !was && enabled(extra.get("sourceFailoverConfig"));
        flow.remember(now);
        flow.extra = extra;
        self.flow_takes_up(&arn);
        if newly {
            let lasting = self.duration("flow_interrupt");
            self.flow_interrupted(&arn, Interruption::Outputs, lasting);
        }
        self.choose_source(&arn);
        let flow = self.flow(&arn)?;
        Ok(json!({"flow": flow.json(flow.status, &flow.outputs)}))
    }

    fn flow_goes(
        &mut self,
        arn: &str,
        from: FlowStatus,
        through: FlowStatus,
        time: &str,
        to: FlowStatus,
    ) -> Answer {
        let status = self.flow(arn)?.status;
        if status != from {
            let reached = status == through || status == to;
            if reached && self.options.wrong_state == "ok" {
                return Ok(json!({"flowArn": arn, "status": status.name()}));
            }
            return Err(ApiError::bad(format!(
                "The flow is in status {}, it must be {}",
                status.name(),
                from.name()
            )));
        }
        let wait = self.duration(time);
        self.flow_enter(arn, through);
        self.flow_later(arn, wait, to);
        Ok(json!({"flowArn": arn, "status": through.name()}))
    }

    pub(super) fn start_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Standby,
            FlowStatus::Starting,
            "flow_start",
            FlowStatus::Active,
        )
    }

    pub(super) fn stop_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Active,
            FlowStatus::Stopping,
            "flow_stop",
            FlowStatus::Standby,
        )
    }

    /// STANDBY only; takes up to five minutes (user guide: deleting a flow), then 404.
    pub(super) fn delete_flow(&mut self, arn: &str) -> Answer {
        self.flow_goes(
            arn,
            FlowStatus::Standby,
            FlowStatus::Deleting,
            "flow_delete",
            FlowStatus::Gone,
        )
    }
}
