//! What administrators of the server do.

use super::super::refusal::Refusal;
use super::super::{Administer, Chat, Effect, Effects, RequestId};
use super::{Answer, Asker};

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
        let _ = task;
        let why = Refusal::NotAdmin.to_string();
        effects.push_back(Effect::Administered(request, Err(why.into())));
    }
}
