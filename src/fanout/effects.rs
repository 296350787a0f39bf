//! What the fan-out is told: connections, rooms, entries and members.

use super::connection::{CatchUp, Connection, Membership, Newcomer, Replay};
use super::room::{Place, Room};
use super::segment::{Encoded, Segment};
use super::{Dialect, Fanout};
use crate::chat::{
    ClientId, Entry, EntryId, Event, Extent, From, Name, RoomId, RoomName, RoomOrder,
};
use crate::wire::line::{self, Tense};
use crate::wire::message::{self, EntryView};
use std::sync::Arc;

impl Fanout {
    // --- Connections ---

    /// A connection begins, in a slot whose former user was closed.
    pub fn open(&mut self, client: ClientId, dialect: Dialect) {
        let at = client.slot as usize;
        if self.connections.len() <= at {
            self.connections.resize_with(at + 1, Connection::vacant);
        }
        let before = &self.connections[at];
        assert!(
            !before.is_open,
            "a slot is closed before it is opened again"
        );
        // A place in the queue belongs to the slot, not to its user.
        let (is_ready, is_spare_queued) = (before.is_ready, before.is_spare_queued);
        self.connections[at] = Connection::opened(client.generation, dialect);
        self.connections[at].is_ready = is_ready;
        self.connections[at].is_spare_queued = is_spare_queued;
    }

    /// A connection is closed; what was owed to it is forgotten.
    pub fn close(&mut self, client: ClientId) {
        let Some(at) = self.present(client) else {
            return;
        };
        self.forget(client.slot);
        self.connections[at].is_open = false;
        self.hold_unfinished_bound();
    }

    /// There is something for a sealed client that may wait for everything else: it is asked for by
    /// [`super::Outlets::fill_spare`] when a record has space left.
    pub fn offer_spare(&mut self, client: ClientId) {
        if let Some(at) = self.staying(client) {
            self.connections[at].has_spare = true;
            self.queue_spare(client.slot);
        }
    }

    /// Carries out what the chat orders for the rooms' logs and those who read them.
    pub fn order(&mut self, order: RoomOrder) {
        match order {
            RoomOrder::Found {
                room,
                name,
                history,
                extent,
            } => self.found(room, name, history, extent),
            RoomOrder::Keep { room, history } => self.keep(room, history),
            RoomOrder::Erase(room, entry) => self.erase(room, entry),
            RoomOrder::Dissolve(room) => self.dissolve(room),
            RoomOrder::Publish(room, entry) => self.publish(room, &entry),
            RoomOrder::Join {
                room,
                client,
                from,
                greeting,
            } => self.join(room, client, from, greeting.as_ref()),
            RoomOrder::Leave { room, client } => self.leave(room, client),
            RoomOrder::Replay { room, client, from } => self.replay(room, client, from),
            RoomOrder::Ignore(client, names) => self.ignore(client, names),
        }
    }

    // --- Rooms ---

    /// A room begins, or an inbox, which has no name. What `extent` says is the store's to give.
    pub(super) fn found(
        &mut self,
        room: RoomId,
        name: Option<RoomName>,
        history: bool,
        extent: Extent,
    ) {
        assert!(
            !self.places.contains_key(&room),
            "room ids are never used again"
        );
        let mut new = Room::new(room, name, history, extent);
        let at = match self.vacant_rooms.pop() {
            Some(at) => {
                let vacant = &mut self.rooms[at as usize];
                // A place in the queue belongs to the place, not to the room.
                new.is_queued = vacant.is_queued;
                *vacant = new;
                at
            }
            None => {
                self.rooms.push(new);
                u32::try_from(self.rooms.len() - 1).expect("rooms and inboxes are fewer than slots")
            }
        };
        self.places.insert(room, at);
    }

    /// Newcomers see what is said in a room from now on, or no longer.
    pub(super) fn keep(&mut self, room: RoomId, history: bool) {
        let Some(&at) = self.places.get(&room) else {
            return;
        };
        let place = &mut self.rooms[at as usize];
        if place.keeps_history != history {
            place.keeps_history = history;
            place.log.hide();
            self.trim(at);
            self.hold_unfinished_bound();
        }
    }

