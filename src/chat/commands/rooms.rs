//! Entering, making, leaving and arranging rooms.

use super::super::membership::{Entrance, Farewell};
use super::super::name::Name;
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::rooms::Room;
use super::super::text;
use super::super::{
    Body, Change, Chat, Deed, Depth, Door, Effect, Effects, Event, Extent, From, LOBBY, Parting,
    Role, RoomId, RoomName, RoomOrder, RoomRef,
};
use super::{Answer, Asker, room_name};
use crate::limits::{HISTORY_ENTRIES_MAX, ROOM_KEY_BYTES_MAX, ROOMS_JOINED_MAX, TOPIC_BYTES_MAX};
use std::fmt::Write;
use std::sync::Arc;

impl Chat {
    /// Whether somebody may enter a room.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub(in crate::chat) fn admit(
        &self,
        id: PersonId,
        name: RoomName,
        key: Option<&str>,
    ) -> Result<RoomId, Refusal> {
        let (room, state) = self.rooms.named(name).ok_or(Refusal::NoSuchRoom(name))?;
        let name = state.name;
        let person = self.people.get(id).ok_or(Refusal::NameNeeded)?;
        if state.members.contains_key(&id) {
            return Err(Refusal::AlreadyInRoom(name));
        }
        check_joined(person)?;
        if let Some(refusal) = self.ban_of(id, room) {
            return Err(refusal);
        }
        let role = self.role(id, room);
        let knows_key = state.key.is_none() || state.key.as_deref() == key;
        if !knows_key && role.is_none() && !self.is_invited(id, state) {
            return Err(Refusal::WrongKey(name));
        }
        let is_owner = role == Some(Role::Owner);
        if !is_owner && !state.admits_plain && person.door == Door::Line {
            return Err(Refusal::PlainNotAdmitted(name));
        }
        let is_full = state.limit.is_some_and(|limit| state.here() >= limit);
        if is_full && !is_owner {
            return Err(Refusal::RoomFull(name));
        }
        Ok(room)
    }

    /// Where a new session begins: in the room it wants, or else in the lobby, if that takes it;
    /// and why not where it wanted.
    pub(in crate::chat) fn first_room(
        &self,
        id: PersonId,
        wanted: Option<&str>,
    ) -> (Option<RoomId>, Option<Refusal>) {
        let lobby = self.rooms.get(LOBBY).expect("the lobby always stays");
        let lobby = match self.admit(id, lobby.name, None) {
            Ok(lobby) => (Some(lobby), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let wanted = wanted.map(|wanted| self.admit(id, room_name(wanted)?, None));
        match wanted {
            None => lobby,
            Some(Ok(room)) => (Some(room), None),
            Some(Err(refusal)) => (lobby.0, Some(refusal)),
        }
    }

    pub(super) fn join(
        &mut self,
        asker: Asker,
        room: &str,
        key: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.admit(asker.id, room_name(room)?, key)?;
        self.go_in(asker, room, effects);
        Ok(Answer::Done)
    }

    pub(super) fn create(
        &mut self,
        asker: Asker,
        room: &str,
        key: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let name = room_name(room)?;
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        let (author, account, session) = (person.name, person.account(), person.sender());
        if account.is_none() && !self.settings.guests_create_rooms {
            return Err(Refusal::GuestsCreateNoRooms);
        }
        if let Some((_, state)) = self.rooms.named(name) {
            return Err(Refusal::RoomExists(state.name));
        }
        check_joined(person)?;
        let (owned, max) = match account {
            None => (person.owned().len(), self.settings.rooms_per_guest),
            Some(account) => (
                self.rooms.owned_by(account),
                self.settings.rooms_per_account,
            ),
        };
        if owned >= max {
            return Err(Refusal::TooManyOwned { max });
        }
        if self.rooms.count() >= self.settings.rooms_max {
            return Err(Refusal::TooManyRooms);
        }
        let key = key.map(key_word).transpose()?;
        let room = self.rooms.take_id().ok_or(Refusal::TooManyRooms)?;
        let owner = account.is_none().then_some(asker.id);
        let mut state = Room::new(name, owner, self.settings.kept.is_kept());
        state.key = key;
        match account {
            None => state.guest = Some(session),
            Some(account) => {
                state.roles.insert(account, Role::Owner);
            }
        }
        let history = state.has_history;
        self.rooms.insert(room, state);
        if account.is_none()
            && let Some(person) = self.people.get_mut(asker.id)
        {
            person.rare_mut().owned.push(room);
        }
        effects.push_back(Effect::Room(RoomOrder::Found {
            room,
            name: Some(name),
            history,
            extent: Extent::EMPTY,
        }));
        let deed = Deed::Created(name);
        self.record(Some(asker.client), Some(author), deed, effects);
        self.go_in(asker, room, effects);
        self.put_room(room, asker.told(None), effects);
        Ok(Answer::Elsewhere)
    }

    fn go_in(&mut self, asker: Asker, room: RoomId, effects: &mut Effects) {
        let topic = self.rooms.get(room).and_then(|state| {
            let topic = state.topic.as_ref()?;
            Some(format!("topic of {}: {topic}", state.name))
        });
        let greeting = topic
            .filter(|_| asker.door == Door::Line)
            .map(|text| Event::Notice(text.into()));
        let entrance = Entrance {
            from: self.newcomer_reads_from(room),
            greeting,
            is_current: true,
        };
        self.enter(asker.id, room, entrance, effects);
    }

    pub(super) fn leave(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, room.map(RoomRef::Name))?;
        let name = self.rooms.get(room).map(|state| state.name);
        let farewell = Farewell {
            how: Parting::Left,
            why: None,
            is_cut: true,
        };
        self.depart(asker.id, room, farewell, effects);
        Self::tell_sealed(asker, Event::Exited(room), effects);
        let current = self.people.get(asker.id).and_then(|person| person.current);
        Self::tell_sealed(asker, Event::Current(current), effects);
        if let Some(name) = name {
            let next = current.and_then(|room| self.rooms.get(room));
            let text = match next {
                Some(next) => format!("you left {name}; what you type goes to {}", next.name),
                None => format!("you left {name}; /join ROOM enters another"),
            };
            Self::tell_plain(asker, text, effects);
        }
        Ok(Answer::Done)
    }

    pub(super) fn room(
        &mut self,
        asker: Asker,
        room: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, Some(RoomRef::Name(room)))?;
        if let Some(person) = self.people.get_mut(asker.id) {
            person.current = Some(room);
        }
        Self::tell_sealed(asker, Event::Current(Some(room)), effects);
        if let Some(state) = self.rooms.get(room) {
            let text = format!("what you type goes to {}", state.name);
            Self::tell_plain(asker, text, effects);
        }
        Ok(Answer::Done)
    }

    pub(super) fn topic(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        text: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, room.map(RoomRef::Name))?;
        let state = self.rooms.get(room).ok_or(Refusal::InNoRoom)?;
        let Some(text) = text else {
            let text = match &state.topic {
                Some(topic) => format!("topic of {}: {topic}", state.name),
                None => format!("{} has no topic", state.name),
            };
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        };
        if self.role(asker.id, room).is_none() && self.has_owner_here(room) {
            return Err(Refusal::NotModerator(state.name));
        }
        let text = text::one_line(text, usize::MAX);
        if text.len() > TOPIC_BYTES_MAX {
            return Err(Refusal::TextTooLong {
                max: TOPIC_BYTES_MAX,
            });
        }
        if text.is_empty() {
            return Err(Refusal::TextEmpty);
        }
        self.check_voice(asker.id, room)?;
        let what = format!("topic {text}").into();
        let topic: Arc<str> = text.into();
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        state.topic = Some(topic.clone());
        let name = state.name;
        let author = self.name_of(asker)?;
        let (client, body) = (Some(asker.client), Body::Topic(topic));
        self.note(room, author, client, body, effects);
        let deed = Deed::Set { room: name, what };
        self.record(client, Some(author), deed, effects);
        self.put_room(room, asker.told(None), effects);
        Ok(Answer::Elsewhere)
    }

    pub(super) fn set(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        change: Option<(&str, &str)>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.room_in_charge(asker, room)?;
        let is_owner = self.role(asker.id, room) == Some(Role::Owner);
        let is_kept = self.settings.kept.is_kept();
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        let name = state.name;
        if let Some((setting, value)) = change {
            if !is_owner {
                return Err(Refusal::NotOwner(name));
            }
            let had_history = state.has_history;
            change_setting(state, setting, value, is_kept)?;
            if state.has_history != had_history {
                effects.push_back(Effect::Room(RoomOrder::Keep {
                    room,
                    history: state.has_history,
                }));
            }
        }
        let state = self.rooms.get(room).ok_or(Refusal::InNoRoom)?;
        let text = settings_in_words(state, is_owner, &self.owners(state));
        let Some((setting, value)) = change else {
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        };
        // Who reads the log need not know the way in.
        let is_secret = setting.eq_ignore_ascii_case("key") && state.key.is_some();
        let value = if is_secret { "set" } else { value };
        let what = format!("{} {value}", setting.to_ascii_lowercase()).into();
        let (author, deed) = (self.name_of(asker)?, Deed::Set { room: name, what });
        self.record(Some(asker.client), Some(author), deed, effects);
        self.put_room(room, asker.told(Some(text.into())), effects);
        Ok(Answer::Elsewhere)
    }

    /// Ends a room: everybody in it is told and taken out, and what was said in it is gone.
    pub(super) fn close_room(
        &mut self,
        asker: Asker,
        room: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let name = room_name(room)?;
        let (room, state) = self.rooms.named(name).ok_or(Refusal::NoSuchRoom(name))?;
        let name = state.name;
        if room == LOBBY {
            return Err(Refusal::RoomStays(name));
        }
        if self.role(asker.id, room) != Some(Role::Owner) {
            return Err(Refusal::NotOwner(name));
        }
        let by = self.name_of(asker)?;
        let words: Arc<str> = format!("{name} was closed by {by}").into();
        let members: Vec<PersonId> = state.members.keys().copied().collect();
        for member in members {
            self.put_out(member, room, words.clone(), effects);
        }
        let deed = Deed::Closed(name);
        self.record(Some(asker.client), Some(by), deed, effects);
        self.rooms.close(room);
        // Behind whatever was said in it, so that nothing of it is stored later.
        let then = asker.told(Some(format!("{name} is closed").into()));
        self.change(Change::RemoveRoom(room), then, effects);
        self.dissolve_if_over(room, effects);
        Ok(Answer::Elsewhere)
    }

    pub(super) fn history(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        depth: Depth,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, room.map(RoomRef::Name))?;
        let state = self.rooms.get(room).ok_or(Refusal::InNoRoom)?;
        if !state.has_history {
            return Err(Refusal::NoHistory(state.name));
        }
        let from = match depth {
            Depth::Entries(count) => From::Newest(count.min(HISTORY_ENTRIES_MAX)),
            Depth::Age(age) => {
                let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                From::Since(self.now.unix_ms.saturating_sub(age))
            }
        };
        effects.push_back(Effect::Room(RoomOrder::Replay {
            room,
            client: asker.client,
            from,
        }));
        Ok(Answer::Done)
    }
}

