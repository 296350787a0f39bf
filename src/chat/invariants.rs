//! What must hold between two inputs, checked in debug builds.

use super::Chat;
use super::inboxes::InboxOwner;
use super::people::{Person, PersonId};
use std::collections::BTreeSet;

impl Chat {
    /// Checks the invariants of [`Chat`]. Costs nothing in release builds, and in debug builds
    /// grows with the number of people, so that it is left out when they are many.
    ///
    /// # Panics
    ///
    /// When one is broken, which no input may bring about.
    pub fn assert_invariants(&self) {
        if cfg!(debug_assertions) && self.people.count() <= PEOPLE_CHECKED_MAX {
            self.assert_people_and_seats_agree();
            self.assert_people_and_rooms_agree();
            self.assert_journal_and_orders_agree();
        }
    }

    fn assert_people_and_seats_agree(&self) {
        for (id, person) in self.people.iter() {
            let mut named = self.people.all_named(person.name);
            assert!(
                named.any(|(named, _)| named == id),
                "a person is found by its name"
            );
            let (_, first) = self.people.named(person.name).expect("it was found");
            assert_eq!(
                first.account(),
                person.account(),
                "only the sessions of an account share a name"
            );
            if let Some(account) = person.account() {
                let account = self
                    .accounts
                    .get(account)
                    .expect("a session has its account");
                assert!(
                    account.name == person.name,
                    "a session has its account's name"
                );
            }
            let Some(client) = person.client else {
                let dropped = person.rare().and_then(|rare| rare.dropped.as_ref());
                assert!(dropped.is_some(), "who has no connection is dropped");
                assert!(person.rooms.is_empty(), "who is dropped is in no room");
                continue;
            };
            let seat = self.seats.get(client);
            assert!(
                matches!(seat, Some(super::seats::Seat::Taken(other)) if *other == id),
                "a person's connection knows it"
            );
            assert!(
                person
                    .current
                    .is_none_or(|room| person.rooms.contains(&room)),
                "text goes to a room one is in"
            );
        }
        for (client, seat) in self.seats.iter() {
            if let super::seats::Seat::Taken(id) = seat {
                let owner = self.people.get(*id).and_then(|person| person.client);
                assert_eq!(owner, Some(client), "a seat's person sits on it");
            }
        }
    }

    fn assert_people_and_rooms_agree(&self) {
        for (id, person) in self.people.iter() {
            for room in person.rooms.iter() {
                let room = self.rooms.get(*room);
                let room = room.expect("a person is in rooms that exist");
                assert!(room.members.contains_key(&id), "a room knows its members");
            }
            for room in person.owned() {
                let owner = self.rooms.get(*room).and_then(|room| room.owner);
                assert_eq!(owner, Some(id), "a room knows its owner");
            }
        }
        for (room, state) in self.rooms.by_name() {
            for member in state.members.keys() {
                let member = self.people.get(*member);
                let member = member.expect("a member is a person");
                assert!(member.rooms.contains(&room), "a member knows its rooms");
            }
            let members = state.members.keys();
            let names: BTreeSet<_> = members
                .filter_map(|member| self.people.get(*member))
                .map(|member| member.name)
                .collect();
            assert_eq!(names.len(), state.here(), "a name is counted once");
        }
        for (room, inbox) in self.rooms.inboxes() {
            let knows = |id: PersonId| self.people.get(id).and_then(Person::inbox) == Some(room);
            let is_known = match inbox.owner {
                InboxOwner::Guest(id) => knows(id),
                InboxOwner::Account(account) => {
                    let record = self.accounts.get(account);
                    record.is_some_and(|account| account.inbox == Some(room))
                        && self.sessions_of(account).all(|(id, _)| knows(id))
                }
                InboxOwner::Former(_) | InboxOwner::Nobody => true,
            };
            assert!(is_known, "an inbox's owner knows it");
        }
    }

    fn assert_journal_and_orders_agree(&self) {
        let (jobs, places) = self.journal.counts();
        for (id, person) in self.people.iter() {
            let outstanding = self.journal.count_of(id);
            assert_eq!(
                usize::from(person.outstanding),
                outstanding,
                "jobs per sender"
            );
        }
        assert_eq!(
            self.journal.bytes(),
            self.journal.bytes_counted(),
            "bytes owed"
        );
        assert!(jobs <= crate::limits::JOURNAL_JOBS_MAX, "jobs are bounded");
        #[cfg(test)]
        if super::fault::is_any_planted() {
            return;
        }
        let waiting = self
            .rooms
            .pendings()
            .map(|(_, order)| order.waiting_count());
        assert_eq!(
            waiting.sum::<usize>(),
            places,
            "each place waits for one job"
        );
        for (_, order) in self.rooms.pendings() {
            assert!(
                order.is_empty() || order.is_blocked(),
                "what is settled with all before it is visible"
            );
        }
    }
}

/// People above whom the sweeps are left out.
const PEOPLE_CHECKED_MAX: usize = 128;
