//! Money: whole micro-dollars, spelled as a decimal string.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An amount in micro-dollars. In JSON and in print it is a decimal string such as `0.093600`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(pub u64);

impl Money {
    /// `amount * self / divisor`, rounded half up. A divisor of 0 gives 0.
    #[must_use]
    pub fn share(self, amount: u64, divisor: u64) -> Money {
        if divisor == 0 {
            return Money(0);
        }
        let exact = u128::from(self.0) * u128::from(amount);
        let divisor = u128::from(divisor);
        let rounded = (exact + divisor / 2) / divisor;
        Money(u64::try_from(rounded).unwrap_or(u64::MAX))
    }

    /// Reads a decimal number with six decimals at most.
    pub fn parse(text: &str) -> Option<Money> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 6 || !fraction.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let micros: u64 = format!("{fraction:0<6}").parse().ok()?;
        whole.checked_mul(1_000_000)?.checked_add(micros).map(Money)
    }

    /// The amount in whole cents, rounded half up.
    pub fn cents(self) -> u64 {
        (self.0 + 5_000) / 10_000
    }
}

impl Add for Money {
    type Output = Money;

    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money(0), Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let text = String::deserialize(deserializer)?;
        Money::parse(&text).ok_or_else(|| D::Error::custom("not an amount of dollars"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_spelled_with_six_decimals_and_read_back() {
        for (micros, text) in [
            (0, "0.000000"),
            (93_600, "0.093600"),
            (1_000_001, "1.000001"),
        ] {
            assert_eq!(Money(micros).to_string(), text);
            let json = serde_json::to_string(&Money(micros)).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), Money(micros));
        }
        assert_eq!(Money::parse("0.16"), Some(Money(160_000)));
        for bad in ["", ".", "-1", "1.0000001", "1.x", "x"] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_share_is_rounded_half_up() {
        assert_eq!(Money(140_400).share(10, 60), Money(23_400));
        assert_eq!(Money(3).share(1, 2), Money(2)); // 1.5
        assert_eq!(Money(10_000).share(1, 60), Money(167)); // 166.67
        assert_eq!(Money(1).share(1, 3), Money(0)); // 0.33
        assert_eq!(Money(1).share(1, 0), Money(0));
    }

    #[test]
    fn cents_are_rounded_half_up() {
        assert_eq!(Money(4_999).cents(), 0);
        assert_eq!(Money(5_000).cents(), 1);
    }
}
