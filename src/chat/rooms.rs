//! The rooms and inboxes there are: what they are called, who is in them, what is settled in them.

use super::name::{Name, RoomName};
use super::pending::Pending;
use super::people::PersonId;
use super::presence::Presence;
use super::vocabulary::{AccountId, Extent, Role, RoomId, SessionId};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Whether it stays when nobody is in it.
    pub(super) is_permanent: bool,
    /// Who made it, if a guest did, while that session lasts.
    pub(super) owner: Option<PersonId>,
    /// The session of that guest; such a room goes with its last member.
    pub(super) guest: Option<SessionId>,
    /// Accounts that may do more than talk.
    pub(super) roles: BTreeMap<AccountId, Role>,
    /// Accounts that may enter without the key.
    pub(super) invited: Vec<AccountId>,
    /// What the store held of it when the server started.
    pub(super) extent: Extent,
    /// Whether the store has not heard of it.
    pub(super) is_new: bool,
    /// Who is in it, and since when.
    pub(super) members: BTreeMap<PersonId, Seconds>,
    pub(super) presence: Presence,
    pub(super) pending: Pending,
    /// Connections that are gone from it but are still being told what was said; while there are
    /// any, it is not dissolved.
    pub(super) lingering: usize,
}

/// Seconds since the start, kept small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(u32);

impl Seconds {
    pub(super) fn at(time: Duration) -> Self {
        Self(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
    }

    pub(super) fn until(self, now: Duration) -> Duration {
        Duration::from_secs(now.as_secs().saturating_sub(self.0.into()))
    }
}

/// The log of one person's private messages.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Whose it is, while that session lasts.
    pub(super) owner: Option<PersonId>,
    pub(super) pending: Pending,
    /// As in [`Room`].
    pub(super) lingering: usize,
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
            is_permanent: false,
            owner,
            guest: None,
            roles: BTreeMap::new(),
            invited: Vec::new(),
            extent: Extent::EMPTY,
            is_new: false,
            members: BTreeMap::new(),
            presence: Presence::default(),
            pending: Pending::default(),
            lingering: 0,
        }
    }

    /// Whether its owner is in it.
    pub(super) fn has_owner_here(&self) -> bool {
        self.owner
            .is_some_and(|owner| self.members.contains_key(&owner))
    }

    /// Whether nothing holds it any more.
    fn is_over(&self) -> bool {
        !self.is_permanent
            && self.members.is_empty()
            && self.lingering == 0
            && self.pending.is_empty()
    }
}

impl Inbox {
    fn is_over(&self) -> bool {
        self.owner.is_none() && self.lingering == 0 && self.pending.is_empty()
    }
}

/// All rooms and inboxes.
#[derive(Debug)]
pub(super) struct Rooms {
    by_id: BTreeMap<RoomId, Room>,
    by_name: BTreeMap<RoomName, RoomId>,
    inboxes: BTreeMap<RoomId, Inbox>,
    counts_due: BTreeSet<(Duration, RoomId)>,
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
        let former = self.by_name.insert(room.name, id);
        assert!(
            former.is_none(),
            "a room's name is checked before it is given"
        );
        self.by_id.insert(id, room);
    }

    pub(super) fn insert_inbox(&mut self, id: RoomId, owner: PersonId) {
        let inbox = Inbox {
            owner: Some(owner),
            pending: Pending::default(),
            lingering: 0,
        };
        self.inboxes.insert(id, inbox);
    }

    /// Removes a room or inbox that nothing holds any more; whether it did.
    pub(super) fn remove_if_over(&mut self, id: RoomId) -> Option<Option<PersonId>> {
        if let Some(room) = self.by_id.get(&id).filter(|room| room.is_over()) {
            let (name, owner, due) = (room.name, room.owner, room.presence.due());
            self.by_name.remove(&name);
            self.by_id.remove(&id);
            if let Some(due) = due {
                self.counts_due.remove(&(due, id));
            }
            return Some(owner);
        }
        let inbox = self.inboxes.get(&id).filter(|inbox| inbox.is_over());
        inbox.is_some().then(|| {
            self.inboxes.remove(&id);
            None
        })
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
        if let Some(due) = room.presence.schedule(room.members.len(), now) {
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

    /// All rooms, in the order of their names.
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
pub(super) fn listed(name: Name, is_owner: bool, is_plain: bool) -> String {
    let (mark, door) = (
        if is_owner { "@" } else { "" },
        if is_plain { "(plain)" } else { "" },
    );
    format!("{mark}{name}{door}")
}
