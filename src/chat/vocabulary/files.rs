//! Files: what is offered, what is asked for its bytes, and what is said of them.
//!
//! An offer is an entry like any other; its bytes go beside the chat. A file is a log of bytes:
//! whoever offered it appends, whoever fetches it is a place in it that moves forward. Both are
//! told up to where they may go, so nobody is sent more than it takes.

use super::super::name::{Name, RoomName};
use super::super::refusal::SpoolFailure;
use super::records::AccountId;
use super::{ClientId, ClientKey, MessageKey, RoomId, RoomRef, SessionId};
use std::fmt;
use std::sync::Arc;

/// The number of an offer. Never reused within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u64);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// SHA-256 of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// A number of bytes as people read it: `2.1 MB`.
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1_000 {
            return write!(f, "{} B", self.0);
        }
        // Tenths of the unit, rounded down, so that it is never said to be more than it is.
        let (mut tenths, mut unit) = (self.0 / 100, 0);
        while tenths >= 10_000 {
            (tenths, unit) = (tenths / 1_000, unit + 1);
        }
        write!(f, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// What is asked of the chat about files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileCommand<'a> {
    /// Offer one.
    Offer {
        /// In which room; the current one when this and `to` are absent.
        room: Option<RoomRef<'a>>,
        /// To whom.
        to: Option<&'a str>,
        /// What it is called.
        name: &'a str,
        /// How long it is.
        bytes: u64,
        /// What it hashes to, if that is known.
        digest: Option<Digest>,
    },
    /// Send on the bytes of one's own offer.
    SendOn(FileId),
    /// Fetch one.
    Fetch {
        /// Which.
        file: FileId,
        /// The first byte that is wanted.
        offset: u64,
        /// The first byte that must not be sent yet.
        until: u64,
    },
    /// Tell what there is.
    List {
        /// Whether in words, for people.
        in_words: bool,
    },
    /// Say that one does not want it.
    Refuse(FileId),
    /// Take back one's own offer.
    Cancel(FileId),
    /// Something that the bundled client does by itself.
    ByClient,
}

/// What stands in a room's log, or in an inbox, of a file that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its number.
    pub file: FileId,
    /// What it is called: one line without control characters, to be made safe by who saves it.
    pub name: Arc<str>,
    /// How long it is.
    pub bytes: u64,
    /// What it hashes to, if that was known when it was offered.
    pub digest: Option<Digest>,
    /// To whom.
    pub way: Way,
}

/// To whom something is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To everybody in the room.
    ToRoom,
    /// In an inbox: the author offers it to its owner.
    Received,
    /// In an inbox: its owner offers it to the author.
    Sent,
}

/// Who offers a file, or to whom: whoever shares a mark with it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// What it was called then.
    pub name: Name,
    /// Its account, if it has one; then nothing else counts.
    pub account: Option<AccountId>,
    /// Its session, if it is a guest.
    pub session: Option<SessionId>,
    /// The key its client showed, if it is a guest; the same person comes back with it.
    pub key: Option<ClientKey>,
}

impl Party {
    /// Whether both are the same person.
    pub fn is(&self, other: &Self) -> bool {
        let same_account = self.account.is_some() && self.account == other.account;
        let are_guests = self.account.is_none() && other.account.is_none();
        let same_session = self.session.is_some() && self.session == other.session;
        let same_key = self.key.is_some() && self.key == other.key;
        same_account || are_guests && (same_session || same_key)
    }
}

/// Where something is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferPlace {
    /// In a room, to who is in it when it is fetched.
    Room(RoomId),
    /// To one person.
    Person(Party),
}

/// An offer as it is kept beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferRecord {
    /// Its number.
    pub file: FileId,
    /// Who offers it.
    pub by: Party,
    /// To whom.
    pub place: OfferPlace,
    /// What it is called.
    pub name: Arc<str>,
    /// How long it is.
    pub bytes: u64,
    /// What it hashes to; known at the latest when all of it is there.
    pub digest: Option<Digest>,
    /// Since when, milliseconds since 1970.
    pub since_unix_ms: u64,
    /// Whether all of it is there.
    pub is_whole: bool,
}

/// What the chat asks for the bytes of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Make a place for a file; answered by [`FileOutcome::Opened`].
    Open(Box<OfferRecord>),
    /// Take the file's bytes from a client, from where they end.
    Take {
        /// From whom.
        client: ClientId,
        /// The number of its command.
        key: Option<MessageKey>,
        /// Which file.
        file: FileId,
    },
    /// Give a client the file's bytes.
    Give(Give),
    /// The file is no longer offered: it vanishes, and who sends or fetches it is told why.
    Remove(FileId, FileEnd),
}

