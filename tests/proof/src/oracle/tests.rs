//! Each oracle is shown a violation made by hand: an oracle that cannot fail is worth nothing.
//! The stage is a real simulated account with tables, calls and executions written by hand.

mod content;
mod rest;
mod stage;
mod tables;
mod things;
