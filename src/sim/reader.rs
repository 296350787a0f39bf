//! What one connection may be shown: a judge of everything that comes out at its far end.
//!
//! The judge knows what was published, when the connection joined and left, whom it ignored and
//! what it was told directly. It does not know how the fan-out chooses between a live log and a
//! replay of the same entries, so it keeps every reading of the past that is still possible, as an
//! automaton would; when none is left, something was lost, repeated, reordered or made up.

mod cursor;

use super::log::Log;
use crate::chat::{ClientId, From, Name, RoomId, RoomName};
use crate::fanout::Dialect;
use cursor::{Cursor, Rules};
use std::collections::{BTreeMap, VecDeque};

/// One way in which all that was seen of a room can be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    live: Cursor,
    /// Temporary cursors, the oldest first.
    replays: Vec<Cursor>,
}

/// A connection's stay in one room.
#[derive(Debug)]
struct Stint {
    room: RoomId,
    name: Option<RoomName>,
    /// The peer has been told that it is in.
    is_opened: bool,
    /// The peer has been told that it is out.
    is_closed: bool,
    /// Entries from this index on are not for it.
    end: Option<usize>,
    /// It is owed everything before `end`.
    is_finishing: bool,
    after: Option<u64>,
    greeting: VecDeque<Vec<u8>>,
    readings: Vec<Reading>,
}

/// An entry as it came out.
pub(super) struct Seen {
    /// Whether it was shown as the past; not told apart on sealed links.
    pub(super) is_past: Option<bool>,
    /// Its index in the log, if it is stored and so cannot be mistaken.
    pub(super) index: Option<usize>,
}

/// How a room is named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Id(RoomId),
    Named(Option<RoomName>),
}

/// What may be missing of what a reader asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    /// Entries that are not stored, without a word.
    pub(super) unstored: bool,
    /// Stored entries; who goes on is told how many, who is new is not.
    pub(super) stored: bool,
    /// What newcomers may not see, for those who go on: they are told how much it is.
    pub(super) hidden: bool,
}

/// The judge of one connection.
pub(super) struct Reader {
    client: ClientId,
    dialect: Dialect,
    losses: Losses,
    stints: Vec<Stint>,
    /// Whom it ignores and ignored: from when, until when.
    ignored: BTreeMap<Name, (u64, Option<u64>)>,
    replies: VecDeque<Vec<u8>>,
    farewell: Option<VecDeque<Vec<u8>>>,
    is_expelled: bool,
    pub(super) has_had_farewell: bool,
}

