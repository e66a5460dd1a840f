//! What Plan saw in the cloud: small facts, in AWS's words.

use crate::{
    ledger::{self, Ledger, Until, Wait},
    problem::{Code, Problem},
    record::{DesiredState, Wish},
    session::Spent,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a describe may still show the state from before a start.
pub const LAG_OF_START_SECONDS: i64 = 20;

/// A MediaLive channel's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ChannelState {
    /// Being made.
    Creating,
    /// Making it failed.
    CreateFailed,
    /// Stopped.
    Idle,
    /// On its way up.
    Starting,
    /// Encoding.
    Running,
    /// A pipeline failed and comes back by itself.
    Recovering,
    /// On its way down.
    Stopping,
    /// Being deleted.
    Deleting,
    /// Gone, still describable.
    Deleted,
    /// Being changed.
    Updating,
    /// Changing it failed.
    UpdateFailed,
    /// A state that this version does not know: treated as passing.
    Unknown(String),
}

impl From<String> for ChannelState {
    fn from(state: String) -> ChannelState {
        match state.as_str() {
            "CREATING" => ChannelState::Creating,
            "CREATE_FAILED" => ChannelState::CreateFailed,
            // Events say CREATED and STOPPED where the API says IDLE (MediaLive user guide, events).
            "IDLE" | "CREATED" | "STOPPED" => ChannelState::Idle,
            "STARTING" => ChannelState::Starting,
            "RUNNING" => ChannelState::Running,
            "RECOVERING" => ChannelState::Recovering,
            "STOPPING" => ChannelState::Stopping,
            "DELETING" => ChannelState::Deleting,
            "DELETED" => ChannelState::Deleted,
            "UPDATING" => ChannelState::Updating,
            "UPDATE_FAILED" => ChannelState::UpdateFailed,
            _ => ChannelState::Unknown(state),
        }
    }
}

impl From<ChannelState> for String {
    fn from(state: ChannelState) -> String {
        state.as_str().to_owned()
    }
}

impl ChannelState {
    /// AWS's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            ChannelState::Creating => "CREATING",
            ChannelState::CreateFailed => "CREATE_FAILED",
            ChannelState::Idle => "IDLE",
            ChannelState::Starting => "STARTING",
            ChannelState::Running => "RUNNING",
            ChannelState::Recovering => "RECOVERING",
            ChannelState::Stopping => "STOPPING",
            ChannelState::Deleting => "DELETING",
            ChannelState::Deleted => "DELETED",
            ChannelState::Updating => "UPDATING",
            ChannelState::UpdateFailed => "UPDATE_FAILED",
            ChannelState::Unknown(state) => state,
        }
    }

    /// Whether the channel leaves this state by itself.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            ChannelState::Creating
                | ChannelState::Starting
                | ChannelState::Stopping
                | ChannelState::Deleting
                | ChannelState::Updating
                | ChannelState::Unknown(_)
        )
    }

    /// Whether it sends, or did and is being repaired.
    pub fn is_on_air(&self) -> bool {
        matches!(self, ChannelState::Running | ChannelState::Recovering)
    }

    /// Whether it is on the air or on its way there.
    pub fn is_up(&self) -> bool {
        self.is_on_air() || *self == ChannelState::Starting
    }

    /// Whether MediaLive bills it as running: until it is IDLE again.
    pub fn counts_as_running(&self) -> bool {
        self.is_up() || *self == ChannelState::Stopping
    }
}

/// Whether a wait that began at `wait.since` is over. A channel that is IDLE just after a start may
/// be one whose new state is not visible yet; it may have failed at once, too, but a look a little
/// later costs less than a start counted twice.
pub fn is_wait_over(now: Timestamp, wait: &Wait, state: &ChannelState) -> bool {
    let lags = wait.until == Until::Running
        && *state == ChannelState::Idle
        && now < ledger::after(wait.since, LAG_OF_START_SECONDS);
    is_over(wait.until, state) && !lags
}

