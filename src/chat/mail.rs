//! Mail: what waits for accounts that are away, counted.
//!
//! The messages themselves are in the inboxes. Here is how many there are, how long and from whom,
//! so that nobody can fill the inbox of somebody who is not there to read it. A message has its
//! place from when it is accepted, and keeps it when it is stored or gives it back.

use super::name::Name;
use super::refusal::Refusal;
use super::{AccountId, Chat, Waiting};
use crate::limits::{WAITING_BYTES_MAX, WAITING_MESSAGES_MAX, WAITING_PER_SENDER_MAX};
use std::collections::BTreeMap;

/// What waits for accounts that are away.
#[derive(Debug, Default)]
pub(super) struct Mail {
    boxes: BTreeMap<AccountId, Mailbox>,
}

/// What waits for one account.
#[derive(Debug, Default)]
struct Mailbox {
    /// How many messages from whom, those on their way to the store included.
    senders: BTreeMap<Name, u32>,
    count: u32,
    /// Bytes of their texts.
    bytes: u64,
    /// How many of them are stored.
    stored: u32,
    /// Who wrote the newest of those, as far as is known.
    newest_from: Option<Name>,
    /// How often the account has come and collected them.
    collections: u32,
}

/// A place in a mailbox for a message on its way to the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserved {
    account: AccountId,
    from: Name,
    bytes: u64,
    collections: u32,
}

impl Mail {
    /// What waits at the start.
    pub(super) fn new(waiting: &[Waiting]) -> Self {
        let mut mail = Self::default();
        for waiting in waiting {
            let mailbox = mail.boxes.entry(waiting.account).or_default();
            mailbox.senders.insert(waiting.from, waiting.count);
            mailbox.count = mailbox.count.saturating_add(waiting.count);
            mailbox.bytes = mailbox.bytes.saturating_add(waiting.bytes);
            mailbox.stored = mailbox.count;
            // Of several, the order is not told.
            let is_only = mailbox.senders.len() == 1;
            mailbox.newest_from = is_only.then_some(waiting.from);
        }
        mail
    }

    /// Keeps a place for a message, if there is one.
    fn reserve(&mut self, account: AccountId, from: Name, bytes: usize) -> Option<Reserved> {
        let mailbox = self.boxes.entry(account).or_default();
        let bytes = bytes as u64;
        let of_sender = mailbox.senders.get(&from).copied().unwrap_or(0);
        let fits = mailbox.count < WAITING_MESSAGES_MAX
            && mailbox.bytes.saturating_add(bytes) <= WAITING_BYTES_MAX
            && of_sender < WAITING_PER_SENDER_MAX;
        fits.then(|| mailbox.take_in(account, from, bytes))
    }

    /// A message was not stored, or had been before.
    pub(super) fn release(&mut self, reserved: &Reserved) {
        let mailbox = self.boxes.get_mut(&reserved.account);
        let mailbox = mailbox.filter(|mailbox| mailbox.collections == reserved.collections);
        if let Some(mailbox) = mailbox {
            mailbox.count -= 1;
            mailbox.bytes -= reserved.bytes;
            if let Some(count) = mailbox.senders.get_mut(&reserved.from) {
                *count -= 1;
                if *count == 0 {
                    mailbox.senders.remove(&reserved.from);
                }
            }
        }
    }

    /// A message for an account that is away is stored; one that was sent while the account was
    /// still here has no place yet.
    pub(super) fn store(
        &mut self,
        account: AccountId,
        reserved: Option<Reserved>,
        from: Name,
        bytes: usize,
    ) {
        let mailbox = self.boxes.entry(account).or_default();
        let has_place =
            reserved.is_some_and(|reserved| reserved.collections == mailbox.collections);
        if !has_place {
            mailbox.take_in(account, from, bytes as u64);
        }
        mailbox.stored += 1;
        mailbox.newest_from = Some(from);
    }

    /// The account has come: how many were waiting, and from whom the newest is.
    pub(super) fn collect(&mut self, account: AccountId) -> (u32, Option<Name>) {
        let Some(mailbox) = self.boxes.get_mut(&account) else {
            return (0, None);
        };
        let collections = mailbox.collections.wrapping_add(1);
        let emptied = Mailbox {
            collections,
            ..Mailbox::default()
        };
        let collected = std::mem::replace(mailbox, emptied);
        (collected.stored, collected.newest_from)
    }

    /// The account has ended.
    pub(super) fn remove(&mut self, account: AccountId) {
        self.boxes.remove(&account);
    }
}

impl Mailbox {
    fn take_in(&mut self, account: AccountId, from: Name, bytes: u64) -> Reserved {
        *self.senders.entry(from).or_default() += 1;
        self.count += 1;
        self.bytes += bytes;
        Reserved {
            account,
            from,
            bytes,
            collections: self.collections,
        }
    }
}

impl Chat {
    /// Keeps a place for a message to an account that is away.
    ///
    /// # Errors
    ///
    /// [`Refusal::InboxFull`].
    pub(super) fn reserve_mail(
        &mut self,
        account: AccountId,
        from: Name,
        bytes: usize,
    ) -> Result<Option<Reserved>, Refusal> {
        let Some(to) = self.accounts.get(account).map(|account| account.name) else {
            return Ok(None);
        };
        if self.is_connected(account) {
            return Ok(None);
        }
        let reserved = self.mail.reserve(account, from, bytes);
        reserved.map(Some).ok_or(Refusal::InboxFull(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId(1);

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn what_waits_is_bounded_by_count_bytes_and_sender() {
        let mut mail = Mail::default();
        for _ in 0..WAITING_PER_SENDER_MAX {
            assert!(mail.reserve(ALICE, name("bob"), 10).is_some());
        }
        assert!(mail.reserve(ALICE, name("BOB"), 10).is_none());
        let left = usize::try_from(WAITING_BYTES_MAX).unwrap()
            - 10 * usize::try_from(WAITING_PER_SENDER_MAX).unwrap();
        assert!(mail.reserve(ALICE, name("carol"), left + 1).is_none());
        let reserved = mail.reserve(ALICE, name("carol"), left).unwrap();
        assert!(mail.reserve(ALICE, name("dave"), 1).is_none());
        mail.release(&reserved);
        for index in WAITING_PER_SENDER_MAX..WAITING_MESSAGES_MAX {
            let sender = name(&format!("n{index}"));
            assert!(mail.reserve(ALICE, sender, 1).is_some());
        }
        assert!(mail.reserve(ALICE, name("dave"), 1).is_none());
        assert!(mail.reserve(AccountId(2), name("bob"), 1).is_some());
    }

    #[test]
    fn only_what_is_stored_is_counted_as_having_waited() {
        let mut mail = Mail::new(&[Waiting {
            account: ALICE,
            from: name("carol"),
            count: 2,
            bytes: 20,
        }]);
        let first = mail.reserve(ALICE, name("bob"), 10);
        let second = mail.reserve(ALICE, name("bob"), 10).unwrap();
        mail.store(ALICE, first, name("bob"), 10);
        assert_eq!(mail.collect(ALICE), (3, Some(name("bob"))));
        assert_eq!(mail.collect(ALICE), (0, None));
        // Its place was collected with the others.
        mail.release(&second);
        mail.store(ALICE, None, name("bob"), 10);
        assert_eq!(mail.boxes[&ALICE].count, 1);
        assert_eq!(mail.collect(ALICE).0, 1);
    }
}
