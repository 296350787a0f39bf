//! The conversation: what the client knows across connections, and what it still owes.
//!
//! Its name, its rooms with the newest entry had from each, the secret with which the session is
//! resumed, and every message that the server has not yet acknowledged. A message stays here
//! until then and is sent again, under the same key, on the connection after a lost one; the
//! server recognises the key, so it is stored once. Pure: frames in, frames and [`News`] out.

mod unacknowledged;

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroize;

use self::unacknowledged::Unacknowledged;
pub use self::unacknowledged::What;
use super::news::{News, Outlet};
use crate::buffer::ByteQueue;
use crate::chat::Welcome;
use crate::chat::{
    EntryId, Epoch, Hello, MessageKey, Name, Resume, RoomId, RoomName, SecretPrompt, Token,
    TokenHash,
};
use crate::crypto::token;
use crate::limits::UNACKNOWLEDGED_MAX;
use crate::wire::message::{
    ClientMessage, EntryView, FileAnswer, FileRequest, SentView, ServerMessage,
    TIME_BASE_UNIX_SECONDS, encode_client, room_handle,
};

/// What the user wants, said by each hello.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The name to be called by; no hello is said without one.
    pub name: Option<Name>,
    /// The room to enter instead of the lobby.
    pub room: Option<RoomName>,
}

/// One room the client is in, or its inbox.
#[derive(Debug)]
struct Room {
    id: RoomId,
    /// None for the inbox.
    name: Option<RoomName>,
    /// The newest stored entry had from it.
    position: Option<EntryId>,
    /// Whether what comes was before one came.
    replaying: bool,
    /// Whether what comes is shown once more, because it was asked for.
    shown_again: bool,
    /// Whether the history of a session begun anew is being shown: only what was not had before is.
    is_caught_up: CaughtUp,
}

/// How what is shown of a room reaches back to what was had from it before the session was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaughtUp {
    /// It was not known before.
    Unknown,
    /// All that has come so far is new.
    NotYet,
    /// Something has come that was had before.
    Reached,
}

/// How far one is on the way into the room that was wished for.
///
/// The hello asks for it; but a session that is taken over stays where it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Approach {
    /// The hello is all that was said of it.
    None,
    /// A command asks for it.
    Asked(MessageKey),
    /// It was refused; somebody must decide.
    Refused,
}

/// What goes on however often the connection is lost.
pub struct Conversation {
    wish: Wish,
    /// What one is called, once the server has said so.
    name: Option<Name>,
    session: Option<(Epoch, Token)>,
    /// By handle, as entries name them.
    rooms: BTreeMap<u32, Room>,
    current: Option<RoomId>,
    unacknowledged: Unacknowledged,
    /// Own entries announced by their acknowledgement, whose entry has not come yet.
    own: BTreeSet<(u32, EntryId)>,
    /// Whether the server of this connection has said welcome.
    is_welcome: bool,
    /// Whether what waits may be sent: one is where one wanted to be.
    is_ready: bool,
    approach: Approach,
    /// The secret that the server waits for.
    asked: Option<SecretPrompt>,
    /// The secret that was given and is not answered yet. What it was is not kept: after a lost
    /// connection it is asked for again.
    given: Option<(MessageKey, SecretPrompt)>,
    /// The rooms of a session that is over, the one that was current last.
    rejoin: Vec<RoomName>,
    /// The newest entry had from each room of a session that is over.
    known: BTreeMap<RoomId, EntryId>,
    /// Whether this connection's session goes on from one before.
    is_resumed: bool,
    /// Why the server says that it ends.
    goodbye: Option<String>,
    /// Added to the time of each entry.
    time_shift_seconds: i64,
    /// What was asked about files on this connection and is not answered.
    file_keys: BTreeSet<MessageKey>,
    /// Frames for the server, not sealed yet.
    pub outgoing: ByteQueue,
    /// Whether a secret is among them.
    pub has_secret: bool,
    trace: bool,
}

