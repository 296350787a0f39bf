//! Sanctions in force: who may not speak or enter, where, and until when.
//!
//! A sanction hits everybody who shares one of its culprit's marks. An account is one mark and the
//! only one it has; a guest has its session, its client's key, and where a ban is meant its source.
//! So whether somebody is hit is one look-up for each mark, and nothing when nobody is sanctioned.
//!
//! What has expired hits nobody; it is removed when time passes or place is needed. The record of
//! it stays in the store.

use super::name::{Name, RoomName};
use super::people::{Person, PersonId};
use super::refusal::Refusal;
use super::{
    AccountId, Chat, ClientKey, Culprit, Duration, Measure, RoomId, SanctionId, SanctionRecord,
    SessionId,
};
use crate::limits::{SANCTIONS_MAX, SANCTIONS_PER_ROOM_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

/// The mutes and bans in force. Kicks are over at once and are not here.
#[derive(Debug)]
pub(super) struct Sanctions {
    by_id: BTreeMap<SanctionId, SanctionRecord>,
    by_mark: BTreeSet<(Mark, Option<RoomId>, Measure, SanctionId)>,
    by_place: BTreeSet<(Option<RoomId>, SanctionId)>,
    by_end: BTreeSet<(u64, SanctionId)>,
    /// The id of the next one.
    next: u64,
}

/// By what somebody is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Account(AccountId),
    Session(SessionId),
    Key(ClientKey),
    /// A network as [`network`] makes it.
    Source(IpAddr),
}

impl Sanctions {
    /// Those in force at the start; ids go on with `first`.
    pub(super) fn new(records: Vec<SanctionRecord>, first: SanctionId) -> Self {
        let mut sanctions = Self {
            by_id: BTreeMap::new(),
            by_mark: BTreeSet::new(),
            by_place: BTreeSet::new(),
            by_end: BTreeSet::new(),
            next: first.0,
        };
        for record in records {
            sanctions.impose(record);
        }
        sanctions
    }

    /// An id that was never used.
    pub(super) fn take_id(&mut self) -> SanctionId {
        self.next += 1;
        SanctionId(self.next - 1)
    }

    /// Whether one more may be in force in that place.
    ///
    /// # Errors
    ///
    /// [`Refusal::TooManySanctions`] and [`Refusal::TooManyInRoom`].
    pub(super) fn check_place(
        &mut self,
        room: Option<RoomId>,
        unix_ms: u64,
    ) -> Result<(), Refusal> {
        self.purge(unix_ms);
        if self.by_id.len() >= SANCTIONS_MAX {
            return Err(Refusal::TooManySanctions);
        }
        let max = SANCTIONS_PER_ROOM_MAX;
        if room.is_some() && self.in_place(room).count() >= max {
            return Err(Refusal::TooManyInRoom { max });
        }
        Ok(())
    }

    /// From now on it hits.
    pub(super) fn impose(&mut self, record: SanctionRecord) {
        let id = record.id;
        for mark in marks(&record.culprit) {
            self.by_mark.insert((mark, record.room, record.measure, id));
        }
        self.by_place.insert((record.room, id));
        if let Some(until) = record.until_unix_ms {
            self.by_end.insert((until, id));
        }
        self.by_id.insert(id, record);
    }

    /// From now on it hits nobody.
    pub(super) fn remove(&mut self, id: SanctionId) -> Option<SanctionRecord> {
        let record = self.by_id.remove(&id)?;
        for mark in marks(&record.culprit) {
            self.by_mark
                .remove(&(mark, record.room, record.measure, id));
        }
        self.by_place.remove(&(record.room, id));
        if let Some(until) = record.until_unix_ms {
            self.by_end.remove(&(until, id));
        }
        Some(record)
    }

    /// Removes what has expired.
    pub(super) fn purge(&mut self, unix_ms: u64) {
        while let Some(&(until, id)) = self.by_end.first() {
            if until > unix_ms {
                break;
            }
            self.remove(id);
        }
    }

