//! Connections: what is known of each, and beside it the sockets and the record states.
//!
//! A slot is freed only in the reap phase, so no event of a turn can name a reused slot; across
//! turns the generation in [`ClientId`] protects. Record states live in an array of their own,
//! reserved once for all clients, because a key that is moved leaves a copy behind. Sockets do so
//! because the write phase needs nothing else of a connection: sixteen share a line of the cache.

use super::admission::Source;
use crate::buffer::ByteQueue;
use crate::chat::{ClientId, Door, Parting};
use crate::crypto::record::{Opener, Sealer};
use crate::wire::frame::FrameReader;
use crate::wire::line::LineReader;
use crate::wire::sealed::ServerHandshake;
use mio::net::TcpStream;
use slab::Slab;
use std::collections::TryReserveError;
use std::net::IpAddr;
use std::time::Duration;

/// One connection beside its socket: what has been read but not yet understood.
pub(super) struct Connection {
    /// Its name among all connections of all times.
    pub(super) client: ClientId,
    /// Through which door it came.
    pub(super) door: Door,
    /// From where.
    pub(super) address: IpAddr,
    /// From where, as far as admission tells places apart.
    pub(super) source: Source,
    /// Whether that place is exempt from bounds.
    pub(super) trusted: bool,
    /// What its bytes mean at present.
    pub(super) link: Link,
    /// Why nothing is read from it at present.
    pub(super) wait: Option<Wait>,
    /// When it was last heard.
    pub(super) heard: Duration,
    /// When an empty line came, if nothing has come since.
    pub(super) empty_line: Option<Duration>,
    /// Bytes held of incomplete or waiting input, as counted in the total.
    pub(super) held_bytes: usize,
    /// When the message that is incomplete now was begun.
    pub(super) begun: Option<Duration>,
    /// How others are told when it is gone.
    pub(super) parting: Parting,
    /// What has happened to it.
    pub(super) flags: Flags,
}

/// What has happened to a connection.
#[derive(Default)]
pub(super) struct Flags {
    /// The kernel may have more bytes; no edge will tell.
    pub(super) readable: bool,
    /// It is on the list of those to be read.
    pub(super) listed: bool,
    /// The chat and the fan-out know it.
    pub(super) opened: bool,
    /// It has its name.
    pub(super) named: bool,
    /// Its input has ended.
    pub(super) ended: bool,
    /// What it typed ahead is to be thrown away.
    pub(super) discard: bool,
    /// The kernel has said that the peer ended its side.
    pub(super) half_closed: bool,
    /// The chat has been told that no further input comes.
    pub(super) parted: bool,
    /// Nothing it sends is heeded any more.
    pub(super) silenced: bool,
    /// It was asked whether it is there, and has not been heard since.
    pub(super) pinged: bool,
    /// A deadline for its begun message is armed.
    pub(super) timed: bool,
    /// Everything has been said to it.
    pub(super) finished: bool,
    /// It will be closed in the reap phase.
    pub(super) doomed: bool,
}

/// What a connection's bytes mean.
pub(super) enum Link {
    /// A sealed peer that has not proven itself yet, and what it sent beyond the handshake.
    Handshake(Box<ServerHandshake>, ByteQueue),
    /// Records, and frames within them.
    Sealed(SealedLink),
    /// Lines of text.
    Line(Box<LineReader>),
    /// Nothing any more: what comes is thrown away until the peer closes too.
    Closing,
}

/// What is held of a sealed stream.
pub(super) struct SealedLink {
    /// The incomplete record at the end of what came, or records that wait.
    pub(super) records: ByteQueue,
    /// The incomplete frame at the end of what was opened, or frames that wait.
    pub(super) frames: FrameReader,
}

impl Link {
    /// Bytes held of incomplete or waiting input.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Handshake(_, rest) => rest.len(),
            Self::Sealed(link) => link.records.len() + link.frames.held(),
            Self::Line(reader) => reader.held(),
            Self::Closing => 0,
        }
    }
}

/// Why a connection is not read. Its deadlines stand still meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It spoke faster than its rate, or its room's readers are behind; a pause is armed.
    Pause,
    /// Too much is held of everybody's begun messages, of its own too; a pause is armed. The time
    /// for its message goes on: else those that hold the memory could keep it for ever.
    Memory,
    /// The journal is full; it stands in the queue of those.
    Journal,
    /// The password worker has not answered it; it stands in the list of those.
    Password,
    /// Too much is owed to it; it stands in the list of those.
    Owed,
    /// Its handshake stands in the queue of those.
    Handshake,
}

/// The record states of one connection.
pub(super) struct Records {
    /// For what is sent.
    pub(super) sealer: Sealer,
    /// For what comes.
    pub(super) opener: Opener,
}

/// All connections there are.
///
/// Invariant: neither the slab nor the array of record states ever grows beyond what was reserved
/// when this was made.
pub(super) struct Connections {
    slab: Slab<Connection>,
    /// By slot: registered for both directions for as long as they live.
    sockets: Vec<Option<TcpStream>>,
    /// By slot: of the present user, or of the next.
    generations: Vec<u32>,
    records: Vec<Option<Records>>,
    capacity: usize,
}

