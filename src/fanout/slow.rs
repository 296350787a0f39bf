//! The slow fill: entry by entry, over the index.
//!
//! Members read so before their mark, when somebody is ignored, when entries were missed, and on
//! the line door while their own words lie ahead. What they are shown is made from the sealed
//! entry, so it is the same whatever else is in memory. All others copy runs.

use super::connection::{Connection, NOWHERE, Newcomer, Replay};
use super::record::Record;
use super::room::{Place, Room};
use super::segment::Bytes;
use super::unfinished::Ledger;
use super::visit::Filled;
use super::{Dialect, Fanout};
use crate::chat::{ClientId, Event, Name};
use crate::wire::frame::Frame;
use crate::wire::line::{self, Tense};
use crate::wire::message::{self, BodyView, EntryView};

/// For whom entries are chosen and put into words.
#[derive(Clone, Copy)]
struct Reader<'a> {
    client: ClientId,
    dialect: Dialect,
    ignored: &'a [Name],
    tense: Tense,
}

/// What a reader is told about the room itself.
#[derive(Clone, Copy)]
enum Told {
    /// So many entries are gone.
    Missed(u64),
    /// What follows is shown once more.
    ReplayBegin,
    /// So many were shown, and what follows is new.
    ReplayEnd(u64),
}

/// What became of a message that was offered to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    /// It is in the record, or begun there and the rest is the connection's.
    Taken,
    /// It must wait for the next record.
    Later,
}

/// What one step of a member over its room's index came to.
enum Step {
    /// There may be more.
    On,
    /// The record takes no more.
    Full,
    /// Nothing is left that needs this; runs can be copied from here.
    Run(u64),
    /// It has had everything.
    Caught,
}

impl Fanout {
    /// What a room has for a member that reads entry by entry.
    pub(super) fn fill_entries(&mut self, slot: u32, at: u32, member: u32) -> Filled {
        loop {
            match self.step(slot, at, member) {
                Step::On => {}
                Step::Full => return Filled::Full,
                Step::Run(position) => {
                    return self.fill_run(slot, at, member, (Dialect::Sealed, position));
                }
                Step::Caught => {
                    let members = &mut self.rooms[at as usize].members;
                    members.clear_behind(member as usize);
                    return Filled::Done;
                }
            }
        }
    }

    fn step(&mut self, slot: u32, at: u32, member: u32) -> Step {
        let Place::Entry(next) = self.rooms[at as usize].members.place(member as usize) else {
            unreachable!("only members that read by entry come here");
        };
        let connection = &mut self.connections[slot as usize];
        let Some(catch_up) = connection.catch_up_mut(at) else {
            return self.step_live(slot, at, member, next);
        };
        if catch_up.missed > 0 {
            let missed = Told::Missed(catch_up.missed);
            let placed = self.offer_told(slot, at, missed, &[]);
            if placed == Placed::Taken {
                let catch_up = self.connections[slot as usize].catch_up_mut(at);
                catch_up.expect("it was there before").missed = 0;
            }
            return placed.step();
        }
        let Some(newcomer) = catch_up.newcomer.as_mut() else {
            self.end_catch_up(slot, at);
            return Step::On;
        };
        if next >= newcomer.mark {
            let newcomer = Newcomer {
                greeting: std::mem::take(&mut newcomer.greeting),
                ..*newcomer
            };
            return self.step_mark(slot, at, newcomer);
        }
        match self.offer_entry(slot, at, next, Tense::Past) {
            None => {}
            Some(Placed::Later) => return Step::Full,
            Some(Placed::Taken) => {
                let catch_up = self.connections[slot as usize].catch_up_mut(at);
                let newcomer = catch_up.and_then(|catch_up| catch_up.newcomer.as_mut());
                newcomer.expect("it was there before").shown += 1;
            }
        }
        let members = &mut self.rooms[at as usize].members;
        members.set_place(member as usize, Place::Entry(next + 1));
        Step::On
    }