impl Conversation {
    /// A conversation that has not begun. `key_seed` is random; message keys are drawn from it.
    pub fn new(wish: Wish, key_seed: u64, trace: bool) -> Self {
        Self {
            wish,
            name: None,
            session: None,
            rooms: BTreeMap::new(),
            current: None,
            unacknowledged: Unacknowledged::new(key_seed),
            own: BTreeSet::new(),
            is_welcome: false,
            is_ready: false,
            approach: Approach::None,
            asked: None,
            given: None,
            rejoin: Vec::new(),
            known: BTreeMap::new(),
            is_resumed: false,
            goodbye: None,
            time_shift_seconds: 0,
            file_keys: BTreeSet::new(),
            outgoing: ByteQueue::new(),
            has_secret: false,
            trace,
        }
    }

    /// What one is called, or wants to be.
    pub fn name(&self) -> Option<Name> {
        self.name.or(self.wish.name)
    }

    /// The room where plain text goes.
    pub fn current_room(&self) -> Option<RoomName> {
        let handle = room_handle(self.current?);
        self.rooms.get(&handle)?.name
    }

    /// The rooms one is in, as far as they have names.
    pub fn rooms(&self) -> impl Iterator<Item = RoomName> {
        self.rooms.values().filter_map(|room| room.name)
    }

    /// Why the server of this connection has said goodbye, if it gave a reason.
    pub fn goodbye(&self) -> Option<&str> {
        self.goodbye.as_deref()
    }

    /// Whether the server has said welcome on this connection.
    pub fn is_welcome(&self) -> bool {
        self.is_welcome
    }

