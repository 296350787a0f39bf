//! Searches the reader has and has not answered: who asked, and where they may look.

use super::name::Name;
use super::people::PersonId;
use super::{ClientId, MessageKey, Ticket};
use std::collections::{BTreeMap, BTreeSet};

/// The searches under way, at most one for each client.
#[derive(Debug, Default)]
pub(super) struct Searches {
    by_ticket: BTreeMap<Ticket, Asked>,
    clients: BTreeSet<ClientId>,
}

/// One search under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) id: PersonId,
    /// The number of the command, if its door gives any.
    pub(super) key: Option<MessageKey>,
    /// Only what was said under this name.
    pub(super) from: Option<Name>,
}

impl Searches {
    pub(super) fn insert(&mut self, ticket: Ticket, asked: Asked) {
        self.clients.insert(asked.client);
        self.by_ticket.insert(ticket, asked);
    }

    /// The search an answer is about.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Asked> {
        let asked = self.by_ticket.remove(&ticket)?;
        self.clients.remove(&asked.client);
        Some(asked)
    }

    /// Whether a client waits for one.
    pub(super) fn has(&self, client: ClientId) -> bool {
        self.clients.contains(&client)
    }

    pub(super) fn count(&self) -> usize {
        self.by_ticket.len()
    }
}