    /// A member at its mark is told so, and greeted; what follows is new.
    fn step_mark(&mut self, slot: u32, at: u32, newcomer: Newcomer) -> Step {
        let dialect = self.connections[slot as usize].dialect;
        let is_new_inbox = newcomer.shown == 0 && self.rooms[at as usize].name.is_none();
        let placed = if is_new_inbox && dialect == Dialect::Line {
            // The first private message makes the inbox; nobody asked for what was before.
            self.offer(slot, &newcomer.greeting)
        } else {
            let end = Told::ReplayEnd(newcomer.shown);
            self.offer_told(slot, at, end, &newcomer.greeting)
        };
        if placed == Placed::Later {
            let catch_up = self.connections[slot as usize].catch_up_mut(at);
            catch_up.expect("it was there before").newcomer = Some(newcomer);
            return Step::Full;
        }
        self.end_catch_up(slot, at);
        #[cfg(test)]
        self.plant_shared_mark(slot);
        Step::On
    }

    /// Ends what a member was being shown of a room that it leaves: it is told how much that was,
    /// and what it was answered meanwhile is kept.
    pub(super) fn cut_short(&mut self, slot: u32, at: u32) {
        let connection = &mut self.connections[slot as usize];
        let dialect = connection.dialect;
        let Some(cold) = connection.cold.as_mut() else {
            return;
        };
        let mut ends = Vec::new();
        for catch_up in cold.catch_ups.extract_if(.., |one| one.room == at) {
            let newcomer = catch_up.newcomer;
            ends.extend(newcomer.map(|one| (one.asked, one.shown, one.greeting)));
        }
        let (cut, kept) = std::mem::take(&mut cold.replays)
            .into_iter()
            .partition::<Vec<_>, _>(|one| one.room == at);
        cold.replays = kept.into();
        ends.extend(cut.into_iter().map(|one| (one.asked, one.shown, one.tail)));
        ends.sort_by_key(|(asked, ..)| *asked);
        for (asked, shown, tail) in ends {
            cold.append_behind(asked, |out| {
                Told::ReplayEnd(shown).encode(&self.rooms[at as usize], dialect, out);
                out.extend_from_slice(&tail);
            });
        }
    }

    fn end_catch_up(&mut self, slot: u32, at: u32) {
        let connection = &mut self.connections[slot as usize];
        let cold = connection.cold_mut();
        cold.catch_ups.retain(|one| one.room != at);
    }

    #[cfg(test)]
    fn plant_shared_mark(&mut self, slot: u32) {
        use super::fault::{Fault, is_planted};
        if is_planted(Fault::ReplayFlagPerConnection) {
            for catch_up in &mut self.connections[slot as usize].cold_mut().catch_ups {
                catch_up.newcomer = None;
            }
        }
    }

    /// A step of a member past its mark.
    fn step_live(&mut self, slot: u32, at: u32, member: u32, next: u64) -> Step {
        let connection = &self.connections[slot as usize];
        let stop = if connection.is_finishing() {
            connection.stop(at)
        } else {
            None
        };
        let room = &mut self.rooms[at as usize];
        let limit = stop.map_or(room.log.next(), |stop| stop.sequence);
        let is_filtered = !connection.ignored().is_empty();
        if next >= limit {
            if stop.is_some() {
                room.members.set_place(member as usize, Place::Stopped);
            } else if !is_filtered {
                let head = room.log.head(connection.dialect);
                let place = Place::Run(connection.dialect, head);
                room.members.set_place(member as usize, place);
            }
            return Step::Caught;
        }
        if connection.dialect == Dialect::Sealed && !is_filtered {
            return Step::Run(room.log.position(Dialect::Sealed, next));
        }
        if self.offer_entry(slot, at, next, Tense::Live) == Some(Placed::Later) {
            return Step::Full;
        }
        let members = &mut self.rooms[at as usize].members;
        members.set_place(member as usize, Place::Entry(next + 1));
        Step::On
    }

