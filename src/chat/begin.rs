//! Beginning: from what outlived the last process to a chat, and rooms to their records.

use super::accounts::Accounts;
use super::changes::{Changes, Then};
use super::files::Offers;
use super::held::HeldNames;
use super::inboxes::{Inbox, InboxOwner};
use super::journal::Journal;
use super::logins::{LoginDelays, PasswordJobs};
use super::mail::Mail;
use super::name::RoomName;
use super::orphans::Orphans;
use super::people::People;
use super::remembered::Remembered;
use super::rooms::{Room, Rooms};
use super::sanctions::Sanctions;
use super::searches::Searches;
use super::seats::Seats;
use super::{
    Change, Chat, Effect, Effects, Epoch, Extent, LOBBY, LOBBY_NAME, Now, Owner, RoomId, RoomOrder,
    RoomRecord, Settings, Snapshot,
};
use crate::limits::GUEST_RESUME_AGE_MAX;

impl Chat {
    /// A chat in which nothing has happened.
    pub fn new(settings: Settings, epoch: Epoch) -> Self {
        let mut snapshot = Snapshot::empty(epoch);
        snapshot.rooms_from = settings.rooms_from;
        Self::begin(settings, snapshot)
    }

    /// A chat that goes on with what outlived the last process.
    pub fn begin(settings: Settings, snapshot: Snapshot) -> Self {
        let first = snapshot.rooms_from.0.max(LOBBY.0 + 1);
        let mut rooms = Rooms::new(RoomId(first));
        let mut orphans = Orphans::new(!snapshot.rooms.is_empty());
        for (record, extent) in &snapshot.inboxes {
            let owner = match record.owner {
                Owner::Account(account) => InboxOwner::Account(account),
                Owner::Session(session) => {
                    orphans.insert(session, record.id);
                    InboxOwner::Former(session)
                }
            };
            rooms.insert_inbox(record.id, Inbox::new(owner, *extent));
        }
        for (record, extent) in &snapshot.rooms {
            rooms.insert(record.id, Room::of(record, *extent));
        }
        if rooms.get(LOBBY).is_none() {
            let name = RoomName::parse(LOBBY_NAME).expect("the lobby has a proper name");
            let mut lobby = Room::new(name, None, settings.kept.is_kept());
            lobby.is_new = true;
            rooms.insert(LOBBY, lobby);
        }
        let mut sanctions = snapshot.sanctions;
        sanctions.retain(|sanction| sanction.room.is_none_or(|room| rooms.get(room).is_some()));
        Self {
            settings,
            epoch: snapshot.epoch,
            now: Now::default(),
            seats: Seats::default(),
            people: People::default(),
            accounts: Accounts::new(snapshot.accounts, snapshot.retired, snapshot.accounts_from),
            remembered: Remembered::new(snapshot.sessions),
            mail: Mail::new(&snapshot.waiting),
            orphans,
            password_jobs: PasswordJobs::default(),
            login_delays: LoginDelays::default(),
            held: HeldNames::default(),
            sanctions: Sanctions::new(sanctions, snapshot.sanctions_from),
            searches: Searches::default(),
            rooms,
            journal: Journal::default(),
            changes: Changes::default(),
            offers: Offers::default(),
            space: super::Space::default(),
            is_stopping: false,
        }
    }

    /// Tells of the rooms there are from the start. To be called once, before any input.
    pub fn start(&mut self, effects: &mut Effects) {
        let mut new = Vec::new();
        for (room, state) in self.rooms.by_name() {
            effects.push_back(Effect::Room(RoomOrder::Found {
                room,
                name: Some(state.name),
                history: state.has_history,
                extent: state.extent,
            }));
            if state.is_new {
                new.push(state.record(room));
            }
        }
        for record in new {
            self.change(Change::PutRoom(record), Then::Nothing, effects);
        }
    }

    /// Lets the store follow what was changed about a room.
    pub(super) fn put_room(&mut self, room: RoomId, then: Then, effects: &mut Effects) {
        match self.rooms.get(room).map(|state| state.record(room)) {
            Some(record) => self.change(Change::PutRoom(record), then, effects),
            None => then.follow(effects),
        }
    }

    /// Ends the rooms of guests of the last process into which nobody came back.
    pub(super) fn expire_guest_rooms(&mut self, effects: &mut Effects) {
        let now = self.now.monotonic;
        for room in self.rooms.lose_patience(now, GUEST_RESUME_AGE_MAX) {
            self.dissolve_if_over(room, effects);
        }
    }
}

impl Room {
    /// A room as it was when the last process ended; nobody is in it.
    fn of(record: &RoomRecord, extent: Extent) -> Self {
        let mut room = Self::new(record.name, None, record.has_history);
        room.topic.clone_from(&record.topic);
        room.key = record.key.as_deref().map(Box::from);
        room.limit = record
            .limit
            .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        room.is_hidden = record.is_hidden;
        room.admits_plain = record.admits_plain;
        room.guest = record.guest;
        room.is_awaiting = record.guest.is_some();
        room.roles = record.roles.iter().copied().collect();
        room.invited.clone_from(&record.invited);
        room.extent = extent;
        room.pending.resume_at(extent.newest_unix_ms);
        room
    }

    /// What of it outlives the process.
    pub(super) fn record(&self, id: RoomId) -> RoomRecord {
        RoomRecord {
            id,
            name: self.name,
            topic: self.topic.clone(),
            key: self.key.as_deref().map(Into::into),
            limit: self
                .limit
                .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
            is_hidden: self.is_hidden,
            admits_plain: self.admits_plain,
            has_history: self.has_history,
            guest: self.guest,
            roles: self.roles.iter().map(|(id, role)| (*id, *role)).collect(),
            invited: self.invited.clone(),
        }
    }
}
