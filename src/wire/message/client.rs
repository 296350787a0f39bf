//! What a client says to the server.

use super::{Empty, decode_cbor, encode_cbor};
use crate::chat::{EntryId, Epoch, Hello, MessageKey, Resume, RoomId, Token, TokenHash};
use crate::crypto::token;
use crate::limits::ROOMS_JOINED_MAX;
use crate::wire::WireError;
use crate::wire::frame::{Frame, write_frame};
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};
use std::fmt;

const HELLO: u8 = 0x01;
const SAY: u8 = 0x02;
const TELL: u8 = 0x03;
const RUN: u8 = 0x04;
const PONG: u8 = 0x05;
const SECRET: u8 = 0x06;

/// Positions a client may name when it resumes: one per room, and its inbox.
const POSITIONS_MAX: usize = ROOMS_JOINED_MAX + 1;

/// One message from a client.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// Who it is, and what it had already.
    Hello(Hello<'a>),
    /// Text for a room.
    Say {
        /// Comes back in the acknowledgement.
        key: MessageKey,
        /// Where; the current room when absent.
        room: Option<RoomId>,
        /// Whether it is an action (`/me`).
        action: bool,
        /// What.
        text: &'a str,
    },
    /// A private message.
    Tell {
        /// Comes back in the acknowledgement.
        key: MessageKey,
        /// To whom.
        to: &'a str,
        /// What.
        text: &'a str,
    },
    /// A command as its user typed it.
    Run {
        /// Comes back in the answer.
        key: MessageKey,
        /// What was typed.
        line: &'a str,
    },
    /// The answer to a ping.
    Pong,
    /// What was asked for in secret: a password.
    Secret {
        /// Comes back in the answer.
        key: MessageKey,
        /// What was typed.
        text: &'a str,
    },
}

/// Says nothing of an answer given in secret: it is a password.
impl fmt::Debug for ClientMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello(hello) => write!(f, "Hello({hello:?})"),
            Self::Say {
                key,
                room,
                action,
                text,
            } => f
                .debug_struct("Say")
                .field("key", key)
                .field("room", room)
                .field("action", action)
                .field("text", text)
                .finish(),
            Self::Tell { key, to, text } => f
                .debug_struct("Tell")
                .field("key", key)
                .field("to", to)
                .field("text", text)
                .finish(),
            Self::Run { key, line } => f
                .debug_struct("Run")
                .field("key", key)
                .field("line", line)
                .finish(),
            Self::Pong => f.write_str("Pong"),
            Self::Secret { key, .. } => f
                .debug_struct("Secret")
                .field("key", key)
                .finish_non_exhaustive(),
        }
    }
}

#[derive(Encode, Decode)]
struct HelloBody<'a> {
    #[b(0)]
    name: Option<&'a str>,
    #[b(1)]
    room: Option<&'a str>,
    #[n(2)]
    resume: Option<ResumeBody>,
}

#[derive(Encode, Decode)]
struct ResumeBody {
    #[cbor(n(0), with = "minicbor::bytes")]
    epoch: [u8; 16],
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
    #[n(2)]
    positions: Positions,
}

/// An array of `[room, id]`, of at most [`POSITIONS_MAX`].
struct Positions(Vec<(RoomId, EntryId)>);

#[derive(Encode, Decode)]
struct SayBody<'a> {
    #[n(0)]
    key: u64,
    #[n(1)]
    room: Option<u64>,
    #[n(2)]
    action: bool,
    #[b(3)]
    text: &'a str,
}

#[derive(Encode, Decode)]
struct TellBody<'a> {
    #[n(0)]
    key: u64,
    #[b(1)]
    to: &'a str,
    #[b(2)]
    text: &'a str,
}

#[derive(Encode, Decode)]
struct RunBody<'a> {
    #[n(0)]
    key: u64,
    #[b(1)]
    line: &'a str,
}

