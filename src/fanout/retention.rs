//! What a room keeps, and who loses when it cannot keep everything.
//!
//! A room keeps enough for newcomers. Beyond that a segment stays while somebody reads in it, and
//! beyond the bound it goes all the same: its readers go on from the store. Without one they go on
//! with what is left, and are told exactly how many stored entries they missed; before that the
//! room's senders wait a little.
//!
//! Nobody counts the readers of a segment. Who reads where is looked up in one pass over the
//! room's cursors when a segment has been filled and an old one could go: 8 bytes per member, once
//! per 64 KiB published, where delivering those has cost each member 64 KiB. Counts would cost
//! every visit instead.

use super::connection::CatchUp;
use super::room::{Place, Pressure};
use super::{Dialect, Fanout};
use crate::chat::ClientId;
use crate::limits::{EPHEMERAL_SENDER_WAIT_MAX, LOGS_CUT_SHARE};
use std::collections::BinaryHeap;
use std::time::Duration;

impl Fanout {
    /// Whether `client` should not be read: a room of its is nearly full of what slow readers
    /// still need. True for at most [`EPHEMERAL_SENDER_WAIT_MAX`] at a time.
    pub fn must_wait(&self, client: ClientId, now: Duration) -> bool {
        let Some(slot) = self.staying(client) else {
            return false;
        };
        if self.queues.pressed.is_empty() {
            return false;
        }
        let mut memberships = self.connections[slot].memberships();
        memberships.any(|one| match self.rooms[one.room as usize].pressure {
            Pressure::Begun => true,
            Pressure::Since(since) => now < since + EPHEMERAL_SENDER_WAIT_MAX,
            Pressure::None | Pressure::Spent => false,
        })
    }

    /// Makes room for `growth` bytes, at the cost of those who are furthest behind if need be.
    pub(super) fn make_room(&mut self, at: u32, growth: usize) {
        let bytes_max = self.bounds.room_log_bytes_max;
        if self.rooms[at as usize].log.bytes() + growth > bytes_max {
            self.trim(at);
        }
        while self.rooms[at as usize].log.bytes() + growth > bytes_max && self.evict(at) {}
        if self.logs_bytes + growth > self.bounds.logs_bytes_max {
            self.cut_logs(growth);
        }
    }

    /// Lets go of segments that newcomers do not need and nobody reads in.
    pub(super) fn trim(&mut self, at: u32) {
        if !self.front_is_spare(at) {
            return;
        }
        let oldest = self.rooms[at as usize].members.oldest();
        while self.front_is_spare(at) && !self.rooms[at as usize].front_is_read(&oldest) {
            self.pop_front(at);
        }
    }

    fn front_is_spare(&self, at: u32) -> bool {
        let room = &self.rooms[at as usize];
        let (bytes_min, entries_min) = if room.keeps_history {
            let bounds = &self.bounds;
            (bounds.room_log_bytes_min, bounds.room_log_entries_min)
        } else {
            (0, 0)
        };
        room.log.front_is_spare(bytes_min, entries_min as u64)
    }

    fn pop_front(&mut self, at: u32) {
        let log = &mut self.rooms[at as usize].log;
        let before = log.bytes();
        let segment = log.pop_front().expect("only a segment that is there goes");
        self.logs_bytes -= before - log.bytes();
        for stream in segment.into_streams() {
            self.ledger.adopt(stream);
        }
    }

    /// Lets the oldest segment go, whoever reads in it; says whether there was one.
    pub(super) fn evict(&mut self, at: u32) -> bool {
        let Some(front) = self.rooms[at as usize].log.front() else {
            return false;
        };
        let end = front.next();
        for member in 0..self.rooms[at as usize].members.len() {
            self.move_past_front(at, member, end);
        }
        self.pop_front(at);
        true
    }

    /// Moves a member out of the oldest segment, and notes what it misses.
    fn move_past_front(&mut self, at: u32, member: usize, end: u64) {
        let room = &self.rooms[at as usize];
        let front = room.log.front().expect("it is about to go");
        let is_past = match room.members.place(member) {
            Place::Run(dialect, position) => position >= front.end(dialect),
            Place::Entry(next) => next >= end,
            Place::Stopped => true,
        };
        if is_past {
            return;
        }
        let slot = room.members.slot(member);
        let number = u32::try_from(member).expect("members are numbered in u32");
        let next = self.settle(at, number);
        let stop = self.connections[slot as usize].stop(at);
        let room = &mut self.rooms[at as usize];
        if self.bounds.has_store {
            self.fall_below(at, member, next, end);
            return;
        }
        // What comes after the stop of one that is finishing is not missed.
        let beyond = stop.map_or(0, |stop| room.log.stored_in_front_from(stop.sequence));
        let missed = room.log.stored_in_front_from(next) - beyond;
        room.members.set_place(member, Place::Entry(end.max(next)));
        if missed == 0 {
            return;
        }
        let connection = &mut self.connections[slot as usize];
        match connection.catch_up_mut(at) {
            Some(catch_up) => catch_up.missed += missed,
            None => connection.cold_mut().catch_ups.push(CatchUp {
                missed,
                ..CatchUp::new(at)
            }),
        }
    }

