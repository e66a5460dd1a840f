//! One target's run: replay, mutate, keep what is new, shrink and save what fails.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::Chance;
use crate::breed::{child, pieces};
use crate::corpus::{save, saved};

/// Something that reads a text somebody else wrote.
pub trait Target {
    /// Its name, and the folder of its saved inputs.
    fn name(&self) -> &'static str;
    /// Inputs to begin with.
    fn seeds(&self) -> Vec<String>;
    /// What its language is made of.
    fn words(&self) -> &[&str];
    /// Whether its inputs are JSON, and to be changed value by value.
    fn is_json(&self) -> bool;
    /// Reads an input, tells what it saw, and gives what must not be as an error.
    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String>;
}

/// What an input showed: any words that tell one way through the code from another.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<u64>);

impl Seen {
    /// Notes one thing.
    pub fn note(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        self.0.insert(hasher.finish());
    }
}

/// How long a campaign goes on.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// So many inputs: the same every time.
    Inputs(u64),
    /// So long.
    Time(Duration),
}

/// An input that must not be.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The input, as small as it got.
    pub input: String,
    /// What it did.
    pub why: String,
    /// Where it is saved.
    pub saved: PathBuf,
}

/// What came of a campaign.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target's name.
    pub name: &'static str,
    /// The seed.
    pub seed: u64,
    /// Inputs read.
    pub inputs: u64,
    /// How long it took.
    pub took: Duration,
    /// Different things seen, and how many of them the seeds had shown.
    pub seen: usize,
    /// What the seeds alone showed.
    pub at_first: usize,
    /// The slowest input.
    pub slowest: Duration,
    /// The first failure, if there was one.
    pub failure: Option<Failure>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = u128::from(self.inputs) * 1_000_000 / self.took.as_micros().max(1);
        write!(
            out,
            "{:<10} {:>9} inputs {:>8}/s  {:>5} different things seen ({} by the seeds)  slowest {} ms  seed {}",
            self.name,
            self.inputs,
            rate,
            self.seen,
            self.at_first,
            self.slowest.as_millis(),
            self.seed
        )
    }
}

/// An input that takes longer than this counts as one that never ends.
const TOO_LONG: Duration = Duration::from_secs(1);
/// Inputs to mutate from; more would be found too seldom.
const POOL: usize = 4000;
/// No input is longer than this: DynamoDB's largest item is 400 KB, Step Functions' largest payload 256 KB.
const LONGEST: usize = 300_000;
/// The longest text that is mutated further.
const LONGEST_PARENT: usize = 40_000;

/// The seed: `FUZZ_SEED`, or always the same.
#[must_use]
pub fn seed() -> u64 {
    std::env::var("FUZZ_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121)
}

/// The budget: `FUZZ_SECONDS`, or so many inputs.
#[must_use]
pub fn budget(inputs: u64) -> Budget {
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok());
    seconds.map_or(Budget::Inputs(inputs), |seconds| {
        Budget::Time(Duration::from_secs(seconds))
    })
}

/// A campaign as a test: prints its report, panics with what failed.
pub fn check(target: &dyn Target, inputs: u64) {
    let report = run(target, seed(), budget(inputs));
    assert!(report.inputs > 0, "{} read nothing", report.name);
    if let Some(Failure { input, why, saved }) = &report.failure {
        let short: String = input.chars().take(2000).collect();
        panic!(
            "{why}\n{report}\nthe input, saved as {}:\n{short}\nrun it again with FUZZ_SEED={}",
            saved.display(),
            report.seed
        );
    }
    #[expect(
        clippy::print_stdout,
        reason = "whoever runs a campaign wants to see what it did"
    )]
    {
        println!("{report}");
    }
}

/// Runs a campaign.
pub fn run(target: &dyn Target, seed: u64, budget: Budget) -> Report {
    let began = Instant::now();
    let mut campaign = Campaign {
        target,
        seen: Seen::default(),
        slowest: Duration::ZERO,
        inputs: 0,
    };
    let mut failure = None;
    let mut pool = saved(target.name());
    pool.extend(target.seeds());
    for input in &pool {
        if let Err(why) = campaign.once(input) {
            failure.get_or_insert((input.clone(), why));
        }
    }
    let at_first = campaign.seen.0.len();
    let mut chance = Chance::new(seed);
    let goes_on = |inputs: u64| match budget {
        Budget::Inputs(most) => inputs < most,
        Budget::Time(time) => began.elapsed() < time,
    };
    while failure.is_none() && goes_on(campaign.inputs) {
        let parent = &pool[chance.below(pool.len())];
        let other = &pool[chance.below(pool.len())];
        let child = child(&mut chance, target, parent, other);
        if child.len() > LONGEST {
            continue;
        }
        let before = campaign.seen.0.len();
        match campaign.once(&child) {
            Err(why) => failure = Some((child, why)),
            Ok(()) if campaign.seen.0.len() > before && child.len() < LONGEST_PARENT => {
                if pool.len() < POOL {
                    pool.push(child);
                } else {
                    let at = chance.below(POOL);
                    pool[at] = child;
                }
            }
            Ok(()) => {}
        }
    }
    let failure = failure.map(|(input, why)| {
        let (input, why) = campaign.smaller(input, why);
        let saved = save(target.name(), &input);
        Failure { input, why, saved }
    });
    Report {
        name: target.name(),
        seed,
        inputs: campaign.inputs,
        took: began.elapsed(),
        seen: campaign.seen.0.len(),
        at_first,
        slowest: campaign.slowest,
        failure,
    }
}

