//! Reading below memory: what the store has and the log no longer does.
//!
//! ```text
//!  in the store   ... 4 5 6 7 8 9 |
//!                       ^ from    | before = 10
//!  in the log                     | 10 11 12 ...
//!                                   ^ the reader's place
//! ```
//!
//! A reader below memory keeps its place in the log, which is the oldest entry it will find there,
//! and has a [`Below`] beside it: what lies before that place and is the store's to give. When the
//! log loses its oldest segment, the place moves on and what lies before it grows by as much. Ids
//! are dense, so both always meet, and how many entries lie between two ids is known.
//!
//! One page at a time belongs to a connection, and it is asked for when it is needed. Whatever
//! becomes of the page, the reader knows what it has had, and asks for what follows.

use super::Fanout;
use super::connection::{CatchUp, Ending, Replay};
use super::log::Log;
use super::pages::{Page, State, Urgency};
use super::segment::{Encoded, Segment};
use crate::chat::{ClientId, EntryId, From, Page as StoredPage, PageRequest, StoreFailure};
use crate::limits::UNACKNOWLEDGED_MAX;
use crate::wire::message;

/// What lies before a reader's place in the log.
pub(super) struct Below {
    /// What is asked for next.
    from: From,
    /// From this entry on it is the log's to give.
    before: u64,
    /// Whether entries that are gone are told of: not to who only asked for some of the newest.
    tells_gap: bool,
    /// What is older is not shown.
    since_unix_ms: u64,
    /// What its own connection said of it, the newest; not shown to a line that is live.
    own: Vec<u64>,
}

/// Which of a connection's readings a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// That of a room it is in.
    Member { room: u32 },
    /// The replay at the front of its queue.
    Replay,
}

/// A connection's hold on a page.
pub(super) struct Hold {
    serial: u64,
    reading: Reading,
    /// Entries of it that were read or passed over.
    at: usize,
    /// Its entries after this one are not read: who asked for some of the newest is not told what
    /// is gone of those, but of what followed its mark it must be.
    until: u64,
    /// What is gone before its first entry was told of.
    is_opened: bool,
}

/// What comes next for a reader below memory.
pub(super) enum Next {
    /// The entry with this id, the `offset`-th of a page.
    Entry { serial: u64, offset: usize, id: u64 },
    /// So many entries are gone.
    Missed(u64),
    /// A newcomer is at its mark.
    Mark,
    /// Nothing; the page has not come.
    Wait,
    /// The store could not read it, and is not asked again.
    Failed,
    /// The rest is in the log.
    Over,
}

impl Below {
    /// Everything after the entry `id`.
    pub(super) fn after(id: u64, before: u64) -> Self {
        Self {
            from: From::After(EntryId(id)),
            before,
            tells_gap: true,
            since_unix_ms: 0,
            own: Vec::new(),
        }
    }

    /// The newest `count`, none of them up to `hidden`.
    pub(super) fn newest(count: u64, hidden: u64, before: u64) -> Self {
        let from = match hidden {
            0 => From::Newest(usize::try_from(count).unwrap_or(usize::MAX)),
            _ => From::After(EntryId(hidden.max(before.saturating_sub(1 + count)))),
        };
        Self {
            from,
            tells_gap: false,
            ..Self::after(0, before)
        }
    }

    /// What is as new as `unix_ms`, nothing of it up to `hidden`.
    pub(super) fn since(unix_ms: u64, hidden: u64, before: u64) -> Self {
        let from = match hidden {
            0 => From::Since(unix_ms),
            _ => From::After(EntryId(hidden)),
        };
        Self {
            from,
            tells_gap: false,
            since_unix_ms: unix_ms,
            ..Self::after(0, before)
        }
    }

    /// The place in the log has moved on: what is before the entry `before` is now the store's.
    pub(super) fn grow(&mut self, before: u64) {
        let by = before.saturating_sub(self.before);
        self.before += by;
        // What is wanted is counted back from there.
        if let From::Newest(count) = &mut self.from {
            *count = count.saturating_add(usize::try_from(by).unwrap_or(usize::MAX));
        }
    }

    /// Notes entries that the reader's own connection said.
    pub(super) fn note_own(&mut self, ids: impl Iterator<Item = u64>) {
        self.own.extend(ids);
        let too_many = self.own.len().saturating_sub(UNACKNOWLEDGED_MAX);
        self.own.drain(..too_many);
    }

