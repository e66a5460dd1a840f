//! The figures: what is run, and what is made of it.

use super::{
    Progress, arithmetic,
    crowd::{self, Crowd, Manner as Course, Sixth},
    life,
    month::{self, Manner, Month},
};
use ::bench::figures::{Figure, Target, median, number};
use domain::cost::Money;

/// The seed of everything here.
const SEED: u64 = 1;
/// Lives of which the middle one is shown.
const LIVES: u64 = 9;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// One life, crowds of up to a hundred: seconds.
    Quick,
    /// All of it: minutes.
    Whole,
}

/// Runs the benchmarks and gives their figures in the order of the table. The largest crowd has a
/// thread of its own.
#[must_use]
pub fn run(scale: Scale) -> Vec<Figure> {
    let whole = scale == Scale::Whole;
    std::thread::scope(|scope| {
        let largest = whole.then(|| scope.spawn(|| converge(10_000, Course::Calm)));
        let mut figures = life::figures(LIVES);
        let mut sizes = vec![1, 10, 50, 100];
        if whole {
            sizes.push(1000);
        }
        let calm = |destinations| converge(destinations, Course::Calm);
        let mut crowds: Vec<Crowd> = sizes.into_iter().map(calm).collect();
        let busy = [50, 100].map(|destinations| converge(destinations, Course::BusyFlow));
        let storm = converge(if whole { 1000 } else { 100 }, Course::Stop);
        let sixth = crowd::sixth(SEED);
        let months = if whole { months() } else { Vec::new() };
        crowds.extend(largest.and_then(|thread| thread.join().ok()));
        figures.extend(crowds.iter().flat_map(of_crowd));
        figures.extend(busy.iter().flat_map(of_busy));
        figures.extend(growth(&crowds));
        figures.push(of_storm(&storm));
        figures.extend(of_sixth(&sixth));
        figures.extend(
            months
                .iter()
                .flat_map(|(manner, month)| of_month(*manner, month)),
        );
        figures.extend(compared(&months));
        figures
    })
}

fn converge(destinations: usize, course: Course) -> Crowd {
    crowd::converge(destinations, SEED, course, &Progress::default())
}

fn months() -> Vec<(Manner, Month)> {
    let all = [Manner::Planned, Manner::Flapping, Manner::Always];
    let pass = |manner| (manner, month::pass(manner, SEED, &Progress::default()));
    all.map(pass).into()
}

/// How a crowd is told apart from what a stack can have today.
fn crowd_name(destinations: usize) -> String {
    let words = match destinations {
        0..=50 => "one flow, channels raised to that",
        _ => "past today's quotas: many flows of 50, one ledger, no sweep",
    };
    format!("{destinations} edits at once ({words})")
}

fn of_crowd(crowd: &Crowd) -> Vec<Figure> {
    let name = crowd_name(crowd.destinations);
    let of = |id: &str, what: &str, value: f64, unit: &str, target| {
        Figure::new(id, &format!("{name}: {what}"), value, unit, target)
    };
    let judged = crowd.destinations >= 100;
    let when = |target| if judged { target } else { Target::None };
    let ideal = arithmetic::ideal_seconds(crowd.destinations);
    let missing = crowd.destinations - crowd.seconds.len();
    let last = crowd.seconds.last().copied().unwrap_or_default();
    let middle = median(&crowd.seconds);
    let fair = last / middle;
    let fairest = ideal / arithmetic::ideal_middle_seconds(crowd.destinations);
    let least = format!(
        "until the last record shows `streaming`; {} at best",
        number(ideal)
    );
    let mut all = vec![
        of("d1", &least, last, "s", Target::None),
        of(
            "d1",
            "the best against that",
            ideal / last,
            "",
            when(Target::AtLeast(0.80)),
        ),
        of(
            "d2",
            "calls to the media services that are throttled",
            100.0 * crowd.throttled as f64 / crowd.calls.max(1) as f64,
            "%",
            when(Target::AtMost(10.0)),
        ),
    ];
    if missing > 0 {
        let what = "records that never show `streaming`";
        all.push(of("d1", what, missing as f64, "", Target::AtMost(0.0)));
    }
    if judged {
        let what = format!(
            "the last against the middle one, {} times, by what a perfect line gives, {} times",
            number(fair),
            number(fairest)
        );
        all.push(of("d4", &what, fair / fairest, "", Target::AtMost(1.5)));
        let each = crowd.all_calls as f64 / crowd.destinations as f64;
        all.push(of(
            "d5",
            "calls to all services for each",
            each,
            "calls",
            Target::None,
        ));
    }
    if crowd.processor_seconds > 0.0 {
        let what = "processor time of the simulation";
        all.push(of("d5", what, crowd.processor_seconds, "s", Target::None));
    }
    all
}

