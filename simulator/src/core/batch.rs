//! BatchStart, BatchStop and BatchDelete: the single operations in a row, each with its own outcome.

use serde_json::{Value, json};

use super::wire::ApiError;
use super::{Answer, Call, Core};

impl Core {
    pub(super) fn batch(&mut self, name: &str, call: &Call<'_>) -> Answer {
        let ids = |member: &str| -> Vec<String> {
            let list = call
                .body
                .get(member)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (mut failed, mut successful) = (Vec::new(), Vec::new());
        let mut note = |id: &str, arn: String, result: Answer, state: &str| {
            match result {
            Ok(_) => successful.push(json!({"arn": arn, "id": id, "state": state})),
            Err(error) => failed.push(json!({"arn": arn, "id": id, "code": error.status.to_string(), "message": error.message})),
        }
        };
        for id in ids("channelIds") {
            let arn = self.medialive_arn("channel", &id);
            let (result, state) = match name {
                "BatchStart" => (self.start_channel(&id, call), "STARTING"),
                "BatchStop" => (self.stop_channel(&id), "STOPPING"),
                _ => (self.delete_channel(&id), "DELETING"),
            };
            note(&id, arn, result, state);
        }
        for id in ids("inputIds") {
            let (arn, result) = (self.medialive_arn("input", &id), self.delete_input(&id));
            note(&id, arn, result, "DELETING");
        }
        for id in ids("inputSecurityGroupIds") {
            let (arn, result) = (
                self.medialive_arn("inputSecurityGroup", &id),
                self.delete_group(&id),
            );
            note(&id, arn, result, "DELETED");
        }
        for id in ids("multiplexIds") {
            note(
                &id,
                self.medialive_arn("multiplex", &id),
                Err(ApiError::not_found("The simulator has no multiplexes")),
                "",
            );
        }
        Ok(json!({"failed": failed, "successful": successful}))
    }
}
