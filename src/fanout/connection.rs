//! One connection: a hot part of one cache line, and a cold part that idle ones do not have.
//!
//! The hot part is what a visit touches for every member of a busy room. Whatever is rare (direct
//! replies, a rest the kernel would not take, a replay, a list of ignored people) is boxed and
//! goes as soon as it is empty.

use super::Dialect;
use super::below::{Below, Hold, Reading};
use super::buffers::Rest;
use super::unfinished::Unfinished;
use super::visit::Filled;
use crate::buffer::ByteQueue;
use crate::chat::{ClientId, Close, Name};
use crate::limits::{CACHE_LINE_BYTES, REPLAYS_QUEUED_MAX};
use crate::wire::frame::frame_len;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// No room, no place.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Memberships kept in the hot part: most people are in one room and have an inbox.
const NEAR: usize = 2;

/// A room, and which of its members this connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) room: u32,
    pub(super) member: u32,
}

const NO_MEMBERSHIP: Membership = Membership {
    room: NOWHERE,
    member: NOWHERE,
};

/// How far a connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has not begun, or the slot is vacant.
    Staying,
    /// Everything published and owed so far is still delivered.
    Finishing,
    /// Only the message begun is still delivered.
    Expelled,
    /// The closing record is sealed; nothing may follow it.
    Closed,
    /// It is lost, or the shell was told that it is over.
    Gone,
}

/// What a visit needs of a connection.
pub(super) struct Connection {
    generation: u32,
    pub(super) is_open: bool,
    pub(super) dialect: Dialect,
    pub(super) ending: Ending,
    /// The kernel has refused bytes; nothing is offered until it reports space.
    pub(super) is_blocked: bool,
    /// It stands in the ready queue.
    pub(super) is_ready: bool,
    /// It stands in the queue of those that may have stalled.
    pub(super) is_watched: bool,
    /// Which membership is served first in the next record: the one that waits longest.
    pub(super) turn: u16,
    /// The room whose entry was begun and must be finished first.
    pub(super) begun: u32,
    memberships: u32,
    near: [Membership; NEAR],
    /// When the kernel last took a byte of it.
    pub(super) moved_at: Duration,
    pub(super) cold: Option<Box<Cold>>,
}

const _: () = assert!(size_of::<Connection>() <= CACHE_LINE_BYTES);

/// What most connections do not have most of the time.
#[derive(Default)]
pub(super) struct Cold {
    /// What the kernel would not take of the last record.
    pub(super) rest: Rest,
    /// The rest of an entry that is no longer where it was.
    pub(super) unfinished: Option<Unfinished>,
    pub(super) replies: ByteQueue,
    /// How many of the oldest bytes of `replies` belong to a message that was begun.
    pub(super) reply_begun: usize,
    /// Memberships that do not fit the hot part.
    far: Vec<Membership>,
    pub(super) catch_ups: Vec<CatchUp>,
    /// How many times it has asked for what was before.
    asked: u32,
    pub(super) replays: VecDeque<Replay>,
    /// The page that one of its readings waits for or reads.
    pub(super) page: Option<Hold>,
    pub(super) ignored: Option<Arc<[Name]>>,
    /// While finishing: where each room ends for this connection.
    pub(super) stops: Vec<Stop>,
    pub(super) farewell: Vec<u8>,
    pub(super) close: Option<Close>,
}

/// A member that is not simply live: it is below memory, missed entries, or has not reached its
/// mark.
pub(super) struct CatchUp {
    pub(super) room: u32,
    /// Stored entries that are gone and were not shown, to be told next.
    pub(super) missed: u64,
    /// The store could not be read, which is to be told before that.
    pub(super) is_unreadable: bool,
    /// What comes before its place in the log.
    pub(super) below: Option<Below>,
    pub(super) newcomer: Option<Newcomer>,
}

/// A member before its mark: what it is shown is the past.
pub(super) struct Newcomer {
    /// Sequence number of the first entry that is new for it.
    pub(super) mark: u64,
    /// The newest stored entry before it.
    pub(super) mark_id: u64,
    /// Entries shown.
    pub(super) shown: u64,
    /// When it asked, counted among all it asked for.
    pub(super) asked: u32,
    /// What it is told at the mark, encoded, and what it has been answered since.
    pub(super) greeting: Vec<u8>,
}

