//! S6 and S7: nothing new once a newer wish was seen; a stop wins; and a knock is heard (S4).

use super::bounds::Token;
use super::memory::Run;
use super::sight::House;
use super::watch::Oracles;
use crate::world::Call;

/// What makes, starts or changes, or deletes a channel (the domain's list of acts that a knock holds back).
fn makes(call: &Call) -> bool {
    match call.site.operation {
        "medialive:CreateInput"
        | "medialive:CreateChannel"
        | "medialive:UpdateChannel"
        | "medialive:StartChannel"
        | "medialive:DeleteChannel"
        | "mediaconnect:AddFlowOutputs"
        | "mediaconnect:StartFlow" => true,
        // The same call switches an output off, which no knock holds back.
        "mediaconnect:UpdateFlowOutput" => call.site.worker != "disable-flow-output",
        _ => false,
    }
}

/// What acts at all, and so needs the lease and a note of what it is about to send.
fn acts(call: &Call) -> bool {
    makes(call)
        || matches!(
            call.site.operation,
            "medialive:StopChannel"
                | "medialive:DeleteChannel"
                | "medialive:DeleteInput"
                | "mediaconnect:UpdateFlowOutput"
                | "mediaconnect:RemoveFlowOutput"
        )
}

impl Oracles {
    /// S4: whoever knocked while another execution waited has ended that wait when it returns, unless a
    /// fault has held the answer up.
    pub(super) fn knock_is_heard(&mut self, house: &dyn House, at: u64, run: &Run) {
        let (Some(id), Some(knocked)) = (&run.destination, &run.opened) else {
            return;
        };
        let row = self
            .destinations
            .get(id)
            .and_then(|known| known.row.as_ref());
        let same = row.is_some_and(|row| row.wait.is_some() && row.wait == knocked.wait);
        let waits = |token: &Token| {
            token.destination == *id
                && (token.state.starts_with("PollChannel") || token.state == "AwaitTurn")
        };
        if run.worker == "claim"
            && same
            && self.fired.is_empty()
            && house.tokens().iter().any(waits)
        {
            let sentence = "somebody knocked and has gone, and the wait goes on";
            self.broken("S4 no lost edit", at, Some(id), sentence);
        }
    }

    /// S6 and S7: a worker that acts for a destination has first written down its intent while it held
    /// the lease; if it makes, starts or changes, no knock had been left by then that its plan did
    /// not know of, and no start is sent once the ledger has seen a wish that is not streaming.
    /// AWS takes no fencing token, so what is left is the time between that write and the call.
    pub(super) fn nothing_new_after_a_knock(&mut self, at: u64, call: &Call) {
        if !acts(call) {
            return;
        }
        let Some(run) = self.runs.get(&call.invocation) else {
            return;
        };
        // The scheduled pass acts for nobody; what it may do is judged by `things` and `money`.
        let Some(id) = run.destination.clone() else {
            return;
        };
        let operation = call.site.operation;
        let mut found = Vec::new();
        match &run.opened {
            None => found.push((
                "S2 written ahead",
                format!(
                    "{} sent {operation} without noting it in the ledger before",
                    run.worker
                ),
            )),
            Some(row) => {
                let execution = run.execution.and_then(|n| self.executions.get(n as usize));
                if let Some(execution) = execution
                    && row.holder.as_deref() != Some(execution.arn.as_str())
                {
                    found.push((
                        "S6 generation",
                        format!(
                            "{} sent {operation} and does not hold the lease",
                            run.worker
                        ),
                    ));
                }
                if row.intent.as_ref().map(|(operation, _)| operation.as_str()) != Some(run.worker)
                {
                    found.push((
                        "S2 written ahead",
                        format!(
                            "{} sent {operation} and its intent is not in the ledger",
                            run.worker
                        ),
                    ));
                }
                if makes(call) && run.planned.is_some_and(|planned| planned != row.knock) {
                    found.push((
                        "S6 generation",
                        format!(
                            "{} sent {operation} although the knock was {} and its plan knew of {}",
                            run.worker,
                            row.knock,
                            run.planned.unwrap_or_default()
                        ),
                    ));
                }
                if operation == "medialive:StartChannel"
                    && row.desired.as_deref() != Some("streaming")
                {
                    found.push((
                        "S7 stop wins",
                        format!(
                            "StartChannel was sent although the ledger had seen {}",
                            row.desired.as_deref().unwrap_or("no wish")
                        ),
                    ));
                }
            }
        }
        let started = run.opened.as_ref().is_some_and(|row| {
            row.channel_sought.is_some() || operation != "medialive:CreateChannel"
        });
        if run.opened.is_some() && !started {
            found.push((
                "S2 written ahead",
                "CreateChannel was sent and the ledger does not say that one is sought".to_owned(),
            ));
        }
        for (invariant, sentence) in found {
            self.broken(invariant, at, Some(&id), sentence);
        }
    }
}
