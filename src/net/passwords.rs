//! Passwords: the thread that hashes them, and who is next.
//!
//! One hash takes some 20 ms, so whoever sends many at once could keep everybody else out. Jobs
//! therefore wait here, in a [`Queue`] that lets sources take turns, and the thread is handed only
//! as many as it needs to stay busy. What still waits when its connection closes is dropped.
//!
//! The chat decides what a password is good for; this only hashes.

mod queue;

use self::queue::Queue;
use super::admission::Source;
use super::random;
use super::wake::{Wake, WakeAtEnd};
use super::workers::WorkerFailure;
use crate::chat::{
    ClientId, Outcome, PasswordHash, PasswordJob, PasswordTask, Refusal, Ticket, TokenHash,
};
use crate::crypto::password::{Checked, Hasher, Password};
use crate::crypto::token;
use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_JOBS_AHEAD};
use mio::Waker;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};

/// The password thread, and the jobs that wait for it.
///
/// Invariant: at most [`PASSWORD_JOBS_AHEAD`] jobs are out.
pub(super) struct Passwords {
    waiting: Queue,
    /// Whose jobs the thread has, the one it works on first.
    out: VecDeque<(ClientId, Source)>,
    /// Refused without the thread's help, and not told yet.
    refused: VecDeque<(ClientId, Outcome)>,
    jobs: Option<SyncSender<PasswordJob>>,
    outcomes: Receiver<Outcome>,
    wake: Wake,
    /// How many hashes the thread has computed.
    hashes: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Passwords {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Self> {
        let mut hasher = Hasher::new();
        let hashes = Arc::new(AtomicU64::new(0));
        let computed = Arc::clone(&hashes);
        let work = move |job: PasswordJob| {
            let outcome = carry_out(&job, &mut hasher);
            computed.store(hasher.computed(), Ordering::Relaxed);
            outcome
        };
        let mut passwords = Self::start_with(waker, work)?;
        passwords.hashes = hashes;
        Ok(passwords)
    }

    /// Starts a thread that answers each job as `work` does.
    fn start_with(
        waker: Arc<Waker>,
        mut work: impl FnMut(PasswordJob) -> Outcome + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = sync_channel::<PasswordJob>(PASSWORD_JOBS_AHEAD);
        // As many answers as jobs can be out, so that the thread never waits for the loop.
        let (answers, outcomes) = sync_channel(PASSWORD_JOBS_AHEAD);
        let wake = Wake::new(waker);
        let end = WakeAtEnd(wake.clone());
        let thread = Builder::new().name("password".into()).spawn(move || {
            // Dropped in reverse: the answers end first, then the loop is woken to see it.
            let end = end;
            let answers = answers;
            while let Ok(job) = queue.recv() {
                if answers.send(work(job)).is_err() {
                    return;
                }
                end.0.wake();
            }
        })?;
        Ok(Self {
            waiting: Queue::default(),
            out: VecDeque::with_capacity(PASSWORD_JOBS_AHEAD),
            refused: VecDeque::new(),
            jobs: Some(jobs),
            outcomes,
            wake,
            hashes: Arc::default(),
            thread: Some(thread),
        })
    }

    /// Takes a job; when too much waits already it is answered by a refusal. Each is answered once. A trusted source may
    /// have any number waiting, but takes its turn like the others.
    pub(super) fn submit(&mut self, job: PasswordJob, is_trusted: bool) {
        let source = Source::of(job.source);
        let (client, ticket) = (job.client, job.ticket);
        let is_out = self.out.iter().any(|(other, _)| *other == client);
        let out = self.out.iter().filter(|(_, other)| *other == source);
        let out = if is_trusted { 0 } else { out.count() };
        if is_out || !self.waiting.push(job, source, out, is_trusted) {
            self.refused
                .push_back((client, refusal(ticket, Refusal::Busy)));
        }
    }

    /// Drops what still waits for `client`, and answers it by a refusal, so that whoever counts
    /// jobs may count on an answer to each.
    pub(super) fn forget(&mut self, client: ClientId) {
        if let Some(job) = self.waiting.forget(client) {
            let outcome = refusal(job.ticket, Refusal::Busy);
            self.refused.push_back((client, outcome));
        }
    }

    /// How many are not answered.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.out.len()
    }

    /// How many hashes were computed so far, with those that are thrown away.
    pub(super) fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Whether there is an answer for which nobody wakes the loop.
    pub(super) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Keeps the thread busy.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when there is no such thread any more.
    ///
    /// # Panics
    ///
    /// When more jobs are out than it was handed.
    pub(super) fn hand_over(&mut self) -> Result<(), WorkerFailure> {
        let jobs = self.jobs.as_ref().ok_or(WorkerFailure::Died)?;
        while self.out.len() < PASSWORD_JOBS_AHEAD
            && let Some(job) = self.waiting.pop()
        {
            let whose = (job.client, Source::of(job.source));
            match jobs.try_send(job) {
                Ok(()) => self.out.push_back(whose),
                Err(TrySendError::Full(_)) => panic!("the channel holds all that may be out"),
                Err(TrySendError::Disconnected(_)) => return Err(WorkerFailure::Died),
            }
        }
        Ok(())
    }

    /// The next outcome, and who waited for it.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when no outcome can ever come again.
    ///
    /// # Panics
    ///
    /// When the thread answers what it was not asked.
    pub(super) fn next_outcome(&mut self) -> Result<Option<(ClientId, Outcome)>, WorkerFailure> {
        if let Some(refused) = self.refused.pop_front() {
            return Ok(Some(refused));
        }
        self.wake.clear();
        match self.outcomes.try_recv() {
            Ok(outcome) => {
                let (client, _) = self.out.pop_front().expect("it answers each job once");
                Ok(Some((client, outcome)))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(WorkerFailure::Died),
        }
    }
}

impl Drop for Passwords {
    /// Lets the thread finish what it has, then ends it.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; there is nothing to add while stopping.
            let _ = thread.join();
        }
    }
}

fn refusal(ticket: Ticket, why: Refusal) -> Outcome {
    Outcome::PasswordRefused { ticket, why }
}

/// Does one job.
fn carry_out(job: &PasswordJob, hasher: &mut Hasher) -> Outcome {
    let ticket = job.ticket;
    let token = TokenHash(token::hash(&job.token.0));
    let password = Password::new(&job.password.0);
    let fresh = |hasher: &mut Hasher, password: &Password| {
        PasswordHash(hasher.hash(password, random::bytes()).into())
    };
    match (&job.task, password) {
        (PasswordTask::Token, _) => Outcome::Checked {
            ticket,
            is_right: true,
            rehash: None,
            token,
        },
        (PasswordTask::Hash, Ok(password)) => Outcome::Hashed {
            ticket,
            hash: fresh(hasher, &password),
            token,
        },
        (PasswordTask::Hash, Err(_)) => {
            let max = PASSWORD_BYTES_MAX;
            refusal(ticket, Refusal::BadPassword { max })
        }
        (PasswordTask::Check(hash), Ok(password)) => {
            let checked = hasher.check(&password, hash.as_ref().map(|hash| &*hash.0));
            let is_weak = checked == Checked::RightButWeak;
            Outcome::Checked {
                ticket,
                is_right: checked != Checked::Wrong,
                rehash: is_weak.then(|| fresh(hasher, &password)),
                token,
            }
        }
        // It is nobody's, and whoever typed it knows that without asking the clock.
        (PasswordTask::Check(_), Err(_)) => Outcome::Checked {
            ticket,
            is_right: false,
            rehash: None,
            token,
        },
    }
}

#[cfg(test)]
mod tests;
