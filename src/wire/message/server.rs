//! What the server says to one client, beside what happens in rooms.

use super::entry::{ENTRY_KINDS_BEGIN, EntryView, TIME_BASE_UNIX_SECONDS};
use super::{Empty, decode_cbor, decode_name, encode_cbor};
use crate::chat::{
    EntryId, Epoch, Event, Hit, MessageKey, Name, RoomId, RoomName, SecretPrompt, Token, Welcome,
};
use crate::wire::WireError;
use crate::wire::frame::{Frame, write_frame};
use crate::wire::line;
use minicbor::{Decode, Encode};

const WELCOME: u8 = 0x40;
const ASK_NAME: u8 = 0x41;
const ENTERED: u8 = 0x42;
const INBOX: u8 = 0x43;
const EXITED: u8 = 0x44;
const CURRENT: u8 = 0x45;
const RENAMED: u8 = 0x46;
const NOTICE: u8 = 0x47;
const REFUSED: u8 = 0x48;
const STORED: u8 = 0x49;
const DONE: u8 = 0x4a;
const REPLAY_END: u8 = 0x4b;
const MISSED: u8 = 0x4c;
const PING: u8 = 0x4d;
const BYE: u8 = 0x4e;
const REPLAY_BEGIN: u8 = 0x4f;
const ASK_SECRET: u8 = 0x50;

/// One message from the server, lending its text from the frame.
///
/// The mirror of [`Event`], and an entry of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// The session has begun or goes on.
    Welcome {
        /// What is needed to go on with it later.
        welcome: Welcome,
        /// From where this server counts the seconds of its entries; [`EntryView::decode`] takes
        /// [`TIME_BASE_UNIX_SECONDS`], so the difference has to be added.
        time_base_unix_seconds: u64,
    },
    /// A name is wanted.
    AskName,
    /// Something secret is wanted; it must not be shown while it is typed.
    AskSecret(SecretPrompt),
    /// A room is entered; its entries follow.
    Entered {
        /// Its id; entries carry the low 32 bits.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Its topic, if it has one.
        topic: Option<&'a str>,
    },
    /// One's inbox, into which private messages come.
    Inbox(RoomId),
    /// A room is left; nothing more comes from it.
    Exited(RoomId),
    /// Where plain text goes from now on; nowhere when absent.
    Current(Option<RoomId>),
    /// What one is called now.
    Renamed(Name),
    /// An answer or a notice, in one line or several.
    Notice(&'a str),
    /// A command was refused.
    Refused {
        /// Which; absent when it had no key.
        key: Option<MessageKey>,
        /// The number of the refusal, for programs.
        code: u16,
        /// What, why, and what to do.
        text: &'a str,
    },
    /// A message is stored: the acknowledgement.
    Stored {
        /// The sender's number for it.
        key: MessageKey,
        /// Where it went.
        room: RoomId,
        /// Its place there.
        id: EntryId,
        /// For a private message: who got it.
        sent: Option<SentView<'a>>,
    },
    /// A command that stores nothing was carried out.
    Done(MessageKey),
    /// Up to the end of the replay, the room's entries are shown once more.
    ReplayBegin {
        /// Which room.
        room: RoomId,
    },
    /// So many earlier entries were shown, and what follows is new.
    ReplayEnd {
        /// Which room.
        room: RoomId,
        /// How many.
        count: u64,
    },
    /// So many entries are gone and were not shown.
    Missed {
        /// Which room.
        room: RoomId,
        /// How many.
        count: u64,
    },
    /// Are you there?
    Ping,
    /// The last words.
    Bye(Option<&'a str>),
    /// Something happened in a room.
    Entry(EntryView<'a>),
}

/// To whom a private message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentView<'a> {
    /// Who got it.
    pub to: Name,
    /// What they say of being away, if they are.
    pub away: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct WelcomeBody<'a> {
    #[cbor(n(0), with = "minicbor::bytes")]
    epoch: [u8; 16],
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
    #[b(2)]
    name: &'a str,
    #[n(3)]
    resumed: bool,
    #[n(4)]
    time_base_unix_seconds: u64,
}

#[derive(Encode, Decode)]
struct EnteredBody<'a> {
    #[n(0)]
    room: u64,
    #[b(1)]
    name: &'a str,
    #[b(2)]
    topic: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct RoomBody {
    #[n(0)]
    room: u64,
}

#[derive(Encode, Decode)]
struct CurrentBody {
    #[n(0)]
    room: Option<u64>,
}

#[derive(Encode, Decode)]
struct TextBody<'a> {
    #[b(0)]
    text: &'a str,
}

