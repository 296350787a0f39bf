//! How an account comes in: by password, key or token, and back into its rooms.
//!
//! Each connection of an account is a session of its own. What was sent before and not acknowledged
//! is recognised when it is sent again, because a session goes on under the token it was given,
//! whatever became of the server in between.

use super::membership::Entrance;
use super::name::{Name, RoomName};
use super::people::{PersonId, sender_of};
use super::refusal::Refusal;
use super::seats::Seat;
use super::sessions::{Positions, position};
use super::{
    AccountId, Body, Chat, ClientId, ClientKey, Close, Deed, Door, Effect, Effects, Event, Parting,
    Resume, RoomId, RoomOrder,
};
use std::sync::Arc;

impl Chat {
    /// The account of that name, if this key lets into it.
    pub(super) fn account_with_key(&self, name: Name, key: Option<ClientKey>) -> Option<AccountId> {
        let (account, key) = (self.accounts.named(name)?, key?);
        let mut keys = account.keys.iter();
        keys.any(|(other, _)| *other == key).then_some(account.id)
    }

    /// Begins a session of an account; whether it may was checked.
    pub(super) fn log_in(
        &mut self,
        client: ClientId,
        account: AccountId,
        wanted: Option<&str>,
        resume: Option<Resume>,
        effects: &mut Effects,
    ) {
        let (Some(mut nameless), Some(record)) =
            (self.nameless(client), self.accounts.get(account))
        else {
            return;
        };
        let (name, ignored) = (record.name, record.ignored.clone());
        if let Some(banned) = self.banned_account(account) {
            effects.push_back(Effect::Reply(client, Event::Refused(None, banned)));
            self.seats.replace(client, Seat::Deaf(Box::default()));
            let bye = Some(Event::Bye(None));
            effects.push_back(Effect::Finish(client, bye, Close::Removed));
            return;
        }
        let was_away = !self.is_connected(account);
        let is_reset = resume
            .as_ref()
            .is_some_and(|resume| resume.epoch != self.epoch);
        let own = resume.filter(|resume| resume.epoch == self.epoch);
        let mut resumed = false;
        if let Some(resume) = &own
            && self.people.with_token(resume.token).is_none()
        {
            let remembered = self.remembered.find(resume.hash, self.now.unix_ms);
            resumed = remembered == Some(account);
            let session = sender_of(resume.token);
            if resumed || self.orphans.may_have_held_account(session) {
                (nameless.arrival.token, nameless.arrival.hash) = (resume.token, resume.hash);
            }
        }
        let positions = own.map_or(Vec::new(), |resume| resume.positions);
        let id = self.begin_session(client, name, &nameless, Some(account), effects);
        self.take_what_the_account_has(id, account, ignored, effects);
        self.note_arrival(id, resumed, effects);
        self.remember_session(id, effects);
        self.welcome(id, resumed, effects);
        if is_reset {
            let reset = "history was reset: what was said before is not here any more";
            effects.push_back(Effect::Reply(client, Event::Notice(reset.into())));
        }
        self.return_to_inbox(id, &positions, was_away, effects);
        self.return_to_rooms(id, wanted, &positions, resumed, effects);
    }

    /// Gives a session what belongs to its account.
    fn take_what_the_account_has(
        &mut self,
        id: PersonId,
        account: AccountId,
        ignored: Vec<Name>,
        effects: &mut Effects,
    ) {
        let inbox = self.accounts.get(account).and_then(|account| account.inbox);
        self.accounts.touch(account);
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let ignored: Option<Arc<[Name]>> = (!ignored.is_empty()).then(|| ignored.into());
        let rare = person.rare_mut();
        rare.inbox = inbox;
        let had_ignored = rare.ignored.take().is_some();
        rare.ignored.clone_from(&ignored);
        if let Some(client) = person.client
            && (had_ignored || ignored.is_some())
        {
            effects.push_back(Effect::Room(RoomOrder::Ignore(
                client,
                ignored.unwrap_or_default(),
            )));
        }
    }

    /// Brings a session into the room it asked for and those its account is in.
    fn return_to_rooms(
        &mut self,
        id: PersonId,
        wanted: Option<&str>,
        positions: &Positions,
        resumed: bool,
        effects: &mut Effects,
    ) {
        let Some(account) = self.account_of(id) else {
            return;
        };
        let (rooms, current) = (account.rooms.clone(), account.current);
        if let Some(wanted) = wanted {
            self.enter_wanted(id, wanted, positions, resumed, effects);
        }
        let current = current.filter(|current| rooms.contains(current));
        let mut gone = 0;
        for room in current.into_iter().chain(rooms) {
            gone += usize::from(!self.return_to_room(id, room, positions, resumed, effects));
        }
        let is_nowhere = self
            .people
            .get(id)
            .is_some_and(|person| person.rooms.is_empty());
        if is_nowhere {
            self.enter_first_room(id, None, positions, resumed, effects);
        }
        let client = self.people.get(id).and_then(|person| person.client);
        if let Some(client) = client.filter(|_| gone > 0) {
            let text = if gone == 1 {
                "a room that you were in is gone".to_owned()
            } else {
                format!("{gone} rooms that you were in are gone")
            };
            effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
        }
    }

