//! The sealed door: a real handshake, records, frames and messages, as the bundled client has them.
//!
//! Every record is decrypted and parsed, and authenticated unless the run leaves that to others:
//! see [`open_record`], the one place where records are opened. The handshake is
//! authenticated always.

use super::account::Progress;
use super::files::Files;
use super::{Heard, Persona, Surroundings, Trouble};
use parlour::chat::{EntryId, Epoch, Hello, MessageKey, Resume, RoomId, Token, TokenHash};
use parlour::crypto::fingerprint::Fingerprint;
use parlour::crypto::record::{
    CloseCode, Opened, Opener, Padding, RecordKind, Sealer, Suite, begin_record,
};
use parlour::crypto::token;
use parlour::limits::{
    MESSAGE_BYTES_MAX, RECORD_INNER_BYTES_SENT_MAX, RECORD_PREFIX_BYTES, REKEY_AFTER,
};
use parlour::wire::frame::FrameReader;
use parlour::wire::message::{
    BodyView, ClientMessage, EntryView, ServerMessage, decode_server, encode_client,
};
use parlour::wire::sealed::{ClientHandshake, Identity, Introduction};
use std::collections::VecDeque;
use std::time::Duration;

/// Content that fits one record.
const CONTENT_BYTES_MAX: usize = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;
const INTRODUCTION: Introduction<'_> = Introduction {
    features: 0,
    client_name: "loadtest",
};

/// The client's side of a sealed connection.
pub(crate) struct Sealed {
    suite: Suite,
    /// Whether the tag of each record is checked.
    verifies: bool,
    phase: Phase,
    place: Place,
    numbers: Numbers,
    // Boxed, because most connections of a large run move no file.
    files: Box<Files>,
}

/// What is numbered to be acknowledged.
#[derive(Clone, Default, Debug)]
struct Numbers {
    /// The newest number.
    last: u64,
    /// What was said and not acknowledged yet, if that is kept.
    unacknowledged: VecDeque<(MessageKey, Box<str>)>,
}

enum Phase {
    Unconnected,
    Shaking(ClientHandshake),
    // Boxed, because record states are used where they lie and a connection is mostly these.
    Talking(Box<Talking>),
}

struct Talking {
    sealer: Sealer,
    opener: Opener,
    frames: FrameReader,
}

/// Where one is and how one came there.
struct Place {
    persona: Persona,
    room: Option<RoomId>,
    joined: bool,
    /// The session, once there is one; before, the one that is asked for.
    session: Option<(Epoch, Token)>,
    /// Whether that was asked for.
    asks: bool,
    /// Whether it goes on: then what comes before the end of the replay is owed too.
    goes_on: bool,
    /// The newest message had.
    position: Option<(RoomId, EntryId)>,
    /// How far the account is that it is to have.
    progress: Progress,
}

/// What a connection leaves behind, so that another can go on where it was.
#[derive(Clone, Debug)]
pub(crate) struct Bookmark {
    session: (Epoch, Token),
    position: Option<(RoomId, EntryId)>,
    numbers: Numbers,
}

impl Sealed {
    pub(super) fn new(
        persona: Persona,
        suite: Suite,
        verifies: bool,
        bookmark: Option<Bookmark>,
    ) -> Self {
        let (session, position) = match &bookmark {
            Some(found) => (Some(found.session), found.position),
            None => (None, None),
        };
        Self {
            suite,
            verifies,
            phase: Phase::Unconnected,
            files: Box::new(Files::new(persona.fetches)),
            place: Place {
                progress: Progress::of(persona.account.as_ref()),
                persona,
                room: None,
                joined: false,
                session,
                asks: bookmark.is_some(),
                goes_on: false,
                position,
            },
            numbers: bookmark.map_or_else(Numbers::default, |found| found.numbers),
        }
    }

    pub(super) fn open(&mut self, around: &mut Surroundings<'_>, out: &mut Vec<u8>) {
        self.phase = Phase::Shaking(ClientHandshake::start(
            self.suite,
            around.entropy.key(),
            out,
        ));
    }

