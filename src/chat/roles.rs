//! Who may do what: roles in rooms, and rank among people.
//!
//! A role belongs to an account, or to a guest's session while it lasts. Administrators own every
//! room. Nobody acts against who may do as much.

use super::changes::Then;
use super::name::Name;
use super::people::{Person, PersonId};
use super::rooms::Room;
use super::{AccountId, Change, Chat, Effects, Role, RoomId};

/// How much somebody may do in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Talk.
    Other,
    /// Moderate the room.
    Moderator,
    /// Everything in the room.
    Owner,
    /// Everything on the server.
    Admin,
}

impl Rank {
    fn of_role(role: Option<Role>) -> Self {
        match role {
            None => Self::Other,
            Some(Role::Moderator) => Self::Moderator,
            Some(Role::Owner) => Self::Owner,
        }
    }
}

impl Chat {
    /// What somebody may do in a room beside talking.
    pub(super) fn role(&self, id: PersonId, room: RoomId) -> Option<Role> {
        let (person, state) = (self.people.get(id)?, self.rooms.get(room)?);
        let is_guest = person.account().is_none();
        // A guest who comes back after a restart has its session's number, and so its room, again.
        let made_it = is_guest && state.guest == Some(person.sender());
        if made_it || self.is_admin(id) {
            return Some(Role::Owner);
        }
        let of_account = person
            .account()
            .and_then(|account| state.roles.get(&account));
        let of_session = state.moderators.contains(&id);
        of_account
            .copied()
            .max(of_session.then_some(Role::Moderator))
    }

    /// How much somebody may do in a room, or on the server.
    pub(super) fn rank(&self, id: PersonId, room: Option<RoomId>) -> Rank {
        if self.is_admin(id) {
            return Rank::Admin;
        }
        Rank::of_role(room.and_then(|room| self.role(id, room)))
    }

    /// The same of an account, be it here or not.
    pub(super) fn rank_of_account(&self, account: AccountId, room: Option<RoomId>) -> Rank {
        let is_admin = self.accounts.get(account).is_some_and(|of| of.is_admin);
        if is_admin {
            return Rank::Admin;
        }
        let state = room.and_then(|room| self.rooms.get(room));
        Rank::of_role(state.and_then(|state| state.roles.get(&account).copied()))
    }

    /// Whether somebody may enter a room without its key, and see it though it is hidden.
    pub(super) fn is_invited(&self, id: PersonId, state: &Room) -> bool {
        let account = self.people.get(id).and_then(Person::account);
        state.invited_guests.contains(&id)
            || account.is_some_and(|account| state.invited.contains(&account))
    }

    /// A guest who made a room before the server was started again owns it again.
    pub(super) fn own_again(&mut self, id: PersonId, room: RoomId) {
        let (Some(person), Some(state)) = (self.people.get_mut(id), self.rooms.get_mut(room))
        else {
            return;
        };
        let made_it = state.guest == Some(person.sender()) && person.account().is_none();
        if made_it && state.owner.is_none() {
            state.owner = Some(id);
            person.rare_mut().owned.push(room);
        }
    }

    /// An invitation ends with coming in.
    pub(super) fn use_invitation(&mut self, id: PersonId, room: RoomId, effects: &mut Effects) {
        let account = self.people.get(id).and_then(Person::account);
        let Some(state) = self.rooms.get_mut(room) else {
            return;
        };
        state.invited_guests.remove(&id);
        let count = state.invited.len();
        state.invited.retain(|other| Some(*other) != account);
        if state.invited.len() < count {
            self.put_room(room, Then::Nothing, effects);
        }
    }

    /// All sessions under a name; an account may have several.
    pub(super) fn sessions_named(&self, name: Name) -> Vec<PersonId> {
        let text = name.as_str();
        let sessions = self.people.beginning_with(text);
        let sessions = sessions.take_while(|(other, _)| *other == name);
        sessions.map(|(_, id)| id).collect()
    }

    /// Whether somebody who owns a room is in it. Administrators count where they are owners only.
    pub(super) fn has_owner_here(&self, room: RoomId) -> bool {
        let Some(state) = self.rooms.get(room) else {
            return false;
        };
        let is_in = |id: &PersonId| state.members.contains_key(id);
        let mut owners = state.roles.iter().filter(|(_, role)| **role == Role::Owner);
        state.owner.as_ref().is_some_and(is_in)
            || owners.any(|(account, _)| {
                let account = self.accounts.get(*account);
                let sessions = account.map(|account| self.sessions_named(account.name));
                sessions.is_some_and(|sessions| sessions.iter().any(is_in))
            })
    }

    /// The names of who owns a room.
    pub(super) fn owners(&self, state: &Room) -> Vec<Name> {
        let guest = state.owner.and_then(|owner| self.people.get(owner));
        let owners = state.roles.iter().filter(|(_, role)| **role == Role::Owner);
        let accounts = owners.filter_map(|(account, _)| self.accounts.get(*account));
        let accounts = accounts.map(|account| account.name);
        guest
            .map(|guest| guest.name)
            .into_iter()
            .chain(accounts)
            .collect()
    }

    /// What a guest was granted and burdened with becomes its account's. The session has the
    /// account already.
    pub(super) fn adopt(&mut self, id: PersonId, account: AccountId, effects: &mut Effects) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let session = person.sender();
        if !person.owned().is_empty() {
            person.rare_mut().owned.clear();
        }
        for room in self.rooms.ids() {
            let Some(state) = self.rooms.get_mut(room) else {
                continue;
            };
            let mut is_changed = false;
            if state.guest == Some(session) {
                (state.owner, state.guest) = (None, None);
                state.roles.insert(account, Role::Owner);
                is_changed = true;
            }
            if state.moderators.remove(&id) {
                state.roles.entry(account).or_insert(Role::Moderator);
                is_changed = true;
            }
            if state.invited_guests.remove(&id) {
                state.invited.push(account);
                is_changed = true;
            }
            if is_changed {
                self.put_room(room, Then::Nothing, effects);
            }
        }
        self.adopt_offers(id, account);
        for record in self.sanctions.adopt(session, account) {
            self.change(Change::PutSanction(record), Then::Nothing, effects);
        }
    }
}
