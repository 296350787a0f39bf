//! The printed vectors, the bounds of a key's life, and everything a path could do to records.

/// Makes each of these a test of either suite.
macro_rules! in_both_suites {
    ($($name:ident),+ $(,)?) => {
        mod suite_1 {
            $(#[test] fn $name() { super::$name(super::Suite::CtrHmac); })+
        }
        mod suite_2 {
            $(#[test] fn $name() { super::$name(super::Suite::Gcm); })+
        }
    };
}

mod hostile;
mod life;
#[cfg(feature = "unverified")]
mod unverified;

use super::*;
use crate::crypto::tests::{hex, unhex, unhex_array};
use crate::limits::{RECORD_INNER_BYTES_MAX, RECORD_INNER_BYTES_SENT_MAX, RECORD_TAG_BYTES};

in_both_suites! {
    the_printed_vectors,
    every_length_arrives_with_and_without_padding,
    the_largest_accepted_record_opens,
    every_split_opens_the_same,
    a_record_and_its_followers_fit_the_write_buffer_without_growing_it,
}

const NOW: Duration = Duration::from_secs(1_000);
const NEVER: Duration = Duration::MAX;

/// The session of the printed vectors, in which `h` starts at `first`.
fn session(first: u8) -> Session {
    let counted = |from: u8| std::array::from_fn(|index| from + index as u8);
    Session {
        initiator_to_responder: counted(0x00),
        responder_to_initiator: counted(0x20),
        hash: counted(first),
    }
}

/// The server's sealer and the client's opener of one connection.
fn pair(suite: Suite) -> (Sealer, Opener) {
    let server = RecordSecrets::derive(session(0x40), Side::Server, suite);
    let client = RecordSecrets::derive(session(0x40), Side::Client, suite);
    (server.sealer.start(NEVER), client.opener.start())
}

/// Seals `content` with no padding.
fn sealed(sealer: &mut Sealer, content: &[u8]) -> Vec<u8> {
    sealed_with(sealer, Padding::None, content)
}

fn sealed_with(sealer: &mut Sealer, padding: Padding, content: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::new();
    let start = begin_record(&mut buffer);
    buffer.extend_from_slice(content);
    sealer.seal(padding, &mut buffer, start).unwrap();
    buffer
}

/// A record with a given inner part, genuine in every other way.
fn forged_inside(sealer: &mut Sealer, inner: &[u8]) -> Vec<u8> {
    let sequence = sealer.position.spend(inner.len(), u64::MAX, u64::MAX);
    let sequence = sequence.unwrap();
    let length = u16::try_from(inner.len()).unwrap();
    let mut record = vec![VERSION, sealer.position.epoch_byte()];
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(inner);
    let (suite, iv) = (sealer.suite, sealer.position.iv);
    let tag = sealer.keys.seal(suite, iv, sequence, &mut record);
    record.extend_from_slice(&tag);
    record
}

/// Opens a whole record; returns its kind and content.
fn opened(opener: &mut Opener, record: &[u8]) -> Result<(RecordKind, Vec<u8>), RecordError> {
    let mut bytes = record.to_vec();
    match opener.open(&mut bytes, NOW)? {
        Opened::Record {
            kind,
            content,
            consumed,
        } => {
            assert_eq!(consumed, record.len());
            Ok((kind, bytes[content].to_vec()))
        }
        Opened::Incomplete { needed } => panic!("{needed} bytes needed, {} given", record.len()),
    }
}

fn the_printed_vectors(suite: Suite) {
    let expected = match suite {
        Suite::CtrHmac => [
            "0100000752173d9c4e1819fe0774dff92d532375963f1f0ce58789",
            "0100002b70331f85b4c8ab6de798a22889aa91353a3ed5c079c1d8ad9655a02638c568310a11f0ab6e1d34b53c19e4430f455bf01e564a3ce3f709e3746f53",
            "010000061cbcf9081609cfe8dc2f962a2dc8a386a107b2a270b2",
            "01010004af0c925ed3c476167bd6025d113279a6152c088a",
        ],
        Suite::Gcm => [
            "010000072f8f66a0c55d09817de0a46808e479245884d7ace729c5",
            "0100002b3b1abda515adb7ad9655a02638c568310a11f0ab6e1d34b53c19e4a9e43d49af4fccd3dfd0f2dfcedff93b8fb3c070b070a7c9cb636583e7db4f8a",
            "01000006e14c307aca68b203c18259cc0d809e9539e8bf0d040d",
            "010100046326a9f5c8e1f9b14100566b8b9057b0c1ae3c0d",
        ],
    };
    let (mut sealer, mut opener) = pair(suite);
    let hello = sealed(&mut sealer, b"hello");
    let padded = sealed_with(&mut sealer, Padding::Blocks, b"hello");
    let (mut update, mut close) = (Vec::new(), Vec::new());
    sealer.seal_key_update(NEVER, &mut update).unwrap();
    sealer.seal_close(CloseCode::Done, &mut close).unwrap();
    let all = [&hello, &padded, &update, &close];
    assert_eq!(all.map(|record| hex(record)), expected);

    let data = Ok((RecordKind::Data, b"hello".to_vec()));
    assert_eq!(opened(&mut opener, &hello), data);
    assert_eq!(opened(&mut opener, &padded), data);
    let expected = (RecordKind::KeyUpdate, 1u32.to_be_bytes().to_vec());
    assert_eq!(opened(&mut opener, &update), Ok(expected));
    assert_eq!(
        hex(opener.keys.traffic()),
        "04f0fd8f34a43b4154137e0709383933e582db4245630b510af7b74cb91cdf19"
    );
    let expected = (RecordKind::Close(CloseCode::Done), vec![0, 0]);
    assert_eq!(opened(&mut opener, &close), Ok(expected));
}

/// RFC 3686, 6, test vectors 7 to 9: AES-256-CTR.
#[test]
fn rfc_3686() {
    let counted = |count: u8| (0..count).collect::<Vec<u8>>();
    let cases = [
        (
            "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104",
            "00000060",
            "db5672c97aa8f0b2",
            b"Single block msg".to_vec(),
            "145ad01dbf824ec7560863dc71e3e0c0",
        ),
        (
            "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884",
            "00faac24",
            "c1585ef15a43d875",
            counted(0x20),
            "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c",
        ),
        (
            "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d",
            "001cc5b7",
            "51a51d70a1c11148",
            counted(0x24),
            "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8",
        ),
    ];
    for (key, nonce, iv, mut text, expected) in cases {
        let keys = keys::Keys::<keys::Expanded>::with_cipher_key(&unhex_array(key));
        let sequence = u64::from_be_bytes(unhex_array(iv));
        keys.apply_keystream(unhex_array(nonce), sequence, &mut text);
        assert_eq!(hex(&text), expected);
        keys.apply_keystream(unhex_array(nonce), sequence, &mut text);
        assert_ne!(text, unhex(expected));
    }
}

fn every_length_arrives_with_and_without_padding(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    let most = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;
    let text: Vec<u8> = (0..most).map(|index| (index % 251) as u8).collect();
    for length in (0..300).chain((300..most).step_by(997)).chain([most]) {
        for padding in [Padding::None, Padding::Blocks] {
            let record = sealed_with(&mut sealer, padding, &text[..length]);
            let inner_bytes = record.len() - RECORD_HEADER_BYTES - RECORD_TAG_BYTES;
            match padding {
                Padding::None => assert_eq!(record.len(), length + 22),
                Padding::Blocks => {
                    assert_eq!((inner_bytes + 21) % 64, 0);
                    assert!(inner_bytes - length < 64 + RECORD_PREFIX_BYTES);
                }
            }
            let expected = (RecordKind::Data, text[..length].to_vec());
            assert_eq!(opened(&mut opener, &record), Ok(expected));
        }
    }
}

#[test]
#[should_panic(expected = "filled to RECORD_INNER_BYTES_SENT_MAX")]
fn sealing_more_than_a_record_holds_is_our_bug() {
    let (mut sealer, _) = pair(Suite::DEFAULT);
    let most = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;
    let _ = sealed(&mut sealer, &vec![0; most + 1]);
}

/// The largest record that a peer may send is larger than those we send.
fn the_largest_accepted_record_opens(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    let mut inner = vec![7; RECORD_INNER_BYTES_MAX];
    inner[..2].copy_from_slice(&[KIND_DATA, 0]);
    let record = forged_inside(&mut sealer, &inner);
    let (kind, content) = opened(&mut opener, &record).unwrap();
    assert_eq!((kind, content.len()), (RecordKind::Data, 16_382));
}

/// Goal: however the bytes arrive, the records are the same, and waiting changes nothing.
/// Method: feed a stream with one record of each kind, cut at every place, and byte by byte.
fn every_split_opens_the_same(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let mut stream = sealed_with(&mut sealer, Padding::Blocks, b"first");
    stream.extend(sealed(&mut sealer, b""));
    sealer.seal_pad(3, &mut stream).unwrap();
    sealer.seal_key_update(NEVER, &mut stream).unwrap();
    stream.extend(sealed(&mut sealer, b"second"));
    sealer.seal_close(CloseCode::TooSlow, &mut stream).unwrap();
    let expected = vec![
        RecordKind::Data,
        RecordKind::Data,
        RecordKind::Pad,
        RecordKind::KeyUpdate,
        RecordKind::Data,
        RecordKind::Close(CloseCode::TooSlow),
    ];
    for cut in 0..stream.len() {
        let parts = [&stream[..cut], &stream[cut..]];
        assert_eq!(
            kinds_of(suite, &parts),
            (expected.clone(), b"firstsecond".to_vec())
        );
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(kinds_of(suite, &bytes).0, expected);
}

fn kinds_of(suite: Suite, parts: &[&[u8]]) -> (Vec<RecordKind>, Vec<u8>) {
    let (_, mut opener) = pair(suite);
    let (mut waiting, mut kinds, mut text) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        waiting.extend_from_slice(part);
        loop {
            let before = waiting.clone();
            match opener.open(&mut waiting, NOW).unwrap() {
                Opened::Incomplete { needed } => {
                    assert!(needed > waiting.len());
                    assert_eq!(waiting, before);
                    break;
                }
                Opened::Record {
                    kind,
                    content,
                    consumed,
                } => {
                    if kind == RecordKind::Data {
                        text.extend_from_slice(&waiting[content]);
                    }
                    kinds.push(kind);
                    waiting.drain(..consumed);
                }
            }
        }
    }
    assert!(waiting.is_empty() && opener.is_closed());
    (kinds, text)
}

fn a_record_and_its_followers_fit_the_write_buffer_without_growing_it(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    let mut buffer = Vec::with_capacity(crate::limits::WRITE_BUFFER_BYTES_MAX);
    let (place, capacity) = (buffer.as_ptr(), buffer.capacity());
    let start = begin_record(&mut buffer);
    buffer.resize(start + RECORD_HEADER_BYTES + RECORD_INNER_BYTES_SENT_MAX, 9);
    sealer.seal(Padding::Blocks, &mut buffer, start).unwrap();
    assert_eq!(buffer.len(), 16_383);
    let full = buffer.len();
    sealer.seal_key_update(NEVER, &mut buffer).unwrap();
    assert_eq!(buffer.len(), full + 26);
    sealer.seal_close(CloseCode::Removed, &mut buffer).unwrap();
    assert_eq!(buffer.len(), full + 26 + 24);
    assert_eq!((buffer.as_ptr(), buffer.capacity()), (place, capacity));

    let mut kinds = Vec::new();
    let mut rest = buffer.as_mut_slice();
    while let Ok(Opened::Record { kind, consumed, .. }) = opener.open(rest, NOW) {
        kinds.push(kind);
        rest = &mut rest[consumed..];
    }
    let close = RecordKind::Close(CloseCode::Removed);
    assert_eq!(kinds, [RecordKind::Data, RecordKind::KeyUpdate, close]);
}

#[test]
fn close_codes_survive_the_wire_and_say_who_may_come_back() {
    for wire in 0..1_000 {
        assert_eq!(CloseCode::from_wire(wire).to_wire(), wire);
        let allowed = CloseCode::from_wire(wire).allows_reconnect();
        assert_eq!(allowed, wire != 3 && wire != 5);
    }
}
