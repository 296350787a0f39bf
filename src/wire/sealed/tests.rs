//! Both ends against each other and against another implementation, at every split of the bytes.

mod hostile;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::crypto::handshake::StaticKey;
use crate::crypto::record::{Opened, Padding, RecordKind, Suite, begin_record};

const CLIENT_RANDOM: [u8; 32] = [1; 32];
const SERVER_RANDOM: [u8; 32] = [2; 32];
const NOW: u64 = 1_700_000_000;
const PREAMBLE_AND_HELLO_BYTES: usize = 8 + 2 + 32;

fn server_key() -> Arc<StaticKey> {
    Arc::new(StaticKey::from_bytes(&[3; 32]))
}

fn client_key() -> StaticKey {
    StaticKey::from_bytes(&[4; 32])
}

fn introduction() -> Introduction<'static> {
    Introduction {
        features: 5,
        client_name: "a client",
    }
}

/// The hello of most tests, which asks for suite 1.
fn hello() -> (ClientHandshake, Vec<u8>) {
    hello_for(Suite::CtrHmac)
}

fn hello_for(suite: Suite) -> (ClientHandshake, Vec<u8>) {
    let mut sent = Vec::new();
    let client = ClientHandshake::start(suite, CLIENT_RANDOM, &mut sent);
    (client, sent)
}

/// A server that has answered the usual hello, with its answer.
fn replied() -> (ServerHandshake, Vec<u8>) {
    let mut server = ServerHandshake::new(server_key(), 9);
    let (_, sent) = hello();
    server.push(&mut sent.as_slice()).unwrap();
    let mut reply = Vec::new();
    let step = server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
    assert!(matches!(step, Step::More) && server.is_answered());
    (server, reply)
}

fn offer() -> (ServerHandshake, ServerOffer) {
    let (server, reply) = replied();
    let (mut client, _) = hello();
    let offer = client.read_reply(&mut reply.as_slice()).unwrap().unwrap();
    (server, offer)
}

/// The third message and both ends of the connection; the server's is not finished yet.
fn accepted(identity: Identity<'_>) -> (ServerHandshake, Established, Vec<u8>) {
    let (server, offer) = offer();
    let mut sent = Vec::new();
    let client = offer.accept(identity, introduction(), &mut sent).unwrap();
    (server, client, sent)
}

fn finish(mut server: ServerHandshake, message: &[u8]) -> Result<Established, HandshakeError> {
    server.push(&mut &*message)?;
    match server.step(SERVER_RANDOM, NOW, &mut Vec::new())? {
        Step::Done(established) => Ok(*established),
        Step::More => panic!("the message is whole"),
    }
}

/// A record sealed by one end opens at the other, both ways.
fn check_connection(client: Established, server: Established) {
    assert_eq!(client.binding, server.binding);
    let client_ends = (client.sealer.start(Duration::MAX), client.opener.start());
    let server_ends = (server.sealer.start(Duration::MAX), server.opener.start());
    for (mut sealer, mut opener) in [
        (client_ends.0, server_ends.1),
        (server_ends.0, client_ends.1),
    ] {
        let mut buffer = Vec::new();
        let start = begin_record(&mut buffer);
        buffer.extend_from_slice(b"hello");
        sealer.seal(Padding::Blocks, &mut buffer, start).unwrap();
        let opened = opener.open(&mut buffer, Duration::ZERO).unwrap();
        let Opened::Record { kind, content, .. } = opened else {
            panic!("the record is whole");
        };
        assert_eq!(
            (kind, &buffer[content]),
            (RecordKind::Data, b"hello".as_slice())
        );
    }
}

#[test]
fn a_persistent_client_is_known_to_the_server() {
    let key = client_key();
    let (server, client, message) = accepted(Identity::Persistent(&key));
    let server = finish(server, &message).unwrap();
    assert_eq!(server.client_key, Some(key.public()));
    assert_eq!(client.client_key, Some(key.public()));
    assert_eq!((server.peer_features, client.peer_features), (5, 9));
    assert_eq!(server.client_name, "a client");
    assert_eq!(server.server_key, server_key().public());
    assert_eq!(client.server_key, server_key().public());
    check_connection(client, server);
}