    /// Removes what was in force in a room that has ended.
    pub(super) fn forget_room(&mut self, room: RoomId) {
        let ids: Vec<_> = self.in_place(Some(room)).map(|record| record.id).collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// What hits somebody with these marks in that place, and lasts longest.
    pub(super) fn hits(
        &self,
        marks: &[Option<Mark>],
        room: Option<RoomId>,
        measure: Measure,
        unix_ms: u64,
    ) -> Option<&SanctionRecord> {
        if self.by_id.is_empty() {
            return None;
        }
        let (first, last) = (SanctionId(0), SanctionId(u64::MAX));
        let of_mark = |mark: &Mark| {
            let range = (*mark, room, measure, first)..=(*mark, room, measure, last);
            self.by_mark.range(range)
        };
        let records = marks.iter().flatten().flat_map(of_mark);
        let records = records.filter_map(|(.., id)| self.by_id.get(id));
        let until = |record: &SanctionRecord| record.until_unix_ms.unwrap_or(u64::MAX);
        records
            .filter(|record| until(record) > unix_ms)
            .max_by_key(|record| until(record))
    }

    /// All of one place, in the order in which they were imposed.
    pub(super) fn in_place(&self, room: Option<RoomId>) -> impl Iterator<Item = &SanctionRecord> {
        let range = (room, SanctionId(0))..=(room, SanctionId(u64::MAX));
        let ids = self.by_place.range(range);
        ids.filter_map(|(_, id)| self.by_id.get(id))
    }

    /// What a guest is burdened with becomes its account's, too; gives back the records that
    /// changed.
    pub(super) fn adopt(&mut self, session: SessionId, account: AccountId) -> Vec<SanctionRecord> {
        let mark = Mark::Session(session);
        let first = (mark, None, Measure::Kick, SanctionId(0));
        let last = (
            mark,
            Some(RoomId(u64::MAX)),
            Measure::Ban,
            SanctionId(u64::MAX),
        );
        let ids: Vec<_> = self.by_mark.range(first..=last).map(|of| of.3).collect();
        let removed: Vec<_> = ids.into_iter().filter_map(|id| self.remove(id)).collect();
        let mut changed = Vec::new();
        for mut record in removed {
            record.culprit.account = Some(account);
            changed.push(record.clone());
            self.impose(record);
        }
        changed
    }
}

impl Chat {
    /// Whether nobody from there, or nobody with that key, is let in; told to peers at the door.
    pub fn is_banned(
        &self,
        source: IpAddr,
        key: Option<ClientKey>,
        unix_ms: u64,
    ) -> Option<Refusal> {
        let marks = [Some(Mark::Source(network(source))), key.map(Mark::Key)];
        let record = self.sanctions.hits(&marks, None, Measure::Ban, unix_ms)?;
        Some(ban_in_words(record, None, unix_ms))
    }

    /// Whether an account is kept out of the server. Asked before it is let in.
    pub(super) fn banned_account(&self, account: AccountId) -> Option<Refusal> {
        let marks = [Some(Mark::Account(account))];
        let record = self
            .sanctions
            .hits(&marks, None, Measure::Ban, self.now.unix_ms)?;
        Some(ban_in_words(record, None, self.now.unix_ms))
    }

    /// Whether somebody is kept out of a room. Who has a role there is not for its network's sake.
    pub(super) fn ban_of(&self, id: PersonId, room: RoomId) -> Option<Refusal> {
        let record = self.hit(id, room, Measure::Ban)?;
        let name = self.rooms.get(room)?.name;
        Some(ban_in_words(record, Some(name), self.now.unix_ms))
    }

    /// Whether somebody may speak in a room.
    ///
    /// # Errors
    ///
    /// [`Refusal::Muted`].
    pub(super) fn check_voice(&self, id: PersonId, room: RoomId) -> Result<(), Refusal> {
        let muted = self.hit(id, room, Measure::Mute);
        match (muted, self.rooms.get(room)) {
            (Some(record), Some(state)) => Err(Refusal::Muted {
                room: state.name,
                left: self.time_left(record),
            }),
            (None, _) | (_, None) => Ok(()),
        }
    }

    fn hit(&self, id: PersonId, room: RoomId, measure: Measure) -> Option<&SanctionRecord> {
        let mut marks = marks_of(self.people.get(id)?);
        let is_shared = |mark: &Mark| matches!(mark, Mark::Source(_));
        if !self.sanctions.by_id.is_empty() && self.role(id, room).is_some() {
            marks = marks.map(|mark| mark.filter(|mark| !is_shared(mark)));
        }
        self.sanctions
            .hits(&marks, Some(room), measure, self.now.unix_ms)
    }