#[derive(Encode, Decode)]
struct RefusedBody<'a> {
    #[n(0)]
    key: Option<u64>,
    #[n(1)]
    code: u16,
    #[b(2)]
    text: &'a str,
}

#[derive(Encode, Decode)]
struct StoredBody<'a> {
    #[n(0)]
    key: u64,
    #[n(1)]
    room: u64,
    #[n(2)]
    id: u64,
    #[b(3)]
    to: Option<&'a str>,
    #[b(4)]
    away: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct KeyBody {
    #[n(0)]
    key: u64,
}

#[derive(Encode, Decode)]
struct CountBody {
    #[n(0)]
    room: u64,
    #[n(1)]
    count: u64,
}

#[derive(Encode, Decode)]
struct AskSecretBody<'a> {
    #[n(0)]
    what: u8,
    #[b(1)]
    name: Option<&'a str>,
}

#[derive(Encode, Decode)]
struct ByeBody<'a> {
    #[b(0)]
    why: Option<&'a str>,
}

/// Appends `event` as one whole frame; the line door's banner appends nothing.
///
/// # Panics
///
/// When it is larger than `limits::MESSAGE_BYTES_MAX`; answers are bounded when they are made.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Banner(_) => {}
        Event::AskName => write_body(ASK_NAME, Empty {}, out),
        Event::AskSecret(prompt) => write_body(ASK_SECRET, ask_secret_body(prompt), out),
        Event::Welcome(welcome) => write_body(WELCOME, welcome_body(welcome), out),
        Event::Entered { room, name, topic } => {
            let (room, name, topic) = (room.0, name.as_str(), topic.as_deref());
            write_body(ENTERED, EnteredBody { room, name, topic }, out);
        }
        Event::Inbox(room) => write_body(INBOX, RoomBody { room: room.0 }, out),
        Event::Exited(room) => write_body(EXITED, RoomBody { room: room.0 }, out),
        Event::Current(room) => {
            let room = room.map(|room| room.0);
            write_body(CURRENT, CurrentBody { room }, out);
        }
        Event::Renamed(name) => {
            let text = name.as_str();
            write_body(RENAMED, TextBody { text }, out);
        }
        Event::Notice(text) => write_body(NOTICE, TextBody { text }, out),
        Event::Found(hits) => {
            let text = &found_text(hits);
            write_body(NOTICE, TextBody { text }, out);
        }
        Event::Refused(key, refusal) => {
            let (key, code) = (key.map(|key| key.0), refusal.code());
            let text = &refusal.to_string();
            write_body(REFUSED, RefusedBody { key, code, text }, out);
        }
        Event::Stored {
            key,
            room,
            id,
            sent,
        } => {
            let body = StoredBody {
                key: key.0,
                room: room.0,
                id: id.0,
                to: sent.as_ref().map(|sent| sent.to.as_str()),
                away: sent.as_ref().and_then(|sent| sent.away.as_deref()),
            };
            write_body(STORED, body, out);
        }
        Event::Done(key) => write_body(DONE, KeyBody { key: key.0 }, out),
        Event::ReplayBegin { room } => {
            let (room, count) = (room.0, 0);
            write_body(REPLAY_BEGIN, CountBody { room, count }, out);
        }
        Event::ReplayEnd { room, count } => {
            let (room, count) = (room.0, *count);
            write_body(REPLAY_END, CountBody { room, count }, out);
        }
        Event::Missed { room, count } => {
            let (room, count) = (room.0, *count);
            write_body(MISSED, CountBody { room, count }, out);
        }
        Event::Ping => write_body(PING, Empty {}, out),
        Event::Bye(why) => {
            let why = why.as_deref();
            write_body(BYE, ByeBody { why }, out);
        }
    }
}

