//! Chance by name: every number is drawn from the seed and from what it is for, never from how many
//! were drawn before. So a decision that is taken away changes nothing but what follows from it, and
//! a failing run can be made shorter.

/// Mixes a number; the finisher of splitmix64.
#[must_use]
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number for a text: FNV-1a.
#[must_use]
pub fn of_text(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What a number is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// The order of what happens in the same millisecond.
    Tie,
    /// From sending to effect, and from effect to answer.
    Effect,
    /// See `Effect`.
    Answer,
    /// From an invocation to the first line of the handler.
    Begin,
    /// From one transition of an execution to the next.
    Transition,
    /// Jitter of retries.
    Jitter,
    /// From a write to its stream record's delivery.
    Stream,
    /// From a change to its event's delivery.
    Event,
    /// Whether a fault strikes, and its details.
    Fault,
    /// The schedule's phase.
    Tick,
    /// What an operator does.
    Act,
    /// Which ways are long.
    Drag,
}

/// In a dragging run one way of so many is so many times as long: what is slowest of a hundred calls
/// is often a hundred times slower than most, and then others overtake it.
const DRAG: (u64, u64) = (16, 40);

/// All chance of one run.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    seed: u64,
    drags: bool,
}

impl Chance {
    /// From a seed. Runs of seeds whose last three digits are 500 and more drag.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance {
            seed: mix(seed),
            drags: seed % 1000 >= 500,
        }
    }

    /// A number for a purpose and two numbers that say which one.
    #[must_use]
    pub fn draw(self, purpose: For, which: u64, more: u64) -> u64 {
        mix(mix(self.seed ^ (purpose as u64) << 56 ^ which).wrapping_add(mix(more)))
    }

    /// From `low` to `high`, both included.
    #[must_use]
    pub fn between(self, purpose: For, which: u64, more: u64, low: u64, high: u64) -> u64 {
        low + self.draw(purpose, which, more) % (high - low + 1)
    }

    /// How long something takes: from `low` to `high`, and now and then far longer if the run drags.
    #[must_use]
    pub fn way(self, purpose: For, which: u64, more: u64, (low, high): (u64, u64)) -> u64 {
        let usual = self.between(purpose, which, more, low, high);
        let drags = self.drags
            && self
                .draw(For::Drag, which ^ (purpose as u64), more)
                .is_multiple_of(DRAG.0);
        if drags { usual * DRAG.1 } else { usual }
    }

    /// From 0 up to but not including 1.
    #[must_use]
    pub fn unit(self, purpose: For, which: u64, more: u64) -> f64 {
        // 53 bits are what a double holds.
        (self.draw(purpose, which, more) >> 11) as f64 / (1u64 << 53) as f64
    }
}
