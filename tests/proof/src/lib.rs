//! Deterministic simulation: the shipped handlers and state machines under every fault.
//!
//! A [`World`] holds one house from end to end: the real handlers with the real SDK clients, the real
//! state machine, the simulated media services, and small models of table, parameters, stream and
//! event bus. One seeded scheduler decides what happens next. When a handler calls AWS, the moment
//! the effect happens and the moment the answer arrives are two happenings, and anything may come
//! between them. The same seed and the same decisions give the same trace, byte for byte.
//!
//! - `setup`: what a run begins with and what its operator does
//! - `faults`: what goes wrong, where, and whether it can
//! - `roles`: what each worker may do, read from the template
//! - `trace`: what happened, compact and typed
//! - `oracle`: every promise, checked after every step; `check` runs a plan under all of them
//! - `search`, `shrink`, `story`: schedules to try, and what broke a promise made short and told
//! - `world`: the scheduler, and in its parts calls, functions, executions, stream, events, acts
//! - `connector`, `operations`, `functions`, `deployed`, `chance`: what the world stands on

pub mod bench;
pub mod chance;
pub mod check;
pub mod connector;
pub mod deployed;
pub mod faults;
pub mod functions;
pub mod operations;
pub mod oracle;
pub mod roles;
pub mod search;
pub mod setup;
pub mod shrink;
pub mod story;
pub mod trace;
pub mod world;

/// Of every program and test that runs schedules.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use faults::{Climate, Decision, Edge, Fault, Place, Plan, Site};
pub use setup::{Act, Cue, Setup, When};
pub use trace::{Event, Trace, What};
pub use world::{Call, Invocation, Sink, World};
