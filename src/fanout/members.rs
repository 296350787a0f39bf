//! Members coming loose: from the middle of an entry, from their rooms, from their connections.
//!
//! Here both sides of a membership change together: the room's arrays name the connection's slot,
//! the connection's list names the member's number, and a swap-remove corrects a third party.

use super::connection::{Connection, Ending, NOWHERE};
use super::room::{Place, Room};
use super::{Dialect, Fanout};
use crate::chat::{Extent, RoomId};

impl Fanout {
    /// Takes a member to the nearest boundary between entries, and returns the sequence number
    /// there. The rest of an entry it was in the middle of becomes the connection's own.
    pub(super) fn settle(&mut self, at: u32, member: u32) -> u64 {
        let room = &self.rooms[at as usize];
        let (dialect, position) = match room.members.place(member as usize) {
            Place::Entry(sequence) => return sequence,
            Place::Stopped => return room.log.next(),
            Place::Run(dialect, position) => (dialect, position),
        };
        let Some(extent) = room.log.extent_at(dialect, position) else {
            return room.log.next();
        };
        if extent.start == position {
            return extent.sequence;
        }
        let connection = &mut self.connections[room.members.slot(member as usize) as usize];
        assert_eq!(
            connection.begun, at,
            "who is in the middle of an entry has begun it"
        );
        connection.begun = NOWHERE;
        let bytes = room.log.bytes_of(dialect, position, extent.end);
        let rest = self.ledger.keep(&bytes);
        let before = connection.cold_mut().unfinished.replace(rest);
        assert!(before.is_none(), "one message at a time is begun");
        extent.sequence + 1
    }

    /// Makes a member read entry by entry from where it is.
    pub(super) fn read_by_entry(&mut self, at: u32, member: u32) {
        match self.rooms[at as usize].members.place(member as usize) {
            Place::Run(..) => {
                let next = self.settle(at, member);
                let members = &mut self.rooms[at as usize].members;
                members.set_place(member as usize, Place::Entry(next));
            }
            Place::Entry(_) | Place::Stopped => {}
        }
    }

    /// A connection receives nothing more of a room, but for the rest of a begun entry.
    pub(super) fn part(&mut self, slot: u32, at: u32) {
        let connection = &self.connections[slot as usize];
        let member = connection.member_of(at).expect("only members part");
        self.settle(at, member);
        #[cfg(test)]
        self.plant_cut_entry(slot);
        let connection = &mut self.connections[slot as usize];
        if let Some(cold) = connection.cold.as_mut() {
            cold.stops.retain(|one| one.room != at);
        }
        self.cut_short(slot, at);
        self.remove_member(at, member);
        self.connections[slot as usize].tidy();
        let connection = &self.connections[slot as usize];
        if connection.is_owed() {
            self.make_ready(slot);
        }
    }

    #[cfg(test)]
    fn plant_cut_entry(&mut self, slot: u32) {
        use super::fault::{Fault, is_planted};
        let cold = self.connections[slot as usize].cold.as_mut();
        if is_planted(Fault::LeaveCutsEntry)
            && let Some(unfinished) = cold.and_then(|cold| cold.unfinished.take())
        {
            self.ledger.release(&unfinished);
        }
    }

    /// Removes a member from both sides, wherever it reads.
    fn remove_member(&mut self, at: u32, member: u32) {
        let room = &mut self.rooms[at as usize];
        let slot = room.members.slot(member as usize);
        let connection = &mut self.connections[slot as usize];
        connection.remove_membership(at);
        connection.turn = 0;
        if connection.begun == at {
            connection.begun = NOWHERE;
        }
        if connection.dialect == Dialect::Line {
            room.line_members -= 1;
        }
        if let Some(moved) = room.members.swap_remove(member as usize) {
            self.connections[moved as usize].move_member(at, member);
        }
        if room.line_members == 0 && room.log.keeps_lines() {
            let before = room.log.bytes();
            let ledger = &mut self.ledger;
            room.log.end_lines(|lines| ledger.adopt(lines));
            self.logs_bytes -= before - room.log.bytes();
        }
        self.vacate_if_over(at);
    }