fn check_joined(person: &Person) -> Result<(), Refusal> {
    if person.rooms.len() < ROOMS_JOINED_MAX {
        Ok(())
    } else {
        let max = ROOMS_JOINED_MAX;
        Err(Refusal::TooManyJoined { max })
    }
}

fn key_word(text: &str) -> Result<Box<str>, Refusal> {
    if text.len() > ROOM_KEY_BYTES_MAX {
        return Err(Refusal::TextTooLong {
            max: ROOM_KEY_BYTES_MAX,
        });
    }
    let word = text::clean(text);
    if word.is_empty() {
        return Err(Refusal::TextEmpty);
    }
    Ok(word.into())
}

fn change_setting(
    room: &mut Room,
    setting: &str,
    value: &str,
    is_kept: bool,
) -> Result<(), Refusal> {
    let switch = || match value.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Refusal::BadSetting),
    };
    let is_none = value.eq_ignore_ascii_case("none");
    match setting.to_ascii_lowercase().as_str() {
        "history" => {
            let wanted = switch()?;
            if wanted && !is_kept {
                return Err(Refusal::NoHistory(room.name));
            }
            room.has_history = wanted;
        }
        "hidden" => room.is_hidden = switch()?,
        "plain" => room.admits_plain = switch()?,
        "key" if is_none => room.key = None,
        "key" => room.key = Some(key_word(value)?),
        "limit" if is_none => room.limit = None,
        "limit" => {
            let limit = value.parse().ok().filter(|limit| *limit > 0);
            room.limit = Some(limit.ok_or(Refusal::BadSetting)?);
        }
        _ => return Err(Refusal::BadSetting),
    }
    Ok(())
}

fn settings_in_words(room: &Room, is_owner: bool, owners: &[Name]) -> String {
    let switch = |is_on| if is_on { "on" } else { "off" };
    let limit = room.limit.map_or("none".into(), |limit| limit.to_string());
    let key = match &room.key {
        None => "none",
        Some(key) if is_owner => key,
        Some(_) => "set",
    };
    let mut text = format!(
        "{}: history {}, hidden {}, limit {limit}, key {key}, plain {}",
        room.name,
        switch(room.has_history),
        switch(room.is_hidden),
        switch(room.admits_plain),
    );
    for (index, owner) in owners.iter().enumerate() {
        let before = if index == 0 { "; owner " } else { ", " };
        write!(text, "{before}{owner}").expect("a string takes everything");
    }
    text
}
