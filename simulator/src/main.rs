//! The simulator's door.
fn main() {}
