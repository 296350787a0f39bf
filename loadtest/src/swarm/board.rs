//! The board: numbers that all threads can see while a run goes on.
//!
//! Each thread writes only its own; whoever reads adds them up. They are for watching and for
//! keeping the pace; what is reported in the end is harvested when the threads have ended.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What one thread has to show.
#[derive(Default)]
pub(crate) struct Column {
    /// Connections begun.
    pub(crate) begun: AtomicU64,
    /// Connections that have joined, in all.
    pub(crate) joined: AtomicU64,
    /// Of those, the ones that are still there.
    pub(crate) present: AtomicU64,
    /// Members that have failed for good.
    pub(crate) failed: AtomicU64,
    /// Messages sent.
    pub(crate) said: AtomicU64,
    /// Messages received, each once per receiver.
    pub(crate) heard: AtomicU64,
    /// Of those, the ones received by members that stay.
    pub(crate) heard_by_staying: AtomicU64,
    /// Bytes of files received.
    pub(crate) file_bytes: AtomicU64,
    /// Files that have come, or go no further.
    pub(crate) files: AtomicU64,
    /// Of those, the ones that are not what was sent.
    pub(crate) files_wrong: AtomicU64,
    /// Messages that the server said would not come, each once per receiver.
    pub(crate) announced: AtomicU64,
}

/// The sum of all columns at one time.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Sums {
    /// See [`Column::begun`].
    pub(crate) begun: u64,
    /// See [`Column::joined`].
    pub(crate) joined: u64,
    /// See [`Column::present`].
    pub(crate) present: u64,
    /// See [`Column::failed`].
    pub(crate) failed: u64,
    /// See [`Column::said`].
    pub(crate) said: u64,
    /// See [`Column::heard`].
    pub(crate) heard: u64,
    /// See [`Column::heard_by_staying`].
    pub(crate) heard_by_staying: u64,
    /// See [`Column::file_bytes`].
    pub(crate) file_bytes: u64,
    /// See [`Column::files`].
    pub(crate) files: u64,
    /// See [`Column::files_wrong`].
    pub(crate) files_wrong: u64,
    /// See [`Column::announced`].
    pub(crate) announced: u64,
}

/// What all threads can see.
pub(crate) struct Board {
    columns: Box<[Column]>,
    /// Per speaker and thread: how many messages everybody there has.
    complete: Box<[AtomicU32]>,
    /// Per speaker: how many messages it has sent.
    said: Box<[AtomicU32]>,
    /// Why the first connection of all failed.
    first_trouble: OnceLock<String>,
}

impl Board {
    /// A board for so many threads and speakers.
    pub(crate) fn new(threads: usize, speakers: usize) -> Self {
        Self {
            columns: (0..threads).map(|_| Column::default()).collect(),
            complete: (0..threads * speakers).map(|_| AtomicU32::new(0)).collect(),
            said: (0..speakers).map(|_| AtomicU32::new(0)).collect(),
            first_trouble: OnceLock::new(),
        }
    }

    /// The column of one thread.
    pub(crate) fn column(&self, thread: usize) -> &Column {
        &self.columns[thread]
    }

    /// All columns together.
    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for column in &self.columns {
            sums.begun += column.begun.load(Relaxed);
            sums.joined += column.joined.load(Relaxed);
            sums.present += column.present.load(Relaxed);
            sums.failed += column.failed.load(Relaxed);
            sums.said += column.said.load(Relaxed);
            sums.heard += column.heard.load(Relaxed);
            sums.heard_by_staying += column.heard_by_staying.load(Relaxed);
            sums.file_bytes += column.file_bytes.load(Relaxed);
            sums.files += column.files.load(Relaxed);
            sums.files_wrong += column.files_wrong.load(Relaxed);
            sums.announced += column.announced.load(Relaxed);
        }
        sums
    }

    /// Says why a connection failed; only the first is kept.
    pub(crate) fn set_trouble(&self, why: &impl ToString) {
        self.first_trouble.get_or_init(|| why.to_string());
    }

    /// Why the first connection of all failed.
    pub(crate) fn first_trouble(&self) -> Option<&str> {
        self.first_trouble.get().map(String::as_str)
    }

    /// Says how many of a speaker's messages everybody of a thread has.
    pub(crate) fn set_complete(&self, speaker: u16, thread: usize, count: u32) {
        self.complete[usize::from(speaker) * self.columns.len() + thread].store(count, Relaxed);
    }

    /// How many of a speaker's messages everybody has.
    pub(crate) fn complete(&self, speaker: u16) -> u32 {
        let threads = self.columns.len();
        let start = usize::from(speaker) * threads;
        self.complete[start..start + threads]
            .iter()
            .map(|count| count.load(Relaxed))
            .min()
            .unwrap_or(0)
    }

    /// Says how many messages a speaker has sent.
    pub(crate) fn set_said(&self, speaker: u16, count: u32) {
        self.said[usize::from(speaker)].store(count, Relaxed);
    }

    /// How many messages a speaker has sent.
    pub(crate) fn said(&self, speaker: u16) -> u32 {
        self.said[usize::from(speaker)].load(Relaxed)
    }
}