#[test]
fn a_throwaway_client_is_nobody() {
    let (server, client, message) = accepted(Identity::Throwaway([6; 32]));
    let server = finish(server, &message).unwrap();
    assert_eq!((server.client_key, client.client_key), (None, None));
    check_connection(client, server);
}

/// The whole of a handshake, and a record each way, in each suite; the keys differ between them.
#[test]
fn both_ends_have_the_suite_that_the_client_asked_for() {
    let bindings = Suite::ALL.map(|suite| {
        let (mut client, mut sent) = hello_for(suite);
        assert_eq!(sent[5], suite.to_wire());
        let mut server = ServerHandshake::new(server_key(), 9);
        server.push(&mut sent.as_slice()).unwrap();
        let mut reply = Vec::new();
        server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
        let offer = client.read_reply(&mut reply.as_slice()).unwrap().unwrap();
        sent.clear();
        let identity = Identity::Throwaway([6; 32]);
        let client = offer.accept(identity, introduction(), &mut sent).unwrap();
        let server = finish(server, &sent).unwrap();
        assert_eq!((client.suite, server.suite), (suite, suite));
        let binding = server.binding.clone();
        check_connection(client, server);
        binding
    });
    assert_ne!(bindings[0], bindings[1]);
}

#[test]
fn the_client_knows_the_server_before_it_says_who_it_is() {
    let (mut client, sent) = hello();
    assert_eq!(sent.len(), PREAMBLE_AND_HELLO_BYTES);
    let (_, reply) = replied();
    let offer = client.read_reply(&mut reply.as_slice()).unwrap().unwrap();
    assert_eq!(offer.server_key, server_key().public());
    assert_eq!(offer.payload.unix_seconds, Some(NOW));
    assert_eq!((offer.payload.features, offer.payload.next_key), (9, None));
    assert_eq!(offer.payload.record_inner_bytes_max, 16_384);
    let again = client.read_reply(&mut reply.as_slice());
    assert_eq!(again.err(), Some(HandshakeError::Over));
}

/// Goal: however the bytes arrive, and however late the steps come, the outcome is the same, and
/// the records behind the third message stay with the caller.
#[test]
fn every_split_of_the_clients_bytes_is_understood() {
    let (_, first) = hello();
    let (_, _, third) = accepted(Identity::Throwaway([6; 32]));
    for cut in 0..first.len() {
        let mut server = ServerHandshake::new(server_key(), 9);
        for part in [&first[..cut], &first[cut..]] {
            assert!(!server.wants_step());
            let mut input = part;
            server.push(&mut input).unwrap();
            assert!(input.is_empty());
        }
        assert!(server.wants_step() && !server.is_answered());
        server.step(SERVER_RANDOM, NOW, &mut Vec::new()).unwrap();
    }
    let stream = [&third[..], b"records"].concat();
    for cut in 0..stream.len() {
        let (mut server, _) = replied();
        let mut input = &stream[..cut];
        server.push(&mut input).unwrap();
        assert_eq!(input.len(), cut.saturating_sub(third.len()));
        let mut input = &stream[cut - input.len()..];
        server.push(&mut input).unwrap();
        assert_eq!(input, b"records");
        assert!(server.wants_step());
        let step = server.step(SERVER_RANDOM, NOW, &mut Vec::new()).unwrap();
        assert!(matches!(step, Step::Done(_)) && !server.wants_step());
    }
}

#[test]
fn bytes_arriving_one_by_one_are_understood() {
    let (mut client, first) = hello();
    let (_, _, third) = accepted(Identity::Throwaway([6; 32]));
    let mut server = ServerHandshake::new(server_key(), 9);
    let mut reply = Vec::new();
    for byte in &first {
        assert!(!server.wants_step());
        server.push(&mut [*byte].as_slice()).unwrap();
    }
    server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
    for (index, byte) in reply.iter().enumerate() {
        let offer = client.read_reply(&mut [*byte].as_slice()).unwrap();
        assert_eq!(offer.is_some(), index == reply.len() - 1);
    }
    for byte in &third {
        assert!(!server.wants_step());
        server.push(&mut [*byte].as_slice()).unwrap();
    }
    let step = server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
    assert!(matches!(step, Step::Done(_)));
}

