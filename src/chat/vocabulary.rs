//! The vocabulary: every command, entry, input, event, effect, record, job and outcome there is.
//!
//! These are the words in which the modules speak to each other. `wire` turns bytes into them and
//! back, `chat` decides over them, `fanout`, `store` and `net` carry out what they say. Reading
//! this file is the shortest way to learn what the server does.

mod activity;
mod commands;
mod files;
mod records;
mod work;

pub use activity::*;
pub use commands::*;
pub use files::*;
pub use records::*;
pub use work::*;

use super::name::{Name, RoomName};
use super::refusal::Refusal;
use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

// --- Ids ---

/// A connection: its place in the slab, and which of that place's users it is.
///
/// A generation is never used twice for a slot, so what is said about a closed connection can
/// never reach the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    /// Index into the slab.
    pub slot: u32,
    /// How often that slot has been used before.
    pub generation: u32,
}

/// A room, or a person's inbox. Never reused within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

/// The place of a stored entry in its room: dense, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

/// A session: one client's stay, which may outlast a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// The sender's own random number for one message (`client_id` on the wire).
///
/// It comes back in the acknowledgement, and a message sent again with the same one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(pub u64);

/// A request over the control socket, to which an answer goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Which job an outcome answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which history this is: random per data folder, new on restore and at every ephemeral start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(pub [u8; 16]);

/// The secret with which a client takes its session over again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub [u8; 16]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The fingerprint of a client's static key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(pub [u8; 20]);

/// The time, read once per turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since an arbitrary start; never goes back.
    pub monotonic: Duration,
    /// Milliseconds since 1970; may jump.
    pub unix_ms: u64,
}

// --- Connections ---

/// Through which door a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Encrypted, spoken by the bundled client.
    Sealed,
    /// Plain lines of text.
    Line,
}

/// What the shell knows of a connection when it opens.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Through which door.
    pub door: Door,
    /// From where.
    pub source: IpAddr,
    /// Whether that place is exempt from rates.
    pub trusted: bool,
    /// The key the client has proven to hold, if it showed a persistent one.
    pub key: Option<ClientKey>,
    /// A fresh random secret for the session, should one begin.
    pub token: Token,
    /// What it hashes to.
    pub hash: TokenHash,
    /// Whether passwords may be spoken on it: it is encrypted or never leaves the machine, or the
    /// operator allows it.
    pub takes_passwords: bool,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The peer said goodbye, or ended its input in the way its door provides for.
    Left,
    /// The connection broke; the word says how, as others see it.
    Lost(Loss),
}

/// How a connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The peer's system reset it, or cut it without a goodbye.
    Reset,
    /// Nothing was heard for too long.
    Silent,
    /// The peer accepted no byte for too long.
    TooSlow,
    /// What came was not the protocol.
    Protocol,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::TooSlow => "too slow",
            Self::Protocol => "protocol error",
        })
    }
}

/// Why the server closes a connection; sealed links carry it in their CLOSE record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Everything is said.
    Done,
    /// A record could not be opened.
    RecordError,
    /// The server is stopping.
    Stopping,
    /// The session goes on over another connection.
    TakenOver,
    /// The client reads too slowly.
    TooSlow,
    /// The client was removed.
    Removed,
}

// --- Entries ---

/// One thing that happened in a room, in the order in which everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, if it is stored. Arrivals and the like have none.
    pub id: Option<EntryId>,
    /// When, milliseconds since 1970; never smaller than that of the entry before it.
    pub unix_ms: u64,
    /// Who did it, under the name of that moment. In an inbox: the other side.
    pub author: Name,
    /// From which connection it came; its own words are not echoed through the line door.
    pub origin: Option<ClientId>,
    /// What.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Somebody said something.
    Said(Arc<str>),
    /// Somebody did something (`/me`).
    Acted(Arc<str>),
    /// In an inbox: the author wrote this to its owner.
    Received(Arc<str>),
    /// In an inbox: its owner wrote this to the author.
    Sent(Arc<str>),
    /// Somebody offers a file.
    Offered(Arc<Offer>),
    /// Somebody arrived.
    Joined {
        /// How many are here now.
        here: u32,
    },
    /// Somebody went.
    Left {
        /// How long they were here.
        after: Duration,
        /// How they went.
        how: Parting,
        /// What they said of it.
        why: Option<Arc<str>>,
    },
    /// Somebody was removed.
    Kicked {
        /// By whom.
        by: Name,
        /// What they said of it.
        why: Option<Arc<str>>,
    },
    /// Somebody changed their name.
    Renamed {
        /// What they are called now.
        to: Name,
    },
    /// Somebody set the topic.
    Topic(Arc<str>),
    /// In a large room: how many came and went since the last count.
    Counted {
        /// How many came.
        arrived: u32,
        /// How many went.
        departed: u32,
        /// How many are here now.
        here: u32,
    },
}

