//! How an orphan goes, and what is never touched.

use super::{Kind, Listed, Pass, Rules, Seen};
use crate::name;
use std::collections::BTreeSet;

/// What is sent to be rid of an orphan; the next passes do the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// StopChannel.
    StopChannel,
    /// DeleteChannel.
    DeleteChannel,
    /// DeleteInput.
    DeleteInput,
    /// RemoveFlowOutput.
    RemoveFlowOutput,
}

impl Listed {
    /// What its state allows to be rid of it; nothing while it is on its way to another.
    pub fn removal(&self) -> Option<Removal> {
        match (self.kind, self.state.as_str()) {
            (Kind::Channel, "RUNNING" | "RECOVERING" | "STARTING") => Some(Removal::StopChannel),
            (Kind::Channel, "IDLE" | "CREATE_FAILED" | "UPDATE_FAILED") => {
                Some(Removal::DeleteChannel)
            }
            (Kind::Input, "DETACHED") => Some(Removal::DeleteInput),
            (Kind::FlowOutput, _) => Some(Removal::RemoveFlowOutput),
            _ => None,
        }
    }
}

/// Leaves alone what belongs to a row that cannot be read: what looks unanswered for may be live.
pub(super) fn spare(seen: &Seen, rules: &Rules, pass: &mut Pass) {
    let of = |id: &String| name::resource(&rules.stack, id);
    let spared: BTreeSet<String> = seen.unreadable.iter().map(of).collect();
    pass.orphans.retain(|orphan| !spared.contains(&orphan.name));
    pass.wakes.retain(|id, _| !seen.unreadable.contains(id));
    pass.stop_flow &= spared.is_empty();
}
