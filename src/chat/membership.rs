//! Who is where, and the one order of each room.
//!
//! Whatever happens in a room, stored or not, takes its place in the room's order the moment it is
//! decided; it becomes visible when all before it is settled.

use super::changes::Then;
use super::people::{Person, PersonId};
use super::presence::{Counts, Telling};
use super::rooms::{Room, Seconds};
use super::sanctions::culprit_of;
use super::{
    Body, Change, Chat, ClientId, Deed, Door, Effect, Effects, Entry, Event, From, Name, Parting,
    RoomId, RoomOrder,
};
use std::sync::Arc;

/// How somebody comes into a room.
#[derive(Debug)]
pub(super) struct Entrance {
    /// Where the log begins for it.
    pub(super) from: From,
    /// What it is told when it has reached what is new.
    pub(super) greeting: Option<Event>,
    /// Whether its plain text goes there from now on.
    pub(super) is_current: bool,
}

/// How somebody gets out of a room.
#[derive(Clone, Debug)]
pub(super) enum Exit {
    Going(Farewell),
    Kicked { by: Name, why: Option<Arc<str>> },
}

/// How somebody goes.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    pub(super) how: Parting,
    /// What it said.
    pub(super) why: Option<Arc<str>>,
    /// Whether its connection gets nothing more of the room, or is being told the last of it.
    pub(super) is_cut: bool,
}

impl Chat {
    /// Puts somebody into a room; whether it may was checked.
    pub(super) fn enter(
        &mut self,
        id: PersonId,
        room: RoomId,
        entrance: Entrance,
        effects: &mut Effects,
    ) {
        let now = self.now.monotonic;
        let is_repeat = self.is_elsewhere_in(id, room);
        let (Some(person), Some(state)) = (self.people.get_mut(id), self.rooms.get_mut(room))
        else {
            return;
        };
        let Some(client) = person.client.filter(|_| !state.is_closed) else {
            return;
        };
        state.members.insert(id, Seconds::at(now));
        state.repeats += usize::from(is_repeat);
        state.is_awaiting = false;
        person.rooms.add(room);
        if person.door == Door::Sealed {
            effects.push_back(Effect::Reply(client, entered(room, state)));
        }
        if entrance.is_current {
            person.current = Some(room);
            if person.door == Door::Sealed {
                effects.push_back(Effect::Reply(client, Event::Current(Some(room))));
            }
        }
        let (name, here, title) = (person.name, state.here(), state.name);
        // An account arrives once, however often it is connected.
        match (!is_repeat).then(|| state.presence.arrive(here)) {
            Some(Telling::Listed | Telling::ListedAfter(_)) => {
                let here = u32::try_from(here).unwrap_or(u32::MAX);
                self.note(room, name, Some(client), Body::Joined { here }, effects);
            }
            Some(Telling::Counted) => self.rooms.schedule_count(room, now),
            None => {}
        }
        self.remember_room(id, room, entrance.is_current);
        effects.push_back(Effect::Room(RoomOrder::Join {
            room,
            client,
            from: entrance.from,
            greeting: entrance.greeting,
        }));
        self.record(Some(client), Some(name), Deed::Joined(title), effects);
        self.own_again(id, room);
        self.use_invitation(id, room, effects);
    }

    /// Takes somebody out of a room, to which it is not brought back.
    pub(super) fn depart(
        &mut self,
        id: PersonId,
        room: RoomId,
        farewell: Farewell,
        effects: &mut Effects,
    ) {
        self.step_out(id, room, Exit::Going(farewell), effects);
        self.forget_room(id, room);
    }

    /// Takes somebody out of a room who did not want to go; the room sees it, however large it is.
    pub(super) fn kick(
        &mut self,
        id: PersonId,
        room: RoomId,
        by: Name,
        why: Option<Arc<str>>,
        effects: &mut Effects,
    ) {
        self.step_out(id, room, Exit::Kicked { by, why }, effects);
        self.forget_room(id, room);
    }

    /// Takes somebody out of a room of which nobody will see any more: without an entry, but it is
    /// told.
    pub(super) fn put_out(
        &mut self,
        id: PersonId,
        room: RoomId,
        words: Arc<str>,
        effects: &mut Effects,
    ) {
        let is_repeat = self.is_elsewhere_in(id, room);
        if let Some(state) = self.rooms.get_mut(room) {
            state.members.remove(&id);
            state.repeats -= usize::from(is_repeat);
        }
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        person.remove_room(room);
        if let Some(client) = person.client {
            effects.push_back(Effect::Room(RoomOrder::Leave { room, client }));
        }
        self.forget_room(id, room);
        self.tell_out(id, room, words, effects);
    }

    /// Tells somebody that it is not in a room any more.
    pub(super) fn tell_out(
        &self,
        id: PersonId,
        room: RoomId,
        words: Arc<str>,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let Some(client) = person.client else { return };
        if person.door == Door::Sealed {
            effects.push_back(Effect::Reply(client, Event::Exited(room)));
            effects.push_back(Effect::Reply(client, Event::Current(person.current)));
        }
        effects.push_back(Effect::Reply(client, Event::Notice(words)));
    }

    /// Whether another session of somebody's account is in a room.
    fn is_elsewhere_in(&self, id: PersonId, room: RoomId) -> bool {
        let person = self.people.get(id);
        let Some(account) = person.and_then(Person::account) else {
            return false;
        };
        let mut sessions = self.sessions_of(account);
        sessions.any(|(other, session)| other != id && session.rooms.contains(&room))
    }

