//! Invariants of the server's books, swept at the end of every turn of a debug build.

use super::connection::{Connection, Wait};
use super::server::Server;
use crate::chat::ClientId;
use std::collections::BTreeSet;

impl Server {
    /// Checks that what is counted is what is there, and that nobody is forgotten.
    pub(super) fn assert_invariants(&self) {
        let held: usize = self.connections.iter().map(|found| found.held_bytes).sum();
        assert!(
            self.incomplete_bytes == held,
            "the total of what is held is the sum of what each holds"
        );
        let named = self.connections.iter().filter(|found| found.flags.named);
        let named = named.count();
        assert!(
            self.admission.counts() == (self.connections.len() - named, named),
            "admission counts every connection once"
        );
        assert!(
            self.queues.doomed.is_empty(),
            "who is doomed is gone at the end of its turn"
        );
        let queues = Waiting::of(self);
        for connection in self.connections.iter() {
            self.assert_connection(connection, &queues);
        }
    }

    fn assert_connection(&self, connection: &Connection, queues: &Waiting) {
        let (client, flags) = (&connection.client, &connection.flags);
        assert!(
            connection.held_bytes == connection.link.held(),
            "what a connection holds is what it is charged for"
        );
        assert!(
            connection.wait.is_none() || !flags.silenced,
            "who is not heeded any more does not wait"
        );
        // No edge will come for what the kernel has announced already.
        let is_forgotten = flags.readable && !flags.listed && connection.wait.is_none();
        assert!(
            !is_forgotten || self.stopping.is_some(),
            "who has more to say is listed, or waits"
        );
        assert!(
            flags.listed == queues.readable.contains(client),
            "the flag tells who is on the list"
        );
        let is_queued = match connection.wait {
            None => true,
            Some(Wait::Pause | Wait::Memory) => queues.paused.contains(client),
            Some(Wait::Journal) => queues.journal.contains(client),
            Some(Wait::Password) => queues.passwords.contains(client),
            Some(Wait::Owed) => queues.owed.contains(client),
            Some(Wait::Handshake) => queues.handshakes.contains(client),
        };
        assert!(is_queued, "who waits stands where it is resumed from");
    }
}

/// Who stands where.
struct Waiting {
    readable: BTreeSet<ClientId>,
    paused: BTreeSet<ClientId>,
    journal: BTreeSet<ClientId>,
    passwords: BTreeSet<ClientId>,
    owed: BTreeSet<ClientId>,
    handshakes: BTreeSet<ClientId>,
}

impl Waiting {
    fn of(server: &Server) -> Self {
        let queues = &server.queues;
        Self {
            readable: queues.readable.iter().copied().collect(),
            paused: server.deadlines.paused().collect(),
            journal: queues.journal.iter().copied().collect(),
            passwords: queues.passwords.iter().copied().collect(),
            owed: queues.owed.iter().copied().collect(),
            handshakes: queues.handshakes.iter().copied().collect(),
        }
    }
}
