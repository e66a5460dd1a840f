//! Runs our state machines: a closed subset of the Amazon States Language under a virtual clock.
//!
//! It performs nothing itself. `Execution::advance` makes one step and says what the world is to do;
//! time and chance are arguments. What the subset does not hold is refused when a machine is read.

mod choice;
mod execution;
mod fields;
mod history;
mod machine;
mod path;
mod reader;
mod step;
mod task;
mod template;
mod trouble;
mod view;
mod words;

pub use execution::{Execution, execution_of};
pub use history::{Event, What};
pub use machine::Machine;
pub use words::{Effect, Failure, OpenToken, Refusal, Status, TokenProblem};
