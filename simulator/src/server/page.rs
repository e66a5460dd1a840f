//! The control page: what exists, what it costs, faults, and buttons. One file, no network but ours.

/// The whole page.
pub(super) const HTML: &str = include_str!("page.html");
