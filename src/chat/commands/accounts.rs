//! Passwords, logging in, names and keys of accounts; and what operators do about accounts.

use super::super::changes::Then;
use super::super::people::PersonId;
use super::super::refusal::Refusal;
use super::super::secrets::{Login, Stage};
use super::super::sessions::Claim;
use super::super::span::Ago;
use super::super::{
    AccountId, AccountRecord, Body, Change, Chat, ClientKey, Deed, Door, Duration, Effect, Effects,
    EntryId, Event, KeyChange, MessageKey, Name, PasswordHash,
};
use super::people::fingerprint;
use super::{Answer, Asker};
use crate::limits::KEYS_PER_ACCOUNT_MAX;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

impl Chat {
    /// Asks for the password as it is, if there is one, or for a new one.
    pub(super) fn password(
        &mut self,
        asker: Asker,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        let name = person.name;
        let has_password = match self.account_of(asker.id) {
            Some(account) => account.password.is_some(),
            None if self.accounts.count() >= self.settings.accounts_max => {
                return Err(Refusal::TooManyAccounts);
            }
            None => false,
        };
        self.check_login(asker.client, name)?;
        let stage = if has_password {
            Stage::Current
        } else {
            Stage::New
        };
        self.ask_secret(asker.client, stage, effects);
        Ok(Answer::Done)
    }

