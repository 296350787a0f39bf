//! Latencies: histograms of durations, and one per second for the time line.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Anything shorter counts as this, nanoseconds: a clock read costs a good part of it.
const NANOS_MIN: u64 = 100;
/// Anything longer counts as this, nanoseconds.
const NANOS_MAX: u64 = 3_600_000_000_000;
/// Digits of a value that are kept.
const DIGITS: u8 = 3;

/// A histogram of durations.
#[derive(Clone)]
pub(crate) struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(NANOS_MIN, NANOS_MAX, DIGITS);
        Self(histogram.expect("the bounds are in order"))
    }
}

impl Latency {
    /// Counts one.
    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(NANOS_MAX);
        self.0.saturating_record(nanos);
    }

    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        if !other.is_empty() {
            self.0.add(&other.0).expect("all have the same bounds");
        }
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that so many percent stay within.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_percentile(percent))
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

/// A histogram for each second.
#[derive(Default)]
pub(crate) struct Timeline {
    seconds: Vec<Latency>,
}

impl Timeline {
    /// Counts one that ended so long after the beginning.
    pub(crate) fn record(&mut self, since_begin: Duration, time: Duration) {
        let second = usize::try_from(since_begin.as_secs()).expect("a run is short");
        if second >= self.seconds.len() {
            self.seconds.resize_with(second + 1, Latency::default);
        }
        self.seconds[second].record(time);
    }

    /// Adds another's, second by second.
    pub(crate) fn add(&mut self, other: &Self) {
        if other.seconds.len() > self.seconds.len() {
            self.seconds
                .resize_with(other.seconds.len(), Latency::default);
        }
        for (ours, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            ours.add(theirs);
        }
    }

    /// All seconds together.
    pub(crate) fn total(&self) -> Latency {
        let mut total = Latency::default();
        for second in &self.seconds {
            total.add(second);
        }
        total
    }

    /// Second by second.
    pub(crate) fn seconds(&self) -> &[Latency] {
        &self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_holds_every_second() {
        let mut timeline = Timeline::default();
        for millis in 1..=100 {
            let since = Duration::from_millis(millis * 30);
            timeline.record(since, Duration::from_millis(millis));
        }
        assert_eq!(timeline.seconds().len(), 4);
        let total = timeline.total();
        assert_eq!(total.0.len(), 100);
        let median = total.percentile(50.0);
        assert!(median.abs_diff(Duration::from_millis(50)) < Duration::from_millis(1));
        assert!(total.max() >= Duration::from_millis(100));
    }
}
