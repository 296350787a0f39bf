//! A flat model of a store: lists and maps, in which everything is looked at in full.

use super::super::{Hits, senders::Places, senders::Sender};
use crate::chat::{
    AccountId, AccountRecord, Append, Body, Change, Entry, EntryId, Extent, From, InboxRecord,
    Measure, Name, Outcome, Owner, Page, PageRequest, RoomId, RoomRecord, SanctionId,
    SanctionRecord, Search, SessionRecord, TokenHash, Waiting, Write,
};
use crate::limits::{ACCOUNT_NAME_RESERVED, ACCOUNT_RESUME_AGE_MAX};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was said in each room: the entry of each id, from 1; none where it was taken back.
#[derive(Default)]
pub(super) struct Model {
    pub(super) logs: BTreeMap<RoomId, Vec<Option<Entry>>>,
    sent: BTreeMap<Sender, Places>,
    pub(super) rooms: BTreeMap<RoomId, RoomRecord>,
    pub(super) inboxes: BTreeMap<RoomId, InboxRecord>,
    pub(super) accounts: BTreeMap<AccountId, AccountRecord>,
    retired: BTreeMap<Name, u64>,
    pub(super) sanctions: BTreeMap<SanctionId, SanctionRecord>,
    pub(super) sessions: BTreeMap<TokenHash, SessionRecord>,
    pub(super) rooms_from: u64,
    pub(super) accounts_from: u64,
    pub(super) sanctions_from: u64,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

fn text(entry: &Entry) -> String {
    super::text(entry)
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            rooms_from: 2,
            accounts_from: 1,
            sanctions_from: 1,
            ..Self::default()
        }
    }

    pub(super) fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Vec<Outcome> {
        let one = |write: &Write| match write {
            Write::Append(append) => self.append(append),
            Write::Change { ticket, change } => {
                self.change(unix_ms, change);
                Outcome::Changed(*ticket)
            }
        };
        batch.iter().map(one).collect()
    }

    fn append(&mut self, append: &Append) -> Outcome {
        let ticket = append.ticket;
        if let Some(&(id, second)) = self.sent.get(&append.sender) {
            return Outcome::Stored {
                ticket,
                id,
                second,
                fresh: false,
            };
        }
        let id = self.push(append.row.0, &append.row.1);
        let second = append
            .second
            .as_ref()
            .map(|(room, entry)| self.push(*room, entry));
        self.sent.insert(append.sender, (id, second));
        Outcome::Stored {
            ticket,
            id,
            second,
            fresh: true,
        }
    }

    fn push(&mut self, room: RoomId, entry: &Entry) -> EntryId {
        self.rooms_from = self.rooms_from.max(room.0 + 1);
        let log = self.logs.entry(room).or_default();
        let id = EntryId(log.len() as u64 + 1);
        log.push(Some(Entry {
            id: Some(id),
            origin: None,
            ..entry.clone()
        }));
        id
    }

    fn change(&mut self, unix_ms: u64, change: &Change) {
        match change {
            Change::PutRoom(record) => {
                self.rooms_from = self.rooms_from.max(record.id.0 + 1);
                self.rooms.insert(record.id, record.clone());
            }
            Change::PutInbox(record) => {
                self.rooms_from = self.rooms_from.max(record.id.0 + 1);
                self.inboxes.insert(record.id, *record);
            }
            Change::RemoveRoom(room) => self.remove_room(*room),
            Change::PutAccount(record) => {
                self.accounts_from = self.accounts_from.max(record.id.0 + 1);
                let former = self.accounts.insert(record.id, record.clone());
                if let Some(former) = former.filter(|former| former.name != record.name) {
                    self.retired.insert(former.name, unix_ms);
                }
                self.retired.remove(&record.name);
            }
            Change::RemoveAccount(account) => self.remove_account(unix_ms, *account),
            Change::PutSanction(record) => {
                self.sanctions_from = self.sanctions_from.max(record.id.0 + 1);
                self.sanctions.insert(record.id, record.clone());
            }
            Change::PutSession(record) => {
                self.sessions.insert(record.token, *record);
            }
            Change::RemoveSession(token) => {
                self.sessions.remove(token);
            }
            Change::Erase(room, entry) => {
                let index = usize::try_from(entry.0).unwrap().wrapping_sub(1);
                let log = self.logs.get_mut(room);
                if let Some(place) = log.and_then(|log| log.get_mut(index)) {
                    *place = None;
                }
            }
        }
    }

    fn remove_room(&mut self, room: RoomId) {
        self.logs.remove(&room);
        self.rooms.remove(&room);
        self.inboxes.remove(&room);
        self.sanctions
            .retain(|_, sanction| sanction.room != Some(room));
    }

    fn remove_account(&mut self, unix_ms: u64, account: AccountId) {
        if let Some(record) = self.accounts.remove(&account) {
            self.retired.insert(record.name, unix_ms);
        }
        self.sessions
            .retain(|_, session| session.account != account);
        for room in self.rooms.values_mut() {
            room.roles.retain(|(holder, _)| *holder != account);
            room.invited.retain(|invited| *invited != account);
        }
        let owned = |inbox: &&InboxRecord| inbox.owner == Owner::Account(account);
        let inboxes: Vec<RoomId> = self
            .inboxes
            .values()
            .filter(owned)
            .map(|inbox| inbox.id)
            .collect();
        for inbox in inboxes {
            self.remove_room(inbox);
        }
    }

    pub(super) fn extent(&self, room: RoomId) -> Extent {
        self.logs.get(&room).map_or(Extent::EMPTY, |log| Extent {
            first: EntryId(1),
            newest: EntryId(log.len() as u64),
            newest_unix_ms: Extent::EMPTY.newest_unix_ms,
        })
    }

    pub(super) fn retired(&self, unix_ms: u64) -> Vec<(Name, u64)> {
        let is_reserved = |since: u64| since + millis(ACCOUNT_NAME_RESERVED) > unix_ms;
        let all = self.retired.iter().map(|(name, since)| (*name, *since));
        all.filter(|(_, since)| is_reserved(*since)).collect()
    }

    pub(super) fn sanctions_in_force(&self, unix_ms: u64) -> Vec<SanctionRecord> {
        let holds = |sanction: &&SanctionRecord| {
            sanction.measure != Measure::Kick
                && sanction.lifted.is_none()
                && sanction.until_unix_ms.is_none_or(|until| until > unix_ms)
        };
        self.sanctions.values().filter(holds).cloned().collect()
    }

    pub(super) fn sessions_alive(&self, unix_ms: u64) -> Vec<SessionRecord> {
        let age = millis(ACCOUNT_RESUME_AGE_MAX);
        let is_alive = |session: &&SessionRecord| session.seen_unix_ms + age > unix_ms;
        self.sessions.values().filter(is_alive).copied().collect()
    }

    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let mut all = BTreeMap::<(AccountId, Name), Waiting>::new();
        for account in self.accounts.values() {
            let log = account.inbox.and_then(|inbox| self.logs.get(&inbox));
            for entry in log.into_iter().flatten().flatten() {
                let is_new = entry.id > Some(account.inbox_read);
                if is_new && let Body::Received(text) = &entry.body {
                    let found = all.entry((account.id, entry.author)).or_insert(Waiting {
                        account: account.id,
                        from: entry.author,
                        count: 0,
                        bytes: 0,
                    });
                    found.count += 1;
                    found.bytes += text.len() as u64;
                }
            }
        }
        all.into_values().collect()
    }

    /// The whole answer to a request, as if pages had no end.
    pub(super) fn page(&self, request: &PageRequest) -> Page {
        let log = self.logs.get(&request.room);
        let entries = log.into_iter().flatten().flatten();
        let before = entries.filter(|entry| entry.id < Some(request.before));
        let mut wanted: Vec<Entry> = before.cloned().collect();
        match request.from {
            From::After(id) => wanted.retain(|entry| entry.id > Some(id)),
            From::Since(unix_ms) => wanted.retain(|entry| entry.unix_ms >= unix_ms),
            From::Newest(count) => {
                wanted.drain(..wanted.len().saturating_sub(count));
            }
        }
        Page {
            entries: wanted,
            missed: 0,
            is_last: true,
        }
    }

    pub(super) fn search(&self, search: &Search) -> Hits {
        let mut hits = Vec::new();
        for room in &search.rooms {
            for entry in self.logs.get(room).into_iter().flatten().flatten() {
                let text = text(entry);
                let said: Vec<&str> = text.split(' ').collect();
                let has_all = search.words.iter().all(|word| said.contains(&&**word));
                let is_from = search.from.is_none_or(|from| from == entry.author);
                let is_new = search
                    .since_unix_ms
                    .is_none_or(|since| entry.unix_ms >= since);
                if has_all && is_from && is_new {
                    hits.push((*room, entry.clone()));
                }
            }
        }
        hits.sort_by_key(|(room, entry)| (entry.unix_ms, *room, entry.id));
        let is_cut = hits.len() > search.hits_max;
        Hits {
            entries: hits.split_off(hits.len().saturating_sub(search.hits_max)),
            is_cut,
        }
    }
}
