//! What administrators of the server do, through a door or over the control socket.

use super::super::changes::Then;
use super::super::name::Name;
use super::super::people::{Person, PersonId};
use super::super::refusal::{Ago, Refusal};
use super::super::text;
use super::super::{
    AccountId, AccountRecord, Administer, Change, Chat, Deed, Door, Effect, Effects, EntryId,
    Operation, PasswordHash, RequestId,
};
use super::answers::{Page, beginning};
use super::{Answer, Asker, reason, room_name};
use crate::limits::ANNOUNCEMENT_BYTES_MAX;
use std::fmt::Write;
use std::sync::Arc;

impl Chat {
    fn check_admin(&self, asker: Asker) -> Result<(), Refusal> {
        let is_admin = self.is_admin(asker.id);
        is_admin.then_some(()).ok_or(Refusal::NotAdmin)
    }

    /// Lists everybody who is connected.
    pub(super) fn users(
        &mut self,
        asker: Asker,
        prefix: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let prefix = prefix.unwrap_or("");
        let (mut page, mut last) = (Page::default(), String::new());
        for (name, id) in self.people.beginning_with(prefix) {
            let person = self.people.get(id);
            let Some(person) = person.filter(|person| person.client.is_some()) else {
                continue;
            };
            if !page.add(&self.user_in_words(id, person)) {
                let start = beginning(&last, name.as_str());
                page.end_with(&format!("more: /users {start}"));
                break;
            }
            name.as_str().clone_into(&mut last);
        }
        if page.is_empty() {
            page.add("nobody is called so");
        }
        Self::notice(asker.client, page.into_text(), effects);
        Ok(Answer::Done)
    }

    fn user_in_words(&self, id: PersonId, person: &Person) -> String {
        let kind = match person.account() {
            Some(_) if self.is_admin(id) => "administrator",
            Some(_) => "account",
            None => "guest",
        };
        let door = match person.door {
            Door::Sealed => "encrypted",
            Door::Line => "plain",
        };
        let since = Ago(person.since.until(self.now.monotonic));
        let (name, source) = (person.name, person.source);
        let mut line = format!("{name}: {kind}, {door}, from {source}, here for {since}, in");
        let rooms = person.rooms.iter();
        for room in rooms.filter_map(|room| self.rooms.get(*room)) {
            write!(line, " {}", room.name).expect("a string takes everything");
        }
        if person.rooms.is_empty() {
            line.push_str(" no room");
        }
        line
    }

    /// Tells everybody who has a name.
    pub(super) fn announce(
        &mut self,
        asker: Asker,
        text: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let text = text::one_line(text, usize::MAX);
        if text.is_empty() {
            return Err(Refusal::TextEmpty);
        }
        if text.len() > ANNOUNCEMENT_BYTES_MAX {
            return Err(Refusal::TextTooLong {
                max: ANNOUNCEMENT_BYTES_MAX,
            });
        }
        let by = self.name_of(asker)?;
        let words: Arc<str> = format!("announcement from {by}: {text}").into();
        for (_, person) in self.people.iter() {
            if let Some(client) = person.client {
                Self::notice(client, words.clone(), effects);
            }
        }
        self.record_server(asker, format!("announcement: {text}"), effects);
        Ok(Answer::Done)
    }

    /// Shows the activity log. Only the shell has it, and answers.
    pub(super) fn log(
        &mut self,
        asker: Asker,
        name: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let name = name.map(Name::parse).transpose();
        let name = name.map_err(Refusal::BadName)?;
        let operation = Operation::Log(asker.client, asker.key, name);
        effects.push_back(Effect::Operate(operation));
        Ok(Answer::Elsewhere)
    }

