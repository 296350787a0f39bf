//! The model: what must be true, said as plainly as possible.
//!
//! It watches what the chat asks for, what the store has, and what comes out at the far ends of the
//! connections, and knows none of the means. It panics when
//!
//! - something is shown or acknowledged that the store does not have, or that it has lost;
//! - a room's entries come in another order than that in which they were accepted;
//! - an entry is shown twice, or to somebody who is not in the room, or not at all to who is;
//! - a bound is passed.

use super::dice::Weather;
use super::disk::Disk;
use super::log::{Log, number_of};
use super::reader::{Losses, Reader};
use crate::chat::{
    Append, ClientId, Effect, Entry, Event, From, Job, Outcome, RoomId, RoomOrder, Ticket, Write,
};
use crate::fanout::{Bounds, Dialect, Usage};
use crate::limits::WRITE_BUFFER_BYTES_MAX;
use crate::wire::{line, message};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What surrounds a text in a page, with its place in the index.
const ENVELOPE_BYTES: usize = 200;

/// What is true.
pub(super) struct Model {
    pub(super) logs: BTreeMap<RoomId, Log>,
    pub(super) readers: BTreeMap<ClientId, Reader>,
    /// Messages the store has not answered: for which rooms, from which connection.
    tickets: BTreeMap<Ticket, (Vec<RoomId>, Option<ClientId>)>,
    /// The numbers of all messages that were ever stored.
    stored: BTreeSet<u64>,
    /// Changes the store has not answered.
    changes: BTreeSet<Ticket>,
    /// Rooms of before a crash that have not been spoken of since.
    silent: BTreeSet<RoomId>,
    bounds: Bounds,
    losses: Losses,
    page_entry_bytes_max: usize,
    journal_jobs_max: usize,
    /// Counts what happens, so that two happenings can be told apart.
    step: u64,
    /// What has happened, for the curious.
    pub(super) tally: Tally,
    /// Bytes of all direct replies so far.
    pub(super) reply_bytes: usize,
}

/// How often the rarer things happened. What never happens is not tested.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
    pub(super) taken_over: u64,
    pub(super) resumed_rooms: u64,
    pub(super) replays: u64,
    pub(super) missed: u64,
    /// Turns in which a begun entry was kept for somebody beside the logs.
    pub(super) unfinished: u64,
    /// Turns in which no whole record more could have been kept.
    pub(super) without_buffers: u64,
    pub(super) closed_as_slow: u64,
    pub(super) waits_for_rate: u64,
    pub(super) waits_for_journal: u64,
    pub(super) waits_for_room: u64,
    pub(super) waits_for_replies: u64,
    pub(super) crashes: u64,
    pub(super) pages: u64,
    pub(super) pages_waiting: u64,
    pub(super) unreadable: u64,
    pub(super) connections: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.taken_over += other.taken_over;
        self.resumed_rooms += other.resumed_rooms;
        self.replays += other.replays;
        self.missed += other.missed;
        self.unfinished += other.unfinished;
        self.without_buffers += other.without_buffers;
        self.closed_as_slow += other.closed_as_slow;
        self.waits_for_rate += other.waits_for_rate;
        self.waits_for_journal += other.waits_for_journal;
        self.waits_for_room += other.waits_for_room;
        self.waits_for_replies += other.waits_for_replies;
        self.crashes += other.crashes;
        self.pages += other.pages;
        self.pages_waiting += other.pages_waiting;
        self.unreadable += other.unreadable;
        self.connections += other.connections;
    }
}

impl Model {
    pub(super) fn new(weather: &Weather) -> Self {
        let has_store = weather.bounds.has_store;
        Self {
            logs: BTreeMap::new(),
            readers: BTreeMap::new(),
            tickets: BTreeMap::new(),
            stored: BTreeSet::new(),
            changes: BTreeSet::new(),
            silent: BTreeSet::new(),
            bounds: weather.bounds,
            losses: Losses {
                unstored: weather.is_tight,
                stored: (weather.is_tight && !has_store) || weather.page_fails_permille > 0,
                hidden: !has_store,
            },
            page_entry_bytes_max: 2 * weather.text_bytes_max + ENVELOPE_BYTES,
            journal_jobs_max: weather.journal_jobs_max,
            step: 0,
            tally: Tally::default(),
            reply_bytes: 0,
        }
    }

    pub(super) fn open(&mut self, client: ClientId, dialect: Dialect) {
        self.tally.connections += 1;
        let reader = Reader::new(client, dialect, self.losses);
        self.readers.insert(client, reader);
    }

    /// The server begins again with what the disk has. That is all that was acknowledged or shown.
    pub(super) fn restart(&mut self, disk: &Disk) {
        self.step += 1;
        self.tally.crashes += 1;
        self.tickets.clear();
        self.changes.clear();
        self.readers.clear();
        let step = self.step;
        self.logs.retain(|room, log| {
            let Some(rows) = disk.rows(*room) else {
                assert!(
                    log.is_over || log.stored.is_empty(),
                    "{:?}: a room in which something is stored survives",
                    log.name
                );
                return false;
            };
            log.restart(rows, disk.has_history(*room), step);
            true
        });
        self.silent = self.logs.keys().copied().collect();
    }

