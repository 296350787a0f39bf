//! A visit: one connection is sent what waits for it, at most one record, in one write.
//!
//! In this order: what the kernel did not take last time; the entry begun; direct replies; then
//! its rooms and its replays, beginning with the one that has waited longest. Sealing happens only
//! when nothing sealed is left, so what is sealed is sent, and a room is only ever read.
//!
//! For a connection that is in one room and is owed nothing else, which is nearly every visit,
//! this is one copy out of the log.

use super::connection::{Asked, Cold, Ending, Membership, NOWHERE};
use super::room::Place;
use super::{Dialect, Fanout, Outlets, Sent};
use crate::chat::Loss;

/// What became of one thing that waits for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// All of it is in the record.
    Done,
    /// The record takes no more of it.
    Full,
    /// The rest is not here; a page that comes has the connection visited again.
    Waiting,
}

impl Filled {
    /// What became of two things.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Full, _) | (_, Self::Full) => Self::Full,
            (Self::Waiting, _) | (_, Self::Waiting) => Self::Waiting,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// What became of bytes offered to the kernel.
enum Flush {
    /// It has them all.
    Drained,
    /// Nothing more may be offered: it is full, or the connection is broken.
    Stuck,
}

impl Fanout {
    /// Visits one connection. What then still waits for it is in a queue, unless it is blocked.
    pub(super) fn visit<O: Outlets>(&mut self, slot: u32, outlets: &mut O) {
        let connection = &self.connections[slot as usize];
        if !connection.is_open || connection.is_blocked || connection.ending == Ending::Gone {
            return;
        }
        if connection.has_rest() {
            match self.flush_rest(slot, outlets) {
                Flush::Drained => {}
                Flush::Stuck => return,
            }
        }
        if self.connections[slot as usize].ending == Ending::Closed {
            self.report_finished(slot, outlets);
            return;
        }
        if !self.buffers.can_lend() {
            self.make_ready(slot);
            return;
        }
        let filled = self.fill(slot);
        match self.flush_record(slot, outlets) {
            Flush::Drained => {}
            Flush::Stuck => return,
        }
        let connection = &mut self.connections[slot as usize];
        connection.tidy();
        if connection.ending == Ending::Closed {
            self.report_finished(slot, outlets);
        } else if connection.goes_on(filled) {
            self.make_ready(slot);
        }
    }

    /// Offers what the kernel did not take last time.
    fn flush_rest<O: Outlets>(&mut self, slot: u32, outlets: &mut O) -> Flush {
        let connection = &mut self.connections[slot as usize];
        let client = connection.client(slot);
        let rest = &mut connection.cold_mut().rest;
        self.has_offered = true;
        match outlets.send(client, rest.pending()) {
            Sent::All => {
                let count = rest.pending().len();
                self.buffers.consume(rest, count);
                connection.moved_at = self.now;
                connection.tidy();
                Flush::Drained
            }
            Sent::Part(count) => {
                self.buffers.consume(rest, count);
                if count > 0 {
                    connection.moved_at = self.now;
                }
                self.block(slot);
                self.watch(client, self.now);
                Flush::Stuck
            }
            Sent::Failed => {
                self.doom(slot, Loss::Reset);
                Flush::Stuck
            }
        }
    }

    /// Seals and offers the record, if there is anything in it; ends what is to end.
    fn flush_record<O: Outlets>(&mut self, slot: u32, outlets: &mut O) -> Flush {
        let client = self.connections[slot as usize].client(slot);
        if self.record.is_empty() {
            self.record.clear();
        } else {
            outlets.seal(client, &mut self.record.bytes);
        }
        if self.is_delivered(slot) {
            let connection = &mut self.connections[slot as usize];
            let close = connection.cold_mut().close.take();
            let close = close.expect("whoever ends was told why");
            outlets.seal_close(client, close, &mut self.record.bytes);
            connection.ending = Ending::Closed;
        }
        if self.record.bytes.is_empty() {
            return Flush::Drained;
        }
        self.has_offered = true;
        let bytes = &self.record.bytes;
        let connection = &mut self.connections[slot as usize];
        match outlets.send(client, bytes) {
            Sent::All => {
                connection.moved_at = self.now;
                Flush::Drained
            }
            Sent::Part(count) => {
                connection.cold_mut().rest = self.buffers.keep(&bytes[count..]);
                connection.moved_at = self.now;
                self.block(slot);
                self.watch(client, self.now);
                Flush::Stuck
            }
            Sent::Failed => {
                self.doom(slot, Loss::Reset);
                Flush::Stuck
            }
        }
    }

