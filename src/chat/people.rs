//! Everybody who has a name: one [`Person`] per session, found by id, name or token.
//!
//! A session may outlast its connection: it is *dropped* while it waits to be resumed, and keeps its
//! name meanwhile. What few people use is behind one pointer, so that a silent crowd stays small.

use super::name::{Name, RoomName};
use super::throttle::Throttle;
use super::vocabulary::{Arrival, ClientId, ClientKey, Door, RoomId, SessionId, Token};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Which session; never reused while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PersonId(u64);

/// One session.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: Name,
    /// Its connection; none while it is dropped.
    pub(super) client: Option<ClientId>,
    pub(super) door: Door,
    /// Whether it has no rate.
    pub(super) trusted: bool,
    /// It has said goodbye and waits for the answers to what it sent.
    pub(super) is_leaving: bool,
    /// Messages of its own the journal has not answered.
    pub(super) outstanding: u16,
    /// Under which its messages are recognised when they are sent again.
    pub(super) sender: SessionId,
    pub(super) token: Token,
    pub(super) source: IpAddr,
    pub(super) key: Option<ClientKey>,
    /// When the session began.
    pub(super) since: Duration,
    /// Where plain text goes.
    pub(super) current: Option<RoomId>,
    /// The rooms it is in, in the order in which it came. Empty while it is dropped.
    pub(super) rooms: Vec<RoomId>,
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
    pub(super) correspondent: Option<(PersonId, Name)>,
    /// Where private messages go.
    pub(super) inbox: Option<RoomId>,
    /// The rooms it made.
    pub(super) owned: Vec<RoomId>,
    /// What it said when it left.
    pub(super) last_words: Option<Arc<str>>,
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
            trusted: arrival.trusted,
            is_leaving: false,
            outstanding: 0,
            sender: sender_of(arrival.token),
            token: arrival.token,
            source: arrival.source,
            key: arrival.key,
            since,
            current: None,
            rooms: Vec::new(),
            throttle: Throttle::default(),
            numbered: 0,
            rare: None,
        }
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

    pub(super) fn owned(&self) -> &[RoomId] {
        self.rare().map_or(&[], |rare| &rare.owned)
    }

    /// Enters a room's name on the list; one room is what most people are in.
    pub(super) fn add_room(&mut self, room: RoomId) {
        self.rooms.reserve_exact(1);
        self.rooms.push(room);
    }

    /// Takes a room off the list; text goes to the newest of the others if it went there.
    pub(super) fn remove_room(&mut self, room: RoomId) {
        self.rooms.retain(|other| *other != room);
        if self.current == Some(room) {
            self.current = self.rooms.last().copied();
        }
    }
}

/// The identity under which a session's messages are recognised: part of its token, so that it is
/// not used again after a restart, and tells nothing with which the session could be taken over.
fn sender_of(token: Token) -> SessionId {
    let half = |range: std::ops::Range<usize>| {
        token.0[range]
            .iter()
            .fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
    };
    SessionId(half(0..8) ^ half(8..16).rotate_left(32))
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct People {
    by_id: BTreeMap<PersonId, Box<Person>>,
    by_name: BTreeMap<Name, PersonId>,
    /// Sealed clients' sessions only; nobody else can resume.
    by_token: BTreeMap<Token, PersonId>,
    dropped: BTreeSet<(Duration, PersonId)>,
    last: u64,
}

impl People {
    /// Takes somebody in; the name is free.
    pub(super) fn insert(&mut self, person: Person) -> PersonId {
        self.last += 1;
        let id = PersonId(self.last);
        let former = self.by_name.insert(person.name, id);
        assert!(former.is_none(), "a name is checked before it is given");
        if person.door == Door::Sealed {
            self.by_token.insert(person.token, id);
        }
        self.by_id.insert(id, Box::new(person));
        id
    }

    /// Ends a session.
    pub(super) fn remove(&mut self, id: PersonId) -> Option<Box<Person>> {
        let person = self.by_id.remove(&id)?;
        self.by_name.remove(&person.name);
        if self.by_token.get(&person.token) == Some(&id) {
            self.by_token.remove(&person.token);
        }
        if let Some(dropped) = person.rare().and_then(|rare| rare.dropped.as_ref()) {
            self.dropped.remove(&(dropped.at, id));
        }
        Some(person)
    }

    /// Gives somebody another name, which is free or differs in case only.
    pub(super) fn rename(&mut self, id: PersonId, to: Name) {
        let Some(person) = self.by_id.get_mut(&id) else {
            return;
        };
        self.by_name.remove(&person.name);
        person.name = to;
        self.by_name.insert(to, id);
    }

    /// A session has lost its connection.
    pub(super) fn drop_out(&mut self, id: PersonId, dropped: Dropped) {
        if let Some(person) = self.by_id.get_mut(&id) {
            self.dropped.insert((dropped.at, id));
            person.client = None;
            person.rare_mut().dropped = Some(dropped);
        }
    }

    /// A session has a connection again; gives back what it remembered if it had none.
    pub(super) fn pick_up(&mut self, id: PersonId) -> Option<Dropped> {
        let person = self.by_id.get_mut(&id)?;
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
        self.by_id.get(&id).map(|person| &**person)
    }

    pub(super) fn get_mut(&mut self, id: PersonId) -> Option<&mut Person> {
        self.by_id.get_mut(&id).map(|person| &mut **person)
    }

    /// Whose name that is, connected or not.
    pub(super) fn named(&self, name: Name) -> Option<(PersonId, &Person)> {
        let id = *self.by_name.get(&name)?;
        Some((id, self.get(id)?))
    }

    /// Who of that name is here, and has not said goodbye.
    pub(super) fn present(&self, name: Name) -> Option<(PersonId, &Person)> {
        self.named(name)
            .filter(|(_, person)| person.client.is_some() && !person.is_leaving)
    }

    pub(super) fn with_token(&self, token: Token) -> Option<PersonId> {
        self.by_token.get(&token).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PersonId, &Person)> {
        self.by_id.iter().map(|(id, person)| (*id, &**person))
    }

    /// Everybody whose name begins with `prefix`, in the order of names.
    pub(super) fn beginning_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (Name, PersonId)> + 'a {
        let start = Name::parse(prefix).ok();
        let range = match start {
            Some(start) => self.by_name.range(start..),
            None => self.by_name.range(..),
        };
        range
            .map(|(name, id)| (*name, *id))
            .take_while(move |(name, _)| start.is_none() || begins_with(name.as_str(), prefix))
            .filter(move |(name, _)| begins_with(name.as_str(), prefix))
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }
}

/// Whether `text` begins with `prefix`, whatever the case of ASCII letters.
pub(super) fn begins_with(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}
