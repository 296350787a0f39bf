//! What is asked and told of files is what is read.

use super::super::samples::{name, only_frame, room_name};
use super::super::{
    ClientMessage, ServerMessage, decode_client, decode_server, encode_client, server,
};
use super::*;
use crate::chat::Event;
use crate::limits::{FILE_NAME_BYTES_MAX, UNNAMED_MESSAGE_BYTES_MAX};
use proptest::prelude::*;

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), 1..=FILE_CHUNK_BYTES_MAX).prop_map(|(byte, count)| vec![byte; count])
}

fn requested(request: &FileRequest<'_>) -> Vec<u8> {
    let mut stream = Vec::new();
    encode_client(&ClientMessage::File(request.clone()), &mut stream);
    stream
}

fn end() -> impl Strategy<Value = FileEnd> {
    (0u8..8).prop_map(end_of)
}

fn listing() -> impl Strategy<Value = FileListing> {
    let place = (prop::option::of(room_name()), prop::option::of(name()));
    let flags = any::<(bool, bool)>();
    let what = (any::<String>(), any::<u64>(), prop::option::of(digest()));
    (any::<u64>(), name(), place, flags, what).prop_map(
        |(file, from, (room, to), (is_own, is_whole), (name, bytes, digest))| FileListing {
            file: FileId(file),
            from,
            room,
            to,
            is_own,
            name: name.into(),
            bytes,
            digest,
            is_whole,
        },
    )
}

proptest! {
    #[test]
    fn what_a_client_asks_for_files_is_what_is_read(
        (key, file, offset, until) in any::<(u64, u64, u64, u64)>(),
        (room, to) in (any::<Option<u64>>(), prop::option::of(name())),
        (name, digest, sum) in (any::<String>(), prop::option::of(digest()), digest()),
        bytes in some_bytes(),
    ) {
        let (key, file) = (MessageKey(key), FileId(file));
        let to = to.as_ref().map(Name::as_str);
        for request in [
            FileRequest::Offer {
                key, room: room.map(RoomId), to, name: &name, bytes: until, digest,
            },
            FileRequest::SendOn { key, file },
            FileRequest::Chunk { file, offset, bytes: &bytes },
            FileRequest::Uploaded { file, digest: sum },
            FileRequest::Fetch { key, file, offset, until },
            FileRequest::More { file, until },
            FileRequest::Stop { file },
            FileRequest::Files { key },
        ] {
            let stream = requested(&request);
            let read = decode_client(only_frame(&stream));
            prop_assert_eq!(read, Ok(ClientMessage::File(request)));
        }
    }

    #[test]
    fn what_a_client_is_told_of_files_is_what_is_read(
        (key, file, have, until) in any::<(Option<u64>, u64, u64, u64)>(),
        (from, title, sum) in (name(), any::<String>(), digest()),
        (why, listing) in (end(), listing()),
    ) {
        let (key, file) = (key.map(MessageKey), FileId(file));
        let name = &*title;
        let (bytes, offset) = (until, have);
        let told = [
            (
                FileEvent::Take { key, file, have, until },
                FileAnswer::Take { key, file, have, until },
            ),
            (FileEvent::Kept(file), FileAnswer::Kept(file)),
            (
                FileEvent::Give { key, file, from, name: name.into(), bytes, offset },
                FileAnswer::Give { key, file, from, name, bytes, offset },
            ),
            (
                FileEvent::Whole { file, bytes, digest: sum },
                FileAnswer::Whole { file, bytes, digest: sum },
            ),
            (FileEvent::Over(file, why), FileAnswer::Over(file, why)),
            (FileEvent::Listed(listing.clone()), FileAnswer::Listed(listing)),
        ];
        for (event, answer) in told {
            let mut stream = Vec::new();
            server::encode_event(&Event::File(event), &mut stream);
            let read = decode_server(only_frame(&stream));
            prop_assert_eq!(read, Ok(Some(ServerMessage::File(answer))));
        }
    }

    #[test]
    fn a_piece_is_what_is_read_and_its_envelope_is_bounded(
        (file, offset) in any::<(u64, u64)>(),
        bytes in some_bytes(),
    ) {
        let file = FileId(file);
        let mut stream = Vec::new();
        write_piece(file, offset, &bytes, &mut stream);
        prop_assert!(stream.len() <= bytes.len() + FILE_PIECE_ENVELOPE_BYTES);
        let piece = FileAnswer::Piece { file, offset, bytes: &bytes };
        let read = decode_server(only_frame(&stream));
        prop_assert_eq!(read, Ok(Some(ServerMessage::File(piece))));
    }

    #[test]
    fn no_bytes_break_the_decoders(
        (request, answer) in (REQUEST_KINDS, ANSWER_KINDS),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = decode_request(Frame { kind: request, body: &body });
        let _ = decode_answer(Frame { kind: answer, body: &body });
    }
}

#[test]
fn an_offer_fits_what_a_client_may_send_however_large_its_numbers_are() {
    let offer = FileRequest::Offer {
        key: MessageKey(u64::MAX),
        room: Some(RoomId(u64::MAX)),
        to: Some(&"n".repeat(32)),
        name: &"n".repeat(FILE_NAME_BYTES_MAX),
        bytes: u64::MAX,
        digest: Some(Digest([0xff; 32])),
    };
    assert!(requested(&offer).len() < UNNAMED_MESSAGE_BYTES_MAX);
}

#[test]
fn the_largest_chunk_has_its_bound_and_an_empty_one_is_none() {
    let file = FileId(u64::MAX);
    let offset = u64::MAX;
    let bytes = &[7; FILE_CHUNK_BYTES_MAX][..];
    let stream = requested(&FileRequest::Chunk {
        file,
        offset,
        bytes,
    });
    assert!(stream.len() <= FILE_CHUNK_BYTES_MAX + FILE_PIECE_ENVELOPE_BYTES);
    for bytes in [&[][..], &[7; FILE_CHUNK_BYTES_MAX + 1]] {
        let file = 1;
        let mut body = Vec::new();
        encode_cbor(
            BytesBody {
                file,
                offset,
                bytes,
            },
            &mut body,
        );
        let read = decode_request(Frame {
            kind: CHUNK,
            body: &body,
        });
        assert_eq!(read, Err(WireError::Malformed));
    }
}

#[test]
fn a_digest_of_another_length_is_malformed() {
    // [7, h'0102']
    let body = b"\x82\x07\x42\x01\x02";
    let read = decode_request(Frame {
        kind: UPLOADED,
        body,
    });
    assert_eq!(read, Err(WireError::Malformed));
}

#[test]
fn an_end_of_a_newer_server_is_an_end() {
    assert_eq!(end_of(200), FileEnd::Failed);
}
