//! Counters: who is here through which door, how often what went wrong, and one log line about it
//! now and then.

use crate::chat::Door;
use crate::limits::FAILURE_LOG_INTERVAL;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often each cause has closed a connection.
#[derive(Default)]
pub(super) struct Counters {
    counts: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    sealed: usize,
    line: usize,
    /// When the next line may be logged, and how many causes went unlogged since the last.
    log_again: Duration,
    unlogged: u64,
}

impl Counters {
    /// Somebody came in through `door`.
    pub(super) fn enter(&mut self, door: Door) {
        *self.at(door) += 1;
    }

    /// And went.
    pub(super) fn leave(&mut self, door: Door) {
        *self.at(door) -= 1;
    }

    fn at(&mut self, door: Door) -> &mut usize {
        match door {
            Door::Sealed => &mut self.sealed,
            Door::Line => &mut self.line,
        }
    }

    /// How many are here through `door`.
    pub(super) fn present(&self, door: Door) -> usize {
        match door {
            Door::Sealed => self.sealed,
            Door::Line => self.line,
        }
    }

    /// Somebody was not let in.
    pub(super) fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_default() += 1;
    }

    /// How many were not let in, by reason.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refused.iter().map(|(reason, count)| (*reason, *count))
    }

    /// How many were closed, by cause.
    pub(super) fn closed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.iter().map(|(cause, count)| (*cause, *count))
    }

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