    /// The store has a message from now on.
    pub(super) fn store(&mut self, append: &Append, outcome: &Outcome) {
        let Outcome::Stored {
            id,
            second,
            fresh: true,
            ..
        } = outcome
        else {
            return;
        };
        let second_row = append.second.as_ref().zip(*second);
        let rows = [Some((&append.row, *id)), second_row];
        for ((room, entry), id) in rows.into_iter().flatten() {
            let log = self
                .logs
                .get_mut(room)
                .expect("messages go to rooms there were");
            let number = number_of(entry).expect("every message in here has a number");
            log.stored.push(number);
            self.stored.insert(number);
            assert_eq!(log.stored.len() as u64, id.0, "a store numbers densely");
        }
    }

    /// The chat is about to be told what became of a message.
    pub(super) fn answer(&mut self, ticket: Ticket) {
        if self.changes.remove(&ticket) {
            return;
        }
        let submitted = self.tickets.remove(&ticket);
        let (rooms, _) = submitted.expect("the store answers each message once");
        for room in rooms {
            let log = self
                .logs
                .get_mut(&room)
                .expect("messages go to rooms there were");
            log.outstanding -= 1;
        }
    }

    /// The chat asks for something.
    pub(super) fn note(&mut self, effect: &Effect, is_answer: bool) {
        self.step += 1;
        match effect {
            Effect::Room(order) => self.note_order(order, is_answer),
            Effect::Submit(Job::Write(Write::Append(append))) => self.submit(append),
            Effect::Submit(Job::Write(Write::Change { ticket, .. })) => {
                self.changes.insert(*ticket);
            }
            Effect::Submit(Job::Search(_) | Job::Password(_)) => {}
            Effect::Reply(client, event) => self.reply(*client, event),
            Effect::Finish(client, farewell, _) => self.finish(*client, farewell.as_ref()),
            Effect::Expel(client, _) => {
                self.tally.taken_over += 1;
                if let Some(reader) = self.readers.get_mut(client) {
                    reader.expel(&self.logs);
                }
            }
            Effect::Discard(_)
            | Effect::Named(_)
            | Effect::Record(_)
            | Effect::Administered(..)
            | Effect::Operate(_)
            | Effect::File(_) => {}
        }
    }

    fn note_order(&mut self, order: &RoomOrder, is_answer: bool) {
        let step = self.step;
        match order {
            RoomOrder::Found {
                room,
                name,
                history,
                extent,
            } => {
                if self.silent.remove(room) {
                    let log = self.log_mut(*room);
                    let (name_before, newest) = (log.name, log.stored.len() as u64);
                    assert_eq!((*name, extent.newest.0), (name_before, newest));
                    return;
                }
                let former = self.logs.insert(*room, Log::new(*name, *history));
                assert!(former.is_none(), "room ids are never used again");
            }
            RoomOrder::Keep { room, history } => self.log_mut(*room).keep(*history),
            RoomOrder::Erase(..) => {}
            RoomOrder::Dissolve(room) => self.log_mut(*room).is_over = true,
            RoomOrder::Publish(room, entry) => self.publish(*room, entry, is_answer),
            RoomOrder::Join {
                room,
                client,
                from,
                greeting,
            } => {
                self.tally.resumed_rooms += u64::from(matches!(from, From::After(_)));
                if let Some(reader) = self.readers.get_mut(client) {
                    let dialect = reader.dialect();
                    let greeting = greeting.as_ref().map(|event| encoded(dialect, event));
                    reader.join(*room, &self.logs[room], *from, greeting.unwrap_or_default());
                }
            }
            RoomOrder::Leave { room, client } => {
                if let Some(reader) = self.readers.get_mut(client) {
                    reader.leave(*room, &self.logs[room]);
                }
            }
            RoomOrder::Replay { room, client, from } => {
                self.tally.replays += 1;
                if let Some(reader) = self.readers.get_mut(client) {
                    reader.replay(*room, &self.logs[room], *from);
                }
            }
            RoomOrder::Ignore(client, names) => {
                if let Some(reader) = self.readers.get_mut(client) {
                    reader.ignore(names, step);
                }
            }
        }
    }

    fn log_mut(&mut self, room: RoomId) -> &mut Log {
        self.logs
            .get_mut(&room)
            .expect("rooms are founded before they are used")
    }

    fn publish(&mut self, room: RoomId, entry: &Entry, is_answer: bool) {
        let step = self.step;
        let log = self.log_mut(room);
        assert!(
            is_answer || log.outstanding == 0,
            "{:?}: nothing overtakes what waits for the store",
            log.name
        );
        log.publish(entry, step);
    }