/// Reads a message from the server, lending its text from `frame`.
///
/// `None` is a kind below `0x80` that is unknown here and must be ignored.
///
/// # Errors
///
/// [`WireError::Malformed`], and [`WireError::UnknownKind`] for an entry of an unknown kind: to
/// ignore it would lose what somebody said.
pub fn decode_server(frame: Frame<'_>) -> Result<Option<ServerMessage<'_>>, WireError> {
    let body = frame.body;
    Ok(Some(match frame.kind {
        ASK_NAME => decode_cbor(body).map(|Empty {}| ServerMessage::AskName)?,
        ASK_SECRET => decode_ask_secret(body)?,
        WELCOME => decode_welcome(body)?,
        ENTERED => decode_entered(body)?,
        INBOX => decode_cbor(body).map(|RoomBody { room }| ServerMessage::Inbox(RoomId(room)))?,
        EXITED => decode_cbor(body).map(|RoomBody { room }| ServerMessage::Exited(RoomId(room)))?,
        CURRENT => decode_cbor(body)
            .map(|CurrentBody { room }| ServerMessage::Current(room.map(RoomId)))?,
        RENAMED => {
            let TextBody { text } = decode_cbor(body)?;
            ServerMessage::Renamed(decode_name(text)?)
        }
        NOTICE => decode_cbor(body).map(|TextBody { text }| ServerMessage::Notice(text))?,
        REFUSED => {
            let RefusedBody { key, code, text } = decode_cbor(body)?;
            let key = key.map(MessageKey);
            ServerMessage::Refused { key, code, text }
        }
        STORED => decode_stored(body)?,
        DONE => decode_cbor(body).map(|KeyBody { key }| ServerMessage::Done(MessageKey(key)))?,
        REPLAY_BEGIN => {
            let CountBody { room, .. } = decode_cbor(body)?;
            let room = RoomId(room);
            ServerMessage::ReplayBegin { room }
        }
        REPLAY_END => {
            let CountBody { room, count } = decode_cbor(body)?;
            let room = RoomId(room);
            ServerMessage::ReplayEnd { room, count }
        }
        MISSED => {
            let CountBody { room, count } = decode_cbor(body)?;
            let room = RoomId(room);
            ServerMessage::Missed { room, count }
        }
        PING => decode_cbor(body).map(|Empty {}| ServerMessage::Ping)?,
        BYE => decode_cbor(body).map(|ByeBody { why }| ServerMessage::Bye(why))?,
        ENTRY_KINDS_BEGIN.. => ServerMessage::Entry(EntryView::decode(frame)?),
        _ => return Ok(None),
    }))
}

/// What was found, in the line door's words: a program that wants more than to show it can read
/// those. Without the last line end; empty when nothing was found.
fn found_text(hits: &[Hit]) -> String {
    let mut lines = Vec::new();
    line::encode_hits(hits, &mut lines);
    lines.pop();
    String::from_utf8(lines).expect("lines are made of texts")
}

fn ask_secret_body(prompt: &SecretPrompt) -> AskSecretBody<'_> {
    let (what, name) = match prompt {
        SecretPrompt::Login(name) => (0, Some(name.as_str())),
        SecretPrompt::Current => (1, None),
        SecretPrompt::New => (2, None),
        SecretPrompt::Again => (3, None),
    };
    AskSecretBody { what, name }
}

fn decode_ask_secret(body: &[u8]) -> Result<ServerMessage<'_>, WireError> {
    let AskSecretBody { what, name } = decode_cbor(body)?;
    Ok(ServerMessage::AskSecret(match (what, name) {
        (0, Some(name)) => SecretPrompt::Login(decode_name(name)?),
        (1, _) => SecretPrompt::Current,
        (2, _) => SecretPrompt::New,
        (3, _) => SecretPrompt::Again,
        _ => return Err(WireError::Malformed),
    }))
}

fn welcome_body(welcome: &Welcome) -> WelcomeBody<'_> {
    WelcomeBody {
        epoch: welcome.epoch.0,
        token: welcome.token.0,
        name: welcome.name.as_str(),
        resumed: welcome.resumed,
        time_base_unix_seconds: TIME_BASE_UNIX_SECONDS,
    }
}

fn decode_welcome(body: &[u8]) -> Result<ServerMessage<'_>, WireError> {
    let body: WelcomeBody<'_> = decode_cbor(body)?;
    Ok(ServerMessage::Welcome {
        welcome: Welcome {
            epoch: Epoch(body.epoch),
            token: Token(body.token),
            name: decode_name(body.name)?,
            resumed: body.resumed,
        },
        time_base_unix_seconds: body.time_base_unix_seconds,
    })
}