    /// A member that read at `next` goes on at `end`, and the store has what lies between.
    fn fall_below(&mut self, at: u32, member: usize, next: u64, end: u64) {
        let room = &mut self.rooms[at as usize];
        room.members.set_place(member, Place::Entry(end.max(next)));
        let connection = &mut self.connections[room.members.slot(member) as usize];
        let front = room.log.front().expect("it is about to go");
        let had = room.log.stored_before(next);
        let newest = front.stored_before + front.stored();
        // What comes after the stop of one that is finishing is not for it.
        let newest = connection
            .stop(at)
            .map_or(newest, |stop| newest.min(stop.id));
        if newest <= had {
            return;
        }
        let client = connection.client(room.members.slot(member));
        let dialect = connection.dialect;
        let catch_ups = &mut connection.cold_mut().catch_ups;
        let found = catch_ups.iter().position(|one| one.room == at);
        let found = found.unwrap_or_else(|| {
            catch_ups.push(CatchUp::new(at));
            catch_ups.len() - 1
        });
        let below = catch_ups[found].fall_below(had, newest + 1);
        if dialect == Dialect::Line {
            // The store does not know which connection said what.
            let index = front.index().iter();
            let own = index.filter(|entry| entry.is_stored() && entry.is_from(client));
            below.note_own(own.map(|entry| entry.id).filter(|id| *id > had));
        }
    }

    /// Cuts the largest logs until all are within their bound with some to spare, so that the next
    /// pass over all rooms is not needed soon.
    fn cut_logs(&mut self, growth: usize) {
        let bytes_max = self.bounds.logs_bytes_max;
        let bytes_goal = (bytes_max - bytes_max / LOGS_CUT_SHARE).saturating_sub(growth);
        let sizes = (0..)
            .zip(&self.rooms)
            .map(|(at, room)| (room.log.bytes(), at));
        let mut largest: BinaryHeap<(usize, u32)> = sizes.collect();
        while self.logs_bytes > bytes_goal {
            let Some((_, at)) = largest.pop() else {
                return;
            };
            if self.evict(at) {
                largest.push((self.rooms[at as usize].log.bytes(), at));
            }
        }
    }

    // --- Pressure ---

    /// Sees whether a room has become so full that its senders must wait.
    pub(super) fn press(&mut self, at: u32) {
        if self.bounds.has_store {
            // Whoever is slow goes on from there; nobody waits for it.
            return;
        }
        let room = &mut self.rooms[at as usize];
        let is_full = room.log.bytes() > self.bounds.room_log_bytes_pressed;
        match room.pressure {
            Pressure::None if is_full => {
                room.pressure = Pressure::Begun;
                self.queues.pressed.push(at);
            }
            Pressure::Spent if !is_full => room.pressure = Pressure::None,
            Pressure::None | Pressure::Begun | Pressure::Since(_) | Pressure::Spent => {}
        }
    }

    /// Lets senders go on whose rooms' readers have caught up, or who have waited long enough.
    pub(super) fn relieve(&mut self) {
        for at in std::mem::take(&mut self.queues.pressed) {
            self.trim(at);
            let room = &mut self.rooms[at as usize];
            let is_full = room.log.bytes() > self.bounds.room_log_bytes_pressed;
            room.pressure = match room.pressure {
                _ if !is_full => Pressure::None,
                Pressure::None | Pressure::Spent => room.pressure,
                Pressure::Begun => Pressure::Since(self.now),
                Pressure::Since(since) if since + EPHEMERAL_SENDER_WAIT_MAX <= self.now => {
                    Pressure::Spent
                }
                Pressure::Since(since) => Pressure::Since(since),
            };
            match room.pressure {
                Pressure::Begun | Pressure::Since(_) => self.queues.pressed.push(at),
                Pressure::None | Pressure::Spent => {}
            }
        }
    }

    /// When senders who wait for slow readers go on at the latest.
    pub fn next_relief(&self) -> Option<Duration> {
        let waits = |at: &u32| match self.rooms[*at as usize].pressure {
            Pressure::Since(since) => Some(since + EPHEMERAL_SENDER_WAIT_MAX),
            Pressure::Begun => Some(self.now),
            Pressure::None | Pressure::Spent => None,
        };
        self.queues.pressed.iter().filter_map(waits).min()
    }

    /// Checks all counts and both sides of all memberships. For tests: looks at everything.
    #[cfg(test)]
    pub(super) fn assert_invariants(&self) {
        let mut logs_bytes = 0;
        for room in &self.rooms {
            room.log.assert_invariants();
            logs_bytes += room.log.bytes();
            let is_line = |slot: &&u32| self.connections[**slot as usize].dialect == Dialect::Line;
            let lines = room.members.slots().iter().filter(is_line).count();
            assert_eq!(
                lines, room.line_members as usize,
                "line members are counted"
            );
            assert_eq!(
                room.log.keeps_lines(),
                lines > 0,
                "lines are kept while somebody reads"
            );
        }
        assert_eq!(
            logs_bytes, self.logs_bytes,
            "the bytes of all logs are counted"
        );
        assert!(
            logs_bytes <= self.bounds.logs_bytes_max,
            "all logs are within bounds"
        );
        assert!(
            self.usage().largest_log_bytes <= self.bounds.room_log_bytes_max,
            "so is each"
        );
        let unfinished_bytes = self.usage().unfinished_bytes;
        assert!(
            unfinished_bytes <= self.bounds.unfinished_bytes_max,
            "begun entries are bounded"
        );
        let wants = |serial: u64| {
            let holds = self.connections.iter().filter(|one| one.holds(serial));
            holds.count()
        };
        self.pages.assert_invariants(wants);
        for slot in 0..self.connections.len() {
            self.assert_connection(u32::try_from(slot).unwrap());
        }
    }
}
