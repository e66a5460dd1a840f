//! The one table: all that was measured, and what of it is judged.

use crate::{
    figures::{Figure, Target},
    machine::Machine,
    measure::Measured,
    meter::Meter,
};
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Everything that goes into `docs/benchmarks.md`.
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// What counted the instructions.
    pub meter: Option<Meter>,
    /// Later events under the counter.
    pub counted: usize,
    /// Processes started for each worker and each peer.
    pub starts: (usize, usize),
    /// Our workers.
    pub workers: Vec<Measured>,
    /// Peers, by their short names.
    pub peers: Vec<(String, Measured)>,
    /// Peers that are not here, and why.
    pub absent: Vec<String>,
    /// What other programs measured.
    pub more: Vec<Figure>,
}

/// How many times more than ours: for a cold start and for a later event. The last is what the best
/// published figures allow, so it is a target of ours too.
const PEERS: &[(&str, f64, f64)] = &[
    ("node-v3", 80.0, 16.0),
    ("node-v2", 95.0, 9.0),
    ("boto3", 130.0, 9.0),
    ("go", 3.0, 3.0),
];

/// The worker whose step the peers do.
pub(crate) const STEP: &str = "create-channel";

impl Report {
    /// All figures in the order of the table.
    pub fn figures(&self) -> Vec<Figure> {
        let mut all = self.cold();
        all.extend(self.warm());
        all.extend(self.more.iter().cloned());
        all
    }

    pub(crate) fn step(&self) -> Option<&Measured> {
        self.workers.iter().find(|worker| worker.name == STEP)
    }

