//! Connections ending: by their own wish, by order, or because they read too slowly.

use super::Fanout;
use super::below::Reading;
use super::connection::{Ending, Stop};
use super::effects::encode_event;
use super::room::Place;
use crate::chat::{ClientId, Close, Event, Loss};
use std::time::Duration;

impl Fanout {
    /// Delivers everything published and owed to a client by now, then `farewell`, then closes:
    /// [`Outlets::finished`](super::Outlets::finished) tells when that is done.
    pub fn finish(&mut self, client: ClientId, farewell: Option<&Event>, close: Close) {
        let Some(slot) = self.staying(client) else {
            return;
        };
        let connection = &mut self.connections[slot];
        connection.ending = Ending::Finishing;
        let dialect = connection.dialect;
        let cold = connection.cold_mut();
        cold.close = Some(close);
        if let Some(farewell) = farewell {
            encode_event(dialect, farewell, &mut cold.farewell);
        }
        for at in 0..self.connections[slot].membership_count() {
            let one = self.connections[slot].membership(at);
            let room = &mut self.rooms[one.room as usize];
            let stop = Stop {
                room: one.room,
                sequence: room.log.next(),
                id: room.log.stored_before(room.log.next()),
                position: room.log.head(dialect),
            };
            match room.members.place(one.member as usize) {
                Place::Run(dialect, position) if position == room.log.head(dialect) => {
                    room.members.set_place(one.member as usize, Place::Stopped);
                }
                Place::Run(..) | Place::Entry(_) | Place::Stopped => {}
            }
            self.connections[slot].cold_mut().stops.push(stop);
        }
        self.make_ready(client.slot);
    }

    /// Closes a client as soon as the message begun is finished.
    pub fn expel(&mut self, client: ClientId, close: Close) {
        let Some(slot) = self.present(client) else {
            return;
        };
        match self.connections[slot].ending {
            Ending::Staying | Ending::Finishing => {}
            Ending::Expelled | Ending::Closed | Ending::Gone => return,
        }
        self.connections[slot].ending = Ending::Expelled;
        while let Some(one) = self.connections[slot].last_membership() {
            self.part(client.slot, one.room);
        }
        self.release_page(client.slot, Reading::Replay);
        let cold = self.connections[slot].cold_mut();
        cold.cut_replies();
        cold.replays.clear();
        cold.farewell.clear();
        cold.ignored = None;
        cold.close = Some(close);
        self.make_ready(client.slot);
        self.hold_unfinished_bound();
    }

    /// Finds connections that have accepted no byte for `timeout` while something is owed to
    /// them. Each is named once; the caller closes it.
    pub fn stalled(&mut self, now: Duration, timeout: Duration, into: &mut Vec<ClientId>) {
        while let Some(&(client, since)) = self.queues.watched.front() {
            if since + timeout > now {
                return;
            }
            self.queues.watched.pop_front();
            let Some(slot) = self.present(client) else {
                continue;
            };
            let connection = &mut self.connections[slot];
            connection.is_watched = false;
            // Not moved when it accepted something; only looked at when its entry comes up.
            if !connection.is_blocked {
                continue;
            }
            if connection.moved_at + timeout <= now {
                into.push(client);
            } else {
                self.watch(client, self.connections[slot].moved_at);
            }
        }
    }

    /// When [`Fanout::stalled`] could find somebody, at the earliest.
    pub fn next_stall(&self, timeout: Duration) -> Option<Duration> {
        let (_, since) = self.queues.watched.front()?;
        Some(*since + timeout)
    }

    /// Puts a blocked connection into the queue of those that may have stalled, unless it is
    /// there.
    pub(super) fn watch(&mut self, client: ClientId, since: Duration) {
        let connection = &mut self.connections[client.slot as usize];
        if !connection.is_watched {
            connection.is_watched = true;
            self.queues.watched.push_back((client, since));
        }
    }

    /// Gives a connection up: nothing more is sent to it, and the caller is told to close it.
    pub(super) fn doom(&mut self, slot: u32, loss: Loss) {
        let client = self.connections[slot as usize].client(slot);
        self.forget(slot);
        self.ledger.doomed.push((client, loss));
    }

    /// Keeps the begun entries of all connections within their bound, and what waits for space
    /// there moving: those that have been blocked for longest are given up. If that is not
    /// enough for the bound, any that hold one are.
    #[inline]
    pub(super) fn hold_unfinished_bound(&mut self) {
        let wanted = std::mem::take(&mut self.ledger.wanted_bytes);
        if self.ledger.bytes() + wanted > self.bounds.unfinished_bytes_max {
            self.give_up_holders(wanted);
        }
    }

    fn give_up_holders(&mut self, wanted: usize) {
        let bytes_max = self.bounds.unfinished_bytes_max;
        self.ledger.sweep_orphans();
        let watched: Vec<_> = self
            .queues
            .watched
            .iter()
            .map(|(client, _)| *client)
            .collect();
        for client in watched {
            if self.ledger.bytes() + wanted <= bytes_max {
                return;
            }
            let is_blocked = |slot: usize| self.connections[slot].is_blocked;
            if self.present(client).is_some_and(is_blocked) {
                self.doom_holder(client.slot);
            }
        }
        let mut slots = 0..self.connections.len();
        while self.ledger.bytes() > bytes_max {
            let slot = slots.next().expect("begun entries are held by somebody");
            self.doom_holder(u32::try_from(slot).expect("slots are u32"));
        }
    }

    /// Gives a connection up if it holds the rest of a begun entry.
    fn doom_holder(&mut self, slot: u32) {
        let cold = self.connections[slot as usize].cold.as_ref();
        if cold.is_some_and(|cold| cold.unfinished.is_some()) {
            self.doom(slot, Loss::TooSlow);
            self.ledger.sweep_orphans();
        }
    }
}