    pub(super) fn receive(
        &mut self,
        input: &mut [u8],
        around: &mut Surroundings<'_>,
        out: &mut Vec<u8>,
        mut hear: impl FnMut(Heard<'_>),
    ) -> Result<usize, Trouble> {
        let mut taken = 0;
        if let Phase::Shaking(handshake) = &mut self.phase {
            let mut rest = &*input;
            let Some(offer) = handshake.read_reply(&mut rest)? else {
                return Ok(input.len());
            };
            taken = input.len() - rest.len();
            let found = Fingerprint::of_server(&offer.server_key);
            if around.fingerprint.is_some_and(|wanted| wanted != found) {
                return Err(Trouble::WrongServer);
            }
            let account = self.place.persona.account.as_ref();
            let identity = match account.and_then(|account| account.key.as_deref()) {
                Some(key) => Identity::Persistent(key),
                None => Identity::Throwaway(around.entropy.key()),
            };
            let established = offer.accept(identity, INTRODUCTION, out)?;
            self.phase = Phase::Talking(Box::new(Talking {
                sealer: established.sealer.start(around.now + REKEY_AFTER),
                opener: established.opener.start(),
                frames: FrameReader::new(MESSAGE_BYTES_MAX),
            }));
            let words = self.place.introduce(&mut self.numbers.last);
            self.send(&words, around.now, out);
        }
        let Phase::Talking(talking) = &mut self.phase else {
            return Ok(taken);
        };
        let Talking { opener, frames, .. } = &mut **talking;
        let verifies = self.verifies;
        let mut words = Vec::new();
        while let Some((mut content, length)) =
            open_record(opener, verifies, &mut input[taken..], around.now)?
        {
            taken += length;
            while let Some(frame) = frames.peek(&mut content)? {
                if let Some((id, text)) = around.memo.recall(frame) {
                    self.place.take_said(id, text, &mut hear);
                } else if let Some(message) = decode_server(frame)? {
                    if let ServerMessage::Entry(entry) = &message
                        && let BodyView::Said(text) = entry.body
                    {
                        around.memo.remember(frame, entry.id, text.as_bytes());
                    }
                    if let ServerMessage::File(answer) = &message {
                        self.files.take(answer, &mut words, &mut hear)?;
                    } else {
                        if self.place.joined {
                            let last = &mut self.numbers.last;
                            self.files.overhear(&message, last, &mut words)?;
                        }
                        self.place
                            .take(message, &mut self.numbers, &mut words, &mut hear)?;
                    }
                }
                frames.consume(&mut content);
            }
        }
        if !words.is_empty() {
            self.send(&words, around.now, out);
        }
        Ok(taken)
    }

    pub(super) fn word(&mut self, text: &str, words: &mut Vec<u8>) {
        self.numbers.last += 1;
        let key = MessageKey(self.numbers.last);
        if self.place.persona.repeats {
            self.numbers.unacknowledged.push_back((key, text.into()));
        }
        self.place.say(key, text, words);
    }

    /// Appends to `words` what offers a file in the room.
    pub(super) fn offer(&mut self, bytes: u64, words: &mut Vec<u8>) {
        let room = self.place.room;
        self.files.offer(bytes, room, &mut self.numbers.last, words);
    }

    pub(super) fn send(&mut self, words: &[u8], now: Duration, out: &mut Vec<u8>) {
        let Phase::Talking(talking) = &mut self.phase else {
            return;
        };
        let sealer = &mut talking.sealer;
        for content in words.chunks(CONTENT_BYTES_MAX) {
            if sealer.rekey_due(now) {
                sealer
                    .seal_key_update(now + REKEY_AFTER, out)
                    .expect("keys are changed long before they run out");
            }
            let start = begin_record(out);
            out.extend_from_slice(content);
            sealer
                .seal(Padding::Blocks, out, start)
                .expect("nothing is said after the goodbye, and keys are changed in time");
        }
    }

    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        Some(Bookmark {
            session: self.place.session?,
            position: self.place.position,
            numbers: self.numbers.clone(),
        })
    }

    pub(super) fn leave(&mut self, out: &mut Vec<u8>) {
        if let Phase::Talking(talking) = &mut self.phase {
            // Already closed is as good.
            let _ = talking.sealer.seal_close(CloseCode::Done, out);
        }
    }
}

/// Opens the record at the front of `input`: its content, empty for a record that carries none,
/// and its length. `None` until it is whole.
fn open_record<'a>(
    opener: &mut Opener,
    verifies: bool,
    input: &'a mut [u8],
    now: Duration,
) -> Result<Option<(&'a [u8], usize)>, Trouble> {
    let opened = if verifies {
        opener.open(input, now)
    } else {
        opener.open_unverified(input, now)
    };
    let opened = opened.map_err(|error| Trouble::Unreadable(error.cause().to_owned()))?;
    match opened {
        Opened::Incomplete { .. } => Ok(None),
        Opened::Record {
            kind,
            content,
            consumed,
        } => match kind {
            RecordKind::Data => Ok(Some((&input[content], consumed))),
            RecordKind::KeyUpdate | RecordKind::Pad => Ok(Some((&[], consumed))),
            RecordKind::Close(code) => Err(code.into()),
        },
    }
}

