//! One room's log: its entries, encoded once per dialect, with an index over them.
//!
//! ```text
//!  segment                      segment (open)
//! +---------------------------+---------------------------+
//! | sealed  e1 e2 e3 e4 e5    | e6 e7 e8 ...              |   positions: bytes since the room began
//! | line    l1 l2 l3 l4 l5    | l6 l7 l8 ...              |   only while somebody reads lines
//! | index   1  2  3  4  5     | 6  7  8  ...              |   sequence numbers: entries since then
//! +---------------------------+---------------------------+
//! ```
//!
//! A segment covers the same entries in every dialect, so a place in one stream becomes a place in
//! the other by way of the index, and both leave memory together. An entry never spans segments;
//! one that is longer than a segment has its own. A closed segment never changes and is shared
//! with connections that must still finish an entry of it; the open one is shared with nobody.
//!
//! Knows nothing of members: who reads where, and what may therefore go, is told from outside.

use super::Dialect;
use crate::chat::{ClientId, EntryId, From};
use std::collections::VecDeque;
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
    id: u64,
    unix_ms: u64,
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

/// The room's entries that are in memory.
///
/// Invariants: segments are contiguous in every count; none but the last is empty; `bytes` is the
/// sum of what they hold.
#[derive(Default)]
pub(super) struct Log {
    segments: VecDeque<Segment>,
    /// Sequence number of the next entry.
    next: u64,
    /// Sequence number below which newcomers see nothing.
    visible_from: u64,
    /// Stored entries since the room began.
    stored: u64,
    newest_id: u64,
    sealed_head: u64,
    line_head: u64,
    bytes: usize,
    keeps_lines: bool,
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
    Closed(&'a Arc<Vec<u8>>, std::ops::Range<usize>),
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
    fn start(&self, dialect: Dialect) -> u64 {
        match dialect {
            Dialect::Sealed => self.sealed_start,
            Dialect::Line => self.line_start,
        }
    }

    fn stream(&self, dialect: Dialect) -> &Arc<Vec<u8>> {
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

    fn bytes(&self) -> usize {
        self.sealed.len() + self.line.len() + size_of_val(self.index.as_slice())
    }

    fn stored(&self) -> u64 {
        self.stored_from(self.first)
    }

    /// Stored entries from `sequence` to the end of the segment.
    fn stored_from(&self, sequence: u64) -> u64 {
        let from = self.offset_of(sequence);
        let stored = self.index[from..].iter().filter(|entry| entry.is_stored());
        stored.count() as u64
    }

    fn offset_of(&self, sequence: u64) -> usize {
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

    fn extent(&self, dialect: Dialect, offset: usize) -> Extent {
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

    fn has_room_for(&self, entry: &Encoded<'_>, segment_bytes: usize) -> bool {
        let fits = self.sealed.len() + entry.sealed.len() <= segment_bytes
            && self.line.len() + entry.line.len() <= segment_bytes;
        !self.is_closed && (fits || self.index.is_empty())
    }

    /// Ends the segment, and gives back what it reserved.
    fn close(&mut self) {
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

impl Log {
    /// Appends an entry; says whether it began a segment.
    pub(super) fn append(&mut self, entry: &Encoded<'_>, segment_bytes: usize) -> bool {
        let fits = |last: &Segment| last.has_room_for(entry, segment_bytes);
        let begins = !self.segments.back().is_some_and(fits);
        if begins {
            self.begin_segment();
        }
        let last = self.segments.back_mut().expect("a segment was just begun");
        let sealed = open_stream(&mut last.sealed);
        let line = open_stream(&mut last.line);
        sealed.extend_from_slice(entry.sealed);
        line.extend_from_slice(entry.line);
        last.index.push(IndexEntry {
            id: entry.id.map_or(NOT_STORED, |id| id.0),
            unix_ms: entry.unix_ms,
            origin: entry.origin.unwrap_or(NO_ORIGIN),
            sealed_end: u32::try_from(sealed.len()).expect("a message is far below 4 GiB"),
            line_end: u32::try_from(line.len()).expect("a message is far below 4 GiB"),
        });
        if sealed.len() >= segment_bytes || line.len() >= segment_bytes {
            last.close();
        }
        self.sealed_head += entry.sealed.len() as u64;
        self.line_head += entry.line.len() as u64;
        self.bytes += entry.bytes();
        self.next += 1;
        if let Some(id) = entry.id {
            self.stored += 1;
            self.newest_id = id.0;
        }
        begins
    }

    /// Closes the last segment and begins another.
    fn begin_segment(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.close();
        }
        self.segments.push_back(Segment {
            first: self.next,
            stored_before: self.stored,
            sealed_start: self.sealed_head,
            line_start: self.line_head,
            sealed: Arc::default(),
            line: Arc::default(),
            index: Vec::new(),
            is_closed: false,
        });
    }

    /// From now on entries come with their line form. Those before have none.
    pub(super) fn begin_lines(&mut self) {
        self.keeps_lines = true;
    }

    /// Forgets all line forms, since nobody reads them; `adopt` is handed what was held.
    pub(super) fn end_lines(&mut self, mut adopt: impl FnMut(Arc<Vec<u8>>)) {
        self.keeps_lines = false;
        for segment in &mut self.segments {
            self.bytes -= segment.line.len();
            adopt(std::mem::take(&mut segment.line));
            segment.line_start = self.line_head;
            for entry in &mut segment.index {
                entry.line_end = 0;
            }
        }
    }

    pub(super) fn keeps_lines(&self) -> bool {
        self.keeps_lines
    }

    /// Hides what is there from newcomers.
    pub(super) fn hide(&mut self) {
        self.visible_from = self.next;
    }

    /// Forgets the oldest segment.
    pub(super) fn pop_front(&mut self) -> Option<Segment> {
        let segment = self.segments.pop_front()?;
        self.bytes -= segment.bytes();
        Some(segment)
    }

    pub(super) fn front(&self) -> Option<&Segment> {
        self.segments.front()
    }

    /// Whether newcomers would still have enough without the oldest segment.
    pub(super) fn front_is_spare(&self, bytes_min: usize, entries_min: u64) -> bool {
        let Some(front) = self.segments.front() else {
            return false;
        };
        let kept = self.stored - front.stored_before;
        self.segments.len() > 1
            && (self.bytes - front.bytes() >= bytes_min || kept - front.stored() >= entries_min)
    }

    // --- Places ---

    /// Sequence number of the oldest entry that is there; `next` when none is.
    pub(super) fn first(&self) -> u64 {
        self.segments.front().map_or(self.next, |front| front.first)
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn head(&self, dialect: Dialect) -> u64 {
        match dialect {
            Dialect::Sealed => self.sealed_head,
            Dialect::Line => self.line_head,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Stored entries before `sequence`, which is there or the next.
    pub(super) fn stored_before(&self, sequence: u64) -> u64 {
        match self.segment_of(sequence) {
            Some(segment) => {
                segment.stored_before + segment.stored() - segment.stored_from(sequence)
            }
            None => self.stored,
        }
    }

    fn segment_of(&self, sequence: u64) -> Option<&Segment> {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= sequence);
        let segment = &self.segments[after.checked_sub(1)?];
        (sequence < segment.next()).then_some(segment)
    }

    /// The index's word on the entry `sequence`, which must be there.
    pub(super) fn entry(&self, sequence: u64) -> &IndexEntry {
        let segment = self
            .segment_of(sequence)
            .expect("readers are moved before entries go");
        &segment.index[segment.offset_of(sequence)]
    }

    /// Where the entry `sequence`, which must be there, lies in a stream.
    pub(super) fn extent(&self, dialect: Dialect, sequence: u64) -> Extent {
        let segment = self
            .segment_of(sequence)
            .expect("readers are moved before entries go");
        segment.extent(dialect, segment.offset_of(sequence))
    }

    /// Where a reader of the stream stands who has had all entries before `sequence`.
    pub(super) fn position(&self, dialect: Dialect, sequence: u64) -> u64 {
        if sequence >= self.next {
            self.head(dialect)
        } else {
            self.extent(dialect, sequence).start
        }
    }

    /// The entry that `position` is in or at the start of; none at the head.
    pub(super) fn extent_at(&self, dialect: Dialect, position: u64) -> Option<Extent> {
        if position >= self.head(dialect) {
            return None;
        }
        let segment = &self.segments[self.segment_at(dialect, position)];
        let within = position - segment.start(dialect);
        let offset = segment.index.partition_point(|entry| match dialect {
            Dialect::Sealed => u64::from(entry.sealed_end) <= within,
            Dialect::Line => u64::from(entry.line_end) <= within,
        });
        Some(segment.extent(dialect, offset))
    }

    /// Which segment holds the byte at `position`, below the head. Nearly all readers are in the
    /// last one.
    fn segment_at(&self, dialect: Dialect, position: u64) -> usize {
        let last = self.segments.len() - 1;
        if self.segments[last].start(dialect) <= position {
            return last;
        }
        let after = self
            .segments
            .partition_point(|segment| segment.start(dialect) <= position);
        after
            .checked_sub(1)
            .expect("readers are moved before entries go")
    }

    // --- Bytes ---

    /// Appends `[position, limit)` to `out`, at most `space` bytes; returns where it ended.
    pub(super) fn copy_run(
        &self,
        dialect: Dialect,
        position: u64,
        limit: u64,
        space: usize,
        out: &mut Vec<u8>,
    ) -> u64 {
        let left = usize::try_from(limit - position).unwrap_or(usize::MAX);
        let mut left = left.min(space);
        let mut position = position;
        if left == 0 {
            return position;
        }
        let mut at = self.segment_at(dialect, position);
        while left > 0 {
            let segment = &self.segments[at];
            let stream = segment.stream(dialect).as_slice();
            let within = usize::try_from(position - segment.start(dialect))
                .expect("a segment's bytes fit memory");
            let count = left.min(stream.len() - within);
            out.extend_from_slice(&stream[within..within + count]);
            position += count as u64;
            left -= count;
            at += 1;
        }
        position
    }

    /// The bytes `[start, end)` of a stream, all of one entry.
    pub(super) fn bytes_of(&self, dialect: Dialect, start: u64, end: u64) -> Bytes<'_> {
        let at = self.segment_at(dialect, start);
        let segment = &self.segments[at];
        let stream = segment.stream(dialect);
        let within = |position: u64| {
            usize::try_from(position - segment.start(dialect)).expect("a segment fits memory")
        };
        let range = within(start)..within(end);
        if segment.is_closed {
            Bytes::Closed(stream, range)
        } else {
            Bytes::Open(&stream[range])
        }
    }

    // --- Beginnings ---

    /// Where a reader begins, and how many stored entries it asked for are gone.
    pub(super) fn start(&self, from: From) -> (u64, u64) {
        let floor = self.first().max(self.visible_from);
        match from {
            From::Newest(count) => (self.newest(count as u64, floor), 0),
            From::Since(unix_ms) => (self.since(unix_ms, floor), 0),
            From::After(id) => self.after(id, floor),
        }
    }

    fn newest(&self, count: u64, floor: u64) -> u64 {
        if count == 0 {
            return self.next;
        }
        let wanted = self.stored.saturating_sub(count);
        let after = self
            .segments
            .partition_point(|segment| segment.stored_before <= wanted);
        let Some(at) = after.checked_sub(1) else {
            return floor;
        };
        let segment = &self.segments[at];
        let mut to_skip = wanted - segment.stored_before;
        let offset = segment.index.iter().position(|entry| {
            let found = entry.is_stored() && to_skip == 0;
            to_skip -= u64::from(entry.is_stored() && !found);
            found
        });
        let sequence = offset.map_or(segment.next(), |offset| segment.first + offset as u64);
        sequence.max(floor)
    }

    fn since(&self, unix_ms: u64, floor: u64) -> u64 {
        let is_older = |entry: &IndexEntry| entry.unix_ms < unix_ms;
        let at = self
            .segments
            .partition_point(|segment| segment.index.last().is_some_and(is_older));
        let sequence = self.segments.get(at).map_or(self.next, |segment| {
            segment.first + segment.index.partition_point(is_older) as u64
        });
        sequence.max(floor)
    }

    fn after(&self, id: EntryId, floor: u64) -> (u64, u64) {
        if id.0 >= self.newest_id {
            return (self.next, 0);
        }
        // From the newest backwards, because those who resume have had nearly everything.
        let mut oldest_later = None;
        'search: for segment in self.segments.iter().rev() {
            for (offset, entry) in segment.index.iter().enumerate().rev() {
                let sequence = segment.first + offset as u64;
                if sequence < floor || (entry.is_stored() && entry.id <= id.0) {
                    break 'search;
                }
                if entry.is_stored() {
                    oldest_later = Some((sequence, entry.id - id.0 - 1));
                }
            }
        }
        oldest_later.unwrap_or((self.next, self.newest_id - id.0))
    }

    /// Stored entries from `sequence` to the end of the oldest segment, which is about to go.
    pub(super) fn stored_in_front_from(&self, sequence: u64) -> u64 {
        self.front().map_or(0, |front| {
            front.stored_from(sequence.clamp(front.first, front.next()))
        })
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn assert_invariants(&self) {
        let mut next = self.first();
        for segment in &self.segments {
            assert_eq!(segment.first, next, "segments are contiguous");
            next = segment.next();
        }
        assert_eq!(next, self.next, "the last segment ends at the head");
        let bytes: usize = self.segments.iter().map(Segment::bytes).sum();
        assert_eq!(bytes, self.bytes, "the bytes held are counted");
    }
}
