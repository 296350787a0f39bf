//! Refusals: what is said to a client whose command is not carried out.
//!
//! A refusal is a value, not a failure: nothing dies of it. Its text says what, why, and what to
//! do next. Codes are part of the protocol and are never reused.

use super::name::{Name, NameError, RoomName};
use std::fmt;
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
        }
    }
}

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
            | Self::Outranked(_) => return None,
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

/// A duration as people read it: `12s`, `4m`, `3h`, `2d`, rounded down.
pub struct Ago(pub Duration);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds}s"),
            60..3_600 => write!(f, "{}m", seconds / 60),
            3_600..86_400 => write!(f, "{}h", seconds / 3_600),
            _ => write!(f, "{}d", seconds / 86_400),
        }
    }
}

/// How long something still lasts, as people read it: never less than it is by a second, and
/// otherwise to the nearest, so that ten minutes are not nine when they have just begun.
pub struct Left(pub Duration);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        let nearest = |unit: u64| (seconds + unit / 2) / unit;
        if seconds < MINUTE {
            write!(f, "{seconds}s")
        } else if nearest(MINUTE) < HOUR / MINUTE {
            write!(f, "{}m", nearest(MINUTE))
        } else if nearest(HOUR) < DAY / HOUR {
            write!(f, "{}h", nearest(HOUR))
        } else {
            write!(f, "{}d", nearest(DAY))
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
        ];
        let mut last = 0;
        for refusal in &all {
            assert!(!refusal.to_string().is_empty());
            assert!(refusal.code() > last, "{refusal} has a code of its own");
            last = refusal.code();
        }
    }

    #[test]
    fn what_is_left_is_not_said_to_be_less() {
        let left = |millis| Left(Duration::from_millis(millis)).to_string();
        assert_eq!(left(1), "1s");
        assert_eq!(left(59_001), "1m");
        assert_eq!(left(599_000), "10m");
        assert_eq!(left(3_599_000), "1h");
        assert_eq!(left(86_399_000), "1d");
        assert_eq!(left(2 * 86_400_000), "2d");
    }
}
