//! The frame of an acting step: open with an intent, act, look again if need be, close.

use crate::{
    Cloud, ledgers,
    ledgers::{Foresight, Guard, Holder, Opening},
    payload::StepInput,
};
use domain::{Error, ledger::Ledger};
use jiff::Timestamp;

/// A look older than this is not acted on: a redriven execution resumes with the look it had.
const LOOK_SECONDS: i64 = 30;

/// What carries no request id, so that one of ours that lands late undoes what came after it: an output
/// that is added again, or switched off again.
const MAY_LAND_LATE: [&str; 2] = ["add-flow-output", "disable-flow-output"];

/// An opened step.
pub struct Step<'a> {
    cloud: &'a Cloud,
    holder: Holder<'a>,
    before: Ledger,
    /// Whether an earlier try may have made an input or a channel.
    tried_before: (bool, bool),
    /// The row as it is to be when the step closes.
    pub ledger: Ledger,
    /// The outcome of an earlier try is unknown, or the look is old: look before acting.
    pub must_look: bool,
}

/// Whether Plan's look may be acted on: it is young, and nothing was tried since.
pub fn is_fresh(input: &StepInput, now: Timestamp) -> bool {
    input.retry_count == 0 && now.as_second() - input.plan.looked_at.as_second() < LOOK_SECONDS
}

impl<'a> Step<'a> {
    /// Opens a step that makes, starts, changes or deletes a channel: nothing is sent once somebody has
    /// knocked.
    pub async fn open_unless_knocked(
        cloud: &'a Cloud,
        input: &'a StepInput,
        operation: &str,
        foresight: Foresight,
    ) -> Result<Step<'a>, Error> {
        Step::open(
            cloud,
            input,
            operation,
            Guard::HolderAndKnock(input.plan.knock),
            foresight,
        )
        .await
    }

    /// Opens a step that stops or unmakes.
    pub async fn open_to_unmake(
        cloud: &'a Cloud,
        input: &'a StepInput,
        operation: &str,
    ) -> Result<Step<'a>, Error> {
        Step::open(cloud, input, operation, Guard::Holder, Foresight::default()).await
    }

    async fn open(
        cloud: &'a Cloud,
        input: &'a StepInput,
        operation: &str,
        guard: Guard,
        foresight: Foresight,
    ) -> Result<Step<'a>, Error> {
        // By a clock that runs behind, what may still land would look as if it could not any more.
        let now = cloud.now().max(input.entered_at);
        let mut ledger = ledgers::open(
            &cloud.clients,
            &cloud.settings,
            &input.destination_id,
            input.holder(),
            &Opening {
                operation,
                guard,
                foresight: &foresight,
            },
            now,
        )
        .await?;
        let must_look = ledger.intent.is_some() || !is_fresh(input, now);
        let tried_before = (
            ledger.input_sought.is_some(),
            ledger.channel_sought.is_some(),
        );
        // From here on the row in memory equals the row in the table.
        if foresight.forget_on_air {
            ledger.on_air = None;
        }
        ledger.starts.extend(foresight.start);
        let unanswered = ledger
            .intent
            .take_if(|earlier| MAY_LAND_LATE.contains(&earlier.operation.as_str()));
        ledger.input_sought = ledger.input_sought.or(foresight.input_sought);
        ledger.channel_sought = ledger.channel_sought.or(foresight.channel_sought);
        ledger.intent = Some(domain::ledger::Intent {
            operation: operation.to_owned(),
            until: domain::ledger::after(now, domain::ledger::INTENT_SECONDS),
        });
        let before = ledger.clone();
        if let Some(unanswered) = unanswered {
            ledger.output_may_land_until = Some(unanswered.until);
        }
        Ok(Step {
            cloud,
            holder: input.holder(),
            before,
            tried_before,
            ledger,
            must_look,
        })
    }

    /// Closes: the outcome is known, so the intent goes, and what was learned is written.
    pub async fn close(mut self) -> Result<(), Error> {
        self.ledger.intent = None;
        self.hand_on().await
    }

    /// Hands on to the wait that follows: what was learned is written, and the intent stays as the
    /// mark of an act that was answered in this lap. The wait takes it away.
    pub async fn hand_on(mut self) -> Result<(), Error> {
        // However often a state is retried, it sends at most one start that takes.
        self.ledger.starts.dedup_by_key(|start| start.at);
        ledgers::save(
            &self.cloud.clients,
            &self.cloud.settings,
            self.holder,
            &self.before,
            &self.ledger,
        )
        .await
    }

    /// Closes when nothing was made: AWS said no, or nothing was sent. What no earlier try can have
    /// made either need not be looked for, which would take a minute.
    pub async fn close_unmade(mut self) -> Result<(), Error> {
        let (input, channel) = self.tried_before;
        if !input && self.ledger.input.is_none() {
            self.ledger.input_sought = None;
        }
        if !channel && self.ledger.channel.is_none() {
            self.ledger.channel_sought = None;
        }
        self.close().await
    }

    /// Closes with an error. One whose outcome is unknown leaves the intent, which then blocks
    /// other acts on the record until it cannot land any more.
    pub async fn close_with(self, error: crate::fault::CallError) -> Error {
        if let crate::fault::CallError::Unknown { .. } = error {
            return error.into();
        }
        match self.close_unmade().await {
            Ok(()) => error.into(),
            Err(closing) => closing,
        }
    }
}
