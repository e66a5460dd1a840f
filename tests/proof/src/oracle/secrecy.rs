//! S5, secrecy: the bytes of a planted key are in the parameter store and in the bodies of
//! CreateChannel and UpdateChannel, and nowhere else.

use super::canary::Canary;
use super::watch::Oracles;
use crate::world::Sink;

impl Oracles {
    /// S5: no planted key, in any form, in a table write, stream record, execution input, worker
    /// answer or error, log line, message, metric, tag, name or request other than the two that need
    /// it. Names and tags travel in request bodies, histories in payloads and answers.
    pub(super) fn no_key_in(&mut self, planted: &[&str], sinks: &[(Sink, u64, String)]) {
        let canary = Canary::new(planted);
        for (sink, at, text) in sinks {
            if may_hold_a_key(*sink) {
                continue;
            }
            if let Some(hit) = canary.find(text.as_bytes()) {
                let sentence = format!("key number {} {} is in {sink:?}", hit.key + 1, hit.form);
                self.broken("S5 secrecy", *at, None, sentence);
            }
        }
    }
}

/// What AWS itself answers with a key, or has to be told it: CreateChannel and UpdateChannel,
/// GetParameter's answer with decryption, every answer that shows a channel (API model), and the words of an
/// alert, which may name the whole address: nothing of them may go on.
fn may_hold_a_key(sink: Sink) -> bool {
    match sink {
        Sink::Request(operation) => matches!(
            operation,
            "medialive:CreateChannel" | "medialive:UpdateChannel"
        ),
        Sink::Answer(operation) => {
            matches!(operation, "ssm:GetParameter" | "medialive:ListAlerts")
                || operation.starts_with("medialive:") && operation.contains("Channel")
        }
        Sink::Event => true,
        _ => false,
    }
}
