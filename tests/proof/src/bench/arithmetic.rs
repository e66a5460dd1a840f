//! The arithmetic behind the figures: how soon a crowd could be on the air at all, how the time
//! grows with the crowd, and who had to wait longest.

/// Seconds from CreateChannel to IDLE, and from StartChannel to RUNNING, in every crowd.
pub const CREATE_SECONDS: f64 = 5.0;
/// See `CREATE_SECONDS`.
pub const START_SECONDS: f64 = 60.0;

/// A limit of an API and the calls that a destination cannot do without.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Calls for each destination.
    pub calls: f64,
    /// Calls a second.
    pub rate: f64,
    /// Calls at once after a rest.
    pub burst: f64,
}

/// CreateInput, CreateChannel and StartChannel at MediaLive, AddFlowOutputs at MediaConnect; rates
/// and bursts as the user guides' pages on quotas have them.
pub const BUCKETS: [Bucket; 2] = [
    Bucket {
        calls: 3.0,
        rate: 20.0,
        burst: 40.0,
    },
    Bucket {
        calls: 1.0,
        rate: 5.0,
        burst: 30.0,
    },
];

/// Seconds until the last of a crowd is on the air, if no call is wasted and nobody waits for
/// anything but the limits and the media services.
#[must_use]
pub fn ideal_seconds(destinations: usize) -> f64 {
    let line = |bucket: &Bucket| {
        let calls = bucket.calls * destinations as f64;
        ((calls - bucket.burst) / bucket.rate).max(0.0)
    };
    let longest = BUCKETS.iter().map(line).fold(0.0, f64::max);
    longest + CREATE_SECONDS + START_SECONDS
}

/// The same until half of the crowd is on the air: the middle one has half of the crowd before it.
#[must_use]
pub fn ideal_middle_seconds(destinations: usize) -> f64 {
    ideal_seconds(destinations.div_ceil(2))
}

/// The exponent by which a time grows with a number: the slope of the line through the logarithms
/// that is nearest to all of them.
#[must_use]
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let number = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / number;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let both: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let square: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    both / square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_limits_allow() {
        // MediaLive: (300 - 40) / 20 = 13 s; MediaConnect: (100 - 30) / 5 = 14 s; and 65 s of media.
        for (number, seconds) in [
            (1, 65.0),
            (30, 67.5),
            (50, 70.5),
            (100, 79.0),
            (1000, 259.0),
            (10_000, 2059.0),
        ] {
            assert_eq!(ideal_seconds(number), seconds, "{number}");
        }
        assert_eq!(ideal_middle_seconds(10_000), 1059.0);
        assert_eq!(ideal_middle_seconds(1), 65.0);
    }

    #[test]
    fn growth_is_told_from_the_logarithms() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let square: Vec<(f64, f64)> = [1.0, 10.0, 100.0].map(|x| (x, 3.0 * x * x)).into();
        assert!(near(exponent(&square), 2.0));
        assert!(near(exponent(&[(10.0, 7.0), (100.0, 70.0)]), 1.0));
        assert!(near(exponent(&[(10.0, 7.0), (100.0, 7.0)]), 0.0));
    }
}
