//! Words, rules and decisions.
