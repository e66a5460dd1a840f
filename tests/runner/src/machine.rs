//! A state machine as it was read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Refusal;

/// A state machine, read once and shared by its executions.
#[derive(Debug)]
pub struct Machine {
    name: String,
}

impl Machine {
    /// Reads a definition. `${Name}` is replaced by the value `substitutions` has for it, as CloudFormation does;
    /// anything this runner does not know is refused, with machine, state and field.
    pub fn parse(
        name: &str,
        _text: &str,
        _substitutions: &BTreeMap<String, String>,
    ) -> Result<Arc<Machine>, Refusal> {
        Err(Refusal(format!("{name}: not readable yet")))
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of all functions its tasks invoke.
    pub fn functions(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// The names of its states.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }
}
