//! Chores: what a disk may take long for, each on a thread of its own.
//!
//! Hashing a file, hashing what is there of one, and putting one on the disk for good take as long
//! as the file is large; nobody who talks waits for that. There are never more chores than
//! transfers under way, and one whose transfer was given up ends by itself or is undone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use mio::Waker;

use crate::client::files::{Downloads, FolderError, Offered, Part, Receiving, Source, SourceError};
use crate::limits::CLIENT_READ_BYTES;

/// A chore that is done.
pub(super) enum Done {
    /// A file to be sent has its hash.
    Hashed(Result<Source, SourceError>),
    /// What is there of a file is known.
    Opened(Result<Part, FolderError>),
    /// A file has its name.
    Finished(Result<String, FolderError>),
}

/// Chores under way, by the number of their transfer.
pub(super) struct Chores {
    waker: Arc<Waker>,
    sender: Sender<(u64, Done)>,
    done: Receiver<(u64, Done)>,
}

impl Chores {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        let (sender, done) = channel();
        Self {
            waker,
            sender,
            done,
        }
    }

    /// A chore that is done, if there is one.
    pub(super) fn next_done(&self) -> Option<(u64, Done)> {
        self.done.try_recv().ok()
    }

    /// Hashes a file. `hashed` tells how far it is; when nobody else holds it, it is given up.
    pub(super) fn hash(&self, id: u64, mut source: Source, hashed: Arc<AtomicU64>) {
        self.begin(id, move || {
            let mut buffer = vec![0; CLIENT_READ_BYTES];
            while source.digest().is_none() && Arc::strong_count(&hashed) > 1 {
                if let Err(error) = source.hash_some(&mut buffer) {
                    return Done::Hashed(Err(error));
                }
                hashed.store(source.hashed(), Ordering::Relaxed);
            }
            Done::Hashed(Ok(source))
        });
    }

    /// Opens what is there of a file.
    pub(super) fn open(&self, id: u64, downloads: &Downloads, offered: &Offered) {
        let (downloads, offered) = (downloads.clone(), offered.clone());
        self.begin(id, move || {
            Done::Opened(downloads.part(&offered.name, &offered.mark(), offered.bytes))
        });
    }

    /// Gives a file its name.
    pub(super) fn finish(&self, id: u64, receiving: Receiving) {
        self.begin(id, move || Done::Finished(receiving.finish()));
    }

    fn begin(&self, id: u64, chore: impl FnOnce() -> Done + Send + 'static) {
        let (sender, waker) = (self.sender.clone(), Arc::clone(&self.waker));
        std::thread::spawn(move || {
            // Neither fails but when the client ends, and then nobody waits for it.
            let _ = sender.send((id, chore()));
            let _ = waker.wake();
        });
    }
}