    /// For how long a sanction is still in force; nothing when for good.
    pub(super) fn time_left(&self, record: &SanctionRecord) -> Option<Duration> {
        time_left(record, self.now.unix_ms)
    }
}

fn ban_in_words(record: &SanctionRecord, room: Option<RoomName>, unix_ms: u64) -> Refusal {
    Refusal::Banned {
        room,
        left: time_left(record, unix_ms),
        why: record.why.clone(),
    }
}

fn time_left(record: &SanctionRecord, unix_ms: u64) -> Option<Duration> {
    let left = |until: u64| Duration::from_millis(until.saturating_sub(unix_ms));
    record.until_unix_ms.map(left)
}

/// Somebody as a ban would hit it: by its account, or else by all that a guest is recognised by.
pub(super) fn culprit_of(person: &Person) -> Culprit {
    match person.account() {
        Some(account) => culprit_of_account(person.name, account),
        None => Culprit {
            name: person.name,
            account: None,
            session: Some(person.sender()),
            source: Some(network(person.source)),
            key: person.key,
        },
    }
}

/// An account as a sanction hits it.
pub(super) fn culprit_of_account(name: Name, account: AccountId) -> Culprit {
    Culprit {
        name,
        account: Some(account),
        session: None,
        source: None,
        key: None,
    }
}

/// By what somebody who is here is recognised.
fn marks_of(person: &Person) -> [Option<Mark>; 3] {
    match person.account() {
        Some(account) => [Some(Mark::Account(account)), None, None],
        None => [
            Some(Mark::Session(person.sender())),
            person.key.map(Mark::Key),
            Some(Mark::Source(network(person.source))),
        ],
    }
}

fn marks(culprit: &Culprit) -> impl Iterator<Item = Mark> + use<> {
    let marks = [
        culprit.account.map(Mark::Account),
        culprit.session.map(Mark::Session),
        culprit.key.map(Mark::Key),
        culprit.source.map(|source| Mark::Source(network(source))),
    ];
    marks.into_iter().flatten()
}

/// Where somebody came from, as a ban counts it: an IPv4 address, or the /64 of an IPv6 one.
pub(super) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> HOST_BITS << HOST_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

/// Bits of an IPv6 address that its owner chooses.
const HOST_BITS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64, culprit: Culprit, until_unix_ms: Option<u64>) -> SanctionRecord {
        SanctionRecord {
            id: SanctionId(id),
            measure: Measure::Ban,
            room: Some(RoomId(5)),
            culprit,
            by: Name::parse("alice").unwrap(),
            why: None,
            since_unix_ms: 0,
            until_unix_ms,
            lifted: None,
        }
    }

    fn guest() -> Culprit {
        Culprit {
            name: Name::parse("bob").unwrap(),
            account: None,
            session: Some(SessionId(7)),
            source: Some("2001:db8::1".parse().unwrap()),
            key: Some(ClientKey([3; 20])),
        }
    }

    #[test]
    fn each_mark_hits_in_its_place_and_until_its_end() {
        let sanctions = Sanctions::new(vec![record(1, guest(), Some(100))], SanctionId(2));
        let hits =
            |mark, room, measure, at| sanctions.hits(&[Some(mark)], room, measure, at).is_some();
        let den = Some(RoomId(5));
        let neighbour = Mark::Source(network("2001:db8::ffff".parse().unwrap()));
        let elsewhere = Mark::Source(network("2001:db8:0:1::1".parse().unwrap()));
        for mark in [
            Mark::Session(SessionId(7)),
            Mark::Key(ClientKey([3; 20])),
            neighbour,
        ] {
            assert!(hits(mark, den, Measure::Ban, 99));
            assert!(!hits(mark, den, Measure::Ban, 100));
            assert!(!hits(mark, den, Measure::Mute, 99));
            assert!(!hits(mark, None, Measure::Ban, 99));
        }
        assert!(!hits(elsewhere, den, Measure::Ban, 99));
        assert!(!hits(Mark::Session(SessionId(8)), den, Measure::Ban, 99));
    }

    #[test]
    fn what_has_expired_is_removed_with_all_its_marks() {
        let records = vec![record(1, guest(), Some(100)), record(2, guest(), None)];
        let mut sanctions = Sanctions::new(records, SanctionId(3));
        sanctions.purge(100);
        assert_eq!(sanctions.by_id.len(), 1);
        assert_eq!(sanctions.by_mark.len(), 3);
        sanctions.forget_room(RoomId(5));
        assert!(sanctions.by_mark.is_empty() && sanctions.by_place.is_empty());
        assert!(sanctions.by_end.is_empty());
        assert_eq!(sanctions.take_id(), SanctionId(3));
    }

    #[test]
    fn an_account_takes_its_guests_burden_over_and_the_guest_keeps_it() {
        let mut sanctions = Sanctions::new(vec![record(1, guest(), None)], SanctionId(2));
        let changed = sanctions.adopt(SessionId(7), AccountId(9));
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].culprit.account, Some(AccountId(9)));
        for mark in [Mark::Account(AccountId(9)), Mark::Session(SessionId(7))] {
            let hit = sanctions.hits(&[Some(mark)], Some(RoomId(5)), Measure::Ban, 1);
            assert!(hit.is_some());
        }
        assert!(sanctions.adopt(SessionId(8), AccountId(9)).is_empty());
    }

    #[test]
    fn a_mapped_address_is_the_one_it_stands_for() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
