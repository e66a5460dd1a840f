//! What a run begins with and what its operator does.

use crate::deployed::Deployed;
use serde_json::{Value, json};

/// What a run begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the operator does, and when. Records are put by acts too.
    pub script: Vec<Cue>,
    /// `GRACE_SECONDS`; None: the template's default.
    pub grace_seconds: Option<i64>,
    /// `FLOW_GRACE_SECONDS`; None: the template's default.
    pub flow_grace_seconds: Option<i64>,
    /// Options of the simulator, `{"over_quota": "400"}`; Null: its defaults.
    pub options: Value,
    /// Quotas of the simulator, `{"channels": 5}`; Null: AWS's defaults.
    pub quotas: Value,
    /// Times of the simulator, `{"law": "fixed"}`; Null: its defaults.
    pub times: Value,
    /// What becomes of the simulator's events, `{"drop": 0.1}`; Null: each comes once and at once.
    pub knobs: Value,
    /// Another deployment than the house's own.
    pub deployed: Option<&'static Deployed>,
    /// What `Act::Redeploy` deploys; None: the same again.
    pub redeployed: Option<&'static Deployed>,
    /// Whether the flow carries our tag.
    pub owns_flow: bool,
    /// How many flows there are. A stack has one; more are past its quotas.
    pub flows: usize,
    /// Whether the flow has a second source, named backup; the first has priority.
    pub backup_source: bool,
    /// Whether the schedule ticks.
    pub ticks: bool,
    /// Whether media events are delivered at all.
    pub events: bool,
    /// Whether stream records are delivered at all.
    pub stream: bool,
    /// Keep what a canary may be found in.
    pub keep_sinks: bool,
    /// Keep the JSON of the executions' histories.
    pub keep_histories: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            script: Vec::new(),
            grace_seconds: None,
            flow_grace_seconds: None,
            options: Value::Null,
            quotas: Value::Null,
            times: Value::Null,
            knobs: Value::Null,
            deployed: None,
            redeployed: None,
            owns_flow: true,
            flows: 1,
            backup_source: false,
            ticks: true,
            events: true,
            stream: true,
            keep_sinks: true,
            keep_histories: true,
        }
    }
}

/// When an operator acts.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// This many milliseconds after the run began.
    At(u64),
    /// This many milliseconds after the act before it.
    After(u64),
    /// So many milliseconds after the channel of a destination was first seen in a state, counted from the act before.
    Channel(String, &'static str, u64),
    /// So many milliseconds after an execution of a destination entered a state, counted from the act before.
    Enters(String, &'static str, u64),
    /// As soon as the house is quiet: nothing runs, nothing is under way.
    Quiet,
}

/// One act and its moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// When.
    pub when: When,
    /// What.
    pub act: Act,
}

/// What an operator, or somebody in the console, does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// PutItem: plain JSON, over whatever was there.
    Put(Value),
    /// Sets attributes of a record; Null removes one.
    Edit(String, Value),
    /// DeleteItem.
    Delete(String),
    /// PutParameter with overwrite; the value is a canary of its own.
    Key(String),
    /// DeleteParameter.
    DropKey(String),
    /// The simulator's by-hand action on a destination's thing: `stop_channel`, `delete_channel`,
    /// `start_channel`, `delete_input`, `remove_flow_output`, `recover_channel`, `stop_flow`...
    ByHand(&'static str, String),
    /// An alert of MediaLive on a destination's channel, by its text: set, or cleared.
    Alert(String, &'static str, bool),
    /// The line of a source of the flow, by its name, is cut (true) or mended.
    Cut(&'static str, bool),
    /// A platform's server, by its host, does what the simulator's word for it says: `refuses` every
    /// stream, `closes` it soon after, or is `up`.
    Platform(String, &'static str),
    /// MediaLive tells of an alert on a channel that is not ours, by its text.
    ForeignAlert(&'static str),
    /// Changes quotas.
    Quotas(Value),
    /// StopExecution of the destination's running execution.
    Abort(String),
    /// RedriveExecution of the destination's last failed, timed-out or aborted execution.
    Redrive(String),
    /// StartExecution with the input of the destination's last execution, as the console's button does.
    Replay(String),
    /// The state machine is deployed anew.
    Redeploy,
    /// From now on a service answers nothing but 503, or runs no function: `lambda`, `dynamodb`,
    /// `ssm`, `states`, `medialive`, `mediaconnect`. What runs in the media services runs on.
    Down(&'static str),
    /// The service is back.
    Up(&'static str),
    /// Nothing; a place for a fault or for the end of a wait.
    Nothing,
}

/// The name of the parameter that holds a destination's key.
#[must_use]
pub fn key_of(id: &str) -> String {
    format!("/lunora-player/streaming/{id}")
}

/// A valid record, as an operator writes it. Each destination has an address of its own.
#[must_use]
pub fn record(id: &str, desired_state: &str) -> Value {
    json!({
        "destination_id": id,
        "name": id,
        "platform": "custom",
        "rtmp_url": format!("rtmps://{id}.example.com:443/live2"),
        "stream_key_param": key_of(id),
        "preset_id": "1080p30",
        "enabled": true,
        "desired_state": desired_state,
    })
}
