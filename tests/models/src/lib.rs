//! DynamoDB with its stream and Parameter Store in process, as the SDKs speak them.
//!
//! Bodies of AWS JSON go in and come out; there is no I/O, no clock and no chance: the caller says
//! what time it is, and the same calls give the same answers. Never kinder than AWS: what AWS
//! refuses is refused with its error name, and what is not modelled stops the program with a sentence.

mod answer;
mod database;
mod parameters;
mod stream;

pub use answer::Answer;
pub use database::Database;
pub use parameters::Parameters;
pub use stream::StreamRecord;