    /// Tells how the server does. Only the shell knows, and answers.
    pub(super) fn stats(&mut self, asker: Asker, effects: &mut Effects) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let operation = Operation::Stats(asker.client, asker.key);
        effects.push_back(Effect::Operate(operation));
        Ok(Answer::Elsewhere)
    }

    /// Reads the configuration again. Only the shell can, and answers.
    pub(super) fn reload(
        &mut self,
        asker: Asker,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let operation = Operation::Reload(asker.client, asker.key);
        effects.push_back(Effect::Operate(operation));
        Ok(Answer::Elsewhere)
    }

    /// Stops the server.
    pub(super) fn shutdown(
        &mut self,
        asker: Asker,
        why: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        self.check_admin(asker)?;
        let why = why.and_then(reason);
        let what = match &why {
            Some(why) => format!("shutdown: {why}"),
            None => "shutdown".to_owned(),
        };
        self.record_server(asker, what, effects);
        effects.push_back(Effect::Operate(Operation::Shutdown(why)));
        Ok(Answer::Done)
    }

    fn record_server(&self, asker: Asker, what: String, effects: &mut Effects) {
        let who = self.people.get(asker.id).map(|person| person.name);
        let deed = Deed::Server { what: what.into() };
        self.note_deed_of(Some(asker.client), who, deed, effects);
    }

    /// An operator asks for something from outside.
    pub(in crate::chat) fn administer(
        &mut self,
        request: RequestId,
        task: &Administer<'_>,
        effects: &mut Effects,
    ) {
        let answer = match task {
            Administer::SetPassword { name, hash } => {
                self.administer_set_password(name, hash.clone(), effects)
            }
            Administer::Grant { name, is_given } => self.administer_grant(name, *is_given, effects),
            Administer::RemoveAccount { name } => self.administer_remove_account(name, effects),
            Administer::Erase { room, id } => {
                match self.administer_erase(request, room, *id, effects) {
                    // It is answered when it is durable.
                    Ok(()) => return,
                    Err(refusal) => Err(refusal.to_string().into()),
                }
            }
        };
        effects.push_back(Effect::Administered(request, answer));
    }

    /// Takes back what was said.
    fn administer_erase(
        &mut self,
        request: RequestId,
        room: &str,
        id: EntryId,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = room_name(room)?;
        let (room, state) = self.rooms.named(name).ok_or(Refusal::NoSuchRoom(name))?;
        let name = state.name;
        let text = format!("entry {} of {name} is taken back", id.0).into();
        let then = Then::Report { request, text };
        self.change(Change::Erase(room, id), then, effects);
        Ok(())
    }
}

// --- Accounts ---

impl Chat {
    /// Gives an account a password; makes it if there is none of that name.
    fn administer_set_password(
        &mut self,
        name: &str,
        hash: PasswordHash,
        effects: &mut Effects,
    ) -> Result<Arc<str>, Arc<str>> {
        let name = Name::parse(name).map_err(|error| error.to_string())?;
        let known = self.accounts.named(name).cloned();
        let (mut record, what) = match known {
            Some(record) => (record, "password changed"),
            None if self.people.named(name).is_some() => {
                return Err(Refusal::NameTaken(name).to_string().into());
            }
            None if self.accounts.count() >= self.settings.accounts_max => {
                return Err(Refusal::TooManyAccounts.to_string().into());
            }
            None => (self.new_account(name), "made"),
        };
        record.password = Some(hash);
        self.accounts.put(record.clone());
        self.change(Change::PutAccount(record), Then::Nothing, effects);
        self.note_deed_of(None, None, Deed::Account { name, what }, effects);
        Ok(format!("account {name}: {what}").into())
    }

    fn new_account(&mut self, name: Name) -> AccountRecord {
        AccountRecord {
            id: self.accounts.take_id(),
            name,
            password: None,
            keys: Vec::new(),
            is_admin: false,
            since_unix_ms: self.now.unix_ms,
            seen_unix_ms: self.now.unix_ms,
            inbox: None,
            inbox_read: EntryId(0),
            rooms: Vec::new(),
            current: None,
            ignored: Vec::new(),
        }
    }

    /// Gives or takes the right to administer the server.
    fn administer_grant(
        &mut self,
        name: &str,
        is_given: bool,
        effects: &mut Effects,
    ) -> Result<Arc<str>, Arc<str>> {
        let (id, name) = self.account_to_administer(name)?;
        self.set_admin(id, is_given, Then::Nothing, effects);
        let deed = Deed::Appointed {
            room: None,
            name,
            is_given,
        };
        self.note_deed_of(None, None, deed, effects);
        let what = if is_given {
            "administers"
        } else {
            "does not administer"
        };
        Ok(format!("{name} {what} the server").into())
    }

    /// Ends an account, and the sessions that have it.
    fn administer_remove_account(
        &mut self,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Arc<str>, Arc<str>> {
        let (id, name) = self.account_to_administer(name)?;
        let words: Arc<str> = "your account was removed".into();
        for session in self.sessions_named(name) {
            self.end_session(session, words.clone(), effects);
        }
        self.rooms.forget_account(id);
        self.accounts.remove(id, self.now.unix_ms);
        self.change(Change::RemoveAccount(id), Then::Nothing, effects);
        let what = "removed";
        self.note_deed_of(None, None, Deed::Account { name, what }, effects);
        Ok(format!("account {name}: {what}").into())
    }

    fn account_to_administer(&self, name: &str) -> Result<(AccountId, Name), Arc<str>> {
        let name = Name::parse(name).map_err(|error| error.to_string())?;
        match self.accounts.named(name) {
            Some(account) => Ok((account.id, account.name)),
            None => Err(Refusal::NoSuchAccount(name).to_string().into()),
        }
    }
}