    /// What was said is taken back, and the store has nothing in its place. The part of the log that
    /// held it leaves memory, with what is older; whoever reads there goes on from the store.
    pub(super) fn erase(&mut self, room: RoomId, entry: EntryId) {
        let Some(&at) = self.places.get(&room) else {
            return;
        };
        let is_held = |front: &Segment| front.stored_before < entry.0;
        while self.rooms[at as usize].log.front().is_some_and(is_held) && self.evict(at) {}
        self.hold_unfinished_bound();
    }

    /// A room ends. Those who are finishing still receive the rest of it.
    pub(super) fn dissolve(&mut self, room: RoomId) {
        let Some(at) = self.places.remove(&room) else {
            return;
        };
        let members = &self.rooms[at as usize].members;
        for slot in members.slots().to_vec() {
            if !self.connections[slot as usize].is_finishing() {
                self.part(slot, at);
            }
        }
        self.rooms[at as usize].is_dissolved = true;
        self.give_up_store(at);
        self.vacate_if_over(at);
        self.hold_unfinished_bound();
    }

    /// An entry becomes visible to a room's members. One encoding per dialect, and one bit each.
    pub(super) fn publish(&mut self, room: RoomId, entry: &Entry) {
        let Some(&at) = self.places.get(&room) else {
            return;
        };
        let mut sealed = std::mem::take(&mut self.scratch);
        let mut line = std::mem::take(&mut self.line_scratch);
        // A slow fill may have left its last entry there.
        sealed.clear();
        message::encode_entry(room, entry, &mut sealed);
        let place = &self.rooms[at as usize];
        if place.log.keeps_lines() {
            let view = EntryView::of(room, entry);
            line::encode_entry(&view, place.name.as_ref(), Tense::Live, &mut line);
        }
        let encoded = Encoded {
            id: entry.id,
            unix_ms: entry.unix_ms,
            origin: entry.origin,
            sealed: &sealed,
            line: &line,
        };
        let members = u64::try_from(place.members.len()).expect("a count fits");
        self.traffic.published += 1;
        self.traffic.deliveries += members;
        let begins = self.append(at, &encoded);
        self.scratch = emptied(sealed, self.bounds.segment_bytes);
        self.line_scratch = emptied(line, self.bounds.segment_bytes);
        if let Some(origin) = entry.origin {
            self.withhold_own_words(origin, at);
        }
        self.queue_room(at);
        if begins {
            self.trim(at);
        }
        self.press(at);
        self.hold_unfinished_bound();
    }

    /// Makes room for an entry, appends it, and marks everybody as behind.
    fn append(&mut self, at: u32, entry: &Encoded<'_>) -> bool {
        self.make_room(at, entry.bytes());
        let has_store = self.bounds.has_store;
        let room = &mut self.rooms[at as usize];
        let begins = room.log.append(entry, self.bounds.segment_bytes);
        if !room.keeps_history {
            room.log.hide();
        }
        if let Some(id) = entry.id
            && has_store
        {
            let newest = room.log.stored_before(room.log.next());
            assert_eq!(newest, id.0, "the ids of a room are dense");
        }
        room.members.set_all_behind();
        self.logs_bytes += entry.bytes();
        begins
    }

    /// A line member that has spoken reads entry by entry until it has passed its own words.
    fn withhold_own_words(&mut self, origin: ClientId, at: u32) {
        let Some(slot) = self.present(origin) else {
            return;
        };
        let connection = &self.connections[slot];
        if connection.dialect == Dialect::Line
            && let Some(member) = connection.member_of(at)
        {
            self.read_by_entry(at, member);
        }
    }

    // --- Members ---

