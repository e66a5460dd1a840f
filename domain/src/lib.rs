//! Words, rules and decisions.

pub mod address;
pub mod encoder;
pub mod platform;
pub mod preset;
pub mod problem;
pub mod record;