/// A client that may fetch a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Give {
    /// To whom.
    pub client: ClientId,
    /// The number of its command.
    pub key: Option<MessageKey>,
    /// Which file.
    pub file: FileId,
    /// In which room it must be to go on.
    pub room: Option<RoomId>,
    /// Who offers it.
    pub from: Name,
    /// What it is called.
    pub name: Arc<str>,
    /// The first byte it wants.
    pub offset: u64,
    /// Up to where it takes them.
    pub until: u64,
}

/// What became of the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOutcome {
    /// There is a place for it, or why not.
    Opened(FileId, Result<(), SpoolFailure>),
    /// All of it is there, and what it hashes to by its sender's word.
    Whole(FileId, Digest),
    /// A client was given the last of it.
    Fetched(FileId, ClientId),
    /// It will never be whole: what was sent is not what was offered, or the disk failed.
    Spoilt(FileId, FileEnd),
}

/// Why a file is no longer sent or fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEnd {
    /// Whoever offered it took it back.
    Cancelled,
    /// Whoever it was offered to does not want it.
    Refused,
    /// It was kept for as long as this server keeps files, or its room is gone.
    Expired,
    /// The disk is nearly full; what is there stays.
    DiskFull,
    /// The disk failed.
    Failed,
    /// What was sent is not what was offered.
    Spoilt,
    /// The client may not have it any more: it left the room.
    NotAllowed,
    /// The same person sends or fetches it over another connection now.
    TakenOver,
}

impl fmt::Display for FileEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "it was taken back",
            Self::Refused => "it is not wanted",
            Self::Expired => "it is no longer kept",
            Self::DiskFull => "the server's disk is nearly full; send on later",
            Self::Failed => "the server could not read or write it; try again",
            Self::Spoilt => "what was sent is not what was offered; offer it again",
            Self::NotAllowed => "it was offered in a room that you are not in",
            Self::TakenOver => "it goes on over another connection",
        })
    }
}

/// What a sealed client is told of the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEvent {
    /// Bytes are taken: so many are there, and they may be sent up to there.
    Take {
        /// The number of the command that this answers; absent when it only lets more come.
        key: Option<MessageKey>,
        /// Which file.
        file: FileId,
        /// How many are there; the next one to be sent after an answer.
        have: u64,
        /// The first byte that must not be sent yet.
        until: u64,
    },
    /// All bytes are there for good.
    Kept(FileId),
    /// Bytes follow.
    Give {
        /// The number of the command that this answers.
        key: Option<MessageKey>,
        /// Which file.
        file: FileId,
        /// Who offers it.
        from: Name,
        /// What it is called.
        name: Arc<str>,
        /// How long it is.
        bytes: u64,
        /// The first byte that follows.
        offset: u64,
    },
    /// All bytes were given.
    Whole {
        /// Which file.
        file: FileId,
        /// How long it is.
        bytes: u64,
        /// What it hashes to, by its sender's word.
        digest: Digest,
    },
    /// It goes no further.
    Over(FileId, FileEnd),
    /// One line of a list.
    Listed(FileListing),
}

/// A file that one may fetch, or offers oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileListing {
    /// Its number.
    pub file: FileId,
    /// Who offers it.
    pub from: Name,
    /// In which room.
    pub room: Option<RoomName>,
    /// To whom, when not in a room.
    pub to: Option<Name>,
    /// Whether one offers it oneself.
    pub is_own: bool,
    /// What it is called.
    pub name: Arc<str>,
    /// How long it is.
    pub bytes: u64,
    /// What it hashes to, as far as that is known.
    pub digest: Option<Digest>,
    /// Whether all of it is there.
    pub is_whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_people_read() {
        let sizes = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (2_199_999, "2.1 MB"),
            (4_294_967_297, "4.2 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, words) in sizes {
            assert_eq!(Size(bytes).to_string(), words);
        }
    }

    #[test]
    fn who_shares_a_mark_is_the_same_but_an_account_is_no_guest() {
        let guest = |session, key: Option<u8>| Party {
            name: Name::parse("bob").unwrap(),
            account: None,
            session: Some(SessionId(session)),
            key: key.map(|byte| ClientKey([byte; 20])),
        };
        let account = Party {
            account: Some(AccountId(1)),
            ..guest(1, Some(1))
        };
        assert!(guest(1, None).is(&guest(1, None)));
        assert!(guest(1, Some(1)).is(&guest(2, Some(1))));
        assert!(!guest(1, None).is(&guest(2, None)));
        assert!(!guest(1, Some(1)).is(&guest(2, Some(2))));
        assert!(account.is(&account));
        assert!(!account.is(&guest(1, Some(1))));
    }
}
