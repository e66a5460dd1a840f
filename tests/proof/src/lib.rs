//! Deterministic simulation: the shipped handlers and state machines under every fault.
