//! The rooms and inboxes there are: what they are called, who is in them, what is settled in them.

use super::inboxes::Inbox;
use super::name::{Name, RoomName};
use super::pending::Pending;
use super::people::PersonId;
use super::presence::Presence;
use super::vocabulary::{AccountId, Culprit, Extent, Role, RoomId, SessionId};
use crate::limits::RECENT_GUESTS_MAX;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A place with a name, in which people talk.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: RoomName,
    pub(super) topic: Option<Arc<str>>,
    /// The word one needs to enter.
    pub(super) key: Option<Box<str>>,
    /// How many it admits.
    pub(super) limit: Option<usize>,
    /// Whether it is left out of lists.
    pub(super) is_hidden: bool,
    /// Whether it admits those who come through the plain door.
    pub(super) admits_plain: bool,
    /// Whether its log is shown to newcomers.
    pub(super) has_history: bool,
    /// Who made it, if a guest did, while that session lasts.
    pub(super) owner: Option<PersonId>,
    /// The session of that guest; such a room goes with its last member.
    pub(super) guest: Option<SessionId>,
    /// Accounts that may do more than talk.
    pub(super) roles: BTreeMap<AccountId, Role>,
    /// Guests that moderate it, while their sessions last.
    pub(super) moderators: BTreeSet<PersonId>,
    /// Accounts that may enter without the key.
    pub(super) invited: Vec<AccountId>,
    /// Guests that may, while their sessions last.
    pub(super) invited_guests: BTreeSet<PersonId>,
    /// Guests that left not long ago, oldest first: they can still be sanctioned by name.
    pub(super) recent: VecDeque<Culprit>,
    /// Whether it is ended: nobody can enter, and it goes when the last of it is told.
    pub(super) is_closed: bool,
    /// Whether it is a guest's and was empty when the server started: it waits for somebody.
    pub(super) is_awaiting: bool,
    /// What the store held of it when the server started.
    pub(super) extent: Extent,
    /// Whether the store has not heard of it.
    pub(super) is_new: bool,
    /// Who is in it, and since when.
    pub(super) members: BTreeMap<PersonId, Seconds>,
    /// How many of them are further sessions of an account that is counted already.
    pub(super) repeats: usize,
    pub(super) presence: Presence,
    pub(super) pending: Pending,
    /// Connections that are gone from it but are still being told what was said; while there are
    /// any, it is not dissolved.
    pub(super) lingering: usize,
}

/// Seconds since the start, kept small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seconds(u32);

impl Seconds {
    pub(super) fn at(time: Duration) -> Self {
        Self(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
    }

    pub(super) fn until(self, now: Duration) -> Duration {
        Duration::from_secs(now.as_secs().saturating_sub(self.0.into()))
    }
}

impl Room {
    pub(super) fn new(name: RoomName, owner: Option<PersonId>, has_history: bool) -> Self {
        Self {
            name,
            topic: None,
            key: None,
            limit: None,
            is_hidden: false,
            admits_plain: true,
            has_history,
            owner,
            guest: None,
            roles: BTreeMap::new(),
            moderators: BTreeSet::new(),
            invited: Vec::new(),
            invited_guests: BTreeSet::new(),
            recent: VecDeque::new(),
            is_closed: false,
            is_awaiting: false,
            extent: Extent::EMPTY,
            is_new: false,
            members: BTreeMap::new(),
            repeats: 0,
            presence: Presence::default(),
            pending: Pending::default(),
            lingering: 0,
        }
    }

    /// Remembers a guest that left.
    pub(super) fn remember(&mut self, guest: Culprit) {
        self.recent.retain(|other| other.session != guest.session);
        if self.recent.len() >= RECENT_GUESTS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(guest);
    }

    /// How many are in it; an account counts once, however often it is connected.
    pub(super) fn here(&self) -> usize {
        self.members.len() - self.repeats
    }

