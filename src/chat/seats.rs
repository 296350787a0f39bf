//! Who sits on which connection: every open connection has one seat, found by its slot.

use super::people::PersonId;
use super::secrets::Flow;
use super::throttle::Throttle;
use super::vocabulary::{Arrival, ClientId, RoomId};

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) enum Seat {
    /// Nothing; it is not open.
    #[default]
    Vacant,
    /// It has no name yet.
    Nameless(Box<Nameless>),
    /// Somebody speaks through it.
    Taken(PersonId),
    /// Its last words are on their way; what it says is not heard.
    Deaf(Box<Lingering>),
}

/// A connection without a name.
#[derive(Debug)]
pub(super) struct Nameless {
    pub(super) arrival: Arrival,
    /// Whether it has said anything.
    pub(super) has_spoken: bool,
    pub(super) throttle: Throttle,
    /// What it was asked in secret.
    pub(super) flow: Option<Box<Flow>>,
    /// How many passwords it got wrong.
    pub(super) tries: u8,
}

/// Rooms and inboxes whose last words a connection has not had yet.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    pub(super) rooms: Vec<RoomId>,
}

/// All seats, by slot. The generations lie apart, so that nothing pads them.
#[derive(Debug, Default)]
pub(super) struct Seats {
    generations: Vec<u32>,
    seats: Vec<Seat>,
}

impl Seats {
    /// Gives a new connection its seat.
    pub(super) fn open(&mut self, client: ClientId, arrival: Arrival) {
        let index = client.slot as usize;
        if self.seats.len() <= index {
            self.generations.resize(index + 1, 0);
            self.seats.resize_with(index + 1, Seat::default);
        }
        self.generations[index] = client.generation;
        self.seats[index] = Seat::Nameless(Box::new(Nameless {
            arrival,
            has_spoken: false,
            throttle: Throttle::default(),
            flow: None,
            tries: 0,
        }));
    }

    /// Changes who sits there; gives back who did.
    pub(super) fn replace(&mut self, client: ClientId, seat: Seat) -> Seat {
        match self.get_mut(client) {
            Some(place) => std::mem::replace(place, seat),
            None => Seat::Vacant,
        }
    }

    /// Who sits there, unless the connection is an earlier one of that slot.
    pub(super) fn get(&self, client: ClientId) -> Option<&Seat> {
        let seat = self.seats.get(client.slot as usize)?;
        self.is_latest(client).then_some(seat)
    }

    pub(super) fn get_mut(&mut self, client: ClientId) -> Option<&mut Seat> {
        let is_latest = self.is_latest(client);
        let seat = self.seats.get_mut(client.slot as usize)?;
        is_latest.then_some(seat)
    }

    fn is_latest(&self, client: ClientId) -> bool {
        self.generations.get(client.slot as usize) == Some(&client.generation)
    }

    /// Every seat and its connection.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Seat)> {
        let clients = self.generations.iter().zip(0..);
        let clients = clients.map(|(&generation, slot)| ClientId { slot, generation });
        clients.zip(&self.seats)
    }
}
