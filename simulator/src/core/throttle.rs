//! Token buckets, account-wide as AWS counts them. They refill by *real* seconds: simulated time
//! passes `scale` times faster than a caller can send, so the rate per simulated second is divided
//! by the scale. Whole numbers only (thousandths of a token), so that a run can be repeated.

use std::collections::BTreeMap;

use super::model::Service;

const WHOLE: u64 = 1000;

struct Bucket {
    tokens: u64,
    at: u64,
    /// What refilling has left over, in 1/scale thousandths.
    rest: u64,
}

/// All buckets.
#[derive(Default)]
pub(crate) struct Throttle {
    buckets: BTreeMap<&'static str, Bucket>,
}

/// The bucket of an operation: its name, rate per second and burst.
/// MediaLive user guide, quotas: 20 per second with a burst of 40 for the whole API, 40 per second
/// for DescribeThumbnails apart from it. MediaConnect user guide, quotas: Describe calls 30 per
/// second, all others 5 per second with a burst of 30.
pub(crate) fn bucket_of(service: Service, operation: &str) -> (&'static str, u64, u64) {
    match service {
        Service::MediaLive if operation == "DescribeThumbnails" => ("medialive-thumbnails", 40, 40),
        Service::MediaLive => ("medialive", 20, 40),
        Service::MediaConnect if operation.starts_with("Describe") => {
            ("mediaconnect-describe", 30, 30)
        }
        Service::MediaConnect => ("mediaconnect", 5, 30),
    }
}

impl Throttle {
    /// Takes one token; false means 429.
    pub fn take(&mut self, now: u64, scale: u64, service: Service, operation: &str) -> bool {
        let (name, rate, burst) = bucket_of(service, operation);
        let bucket = self.buckets.entry(name).or_insert(Bucket {
            tokens: burst * WHOLE,
            at: now,
            rest: 0,
        });
        let scale = scale.max(1);
        // rate tokens per 1000 ms = rate thousandths per ms of real time.
        let gained = now.saturating_sub(bucket.at) * rate + bucket.rest;
        bucket.at = bucket.at.max(now);
        bucket.rest = gained % scale;
        bucket.tokens = (bucket.tokens + gained / scale).min(burst * WHOLE);
        if bucket.tokens < WHOLE {
            return false;
        }
        bucket.tokens -= WHOLE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_40_and_then_20_a_second_for_medialive() {
        let mut throttle = Throttle::default();
        let took = (0..50)
            .filter(|_| throttle.take(0, 1, Service::MediaLive, "ListChannels"))
            .count();
        assert_eq!(took, 40);
        let took = (0..50)
            .filter(|_| throttle.take(1000, 1, Service::MediaLive, "DeleteInput"))
            .count();
        assert_eq!(took, 20);
    }

    #[test]
    fn describe_has_a_bucket_of_its_own_for_mediaconnect() {
        let mut throttle = Throttle::default();
        let others = (0..50)
            .filter(|_| throttle.take(0, 1, Service::MediaConnect, "AddFlowOutputs"))
            .count();
        let describes = (0..50)
            .filter(|_| throttle.take(0, 1, Service::MediaConnect, "DescribeFlow"))
            .count();
        assert_eq!((others, describes), (30, 30));
        let others = (0..50)
            .filter(|_| throttle.take(2000, 1, Service::MediaConnect, "AddFlowOutputs"))
            .count();
        let describes = (0..50)
            .filter(|_| throttle.take(2000, 1, Service::MediaConnect, "DescribeFlow"))
            .count();
        assert_eq!((others, describes), (10, 30));
    }

    #[test]
    fn scaled_time_does_not_refill_faster_than_real_time() {
        let mut throttle = Throttle::default();
        while throttle.take(0, 10, Service::MediaLive, "ListChannels") {}
        let took = (0..50)
            .filter(|_| throttle.take(10_000, 10, Service::MediaLive, "ListChannels"))
            .count();
        assert_eq!(took, 20);
    }
}