    /// Frees the place of a room that is dissolved and has no members.
    pub(super) fn vacate_if_over(&mut self, at: u32) {
        let room = &mut self.rooms[at as usize];
        if !room.is_dissolved || room.members.len() > 0 {
            return;
        }
        self.logs_bytes -= room.log.bytes();
        while let Some(segment) = room.log.pop_front() {
            for stream in segment.into_streams() {
                self.ledger.adopt(stream);
            }
        }
        let is_queued = room.is_queued;
        *room = Room::new(RoomId(0), None, false, Extent::EMPTY);
        room.is_queued = is_queued;
        self.vacant_rooms.push(at);
    }

    /// Takes everything from a connection that will be sent nothing more.
    pub(super) fn forget(&mut self, slot: u32) {
        while let Some(one) = self.connections[slot as usize].last_membership() {
            self.remove_member(one.room, one.member);
        }
        let connection = &mut self.connections[slot as usize];
        connection.ending = Ending::Gone;
        connection.begun = NOWHERE;
        if let Some(reading) = self.connections[slot as usize].reading_page() {
            self.release_page(slot, reading);
        }
        let connection = &mut self.connections[slot as usize];
        if let Some(mut cold) = connection.cold.take() {
            self.buffers.take_back(std::mem::take(&mut cold.rest));
            if let Some(unfinished) = cold.unfinished.take() {
                self.ledger.release(&unfinished);
            }
        }
    }

    /// Keeps a connection out of all sweeps until its kernel has space.
    pub(super) fn block(&mut self, slot: u32) {
        let Self {
            connections, rooms, ..
        } = self;
        let connection = &mut connections[slot as usize];
        connection.is_blocked = true;
        for one in connection.memberships() {
            let members = &mut rooms[one.room as usize].members;
            members.set_blocked(one.member as usize, true);
        }
    }

    /// The kernel has space again for a client whose bytes it refused (an edge: said once).
    pub fn writable(&mut self, client: crate::chat::ClientId) {
        let Some(at) = self.present(client) else {
            return;
        };
        if !self.connections[at].is_blocked {
            return;
        }
        self.connections[at].is_blocked = false;
        for one in 0..self.connections[at].membership_count() {
            let one = self.connections[at].membership(one);
            let room = &mut self.rooms[one.room as usize];
            room.members.set_blocked(one.member as usize, false);
            if room.has_more_for(one.member as usize) {
                room.members.set_behind(one.member as usize);
                self.queue_room(one.room);
            }
        }
        self.queues.draining.push_back(client.slot);
    }

    /// Checks, in debug builds, that both sides of a connection's memberships agree.
    pub(super) fn assert_connection(&self, slot: u32) {
        if cfg!(debug_assertions) {
            let connection: &Connection = &self.connections[slot as usize];
            for one in connection.memberships() {
                let room = &self.rooms[one.room as usize];
                let member = one.member as usize;
                assert_eq!(
                    room.members.slot(member),
                    slot,
                    "a member's number is its own"
                );
                assert_eq!(
                    room.members.is_blocked(member),
                    connection.is_blocked,
                    "a room knows who is blocked"
                );
                let is_seen = connection.is_blocked
                    || room.members.is_behind(member)
                    || connection.is_held_up(one.room);
                let is_waiting = match room.members.place(member) {
                    Place::Entry(next) => next < room.log.next(),
                    Place::Run(..) | Place::Stopped => room.has_more_for(member),
                };
                assert!(is_seen || !is_waiting, "whoever is behind is seen to be");
                assert!(
                    room.is_queued || !room.members.is_behind(member),
                    "a room with members behind is in a queue"
                );
            }
        }
    }
}
