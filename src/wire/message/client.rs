//! What a client says to the server.

use super::{Empty, decode_cbor, encode_cbor};
use crate::chat::{EntryId, Epoch, Hello, MessageKey, Resume, RoomId, Token};
use crate::limits::ROOMS_JOINED_MAX;
use crate::wire::WireError;
use crate::wire::frame::{Frame, write_frame};
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

const HELLO: u8 = 0x01;
const SAY: u8 = 0x02;
const TELL: u8 = 0x03;
const RUN: u8 = 0x04;
const PONG: u8 = 0x05;

/// Positions a client may name when it resumes: one per room, and its inbox.
const POSITIONS_MAX: usize = ROOMS_JOINED_MAX + 1;

/// One message from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
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
