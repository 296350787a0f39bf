//! Saying things: in rooms, and to one person.

use super::super::inboxes::Addressee;
use super::super::journal::{Draft, Second};
use super::super::name::Name;
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::text::clean;
use super::super::{Body, Chat, Effects, Kept, RoomRef, Sent, Space};
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
        let (to, sent) = self.addressee(to)?;
        if self
            .people
            .get(asker.id)
            .map(|own| Addressee::of(asker.id, own))
            == Some(to)
        {
            return Err(Refusal::Oneself);
        }
        let reserved = match to {
            Addressee::Guest(_) => None,
            Addressee::Account(account) => self.reserve_mail(account, author, text.len())?,
        };
        let own = self.inbox_of(asker.id, effects);
        let other = match to {
            Addressee::Guest(id) => self.inbox_of(id, effects),
            Addressee::Account(account) => self.inbox_of_account(account, effects),
        };
        let (Some(own), Some(other)) = (own, other) else {
            if let Some(reserved) = reserved {
                self.mail.release(&reserved);
            }
            return Err(Refusal::TooManyRooms);
        };
        let origin = Some(asker.client);
        let row = self.entry(own, sent.to, origin, Body::Sent(text.clone()));
        let second = self.entry(other, author, origin, Body::Received(text));
        let (Some(row), Some(second)) = (row, second) else {
            return Err(Refusal::NoSuchPerson(sent.to));
        };
        let draft = Draft {
            sender: asker.id,
            key: asker.key,
            row: (own, row),
            second: Some(Second {
                from: author,
                row: (other, second),
                to,
                sent,
                reserved,
            }),
        };
        self.submit(draft, effects);
        Ok(Answer::Elsewhere)
    }

    /// Who is called that, and what is told to who writes there. An account need not be here, if
    /// what waits for it is kept at all.
    fn addressee(&self, to: Name) -> Result<(Addressee, Sent), Refusal> {
        let here: Vec<_> = self
            .people
            .all_named(to)
            .filter(|(_, person)| person.is_here())
            .collect();
        // Away is who is away wherever it is connected.
        let away = || {
            let mut away = here.iter().map(|(_, person)| person.away());
            let first = away.next()??;
            away.all(|other| other.is_some()).then(|| first.clone())
        };
        let account = self.accounts.named(to);
        if let Some(account) = account.filter(|_| !here.is_empty() || self.settings.kept.is_kept())
        {
            let sent = Sent {
                to: account.name,
                away: away(),
            };
            return Ok((Addressee::Account(account.id), sent));
        }
        let (id, person) = *here.first().ok_or(Refusal::NoSuchPerson(to))?;
        let sent = Sent {
            to: person.name,
            away: away(),
        };
        Ok((Addressee::Guest(id), sent))
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
        let person = id.and_then(|id| self.people.get(id));
        let to = person.map_or(name, |person| person.name);
        self.tell(asker, to.as_str(), text, effects)
    }

    /// The name under which somebody speaks now, if it may send another message.
    fn sender_name(&self, id: PersonId) -> Result<Name, Refusal> {
        let person = self.people.get(id).ok_or(Refusal::NameNeeded)?;
        // When hardly anything is left the store refuses everybody, but knows what it has already.
        if self.space == Space::Low && person.account().is_none() {
            return Err(Refusal::DiskLow);
        }
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
