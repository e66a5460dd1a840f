//! What the state machine hands to the workers and gets back. Ids and small facts only.

use crate::ledgers::Holder;
use domain::{
    caps::Notice,
    incident::{Cause, Open},
    ledger::Until,
    look::{ChannelLook, FlowLook, FlowOutputLook, InputLook},
    plan::Lane,
    telling::Message,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// To Claim.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClaimInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
}

/// To Plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PlanInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// When the state machine entered the state.
    pub entered_at: Timestamp,
    /// How often the state machine has retried the state.
    #[serde(default)]
    pub retry_count: u32,
    /// How often this execution has planned before.
    pub lap: u64,
}

/// To every step of a lane.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StepInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// When the state machine entered the state.
    pub entered_at: Timestamp,
    /// How often the state machine has retried the state.
    #[serde(default)]
    pub retry_count: u32,
    /// What Plan decided and saw in this lap.
    pub plan: PlanOutput,
}

/// To DisableFlowOutput.
#[derive(Clone, Deserialize, Serialize)]
pub struct DisableInput {
    /// What every step gets.
    #[serde(flatten)]
    pub step: StepInput,
    /// AWS did not take the stop before.
    #[serde(default)]
    pub stop_refused: bool,
}

/// To PollChannel.
#[derive(Clone, Deserialize, Serialize)]
pub struct PollInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// When the state machine entered the state.
    pub entered_at: Timestamp,
    /// How often the state machine has retried the state.
    #[serde(default)]
    pub retry_count: u32,
    /// The token that ends the wait.
    pub task_token: String,
    /// What is waited for.
    pub until: Until,
    /// What Plan decided and saw in this lap.
    pub plan: PlanOutput,
    /// When AWS took the call before the wait, if it has told.
    #[serde(default)]
    pub taken_at: Option<Timestamp>,
}

/// To Fail.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FailInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// When the state machine entered the state.
    pub entered_at: Timestamp,
    /// How often the state machine has retried the state.
    #[serde(default)]
    pub retry_count: u32,
    /// What the state machine caught.
    pub error: Caught,
    /// Plan itself failed: no Plan comes after this that could tell the operator.
    #[serde(default)]
    pub no_plan: bool,
}

/// An error as `Catch` gives it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Caught {
    /// Its name.
    #[serde(rename = "Error")]
    pub error: String,
    /// A sentence, or a function's error as JSON text.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

macro_rules! written_by_the_holder {
    ($($input:ident)*) => {$(
        impl $input {
            /// Who writes to the ledger, and in which of its tries.
            pub fn holder(&self) -> Holder<'_> {
                Holder::new(&self.execution, self.entered_at, self.retry_count)
            }
        }
    )*};
}

written_by_the_holder! { PlanInput StepInput PollInput FailInput }

/// To Release.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ReleaseInput {
    /// The record's id.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// The knock that the last Plan read, and whether it hands over.
    pub plan: Knocked,
}

/// The part of a plan that Release needs; also what Claim and Fail put in a plan's place.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Knocked {
    /// Plans made so far.
    pub lap: u64,
    /// The ledger's knock.
    pub knock: u64,
    /// All laps are made: a successor goes on.
    #[serde(default)]
    pub hand_over: bool,
}

/// From Plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PlanOutput {
    /// Which lane.
    pub lane: Lane,
    /// How far: `Gone`, `Idle` or `Running`.
    pub level: Level,
    /// Plans made so far.
    pub lap: u64,
    /// The ledger's knock that this plan knows of.
    pub knock: u64,
    /// The generation.
    pub generation: u64,
    /// The incarnation.
    pub incarnation: u64,
    /// When a wait ends.
    pub until: Timestamp,
    /// In so many whole seconds, at least one: Step Functions takes a timeout only so.
    #[serde(default)]
    pub wait_seconds: i64,
    /// All laps are made: a successor goes on.
    pub hand_over: bool,
    /// When it looked.
    pub looked_at: Timestamp,
    /// What it saw.
    pub look: LookOutput,
}

/// How far a destination is to be brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Level {
    /// Nothing exists.
    Gone,
    /// Everything exists, nothing runs.
    Idle,
    /// On the air.
    Running,
}

impl From<domain::plan::Level> for Level {
    fn from(level: domain::plan::Level) -> Level {
        match level {
            domain::plan::Level::Gone => Level::Gone,
            domain::plan::Level::Idle => Level::Idle,
            domain::plan::Level::Running => Level::Running,
        }
    }
}

/// What Plan saw.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct LookOutput {
    /// The flow.
    pub flow: Option<FlowLook>,
    /// The input, unless it is gone.
    pub input: Option<InputLook>,
    /// The flow output.
    pub flow_output: Option<FlowOutputLook>,
    /// The channel, unless it is gone.
    pub channel: Option<ChannelLook>,
}

