//! Records: what outlives the process, as the chat begins with it and the store keeps it.
//!
//! The chat owns the truth and hands the store whole records, each replacing the former one of the
//! same id. So the store decides nothing, and what is on disk is always a state the chat was in.

use super::super::name::{Name, RoomName};
use super::{ClientKey, EntryId, Epoch, RoomId, SessionId};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An account. Never reused within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

/// A kick, mute or ban. Never reused within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SanctionId(pub u64);

/// A password as it is kept: an Argon2id PHC string, which says its own parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub Arc<str>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// The hash of a session's token, by which a session is found again without its secret being kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 16]);

/// Who something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Somebody with an account; it stays.
    Account(AccountId),
    /// A guest's session; it goes with it.
    Session(SessionId),
}

/// What somebody may do in a room beside talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Remove and silence people, invite, set the topic.
    Moderator,
    /// All that, and settings, roles and the end of the room.
    Owner,
}

/// Somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its number.
    pub id: AccountId,
    /// What it is called now.
    pub name: Name,
    /// Its password; without one only an enrolled key lets in.
    pub password: Option<PasswordHash>,
    /// Client keys that let in without a password, and since when each is enrolled, milliseconds
    /// since 1970. At most `limits::KEYS_PER_ACCOUNT_MAX`.
    pub keys: Vec<(ClientKey, u64)>,
    /// Whether it administers the server.
    pub is_admin: bool,
    /// When it was made, milliseconds since 1970.
    pub since_unix_ms: u64,
    /// When it was last here, milliseconds since 1970.
    pub seen_unix_ms: u64,
    /// Where its private messages are.
    pub inbox: Option<RoomId>,
    /// The newest entry of its inbox when it was last here; what is newer is waiting.
    pub inbox_read: EntryId,
    /// The rooms it is in, in the order in which it came; it is brought back into them.
    pub rooms: Vec<RoomId>,
    /// Where its plain text goes.
    pub current: Option<RoomId>,
    /// Whom it does not want to see.
    pub ignored: Vec<Name>,
}

/// A room with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its number.
    pub id: RoomId,
    /// What it is called.
    pub name: RoomName,
    /// What it is about.
    pub topic: Option<Arc<str>>,
    /// The word one needs to enter.
    pub key: Option<Arc<str>>,
    /// How many it admits.
    pub limit: Option<u32>,
    /// Whether it is left out of lists.
    pub is_hidden: bool,
    /// Whether it admits those who come through the plain door.
    pub admits_plain: bool,
    /// Whether its log is shown to newcomers.
    pub has_history: bool,
    /// The guest who made it, if a guest did; such a room goes with its last member.
    pub guest: Option<SessionId>,
    /// Who may do more than talk.
    pub roles: Vec<(AccountId, Role)>,
    /// Accounts that may enter without the key; at most `limits::INVITED_PER_ROOM_MAX`.
    pub invited: Vec<AccountId>,
}

/// Somebody's private messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxRecord {
    /// Its number, of the same row as rooms'.
    pub id: RoomId,
    /// Whose it is.
    pub owner: Owner,
}

/// What is done to somebody who misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Removed, and free to come back.
    Kick,
    /// Present but not heard.
    Mute,
    /// Removed and kept out.
    Ban,
}

/// Whom a measure hits: everybody who shares one of these marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// What they were called then, for people to read.
    pub name: Name,
    /// Their account, if they had one; then the other marks are absent, unless they got it later.
    pub account: Option<AccountId>,
    /// Their session, if they were a guest.
    pub session: Option<SessionId>,
    /// Where they came from, if they were a guest: an IPv4 address, or the /64 of an IPv6 one.
    pub source: Option<IpAddr>,
    /// Their client's key, if it showed one.
    pub key: Option<ClientKey>,
}

