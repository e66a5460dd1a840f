//! Throws broken input at everything that reads what somebody else wrote.
//!
//! Each target reads one kind of text and says what it must never do with it. A campaign takes the
//! target's seeds and every input that was ever found to fail, changes them at random, and keeps
//! what shows something new: another problem code, another state entered. An input that fails is made
//! as small as it gets and saved below `tests/fuzz/corpus`, where every later run replays it.
//!
//! - `chance`: seeded random numbers
//! - `mutate`: changes of texts and of JSON
//! - `campaign`: one target's run; `breed`: its new inputs; `corpus`: the kept ones
//! - `address`, `record`, `machine`, `answers`: the targets that need no cloud
//!
//! The targets that need one (stream records, media events, an operator's edits) are in `proof`.
//! `FUZZ_SEED` sets the seed, `FUZZ_SECONDS` how long each target runs instead of a fixed number of
//! inputs.

pub mod address;
pub mod answers;
mod breed;
pub mod campaign;
pub mod chance;
mod corpus;
pub mod machine;
pub mod mutate;
pub mod record;

pub use campaign::{Budget, Failure, Report, Seen, Target, check, run};
pub use chance::Chance;