    /// Messages that are not acknowledged.
    pub fn unacknowledged_count(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Whether another message may be said now; if not, it waits for acknowledgements.
    pub fn has_room(&self) -> bool {
        self.unacknowledged.has_room()
    }

    /// Chooses the name for the next hello.
    pub fn choose_name(&mut self, name: Name) {
        self.wish.name = Some(name);
        // The one that was had before is not to be had any more.
        self.name = None;
    }

    /// Makes do with the room one was let into instead of the one that was wished for.
    pub fn give_up_room(&mut self, heard: &mut Outlet<'_>) {
        self.wish.room = None;
        if self.is_welcome {
            self.begin_to_send(heard);
        }
    }

    /// The connection is gone, and with it whatever was not sealed yet.
    pub fn disconnected(&mut self) {
        self.forget_unsealed();
        self.is_welcome = false;
        self.is_ready = false;
        self.approach = Approach::None;
        self.asked = None;
        self.given = None;
        self.file_keys.clear();
        self.goodbye = None;
    }

    /// Says who one is, with what is needed to go on where one was.
    pub fn say_hello(&mut self, heard: &mut Outlet<'_>) {
        let Some(name) = self.name() else {
            return;
        };
        let room = self.wish.room;
        let resume = self.session.map(|(epoch, token)| Resume {
            epoch,
            token,
            hash: TokenHash(token::hash(&token.0)),
            positions: self
                .rooms
                .values()
                .filter_map(|room| Some((room.id, room.position?)))
                .collect(),
        });
        let hello = Hello {
            name: Some(name.as_str()),
            room: room.as_ref().map(RoomName::as_str),
            resume,
        };
        self.send(&ClientMessage::Hello(hello), heard);
    }

    /// Says `text` in the current room, now or as soon as there is a connection. The key comes back
    /// with the answer.
    pub fn say(&mut self, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        // While a command is under way only the server knows which room is current.
        let room = match self.unacknowledged.has_command() {
            true => None,
            false => self.current,
        };
        let text = text.to_owned();
        self.add(What::Say { room, text }, heard)
    }

    /// Says `text` in `room`, whichever is current.
    pub fn say_in(&mut self, room: RoomName, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        let known = self.rooms.values().find(|known| known.name == Some(room));
        match known.map(|room| room.id) {
            Some(id) => {
                let (room, text) = (Some(id), text.to_owned());
                self.add(What::Say { room, text }, heard)
            }
            // A command before this one may be about to enter it.
            None => self.run(&format!("/say {room} {text}"), heard),
        }
    }

    /// Writes `text` to one person.
    pub fn tell(&mut self, to: Name, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        let text = text.to_owned();
        self.add(What::Tell { to, text }, heard)
    }

    /// Runs `line` as a command, now or as soon as there is a connection.
    pub fn run(&mut self, line: &str, heard: &mut Outlet<'_>) -> MessageKey {
        let line = line.to_owned();
        self.add(What::Run { line }, heard)
    }

    /// Gives the secret that was asked for; an empty one says that there will be none. Tells
    /// whether it is still waited for; if not, nothing is sent.
    pub fn give_secret(&mut self, text: &str, heard: &mut Outlet<'_>) -> bool {
        let Some(prompt) = self.asked.take() else {
            return false;
        };
        let key = self.unacknowledged.draw_key();
        self.given = (!text.is_empty()).then_some((key, prompt));
        if self.trace {
            heard(News::Trace(&format!("> Secret {{ key: {key:?}, .. }}")));
        }
        self.has_secret = true;
        self.encode(&ClientMessage::Secret { key, text });
        true
    }

    /// Whether one is where one wanted to be, so that files may be asked about.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// The room of that name, if one is in it.
    pub fn room_named(&self, name: RoomName) -> Option<RoomId> {
        let mut rooms = self.rooms.values();
        rooms
            .find(|room| room.name == Some(name))
            .map(|room| room.id)
    }

    /// A number for something that is asked about a file; its answer is told by it.
    pub fn draw_file_key(&mut self) -> MessageKey {
        let key = self.unacknowledged.draw_key();
        self.file_keys.insert(key);
        key
    }

    /// Asks something about a file, on this connection only: what is not answered on it must be
    /// asked again.
    pub fn ask_file(&mut self, request: &FileRequest<'_>, heard: &mut Outlet<'_>) {
        match request {
            // Its bytes are nothing to look at.
            FileRequest::Chunk { .. } => {
                self.encode(&ClientMessage::File(request.clone()));
            }
            FileRequest::Offer { .. }
            | FileRequest::SendOn { .. }
            | FileRequest::Uploaded { .. }
            | FileRequest::Fetch { .. }
            | FileRequest::More { .. }
            | FileRequest::Stop { .. }
            | FileRequest::Files { .. } => self.send(&ClientMessage::File(request.clone()), heard),
        }
    }

    /// Some answers about files say themselves which command they answer.
    fn file_answered(&mut self, answer: &FileAnswer<'_>) {
        if let FileAnswer::Take { key: Some(key), .. } | FileAnswer::Give { key: Some(key), .. } =
            answer
        {
            self.file_keys.remove(key);
        }
    }

    fn add(&mut self, what: What, heard: &mut Outlet<'_>) -> MessageKey {
        let key = self.unacknowledged.add(what);
        if self.is_ready {
            self.transmit(key, heard);
        }
        key
    }

    /// Encodes an unacknowledged message for this connection.
    fn transmit(&mut self, key: MessageKey, heard: &mut Outlet<'_>) {
        let Some(what) = self.unacknowledged.mark_sent(key) else {
            return;
        };
        let message = what.message(key);
        trace(self.trace, '>', &message, heard);
        self.outgoing
            .append_with(|out| encode_client(&message, out));
    }

    fn send(&mut self, message: &ClientMessage<'_>, heard: &mut Outlet<'_>) {
        trace(self.trace, '>', message, heard);
        self.encode(message);
    }

    fn encode(&mut self, message: &ClientMessage<'_>) {
        self.outgoing.append_with(|out| encode_client(message, out));
    }

    /// Forgets what was to be sent and is not sealed.
    pub fn forget_unsealed(&mut self) {
        if std::mem::take(&mut self.has_secret) {
            self.outgoing.pending_mut().zeroize();
        }
        self.outgoing.clear();
    }

    /// Takes in one message of the server.
    pub fn take_in(&mut self, message: &ServerMessage<'_>, heard: &mut Outlet<'_>) {
        trace(self.trace, '<', message, heard);
        match *message {
            ServerMessage::Welcome {
                ref welcome,
                time_base_unix_seconds,
            } => {
                self.time_shift_seconds = time_base_unix_seconds
                    .wrapping_sub(TIME_BASE_UNIX_SECONDS)
                    .cast_signed();
                self.welcomed(welcome, heard);
            }
            ServerMessage::AskName => self.asked(None, heard),
            ServerMessage::AskSecret(prompt) => self.asked(Some(prompt), heard),
            ServerMessage::Entered { room, name, topic } => {
                self.entered(room, Some(name));
                heard(News::Entered { room: name, topic });
            }
            ServerMessage::Inbox(room) => self.entered(room, None),
            ServerMessage::Exited(room) => {
                let left = self.rooms.remove(&room_handle(room));
                if let Some(name) = left.and_then(|room| room.name) {
                    heard(News::Exited(name));
                }
            }
            ServerMessage::Current(room) => {
                self.current = room;
                heard(News::Current(self.current_room()));
                self.approach_wished_room(heard);
            }
            ServerMessage::Renamed(name) => {
                self.name = Some(name);
                heard(News::Renamed(name));
            }
            ServerMessage::Notice(text) => heard(News::Notice(text)),
            ServerMessage::Refused { key, text, .. } => self.refused(key, text, heard),
            ServerMessage::Stored {
                key,
                room,
                id,
                sent,
            } => self.stored(key, room, id, sent, heard),
            ServerMessage::Done(key) => self.done(key, heard),
            ServerMessage::ReplayBegin { room } => {
                if let Some(room) = self.rooms.get_mut(&room_handle(room)) {
                    room.shown_again = true;
                }
            }
            ServerMessage::ReplayEnd { room, count } => self.end_replay(room, count, heard),
            ServerMessage::Missed { room, count } => {
                let room = self.name_of(room_handle(room));
                heard(News::Missed { room, count });
            }
            ServerMessage::Ping => self.send(&ClientMessage::Pong, heard),
            ServerMessage::Bye(why) => {
                self.unacknowledged.settle_goodbye();
                self.goodbye = why.map(str::to_owned);
                heard(News::Bye(why));
            }
            ServerMessage::File(ref answer) => {
                self.file_answered(answer);
                heard(News::File(answer));
            }
            ServerMessage::Entry(entry) => self.entry(entry, heard),
        }
    }

    fn done(&mut self, key: MessageKey, heard: &mut Outlet<'_>) {
        if self.file_keys.remove(&key) {
            return heard(News::FileDone(key));
        }
        if self.unacknowledged.settle(key) {
            heard(News::Acknowledged {
                key,
                stored: None,
                room: None,
            });
        }
        if self.given.is_some_and(|(given, _)| given == key) {
            self.secret_taken(heard);
        }
        if self.approach == Approach::Asked(key) {
            self.begin_to_send(heard);
        }
    }

    /// The server asks for a secret, or for a name: then the secret before was not the right one.
    fn asked(&mut self, prompt: Option<SecretPrompt>, heard: &mut Outlet<'_>) {
        self.asked = prompt;
        self.given = None;
        heard(prompt.map_or(News::AskName, News::AskSecret));
    }

    /// The secret that was given was the right one.
    fn secret_taken(&mut self, heard: &mut Outlet<'_>) {
        match self.given.take() {
            Some((_, SecretPrompt::Login(name))) => heard(News::LoggedIn(name)),
            Some((_, SecretPrompt::Current | SecretPrompt::New | SecretPrompt::Again)) | None => {}
        }
    }

    fn refused(&mut self, key: Option<MessageKey>, text: &str, heard: &mut Outlet<'_>) {
        if let Some(key) = key.filter(|key| self.file_keys.remove(key)) {
            return heard(News::FileRefused { key, text });
        }
        self.given = self.given.filter(|(given, _)| Some(*given) != key);
        if let Some(key) = key {
            self.unacknowledged.settle(key);
        }
        let asked = match self.approach {
            Approach::Asked(asked) => key == Some(asked),
            Approach::None | Approach::Refused => false,
        };
        let of_hello = !self.is_ready && (key.is_none() || asked);
        if of_hello && self.is_welcome {
            self.approach = Approach::Refused;
        }
        let of_command = !of_hello;
        heard(News::Refused {
            key,
            text,
            of_command,
        });
    }

    fn welcomed(&mut self, welcome: &Welcome, heard: &mut Outlet<'_>) {
        let before = self.session.replace((welcome.epoch, welcome.token));
        self.is_welcome = true;
        self.is_resumed = welcome.resumed;
        self.name = Some(welcome.name);
        let same_history = before.is_none_or(|(epoch, _)| epoch == welcome.epoch);
        if !welcome.resumed {
            self.rejoin = self.begin_anew(same_history);
            for (key, what, in_doubt) in self
                .unacknowledged
                .drop_lost(before.is_some(), same_history)
            {
                heard(News::NotSent {
                    key,
                    text: what.text(),
                    in_doubt,
                });
            }
        }
        heard(News::Welcome {
            name: welcome.name,
            resumed: welcome.resumed,
            history_reset: !same_history,
        });
        self.secret_taken(heard);
        // What was meant for another room than the first must not end up in that one.
        if welcome.resumed || (self.wish.room.is_none() && self.rejoin.is_empty()) {
            self.begin_to_send(heard);
        }
    }

    /// Asks for the room that was wished for if the hello has led elsewhere.
    fn approach_wished_room(&mut self, heard: &mut Outlet<'_>) {
        if self.is_ready || !self.is_welcome || self.approach != Approach::None {
            return;
        }
        let Some(wished) = self.wish.room else {
            return self.begin_to_send(heard);
        };
        if self.current_room() == Some(wished) {
            return self.begin_to_send(heard);
        }
        let word = match self.is_in(wished) {
            true => "/room",
            false => "/join",
        };
        let line = format!("{word} {wished}");
        let key = self.unacknowledged.add_first(What::Run { line });
        self.approach = Approach::Asked(key);
        self.transmit(key, heard);
    }

    /// Sends everything that is not acknowledged, once per connection.
    fn begin_to_send(&mut self, heard: &mut Outlet<'_>) {
        if std::mem::replace(&mut self.is_ready, true) {
            return;
        }
        for line in self.rejoining().into_iter().rev() {
            self.unacknowledged.add_first(What::Run { line });
        }
        for key in self.unacknowledged.keys() {
            if self.approach != Approach::Asked(key) {
                self.transmit(key, heard);
            }
        }
    }

    /// The commands that lead back to where one was.
    fn rejoining(&mut self) -> Vec<String> {
        let rooms = std::mem::take(&mut self.rejoin);
        let current = rooms.last().copied();
        let mut lines: Vec<_> = rooms
            .into_iter()
            .filter(|room| !self.is_in(*room))
            .map(|room| format!("/join {room}"))
            .collect();
        // Entering a room makes it current.
        if let Some(current) = current
            && self.is_in(current)
            && !lines.is_empty()
        {
            lines.push(format!("/room {current}"));
        }
        lines
    }

    fn is_in(&self, name: RoomName) -> bool {
        self.rooms.values().any(|room| room.name == Some(name))
    }

    /// Forgets the rooms of a session that does not go on; returns their names, the one that
    /// was current last.
    fn begin_anew(&mut self, same_history: bool) -> Vec<RoomName> {
        let current = self.current.take().map(room_handle);
        let rooms = std::mem::take(&mut self.rooms);
        let had = |room: &Room| Some((room.id, room.position?));
        self.known.extend(rooms.values().filter_map(had));
        let mut named: Vec<_> = rooms
            .into_iter()
            .filter_map(|(handle, room)| Some((Some(handle) == current, room.name?)))
            .collect();
        self.own.clear();
        if !same_history {
            self.known.clear();
            // Its rooms are gone with it; only what the server keeps by itself is there.
            return Vec::new();
        }
        named.sort_by_key(|&(is_current, _)| is_current);
        named.into_iter().map(|(_, name)| name).collect()
    }

    fn entered(&mut self, id: RoomId, name: Option<RoomName>) {
        let known = self.known.remove(&id);
        let room = self.rooms.entry(room_handle(id)).or_insert(Room {
            id,
            name,
            position: known,
            replaying: false,
            shown_again: false,
            is_caught_up: match known {
                Some(_) => CaughtUp::NotYet,
                None => CaughtUp::Unknown,
            },
        });
        room.name = name;
        room.shown_again = false;
        room.replaying = true;
    }

    fn end_replay(&mut self, room: RoomId, count: u64, heard: &mut Outlet<'_>) {
        let Some(room) = self.rooms.get_mut(&room_handle(room)) else {
            return heard(News::ReplayEnd { room: None, count });
        };
        room.replaying = false;
        room.shown_again = false;
        let caught_up = std::mem::replace(&mut room.is_caught_up, CaughtUp::Unknown);
        let name = room.name;
        if let (CaughtUp::NotYet, Some(room)) = (caught_up, name)
            && count > 0
        {
            heard(News::Passed(room));
        }
        heard(News::ReplayEnd { room: name, count });
    }

    fn stored(
        &mut self,
        key: MessageKey,
        room: RoomId,
        id: EntryId,
        sent: Option<SentView<'_>>,
        heard: &mut Outlet<'_>,
    ) {
        let ours = self.unacknowledged.settle(key);
        let handle = room_handle(room);
        let had = self.rooms.get(&handle).and_then(|room| room.position);
        if ours && had.is_none_or(|had| had < id) {
            self.own.insert((handle, id));
            if self.own.len() > UNACKNOWLEDGED_MAX {
                self.own.pop_first();
            }
        }
        if let Some(SentView { to, away }) = sent {
            heard(News::Sent { to, away });
        }
        if ours {
            heard(News::Acknowledged {
                key,
                stored: Some(id),
                room: self.name_of(handle),
            });
        }
    }

    fn entry(&mut self, mut entry: EntryView<'_>, heard: &mut Outlet<'_>) {
        entry.unix_seconds = entry
            .unix_seconds
            .saturating_add_signed(self.time_shift_seconds);
        let Some(room) = self.rooms.get_mut(&entry.room) else {
            // Of a room that was just left; it was on its way.
            return;
        };
        // One's own words are had already, unless they are asked for.
        let acknowledged = !room.shown_again
            && entry
                .id
                .is_some_and(|id| self.own.remove(&(entry.room, id)));
        // What is not newer than what was had is shown again because it was asked for.
        let again = room.shown_again || entry.id.is_some_and(|id| Some(id) <= room.position);
        if again && !room.shown_again && room.is_caught_up != CaughtUp::Unknown {
            // The history of a room that was known before the session was lost.
            room.is_caught_up = CaughtUp::Reached;
            return;
        }
        if let Some(id) = entry.id
            && !room.shown_again
        {
            room.position = room.position.max(Some(id));
        }
        let past = again || room.replaying;
        if past && entry.id.is_none() {
            // Who came and went is of no interest afterwards.
            return;
        }
        // While a session goes on, what one's own name said is one's own.
        let in_session = !past || (self.is_resumed && !again);
        let own = acknowledged || (in_session && Some(entry.author) == self.name);
        heard(News::Entry {
            room: room.name,
            past,
            own,
            entry,
        });
    }

    fn name_of(&self, handle: u32) -> Option<RoomName> {
        self.rooms.get(&handle)?.name
    }
}

/// Tells of a frame, decoded, if that is wanted. Secrets in it have no printed form.
fn trace(wanted: bool, direction: char, message: &impl std::fmt::Debug, heard: &mut Outlet<'_>) {
    if wanted {
        heard(News::Trace(&format!("{direction} {message:?}")));
    }
}