/// A measure: who, what, why, until when, and undone by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanctionRecord {
    /// Its number.
    pub id: SanctionId,
    /// What.
    pub measure: Measure,
    /// In which room; on the whole server when absent.
    pub room: Option<RoomId>,
    /// Whom it hits.
    pub culprit: Culprit,
    /// Who decided it.
    pub by: Name,
    /// What they said of it.
    pub why: Option<Arc<str>>,
    /// Since when, milliseconds since 1970.
    pub since_unix_ms: u64,
    /// Until when; for good when absent.
    pub until_unix_ms: Option<u64>,
    /// Who undid it, and when.
    pub lifted: Option<(Name, u64)>,
}

/// A session of an account that may be resumed after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// What its token hashes to.
    pub token: TokenHash,
    /// Whose it is.
    pub account: AccountId,
    /// When it was last known to be in use, milliseconds since 1970; it is forgotten
    /// `limits::ACCOUNT_RESUME_AGE_MAX` later.
    pub seen_unix_ms: u64,
}

/// One durable change. Changes and messages are carried out in the order of submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A room is made or is different.
    PutRoom(RoomRecord),
    /// An inbox is made, or belongs to somebody else: a guest who took an account.
    PutInbox(InboxRecord),
    /// A room or an inbox ends, with everything that was said in it.
    RemoveRoom(RoomId),
    /// An account is made or is different.
    PutAccount(AccountRecord),
    /// An account ends: its sessions, its inbox and its roles with it. Its name stays reserved
    /// for `limits::ACCOUNT_NAME_RESERVED`.
    RemoveAccount(AccountId),
    /// A measure is taken or undone.
    PutSanction(SanctionRecord),
    /// A session of an account begins, or was used.
    PutSession(SessionRecord),
    /// A session of an account has ended for good.
    RemoveSession(TokenHash),
    /// What was said is taken back: the text is gone, the place stays.
    Erase(RoomId, EntryId),
}

/// What the store holds of a room's or inbox's entries. Ids are dense from `first` to `newest`;
/// none are held when `newest` is before `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The oldest entry still held.
    pub first: EntryId,
    /// The newest entry ever stored; 0 when there never was one.
    pub newest: EntryId,
    /// The time of the newest, milliseconds since 1970; 0 when there never was one.
    pub newest_unix_ms: u64,
}

impl Extent {
    /// The extent of a room in which nothing was said.
    pub const EMPTY: Self = Self {
        first: EntryId(1),
        newest: EntryId(0),
        newest_unix_ms: 0,
    };
}

/// What waits in an account's inbox from one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// In whose inbox.
    pub account: AccountId,
    /// From whom.
    pub from: Name,
    /// How many messages.
    pub count: u32,
    /// Bytes of their texts together.
    pub bytes: u64,
}

/// Everything a chat begins with.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which history this is.
    pub epoch: Epoch,
    /// The rooms there are.
    pub rooms: Vec<(RoomRecord, Extent)>,
    /// The inboxes there are.
    pub inboxes: Vec<(InboxRecord, Extent)>,
    /// The accounts there are.
    pub accounts: Vec<AccountRecord>,
    /// Names of accounts that ended or were renamed, and since when each is free, milliseconds
    /// since 1970. Only those that are still reserved.
    pub retired: Vec<(Name, u64)>,
    /// Measures that are in force.
    pub sanctions: Vec<SanctionRecord>,
    /// Sessions of accounts that may still be resumed.
    pub sessions: Vec<SessionRecord>,
    /// What waits for accounts that were away.
    pub waiting: Vec<Waiting>,
    /// The first id of rooms and inboxes that was never used.
    pub rooms_from: RoomId,
    /// The first id of accounts that was never used.
    pub accounts_from: AccountId,
    /// The first id of measures that was never used.
    pub sanctions_from: SanctionId,
}

impl Snapshot {
    /// A history in which nothing has happened.
    pub fn empty(epoch: Epoch) -> Self {
        Self {
            epoch,
            rooms: Vec::new(),
            inboxes: Vec::new(),
            accounts: Vec::new(),
            retired: Vec::new(),
            sanctions: Vec::new(),
            sessions: Vec::new(),
            waiting: Vec::new(),
            rooms_from: RoomId(2),
            accounts_from: AccountId(1),
            sanctions_from: SanctionId(1),
        }
    }
}
