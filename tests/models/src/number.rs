//! DynamoDB's numbers: decimals of 38 significant digits between 1E-130 and 9.99E+125.
//!
//! The range is in the developer guide under "Naming rules and data types". A stored number comes
//! back without leading and trailing zeros, in plain digits.

use crate::answer::Refusal;
use std::{borrow::Cow, cmp::Ordering};

const DIGITS: u32 = 38;

/// `digits` x 10^`exponent`, where `digits` does not end in a zero; zero has the exponent zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    negative: bool,
    digits: u128,
    exponent: i32,
}

fn length(digits: u128) -> u32 {
    digits.checked_ilog10().map_or(1, |last| last + 1)
}

fn overflow() -> Refusal {
    Refusal::validation(
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    )
}

impl Number {
    fn new(negative: bool, mut digits: u128, mut exponent: i32) -> Result<Self, Refusal> {
        if digits == 0 {
            exponent = 0;
        }
        while digits != 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        let number = Self {
            negative: negative && digits != 0,
            digits,
            exponent,
        };
        match number.magnitude() {
            126.. => Err(overflow()),
            ..=-131 => Err(Refusal::validation(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            )),
            _ => Ok(number),
        }
    }

    /// The power of ten of its first digit.
    fn magnitude(self) -> i32 {
        self.exponent + length(self.digits) as i32 - 1
    }

    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || {
            Refusal::validation(format!(
                "The parameter cannot be converted to a numeric value: {text}"
            ))
        };
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0
            || unsigned.is_empty()
            || ![whole, fraction, unsigned].into_iter().all(all_digits)
        {
            return Err(wrong());
        }
        let written = format!("{whole}{fraction}");
        let significant = written.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Self::new(false, 0, 0);
        }
        if significant.len() > DIGITS as usize {
            return Err(Refusal::validation(
                "Attempting to store more than 38 significant digits in a Number",
            ));
        }
        let zeros = written.len() - written.trim_end_matches('0').len();
        let power: i32 = power.parse().unwrap_or(if power.starts_with('-') {
            -1_000_000
        } else {
            1_000_000
        });
        Self::new(
            negative,
            significant.parse().map_err(|_| wrong())?,
            power.clamp(-1_000_000, 1_000_000) + zeros as i32 - fraction.len() as i32,
        )
    }

    /// As DynamoDB gives a number back.
    pub fn normal(text: &str) -> Result<Cow<'_, str>, Refusal> {
        let bytes = text.as_bytes();
        let plain = (1..=DIGITS as usize).contains(&bytes.len())
            && bytes.iter().all(u8::is_ascii_digit)
            && (bytes[0] != b'0' || bytes.len() == 1);
        if plain {
            return Ok(text.into());
        }
        Ok(Self::parse(text)?.text().into())
    }

    pub fn text(self) -> String {
        let digits = self.digits.to_string();
        let sign = if self.negative { "-" } else { "" };
        if self.exponent >= 0 {
            return format!("{sign}{digits}{}", "0".repeat(self.exponent as usize));
        }
        let places = self.exponent.unsigned_abs() as usize;
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{sign}{whole}.{fraction}")
    }

    pub fn plus(self, other: Self) -> Result<Self, Refusal> {
        let (high, low) = if self.exponent >= other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        if high.digits == 0 {
            return Ok(low);
        }
        if low.digits == 0 {
            return Ok(high);
        }
        let shift = (high.exponent - low.exponent) as u32;
        // What does not fit 38 digits is refused as an overflow, never rounded.
        let aligned = 10_u128
            .checked_pow(shift)
            .and_then(|factor| high.digits.checked_mul(factor))
            .ok_or_else(overflow)?;
        let (negative, digits) = if high.negative == low.negative {
            (
                high.negative,
                aligned.checked_add(low.digits).ok_or_else(overflow)?,
            )
        } else if aligned >= low.digits {
            (high.negative, aligned - low.digits)
        } else {
            (low.negative, low.digits - aligned)
        };
        let sum = Self::new(negative, digits, low.exponent)?;
        if length(sum.digits) > DIGITS {
            return Err(overflow());
        }
        Ok(sum)
    }

    pub fn minus(self, other: Self) -> Result<Self, Refusal> {
        self.plus(Self {
            negative: !other.negative && other.digits != 0,
            ..other
        })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        // Sign first, then the power of ten, then the digits as if there were always 38.
        let rank = |number: &Self| {
            let scaled = number.digits * 10_u128.pow(DIGITS - length(number.digits));
            let size = (number.magnitude(), scaled);
            match (number.digits, number.negative) {
                (0, _) => (0, (0, 0)),
                (_, false) => (1, size),
                (_, true) => (-1, size),
            }
        };
        let (left, right) = (rank(self), rank(other));
        left.0.cmp(&right.0).then_with(|| {
            if left.0 < 0 {
                right.1.cmp(&left.1)
            } else {
                left.1.cmp(&right.1)
            }
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
