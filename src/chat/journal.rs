//! Messages on their way to the store: what was submitted, and what becomes of the answer.
//!
//! A message takes its place in its room's order when it is submitted and becomes visible when the
//! store has it. Jobs and bytes are bounded; beyond the bound the sender waits.

use super::changes::Changes;
#[cfg(test)]
use super::fault::{self, Fault};
use super::inboxes::{Addressee, InboxOwner};
use super::mail::Reserved;
use super::name::Name;
use super::pending::Place;
use super::people::PersonId;
use super::refusal::{Refusal, StoreFailure};
use super::{
    Append, Body, Chat, Deed, Effect, Effects, Entry, EntryId, Event, MessageKey, Outcome, RoomId,
    Sent, Settings, Ticket,
};
use crate::limits::JOURNAL_JOBS_MAX;
use std::collections::BTreeMap;

/// What the store was given and has not answered.
#[derive(Debug, Default)]
pub(super) struct Journal {
    outstanding: BTreeMap<Ticket, Outstanding>,
    bytes: usize,
    last: u64,
}

#[derive(Debug)]
struct Outstanding {
    sender: PersonId,
    key: MessageKey,
    /// Whether the sender chose the key, and so knows it.
    is_key_known: bool,
    row: (RoomId, Place),
    second: Option<(RoomId, Place)>,
    bytes: usize,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    from: Name,
    to: Addressee,
    sent: Sent,
    /// The place kept for it, when it is for an account that was away.
    reserved: Option<Reserved>,
}

/// A message that is ready to be stored.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) sender: PersonId,
    /// Its number, if its sender gave one.
    pub(super) key: Option<MessageKey>,
    pub(super) row: (RoomId, Entry),
    /// For a private message: the other inbox.
    pub(super) second: Option<Second>,
}

/// The other half of a private message.
#[derive(Debug)]
pub(super) struct Second {
    /// Who wrote it, under the name of that moment.
    pub(super) from: Name,
    /// The inbox of whom it is for, and what is stored there.
    pub(super) row: (RoomId, Entry),
    /// For whom it is.
    pub(super) to: Addressee,
    /// What the sender is told.
    pub(super) sent: Sent,
    /// The place kept for it, when it is for an account that is away.
    pub(super) reserved: Option<Reserved>,
}

