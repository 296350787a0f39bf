//! To whom a file goes.

use crate::chat::{Name, RoomId, RoomName};
use crate::client::conversation::Conversation;
use std::fmt;

/// To whom a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To everybody in a room.
    Room(RoomName),
    /// To one person.
    Person(Name),
}

impl Target {
    /// The room, if `text` begins with `#`, else the person of that name.
    ///
    /// # Errors
    ///
    /// In words, when it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let target = match text.starts_with('#') {
            true => RoomName::parse(text).map(Self::Room),
            false => Name::parse(text).map(Self::Person),
        };
        target.map_err(|error| error.to_string())
    }

    /// How it is named in an offer; nothing while one is not in that room.
    pub fn place(&self, conversation: &Conversation) -> Option<(Option<RoomId>, Option<&str>)> {
        match self {
            Self::Room(room) => conversation
                .room_named(*room)
                .map(|room| (Some(room), None)),
            Self::Person(name) => Some((None, Some(name.as_str()))),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => room.fmt(f),
            Self::Person(name) => name.fmt(f),
        }
    }
}
