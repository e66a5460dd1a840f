//! When AWS answered, by its own clock: the `Date` in the head of an answer (RFC 9110, section 6.6.1),
//! in whole seconds. No operation of MediaLive's tells when a run began, and our own clock was read
//! before the call was on its way.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{DateTime, config_bag::ConfigBag, date_time::Format};
use jiff::Timestamp;
use std::sync::{Arc, OnceLock};

/// Takes down the time of one answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Date(Arc<OnceLock<Timestamp>>);

impl Date {
    /// What the answer told.
    pub fn told(&self) -> Option<Timestamp> {
        self.0.get().copied()
    }
}

fn read(text: &str) -> Option<Timestamp> {
    let time = DateTime::from_str(text, Format::HttpDate).ok()?;
    Timestamp::from_second(time.secs()).ok()
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(at) = context.response().headers().get("date").and_then(read) {
            self.0.get_or_init(|| at);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        let told = read("Sat, 21 Nov 2026 19:00:07 GMT");
        assert_eq!(told, "2026-11-21T19:00:07Z".parse().ok());
        assert_eq!(read("soon"), None);
    }
}
