//! Offering: an entry or a word about the room, put into a reader's words and into its record.
//!
//! Entries come from a room's log or from a page; what a reader is shown is made from the sealed
//! form, so it is the same from either.

use super::connection::{Connection, NOWHERE};
use super::effects::encode_event;
use super::pages::State;
use super::record::Record;
use super::room::Room;
use super::segment::{Bytes, IndexEntry};
use super::unfinished::Ledger;
use super::{Dialect, Fanout};
use crate::chat::{ClientId, Event, Name, RoomName};
use crate::wire::frame::Frame;
use crate::wire::line::{self, Tense};
use crate::wire::message::{self, BodyView, EntryView};

/// What readers are told whose entries cannot be had.
const UNREADABLE: &str = "the server could not read what it keeps";

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
pub(super) enum Told {
    /// The store could not be read.
    Unreadable,
    /// So many entries are gone.
    Missed(u64),
    /// What follows is shown once more.
    ReplayBegin,
    /// So many were shown, and what follows is new.
    ReplayEnd(u64),
}

/// What became of a message that was offered to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is in the record, or begun there and the rest is the connection's.
    Taken,
    /// It must wait for the next record.
    Later,
}

/// Where an entry is.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// In its room's log, by its sequence number.
    Log(u64),
    /// In a page, the so many-th.
    Page { serial: u64, offset: usize },
}

impl Fanout {
    /// Offers the record an entry, unless the reader is not shown it.
    pub(super) fn offer_entry(
        &mut self,
        slot: u32,
        at: u32,
        source: Source,
        tense: Tense,
    ) -> Option<Placed> {
        let Self {
            connections,
            rooms,
            pages,
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
        let room = &rooms[at as usize];
        let (index, sealed) = match source {
            Source::Log(sequence) => {
                let extent = room.log.extent(Dialect::Sealed, sequence);
                let sealed = room.log.bytes_of(Dialect::Sealed, extent.start, extent.end);
                (room.log.entry(sequence), sealed)
            }
            Source::Page { serial, offset } => {
                let Some(State::Held(page)) = pages.state(serial) else {
                    unreachable!("a page is read while it is held");
                };
                (&page.segment.index()[offset], page.segment.entry(offset))
            }
        };
        let bytes = choose(room.name.as_ref(), index, sealed, reader, scratch)?;
        let bytes_max = bounds.unfinished_bytes_max;
        Some(offer(record, connection, ledger, bytes_max, bytes))
    }

    /// Offers the record a word about the room, and what is to be said in the same breath.
    pub(super) fn offer_told(&mut self, slot: u32, at: u32, told: Told, also: &[u8]) -> Placed {
        let dialect = self.connections[slot as usize].dialect;
        let mut words = Vec::new();
        told.encode(&self.rooms[at as usize], dialect, &mut words);
        words.extend_from_slice(also);
        self.offer(slot, &words)
    }

    pub(super) fn offer(&mut self, slot: u32, words: &[u8]) -> Placed {
        let connection = &mut self.connections[slot as usize];
        let (record, ledger) = (&mut self.record, &mut self.ledger);
        let bytes_max = self.bounds.unfinished_bytes_max;
        offer(record, connection, ledger, bytes_max, Bytes::Open(words))
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

/// The bytes of an entry for `reader`, made in `scratch` if its sealed form will not do; nothing if
/// it is not shown the entry.
fn choose<'a>(
    name: Option<&RoomName>,
    index: &IndexEntry,
    sealed: Bytes<'a>,
    reader: Reader<'_>,
    scratch: &'a mut Vec<u8>,
) -> Option<Bytes<'a>> {
    let is_hidden = match reader.tense {
        Tense::Past => !index.is_stored(),
        Tense::Live => reader.dialect == Dialect::Line && index.is_from(reader.client),
    };
    if is_hidden {
        return None;
    }
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
            line::encode_entry(&view, name, reader.tense, scratch);
            Some(Bytes::Open(scratch))
        }
    }
}

impl Told {
    /// Appends it in a reader's words.
    pub(super) fn encode(self, room: &Room, dialect: Dialect, out: &mut Vec<u8>) {
        let (id, name) = (room.id, room.name.as_ref());
        match (dialect, self) {
            (Dialect::Sealed | Dialect::Line, Self::Unreadable) => {
                encode_event(dialect, &Event::Notice(UNREADABLE.into()), out);
            }
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