    // --- Replays ---

    /// The replay that a connection asked for first.
    pub(super) fn fill_replay(&mut self, slot: u32) -> Filled {
        loop {
            let cold = self.connections[slot as usize].cold_mut();
            let replay = cold.replays.pop_front();
            let replay = replay.expect("only who asked for one comes here");
            let (after, placed) = self.step_replay(slot, replay);
            let is_over = after.is_none();
            if let Some(after) = after {
                let cold = self.connections[slot as usize].cold_mut();
                cold.replays.push_front(after);
            }
            match placed {
                Placed::Later => return Filled::Full,
                Placed::Taken if is_over => return Filled::Done,
                Placed::Taken => {}
            }
        }
    }

    /// One step of a replay; none is left of it after the last.
    fn step_replay(&mut self, slot: u32, mut replay: Replay) -> (Option<Replay>, Placed) {
        let at = replay.room;
        let log = &self.rooms[at as usize].log;
        if replay.next < log.first() {
            let next = log.first().min(replay.end);
            let stored_before = log.stored_before(log.first());
            let stored_before = stored_before.min(replay.stored_before_end);
            replay.missed += stored_before - replay.stored_before;
            (replay.next, replay.stored_before) = (next, stored_before);
        }
        if !replay.is_begun {
            let placed = self.offer_told(slot, at, Told::ReplayBegin, &[]);
            replay.is_begun = placed == Placed::Taken;
            return (Some(replay), placed);
        }
        if replay.missed > 0 {
            let placed = self.offer_told(slot, at, Told::Missed(replay.missed), &[]);
            if placed == Placed::Taken {
                replay.missed = 0;
            }
            return (Some(replay), placed);
        }
        if replay.next >= replay.end {
            let end = Told::ReplayEnd(replay.shown);
            let placed = self.offer_told(slot, at, end, &replay.tail);
            let rest = (placed == Placed::Later).then_some(replay);
            return (rest, placed);
        }
        let is_stored = self.rooms[at as usize].log.entry(replay.next).is_stored();
        match self.offer_entry(slot, at, replay.next, Tense::Past) {
            None => {}
            Some(Placed::Later) => return (Some(replay), Placed::Later),
            Some(Placed::Taken) => replay.shown += 1,
        }
        replay.next += 1;
        replay.stored_before += u64::from(is_stored);
        (Some(replay), Placed::Taken)
    }

    // --- Offering ---

    /// Offers the record an entry, unless the reader is not shown it.
    fn offer_entry(&mut self, slot: u32, at: u32, sequence: u64, tense: Tense) -> Option<Placed> {
        let Self {
            connections,
            rooms,
            scratch,
            record,
            ledger,
            bounds,
            ..
        } = self;
        let connection = &mut connections[slot as usize];
        let reader = Reader {
            client: connection.client(slot),
            dialect: connection.dialect,
            ignored: connection.ignored(),
            tense,
        };
        scratch.clear();
        let bytes = choose(&rooms[at as usize], sequence, reader, scratch)?;
        let bytes_max = bounds.unfinished_bytes_max;
        Some(offer(record, connection, ledger, bytes_max, bytes))
    }

    /// Offers the record a word about the room, and what is to be said in the same breath.
    fn offer_told(&mut self, slot: u32, at: u32, told: Told, also: &[u8]) -> Placed {
        let dialect = self.connections[slot as usize].dialect;
        let mut words = Vec::new();
        told.encode(&self.rooms[at as usize], dialect, &mut words);
        words.extend_from_slice(also);
        self.offer(slot, &words)
    }

    fn offer(&mut self, slot: u32, words: &[u8]) -> Placed {
        let connection = &mut self.connections[slot as usize];
        let (record, ledger) = (&mut self.record, &mut self.ledger);
        let bytes_max = self.bounds.unfinished_bytes_max;
        offer(record, connection, ledger, bytes_max, Bytes::Open(words))
    }
}

