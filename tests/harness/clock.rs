//! The tests' clock: the one place that reads it, and waiting for what nothing announces.

use super::DEADLINE;
use std::time::{Duration, Instant};

/// The time.
#[expect(
    clippy::disallowed_methods,
    reason = "tests measure real programs; this is their one clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Asks `answer` again and again until it has one; fails after [`DEADLINE`], saying `what`.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let begin = now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(begin.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
