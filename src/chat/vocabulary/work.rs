//! Work: what is done outside the loop, and what is answered.
//!
//! Three workers, each the sole owner of one kind of blocking work: the journal writes, the reader
//! reads what is no longer in memory, the password worker hashes. The first two answer in the order
//! of submission, the password worker in the order of submission of each source; among them there
//! is no order.

use super::super::name::Name;
use super::super::refusal::{Refusal, StoreFailure};
use super::files::FileOutcome;
use super::records::{Change, PasswordHash, TokenHash};
use super::{Body, ClientId, Entry, EntryId, From, MessageKey, RoomId, SessionId, Ticket, Token};
use std::fmt;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// Blocking work, done outside the loop.
#[derive(Clone, Debug)]
pub enum Job {
    /// For the journal.
    Write(Write),
    /// For the reader.
    Search(Search),
    /// For the password worker.
    Password(PasswordJob),
}

/// What the journal is given. All that is queued is stored together or not at all.
#[derive(Clone, Debug)]
pub enum Write {
    /// Store one message.
    Append(Append),
    /// Change a record.
    Change {
        /// Comes back in the outcome.
        ticket: Ticket,
        /// What.
        change: Change,
    },
}

impl Write {
    /// What comes back in the outcome.
    pub fn ticket(&self) -> Ticket {
        match self {
            Self::Append(append) => append.ticket,
            Self::Change { ticket, .. } => *ticket,
        }
    }
}

/// One message to be stored, in one room or in both inboxes of a conversation.
#[derive(Clone, Debug)]
pub struct Append {
    /// Comes back in the outcome.
    pub ticket: Ticket,
    /// Who sent it and under which number, for recognising a retry.
    pub sender: (SessionId, MessageKey),
    /// The room and what is stored there.
    pub row: (RoomId, Entry),
    /// The second inbox of a private message.
    pub second: Option<(RoomId, Entry)>,
}

impl Append {
    /// Bytes it counts for against `limits::JOURNAL_BYTES_MAX`.
    pub fn bytes(&self) -> usize {
        let text = |body: &Body| match body {
            Body::Said(text) | Body::Acted(text) | Body::Received(text) | Body::Sent(text) => {
                text.len()
            }
            Body::Topic(text) => text.len(),
            Body::Offered(offer) => offer.name.len(),
            Body::Joined { .. }
            | Body::Left { .. }
            | Body::Kicked { .. }
            | Body::Renamed { .. }
            | Body::Counted { .. } => 0,
        };
        text(&self.row.1.body)
    }
}

/// A search of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Comes back in the outcome.
    pub ticket: Ticket,
    /// Where: the rooms and the inbox the asker may read.
    pub rooms: Vec<RoomId>,
    /// Words that must all be in the text; none finds everything that `from` said.
    pub words: Vec<Box<str>>,
    /// Only what was said under this name.
    pub from: Option<Name>,
    /// Only what is as new as this, milliseconds since 1970.
    pub since_unix_ms: Option<u64>,
    /// The newest so many; at most `limits::SEARCH_HITS_MAX`.
    pub hits_max: usize,
}

/// A password to be checked or hashed.
#[derive(Clone, Debug)]
pub struct PasswordJob {
    /// Comes back in the outcome.
    pub ticket: Ticket,
    /// Who waits for it; one at a time for each connection.
    pub client: ClientId,
    /// From where, for fairness: sources take turns.
    pub source: IpAddr,
    /// The text as it was typed; it is normalised by the worker.
    pub password: Secret,
    /// What is to be done with it.
    pub task: PasswordTask,
    /// The secret of the session that waits. It is hashed, too: if the session becomes an
    /// account's by this, it is remembered.
    pub token: Token,
}

/// A password that somebody typed: wiped when it is dropped, and never shown.
#[derive(Clone)]
pub struct Secret(pub Zeroizing<String>);

impl Secret {
    /// A copy of what was typed.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is to be done with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordTask {
    /// Compare it; an account that does not exist is compared with a hash that nothing matches, so
    /// that it takes as long.
    Check(Option<PasswordHash>),
    /// Hash it, with the parameters of today.
    Hash,
    /// There is none: a key lets the session in, whose token alone is hashed.
    Token,
}

/// Entries that are no longer in memory, wanted by readers. Asked for by the fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Of which room or inbox.
    pub room: RoomId,
    /// Where it begins.
    pub from: From,
    /// Where it ends at the latest: before this entry. What is wanted of `From::Newest` is
    /// counted back from here.
    pub before: EntryId,
}

/// The answer: entries in order, at most `limits::PAGE_BYTES_MAX` of texts but at least one entry
/// if there is any.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries. Those that were taken back are not among them.
    pub entries: Vec<Entry>,
    /// For `From::After`: how many of the entries wanted are gone, all of them before the first
    /// one here. Those taken back do not count.
    pub missed: u64,
    /// Whether there is nothing more before `before`.
    pub is_last: bool,
}

/// What a worker answers. First in, first out within one kind of job.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The message is stored and survives whatever comes.
    Stored {
        /// Which job.
        ticket: Ticket,
        /// Its place in the row's room.
        id: EntryId,
        /// Its place in the second inbox.
        second: Option<EntryId>,
        /// False when it had been stored before: it must not be shown again.
        fresh: bool,
    },
    /// The record is changed for good.
    Changed(Ticket),
    /// Nothing was stored.
    NotStored {
        /// Which job.
        ticket: Ticket,
        /// Why.
        why: StoreFailure,
    },
    /// What a search found, newest last.
    Found {
        /// Which job.
        ticket: Ticket,
        /// The entries with their rooms; or why there are none.
        hits: Result<Vec<(RoomId, Entry)>, StoreFailure>,
        /// Whether there was more, or not everything could be looked at in time.
        is_cut: bool,
    },
    /// A password was compared.
    Checked {
        /// Which job.
        ticket: Ticket,
        /// Whether it is the one.
        is_right: bool,
        /// A hash of it with the parameters of today, when those of the old one are weaker.
        rehash: Option<PasswordHash>,
        /// What the token of the session hashes to.
        token: TokenHash,
    },
    /// A password was hashed.
    Hashed {
        /// Which job.
        ticket: Ticket,
        /// The hash.
        hash: PasswordHash,
        /// What the token of the session hashes to.
        token: TokenHash,
    },
    /// What became of the bytes of a file.
    File(FileOutcome),
    /// A password was neither compared nor hashed: too much waits, it cannot be a password, or the
    /// connection that it came from was closed before its turn.
    PasswordRefused {
        /// Which job.
        ticket: Ticket,
        /// What to tell who waits for it.
        why: Refusal,
    },
}

/// How much more can be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// Enough.
    #[default]
    Ample,
    /// Little: messages of guests are refused.
    Low,
    /// Hardly anything: every message is refused.
    Exhausted,
}