impl Journal {
    /// Whether the store owes no answer.
    pub(super) fn is_empty(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Whether a message of so many bytes may be submitted.
    pub(super) fn has_room_for(
        &self,
        bytes: usize,
        changes: &Changes,
        settings: &Settings,
    ) -> bool {
        !changes.is_waiting()
            && self.len() + changes.outstanding() < Self::jobs_max(settings)
            && (self.bytes.saturating_add(bytes) <= settings.journal_bytes_max || self.is_empty())
    }

    /// How many messages the store was given and has not answered.
    pub(super) fn len(&self) -> usize {
        self.outstanding.len()
    }

    /// How many jobs the store may have at once.
    pub(super) fn jobs_max(settings: &Settings) -> usize {
        settings.journal_jobs_max.min(JOURNAL_JOBS_MAX)
    }

    /// A number for the next job.
    pub(super) fn take_ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    /// How many answers are owed: in all, and in places of all orders.
    pub(super) fn counts(&self) -> (usize, usize) {
        let seconds = self.outstanding.values().filter(|job| job.second.is_some());
        (
            self.outstanding.len(),
            self.outstanding.len() + seconds.count(),
        )
    }

    /// How many of these are owed to one sender.
    pub(super) fn count_of(&self, sender: PersonId) -> usize {
        let jobs = self.outstanding.values();
        jobs.filter(|job| job.sender == sender).count()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn bytes_counted(&self) -> usize {
        self.outstanding.values().map(|job| job.bytes).sum()
    }
}

impl Chat {
    /// Gives a message its place in the order and hands it to the store.
    ///
    /// Returns which job it is; none when its sender is gone.
    pub(super) fn submit(&mut self, draft: Draft, effects: &mut Effects) -> Option<Ticket> {
        let person = self.people.get_mut(draft.sender)?;
        person.outstanding += 1;
        let key = draft.key.unwrap_or_else(|| {
            person.numbered = person.numbered.wrapping_add(1);
            MessageKey(person.numbered.into())
        });
        let sender = (person.sender(), key);
        let ticket = self.journal.take_ticket();
        let split = draft.second.map(|second| {
            let private = Private {
                from: second.from,
                to: second.to,
                sent: second.sent,
                reserved: second.reserved,
            };
            (second.row, private)
        });
        let (second, private) = split.unzip();
        let append = Append {
            ticket,
            sender,
            row: draft.row,
            second,
        };
        let bytes = append.bytes();
        let outstanding = Outstanding {
            sender: draft.sender,
            key,
            is_key_known: draft.key.is_some(),
            row: (append.row.0, self.wait(append.row.0, append.row.1.clone())),
            second: append
                .second
                .as_ref()
                .map(|(room, entry)| (*room, self.wait(*room, entry.clone()))),
            bytes,
            private,
        };
        self.journal.bytes += bytes;
        self.journal.outstanding.insert(ticket, outstanding);
        self.submit_behind_changes(append, effects);
        #[cfg(test)]
        if fault::is_planted(Fault::AcknowledgeEarly) {
            self.acknowledge_early(ticket, effects);
        }
        Some(ticket)
    }

    /// Gives an entry its place in a room's order.
    fn wait(&mut self, room: RoomId, entry: Entry) -> Place {
        let pending = self.rooms.pending_mut(room);
        pending
            .expect("messages are addressed to rooms that were looked up")
            .wait(entry)
    }

    /// Deals with an answer of the store.
    pub(super) fn settle(&mut self, outcome: Outcome, effects: &mut Effects) {
        match outcome {
            Outcome::Stored {
                ticket,
                id,
                second,
                fresh,
            } => {
                self.stored(ticket, id, second, fresh, effects);
                self.offer_settled(ticket, true, effects);
            }
            Outcome::NotStored { ticket, why } => {
                if !self.not_changed(ticket, why, effects) {
                    self.not_stored(ticket, why, effects);
                    self.offer_settled(ticket, false, effects);
                }
            }
            Outcome::Changed(ticket) => self.changed(ticket, effects),
            Outcome::Found {
                ticket,
                hits,
                is_cut,
            } => self.found(ticket, hits, is_cut, effects),
            Outcome::Checked {
                ticket,
                is_right,
                rehash,
                token,
            } => self.checked(ticket, is_right.then_some((rehash, token)), effects),
            Outcome::Hashed {
                ticket,
                hash,
                token,
            } => self.hashed(ticket, hash, token, effects),
            Outcome::File(outcome) => self.settle_file(outcome, effects),
            Outcome::PasswordRefused { ticket, why } => self.not_hashed(ticket, why, effects),
        }
        self.submit_changes(effects);
    }

    fn stored(
        &mut self,
        ticket: Ticket,
        id: EntryId,
        second: Option<EntryId>,
        fresh: bool,
        effects: &mut Effects,
    ) {
        let Some(job) = self.take(ticket) else { return };
        if fresh {
            self.log_message(&job, effects);
        }
        self.resolve(job.row, fresh.then_some(id), effects);
        let second = job.second.zip(second);
        if let Some((place, id)) = second {
            self.resolve(place, fresh.then_some(id), effects);
        }
        if fresh {
            let newest = [
                Some((job.row.0, id)),
                second.map(|((room, _), id)| (room, id)),
            ];
            for (room, id) in newest.into_iter().flatten() {
                self.note_newest(room, id);
            }
        }
        let (sender, bytes) = (job.sender, job.bytes);
        let sent = job.private.map(|private| {
            self.deliver(sender, &private, fresh, bytes);
            private.sent
        });
        let stored = Event::Stored {
            key: job.key,
            room: job.row.0,
            id,
            sent,
        };
        self.answer(job.sender, stored, effects);
    }

    fn not_stored(&mut self, ticket: Ticket, why: StoreFailure, effects: &mut Effects) {
        let Some(job) = self.take(ticket) else { return };
        self.resolve(job.row, None, effects);
        if let Some(place) = job.second {
            self.resolve(place, None, effects);
        }
        if let Some(reserved) = job.private.as_ref().and_then(|private| private.reserved) {
            self.mail.release(&reserved);
        }
        let key = job.is_key_known.then_some(job.key);
        let refused = Event::Refused(key, Refusal::NotStored(why));
        self.answer(job.sender, refused, effects);
    }

    /// A private message is in the inbox of whom it is for, who can answer it now.
    fn deliver(&mut self, sender: PersonId, private: &Private, fresh: bool, bytes: usize) {
        let sessions = match private.to {
            Addressee::Guest(to) => vec![to],
            Addressee::Account(account) => {
                if !fresh {
                    if let Some(reserved) = private.reserved {
                        self.mail.release(&reserved);
                    }
                } else if !self.is_connected(account) {
                    self.mail
                        .store(account, private.reserved, private.from, bytes);
                }
                self.sessions_of(account).map(|(id, _)| id).collect()
            }
        };
        for id in sessions {
            if let Some(to) = self.people.get_mut(id) {
                to.rare_mut().correspondent = Some((Some(sender), private.from));
            }
        }
    }

    /// How far a room or an inbox has come.
    fn note_newest(&mut self, room: RoomId, id: EntryId) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.extent.newest = room.extent.newest.max(id);
            return;
        }
        let Some(inbox) = self.rooms.inbox_mut(room) else {
            return;
        };
        inbox.newest = inbox.newest.max(id);
        if let InboxOwner::Account(account) = inbox.owner
            && self.is_stopping
        {
            // It is the last chance to say how far the account has read.
            self.accounts.touch(account);
        }
    }