    /// Somebody has chosen a password: a guest has an account from now on.
    pub(in crate::chat) fn choose_password(
        &mut self,
        id: PersonId,
        key: Option<MessageKey>,
        hash: PasswordHash,
        effects: &mut Effects,
    ) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (name, client, account) = (person.name, person.client, person.account());
        let then = |text: String| match client {
            None => Then::Nothing,
            Some(client) => Then::Tell {
                client,
                key,
                events: vec![Event::Notice(text.into())],
            },
        };
        if let Some(account) = account {
            self.set_password(
                account,
                hash,
                then("your password is changed".into()),
                effects,
            );
            self.note_account_deed(id, "password changed", effects);
            return;
        }
        if self.accounts.count() >= self.settings.accounts_max {
            let refused = Event::Refused(key, Refusal::TooManyAccounts);
            let client = client.into_iter();
            effects.extend(client.map(|client| Effect::Reply(client, refused.clone())));
            return;
        }
        let text = format!("{name} is your account now; /login {name} takes it from elsewhere");
        self.make_account(id, hash, then(text), effects);
        self.note_account_deed(id, "made", effects);
    }

    fn note_account_deed(&self, id: PersonId, what: &'static str, effects: &mut Effects) {
        if let Some(name) = self.people.get(id).map(|person| person.name) {
            self.note_deed(id, Deed::Account { name, what }, effects);
        }
    }

    /// Makes a guest's session an account's, with what it was granted.
    fn make_account(
        &mut self,
        id: PersonId,
        hash: PasswordHash,
        then: Then,
        effects: &mut Effects,
    ) {
        let account = self.accounts.take_id();
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let record = AccountRecord {
            rooms: person.rooms.to_vec(),
            current: person.current,
            ignored: person.ignored().to_vec(),
            inbox: person.inbox(),
            ..blank(account, person.name, Some(hash), self.now.unix_ms)
        };
        let inbox = record.inbox;
        person.rare_mut().account = Some(account);
        self.held.release(record.name);
        self.accounts.put(record);
        self.put_account(account, then, effects);
        if let Some(inbox) = inbox {
            self.hand_inbox_over(inbox, account, effects);
        }
        self.adopt(id, account, effects);
        self.remember_session(id, effects);
    }

    /// Gives an account another password. Sessions of it that are not connected cannot be resumed
    /// any more: one of them may be why.
    pub(in crate::chat) fn set_password(
        &mut self,
        account: AccountId,
        hash: PasswordHash,
        then: Then,
        effects: &mut Effects,
    ) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.password = Some(hash);
        }
        self.put_account(account, then, effects);
        let sessions = self.sessions_of(account);
        let connected = sessions.filter(|(_, session)| session.client.is_some());
        let kept: BTreeSet<_> = connected
            .filter_map(|(_, session)| session.rare()?.hash)
            .collect();
        let tokens: Vec<_> = self.remembered.of(account).collect();
        for token in tokens.into_iter().filter(|token| !kept.contains(token)) {
            self.remembered.remove(token);
            self.change(Change::RemoveSession(token), Then::Nothing, effects);
        }
    }

    /// Logs a guest in to an account.
    pub(super) fn login(
        &mut self,
        asker: Asker,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        if person.account().is_some() {
            let usage = "/login NAME, as a guest; /quit first to be somebody else";
            return Err(Refusal::Usage { usage });
        }
        if let Some(account) = self.account_with_key(name, person.key) {
            if let Some(banned) = self.banned_account(account) {
                return Err(banned);
            }
            let login = Login {
                account: Some(account),
                ..Login::to(name)
            };
            return self
                .let_in_by_key(asker.client, asker.key, login, effects)
                .map(|()| Answer::Elsewhere);
        }
        let login = Login::to(name);
        self.ask_to_log_in(asker.client, login, effects)?;
        Ok(Answer::Done)
    }

    /// Shows or changes an account's keys.
    pub(super) fn keys(
        &mut self,
        asker: Asker,
        change: KeyChange<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let own = self.people.get(asker.id).and_then(|person| person.key);
        let account = self.account_of(asker.id).ok_or(Refusal::AccountNeeded)?;
        let (id, mut keys) = (account.id, account.keys.clone());
        let (text, what) = match change {
            KeyChange::List => {
                let text = listed(&keys, own, self.now.unix_ms);
                Self::notice(asker.client, text, effects);
                return Ok(Answer::Done);
            }
            KeyChange::Add => {
                let key = own.ok_or(Refusal::NoKeyShown)?;
                if !keys.iter().any(|(other, _)| *other == key) {
                    if keys.len() >= KEYS_PER_ACCOUNT_MAX {
                        let max = KEYS_PER_ACCOUNT_MAX;
                        return Err(Refusal::TooManyKeys { max });
                    }
                    keys.push((key, self.now.unix_ms));
                }
                let text = format!("key {} lets in without a password", fingerprint(key));
                (text, "key added")
            }
            KeyChange::Remove(wanted) => {
                let key = match wanted {
                    Some(wanted) => key_beginning_with(&keys, wanted),
                    None => own.filter(|own| keys.iter().any(|(key, _)| key == own)),
                };
                let key = key.ok_or(Refusal::NoSuchKey)?;
                keys.retain(|(other, _)| *other != key);
                let text = format!("key {} lets in no longer", fingerprint(key));
                (text, "key removed")
            }
        };
        if let Some(account) = self.accounts.get_mut(id) {
            account.keys = keys;
        }
        let then = Then::Tell {
            client: asker.client,
            key: asker.key,
            events: vec![Event::Notice(text.into())],
        };
        self.put_account(id, then, effects);
        self.note_account_deed(asker.id, what, effects);
        Ok(Answer::Elsewhere)
    }

    /// Gives an account another name, wherever it is connected.
    pub(super) fn rename_account(
        &mut self,
        asker: Asker,
        account: AccountId,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        let (old, key) = (person.name, person.key);
        let to = match self.claim(name, key, Some(account))? {
            (to, Claim::Free) => to,
            (to, Claim::Account) if to == old => to,
            (to, Claim::Account) => return Err(Refusal::NameIsAccount(to)),
            (to, Claim::Own(_)) => return Err(Refusal::NameTaken(to)),
        };
        self.note_deed(asker.id, Deed::Renamed { to }, effects);
        self.held.release(to);
        let sessions: Vec<_> = self.sessions_of(account).map(|(id, _)| id).collect();
        self.accounts.rename(account, to, self.now.unix_ms);
        let mut rooms = BTreeSet::new();
        let text: Arc<str> = format!("you are now {to}").into();
        for id in sessions {
            self.people.rename(id, to);
            let Some(person) = self.people.get(id) else {
                continue;
            };
            rooms.extend(person.rooms.iter().copied());
            let other = person.client.filter(|client| *client != asker.client);
            if let Some(client) = other {
                let event = match person.door {
                    Door::Sealed => Event::Renamed(to),
                    Door::Line => Event::Notice(text.clone()),
                };
                effects.push_back(Effect::Reply(client, event));
            }
        }
        for room in rooms {
            let renamed = Body::Renamed { to };
            self.note(room, old, Some(asker.client), renamed, effects);
        }
        let renamed = (asker.door == Door::Sealed).then_some(Event::Renamed(to));
        let then = Then::Tell {
            client: asker.client,
            key: asker.key,
            events: renamed.into_iter().chain([Event::Notice(text)]).collect(),
        };
        self.put_account(account, then, effects);
        Ok(Answer::Elsewhere)
    }
}

