//! What goes wrong, where, and whether it can.
//!
//! A place is a call (worker, operation, how many-th) or an edge (something that carries work from
//! one part of the house to another). A decision is one fault at one place. A plan is a list of
//! decisions, or a climate from which they are drawn; what was drawn is written down, so that a
//! random run can be told again as a plan and made shorter.

mod applies;
mod climate;
mod text;

pub use applies::applies;
pub use text::Unreadable;

/// A call: the worker's `nth` call of an operation in the run, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The worker: `create-channel`.
    pub worker: &'static str,
    /// The operation as a role names it: `medialive:CreateChannel`.
    pub operation: &'static str,
    /// Counted from 1.
    pub nth: u32,
}

/// What carries work from one part of the house to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// A record of the table's stream on its way to `dispatch`.
    StreamRecord,
    /// An event of the media services on its way to `resume`.
    MediaEvent,
    /// The schedule's tick on its way to `sweep`.
    Tick,
    /// StartExecution at Step Functions.
    ExecutionStart,
    /// SendTaskSuccess at Step Functions.
    TokenAnswer,
    /// An execution enters this state.
    Entered(&'static str),
    /// A function is invoked.
    Invoked(&'static str),
}

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// At a call.
    Call(Site),
    /// At the `nth` passage of an edge, counted from 1.
    Edge(Edge, u32),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The service answers with this status; nothing has happened.
    ErrorBefore(u16),
    /// It has happened; the connection closes without an answer. At an invocation: between Lambda and
    /// whoever invoked.
    AnswerLost,
    /// It has happened; the gateway answers 504.
    AnswerSpoilt,
    /// It has happened; no answer comes, and the SDK gives up after 10 s.
    AnswerTimedOut,
    /// Refused for its rate, this call and the next ones of this worker and operation: so many in all.
    /// At an invocation: Lambda has no room for it.
    Throttled(u32),
    /// The function dies when it sends; nothing has happened. At an invocation: before its first line.
    CrashBefore,
    /// The function dies when the effect has happened. At an invocation: after its last line.
    CrashAfter,
    /// The effect lands this many seconds late; function and SDK have given up by then.
    Slow(u32),
    /// A read is answered as of before the latest change.
    Stale,
    /// The service says with this status that the resource's state forbids it.
    Conflict(u16),
    /// 422: what is asked for can not be had, whoever asks again.
    Unprocessable,
    /// CreateChannel is accepted and ends in CREATE_FAILED.
    CreateFailed,
    /// UpdateChannel is accepted and ends in UPDATE_FAILED.
    UpdateFailed,
    /// StartChannel is accepted and the channel falls back to IDLE.
    FallsBackToIdle,
    /// StartChannel is accepted and soon after RUNNING the channel recovers.
    Recovering,
    /// 403.
    Forbidden,
    /// Over quota, in the words of the service.
    Quota,
    /// It never arrives.
    Lost,
    /// It arrives twice, at nearly the same time.
    Doubled,
    /// It arrives again an hour later.
    DoubledLate,
    /// It arrives this many seconds late.
    Delayed(u32),
    /// It changes places with what comes after it.
    Reordered,
    /// Something that cannot be read stands before it.
    Poisoned,
    /// Another one, of a thing that is not ours, comes with it.
    Forged,
    /// A person stops the execution.
    Aborted,
    /// A person stops the execution and redrives it this many seconds later.
    Redriven(u32),
    /// The execution's own time is up after this many seconds.
    TimedOut(u32),
    /// ExecutionLimitExceeded.
    LimitExceeded,
    /// The state machine is deployed anew while it runs.
    Redeployed,
    /// The worker's clock is this many seconds off.
    ClockJump(i32),
}

/// One fault at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decision {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// The weather of a random run: each kind of fault with the chance that it strikes a place it applies to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Climate {
    /// Kinds and their chances, from 0 to 1.
    pub rates: Vec<(Fault, f64)>,
    /// No fault begins after this time, milliseconds since 1970. None: they never stop.
    pub until: Option<u64>,
}

/// What a run suffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Decides every latency and every tie. Not changed by adding or taking away a decision. If its
    /// last three digits are 500 or more, a few ways are forty times as long as usual.
    pub seed: u64,
    /// Faults planned by hand, by the search or by an earlier run.
    pub decisions: Vec<Decision>,
    /// Faults drawn at random besides.
    pub climate: Option<Climate>,
}

impl Plan {
    /// A run without faults.
    #[must_use]
    pub fn calm(seed: u64) -> Plan {
        Plan {
            seed,
            ..Plan::default()
        }
    }

    /// A run with these faults.
    #[must_use]
    pub fn of(seed: u64, decisions: Vec<Decision>) -> Plan {
        Plan {
            seed,
            decisions,
            climate: None,
        }
    }
}
