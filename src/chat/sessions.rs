//! Sessions: how one gets its name, outlasts its connection, is taken over, and ends.

use super::changes::Then;
use super::membership::{Entrance, Exit, Farewell, entered};
use super::people::{Dropped, Person, PersonId, Standing};
use super::refusal::Refusal;
use super::rooms::{Room, Seconds};
use super::seats::{Lingering, Nameless, Seat};
use super::{
    AccountId, Change, Chat, ClientId, ClientKey, Close, Deed, Door, Duration, Effect, Effects,
    EntryId, Event, From, Name, Parting, RoomId, RoomName, RoomOrder, SessionRecord,
};
use crate::limits::{DROPPED_SESSIONS_MAX, JOIN_HISTORY_ENTRIES};

/// What a name that was asked for turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody's.
    Free,
    /// One's own, in a session that has not ended.
    Own(PersonId),
    /// An account's.
    Account,
}

/// Where a client that resumes had read to.
pub(super) type Positions = [(RoomId, EntryId)];

impl Chat {
    /// Whether a name may be had by whom this key belongs to, or by this account.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(super) fn claim(
        &mut self,
        text: &str,
        key: Option<ClientKey>,
        account: Option<AccountId>,
    ) -> Result<(Name, Claim), Refusal> {
        let name = Name::parse(text).map_err(Refusal::BadName)?;
        if self.accounts.named(name).is_some() {
            return Ok((name, Claim::Account));
        }
        let unix_ms = self.now.unix_ms;
        // The first administrator has a reserved name, and may go back to it.
        let is_reserved = name.is_reserved() && !self.accounts.was_called(account, name);
        if is_reserved || self.accounts.is_retired(name, account, unix_ms) {
            return Err(Refusal::NameReserved(name));
        }
        if let Some((id, owner)) = self.people.named(name) {
            return match owner.client {
                _ if key.is_some() && owner.key == key => Ok((name, Claim::Own(id))),
                Some(_) => Err(Refusal::NameTaken(name)),
                None => Err(Refusal::NameHeld(name)),
            };
        }
        if self.held.is_held_from(name, key, self.now.monotonic) {
            return Err(Refusal::NameHeld(name));
        }
        Ok((name, Claim::Free))
    }

    /// Begins a session on a connection that had none: a guest's, or one of an account.
    pub(super) fn begin_session(
        &mut self,
        client: ClientId,
        name: Name,
        nameless: &Nameless,
        account: Option<AccountId>,
        effects: &mut Effects,
    ) -> PersonId {
        self.held.release(name);
        let mut person = Person::new(name, client, &nameless.arrival, self.now.monotonic);
        person.throttle = nameless.throttle;
        if let Some(account) = account {
            let is_sealed = nameless.arrival.door == Door::Sealed;
            let rare = person.rare_mut();
            rare.account = Some(account);
            rare.hash = is_sealed.then_some(nameless.arrival.hash);
        }
        let id = self.people.insert(person);
        self.seats.replace(client, Seat::Taken(id));
        effects.push_back(Effect::Named(client));
        id
    }

    /// Moves a session to another connection; the old one is closed if there is one.
    ///
    /// Gives back what the session remembered if it was without a connection.
    pub(super) fn take_over(
        &mut self,
        id: PersonId,
        client: ClientId,
        nameless: &Nameless,
        effects: &mut Effects,
    ) -> Option<Dropped> {
        let dropped = self.people.pick_up(id);
        let Some(person) = self.people.get_mut(id) else {
            return dropped;
        };
        let old = person.client.replace(client);
        let arrival = &nameless.arrival;
        (person.door, person.source) = (arrival.door, arrival.source);
        person.standing = Standing::of(arrival);
        person.key = arrival.key.or(person.key);
        person.forget_flow();
        person.is_leaving = false;
        let ignored = person.rare().and_then(|rare| rare.ignored.clone());
        let mut rooms = person.rooms.to_vec();
        rooms.extend(person.inbox());
        self.seats.replace(client, Seat::Taken(id));
        if let Some(old) = old {
            self.seats.replace(old, Seat::Deaf(Box::default()));
            effects.push_back(Effect::Expel(old, Close::TakenOver));
            for room in rooms {
                effects.push_back(Effect::Room(RoomOrder::Leave { room, client: old }));
            }
        }
        effects.push_back(Effect::Named(client));
        if let Some(ignored) = ignored {
            effects.push_back(Effect::Room(RoomOrder::Ignore(client, ignored)));
        }
        self.note_arrival(id, true, effects);
        dropped
    }

    /// Lets a connection that took a session over read in all rooms the session is in, and
    /// brings the session back into those it was in when it lost its connection.
    pub(super) fn reopen(
        &mut self,
        id: PersonId,
        dropped: Option<Dropped>,
        positions: &Positions,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let Some(client) = person.client else { return };
        let (account, rooms) = (person.account(), person.rooms.to_vec());
        let was_away =
            dropped.is_some() && account.is_some_and(|account| self.connections_of(account) == 1);
        for room in rooms {
            let Some(state) = self.rooms.get(room) else {
                continue;
            };
            effects.push_back(Effect::Reply(client, entered(room, state)));
            effects.push_back(Effect::Room(RoomOrder::Join {
                room,
                client,
                from: self.reading_from(room, positions),
                greeting: None,
            }));
        }
        for (room, name) in dropped.into_iter().flat_map(|dropped| dropped.rooms) {
            self.come_back(id, room, name, positions, effects);
        }
        self.return_to_inbox(id, positions, was_away, effects);
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        // The room to which text went may be gone.
        let still_in = person.current.filter(|room| person.rooms.contains(room));
        person.current = still_in.or(person.rooms.last().copied());
        effects.push_back(Effect::Reply(client, Event::Current(person.current)));
    }

    /// Brings a resumed session back into one room.
    fn come_back(
        &mut self,
        id: PersonId,
        room: RoomId,
        name: RoomName,
        positions: &Positions,
        effects: &mut Effects,
    ) {
        let client = self.people.get(id).and_then(|person| person.client);
        let Some(client) = client else { return };
        let state = self.rooms.get(room).filter(|state| !state.is_closed);
        let Some(state) = state else {
            let gone = format!("{name} is gone");
            effects.push_back(Effect::Reply(client, Event::Notice(gone.into())));
            return;
        };
        if let Err(refusal) = self.may_return(id, state) {
            effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
            return;
        }
        let entrance = Entrance {
            from: self.reading_from(room, positions),
            greeting: None,
            is_current: false,
        };
        self.enter(id, room, entrance, effects);
        if let Some(person) = self.people.get_mut(id) {
            person.current = person.current.or(Some(room));
        }
    }

    /// Whether somebody may come back into a room it was in: it need not know the key again.
    pub(super) fn may_return(&self, id: PersonId, state: &Room) -> Result<(), Refusal> {
        if state.is_closed {
            // Its name may be another room's already.
            return Err(Refusal::NoSuchRoom(state.name));
        }
        self.admit(id, state.name, state.key.as_deref()).map(drop)
    }

    /// Where a room's log begins for a client that says it had read to `positions` but cannot show
    /// that it was in the room: nothing is shown that a newcomer could not ask for.
    pub(super) fn stranger_reads_from(&self, room: RoomId, positions: &Positions) -> From {
        let has_history = self.rooms.get(room).is_some_and(|room| room.has_history);
        let known = position(positions, room).filter(|_| has_history);
        known.unwrap_or_else(|| self.newcomer_reads_from(room))
    }

    /// Where a room's log begins for a client that had read to `positions`.
    fn reading_from(&self, room: RoomId, positions: &Positions) -> From {
        position(positions, room).unwrap_or_else(|| self.newcomer_reads_from(room))
    }

    /// Where a room's log begins for somebody new.
    pub(super) fn newcomer_reads_from(&self, room: RoomId) -> From {
        let has_history = self.rooms.get(room).is_some_and(|room| room.has_history);
        From::Newest(if has_history { JOIN_HISTORY_ENTRIES } else { 0 })
    }

    /// Somebody wants to leave, or its input has ended: nothing more is heard, and the goodbye
    /// comes when everything sent before is answered.
    pub(super) fn leave_server(
        &mut self,
        id: PersonId,
        last_words: Option<std::sync::Arc<str>>,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        if person.is_leaving {
            return;
        }
        person.is_leaving = true;
        if last_words.is_some() {
            person.rare_mut().last_words = last_words;
        }
        self.finish_if_answered(id, effects);
    }

    /// Says goodbye to somebody who is leaving, when nothing is owed to it any more.
    pub(super) fn finish_if_answered(&mut self, id: PersonId, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        if !person.is_leaving || person.outstanding > 0 {
            return;
        }
        let is_owed = |client: ClientId| {
            self.is_hashing(client)
                || self.changes.are_awaited_by(client)
                || self.searches.has(client)
        };
        if person.client.is_some_and(is_owed) {
            return;
        }
        if let Some(client) = person.client {
            // First the goodbye, so that it comes before one's own departure.
            effects.push_back(Effect::Finish(client, Some(Event::Bye(None)), Close::Done));
            let mut rooms = person.rooms.to_vec();
            rooms.extend(person.inbox());
            for room in &rooms {
                if let Some(lingering) = self.rooms.lingering_mut(*room) {
                    *lingering += 1;
                }
            }
            let deaf = Seat::Deaf(Box::new(Lingering { rooms }));
            self.seats.replace(client, deaf);
        }
        self.end(id, Parting::Left, false, effects);
    }

    /// A connection whose last words were on their way is gone.
    pub(super) fn stop_lingering(
        &mut self,
        client: ClientId,
        lingering: &Lingering,
        effects: &mut Effects,
    ) {
        for room in &lingering.rooms {
            effects.push_back(Effect::Room(RoomOrder::Leave {
                room: *room,
                client,
            }));
            if let Some(lingering) = self.rooms.lingering_mut(*room) {
                *lingering -= 1;
            }
            self.dissolve_if_over(*room, effects);
        }
    }

    /// The connection of a session is gone.
    pub(super) fn hang_up(&mut self, id: PersonId, parting: Parting, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let is_lost = matches!(parting, Parting::Lost(_)) && !person.is_leaving;
        if is_lost && person.door == Door::Sealed && !self.is_stopping {
            self.drop_out(id, parting, effects);
        } else {
            let how = if person.is_leaving {
                Parting::Left
            } else {
                parting
            };
            self.end(id, how, true, effects);
        }
    }

    /// Keeps a session that lost its connection, for a while.
    fn drop_out(&mut self, id: PersonId, how: Parting, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (client, current) = (person.client, person.current);
        let (rooms, since) = (person.rooms.to_vec(), person.since);
        let named = |room: &RoomId| Some((*room, self.rooms.get(*room)?.name));
        let dropped = Dropped {
            at: self.now.monotonic,
            rooms: rooms.iter().filter_map(named).collect(),
        };
        let farewell = Farewell {
            how,
            why: None,
            is_cut: true,
        };
        self.note_last_seen(id);
        self.note_departure(id, since, how, effects);
        for room in rooms {
            self.step_out(id, room, Exit::Going(farewell.clone()), effects);
        }
        let inbox = self.people.get(id).and_then(Person::inbox);
        if let (Some(room), Some(client)) = (inbox, client) {
            effects.push_back(Effect::Room(RoomOrder::Leave { room, client }));
        }
        self.people.drop_out(id, dropped);
        if let Some(person) = self.people.get_mut(id) {
            // Where text went, so that it goes there again.
            person.current = current;
            person.forget_flow();
        }
        self.remember_session(id, effects);
        while self.people.dropped_count() > DROPPED_SESSIONS_MAX {
            let Some((_, oldest)) = self.people.oldest_dropped() else {
                break;
            };
            self.end(oldest, how, true, effects);
        }
    }

    /// When the session that has been without a connection for longest ends.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        let (since, _) = self.people.oldest_dropped()?;
        Some(since.saturating_add(self.settings.guest_resume))
    }

    /// Ends the sessions that were not resumed in time.
    pub(super) fn expire_sessions(&mut self, effects: &mut Effects) {
        while let Some((since, id)) = self.people.oldest_dropped() {
            if since.saturating_add(self.settings.guest_resume) > self.now.monotonic {
                break;
            }
            self.end(id, Parting::Left, true, effects);
        }
    }

    /// Ends a session: its departures queue behind what it said, its name is free or held, its
    /// rooms have no owner.
    pub(super) fn end(&mut self, id: PersonId, how: Parting, is_cut: bool, effects: &mut Effects) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let farewell = Farewell {
            how,
            why: person.rare_mut().last_words.take(),
            is_cut,
        };
        let (rooms, since) = (person.rooms.to_vec(), person.since);
        let is_dropped = person.client.is_none();
        if !is_dropped {
            self.note_last_seen(id);
            self.note_departure(id, since, how, effects);
        }
        for room in rooms {
            self.step_out(id, room, Exit::Going(farewell.clone()), effects);
        }
        if !is_dropped && how == Parting::Left {
            self.forget_session(id, effects);
        } else if !is_dropped {
            self.remember_session(id, effects);
        }
        let Some(person) = self.people.remove(id) else {
            return;
        };
        self.orphans.note_end(person.sender());
        if let Some(key) = person.key.filter(|_| person.account().is_none()) {
            let now = self.now.monotonic;
            self.held.hold(person.name, key, person.source, now);
        }
        for room in person.owned() {
            if let Some(room) = self.rooms.get_mut(*room) {
                room.owner = None;
            }
        }
        let Some(inbox) = person.inbox() else { return };
        if let Some(client) = person.client.filter(|_| is_cut) {
            effects.push_back(Effect::Room(RoomOrder::Leave {
                room: inbox,
                client,
            }));
        }
        if person.account().is_none() {
            self.abandon_inbox(inbox, effects);
        }
    }

    /// Lets the store know that a session of an account is in use.
    pub(super) fn remember_session(&mut self, id: PersonId, effects: &mut Effects) {
        let Some(rare) = self.people.get(id).and_then(Person::rare) else {
            return;
        };
        let (Some(account), Some(token)) = (rare.account, rare.hash) else {
            return;
        };
        let record = SessionRecord {
            token,
            account,
            seen_unix_ms: self.now.unix_ms,
        };
        if let Some(oldest) = self.remembered.put(record) {
            self.change(Change::RemoveSession(oldest), Then::Nothing, effects);
        }
        self.remembered.note_later(id, self.now.monotonic);
        self.change(Change::PutSession(record), Then::Nothing, effects);
    }

    /// A session of an account is not to be resumed.
    fn forget_session(&mut self, id: PersonId, effects: &mut Effects) {
        let token = self.people.get(id).and_then(Person::rare);
        let token = token.and_then(|rare| rare.hash);
        if let Some(token) = token.filter(|token| self.remembered.remove(*token)) {
            self.change(Change::RemoveSession(token), Then::Nothing, effects);
        }
    }

    /// Notes the use of sessions whose time for that has come.
    pub(super) fn note_sessions(&mut self, effects: &mut Effects) {
        while let Some(id) = self.remembered.take_due(self.now.monotonic) {
            let person = self.people.get(id).filter(|person| person.client.is_some());
            if let Some(account) = person.and_then(Person::account) {
                self.accounts.touch(account);
                self.remember_session(id, effects);
            }
        }
    }

    /// For the activity log: somebody has come.
    pub(super) fn note_arrival(&self, id: PersonId, resumed: bool, effects: &mut Effects) {
        if let Some(person) = self.people.get(id) {
            let came = Deed::Came {
                source: person.source,
                door: person.door,
                has_account: person.account().is_some(),
                resumed,
            };
            self.note_deed(id, came, effects);
        }
    }

    /// For the activity log: somebody is going.
    fn note_departure(&self, id: PersonId, since: Seconds, how: Parting, effects: &mut Effects) {
        let lost = match how {
            Parting::Left => None,
            Parting::Lost(loss) => Some(loss),
        };
        let after = since.until(self.now.monotonic);
        self.note_deed(id, Deed::Went { after, lost }, effects);
    }
}

/// Where a client had read to in one room, if it says so.
pub(super) fn position(positions: &Positions, room: RoomId) -> Option<From> {
    let known = positions.iter().find(|(other, _)| *other == room);
    known.map(|(_, entry)| From::After(*entry))
}
