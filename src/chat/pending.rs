//! The order of one room: entries leave in the order in which they came, and only when all before
//! them are settled.
//!
//! An entry that must be stored waits here for the journal; everything that happens in the room
//! meanwhile queues behind it. So nothing overtakes, and nothing is visible that is not durable.

use super::vocabulary::{Entry, EntryId};
use std::collections::VecDeque;

/// The entries of one room that are not visible yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    slots: VecDeque<Slot>,
    /// The place of the front slot.
    first: u64,
    /// Time of the newest entry, milliseconds since 1970.
    newest_unix_ms: u64,
}

/// Where in a room's order an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64);

#[derive(Debug)]
enum Slot {
    /// The journal has not answered yet.
    Waiting(Entry),
    /// May become visible.
    Settled(Entry),
    /// Will not become visible: not stored, or stored before.
    Void,
}

impl Pending {
    /// The time for an entry that comes now: never before that of its predecessor.
    pub(super) fn stamp(&mut self, unix_ms: u64) -> u64 {
        self.newest_unix_ms = self.newest_unix_ms.max(unix_ms);
        self.newest_unix_ms
    }

    /// The order goes on after a restart: nothing is older than what was.
    pub(super) fn resume_at(&mut self, unix_ms: u64) {
        self.newest_unix_ms = unix_ms;
    }

    /// Appends an entry that waits for the journal.
    pub(super) fn wait(&mut self, entry: Entry) -> Place {
        self.slots.push_back(Slot::Waiting(entry));
        Place(self.first + self.slots.len() as u64 - 1)
    }

    /// Appends an entry that needs no journal.
    pub(super) fn push(&mut self, entry: Entry) {
        self.slots.push_back(Slot::Settled(entry));
    }

    /// The entry at `place`, while it waits.
    pub(super) fn waiting_at(&self, place: Place) -> Option<&Entry> {
        let index = usize::try_from(place.0.wrapping_sub(self.first)).ok()?;
        match self.slots.get(index)? {
            Slot::Waiting(entry) => Some(entry),
            Slot::Settled(_) | Slot::Void => None,
        }
    }

    /// Gives the entry at `place` its id, or takes it out of the order when it has none.
    pub(super) fn settle(&mut self, place: Place, id: Option<EntryId>) {
        let index = usize::try_from(place.0.wrapping_sub(self.first));
        let slot = index.ok().and_then(|index| self.slots.get_mut(index));
        let Some(slot) = slot else { return };
        *slot = match (std::mem::replace(slot, Slot::Void), id) {
            (Slot::Waiting(entry), Some(_)) => Slot::Settled(Entry { id, ..entry }),
            (Slot::Waiting(_), None) | (Slot::Void, _) => Slot::Void,
            (settled @ Slot::Settled(_), _) => settled,
        };
    }

    /// Takes the next entry that may become visible.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        #[cfg(test)]
        if super::fault::is_planted(super::fault::Fault::Overtake) {
            return self.pop_out_of_order();
        }
        while !matches!(self.slots.front(), None | Some(Slot::Waiting(_))) {
            self.first += 1;
            if let Some(Slot::Settled(entry)) = self.slots.pop_front() {
                return Some(entry);
            }
        }
        if self.slots.is_empty() {
            // A burst must not cost its memory for ever after.
            self.slots.shrink_to_fit();
        }
        None
    }

    #[cfg(test)]
    fn pop_out_of_order(&mut self) -> Option<Entry> {
        let settled = |slot: &Slot| matches!(slot, Slot::Settled(_));
        if let Some(index) = self.slots.iter().position(settled)
            && let Slot::Settled(entry) = std::mem::replace(&mut self.slots[index], Slot::Void)
        {
            return Some(entry);
        }
        while matches!(self.slots.front(), Some(Slot::Void)) {
            self.slots.pop_front();
            self.first += 1;
        }
        None
    }

    /// Whether everything that came has become visible.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many entries wait for the journal.
    pub(super) fn waiting_count(&self) -> usize {
        let waiting = |slot: &&Slot| matches!(slot, Slot::Waiting(_));
        self.slots.iter().filter(waiting).count()
    }

    /// Whether the entry in front may not leave.
    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.slots.front(), Some(Slot::Waiting(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Name;
    use super::super::vocabulary::Body;
    use super::*;

    fn entry(text: &str) -> Entry {
        Entry {
            id: None,
            unix_ms: 0,
            author: Name::parse("alice").unwrap(),
            origin: None,
            body: Body::Said(text.into()),
        }
    }

    fn drain(pending: &mut Pending) -> Vec<(Option<u64>, Body)> {
        std::iter::from_fn(|| pending.pop())
            .map(|entry| (entry.id.map(|id| id.0), entry.body))
            .collect()
    }

    #[test]
    fn only_the_settled_prefix_leaves() {
        let mut pending = Pending::default();
        let first = pending.wait(entry("a"));
        let second = pending.wait(entry("b"));
        pending.push(entry("c"));
        assert!(drain(&mut pending).is_empty());
        pending.settle(second, Some(EntryId(2)));
        assert!(drain(&mut pending).is_empty());
        pending.settle(first, Some(EntryId(1)));
        let expected = vec![
            (Some(1), Body::Said("a".into())),
            (Some(2), Body::Said("b".into())),
            (None, Body::Said("c".into())),
        ];
        assert_eq!(drain(&mut pending), expected);
        assert!(pending.is_empty());
    }

    #[test]
    fn what_was_not_stored_holds_nothing_up() {
        let mut pending = Pending::default();
        let first = pending.wait(entry("a"));
        pending.push(entry("b"));
        pending.settle(first, None);
        assert_eq!(drain(&mut pending), vec![(None, Body::Said("b".into()))]);
        // A second answer about the same place changes nothing.
        pending.settle(first, Some(EntryId(9)));
        assert!(pending.is_empty());
    }

    #[test]
    fn time_never_goes_back() {
        let mut pending = Pending::default();
        assert_eq!(pending.stamp(5), 5);
        assert_eq!(pending.stamp(3), 5);
        assert_eq!(pending.stamp(6), 6);
    }
}
