//! Messages: what the frames of a sealed link say.
//!
//! | kinds | direction | body | module |
//! |---|---|---|---|
//! | `0x01` to `0x3f` | client to server | CBOR array | [`client`] |
//! | `0x40` to `0x7f` | server to client, to one | CBOR array | [`server`] |
//! | `0x80` to `0xff` | server to client, to a room | binary envelope, then text or CBOR array | [`entry`] |
//!
//! Those about files, `0x07` to `0x0e` and `0x51` to `0x57`, are in [`mod@file`].
//!
//! A CBOR array may grow at its end: fields beyond those known are skipped, optional ones may be
//! absent. A client ignores kinds below `0x80` that it does not know, so that an older one can
//! follow a newer server. Text is lent out of the frame.
//!
//! It must not know what is allowed when; that is for `chat`.

pub mod client;
pub mod entry;
pub mod file;
pub mod server;

pub use super::frame::frame_len as entry_frame_len;
pub use client::{ClientMessage, decode_client, encode_client};
pub use entry::{
    BodyView, EntryView, OfferView, TIME_BASE_UNIX_SECONDS, encode_entry, room_handle,
};
pub use file::{FileAnswer, FileRequest, write_piece};
pub use server::{SentView, ServerMessage, decode_server, encode_event};

use super::WireError;
use crate::chat::Name;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode};
use std::convert::Infallible;

/// A body that says nothing beyond its kind.
#[derive(Encode, Decode)]
struct Empty {}

/// Lets the encoder append to a vector.
///
/// `minicbor` would bring its own under its feature `alloc`; but with that its decoder allocates in
/// proportion to how deeply a peer nests what is to be skipped.
struct Appended<'a>(&'a mut Vec<u8>);

impl Write for Appended<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn encode_cbor(value: impl Encode<()>, out: &mut Vec<u8>) {
    minicbor::encode(value, Appended(out)).expect("a vector takes whatever is appended");
}

fn decode_cbor<'a, T: Decode<'a, ()>>(body: &'a [u8]) -> Result<T, WireError> {
    let mut decoder = Decoder::new(body);
    let value = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() == body.len() {
        Ok(value)
    } else {
        Err(WireError::Malformed)
    }
}

fn decode_name(text: &str) -> Result<Name, WireError> {
    Name::parse(text).map_err(|_| WireError::Malformed)
}

/// A digest that may be absent, as 32 bytes.
mod digest {
    use crate::chat::Digest;
    use minicbor::bytes::ByteArray;
    use minicbor::decode::Error;
    use minicbor::encode::{self, Write};
    use minicbor::{Decode, Decoder, Encode, Encoder};

    pub(super) fn encode<C, W: Write>(
        digest: &Option<Digest>,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let bytes = digest.map(|digest| ByteArray::from(digest.0));
        bytes.encode(encoder, context)
    }

    pub(super) fn decode<C>(
        decoder: &mut Decoder<'_>,
        context: &mut C,
    ) -> Result<Option<Digest>, Error> {
        let bytes = Option::<ByteArray<32>>::decode(decoder, context)?;
        Ok(bytes.map(|bytes| Digest(bytes.into())))
    }

    pub(super) fn nil() -> Option<Option<Digest>> {
        Some(None)
    }

    pub(super) fn is_nil(digest: &Option<Digest>) -> bool {
        digest.is_none()
    }
}

/// What the tests of the messages draw from.
#[cfg(test)]
mod samples {
    use super::*;
    use crate::chat::{EntryId, RoomName, Token};
    use crate::wire::frame::Frame;
    use proptest::prelude::*;

    pub(super) fn name() -> impl Strategy<Value = Name> {
        "[A-Za-z_][A-Za-z0-9_-]{0,31}".prop_map(|text| Name::parse(&text).unwrap())
    }

    pub(super) fn room_name() -> impl Strategy<Value = RoomName> {
        "[A-Za-z_][A-Za-z0-9_.-]{0,63}".prop_map(|text| RoomName::parse(&text).unwrap())
    }

    /// Any text, long ones among them.
    pub(super) fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            (any::<char>(), 0usize..70_000).prop_map(|(char, count)| {
                let mut text = String::new();
                text.extend(std::iter::repeat_n(char, count));
                text
            })
        ]
    }

    pub(super) fn token() -> impl Strategy<Value = Token> {
        any::<[u8; 16]>().prop_map(Token)
    }

    /// The one frame that `stream` is.
    pub(super) fn only_frame(stream: &[u8]) -> Frame<'_> {
        let (frame, rest) = Frame::first(stream).unwrap();
        assert!(rest.is_empty(), "one message is one frame");
        frame
    }

    /// An entry in which somebody says `text`.
    pub(super) fn said(text: &str) -> EntryView<'_> {
        EntryView {
            room: 1,
            id: Some(EntryId(1)),
            unix_seconds: TIME_BASE_UNIX_SECONDS,
            author: Name::parse("bob").unwrap(),
            body: BodyView::Said(text),
        }
    }
}
