//! The journal: the thread that stores messages and changes, all that are queued at a time.
//!
//! When there is nothing to store for a moment it does the store's chores, one small piece at a
//! time; when there always is, it does one once in a while all the same. Changes that could not be
//! stored are tried again, ahead of everything later.

use super::super::clock::{self, Clock};
use super::super::wake::{Wake, WakeAtEnd};
use super::WorkerFailure;
use crate::chat::{Outcome, Space, StoreFailure, Write};
use crate::limits::{
    JOURNAL_CHORE_INTERVAL_MAX, JOURNAL_JOBS_MAX, JOURNAL_QUIET, JOURNAL_RETRY_INTERVAL,
    JOURNAL_SLEEP_MAX,
};
use crate::store::{Idle, Owed, Store};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// The loop's end of the journal.
pub(super) struct Journal {
    jobs: Option<SyncSender<Vec<Write>>>,
    outcomes: Receiver<Vec<Outcome>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

/// What the journal tells beside outcomes.
#[derive(Default)]
struct State {
    is_broken: AtomicBool,
    space: AtomicU8,
}

impl Journal {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub(super) fn start(store: Box<dyn Store>, wake: Wake) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(JOURNAL_JOBS_MAX);
        // As many answers as jobs can be out, so that the journal never waits for the loop.
        let (answers, outcomes) = sync_channel(JOURNAL_JOBS_MAX);
        let state = Arc::new(State::default());
        let told = state.clone();
        let thread = Builder::new().name("journal".into()).spawn(move || {
            // Dropped in reverse: the answers end first, then the loop is woken to see it.
            let end = WakeAtEnd(wake);
            let mut writer = Writer {
                store,
                owed: Owed::default(),
                space: Space::default(),
                answers,
                state: told,
                clock: Clock::start(),
                last_chore: Duration::ZERO,
            };
            writer.run(&queue, &end.0);
        })?;
        Ok(Self {
            jobs: Some(jobs),
            outcomes,
            state,
            thread: Some(thread),
        })
    }

    /// Hands a batch over.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when the thread has ended.
    ///
    /// # Panics
    ///
    /// When more batches are out than the chat allows itself jobs.
    pub(super) fn hand_over(&self, batch: Vec<Write>) -> Result<(), WorkerFailure> {
        let jobs = self.jobs.as_ref().ok_or(WorkerFailure::Died)?;
        match jobs.try_send(batch) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                panic!("the chat has at most {JOURNAL_JOBS_MAX} jobs out, which the queue holds")
            }
            Err(TrySendError::Disconnected(_)) => Err(self.failure()),
        }
    }

    /// The next outcomes that wait, of one batch; none when there is none.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when no outcome can ever come again.
    pub(super) fn next_outcomes(&self) -> Result<Vec<Outcome>, WorkerFailure> {
        match self.outcomes.try_recv() {
            Ok(outcomes) => Ok(outcomes),
            Err(TryRecvError::Empty) => Ok(Vec::new()),
            Err(TryRecvError::Disconnected) => Err(self.failure()),
        }
    }

    fn failure(&self) -> WorkerFailure {
        if self.state.is_broken.load(Ordering::SeqCst) {
            WorkerFailure::Broken
        } else {
            WorkerFailure::Died
        }
    }

    /// How much more the store can keep, as it was seen last.
    pub(super) fn space(&self) -> Space {
        match self.state.space.load(Ordering::Relaxed) {
            LOW => Space::Low,
            EXHAUSTED => Space::Exhausted,
            _ => Space::Ample,
        }
    }
}

const AMPLE: u8 = 0;
const LOW: u8 = 1;
const EXHAUSTED: u8 = 2;

impl Drop for Journal {
    /// Lets the journal finish what it was given, then ends it.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A journal that panicked has said so; there is nothing to add while stopping.
            let _ = thread.join();
        }
    }
}

/// The thread's own end.
struct Writer {
    store: Box<dyn Store>,
    /// Changes that could not be stored.
    owed: Owed,
    /// How much more can be stored, as it was seen last.
    space: Space,
    answers: SyncSender<Vec<Outcome>>,
    state: Arc<State>,
    clock: Clock,
    /// When the last chore was done.
    last_chore: Duration,
}

/// Why the thread ends.
enum End {
    /// Nobody asks any more.
    Closed,
    /// Nothing can be promised any more.
    Broken,
}

