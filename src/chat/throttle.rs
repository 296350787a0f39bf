//! How fast one client may speak.
//!
//! Two buckets, of commands and of bytes. Each is kept as one number: the time at which it will be
//! full again. Speaking moves that time on; it may run ahead of the clock by as much as the bucket
//! holds. So an idle client costs 16 bytes and no timer.

use std::time::Duration;

/// The rates of clients that are not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Commands at once.
    pub command_burst: u32,
    /// Commands per second after that.
    pub commands_per_second: u32,
    /// Bytes at once.
    pub byte_burst: usize,
    /// Bytes per second after that.
    pub bytes_per_second: usize,
}

/// What one client has spent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throttle {
    commands: Bucket,
    bytes: Bucket,
}

/// When the bucket is full again, nanoseconds; above it the mark.
///
/// A mark on the commands' bucket says that the client was told to slow down since it last had
/// full buckets.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket(u64);

/// What something costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// In commands.
    pub(super) commands: u32,
    /// In bytes.
    pub(super) bytes: usize,
}

/// What the throttle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Go ahead.
    Go,
    /// Not before that time; whether the client must be told so.
    Wait {
        /// When.
        until: Duration,
        /// For the first time in a row.
        tell: bool,
    },
}

impl Throttle {
    /// Whether something may be done now. Nothing is spent, but that the client was told is noted.
    pub(super) fn check(&mut self, rates: &Rates, cost: Cost, now: Duration) -> Pace {
        let now = nanos(now);
        let commands = self.commands.ready(
            command_step(rates),
            rates.command_burst.into(),
            cost.commands.into(),
        );
        let bytes = self
            .bytes
            .ready(byte_step(rates), rates.byte_burst as u64, cost.bytes as u64);
        let ready = commands.max(bytes);
        if ready <= now {
            return Pace::Go;
        }
        let tell = !self.commands.mark();
        Pace::Wait {
            until: Duration::from_nanos(ready),
            tell,
        }
    }

    /// Pays for something that is done now.
    pub(super) fn spend(&mut self, rates: &Rates, cost: Cost, now: Duration) {
        let now = nanos(now);
        if self.commands.full_at() <= now && self.bytes.full_at() <= now {
            self.commands.unmark();
        }
        self.commands
            .spend(command_step(rates), cost.commands.into(), now);
        self.bytes.spend(byte_step(rates), cost.bytes as u64, now);
    }
}

impl Bucket {
    /// When `cost` may be paid. What costs more than the bucket holds waits until it is full.
    fn ready(self, step: u64, burst: u64, cost: u64) -> u64 {
        let spare = burst.saturating_sub(cost).saturating_mul(step);
        self.full_at().saturating_sub(spare)
    }

    fn spend(&mut self, step: u64, cost: u64, now: u64) {
        let full_at = self.full_at().max(now);
        let full_at = full_at.saturating_add(cost.saturating_mul(step));
        self.0 = self.0 & MARK | full_at.min(!MARK);
    }

    fn full_at(self) -> u64 {
        self.0 & !MARK
    }

    /// Marks it; whether it was marked before.
    fn mark(&mut self) -> bool {
        let was_marked = self.0 & MARK != 0;
        self.0 |= MARK;
        was_marked
    }

    fn unmark(&mut self) {
        self.0 &= !MARK;
    }
}

/// How long one command takes to come back, nanoseconds.
fn command_step(rates: &Rates) -> u64 {
    NANOS_PER_SECOND / u64::from(rates.commands_per_second).max(1)
}

/// How long one byte takes to come back, nanoseconds.
fn byte_step(rates: &Rates) -> u64 {
    NANOS_PER_SECOND / (rates.bytes_per_second as u64).max(1)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The bit above all times: 2^63 nanoseconds are 292 years.
const MARK: u64 = 1 << 63;

/// Nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        command_burst: 20,
        commands_per_second: 5,
        byte_burst: 1_000,
        bytes_per_second: 100,
    };

    fn go(throttle: &mut Throttle, commands: u32, bytes: usize, now: Duration) -> Pace {
        let cost = Cost { commands, bytes };
        let pace = throttle.check(&RATES, cost, now);
        if pace == Pace::Go {
            throttle.spend(&RATES, cost, now);
        }
        pace
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let (mut throttle, now) = (Throttle::default(), Duration::from_secs(7));
        for _ in 0..20 {
            assert_eq!(go(&mut throttle, 1, 0, now), Pace::Go);
        }
        let until = now + Duration::from_millis(200);
        assert_eq!(
            go(&mut throttle, 1, 0, now),
            Pace::Wait { until, tell: true }
        );
        assert_eq!(
            go(&mut throttle, 1, 0, now),
            Pace::Wait { until, tell: false }
        );
        assert_eq!(go(&mut throttle, 1, 0, until), Pace::Go);
    }

    #[test]
    fn it_is_told_again_only_after_full_buckets() {
        let (mut throttle, start) = (Throttle::default(), Duration::from_secs(1));
        for _ in 0..20 {
            go(&mut throttle, 1, 0, start);
        }
        assert!(matches!(
            go(&mut throttle, 1, 0, start),
            Pace::Wait { tell: true, .. }
        ));
        let soon = start + Duration::from_millis(200);
        assert_eq!(go(&mut throttle, 1, 0, soon), Pace::Go);
        assert!(matches!(
            go(&mut throttle, 1, 0, soon),
            Pace::Wait { tell: false, .. }
        ));
        let later = start + Duration::from_secs(10);
        for _ in 0..20 {
            assert_eq!(go(&mut throttle, 1, 0, later), Pace::Go);
        }
        assert!(matches!(
            go(&mut throttle, 1, 0, later),
            Pace::Wait { tell: true, .. }
        ));
    }

    #[test]
    fn what_is_larger_than_the_bucket_passes_when_it_is_full() {
        let (mut throttle, now) = (Throttle::default(), Duration::from_secs(1));
        assert_eq!(go(&mut throttle, 1, 5_000, now), Pace::Go);
        let Pace::Wait { until, .. } = go(&mut throttle, 1, 1, now) else {
            panic!("the debt must be paid first");
        };
        // 5,000 bytes at 100 per second, less the 999 that may be owed.
        assert_eq!(until, now + Duration::from_millis(40_010));
        assert_eq!(
            go(&mut throttle, 1, 5_000, now + Duration::from_secs(50)),
            Pace::Go
        );
    }
}
