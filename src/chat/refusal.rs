//! Refusals: what is said to a client whose command is not carried out.
//!
//! A refusal is a value, not a failure: nothing dies of it. Its text says what, why, and what to
//! do next. Codes are part of the protocol and are never reused.

mod files;
mod words;

pub use files::{FileRefusal, SpoolFailure};

use super::name::{Name, NameError, RoomName};
use std::sync::Arc;
use std::time::Duration;

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The word after the slash is no command.
    UnknownCommand {
        /// What was typed, at most a few characters of it.
        word: Box<str>,
    },
    /// The command lacks or has too much of something.
    Usage {
        /// How it is written.
        usage: &'static str,
    },
    /// Something else must come first: the client has no name yet.
    NameNeeded,
    /// The text is no name.
    BadName(NameError),
    /// Somebody else is called that.
    NameTaken(Name),
    /// That name is the server's own.
    NameReserved(Name),
    /// A client key holds that name for its owner.
    NameHeld(Name),
    /// Nobody of that name is here.
    NoSuchPerson(Name),
    /// There is no such room.
    NoSuchRoom(RoomName),
    /// The text names no room that could exist.
    BadRoomName(NameError),
    /// There is already such a room.
    RoomExists(RoomName),
    /// One is not in that room.
    NotInRoom(RoomName),
    /// One is in that room already.
    AlreadyInRoom(RoomName),
    /// One is in no room.
    InNoRoom,
    /// The room needs its key word, and it was not given or was wrong.
    WrongKey(RoomName),
    /// The room holds as many as its limit allows.
    RoomFull(RoomName),
    /// The room does not admit those who come through the plain door.
    PlainNotAdmitted(RoomName),
    /// The room keeps no history.
    NoHistory(RoomName),
    /// Only an owner may do that.
    NotOwner(RoomName),
    /// One may not be in more rooms.
    TooManyJoined {
        /// The most one may be in.
        max: usize,
    },
    /// One may not own more rooms.
    TooManyOwned {
        /// The most one may own.
        max: usize,
    },
    /// The server holds as many rooms as it may.
    TooManyRooms,
    /// Guests may not create rooms here.
    GuestsCreateNoRooms,
    /// The ignore list is full.
    TooManyIgnored {
        /// The most it may hold.
        max: usize,
    },
    /// That name is not on the ignore list.
    NotIgnored(Name),
    /// There is no private message to answer.
    NothingToReply,
    /// One cannot do that to oneself.
    Oneself,
    /// The text is longer than a message may be.
    TextTooLong {
        /// The most it may be, bytes.
        max: usize,
    },
    /// The text has more lines than a message may have.
    TooManyLines {
        /// The most it may have.
        max: usize,
    },
    /// There is no text.
    TextEmpty,
    /// The setting or its value is unknown.
    BadSetting,
    /// The store could not keep it.
    NotStored(StoreFailure),
    /// The server is stopping.
    Stopping,
    /// Too many messages of this client wait for their acknowledgement.
    TooManyUnacknowledged {
        /// The most that may wait.
        max: usize,
    },
    /// The peer speaks another protocol than this door.
    WrongDoor {
        /// What to do.
        advice: &'static str,
    },
    /// Only a moderator or an owner may do that.
    NotModerator(RoomName),
    /// Only an administrator may do that.
    NotAdmin,
    /// Only somebody with an account may do that.
    AccountNeeded,
    /// The password is wrong, or there is no such account; which of them is not told.
    WrongPassword,
    /// Too many passwords were tried for that name from there.
    LoginLater {
        /// When the next one is looked at.
        wait: Duration,
    },
    /// The text cannot be a password.
    BadPassword {
        /// The most bytes one may have.
        max: usize,
    },
    /// The new password was not the same twice.
    PasswordsDiffer,
    /// Passwords are not taken on this connection.
    NoPasswordHere,
    /// That name is an account's.
    NameIsAccount(Name),
    /// There is no account of that name.
    NoSuchAccount(Name),
    /// The server holds as many accounts as it may.
    TooManyAccounts,
    /// The account has as many keys as it may.
    TooManyKeys {
        /// The most it may have.
        max: usize,
    },
    /// The client showed no key of its own.
    NoKeyShown,
    /// That key is not enrolled.
    NoSuchKey,
    /// One may not speak there at present.
    Muted {
        /// Where.
        room: RoomName,
        /// For how long still; for good when absent.
        left: Option<Duration>,
    },
    /// One may not enter there.
    Banned {
        /// Where; the whole server when absent.
        room: Option<RoomName>,
        /// For how long still; for good when absent.
        left: Option<Duration>,
        /// What was said of it.
        why: Option<Arc<str>>,
    },
    /// There is no such measure against that name.
    NothingToLift(Name),
    /// As many measures are in force as may be.
    TooManySanctions,
    /// A room has as many of something as it may.
    TooManyInRoom {
        /// The most there may be.
        max: usize,
    },
    /// So much waits for that person that nothing more can be left.
    InboxFull(Name),
    /// The room always stays.
    RoomStays(RoomName),
    /// Nothing secret was asked for.
    NothingAsked,
    /// Too much waits to be done.
    Busy,
    /// The store could not be read.
    NotRead,
    /// The disk is nearly full, and what is left is for accounts.
    DiskLow,
    /// It holds, but the store could not keep it yet.
    NotYetStored(StoreFailure),
    /// That person may do as much as oneself, or more.
    Outranked(Name),
    /// Nothing is kept that could be searched.
    NothingToSearch,
    /// Something about a file.
    File(FileRefusal),
}

