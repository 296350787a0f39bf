//! The words of a refusal: what, why, and what to do next.

use super::super::name::NameError;
use super::super::span::Left;
use super::{Refusal, StoreFailure};
use std::fmt;
use std::time::Duration;

impl Refusal {
    /// The words of a refusal that names nobody and nothing.
    #[expect(clippy::too_many_lines, reason = "one line for each refusal")]
    fn fixed_words(&self) -> Option<&'static str> {
        Some(match self {
            Self::NameNeeded => "a name comes first: type one, or /nick NAME",
            Self::BadRoomName(NameError::BadCharacter) => {
                "a room's name is made of letters, digits, _ - and . only; try another"
            }
            Self::InNoRoom => "you are in no room; /rooms lists them, /join ROOM enters one",
            Self::TooManyRooms => "this server has no place for another room",
            Self::GuestsCreateNoRooms => "guests cannot create rooms on this server",
            Self::NothingToReply => "nobody has written to you; /msg NAME TEXT begins",
            Self::Oneself => "that would be yourself",
            Self::TextEmpty => "there is no text to send",
            Self::BadSetting => {
                "settings are: history on|off, hidden on|off, limit N, key WORD|none, plain on|off"
            }
            Self::NotStored(StoreFailure::DiskFull) => {
                "not stored, the server's disk is full; try again later"
            }
            Self::NotStored(StoreFailure::Io | StoreFailure::Broken) => {
                "not stored, the server could not write; try again"
            }
            Self::DiskLow => {
                "not stored, the server's disk is nearly full and keeps messages of accounts only; try again later"
            }
            Self::NotYetStored(StoreFailure::DiskFull) => {
                "it holds, but is not stored yet: the server's disk is full; the server goes on trying"
            }
            Self::NotYetStored(StoreFailure::Io | StoreFailure::Broken) => {
                "it holds, but is not stored yet: the server could not write; it goes on trying"
            }
            Self::Stopping => "not stored, the server is stopping; send it again later",
            Self::WrongDoor { advice } => advice,
            Self::NotAdmin => "only an administrator of this server may do that",
            Self::AccountNeeded => "that needs an account; /password makes one of your name",
            Self::WrongPassword => "wrong name or password; try again",
            Self::PasswordsDiffer => "the two were not the same; nothing is changed, try again",
            Self::NoPasswordHere => {
                "this connection is not encrypted, so no password is taken here; use the parlour client"
            }
            Self::TooManyAccounts => "this server has no place for another account",
            Self::NoKeyShown => "your client showed no key of its own",
            Self::NoSuchKey => "that key is not enrolled; /keys lists those that are",
            Self::TooManySanctions => "too many bans and mutes are in force; /unban some first",
            Self::NothingAsked => "nothing secret was asked for; /password changes a password",
            Self::Busy => "too much waits to be done; try again in a moment",
            Self::NotRead => "the server could not read what it keeps; try again",
            Self::NothingToSearch => {
                "this server keeps nothing on disk, so there is nothing to search; /history shows what is in memory"
            }
            Self::UnknownCommand { .. }
            | Self::Usage { .. }
            | Self::BadName(_)
            | Self::NameTaken(_)
            | Self::NameReserved(_)
            | Self::NameHeld(_)
            | Self::NoSuchPerson(_)
            | Self::NoSuchRoom(_)
            | Self::BadRoomName(_)
            | Self::RoomExists(_)
            | Self::NotInRoom(_)
            | Self::AlreadyInRoom(_)
            | Self::WrongKey(_)
            | Self::RoomFull(_)
            | Self::PlainNotAdmitted(_)
            | Self::NoHistory(_)
            | Self::NotOwner(_)
            | Self::TooManyJoined { .. }
            | Self::TooManyOwned { .. }
            | Self::TooManyIgnored { .. }
            | Self::NotIgnored(_)
            | Self::TextTooLong { .. }
            | Self::TooManyLines { .. }
            | Self::TooManyUnacknowledged { .. }
            | Self::NotModerator(_)
            | Self::LoginLater { .. }
            | Self::BadPassword { .. }
            | Self::NameIsAccount(_)
            | Self::NoSuchAccount(_)
            | Self::TooManyKeys { .. }
            | Self::Muted { .. }
            | Self::Banned { .. }
            | Self::NothingToLift(_)
            | Self::TooManyInRoom { .. }
            | Self::InboxFull(_)
            | Self::RoomStays(_)
            | Self::Outranked(_)
            | Self::File(_) => return None,
        })
    }

    /// The words of a refusal about a room.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is not about rooms"
    )]
    fn fmt_about_room(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        Some(match self {
            Self::NoSuchRoom(room) => {
                write!(
                    f,
                    "there is no room {room}; /rooms lists them, /create {room} makes it"
                )
            }
            Self::RoomExists(room) => write!(f, "{room} exists; /join {room} enters it"),
            Self::NotInRoom(room) => write!(f, "you are not in {room}; /join {room} enters it"),
            Self::AlreadyInRoom(room) => write!(f, "you are in {room}; /room {room} talks there"),
            Self::WrongKey(room) => write!(f, "{room} needs its key: /join {room} KEY"),
            Self::RoomFull(room) => write!(f, "{room} is full; try again later"),
            Self::PlainNotAdmitted(room) => write!(
                f,
                "{room} admits encrypted connections only; use the parlour client"
            ),
            Self::NoHistory(room) => write!(f, "{room} keeps no history"),
            Self::NotOwner(room) => write!(f, "only an owner of {room} may do that"),
            Self::NotModerator(room) => {
                write!(f, "only a moderator or an owner of {room} may do that")
            }
            Self::Muted { room, left } => {
                write!(f, "you may not speak in {room}{}", Still(*left))
            }
            Self::Banned { room, left, why } => {
                let why = why
                    .as_ref()
                    .map_or(String::new(), |why| format!(" ({why})"));
                let left = Still(*left);
                match room {
                    Some(room) => write!(f, "you are banned from {room}{left}{why}"),
                    None => write!(f, "you are banned from this server{left}{why}"),
                }
            }
            Self::TooManyInRoom { max } => {
                write!(f, "a room has at most {max} of those; remove one first")
            }
            Self::RoomStays(room) => write!(f, "{room} always stays"),
            _ => return None,
        })
    }
}