impl Reader {
    pub(super) fn new(client: ClientId, dialect: Dialect, losses: Losses) -> Self {
        Self {
            client,
            dialect,
            losses,
            stints: Vec::new(),
            ignored: BTreeMap::new(),
            replies: VecDeque::new(),
            farewell: None,
            is_expelled: false,
            has_had_farewell: false,
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    // --- What the chat asked for ---

    pub(super) fn reply(&mut self, messages: VecDeque<Vec<u8>>) {
        if self.farewell.is_none() && !self.is_expelled {
            self.replies.extend(messages);
        }
    }

    pub(super) fn join(
        &mut self,
        room: RoomId,
        log: &Log,
        from: From,
        greeting: VecDeque<Vec<u8>>,
    ) {
        let is_in = |stint: &Stint| stint.room == room && stint.end.is_none();
        assert!(
            !self.stints.iter().any(is_in),
            "nobody joins {room:?} twice"
        );
        let live = self.begin(log, from);
        let after = match from {
            From::After(id) => Some(id.0),
            From::Newest(_) | From::Since(_) => None,
        };
        self.stints.push(Stint {
            room,
            name: log.name,
            is_opened: self.dialect == Dialect::Line,
            is_closed: false,
            end: None,
            is_finishing: false,
            after,
            greeting,
            readings: vec![Reading {
                live,
                replays: Vec::new(),
            }],
        });
    }

    fn begin(&self, log: &Log, from: From) -> Cursor {
        let next = log.start(from);
        let is_lenient = match from {
            From::After(_) => false,
            From::Newest(_) | From::Since(_) => self.losses.stored,
        };
        Cursor {
            next,
            mark: Some(log.entries.len()),
            shown: 0,
            is_lenient,
            floor: if self.losses.hidden {
                log.visible_from
            } else {
                0
            },
        }
    }

    pub(super) fn replay(&mut self, room: RoomId, log: &Log, from: From) {
        let cursor = self.begin(log, from);
        let is_in = |stint: &&mut Stint| stint.room == room && stint.end.is_none();
        if let Some(stint) = self.stints.iter_mut().find(is_in) {
            for reading in &mut stint.readings {
                reading.replays.push(cursor.clone());
            }
        }
    }

    pub(super) fn leave(&mut self, room: RoomId, log: &Log) {
        let is_in = |stint: &&mut Stint| stint.room == room && !stint.is_closed;
        for stint in self.stints.iter_mut().filter(is_in) {
            stint.end = Some(stint.end.unwrap_or(log.entries.len()));
            stint.is_finishing = false;
        }
    }

    pub(super) fn finish(&mut self, farewell: VecDeque<Vec<u8>>, logs: &BTreeMap<RoomId, Log>) {
        if self.farewell.is_some() || self.is_expelled {
            return;
        }
        self.farewell = Some(farewell);
        for stint in self.stints.iter_mut().filter(|stint| stint.end.is_none()) {
            stint.end = Some(logs[&stint.room].entries.len());
            stint.is_finishing = true;
        }
    }

    pub(super) fn expel(&mut self, logs: &BTreeMap<RoomId, Log>) {
        self.is_expelled = true;
        for stint in &mut self.stints {
            stint.end = Some(stint.end.unwrap_or(logs[&stint.room].entries.len()));
            stint.is_finishing = false;
        }
    }

    pub(super) fn ignore(&mut self, names: &[Name], step: u64) {
        for (name, (_, until)) in &mut self.ignored {
            if !names.contains(name) && until.is_none() {
                *until = Some(step);
            }
        }
        for name in names {
            match self.ignored.get_mut(name) {
                Some(ignored @ (_, Some(_))) => *ignored = (step, None),
                Some((_, None)) => {}
                None => {
                    self.ignored.insert(*name, (step, None));
                }
            }
        }
    }

    // --- What came out ---

    /// The peer was told that the store could not be read.
    pub(super) fn be_refused(&self) {
        assert!(self.losses.stored, "the store can be read");
    }

    /// A direct message came: the next that is owed, or a greeting, or the last words.
    pub(super) fn hear(&mut self, message: &[u8]) {
        let shown = String::from_utf8_lossy(&message[..message.len().min(80)]);
        assert!(
            !self.has_had_farewell,
            "nothing follows the last words: {shown}"
        );
        if self.replies.front().is_some_and(|reply| reply == message) {
            self.replies.pop_front();
            return;
        }
        let is_past_mark = |stint: &Stint| {
            stint
                .readings
                .iter()
                .any(|reading| reading.live.mark.is_none())
        };
        for stint in &mut self.stints {
            if is_past_mark(stint) && stint.greeting.front().is_some_and(|line| line == message) {
                stint.greeting.pop_front();
                return;
            }
        }
        let farewell = self.farewell.as_mut();
        let is_farewell = farewell.is_some_and(|lines| {
            let is_next = lines.front().is_some_and(|line| line == message);
            is_next && lines.pop_front().is_some()
        });
        assert!(
            is_farewell && self.replies.is_empty(),
            "{:?} was told what it is not owed now: {shown}; owed is {:?}",
            self.client,
            self.replies
                .front()
                .map(|reply| String::from_utf8_lossy(reply))
        );
        self.has_had_farewell = self.farewell.as_ref().is_some_and(VecDeque::is_empty);
    }

    /// The peer was told that it is in a room.
    pub(super) fn open(&mut self, room: RoomId) {
        let waits = |stint: &&mut Stint| stint.room == room && !stint.is_opened;
        let stint = self.stints.iter_mut().find(waits);
        stint
            .expect("who is told to be in a room is in it")
            .is_opened = true;
    }

    /// The peer was told that it is out of a room.
    pub(super) fn close(&mut self, place: Place) {
        let at = self.at(place);
        let at = at.expect("who is told to have left a room was in it");
        assert!(
            self.stints[at].end.is_some(),
            "who is told to be out is out"
        );
        self.stints[at].is_closed = true;
    }

    fn at(&self, place: Place) -> Option<usize> {
        self.stints.iter().position(|stint| {
            let is_meant = match place {
                Place::Id(room) => stint.room == room,
                Place::Named(name) => stint.name == name,
            };
            is_meant && stint.is_opened && !stint.is_closed
        })
    }

    /// The room that is meant, if the connection is in it as far as its peer knows.
    pub(super) fn room(&self, place: Place) -> Option<RoomId> {
        self.at(place).map(|at| self.stints[at].room)
    }

    /// An entry came; `matches` tells whether it can be the one at an index of the log.
    pub(super) fn see(
        &mut self,
        place: Place,
        log: &Log,
        seen: &Seen,
        matches: impl Fn(usize) -> bool,
    ) {
        let is_inbox = log.name.is_none() && self.dialect == Dialect::Line;
        let what = format!("entry {:?} (past: {:?})", seen.index, seen.is_past);
        self.advance(place, log, &what, |reading, rules, after| {
            let find = |cursor: &Cursor| {
                if seen.index.is_some() {
                    return seen.index.filter(|index| matches(*index));
                }
                let is_end = |at: &usize| matches(*at) || !rules.may_skip(*at, cursor.is_past(*at));
                (cursor.next..rules.end)
                    .find(is_end)
                    .filter(|at| matches(*at))
            };
            let shows = |cursor: &Cursor, is_replay: bool| {
                let is_past = is_replay || cursor.mark.is_some();
                if seen.is_past.is_some_and(|seen| seen != is_past) {
                    return None;
                }
                cursor.show(find(cursor)?, rules)
            };
            let mut live = reading.live.clone();
            if is_inbox && live.shown == 0 && seen.is_past == Some(false) {
                // Nobody is told the end of a past that a new inbox does not have.
                live.next = live.next.max(live.mark.take().unwrap_or_default());
            }
            if let Some(live) = shows(&live, false) {
                after.push(Reading {
                    live,
                    ..reading.clone()
                });
            }
            if let Some(replay) = reading
                .replays
                .first()
                .and_then(|replay| shows(replay, true))
            {
                let mut reading = reading.clone();
                reading.replays[0] = replay;
                after.push(reading);
            }
        });
    }

    /// The end of the past was told.
    pub(super) fn end_past(&mut self, place: Place, log: &Log, count: u64) {
        self.advance(
            place,
            log,
            "the end of a replay",
            |reading, rules, after| {
                if let Some(live) = reading.live.end_past(count, rules) {
                    after.push(Reading {
                        live,
                        ..reading.clone()
                    });
                }
                let replay = reading.replays.first();
                if replay
                    .and_then(|replay| replay.end_past(count, rules))
                    .is_some()
                {
                    let mut reading = reading.clone();
                    reading.replays.remove(0);
                    after.push(reading);
                }
            },
        );
    }

    /// So many were told to be missed.
    pub(super) fn miss(&mut self, place: Place, log: &Log, count: u64) {
        let what = format!("{count} missed entries");
        self.advance(place, log, &what, |reading, rules, after| {
            for live in reading.live.miss(count, rules) {
                after.push(Reading {
                    live,
                    ..reading.clone()
                });
            }
            let replay = reading.replays.first();
            for replay in replay
                .into_iter()
                .flat_map(|replay| replay.miss(count, rules))
            {
                let mut reading = reading.clone();
                reading.replays[0] = replay;
                after.push(reading);
            }
        });
    }

    /// Replaces the possible readings by those that explain one thing more.
    fn advance(
        &mut self,
        place: Place,
        log: &Log,
        what: &str,
        explain: impl Fn(&Reading, &Rules<'_>, &mut Vec<Reading>),
    ) {
        assert!(!self.has_had_farewell, "nothing follows the last words");
        let at = self.at(place);
        let at = at.unwrap_or_else(|| {
            panic!("{:?} got {what} of {place:?}, where it is not", self.client)
        });
        let stint = &mut self.stints[at];
        let rules = Rules {
            log,
            ignored: &self.ignored,
            client: self.client,
            dialect: self.dialect,
            losses: self.losses,
            end: stint.end.unwrap_or(log.entries.len()),
            is_cut: stint.end.is_some() && !stint.is_finishing,
        };
        let mut after = Vec::new();
        for reading in &stint.readings {
            explain(reading, &rules, &mut after);
        }
        after.dedup();
        assert!(
            !after.is_empty(),
            "{:?} ({:?}) got {what} of {place:?} that cannot come now; it was at {:?}, end {:?}; \
             ignored {:?}; the log there:{}",
            self.client,
            self.dialect,
            stint.readings,
            stint.end,
            self.ignored,
            log.excerpt(stint.readings[0].live.next),
        );
        stint.readings = after;
    }

    // --- What must be true at the end ---

    /// The newest entry the peer has had of a room without a gap before it, if it had any.
    pub(super) fn position(&self, room: RoomId, log: &Log) -> Option<u64> {
        let stint = self
            .stints
            .iter()
            .rev()
            .find(|stint| stint.room == room && stint.is_opened && !stint.is_closed)?;
        let furthest_back = stint
            .readings
            .iter()
            .min_by_key(|reading| reading.live.next)?;
        let cursor = &furthest_back.live;
        if stint.after.is_none() && cursor.shown == 0 {
            return None;
        }
        let stored = log.entries[..cursor.next].iter().rev();
        stored
            .filter_map(|published| published.entry.id)
            .map(|id| id.0)
            .next()
    }

    /// From which entry on a room was read when the stay in it began, if it was resumed.
    pub(super) fn resumed_after(&self, room: RoomId) -> Option<u64> {
        let stint = self.stints.iter().rev().find(|stint| stint.room == room);
        stint.and_then(|stint| stint.after)
    }

    /// Checks that everything owed has come: to one who stays, or to one who was seen off.
    pub(super) fn assert_had_everything(&self, logs: &BTreeMap<RoomId, Log>) {
        if self.is_expelled {
            return;
        }
        let client = self.client;
        assert!(
            self.replies.is_empty(),
            "{client:?} was not told {:?}",
            self.replies
        );
        for stint in &self.stints {
            if stint.end.is_some() && !stint.is_finishing {
                continue;
            }
            let log = &logs[&stint.room];
            let rules = Rules {
                log,
                ignored: &self.ignored,
                client,
                dialect: self.dialect,
                losses: self.losses,
                end: stint.end.unwrap_or(log.entries.len()),
                is_cut: stint.end.is_some() && !stint.is_finishing,
            };
            let is_new_inbox = log.name.is_none() && self.dialect == Dialect::Line;
            let is_whole = |reading: &Reading| {
                let live = &reading.live;
                let has_marked = live.mark.is_none() || (is_new_inbox && live.shown == 0);
                let live = Cursor {
                    mark: None,
                    is_lenient: false,
                    ..live.clone()
                };
                let next = match (has_marked, reading.live.mark) {
                    (true, Some(mark)) => mark.max(live.next),
                    _ => live.next,
                };
                let live = Cursor { next, ..live };
                has_marked && reading.replays.is_empty() && live.may_pass(rules.end, &rules)
            };
            assert!(
                stint.is_opened && stint.readings.iter().any(is_whole),
                "{client:?} ({:?}) did not get all of {:?}: {:?} of {}",
                self.dialect,
                stint.room,
                stint.readings,
                rules.end,
            );
            assert!(stint.greeting.is_empty(), "{client:?} was not greeted");
        }
    }
}
