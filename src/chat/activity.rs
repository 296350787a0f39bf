//! What the operator may read later of who did what.

use super::name::Name;
use super::people::PersonId;
use super::{Activity, Chat, ClientId, Deed, Effect, Effects};

impl Chat {
    /// A line for the activity log about somebody who has a name.
    pub(super) fn note_deed(&self, id: PersonId, deed: Deed, effects: &mut Effects) {
        if let Some(person) = self.people.get(id) {
            self.record(person.client, Some(person.name), deed, effects);
        }
    }

    /// A line for the activity log.
    pub(super) fn record(
        &self,
        client: Option<ClientId>,
        who: Option<Name>,
        deed: Deed,
        effects: &mut Effects,
    ) {
        effects.push_back(Effect::Record(Activity {
            unix_ms: self.now.unix_ms,
            client,
            who,
            deed,
        }));
    }
}
