//! The model's side of one reader in one room: what must come next, and what may be left out.
//!
//! The model knows every entry of a room in order. A reading is the place in that list up to which
//! everything is accounted for; each thing a client reads must lead on from there.

use super::super::Dialect;
use super::kernel::INBOX;
use crate::chat::{ClientId, From, RoomId};

/// One entry of a room, as the model keeps it.
pub(super) struct Record {
    pub(super) serial: u64,
    pub(super) id: Option<u64>,
    pub(super) unix_ms: u64,
    pub(super) author: &'static str,
    pub(super) origin: Option<ClientId>,
    /// It is taken back in the store, though memory may still have it.
    pub(super) is_erased: bool,
    /// The store keeps it no longer.
    pub(super) is_gone: bool,
}

#[derive(Default)]
pub(super) struct ModelRoom {
    pub(super) entries: Vec<Record>,
    /// Below this newcomers see nothing.
    pub(super) visible_from: usize,
    pub(super) keeps_history: bool,
}

/// How far one reading of a room has come.
pub(super) struct Reading {
    /// Everything before this entry is accounted for.
    pub(super) next: usize,
    /// Where the past ends; what follows is new.
    pub(super) mark: usize,
    /// Where it ends, while that is known.
    pub(super) end: Option<usize>,
    pub(super) is_past: bool,
    /// The first entry may come later than asked for, if the rest is gone without a word.
    pub(super) may_skip: bool,
    /// Entries before this one may be left out: they take the place of such as were taken back, as
    /// far as those who count know of that.
    pub(super) surely_from: usize,
    /// The first entry may come later, if the store keeps those before it no longer.
    pub(super) may_skip_gone: bool,
    pub(super) missed: u64,
    pub(super) shown: u64,
}

impl Reading {
    /// Takes the news that `upto` was reached, checking every entry skipped on the way.
    pub(super) fn advance(
        &mut self,
        room: &ModelRoom,
        person: &Withheld,
        upto: usize,
        evicts: bool,
    ) {
        assert!(upto >= self.next, "nothing comes twice or out of order");
        let skipped = room.entries[self.next..upto].iter();
        let skipped = skipped.zip(self.next..).map(|(record, at)| (at, record));
        // What was gone when it joined, before anything was missed, counts neither here nor there.
        let is_hidden = |at: usize, record: &Record| {
            self.may_skip
                || at < self.surely_from
                || record.is_erased
                || (self.may_skip_gone && record.is_gone)
                || self.hides(record, person, evicts)
        };
        let stored = |record: &Record| u64::from(record.id.is_some());
        // What is withheld was missed or passed; who was shown nothing of it cannot tell.
        let most: u64 = skipped.clone().map(|(_, record)| stored(record)).sum();
        let shown = skipped.filter(|(at, record)| !is_hidden(*at, record));
        let shown = shown.map(|(_, record)| record);
        let least: u64 = shown.clone().map(stored).sum();
        assert!(
            (least..=most).contains(&self.missed),
            "of the entries {} to {upto} {least} to {most} may be missed, not {}",
            self.next,
            self.missed
        );
        let is_told = |record: &Record| record.id.is_some() || self.missed > 0;
        assert!(shown.clone().all(is_told), "nothing is withheld silently");
        self.missed = 0;
        self.next = upto;
    }

    /// The past ends here. What was missed may reach beyond it, and is looked at with what follows.
    pub(super) fn pass_mark(&mut self, room: &ModelRoom, person: &Withheld, evicts: bool) {
        if self.missed == 0 {
            self.advance(room, person, self.mark, evicts);
            self.may_skip = false;
            self.may_skip_gone = false;
        }
        self.is_past = false;
    }

    /// A new inbox has no past on the line door, and does not speak of it.
    pub(super) fn pass_silent_mark(
        &mut self,
        id: RoomId,
        room: &ModelRoom,
        person: &Withheld,
        evicts: bool,
    ) {
        let is_silent = id == INBOX && person.dialect == Dialect::Line && self.shown == 0;
        if is_silent && self.is_past {
            self.pass_mark(room, person, evicts);
        }
    }

    fn hides(&self, record: &Record, person: &Withheld, evicts: bool) -> bool {
        let is_own = person.dialect == Dialect::Line && record.origin == Some(person.client);
        let by_tense = if self.is_past {
            record.id.is_none()
        } else {
            is_own || (evicts && record.id.is_none())
        };
        by_tense || person.ignored == Some(record.author)
    }

    pub(super) fn take(&mut self, room: &ModelRoom, person: &Withheld, at: usize, evicts: bool) {
        let record = &room.entries[at];
        self.advance(room, person, at, evicts);
        let serial = record.serial;
        let is_shown = !self.hides(record, person, false);
        assert!(is_shown, "{serial} should have been withheld");
        assert!(!self.is_past || at < self.mark, "the past ends at the mark");
        assert!(
            self.end.is_none_or(|end| at < end),
            "nothing comes after the end"
        );
        self.next = at + 1;
        self.shown += 1;
        self.may_skip = false;
        self.may_skip_gone = false;
    }
}

/// What decides over what is withheld from a client.
pub(super) struct Withheld {
    pub(super) client: ClientId,
    pub(super) dialect: Dialect,
    pub(super) ignored: Option<&'static str>,
}

impl ModelRoom {
    pub(super) fn floor(&self) -> usize {
        if self.keeps_history {
            self.visible_from
        } else {
            self.entries.len()
        }
    }

    /// Where a reading begins, if nothing was let go for good.
    pub(super) fn start(&self, from: From, evicts: bool, has_store: bool) -> Reading {
        let stored: Vec<usize> = (0..self.entries.len())
            .filter(|at| self.entries[*at].id.is_some())
            .collect();
        let there: Vec<usize> = (0..self.entries.len())
            .filter(|at| self.entries[*at].id.is_some() && !self.entries[*at].is_erased)
            .collect();
        let newest = |of: &[usize], count: usize| {
            let at = of.len().saturating_sub(count);
            of.get(at).copied().unwrap_or(self.entries.len())
        };
        let first = |found: Option<&usize>| found.copied().unwrap_or(self.entries.len());
        let mut surely_from = 0;
        let (mut next, mut may_skip) = match from {
            From::Newest(count) => {
                surely_from = newest(&stored, count);
                (newest(&there, count).min(surely_from), true)
            }
            From::Since(ms) => {
                let is_new = |at: &&usize| self.entries[**at].unix_ms >= ms;
                (first(stored.iter().find(is_new)), true)
            }
            From::After(id) => {
                let is_new = |at: &&usize| self.entries[**at].id > Some(id.0);
                (first(stored.iter().find(is_new)), false)
            }
        };
        if may_skip {
            next = next.max(self.floor());
            may_skip = evicts && !has_store;
        }
        Reading {
            next,
            mark: self.entries.len(),
            end: None,
            is_past: true,
            may_skip,
            surely_from,
            may_skip_gone: has_store && !matches!(from, From::After(_)),
            missed: 0,
            shown: 0,
        }
    }
}