/// What an execution of the state machine of incidents begins with.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IncidentStart {
    /// The destination, or `flow`.
    pub destination_id: String,
    /// Why.
    pub cause: Cause,
    /// Not told yet.
    pub told: Told,
    /// When to look first, and at what.
    pub incident: IncidentLook,
    /// What to tell of a limit; of an outage that is seen when it is looked at.
    pub message: Message,
}

/// Where an execution finds its incident.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IncidentLook {
    /// Its key.
    pub incident_id: String,
    /// When it is worth a look.
    pub look_at: Timestamp,
    /// How often this execution has looked.
    #[serde(default)]
    pub looks: u64,
}

/// Whether this execution has sent the message.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Told {
    /// It has.
    pub done: bool,
}

impl IncidentStart {
    /// For an incident that was just opened.
    pub fn new(open: &Open) -> IncidentStart {
        IncidentStart {
            destination_id: open.destination_id.clone(),
            cause: open.cause,
            told: Told::default(),
            incident: IncidentLook {
                incident_id: open.incident_id.clone(),
                look_at: open.look_at(),
                looks: 0,
            },
            message: Message::default(),
        }
    }

    /// For a limit that is near or has acted.
    pub fn of_limit(destination_id: &str, notice: &Notice, runbooks: &str) -> IncidentStart {
        IncidentStart {
            destination_id: destination_id.to_owned(),
            cause: Cause::Limit,
            told: Told::default(),
            incident: IncidentLook {
                incident_id: notice.incident_id(),
                look_at: notice.noticed_at,
                looks: 0,
            },
            message: notice.message(destination_id, runbooks),
        }
    }
}

/// To ConfirmIncident.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ConfirmInput {
    /// The destination, or `flow`.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// Why.
    pub cause: Cause,
    /// Its key.
    pub incident_id: String,
    /// Whether this execution has sent the message.
    pub told: Told,
    /// What to tell of a limit.
    #[serde(default)]
    pub message: Message,
    /// How often this execution has looked.
    #[serde(default)]
    pub looks: u64,
}

/// To WatchIncident.
#[derive(Clone, Deserialize, Serialize)]
pub struct WatchInput {
    /// The destination, or `flow`.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// Why.
    pub cause: Cause,
    /// Its key.
    pub incident_id: String,
    /// How many words there had been when it was looked at.
    pub changes: u64,
    /// Whether this execution has sent the message.
    pub told: Told,
    /// The token that ends the wait.
    pub task_token: String,
}

/// To CloseIncident.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CloseInput {
    /// The destination, or `flow`.
    pub destination_id: String,
    /// ARN of the execution.
    pub execution: String,
    /// Why.
    pub cause: Cause,
    /// Its key.
    pub incident_id: String,
    /// Since when it lasted.
    pub since: Timestamp,
    /// When it was seen to be over.
    pub until: Timestamp,
    /// How often this execution has looked.
    #[serde(default)]
    pub looks: u64,
}

/// What comes next in the story of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Next {
    /// Not long enough to be told: look again.
    Debounce,
    /// Send the message.
    Tell,
    /// Told, and it lasts.
    Watch,
    /// Over, if it stays so.
    Quiet,
    /// It has begun again.
    Again,
    /// Nothing more to do.
    Over,
    /// This execution has looked often enough: let another one go on.
    HandOver,
}

/// From ConfirmIncident and CloseIncident.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IncidentOutput {
    /// What comes next.
    pub next: Next,
    /// Its key.
    pub incident_id: String,
    /// Since when it lasts.
    pub since: Timestamp,
    /// When to look again, if it is not long enough yet.
    pub look_at: Timestamp,
    /// How long to watch before the next look, in whole seconds.
    pub wait_seconds: i64,
    /// When it was seen to be over; the time of the look while it lasts.
    pub until: Timestamp,
    /// How many words there have been.
    pub changes: u64,
    /// How often this execution has looked.
    #[serde(default)]
    pub looks: u64,
    /// What to say.
    pub message: Message,
}

/// From a step whose call begins or ends what is billed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Taken {
    /// What it did, for the reader of a history.
    pub did: String,
    /// When AWS took the call, by the clock of its answer.
    pub taken_at: Option<Timestamp>,
    /// AWS did not take it in the state the channel was in: what was to follow has to wait, too.
    #[serde(default)]
    pub refused: bool,
}

impl Taken {
    /// Without a call.
    pub fn no_call(did: &str) -> Taken {
        Taken {
            did: did.to_owned(),
            taken_at: None,
            refused: false,
        }
    }
}

/// From a step: what it did, for the reader of a history.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Done {
    /// `created`, `already so`, ...
    pub did: String,
}

impl Done {
    /// What a step did.
    pub fn new(did: &str) -> Done {
        Done {
            did: did.to_owned(),
        }
    }
}
