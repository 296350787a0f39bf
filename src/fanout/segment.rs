//! A segment: a run of whole entries of one room, in every dialect, with their index.

use super::Dialect;
use crate::chat::{ClientId, EntryId};
use std::ops::Range;
use std::sync::Arc;

/// Marks an entry without an id in the index; stored entries count from 1.
const NOT_STORED: u64 = 0;
/// Marks an entry that came from no connection.
const NO_ORIGIN: ClientId = ClientId {
    slot: u32::MAX,
    generation: u32::MAX,
};

/// What the index knows of one entry.
#[derive(Clone, Copy)]
pub(super) struct IndexEntry {
    pub(super) id: u64,
    pub(super) unix_ms: u64,
    origin: ClientId,
    sealed_end: u32,
    line_end: u32,
}

impl IndexEntry {
    pub(super) fn is_stored(&self) -> bool {
        self.id != NOT_STORED
    }

    pub(super) fn is_from(&self, client: ClientId) -> bool {
        self.origin == client
    }
}

/// A run of whole entries.
pub(super) struct Segment {
    /// Sequence number of its first entry.
    pub(super) first: u64,
    /// Stored entries of the room before it.
    pub(super) stored_before: u64,
    sealed_start: u64,
    line_start: u64,
    sealed: Arc<Vec<u8>>,
    line: Arc<Vec<u8>>,
    index: Vec<IndexEntry>,
    /// Nothing more is appended, so its streams may be shared.
    is_closed: bool,
}

/// An entry to be appended, encoded.
pub(super) struct Encoded<'a> {
    pub(super) id: Option<EntryId>,
    pub(super) unix_ms: u64,
    pub(super) origin: Option<ClientId>,
    pub(super) sealed: &'a [u8],
    /// Empty unless the log keeps lines.
    pub(super) line: &'a [u8],
}

impl Encoded<'_> {
    /// Bytes by which the log grows.
    pub(super) fn bytes(&self) -> usize {
        self.sealed.len() + self.line.len() + size_of::<IndexEntry>()
    }
}

/// Where an entry lies in a stream, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) sequence: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Bytes of one entry that some connection must still be sent.
pub(super) enum Bytes<'a> {
    /// In a segment that no longer changes.
    Closed(&'a Arc<Vec<u8>>, Range<usize>),
    /// Where they may change: in the open segment, or in a scratch buffer.
    Open(&'a [u8]),
}

impl<'a> Bytes<'a> {
    pub(super) fn as_slice(&self) -> &'a [u8] {
        match self {
            Self::Closed(segment, range) => &segment[range.clone()],
            Self::Open(bytes) => bytes,
        }
    }

    /// What follows the first `count` bytes.
    pub(super) fn skip(self, count: usize) -> Self {
        match self {
            Self::Closed(segment, range) => Self::Closed(segment, range.start + count..range.end),
            Self::Open(bytes) => Self::Open(&bytes[count..]),
        }
    }

    /// Bytes that must be copied if they are to be kept.
    pub(super) fn copied_bytes(&self) -> usize {
        match self {
            Self::Closed(..) => 0,
            Self::Open(bytes) => bytes.len(),
        }
    }
}

impl Segment {
    /// An empty one that begins where its room's log ends.
    pub(super) fn new(first: u64, stored_before: u64, sealed_start: u64, line_start: u64) -> Self {
        Self {
            first,
            stored_before,
            sealed_start,
            line_start,
            sealed: Arc::default(),
            line: Arc::default(),
            index: Vec::new(),
            is_closed: false,
        }
    }

    /// Appends an entry it has room for. A segment that is full is closed.
    pub(super) fn append(&mut self, entry: &Encoded<'_>, segment_bytes: usize) {
        let sealed = open_stream(&mut self.sealed);
        let line = open_stream(&mut self.line);
        sealed.extend_from_slice(entry.sealed);
        line.extend_from_slice(entry.line);
        self.index.push(IndexEntry {
            id: entry.id.map_or(NOT_STORED, |id| id.0),
            unix_ms: entry.unix_ms,
            origin: entry.origin.unwrap_or(NO_ORIGIN),
            sealed_end: u32::try_from(sealed.len()).expect("a message is far below 4 GiB"),
            line_end: u32::try_from(line.len()).expect("a message is far below 4 GiB"),
        });
        if sealed.len() >= segment_bytes || line.len() >= segment_bytes {
            self.close();
        }
    }

    /// Forgets the line forms, which are handed over.
    pub(super) fn end_lines(&mut self, line_start: u64) -> Arc<Vec<u8>> {
        self.line_start = line_start;
        for entry in &mut self.index {
            entry.line_end = 0;
        }
        std::mem::take(&mut self.line)
    }