/// Whether waiting is over: the channel is not passing through a state that leads there.
pub fn is_over(until: Until, state: &ChannelState) -> bool {
    let on_the_way: &[ChannelState] = match until {
        Until::Idle => &[ChannelState::Creating, ChannelState::Updating],
        Until::Running => &[ChannelState::Starting],
        // A stop that was refused while STARTING waits for the next state.
        Until::Stopped => &[ChannelState::Stopping, ChannelState::Starting],
        Until::Deleted => &[ChannelState::Deleting],
        // Time, or an edit, ends this one.
        Until::Turn => return false,
    };
    !on_the_way.contains(state) && !matches!(state, ChannelState::Unknown(_))
}

/// What was seen of a thing that has an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight<T> {
    /// Never asked for, so not looked for.
    Never,
    /// Asked for, or known by id, and not there.
    NotFound,
    /// There.
    There(T),
}

impl<T> Sight<T> {
    /// The thing, if it is there.
    pub fn there(&self) -> Option<&T> {
        match self {
            Sight::There(thing) => Some(thing),
            _ => None,
        }
    }
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelLook {
    /// MediaLive's id.
    pub id: String,
    /// Its state.
    pub state: ChannelState,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputLook {
    /// MediaLive's id.
    pub id: String,
    /// CREATING, DETACHED, ATTACHED, DELETING or DELETED.
    pub state: String,
    /// The first destination's address; a single-pipeline channel reads only that one.
    pub address: Option<String>,
}

/// The input as memory has it, if a look would tell nothing more: MediaLive deletes no input while
/// a channel has it (DeleteInput answers 409 unless it is DETACHED), so the one that a living channel
/// was made with is there.
pub fn attached_input(row: &Ledger, channel: &Sight<ChannelLook>) -> Option<InputLook> {
    let (made, on_air) = (row.input.as_ref()?, row.on_air.as_ref()?);
    let lives = channel.there().is_some_and(|channel| {
        (channel.state == ChannelState::Idle || channel.state.counts_as_running())
            && row
                .channel
                .as_ref()
                .is_some_and(|made| made.id == channel.id)
    });
    (lives && on_air.input_id == made.id && !made.address.is_empty()).then(|| InputLook {
        id: made.id.clone(),
        state: "ATTACHED".to_owned(),
        address: Some(made.address.clone()),
    })
}

/// The flow output as memory has it, if the flow need not be asked: a destination that is to be gone
/// and is on the air is stopped, however the flow is, and the next Plan looks at the flow.
pub fn unasked_output(
    row: &Ledger,
    wish: Option<&Wish>,
    channel: &Sight<ChannelLook>,
) -> Option<Option<FlowOutputLook>> {
    let leaves = wish.is_none_or(|wish| wish.desired == Ok(DesiredState::Removed));
    let up = channel.there().is_some_and(|channel| channel.state.is_up());
    // A look at the flow might tell the outcome of an act that blocks the stop.
    (leaves && up && row.intent.is_none()).then(|| {
        row.flow_output_arn.as_ref().map(|arn| FlowOutputLook {
            arn: arn.clone(),
            enabled: true,
            destination: None,
            port: None,
        })
    })
}

/// One of our flow outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowOutputLook {
    /// MediaConnect's ARN.
    pub arn: String,
    /// Whether it sends.
    pub enabled: bool,
    /// Where to.
    pub destination: Option<String>,
    /// To which port.
    pub port: Option<i32>,
}

impl FlowOutputLook {
    /// Whether it feeds that address.
    pub fn feeds(&self, address: &str) -> bool {
        self.destination.as_deref() == Some(address) && self.port == Some(crate::INPUT_PORT)
    }
}

/// The flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowLook {
    /// STANDBY, ACTIVE, UPDATING, DELETING, STARTING, STOPPING or ERROR.
    pub status: String,
    /// The address it sends from.
    pub egress_ip: Option<String>,
    /// How many outputs it has, ours or not.
    pub outputs: usize,
    /// Whether we may start and stop it; `None` when nobody had to ask.
    pub ours: Option<bool>,
}