    /// Whether a connection is ending and all that it is still to get is in records.
    fn is_delivered(&self, slot: u32) -> bool {
        let connection = &self.connections[slot as usize];
        match connection.ending {
            Ending::Finishing | Ending::Expelled => {}
            Ending::Staying | Ending::Closed | Ending::Gone => return false,
        }
        let is_over = |cold: &Cold| {
            cold.unfinished.is_none()
                && cold.replies.is_empty()
                && cold.replays.is_empty()
                && cold.farewell.is_empty()
        };
        let has_stopped = |one: Membership| {
            let members = &self.rooms[one.room as usize].members;
            members.place(one.member as usize) == Place::Stopped
        };
        connection.cold.as_deref().is_none_or(is_over) && connection.memberships().all(has_stopped)
    }

    fn report_finished<O: Outlets>(&mut self, slot: u32, outlets: &mut O) {
        let client = self.connections[slot as usize].client(slot);
        self.forget(slot);
        outlets.finished(client);
    }

    // --- Filling ---

    /// Fills the record with what waits for a connection.
    fn fill(&mut self, slot: u32) -> Filled {
        let connection = &self.connections[slot as usize];
        self.record.begin(connection.dialect);
        if connection.cold.is_none() && connection.membership_count() == 1 {
            // Whatever was begun is the front of this run.
            let only = connection.membership(0);
            return self.fill_room(slot, only.room, only.member);
        }
        let is_clear = self.fill_unfinished(slot) == Filled::Done
            && self.fill_begun(slot) == Filled::Done
            && self.fill_replies(slot) == Filled::Done;
        if !is_clear {
            return Filled::Full;
        }
        let asked = self.fill_asked(slot);
        // One that waits, for a page or for space among the begun entries, does not hold up the
        // live rooms.
        if asked == Filled::Full && !self.record.is_empty() {
            return Filled::Full;
        }
        let filled = asked.and(self.fill_turns(slot));
        if filled == Filled::Done {
            self.fill_farewell(slot);
        }
        filled
    }

    /// The rest of an entry that is no longer where it was.
    fn fill_unfinished(&mut self, slot: u32) -> Filled {
        let Some(cold) = self.connections[slot as usize].cold.as_mut() else {
            return Filled::Done;
        };
        let Some(unfinished) = cold.unfinished.as_mut() else {
            return Filled::Done;
        };
        let pending = unfinished.pending();
        let count = pending.len().min(self.record.space());
        let is_all = count == pending.len();
        self.record.bytes.extend_from_slice(&pending[..count]);
        unfinished.consume(count);
        if !is_all {
            return Filled::Full;
        }
        self.ledger.release(unfinished);
        cold.unfinished = None;
        Filled::Done
    }

    /// The rest of an entry that lies in its room's log.
    fn fill_begun(&mut self, slot: u32) -> Filled {
        let connection = &mut self.connections[slot as usize];
        if connection.begun == NOWHERE {
            return Filled::Done;
        }
        let room = &mut self.rooms[connection.begun as usize];
        let member = connection.member_of(connection.begun);
        let member = member.expect("who leaves takes what was begun along") as usize;
        let (dialect, position) = match room.members.place(member) {
            Place::Run(dialect, position) => (dialect, position),
            Place::Entry(_) | Place::Stopped => unreachable!("only runs stop within an entry"),
        };
        let extent = room.log.extent_at(dialect, position);
        let end = extent.expect("what was begun is not at the head").end;
        let (space, out) = (self.record.space(), &mut self.record.bytes);
        let reached = room.log.copy_run(dialect, position, end, space, out);
        room.members.set_place(member, Place::Run(dialect, reached));
        if reached < end {
            return Filled::Full;
        }
        connection.begun = NOWHERE;
        Filled::Done
    }

    /// Direct replies.
    fn fill_replies(&mut self, slot: u32) -> Filled {
        let connection = &mut self.connections[slot as usize];
        let Some(cold) = connection.cold.as_mut() else {
            return Filled::Done;
        };
        let pending = cold.replies.pending();
        let count = pending.len().min(self.record.space());
        self.record.bytes.extend_from_slice(&pending[..count]);
        cold.consume_replies(connection.dialect, count);
        if cold.replies.is_empty() {
            Filled::Done
        } else {
            Filled::Full
        }
    }

