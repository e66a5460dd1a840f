//! A figure: what was measured, what it should be, and whether it is.

use serde::{Deserialize, Serialize};

/// One line of the table. Other programs print such lines as JSON and have them shown in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its place in the table: `a1`.
    pub id: String,
    /// What it is.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// What it should be, in words: `at most 12`.
    pub target: String,
    /// `pass`, `miss`, or `told` where there is nothing to reach.
    pub verdict: String,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Nothing: it is only told.
    None,
}

impl Figure {
    /// Judges a value.
    pub fn new(id: &str, name: &str, value: f64, unit: &str, target: Target) -> Figure {
        let (words, met) = match target {
            Target::AtMost(most) => (format!("at most {}", number(most)), Some(value <= most)),
            Target::AtLeast(least) => (format!("at least {}", number(least)), Some(value >= least)),
            Target::None => (String::new(), None),
        };
        Figure {
            id: id.to_owned(),
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            target: words,
            verdict: match met {
                Some(true) => "pass",
                Some(false) => "miss",
                None => "told",
            }
            .to_owned(),
        }
    }
}

/// Figures from lines of JSON. Lines that are none are left out, and counted.
pub fn parse(text: &str) -> (Vec<Figure>, usize) {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str::<Figure>)
        .collect();
    let strange = lines.iter().filter(|line| line.is_err()).count();
    (lines.into_iter().filter_map(Result::ok).collect(), strange)
}

/// A number with three or four digits that mean something, thousands apart.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1000.0 {
        return format!("{value:.0}");
    }
    if size >= 100.0 {
        let digits = format!("{:.0}", size);
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        return if value < 0.0 {
            format!("-{text}")
        } else {
            text
        };
    }
    let places = if size >= 10.0 {
        1
    } else if size >= 0.1 {
        2
    } else {
        4
    };
    let text = format!("{value:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The middle of some values.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value that a share of the values does not exceed.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_by_its_target() {
        let verdict = |value, target| Figure::new("a1", "x", value, "M", target).verdict;
        assert_eq!(verdict(12.0, Target::AtMost(12.0)), "pass");
        assert_eq!(verdict(12.1, Target::AtMost(12.0)), "miss");
        assert_eq!(verdict(80.0, Target::AtLeast(80.0)), "pass");
        assert_eq!(verdict(79.9, Target::AtLeast(80.0)), "miss");
        assert_eq!(verdict(1.0, Target::None), "told");
    }

    #[test]
    fn numbers_are_short_and_readable() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (7.482, "7.48"),
            (0.9504, "0.95"),
            (0.00041, "0.0004"),
            (31.24, "31.2"),
            (675.4, "675"),
            (1180.4, "1,180"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn the_middle_and_the_slowest_are_among_the_values() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(median(&values), 3.0);
        assert_eq!(percentile(&values, 0.99), 5.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn lines_of_others_are_taken_in() {
        let line = r#"{"id":"c1","name":"calls","value":1.1,"unit":"","target":"at most 1.5","verdict":"pass"}"#;
        let (figures, strange) = parse(&format!("{line}\nhello\n\n{line}\n"));
        assert_eq!((figures.len(), strange), (2, 1));
        assert_eq!(figures[0].id, "c1");
    }
}