/// A temporary cursor: what was before, once more.
pub(super) struct Replay {
    pub(super) room: u32,
    /// It has been told that it begins.
    pub(super) is_begun: bool,
    /// Sequence number of the next entry to look at.
    pub(super) next: u64,
    /// Sequence number at which it ends.
    pub(super) end: u64,
    /// Stored entries of the room before `next`, by which gaps are counted.
    pub(super) stored_before: u64,
    /// Stored entries of the room before `end`.
    pub(super) stored_before_end: u64,
    /// Stored entries that were gone from the start, to be told first.
    pub(super) missed: u64,
    /// The store could not be read, which is to be told before that.
    pub(super) is_unreadable: bool,
    /// What comes before `next`.
    pub(super) below: Option<Below>,
    pub(super) shown: u64,
    /// When it was asked for, counted among all that was.
    pub(super) asked: u32,
    /// What the connection has been answered since, encoded.
    pub(super) tail: Vec<u8>,
}

/// Something of the past that a connection asked to be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It joined `room`.
    Newcomer { room: u32 },
    /// It asked for the replay at the front of its queue.
    Replay,
}

/// Where a room ends for a finishing connection.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    pub(super) room: u32,
    pub(super) sequence: u64,
    /// The newest stored entry before that.
    pub(super) id: u64,
    pub(super) position: u64,
}

impl CatchUp {
    /// Nothing to catch up with.
    pub(super) fn new(room: u32) -> Self {
        Self {
            room,
            missed: 0,
            is_unreadable: false,
            below: None,
            newcomer: None,
        }
    }
}

impl Connection {
    /// A slot nobody has used yet.
    pub(super) const fn vacant() -> Self {
        Self {
            generation: 0,
            is_open: false,
            dialect: Dialect::Line,
            ending: Ending::Staying,
            is_blocked: false,
            is_ready: false,
            is_watched: false,
            turn: 0,
            begun: NOWHERE,
            memberships: 0,
            near: [NO_MEMBERSHIP; NEAR],
            moved_at: Duration::ZERO,
            cold: None,
        }
    }

    pub(super) fn opened(generation: u32, dialect: Dialect) -> Self {
        Self {
            generation,
            is_open: true,
            dialect,
            ..Self::vacant()
        }
    }

    /// Whether `client` names this slot's present user.
    pub(super) fn is(&self, client: ClientId) -> bool {
        self.is_open && self.generation == client.generation
    }

    pub(super) fn client(&self, slot: u32) -> ClientId {
        ClientId {
            slot,
            generation: self.generation,
        }
    }

    /// The cold part, made when it is missing.
    pub(super) fn cold_mut(&mut self) -> &mut Cold {
        self.cold.get_or_insert_default()
    }

    /// Gives the cold part back when nothing is in it.
    pub(super) fn tidy(&mut self) {
        if self.cold.as_ref().is_some_and(|cold| cold.is_vacant()) {
            self.cold = None;
        }
    }

    pub(super) fn is_finishing(&self) -> bool {
        self.ending == Ending::Finishing
    }

