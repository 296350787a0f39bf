//! A store's image of the records, as it would be read after a restart.

use crate::chat::*;
use std::collections::BTreeMap;

/// What a store has.
#[derive(Clone, Debug, Default)]
pub(super) struct Archive {
    pub(super) rooms: BTreeMap<RoomId, RoomRecord>,
    pub(super) inboxes: BTreeMap<RoomId, InboxRecord>,
    pub(super) accounts: BTreeMap<AccountId, AccountRecord>,
    pub(super) retired: BTreeMap<Name, u64>,
    pub(super) sessions: BTreeMap<TokenHash, SessionRecord>,
    entries: BTreeMap<RoomId, Vec<Entry>>,
    /// The first ids that were never used.
    rooms_from: u64,
    accounts_from: u64,
}

impl Archive {
    /// Carries out one change.
    pub(super) fn change(&mut self, change: Change, unix_ms: u64) {
        match change {
            Change::PutRoom(record) => {
                self.rooms_from = self.rooms_from.max(record.id.0 + 1);
                self.rooms.insert(record.id, record);
            }
            Change::PutInbox(record) => {
                self.rooms_from = self.rooms_from.max(record.id.0 + 1);
                self.inboxes.insert(record.id, record);
            }
            Change::RemoveRoom(id) => {
                self.rooms.remove(&id);
                self.inboxes.remove(&id);
                self.entries.remove(&id);
            }
            Change::PutAccount(record) => {
                self.accounts_from = self.accounts_from.max(record.id.0 + 1);
                self.retired.remove(&record.name);
                let (id, name) = (record.id, record.name);
                let former = self.accounts.insert(id, record);
                if let Some(former) = former.filter(|former| former.name != name) {
                    self.retired.insert(former.name, unix_ms);
                }
            }
            Change::RemoveAccount(id) => {
                self.sessions.retain(|_, session| session.account != id);
                self.inboxes
                    .retain(|_, inbox| inbox.owner != Owner::Account(id));
                for room in self.rooms.values_mut() {
                    room.roles.retain(|(account, _)| *account != id);
                }
                if let Some(account) = self.accounts.remove(&id) {
                    self.retired.insert(account.name, unix_ms);
                }
            }
            Change::PutSession(record) => {
                self.sessions.insert(record.token, record);
            }
            Change::RemoveSession(token) => {
                self.sessions.remove(&token);
            }
            Change::PutSanction(_) | Change::Erase(..) => {}
        }
    }

    /// Keeps an entry, which has its id.
    pub(super) fn keep(&mut self, room: RoomId, entry: Entry) {
        assert!(
            self.rooms.contains_key(&room) || self.inboxes.contains_key(&room),
            "a room or inbox is recorded before anything is said in it"
        );
        self.entries.entry(room).or_default().push(entry);
    }

    /// What a chat begins with.
    pub(super) fn snapshot(&self, epoch: Epoch) -> Snapshot {
        Snapshot {
            rooms: with_extents(self, self.rooms.iter()),
            inboxes: with_extents(self, self.inboxes.iter()),
            accounts: self.accounts.values().cloned().collect(),
            retired: self.retired.iter().map(|(name, at)| (*name, *at)).collect(),
            sessions: self.sessions.values().copied().collect(),
            waiting: self
                .accounts
                .values()
                .flat_map(|of| self.waiting(of))
                .collect(),
            rooms_from: RoomId(self.rooms_from),
            accounts_from: AccountId(self.accounts_from.max(1)),
            ..Snapshot::empty(epoch)
        }
    }

    fn waiting(&self, account: &AccountRecord) -> Vec<Waiting> {
        let mut waiting: BTreeMap<Name, Waiting> = BTreeMap::new();
        let entries = account.inbox.and_then(|inbox| self.entries.get(&inbox));
        for entry in entries.into_iter().flatten() {
            if let (Body::Received(text), true) = (&entry.body, entry.id > Some(account.inbox_read))
            {
                let of = waiting.entry(entry.author).or_insert(Waiting {
                    account: account.id,
                    from: entry.author,
                    count: 0,
                    bytes: 0,
                });
                of.count += 1;
                of.bytes += text.len() as u64;
            }
        }
        waiting.into_values().collect()
    }
}

fn with_extents<'a, T: Clone + 'a>(
    archive: &Archive,
    records: impl Iterator<Item = (&'a RoomId, &'a T)>,
) -> Vec<(T, Extent)> {
    let extent = |room: &RoomId| {
        let newest = archive.entries.get(room).and_then(|entries| entries.last());
        newest.map_or(Extent::EMPTY, |newest| Extent {
            newest: newest.id.expect("what is kept has an id"),
            newest_unix_ms: newest.unix_ms,
            ..Extent::EMPTY
        })
    };
    records
        .map(|(room, record)| (record.clone(), extent(room)))
        .collect()
}
