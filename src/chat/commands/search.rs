//! Finding what was said.

use super::super::refusal::Refusal;
use super::super::{Chat, Effects};
use super::{Answer, Asker};

impl Chat {
    /// Searches.
    pub(super) fn search(
        &mut self,
        asker: Asker,
        query: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let _ = (asker, effects, query);
        Err(Refusal::NotRead)
    }
}
