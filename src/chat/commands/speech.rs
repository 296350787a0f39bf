//! Saying things: in rooms, and to one person.

use super::super::journal::Draft;
use super::super::name::Name;
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::text::clean;
use super::super::{Body, Chat, Effects, Kept, RoomRef, Sent};
use super::{Answer, Asker};
use crate::limits::{TEXT_BYTES_MAX, TEXT_LINES_MAX, UNACKNOWLEDGED_MAX};
use std::sync::Arc;

impl Chat {
    /// Says or does something in a room.
    pub(super) fn say(
        &mut self,
        asker: Asker,
        room: Option<RoomRef<'_>>,
        is_action: bool,
        text: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let room = self.own_room(asker, room)?;
        self.check_voice(asker.id, room)?;
        let text = accepted(text)?;
        let author = self.sender_name(asker.id)?;
        let body = if is_action {
            Body::Acted(text)
        } else {
            Body::Said(text)
        };
        let entry = self.entry(room, author, Some(asker.client), body);
        let draft = Draft {
            sender: asker.id,
            key: asker.key,
            row: (room, entry.ok_or(Refusal::InNoRoom)?),
            second: None,
        };
        self.submit(draft, effects);
        Ok(Answer::Elsewhere)
    }

    /// Writes to one person: into the inboxes of both.
    pub(super) fn tell(
        &mut self,
        asker: Asker,
        to: &str,
        text: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let to = Name::parse(to).map_err(Refusal::BadName)?;
        let text = accepted(text)?;
        let author = self.sender_name(asker.id)?;
        let (id, person) = self.people.present(to).ok_or(Refusal::NoSuchPerson(to))?;
        if id == asker.id {
            return Err(Refusal::Oneself);
        }
        let sent = Sent {
            to: person.name,
            away: person.away().cloned(),
        };
        let own = self.inbox_of(asker.id, effects);
        let own = own.ok_or(Refusal::TooManyRooms)?;
        let other = self.inbox_of(id, effects).ok_or(Refusal::TooManyRooms)?;
        let origin = Some(asker.client);
        let row = self.entry(own, sent.to, origin, Body::Sent(text.clone()));
        let second = self.entry(other, author, origin, Body::Received(text));
        let (Some(row), Some(second)) = (row, second) else {
            return Err(Refusal::NoSuchPerson(to));
        };
        let draft = Draft {
            sender: asker.id,
            key: asker.key,
            row: (own, row),
            second: Some((other, second, id, sent)),
        };
        self.submit(draft, effects);
        Ok(Answer::Elsewhere)
    }

    /// Writes to whom one last had a private message from.
    pub(super) fn reply(
        &mut self,
        asker: Asker,
        text: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let rare = self.people.get(asker.id).and_then(Person::rare);
        let correspondent = rare.and_then(|rare| rare.correspondent);
        let (id, name) = correspondent.ok_or(Refusal::NothingToReply)?;
        // The same person under another name, or whoever has the name now.
        let to = self.people.get(id).map_or(name, |person| person.name);
        self.tell(asker, to.as_str(), text, effects)
    }

    /// The name under which somebody speaks now, if it may send another message.
    fn sender_name(&self, id: PersonId) -> Result<Name, Refusal> {
        let person = self.people.get(id).ok_or(Refusal::NameNeeded)?;
        if usize::from(person.outstanding) < UNACKNOWLEDGED_MAX {
            Ok(person.name)
        } else {
            let max = UNACKNOWLEDGED_MAX;
            Err(Refusal::TooManyUnacknowledged { max })
        }
    }
}

impl Kept {
    /// Whether anything is kept to be shown later.
    pub(in crate::chat) fn is_kept(self) -> bool {
        match self {
            Self::Stored | Self::InMemory => true,
            Self::No => false,
        }
    }
}

/// A text as it is stored, if it may be.
fn accepted(text: &str) -> Result<Arc<str>, Refusal> {
    let text = clean(text);
    if text.trim().is_empty() {
        return Err(Refusal::TextEmpty);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(Refusal::TextTooLong {
            max: TEXT_BYTES_MAX,
        });
    }
    if text.bytes().filter(|byte| *byte == b'\n').count() >= TEXT_LINES_MAX {
        return Err(Refusal::TooManyLines {
            max: TEXT_LINES_MAX,
        });
    }
    Ok(text.into())
}
