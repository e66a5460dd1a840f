//! Simulated time: real time, many times as fast, with jumps ahead when asked. It starts at the
//! real time and never goes back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) struct Clock {
    base_ms: u64,
    since: Instant,
    scale: u64,
}

impl Clock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the server is where real time enters; the core is given it as an argument"
    )]
    pub fn start(scale: u64) -> Self {
        let base = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            base_ms: base.as_millis() as u64,
            since: Instant::now(),
            scale,
        }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.base_ms + (self.since.elapsed().as_nanos() * u128::from(self.scale) / 1_000_000) as u64
    }

    pub fn scale(&self) -> u64 {
        self.scale
    }

    pub fn set_scale(&mut self, scale: u64) {
        self.base_ms = self.now();
        self.since = Instant::now();
        self.scale = scale.max(1);
    }

    pub fn advance(&mut self, ms: u64) {
        self.base_ms += ms;
    }

    /// Real time until a simulated moment, rounded up to a millisecond.
    pub fn until(&self, moment: u64) -> Duration {
        Duration::from_millis(moment.saturating_sub(self.now()).div_ceil(self.scale))
    }
}
