//! A fake store: every stored entry of every room, given out page by page.

use crate::chat::{Entry, EntryId, Extent, From, Page, PageRequest, RoomId};
use std::collections::BTreeMap;

/// What is stored.
#[derive(Default)]
pub(super) struct Shelf {
    rooms: BTreeMap<RoomId, Rows>,
}

#[derive(Default)]
struct Rows {
    /// By id from 1; nothing where an entry was taken back.
    entries: Vec<Option<Entry>>,
    /// What is before this id is gone.
    first: u64,
}

impl Shelf {
    /// Stores an entry, if it is one that is stored. Where it came from is not kept.
    pub(super) fn store(&mut self, room: RoomId, entry: &Entry) {
        let Some(id) = entry.id else { return };
        let rows = self.rooms.entry(room).or_default();
        rows.first = rows.first.max(1);
        assert_eq!(rows.entries.len() as u64 + 1, id.0, "ids are dense");
        let stored = Entry {
            origin: None,
            ..entry.clone()
        };
        rows.entries.push(Some(stored));
    }

    pub(super) fn extent(&self, room: RoomId) -> Extent {
        let Some(rows) = self.rooms.get(&room) else {
            return Extent::EMPTY;
        };
        let times = rows.entries.iter().flatten().map(|entry| entry.unix_ms);
        Extent {
            first: EntryId(rows.first),
            newest: EntryId(rows.entries.len() as u64),
            newest_unix_ms: times.max().unwrap_or_default(),
        }
    }

    /// What is up to `id` is gone.
    pub(super) fn prune(&mut self, room: RoomId, id: u64) {
        if let Some(rows) = self.rooms.get_mut(&room) {
            rows.first = rows.first.max(id.min(rows.entries.len() as u64) + 1);
        }
    }

    /// What was said is taken back.
    pub(super) fn erase(&mut self, room: RoomId, id: u64) {
        let rows = self.rooms.get_mut(&room);
        let at = usize::try_from(id - 1).unwrap();
        if let Some(entry) = rows.and_then(|rows| rows.entries.get_mut(at)) {
            *entry = None;
        }
    }

    pub(super) fn end(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }

    /// The answer to a request: at most so many entries. Without haste it says whether there are
    /// more; in haste only that it does not know.
    pub(super) fn page(&self, request: &PageRequest, entries_max: usize, is_hasty: bool) -> Page {
        let Some(rows) = self.rooms.get(&request.room) else {
            return Page {
                is_last: true,
                ..Page::default()
            };
        };
        let is_held = |entry: &&Entry| {
            let id = entry.id.unwrap();
            id.0 >= rows.first && id < request.before
        };
        let held: Vec<&Entry> = rows.entries.iter().flatten().filter(is_held).collect();
        let (wanted, missed) = match request.from {
            From::Newest(count) => (&held[held.len().saturating_sub(count)..], 0),
            From::Since(unix_ms) => {
                let from = held.partition_point(|entry| entry.unix_ms < unix_ms);
                (&held[from..], 0)
            }
            From::After(id) => {
                let from = held.partition_point(|entry| entry.id.unwrap() <= id);
                let gone = rows.first.min(request.before.0) - 1;
                (&held[from..], gone.saturating_sub(id.0))
            }
        };
        let given = wanted.len().min(entries_max);
        Page {
            entries: wanted[..given]
                .iter()
                .map(|entry| (*entry).clone())
                .collect(),
            missed,
            is_last: given == wanted.len() && (given == 0 || !is_hasty),
        }
    }
}