impl Place {
    /// What is said first: who one is, and which room is wanted.
    fn introduce(&self, key: &mut u64) -> Vec<u8> {
        let mut words = Vec::new();
        let name = self.persona.name();
        let room = self.persona.room.as_deref();
        let hello = Hello {
            name: Some(&name),
            room: room.filter(|_| !self.persona.founds),
            resume: self.session.map(|(epoch, token)| Resume {
                hash: TokenHash(token::hash(&token.0)),
                epoch,
                token,
                positions: self.position.into_iter().collect(),
            }),
        };
        encode_client(&ClientMessage::Hello(hello), &mut words);
        if let (Some(room), true) = (room, self.persona.founds && !self.asks) {
            for line in [format!("/create {room}"), "/leave lobby".to_owned()] {
                *key += 1;
                let key = MessageKey(*key);
                encode_client(&ClientMessage::Run { key, line: &line }, &mut words);
            }
        }
        words
    }

    /// Takes what somebody said.
    fn take_said(&mut self, id: Option<EntryId>, text: &[u8], hear: &mut impl FnMut(Heard<'_>)) {
        self.position = self.room.zip(id).or(self.position);
        if self.joined || self.goes_on {
            hear(Heard::Said(text));
        }
    }

    fn say(&self, key: MessageKey, text: &str, words: &mut Vec<u8>) {
        let say = ClientMessage::Say {
            key,
            room: self.room,
            action: false,
            text,
        };
        encode_client(&say, words);
    }

    /// It is in its room, and has what it is to have: says once more what was not acknowledged.
    fn settle(
        &mut self,
        numbers: &mut Numbers,
        words: &mut Vec<u8>,
        hear: &mut impl FnMut(Heard<'_>),
    ) {
        self.joined = true;
        if !self.goes_on {
            // To a server that does not know the session it would be said twice.
            numbers.unacknowledged.clear();
        }
        for (key, text) in &numbers.unacknowledged {
            self.say(*key, text, words);
        }
        hear(Heard::Joined);
    }

    /// Takes one message; appends what is to be answered.
    fn take(
        &mut self,
        message: ServerMessage<'_>,
        numbers: &mut Numbers,
        words: &mut Vec<u8>,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Trouble> {
        match message {
            ServerMessage::Entry(EntryView {
                id,
                body: BodyView::Said(text),
                ..
            }) => self.take_said(id, text.as_bytes(), hear),
            ServerMessage::Welcome { welcome, .. } => {
                if self.asks {
                    hear(Heard::Resumed(welcome.resumed));
                }
                if !welcome.resumed {
                    self.position = None;
                }
                self.goes_on = welcome.resumed;
                self.session = Some((welcome.epoch, welcome.token));
            }
            ServerMessage::Entered { room, name, .. }
                if name.as_str().trim_start_matches('#') == self.persona.room_name() =>
            {
                self.room = Some(room);
            }
            ServerMessage::ReplayEnd { room, .. } if self.room == Some(room) => {
                if !self.progress.begin(&mut numbers.last, words) {
                    self.settle(numbers, words, hear);
                }
            }
            ServerMessage::AskSecret(prompt) => {
                if self.progress.answer(prompt, &mut numbers.last, words) {
                    hear(Heard::Asked);
                }
            }
            ServerMessage::Done(key) => {
                let account = self.persona.account.as_ref();
                let has_key = account.is_some_and(|account| account.key.is_some());
                if self
                    .progress
                    .advance(key, has_key, &mut numbers.last, words)
                {
                    self.settle(numbers, words, hear);
                }
            }
            ServerMessage::Stored { key, .. } => {
                numbers.unacknowledged.retain(|(other, _)| *other != key);
                hear(Heard::Stored);
            }
            ServerMessage::Missed { room, count } if self.room == Some(room) => {
                hear(Heard::Missed(count));
            }
            ServerMessage::Refused { text, .. } if self.joined => hear(Heard::Refused(text)),
            ServerMessage::Refused { text, .. } => return Err(Trouble::Refused(text.to_owned())),
            ServerMessage::Bye(why) => {
                return Err(Trouble::Farewell(why.unwrap_or("Bye").to_owned()));
            }
            ServerMessage::Ping => encode_client(&ClientMessage::Pong, words),
            ServerMessage::Entry(_)
            | ServerMessage::Entered { .. }
            | ServerMessage::ReplayBegin { .. }
            | ServerMessage::ReplayEnd { .. }
            | ServerMessage::Missed { .. }
            | ServerMessage::AskName
            | ServerMessage::Inbox(_)
            | ServerMessage::Exited(_)
            | ServerMessage::Current(_)
            | ServerMessage::Renamed(_)
            | ServerMessage::Notice(_)
            | ServerMessage::File(_) => {}
        }
        Ok(())
    }
}
