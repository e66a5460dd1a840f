//! Runs our state machines: a closed subset of the Amazon States Language under a virtual clock.
