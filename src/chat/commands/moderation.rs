//! What moderators and owners do.

use super::super::refusal::Refusal;
use super::super::{Chat, Command, Effects, Measure, Place};
use super::{Answer, Asker};

impl Chat {
    /// Ends a room.
    pub(super) fn close_room(
        &mut self,
        asker: Asker,
        room: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, room);
        Err(Refusal::NotAdmin)
    }

    /// Lets somebody in.
    pub(super) fn invite(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, room, name);
        Err(Refusal::NotAdmin)
    }

    /// Removes, silences or keeps out.
    pub(super) fn sanction(
        &mut self,
        asker: Asker,
        command: &Command<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, command);
        Err(Refusal::NotAdmin)
    }

    /// Undoes that.
    pub(super) fn lift(
        &mut self,
        asker: Asker,
        measure: Measure,
        place: Place<'_>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, measure, place, name);
        Err(Refusal::NotAdmin)
    }

    /// Lists measures.
    pub(super) fn bans(
        &mut self,
        asker: Asker,
        place: Place<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, place);
        Err(Refusal::NotAdmin)
    }

    /// Gives or takes a right.
    pub(super) fn appoint(
        &mut self,
        asker: Asker,
        is_given: bool,
        place: Place<'_>,
        name: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, is_given, place, name);
        Err(Refusal::NotAdmin)
    }
}