impl fmt::Display for Refusal {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a test shows one of each")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(words) = self.fixed_words() {
            return f.write_str(words);
        }
        if let Some(done) = self.fmt_about_room(f) {
            return done;
        }
        match self {
            Self::File(refusal) => write!(f, "{refusal}"),
            Self::UnknownCommand { word } => write!(
                f,
                "/{word} is no command; /help lists them, //{word} says it as text"
            ),
            Self::Usage { usage } => write!(f, "write it like this: {usage}"),
            Self::BadName(error) | Self::BadRoomName(error) => write!(f, "{error}; try another"),
            Self::NameTaken(name) => write!(f, "{name} is taken; try another name"),
            Self::NameReserved(name) => write!(f, "{name} is reserved; try another name"),
            Self::NameHeld(name) => write!(
                f,
                "{name} is held for somebody who was here within the last day; try another name"
            ),
            Self::NoSuchPerson(name) => {
                write!(f, "nobody called {name} is here; /names lists who is")
            }
            Self::TooManyJoined { max } => {
                write!(
                    f,
                    "you are in {max} rooms, which is the most; /leave one first"
                )
            }
            Self::TooManyOwned { max } => write!(f, "you own {max} rooms, which is the most"),
            Self::TooManyIgnored { max } => {
                write!(
                    f,
                    "you ignore {max} people, which is the most; /unignore one first"
                )
            }
            Self::NotIgnored(name) => {
                write!(f, "you do not ignore {name}; /ignore lists whom you do")
            }
            Self::TextTooLong { max } => {
                write!(f, "a message has at most {max} bytes; send it in parts")
            }
            Self::TooManyLines { max } => {
                write!(f, "a message has at most {max} lines; send it in parts")
            }
            Self::TooManyUnacknowledged { max } => {
                write!(
                    f,
                    "{max} of your messages wait to be stored; wait for some of them"
                )
            }
            _ => self.fmt_about_account(f),
        }
    }
}

impl Refusal {
    /// The words of a refusal about an account.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a test shows one of each")]
    fn fmt_about_account(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginLater { wait } => {
                write!(
                    f,
                    "too many tries; the next one is looked at in {}",
                    Left(*wait)
                )
            }
            Self::BadPassword { max } => write!(f, "a password has 1 to {max} bytes; try another"),
            Self::NameIsAccount(name) => {
                write!(f, "{name} is an account's name; /login {name} takes it")
            }
            Self::NoSuchAccount(name) => write!(f, "there is no account called {name}"),
            Self::TooManyKeys { max } => {
                write!(
                    f,
                    "an account has at most {max} keys; /keys remove one first"
                )
            }
            Self::NothingToLift(name) => {
                write!(
                    f,
                    "nothing like that is in force against {name}; /bans lists what is"
                )
            }
            Self::Outranked(name) => {
                write!(
                    f,
                    "{name} may do as much here as you, or more; ask somebody above both of you"
                )
            }
            Self::InboxFull(name) => {
                write!(
                    f,
                    "too much waits for {name} already; try again when they were here"
                )
            }
            _ => unreachable!("every other refusal has words elsewhere"),
        }
    }
}

/// For how long something still holds; nothing when it holds for good.
struct Still(Option<Duration>);

impl fmt::Display for Still {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |left| write!(f, " for another {}", Left(left)))
    }
}
