//! DynamoDB with its stream and Parameter Store in process, as the SDKs speak them.
//!
//! Bodies of AWS JSON go in and come out; there is no I/O, no clock and no chance: the caller says
//! what time it is, and the same calls give the same answers. Never kinder than AWS: what AWS
//! refuses is refused with its error name, and what is not modelled stops the program with a sentence.

mod answer;
mod attribute;
mod case;
mod condition;
mod database;
mod expression;
mod number;
mod parameters;
mod projection;
mod reads;
mod scope;
mod stream;
mod table;
mod tokens;
mod update;

pub use answer::Answer;
pub use case::answers;
pub use database::Database;
pub use parameters::Parameters;
pub use stream::StreamRecord;