fn decode_entered(body: &[u8]) -> Result<ServerMessage<'_>, WireError> {
    let EnteredBody { room, name, topic } = decode_cbor(body)?;
    Ok(ServerMessage::Entered {
        room: RoomId(room),
        name: RoomName::parse(name).map_err(|_| WireError::Malformed)?,
        topic,
    })
}

fn decode_stored(body: &[u8]) -> Result<ServerMessage<'_>, WireError> {
    let body: StoredBody<'_> = decode_cbor(body)?;
    let to = body.to.map(decode_name).transpose()?;
    Ok(ServerMessage::Stored {
        key: MessageKey(body.key),
        room: RoomId(body.room),
        id: EntryId(body.id),
        sent: to.map(|to| SentView {
            to,
            away: body.away,
        }),
    })
}

fn write_body(kind: u8, body: impl Encode<()>, out: &mut Vec<u8>) {
    write_frame(kind, out, |out| encode_cbor(body, out));
}

#[cfg(test)]
mod tests {
    use super::super::samples::{name, only_frame, room_name, text, token};
    use super::*;
    use crate::chat::{Body, Entry, Kept, Refusal, Sent};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn encoded(event: &Event) -> Vec<u8> {
        let mut stream = Vec::new();
        encode_event(event, &mut stream);
        stream
    }

    fn shared(text: impl Strategy<Value = String>) -> impl Strategy<Value = Arc<str>> {
        text.prop_map(Arc::from)
    }

    fn optional_text() -> impl Strategy<Value = Option<Arc<str>>> {
        prop::option::of(shared(text()))
    }

    fn room() -> impl Strategy<Value = RoomId> {
        any::<u64>().prop_map(RoomId)
    }

    fn key() -> impl Strategy<Value = MessageKey> {
        any::<u64>().prop_map(MessageKey)
    }

    fn stored() -> impl Strategy<Value = Event> {
        let sent = (name(), optional_text()).prop_map(|(to, away)| Sent { to, away });
        (key(), room(), any::<u64>(), prop::option::of(sent)).prop_map(|(key, room, id, sent)| {
            let id = EntryId(id);
            Event::Stored {
                key,
                room,
                id,
                sent,
            }
        })
    }

    fn welcome() -> impl Strategy<Value = Event> {
        (any::<[u8; 16]>(), token(), name(), any::<bool>()).prop_map(
            |(epoch, token, name, resumed)| {
                let epoch = Epoch(epoch);
                Event::Welcome(Welcome {
                    epoch,
                    token,
                    name,
                    resumed,
                })
            },
        )
    }