    /// Whether nothing holds it any more: it was closed, or is a guest's.
    fn is_over(&self) -> bool {
        (self.is_closed || self.guest.is_some())
            && !self.is_awaiting
            && self.members.is_empty()
            && self.lingering == 0
            && self.pending.is_empty()
    }
}

/// A room that nothing holds any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// The guest who owned it.
    pub(super) owner: Option<PersonId>,
    /// Whether the store has been told already.
    pub(super) is_closed: bool,
}

/// How long the rooms of guests of the last process stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// There are none.
    Over,
    /// The clock has not been seen yet.
    Unset,
    /// Until then.
    Until(Duration),
}

/// All rooms and inboxes.
#[derive(Debug)]
pub(super) struct Rooms {
    by_id: BTreeMap<RoomId, Room>,
    by_name: BTreeMap<RoomName, RoomId>,
    inboxes: BTreeMap<RoomId, Inbox>,
    counts_due: BTreeSet<(Duration, RoomId)>,
    patience: Patience,
    /// The id of the next one.
    next: u64,
}

impl Rooms {
    /// No rooms; ids begin with `first`.
    pub(super) fn new(first: RoomId) -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_name: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            counts_due: BTreeSet::new(),
            patience: Patience::Over,
            next: first.0,
        }
    }

    /// An id that was never used, unless they are spent: entries carry 32 bits of it.
    pub(super) fn take_id(&mut self) -> Option<RoomId> {
        if self.next > u64::from(u32::MAX) {
            return None;
        }
        self.next += 1;
        Some(RoomId(self.next - 1))
    }

    pub(super) fn insert(&mut self, id: RoomId, room: Room) {
        if room.is_awaiting {
            self.patience = Patience::Unset;
        }
        let former = self.by_name.insert(room.name, id);
        assert!(
            former.is_none(),
            "a room's name is checked before it is given"
        );
        self.by_id.insert(id, room);
    }

    pub(super) fn insert_inbox(&mut self, id: RoomId, inbox: Inbox) {
        self.inboxes.insert(id, inbox);
    }

    /// Removes an inbox that nothing holds any more; gives it back if so.
    pub(super) fn remove_inbox_if_over(&mut self, id: RoomId) -> Option<Inbox> {
        self.inboxes.get(&id).filter(|inbox| inbox.is_over())?;
        self.inboxes.remove(&id)
    }

    /// Removes a room that nothing holds any more, if that is so.
    pub(super) fn remove_if_over(&mut self, id: RoomId) -> Option<Ended> {
        let room = self.by_id.get(&id).filter(|room| room.is_over())?;
        let ended = Ended {
            owner: room.owner,
            is_closed: room.is_closed,
        };
        let (name, due) = (room.name, room.presence.due());
        self.by_id.remove(&id);
        self.unname(id, name);
        if let Some(due) = due {
            self.counts_due.remove(&(due, id));
        }
        Some(ended)
    }

    /// Marks a room as ended: its name is free at once.
    pub(super) fn close(&mut self, id: RoomId) {
        if let Some(room) = self.by_id.get_mut(&id) {
            room.is_closed = true;
            room.is_awaiting = false;
            let name = room.name;
            self.unname(id, name);
        }
    }

    /// A closed room's name may be another's already.
    fn unname(&mut self, id: RoomId, name: RoomName) {
        if self.by_name.get(&name) == Some(&id) {
            self.by_name.remove(&name);
        }
    }

    /// When guests' rooms of the last process go in which nobody is.
    pub(super) fn patience_ends(&self) -> Option<Duration> {
        match self.patience {
            Patience::Over => None,
            Patience::Unset => Some(Duration::ZERO),
            Patience::Until(due) => Some(due),
        }
    }

    /// Sets how long guests' rooms wait; gives those back whose time is over.
    pub(super) fn lose_patience(&mut self, now: Duration, patience: Duration) -> Vec<RoomId> {
        match self.patience {
            Patience::Unset => {
                self.patience = Patience::Until(now.saturating_add(patience));
                Vec::new()
            }
            Patience::Until(due) if due <= now => {
                self.patience = Patience::Over;
                let awaiting = self.by_id.iter_mut().filter(|(_, room)| room.is_awaiting);
                let tired = awaiting.map(|(id, room)| {
                    room.is_awaiting = false;
                    *id
                });
                tired.collect()
            }
            Patience::Over | Patience::Until(_) => Vec::new(),
        }
    }

    /// How many rooms an account owns.
    pub(super) fn owned_by(&self, account: AccountId) -> usize {
        let owns = |room: &&Room| room.roles.get(&account) == Some(&Role::Owner);
        self.by_id.values().filter(owns).count()
    }

    /// Takes an account that has ended out of what rooms know of it; the store does so by itself.
    pub(super) fn forget_account(&mut self, account: AccountId) {
        for room in self.by_id.values_mut() {
            room.roles.remove(&account);
            room.invited.retain(|other| *other != account);
        }
    }

    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn named(&self, name: RoomName) -> Option<(RoomId, &Room)> {
        let id = *self.by_name.get(&name)?;
        Some((id, self.get(id)?))
    }

    pub(super) fn inbox(&self, id: RoomId) -> Option<&Inbox> {
        self.inboxes.get(&id)
    }

    pub(super) fn inbox_mut(&mut self, id: RoomId) -> Option<&mut Inbox> {
        self.inboxes.get_mut(&id)
    }

    /// The order of a room or inbox.
    pub(super) fn pending_mut(&mut self, id: RoomId) -> Option<&mut Pending> {
        match self.by_id.get_mut(&id) {
            Some(room) => Some(&mut room.pending),
            None => self.inboxes.get_mut(&id).map(|inbox| &mut inbox.pending),
        }
    }

    /// How many connections it waits for before it can be dissolved.
    pub(super) fn lingering_mut(&mut self, id: RoomId) -> Option<&mut usize> {
        match self.by_id.get_mut(&id) {
            Some(room) => Some(&mut room.lingering),
            None => self.inboxes.get_mut(&id).map(|inbox| &mut inbox.lingering),
        }
    }

    /// Plans the next count of a room, if it has something to count.
    pub(super) fn schedule_count(&mut self, id: RoomId, now: Duration) {
        let Some(room) = self.by_id.get_mut(&id) else {
            return;
        };
        if let Some(due) = room.presence.schedule(room.here(), now) {
            self.counts_due.insert((due, id));
        }
    }

    /// Forgets that a count was planned.
    pub(super) fn unschedule_count(&mut self, id: RoomId, due: Duration) {
        self.counts_due.remove(&(due, id));
    }

    /// The room that must tell its counts next, and when.
    pub(super) fn next_count(&self) -> Option<(Duration, RoomId)> {
        self.counts_due.first().copied()
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }

    /// The ids of all rooms.
    pub(super) fn ids(&self) -> Vec<RoomId> {
        self.by_id.keys().copied().collect()
    }

    /// All rooms one can enter, in the order of their names.
    pub(super) fn by_name(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.by_name
            .values()
            .filter_map(|id| Some((*id, self.get(*id)?)))
    }

    /// Every order there is, with the id of its room.
    pub(super) fn pendings(&self) -> impl Iterator<Item = (RoomId, &Pending)> {
        let rooms = self.by_id.iter().map(|(id, room)| (*id, &room.pending));
        let inboxes = self.inboxes.iter().map(|(id, inbox)| (*id, &inbox.pending));
        rooms.chain(inboxes)
    }

    pub(super) fn inboxes(&self) -> impl Iterator<Item = (RoomId, &Inbox)> {
        self.inboxes.iter().map(|(id, inbox)| (*id, inbox))
    }
}

/// How a room's members appear in lists: `@alice`, `bob(plain)`.
pub(super) fn listed(name: Name, may_moderate: bool, is_plain: bool) -> String {
    let (mark, door) = (
        if may_moderate { "@" } else { "" },
        if is_plain { "(plain)" } else { "" },
    );
    format!("{mark}{name}{door}")
}