    /// For the activity log, if the operator wants that: what was said.
    fn log_message(&mut self, job: &Outstanding, effects: &mut Effects) {
        if !self.settings.log_messages {
            return;
        }
        let (room, place) = job.row;
        let name = self.rooms.get(room).map(|room| room.name);
        let waiting = self.rooms.pending_mut(room);
        let Some(entry) = waiting.and_then(|pending| pending.waiting_at(place)) else {
            return;
        };
        let (author, to, text) = match &entry.body {
            Body::Said(text) | Body::Acted(text) => (Some(entry.author), None, text),
            // In an inbox the other side stands for the author.
            Body::Sent(text) | Body::Received(text) => (None, Some(entry.author), text),
            Body::Offered(_)
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Kicked { .. }
            | Body::Renamed { .. }
            | Body::Topic(_)
            | Body::Counted { .. } => return,
        };
        let (text, origin) = (text.clone(), entry.origin);
        let author = author.or(self.people.get(job.sender).map(|person| person.name));
        let said = Deed::Said {
            room: name,
            to,
            text,
        };
        self.record(origin, author, said, effects);
    }

    /// The job an answer is about; a second answer is about none.
    fn take(&mut self, ticket: Ticket) -> Option<Outstanding> {
        let job = self.journal.outstanding.remove(&ticket)?;
        self.journal.bytes -= job.bytes;
        Some(job)
    }

    /// An entry may become visible, or will not; and with it what queued behind it.
    fn resolve(
        &mut self,
        (room, place): (RoomId, Place),
        id: Option<EntryId>,
        effects: &mut Effects,
    ) {
        if let Some(pending) = self.rooms.pending_mut(room) {
            pending.settle(place, id);
        }
        self.publish_settled(room, effects);
    }

    /// Tells a sender what became of a message; a goodbye may have waited for it.
    fn answer(&mut self, sender: PersonId, event: Event, effects: &mut Effects) {
        let Some(person) = self.people.get_mut(sender) else {
            return;
        };
        person.outstanding -= 1;
        if let Some(client) = person.client {
            effects.push_back(Effect::Reply(client, event));
        }
        self.finish_if_answered(sender, effects);
    }

    /// The planted bug: what the store may never keep is shown and acknowledged.
    #[cfg(test)]
    fn acknowledge_early(&mut self, ticket: Ticket, effects: &mut Effects) {
        let Some(job) = self.journal.outstanding.get(&ticket) else {
            return;
        };
        let (row, second, key, sender) = (job.row, job.second, job.key, job.sender);
        // The id that a store which never fails and knows no retry would give.
        let id = EntryId(ticket.0);
        self.resolve(row, Some(id), effects);
        if let Some(place) = second {
            self.resolve(place, Some(id), effects);
        }
        let stored = Event::Stored {
            key,
            room: row.0,
            id,
            sent: None,
        };
        if let Some(client) = self.people.get(sender).and_then(|person| person.client) {
            effects.push_back(Effect::Reply(client, stored));
        }
    }
}
