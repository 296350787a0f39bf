//! The worked example of docs/protocol.md is what this program computes, byte for byte.

use parlour::chat::Hello;
use parlour::crypto::fingerprint::Fingerprint;
use parlour::crypto::handshake::{Initiator, Responder, StaticKey};
use parlour::crypto::record::{
    CloseCode, Padding, RecordSecrets, Sealer, Side, Suite, begin_record,
};
use parlour::wire::message::{ClientMessage, encode_client, encode_event};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// The example asks for suite 1.
const PREAMBLE: &[u8] = b"PRLR\x01\x01\0\0";
/// Time 1767225600, no features, records of up to 16,384 bytes.
const SERVER_PAYLOAD: &[u8] = b"\x01\x08\0\0\0\0\x69\x55\xb9\x00\x02\x04\0\0\0\0\x83\x02\x40\x00";
/// A throwaway key, no features, the name "example".
const CLIENT_PAYLOAD: &[u8] = b"\x81\x01\0\x02\x04\0\0\0\0\x03\x07example";

/// Thirty-two bytes, counted up from `first`.
fn counted(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A message of the handshake as it travels, behind its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}

fn record(sealer: &mut Sealer, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = begin_record(&mut bytes);
    bytes.extend_from_slice(content);
    sealer.seal(Padding::Blocks, &mut bytes, start).unwrap();
    bytes
}

/// Everything that is sent in the example, with what the document calls it.
fn example() -> Vec<(&'static str, Vec<u8>)> {
    let prologue = [b"parlour1\0", PREAMBLE].concat();
    let server_key = StaticKey::from_bytes(&counted(0x41));
    let client_key = StaticKey::from_bytes(&counted(0x61));
    let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());

    let client = Initiator::start(&prologue, counted(0x01), b"", &mut one);
    let (server, _) = Responder::read_hello(&prologue, &one).unwrap();
    let server = server
        .reply(&server_key, counted(0x21), SERVER_PAYLOAD, &mut two)
        .unwrap();
    let (client, payload) = client.read_reply(&two).unwrap();
    assert_eq!(payload, SERVER_PAYLOAD);
    assert_eq!(client.responder_key(), server_key.public());
    let session = client
        .finish(&client_key, CLIENT_PAYLOAD, &mut three)
        .unwrap();
    let (of_server, shown, payload) = server.finish(&three).unwrap();
    assert_eq!((shown, &*payload), (client_key.public(), CLIENT_PAYLOAD));

    let no_time = Duration::ZERO;
    let secrets = RecordSecrets::derive(session, Side::Client, Suite::CtrHmac);
    let binding = secrets.binding.to_vec();
    let mut from_client = secrets.sealer.start(no_time);
    let secrets = RecordSecrets::derive(of_server, Side::Server, Suite::CtrHmac);
    let mut from_server = secrets.sealer.start(no_time);

    let (mut hello, mut ping, mut close) = (Vec::new(), Vec::new(), Vec::new());
    let name = Some("alice");
    encode_client(
        &ClientMessage::Hello(Hello {
            name,
            ..Hello::default()
        }),
        &mut hello,
    );
    encode_event(&parlour::chat::Event::Ping, &mut ping);
    let hello_record = record(&mut from_client, &hello);
    let ping_record = record(&mut from_server, &ping);
    from_client.seal_close(CloseCode::Done, &mut close).unwrap();
    vec![
        ("preamble", PREAMBLE.to_vec()),
        ("message 1", framed(&one)),
        ("message 2", framed(&two)),
        ("message 3", framed(&three)),
        ("server key", server_key.public().0.to_vec()),
        ("client key", client_key.public().0.to_vec()),
        ("CB", binding),
        ("frame Hello", hello),
        ("record Hello", hello_record),
        ("frame Ping", ping),
        ("record Ping", ping_record),
        ("record CLOSE", close),
    ]
}

#[test]
fn the_worked_example_is_what_we_compute() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    let text = std::fs::read_to_string(path).unwrap();
    let solid: String = text.split_whitespace().collect();
    for (name, bytes) in example() {
        let digits = hex(&bytes);
        assert!(solid.contains(&digits), "{name} should be {digits}");
    }
    let key = StaticKey::from_bytes(&counted(0x41)).public();
    let fingerprint = Fingerprint::of_server(&key).to_string();
    assert!(
        text.contains(&fingerprint),
        "the fingerprint is {fingerprint}"
    );
}
