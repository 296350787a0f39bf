//! Everybody who has a name: one [`Person`] per session, found by id, name or token.
//!
//! A guest's name is its alone; the sessions of an account share one.
//!
//! A session may outlast its connection: it is *dropped* while it waits to be resumed, and keeps its
//! name meanwhile. What few people use is behind one pointer, so that a silent crowd stays small.

use super::directory::Directory;
use super::name::{Name, RoomName};
use super::rooms::Seconds;
use super::secrets::Flow;
use super::throttle::Throttle;
use super::vocabulary::{
    AccountId, Arrival, ClientId, ClientKey, Door, RoomId, SessionId, Token, TokenHash,
};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Which session; never reused while the process lives, and in the order in which they began.
///
/// The running number of the session, and below it its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PersonId(u64);

impl PersonId {
    fn new(number: u64, place: u32) -> Self {
        debug_assert!(
            place >> PLACE_BITS == 0,
            "descriptors run out before places"
        );
        Self(number << PLACE_BITS | u64::from(place))
    }

    fn place(self) -> u32 {
        u32::try_from(self.0 & PLACE_MASK).expect("the mask has fewer bits")
    }
}

/// One session.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: Name,
    /// Its connection; none while it is dropped.
    pub(super) client: Option<ClientId>,
    pub(super) door: Door,
    pub(super) standing: Standing,
    /// It has said goodbye and waits for the answers to what it sent.
    pub(super) is_leaving: bool,
    /// Messages of its own the journal has not answered.
    pub(super) outstanding: u16,
    pub(super) token: Token,
    pub(super) source: IpAddr,
    pub(super) key: Option<ClientKey>,
    /// When the session began.
    pub(super) since: Seconds,
    /// Where plain text goes.
    pub(super) current: Option<RoomId>,
    /// The rooms it is in, in the order in which it came. Empty while it is dropped.
    pub(super) rooms: RoomList,
    pub(super) throttle: Throttle,
    /// The last number the chat gave to a message of a client that gives none.
    pub(super) numbered: u32,
    rare: Option<Box<Rare>>,
}

/// What few people have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// What those who write are told.
    pub(super) away: Option<Arc<str>>,
    /// Whose entries are not shown.
    pub(super) ignored: Option<Arc<[Name]>>,
    /// From whom the last private message came, and under what name.
    pub(super) correspondent: Option<(Option<PersonId>, Name)>,
    /// Where private messages go.
    pub(super) inbox: Option<RoomId>,
    /// The rooms it made.
    pub(super) owned: Vec<RoomId>,
    /// What it said when it left.
    pub(super) last_words: Option<Arc<str>>,
    /// Its account, if it has one.
    pub(super) account: Option<AccountId>,
    /// What its token hashes to, if the store is to know its session.
    pub(super) hash: Option<TokenHash>,
    /// What its connection was asked in secret.
    pub(super) flow: Option<Box<Flow>>,
    /// How many passwords its connection got wrong.
    pub(super) tries: u8,
    /// Since when it is dropped, and the rooms it was in.
    pub(super) dropped: Option<Dropped>,
}

/// What a session without a connection remembers.
#[derive(Debug)]
pub(super) struct Dropped {
    /// When it lost its connection.
    pub(super) at: Duration,
    /// Where it was.
    pub(super) rooms: Box<[(RoomId, RoomName)]>,
}

impl Person {
    pub(super) fn new(name: Name, client: ClientId, arrival: &Arrival, since: Duration) -> Self {
        Self {
            name,
            client: Some(client),
            door: arrival.door,
            standing: Standing::of(arrival),
            is_leaving: false,
            outstanding: 0,
            token: arrival.token,
            source: arrival.source,
            key: arrival.key,
            since: Seconds::at(since),
            current: None,
            rooms: RoomList::default(),
            throttle: Throttle::default(),
            numbered: 0,
            rare: None,
        }
    }

    /// The identity under which its messages are recognised when they are sent again: mixed from
    /// its token, so that it is not used again after a restart, and of half its length, so that
    /// who knows it cannot take the session over.
    pub(super) fn sender(&self) -> SessionId {
        sender_of(self.token)
    }

    /// What few people have; nothing if this one has none of it.
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn away(&self) -> Option<&Arc<str>> {
        self.rare().and_then(|rare| rare.away.as_ref())
    }

    pub(super) fn inbox(&self) -> Option<RoomId> {
        self.rare().and_then(|rare| rare.inbox)
    }

    pub(super) fn ignored(&self) -> &[Name] {
        self.rare()
            .and_then(|rare| rare.ignored.as_deref())
            .unwrap_or_default()
    }

