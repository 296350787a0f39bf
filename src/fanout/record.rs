//! The record being filled.

use super::Dialect;
use crate::limits::{
    RECORD_HEADER_BYTES, RECORD_INNER_BYTES_SENT_MAX, RECORD_PREFIX_BYTES, WRITE_BUFFER_BYTES_MAX,
};

/// Bytes that sealing needs in front of the content.
const HEAD: [u8; RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES] =
    [0; RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES];
/// Content that one record takes. Lines have no records, but one visit's share is the same.
const CONTENT_BYTES_MAX: usize = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;

/// One visit's bytes: content behind space for a header, until it is sealed.
pub(super) struct Record {
    pub(super) bytes: Vec<u8>,
    head: usize,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(WRITE_BUFFER_BYTES_MAX),
            head: 0,
        }
    }

    /// Begins a record without content.
    pub(super) fn begin(&mut self, dialect: Dialect) {
        self.bytes.clear();
        match dialect {
            Dialect::Sealed => self.bytes.extend_from_slice(&HEAD),
            Dialect::Line => {}
        }
        self.head = self.bytes.len();
    }

    /// Bytes of content it still takes.
    pub(super) fn space(&self) -> usize {
        self.head + CONTENT_BYTES_MAX - self.bytes.len()
    }

    /// Whether it has no content.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == self.head
    }

    /// Makes it one that has not even space for a header.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.head = 0;
    }
}
