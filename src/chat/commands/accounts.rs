//! Passwords, logging in, and keys.

use super::super::refusal::Refusal;
use super::super::{Chat, ClientId, Effect, Effects, Event, KeyChange, MessageKey, Verdict};
use super::{Answer, Asker};

impl Chat {
    /// Asks for a password.
    pub(super) fn password(
        &mut self,
        asker: Asker,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects);
        Err(Refusal::AccountNeeded)
    }

    /// Logs in to an account.
    pub(super) fn login(
        &mut self,
        asker: Asker,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, name);
        Err(Refusal::AccountNeeded)
    }

    /// Shows or changes an account's keys.
    pub(super) fn keys(
        &mut self,
        asker: Asker,
        change: KeyChange<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, change);
        Err(Refusal::AccountNeeded)
    }

    /// A sealed client answers what it was asked in secret.
    pub(in crate::chat) fn secret(
        &mut self,
        client: ClientId,
        key: MessageKey,
        text: &str,
        effects: &mut Effects,
    ) -> Verdict {
        let _ = text;
        let refused = Event::Refused(Some(key), Refusal::NothingAsked);
        effects.push_back(Effect::Reply(client, refused));
        Verdict::Taken
    }
}
