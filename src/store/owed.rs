//! Changes that are owed: what a store could not keep when it was asked to, and must keep before
//! anything that comes later.
//!
//! A change holds from the moment it is decided, and messages build upon it: what is said in a room
//! is lost if the room is not there after a restart. So a change that failed goes first into every
//! later batch, until one is stored: what is stored is always a state the chat was in.

use crate::chat::{AccountId, Change, EntryId, Outcome, RoomId, SanctionId, StoreFailure};
use crate::chat::{TokenHash, Write};
use crate::limits::CHANGES_OWED_MAX;
use std::collections::BTreeSet;

/// The changes that are owed, in the order of decision.
#[derive(Debug, Default)]
pub struct Owed {
    changes: Vec<Write>,
}

/// What a change is about. A later one about the same makes an earlier one needless, since records
/// are whole.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Log(RoomId),
    Account(AccountId),
    Sanction(SanctionId),
    Session(TokenHash),
    Entry(RoomId, EntryId),
}

impl Owed {
    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Has `batch` stored behind what is owed, all of it or nothing; the outcomes of `batch`. What
    /// was owed is not answered once more.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] of the store; what changes there were are owed from now on. More than
    /// [`CHANGES_OWED_MAX`] are [`StoreFailure::Broken`].
    pub fn commit(
        &mut self,
        batch: &[Write],
        store: impl FnOnce(&[Write]) -> Result<Vec<Outcome>, StoreFailure>,
    ) -> Result<Vec<Outcome>, StoreFailure> {
        let stored = if self.is_empty() {
            store(batch)
        } else {
            let all = [&self.changes, batch].concat();
            store(&all).map(|mut outcomes| outcomes.split_off(self.changes.len()))
        };
        match stored {
            Ok(outcomes) => {
                self.changes.clear();
                Ok(outcomes)
            }
            Err(why) => {
                self.note(batch);
                let is_too_much = self.changes.len() > CHANGES_OWED_MAX;
                Err(if is_too_much {
                    StoreFailure::Broken
                } else {
                    why
                })
            }
        }
    }

    /// Adds the changes of a batch, in place of those they replace.
    fn note(&mut self, batch: &[Write]) {
        let is_change = |write: &&Write| matches!(write, Write::Change { .. });
        let before = self.changes.len();
        self.changes.extend(batch.iter().filter(is_change).cloned());
        if self.changes.len() == before {
            return;
        }
        let mut seen = BTreeSet::new();
        let mut kept = Vec::new();
        for write in std::mem::take(&mut self.changes).into_iter().rev() {
            if subject(&write).is_some_and(|subject| seen.insert(subject)) {
                kept.push(write);
            }
        }
        kept.reverse();
        self.changes = kept;
    }
}

fn subject(write: &Write) -> Option<Subject> {
    let Write::Change { change, .. } = write else {
        return None;
    };
    Some(match change {
        Change::PutRoom(record) => Subject::Log(record.id),
        Change::PutInbox(record) => Subject::Log(record.id),
        Change::RemoveRoom(room) => Subject::Log(*room),
        Change::PutAccount(record) => Subject::Account(record.id),
        Change::RemoveAccount(account) => Subject::Account(*account),
        Change::PutSanction(record) => Subject::Sanction(record.id),
        Change::PutSession(record) => Subject::Session(record.token),
        Change::RemoveSession(token) => Subject::Session(*token),
        Change::Erase(room, entry) => Subject::Entry(*room, *entry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{InboxRecord, Owner, SessionId, Ticket};

    fn inbox(ticket: u64, room: u64, owner: u64) -> Write {
        let (id, owner) = (RoomId(room), Owner::Session(SessionId(owner)));
        change(ticket, Change::PutInbox(InboxRecord { id, owner }))
    }

    fn change(ticket: u64, change: Change) -> Write {
        let ticket = Ticket(ticket);
        Write::Change { ticket, change }
    }

    fn tickets(batch: &[Write]) -> Vec<u64> {
        batch.iter().map(|write| write.ticket().0).collect()
    }

    fn stored(batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        let changed = |write: &Write| Outcome::Changed(write.ticket());
        Ok(batch.iter().map(changed).collect())
    }

    #[test]
    fn what_failed_comes_first_until_it_is_stored() {
        let mut owed = Owed::default();
        let full = |_: &[Write]| Err(StoreFailure::DiskFull);
        let failed = owed.commit(&[inbox(1, 2, 7), inbox(2, 3, 7)], full);
        assert_eq!(failed.unwrap_err(), StoreFailure::DiskFull);
        let failed = owed.commit(&[inbox(3, 4, 7)], |all| {
            assert_eq!(tickets(all), [1, 2, 3]);
            Err(StoreFailure::Io)
        });
        assert_eq!(failed.unwrap_err(), StoreFailure::Io);
        let outcomes = owed.commit(&[inbox(4, 5, 7)], |all| {
            assert_eq!(tickets(all), [1, 2, 3, 4]);
            stored(all)
        });
        assert!(matches!(
            outcomes.unwrap()[..],
            [Outcome::Changed(Ticket(4))]
        ));
        assert!(owed.is_empty());
        let outcomes = owed.commit(&[inbox(5, 5, 8)], |all| {
            assert_eq!(tickets(all), [5]);
            stored(all)
        });
        assert_eq!(outcomes.unwrap().len(), 1);
    }

    #[test]
    fn of_changes_of_the_same_only_the_last_is_owed() {
        let mut owed = Owed::default();
        let batch = [
            inbox(1, 2, 7),
            inbox(2, 3, 7),
            inbox(3, 2, 8),
            change(4, Change::RemoveRoom(RoomId(3))),
            change(5, Change::Erase(RoomId(3), EntryId(1))),
        ];
        for _ in 0..3 {
            let failed = owed.commit(&batch, |_| Err(StoreFailure::Io));
            assert_eq!(failed.unwrap_err(), StoreFailure::Io);
            assert_eq!(tickets(&owed.changes), [3, 4, 5]);
        }
    }

    #[test]
    fn more_than_can_be_owed_is_the_end() {
        let mut owed = Owed::default();
        let ids = 0..=u64::try_from(CHANGES_OWED_MAX).unwrap();
        let batch: Vec<Write> = ids.map(|id| inbox(id, id, 7)).collect();
        let last = batch.len() - 1;
        let failed = owed.commit(&batch[..last], |_| Err(StoreFailure::DiskFull));
        assert_eq!(failed.unwrap_err(), StoreFailure::DiskFull);
        let failed = owed.commit(&batch[last..], |_| Err(StoreFailure::DiskFull));
        assert_eq!(failed.unwrap_err(), StoreFailure::Broken);
    }
}
