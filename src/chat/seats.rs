//! Who sits on which connection: every open connection has one seat, found by its slot.

use super::people::PersonId;
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
}

/// Rooms and inboxes whose last words a connection has not had yet.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    pub(super) rooms: Vec<RoomId>,
}

/// All seats.
#[derive(Debug, Default)]
pub(super) struct Seats {
    by_slot: Vec<Numbered>,
}

#[derive(Debug, Default)]
struct Numbered {
    generation: u32,
    seat: Seat,
}

impl Seats {
    /// Gives a new connection its seat.
    pub(super) fn open(&mut self, client: ClientId, arrival: Arrival) {
        let index = client.slot as usize;
        if self.by_slot.len() <= index {
            self.by_slot.resize_with(index + 1, Numbered::default);
        }
        self.by_slot[index] = Numbered {
            generation: client.generation,
            seat: Seat::Nameless(Box::new(Nameless {
                arrival,
                has_spoken: false,
                throttle: Throttle::default(),
            })),
        };
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
        let place = self.by_slot.get(client.slot as usize)?;
        (place.generation == client.generation).then_some(&place.seat)
    }

    pub(super) fn get_mut(&mut self, client: ClientId) -> Option<&mut Seat> {
        let place = self.by_slot.get_mut(client.slot as usize)?;
        (place.generation == client.generation).then_some(&mut place.seat)
    }

    /// Every seat and its connection.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Seat)> {
        self.by_slot.iter().zip(0..).map(|(place, slot)| {
            let client = ClientId {
                slot,
                generation: place.generation,
            };
            (client, &place.seat)
        })
    }
}