    /// Its account; a guest has none.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.rare().and_then(|rare| rare.account)
    }

    pub(super) fn owned(&self) -> &[RoomId] {
        self.rare().map_or(&[], |rare| &rare.owned)
    }

    /// What it was asked in secret.
    pub(super) fn flow(&self) -> Option<&Flow> {
        self.rare().and_then(|rare| rare.flow.as_deref())
    }

    /// Whether it has a connection that is listened to.
    pub(super) fn is_here(&self) -> bool {
        self.client.is_some() && !self.is_leaving
    }

    /// Takes a room off the list; text goes to the newest of the others if it went there.
    pub(super) fn remove_room(&mut self, room: RoomId) {
        self.rooms.remove(room);
        if self.current == Some(room) {
            self.current = self.rooms.last().copied();
        }
    }
}

/// What the way somebody came entitles it to, as the shell said. One byte: everybody has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing(u8);

impl Standing {
    pub(super) fn of(arrival: &Arrival) -> Self {
        let trusted = u8::from(arrival.trusted) * TRUSTED;
        Self(trusted | (u8::from(arrival.takes_passwords) * TAKES_PASSWORDS))
    }

    /// Whether it is exempt from rates.
    pub(super) fn is_trusted(self) -> bool {
        self.0 & TRUSTED != 0
    }

    /// Whether passwords may be spoken on its connection.
    pub(super) fn takes_passwords(self) -> bool {
        self.0 & TAKES_PASSWORDS != 0
    }
}

/// The rooms somebody is in; most people are in one, which needs no memory of its own.
#[derive(Debug)]
pub(super) enum RoomList {
    /// In one room or none.
    Few(Option<RoomId>),
    /// In several.
    #[expect(
        clippy::box_collection,
        reason = "so the few pay for the longer list, not everybody"
    )]
    Many(Box<Vec<RoomId>>),
}

impl Default for RoomList {
    fn default() -> Self {
        Self::Few(None)
    }
}

impl RoomList {
    pub(super) fn add(&mut self, room: RoomId) {
        *self = match std::mem::take(self) {
            Self::Few(None) => Self::Few(Some(room)),
            Self::Few(Some(first)) => Self::Many(Box::new(vec![first, room])),
            Self::Many(mut rooms) => {
                rooms.push(room);
                Self::Many(rooms)
            }
        };
    }

    fn remove(&mut self, room: RoomId) {
        match self {
            Self::Few(only) => *only = only.filter(|only| *only != room),
            Self::Many(rooms) => rooms.retain(|other| *other != room),
        }
        if self.len() <= 1 {
            *self = Self::Few(self.first().copied());
        }
    }
}

impl Deref for RoomList {
    type Target = [RoomId];

    fn deref(&self) -> &[RoomId] {
        match self {
            Self::Few(only) => only.as_slice(),
            Self::Many(rooms) => rooms,
        }
    }
}

/// All sessions.
///
/// They lie side by side in one table; the orders over it hold places of four bytes and no keys.
#[derive(Debug, Default)]
pub(super) struct People {
    places: Vec<Place>,
    /// Places that nobody has.
    vacant: Vec<u32>,
    by_name: Directory,
    /// Sealed clients' sessions only; nobody else can resume.
    by_token: Directory,
    dropped: BTreeSet<(Duration, PersonId)>,
    last: u64,
}

/// A place in the table, and whose it is or was last.
#[derive(Debug)]
struct Place {
    id: PersonId,
    person: Option<Person>,
}

impl Place {
    /// What it is found by; nothing if nobody is there, which no order holds.
    fn name(&self) -> Option<&Name> {
        self.person.as_ref().map(|person| &person.name)
    }

    /// What orders it by name; of an account's sessions the oldest comes first.
    fn name_and_id(&self) -> Option<(&Name, PersonId)> {
        self.name().map(|name| (name, self.id))
    }

    /// What orders it by token; should two be the same, the newest comes first.
    fn token(&self) -> Option<(Token, Reverse<PersonId>)> {
        self.person
            .as_ref()
            .map(|person| (person.token, Reverse(self.id)))
    }
}

impl People {
    /// Asks for address space for `count` people, so that the table need not move as it grows: what
    /// a moved table leaves behind is memory that nobody else uses. Without it, it moves.
    pub(super) fn reserve(&mut self, count: usize) {
        // Refused: it grows as tables do.
        let _ = self.places.try_reserve_exact(count);
    }

