//! Where one reading of a room's log stands, and what may come next there.

use super::Losses;
use crate::chat::{ClientId, Name};
use crate::fanout::Dialect;
use crate::sim::log::Log;
use std::collections::BTreeMap;

/// Where one reading of a room's log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Index of the next entry.
    pub(super) next: usize,
    /// Below it entries are shown as the past; set until the end of the past was told.
    pub(super) mark: Option<usize>,
    pub(super) shown: u64,
    /// What was asked for may be gone: the first entry may be a later one.
    pub(super) is_lenient: bool,
    /// Entries below it are hidden, and counted as missed.
    pub(super) floor: usize,
}

/// What the rules for one entry depend on.
pub(super) struct Rules<'a> {
    pub(super) log: &'a Log,
    pub(super) ignored: &'a BTreeMap<Name, (u64, Option<u64>)>,
    pub(super) client: ClientId,
    pub(super) dialect: Dialect,
    pub(super) losses: Losses,
    pub(super) end: usize,
    /// It has left: what it was being shown of the past may end anywhere.
    pub(super) is_cut: bool,
}

impl Rules<'_> {
    /// Whether the entry may have been left out without a word.
    pub(super) fn may_skip(&self, index: usize, is_past: bool) -> bool {
        let published = &self.log.entries[index];
        let entry = &published.entry;
        let is_stored = entry.id.is_some();
        let is_ignored = !published.is_own_copy()
            && self
                .ignored
                .get(&entry.author)
                .is_some_and(|(_, until)| until.is_none_or(|until| until >= published.step));
        if is_past {
            return !is_stored || is_ignored;
        }
        let is_own = self.dialect == Dialect::Line && entry.origin == Some(self.client);
        is_ignored || is_own || (self.losses.unstored && !is_stored)
    }

    /// Whether the entry may be shown at all.
    pub(super) fn may_show(&self, index: usize, is_past: bool) -> bool {
        let published = &self.log.entries[index];
        let entry = &published.entry;
        let is_ignored = !published.is_own_copy()
            && self
                .ignored
                .get(&entry.author)
                .is_some_and(|(from, until)| *from < published.step && until.is_none());
        let is_own = self.dialect == Dialect::Line && entry.origin == Some(self.client);
        index < self.end && !is_ignored && if is_past { entry.id.is_some() } else { !is_own }
    }
}

impl Cursor {
    pub(super) fn is_past(&self, index: usize) -> bool {
        self.mark.is_some_and(|mark| index < mark)
    }

    /// Whether all entries from here to `index` may have been left out.
    pub(super) fn may_pass(&self, index: usize, rules: &Rules<'_>) -> bool {
        (self.is_lenient && self.shown == 0)
            || (self.next..index).all(|at| rules.may_skip(at, self.is_past(at)))
    }

    /// The cursor after the entry at `index` was shown.
    pub(super) fn show(&self, index: usize, rules: &Rules<'_>) -> Option<Self> {
        let is_past = self.mark.is_some();
        let is_within = index >= self.next && self.mark.is_none_or(|mark| index < mark);
        (is_within && rules.may_show(index, is_past) && self.may_pass(index, rules)).then(|| Self {
            next: index + 1,
            shown: self.shown + 1,
            ..self.clone()
        })
    }

    /// The cursor after the end of the past was told.
    pub(super) fn end_past(&self, count: u64, rules: &Rules<'_>) -> Option<Self> {
        let mark = self.mark?;
        let may_end = rules.is_cut || self.may_pass(mark.max(self.next), rules);
        (self.shown == count && may_end).then(|| Self {
            next: mark.max(self.next),
            mark: None,
            ..self.clone()
        })
    }

    /// The cursors possible after `count` stored entries were told to be missed.
    pub(super) fn miss(&self, count: u64, rules: &Rules<'_>) -> Vec<Self> {
        if !rules.losses.stored && self.next >= self.floor {
            return Vec::new();
        }
        let mut after = Vec::new();
        let mut from = self.next;
        loop {
            let mut left = count;
            let mut at = from;
            while left > 0 && at < rules.end {
                left -= u64::from(rules.log.entries[at].entry.id.is_some());
                at += 1;
            }
            let missed = Self {
                next: at,
                is_lenient: false,
                ..self.clone()
            };
            if left == 0 && !after.contains(&missed) {
                after.push(missed);
            }
            let is_free = self.is_lenient && self.shown == 0;
            if from >= rules.end || !(is_free || rules.may_skip(from, self.is_past(from))) {
                return after;
            }
            from += 1;
        }
    }
}
