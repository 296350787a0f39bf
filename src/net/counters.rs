//! Counters: how often what went wrong, and one log line about it now and then.

use crate::limits::FAILURE_LOG_INTERVAL;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often each cause has closed a connection.
#[derive(Default)]
pub(super) struct Counters {
    counts: BTreeMap<&'static str, u64>,
    /// When the next line may be logged, and how many causes went unlogged since the last.
    log_again: Duration,
    unlogged: u64,
}

impl Counters {
    /// Counts `cause`; logs it unless something was logged just before.
    pub(super) fn note(&mut self, cause: &'static str, now: Duration) {
        let count = self.counts.entry(cause).or_default();
        *count += 1;
        if now < self.log_again {
            self.unlogged += 1;
            return;
        }
        log::info!(
            "closed: cause={cause} count={count} unlogged={}",
            self.unlogged
        );
        self.log_again = now + FAILURE_LOG_INTERVAL;
        self.unlogged = 0;
    }
}
