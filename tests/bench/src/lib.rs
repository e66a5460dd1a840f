//! Measures what a worker costs, beside peers doing the same step: a Runtime API and an endpoint
//! with TLS on loopback, a counter of instructions, and one table for all figures.

pub mod canned;
pub mod certificate;
pub mod endpoint;
pub mod figures;
pub mod http;
pub mod machine;
pub mod measure;
pub mod meter;
mod page;
pub mod process;
pub mod rows;
pub mod runtime;
pub mod table;
