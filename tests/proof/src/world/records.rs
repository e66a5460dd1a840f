//! What the world remembers of calls, invocations and executions.

use crate::Site;
use serde_json::Value;

/// One call of a worker to AWS.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where in the run it stands.
    pub site: Site,
    /// The invocation that sent it.
    pub invocation: u32,
    /// What it is about: table and key, id, ARN or name; `*` where the operation has no resource.
    pub resource: String,
    /// When it was sent.
    pub sent: u64,
    /// When it took effect or was refused. None: it never reached the service.
    pub effect: Option<u64>,
    /// When its handler went on. None: it was never answered, or its function was dead by then.
    pub answered: Option<u64>,
    /// The service's status, whether or not it arrived.
    pub status: u16,
    /// The service's error name.
    pub error: Option<String>,
}

/// One invocation of a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The worker.
    pub worker: &'static str,
    /// The execution it is a task of.
    pub execution: Option<u32>,
    /// The destination it is about, if its payload names one.
    pub destination: Option<String>,
    /// When it began to run.
    pub began: u64,
    /// When it answered or died.
    pub ended: Option<u64>,
    /// What came of it; None while it runs.
    pub outcome: Option<Result<Value, runner::Failure>>,
    /// The error its caller saw although it answered.
    pub spoilt: Option<&'static str>,
}

/// What the world knows of an execution beside the execution itself.
#[derive(Clone, Debug)]
pub struct Run {
    /// The destination.
    pub destination: String,
    /// The earliest transition that is in the queue.
    pub(super) due: Option<u64>,
    /// Not before this time: it was slow to begin.
    pub(super) not_before: u64,
    /// How much of its history has been noted in the trace.
    pub(super) noted: usize,
    /// Draws of jitter so far.
    pub(super) draws: u64,
    /// How often it was put into the queue.
    pub(super) moves: u64,
}

/// A message that was sent to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// When.
    pub at: u64,
    /// By which execution.
    pub execution: u32,
    /// The topic's ARN.
    pub topic: String,
    /// One line.
    pub subject: String,
    /// The rest.
    pub message: String,
}

/// Something that a stream key must never be found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// A record of the stream, as it is handed to the function.
    Stream,
    /// An event, as it is handed to the function.
    Event,
    /// A line that a worker wrote.
    Log,
    /// A message to people.
    Message,
    /// A worker's answer or error, as its caller gets it.
    Outcome,
    /// The body of a request, but for CreateChannel and UpdateChannel.
    Request(&'static str),
    /// The body of an answer, but for MediaLive's answers with a channel and for a decrypted parameter.
    Answer(&'static str),
    /// The path and query of a request.
    Address(&'static str),
}
