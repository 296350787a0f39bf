//! The fan-out: a room's encoded log, its members' cursors, and what each connection is sent next.
//!
//! ```text
//!  publish ----> log of the room     ...|e5|e6|e7|e8|e9|      encoded once per dialect
//!                                         ^     ^      ^
//!  cursors of its members                 carol |      alice, bob (at the head: nothing to do)
//!                                               dave
//!  visit(dave) = [e7 e8 e9] copied into one buffer -> sealed -> offered to the kernel, once
//! ```
//!
//! Nothing is queued per recipient. An entry is encoded once and appended to its room's log;
//! a member is a byte position in that log, and is sent what lies between there and the head when
//! its socket can take more. So a slow reader costs no memory and loses nothing, and eight
//! messages that wait for one reader become one record and one write.
//!
//! The one rule of the wire: a message once begun on a connection is finished before any other
//! byte, whatever happens to the room it came from.
//!
//! Memory holds the newest part of a log. Who reads further back is fed from the store, page by
//! page, through the same visits: what it is sent is one sequence, without gap or double.
//!
//! Pure: the caller lends sealer and socket as [`Outlets`] and says what time it is. It decides
//! nothing about the chat: who is a member, and what is published, it is told.

mod below;
mod bounds;
mod buffers;
mod connection;
mod effects;
mod ending;
#[cfg(test)]
pub(crate) mod fault;
mod log;
mod members;
mod offer;
mod pages;
mod record;
mod replay;
mod retention;
mod room;
mod segment;
mod slow;
mod sweep;
#[cfg(test)]
mod tests;
mod unfinished;
mod visit;

pub use bounds::{Bounds, Usage};

use crate::chat::{ClientId, Close, Loss, RoomId};
use buffers::Buffers;
use connection::Connection;
use pages::Pages;
use record::Record;
use room::Room;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use unfinished::Ledger;

/// In which form a connection is sent what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Frames, in encrypted records.
    Sealed,
    /// Lines of text.
    Line,
}

/// What the kernel did with the bytes it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It took them all.
    All,
    /// It took so many, fewer than all; it will report when it has space again.
    Part(usize),
    /// The connection is broken.
    Failed,
}

/// Sealer, socket and clock, lent by the caller.
pub trait Outlets {
    /// Turns the content of `record` into what goes on the wire, and may append a record of its
    /// own behind it. For [`Dialect::Sealed`] the content begins after
    /// `RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES`; for [`Dialect::Line`] nothing need be done.
    fn seal(&mut self, client: ClientId, record: &mut Vec<u8>);
    /// Appends the closing record to `record`, for [`Dialect::Line`] nothing. No seal follows.
    fn seal_close(&mut self, client: ClientId, close: Close, record: &mut Vec<u8>);
    /// Offers bytes to the kernel, once.
    fn send(&mut self, client: ClientId, bytes: &[u8]) -> Sent;
    /// Everything, the closing record included, is in the kernel's hands.
    fn finished(&mut self, client: ClientId);
    /// Time since the sweep began.
    fn elapsed(&mut self) -> Duration;
    /// Fills what a record has left, at most `space` bytes, with what may wait for everything else
    /// that is owed to `client`: whole messages only. Says whether there is more of that.
    fn fill_spare(&mut self, _client: ClientId, _space: usize, _record: &mut Vec<u8>) -> bool {
        false
    }
    /// Whether there is news to publish. The sweep then ends, once every kind has had its share.
    fn has_news(&self) -> bool {
        false
    }
}

/// What has gone through, and who does not keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Entries that became visible.
    pub published: u64,
    /// The same, times the members of the room at that moment.
    pub deliveries: u64,
    /// Connections that do not accept what is owed to them.
    pub blocked: usize,
}

/// Who is to be visited.
///
/// Invariant: a room with a member behind is in `small` or `large`; a connection that is owed
/// something beside its rooms, and is not blocked, is in `ready` or `draining`.
#[derive(Default)]
struct Queues {
    /// Connections that have a rest and whose kernel has space again.
    draining: VecDeque<u32>,
    ready: VecDeque<u32>,
    small: VecDeque<u32>,
    large: VecDeque<u32>,
    /// Connections that have something that may wait for everything else.
    spare: VecDeque<u32>,
    /// Blocked connections, in the order in which they were seen to be, with when that was.
    watched: VecDeque<(ClientId, Duration)>,
    /// Rooms whose senders wait.
    pressed: Vec<u32>,
}

/// All rooms' logs and all connections' cursors.
pub struct Fanout {
    bounds: Bounds,
    /// By slot.
    connections: Vec<Connection>,
    rooms: Vec<Room>,
    vacant_rooms: Vec<u32>,
    places: BTreeMap<RoomId, u32>,
    logs_bytes: usize,
    queues: Queues,
    buffers: Buffers,
    ledger: Ledger,
    pages: Pages,
    /// The record being made; shared by all visits so that it stays in cache.
    record: Record,
    /// Where an entry is encoded before it is known where it goes.
    scratch: Vec<u8>,
    line_scratch: Vec<u8>,
    /// When the present sweep began.
    now: Duration,
    /// Whether this round of the sweep has offered the kernel anything.
    has_offered: bool,
    traffic: Traffic,
}