    pub(super) fn is_own(&self, id: u64) -> bool {
        self.own.contains(&id)
    }

    /// Every entry up to `id` was had or is gone.
    pub(super) fn pass(&mut self, id: u64) {
        let had = match self.from {
            From::After(had) => had.0,
            From::Newest(_) | From::Since(_) => 0,
        };
        self.from = From::After(EntryId(id.max(had)));
        self.tells_gap = true;
        self.own.retain(|own| *own > id);
    }

    /// Whether everything up to `id` was had.
    pub(super) fn has_passed(&self, id: u64) -> bool {
        match self.from {
            From::After(had) => had.0 >= id,
            From::Newest(_) | From::Since(_) => false,
        }
    }

    /// Whether a newcomer is at its mark, and that is before its place in the log.
    pub(super) fn is_at_mark(&self, mark_id: u64) -> bool {
        mark_id + 1 < self.before && self.has_passed(mark_id)
    }

    /// How many entries are missed if no more of them can be had, as far as that is to be told: all
    /// of those that follow what was had, or a newcomer's mark.
    pub(super) fn lost(&self, mark_id: Option<u64>) -> u64 {
        let had = match self.from {
            From::After(had) if self.tells_gap => had.0,
            From::After(_) | From::Newest(_) | From::Since(_) => mark_id.unwrap_or(self.before),
        };
        (self.before - 1).saturating_sub(had)
    }
}

impl Hold {
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    pub(super) fn reading(&self) -> Reading {
        self.reading
    }
}

impl CatchUp {
    /// What its room's log no longer has for it, between the entries `had` and `before`, is the
    /// store's to give.
    pub(super) fn fall_below(&mut self, had: u64, before: u64) -> &mut Below {
        let below = self.below.get_or_insert_with(|| Below::after(had, before));
        below.grow(before);
        below
    }

    /// No more can be had from the store.
    pub(super) fn give_up_below(&mut self) {
        let mark_id = self.newcomer.as_ref().map(|newcomer| newcomer.mark_id);
        let below = self.below.take();
        self.missed += below.map_or(0, |below| below.lost(mark_id));
    }
}

impl Replay {
    /// What the log no longer has for it, up to the stored entry `newest`, is the store's to give.
    pub(super) fn fall_below(&mut self, newest: u64) {
        if newest > self.stored_before {
            let (had, before) = (self.stored_before, newest + 1);
            let below = self.below.get_or_insert_with(|| Below::after(had, before));
            below.grow(before);
        }
    }

    /// No more can be had from the store.
    pub(super) fn give_up_below(&mut self) {
        let below = self.below.take();
        self.missed += below.map_or(0, |below| below.lost(None));
    }
}

impl Log {
    /// Where a reader begins: its place, how much of what it wants is gone, and what lies before.
    pub(super) fn begin_reading(&self, from: From, has_store: bool) -> (u64, u64, Option<Below>) {
        if has_store {
            let (place, below) = self.start_stored(from);
            (place, 0, below)
        } else {
            let (place, missed) = self.start(from);
            (place, missed, None)
        }
    }

    /// The same, where there is a store: its place, and what lies before that.
    fn start_stored(&self, from: From) -> (u64, Option<Below>) {
        let first = self.first();
        let newest_below = self.stored_before(first);
        let before = newest_below + 1;
        let hidden = self.visible_id();
        // Nothing is asked for that may not be shown, or is known not to be there.
        let may_show = hidden < newest_below;
        match from {
            From::Newest(count) if may_show => {
                let here = self.stored_before(self.next()) - newest_below;
                match (count as u64).checked_sub(here) {
                    None | Some(0) => (self.start(from).0, None),
                    Some(rest) => (first, Some(Below::newest(rest, hidden, before))),
                }
            }
            From::Since(unix_ms) if may_show && self.older_unix_ms() >= unix_ms => {
                (first, Some(Below::since(unix_ms, hidden, before)))
            }
            From::Newest(_) | From::Since(_) => (self.start(from).0, None),
            // Who goes on may have what it missed, though newcomers may not.
            From::After(id) if id.0 < newest_below => (first, Some(Below::after(id.0, before))),
            From::After(id) => (self.after(id, first).0, None),
        }
    }
}

impl Fanout {
    // --- The shell's side ---