impl FlowLook {
    /// Whether it is on its way out: as good as missing.
    pub fn is_going(&self) -> bool {
        matches!(self.status.as_str(), "DELETING" | "DELETED")
    }

    /// Whether it takes no change now, and will again by itself.
    pub fn is_busy(&self) -> bool {
        matches!(self.status.as_str(), "STARTING" | "STOPPING" | "UPDATING")
    }

    /// Whether it carries the programme. UPDATING is an active flow with a change on its way.
    pub fn is_up(&self) -> bool {
        matches!(self.status.as_str(), "ACTIVE" | "UPDATING")
    }
}

/// The key's parameter, looked at without decryption.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyLook {
    /// Not looked at: the configuration names none.
    NotAsked,
    /// A SecureString with this key: a number that no two keys share.
    Version(i64),
    /// No such parameter.
    Missing,
    /// We may not read it.
    Unreadable,
    /// A plain String or StringList: anybody who lists parameters reads the key.
    NotSecure,
}

/// Rows of an older version have the parameter's version alone, which is less than a time in milliseconds.
const VERSION_MAX: i64 = 1_000_000_000_000;

/// Whether a key that was noted is the one that is found: a number that no two keys share, which ends in the
/// last three digits of the parameter's version.
pub fn is_same_key(noted: i64, found: i64) -> bool {
    noted == found || noted < VERSION_MAX && noted % 1000 == found % 1000
}

impl KeyLook {
    /// Whether the parameter holds another key than the one that was noted.
    pub fn is_another(&self, noted: i64) -> bool {
        matches!(self, KeyLook::Version(found) if !is_same_key(noted, *found))
    }

    /// What is wrong with the parameter of this name.
    pub fn problem(&self, parameter: &str) -> Option<Problem> {
        let (code, message) = match self {
            KeyLook::Version(_) | KeyLook::NotAsked => return None,
            KeyLook::Missing => (
                Code::ParameterMissing,
                format!("There is no parameter {parameter}."),
            ),
            KeyLook::Unreadable => (
                Code::ParameterUnreadable,
                format!("Lunora may not read the parameter {parameter}."),
            ),
            KeyLook::NotSecure => (
                Code::ParameterNotSecure,
                format!("The parameter {parameter} is not a SecureString."),
            ),
        };
        Some(Problem::new(code, message))
    }
}

/// Who holds the address and key that the wish names.
#[derive(Clone, Debug, PartialEq)]
pub enum AddressLook {
    /// The wish names none.
    NotAsked,
    /// This destination.
    Held,
    /// Another one.
    HeldBy(String),
}

/// Everything Plan saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The channel.
    pub channel: Sight<ChannelLook>,
    /// The input.
    pub input: Sight<InputLook>,
    /// The flow output of our name.
    pub flow_output: Option<FlowOutputLook>,
    /// The flow; absent when it does not exist.
    pub flow: Option<FlowLook>,
    /// The key's parameter.
    pub key: KeyLook,
    /// The address.
    pub address: AddressLook,
    /// The backup's key's parameter.
    pub backup_key: KeyLook,
    /// The backup's address.
    pub backup_address: AddressLook,
    /// What was spent before this stretch; zero unless the destination has a budget.
    pub spent: Spent,
}

impl Look {
    /// Nothing was looked at.
    pub fn unseen() -> Look {
        Look {
            channel: Sight::Never,
            input: Sight::Never,
            flow_output: None,
            flow: None,
            key: KeyLook::NotAsked,
            address: AddressLook::NotAsked,
            backup_key: KeyLook::NotAsked,
            backup_address: AddressLook::NotAsked,
            spent: Spent::default(),
        }
    }
}
