//! The fake disk: what a store has committed, and so all that a crash leaves.
//!
//! It numbers messages densely in each room, recognises those sent again, keeps whole records, and
//! gives entries out page by page. A commit is one step: it is there or it is not.

use super::faults::{self, Fault};
use crate::chat::{
    AccountId, AccountRecord, Append, Change, Entry, EntryId, Epoch, Extent, From, InboxRecord,
    MessageKey, Name, Outcome, Owner, Page, PageRequest, RoomId, RoomRecord, SanctionId,
    SanctionRecord, SessionId, SessionRecord, Snapshot, TokenHash, Write,
};
use std::collections::BTreeMap;

/// Where a message was put: its place, and that in the second inbox.
type Places = (EntryId, Option<EntryId>);

/// What is committed.
#[derive(Clone, Default)]
pub(super) struct Disk {
    rooms: BTreeMap<RoomId, RoomRecord>,
    inboxes: BTreeMap<RoomId, InboxRecord>,
    accounts: BTreeMap<AccountId, AccountRecord>,
    retired: BTreeMap<Name, u64>,
    sanctions: BTreeMap<SanctionId, SanctionRecord>,
    sessions: BTreeMap<TokenHash, SessionRecord>,
    /// By id from 1; nothing where an entry was taken back.
    entries: BTreeMap<RoomId, Vec<Option<Entry>>>,
    sent: BTreeMap<(SessionId, MessageKey), Places>,
    /// The greatest ids there ever were.
    newest_room: u64,
    newest_account: u64,
    newest_sanction: u64,
}

impl Disk {
    /// Commits a batch, and answers each in order.
    pub(super) fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Vec<Outcome> {
        let commit_one = |write: &Write| match write {
            Write::Append(append) => self.append(append),
            Write::Change { ticket, change } => {
                self.change(unix_ms, change);
                Outcome::Changed(*ticket)
            }
        };
        batch.iter().map(commit_one).collect()
    }

    fn append(&mut self, append: &Append) -> Outcome {
        let former = self.sent.get(&append.sender).copied();
        let is_fresh = former.is_none() || faults::is_planted(Fault::RetryStoredTwice);
        let (id, second) = match former {
            Some(places) if !is_fresh => places,
            _ => {
                let id = self.store(&append.row);
                let second = append.second.as_ref().map(|row| self.store(row));
                self.sent.insert(append.sender, (id, second));
                (id, second)
            }
        };
        Outcome::Stored {
            ticket: append.ticket,
            id,
            second,
            fresh: is_fresh,
        }
    }

    fn store(&mut self, (room, entry): &(RoomId, Entry)) -> EntryId {
        let rows = self.entries.entry(*room).or_default();
        let id = EntryId(rows.len() as u64 + 1);
        rows.push(Some(Entry {
            id: Some(id),
            origin: None,
            ..entry.clone()
        }));
        id
    }

    fn change(&mut self, unix_ms: u64, change: &Change) {
        match change.clone() {
            Change::PutRoom(record) => {
                self.newest_room = self.newest_room.max(record.id.0);
                self.rooms.insert(record.id, record);
            }
            Change::PutInbox(record) => {
                self.newest_room = self.newest_room.max(record.id.0);
                self.inboxes.insert(record.id, record);
            }
            Change::RemoveRoom(id) => {
                self.rooms.remove(&id);
                self.inboxes.remove(&id);
                self.entries.remove(&id);
            }
            Change::PutAccount(record) => {
                self.newest_account = self.newest_account.max(record.id.0);
                let name = record.name;
                let former = self.accounts.insert(record.id, record);
                if let Some(former) = former.filter(|former| former.name != name) {
                    self.retired.insert(former.name, unix_ms);
                }
            }
            Change::RemoveAccount(id) => {
                self.sessions.retain(|_, session| session.account != id);
                let is_others = |inbox: &InboxRecord| inbox.owner != Owner::Account(id);
                self.inboxes.retain(|_, inbox| is_others(inbox));
                if let Some(former) = self.accounts.remove(&id) {
                    self.retired.insert(former.name, unix_ms);
                }
            }
            Change::PutSanction(record) => {
                self.newest_sanction = self.newest_sanction.max(record.id.0);
                self.sanctions.insert(record.id, record);
            }
            Change::PutSession(record) => {
                self.sessions.insert(record.token, record);
            }
            Change::RemoveSession(token) => {
                self.sessions.remove(&token);
            }
            Change::Erase(room, id) => {
                let at = usize::try_from(id.0 - 1).expect("ids are small here");
                let rows = self.entries.get_mut(&room);
                if let Some(entry) = rows.and_then(|rows| rows.get_mut(at)) {
                    *entry = None;
                }
            }
        }
    }

