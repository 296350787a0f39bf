//! Accounts: who has one, under which name, and which names are not free again yet.
//!
//! A change that somebody asked for is handed to the store at once. What an account merely takes
//! part in (rooms, when it was last here) is noted, and handed over once at the end of the input.

use super::changes::Then;
use super::name::Name;
use super::people::{Person, PersonId};
use super::{AccountId, AccountRecord, Change, Chat, Effects, RoomId};
use crate::limits::ACCOUNT_NAME_RESERVED;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// All accounts. The chat owns them; the store has their image.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_id: BTreeMap<AccountId, AccountRecord>,
    by_name: BTreeMap<Name, AccountId>,
    /// Names that accounts had.
    retired: BTreeMap<Name, Retired>,
    /// Accounts of which the store has not the newest.
    touched: BTreeSet<AccountId>,
    /// The id of the next one.
    next: u64,
}

/// A name that is no account's any more.
#[derive(Clone, Copy, Debug)]
struct Retired {
    /// Since when, milliseconds since 1970.
    since_unix_ms: u64,
    /// Whose it was, if it was renamed since the server started.
    former: Option<AccountId>,
}

impl Accounts {
    /// The accounts there are at the start; ids go on with `first`.
    pub(super) fn new(
        accounts: Vec<AccountRecord>,
        retired: Vec<(Name, u64)>,
        first: AccountId,
    ) -> Self {
        let retired = retired.into_iter().map(|(name, since_unix_ms)| {
            let former = None;
            let retired = Retired {
                since_unix_ms,
                former,
            };
            (name, retired)
        });
        Self {
            by_name: accounts
                .iter()
                .map(|account| (account.name, account.id))
                .collect(),
            by_id: accounts
                .into_iter()
                .map(|account| (account.id, account))
                .collect(),
            retired: retired.collect(),
            touched: BTreeSet::new(),
            next: first.0,
        }
    }

    /// An id that was never used.
    pub(super) fn take_id(&mut self) -> AccountId {
        self.next += 1;
        AccountId(self.next - 1)
    }

    /// Takes an account in, or replaces what is known of it but its name.
    ///
    /// # Panics
    ///
    /// When another account has its name.
    pub(super) fn put(&mut self, account: AccountRecord) {
        let former = self.by_name.insert(account.name, account.id);
        assert!(
            former.is_none_or(|former| former == account.id),
            "a name is checked before it is given"
        );
        self.retired.remove(&account.name);
        self.by_id.insert(account.id, account);
    }

    /// Gives an account another name, which is free; the old one is reserved from now on.
    pub(super) fn rename(&mut self, id: AccountId, to: Name, unix_ms: u64) {
        let Some(account) = self.by_id.get_mut(&id) else {
            return;
        };
        let old = std::mem::replace(&mut account.name, to);
        self.by_name.remove(&old);
        self.by_name.insert(to, id);
        self.retired.remove(&to);
        if old != to {
            let retired = Retired {
                since_unix_ms: unix_ms,
                former: Some(id),
            };
            self.retired.insert(old, retired);
        }
    }

    /// Ends an account; its name is reserved from now on.
    pub(super) fn remove(&mut self, id: AccountId, unix_ms: u64) -> Option<AccountRecord> {
        let account = self.by_id.remove(&id)?;
        self.by_name.remove(&account.name);
        self.touched.remove(&id);
        let retired = Retired {
            since_unix_ms: unix_ms,
            former: None,
        };
        self.retired.insert(account.name, retired);
        Some(account)
    }

    /// Whether a name was an account's so lately that it is reserved, but for that account.
    pub(super) fn is_retired(&self, name: Name, by: Option<AccountId>, unix_ms: u64) -> bool {
        let Some(retired) = self.retired.get(&name) else {
            return false;
        };
        let age = Duration::from_millis(unix_ms.saturating_sub(retired.since_unix_ms));
        age < ACCOUNT_NAME_RESERVED && (by.is_none() || retired.former != by)
    }

    /// Whether an account was called that before.
    pub(super) fn was_called(&self, account: Option<AccountId>, name: Name) -> bool {
        let retired = self.retired.get(&name);
        account.is_some() && retired.is_some_and(|retired| retired.former == account)
    }

    pub(super) fn get(&self, id: AccountId) -> Option<&AccountRecord> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: AccountId) -> Option<&mut AccountRecord> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn named(&self, name: Name) -> Option<&AccountRecord> {
        self.get(*self.by_name.get(&name)?)
    }

    /// The store is to have the newest of an account at the end of this input.
    pub(super) fn touch(&mut self, id: AccountId) {
        self.touched.insert(id);
    }

    /// Whether any account administers the server.
    pub(super) fn has_admin(&self) -> bool {
        self.by_id.values().any(|account| account.is_admin)
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }
}

impl Chat {
    /// Somebody's account; a guest has none.
    pub(super) fn account_of(&self, id: PersonId) -> Option<&AccountRecord> {
        let account = self.people.get(id).and_then(Person::account)?;
        self.accounts.get(account)
    }

    /// Whether somebody administers the server.
    pub(super) fn is_admin(&self, id: PersonId) -> bool {
        self.account_of(id).is_some_and(|account| account.is_admin)
    }