/// A crowd whose flow refuses a change while it takes up another one. The limits know nothing of
/// that, so there is no best to compare with; but nobody may be left behind.
fn of_busy(crowd: &Crowd) -> Vec<Figure> {
    let name = format!(
        "{} edits at once, where a flow refuses changes for 0.2 s after each",
        crowd.destinations
    );
    let of = |what: &str, value: f64, unit: &str, target| {
        Figure::new("d8", &format!("{name}: {what}"), value, unit, target)
    };
    let missing = crowd.destinations - crowd.seconds.len();
    let last = crowd.seconds.last().copied().unwrap_or_default();
    let throttled = 100.0 * crowd.throttled as f64 / crowd.calls.max(1) as f64;
    vec![
        of(
            "records that never show `streaming`",
            missing as f64,
            "",
            Target::AtMost(0.0),
        ),
        of("until the last record that does", last, "s", Target::None),
        of(
            "calls to the media services that are throttled",
            throttled,
            "%",
            Target::AtMost(10.0),
        ),
    ]
}

/// How what is beyond the media services' own time grows from the second largest crowd to the largest.
fn growth(crowds: &[Crowd]) -> Option<Figure> {
    let media = arithmetic::CREATE_SECONDS + arithmetic::START_SECONDS;
    let point = |crowd: &Crowd| Some((crowd.destinations as f64, crowd.seconds.last()? - media));
    let two: Vec<(f64, f64)> = crowds.iter().rev().take(2).filter_map(point).collect();
    let [large, small] = two[..] else {
        return None;
    };
    let ideal = |crowd: f64| (crowd, arithmetic::ideal_seconds(crowd as usize) - media);
    let name = format!(
        "time in line grows with the crowd to the power of, from {} to {} (a perfect line: {:.3})",
        small.0,
        large.0,
        arithmetic::exponent(&[ideal(small.0), ideal(large.0)])
    );
    let target = if large.0 > 1000.0 {
        Target::AtMost(1.02)
    } else {
        Target::None
    };
    Some(Figure::new(
        "d6",
        &name,
        arithmetic::exponent(&two),
        "",
        target,
    ))
}

fn of_storm(storm: &Crowd) -> Figure {
    let name = format!(
        "one is stopped when half of {} stream: until StopChannel is accepted",
        storm.destinations
    );
    // Never is later than any target.
    let seconds = storm.stop_seconds.unwrap_or(f64::from(u32::MAX));
    Figure::new("d3", &name, seconds, "s", Target::AtMost(10.0))
}

fn of_sixth(sixth: &Sixth) -> Vec<Figure> {
    let of = |what: &str, value: f64, unit: &str, target| {
        let name = format!("six at AWS's default quota of five channels: {what}");
        Figure::new("d7", &name, value, unit, target)
    };
    let never = f64::from(u32::MAX);
    vec![
        of(
            "records that fail",
            sixth.failed as f64,
            "",
            Target::AtMost(0.0),
        ),
        of(
            "records that stream",
            sixth.streaming as f64,
            "",
            Target::AtLeast(5.0),
        ),
        of(
            "records that say `waiting_for_quota`",
            sixth.waiting as f64,
            "",
            Target::AtLeast(1.0),
        ),
        of(
            "until it says so",
            sixth.shown_seconds.unwrap_or(never),
            "s",
            Target::None,
        ),
        of(
            "from the removal of another until the sixth streams",
            sixth.turn_seconds.unwrap_or(never),
            "s",
            Target::None,
        ),
    ]
}

