//! The first words to a session: who and where it is, and who else is there.

use super::name::Name;
use super::people::PersonId;
use super::{Chat, ClientId, Door, Effect, Effects, Event, RoomId, Welcome};
use crate::limits::GREETING_NAMES_MAX;
use std::fmt::Write;

impl Chat {
    /// Tells a sealed client what it must know to go on.
    pub(super) fn welcome(&mut self, id: PersonId, resumed: bool, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let Some(client) = person.client.filter(|_| person.door == Door::Sealed) else {
            return;
        };
        let welcome = Welcome {
            epoch: self.epoch,
            token: person.token,
            name: person.name,
            resumed,
        };
        effects.push_back(Effect::Reply(client, Event::Welcome(welcome)));
    }

    /// Greets somebody whom not even the lobby takes.
    pub(super) fn stay_outside(&self, id: PersonId, client: ClientId, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        if person.door == Door::Sealed {
            effects.push_back(Effect::Reply(client, Event::Current(None)));
        }
        let text = format!(
            "You are {}, in no room. /rooms lists them, /join ROOM enters one.",
            person.name
        );
        effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
    }

    /// Tells somebody who took its own session over who and where it is.
    pub(super) fn tell_where(&self, id: PersonId, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (Some(client), Some(room)) = (person.client, person.current) else {
            return;
        };
        if let Some(text) = self.greeting(id, room) {
            effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
        }
    }

    /// Who one is, and who else is in a room.
    pub(super) fn greeting(&self, id: PersonId, room: RoomId) -> Option<String> {
        let (person, state) = (self.people.get(id)?, self.rooms.get(room)?);
        let members = state.members.keys();
        let mut names: Vec<Name> = Vec::new();
        for member in members.filter_map(|member| self.people.get(*member)) {
            if names.len() == GREETING_NAMES_MAX {
                break;
            }
            if member.name != person.name && !names.contains(&member.name) {
                names.push(member.name);
            }
        }
        names.sort_unstable();
        let own = self.people.all_named(person.name);
        let mut own = own.map(|(session, _)| session);
        let is_here = own.any(|session| state.members.contains_key(&session));
        let count = state.here() - usize::from(is_here);
        let plural = if count == 1 { "" } else { "s" };
        let guest = if person.account().is_some() {
            ""
        } else {
            " (guest)"
        };
        let mut text = format!(
            "You are {}{guest}, in {} with {count} other{plural}",
            person.name, state.name
        );
        for (index, name) in names.iter().enumerate() {
            let before = if index == 0 { ": " } else { ", " };
            write!(text, "{before}{name}").expect("a string takes everything");
        }
        if count > names.len() {
            write!(text, " and {} more", count - names.len()).expect("a string takes everything");
        }
        text.push_str(". /help lists the commands.");
        Some(text)
    }
}
