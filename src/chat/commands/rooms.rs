//! Entering, making, leaving and arranging rooms.

use super::super::membership::{Entrance, Farewell};
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::rooms::Room;
use super::super::text;
use super::super::{
    Body, Chat, Depth, Door, Effect, Effects, Event, Extent, From, Parting, RoomId, RoomName,
    RoomRef,
};
use super::{Answer, Asker, room_name};
use crate::limits::{HISTORY_ENTRIES_MAX, ROOM_KEY_BYTES_MAX, ROOMS_JOINED_MAX, TOPIC_BYTES_MAX};
use std::fmt::Write;

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
        let is_owner = state.owner == Some(id);
        if !is_owner && state.key.is_some() && state.key.as_deref() != key {
            return Err(Refusal::WrongKey(name));
        }
        if !is_owner && !state.admits_plain && person.door == Door::Line {
            return Err(Refusal::PlainNotAdmitted(name));
        }
        let is_full = state
            .limit
            .is_some_and(|limit| state.members.len() >= limit);
        if is_full && !is_owner {
            return Err(Refusal::RoomFull(name));
        }
        Ok(room)
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
        if !self.settings.guests_create_rooms {
            return Err(Refusal::GuestsCreateNoRooms);
        }
        if let Some((_, state)) = self.rooms.named(name) {
            return Err(Refusal::RoomExists(state.name));
        }
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        check_joined(person)?;
        if person.owned().len() >= self.settings.rooms_per_guest {
            let max = self.settings.rooms_per_guest;
            return Err(Refusal::TooManyOwned { max });
        }
        if self.rooms.count() >= self.settings.rooms_max {
            return Err(Refusal::TooManyRooms);
        }
        let key = key.map(key_word).transpose()?;
        let room = self.rooms.take_id().ok_or(Refusal::TooManyRooms)?;
        let mut state = Room::new(name, Some(asker.id), self.settings.kept.is_kept());
        state.key = key;
        let history = state.has_history;
        self.rooms.insert(room, state);
        if let Some(person) = self.people.get_mut(asker.id) {
            person.rare_mut().owned.push(room);
        }
        effects.push_back(Effect::Found {
            room,
            name: Some(name),
            history,
            extent: Extent::EMPTY,
        });
        self.go_in(asker, room, effects);
        Ok(Answer::Done)
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
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        let Some(text) = text else {
            let text = match &state.topic {
                Some(topic) => format!("topic of {}: {topic}", state.name),
                None => format!("{} has no topic", state.name),
            };
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        };
        if state.owner != Some(asker.id) && state.has_owner_here() {
            return Err(Refusal::NotOwner(state.name));
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
        let topic: std::sync::Arc<str> = text.into();
        state.topic = Some(topic.clone());
        if let Some(author) = self.people.get(asker.id).map(|person| person.name) {
            self.note(
                room,
                author,
                Some(asker.client),
                Body::Topic(topic),
                effects,
            );
        }
        Ok(Answer::Done)
    }

    pub(super) fn set(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        change: Option<(&str, &str)>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, room.map(RoomRef::Name))?;
        let is_kept = self.settings.kept.is_kept();
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        let is_owner = state.owner == Some(asker.id);
        if let Some((setting, value)) = change {
            if !is_owner {
                return Err(Refusal::NotOwner(state.name));
            }
            let had_history = state.has_history;
            change_setting(state, setting, value, is_kept)?;
            if state.has_history != had_history {
                effects.push_back(Effect::Keep {
                    room,
                    history: state.has_history,
                });
            }
        }
        let owner = state.owner.and_then(|owner| self.people.get(owner));
        let text = settings_in_words(state, is_owner, owner);
        Self::notice(asker.client, text, effects);
        Ok(Answer::Done)
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
        effects.push_back(Effect::Replay {
            room,
            client: asker.client,
            from,
        });
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

fn settings_in_words(room: &Room, is_owner: bool, owner: Option<&Person>) -> String {
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
    if let Some(owner) = owner {
        write!(text, "; owner {}", owner.name).expect("a string takes everything");
    }
    text
}
