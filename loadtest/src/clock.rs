//! The clock: the only place where the load test asks what time it is.

use std::time::{Duration, Instant};

/// A monotonic clock, counted from when the first copy of it was made.
///
/// All threads hold copies of one, so that what one thread sent can be timed where it arrives.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }
}
