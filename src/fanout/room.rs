//! A room as its readers see it: a log, and dense arrays of who reads where.
//!
//! Everything a sweep looks at for a member lies in arrays by member number, and who is behind is
//! one bit, so publishing to a hundred thousand members sets 1,600 words. Members leave by
//! swap-remove; the one that takes the free place is told by the caller.

use super::Dialect;
use super::log::Log;
use crate::chat::{Extent, RoomId, RoomName};
use std::time::Duration;

const WORD_BITS: usize = u64::BITS as usize;
const PLACE_BITS: u32 = 62;

/// Where a member reads, packed into a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor(u64);

/// What a [`Cursor`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A byte position in the sealed stream or the line stream: runs are copied.
    Run(Dialect, u64),
    /// A sequence number: entry by entry, over the index.
    Entry(u64),
    /// Finishing, and at its stop: never behind again.
    Stopped,
}

impl Cursor {
    pub(super) fn new(place: Place) -> Self {
        let (tag, value) = match place {
            Place::Run(Dialect::Sealed, position) => (0, position),
            Place::Run(Dialect::Line, position) => (1, position),
            Place::Entry(sequence) => (2, sequence),
            Place::Stopped => (3, 0),
        };
        debug_assert!(value >> PLACE_BITS == 0, "no log grows to four exbibytes");
        Self((tag << PLACE_BITS) | value)
    }

    pub(super) fn place(self) -> Place {
        let value = self.0 & ((1 << PLACE_BITS) - 1);
        match self.0 >> PLACE_BITS {
            0 => Place::Run(Dialect::Sealed, value),
            1 => Place::Run(Dialect::Line, value),
            2 => Place::Entry(value),
            _ => Place::Stopped,
        }
    }
}

/// How a room that is nearly full treats its senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressure {
    /// There is room.
    None,
    /// Slow readers hold the log; nobody waits for them yet.
    Begun,
    /// Senders wait, since then.
    Since(Duration),
    /// They have waited long enough; readers miss entries until there is room again.
    Spent,
}

/// A room, or an inbox.
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: Option<RoomName>,
    /// Whether newcomers see what was before.
    pub(super) keeps_history: bool,
    /// It stands in one of the sweep's queues.
    pub(super) is_queued: bool,
    /// It has ended, and is kept for those who still receive the rest of it.
    pub(super) is_dissolved: bool,
    pub(super) pressure: Pressure,
    pub(super) line_members: u32,
    /// Where the sweep goes on, a member number.
    pub(super) sweep_at: usize,
    pub(super) log: Log,
    pub(super) members: Members,
}

/// The members' arrays.
///
/// Invariants: all have one place per member; no bit is set beyond the last member; nobody is
/// both `behind` and `blocked`.
#[derive(Default)]
pub(super) struct Members {
    slots: Vec<u32>,
    cursors: Vec<Cursor>,
    behind: Vec<u64>,
    blocked: Vec<u64>,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, member: usize) -> u32 {
        self.slots[member]
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    pub(super) fn place(&self, member: usize) -> Place {
        self.cursors[member].place()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.cursors.iter().map(|cursor| cursor.place())
    }

    pub(super) fn set_place(&mut self, member: usize, place: Place) {
        self.cursors[member] = Cursor::new(place);
    }

    /// Adds a member, whose number is returned.
    pub(super) fn push(&mut self, slot: u32, place: Place) -> u32 {
        let member = u32::try_from(self.len()).expect("slots are u32, and each joins once");
        self.slots.push(slot);
        self.cursors.push(Cursor::new(place));
        if self.behind.len() * WORD_BITS < self.len() {
            self.behind.push(0);
            self.blocked.push(0);
        }
        member
    }

    /// Removes a member; the last one takes its number. Returns that one's slot, if it moved.
    pub(super) fn swap_remove(&mut self, member: usize) -> Option<u32> {
        let last = self.len() - 1;
        for bits in [&mut self.behind, &mut self.blocked] {
            let moved = bit(bits, last);
            set_bit(bits, last, false);
            if member != last {
                set_bit(bits, member, moved);
            }
            bits.truncate(last.div_ceil(WORD_BITS));
        }
        self.slots.swap_remove(member);
        self.cursors.swap_remove(member);
        self.give_back();
        (member != last).then(|| self.slots[member])
    }

    /// Gives memory back once most of it is unused.
    fn give_back(&mut self) {
        if self.slots.capacity() > 4 * self.len() + WORD_BITS {
            self.slots.shrink_to(2 * self.len());
            self.cursors.shrink_to(2 * self.len());
            self.behind.shrink_to_fit();
            self.blocked.shrink_to_fit();
        }
    }

    pub(super) fn is_behind(&self, member: usize) -> bool {
        bit(&self.behind, member)
    }

    pub(super) fn is_blocked(&self, member: usize) -> bool {
        bit(&self.blocked, member)
    }

    /// Marks a member as behind, unless it is blocked.
    pub(super) fn set_behind(&mut self, member: usize) {
        let behind = !self.is_blocked(member);
        set_bit(&mut self.behind, member, behind);
    }

    pub(super) fn clear_behind(&mut self, member: usize) {
        set_bit(&mut self.behind, member, false);
    }

    pub(super) fn set_blocked(&mut self, member: usize, is_blocked: bool) {
        set_bit(&mut self.blocked, member, is_blocked);
        if is_blocked {
            self.clear_behind(member);
        }
    }

    /// Marks everybody who is not blocked as behind.
    pub(super) fn set_all_behind(&mut self) {
        for (behind, blocked) in self.behind.iter_mut().zip(&self.blocked) {
            *behind = !blocked;
        }
        let beyond = self.len() % WORD_BITS;
        if beyond != 0 {
            let last = self.behind.last_mut().expect("a member has a word");
            *last &= (1 << beyond) - 1;
        }
    }

    /// The first member from `from` on who is behind.
    pub(super) fn next_behind(&self, from: usize) -> Option<usize> {
        let mut word = from / WORD_BITS;
        let mut bits = self.behind.get(word)? & (u64::MAX << (from % WORD_BITS));
        while bits == 0 {
            word += 1;
            bits = *self.behind.get(word)?;
        }
        Some(word * WORD_BITS + bits.trailing_zeros() as usize)
    }

    /// The last place of the oldest segment that somebody still needs, and so the least sequence
    /// number and positions anybody is at. One pass over the cursors.
    pub(super) fn oldest(&self) -> Oldest {
        let mut oldest = Oldest {
            sealed: u64::MAX,
            line: u64::MAX,
            sequence: u64::MAX,
        };
        for place in self.places() {
            match place {
                Place::Run(Dialect::Sealed, at) => oldest.sealed = oldest.sealed.min(at),
                Place::Run(Dialect::Line, at) => oldest.line = oldest.line.min(at),
                Place::Entry(at) => oldest.sequence = oldest.sequence.min(at),
                Place::Stopped => {}
            }
        }
        oldest
    }
}

