//! The vocabulary: every command, entry, input, event, effect, job and outcome there is.
//!
//! These are the words in which the modules speak to each other. `wire` turns bytes into them and
//! back, `chat` decides over them, `fanout`, `store` and `net` carry out what they say. Reading
//! this file is the shortest way to learn what the server does.

use super::name::{Name, RoomName};
use super::refusal::{Refusal, StoreFailure};
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

// --- Commands ---

/// What a client asks for, borrowing its text from the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Text for a room, or for the current one.
    Say {
        /// Where; the current room when absent.
        room: Option<RoomRef<'a>>,
        /// Whether it is an action (`/me`).
        action: bool,
        /// What.
        text: &'a str,
    },
    /// A private message.
    Tell {
        /// To whom.
        to: &'a str,
        /// What.
        text: &'a str,
    },
    /// A private message to whom one last had one from.
    Reply {
        /// What.
        text: &'a str,
    },
    /// Take a name, or another one.
    Nick {
        /// Which.
        name: &'a str,
    },
    /// Enter a room.
    Join {
        /// Which.
        room: &'a str,
        /// Its key word.
        key: Option<&'a str>,
    },
    /// Make a room and enter it.
    Create {
        /// Which.
        room: &'a str,
        /// Its key word.
        key: Option<&'a str>,
    },
    /// Leave a room.
    Leave {
        /// Which; the current one when absent.
        room: Option<&'a str>,
    },
    /// Choose where plain text goes.
    Room {
        /// Which.
        room: &'a str,
    },
    /// List who is in a room.
    Names {
        /// Which; the current one when absent.
        room: Option<&'a str>,
        /// Only names that begin so.
        prefix: Option<&'a str>,
    },
    /// Tell about a person.
    Whois {
        /// Whom.
        name: &'a str,
    },
    /// List the rooms one may see.
    Rooms {
        /// Only rooms that begin so.
        prefix: Option<&'a str>,
    },
    /// Show or set a room's topic.
    Topic {
        /// Which room; the current one when absent.
        room: Option<&'a str>,
        /// The new topic; shown when absent.
        text: Option<&'a str>,
    },
    /// Show or change a room's settings.
    Set {
        /// Which room; the current one when absent.
        room: Option<&'a str>,
        /// The setting and its value; shown when absent.
        change: Option<(&'a str, &'a str)>,
    },
    /// Be marked as away.
    Away {
        /// What those who write are told.
        text: Option<&'a str>,
    },
    /// Be here again.
    Back,
    /// Show no more of somebody, or list whom one ignores.
    Ignore {
        /// Whom; lists when absent.
        name: Option<&'a str>,
    },
    /// Show somebody again.
    Unignore {
        /// Whom.
        name: &'a str,
    },
    /// Show what was said before.
    History {
        /// Which room; the current one when absent.
        room: Option<&'a str>,
        /// How much.
        depth: Depth,
    },
    /// List the commands, or explain one.
    Help {
        /// Which.
        topic: Option<&'a str>,
    },
    /// Take an account's name; there are none here.
    Login,
    /// Leave the server.
    Quit {
        /// What others are told.
        text: Option<&'a str>,
    },
}

/// How a message names its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomRef<'a> {
    /// By name, with or without `#`.
    Name(&'a str),
    /// By id.
    Id(RoomId),
}

/// How far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The newest so many entries.
    Entries(usize),
    /// Everything since so long ago.
    Age(Duration),
}

/// A sealed client's first words: who it is, and what it had already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The name it wants.
    pub name: Option<&'a str>,
    /// The room it wants instead of the lobby.
    pub room: Option<&'a str>,
    /// The session it was in, if it was in one.
    pub resume: Option<Resume>,
}

/// A session to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The history it belongs to.
    pub epoch: Epoch,
    /// Its secret.
    pub token: Token,
    /// The newest entry had from each room, inboxes included.
    pub positions: Vec<(RoomId, EntryId)>,
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
            Self::Said(_) | Self::Acted(_) | Self::Received(_) | Self::Sent(_) => true,
            Self::Joined { .. }
            | Self::Left { .. }
            | Self::Renamed { .. }
            | Self::Topic(_)
            | Self::Counted { .. } => false,
        }
    }
}

// --- What goes in ---

/// Everything that can happen to the chat.
#[derive(Debug)]
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
    /// The peer will send nothing more; what it sent is still carried out and answered.
    EndOfInput(ClientId),
    /// The connection is gone.
    Closed(ClientId, Parting),
    /// A worker has answered.
    Outcome(Outcome),
    /// The time of [`crate::chat`]'s next deadline has come.
    Tick,
    /// The server begins to stop: nothing new is accepted.
    Stop,
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
    /// The journal is full; any answer of the journal may make room.
    Journal,
}

// --- What comes out ---

/// Everything the chat can ask for. Carried out in order.
#[derive(Debug)]
pub enum Effect {
    /// Tell one client something, beside all rooms.
    Reply(ClientId, Event),
    /// A room, or an inbox (which has no name), begins.
    Found {
        /// Which.
        room: RoomId,
        /// What it is called.
        name: Option<RoomName>,
        /// Whether its log is shown to newcomers.
        history: bool,
    },
    /// A room keeps history from now on, or no longer.
    Keep {
        /// Which.
        room: RoomId,
        /// Whether its log is shown to newcomers.
        history: bool,
    },
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
    /// From the shell: are you there?
    Ping,
    /// The last words.
    Bye(Option<Arc<str>>),
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

// --- Work ---

/// Blocking work, done outside the loop.
#[derive(Clone, Debug)]
pub enum Job {
    /// Store one message; the journal answers in the order of submission.
    Append(Append),
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
            Body::Joined { .. }
            | Body::Left { .. }
            | Body::Renamed { .. }
            | Body::Counted { .. } => 0,
        };
        text(&self.row.1.body)
    }
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
    /// Nothing was stored.
    NotStored {
        /// Which job.
        ticket: Ticket,
        /// Why.
        why: StoreFailure,
    },
}