    fn submit(&mut self, append: &Append) {
        let second = append.second.as_ref().map(|(room, _)| *room);
        let rooms: Vec<_> = [Some(append.row.0), second].into_iter().flatten().collect();
        for room in &rooms {
            self.log_mut(*room).outstanding += 1;
        }
        let origin = append.row.1.origin;
        self.tickets.insert(append.ticket, (rooms, origin));
        assert!(
            self.tickets.len() <= self.journal_jobs_max,
            "the journal's jobs are bounded"
        );
    }

    fn reply(&mut self, client: ClientId, event: &Event) {
        let dialect = self.readers.get(&client).map(Reader::dialect);
        if let Event::Stored { key, room, id, .. } = event {
            let log = &self.logs[room];
            let index = usize::try_from(id.0 - 1).expect("ids are small here");
            let number = log.stored.get(index).copied();
            // The inbox in which a private message was first stored may have ended since, and
            // another begun.
            let is_retried = log.name.is_none() && self.stored.contains(&key.0);
            assert!(
                number.is_some() || is_retried,
                "{key:?} is acknowledged, but not stored"
            );
            if dialect == Some(Dialect::Sealed) && !is_retried {
                assert_eq!(number, Some(key.0), "the acknowledgement names the message");
            }
            self.tally.acknowledged += 1;
        }
        if let Event::Refused(..) = event {
            self.tally.refused += 1;
        }
        if let Some(reader) = self.readers.get_mut(&client) {
            let messages = encoded(reader.dialect(), event);
            self.reply_bytes += messages.iter().map(Vec::len).sum::<usize>();
            reader.reply(messages);
        }
    }

    fn finish(&mut self, client: ClientId, farewell: Option<&Event>) {
        let mut submitted = self.tickets.values();
        assert!(
            submitted.all(|(_, origin)| *origin != Some(client)),
            "the goodbye waits until all that was sent is answered"
        );
        if let Some(reader) = self.readers.get_mut(&client) {
            let dialect = reader.dialect();
            let farewell = farewell.map(|event| encoded(dialect, event));
            reader.finish(farewell.unwrap_or_default(), &self.logs);
        }
    }

    /// The bounds, after each turn.
    pub(super) fn assert_bounds(&mut self, usage: Usage) {
        let bounds = &self.bounds;
        let held = [
            (usage.logs_bytes, bounds.logs_bytes_max, "all logs"),
            (
                usage.largest_log_bytes,
                bounds.room_log_bytes_max,
                "a room's log",
            ),
            (
                usage.unfinished_bytes,
                bounds.unfinished_bytes_max,
                "begun entries",
            ),
            (
                usage.write_buffer_bytes,
                bounds
                    .write_buffers_max
                    .saturating_mul(WRITE_BUFFER_BYTES_MAX),
                "write buffers",
            ),
        ];
        self.tally.unfinished += u64::from(usage.unfinished_bytes > 0);
        let lent_bytes_max = bounds
            .write_buffers_max
            .saturating_mul(WRITE_BUFFER_BYTES_MAX);
        let is_lent = usage.write_buffer_bytes + WRITE_BUFFER_BYTES_MAX > lent_bytes_max;
        self.tally.without_buffers += u64::from(is_lent);
        let pages_bytes_max = bounds.page_bytes_max + self.page_entry_bytes_max;
        let held = held.into_iter().chain([
            (usage.pages, bounds.pages_max, "pages"),
            (
                usage.pages_bytes,
                bounds.pages_max.saturating_mul(pages_bytes_max),
                "pages",
            ),
        ]);
        self.tally.pages_waiting += u64::from(usage.pages_waiting > 0);
        for (bytes, bytes_max, what) in held {
            assert!(
                bytes <= bytes_max,
                "{what} hold {bytes} bytes where {bytes_max} are the most"
            );
        }
    }

    /// What must be true when nothing is left to be done.
    pub(super) fn assert_settled(&self, staying: &[ClientId]) {
        assert!(self.tickets.is_empty(), "the store has answered everything");
        for log in self.logs.values() {
            assert_eq!(
                log.by_id.len(),
                log.stored.len(),
                "{:?}: all that is stored is shown",
                log.name
            );
        }
        for client in staying {
            self.readers[client].assert_had_everything(&self.logs);
        }
    }
}

/// What a peer receives of an event: one message each, a line or a frame.
pub(super) fn encoded(dialect: Dialect, event: &Event) -> VecDeque<Vec<u8>> {
    let mut bytes = Vec::new();
    match dialect {
        Dialect::Sealed => {
            message::encode_event(event, &mut bytes);
            [bytes]
                .into_iter()
                .filter(|frame| !frame.is_empty())
                .collect()
        }
        Dialect::Line => {
            line::encode_event(event, &mut bytes);
            bytes
                .split_inclusive(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect()
        }
    }
}