    pub(super) fn has_rest(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| !cold.rest.is_empty())
    }

    /// Whether something is owed to it beside what rooms hold for it.
    pub(super) fn is_owed(&self) -> bool {
        self.ending != Ending::Staying
            || self.cold.as_ref().is_some_and(|cold| {
                cold.unfinished.is_some() || !cold.replies.is_empty() || !cold.replays.is_empty()
            })
    }

    /// Whether it is to be visited again for its own sake after a visit came to `filled`.
    pub(super) fn goes_on(&self, filled: Filled) -> bool {
        let cold = self.cold.as_ref();
        match filled {
            Filled::Done => self.is_owed(),
            // It may not have been seen what waits and what need not.
            Filled::Full => self.is_owed() || cold.is_some_and(|cold| cold.page.is_some()),
            Filled::Waiting => {
                cold.is_some_and(|cold| cold.unfinished.is_some() || !cold.replies.is_empty())
            }
        }
    }

    pub(super) fn ignored(&self) -> &[Name] {
        let ignored = self.cold.as_ref().and_then(|cold| cold.ignored.as_deref());
        ignored.unwrap_or_default()
    }

    /// Whether it has not reached its mark in `room`.
    pub(super) fn is_newcomer(&self, room: u32) -> bool {
        self.cold.as_ref().is_some_and(|cold| {
            let mut catch_ups = cold.catch_ups.iter();
            catch_ups.any(|one| one.room == room && one.newcomer.is_some())
        })
    }

    pub(super) fn catch_up_mut(&mut self, room: u32) -> Option<&mut CatchUp> {
        let cold = self.cold.as_mut()?;
        cold.catch_ups.iter_mut().find(|one| one.room == room)
    }

    /// Whether what is new in `room` must wait until the replay of it is over: it is within.
    pub(super) fn is_replaying(&self, room: u32) -> bool {
        let front = self.cold.as_ref().and_then(|cold| cold.replays.front());
        front.is_some_and(|replay| replay.is_begun && replay.room == room)
    }

    /// Whether it does not go on in `room` by itself, but when a page has come.
    pub(super) fn is_held_up(&self, room: u32) -> bool {
        let is_below = |one: &CatchUp| one.room == room && one.below.is_some();
        let cold = self.cold.as_ref();
        cold.is_some_and(|cold| cold.catch_ups.iter().any(is_below)) || self.is_replaying(room)
    }

    /// Which of its readings has a page.
    pub(super) fn reading_page(&self) -> Option<Reading> {
        let hold = self.cold.as_ref()?.page.as_ref()?;
        Some(hold.reading())
    }

    /// The room that its page is of.
    pub(super) fn page_room(&self) -> Option<u32> {
        match self.reading_page()? {
            Reading::Member { room } => Some(room),
            Reading::Replay => {
                let front = self.cold.as_ref()?.replays.front();
                front.map(|replay| replay.room)
            }
        }
    }

    /// Whether it waits for a page or reads it.
    pub(super) fn holds(&self, serial: u64) -> bool {
        let hold = self.cold.as_ref().and_then(|cold| cold.page.as_ref());
        hold.is_some_and(|hold| hold.serial() == serial)
    }

    /// Its hold on a page, if that is for `reading`.
    pub(super) fn hold_mut(&mut self, reading: Reading) -> Option<&mut Hold> {
        let hold = self.cold.as_mut()?.page.as_mut()?;
        (hold.reading() == reading).then_some(hold)
    }

    /// Where `room` ends for it, if it is finishing.
    pub(super) fn stop(&self, room: u32) -> Option<Stop> {
        let cold = self.cold.as_ref()?;
        cold.stops.iter().find(|stop| stop.room == room).copied()
    }

    // --- Memberships ---

    pub(super) fn membership_count(&self) -> usize {
        self.memberships as usize
    }

    pub(super) fn membership(&self, at: usize) -> Membership {
        match at.checked_sub(NEAR) {
            None => self.near[at],
            Some(far) => {
                self.cold
                    .as_ref()
                    .expect("far memberships are in the cold part")
                    .far[far]
            }
        }
    }

    pub(super) fn memberships(&self) -> impl Iterator<Item = Membership> + '_ {
        (0..self.membership_count()).map(|at| self.membership(at))
    }

    pub(super) fn last_membership(&self) -> Option<Membership> {
        let last = self.membership_count().checked_sub(1)?;
        Some(self.membership(last))
    }

    /// Which member of `room` it is.
    pub(super) fn member_of(&self, room: u32) -> Option<u32> {
        let found = self.memberships().find(|one| one.room == room);
        found.map(|one| one.member)
    }

    pub(super) fn add_membership(&mut self, membership: Membership) {
        let at = self.membership_count();
        self.memberships += 1;
        match at.checked_sub(NEAR) {
            None => self.near[at] = membership,
            Some(_) => self.cold_mut().far.push(membership),
        }
    }

    pub(super) fn remove_membership(&mut self, room: u32) {
        let at = (0..self.membership_count()).find(|at| self.membership(*at).room == room);
        let at = at.expect("only members leave");
        let last = self.membership(self.membership_count() - 1);
        self.set_membership(at, last);
        self.memberships -= 1;
        match self.membership_count().checked_sub(NEAR) {
            None => self.near[self.membership_count()] = NO_MEMBERSHIP,
            Some(far) => self.cold_mut().far.truncate(far),
        }
    }

    /// Its place among the members of `room` has changed.
    pub(super) fn move_member(&mut self, room: u32, member: u32) {
        let at = (0..self.membership_count()).find(|at| self.membership(*at).room == room);
        self.set_membership(
            at.expect("members know their rooms"),
            Membership { room, member },
        );
    }

    fn set_membership(&mut self, at: usize, membership: Membership) {
        match at.checked_sub(NEAR) {
            None => self.near[at] = membership,
            Some(far) => self.cold_mut().far[far] = membership,
        }
    }
}

