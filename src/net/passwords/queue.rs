//! The passwords that wait: sources take turns, within a source the first comes first.
//!
//! Pure, and bounded in three ways: in all, per source, and one per client. A job beyond a bound
//! is not taken, and the caller says so.

use super::super::admission::Source;
use crate::chat::{ClientId, PasswordJob};
use crate::limits::{PASSWORD_JOBS_MAX, PASSWORD_JOBS_PER_SOURCE_MAX};
use std::collections::{BTreeMap, VecDeque};

/// The jobs that wait.
///
/// Invariant: a source is in `turns`, once, when and only when it has jobs; and `clients` says of
/// each job whose it is and from where.
#[derive(Default)]
pub(super) struct Queue {
    jobs: BTreeMap<Source, VecDeque<PasswordJob>>,
    turns: VecDeque<Source>,
    clients: BTreeMap<ClientId, Source>,
}

impl Queue {
    /// Puts a job behind the others of its source, of which `out` are under way already; tells
    /// whether there was room.
    pub(super) fn push(
        &mut self,
        job: PasswordJob,
        source: Source,
        out: usize,
        is_trusted: bool,
    ) -> bool {
        let waiting = self.jobs.get(&source).map_or(0, VecDeque::len);
        let has_too_many = !is_trusted && waiting + out >= PASSWORD_JOBS_PER_SOURCE_MAX;
        let is_full = self.clients.len() >= PASSWORD_JOBS_MAX;
        if is_full || has_too_many || self.clients.contains_key(&job.client) {
            return false;
        }
        self.clients.insert(job.client, source);
        if waiting == 0 {
            self.turns.push_back(source);
        }
        self.jobs.entry(source).or_default().push_back(job);
        self.assert_invariants();
        true
    }

    /// The next job: the first of the source whose turn it is.
    pub(super) fn pop(&mut self) -> Option<PasswordJob> {
        let source = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&source).expect("a source with a turn");
        let job = jobs.pop_front().expect("has jobs");
        if jobs.is_empty() {
            self.jobs.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        self.clients.remove(&job.client);
        self.assert_invariants();
        Some(job)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Takes the job of `client` out of turn, if it has one.
    pub(super) fn forget(&mut self, client: ClientId) -> Option<PasswordJob> {
        let source = self.clients.remove(&client)?;
        let jobs = self.jobs.get_mut(&source).expect("its source has jobs");
        let place = jobs.iter().position(|job| job.client == client);
        let job = jobs.remove(place.expect("its job is there"));
        if jobs.is_empty() {
            self.jobs.remove(&source);
            self.turns.retain(|turn| *turn != source);
        }
        self.assert_invariants();
        job
    }

    fn assert_invariants(&self) {
        debug_assert_eq!(
            self.turns.len(),
            self.jobs.len(),
            "one turn for each source with jobs"
        );
        debug_assert_eq!(
            self.clients.len(),
            self.jobs.values().map(VecDeque::len).sum::<usize>(),
            "one job for each client"
        );
    }
}
