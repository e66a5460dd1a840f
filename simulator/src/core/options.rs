//! What can be set from outside: quotas, how long things take, how events go astray, and the places
//! where AWS's answer is not known, each of which can be run both ways.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rng::Rng;

/// Where AWS's answer is not documented. The first value named is the default.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// Start, Stop or Delete in a state that already is or is becoming so: `conflict` (409) or `ok` (200, nothing happens).
    pub wrong_state: String,
    /// StopChannel while STARTING: `conflict` or `ok`.
    pub stop_while_starting: String,
    /// StartChannel while CREATING: `400` (seen in a production system) or `409` (the model's text).
    pub start_while_creating: String,
    /// MediaLive over quota: `403`, `400`, `409` or `429`.
    pub over_quota: String,
    /// A request id used before, with another body: `first` (the first resource) or `conflict`.
    pub idempotent_replay: String,
    /// A channel that names an input that does not exist: `400`, `404` or `422`.
    pub missing_reference: String,
    /// Changes to a flow while it is UPDATING: `400` or `ok`.
    pub flow_busy: String,
    /// Do the lists name DELETED channels and inputs while these linger: `true` or `false`.
    pub list_deleted: String,
    /// After the RTMP retries are used up the channel `stops` (user guide: RTMP connection) or `stays`.
    pub gave_up: String,
    /// At a stop, alerts that are SET are `cleared` with an event or `silent`.
    pub alerts_on_stop: String,
    /// A MEDIACONNECT input counts against the push inputs: `true` or `false`.
    pub mediaconnect_counts: String,
    /// Items per page when a list call asks for no number.
    pub page_size: usize,
    /// `ideal`: the core itself says what arrives. `reported`: a media plane reports it.
    pub media: String,
    /// With ideal media: who is called? `on`: the first source of each flow, `all`: every source.
    pub feed: String,
    /// What a flow sends to MediaLive is billed by output: `on` or `off`.
    pub flow_transfer: String,
    /// Bits that an encoder sends, where no media plane counts them.
    pub feed_bits_per_second: u64,
    /// A flow is billed by the `minute` or by the begun `hour`.
    pub flow_rounding: String,
    /// A lost input is told with `all` the alerts that follow from it, or with the first `one` only.
    pub loss_alerts: String,
    /// Alerts of an RTMP output: `plain`, or `with_destination`, stream name and all.
    pub alert_text: String,
    /// A channel that starts without a picture `waits` for one before it publishes, or shows a `slate`.
    pub probe: String,
    /// Maintenance of a channel: it `recovers`, or AWS `restarts` it, through STOPPED.
    pub maintenance: String,
    /// Flow Health as the user guide has it, or as it was seen with the real service.
    pub flow_health: String,
    /// Does `failover_switch` mark the moment, or all the time away from the primary source?
    pub failover_switch: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wrong_state: "conflict".into(),
            stop_while_starting: "conflict".into(),
            start_while_creating: "400".into(),
            over_quota: "403".into(),
            idempotent_replay: "first".into(),
            missing_reference: "400".into(),
            flow_busy: "400".into(),
            list_deleted: "true".into(),
            gave_up: "stops".into(),
            alerts_on_stop: "cleared".into(),
            mediaconnect_counts: "true".into(),
            page_size: 20,
            media: "ideal".into(),
            feed: "on".into(),
            flow_transfer: "off".into(),
            feed_bits_per_second: 10_000_000,
            flow_rounding: "minute".into(),
            loss_alerts: "all".into(),
            alert_text: "with_destination".into(),
            probe: "waits".into(),
            maintenance: "recovers".into(),
            flow_health: "documented".into(),
            failover_switch: "moment".into(),
        }
    }
}

impl Options {
    /// Refuses values that no rule reads.
    pub fn check(&self) -> Result<(), String> {
        let rows: [(&str, &str, &[&str]); 21] = [
            ("wrong_state", &self.wrong_state, &["conflict", "ok"]),
            (
                "stop_while_starting",
                &self.stop_while_starting,
                &["conflict", "ok"],
            ),
            (
                "start_while_creating",
                &self.start_while_creating,
                &["400", "409"],
            ),
            (
                "over_quota",
                &self.over_quota,
                &["403", "400", "409", "429"],
            ),
            (
                "idempotent_replay",
                &self.idempotent_replay,
                &["first", "conflict"],
            ),
            (
                "missing_reference",
                &self.missing_reference,
                &["400", "404", "422"],
            ),
            ("flow_busy", &self.flow_busy, &["400", "ok"]),
            ("list_deleted", &self.list_deleted, &["true", "false"]),
            ("gave_up", &self.gave_up, &["stops", "stays"]),
            (
                "alerts_on_stop",
                &self.alerts_on_stop,
                &["cleared", "silent"],
            ),
            (
                "mediaconnect_counts",
                &self.mediaconnect_counts,
                &["true", "false"],
            ),
            ("media", &self.media, &["ideal", "reported"]),
            ("feed", &self.feed, &["on", "off", "all"]),
            ("flow_transfer", &self.flow_transfer, &["on", "off"]),
            ("flow_rounding", &self.flow_rounding, &["minute", "hour"]),
            ("loss_alerts", &self.loss_alerts, &["all", "one"]),
            (
                "alert_text",
                &self.alert_text,
                &["plain", "with_destination"],
            ),
            ("probe", &self.probe, &["waits", "slate"]),
            ("maintenance", &self.maintenance, &["recovers", "restarts"]),
            (
                "flow_health",
                &self.flow_health,
                &["documented", "observed"],
            ),
            (
                "failover_switch",
                &self.failover_switch,
                &["moment", "stays"],
            ),
        ];
        for (name, value, allowed) in rows {
            if !allowed.contains(&value) {
                return Err(format!("{name} must be one of {}", allowed.join(", ")));
            }
        }
        Ok(())
    }
}