    /// Lets a session into the room it asked for.
    fn enter_wanted(
        &mut self,
        id: PersonId,
        wanted: &str,
        positions: &Positions,
        resumed: bool,
        effects: &mut Effects,
    ) {
        let remembered = self.account_of(id).map(|account| account.rooms.clone());
        let admitted = RoomName::parse(wanted)
            .map_err(Refusal::BadRoomName)
            .and_then(|name| {
                let (room, state) = self.rooms.named(name).ok_or(Refusal::NoSuchRoom(name))?;
                if remembered.is_some_and(|rooms| rooms.contains(&room)) {
                    self.may_return(id, state).map(|()| room)
                } else {
                    self.admit(id, name, None)
                }
            });
        let client = self.people.get(id).and_then(|person| person.client);
        match (admitted, client) {
            (Ok(room), _) => self.come_in(id, room, positions, resumed, effects),
            (Err(refusal), Some(client)) => {
                effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
            }
            (Err(_), None) => {}
        }
    }

    /// Brings a session back into a room its account is in; whether there still is that room.
    fn return_to_room(
        &mut self,
        id: PersonId,
        room: RoomId,
        positions: &Positions,
        resumed: bool,
        effects: &mut Effects,
    ) -> bool {
        let Some(person) = self.people.get(id) else {
            return true;
        };
        if person.rooms.contains(&room) {
            return true;
        }
        let (account, client) = (person.account(), person.client);
        let state = self.rooms.get(room).filter(|state| !state.is_closed);
        let Some(state) = state else {
            if let Some(account) = account.and_then(|account| self.accounts.get_mut(account)) {
                account.rooms.retain(|other| *other != room);
            }
            return false;
        };
        match (self.may_return(id, state), client) {
            (Ok(()), _) => self.come_in(id, room, positions, resumed, effects),
            (Err(refusal), Some(client)) => {
                effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
            }
            (Err(_), None) => {}
        }
        true
    }

    /// Puts a session into a room when it begins. The first one is where its text goes, and the
    /// greeting comes there unless the session goes on.
    fn come_in(
        &mut self,
        id: PersonId,
        room: RoomId,
        positions: &Positions,
        resumed: bool,
        effects: &mut Effects,
    ) {
        let is_first = self
            .people
            .get(id)
            .is_some_and(|person| person.current.is_none());
        let greeting = self.greeting(id, room).filter(|_| is_first && !resumed);
        let from = if resumed {
            position(positions, room).unwrap_or_else(|| self.newcomer_reads_from(room))
        } else {
            self.stranger_reads_from(room, positions)
        };
        let entrance = Entrance {
            from,
            greeting: greeting.map(|text| Event::Notice(text.into())),
            is_current: is_first,
        };
        self.enter(id, room, entrance, effects);
    }

    /// Makes a guest's session one of an account it has logged in to.
    pub(super) fn become_account(
        &mut self,
        id: PersonId,
        account: AccountId,
        effects: &mut Effects,
    ) {
        let (Some(person), Some(record)) = (self.people.get(id), self.accounts.get(account)) else {
            return;
        };
        let (old, to, ignored) = (person.name, record.name, record.ignored.clone());
        let (client, door, rooms) = (person.client, person.door, person.rooms.to_vec());
        let (key, source) = (person.key, person.source);
        let was_away = !self.is_connected(account);
        self.note_deed(id, Deed::Renamed { to }, effects);
        self.leave_guest_inbox(id, effects);
        let is_there = |room: &RoomId| {
            let mut others = self.sessions_of(account);
            others.any(|(_, other)| other.rooms.contains(room))
        };
        let (repeated, alone): (Vec<_>, Vec<_>) = rooms.into_iter().partition(is_there);
        for room in &alone {
            self.note(*room, old, client, Body::Renamed { to }, effects);
        }
        for room in &repeated {
            self.note_left_for_another_name(id, *room, old, effects);
        }
        self.people.rename(id, to);
        if let Some(key) = key {
            self.held.hold(old, key, source, self.now.monotonic);
        }
        if let Some(person) = self.people.get_mut(id) {
            person.rare_mut().account = Some(account);
        }
        self.take_what_the_account_has(id, account, ignored, effects);
        self.remember_session(id, effects);
        if let Some(client) = client.filter(|_| door == Door::Sealed) {
            effects.push_back(Effect::Reply(client, Event::Renamed(to)));
        }
        self.return_to_inbox(id, &[], was_away, effects);
        let current = self.people.get(id).and_then(|person| person.current);
        for room in alone.into_iter().chain(repeated) {
            self.remember_room(id, room, Some(room) == current);
        }
        self.return_to_rooms(id, None, &[], false, effects);
        // Whoever was nowhere has been greeted in the first room.
        if current.is_some() {
            self.tell_where(id, effects);
        }
    }

    /// In a room where the account is already, a guest that becomes it goes.
    fn note_left_for_another_name(
        &mut self,
        id: PersonId,
        room: RoomId,
        old: Name,
        effects: &mut Effects,
    ) {
        let client = self.people.get(id).and_then(|person| person.client);
        let Some(state) = self.rooms.get_mut(room) else {
            return;
        };
        let Some(since) = state.members.get(&id) else {
            return;
        };
        let left = Body::Left {
            after: since.until(self.now.monotonic),
            how: Parting::Left,
            why: None,
        };
        state.repeats += 1;
        self.note(room, old, client, left, effects);
    }
}
