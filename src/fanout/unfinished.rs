//! Entries begun on a connection whose place in the log is gone: what is left of them, and how
//! much memory that takes in all.
//!
//! A message once begun must be finished before any other byte, whatever becomes of its room. The
//! connection keeps the closed segment it lies in, or a copy of the rest when the segment still
//! grows. A segment is counted once however many connections keep it, and only from when its room
//! has let it go, because until then it counts as the room's.

use super::segment::Bytes;
use crate::chat::{ClientId, Loss};
use std::ops::Range;
use std::sync::Arc;

/// The rest of one entry.
pub(super) struct Unfinished {
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
    is_copy: bool,
}

impl Unfinished {
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    pub(super) fn consume(&mut self, count: usize) {
        assert!(
            count <= self.range.len(),
            "only what is left can be consumed"
        );
        self.range.start += count;
    }
}

/// Counts what is kept for all connections, and knows whom that has cost the connection.
#[derive(Default)]
pub(super) struct Ledger {
    copied_bytes: usize,
    /// Segments whose rooms have let them go while they were shared.
    orphans: Vec<Arc<Vec<u8>>>,
    orphan_bytes: usize,
    /// Bytes that somebody would keep if the bound allowed it.
    pub(super) wanted_bytes: usize,
    /// Connections that must be closed, until the shell takes them.
    pub(super) doomed: Vec<(ClientId, Loss)>,
}

impl Ledger {
    /// Keeps `bytes` for one connection.
    pub(super) fn keep(&mut self, bytes: &Bytes<'_>) -> Unfinished {
        match bytes {
            Bytes::Closed(segment, range) => Unfinished {
                bytes: Arc::clone(segment),
                range: range.clone(),
                is_copy: false,
            },
            Bytes::Open(bytes) => {
                self.copied_bytes += bytes.len();
                Unfinished {
                    bytes: Arc::new(bytes.to_vec()),
                    range: 0..bytes.len(),
                    is_copy: true,
                }
            }
        }
    }

    /// Forgets a rest, sent or not.
    pub(super) fn release(&mut self, unfinished: &Unfinished) {
        if unfinished.is_copy {
            self.copied_bytes -= unfinished.bytes.len();
        }
    }

    /// Counts a segment that its room has let go, if somebody still keeps it.
    pub(super) fn adopt(&mut self, segment: Arc<Vec<u8>>) {
        if Arc::strong_count(&segment) > 1 {
            self.orphan_bytes += segment.len();
            self.orphans.push(segment);
        }
    }

    /// Lets go of segments that nobody keeps any longer.
    pub(super) fn sweep_orphans(&mut self) {
        self.orphans
            .retain(|segment| Arc::strong_count(segment) > 1);
        self.orphan_bytes = self.orphans.iter().map(|segment| segment.len()).sum();
    }

    /// Bytes kept beside the rooms' logs.
    pub(super) fn bytes(&self) -> usize {
        self.copied_bytes + self.orphan_bytes
    }
}
