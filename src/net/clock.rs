//! The clock: the only place where the server asks what time it is.
//!
//! The loop reads it once per turn and tells everybody. The write phase alone asks again, because
//! its budget is time.

use crate::chat::Now;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The machine's clocks, counted from when this was made.
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The time of both kinds.
    pub(super) fn now(&self) -> Now {
        Now {
            monotonic: self.elapsed(),
            unix_ms: unix_ms(),
        }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Milliseconds since 1970. A clock set before then reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