impl Body {
    /// Whether entries of this kind are stored, and so have an id.
    pub fn is_stored(&self) -> bool {
        match self {
            Self::Said(_)
            | Self::Acted(_)
            | Self::Received(_)
            | Self::Sent(_)
            | Self::Offered(_) => true,
            Self::Joined { .. }
            | Self::Left { .. }
            | Self::Kicked { .. }
            | Self::Renamed { .. }
            | Self::Topic(_)
            | Self::Counted { .. } => false,
        }
    }
}

// --- What goes in ---

/// Everything that can happen to the chat.
pub enum Input<'a> {
    /// A connection has come through its door; it has no name yet.
    Opened(ClientId, Arrival),
    /// A sealed client says who it is.
    Hello(ClientId, Hello<'a>),
    /// A line came through the line door, without its line end.
    Line(ClientId, &'a str),
    /// A sealed client sent a command; the key comes back in the answer.
    Command(ClientId, MessageKey, Command<'a>),
    /// A sealed client sent a command as its user typed it; the key comes back in the answer.
    Run(ClientId, MessageKey, &'a str),
    /// A sealed client answers what it was asked in secret; the key comes back in the answer.
    Secret(ClientId, MessageKey, &'a str),
    /// An operator asks for something over the control socket.
    Administer(RequestId, Administer<'a>),
    /// The peer will send nothing more; what it sent is still carried out and answered.
    EndOfInput(ClientId),
    /// The connection is gone.
    Closed(ClientId, Parting),
    /// A worker has answered.
    Outcome(Outcome),
    /// The store has more or less space than before.
    Space(Space),
    /// The time of [`crate::chat`]'s next deadline has come.
    Tick,
    /// The server begins to stop: nothing new is accepted.
    Stop,
}

/// Says nothing of what was typed: it may be a password.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(client, arrival) => write!(f, "Opened({client:?}, {arrival:?})"),
            Self::Hello(client, hello) => write!(f, "Hello({client:?}, {hello:?})"),
            Self::Line(client, _) => write!(f, "Line({client:?}, ..)"),
            Self::Command(client, key, command) => {
                write!(f, "Command({client:?}, {key:?}, {command:?})")
            }
            Self::Run(client, key, _) => write!(f, "Run({client:?}, {key:?}, ..)"),
            Self::Secret(client, key, _) => write!(f, "Secret({client:?}, {key:?}, ..)"),
            Self::Administer(request, task) => write!(f, "Administer({request:?}, {task:?})"),
            Self::EndOfInput(client) => write!(f, "EndOfInput({client:?})"),
            Self::Closed(client, parting) => write!(f, "Closed({client:?}, {parting:?})"),
            Self::Outcome(outcome) => write!(f, "Outcome({outcome:?})"),
            Self::Space(space) => write!(f, "Space({space:?})"),
            Self::Tick => f.write_str("Tick"),
            Self::Stop => f.write_str("Stop"),
        }
    }
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a paused input must be offered again"]
pub enum Verdict {
    /// It was dealt with, be it by a refusal.
    Taken,
    /// Nothing was done; it must be offered again, first thing from that client.
    Paused(Pause),
}

/// What a paused client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// It spoke faster than its rate; its next input is taken at that time.
    Until(Duration),
    /// The journal is full, or has not stored yet what the same person said before a question; any
    /// answer of the journal may change that.
    Journal,
    /// The password worker has what it said before; any answer of that worker may be about it.
    Password,
}

// --- What comes out ---

/// Everything the chat can ask for. Carried out in order.
#[derive(Debug)]
pub enum Effect {
    /// Tell one client something, beside all rooms.
    Reply(ClientId, Event),
    /// Something for the rooms' logs and those who read them.
    Room(RoomOrder),
    /// Work for a worker.
    Submit(Job),
    /// What a client typed ahead is thrown away.
    Discard(ClientId),
    /// A client has its name: the limits of the nameless end for it.
    Named(ClientId),
    /// Deliver everything published and owed to a client by now, then this, then close.
    Finish(ClientId, Option<Event>, Close),
    /// Close a client as soon as the entry begun is finished.
    Expel(ClientId, Close),
    /// A line for the activity log.
    Record(Activity),
    /// The answer to a request over the control socket: what was done, or why not.
    Administered(RequestId, Result<Arc<str>, Arc<str>>),
    /// Something only the shell can do; it answers the client itself.
    Operate(Operation),
    /// Something for the bytes of files.
    File(FileOrder),
}

/// What the chat asks for the rooms' logs and those who read them.
#[derive(Debug)]
pub enum RoomOrder {
    /// A room, or an inbox (which has no name), begins.
    Found {
        /// Which.
        room: RoomId,
        /// What it is called.
        name: Option<RoomName>,
        /// Whether its log is shown to newcomers.
        history: bool,
        /// What the store holds of it.
        extent: Extent,
    },
    /// A room keeps history from now on, or no longer.
    Keep {
        /// Which.
        room: RoomId,
        /// Whether its log is shown to newcomers.
        history: bool,
    },
    /// What was said is taken back: it is shown to nobody who has not had it.
    Erase(RoomId, EntryId),
    /// A room ends; it has no members.
    Dissolve(RoomId),
    /// An entry becomes visible to a room's members.
    Publish(RoomId, Entry),
    /// A client receives a room's log from now on, and some of what was before.
    Join {
        /// Which.
        room: RoomId,
        /// Who.
        client: ClientId,
        /// Where it begins.
        from: From,
        /// What it is told when it has reached what is new.
        greeting: Option<Event>,
    },
    /// A client receives nothing more of a room, but for the rest of a begun entry.
    Leave {
        /// Which.
        room: RoomId,
        /// Who.
        client: ClientId,
    },
    /// A member is shown what was before, once, beside what is new.
    Replay {
        /// Which.
        room: RoomId,
        /// Who.
        client: ClientId,
        /// How far back.
        from: From,
    },
    /// Whose entries are kept from a client, replacing the former list.
    Ignore(ClientId, Arc<[Name]>),
}

/// What an administrator asks for that only the shell can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Tell how the server is doing.
    Stats(ClientId, Option<MessageKey>),
    /// Read the configuration again, and tell what changed.
    Reload(ClientId, Option<MessageKey>),
    /// Show the newest lines of the activity log, of one name or of all.
    Log(ClientId, Option<MessageKey>, Option<Name>),
    /// Stop the server; everybody is told why.
    Shutdown(Option<Arc<str>>),
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest so many stored entries.
    Newest(usize),
    /// Whatever is as new as this, milliseconds since 1970.
    Since(u64),
    /// Whatever came after this entry.
    After(EntryId),
}

/// Effects in the order in which they must be carried out.
pub type Effects = VecDeque<Effect>;

/// What one client is told, beside what happens in rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The line door's first words, and how long what is said in the lobby is kept.
    Banner(Kept),
    /// A name is wanted.
    AskName,
    /// Something secret is wanted; it is not shown while it is typed.
    AskSecret(SecretPrompt),
    /// Sealed clients: the session has begun or goes on.
    Welcome(Welcome),
    /// Sealed clients: a room is entered; its entries follow.
    Entered {
        /// Its id; entries carry the low 32 bits.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Its topic, if it has one.
        topic: Option<Arc<str>>,
    },
    /// Sealed clients: one's inbox, into which private messages come.
    Inbox(RoomId),
    /// Sealed clients: a room is left; nothing more comes from it.
    Exited(RoomId),
    /// Sealed clients: where plain text goes from now on; nowhere when absent.
    Current(Option<RoomId>),
    /// Sealed clients: what one is called now.
    Renamed(Name),
    /// An answer or a notice, in one line or several.
    Notice(Arc<str>),
    /// What a search found, newest last. Each text is on one line; they are bounded together.
    Found(Arc<[Hit]>),
    /// The last command was refused.
    Refused(Option<MessageKey>, Refusal),
    /// A message is stored: the acknowledgement.
    Stored {
        /// The sender's number for it.
        key: MessageKey,
        /// Where it went.
        room: RoomId,
        /// Its place there.
        id: EntryId,
        /// For a private message: who got it, and what they say of being away.
        sent: Option<Sent>,
    },
    /// Sealed clients: a command that stores nothing was carried out.
    Done(MessageKey),
    /// From the fan-out, to sealed clients: a replay that was asked for begins. Up to its end the
    /// room's entries are shown once more, and say nothing of how far the client has come.
    ReplayBegin {
        /// Which room.
        room: RoomId,
    },
    /// From the fan-out: so many earlier entries were shown, and what follows is new.
    ReplayEnd {
        /// Which room.
        room: RoomId,
        /// How many.
        count: u64,
    },
    /// From the fan-out: so many entries are gone and were not shown.
    Missed {
        /// Which room.
        room: RoomId,
        /// How many.
        count: u64,
    },
    /// Sealed clients: something about the bytes of a file.
    File(FileEvent),
    /// From the shell: are you there?
    Ping,
    /// The last words.
    Bye(Option<Arc<str>>),
}

/// One thing a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// In which room; in one's inbox when absent.
    pub room: Option<RoomName>,
    /// What was said.
    pub entry: Entry,
}

/// Which secret is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPrompt {
    /// The password of the account of that name, to log in.
    Login(Name),
    /// The account's password as it is, before it is changed.
    Current,
    /// The new password.
    New,
    /// The new password once more.
    Again,
}

/// How long what is said is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// On disk.
    Stored,
    /// As long as the server runs.
    InMemory,
    /// Not at all.
    No,
}

/// What a sealed client must know to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The history this is.
    pub epoch: Epoch,
    /// The secret with which the session is resumed.
    pub token: Token,
    /// What the client is called.
    pub name: Name,
    /// Whether the session it asked for goes on; if not, a new one began.
    pub resumed: bool,
}

/// To whom a private message went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Who got it.
    pub to: Name,
    /// What they say of being away, if they are.
    pub away: Option<Arc<str>>,
}
