//! Files that are offered: who may fetch them, how many there may be, and when they go.
//!
//! An offer first gets a place for its bytes, then stands in its room's or inbox's log like any
//! other entry, and then its bytes come. The bytes themselves never pass through here: this decides
//! who may send and who may fetch, and hands that over as a [`FileOrder`].
//!
//! What outlives the process is kept beside the bytes, not with the messages: an offer without its
//! bytes would be worth nothing, so both go and stay together. It comes back by
//! [`Chat::adopt_files`].

use super::commands::Asker;
use super::journal::Draft;
use super::name::Name;
use super::people::{Person, PersonId};
use super::refusal::{FileRefusal, Refusal, SpoolFailure};
use super::{
    AccountId, Body, Chat, ClientId, Deed, Effect, Effects, Event, FileActivity, FileDeed, FileEnd,
    FileId, FileOrder, FileOutcome, MessageKey, Offer, OfferPlace, OfferRecord, Party, RoomId,
    Ticket, Way,
};
use crate::limits::{FILE_EXPIRY_INTERVAL, FILES_MAX, FILES_PER_PERSON_MAX};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Every file that is offered.
#[derive(Debug)]
pub(super) struct Offers {
    table: BTreeMap<FileId, Offered>,
    /// Their lengths together, as they were offered.
    bytes: u64,
    /// The last number given.
    last: u64,
    /// Offers on their way to the store.
    storing: BTreeMap<Ticket, FileId>,
    /// When it was last looked for what is too old.
    looked_at: Duration,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) record: OfferRecord,
    stage: Stage,
    /// The number of the command by which it was offered, since the start of the process.
    key: Option<MessageKey>,
    /// Who said that they do not want it.
    refused_by: Vec<Party>,
}

/// How far an offer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A place for its bytes is being made; who offers it, and under which number.
    Opening(PersonId, Option<MessageKey>),
    /// It is on its way to the store.
    Storing(PersonId, Option<MessageKey>),
    /// It stands in its log.
    Standing,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            table: BTreeMap::new(),
            bytes: 0,
            last: 0,
            storing: BTreeMap::new(),
            looked_at: Duration::ZERO,
        }
    }
}

impl Offers {
    fn insert(&mut self, record: OfferRecord, stage: Stage) {
        self.bytes = self.bytes.saturating_add(record.bytes);
        self.last = self.last.max(record.file.0);
        let key = match stage {
            Stage::Opening(_, key) | Stage::Storing(_, key) => key,
            Stage::Standing => None,
        };
        let offered = Offered {
            record,
            stage,
            key,
            refused_by: Vec::new(),
        };
        self.table.insert(offered.record.file, offered);
    }

    fn remove(&mut self, file: FileId) -> Option<Offered> {
        let offered = self.table.remove(&file)?;
        self.bytes = self.bytes.saturating_sub(offered.record.bytes);
        Some(offered)
    }

    /// An offer that stands.
    fn get(&self, file: FileId) -> Option<&Offered> {
        let is_standing = |offered: &&Offered| offered.stage == Stage::Standing;
        self.table.get(&file).filter(is_standing)
    }

    /// The newest first.
    pub(super) fn standing(&self) -> impl Iterator<Item = &Offered> {
        let newest = self.table.values().rev();
        newest.filter(|offered| offered.stage == Stage::Standing)
    }

    fn count_of(&self, party: &Party) -> usize {
        let own = self.table.values();
        own.filter(|offered| offered.record.by.is(party)).count()
    }
}

impl Offered {
    fn is_refused_by(&self, party: &Party) -> bool {
        self.refused_by.iter().any(|other| other.is(party))
    }
}

impl Chat {
    /// Goes on with the files that outlived the last process; `last` is the last number that was
    /// ever given. To be called once, before any input.
    pub fn adopt_files(&mut self, offers: Vec<OfferRecord>, last: FileId, effects: &mut Effects) {
        self.offers.last = last.0;
        for record in offers {
            let is_there = match record.place {
                OfferPlace::Room(room) => self.rooms.get(room).is_some(),
                OfferPlace::Person(_) => true,
            };
            if is_there {
                self.offers.insert(record, Stage::Standing);
            } else {
                let order = FileOrder::Remove(record.file, FileEnd::Expired);
                effects.push_back(Effect::File(order));
            }
        }
    }

