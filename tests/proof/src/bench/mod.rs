//! Benchmarks in virtual time, of the shipped house in the simulated account: what one life takes
//! (c), how a crowd converges (d), what a month costs (g). Nothing here is timed but the processor.
//!
//! - `minimum`, `counter`, `life`: calls, transitions and dollars of one life
//! - `arithmetic`, `crowd`: the best that AWS's limits allow, and what a crowd reaches
//! - `bill`, `month`: the billing clock; `books`: the sessions beside it; `costs`: what the page says of it
//! - `report`: the figures, one line of JSON each

pub mod arithmetic;
pub mod bill;
pub mod books;
pub mod costs;
pub mod counter;
pub mod crowd;
pub mod life;
pub mod minimum;
pub mod month;
mod report;

pub use report::{Scale, run};

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Tells how far something is, now and then, on standard error.
#[derive(Debug)]
pub struct Progress {
    told: Cell<Instant>,
    asked: Cell<u32>,
}

impl Default for Progress {
    fn default() -> Self {
        Progress {
            told: Cell::new(Instant::now()),
            asked: Cell::new(0),
        }
    }
}

impl Progress {
    /// Tells it, unless something was told in the last ten seconds.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        // The clock is looked at now and then only: this is asked after every step.
        self.asked.set(self.asked.get().wrapping_add(1));
        if self.asked.get().is_multiple_of(1024)
            && self.told.get().elapsed() > Duration::from_secs(10)
        {
            self.told.set(Instant::now());
            eprintln!("{}", what());
        }
    }
}

/// Seconds that the processor has spent on this thread; nothing where the system does not tell.
fn processor_seconds() -> f64 {
    // Linux: nanoseconds on the processor come first.
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|text| text.parse().ok());
    nanoseconds.map_or(0.0, |nanoseconds: f64| nanoseconds / 1e9)
}