/// Why the store kept nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFailure {
    /// The disk is full.
    DiskFull,
    /// Reading or writing failed.
    Io,
    /// What was written may not be on the disk: nothing can be promised any more, and the server
    /// must stop.
    Broken,
}

impl Refusal {
    /// The number under which programs know this refusal. Never reused.
    pub fn code(&self) -> u16 {
        match self {
            Self::UnknownCommand { .. } => 1,
            Self::Usage { .. } => 2,
            Self::NameNeeded => 3,
            Self::BadName(_) => 4,
            Self::NameTaken(_) => 5,
            Self::NameReserved(_) => 6,
            Self::NameHeld(_) => 7,
            Self::NoSuchPerson(_) => 8,
            Self::NoSuchRoom(_) => 9,
            Self::BadRoomName(_) => 10,
            Self::RoomExists(_) => 11,
            Self::NotInRoom(_) => 12,
            Self::AlreadyInRoom(_) => 13,
            Self::InNoRoom => 14,
            Self::WrongKey(_) => 15,
            Self::RoomFull(_) => 16,
            Self::PlainNotAdmitted(_) => 17,
            Self::NoHistory(_) => 18,
            Self::NotOwner(_) => 19,
            Self::TooManyJoined { .. } => 20,
            Self::TooManyOwned { .. } => 21,
            Self::TooManyRooms => 22,
            Self::GuestsCreateNoRooms => 23,
            Self::TooManyIgnored { .. } => 24,
            Self::NotIgnored(_) => 25,
            Self::NothingToReply => 26,
            Self::Oneself => 27,
            Self::TextTooLong { .. } => 28,
            Self::TooManyLines { .. } => 29,
            Self::TextEmpty => 30,
            Self::BadSetting => 31,
            Self::NotStored(_) => 32,
            Self::Stopping => 33,
            Self::TooManyUnacknowledged { .. } => 34,
            // 35 was: the server keeps no accounts.
            Self::WrongDoor { .. } => 36,
            Self::NotModerator(_) => 37,
            Self::NotAdmin => 38,
            Self::AccountNeeded => 39,
            Self::WrongPassword => 40,
            Self::LoginLater { .. } => 41,
            Self::BadPassword { .. } => 42,
            Self::PasswordsDiffer => 43,
            Self::NoPasswordHere => 44,
            Self::NameIsAccount(_) => 45,
            Self::NoSuchAccount(_) => 46,
            Self::TooManyAccounts => 47,
            Self::TooManyKeys { .. } => 48,
            Self::NoKeyShown => 49,
            Self::NoSuchKey => 50,
            Self::Muted { .. } => 51,
            Self::Banned { .. } => 52,
            Self::NothingToLift(_) => 53,
            Self::TooManySanctions => 54,
            Self::TooManyInRoom { .. } => 55,
            Self::InboxFull(_) => 56,
            Self::RoomStays(_) => 57,
            Self::NothingAsked => 58,
            Self::Busy => 59,
            Self::NotRead => 60,
            Self::DiskLow => 61,
            Self::NotYetStored(_) => 62,
            Self::Outranked(_) => 70,
            Self::NothingToSearch => 71,
            Self::File(refusal) => refusal.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a refusal cannot reach the `unreachable!` of its words. Method: show one of each.
    #[test]
    #[expect(clippy::too_many_lines, reason = "one line for each refusal")]
    fn every_refusal_has_words_and_a_code_of_its_own() {
        let (name, room) = (Name::parse("bob").unwrap(), RoomName::parse("den").unwrap());
        let (max, wait) = (3, Duration::from_secs(5));
        let all = [
            Refusal::UnknownCommand { word: "x".into() },
            Refusal::Usage {
                usage: "/nick NAME",
            },
            Refusal::NameNeeded,
            Refusal::BadName(NameError::Empty),
            Refusal::NameTaken(name),
            Refusal::NameReserved(name),
            Refusal::NameHeld(name),
            Refusal::NoSuchPerson(name),
            Refusal::NoSuchRoom(room),
            Refusal::BadRoomName(NameError::Numeric),
            Refusal::RoomExists(room),
            Refusal::NotInRoom(room),
            Refusal::AlreadyInRoom(room),
            Refusal::InNoRoom,
            Refusal::WrongKey(room),
            Refusal::RoomFull(room),
            Refusal::PlainNotAdmitted(room),
            Refusal::NoHistory(room),
            Refusal::NotOwner(room),
            Refusal::TooManyJoined { max },
            Refusal::TooManyOwned { max },
            Refusal::TooManyRooms,
            Refusal::GuestsCreateNoRooms,
            Refusal::TooManyIgnored { max },
            Refusal::NotIgnored(name),
            Refusal::NothingToReply,
            Refusal::Oneself,
            Refusal::TextTooLong { max },
            Refusal::TooManyLines { max },
            Refusal::TextEmpty,
            Refusal::BadSetting,
            Refusal::NotStored(StoreFailure::DiskFull),
            Refusal::Stopping,
            Refusal::TooManyUnacknowledged { max },
            Refusal::WrongDoor { advice: "go away" },
            Refusal::NotModerator(room),
            Refusal::NotAdmin,
            Refusal::AccountNeeded,
            Refusal::WrongPassword,
            Refusal::LoginLater { wait },
            Refusal::BadPassword { max },
            Refusal::PasswordsDiffer,
            Refusal::NoPasswordHere,
            Refusal::NameIsAccount(name),
            Refusal::NoSuchAccount(name),
            Refusal::TooManyAccounts,
            Refusal::TooManyKeys { max },
            Refusal::NoKeyShown,
            Refusal::NoSuchKey,
            Refusal::Muted { room, left: None },
            Refusal::Banned {
                room: None,
                left: Some(wait),
                why: Some("noise".into()),
            },
            Refusal::NothingToLift(name),
            Refusal::TooManySanctions,
            Refusal::TooManyInRoom { max },
            Refusal::InboxFull(name),
            Refusal::RoomStays(room),
            Refusal::NothingAsked,
            Refusal::Busy,
            Refusal::NotRead,
            Refusal::DiskLow,
            Refusal::NotYetStored(StoreFailure::DiskFull),
            Refusal::Outranked(name),
            Refusal::NothingToSearch,
            Refusal::File(FileRefusal::NoFiles),
        ];
        let mut last = 0;
        for refusal in &all {
            assert!(!refusal.to_string().is_empty());
            assert!(refusal.code() > last, "{refusal} has a code of its own");
            last = refusal.code();
        }
    }
}
