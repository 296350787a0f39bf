//! How long to wait before a lost connection is tried again. Pure: randomness is passed in.

use std::time::Duration;

use crate::limits::{RECONNECT_WAIT_MAX, RECONNECT_WAIT_MIN};

/// Growing waits, drawn so that the clients of a server that came back do not come all at once.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    wait: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            wait: RECONNECT_WAIT_MIN,
        }
    }
}

impl Backoff {
    /// The next wait: between half of what it has grown to and all of it.
    pub fn next(&mut self, random: u32) -> Duration {
        let longest = self.wait;
        self.wait = (longest * 2).min(RECONNECT_WAIT_MAX);
        let share = f64::from(random) / f64::from(u32::MAX);
        longest.mul_f64((1.0 + share) / 2.0)
    }

    /// A connection has held for so long. Only one that held longer than it would now be waited
    /// for ends the growing, so that one that breaks at once is not tried at the first pace for
    /// ever.
    pub fn held(&mut self, held: Duration) {
        if held >= self.wait {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(u32::MAX), RECONNECT_WAIT_MIN);
        assert_eq!(backoff.next(u32::MAX), RECONNECT_WAIT_MIN * 2);
        for _ in 0..20 {
            assert!(backoff.next(u32::MAX) <= RECONNECT_WAIT_MAX);
        }
        assert_eq!(backoff.next(u32::MAX), RECONNECT_WAIT_MAX);
        assert_eq!(backoff.next(0), RECONNECT_WAIT_MAX / 2);
        backoff.held(RECONNECT_WAIT_MAX - Duration::from_millis(1));
        assert_eq!(backoff.next(0), RECONNECT_WAIT_MAX / 2);
        backoff.held(RECONNECT_WAIT_MAX);
        assert_eq!(backoff.next(0), RECONNECT_WAIT_MIN / 2);
    }
}
