//! Inboxes: the logs of private messages, one for each account and each guest that has any.
//!
//! An account's inbox stays, and all connections of the account read it; what comes while there are
//! none waits in it, within bounds. A guest's inbox goes with its session.

use super::changes::Then;
use super::name::Name;
use super::pending::Pending;
use super::people::{Person, PersonId};
use super::refusal::Refusal;
use super::sessions::{Positions, position};
use super::{
    AccountId, Change, Chat, Door, Effect, Effects, EntryId, Event, Extent, From, InboxRecord,
    Owner, RoomId, RoomOrder, SessionId, Waiting,
};
use crate::limits::{
    DROPPED_SESSIONS_MAX, GUEST_RESUME_AGE_MAX, JOIN_HISTORY_ENTRIES, WAITING_BYTES_MAX,
    WAITING_MESSAGES_MAX, WAITING_PER_SENDER_MAX,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    fn collect(&mut self, account: AccountId) -> (u32, Option<Name>) {
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

/// Guests of the last process. Whoever resumes in time is taken for the same: its messages are
/// recognised when it sends them again, and it gets its inbox back.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    inboxes: BTreeMap<SessionId, RoomId>,
    /// Sessions that have ended since; what they were is gone, though their tokens are known.
    ended: BTreeSet<SessionId>,
    /// Whether there was a last process, and guests of it may still come.
    are_awaited: bool,
    /// Until when; unknown before the first input.
    due: Option<Duration>,
}

impl Orphans {
    pub(super) fn new(are_awaited: bool) -> Self {
        Self {
            are_awaited,
            ..Self::default()
        }
    }

    pub(super) fn insert(&mut self, session: SessionId, inbox: RoomId) {
        self.inboxes.insert(session, inbox);
    }

    /// The time of an input: their time runs from the first.
    pub(super) fn see(&mut self, now: Duration) {
        if self.due.is_none() && self.are_awaited {
            self.due = Some(now.saturating_add(GUEST_RESUME_AGE_MAX));
        }
    }

    /// When they are awaited no longer.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due.filter(|_| self.are_awaited)
    }

    /// Whether a session that is not known may be one of the last process.
    pub(super) fn may_hold(&self, session: SessionId) -> bool {
        self.are_awaited && !self.ended.contains(&session)
    }

    /// The same, when it can only have been an account's.
    pub(super) fn may_have_held_account(&self, session: SessionId) -> bool {
        self.may_hold(session) && !self.inboxes.contains_key(&session)
    }

    /// A session has ended.
    pub(super) fn note_end(&mut self, session: SessionId) {
        if self.are_awaited {
            self.ended.insert(session);
        }
        if self.ended.len() > DROPPED_SESSIONS_MAX {
            self.ended.pop_first();
        }
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

    /// Gives a guest that was here before the server was restarted its inbox back.
    pub(super) fn adopt_orphan(&mut self, id: PersonId) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let Some(room) = self.orphans.inboxes.remove(&person.sender()) else {
            return;
        };
        person.rare_mut().inbox = Some(room);
        if let Some(inbox) = self.rooms.inbox_mut(room) {
            inbox.owner = InboxOwner::Guest(id);
        }
    }

    /// Removes the inboxes of guests that did not come back.
    pub(super) fn expire_orphans(&mut self, effects: &mut Effects) {
        if self
            .orphans
            .due()
            .is_some_and(|due| due <= self.now.monotonic)
        {
            for room in std::mem::take(&mut self.orphans).inboxes.into_values() {
                self.abandon_inbox(room, effects);
            }
        }
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