    // --- Reading ---

    /// The answer to a request: at most so many entries.
    pub(super) fn page(&self, request: &PageRequest, entries_max: usize) -> Page {
        let rows = self.entries.get(&request.room);
        let held = rows.into_iter().flatten().flatten();
        let held: Vec<&Entry> = held.filter(|one| one.id < Some(request.before)).collect();
        let wanted = match request.from {
            From::Newest(count) => &held[held.len().saturating_sub(count)..],
            From::Since(unix_ms) => &held[held.partition_point(|one| one.unix_ms < unix_ms)..],
            From::After(id) => &held[held.partition_point(|one| one.id <= Some(id))..],
        };
        let given = wanted.len().min(entries_max);
        Page {
            entries: wanted[..given].iter().map(|one| (*one).clone()).collect(),
            missed: 0,
            is_last: given == wanted.len(),
        }
    }

    /// What a server begins with after a crash.
    pub(super) fn snapshot(&self, epoch: Epoch) -> Snapshot {
        let rooms = self.rooms.values().map(|room| (room, room.id));
        let inboxes = self.inboxes.values().map(|inbox| (*inbox, inbox.id));
        Snapshot {
            rooms: rooms
                .map(|(room, id)| (room.clone(), self.extent(id)))
                .collect(),
            inboxes: inboxes
                .map(|(inbox, id)| (inbox, self.extent(id)))
                .collect(),
            accounts: self.accounts.values().cloned().collect(),
            retired: self.retired.iter().map(|(name, at)| (*name, *at)).collect(),
            sanctions: self.sanctions.values().cloned().collect(),
            sessions: self.sessions.values().copied().collect(),
            rooms_from: RoomId(self.newest_room + 1),
            accounts_from: AccountId(self.newest_account + 1),
            sanctions_from: SanctionId(self.newest_sanction + 1),
            ..Snapshot::empty(epoch)
        }
    }

    fn extent(&self, room: RoomId) -> Extent {
        let rows = self.entries.get(&room);
        let newest = rows.and_then(|rows| rows.iter().flatten().next_back());
        Extent {
            newest: EntryId(rows.map_or(0, Vec::len) as u64),
            newest_unix_ms: newest.map_or(0, |entry| entry.unix_ms),
            ..Extent::EMPTY
        }
    }

    /// What is stored of a room or inbox, in order; nothing if there is no such record.
    pub(super) fn rows(&self, room: RoomId) -> Option<&[Option<Entry>]> {
        let is_there = self.rooms.contains_key(&room) || self.inboxes.contains_key(&room);
        let rows = self.entries.get(&room).map(Vec::as_slice);
        is_there.then(|| rows.unwrap_or_default())
    }

    /// Whether newcomers see what was said in a room.
    pub(super) fn has_history(&self, room: RoomId) -> bool {
        self.rooms.get(&room).is_none_or(|room| room.has_history)
    }

    /// The planted bug: what was sent before the crash is not recognised any more.
    pub(super) fn forget_senders(&mut self) {
        self.sent.clear();
    }
}
