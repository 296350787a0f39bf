//! Inboxes: the logs of private messages, one for each account and each guest that has any.
//!
//! An account's inbox stays, and all connections of the account read it; what comes while there are
//! none waits in it, within the bounds of [`super::mail`]. A guest's inbox goes with its session;
//! after a restart it is kept a while for who may come back, see [`super::orphans`].

use super::changes::Then;
use super::pending::Pending;
use super::people::{Person, PersonId};
use super::sessions::{Positions, position};
use super::{
    AccountId, Change, Chat, Door, Effect, Effects, EntryId, Event, Extent, From, InboxRecord,
    Owner, RoomId, RoomOrder, SessionId,
};
use crate::limits::JOIN_HISTORY_ENTRIES;

/// The log of somebody's private messages.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) owner: InboxOwner,
    pub(super) pending: Pending,
    /// As in [`super::rooms::Room`].
    pub(super) lingering: usize,
    /// The newest entry of it that is stored.
    pub(super) newest: EntryId,
    /// What the store held of it when the server started.
    extent: Extent,
    /// Whether the fan-out has heard of it: not before it is read or written to.
    is_found: bool,
}

/// Whose an inbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InboxOwner {
    /// An account's.
    Account(AccountId),
    /// A guest's, while that session lasts.
    Guest(PersonId),
    /// A guest's of the last process, who may come back.
    Former(SessionId),
    /// Nobody's any more.
    Nobody,
}

impl Inbox {
    pub(super) fn new(owner: InboxOwner, extent: Extent) -> Self {
        let mut pending = Pending::default();
        pending.resume_at(extent.newest_unix_ms);
        Self {
            owner,
            pending,
            lingering: 0,
            newest: extent.newest,
            extent,
            is_found: false,
        }
    }

    /// Whether nothing holds it any more.
    pub(super) fn is_over(&self) -> bool {
        self.owner == InboxOwner::Nobody && self.lingering == 0 && self.pending.is_empty()
    }
}

impl Chat {
    /// The inbox of somebody, made now if there is none yet; nothing when ids are spent.
    pub(super) fn inbox_of(&mut self, id: PersonId, effects: &mut Effects) -> Option<RoomId> {
        let person = self.people.get(id)?;
        if let Some(account) = person.account() {
            return self.inbox_of_account(account, effects);
        }
        if let Some(inbox) = person.inbox() {
            return Some(inbox);
        }
        let owner = Owner::Session(person.sender());
        let room = self.make_inbox(InboxOwner::Guest(id), owner, effects)?;
        if let Some(person) = self.people.get_mut(id) {
            person.rare_mut().inbox = Some(room);
        }
        self.open_inbox(id, From::Newest(0), effects);
        Some(room)
    }

    /// The inbox of an account, made now if there is none yet; nothing when ids are spent.
    pub(super) fn inbox_of_account(
        &mut self,
        account: AccountId,
        effects: &mut Effects,
    ) -> Option<RoomId> {
        if let Some(inbox) = self.accounts.get(account)?.inbox {
            self.find_inbox(inbox, effects);
            return Some(inbox);
        }
        let owner = Owner::Account(account);
        let room = self.make_inbox(InboxOwner::Account(account), owner, effects)?;
        if let Some(account) = self.accounts.get_mut(account) {
            account.inbox = Some(room);
        }
        self.put_account(account, Then::Nothing, effects);
        let sessions: Vec<_> = self.sessions_of(account).map(|(id, _)| id).collect();
        for id in sessions {
            if let Some(person) = self.people.get_mut(id) {
                person.rare_mut().inbox = Some(room);
            }
            self.open_inbox(id, From::Newest(0), effects);
        }
        Some(room)
    }

    fn make_inbox(
        &mut self,
        owner: InboxOwner,
        recorded: Owner,
        effects: &mut Effects,
    ) -> Option<RoomId> {
        let room = self.rooms.take_id()?;
        self.rooms
            .insert_inbox(room, Inbox::new(owner, Extent::EMPTY));
        let record = InboxRecord {
            id: room,
            owner: recorded,
        };
        self.change(Change::PutInbox(record), Then::Nothing, effects);
        self.find_inbox(room, effects);
        Some(room)
    }