/// Default quotas per Region (MediaLive user guide: quotas; MediaConnect user guide: quotas).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quotas {
    pub channels: usize,
    pub push_inputs: usize,
    pub security_groups: usize,
    pub flow_outputs: usize,
    pub flows: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            channels: 5,
            push_inputs: 5,
            security_groups: 5,
            flow_outputs: 50,
            flows: 20,
        }
    }
}

/// How events go astray. EventBridge events of both services are best effort
/// (EventBridge events reference): they may be missing, doubled, late or out of order.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventKnobs {
    pub drop: f64,
    pub duplicate: f64,
    pub delay_seconds: [f64; 2],
    pub shuffle: bool,
}

/// How long things take, in simulated seconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Times {
    /// `usual`: drawn from [min, max], leaning to the short side, with the tails the user guide
    /// calls normal. `fixed`: always the first number.
    pub law: String,
    #[serde(flatten)]
    table: BTreeMap<String, [f64; 2]>,
    #[serde(skip)]
    tails: BTreeMap<String, f64>,
}

impl Default for Times {
    fn default() -> Self {
        // Ranges lie inside AWS's own waiters (channel created 15 s, running 600 s, stopped 300 s,
        // deleted 420 s; input detached 420 s, deleted 100 s; flow 120 s). Starting takes up to
        // three minutes for most channels and ten minutes is declared normal (user guide:
        // starting, stopping and deleting a channel).
        let rows = [
            ("channel_create", [2.0, 20.0]),
            ("channel_start", [20.0, 180.0]),
            ("channel_stop", [10.0, 90.0]),
            ("channel_delete", [5.0, 60.0]),
            ("channel_update", [1.0, 8.0]),
            ("channel_recover", [10.0, 60.0]),
            ("input_create", [0.0, 2.0]),
            ("input_detach", [0.0, 60.0]),
            ("input_delete", [1.0, 20.0]),
            ("group_update", [0.0, 2.0]),
            ("group_release", [0.0, 30.0]),
            ("flow_start", [8.0, 60.0]),
            ("flow_stop", [5.0, 40.0]),
            ("flow_update", [0.2, 2.0]),
            ("flow_delete", [3.0, 60.0]),
            // A lost picture is missed some time after the packets; how long is not documented.
            ("picture_alerts", [0.5, 3.0]),
            // Enabling failover on a running flow interrupts it briefly (user guide: adding a source);
            // maintenance restarts it (how maintenance works). Neither time is documented.
            ("flow_interrupt", [0.5, 2.0]),
            ("flow_maintenance", [20.0, 120.0]),
            // A goodbye is noticed at once; a caller that vanishes is missed after SRT's own five
            // seconds. Health events were seen about a second after the fact.
            ("source_notice", [0.3, 5.0]),
            ("source_timeout", [5.0, 15.0]),
            ("source_reconnect", [1.0, 4.0]),
            // User guide: determining a source's peer IP address.
            ("peer_lag", [0.0, 20.0]),
            ("read_lag", [0.0, 1.0]),
            ("deleted_lingers", [60.0, 600.0]),
        ];
        let tails = [
            ("channel_start", 600.0),
            ("channel_stop", 300.0),
            ("channel_delete", 420.0),
        ];
        Self {
            law: "usual".into(),
            table: rows
                .into_iter()
                .map(|(name, range)| (name.to_owned(), range))
                .collect(),
            tails: tails
                .into_iter()
                .map(|(name, tail)| (name.to_owned(), tail))
                .collect(),
        }
    }
}

impl Times {
    /// Takes over the named ranges; a range that is set has no tail.
    pub fn set(&mut self, change: &Value) -> Result<(), String> {
        let mut next = self.clone();
        for (name, value) in change.as_object().ok_or("expected a JSON object")? {
            if name == "law" {
                next.law = match value.as_str() {
                    Some(law @ ("usual" | "fixed")) => law.to_owned(),
                    _ => return Err("law must be usual or fixed".into()),
                };
                continue;
            }
            let range: [f64; 2] = match value.as_f64() {
                Some(both) => [both, both],
                None => serde_json::from_value(value.clone())
                    .map_err(|_| format!("{name} must be [min, max] in seconds"))?,
            };
            if !(range[0] >= 0.0 && range[1] >= range[0] && range[1].is_finite()) {
                return Err(format!("{name} must be [min, max] in seconds"));
            }
            let slot = next
                .table
                .get_mut(name)
                .ok_or_else(|| format!("unknown time {name}"))?;
            *slot = range;
            next.tails.remove(name);
        }
        *self = next;
        Ok(())
    }

    /// Draws a duration in milliseconds.
    pub fn draw(&self, name: &str, rng: &mut Rng) -> u64 {
        let [min, max] = self.table.get(name).copied().unwrap_or_default();
        // Always the same number of draws, so that the law does not shift later chance.
        let (place, tail, far) = (rng.unit(), rng.unit(), rng.unit());
        let seconds = if self.law == "fixed" {
            min
        } else if let Some(end) = self.tails.get(name).filter(|_| tail < 0.02) {
            max + (end - max) * far
        } else {
            // The cube puts the median an eighth of the way up: a channel is created in about 4 s.
            min + (max - min) * place.powi(3)
        };
        (seconds * 1000.0).round() as u64
    }
}