impl Placed {
    fn step(self) -> Step {
        match self {
            Self::Taken => Step::On,
            Self::Later => Step::Full,
        }
    }
}

/// Puts a message into the record: whole if it fits, and its beginning if not even an empty record
/// would take it. Then the connection keeps the rest, if the bound allows that.
fn offer(
    record: &mut Record,
    connection: &mut Connection,
    ledger: &mut Ledger,
    unfinished_bytes_max: usize,
    bytes: Bytes<'_>,
) -> Placed {
    let slice = bytes.as_slice();
    if slice.len() <= record.space() {
        record.bytes.extend_from_slice(slice);
        return Placed::Taken;
    }
    if !record.is_empty() {
        return Placed::Later;
    }
    let count = record.space();
    let rest = bytes.skip(count);
    if ledger.bytes() + rest.copied_bytes() > unfinished_bytes_max {
        ledger.wanted_bytes = rest.copied_bytes();
        return Placed::Later;
    }
    debug_assert_eq!(connection.begun, NOWHERE, "one message at a time is begun");
    record.bytes.extend_from_slice(&slice[..count]);
    connection.cold_mut().unfinished = Some(ledger.keep(&rest));
    Placed::Taken
}

/// The bytes of an entry for `reader`, made in `scratch` if they are not in the log; nothing if it
/// is not shown the entry.
fn choose<'a>(
    room: &'a Room,
    sequence: u64,
    reader: Reader<'_>,
    scratch: &'a mut Vec<u8>,
) -> Option<Bytes<'a>> {
    let index = room.log.entry(sequence);
    let is_hidden = match reader.tense {
        Tense::Past => !index.is_stored(),
        Tense::Live => reader.dialect == Dialect::Line && index.is_from(reader.client),
    };
    if is_hidden {
        return None;
    }
    let extent = room.log.extent(Dialect::Sealed, sequence);
    let (start, end) = (extent.start, extent.end);
    let sealed = room.log.bytes_of(Dialect::Sealed, start, end);
    if reader.dialect == Dialect::Sealed && reader.ignored.is_empty() {
        return Some(sealed);
    }
    let (frame, _) = Frame::first(sealed.as_slice()).expect("the log holds whole frames");
    let view = EntryView::decode(frame).expect("the log holds what was encoded");
    // One's own private messages come under the name of whom they went to.
    let is_own = matches!(view.body, BodyView::Sent(_));
    if !is_own && reader.ignored.contains(&view.author) {
        return None;
    }
    match reader.dialect {
        Dialect::Sealed => Some(sealed),
        Dialect::Line => {
            line::encode_entry(&view, room.name.as_ref(), reader.tense, scratch);
            Some(Bytes::Open(scratch))
        }
    }
}

impl Told {
    /// Appends it in a reader's words.
    fn encode(self, room: &Room, dialect: Dialect, out: &mut Vec<u8>) {
        let (id, name) = (room.id, room.name.as_ref());
        match (dialect, self) {
            (Dialect::Sealed, Self::Missed(count)) => {
                message::encode_event(&Event::Missed { room: id, count }, out);
            }
            (Dialect::Sealed, Self::ReplayBegin) => {
                message::encode_event(&Event::ReplayBegin { room: id }, out);
            }
            // Lines of the past say so themselves.
            (Dialect::Line, Self::ReplayBegin) => {}
            (Dialect::Sealed, Self::ReplayEnd(count)) => {
                message::encode_event(&Event::ReplayEnd { room: id, count }, out);
            }
            (Dialect::Line, Self::Missed(count)) => line::encode_missed(name, count, out),
            (Dialect::Line, Self::ReplayEnd(count)) => line::encode_replay_end(name, count, out),
        }
    }
}
