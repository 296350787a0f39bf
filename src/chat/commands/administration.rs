//! What administrators of the server do.

use super::super::changes::Then;
use super::super::name::Name;
use super::super::refusal::Refusal;
use super::super::{Administer, Chat, Deed, Effect, Effects, PasswordHash, RequestId};
use super::{Answer, Asker};
use crate::limits::ACCOUNTS_MAX;
use std::sync::Arc;

impl Chat {
    /// Lists everybody.
    pub(super) fn users(
        &mut self,
        asker: Asker,
        prefix: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, prefix);
        Err(Refusal::NotAdmin)
    }

    /// Tells everybody.
    pub(super) fn announce(
        &mut self,
        asker: Asker,
        text: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, text);
        Err(Refusal::NotAdmin)
    }

    /// Shows the log.
    pub(super) fn log(
        &mut self,
        asker: Asker,
        name: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, name);
        Err(Refusal::NotAdmin)
    }

    /// Tells how the server does.
    pub(super) fn stats(&mut self, asker: Asker, effects: &mut Effects) -> Result<Answer, Refusal> {
        let _ = (asker, effects);
        Err(Refusal::NotAdmin)
    }

    /// Reads the configuration again.
    pub(super) fn reload(
        &mut self,
        asker: Asker,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects);
        Err(Refusal::NotAdmin)
    }

    /// Stops the server.
    pub(super) fn shutdown(
        &mut self,
        asker: Asker,
        why: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, why);
        Err(Refusal::NotAdmin)
    }

    /// An operator asks for something from outside.
    pub(in crate::chat) fn administer(
        &mut self,
        request: RequestId,
        task: &Administer<'_>,
        effects: &mut Effects,
    ) {
        let done = match task {
            Administer::SetPassword { name, hash } => {
                self.administer_set_password(name, hash, effects)
            }
            Administer::Grant { name, is_given } => self.administer_grant(name, *is_given, effects),
            Administer::RemoveAccount { name } => self.administer_remove_account(name, effects),
            Administer::Erase { .. } => Err(Refusal::NotAdmin),
        };
        let done = done.map(Arc::from).map_err(|why| why.to_string().into());
        effects.push_back(Effect::Administered(request, done));
    }

    /// Gives an account a password; makes it if there is none of that name.
    fn administer_set_password(
        &mut self,
        name: &str,
        hash: &PasswordHash,
        effects: &mut Effects,
    ) -> Result<String, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let known = self.accounts.named(name).map(|account| account.id);
        let (text, what) = match known {
            Some(id) => {
                self.set_password(id, hash.clone(), Then::Nothing, effects);
                (format!("{name} has a new password"), "password changed")
            }
            None if self.people.named(name).is_some() => return Err(Refusal::NameTaken(name)),
            None if self.accounts.count() >= ACCOUNTS_MAX => return Err(Refusal::TooManyAccounts),
            None => {
                self.found_account(name, Some(hash.clone()), Then::Nothing, effects);
                (format!("{name} is a new account"), "made")
            }
        };
        self.record(None, None, Deed::Account { name, what }, effects);
        Ok(text)
    }

    /// Gives or takes the right to administer the server.
    fn administer_grant(
        &mut self,
        name: &str,
        is_given: bool,
        effects: &mut Effects,
    ) -> Result<String, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let account = self.accounts.named(name);
        let id = account.ok_or(Refusal::NoSuchAccount(name))?.id;
        self.grant(id, is_given, Then::Nothing, effects);
        let deed = Deed::Appointed {
            room: None,
            name,
            is_given,
        };
        self.record(None, None, deed, effects);
        Ok(if is_given {
            format!("{name} administers the server")
        } else {
            format!("{name} does not administer the server")
        })
    }

    /// Ends an account, and the sessions that have it.
    fn administer_remove_account(
        &mut self,
        name: &str,
        effects: &mut Effects,
    ) -> Result<String, Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        let account = self.accounts.named(name);
        let id = account.ok_or(Refusal::NoSuchAccount(name))?.id;
        self.remove_account(id, Then::Nothing, effects);
        let what = "removed";
        self.record(None, None, Deed::Account { name, what }, effects);
        Ok(format!("{name} is no account any more"))
    }
}