    /// Takes somebody in; the name is free, or its account's.
    pub(super) fn insert(&mut self, person: Person) -> PersonId {
        let others = self.named(person.name).map(|(_, other)| other.account());
        let is_own = others.is_none_or(|other| other.is_some() && other == person.account());
        assert!(is_own, "a name is checked before it is given");
        let end = u32::try_from(self.places.len()).expect("places are fewer than descriptors");
        let number = self.vacant.pop().unwrap_or(end);
        self.last += 1;
        let id = PersonId::new(self.last, number);
        let is_sealed = person.door == Door::Sealed;
        let place = Place {
            id,
            person: Some(person),
        };
        match self.places.get_mut(number as usize) {
            Some(former) => *former = place,
            None => self.places.push(place),
        }
        self.list_name(number);
        if is_sealed {
            let (places, token) = (&self.places, self.places[number as usize].token());
            let is_before = |other: u32| places[other as usize].token() < token;
            self.by_token.insert(number, is_before);
        }
        id
    }

    /// Ends a session.
    pub(super) fn remove(&mut self, id: PersonId) -> Option<Person> {
        self.get(id)?;
        let (number, places) = (id.place(), &self.places);
        let token = places[number as usize].token();
        self.by_token
            .remove(number, |other| places[other as usize].token() < token);
        self.unlist_name(number);
        let person = self.places[number as usize].person.take()?;
        self.vacant.push(number);
        if let Some(dropped) = person.rare().and_then(|rare| rare.dropped.as_ref()) {
            self.dropped.remove(&(dropped.at, id));
        }
        Some(person)
    }

    /// Gives somebody another name, which is free, its account's, or differs in case only.
    pub(super) fn rename(&mut self, id: PersonId, to: Name) {
        if self.get(id).is_none() {
            return;
        }
        self.unlist_name(id.place());
        if let Some(person) = self.get_mut(id) {
            person.name = to;
        }
        self.list_name(id.place());
    }

    fn list_name(&mut self, number: u32) {
        let (places, order) = (&self.places, self.places[number as usize].name_and_id());
        self.by_name
            .insert(number, |other| places[other as usize].name_and_id() < order);
    }

    fn unlist_name(&mut self, number: u32) {
        let (places, order) = (&self.places, self.places[number as usize].name_and_id());
        self.by_name
            .remove(number, |other| places[other as usize].name_and_id() < order);
    }

    /// A session has lost its connection.
    pub(super) fn drop_out(&mut self, id: PersonId, dropped: Dropped) {
        let at = dropped.at;
        if let Some(person) = self.get_mut(id) {
            person.client = None;
            person.rare_mut().dropped = Some(dropped);
            self.dropped.insert((at, id));
        }
    }

    /// A session has a connection again; gives back what it remembered if it had none.
    pub(super) fn pick_up(&mut self, id: PersonId) -> Option<Dropped> {
        let person = self.get_mut(id)?;
        let dropped = person.rare.as_mut()?.dropped.take()?;
        self.dropped.remove(&(dropped.at, id));
        Some(dropped)
    }

    /// The session that has been without a connection for longest, and since when.
    pub(super) fn oldest_dropped(&self) -> Option<(Duration, PersonId)> {
        self.dropped.first().copied()
    }

    pub(super) fn dropped_count(&self) -> usize {
        self.dropped.len()
    }

    pub(super) fn get(&self, id: PersonId) -> Option<&Person> {
        let place = self.places.get(id.place() as usize)?;
        place.person.as_ref().filter(|_| place.id == id)
    }

    pub(super) fn get_mut(&mut self, id: PersonId) -> Option<&mut Person> {
        let place = self.places.get_mut(id.place() as usize)?;
        place.person.as_mut().filter(|_| place.id == id)
    }

    /// Whose name that is, connected or not; of an account's sessions the oldest.
    pub(super) fn named(&self, name: Name) -> Option<(PersonId, &Person)> {
        let order = |other: u32| self.places[other as usize].name().cmp(&Some(&name));
        let place = &self.places[self.by_name.find(order)? as usize];
        Some((place.id, place.person.as_ref()?))
    }

    /// Every session of that name, connected or not, the oldest first: several of an account, one
    /// of a guest.
    pub(super) fn all_named(&self, name: Name) -> impl Iterator<Item = (PersonId, &Person)> {
        let is_before = move |other: u32| self.places[other as usize].name() < Some(&name);
        let places = self.by_name.from(is_before);
        let places = places.map(|number| &self.places[number as usize]);
        places
            .filter_map(|place| Some((place.id, place.person.as_ref()?)))
            .take_while(move |(_, person)| person.name == name)
    }

    /// Who of that name is here, and has not said goodbye.
    pub(super) fn present(&self, name: Name) -> Option<(PersonId, &Person)> {
        self.all_named(name).find(|(_, person)| person.is_here())
    }

