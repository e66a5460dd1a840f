//! When the billing clock runs: what begins and what ends each line (`billing`).

use serde_json::Value;

use super::Core;
use super::billing::{Stream, Transfer};
use super::channel::Channel;
use super::prices;

/// Video plus audio of all outputs.
fn bits_per_second(channel: &Channel) -> u64 {
    let encoder = channel.encoder();
    let videos = encoder["videoDescriptions"]
        .as_array()
        .into_iter()
        .flatten();
    let audios = encoder["audioDescriptions"]
        .as_array()
        .into_iter()
        .flatten();
    let video: u64 = videos
        .filter_map(|row| row["codecSettings"]["h264Settings"]["bitrate"].as_u64())
        .sum();
    let audio: f64 = audios
        .filter_map(|row| row["codecSettings"]["aacSettings"]["bitrate"].as_f64())
        .sum();
    video + audio as u64
}

impl Core {
    pub(super) fn meter_open_idle_channel(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let line = self.line(
            id,
            channel.name(),
            "idle_channel",
            &channel.tags,
            prices::IDLE_CHANNEL,
        );
        self.meter.open.insert(("idle", id.to_owned()), vec![line]);
    }

    pub(super) fn meter_open_idle_input(&mut self, id: &str) {
        let Some(input) = self.inputs.get(id).filter(|input| input.is_push()) else {
            return;
        };
        let line = self.line(
            id,
            &input.name,
            "idle_input",
            &input.tags,
            prices::IDLE_INPUT,
        );
        self.meter
            .open
            .insert(("idle-input", id.to_owned()), vec![line]);
    }

    /// A channel or an input is DELETED.
    pub(super) fn meter_close_idle(&mut self, id: &str) {
        self.meter.close(("idle", id), self.now);
        self.meter.close(("idle-input", id), self.now);
    }

    /// StartChannel is accepted.
    pub(super) fn meter_run_starts(&mut self, id: &str) {
        let now = self.now;
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let (standard, specification) =
            (channel.standard(), &channel.settings["inputSpecification"]);
        let mut lines = Vec::new();
        for input in channel.input_ids() {
            let name = self.inputs.get(&input).map_or("", |input| &input.name);
            let price = prices::input(specification, standard);
            lines.push(self.line(&input, name, "channel_input", &channel.tags, price));
        }
        let videos = channel.encoder()["videoDescriptions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let groups = channel.encoder()["outputGroups"]
            .as_array()
            .into_iter()
            .flatten();
        for output in groups.flat_map(|group| group["outputs"].as_array().into_iter().flatten()) {
            let video = videos
                .iter()
                .find(|video| video["name"] == output["videoDescriptionName"]);
            let price = prices::output(video.unwrap_or(&Value::Null), specification, standard);
            lines.push(self.line(id, channel.name(), "channel_output", &channel.tags, price));
        }
        let egress = self.stream(bits_per_second(channel));
        let inputs = channel.input_ids();
        self.meter.close(("idle", id), now);
        for input in inputs {
            self.meter.close(("idle-input", &input), now);
        }
        self.meter.egress.insert(id.to_owned(), egress);
        self.meter.open.insert(("run", id.to_owned()), lines);
    }

    /// A platform begins or ends to take what leaves.
    pub(super) fn meter_running(&mut self, id: &str, running: bool) {
        let now = self.now;
        if let Some(egress) = self.meter.egress.get_mut(id) {
            egress.flows(now, running);
        }
    }

    /// The channel is IDLE again.
    pub(super) fn meter_run_ends(&mut self, id: &str) {
        let now = self.now;
        self.meter_running(id, false);
        self.meter.close(("run", id), now);
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let inputs = channel.input_ids();
        if let Some(egress) = self.meter.egress.remove(id)
            && let Some(channel) = self.channels.get(id)
        {
            let about = (id, channel.name(), &channel.tags);
            let line = self.bytes_line("egress", about, &egress);
            self.meter.closed.extend(line.map(|line| line.ends(now)));
        }
        self.meter_open_idle_channel(id);
        for input in inputs {
            self.meter_open_idle_input(&input);
        }
    }

    pub(super) fn meter_flow(&mut self, arn: &str, active: bool) {
        if !active {
            return self.meter.close(("flow", arn), self.now);
        }
        let Some(flow) = self.flows.get(arn) else {
            return;
        };
        let line = self.line(arn, &flow.name, "flow", &flow.tags, prices::FLOW);
        self.meter.open.insert(("flow", arn.to_owned()), vec![line]);
    }

    /// An output of a flow begins or ends to send.
    pub(super) fn meter_transfer(&mut self, flow: &str, arn: &str, sends: bool) {
        let now = self.now;
        if self.options.flow_transfer != "on" {
            return;
        }
        if sends && !self.meter.transfers.contains_key(arn) {
            let flow = self.flows.get(flow);
            let Some(output) = flow.and_then(|flow| flow.outputs.iter().find(|row| row.arn == arn))
            else {
                return;
            };
            let transfer = Transfer {
                stream: self.stream(self.options.feed_bits_per_second),
                name: output.text("name").to_owned(),
                tags: output.tags.clone(),
            };
            self.meter.transfers.insert(arn.to_owned(), transfer);
        }
        if let Some(transfer) = self.meter.transfers.get_mut(arn) {
            transfer.stream.flows(now, sends);
        }
    }

    /// An output is removed, or its flow stops: a line is closed.
    pub(super) fn meter_transfer_ends(&mut self, arn: &str) {
        let now = self.now;
        if let Some(mut transfer) = self.meter.transfers.remove(arn) {
            transfer.stream.flows(now, false);
            let about = (arn, transfer.name.as_str(), &transfer.tags);
            let line = self.bytes_line("flow_transfer", about, &transfer.stream);
            self.meter.closed.extend(line.map(|line| line.ends(now)));
        }
    }

    fn stream(&self, bits_per_second: u64) -> Stream {
        Stream {
            bits_per_second: (self.options.media == "ideal").then_some(bits_per_second),
            reported: 0,
            since: None,
            sent_ms: 0,
            from: self.now,
        }
    }
}