    /// One session fewer of an account is in a room that the account is still in: nobody is told.
    fn step_out_unseen(&mut self, id: PersonId, room: RoomId, since: Seconds) {
        let account = self.people.get(id).and_then(Person::account);
        let sessions = account
            .into_iter()
            .flat_map(|account| self.sessions_of(account));
        let mut others = sessions
            .map(|(other, _)| other)
            .filter(|other| *other != id);
        let Some(state) = self.rooms.get(room) else {
            return;
        };
        let heir = others.find(|other| state.members.contains_key(other));
        drop(others);
        if let Some(state) = self.rooms.get_mut(room) {
            state.repeats -= 1;
            // The account has been here for as long as its first session was.
            if let Some(theirs) = heir.and_then(|heir| state.members.get_mut(&heir)) {
                *theirs = since.min(*theirs);
            }
        }
    }

    /// Takes a session out of a room.
    pub(super) fn step_out(
        &mut self,
        id: PersonId,
        room: RoomId,
        exit: Exit,
        effects: &mut Effects,
    ) {
        let now = self.now.monotonic;
        let is_repeat = self.is_elsewhere_in(id, room);
        let (Some(person), Some(state)) = (self.people.get_mut(id), self.rooms.get_mut(room))
        else {
            return;
        };
        let Some(since) = state.members.remove(&id) else {
            return;
        };
        if person.account().is_none() {
            state.remember(culprit_of(person));
        }
        person.remove_room(room);
        let (name, client, title) = (person.name, person.client, state.name);
        let (is_cut, is_seen, body) = match exit {
            Exit::Going(Farewell { how, why, is_cut }) => {
                let after = since.until(now);
                (is_cut, false, Body::Left { after, how, why })
            }
            Exit::Kicked { by, why } => (true, true, Body::Kicked { by, why }),
        };
        if let Some(client) = client.filter(|_| is_cut) {
            effects.push_back(Effect::Room(RoomOrder::Leave { room, client }));
        }
        if is_repeat {
            self.step_out_unseen(id, room, since);
            return;
        }
        let here = state.here();
        let due = state.presence.due();
        let telling = state.presence.depart(here);
        if let (Telling::ListedAfter(_), Some(due)) = (telling, due) {
            self.rooms.unschedule_count(room, due);
        }
        if let Telling::ListedAfter(counts) = telling {
            self.note_counts(room, counts, effects);
        }
        if telling == Telling::Counted {
            self.rooms.schedule_count(room, now);
        }
        if is_seen || telling != Telling::Counted {
            self.note(room, name, client, body, effects);
        }
        self.record(client, Some(name), Deed::Left(title), effects);
        self.dissolve_if_over(room, effects);
    }

    /// Puts something that is not stored into a room's order.
    pub(super) fn note(
        &mut self,
        room: RoomId,
        author: Name,
        origin: Option<ClientId>,
        body: Body,
        effects: &mut Effects,
    ) {
        let Some(entry) = self.entry(room, author, origin, body) else {
            return;
        };
        if let Some(pending) = self.rooms.pending_mut(room) {
            pending.push(entry);
        }
        self.publish_settled(room, effects);
    }

    /// An entry for a room, with the time of now.
    pub(super) fn entry(
        &mut self,
        room: RoomId,
        author: Name,
        origin: Option<ClientId>,
        body: Body,
    ) -> Option<Entry> {
        let unix_ms = self.rooms.pending_mut(room)?.stamp(self.now.unix_ms);
        Some(Entry {
            id: None,
            unix_ms,
            author,
            origin,
            body,
        })
    }

    /// Makes visible what is settled with everything before it.
    pub(super) fn publish_settled(&mut self, room: RoomId, effects: &mut Effects) {
        let Some(pending) = self.rooms.pending_mut(room) else {
            return;
        };
        while let Some(entry) = pending.pop() {
            effects.push_back(Effect::Room(RoomOrder::Publish(room, entry)));
        }
        if pending.is_empty() {
            self.dissolve_if_over(room, effects);
        }
    }

    /// Ends a room or inbox that nothing holds any more.
    pub(super) fn dissolve_if_over(&mut self, room: RoomId, effects: &mut Effects) {
        self.dissolve_inbox_if_over(room, effects);
        let Some(ended) = self.rooms.remove_if_over(room) else {
            return;
        };
        if let Some(owner) = ended.owner.and_then(|owner| self.people.get_mut(owner)) {
            owner.rare_mut().owned.retain(|other| *other != room);
        }
        self.sanctions.forget_room(room);
        self.end_offers_in(room, effects);
        effects.push_back(Effect::Room(RoomOrder::Dissolve(room)));
        if !ended.is_closed {
            self.change(Change::RemoveRoom(room), Then::Nothing, effects);
        }
    }

    /// Tells the counts of rooms whose time has come.
    pub(super) fn tell_counts(&mut self, effects: &mut Effects) {
        while let Some((due, room)) = self.rooms.next_count() {
            if due > self.now.monotonic {
                break;
            }
            self.rooms.unschedule_count(room, due);
            if let Some(state) = self.rooms.get_mut(room) {
                let counts = state.presence.take();
                self.note_counts(room, counts, effects);
            }
        }
    }

    fn note_counts(&mut self, room: RoomId, counts: Counts, effects: &mut Effects) {
        let Some(state) = self.rooms.get(room).filter(|_| counts != Counts::default()) else {
            return;
        };
        let here = u32::try_from(state.here()).unwrap_or(u32::MAX);
        let body = Body::Counted {
            arrived: counts.arrived,
            departed: counts.departed,
            here,
        };
        let author = Name::parse(COUNTS_AUTHOR).expect("the server has a proper name");
        self.note(room, author, None, body, effects);
    }
}

/// What a sealed client is told of a room it enters.
pub(super) fn entered(room: RoomId, state: &Room) -> Event {
    Event::Entered {
        room,
        name: state.name,
        topic: state.topic.clone(),
    }
}

/// Under whose name counts are told.
const COUNTS_AUTHOR: &str = "server";
