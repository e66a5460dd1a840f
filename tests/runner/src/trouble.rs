//! Retry and Catch: which error name is matched by what, and how long a retry waits.

use jiff::SignedDuration;

use crate::fields::Fields;
use crate::path::Path;
use crate::words::Refusal;

/// A path that finds nothing, and everything else Step Functions cannot process. Its documentation says of it
/// that it is not retriable, that it always fails the execution, and that neither a retry nor a catch of States.ALL
/// takes it.
pub(crate) const RUNTIME: &str = "States.Runtime";
/// Documented as terminal, too: States.ALL does not catch it.
pub(crate) const TOO_LARGE: &str = "States.DataLimitExceeded";
/// A task took longer than its `TimeoutSeconds`.
pub(crate) const TIMEOUT: &str = "States.Timeout";
/// No heartbeat came for longer than `HeartbeatSeconds`.
pub(crate) const HEARTBEAT: &str = "States.HeartbeatTimeout";

const ALL: &str = "States.ALL";
const TASK_FAILED: &str = "States.TaskFailed";
/// The reserved names that a Task state of our subset can match. States.Runtime is not among them: naming it has no effect.
const RESERVED: [&str; 8] = [
    ALL,
    TASK_FAILED,
    TIMEOUT,
    HEARTBEAT,
    TOO_LARGE,
    "States.Permissions",
    "States.ResultPathMatchFailure",
    "States.ParameterPathFailure",
];

/// `ErrorEquals`.
#[derive(Clone, Debug)]
pub(crate) struct Errors(Vec<String>);

impl Errors {
    /// Reads it from one retrier or catcher; `last` says whether it is the last of them.
    fn read(fields: &mut Fields<'_>, last: bool) -> Result<Errors, Refusal> {
        const FIELD: &str = "ErrorEquals";
        let list = fields.take(FIELD).ok_or_else(|| fields.missing(FIELD))?;
        let names: Option<Vec<String>> = list.as_array().and_then(|list| {
            list.iter()
                .map(|name| name.as_str().map(String::from))
                .collect()
        });
        let names = names
            .filter(|names| !names.is_empty())
            .ok_or_else(|| fields.refuse(FIELD, "is not a list of names"))?;
        for name in &names {
            if name == RUNTIME {
                return Err(
                    fields.refuse(FIELD, "States.Runtime can be neither retried nor caught")
                );
            }
            if name.starts_with("States.") && !RESERVED.contains(&name.as_str()) {
                return Err(fields.refuse(
                    FIELD,
                    &format!("{name} is not a reserved name this runner knows"),
                ));
            }
        }
        if names.iter().any(|name| name == ALL) && (names.len() > 1 || !last) {
            return Err(fields.refuse(FIELD, "States.ALL has to stand alone and in the last place"));
        }
        Ok(Errors(names))
    }

    /// Whether this error is meant.
    pub(crate) fn matches(&self, error: &str) -> bool {
        self.0.iter().any(|name| match name.as_str() {
            _ if error == RUNTIME => false,
            name if name == error => true,
            ALL => error != TOO_LARGE,
            // Documented as a wildcard for every known error name but States.Timeout.
            TASK_FAILED => ![TIMEOUT, HEARTBEAT, TOO_LARGE].contains(&error),
            // Documented as: ran longer than TimeoutSeconds, or failed to send a heartbeat for too long.
            TIMEOUT => error == HEARTBEAT,
            _ => false,
        })
    }
}

/// One entry of `Retry`.
#[derive(Clone, Debug)]
pub(crate) struct Retrier {
    pub(crate) errors: Errors,
    pub(crate) max_attempts: u64,
    interval: SignedDuration,
    backoff_rate: f64,
    max_delay: Option<SignedDuration>,
    full_jitter: bool,
}

impl Retrier {
    /// Reads `Retry`.
    pub(crate) fn list(state: &mut Fields<'_>) -> Result<Vec<Retrier>, Refusal> {
        let entries = state.objects("Retry")?;
        let count = entries.len();
        entries
            .into_iter()
            .enumerate()
            .map(|(index, fields)| Retrier::read(fields, index + 1 == count))
            .collect()
    }

    fn read(mut fields: Fields<'_>, last: bool) -> Result<Retrier, Refusal> {
        let errors = Errors::read(&mut fields, last)?;
        let interval = fields
            .seconds("IntervalSeconds", 1)?
            .unwrap_or(SignedDuration::from_secs(1));
        let max_attempts = fields.number("MaxAttempts", 0, 99_999_999)?.unwrap_or(3);
        let backoff_rate = match fields.take("BackoffRate") {
            None => 2.0,
            Some(value) => {
                let rate = value.as_f64().filter(|rate| *rate >= 1.0);
                rate.ok_or_else(|| fields.refuse("BackoffRate", "is not a number from 1.0 up"))?
            }
        };
        // Documented as below 31,622,400 and above IntervalSeconds.
        let max_delay = fields
            .number("MaxDelaySeconds", 1, 31_622_399)?
            .map(|seconds| SignedDuration::from_secs(seconds as i64));
        if max_delay.is_some_and(|most| most <= interval) {
            return Err(fields.refuse("MaxDelaySeconds", "is not above IntervalSeconds"));
        }
        let full_jitter = match fields.text("JitterStrategy")? {
            None | Some("NONE") => false,
            Some("FULL") => true,
            Some(_) => return Err(fields.refuse("JitterStrategy", "is neither FULL nor NONE")),
        };
        fields.finish()?;
        Ok(Retrier {
            errors,
            max_attempts,
            interval,
            backoff_rate,
            max_delay,
            full_jitter,
        })
    }

    /// How long the retry after `before` earlier ones waits. Full jitter is documented as a random time between
    /// nothing and the delay that was computed.
    pub(crate) fn delay(&self, before: u64, chance: &mut dyn FnMut() -> f64) -> SignedDuration {
        let longest = self
            .max_delay
            .map_or(99_999_999.0, |most| most.as_secs_f64());
        let seconds = self.interval.as_secs_f64() * self.backoff_rate.powf(before as f64);
        let seconds = seconds.min(longest)
            * if self.full_jitter {
                chance().clamp(0.0, 1.0)
            } else {
                1.0
            };
        SignedDuration::from_millis((seconds * 1000.0).round() as i64)
    }
}

/// One entry of `Catch`.
#[derive(Clone, Debug)]
pub(crate) struct Catcher {
    pub(crate) errors: Errors,
    pub(crate) result_path: Option<Path>,
    pub(crate) next: usize,
}

impl Catcher {
    /// Reads `Catch`; `find` gives the place of a state.
    pub(crate) fn list(
        state: &mut Fields<'_>,
        find: &dyn Fn(&Fields<'_>, &str, &str) -> Result<usize, Refusal>,
    ) -> Result<Vec<Catcher>, Refusal> {
        let entries = state.objects("Catch")?;
        let count = entries.len();
        let read = |(index, mut fields): (usize, Fields<'_>)| {
            let errors = Errors::read(&mut fields, index + 1 == count)?;
            let result_path = fields.path("ResultPath")?;
            let next = fields.need_text("Next")?;
            let next = find(&fields, "Next", next)?;
            fields.finish().map(|()| Catcher {
                errors,
                result_path,
                next,
            })
        };
        entries.into_iter().enumerate().map(read).collect()
    }
}