impl Connections {
    /// Reserves room for `capacity` connections; memory is touched only as they come.
    ///
    /// # Errors
    ///
    /// When the system does not grant that much address space.
    pub(super) fn reserve(capacity: usize) -> Result<Self, TryReserveError> {
        let mut records = Vec::new();
        records.try_reserve_exact(capacity)?;
        let mut sockets = Vec::new();
        sockets.try_reserve_exact(capacity)?;
        let mut generations = Vec::new();
        generations.try_reserve_exact(capacity)?;
        // The slab itself cannot say no, so a vector is asked in its place.
        Vec::<(usize, Connection)>::new().try_reserve_exact(capacity)?;
        Ok(Self {
            slab: Slab::with_capacity(capacity),
            sockets,
            generations,
            records,
            capacity,
        })
    }

    /// How many there may be.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether another connection would be one too many.
    pub(super) fn is_full(&self) -> bool {
        self.slab.len() == self.capacity
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Takes a slot for `socket` and what `make` returns.
    ///
    /// # Panics
    ///
    /// When it is full: the caller has to ask first.
    pub(super) fn insert(
        &mut self,
        socket: TcpStream,
        make: impl FnOnce(ClientId) -> Connection,
    ) -> ClientId {
        assert!(!self.is_full(), "the slab never grows");
        let vacant = self.slab.vacant_entry();
        let slot = vacant.key();
        if slot == self.records.len() {
            self.records.push(None);
            self.sockets.push(None);
            self.generations.push(0);
        }
        let generation = self.generations[slot];
        let slot = u32::try_from(slot).expect("there are at most a million slots");
        let client = ClientId { slot, generation };
        vacant.insert(make(client));
        self.sockets[index(client)] = Some(socket);
        client
    }

    /// The connection that `client` names, unless it is gone.
    pub(super) fn find(&mut self, client: ClientId) -> Option<&mut Connection> {
        let found = self.slab.get_mut(index(client))?;
        (found.client == client).then_some(found)
    }

    /// The socket of `client`, unless it is gone.
    pub(super) fn socket(&mut self, client: ClientId) -> Option<&mut TcpStream> {
        let is_present = *self.generations.get(index(client))? == client.generation;
        self.sockets[index(client)].as_mut().filter(|_| is_present)
    }

    /// The connection that `client` names and its socket, unless it is gone.
    pub(super) fn find_both(
        &mut self,
        client: ClientId,
    ) -> Option<(&mut Connection, &mut TcpStream)> {
        let found = self.slab.get_mut(index(client))?;
        let socket = self.sockets[index(client)].as_mut()?;
        (found.client == client).then_some((found, socket))
    }

    /// The connection in a slot that the kernel spoke of.
    pub(super) fn at_slot(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slab.get_mut(slot)
    }

    /// All of them, to look at.
    #[cfg(debug_assertions)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slab.iter().map(|(_, connection)| connection)
    }

    /// All of them.
    pub(super) fn clients(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.slab.iter().map(|(_, connection)| connection.client)
    }

    /// Takes what a connection's bytes mean out of it, to be put back.
    pub(super) fn take_link(&mut self, client: ClientId) -> Option<Link> {
        let connection = self.find(client)?;
        Some(std::mem::replace(&mut connection.link, Link::Closing))
    }

    /// Puts `records` where they stay until the slot is freed.
    pub(super) fn start_records(&mut self, client: ClientId, records: impl FnOnce() -> Records) {
        let place = &mut self.records[index(client)];
        assert!(
            place.is_none(),
            "a slot's record states are wiped when it is freed"
        );
        *place = Some(records());
    }

    /// The record states of a client, once its handshake is done.
    pub(super) fn records(&mut self, client: ClientId) -> Option<&mut Records> {
        self.records.get_mut(index(client))?.as_mut()
    }

    /// Frees a slot: wipes its keys in place and lets nobody be mistaken for it again.
    ///
    /// # Panics
    ///
    /// When the slot is free already, or somebody else's.
    pub(super) fn free(&mut self, client: ClientId) -> (Connection, TcpStream) {
        let connection = self.slab.remove(index(client));
        assert!(
            connection.client == client,
            "only the slot's own client frees it"
        );
        // Dropping in place wipes: both states zero themselves.
        self.records[index(client)] = None;
        let generation = &mut self.generations[index(client)];
        *generation = generation.wrapping_add(1);
        let socket = self.sockets[index(client)].take();
        (connection, socket.expect("a connection has its socket"))
    }
}

fn index(client: ClientId) -> usize {
    usize::try_from(client.slot).expect("a slot is an index")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: an idle connection is cheap, whatever its door.
    /// Method: what is rare, or only at the beginning, is boxed; the rest is counted here.
    #[test]
    fn a_connection_is_small() {
        let sizes = [
            ("connection", size_of::<Connection>(), 208),
            ("link", size_of::<Link>(), 80),
            ("records", size_of::<Option<Records>>(), 544),
        ];
        for (what, bytes, bound) in sizes {
            println!("{what}: {bytes} B");
            assert!(bytes <= bound, "{what}: {bytes} B, more than {bound}");
        }
    }
}