/// Appends `message` as one whole frame.
///
/// # Panics
///
/// When it is larger than `limits::MESSAGE_BYTES_MAX`; the caller bounds what its user says.
pub fn encode_client(message: &ClientMessage<'_>, out: &mut Vec<u8>) {
    match message {
        ClientMessage::Hello(hello) => write_frame(HELLO, out, |out| {
            encode_cbor(HelloBody::from(hello), out);
        }),
        ClientMessage::Say {
            key,
            room,
            action,
            text,
        } => write_frame(SAY, out, |out| {
            let (key, room, action) = (key.0, room.map(|room| room.0), *action);
            encode_cbor(
                SayBody {
                    key,
                    room,
                    action,
                    text,
                },
                out,
            );
        }),
        ClientMessage::Tell { key, to, text } => write_frame(TELL, out, |out| {
            let key = key.0;
            encode_cbor(TellBody { key, to, text }, out);
        }),
        ClientMessage::Run { key, line } => write_frame(RUN, out, |out| {
            let key = key.0;
            encode_cbor(RunBody { key, line }, out);
        }),
        ClientMessage::Pong => write_frame(PONG, out, |out| encode_cbor(Empty {}, out)),
        ClientMessage::Secret { key, text } => write_frame(SECRET, out, |out| {
            let (key, line) = (key.0, *text);
            encode_cbor(RunBody { key, line }, out);
        }),
    }
}

/// Reads a client's message, lending its text from `frame`.
///
/// # Errors
///
/// [`WireError::UnknownKind`] and [`WireError::Malformed`]. Names are text here and not checked.
pub fn decode_client(frame: Frame<'_>) -> Result<ClientMessage<'_>, WireError> {
    Ok(match frame.kind {
        HELLO => ClientMessage::Hello(decode_cbor::<HelloBody<'_>>(frame.body)?.into()),
        SAY => {
            let body: SayBody<'_> = decode_cbor(frame.body)?;
            ClientMessage::Say {
                key: MessageKey(body.key),
                room: body.room.map(RoomId),
                action: body.action,
                text: body.text,
            }
        }
        TELL => {
            let body: TellBody<'_> = decode_cbor(frame.body)?;
            ClientMessage::Tell {
                key: MessageKey(body.key),
                to: body.to,
                text: body.text,
            }
        }
        RUN => {
            let body: RunBody<'_> = decode_cbor(frame.body)?;
            ClientMessage::Run {
                key: MessageKey(body.key),
                line: body.line,
            }
        }
        PONG => {
            let Empty {} = decode_cbor(frame.body)?;
            ClientMessage::Pong
        }
        SECRET => {
            let body: RunBody<'_> = decode_cbor(frame.body)?;
            ClientMessage::Secret {
                key: MessageKey(body.key),
                text: body.line,
            }
        }
        kind => return Err(WireError::UnknownKind { kind }),
    })
}

impl<'a> From<&Hello<'a>> for HelloBody<'a> {
    fn from(hello: &Hello<'a>) -> Self {
        Self {
            name: hello.name,
            room: hello.room,
            resume: hello.resume.as_ref().map(|resume| ResumeBody {
                epoch: resume.epoch.0,
                token: resume.token.0,
                positions: Positions(resume.positions.clone()),
            }),
        }
    }
}

impl<'a> From<HelloBody<'a>> for Hello<'a> {
    fn from(body: HelloBody<'a>) -> Self {
        Self {
            name: body.name,
            room: body.room,
            resume: body.resume.map(|resume| Resume {
                epoch: Epoch(resume.epoch),
                token: Token(resume.token),
                hash: TokenHash(token::hash(&resume.token)),
                positions: resume.positions.0,
            }),
        }
    }
}

