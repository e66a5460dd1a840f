//! Events on their way to EventBridge, at most ten in a call and in the order they became due.
//! AWS sends them as best effort, and so do we: after a few attempts a batch is dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Shared;
use super::aws::Cloud;

/// The most entries PutEvents takes.
const BATCH: usize = 10;
const ATTEMPTS: u64 = 4;

/// How many went out, and how many did not.
#[derive(Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

fn entry(envelope: &Value, source: &str) -> Value {
    json!({
        "Source": source,
        "DetailType": envelope["detail-type"],
        "Detail": envelope["detail"].to_string(),
        "Resources": envelope["resources"],
    })
}

pub(super) async fn send_all(
    mut happenings: mpsc::UnboundedReceiver<Value>,
    cloud: Cloud,
    source: String,
    shared: Arc<Shared>,
) {
    let mut batch = Vec::new();
    while happenings.recv_many(&mut batch, BATCH).await > 0 {
        let entries: Vec<Value> = batch
            .drain(..)
            .map(|envelope| entry(&envelope, &source))
            .collect();
        let count = entries.len() as u64;
        let failed = send(&cloud, &entries).await;
        shared
            .events
            .sent
            .fetch_add(count - failed.min(count), Ordering::Relaxed);
        shared
            .events
            .failed
            .fetch_add(failed.min(count), Ordering::Relaxed);
    }
}

/// How many of the entries did not get through.
async fn send(cloud: &Cloud, entries: &[Value]) -> u64 {
    for attempt in 1..=ATTEMPTS {
        match cloud.put_events(entries).await {
            Ok(0) => return 0,
            Ok(failed) => {
                eprintln!("EventBridge refused {failed} of {} events", entries.len());
                return failed;
            }
            Err(error) if attempt == ATTEMPTS => eprintln!("events lost: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100 * attempt)).await,
        }
    }
    entries.len() as u64
}