struct Campaign<'a> {
    target: &'a dyn Target,
    seen: Seen,
    slowest: Duration,
    inputs: u64,
}

impl Campaign<'_> {
    /// Reads one input; a panic is an error too, and so is what takes too long three times: a machine
    /// with other things to do may be slow once.
    fn once(&mut self, input: &str) -> Result<(), String> {
        let (mut outcome, mut took) = self.timed(input);
        for _ in 0..2 {
            if outcome.is_ok() && took > TOO_LONG {
                let again = self.timed(input);
                (outcome, took) = (again.0, took.min(again.1));
            }
        }
        self.slowest = self.slowest.max(took);
        self.inputs += 1;
        match outcome {
            Ok(()) if took > TOO_LONG => Err(format!("it takes {} ms", took.as_millis())),
            outcome => outcome,
        }
    }

    fn timed(&mut self, input: &str) -> (Result<(), String>, Duration) {
        let began = Instant::now();
        let (target, seen) = (self.target, &mut self.seen);
        let outcome = catch_unwind(AssertUnwindSafe(|| target.run(input, seen)));
        let outcome = outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panics: {}", text.unwrap_or("without a word")))
        });
        (outcome, began.elapsed())
    }

    /// The same failure from less: pieces are left out as long as it still fails in the same way.
    fn smaller(&mut self, input: String, why: String) -> (String, String) {
        let (mut best, mut best_why) = (input, why);
        let kind = |why: &str| why.split([':', ';']).next().unwrap_or_default().to_owned();
        let wanted = kind(&best_why);
        let mut left = 3000;
        'again: loop {
            for less in pieces(&best, self.target.is_json()) {
                if left == 0 {
                    break 'again;
                }
                left -= 1;
                if let Err(why) = self.once(&less)
                    && kind(&why) == wanted
                {
                    (best, best_why) = (less, why);
                    continue 'again;
                }
            }
            break;
        }
        (best, best_why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails on a text with both `b` and `!`, which no seed has.
    struct Planted {
        panics: bool,
    }

    impl Target for Planted {
        fn name(&self) -> &'static str {
            if self.panics {
                "planted-panic"
            } else {
                "planted"
            }
        }
        fn seeds(&self) -> Vec<String> {
            vec!["aaaa".into(), "a long text about nothing much".into()]
        }
        fn words(&self) -> &[&str] {
            &["!", "b"]
        }
        fn is_json(&self) -> bool {
            false
        }
        fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
            seen.note((input.contains('b'), input.contains('!')));
            let bad = input.contains('b') && input.contains('!');
            assert!(!(bad && self.panics), "planted: a panic");
            if bad {
                Err("planted: both".into())
            } else {
                Ok(())
            }
        }
    }

    fn found(panics: bool) -> Failure {
        let report = run(&Planted { panics }, 5, Budget::Inputs(20_000));
        let failure = report.failure.expect("the planted failure is found");
        assert_eq!(
            saved(report.name).concat(),
            failure.input,
            "it is kept and will be replayed"
        );
        std::fs::remove_dir_all(crate::corpus::folder(report.name)).unwrap();
        failure
    }

    #[test]
    fn a_failure_is_found_made_small_and_kept() {
        let failure = found(false);
        assert_eq!(failure.why, "planted: both");
        assert_eq!(failure.input.len(), 2, "{:?}", failure.input);
    }

    #[test]
    fn a_panic_is_a_failure() {
        assert!(found(true).why.starts_with("it panics: planted: a panic"));
    }

    #[test]
    fn the_same_seed_reads_the_same_inputs() {
        struct Quiet(std::cell::RefCell<Vec<String>>);
        impl Target for Quiet {
            fn name(&self) -> &'static str {
                "quiet"
            }
            fn seeds(&self) -> Vec<String> {
                vec![r#"{"a": [1, "two"]}"#.into()]
            }
            fn words(&self) -> &[&str] {
                &["three"]
            }
            fn is_json(&self) -> bool {
                true
            }
            fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
                seen.note(input.len());
                self.0.borrow_mut().push(input.to_owned());
                Ok(())
            }
        }
        let inputs = |seed| {
            let quiet = Quiet(Vec::new().into());
            run(&quiet, seed, Budget::Inputs(500));
            quiet.0.into_inner()
        };
        assert_eq!(inputs(4), inputs(4));
        assert_ne!(inputs(4), inputs(5));
    }
}