#[test]
fn every_split_of_the_servers_bytes_is_understood() {
    let (_, reply) = replied();
    let stream = [&reply[..], b"records"].concat();
    for cut in 0..=reply.len() {
        let (mut client, _) = hello();
        let mut input = &stream[..cut];
        let early = client.read_reply(&mut input).unwrap();
        assert_eq!(early.is_some(), cut == reply.len());
        if early.is_none() {
            let mut input = &stream[cut..];
            assert!(client.read_reply(&mut input).unwrap().is_some());
            assert_eq!(input, b"records");
        }
    }
}

#[test]
fn a_step_without_a_message_does_nothing() {
    let mut server = ServerHandshake::new(server_key(), 9);
    let mut out = Vec::new();
    assert!(matches!(
        server.step(SERVER_RANDOM, NOW, &mut out),
        Ok(Step::More)
    ));
    assert!(out.is_empty());
    let (mut server, _) = replied();
    assert!(matches!(
        server.step(SERVER_RANDOM, NOW, &mut out),
        Ok(Step::More)
    ));
    assert!(out.is_empty() && server.is_answered());
}

fn snow_builder(key: &[u8; 32]) -> snow::Builder<'_> {
    snow::Builder::new("Noise_XX_25519_AESGCM_SHA256".parse().unwrap())
        .local_private_key(key)
        .unwrap()
        .prologue(b"parlour1\0PRLR\x01\x01\0\0")
        .unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap();
    [&length.to_be_bytes()[..], message].concat()
}

/// Another implementation, written from the specification: a client with an unknown field.
#[test]
fn snow_as_a_client_gets_through() {
    let (mut snow, mut buffer) = (snow_builder(&[4; 32]).build_initiator().unwrap(), [0; 1024]);
    let length = snow.write_message(&[], &mut buffer).unwrap();
    let mut sent = b"PRLR\x01\x01\0\0".to_vec();
    sent.extend(framed(&buffer[..length]));
    let mut server = ServerHandshake::new(server_key(), 9);
    server.push(&mut sent.as_slice()).unwrap();
    let mut reply = Vec::new();
    server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
    let length = snow.read_message(&reply[2..], &mut buffer).unwrap();
    assert_eq!(buffer[..2], [1, 8]);
    assert_eq!(length, reply.len() - 2 - 96);
    assert_eq!(snow.get_remote_static().unwrap(), server_key().public().0);

    let length = snow
        .write_message(&[0x81, 1, 1, 0x55, 2, 0, 0, 3, 1, b'x'], &mut buffer)
        .unwrap();
    let established = finish(server, &framed(&buffer[..length])).unwrap();
    assert_eq!(established.client_key, Some(client_key().public()));
    assert_eq!(established.client_name, "x");
}

#[test]
fn snow_as_a_server_gets_through() {
    let (mut snow, mut buffer) = (snow_builder(&[3; 32]).build_responder().unwrap(), [0; 1024]);
    let (mut client, sent) = hello();
    snow.read_message(&sent[10..], &mut buffer).unwrap();
    let length = snow
        .write_message(&[1, 8, 0, 0, 0, 0, 0, 0, 0, 7], &mut buffer)
        .unwrap();
    let reply = framed(&buffer[..length]);
    let offer = client.read_reply(&mut reply.as_slice()).unwrap().unwrap();
    assert_eq!(offer.server_key, server_key().public());
    assert_eq!(offer.payload.unix_seconds, Some(7));
    let (key, mut sent) = (client_key(), Vec::new());
    let accepted = offer.accept(Identity::Persistent(&key), introduction(), &mut sent);
    assert!(accepted.is_ok());
    let length = snow.read_message(&sent[2..], &mut buffer).unwrap();
    assert_eq!(buffer[..3], [0x81, 1, 1]);
    assert!(length > 3);
    assert_eq!(snow.get_remote_static().unwrap(), key.public().0);
}
