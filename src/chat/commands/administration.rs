//! What administrators of the server do, through a door or over the control socket.

use super::super::changes::Then;
use super::super::name::Name;
use super::super::people::{Person, PersonId};
use super::super::refusal::Refusal;
use super::super::span::Ago;
use super::super::text;
use super::super::{
    Administer, Change, Chat, Deed, Door, Effect, Effects, EntryId, Operation, PasswordHash,
    RequestId,
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
        self.record(Some(asker.client), who, deed, effects);
    }

    /// An operator asks for something from outside.
    pub(in crate::chat) fn administer(
        &mut self,
        request: RequestId,
        task: &Administer<'_>,
        effects: &mut Effects,
    ) {
        // What is done is told when it is durable.
        let done = match task {
            Administer::SetPassword { name, hash } => {
                self.administer_set_password(request, name, hash, effects)
            }
            Administer::Grant { name, is_given } => {
                self.administer_grant(request, name, *is_given, effects)
            }
            Administer::RemoveAccount { name } => {
                self.administer_remove_account(request, name, effects)
            }
            Administer::Erase { room, id } => self.administer_erase(request, room, *id, effects),
        };
        if let Err(refusal) = done {
            let why = refusal.to_string().into();
            effects.push_back(Effect::Administered(request, Err(why)));
        }
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
        let refused = |why: String| Effect::Administered(request, Err(why.into()));
        let Some((room, state)) = self.rooms.named(name) else {
            effects.push_back(refused(format!("there is no room {name}")));
            return Ok(());
        };
        let (name, newest) = (state.name, state.extent.newest);
        if id == EntryId(0) || id > newest {
            let newest = match newest {
                EntryId(0) => "nothing was ever said there".to_owned(),
                EntryId(newest) => format!("the newest is {newest}"),
            };
            let why = format!("there is no entry {} in {name}: {newest}", id.0);
            effects.push_back(refused(why));
            return Ok(());
        }
        let text = format!("entry {} of {name} is taken back", id.0).into();
        let then = Then::Erased {
            request,
            text,
            entry: (room, id),
        };
        self.change(Change::Erase(room, id), then, effects);
        Ok(())
    }
}

// --- Accounts ---

impl Chat {
    /// Gives an account a password; makes it if there is none of that name.
    fn administer_set_password(
        &mut self,
        request: RequestId,
        name: &str,
        hash: &PasswordHash,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let known = self.accounts.named(name).map(|account| account.id);
        let report = |text: String| Then::Report {
            request,
            text: text.into(),
        };
        let what = match known {
            Some(id) => {
                let then = report(format!("{name} has a new password"));
                self.set_password(id, hash.clone(), then, effects);
                "password changed"
            }
            None if self.people.named(name).is_some() => return Err(Refusal::NameTaken(name)),
            None if self.accounts.count() >= self.settings.accounts_max => {
                return Err(Refusal::TooManyAccounts);
            }
            None => {
                let then = report(format!("{name} is a new account"));
                self.found_account(name, Some(hash.clone()), then, effects);
                "made"
            }
        };
        self.record(None, None, Deed::Account { name, what }, effects);
        Ok(())
    }

    /// Gives or takes the right to administer the server.
    fn administer_grant(
        &mut self,
        request: RequestId,
        name: &str,
        is_given: bool,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let account = self.accounts.named(name);
        let account = account.ok_or(Refusal::NoSuchAccount(name))?;
        let (name, id) = (account.name, account.id);
        let text = if is_given {
            format!("{name} administers the server")
        } else {
            format!("{name} does not administer the server")
        };
        let text = text.into();
        self.grant(id, is_given, Then::Report { request, text }, effects);
        let deed = Deed::Appointed {
            room: None,
            name,
            is_given,
        };
        self.record(None, None, deed, effects);
        Ok(())
    }

    /// Ends an account, and the sessions that have it.
    fn administer_remove_account(
        &mut self,
        request: RequestId,
        name: &str,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let account = self.accounts.named(name);
        let account = account.ok_or(Refusal::NoSuchAccount(name))?;
        let (name, id) = (account.name, account.id);
        let text = format!("{name} is no account any more").into();
        self.remove_account(id, Then::Report { request, text }, effects);
        let what = "removed";
        self.record(None, None, Deed::Account { name, what }, effects);
        Ok(())
    }
}