    /// Moves into `into` what is to be asked of the store, the most urgent first. To be called once
    /// per turn, after the sweep; each is to be answered with [`Self::supply`].
    pub fn take_page_requests(&mut self, into: &mut Vec<PageRequest>) {
        loop {
            while let Some(request) = self.pages.take_request() {
                into.push(request);
            }
            let connections = &self.connections;
            let is_stuck = |client: ClientId, serial: u64| {
                let connection = &connections[client.slot as usize];
                !connection.is(client) || connection.is_blocked || !connection.holds(serial)
            };
            match self.pages.give_up_stuck(is_stuck) {
                Some(segment) => self.let_go(segment),
                None => break,
            }
        }
        self.hold_unfinished_bound();
    }

    /// The store's answer to a request. One that nobody waits for any more is ignored.
    pub fn supply(&mut self, request: &PageRequest, answer: Result<StoredPage, StoreFailure>) {
        if !self.pages.is_sent(request) {
            return;
        }
        let page = match answer {
            // Nothing at all, and not the end: it would be asked for again for ever.
            Ok(page) if page.entries.is_empty() && !page.is_last => None,
            Ok(page) => Some(self.encode_page(request, &page)),
            Err(_) => None,
        };
        let (serial, readers) = self.pages.answer(request, page);
        for client in readers {
            self.go_on(client, serial);
        }
    }

    /// The same bytes as when they were live.
    fn encode_page(&mut self, request: &PageRequest, page: &StoredPage) -> Page {
        let mut segment = Segment::new(0, 0, 0, 0);
        let mut reaches = 0;
        let mut is_whole = true;
        for entry in &page.entries {
            let id = entry.id.expect("what is stored has an id").0;
            assert!(
                id > reaches && id < request.before.0,
                "a page is in order and ends where it was asked to"
            );
            if segment.bytes() >= self.bounds.page_bytes_max {
                is_whole = false;
                break;
            }
            self.scratch.clear();
            message::encode_entry(request.room, entry, &mut self.scratch);
            let encoded = Encoded {
                id: entry.id,
                unix_ms: entry.unix_ms,
                origin: None,
                sealed: &self.scratch,
                line: &[],
            };
            segment.append(&encoded, usize::MAX);
            reaches = id;
        }
        if page.is_last && is_whole {
            reaches = request.before.0 - 1;
        }
        segment.close();
        Page {
            segment,
            missed: page.missed,
            reaches,
        }
    }

    /// A page has come that a connection waits for.
    fn go_on(&mut self, client: ClientId, serial: u64) {
        let Some(slot) = self.present(client) else {
            return;
        };
        let connection = &self.connections[slot];
        if !connection.holds(serial) {
            return;
        }
        if let Some(room) = connection.page_room() {
            self.look_again(client.slot, room);
        }
        self.make_ready(client.slot);
    }

    /// Has a member of a room visited that nobody would visit for the room's sake.
    pub(super) fn look_again(&mut self, slot: u32, at: u32) {
        if let Some(member) = self.connections[slot as usize].member_of(at) {
            self.rooms[at as usize].members.set_behind(member as usize);
            self.queue_room(at);
        }
    }

    /// A page is gone; what connections must still finish of it stays.
    fn let_go(&mut self, segment: Segment) {
        for stream in segment.into_streams() {
            self.ledger.adopt(stream);
        }
    }

    // --- The reader's side ---

    /// What comes next of what lies before a reader's place, which is `below`. Newcomers say where
    /// their mark is.
    pub(super) fn next_below(
        &mut self,
        slot: u32,
        at: u32,
        reading: Reading,
        below: &mut Below,
        mark_id: Option<u64>,
    ) -> Next {
        loop {
            let Some(hold) = self.connections[slot as usize].hold_mut(reading) else {
                if mark_id.is_some_and(|mark_id| below.is_at_mark(mark_id)) {
                    return Next::Mark;
                }
                if below.has_passed(below.before - 1) {
                    return Next::Over;
                }
                if !self.ask_page(slot, at, reading, below, mark_id) {
                    return Next::Wait;
                }
                continue;
            };
            let serial = hold.serial;
            match self.pages.state(serial) {
                Some(State::Queued | State::Sent) => return Next::Wait,
                Some(State::Held(page)) => match step_page(page, hold, below) {
                    Some(Next::Entry { id, .. }) if mark_id.is_some_and(|mark| id > mark) => {
                        return Next::Mark;
                    }
                    Some(next) => return next,
                    None => self.release_page(slot, reading),
                },
                Some(State::Failed) => {
                    self.release_page(slot, reading);
                    return Next::Failed;
                }
                // It had to make room.
                None => self.release_page(slot, reading),
            }
        }
    }