    fn most(&self, value: impl Fn(&Measured) -> Option<f64>) -> Option<(&str, f64)> {
        self.workers
            .iter()
            .filter_map(|worker| Some((worker.name.as_str(), value(worker)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn cold(&self) -> Vec<Figure> {
        let mut all = Vec::new();
        if let Some((name, cold)) = self.most(|worker| worker.cold) {
            let words = format!("cold start of the slowest worker, `{name}`");
            all.push(Figure::new(
                "a1",
                &words,
                cold,
                "million instructions",
                Target::AtMost(12.0),
            ));
        }
        if let Some(cold) = self.step().and_then(|step| step.cold) {
            let words = format!("cold start of `{STEP}`, whose step the peers do");
            all.push(Figure::new(
                "a1",
                &words,
                cold,
                "million instructions",
                Target::AtMost(12.0),
            ));
            for (id, least, _) in PEERS {
                let Some((_, peer)) = self.peers.iter().find(|(known, _)| known == id) else {
                    continue;
                };
                let words = format!("cold start of `{STEP}`: {} against ours", peer.name);
                let ratio = peer.cold.unwrap_or_default() / cold;
                all.push(Figure::new(
                    "a2",
                    &words,
                    ratio,
                    "times",
                    Target::AtLeast(*least),
                ));
            }
        }
        for (words, unit, most, value) in [
            (
                "memory",
                "MiB",
                12.0,
                (|worker: &Measured| worker.rss_mib) as fn(&Measured) -> f64,
            ),
            ("zip", "MB", 4.0, |worker: &Measured| worker.zip_mb),
        ] {
            if let Some((name, value)) = self.most(|worker| Some(value(worker))) {
                let words = format!("largest {words}, `{name}`");
                all.push(Figure::new("a3", &words, value, unit, Target::AtMost(most)));
            }
        }
        all
    }

    fn warm(&self) -> Vec<Figure> {
        let mut all = Vec::new();
        let unit = "million instructions";
        let two = |worker: &Measured| worker.warm.filter(|_| worker.warm_calls.len() == 2);
        if let Some((name, warm)) = self.most(two) {
            let words = format!("warm step of two calls and a log line, the slowest: `{name}`");
            all.push(Figure::new("b1", &words, warm, unit, Target::AtMost(1.0)));
        }
        let per_two = |worker: &Measured| {
            let calls = worker.warm_calls.len();
            (calls > 1)
                .then(|| Some(worker.warm? * 2.0 / calls as f64))
                .flatten()
        };
        if let Some((name, warm)) = self.most(per_two) {
            let words =
                format!("warm step, per two calls, of the worker that needs most: `{name}`");
            all.push(Figure::new("b1", &words, warm, unit, Target::AtMost(1.0)));
        }
        if let Some((step, warm)) = self.step().and_then(|step| Some((step, step.warm?))) {
            let words = format!(
                "warm step of `{STEP}`, all its {} calls",
                step.warm_calls.len()
            );
            all.push(Figure::new("b1", &words, warm, unit, Target::None));
            for (id, _, least) in PEERS {
                let Some((_, peer)) = self.peers.iter().find(|(known, _)| known == id) else {
                    continue;
                };
                let words = format!("warm step of `{STEP}`: {} against ours", peer.name);
                let ratio = peer.warm.unwrap_or_default() / warm;
                all.push(Figure::new(
                    "b2",
                    &words,
                    ratio,
                    "times",
                    Target::AtLeast(*least),
                ));
            }
            let words = format!("warm step of `{STEP}`, time on the processor");
            all.push(Figure::new("b3", &words, step.cpu_ms, "ms", Target::None));
        }
        all
    }
}

/// A body in which only what it means is left: numbers are numbers, however they are written.
pub fn plain(body: &Option<Value>) -> Value {
    fn walk(value: &Value) -> Value {
        match value {
            Value::Number(number) => json!(number.as_f64()),
            Value::Array(list) => list.iter().map(walk).collect(),
            Value::Object(fields) => fields
                .iter()
                // Younger than the Go SDK that Debian packages.
                .filter(|(name, _)| *name != "includeFillerNalUnits")
                .map(|(name, value)| (name.clone(), walk(value)))
                .collect(),
            other => other.clone(),
        }
    }
    body.as_ref().map_or(Value::Null, walk)
}

/// The first place where two requests differ. Not what stands there: it may be a key.
pub fn apart(one: &Value, other: &Value, place: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().find_map(|name| {
                let of =
                    |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                apart(&of(one), &of(other), &format!("{place}.{name}"))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(number, (one, other))| apart(one, other, &format!("{place}[{number}]"))),
        _ => (one != other).then(|| place.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_requests_differ_is_named_and_what_stands_there_is_not() {
        let (one, other) = (json!({"a": [{"key": "x"}]}), json!({"a": [{"key": "y"}]}));
        assert_eq!(
            apart(&one, &other, "channel").as_deref(),
            Some("channel.a[0].key")
        );
        assert_eq!(apart(&one, &one, "channel"), None);
        assert_eq!(
            apart(&json!({}), &one, "channel").as_deref(),
            Some("channel.a")
        );
    }

    fn measured(name: &str, cold: f64, warm: f64, calls: usize) -> Measured {
        Measured {
            name: name.to_owned(),
            cold: Some(cold),
            warm: Some(warm),
            cold_calls: vec!["GetItem".to_owned(); calls + 1],
            warm_calls: vec!["UpdateItem".to_owned(); calls],
            rss_mib: 7.5,
            zip_mb: 2.9,
            size_mb: 6.7,
            ..Measured::default()
        }
    }

    fn report() -> Report {
        Report {
            machine: Machine::default(),
            meter: Some(Meter::Valgrind),
            counted: 100,
            starts: (20, 10),
            workers: vec![
                measured("create-channel", 8.0, 2.0, 5),
                measured("poll-channel", 7.0, 0.75, 2),
                measured("sweep", 13.0, 3.0, 8),
            ],
            peers: vec![("go".to_owned(), measured("Go 1.19", 40.0, 5.0, 5))],
            absent: vec!["Node 20, SDK v3: npm is not here.".to_owned()],
            more: vec![Figure::new(
                "c1",
                "calls per lifecycle",
                1.2,
                "times the least",
                Target::AtMost(1.5),
            )],
        }
    }

    #[test]
    fn the_slowest_is_judged_and_peers_are_ratios() {
        let figures = report().figures();
        let of = |id: &str| {
            figures
                .iter()
                .filter(|figure| figure.id == id)
                .collect::<Vec<_>>()
        };
        assert!(of("a1")[0].name.contains("sweep"));
        assert_eq!(
            (of("a1")[0].value, of("a1")[0].verdict.as_str()),
            (13.0, "miss")
        );
        assert_eq!(
            (of("a2")[0].value, of("a2")[0].verdict.as_str()),
            (5.0, "pass")
        );
        assert_eq!(
            (of("b1")[0].value, of("b1")[0].verdict.as_str()),
            (0.75, "pass")
        );
        assert_eq!(
            (of("b2")[0].value, of("b2")[0].verdict.as_str()),
            (2.5, "miss")
        );
        assert_eq!(of("c1").len(), 1);
    }

    #[test]
    fn the_page_has_every_figure_every_row_and_whoever_is_absent() {
        let page = report().render();
        for part in [
            "| a1 | cold start of the slowest worker, `sweep` | 13 | million instructions | at most 12 | **miss** |",
            "| c1 | calls per lifecycle | 1.2 | times the least | at most 1.5 | pass |",
            "| `poll-channel` | 7 |  | 3 |",
            "| Go 1.19 | 40 | 5 | 6 |",
            "Not measured here: Node 20, SDK v3: npm is not here.",
            "## What it does not say",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        let widths: Vec<usize> = page
            .lines()
            .filter(|line| line.starts_with("| Go") || line.starts_with("| `sweep"))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(widths, [11, 11, 10, 10]);
    }

    #[test]
    fn bodies_are_the_same_when_they_mean_the_same() {
        let (a, b) = (
            json!({"a": 1, "b": [2.0]}),
            json!({"b": [2], "a": 1.0, "includeFillerNalUnits": "AUTO"}),
        );
        assert_eq!(plain(&Some(a)), plain(&Some(b)));
    }
}
