//! Giving and taking rights: invitations, moderators, administrators.

use super::super::name::Name;
use super::super::people::PersonId;
use super::super::refusal::Refusal;
use super::super::roles::Rank;
use super::super::{AccountId, Chat, Deed, Effects, Place, Role, RoomId, RoomName};
use super::{Answer, Asker};
use crate::limits::{INVITED_PER_ROOM_MAX, ROLES_PER_ROOM_MAX};
use std::sync::Arc;

/// Who gets a right: an account, or a guest who is here.
#[derive(Clone, Copy, Debug)]
enum Holder {
    Account(AccountId),
    Guest(PersonId),
}

impl Chat {
    /// Who of that name could have a right, as it is called now.
    fn holder(&self, name: Name) -> Result<(Name, Holder), Refusal> {
        if let Some((id, person)) = self.people.named(name) {
            let holder = person.account().map_or(Holder::Guest(id), Holder::Account);
            return Ok((person.name, holder));
        }
        let account = self.accounts.named(name);
        let account = account.ok_or(Refusal::NoSuchPerson(name))?;
        Ok((account.name, Holder::Account(account.id)))
    }

    /// Lets somebody in without the key, and tells them.
    pub(super) fn invite(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let site = self.site(asker, Place::Room(room), Rank::Moderator)?;
        let Some((room, title)) = site.0 else {
            return Err(Refusal::InNoRoom);
        };
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let (name, holder) = self.holder(name)?;
        let by = self.name_of(asker)?;
        if name == by {
            return Err(Refusal::Oneself);
        }
        let sessions = self.sessions_named(name);
        let state = self.rooms.get(room).ok_or(Refusal::InNoRoom)?;
        if sessions.iter().any(|id| state.members.contains_key(id)) {
            Self::notice(asker.client, format!("{name} is in {title}"), effects);
            return Ok(Answer::Done);
        }
        self.remember_invitation(room, holder)?;
        let words: Arc<str> =
            format!("{by} invites you to {title}; /join {title} enters it").into();
        for id in sessions {
            let person = self.people.get(id);
            let willing = person.filter(|person| !person.ignored().contains(&by));
            if let Some(client) = willing.and_then(|person| person.client) {
                Self::notice(client, words.clone(), effects);
            }
        }
        let done = asker.told(Some(format!("{name} is invited to {title}").into()));
        match holder {
            Holder::Account(_) => self.put_room(room, done, effects),
            Holder::Guest(_) => done.follow(effects),
        }
        Ok(Answer::Elsewhere)
    }

    fn remember_invitation(&mut self, room: RoomId, holder: Holder) -> Result<(), Refusal> {
        let people = &self.people;
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        // Those whose sessions have ended can come no more.
        state.invited_guests.retain(|id| people.get(*id).is_some());
        let max = INVITED_PER_ROOM_MAX;
        let is_full = state.invited.len() + state.invited_guests.len() >= max;
        match holder {
            Holder::Account(account) if state.invited.contains(&account) => {}
            Holder::Guest(id) if state.invited_guests.contains(&id) => {}
            Holder::Account(_) | Holder::Guest(_) if is_full => {
                return Err(Refusal::TooManyInRoom { max });
            }
            Holder::Account(account) => state.invited.push(account),
            Holder::Guest(id) => {
                state.invited_guests.insert(id);
            }
        }
        Ok(())
    }

    /// Gives or takes the right to moderate a room, or to administer the server.
    pub(super) fn appoint(
        &mut self,
        asker: Asker,
        is_given: bool,
        place: Place<'_>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let site = self.site(asker, place, Rank::Owner)?;
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let (name, holder) = self.holder(name)?;
        let by = self.name_of(asker)?;
        if name == by {
            return Err(Refusal::Oneself);
        }
        if let (Some((room, title)), Holder::Guest(id), false) = (site.0, holder, is_given)
            && self.role(id, room) == Some(Role::Owner)
        {
            let text = format!("{name} made {title} and owns it; /close {title} ends it");
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        }
        match site.0 {
            Some((room, title)) => {
                self.appoint_in_room(asker, is_given, (room, title), (name, holder), effects)?;
            }
            None => match holder {
                Holder::Account(account) => {
                    self.appoint_to_server(asker, is_given, (name, account), effects);
                }
                Holder::Guest(_) => return Err(Refusal::AccountNeeded),
            },
        }
        let deed = Deed::Appointed {
            room: site.name(),
            name,
            is_given,
        };
        self.record(Some(asker.client), Some(by), deed, effects);
        Ok(Answer::Elsewhere)
    }

    fn appoint_in_room(
        &mut self,
        asker: Asker,
        is_given: bool,
        (room, title): (RoomId, RoomName),
        (name, holder): (Name, Holder),
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let rank = match holder {
            Holder::Account(account) => self.rank_of_account(account, Some(room)),
            Holder::Guest(id) => self.rank(id, Some(room)),
        };
        if rank >= self.rank(asker.id, Some(room)) || is_given && rank >= Rank::Owner {
            return Err(Refusal::Outranked(name));
        }
        let people = &self.people;
        let state = self.rooms.get_mut(room).ok_or(Refusal::InNoRoom)?;
        state.moderators.retain(|id| people.get(*id).is_some());
        let max = ROLES_PER_ROOM_MAX;
        let is_full = state.roles.len() + state.moderators.len() >= max;
        if is_given && rank < Rank::Moderator && is_full {
            return Err(Refusal::TooManyInRoom { max });
        }
        match (holder, is_given) {
            (Holder::Account(account), true) => {
                state.roles.insert(account, Role::Moderator);
            }
            (Holder::Account(account), false) => {
                state.roles.remove(&account);
            }
            (Holder::Guest(id), true) => {
                state.moderators.insert(id);
            }
            (Holder::Guest(id), false) => {
                state.moderators.remove(&id);
            }
        }
        let by = self.name_of(asker)?;
        let (told, done) = if is_given {
            (
                format!("{by} made you a moderator of {title}"),
                format!("{name} is a moderator of {title}"),
            )
        } else {
            (
                format!("{by} took your rights in {title} back"),
                format!("{name} has no rights in {title} any more"),
            )
        };
        self.tell_all_of(name, &told, effects);
        let then = asker.told(Some(done.into()));
        match holder {
            Holder::Account(_) => self.put_room(room, then, effects),
            Holder::Guest(_) => then.follow(effects),
        }
        Ok(())
    }

    fn appoint_to_server(
        &mut self,
        asker: Asker,
        is_given: bool,
        (name, account): (Name, AccountId),
        effects: &mut Effects,
    ) {
        let told = if is_given {
            "you administer this server now; /help lists what you may do"
        } else {
            "you do not administer this server any more"
        };
        let done = if is_given {
            format!("{name} administers this server")
        } else {
            format!("{name} does not administer this server any more")
        };
        self.tell_all_of(name, told, effects);
        self.grant(account, is_given, asker.told(Some(done.into())), effects);
    }

    /// Tells all sessions under a name.
    fn tell_all_of(&self, name: Name, words: &str, effects: &mut Effects) {
        let words: Arc<str> = words.into();
        for id in self.sessions_named(name) {
            if let Some(client) = self.people.get(id).and_then(|person| person.client) {
                Self::notice(client, words.clone(), effects);
            }
        }
    }
}