    /// The sessions of an account, with a connection or without, the oldest first.
    pub(super) fn sessions_of(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (PersonId, &Person)> {
        let name = self.accounts.get(account).map(|account| account.name);
        let named = name.map(|name| self.people.all_named(name));
        named
            .into_iter()
            .flatten()
            .filter(move |(_, person)| person.account() == Some(account))
    }

    /// How many connections an account has.
    pub(super) fn connections_of(&self, account: AccountId) -> usize {
        let sessions = self.sessions_of(account);
        sessions
            .filter(|(_, session)| session.client.is_some())
            .count()
    }

    /// Whether an account has a connection.
    pub(super) fn is_connected(&self, account: AccountId) -> bool {
        let mut sessions = self.sessions_of(account);
        sessions.any(|(_, session)| session.client.is_some())
    }

    /// Hands the store what there is of an account.
    pub(super) fn put_account(&mut self, id: AccountId, then: Then, effects: &mut Effects) {
        self.accounts.touched.remove(&id);
        if self.is_connected(id) {
            self.note_seen(id);
        }
        if let Some(account) = self.accounts.get(id) {
            let change = Change::PutAccount(account.clone());
            self.change(change, then, effects);
        }
    }

    /// An account is here: it has had all that its inbox holds.
    fn note_seen(&mut self, id: AccountId) {
        let Some(account) = self.accounts.get_mut(id) else {
            return;
        };
        account.seen_unix_ms = self.now.unix_ms;
        let inbox = account.inbox.and_then(|inbox| self.rooms.inbox(inbox));
        if let Some(inbox) = inbox {
            account.inbox_read = account.inbox_read.max(inbox.newest);
        }
    }

    /// Hands the store what changed of accounts during this input.
    pub(super) fn put_touched_accounts(&mut self, effects: &mut Effects) {
        while let Some(id) = self.accounts.touched.pop_first() {
            self.put_account(id, Then::Nothing, effects);
        }
    }

    /// Everything of accounts that are here is to outlive the process.
    pub(super) fn touch_connected_accounts(&mut self) {
        let connected = self
            .people
            .iter()
            .filter(|(_, person)| person.client.is_some());
        let accounts: Vec<_> = connected
            .filter_map(|(_, person)| person.account())
            .collect();
        accounts.into_iter().for_each(|id| self.accounts.touch(id));
    }

    /// A session of an account is losing its connection: what it did last is remembered.
    pub(super) fn note_last_seen(&mut self, id: PersonId) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (account, current) = (person.account(), person.current);
        let Some(account) = account.filter(|_| person.client.is_some()) else {
            return;
        };
        self.note_seen(account);
        self.accounts.touch(account);
        if let Some(account) = self.accounts.get_mut(account) {
            account.current = current;
        }
    }

    /// An account's session has entered a room: it is brought back there.
    pub(super) fn remember_room(&mut self, id: PersonId, room: RoomId, is_current: bool) {
        let account = self.people.get(id).and_then(Person::account);
        let Some(account) = account.and_then(|account| self.accounts.get_mut(account)) else {
            return;
        };
        let is_new = !account.rooms.contains(&room);
        if is_new {
            account.rooms.push(room);
        }
        let is_moved = is_current && account.current.replace(room) != Some(room);
        if is_new || is_moved {
            let account = account.id;
            self.accounts.touch(account);
        }
    }

    /// An account's session has left a room: unless another one is in it, the account has.
    pub(super) fn forget_room(&mut self, id: PersonId, room: RoomId) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (Some(account), current) = (person.account(), person.current) else {
            return;
        };
        let mut others = self.sessions_of(account);
        if others.any(|(_, other)| other.rooms.contains(&room)) {
            return;
        }
        drop(others);
        if let Some(account) = self.accounts.get_mut(account) {
            account.rooms.retain(|other| *other != room);
            account.current = current;
        }
        self.accounts.touch(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_retired_name_is_free_again_after_its_time_and_for_its_owner_at_once() {
        let start = 1_000;
        let mut accounts = Accounts::new(Vec::new(), vec![(name("old"), start)], AccountId(1));
        let id = accounts.take_id();
        accounts.put(AccountRecord {
            id,
            name: name("alice"),
            password: None,
            keys: Vec::new(),
            is_admin: false,
            since_unix_ms: start,
            seen_unix_ms: start,
            inbox: None,
            inbox_read: crate::chat::EntryId(0),
            rooms: Vec::new(),
            current: None,
            ignored: Vec::new(),
        });
        accounts.rename(id, name("alicia"), start);
        let end = start + u64::try_from(ACCOUNT_NAME_RESERVED.as_millis()).unwrap();
        for word in ["old", "alice"] {
            assert!(accounts.is_retired(name(word), None, end - 1));
            assert!(accounts.is_retired(name(word), Some(AccountId(9)), end - 1));
            assert!(!accounts.is_retired(name(word), None, end));
        }
        assert!(!accounts.is_retired(name("ALICE"), Some(id), start));
        assert!(accounts.is_retired(name("old"), Some(id), start));
        accounts.rename(id, name("Alice"), start);
        assert!(accounts.named(name("alice")).is_some());
        assert!(accounts.is_retired(name("alicia"), None, start));
        assert!(accounts.remove(id, start).is_some());
        assert!(accounts.is_retired(name("alice"), Some(id), start));
    }
}
