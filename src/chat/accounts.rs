//! Accounts: who has one, under which name, and which names are not free again yet.

use super::name::Name;
use super::people::{Person, PersonId};
use super::{AccountId, AccountRecord, Chat};
use std::collections::BTreeMap;

/// All accounts. The chat owns them; the store has their image.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_id: BTreeMap<AccountId, AccountRecord>,
    by_name: BTreeMap<Name, AccountId>,
    /// Names that accounts had, and since when, milliseconds since 1970.
    retired: BTreeMap<Name, u64>,
    /// The id of the next one.
    next: u64,
}

impl Accounts {
    /// The accounts there are at the start; ids go on with `first`.
    pub(super) fn new(
        accounts: Vec<AccountRecord>,
        retired: Vec<(Name, u64)>,
        first: AccountId,
    ) -> Self {
        Self {
            by_name: accounts
                .iter()
                .map(|account| (account.name, account.id))
                .collect(),
            by_id: accounts
                .into_iter()
                .map(|account| (account.id, account))
                .collect(),
            retired: retired.into_iter().collect(),
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
            self.retired.insert(old, unix_ms);
        }
    }

    /// Ends an account; its name is reserved from now on.
    pub(super) fn remove(&mut self, id: AccountId, unix_ms: u64) -> Option<AccountRecord> {
        let account = self.by_id.remove(&id)?;
        self.by_name.remove(&account.name);
        self.retired.insert(account.name, unix_ms);
        Some(account)
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

    /// Since when the name is no account's any more, if it once was one's.
    pub(super) fn retired_since(&self, name: Name) -> Option<u64> {
        self.retired.get(&name).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }

    /// All accounts, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &AccountRecord> {
        self.by_name.values().filter_map(|id| self.get(*id))
    }
}

impl Chat {
    /// Whether somebody administers the server.
    pub(super) fn is_admin(&self, id: PersonId) -> bool {
        let account = self.people.get(id).and_then(Person::account);
        let account = account.and_then(|account| self.accounts.get(account));
        account.is_some_and(|account| account.is_admin)
    }
}