impl Cold {
    fn is_vacant(&self) -> bool {
        self.rest.is_empty()
            && self.unfinished.is_none()
            && self.replies.is_empty()
            && self.far.is_empty()
            && self.catch_ups.is_empty()
            && self.replays.is_empty()
            && self.page.is_none()
            && self.ignored.is_none()
            && self.stops.is_empty()
            && self.farewell.is_empty()
            && self.close.is_none()
    }

    /// Counts one more thing asked for; returns its number.
    pub(super) fn ask(&mut self) -> u32 {
        self.asked += 1;
        self.asked
    }

    /// What was asked for first and is not over.
    pub(super) fn oldest_asked(&self) -> Option<Asked> {
        let newcomer = |one: &CatchUp| {
            let room = one.room;
            one.newcomer
                .as_ref()
                .map(|one| (one.asked, Asked::Newcomer { room }))
        };
        let newcomers = self.catch_ups.iter().filter_map(newcomer);
        let replay = self.replays.front().map(|one| (one.asked, Asked::Replay));
        let oldest = newcomers.chain(replay).min_by_key(|(asked, _)| *asked);
        oldest.map(|(_, asked)| asked)
    }

    /// Appends a reply behind everything asked for so far.
    pub(super) fn append_reply(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.append_behind(u32::MAX, write);
    }

    /// Appends words behind what was asked for before the time `asked`.
    pub(super) fn append_behind(&mut self, asked: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let newcomers = self.catch_ups.iter_mut();
        let newcomers = newcomers.filter_map(|one| one.newcomer.as_mut());
        let newcomers = newcomers.map(|one| (one.asked, &mut one.greeting));
        let replays = self
            .replays
            .iter_mut()
            .map(|one| (one.asked, &mut one.tail));
        let before = newcomers.chain(replays).filter(|(other, _)| *other < asked);
        match before.max_by_key(|(other, _)| *other) {
            Some((_, waiting)) => write(waiting),
            None => self.replies.append_with(write),
        }
    }

    /// Bytes of replies that wait, wherever they do.
    pub(super) fn reply_bytes(&self) -> usize {
        let newcomers = self
            .catch_ups
            .iter()
            .filter_map(|one| one.newcomer.as_ref());
        let waiting: usize = newcomers.map(|one| one.greeting.len()).sum();
        let tails: usize = self.replays.iter().map(|one| one.tail.len()).sum();
        self.replies.len() + waiting + tails
    }

    /// Whether another replay may be queued.
    pub(super) fn takes_replay(&self) -> bool {
        self.replays.len() < REPLAYS_QUEUED_MAX
    }

    /// Forgets the oldest `count` bytes of the replies, and sees where that ends within a message.
    pub(super) fn consume_replies(&mut self, dialect: Dialect, count: usize) {
        let pending = self.replies.pending();
        let mut at = self.reply_begun;
        while at < count {
            at += message_bytes(dialect, &pending[at..]);
        }
        self.reply_begun = at - count;
        self.replies.consume(count);
    }

    /// Throws away all replies that were not begun.
    pub(super) fn cut_replies(&mut self) {
        let begun = self.replies.pending()[..self.reply_begun].to_vec();
        self.replies.clear();
        self.replies.append(&begun);
    }
}

/// Length of the first message of `replies`, which begin with one.
fn message_bytes(dialect: Dialect, replies: &[u8]) -> usize {
    match dialect {
        Dialect::Sealed => frame_len(replies).expect("replies are whole frames"),
        Dialect::Line => {
            let end = replies.iter().position(|byte| *byte == b'\n');
            end.map_or(replies.len(), |end| end + 1)
        }
    }
}
