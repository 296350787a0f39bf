//! How far a file has come, how fast, and how long it still takes.

use crate::chat::Size;
use crate::chat::span::Left;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Time between two measurements.
const INTERVAL: Duration = Duration::from_millis(250);
/// Measurements over which the rate is taken: two seconds.
const MEASUREMENTS: usize = 8;

/// The way of one file.
#[derive(Default)]
pub struct Progress {
    measured: VecDeque<(Duration, u64)>,
}

impl Progress {
    /// Notes that `done` bytes are there; says whether it is worth showing.
    pub fn note(&mut self, now: Duration, done: u64) -> bool {
        let last = self.measured.back();
        if last.is_some_and(|(at, _)| now.saturating_sub(*at) < INTERVAL) {
            return false;
        }
        if self.measured.len() == MEASUREMENTS {
            self.measured.pop_front();
        }
        self.measured.push_back((now, done));
        true
    }

    /// Bytes per second at present; unknown at first.
    pub fn rate(&self) -> Option<u64> {
        let (first, last) = (self.measured.front()?, self.measured.back()?);
        let millis = u64::try_from((last.0.saturating_sub(first.0)).as_millis()).ok()?;
        let bytes = last.1.saturating_sub(first.1);
        bytes.saturating_mul(1_000).checked_div(millis)
    }

    /// How long the rest takes at that rate; unknown at first, when nothing moves, and when nothing
    /// is left.
    pub fn left(&self, done: u64, bytes: u64) -> Option<Duration> {
        let millis = bytes.checked_sub(done).filter(|left| *left > 0)?;
        let millis = millis.saturating_mul(1_000).checked_div(self.rate()?)?;
        // What is left takes some time, however little.
        Some(Duration::from_millis(millis.max(1)))
    }

    /// `45 % of 2.1 MB, 1.0 MB/s, 1s left`.
    pub fn words(&self, done: u64, bytes: u64) -> String {
        let percent = u128::from(done) * 100 / u128::from(bytes.max(1));
        let percent = if bytes == 0 { 100 } else { percent };
        let size = Size(bytes);
        let Some(rate) = self.rate().filter(|_| done < bytes) else {
            return format!("{percent} % of {size}");
        };
        match self.left(done, bytes) {
            Some(left) => format!("{percent} % of {size}, {}, {} left", Rate(rate), Left(left)),
            None => format!("{percent} % of {size}, stalled"),
        }
    }
}

/// Bytes per second, as people read them: `12 B/s`, `1.5 MB/s`.
pub struct Rate(pub u64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Size(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_while() {
        let mut progress = Progress::default();
        assert_eq!(progress.words(0, 0), "100 % of 0 B");
        assert!(progress.note(Duration::ZERO, 0));
        assert!(!progress.note(Duration::from_millis(100), 50));
        assert_eq!(progress.words(50, 1_000), "5 % of 1.0 kB");
        progress.note(Duration::from_secs(1), 100);
        assert_eq!(
            progress.words(100, 1_000),
            "10 % of 1.0 kB, 100 B/s, 9s left"
        );
        assert_eq!(
            progress.words(999, 1_000),
            "99 % of 1.0 kB, 100 B/s, 1s left"
        );
        assert_eq!(progress.words(1_000, 1_000), "100 % of 1.0 kB");
        for second in 2..20 {
            progress.note(Duration::from_secs(second), 100);
        }
        assert_eq!(progress.words(100, 1_000), "10 % of 1.0 kB, stalled");
    }
}