    pub(super) fn start(&self, dialect: Dialect) -> u64 {
        match dialect {
            Dialect::Sealed => self.sealed_start,
            Dialect::Line => self.line_start,
        }
    }

    pub(super) fn stream(&self, dialect: Dialect) -> &Arc<Vec<u8>> {
        match dialect {
            Dialect::Sealed => &self.sealed,
            Dialect::Line => &self.line,
        }
    }

    pub(super) fn end(&self, dialect: Dialect) -> u64 {
        self.start(dialect) + self.stream(dialect).len() as u64
    }

    /// Sequence number of the entry after its last.
    pub(super) fn next(&self) -> u64 {
        self.first + self.index.len() as u64
    }

    pub(super) fn bytes(&self) -> usize {
        self.sealed.len() + self.line.len() + size_of_val(self.index.as_slice())
    }

    pub(super) fn stored(&self) -> u64 {
        self.stored_from(self.first)
    }

    /// Stored entries from `sequence` to the end of the segment.
    pub(super) fn stored_from(&self, sequence: u64) -> u64 {
        let from = self.offset_of(sequence);
        let stored = self.index[from..].iter().filter(|entry| entry.is_stored());
        stored.count() as u64
    }

    pub(super) fn offset_of(&self, sequence: u64) -> usize {
        usize::try_from(sequence - self.first).expect("a segment's entries fit memory")
    }

    /// Bytes from the segment's start to the end of its `offset`-th entry.
    fn entry_end(&self, dialect: Dialect, offset: usize) -> u64 {
        let entry = &self.index[offset];
        u64::from(match dialect {
            Dialect::Sealed => entry.sealed_end,
            Dialect::Line => entry.line_end,
        })
    }

    pub(super) fn extent(&self, dialect: Dialect, offset: usize) -> Extent {
        let start = match offset.checked_sub(1) {
            Some(before) => self.entry_end(dialect, before),
            None => 0,
        };
        Extent {
            sequence: self.first + offset as u64,
            start: self.start(dialect) + start,
            end: self.start(dialect) + self.entry_end(dialect, offset),
        }
    }

    /// The entry that the byte at `position`, which is in this segment, belongs to.
    pub(super) fn extent_at(&self, dialect: Dialect, position: u64) -> Extent {
        let within = position - self.start(dialect);
        let offset = self.index.partition_point(|entry| match dialect {
            Dialect::Sealed => u64::from(entry.sealed_end) <= within,
            Dialect::Line => u64::from(entry.line_end) <= within,
        });
        self.extent(dialect, offset)
    }

    /// The bytes `[start, end)` of a stream, all in this segment.
    pub(super) fn bytes_of(&self, dialect: Dialect, start: u64, end: u64) -> Bytes<'_> {
        let range = self.within(dialect, start)..self.within(dialect, end);
        let stream = self.stream(dialect);
        if self.is_closed {
            Bytes::Closed(stream, range)
        } else {
            Bytes::Open(&stream[range])
        }
    }

    /// The sealed bytes of its `offset`-th entry.
    pub(super) fn entry(&self, offset: usize) -> Bytes<'_> {
        let extent = self.extent(Dialect::Sealed, offset);
        self.bytes_of(Dialect::Sealed, extent.start, extent.end)
    }

    /// How far into the segment's stream a position is.
    pub(super) fn within(&self, dialect: Dialect, position: u64) -> usize {
        usize::try_from(position - self.start(dialect)).expect("a segment fits memory")
    }

    pub(super) fn index(&self) -> &[IndexEntry] {
        &self.index
    }

    pub(super) fn has_room_for(&self, entry: &Encoded<'_>, segment_bytes: usize) -> bool {
        let fits = self.sealed.len() + entry.sealed.len() <= segment_bytes
            && self.line.len() + entry.line.len() <= segment_bytes;
        !self.is_closed && (fits || self.index.is_empty())
    }

    /// Ends the segment, and gives back what it reserved.
    pub(super) fn close(&mut self) {
        if !self.is_closed {
            self.is_closed = true;
            open_stream(&mut self.sealed).shrink_to_fit();
            open_stream(&mut self.line).shrink_to_fit();
            self.index.shrink_to_fit();
        }
    }

    /// Hands over both streams, for whoever must finish an entry of them.
    pub(super) fn into_streams(self) -> [Arc<Vec<u8>>; 2] {
        [self.sealed, self.line]
    }
}

/// The stream of a segment that is not closed, to be appended to.
fn open_stream(stream: &mut Arc<Vec<u8>>) -> &mut Vec<u8> {
    Arc::get_mut(stream).expect("the open segment is not shared")
}