    /// The reader has had the entry that [`Self::next_below`] named.
    pub(super) fn pass_below(&mut self, slot: u32, reading: Reading, below: &mut Below, id: u64) {
        let hold = self.connections[slot as usize].hold_mut(reading);
        hold.expect("the entry was of a page").at += 1;
        below.pass(id);
    }

    /// Wants the next page; false when another of the connection's readings has one that goes
    /// before.
    fn ask_page(
        &mut self,
        slot: u32,
        at: u32,
        reading: Reading,
        below: &Below,
        mark_id: Option<u64>,
    ) -> bool {
        let connection = &self.connections[slot as usize];
        let urgency = match reading {
            Reading::Member { room } if connection.is_newcomer(room) => Urgency::Join,
            Reading::Member { .. } => Urgency::CatchUp,
            Reading::Replay => Urgency::Replay,
        };
        let client = connection.client(slot);
        if let Some(other) = connection.reading_page() {
            // What was asked for goes first, as with everything else; who lags behind asks again.
            if urgency == Urgency::CatchUp {
                return false;
            }
            self.release_page(slot, other);
        }
        let request = PageRequest {
            room: self.rooms[at as usize].id,
            from: below.from,
            before: EntryId(below.before),
        };
        let serial = self.pages.ask(client, request, urgency);
        self.connections[slot as usize].cold_mut().page = Some(Hold {
            serial,
            reading,
            at: 0,
            until: mark_id.filter(|_| !below.tells_gap).unwrap_or(u64::MAX),
            is_opened: false,
        });
        true
    }

    /// A reading turns away from its page, if it has one. Others of the connection may have waited
    /// for that.
    pub(super) fn release_page(&mut self, slot: u32, reading: Reading) {
        let connection = &mut self.connections[slot as usize];
        if connection.reading_page() != Some(reading) {
            return;
        }
        let hold = connection.cold_mut().page.take();
        let hold = hold.expect("it was just seen");
        if let Some(segment) = self.pages.release(hold.serial) {
            self.let_go(segment);
        }
        if self.connections[slot as usize].ending != Ending::Gone {
            self.make_ready(slot);
        }
    }

    /// A room has ended, and the store forgets it: who still receives the rest of it goes on with
    /// what memory has.
    pub(super) fn give_up_store(&mut self, at: u32) {
        for slot in self.rooms[at as usize].members.slots().to_vec() {
            self.release_page(slot, Reading::Member { room: at });
            if self.connections[slot as usize].page_room() == Some(at) {
                self.release_page(slot, Reading::Replay);
            }
            let connection = &mut self.connections[slot as usize];
            if let Some(catch_up) = connection.catch_up_mut(at) {
                catch_up.give_up_below();
            }
            if let Some(cold) = connection.cold.as_mut() {
                for replay in cold.replays.iter_mut().filter(|one| one.room == at) {
                    replay.give_up_below();
                }
            }
            if connection.ending != Ending::Gone {
                self.look_again(slot, at);
                self.make_ready(slot);
            }
        }
    }
}

/// What a page has next for one of its readers; nothing when it has read it all.
fn step_page(page: &Page, hold: &mut Hold, below: &mut Below) -> Option<Next> {
    let index = page.segment.index();
    if !std::mem::replace(&mut hold.is_opened, true) && page.missed > 0 && below.tells_gap {
        // So that it is told of them once, even if the page must be asked for again.
        below.pass(index.first().map_or(page.reaches, |first| first.id - 1));
        return Some(Next::Missed(page.missed));
    }
    while let Some(entry) = index.get(hold.at).filter(|entry| entry.id <= hold.until) {
        // Of a room that once hid its past, all is asked for that may be shown.
        if entry.unix_ms >= below.since_unix_ms {
            return Some(Next::Entry {
                serial: hold.serial,
                offset: hold.at,
                id: entry.id,
            });
        }
        hold.at += 1;
        below.pass(entry.id);
    }
    below.pass(page.reaches.min(hold.until));
    None
}
