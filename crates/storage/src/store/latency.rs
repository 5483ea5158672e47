//! A histogram of durations that many threads add to without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets, in seconds. Longer durations count in the total only.
const BOUNDS: [f64; 17] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Counts per bucket, not cumulative; the last bucket is beyond all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_ms: AtomicU64,
}

/// A snapshot of a histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latencies {
    /// Upper bounds in seconds, the last infinite, each with the count between the bound before and this one.
    pub buckets: Vec<(f64, u64)>,
    pub sum_seconds: f64,
}

impl Histogram {
    pub fn add(&self, ms: u64) {
        let seconds = ms as f64 / 1_000.0;
        let place = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn view(&self) -> Latencies {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        Latencies {
            buckets: bounds.zip(counts).collect(),
            sum_seconds: self.sum_ms.load(Ordering::Relaxed) as f64 / 1_000.0,
        }
    }
}

impl Latencies {
    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_below_the_least_bound_that_holds_it() {
        let histogram = Histogram::default();
        for ms in [0, 10, 11, 1_000, 900_000] {
            histogram.add(ms);
        }
        let view = histogram.view();
        let filled: Vec<(f64, u64)> = view.buckets.iter().copied().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.01, 2), (0.025, 1), (1.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((view.count(), view.sum_seconds), (5, 901.021));
    }
}
