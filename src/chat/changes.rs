//! Changes of records on their way to the store.
//!
//! What the chat decides holds at once; the store's image follows in the order of decision, in one
//! row with the messages. While the journal is full, changes wait here, and commands that would
//! make more are not taken. Whoever asked for a change is answered when it is durable.

use super::journal::Journal;
use super::refusal::{Refusal, StoreFailure};
use super::seats::Seat;
use super::{
    Append, Change, Chat, ClientId, Effect, Effects, EntryId, Event, Job, Kept, MessageKey,
    RequestId, RoomId, RoomOrder, Ticket, Write,
};
use crate::limits::CHANGES_WAITING_MAX;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Changes that are not durable yet.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Not submitted yet, in order.
    waiting: VecDeque<Waiting>,
    /// Submitted, and what follows when they are answered.
    outstanding: BTreeMap<Ticket, Then>,
    /// How many of those that wait are messages, which the journal counts as submitted.
    appends_waiting: usize,
    /// For how many each client waits.
    awaited: BTreeMap<ClientId, u32>,
}

/// What waits for the journal.
#[derive(Debug)]
enum Waiting {
    Change(Change, Then),
    /// A message that came behind changes it may need: its inbox is made by one.
    Append(Append),
}

/// What follows when a change is durable.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing; nobody waits for it.
    Nothing,
    /// Somebody is told; when the store could not keep it, that.
    Tell {
        /// Whom.
        client: ClientId,
        /// The number of their command, if they gave one.
        key: Option<MessageKey>,
        /// What, in order, before the command is said to be done.
        events: Vec<Event>,
    },
    /// An operator outside is told.
    Report {
        /// What it asked.
        request: RequestId,
        /// What was done.
        text: Arc<str>,
    },
    /// What was said is taken back, and an operator outside is told.
    Erased {
        /// What it asked.
        request: RequestId,
        /// What was done.
        text: Arc<str>,
        /// What is taken back.
        entry: (RoomId, EntryId),
    },
}

impl Changes {
    /// Whether nothing waits and nothing is owed.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.outstanding.is_empty()
    }

    /// Whether a client waits for some of them.
    pub(super) fn are_awaited_by(&self, client: ClientId) -> bool {
        self.awaited.contains_key(&client)
    }

    /// Adds one that is not submitted yet.
    fn push(&mut self, change: Change, then: Then) {
        if let Some(client) = then.client() {
            *self.awaited.entry(client).or_default() += 1;
        }
        self.waiting.push_back(Waiting::Change(change, then));
    }

    /// What follows of one that is answered.
    fn take(&mut self, ticket: Ticket) -> Option<Then> {
        let then = self.outstanding.remove(&ticket)?;
        if let Some(client) = then.client()
            && let Some(count) = self.awaited.get_mut(&client)
        {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(&client);
            }
        }
        Some(then)
    }

    /// How many the journal has.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Whether some wait for the journal; nothing may be submitted before them.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether commands that make changes must wait.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= CHANGES_WAITING_MAX
    }
}

impl Then {
    /// The change is durable.
    pub(super) fn follow(self, effects: &mut Effects) {
        match self {
            Self::Nothing => {}
            Self::Tell {
                client,
                key,
                events,
            } => {
                for event in events {
                    effects.push_back(Effect::Reply(client, event));
                }
                if let Some(key) = key {
                    effects.push_back(Effect::Reply(client, Event::Done(key)));
                }
            }
            Self::Report { request, text } => {
                effects.push_back(Effect::Administered(request, Ok(text)));
            }
            Self::Erased {
                request,
                text,
                entry: (room, id),
            } => {
                // Only now: whoever has not had it is given what the store has in its place.
                effects.push_back(Effect::Room(RoomOrder::Erase(room, id)));
                effects.push_back(Effect::Administered(request, Ok(text)));
            }
        }
    }

    /// The change could not be kept yet. It holds all the same, and the journal tries it again
    /// before anything else it stores, without another answer.
    fn fail(self, why: StoreFailure, effects: &mut Effects) {
        let refusal = Refusal::NotYetStored(why);
        let words = refusal.to_string().into();
        match self {
            Self::Nothing => {}
            Self::Tell { client, key, .. } => {
                effects.push_back(Effect::Reply(client, Event::Refused(key, refusal)));
            }
            Self::Report { request, .. } => {
                effects.push_back(Effect::Administered(request, Err(words)));
            }
            Self::Erased {
                request,
                entry: (room, id),
                ..
            } => {
                // Memory lets go of it now, since nobody says when the store has.
                effects.push_back(Effect::Room(RoomOrder::Erase(room, id)));
                effects.push_back(Effect::Administered(request, Err(words)));
            }
        }
    }

    /// Which client waits for it.
    fn client(&self) -> Option<ClientId> {
        match self {
            Self::Tell { client, .. } => Some(*client),
            Self::Nothing | Self::Report { .. } | Self::Erased { .. } => None,
        }
    }
}

impl Chat {
    /// Lets the store follow a change that was decided.
    pub(super) fn change(&mut self, change: Change, then: Then, effects: &mut Effects) {
        match self.settings.kept {
            Kept::Stored => {
                self.changes.push(change, then);
                self.submit_changes(effects);
            }
            // What nobody keeps is as durable as it will ever be.
            Kept::InMemory | Kept::No => then.follow(effects),
        }
    }

    /// Hands the journal as many of the waiting changes as it has room for.
    pub(super) fn submit_changes(&mut self, effects: &mut Effects) {
        while self.changes.is_waiting() && self.journal_has_places() {
            let Some(waiting) = self.changes.waiting.pop_front() else {
                return;
            };
            let write = match waiting {
                Waiting::Change(change, then) => {
                    let ticket = self.journal.take_ticket();
                    self.changes.outstanding.insert(ticket, then);
                    Write::Change { ticket, change }
                }
                Waiting::Append(append) => {
                    self.changes.appends_waiting -= 1;
                    Write::Append(append)
                }
            };
            effects.push_back(Effect::Submit(Job::Write(write)));
        }
    }

    /// Hands the journal a message, behind the changes that were decided before it.
    pub(super) fn submit_behind_changes(&mut self, append: Append, effects: &mut Effects) {
        if self.changes.is_waiting() {
            self.changes.appends_waiting += 1;
            self.changes.waiting.push_back(Waiting::Append(append));
        } else {
            effects.push_back(Effect::Submit(Job::Write(Write::Append(append))));
        }
    }

    fn journal_has_places(&self) -> bool {
        let messages = self.journal.len() - self.changes.appends_waiting;
        messages + self.changes.outstanding() < Journal::jobs_max(&self.settings)
    }

    /// A change is durable.
    pub(super) fn changed(&mut self, ticket: Ticket, effects: &mut Effects) {
        if let Some(then) = self.changes.take(ticket) {
            let client = then.client();
            then.follow(effects);
            self.finish_if_told(client, effects);
        }
    }

    /// Says goodbye to who waited for nothing but this answer.
    pub(super) fn finish_if_told(&mut self, client: Option<ClientId>, effects: &mut Effects) {
        let seat = client.and_then(|client| self.seats.get(client));
        if let Some(Seat::Taken(id)) = seat {
            self.finish_if_answered(*id, effects);
        }
    }

    /// A change is not durable yet, though it holds; whether it was one.
    pub(super) fn not_changed(
        &mut self,
        ticket: Ticket,
        why: StoreFailure,
        effects: &mut Effects,
    ) -> bool {
        let Some(then) = self.changes.take(ticket) else {
            return false;
        };
        let client = then.client();
        then.fail(why, effects);
        self.finish_if_told(client, effects);
        true
    }
}