impl Fanout {
    /// No rooms, no connections.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            connections: Vec::new(),
            rooms: Vec::new(),
            vacant_rooms: Vec::new(),
            places: BTreeMap::new(),
            logs_bytes: 0,
            queues: Queues::default(),
            buffers: Buffers::new(bounds.write_buffers_max),
            ledger: Ledger::default(),
            pages: Pages::new(bounds.pages_max),
            record: Record::new(),
            scratch: Vec::new(),
            line_scratch: Vec::new(),
            now: Duration::ZERO,
            has_offered: false,
            traffic: Traffic::default(),
        }
    }

    /// Asks for address space for `clients` connections. Optional: it saves what tables that move as
    /// they grow leave behind.
    pub fn reserve(&mut self, clients: usize) {
        // Refused: it grows as tables do.
        let _ = self.connections.try_reserve_exact(clients);
    }

    /// Bytes of direct replies that wait for `client`.
    pub fn owed(&self, client: ClientId) -> usize {
        let cold = self
            .present(client)
            .and_then(|at| self.connections[at].cold.as_ref());
        cold.map_or(0, |cold| cold.reply_bytes())
    }

    /// Whether `client` has had everything: no byte waits for it.
    pub fn is_idle(&self, client: ClientId) -> bool {
        let Some(at) = self.present(client) else {
            return true;
        };
        let connection = &self.connections[at];
        let is_behind = |room: u32, member: u32| {
            let room = &self.rooms[room as usize];
            match room.members.place(member as usize) {
                room::Place::Entry(next) => next < room.log.next(),
                room::Place::Run(..) | room::Place::Stopped => room.has_more_for(member as usize),
            }
        };
        !connection.has_rest()
            && !connection.is_owed()
            && connection
                .cold
                .as_ref()
                .is_none_or(|cold| cold.catch_ups.is_empty())
            && !connection
                .memberships()
                .any(|one| is_behind(one.room, one.member))
    }

    /// Whether a sweep would find something to do, so that the loop must not sleep.
    pub fn has_work(&self) -> bool {
        self.has_visits() || self.pages.has_requests()
    }

    /// Whether somebody is to be visited.
    fn has_visits(&self) -> bool {
        let queues = &self.queues;
        let waiting = [&queues.ready, &queues.small, &queues.large, &queues.spare];
        !queues.draining.is_empty()
            || (self.buffers.can_lend() && waiting.iter().any(|queue| !queue.is_empty()))
    }

    /// Moves into `into` whom the bounds have cost the connection, and who was found broken. The
    /// caller closes them; nothing more is sent to them.
    pub fn take_doomed(&mut self, into: &mut Vec<(ClientId, Loss)>) {
        into.append(&mut self.ledger.doomed);
    }

    /// What is held.
    pub fn usage(&self) -> Usage {
        let logs = self.rooms.iter().map(|room| room.log.bytes());
        Usage {
            logs_bytes: self.logs_bytes,
            largest_log_bytes: logs.max().unwrap_or_default(),
            unfinished_bytes: self.ledger.bytes(),
            write_buffer_bytes: self.buffers.lent_bytes(),
            rooms: self.places.len(),
            pages: self.pages.taken(),
            pages_asked: self.pages.asked(),
            pages_bytes: self.pages.bytes(),
            pages_waiting: self.pages.waiting(),
        }
    }

    /// What has gone through since the start, and how many do not keep up now.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            blocked: self.queues.watched.len(),
            ..self.traffic
        }
    }

    /// The index of `client`'s connection, unless that is another's by now.
    fn present(&self, client: ClientId) -> Option<usize> {
        let at = client.slot as usize;
        let connection = self.connections.get(at)?;
        connection.is(client).then_some(at)
    }

    /// The same, unless its end has begun: nothing new is taken for those.
    fn staying(&self, client: ClientId) -> Option<usize> {
        let at = self.present(client)?;
        (self.connections[at].ending == connection::Ending::Staying).then_some(at)
    }

    /// Puts a connection into the ready queue, unless it is there or blocked.
    fn make_ready(&mut self, slot: u32) {
        let connection = &mut self.connections[slot as usize];
        if !connection.is_ready && !connection.is_blocked {
            connection.is_ready = true;
            self.queues.ready.push_back(slot);
        }
    }

    fn queue_spare(&mut self, slot: u32) {
        let connection = &mut self.connections[slot as usize];
        if !connection.is_spare_queued && !connection.is_blocked {
            connection.is_spare_queued = true;
            self.queues.spare.push_back(slot);
        }
    }

    /// Puts a room into its queue, unless it is in one.
    fn queue_room(&mut self, at: u32) {
        let room = &mut self.rooms[at as usize];
        if !room.is_queued {
            room.is_queued = true;
            if room.members.len() <= self.bounds.small_room_members_max {
                self.queues.small.push_back(at);
            } else {
                self.queues.large.push_back(at);
            }
        }
    }
}
