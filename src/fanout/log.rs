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
use super::segment::{Bytes, Encoded, Extent, IndexEntry, Segment};
use crate::chat::{EntryId, Extent as StoredExtent, From};
use std::collections::VecDeque;
use std::sync::Arc;

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
    /// The id up to which newcomers see nothing, where ids are dense.
    visible_id: u64,
    /// Stored entries there ever were; the newest id, where ids are dense.
    stored: u64,
    newest_id: u64,
    /// The time of the newest stored entry that is no longer here.
    older_unix_ms: u64,
    sealed_head: u64,
    line_head: u64,
    bytes: usize,
    keeps_lines: bool,
}

impl Log {
    /// Nothing is there; the store has what was before.
    pub(super) fn begin(extent: StoredExtent) -> Self {
        Self {
            stored: extent.newest.0,
            newest_id: extent.newest.0,
            older_unix_ms: extent.newest_unix_ms,
            ..Self::default()
        }
    }

    /// Appends an entry; says whether it began a segment.
    pub(super) fn append(&mut self, entry: &Encoded<'_>, segment_bytes: usize) -> bool {
        let fits = |last: &Segment| last.has_room_for(entry, segment_bytes);
        let begins = !self.segments.back().is_some_and(fits);
        if begins {
            self.begin_segment();
        }
        let last = self.segments.back_mut().expect("a segment was just begun");
        last.append(entry, segment_bytes);
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
        let (sealed_start, line_start) = (self.sealed_head, self.line_head);
        let segment = Segment::new(self.next, self.stored, sealed_start, line_start);
        self.segments.push_back(segment);
    }

    /// From now on entries come with their line form. Those before have none.
    pub(super) fn begin_lines(&mut self) {
        self.keeps_lines = true;
    }

    /// Forgets all line forms, since nobody reads them; `adopt` is handed what was held.
    pub(super) fn end_lines(&mut self, mut adopt: impl FnMut(Arc<Vec<u8>>)) {
        self.keeps_lines = false;
        for segment in &mut self.segments {
            let before = segment.bytes();
            adopt(segment.end_lines(self.line_head));
            self.bytes -= before - segment.bytes();
        }
    }

    pub(super) fn keeps_lines(&self) -> bool {
        self.keeps_lines
    }

    /// Hides what is there from newcomers.
    pub(super) fn hide(&mut self) {
        self.visible_from = self.next;
        self.visible_id = self.stored;
    }

    pub(super) fn visible_id(&self) -> u64 {
        self.visible_id
    }

    pub(super) fn older_unix_ms(&self) -> u64 {
        self.older_unix_ms
    }

    /// Forgets the oldest segment.
    pub(super) fn pop_front(&mut self) -> Option<Segment> {
        let segment = self.segments.pop_front()?;
        self.bytes -= segment.bytes();
        if let Some(newest) = segment.index().last() {
            self.older_unix_ms = newest.unix_ms;
        }
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

    /// Stored entries before `sequence`, which is there or the next; where ids are dense, the
    /// newest id before it.
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
        &segment.index()[segment.offset_of(sequence)]
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
        Some(segment.extent_at(dialect, position))
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
            let within = segment.within(dialect, position);
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
        self.segments[self.segment_at(dialect, start)].bytes_of(dialect, start, end)
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
        let offset = segment.index().iter().position(|entry| {
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
            .partition_point(|segment| segment.index().last().is_some_and(is_older));
        let sequence = self.segments.get(at).map_or(self.next, |segment| {
            segment.first + segment.index().partition_point(is_older) as u64
        });
        sequence.max(floor)
    }

    /// The place after the entry `id`, and how many stored entries are gone between them.
    pub(super) fn after(&self, id: EntryId, floor: u64) -> (u64, u64) {
        if id.0 >= self.newest_id {
            return (self.next, 0);
        }
        // From the newest backwards, because those who resume have had nearly everything.
        let mut oldest_later = None;
        'search: for segment in self.segments.iter().rev() {
            for (offset, entry) in segment.index().iter().enumerate().rev() {
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

    #[cfg(test)]
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