impl<C> Encode<C> for Positions {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let count = u64::try_from(self.0.len()).expect("a length fits 64 bits");
        encoder.array(count)?;
        for (room, id) in &self.0 {
            (room.0, id.0).encode(encoder, context)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Positions {
    fn decode(decoder: &mut Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let mut positions = Vec::new();
        for position in decoder.array_iter_with::<C, (u64, u64)>(context)? {
            let (room, id) = position?;
            if positions.len() == POSITIONS_MAX {
                return Err(minicbor::decode::Error::message("too many positions"));
            }
            positions.push((RoomId(room), EntryId(id)));
        }
        Ok(Self(positions))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{name, only_frame, room_name, text, token};
    use super::*;
    use crate::limits::{
        MESSAGE_ENVELOPE_BYTES_MAX, NAME_BYTES_MAX, ROOM_NAME_BYTES_MAX, TEXT_BYTES_MAX,
        UNNAMED_MESSAGE_BYTES_MAX,
    };
    use proptest::prelude::*;

    fn encoded(message: &ClientMessage<'_>) -> Vec<u8> {
        let mut stream = Vec::new();
        encode_client(message, &mut stream);
        stream
    }

    fn resume() -> impl Strategy<Value = Resume> {
        let position = any::<(u64, u64)>().prop_map(|(room, id)| (RoomId(room), EntryId(id)));
        let positions = prop::collection::vec(position, 0..=POSITIONS_MAX);
        (any::<[u8; 16]>(), token(), positions).prop_map(|(epoch, token, positions)| Resume {
            epoch: Epoch(epoch),
            hash: TokenHash(token::hash(&token.0)),
            token,
            positions,
        })
    }

    proptest! {
        #[test]
        fn what_a_client_says_is_what_is_read(
            keys in any::<(u64, Option<u64>, bool)>(),
            (to, text) in (name(), text()),
        ) {
            let (key, room, action) = (MessageKey(keys.0), keys.1.map(RoomId), keys.2);
            let (to, text) = (to.as_str(), text.as_str());
            for message in [
                ClientMessage::Say { key, room, action, text },
                ClientMessage::Tell { key, to, text },
                ClientMessage::Run { key, line: text },
                ClientMessage::Pong,
                ClientMessage::Secret { key, text },
            ] {
                let stream = encoded(&message);
                prop_assert_eq!(decode_client(only_frame(&stream)), Ok(message));
            }
        }

        #[test]
        fn how_a_client_introduces_itself_is_what_is_read(
            name in prop::option::of(name()),
            room in prop::option::of(room_name()),
            resume in prop::option::of(resume()),
        ) {
            let name = name.as_ref().map(|name| name.as_str());
            let room = room.as_ref().map(|room| room.as_str());
            let message = ClientMessage::Hello(Hello { name, room, resume });
            let stream = encoded(&message);
            prop_assert!(stream.len() < UNNAMED_MESSAGE_BYTES_MAX);
            prop_assert_eq!(decode_client(only_frame(&stream)), Ok(message));
        }

        #[test]
        fn no_bytes_break_the_decoder(
            kind in 0u8..8,
            body in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = decode_client(Frame { kind, body: &body });
        }

        #[test]
        fn a_changed_byte_breaks_nothing(
            text in text(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let (key, room, action) = (MessageKey(7), Some(RoomId(9)), false);
            let text = text.as_str();
            let stream = encoded(&ClientMessage::Say { key, room, action, text });
            let mut body = only_frame(&stream).body.to_vec();
            let at = at.index(body.len());
            body[at] = byte;
            let _ = decode_client(Frame { kind: SAY, body: &body });
        }
    }

    #[test]
    fn the_longest_messages_fit_their_bounds() {
        let text = "x".repeat(TEXT_BYTES_MAX);
        let say = ClientMessage::Say {
            key: MessageKey(u64::MAX),
            room: Some(RoomId(u64::MAX)),
            action: true,
            text: &text,
        };
        let tell = ClientMessage::Tell {
            key: MessageKey(u64::MAX),
            to: &"n".repeat(NAME_BYTES_MAX),
            text: &text,
        };
        for message in [say, tell] {
            assert!(encoded(&message).len() <= TEXT_BYTES_MAX + MESSAGE_ENVELOPE_BYTES_MAX);
        }
        let hello = ClientMessage::Hello(Hello {
            name: Some(&"n".repeat(NAME_BYTES_MAX)),
            room: Some(&"r".repeat(ROOM_NAME_BYTES_MAX)),
            resume: Some(Resume {
                hash: TokenHash([0; 16]),
                epoch: Epoch([0xff; 16]),
                token: Token([0xff; 16]),
                positions: vec![(RoomId(u64::MAX), EntryId(u64::MAX)); POSITIONS_MAX],
            }),
        });
        assert!(encoded(&hello).len() <= UNNAMED_MESSAGE_BYTES_MAX);
    }

    #[test]
    fn text_is_lent_from_the_frame() {
        let (key, line) = (MessageKey(1), "/names");
        let stream = encoded(&ClientMessage::Run { key, line });
        let Ok(ClientMessage::Run { line, .. }) = decode_client(only_frame(&stream)) else {
            panic!("it is a command");
        };
        assert!(stream.as_ptr_range().contains(&line.as_ptr()));
    }

    #[test]
    fn a_body_cut_short_or_with_something_behind_it_is_malformed() {
        let (key, to, text) = (MessageKey(300), "bob", "psst");
        let stream = encoded(&ClientMessage::Tell { key, to, text });
        let body = only_frame(&stream).body;
        for len in 0..body.len() {
            let body = &body[..len];
            let read = decode_client(Frame { kind: TELL, body });
            assert_eq!(read, Err(WireError::Malformed), "{len} bytes");
        }
        let body = &[body, &[0]].concat();
        let read = decode_client(Frame { kind: TELL, body });
        assert_eq!(read, Err(WireError::Malformed));
    }

    #[test]
    fn fields_of_a_newer_client_are_skipped_and_optional_ones_may_be_absent() {
        // [1, "hi", [1, {2: 3}], h'00']: a command with two fields more.
        let body = b"\x84\x01\x62hi\x82\x01\xa1\x02\x03\x41\x00";
        let (key, line) = (MessageKey(1), "hi");
        let read = decode_client(Frame { kind: RUN, body });
        assert_eq!(read, Ok(ClientMessage::Run { key, line }));
        let body = b"\x80";
        let read = decode_client(Frame { kind: HELLO, body });
        assert_eq!(read, Ok(ClientMessage::Hello(Hello::default())));
    }

    #[test]
    fn nesting_and_claims_without_end_are_refused() {
        // Two fields, and then a third that is opened 100,000 times and claims to be huge.
        for opening in [0x9f, 0x81, 0xbf, 0xc1, 0x9b, 0xbb, 0x5b, 0x7f] {
            let mut body = b"\x83\x01\x62hi".to_vec();
            body.resize(100_000, opening);
            let read = decode_client(Frame {
                kind: RUN,
                body: &body,
            });
            assert_eq!(read, Err(WireError::Malformed), "{opening:#x}");
        }
    }

    #[test]
    fn positions_are_bounded_whatever_their_array_claims() {
        let with = |count: u16, claimed: u16| {
            let mut body = b"\x83\xf6\xf6\x83\x50".to_vec();
            body.extend([0; 16]);
            body.push(0x50);
            body.extend([0; 16]);
            body.push(0x99);
            body.extend(claimed.to_be_bytes());
            for _ in 0..count {
                body.extend(b"\x82\x01\x01");
            }
            decode_client(Frame {
                kind: HELLO,
                body: &body,
            })
            .map(|_| ())
        };
        let most = u16::try_from(POSITIONS_MAX).unwrap();
        assert_eq!(with(most, most), Ok(()));
        assert_eq!(with(most + 1, most + 1), Err(WireError::Malformed));
        assert_eq!(with(most, u16::MAX), Err(WireError::Malformed));
    }

    #[test]
    fn an_unknown_kind_is_an_error() {
        for kind in [0, 7, 0x3f, 0x40, 0x80, 0xff] {
            let read = decode_client(Frame {
                kind,
                body: &[0x80],
            });
            assert_eq!(read, Err(WireError::UnknownKind { kind }));
        }
    }
}
