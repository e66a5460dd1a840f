//! The table's stream: NEW_AND_OLD_IMAGES records, as an event source mapping hands them to Lambda.

use serde_json::{Value, json};
use std::sync::Arc;

/// One change of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// The table it happened in.
    pub table: String,
    /// 32 hexadecimal digits, unique.
    pub event_id: String,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: &'static str,
    /// Rises with every record of a table.
    pub sequence_number: u64,
    /// When the write happened.
    pub at_ms: u64,
    /// The item's key.
    pub keys: Value,
    /// The item before the write.
    pub old_image: Option<Arc<Value>>,
    /// The item after the write.
    pub new_image: Option<Arc<Value>>,
    /// True where DynamoDB itself removed an expired item.
    pub expired: bool,
    /// What AWS counts for it.
    pub size_bytes: usize,
}

impl StreamRecord {
    /// The record as it stands in `Records` of the event that a Lambda function gets.
    #[must_use]
    pub fn event(&self) -> Value {
        let mut change = json!({
            // Lambda rounds to seconds.
            "ApproximateCreationDateTime": self.at_ms / 1000,
            "Keys": self.keys,
            // 21 digits at least, says the API's model; as text and as number the order is the same.
            "SequenceNumber": format!("1{:020}", self.sequence_number),
            "SizeBytes": self.size_bytes,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, image) in [("OldImage", &self.old_image), ("NewImage", &self.new_image)] {
            if let Some(image) = image {
                change[name] = Value::clone(image);
            }
        }
        let mut event = json!({
            "eventID": self.event_id,
            "eventName": self.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-west-2",
            "dynamodb": change,
            "eventSourceARN": format!(
                "arn:aws:dynamodb:us-west-2:123456789012:table/{}/stream/2026-11-21T00:00:00.000", self.table),
        });
        if self.expired {
            event["userIdentity"] =
                json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        }
        event
    }
}
