//! The crowd: who of a thread's members is to connect next, and when.
//!
//! Knows no socket: it answers "who now?", and is told when somebody has joined or failed.

use crate::plan::Connecting;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// The first wait before another try; it doubles with each.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest wait before another try.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Doublings after which the longest wait is reached.
const RETRY_DOUBLINGS_MAX: u32 = 6;

/// Who is to connect.
pub(super) struct Crowd {
    waiting: VecDeque<usize>,
    later: BinaryHeap<Reverse<(Duration, usize)>>,
    in_flight: usize,
    in_flight_max: usize,
    interval: Option<Duration>,
    next_at: Duration,
    dice: u64,
}

impl Crowd {
    /// Nobody yet. `share` is how many threads there are: each takes its part of the rate.
    pub(super) fn new(connecting: &Connecting, share: usize, dice: u64) -> Self {
        let threads = f64::from(u32::try_from(share).expect("there are few threads"));
        Self {
            waiting: VecDeque::new(),
            later: BinaryHeap::new(),
            in_flight: 0,
            in_flight_max: connecting.in_flight_max.div_ceil(share),
            interval: connecting
                .per_second
                .map(|rate| Duration::from_secs_f64(threads / rate)),
            next_at: Duration::ZERO,
            dice,
        }
    }

    /// One more is to connect.
    pub(super) fn push(&mut self, seat: usize) {
        self.waiting.push_back(seat);
    }

    /// One tries again, after a wait that grows with `attempts` and is drawn by lot.
    pub(super) fn push_again(&mut self, seat: usize, attempts: u32, now: Duration) {
        let grown = RETRY_FIRST * (1 << attempts.min(RETRY_DOUBLINGS_MAX));
        let wait = grown.min(RETRY_MAX).mul_f64(0.5 + self.draw());
        self.later.push(Reverse((now + wait, seat)));
    }

    /// Who connects now.
    pub(super) fn next(&mut self, now: Duration) -> Option<usize> {
        while let Some(Reverse((due, seat))) = self.later.peek().copied() {
            if due > now {
                break;
            }
            self.later.pop();
            self.waiting.push_back(seat);
        }
        if self.in_flight >= self.in_flight_max || self.waiting.is_empty() {
            return None;
        }
        if let Some(interval) = self.interval {
            if self.next_at == Duration::ZERO {
                self.next_at = now;
            }
            if self.next_at > now {
                return None;
            }
            self.next_at += interval;
        }
        self.in_flight += 1;
        self.waiting.pop_front()
    }

    /// One that was connecting has joined or failed.
    pub(super) fn settle_one(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Lets everybody connect at once from now on.
    pub(super) fn lift_bounds(&mut self) {
        self.in_flight_max = usize::MAX;
        self.interval = None;
    }

    /// When to look again, if nothing else happens.
    pub(super) fn due(&self) -> Option<Duration> {
        let paced = (!self.waiting.is_empty() && self.in_flight < self.in_flight_max)
            .then_some(self.next_at);
        let later = self.later.peek().map(|Reverse((due, _))| *due);
        paced.into_iter().chain(later).min()
    }

    /// Between 0 and 1.
    fn draw(&mut self) -> f64 {
        // Knuth's constants; the high bits are good enough for waits.
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.dice >> 32).expect("32 bits are left")) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(in_flight_max: usize, per_second: Option<f64>) -> Crowd {
        let connecting = Connecting {
            in_flight_max,
            per_second,
            timeout: Duration::from_secs(10),
        };
        let mut crowd = Crowd::new(&connecting, 1, 1);
        (0..10).for_each(|seat| crowd.push(seat));
        crowd
    }

    #[test]
    fn only_so_many_are_on_their_way() {
        let mut crowd = crowd(2, None);
        let now = Duration::from_secs(1);
        assert_eq!((crowd.next(now), crowd.next(now)), (Some(0), Some(1)));
        assert_eq!(crowd.next(now), None);
        crowd.settle_one();
        assert_eq!(crowd.next(now), Some(2));
    }

    #[test]
    fn a_rate_is_kept() {
        let mut crowd = crowd(100, Some(10.0));
        let start = Duration::from_secs(5);
        let mut count = 0;
        for millis in 0..500 {
            while crowd.next(start + Duration::from_millis(millis)).is_some() {
                count += 1;
            }
        }
        assert_eq!(count, 5);
    }

    #[test]
    fn who_failed_comes_again_later() {
        let mut crowd = crowd(100, None);
        let now = Duration::from_secs(1);
        while crowd.next(now).is_some() {}
        crowd.push_again(3, 0, now);
        let due = crowd.due().unwrap();
        assert!(due >= now + RETRY_FIRST / 2 && due <= now + RETRY_FIRST * 2);
        assert_eq!(crowd.next(now), None);
        assert_eq!(crowd.next(due), Some(3));
    }
}
