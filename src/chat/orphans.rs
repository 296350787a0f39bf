//! Orphans: guests of the last process, who may come back to this one.
//!
//! A guest has no record but its inbox. So any token that is not known here may be one of theirs,
//! until its session has ended or the time is over in which a guest's can be resumed at all.

use super::inboxes::InboxOwner;
use super::people::PersonId;
use super::{Chat, Effects, RoomId, SessionId};
use crate::limits::{DROPPED_SESSIONS_MAX, GUEST_RESUME_AGE_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Guests of the last process. Whoever resumes in time is taken for the same: its messages are
/// recognised when it sends them again, and it gets its inbox back.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    inboxes: BTreeMap<SessionId, RoomId>,
    /// Sessions that have ended since; what they were is gone, though their tokens are known.
    ended: BTreeSet<SessionId>,
    /// Whether there was a last process, and guests of it may still come.
    are_awaited: bool,
    /// Until when; unknown before the first input.
    due: Option<Duration>,
}

impl Orphans {
    pub(super) fn new(are_awaited: bool) -> Self {
        Self {
            are_awaited,
            ..Self::default()
        }
    }

    pub(super) fn insert(&mut self, session: SessionId, inbox: RoomId) {
        self.inboxes.insert(session, inbox);
    }

    /// The time of an input: their time runs from the first.
    pub(super) fn see(&mut self, now: Duration) {
        if self.due.is_none() && self.are_awaited {
            self.due = Some(now.saturating_add(GUEST_RESUME_AGE_MAX));
        }
    }

    /// When they are awaited no longer.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due.filter(|_| self.are_awaited)
    }

    /// Whether a session that is not known may be one of the last process.
    pub(super) fn may_hold(&self, session: SessionId) -> bool {
        self.are_awaited && !self.ended.contains(&session)
    }

    /// The same, when it can only have been an account's.
    pub(super) fn may_have_held_account(&self, session: SessionId) -> bool {
        self.may_hold(session) && !self.inboxes.contains_key(&session)
    }

    /// A session has ended.
    pub(super) fn note_end(&mut self, session: SessionId) {
        if self.are_awaited {
            self.ended.insert(session);
        }
        if self.ended.len() > DROPPED_SESSIONS_MAX {
            self.ended.pop_first();
        }
    }
}

impl Chat {
    /// Gives a guest that was here before the server was restarted its inbox back.
    pub(super) fn adopt_orphan(&mut self, id: PersonId) {
        let Some(person) = self.people.get_mut(id) else {
            return;
        };
        let Some(room) = self.orphans.inboxes.remove(&person.sender()) else {
            return;
        };
        person.rare_mut().inbox = Some(room);
        if let Some(inbox) = self.rooms.inbox_mut(room) {
            inbox.owner = InboxOwner::Guest(id);
        }
    }

    /// Removes the inboxes of guests that did not come back.
    pub(super) fn expire_orphans(&mut self, effects: &mut Effects) {
        if self
            .orphans
            .due()
            .is_some_and(|due| due <= self.now.monotonic)
        {
            for room in std::mem::take(&mut self.orphans).inboxes.into_values() {
                self.abandon_inbox(room, effects);
            }
        }
    }
}
