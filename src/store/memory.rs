//! A store without a disk: it numbers messages and recognises retries, and keeps no text.
//!
//! It serves `--ephemeral`, where the fan-out's own log is all the history there is. Nothing of it
//! survives the process, which is what was asked for.

use super::Store;
use crate::chat::{Append, EntryId, MessageKey, Outcome, RoomId, SessionId, StoreFailure, Write};
use crate::limits::{DEDUPE_AGE_MAX, UNACKNOWLEDGED_MAX};
use std::collections::{BTreeMap, VecDeque};

/// The newest id of every room, and what each sender sent lately.
#[derive(Default)]
pub struct MemoryStore {
    newest: BTreeMap<RoomId, EntryId>,
    known: BTreeMap<SessionId, Sender>,
    /// Senders by the time of their newest message, to forget those that stopped.
    by_age: VecDeque<(u64, SessionId)>,
}

/// What one sender sent lately: the newest `UNACKNOWLEDGED_MAX` messages.
#[derive(Default)]
struct Sender {
    newest_unix_ms: u64,
    order: VecDeque<MessageKey>,
    places: BTreeMap<MessageKey, (EntryId, Option<EntryId>)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn append_one(&mut self, unix_ms: u64, append: &Append) -> Outcome {
        let ticket = append.ticket;
        let (session, key) = append.sender;
        if let Some(&(id, second)) = self
            .known
            .get(&session)
            .and_then(|sender| sender.places.get(&key))
        {
            return Outcome::Stored {
                ticket,
                id,
                second,
                fresh: false,
            };
        }
        let id = self.next_id(append.row.0);
        let second = append.second.as_ref().map(|(room, _)| self.next_id(*room));
        self.remember(unix_ms, session, key, (id, second));
        Outcome::Stored {
            ticket,
            id,
            second,
            fresh: true,
        }
    }

    fn next_id(&mut self, room: RoomId) -> EntryId {
        let newest = self.newest.entry(room).or_insert(EntryId(0));
        newest.0 += 1;
        *newest
    }

    fn remember(
        &mut self,
        unix_ms: u64,
        session: SessionId,
        key: MessageKey,
        place: (EntryId, Option<EntryId>),
    ) {
        let sender = self.known.entry(session).or_default();
        if sender.order.is_empty() {
            self.by_age.push_back((unix_ms, session));
        }
        sender.newest_unix_ms = unix_ms;
        sender.order.push_back(key);
        sender.places.insert(key, place);
        if sender.order.len() > UNACKNOWLEDGED_MAX
            && let Some(oldest) = sender.order.pop_front()
        {
            sender.places.remove(&oldest);
        }
    }

    /// Forgets senders whose newest message is too old to be sent again.
    fn forget_old(&mut self, unix_ms: u64) {
        let age = u64::try_from(DEDUPE_AGE_MAX.as_millis()).expect("a day fits");
        while let Some(&(seen, session)) = self.by_age.front() {
            if seen + age > unix_ms {
                return;
            }
            self.by_age.pop_front();
            let Some(sender) = self.known.get(&session) else {
                continue;
            };
            // It spoke since this note was made: look again when its newest message is old.
            if sender.newest_unix_ms > seen {
                self.by_age.push_back((sender.newest_unix_ms, session));
                continue;
            }
            self.known.remove(&session);
        }
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        self.forget_old(unix_ms);
        Ok(batch
            .iter()
            .map(|write| match write {
                Write::Append(append) => self.append_one(unix_ms, append),
                // The chat holds the records; there is no disk to put them on.
                Write::Change { ticket, .. } => Outcome::Changed(*ticket),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Body, Entry, Name, Ticket};

    fn message(room: u64, session: u64, key: u64) -> Write {
        let entry = Entry {
            id: None,
            unix_ms: 0,
            author: Name::parse("bob").unwrap(),
            origin: None,
            body: Body::Said("hi".into()),
        };
        Write::Append(Append {
            ticket: Ticket(key),
            sender: (SessionId(session), MessageKey(key)),
            row: (RoomId(room), entry),
            second: None,
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "anything else fails the test"
    )]
    fn ids(outcomes: &[Outcome]) -> Vec<(u64, bool)> {
        outcomes
            .iter()
            .map(|outcome| match outcome {
                Outcome::Stored { id, fresh, .. } => (id.0, *fresh),
                other => panic!("the memory store never fails: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn ids_are_dense_in_each_room() {
        let mut store = MemoryStore::new();
        let batch = [
            message(1, 1, 1),
            message(2, 1, 2),
            message(1, 2, 1),
            message(1, 1, 3),
        ];
        let stored = store.commit(0, &batch).unwrap();
        assert_eq!(ids(&stored), [(1, true), (1, true), (2, true), (3, true)]);
    }

    #[test]
    fn a_message_sent_again_has_the_place_it_had() {
        let mut store = MemoryStore::new();
        store
            .commit(0, &[message(1, 1, 7), message(1, 1, 8)])
            .unwrap();
        let again = store
            .commit(5, &[message(1, 1, 7), message(1, 2, 7)])
            .unwrap();
        assert_eq!(
            ids(&again),
            [(1, false), (3, true)],
            "another sender's numbers are its own"
        );
    }

    #[test]
    fn only_the_newest_messages_of_a_sender_are_recognised() {
        let mut store = MemoryStore::new();
        for key in 0..=UNACKNOWLEDGED_MAX as u64 {
            store.commit(0, &[message(1, 1, key)]).unwrap();
        }
        assert_eq!(
            ids(&store.commit(0, &[message(1, 1, 1)]).unwrap()),
            [(2, false)]
        );
        assert!(ids(&store.commit(0, &[message(1, 1, 0)]).unwrap())[0].1);
    }

    #[test]
    fn senders_that_stopped_are_forgotten_after_a_day() {
        let day = u64::try_from(DEDUPE_AGE_MAX.as_millis()).unwrap();
        let mut store = MemoryStore::new();
        store
            .commit(0, &[message(1, 1, 1), message(1, 2, 1)])
            .unwrap();
        store.commit(day / 2, &[message(1, 1, 2)]).unwrap();
        store.commit(day, &[]).unwrap();
        assert_eq!(
            store.known.len(),
            1,
            "the one that spoke at noon is still known"
        );
        store.commit(2 * day, &[]).unwrap();
        assert!(store.known.is_empty());
    }
}
