//! The thin shell around a worker: decode, run, one JSON log line, one of four error names.

use crate::Cloud;
use domain::{Error, problem::Code};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Why a worker's process ended.
pub type Failure = lambda_runtime::Error;

/// Runs a worker until Lambda ends the process. `main.rs` calls this and nothing else.
pub fn run<I, O, W>(worker: &'static str, handle: W) -> Result<(), Failure>
where
    I: DeserializeOwned,
    O: Serialize,
    W: AsyncFn(&Cloud, I) -> Result<O, Error>,
{
    // One event at a time: a thread pool would only cost memory.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let cloud = Cloud::from_environment().map_err(|error| error.to_string())?;
        cloud.warm().await;
        let (cloud, handle) = (&cloud, &handle);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
            let outcome = invoke(
                cloud,
                worker,
                handle,
                event.payload,
                &event.context.request_id,
            );
            outcome.await.map_err(|error| Diagnostic {
                error_type: error.name().to_owned(),
                error_message: error.to_string(),
            })
        }))
        .await
    })
}

/// One invocation, from the event to the answer, with its log line.
pub async fn invoke<I, O, W>(
    cloud: &Cloud,
    worker: &str,
    handle: &W,
    payload: Value,
    request_id: &str,
) -> Result<Value, Error>
where
    I: DeserializeOwned,
    O: Serialize,
    W: AsyncFn(&Cloud, I) -> Result<O, Error>,
{
    let began = cloud.now();
    let id = subject(&payload);
    let outcome = answer(cloud, handle, payload).await;
    log(
        cloud,
        worker,
        &id,
        request_id,
        began,
        outcome.as_ref().err(),
    );
    outcome
}

/// Decodes the payload and runs the worker on it.
async fn answer<I, O, W>(cloud: &Cloud, handle: &W, payload: Value) -> Result<Value, Error>
where
    I: DeserializeOwned,
    O: Serialize,
    W: AsyncFn(&Cloud, I) -> Result<O, Error>,
{
    // The decoder's own words may quote the payload; ours do not.
    let input = serde_json::from_value(payload).map_err(|error| {
        Error::permanent(
            Code::Internal,
            format!("The payload does not decode ({:?}).", error.classify()),
        )
    })?;
    let output = handle(cloud, input).await?;
    serde_json::to_value(output)
        .map_err(|_| Error::permanent(Code::Internal, "The answer does not encode."))
}

/// Whom the log line is about.
fn subject(payload: &Value) -> String {
    payload
        .get("destination_id")
        .and_then(Value::as_str)
        .unwrap_or("-")
        .chars()
        .take(60)
        .collect()
}

/// The one line of an invocation. A step that was only too early or too late is no error of ours.
fn log(
    cloud: &Cloud,
    worker: &str,
    destination_id: &str,
    request_id: &str,
    began: Timestamp,
    error: Option<&Error>,
) {
    let line = json!({
        "level": error.map_or("INFO", level),
        "worker": worker,
        "destination_id": destination_id,
        "request_id": request_id,
        "duration_ms": cloud.now().as_millisecond() - began.as_millisecond(),
        "outcome": error.map_or("done", Error::name),
        "message": error.map(ToString::to_string),
    });
    cloud.say(&line.to_string());
}

fn level(error: &Error) -> &'static str {
    match error {
        Error::Transient(_) | Error::Stale(_) => "WARN",
        Error::Full(_) | Error::Permanent(_) => "ERROR",
    }
}

/// The line of one record of a batch that failed. Its function does not: it names the record in its answer.
pub(crate) fn log_record(cloud: &Cloud, worker: &str, keys: &Value, error: &Error) {
    let line = json!({
        "level": level(error),
        "worker": worker,
        "destination_id": subject(keys),
        "outcome": error.name(),
        "message": error.to_string(),
    });
    cloud.say(&line.to_string());
}

/// A line with what came of an invocation that nobody waits for, where it is worth knowing.
pub fn log_outcome(cloud: &Cloud, worker: &str, outcome: &impl Serialize) {
    let line = json!({"level": "WARN", "worker": worker, "did": outcome});
    cloud.say(&line.to_string());
}

/// Writes one metric in CloudWatch's embedded format: a count, by worker-independent name.
pub fn count(cloud: &Cloud, metric: &str, number: usize) {
    let stack = &cloud.settings.stack;
    let mut line = json!({
        "_aws": {
            "Timestamp": cloud.now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "Lunora",
                "Dimensions": [["Stack"]],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            }],
        },
        "Stack": stack,
    });
    line[metric] = json!(number);
    cloud.say(&line.to_string());
}

/// Where a function's lines go: Lambda takes the log, and CloudWatch its metrics, from standard output.
#[expect(clippy::print_stdout, reason = "the one place that writes to the log")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}