    /// What a guest offered, was offered or refused is its account's from now on. It stays the
    /// guest's beside the bytes, so a restart forgets it.
    pub(super) fn adopt_offers(&mut self, id: PersonId, account: AccountId) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let guest = Party {
            name: person.name,
            account: None,
            session: Some(person.sender()),
            key: person.key,
        };
        let adopt = |party: &mut Party| {
            if party.is(&guest) {
                *party = Party {
                    name: party.name,
                    account: Some(account),
                    session: None,
                    key: None,
                };
            }
        };
        for offered in self.offers.table.values_mut() {
            adopt(&mut offered.record.by);
            if let OfferPlace::Person(to) = &mut offered.record.place {
                adopt(to);
            }
            offered.refused_by.iter_mut().for_each(adopt);
        }
    }

    /// Who somebody is, as far as files go.
    pub(super) fn party(&self, id: PersonId) -> Option<Party> {
        self.people.get(id).map(party_of)
    }

    /// An offer of the same file by the same person that is not whole, or one that was made by the
    /// same command: it goes on.
    pub(super) fn unfinished_offer(
        &self,
        wanted: &OfferRecord,
        key: Option<MessageKey>,
    ) -> Option<FileId> {
        let found = self.offers.standing().find(|offered| {
            let record = &offered.record;
            let is_again = key.is_some() && offered.key == key;
            let is_named_so = record.name == wanted.name && record.bytes == wanted.bytes;
            let is_same = is_again && is_named_so || is_same_unfinished(record, wanted);
            record.by.is(&wanted.by) && is_same
        });
        found.map(|offered| offered.record.file)
    }

    /// The same for an offer that does not stand yet: who offers it has come back meanwhile, and it
    /// is the later command that is answered. Says whether there is one.
    pub(super) fn repeats_offer(&mut self, wanted: &OfferRecord, asker: Asker) -> bool {
        let found = self.offers.table.values_mut().find(|offered| {
            offered.stage != Stage::Standing
                && offered.record.by.is(&wanted.by)
                && is_same_unfinished(&offered.record, wanted)
        });
        let Some(offered) = found else {
            return false;
        };
        offered.key = asker.key;
        offered.stage = match offered.stage {
            Stage::Opening(..) => Stage::Opening(asker.id, asker.key),
            Stage::Storing(..) => Stage::Storing(asker.id, asker.key),
            Stage::Standing => Stage::Standing,
        };
        true
    }

    /// Begins an offer: a place is made for its bytes. Its number is given here.
    ///
    /// # Errors
    ///
    /// [`FileRefusal`], when there may not be another, or not so long a one.
    pub(super) fn open_offer(
        &mut self,
        asker: Asker,
        mut record: OfferRecord,
        effects: &mut Effects,
    ) -> Result<(), FileRefusal> {
        let quota = self.settings.file_quota;
        if quota == 0 {
            return Err(FileRefusal::NoFiles);
        }
        if self.offers.table.len() >= FILES_MAX {
            return Err(FileRefusal::TooMany { max: FILES_MAX });
        }
        if self.offers.count_of(&record.by) >= FILES_PER_PERSON_MAX {
            let max = FILES_PER_PERSON_MAX;
            return Err(FileRefusal::TooMany { max });
        }
        let left = quota.saturating_sub(self.offers.bytes);
        if record.bytes > left {
            return Err(FileRefusal::QuotaReached { left, quota });
        }
        let number = self.offers.last.checked_add(1);
        record.file = FileId(number.ok_or(FileRefusal::NoFiles)?);
        let order = FileOrder::Open(Box::new(record.clone()));
        effects.push_back(Effect::File(order));
        self.offers
            .insert(record, Stage::Opening(asker.id, asker.key));
        Ok(())
    }

    /// Deals with what became of a file's bytes.
    pub(super) fn settle_file(&mut self, outcome: FileOutcome, effects: &mut Effects) {
        match outcome {
            FileOutcome::Opened(file, Ok(())) => self.file_opened(file, effects),
            FileOutcome::Opened(file, Err(why)) => self.file_not_opened(file, why, effects),
            FileOutcome::Whole(file, digest) => {
                if let Some(offered) = self.offers.table.get_mut(&file) {
                    offered.record.digest = Some(digest);
                    offered.record.is_whole = true;
                }
            }
            FileOutcome::Fetched(file, client) => self.file_fetched(file, client, effects),
            FileOutcome::Spoilt(file, end) => self.end_offer(None, file, end, effects),
        }
    }

    /// There is a place for its bytes: the offer goes into its log.
    fn file_opened(&mut self, file: FileId, effects: &mut Effects) {
        let Some(offered) = self.offers.table.get_mut(&file) else {
            return;
        };
        let Stage::Opening(id, key) = offered.stage else {
            return;
        };
        offered.stage = Stage::Storing(id, key);
        let record = offered.record.clone();
        let asker = self.people.get(id).filter(|person| person.is_here());
        let asker = asker.and_then(|person| self.asker(person.client?, key));
        let Some(asker) = asker else {
            return self.end_offer(None, file, FileEnd::Cancelled, effects);
        };
        match self.draft_offer(asker, &record, effects) {
            Ok(draft) => {
                if let Some(ticket) = self.submit(draft, effects) {
                    self.offers.storing.insert(ticket, file);
                }
            }
            Err(refusal) => {
                let refused = Event::Refused(key, refusal);
                effects.push_back(Effect::Reply(asker.client, refused));
                self.end_offer(None, file, FileEnd::Cancelled, effects);
            }
        }
    }

    /// What is stored of an offer. Whether it may be was checked before, but that was a while ago.
    fn draft_offer(
        &mut self,
        asker: Asker,
        record: &OfferRecord,
        effects: &mut Effects,
    ) -> Result<Draft, Refusal> {
        let bytes = record.name.len();
        if !self
            .journal
            .has_room_for(bytes, &self.changes, &self.settings)
        {
            return Err(Refusal::Busy);
        }
        let body = |way| Body::Offered(Arc::new(offer_of(record, way)));
        match record.place {
            OfferPlace::Room(room) => {
                let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
                let (author, is_in) = (person.name, person.rooms.contains(&room));
                self.check_voice(asker.id, room)?;
                let entry = self.entry(room, author, Some(asker.client), body(Way::ToRoom));
                Ok(Draft {
                    sender: asker.id,
                    key: asker.key,
                    row: (room, entry.filter(|_| is_in).ok_or(Refusal::InNoRoom)?),
                    second: None,
                })
            }
            OfferPlace::Person(to) => {
                let to = self.present_name(&to);
                let bodies = (body(Way::Sent), body(Way::Received));
                self.draft_private(asker, to, bodies, bytes, effects)
            }
        }
    }

    /// What somebody is called now.
    fn present_name(&self, party: &Party) -> Name {
        let account = party.account.and_then(|account| self.accounts.get(account));
        let session = party.session;
        let guest = || {
            let mut people = self.people.iter();
            people.find(|(_, person)| session == Some(person.sender()))
        };
        match account {
            Some(account) => account.name,
            None => guest().map_or(party.name, |(_, person)| person.name),
        }
    }

    fn file_not_opened(&mut self, file: FileId, why: SpoolFailure, effects: &mut Effects) {
        let Some(offered) = self.offers.remove(file) else {
            return;
        };
        if let Stage::Opening(id, key) = offered.stage
            && let Some(client) = self.client_of(id)
        {
            let refusal = Refusal::File(FileRefusal::NotOpened(why));
            effects.push_back(Effect::Reply(client, Event::Refused(key, refusal)));
        }
    }

    /// The store has answered about an offer, if that is what it was about; its sender has been
    /// told so.
    pub(super) fn offer_settled(&mut self, ticket: Ticket, is_stored: bool, effects: &mut Effects) {
        let Some(file) = self.offers.storing.remove(&ticket) else {
            return;
        };
        if !is_stored {
            return self.end_offer(None, file, FileEnd::Failed, effects);
        }
        let Some(offered) = self.offers.table.get_mut(&file) else {
            return;
        };
        if let Stage::Storing(id, key) = std::mem::replace(&mut offered.stage, Stage::Standing) {
            let record = offered.record.clone();
            let (room, to) = match record.place {
                OfferPlace::Room(room) => (self.rooms.get(room).map(|room| room.name), None),
                OfferPlace::Person(to) => (None, Some(to.name)),
            };
            self.log_file(Some(id), &record, FileDeed::Offered { room, to }, effects);
            if let Some(client) = self.client_of(id) {
                let order = FileOrder::Take { client, key, file };
                effects.push_back(Effect::File(order));
            }
        }
    }

    fn client_of(&self, id: PersonId) -> Option<ClientId> {
        self.people.get(id).and_then(|person| person.client)
    }

    /// An offer that somebody may fetch.
    ///
    /// # Errors
    ///
    /// [`FileRefusal::NoSuchFile`]: whoever may not fetch it is not told that there is one.
    pub(super) fn offer_for(&self, id: PersonId, file: FileId) -> Result<&Offered, FileRefusal> {
        let offered = self.offers.get(file);
        let allowed = offered.filter(|offered| self.may_fetch(id, &offered.record));
        allowed.ok_or(FileRefusal::NoSuchFile(file))
    }

    /// Whether somebody may fetch a file: it is offered to the person, or in a room it is in.
    fn may_fetch(&self, id: PersonId, record: &OfferRecord) -> bool {
        match record.place {
            OfferPlace::Room(room) => {
                let person = self.people.get(id);
                person.is_some_and(|person| person.rooms.contains(&room))
            }
            OfferPlace::Person(to) => self.party(id).is_some_and(|party| party.is(&to)),
        }
    }

    /// Whether somebody is shown an offer that it may fetch.
    pub(super) fn is_listed_for(&self, id: PersonId, party: &Party, offered: &Offered) -> bool {
        offered.record.by.is(party)
            || !offered.is_refused_by(party) && self.may_fetch(id, &offered.record)
    }

    /// An offer of one's own, or that one may end for its owner.
    ///
    /// # Errors
    ///
    /// [`FileRefusal::NoSuchFile`] and [`FileRefusal::NotYours`].
    pub(super) fn own_offer(&self, id: PersonId, file: FileId) -> Result<&Offered, FileRefusal> {
        let offered = self.offers.get(file);
        let offered = offered.ok_or(FileRefusal::NoSuchFile(file))?;
        if self.party(id).is_some_and(|own| own.is(&offered.record.by)) {
            return Ok(offered);
        }
        self.offer_for(id, file)?;
        Err(FileRefusal::NotYours(file))
    }

    /// Whether somebody may end an offer that is another's: it moderates the room.
    pub(super) fn moderates_offer(&self, id: PersonId, file: FileId) -> bool {
        match self.offers.get(file).map(|offered| offered.record.place) {
            Some(OfferPlace::Room(room)) => self.role(id, room).is_some(),
            Some(OfferPlace::Person(_)) | None => false,
        }
    }

    /// Notes that somebody does not want a file; tells who offers it.
    pub(super) fn refuse_offer(&mut self, id: PersonId, file: FileId, effects: &mut Effects) {
        let Some(party) = self.party(id) else { return };
        let Some(offered) = self.offers.table.get_mut(&file) else {
            return;
        };
        if offered.is_refused_by(&party) {
            return;
        }
        if offered.refused_by.len() < FILES_PER_PERSON_MAX {
            offered.refused_by.push(party);
        }
        let record = offered.record.clone();
        self.log_file(Some(id), &record, FileDeed::Refused, effects);
        let (by, name) = (record.by, record.name);
        let is_private = matches!(record.place, OfferPlace::Person(_));
        let text: Arc<str> = format!("{} does not want {name} (N {file})", party.name).into();
        let owners = self.people.iter();
        let owners = owners.filter(|(_, owner)| party_of(owner).is(&by));
        let clients: Vec<ClientId> = owners.filter_map(|(_, owner)| owner.client).collect();
        for client in clients {
            effects.push_back(Effect::Reply(client, Event::Notice(Arc::clone(&text))));
        }
        if is_private {
            self.end_offer(Some(id), file, FileEnd::Refused, effects);
        }
    }

    /// Ends an offer, because of what somebody did or by itself: its bytes go at once.
    pub(super) fn end_offer(
        &mut self,
        by: Option<PersonId>,
        file: FileId,
        end: FileEnd,
        effects: &mut Effects,
    ) {
        let Some(offered) = self.offers.remove(file) else {
            return;
        };
        // What never stood was never seen, and what was refused is told of as that.
        if offered.stage == Stage::Standing && end != FileEnd::Refused {
            self.log_file(by, &offered.record, FileDeed::Ended(end), effects);
        }
        effects.push_back(Effect::File(FileOrder::Remove(file, end)));
    }

    /// A client was given the last of a file.
    fn file_fetched(&self, file: FileId, client: ClientId, effects: &mut Effects) {
        if let Some(offered) = self.offers.get(file) {
            let by = self.session_on(client);
            self.log_file(by, &offered.record, FileDeed::Fetched, effects);
        }
    }

    /// For the activity log: what somebody did about a file, or what became of it by itself.
    fn log_file(
        &self,
        by: Option<PersonId>,
        record: &OfferRecord,
        what: FileDeed,
        effects: &mut Effects,
    ) {
        let person = by.and_then(|id| self.people.get(id));
        let deed = Deed::File(FileActivity {
            file: record.file,
            name: Arc::clone(&record.name),
            bytes: record.bytes,
            of: record.by.name,
            what,
        });
        let client = person.and_then(|person| person.client);
        self.record(client, person.map(|person| person.name), deed, effects);
    }

    /// Ends the offers of a room that has ended.
    pub(super) fn end_offers_in(&mut self, room: RoomId, effects: &mut Effects) {
        let is_here = |offered: &Offered| offered.record.place == OfferPlace::Room(room);
        self.end_offers(is_here, effects);
    }

    /// Ends the offers that were kept for long enough.
    pub(super) fn expire_offers(&mut self, effects: &mut Effects) {
        if self
            .next_offer_expiry()
            .is_none_or(|due| due > self.now.monotonic)
        {
            return;
        }
        self.offers.looked_at = self.now.monotonic;
        let age = u64::try_from(self.settings.file_age.as_millis()).unwrap_or(u64::MAX);
        let unix_ms = self.now.unix_ms;
        let is_old = |offered: &Offered| {
            offered.stage == Stage::Standing
                && offered.record.since_unix_ms.saturating_add(age) <= unix_ms
        };
        self.end_offers(is_old, effects);
    }

    fn end_offers(&mut self, is_over: impl Fn(&Offered) -> bool, effects: &mut Effects) {
        let offers = self.offers.table.values();
        let over = offers.filter(|offered| is_over(offered));
        let files: Vec<FileId> = over.map(|offered| offered.record.file).collect();
        for file in files {
            self.end_offer(None, file, FileEnd::Expired, effects);
        }
    }

    /// When it is next looked for what is too old.
    pub(super) fn next_offer_expiry(&self) -> Option<Duration> {
        let interval = FILE_EXPIRY_INTERVAL.min(self.settings.file_age);
        let is_any = !self.offers.table.is_empty();
        is_any.then(|| self.offers.looked_at.saturating_add(interval))
    }
}

/// Whether an offer is not whole and of the same file to the same.
fn is_same_unfinished(record: &OfferRecord, wanted: &OfferRecord) -> bool {
    let is_same_place = match (&record.place, &wanted.place) {
        (OfferPlace::Room(room), OfferPlace::Room(other)) => room == other,
        (OfferPlace::Person(to), OfferPlace::Person(other)) => to.is(other),
        (OfferPlace::Room(_), OfferPlace::Person(_))
        | (OfferPlace::Person(_), OfferPlace::Room(_)) => false,
    };
    !record.is_whole
        && wanted.digest.is_some()
        && record.digest == wanted.digest
        && record.bytes == wanted.bytes
        && record.name == wanted.name
        && is_same_place
}

fn offer_of(record: &OfferRecord, way: Way) -> Offer {
    Offer {
        file: record.file,
        name: Arc::clone(&record.name),
        bytes: record.bytes,
        digest: record.digest,
        way,
    }
}

/// Who somebody is, as far as files go.
pub(super) fn party_of(person: &Person) -> Party {
    let account = person.account();
    Party {
        name: person.name,
        account,
        session: account.is_none().then(|| person.sender()),
        key: person.key.filter(|_| account.is_none()),
    }
}
