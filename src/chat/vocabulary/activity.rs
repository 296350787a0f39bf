//! Activity: what an operator may read later of who did what.

use super::super::name::{Name, RoomName};
use super::files::{FileEnd, FileId};
use super::records::Measure;
use super::{ClientId, Door, Loss};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// One line of the activity log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When, milliseconds since 1970.
    pub unix_ms: u64,
    /// From which connection, if from one.
    pub client: Option<ClientId>,
    /// Who, under the name of that moment; nobody has a name before it is given.
    pub who: Option<Name>,
    /// What.
    pub deed: Deed,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Somebody got a name.
    Came {
        /// From where.
        source: IpAddr,
        /// Through which door.
        door: Door,
        /// Whether it is an account's.
        has_account: bool,
        /// Whether a session goes on.
        resumed: bool,
    },
    /// A password was wrong, or the name was no account's.
    LoginFailed {
        /// From where.
        source: IpAddr,
        /// The name that was tried.
        name: Name,
    },
    /// Somebody went.
    Went {
        /// After how long.
        after: Duration,
        /// How the connection broke, if it did.
        lost: Option<Loss>,
    },
    /// Somebody entered a room.
    Joined(RoomName),
    /// Somebody left a room.
    Left(RoomName),
    /// Somebody is called otherwise.
    Renamed {
        /// How.
        to: Name,
    },
    /// Somebody said something; only when the operator wants that kept.
    Said {
        /// Where; to a person when absent.
        room: Option<RoomName>,
        /// To whom, when in private.
        to: Option<Name>,
        /// What.
        text: Arc<str>,
    },
    /// A room was made.
    Created(RoomName),
    /// A room was ended by somebody.
    Closed(RoomName),
    /// A room's setting or topic was changed.
    Set {
        /// Which room.
        room: RoomName,
        /// What, in words.
        what: Arc<str>,
    },
    /// Somebody was removed, silenced or kept out.
    Sanctioned {
        /// What.
        measure: Measure,
        /// Where; on the whole server when absent.
        room: Option<RoomName>,
        /// Whom.
        name: Name,
        /// Why.
        why: Option<Arc<str>>,
        /// For how long; for good when absent.
        duration: Option<Duration>,
    },
    /// That was undone.
    Lifted {
        /// What.
        measure: Measure,
        /// Where; on the whole server when absent.
        room: Option<RoomName>,
        /// For whom.
        name: Name,
    },
    /// A right was given or taken.
    Appointed {
        /// Where; on the whole server when absent.
        room: Option<RoomName>,
        /// Whose.
        name: Name,
        /// Whether it was given.
        is_given: bool,
    },
    /// Something about an account: made, removed, a password or key changed.
    Account {
        /// Whose.
        name: Name,
        /// What, in a word or two.
        what: &'static str,
    },
    /// Something about a file that is offered.
    File(FileActivity),
    /// Something about the server: started, stopped, configuration read, announcement.
    Server {
        /// What, in words.
        what: Arc<str>,
    },
}

/// Something about a file that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileActivity {
    /// Its number.
    pub file: FileId,
    /// What it is called.
    pub name: Arc<str>,
    /// How long it is.
    pub bytes: u64,
    /// Who offers it.
    pub of: Name,
    /// What.
    pub what: FileDeed,
}

/// What was done about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileDeed {
    /// It was offered.
    Offered {
        /// Where; to a person when absent.
        room: Option<RoomName>,
        /// To whom, when to a person.
        to: Option<Name>,
    },
    /// Somebody was given the last of it.
    Fetched,
    /// Somebody does not want it; what was for that person alone is gone with it.
    Refused,
    /// It is gone.
    Ended(FileEnd),
}