fn manner_name(manner: Manner) -> &'static str {
    match manner {
        Manner::Planned => "the month as planned",
        Manner::Flapping => "the month with flapping",
        Manner::Always => "always on",
    }
}

fn dollars(money: Money) -> f64 {
    money.0 as f64 / 1_000_000.0
}

fn total(lines: &super::bill::Lines) -> f64 {
    dollars(lines.values().copied().sum())
}

fn of_month(manner: Manner, month: &Month) -> Vec<Figure> {
    let name = manner_name(manner);
    let of = |id: &str, what: &str, value: f64, unit: &str, target| {
        Figure::new(id, &format!("{name}: {what}"), value, unit, target)
    };
    for broken in &month.broken {
        eprintln!("{name}: {broken}");
    }
    let ratio = month.billed_minutes as f64 / month.streamed_minutes;
    let target = match manner {
        Manner::Planned => Target::AtMost(1.05),
        _ => Target::None,
    };
    let what = format!(
        "minutes billed against minutes on the air as wanted, {} starts",
        month.starts
    );
    let mut all = vec![
        of("g1", &what, ratio, "times", target),
        of(
            "g1",
            "orphan-minutes",
            month.orphan_minutes,
            "min",
            Target::AtMost(0.0),
        ),
        of(
            "g2",
            "broken promises",
            month.broken.len() as f64,
            "",
            Target::AtMost(0.0),
        ),
        of(
            "g2",
            "on the air of the minutes wanted",
            100.0 * month.streamed_minutes / month.wanted_minutes,
            "%",
            Target::None,
        ),
        of(
            "g2",
            "hours of channels and inputs that exist and do not run",
            month.idle_hours,
            "h",
            Target::None,
        ),
        of(
            "g3",
            "media services",
            total(&month.lines),
            "USD",
            Target::None,
        ),
    ];
    if manner == Manner::Planned {
        let what = "sessions of two to five hours in 730, a hundred in all; five destinations at 1080 \
                    lines, 30 frames and 6 Mb/s, one pipeline each, a feed of up to 10 Mb/s; list \
                    prices of us-west-2 without free units; nothing breaks";
        all.push(of("g2", what, month.sessions as f64, "", Target::None));
    }
    let lines = month.lines.iter();
    all.extend(lines.map(|(kind, usd)| {
        let what = format!("of that, {}", kind.replace('_', " "));
        of("g3", &what, dollars(*usd), "USD", Target::None)
    }));
    if manner != Manner::Always {
        let usd = dollars(month.control_plane);
        let what = "Lunora's own services at list price, the month's rest included";
        all.push(of("g3", what, usd, "USD", Target::None));
    }
    all
}

/// The planned month beside the one that is always on and beside the picture alone.
fn compared(months: &[(Manner, Month)]) -> Vec<Figure> {
    let find = |wanted| months.iter().find(|(manner, _)| *manner == wanted);
    let (Some((_, planned)), Some((_, always))) = (find(Manner::Planned), find(Manner::Always))
    else {
        return Vec::new();
    };
    let ours = total(&planned.lines) + dollars(planned.control_plane);
    let of = |what: &str, value: f64, unit: &str| {
        let name = format!(
            "the month as planned, {} sessions: {what}",
            planned.sessions
        );
        Figure::new("g4", &name, value, unit, Target::None)
    };
    vec![
        of(
            "saved against always on, Lunora's own services counted (100 of 730 hours are streamed)",
            100.0 * (1.0 - ours / total(&always.lines)),
            "%",
        ),
        of(
            "media services against the picture alone, not a minute rounded up, nothing idle",
            total(&planned.lines) / total(&planned.ideal),
            "times",
        ),
    ]
}