    /// What it asked to be shown of the past, in the order in which it asked: answers wait behind
    /// what they follow, so a room's past must not come before the word that it is entered.
    fn fill_asked(&mut self, slot: u32) -> Filled {
        loop {
            let connection = &self.connections[slot as usize];
            let asked = connection
                .cold
                .as_ref()
                .and_then(|cold| cold.oldest_asked());
            let filled = match asked {
                None => return Filled::Done,
                Some(Asked::Replay) => self.fill_replay(slot),
                Some(Asked::Newcomer { room }) => {
                    let member = connection.member_of(room);
                    self.fill_room(slot, room, member.expect("newcomers are members"))
                }
            };
            if filled != Filled::Done {
                return filled;
            }
        }
    }

    /// Its live rooms in turn.
    fn fill_turns(&mut self, slot: u32) -> Filled {
        let connection = &self.connections[slot as usize];
        let (count, first) = (connection.membership_count(), usize::from(connection.turn));
        let mut result = Filled::Done;
        for step in 0..count {
            let turn = (first + step) % count;
            let one = self.connections[slot as usize].membership(turn);
            let connection = &self.connections[slot as usize];
            if connection.is_newcomer(one.room) {
                continue;
            }
            if connection.is_replaying(one.room) {
                // What is new must not be taken for what is shown once more.
                let members = &mut self.rooms[one.room as usize].members;
                members.clear_behind(one.member as usize);
                result = result.and(Filled::Waiting);
                continue;
            }
            let before = self.record.bytes.len();
            let is_full = self.record.space() == 0;
            let filled = if is_full {
                Filled::Full
            } else {
                self.fill_room(slot, one.room, one.member)
            };
            result = result.and(filled);
            if filled != Filled::Full {
                continue;
            }
            let got_something = self.record.bytes.len() > before;
            if is_full || !self.record.is_empty() {
                // One that got something goes to the end, one that got nothing is next.
                let next = (turn + usize::from(got_something)) % count;
                let next = u16::try_from(next).expect("few rooms are joined");
                self.connections[slot as usize].turn = next;
                break;
            }
            // It waits for space among the begun entries; others need not.
        }
        result
    }

    /// The last words, when all else is in the record.
    fn fill_farewell(&mut self, slot: u32) {
        let connection = &mut self.connections[slot as usize];
        if let Some(cold) = connection.cold.as_mut()
            && !cold.farewell.is_empty()
        {
            let farewell = std::mem::take(&mut cold.farewell);
            cold.replies.append(&farewell);
            self.fill_replies(slot);
        }
    }

    /// What a room has for one of its members.
    fn fill_room(&mut self, slot: u32, at: u32, member: u32) -> Filled {
        let members = &mut self.rooms[at as usize].members;
        match members.place(member as usize) {
            Place::Run(dialect, position) => self.fill_run(slot, at, member, (dialect, position)),
            Place::Entry(_) => self.fill_entries(slot, at, member),
            Place::Stopped => {
                members.clear_behind(member as usize);
                Filled::Done
            }
        }
    }

    /// A run of a room's log, in one copy per segment.
    pub(super) fn fill_run(
        &mut self,
        slot: u32,
        at: u32,
        member: u32,
        (dialect, position): (Dialect, u64),
    ) -> Filled {
        let connection = &mut self.connections[slot as usize];
        let room = &mut self.rooms[at as usize];
        let stop = match connection.ending {
            Ending::Finishing => connection.stop(at),
            Ending::Staying | Ending::Expelled | Ending::Closed | Ending::Gone => None,
        };
        let limit = stop.map_or(room.log.head(dialect), |stop| stop.position);
        let (space, out) = (self.record.space(), &mut self.record.bytes);
        let reached = room.log.copy_run(dialect, position, limit, space, out);
        let member = member as usize;
        room.members.set_place(member, Place::Run(dialect, reached));
        if reached < limit {
            let extent = room.log.extent_at(dialect, reached);
            let is_begun = extent.is_some_and(|extent| extent.start < reached);
            connection.begun = if is_begun { at } else { NOWHERE };
            return Filled::Full;
        }
        connection.begun = NOWHERE;
        room.members.clear_behind(member);
        if stop.is_some() {
            room.members.set_place(member, Place::Stopped);
        }
        Filled::Done
    }
}
