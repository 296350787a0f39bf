//! Workers: threads that do blocking work, each the sole owner of one kind of it.
//!
//! Jobs go in through a bounded queue and outcomes come back in the same order; one coalesced
//! waker tells the loop that there are some. The chat never has more jobs out than the queue
//! holds, so handing one over never blocks.

use super::clock;
use super::wake::Wake;
use crate::chat::{Job, Outcome, Write};
use crate::limits::JOURNAL_JOBS_MAX;
use crate::store::Store;
use mio::Waker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};

/// The journal: the thread that stores messages, all that are queued at a time.
pub(super) struct Workers {
    /// Jobs of this turn, not handed over yet.
    submitted: Vec<Write>,
    jobs: Option<SyncSender<Vec<Write>>>,
    outcomes: Receiver<Vec<Outcome>>,
    woken: Arc<AtomicBool>,
    journal: Option<JoinHandle<()>>,
}

/// A worker ended although nobody asked it to; the process cannot go on.
#[derive(Debug)]
pub(super) struct WorkerDied;

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(store: Box<dyn Store>, waker: Arc<Waker>) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(JOURNAL_JOBS_MAX);
        // As many answers as jobs can be out, so that the journal never waits for the loop.
        let (answers, outcomes) = sync_channel(JOURNAL_JOBS_MAX);
        let woken = Arc::new(AtomicBool::new(false));
        let wake = Wake::new(waker, woken.clone());
        let journal = Builder::new().name("journal".into()).spawn(move || {
            // Dropped in reverse: the answers end first, then the loop is woken to see it.
            let wake = wake;
            let answers = answers;
            run_journal(store, &queue, &answers, &wake);
        })?;
        Ok(Self {
            submitted: Vec::new(),
            jobs: Some(jobs),
            outcomes,
            woken,
            journal: Some(journal),
        })
    }

    /// Notes a job; it is handed over with the others of this turn.
    ///
    /// # Panics
    ///
    /// When more jobs are out than the chat allows itself.
    pub(super) fn submit(&mut self, job: Job) {
        match job {
            Job::Write(write) => self.submitted.push(write),
            Job::Search(_) | Job::Password(_) => {}
        }
        assert!(
            self.submitted.len() <= JOURNAL_JOBS_MAX,
            "the chat has at most {JOURNAL_JOBS_MAX} jobs out"
        );
    }

    /// Hands this turn's jobs to the journal, all at once: one by one, the journal would begin
    /// with a batch of the first.
    ///
    /// # Errors
    ///
    /// [`WorkerDied`] when there is no such worker any more.
    ///
    /// # Panics
    ///
    /// When more batches are out than the chat allows itself jobs.
    pub(super) fn hand_over(&mut self) -> Result<(), WorkerDied> {
        if self.submitted.is_empty() {
            return Ok(());
        }
        let jobs = self.jobs.as_ref().ok_or(WorkerDied)?;
        match jobs.try_send(std::mem::take(&mut self.submitted)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                panic!("the chat has at most {JOURNAL_JOBS_MAX} jobs out, which the queue holds")
            }
            Err(TrySendError::Disconnected(_)) => Err(WorkerDied),
        }
    }

    /// The next outcomes that wait, of one batch; none when it is empty.
    ///
    /// # Errors
    ///
    /// [`WorkerDied`] when no outcome can ever come again.
    pub(super) fn next_outcomes(&self) -> Result<Vec<Outcome>, WorkerDied> {
        // Cleared before looking, so that an outcome put in after the look wakes the loop again.
        self.woken.store(false, Ordering::SeqCst);
        match self.outcomes.try_recv() {
            Ok(outcomes) => Ok(outcomes),
            Err(TryRecvError::Empty) => Ok(Vec::new()),
            Err(TryRecvError::Disconnected) => Err(WorkerDied),
        }
    }
}

impl Drop for Workers {
    /// Lets the journal finish what it was given, then ends it.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(journal) = self.journal.take() {
            // A journal that panicked has said so; there is nothing to add while stopping.
            let _ = journal.join();
        }
    }
}

/// Takes all that is queued, stores it as one batch, answers; until the queue is closed.
fn run_journal(
    mut store: Box<dyn Store>,
    queue: &Receiver<Vec<Write>>,
    answers: &SyncSender<Vec<Outcome>>,
    wake: &Wake,
) {
    while let Ok(mut batch) = queue.recv() {
        batch.extend(queue.try_iter().flatten());
        let outcomes = store
            .commit(clock::unix_ms(), &batch)
            .unwrap_or_else(|why| {
                log::error!("journal: not stored, {} messages: {why:?}", batch.len());
                batch
                    .iter()
                    .map(|job| Outcome::NotStored {
                        ticket: job.ticket(),
                        why,
                    })
                    .collect()
            });
        assert_eq!(
            outcomes.len(),
            batch.len(),
            "a store answers each message once"
        );
        if answers.send(outcomes).is_err() {
            return;
        }
        wake.wake();
    }
}