impl Writer {
    fn run(&mut self, queue: &Receiver<Vec<Write>>, wake: &Wake) {
        match self.serve(queue, wake) {
            End::Closed => {
                let _ = self.pay();
                if !self.owed.is_empty() {
                    log::error!("journal: {} changes are lost", self.owed.len());
                }
                if let Err(why) = self.store.close() {
                    log::warn!("journal: the store is checked at the next start: {why:?}");
                }
            }
            End::Broken => self.state.is_broken.store(true, Ordering::SeqCst),
        }
    }

    /// Stores what comes, and does chores when nothing does.
    fn serve(&mut self, queue: &Receiver<Vec<Write>>, wake: &Wake) -> End {
        let mut wait = JOURNAL_QUIET;
        loop {
            match queue.recv_timeout(wait) {
                Ok(mut batch) => {
                    batch.extend(queue.try_iter().flatten());
                    if let Err(end) = self.store_batch(&batch, wake) {
                        return end;
                    }
                    wait = JOURNAL_QUIET;
                    let is_due =
                        self.clock.elapsed() >= self.last_chore + JOURNAL_CHORE_INTERVAL_MAX;
                    if is_due && let Err(end) = self.do_chore(wake) {
                        return end;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(end) = self.pay() {
                        return end;
                    }
                    wait = match self.do_chore(wake) {
                        Ok(Idle::More) => Duration::ZERO,
                        Ok(Idle::Done) if self.is_well() => JOURNAL_SLEEP_MAX,
                        Ok(Idle::Done) => JOURNAL_RETRY_INTERVAL,
                        Err(end) => return end,
                    };
                }
                Err(RecvTimeoutError::Disconnected) => return End::Closed,
            }
        }
    }

    fn store_batch(&mut self, batch: &[Write], wake: &Wake) -> Result<(), End> {
        let outcomes = match self.commit(batch) {
            Ok(outcomes) => outcomes,
            Err(StoreFailure::Broken) => return Err(End::Broken),
            Err(why @ (StoreFailure::DiskFull | StoreFailure::Io)) => {
                log::debug!("journal: not stored, {} jobs: {why:?}", batch.len());
                let refused = |write: &Write| Outcome::NotStored {
                    ticket: write.ticket(),
                    why,
                };
                batch.iter().map(refused).collect()
            }
        };
        assert_eq!(outcomes.len(), batch.len(), "a store answers each job once");
        let sent = self.answers.send(outcomes).map_err(|_| End::Closed);
        wake.wake();
        sent
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        let store = &mut self.store;
        let unix_ms = clock::unix_ms();
        self.owed.commit(batch, |all| store.commit(unix_ms, all))
    }

    /// Stores what is owed, if it can be.
    fn pay(&mut self) -> Result<(), End> {
        if self.owed.is_empty() {
            return Ok(());
        }
        match self.commit(&[]) {
            Err(StoreFailure::Broken) => Err(End::Broken),
            Ok(_) | Err(StoreFailure::DiskFull | StoreFailure::Io) => Ok(()),
        }
    }

    /// Whether there is nothing to look at again soon.
    fn is_well(&self) -> bool {
        self.owed.is_empty() && self.space == Space::Ample
    }

    fn look_at_space(&mut self, wake: &Wake) {
        let space = self.store.space();
        if space == self.space {
            return;
        }
        self.space = space;
        let number = match space {
            Space::Ample => {
                log::info!("journal: there is enough space on the disk again");
                AMPLE
            }
            Space::Low => {
                log::warn!("journal: the disk is nearly full; guests' messages are refused");
                LOW
            }
            Space::Exhausted => {
                log::error!("journal: the disk is full; all messages are refused");
                EXHAUSTED
            }
        };
        self.state.space.store(number, Ordering::Relaxed);
        wake.wake();
    }

    fn do_chore(&mut self, wake: &Wake) -> Result<Idle, End> {
        self.look_at_space(wake);
        let done = self.store.idle(clock::unix_ms());
        self.last_chore = self.clock.elapsed();
        match done {
            Ok(idle) => Ok(idle),
            Err(StoreFailure::Broken) => Err(End::Broken),
            // The store has said what is wrong; it is tried again later.
            Err(StoreFailure::DiskFull | StoreFailure::Io) => Ok(Idle::Done),
        }
    }
}
