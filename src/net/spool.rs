//! The spool's threads: one writes the bytes of files, one reads them.
//!
//! Two, so that whoever fetches need not wait while a disk is made to keep what was sent. Neither
//! is ever given more than [`crate::limits::SPOOL_JOBS_MAX`] jobs, because of each file only a few
//! are out at a time; so handing one over never blocks.

use super::wake::{Wake, WakeAtEnd};
use super::workers::WorkerFailure;
use crate::files::{Done, Job};
use crate::limits::SPOOL_JOBS_MAX;
use crate::spool::{Spool, SpoolReader};
use mio::Waker;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Both threads.
pub(super) struct SpoolThreads {
    writer: Option<SyncSender<Job>>,
    reader: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    wake: Wake,
    threads: Vec<JoinHandle<()>>,
}

impl SpoolThreads {
    /// Starts them.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(
        mut spool: Box<dyn Spool>,
        mut reader: Box<dyn SpoolReader>,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let wake = Wake::new(waker);
        // Each answer is of a job that is out, so there are never more of them.
        let (told, done) = channel();
        let (writer, write_thread) = start("spool-write", &wake, told.clone(), move |job| {
            write(&mut *spool, job)
        })?;
        let (asker, read_thread) = start("spool-read", &wake, told, move |job| {
            read(&mut *reader, job)
        })?;
        Ok(Self {
            writer: Some(writer),
            reader: Some(asker),
            done,
            wake,
            threads: vec![write_thread, read_thread],
        })
    }

    /// Hands a job over.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when there is no thread for it any more.
    pub(super) fn submit(&mut self, job: Job) -> Result<(), WorkerFailure> {
        match job {
            Job::Open(_) | Job::Append { .. } | Job::Finish { .. } => hand_over(&self.writer, job),
            Job::Read { .. } => hand_over(&self.reader, job),
            Job::Remove(_) => {
                hand_over(&self.reader, job.clone())?;
                hand_over(&self.writer, job)
            }
        }
    }

    /// What they have done since the last call.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when one of them has ended.
    pub(super) fn next_done(&mut self) -> Result<Vec<Done>, WorkerFailure> {
        if !self.wake.is_woken() {
            return Ok(Vec::new());
        }
        // Cleared before looking, so that an answer put in after the look wakes the loop again.
        self.wake.clear();
        if self.threads.iter().any(JoinHandle::is_finished) {
            return Err(WorkerFailure::Died);
        }
        Ok(self.done.try_iter().collect())
    }
}

impl Drop for SpoolThreads {
    fn drop(&mut self) {
        drop((self.writer.take(), self.reader.take()));
        for thread in self.threads.drain(..) {
            // One that panicked has said so; there is nothing to add while stopping.
            let _ = thread.join();
        }
    }
}

fn hand_over(to: &Option<SyncSender<Job>>, job: Job) -> Result<(), WorkerFailure> {
    let to = to.as_ref().expect("taken only when dropped");
    to.send(job).map_err(|_| WorkerFailure::Died)
}

fn start(
    name: &str,
    wake: &Wake,
    told: Sender<Done>,
    mut work: impl FnMut(Job) -> Option<Done> + Send + 'static,
) -> io::Result<(SyncSender<Job>, JoinHandle<()>)> {
    let (jobs, queue) = sync_channel::<Job>(SPOOL_JOBS_MAX);
    let end = WakeAtEnd(wake.clone());
    let thread = Builder::new().name(name.into()).spawn(move || {
        let end = end;
        while let Ok(job) = queue.recv() {
            let Some(done) = work(job) else { continue };
            if told.send(done).is_err() {
                return;
            }
            end.0.wake();
        }
    })?;
    Ok((jobs, thread))
}

fn write(spool: &mut dyn Spool, job: Job) -> Option<Done> {
    match job {
        Job::Open(record) => {
            let result = spool.open(&record);
            Some(Done::Opened(record, result))
        }
        Job::Append {
            file,
            offset,
            bytes,
        } => Some(Done::Appended(file, spool.append(file, offset, &bytes))),
        Job::Finish { file, digest } => {
            let result = spool.finish(file, digest);
            Some(Done::Finished(file, result.map(|()| digest)))
        }
        Job::Remove(file) => {
            spool.remove(file);
            None
        }
        Job::Read { .. } => unreachable!("reads are the other thread's"),
    }
}

fn read(reader: &mut dyn SpoolReader, job: Job) -> Option<Done> {
    match job {
        Job::Read {
            client,
            file,
            serial,
            offset,
            count,
        } => Some(Done::Read {
            client,
            file,
            serial,
            result: reader.read(file, offset, count),
        }),
        Job::Remove(file) => {
            reader.forget(file);
            None
        }
        Job::Open(_) | Job::Append { .. } | Job::Finish { .. } => {
            unreachable!("writes are the other thread's")
        }
    }
}