    pub(super) fn with_token(&self, token: Token) -> Option<PersonId> {
        let held = |other: u32| self.places[other as usize].token().map(|(held, _)| held);
        let number = self.by_token.find(|other| held(other).cmp(&Some(token)))?;
        Some(self.places[number as usize].id)
    }

    /// Everybody, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonId, &Person)> {
        let here = |place: &'_ Place| place.person.is_some().then_some(place.id);
        let mut ids: Vec<PersonId> = self.places.iter().filter_map(here).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| Some((id, self.get(id)?)))
    }

    /// Every session whose name begins with `prefix`, in the order of names.
    pub(super) fn beginning_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (Name, PersonId)> + 'a {
        let start = Name::parse(prefix).ok();
        let is_before = move |other: u32| {
            let name = self.places[other as usize].name();
            start.is_some_and(|start| name < Some(&start))
        };
        self.by_name
            .from(is_before)
            .map(|number| &self.places[number as usize])
            .filter_map(|place| Some((*place.name()?, place.id)))
            .take_while(move |(name, _)| start.is_none() || begins_with(name.as_str(), prefix))
            .filter(move |(name, _)| begins_with(name.as_str(), prefix))
    }

    pub(super) fn count(&self) -> usize {
        self.places.len() - self.vacant.len()
    }
}

/// The identity that is mixed from a token.
pub(super) fn sender_of(token: Token) -> SessionId {
    let (head, tail) = token.0.split_at(SESSION_ID_BYTES);
    let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    let number = |bytes: &[u8]| bytes.iter().fold(0, fold);
    SessionId(number(head) ^ number(tail).rotate_left(u32::BITS))
}

/// Whether `text` begins with `prefix`, whatever the case of ASCII letters.
pub(super) fn begins_with(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// The bit of who is exempt from rates.
const TRUSTED: u8 = 1;
/// The bit of who may speak a password.
const TAKES_PASSWORDS: u8 = 2;

/// Bytes of a session's id, half of its token.
const SESSION_ID_BYTES: usize = size_of::<SessionId>();

/// Bits of a session's id that say its place: room for 16 million people at once, and for a
/// trillion sessions.
const PLACE_BITS: u32 = 24;

/// Those bits.
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, token: u8) -> Person {
        let client = ClientId {
            slot: 1,
            generation: 1,
        };
        let arrival = Arrival {
            door: Door::Sealed,
            source: IpAddr::from([192, 0, 2, 1]),
            trusted: false,
            key: None,
            token: Token([token; 16]),
            hash: TokenHash([0; 16]),
            takes_passwords: true,
        };
        let name = Name::parse(name).unwrap();
        Person::new(name, client, &arrival, Duration::ZERO)
    }

    #[test]
    fn who_gets_a_place_again_is_somebody_else_and_comes_last() {
        let mut people = People::default();
        let (alice, bob) = (
            people.insert(person("alice", 9)),
            people.insert(person("bob", 5)),
        );
        assert!(people.remove(alice).is_some());
        let carol = people.insert(person("Carol", 7));
        assert_eq!(carol.place(), alice.place());
        assert!(people.get(alice).is_none() && people.remove(alice).is_none());
        assert_eq!(people.with_token(Token([9; 16])), None);
        assert_eq!(people.with_token(Token([7; 16])), Some(carol));
        assert!(people.iter().map(|(id, _)| id).eq([bob, carol]));
        assert_eq!(people.count(), 2);
        people.rename(bob, Name::parse("dora").unwrap());
        let names = people.beginning_with("").map(|(_, id)| id);
        assert!(names.eq([carol, bob]));
        assert!(people.named(Name::parse("bob").unwrap()).is_none());
    }

    #[test]
    fn the_sessions_of_an_account_share_its_name() {
        let mut people = People::default();
        let mut own = |token| {
            let mut person = person("alice", token);
            person.rare_mut().account = Some(AccountId(7));
            people.insert(person)
        };
        let ids = [own(1), own(2), own(3)];
        people.insert(person("bob", 4));
        let alice = Name::parse("ALICE").unwrap();
        assert!(people.all_named(alice).map(|(id, _)| id).eq(ids));
        assert!(people.remove(ids[0]).is_some());
        assert_eq!(people.named(alice).map(|(id, _)| id), Some(ids[1]));
        for id in &ids[1..] {
            people.rename(*id, Name::parse("zoe").unwrap());
        }
        assert_eq!(people.all_named(alice).count(), 0);
        let zoe = Name::parse("zoe").unwrap();
        assert!(
            people
                .all_named(zoe)
                .map(|(id, _)| id)
                .eq(ids[1..].iter().copied())
        );
    }
}
