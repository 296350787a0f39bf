//! News: everything a front can hear of, in the order in which it happened.
//!
//! Both fronts, the terminal and the pipe, are told the same and decide what to show of it.

use crate::chat::{EntryId, MessageKey, Name, RoomName, SecretPrompt};
use crate::crypto::handshake::PublicKey;
use crate::crypto::record::CloseCode;
use crate::wire::message::EntryView;

/// Where news go.
pub type Outlet<'o> = dyn FnMut(News<'_>) + 'o;

/// One thing that happened, lending its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// The server has proven to hold this key. Nothing goes on until it is accepted.
    ServerKey(PublicKey),
    /// The session has begun or goes on.
    Welcome {
        /// What one is called.
        name: Name,
        /// Whether the session before goes on.
        resumed: bool,
        /// Whether the server has lost the history that one knew.
        history_reset: bool,
    },
    /// The server wants a name.
    AskName,
    /// The server wants something that must not be shown while it is typed.
    AskSecret(SecretPrompt),
    /// A password that was typed has opened the account of that name.
    LoggedIn(Name),
    /// A room is entered; its history follows.
    Entered {
        /// Which.
        room: RoomName,
        /// What it is about.
        topic: Option<&'a str>,
    },
    /// A room is left.
    Exited(RoomName),
    /// Where plain text goes from now on.
    Current(Option<RoomName>),
    /// What one is called from now on.
    Renamed(Name),
    /// An answer or a notice of the server.
    Notice(&'a str),
    /// One of one's messages was carried out; if it was to be kept, it is stored.
    Acknowledged {
        /// Which.
        key: MessageKey,
        /// Its place, if it has one.
        stored: Option<EntryId>,
        /// Where it went; none for the inbox, and for what has no place.
        room: Option<RoomName>,
    },
    /// Something was refused.
    Refused {
        /// Which of one's messages, if it was one.
        key: Option<MessageKey>,
        /// What, why, and what to do.
        text: &'a str,
        /// Whether it was one of one's messages, not the hello.
        of_command: bool,
    },
    /// A private message is stored.
    Sent {
        /// Who gets it.
        to: Name,
        /// What they say of being away.
        away: Option<&'a str>,
    },
    /// A message was not sent, or may not have been: the session it was said in is over.
    NotSent {
        /// Which.
        key: MessageKey,
        /// What was typed.
        text: &'a str,
        /// Whether it may have arrived.
        in_doubt: bool,
    },
    /// What was before has been shown.
    ReplayEnd {
        /// Where; none for the inbox.
        room: Option<RoomName>,
        /// How many entries.
        count: u64,
    },
    /// Entries are gone that were not shown.
    Missed {
        /// Where; none for the inbox.
        room: Option<RoomName>,
        /// How many.
        count: u64,
    },
    /// A session was begun anew, and what was shown of the room does not reach back to what was
    /// known of it.
    Passed(RoomName),
    /// The server's last words.
    Bye(Option<&'a str>),
    /// Something happened in a room.
    Entry {
        /// Where; none for the inbox.
        room: Option<RoomName>,
        /// Whether it was before one came, or while the connection was lost.
        past: bool,
        /// Whether one did it oneself.
        own: bool,
        /// What.
        entry: EntryView<'a>,
    },
    /// The server has ended its direction.
    Closed(CloseCode),
    /// One frame, decoded, for the curious.
    Trace(&'a str),
    /// There is no connection; when the next attempt begins, if there is one.
    Apart(Apart<'a>),
}

/// Why there is no connection, and whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart<'a> {
    /// What happened, in words.
    pub why: &'a str,
    /// How long until the next attempt.
    pub again_after: Option<std::time::Duration>,
}