/// What an operator does about accounts.
impl Chat {
    /// Makes an account, of a name that is free.
    pub(in crate::chat) fn found_account(
        &mut self,
        name: Name,
        password: Option<PasswordHash>,
        then: Then,
        effects: &mut Effects,
    ) {
        let id = self.accounts.take_id();
        self.held.release(name);
        let record = blank(id, name, password, self.now.unix_ms);
        self.accounts.put(record);
        self.put_account(id, then, effects);
    }

    /// Ends an account: its sessions, its inbox and its roles go with it.
    pub(in crate::chat) fn remove_account(
        &mut self,
        id: AccountId,
        then: Then,
        effects: &mut Effects,
    ) {
        let sessions: Vec<_> = self.sessions_of(id).map(|(id, _)| id).collect();
        let words: Arc<str> = "your account was removed".into();
        for session in sessions {
            self.end_session(session, words.clone(), effects);
        }
        let tokens: Vec<_> = self.remembered.of(id).collect();
        for token in tokens {
            self.remembered.remove(token);
        }
        self.mail.remove(id);
        self.rooms.forget_account(id);
        let removed = self.accounts.remove(id, self.now.unix_ms);
        self.change(Change::RemoveAccount(id), then, effects);
        if let Some(inbox) = removed.and_then(|account| account.inbox) {
            self.abandon_inbox(inbox, effects);
        }
    }

    /// Gives or takes the right to administer the server.
    pub(in crate::chat) fn grant(
        &mut self,
        account: AccountId,
        is_given: bool,
        then: Then,
        effects: &mut Effects,
    ) {
        if let Some(account) = self.accounts.get_mut(account) {
            account.is_admin = is_given;
        }
        self.put_account(account, then, effects);
    }
}

/// An account that was nowhere yet.
fn blank(id: AccountId, name: Name, password: Option<PasswordHash>, unix_ms: u64) -> AccountRecord {
    AccountRecord {
        id,
        name,
        password,
        keys: Vec::new(),
        is_admin: false,
        since_unix_ms: unix_ms,
        seen_unix_ms: unix_ms,
        inbox: None,
        inbox_read: EntryId(0),
        rooms: Vec::new(),
        current: None,
        ignored: Vec::new(),
    }
}

/// Keys as they are listed to whose they are.
fn listed(keys: &[(ClientKey, u64)], own: Option<ClientKey>, unix_ms: u64) -> String {
    if keys.is_empty() {
        return "no key lets in without a password; /keys add enrols that of this connection"
            .into();
    }
    let mut text = "these keys let in without a password:".to_owned();
    for (key, since_unix_ms) in keys {
        let age = Ago(Duration::from_millis(
            unix_ms.saturating_sub(*since_unix_ms),
        ));
        let here = if own == Some(*key) {
            ", this connection's"
        } else {
            ""
        };
        write!(text, "\n{} for {age}{here}", fingerprint(*key)).expect("a string takes everything");
    }
    text
}

/// The one key whose fingerprint begins like that, however it is grouped.
fn key_beginning_with(keys: &[(ClientKey, u64)], wanted: &str) -> Option<ClientKey> {
    let wanted: String = wanted.chars().filter(char::is_ascii_alphanumeric).collect();
    let wanted = wanted.to_ascii_lowercase();
    let mut matching = keys
        .iter()
        .map(|(key, _)| *key)
        .filter(|key| !wanted.is_empty() && fingerprint(*key).starts_with(&wanted));
    matching.next().filter(|_| matching.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_the_beginning_of_its_fingerprint() {
        let (zero, one) = (ClientKey([0; 20]), ClientKey([1; 20]));
        let keys = [(zero, 0), (one, 0)];
        assert_eq!(key_beginning_with(&keys, "aaaa-aaaa"), Some(zero));
        assert_eq!(key_beginning_with(&keys, "AEAQ"), Some(one));
        assert_eq!(key_beginning_with(&keys, "a"), None);
        assert_eq!(key_beginning_with(&keys, "zz"), None);
        assert_eq!(key_beginning_with(&keys, "-"), None);
    }
}