    fn refusal() -> impl Strategy<Value = Refusal> {
        prop_oneof![
            Just(Refusal::NameNeeded),
            name().prop_map(Refusal::NameTaken),
            room_name().prop_map(Refusal::NoSuchRoom),
            any::<usize>().prop_map(|max| Refusal::TextTooLong { max }),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::AskName),
            welcome(),
            (room(), room_name(), optional_text()).prop_map(|(room, name, topic)| Event::Entered {
                room,
                name,
                topic
            }),
            room().prop_map(Event::Inbox),
            room().prop_map(Event::Exited),
            prop::option::of(room()).prop_map(Event::Current),
            name().prop_map(Event::Renamed),
            shared(text()).prop_map(Event::Notice),
            (prop::option::of(key()), refusal())
                .prop_map(|(key, refusal)| Event::Refused(key, refusal)),
            stored(),
            key().prop_map(Event::Done),
            room().prop_map(|room| Event::ReplayBegin { room }),
            (room(), any::<u64>()).prop_map(|(room, count)| Event::ReplayEnd { room, count }),
            (room(), any::<u64>()).prop_map(|(room, count)| Event::Missed { room, count }),
            Just(Event::Ping),
            optional_text().prop_map(Event::Bye),
        ]
    }

    /// What a client must read when it is told `event`.
    fn mirrored<'a>(event: &'a Event, refusal: &'a str) -> ServerMessage<'a> {
        match event {
            Event::Banner(_) => panic!("sealed clients are not told"),
            Event::Found(_) => panic!("it is told as a notice, and has a test of its own"),
            Event::AskName => ServerMessage::AskName,
            Event::AskSecret(prompt) => ServerMessage::AskSecret(*prompt),
            Event::Welcome(welcome) => ServerMessage::Welcome {
                welcome: welcome.clone(),
                time_base_unix_seconds: TIME_BASE_UNIX_SECONDS,
            },
            Event::Entered { room, name, topic } => ServerMessage::Entered {
                room: *room,
                name: *name,
                topic: topic.as_deref(),
            },
            Event::Inbox(room) => ServerMessage::Inbox(*room),
            Event::Exited(room) => ServerMessage::Exited(*room),
            Event::Current(room) => ServerMessage::Current(*room),
            Event::Renamed(name) => ServerMessage::Renamed(*name),
            Event::Notice(text) => ServerMessage::Notice(text),
            Event::Refused(key, why) => ServerMessage::Refused {
                key: *key,
                code: why.code(),
                text: refusal,
            },
            Event::Stored {
                key,
                room,
                id,
                sent,
            } => ServerMessage::Stored {
                key: *key,
                room: *room,
                id: *id,
                sent: sent.as_ref().map(|sent| SentView {
                    to: sent.to,
                    away: sent.away.as_deref(),
                }),
            },
            Event::Done(key) => ServerMessage::Done(*key),
            Event::ReplayBegin { room } => ServerMessage::ReplayBegin { room: *room },
            Event::ReplayEnd { room, count } => ServerMessage::ReplayEnd {
                room: *room,
                count: *count,
            },
            Event::Missed { room, count } => ServerMessage::Missed {
                room: *room,
                count: *count,
            },
            Event::Ping => ServerMessage::Ping,
            Event::Bye(why) => ServerMessage::Bye(why.as_deref()),
        }
    }

    proptest! {
        #[test]
        fn what_the_server_tells_is_what_is_read(event in event()) {
            let mut refusal = String::new();
            if let Event::Refused(_, why) = &event {
                refusal = why.to_string();
            }
            let stream = encoded(&event);
            let read = decode_server(only_frame(&stream));
            prop_assert_eq!(read, Ok(Some(mirrored(&event, &refusal))));
        }

        #[test]
        fn a_message_cut_anywhere_is_malformed(event in event()) {
            let stream = encoded(&event);
            let Frame { kind, body } = only_frame(&stream);
            for len in (0..body.len()).rev().take(100) {
                let read = decode_server(Frame { kind, body: &body[..len] });
                prop_assert_eq!(read, Err(WireError::Malformed));
            }
        }

        #[test]
        fn no_bytes_break_the_decoder(
            kind in any::<u8>(),
            body in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = decode_server(Frame { kind, body: &body });
        }
    }

    #[test]
    fn what_was_found_is_a_notice_in_the_line_doors_words() {
        let hit = |text: &str| Hit {
            room: RoomName::parse("den").ok(),
            entry: Entry {
                id: Some(EntryId(1)),
                unix_ms: 0,
                author: Name::parse("bob").unwrap(),
                origin: None,
                body: Body::Said(text.into()),
            },
        };
        let stream = encoded(&Event::Found([hit("one"), hit("two")].into()));
        let text = "1970-01-01T00:00:00Z [#den] bob: one\n1970-01-01T00:00:00Z [#den] bob: two";
        let read = decode_server(only_frame(&stream));
        assert_eq!(read, Ok(Some(ServerMessage::Notice(text))));
    }

    #[test]
    fn the_line_doors_banner_is_nothing_here() {
        assert!(encoded(&Event::Banner(Kept::Stored)).is_empty());
    }

    #[test]
    fn unknown_kinds_are_ignored_below_the_entries_only() {
        for kind in [0x00, 0x05, 0x3f, 0x51, 0x7f] {
            assert_eq!(decode_server(Frame { kind, body: &[] }), Ok(None));
        }
        let kind = 0xff;
        let mut stream = Vec::new();
        super::super::samples::said("x").encode(&mut stream);
        let body = only_frame(&stream).body;
        let read = decode_server(Frame { kind, body });
        assert_eq!(read, Err(WireError::UnknownKind { kind }));
    }

    #[test]
    fn entries_are_read_with_the_rest() {
        let said = super::super::samples::said("hello");
        let mut stream = Vec::new();
        said.encode(&mut stream);
        let read = decode_server(only_frame(&stream));
        assert_eq!(read, Ok(Some(ServerMessage::Entry(said))));
    }
}
