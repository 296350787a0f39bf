//! What people do about themselves and about each other.

use super::super::name::Name;
use super::super::people::Person;
use super::super::refusal::Refusal;
use super::super::sessions::Claim;
use super::super::span::Ago;
use super::super::{
    Body, Chat, ClientKey, Deed, Door, Duration, Effect, Effects, Event, RoomOrder,
};
use super::{Answer, Asker, reason};
use crate::limits::IGNORED_MAX;
use std::fmt::Write;
use std::sync::Arc;

impl Chat {
    /// Takes another name, and tells so in all rooms one is in.
    pub(super) fn nick(
        &mut self,
        asker: Asker,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        if let Some(account) = person.account() {
            return self.rename_account(asker, account, name, effects);
        }
        let (old, key, source) = (person.name, person.key, person.source);
        let rooms = person.rooms.to_vec();
        let to = match self.claim(name, key, None) {
            Ok((to, Claim::Free)) => to,
            Ok((to, Claim::Own(id))) if id == asker.id => to,
            Ok((to, Claim::Own(_))) => return Err(Refusal::NameTaken(to)),
            Ok((to, Claim::Account)) => return Err(Refusal::NameIsAccount(to)),
            // Without a key one's own name in other letters looks like anybody's.
            Err(Refusal::NameTaken(to)) if to == old => to,
            Err(refusal) => return Err(refusal),
        };
        if to != old {
            self.held.release(to);
            if let Some(key) = key {
                self.held.hold(old, key, source, self.now.monotonic);
            }
        }
        self.note_deed(asker.id, Deed::Renamed { to }, effects);
        self.people.rename(asker.id, to);
        for room in rooms {
            let renamed = Body::Renamed { to };
            self.note(room, old, Some(asker.client), renamed, effects);
        }
        Self::tell_sealed(asker, Event::Renamed(to), effects);
        Self::notice(asker.client, format!("you are now {to}"), effects);
        Ok(Answer::Done)
    }

    pub(super) fn away(
        &mut self,
        asker: Asker,
        text: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let away: Arc<str> = text.and_then(reason).unwrap_or_else(|| AWAY_DEFAULT.into());
        let text = format!("you are away: {away}; /back ends it");
        if let Some(person) = self.people.get_mut(asker.id) {
            person.rare_mut().away = Some(away);
        }
        Self::notice(asker.client, text, effects);
        Ok(Answer::Done)
    }

    pub(super) fn back(&mut self, asker: Asker, effects: &mut Effects) -> Result<Answer, Refusal> {
        let person = self.people.get_mut(asker.id).ok_or(Refusal::NameNeeded)?;
        let was_away = person.away().is_some() && person.rare_mut().away.take().is_some();
        let text = if was_away {
            "you are back"
        } else {
            "you were not away"
        };
        Self::notice(asker.client, text, effects);
        Ok(Answer::Done)
    }

    pub(super) fn ignore(
        &mut self,
        asker: Asker,
        name: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let person = self.people.get_mut(asker.id).ok_or(Refusal::NameNeeded)?;
        let Some(name) = name else {
            let text = match person.ignored() {
                [] => "you ignore nobody".to_owned(),
                names => format!("you ignore {}", joined(names)),
            };
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        };
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        if name == person.name {
            return Err(Refusal::Oneself);
        }
        let mut names = person.ignored().to_vec();
        if !names.contains(&name) {
            if names.len() >= IGNORED_MAX {
                return Err(Refusal::TooManyIgnored { max: IGNORED_MAX });
            }
            names.push(name);
        }
        self.set_ignored(asker, names, effects);
        Self::notice(asker.client, format!("you ignore {name}"), effects);
        Ok(Answer::Done)
    }

    pub(super) fn unignore(
        &mut self,
        asker: Asker,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        let mut names = person.ignored().to_vec();
        let count = names.len();
        names.retain(|other| *other != name);
        if names.len() == count {
            return Err(Refusal::NotIgnored(name));
        }
        self.set_ignored(asker, names, effects);
        Self::notice(
            asker.client,
            format!("you ignore {name} no longer"),
            effects,
        );
        Ok(Answer::Done)
    }

    fn set_ignored(&mut self, asker: Asker, names: Vec<Name>, effects: &mut Effects) {
        let account = self.people.get(asker.id).and_then(Person::account);
        if let Some(account) = account.and_then(|account| self.accounts.get_mut(account)) {
            account.ignored.clone_from(&names);
        }
        let sessions = match account {
            Some(account) => {
                self.accounts.touch(account);
                self.sessions_of(account).map(|(id, _)| id).collect()
            }
            None => vec![asker.id],
        };
        let names: Arc<[Name]> = names.into();
        for person in sessions {
            let Some(person) = self.people.get_mut(person) else {
                continue;
            };
            person.rare_mut().ignored = (!names.is_empty()).then(|| names.clone());
            if let Some(client) = person.client {
                effects.push_back(Effect::Room(RoomOrder::Ignore(client, names.clone())));
            }
        }
    }

    /// Tells what may be known of somebody.
    pub(super) fn whois(
        &mut self,
        asker: Asker,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let account = self.accounts.named(name);
        let Some((_, person)) = self.people.present(name) else {
            let account = account.ok_or(Refusal::NoSuchPerson(name))?;
            let away = self.now.unix_ms.saturating_sub(account.seen_unix_ms);
            let away = Ago(Duration::from_millis(away));
            let text = format!("{}: account, not here, last here {away} ago", account.name);
            Self::notice(asker.client, text, effects);
            return Ok(Answer::Done);
        };
        let standing = match account {
            Some(account) if account.is_admin => "account, administrator",
            Some(_) => "account",
            None => "guest",
        };
        let door = match person.door {
            Door::Sealed => "encrypted",
            Door::Line => "plain",
        };
        let since = Ago(person.since.until(self.now.monotonic));
        let mut text = format!("{}: {standing}, {door}, here for {since}", person.name);
        let expected = "a string takes everything";
        if let Some(away) = person.away() {
            write!(text, ", away: {away}").expect(expected);
        }
        if let Some(key) = person.key {
            write!(text, ", key {}", fingerprint(key)).expect(expected);
        }
        if self.is_admin(asker.id) {
            write!(text, ", from {}", person.source.to_canonical()).expect(expected);
        }
        let others = account.map_or(1, |account| self.connections_of(account.id));
        if others > 1 {
            write!(text, ", connected {others} times").expect(expected);
        }
        Self::notice(asker.client, text, effects);
        Ok(Answer::Done)
    }
}

/// Names, joined by commas.
fn joined(names: &[Name]) -> String {
    let names: Vec<_> = names.iter().map(Name::as_str).collect();
    names.join(", ")
}

/// A client's key as people compare it: base32, lower case, 32 characters.
pub(super) fn fingerprint(key: ClientKey) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = key
        .0
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    let letter = |five: &[u8]| {
        let index = five
            .iter()
            .fold(0, |index, bit| index << 1 | usize::from(*bit));
        char::from(letters[index])
    };
    bits.chunks_exact(5).map(letter).collect()
}

/// What those who write to somebody are told who is away without saying why.
const AWAY_DEFAULT: &str = "not here";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_base32() {
        let mut key = [0; 20];
        key[..6].copy_from_slice(b"foobar");
        let text = fingerprint(ClientKey(key));
        assert_eq!(text.len(), 32);
        assert!(text.starts_with("mzxw6ytbo"), "{text}");
    }
}
