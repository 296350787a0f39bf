//! Commands: what is asked of the chat.

use super::records::{Measure, PasswordHash};
use super::{EntryId, Epoch, RoomId, Token, TokenHash};
use std::time::Duration;

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
    /// Choose a password; it is asked for. Makes a guest's name an account.
    Password,
    /// Log in to an account; the password is asked for.
    Login {
        /// Which.
        name: &'a str,
    },
    /// List the client keys that let in without a password, or change them.
    Keys(KeyChange<'a>),
    /// List everybody who is connected.
    Users {
        /// Only names that begin so.
        prefix: Option<&'a str>,
    },
    /// End a room, with everything that was said in it.
    CloseRoom {
        /// Which.
        room: &'a str,
    },
    /// Find what was said.
    Search {
        /// Words, and `from:`, `in:` and `after:`.
        query: &'a str,
    },
    /// Let somebody into a room without its key.
    Invite {
        /// Which room; the current one when absent.
        room: Option<&'a str>,
        /// Whom.
        name: &'a str,
    },
    /// Remove, silence or keep out.
    Sanction {
        /// What is done.
        measure: Measure,
        /// Where.
        place: Place<'a>,
        /// To whom.
        name: &'a str,
        /// For how long; a kick has none, for good when absent.
        duration: Option<Duration>,
        /// What is said of it.
        why: Option<&'a str>,
    },
    /// Undo a mute or a ban.
    Lift {
        /// What is undone.
        measure: Measure,
        /// Where.
        place: Place<'a>,
        /// For whom.
        name: &'a str,
    },
    /// List the bans and mutes.
    Bans {
        /// Where.
        place: Place<'a>,
    },
    /// Give or take the right to moderate.
    Appoint {
        /// Whether it is given.
        is_given: bool,
        /// Where.
        place: Place<'a>,
        /// To whom.
        name: &'a str,
    },
    /// Tell everybody something.
    Announce {
        /// What.
        text: &'a str,
    },
    /// Show the activity log.
    Log {
        /// Whose; everybody's when absent.
        name: Option<&'a str>,
    },
    /// Show how the server is doing.
    Stats,
    /// Read the configuration again.
    Reload,
    /// Stop the server.
    Shutdown {
        /// What everybody is told.
        why: Option<&'a str>,
    },
    /// Leave the server.
    Quit {
        /// What others are told.
        text: Option<&'a str>,
    },
}

/// Where a measure or a right holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a room; the current one when absent.
    Room(Option<&'a str>),
    /// On the whole server.
    Server,
}

/// What is done about the client keys of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange<'a> {
    /// They are listed.
    List,
    /// The key of this connection is enrolled.
    Add,
    /// A key is enrolled no longer; the one of this connection when absent.
    Remove(Option<&'a str>),
}

/// What an operator asks for from outside, over the data folder's control socket.
#[derive(Clone, Debug)]
pub enum Administer<'a> {
    /// Give an account a password; makes the account if there is none of that name.
    SetPassword {
        /// Whose.
        name: &'a str,
        /// Already hashed.
        hash: PasswordHash,
    },
    /// Give or take the right to administer the server.
    Grant {
        /// Whose.
        name: &'a str,
        /// Whether it is given.
        is_given: bool,
    },
    /// End an account.
    RemoveAccount {
        /// Which.
        name: &'a str,
    },
    /// Take back what was said.
    Erase {
        /// In which room.
        room: &'a str,
        /// Which entry.
        id: EntryId,
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
    /// What the secret hashes to; sessions that outlasted a restart are found by it.
    pub hash: TokenHash,
    /// The newest entry had from each room, inboxes included.
    pub positions: Vec<(RoomId, EntryId)>,
}