    /// A client receives a room's log from now on, and before that what `from` asks for. At the
    /// mark between them it is told how much that was, and then `greeting`.
    pub(super) fn join(
        &mut self,
        room: RoomId,
        client: ClientId,
        from: From,
        greeting: Option<&Event>,
    ) {
        let (Some(slot), Some(&at)) = (self.staying(client), self.places.get(&room)) else {
            return;
        };
        let connection = &mut self.connections[slot];
        if connection.member_of(at).is_some() {
            return;
        }
        let place = &mut self.rooms[at as usize];
        let (start, missed, below) = place.log.begin_reading(from, self.bounds.has_store);
        let member = place.members.push(client.slot, Place::Entry(start));
        if connection.dialect == Dialect::Line {
            place.line_members += 1;
            place.log.begin_lines();
        }
        place
            .members
            .set_blocked(member as usize, connection.is_blocked);
        place.members.set_behind(member as usize);
        connection.add_membership(Membership { room: at, member });
        let mut newcomer = Newcomer {
            mark: place.log.next(),
            mark_id: place.log.stored_before(place.log.next()),
            shown: 0,
            asked: connection.cold_mut().ask(),
            greeting: Vec::new(),
        };
        if let Some(greeting) = greeting {
            encode_event(connection.dialect, greeting, &mut newcomer.greeting);
        }
        connection.cold_mut().catch_ups.push(CatchUp {
            missed,
            below,
            newcomer: Some(newcomer),
            ..CatchUp::new(at)
        });
        self.queue_room(at);
        self.make_ready(client.slot);
        self.assert_connection(client.slot);
    }

    /// A client receives nothing more of a room, but for the rest of a begun entry.
    pub(super) fn leave(&mut self, room: RoomId, client: ClientId) {
        let (Some(slot), Some(&at)) = (self.present(client), self.places.get(&room)) else {
            return;
        };
        if self.connections[slot].member_of(at).is_some() {
            self.part(client.slot, at);
            self.hold_unfinished_bound();
            self.assert_connection(client.slot);
        }
    }

    /// A member is shown what was before, once, beside what is new. While several such wait
    /// already, it is told so instead.
    pub(super) fn replay(&mut self, room: RoomId, client: ClientId, from: From) {
        let (Some(slot), Some(&at)) = (self.staying(client), self.places.get(&room)) else {
            return;
        };
        let connection = &mut self.connections[slot];
        if connection.member_of(at).is_none() {
            return;
        }
        if !connection.cold_mut().takes_replay() {
            connection.tidy();
            let words = "you are still being shown earlier lines; ask again when they have ended";
            self.reply(client, &Event::Notice(Arc::from(words)));
            return;
        }
        let log = &self.rooms[at as usize].log;
        let (next, missed, below) = log.begin_reading(from, self.bounds.has_store);
        let cold = connection.cold_mut();
        let asked = cold.ask();
        cold.replays.push_back(Replay {
            room: at,
            is_begun: false,
            next,
            end: log.next(),
            stored_before: log.stored_before(next),
            stored_before_end: log.stored_before(log.next()),
            missed,
            is_unreadable: false,
            below,
            shown: 0,
            asked,
            tail: Vec::new(),
        });
        self.make_ready(client.slot);
    }

    /// Whose entries are kept from a client, replacing the former list.
    pub(super) fn ignore(&mut self, client: ClientId, names: Arc<[Name]>) {
        let Some(slot) = self.staying(client) else {
            return;
        };
        let connection = &mut self.connections[slot];
        if names.is_empty() {
            // Its rooms go back to copying runs when they are next at their heads.
            if let Some(cold) = connection.cold.as_mut() {
                cold.ignored = None;
            }
            connection.tidy();
        } else {
            connection.cold_mut().ignored = Some(names);
            for at in 0..self.connections[slot].membership_count() {
                let Membership { room, member } = self.connections[slot].membership(at);
                self.read_by_entry(room, member);
            }
        }
        self.hold_unfinished_bound();
    }

    /// Tells one client something, beside all rooms. It comes after whatever the client asked to
    /// be shown before, and before what is new in its rooms.
    pub fn reply(&mut self, client: ClientId, event: &Event) {
        let Some(slot) = self.staying(client) else {
            return;
        };
        let connection = &mut self.connections[slot];
        let dialect = connection.dialect;
        let cold = connection.cold_mut();
        cold.append_reply(|out| encode_event(dialect, event, out));
        connection.tidy();
        self.make_ready(client.slot);
    }
}

/// Appends an event in the words of a dialect; some have none in one of them.
pub(super) fn encode_event(dialect: Dialect, event: &Event, out: &mut Vec<u8>) {
    match dialect {
        Dialect::Sealed => message::encode_event(event, out),
        Dialect::Line => line::encode_event(event, out),
    }
}

/// A scratch buffer for the next entry, which gives back what a long one needed.
fn emptied(mut scratch: Vec<u8>, bytes: usize) -> Vec<u8> {
    scratch.clear();
    scratch.shrink_to(bytes);
    scratch
}