    /// Tells the fan-out of an inbox, if it has not heard of it.
    pub(super) fn find_inbox(&mut self, room: RoomId, effects: &mut Effects) {
        let history = self.settings.kept.is_kept();
        let Some(inbox) = self.rooms.inbox_mut(room) else {
            return;
        };
        if !std::mem::replace(&mut inbox.is_found, true) {
            effects.push_back(Effect::Room(RoomOrder::Found {
                room,
                name: None,
                history,
                extent: inbox.extent,
            }));
        }
    }

    /// Lets somebody's connection read its inbox, if it has one.
    pub(super) fn open_inbox(&mut self, id: PersonId, from: From, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (Some(room), Some(client)) = (person.inbox(), person.client) else {
            return;
        };
        if person.door == Door::Sealed {
            effects.push_back(Effect::Reply(client, Event::Inbox(room)));
        }
        effects.push_back(Effect::Room(RoomOrder::Join {
            room,
            client,
            from,
            greeting: None,
        }));
    }

    /// Lets the connection of a session that begins or goes on read its inbox: from where it had
    /// read to, or what waited if the account was away.
    pub(super) fn return_to_inbox(
        &mut self,
        id: PersonId,
        positions: &Positions,
        was_away: bool,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (account, client) = (person.account(), person.client);
        let Some(inbox) = person.inbox() else { return };
        self.find_inbox(inbox, effects);
        let known = position(positions, inbox);
        let mut from = known.unwrap_or(From::Newest(JOIN_HISTORY_ENTRIES));
        if let Some(account) = account.filter(|_| was_away) {
            let (waited, newest_from) = self.mail.collect(account);
            if let (Some(from), Some(person)) = (newest_from, self.people.get_mut(id)) {
                person.rare_mut().correspondent = Some((None, from));
            }
            let read = self.accounts.get(account).map(|account| account.inbox_read);
            if let (None, Some(read), Some(client)) = (known, read, client) {
                from = From::After(read);
                if waited > 0 {
                    let text = format!("private messages: {waited} while you were away");
                    effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
                }
            }
        }
        self.open_inbox(id, from, effects);
    }

    /// Gives a guest's inbox to the account it has made.
    pub(super) fn hand_inbox_over(
        &mut self,
        room: RoomId,
        account: AccountId,
        effects: &mut Effects,
    ) {
        if let Some(inbox) = self.rooms.inbox_mut(room) {
            inbox.owner = InboxOwner::Account(account);
            let record = InboxRecord {
                id: room,
                owner: Owner::Account(account),
            };
            self.change(Change::PutInbox(record), Then::Nothing, effects);
        }
    }

    /// An inbox is nobody's any more; it ends when all that was said in it is settled.
    pub(super) fn abandon_inbox(&mut self, room: RoomId, effects: &mut Effects) {
        if let Some(inbox) = self.rooms.inbox_mut(room) {
            inbox.owner = InboxOwner::Nobody;
        }
        self.dissolve_if_over(room, effects);
    }

    /// Ends an inbox that nothing holds any more.
    pub(super) fn dissolve_inbox_if_over(&mut self, room: RoomId, effects: &mut Effects) {
        let Some(inbox) = self.rooms.remove_inbox_if_over(room) else {
            return;
        };
        if inbox.is_found {
            effects.push_back(Effect::Room(RoomOrder::Dissolve(room)));
        }
        self.change(Change::RemoveRoom(room), Then::Nothing, effects);
    }

    /// Forgets whose inbox somebody's was who is a guest no more; its connection reads on elsewhere.
    pub(super) fn leave_guest_inbox(&mut self, id: PersonId, effects: &mut Effects) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let Some(room) = person.inbox() else { return };
        person.rare_mut().inbox = None;
        if let Some(client) = person.client {
            effects.push_back(Effect::Room(RoomOrder::Leave { room, client }));
        }
        self.abandon_inbox(room, effects);
    }
}

/// To whom a private message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressee {
    /// A guest.
    Guest(PersonId),
    /// An account, wherever it is connected.
    Account(AccountId),
}

impl Addressee {
    /// Of whom somebody is one session.
    pub(super) fn of(id: PersonId, person: &Person) -> Self {
        person.account().map_or(Self::Guest(id), Self::Account)
    }
}