/// The least places of a room's members.
pub(super) struct Oldest {
    pub(super) sealed: u64,
    pub(super) line: u64,
    pub(super) sequence: u64,
}

fn bit(words: &[u64], at: usize) -> bool {
    words[at / WORD_BITS] >> (at % WORD_BITS) & 1 == 1
}

fn set_bit(words: &mut [u64], at: usize, on: bool) {
    let mask = 1 << (at % WORD_BITS);
    if on {
        words[at / WORD_BITS] |= mask;
    } else {
        words[at / WORD_BITS] &= !mask;
    }
}

impl Room {
    pub(super) fn new(
        id: RoomId,
        name: Option<RoomName>,
        keeps_history: bool,
        extent: Extent,
    ) -> Self {
        let mut log = Log::begin(extent);
        if !keeps_history {
            log.hide();
        }
        Self {
            id,
            name,
            keeps_history,
            is_queued: false,
            is_dissolved: false,
            pressure: Pressure::None,
            line_members: 0,
            sweep_at: 0,
            log,
            members: Members::default(),
        }
    }

    /// Whether a member has not had everything. One that is caught up but not simply live counts,
    /// because it may have something to be told.
    pub(super) fn has_more_for(&self, member: usize) -> bool {
        match self.members.place(member) {
            Place::Run(dialect, position) => position < self.log.head(dialect),
            Place::Entry(_) => true,
            Place::Stopped => false,
        }
    }

    /// Whether somebody still reads in the oldest segment.
    pub(super) fn front_is_read(&self, oldest: &Oldest) -> bool {
        self.log.front().is_some_and(|front| {
            oldest.sequence < front.next()
                || oldest.sealed < front.end(Dialect::Sealed)
                || oldest.line < front.end(Dialect::Line)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_move_with_their_members() {
        let mut members = Members::default();
        for slot in 0..200 {
            members.push(slot, Place::Entry(u64::from(slot)));
        }
        members.set_blocked(199, true);
        members.set_all_behind();
        assert_eq!(members.next_behind(199), None);
        assert_eq!(members.swap_remove(3), Some(199));
        assert_eq!(members.len(), 199);
        assert!(members.is_blocked(3) && !members.is_behind(3));
        assert_eq!(members.place(3), Place::Entry(199));
        assert_eq!(members.next_behind(3), Some(4));
        assert_eq!(members.next_behind(198), Some(198));
        assert_eq!(members.swap_remove(198), None);
        assert_eq!(members.next_behind(198), None);
        for _ in 0..198 {
            members.swap_remove(0);
        }
        assert_eq!(members.next_behind(0), None);
    }

    #[test]
    fn a_cursor_keeps_what_it_is_told() {
        for place in [
            Place::Run(Dialect::Sealed, 0),
            Place::Run(Dialect::Line, (1 << 62) - 1),
            Place::Entry(7),
            Place::Stopped,
        ] {
            assert_eq!(Cursor::new(place).place(), place);
        }
    }
}
