//! Against the published vectors, against another implementation, and against a peer that cheats.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use serde_json::Value;
use x25519_dalek::StaticSecret;

use super::*;
use crate::crypto::tests::{hex, unhex, unhex_array};

const PROLOGUE: &[u8] = b"a prologue that both sides know";
const INITIATOR_EPHEMERAL: [u8; 32] = [0x11; 32];
const RESPONDER_EPHEMERAL: [u8; 32] = [0x22; 32];

fn initiator_key() -> StaticKey {
    StaticKey::from_bytes(&[0x33; 32])
}

fn responder_key() -> StaticKey {
    StaticKey::from_bytes(&[0x44; 32])
}

/// Points of order 1, 2, 4 and 8 on the curve and its twist, with their non-canonical forms.
fn low_order_points() -> Vec<[u8; 32]> {
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
    .into_iter()
    .flat_map(|digits| {
        let point: [u8; 32] = unhex_array(digits);
        let mut with_unused_bit = point;
        with_unused_bit[31] |= 0x80;
        [point, with_unused_bit]
    })
    .collect()
}

/// The initiator after its hello, and the responder after reading it.
fn hello() -> (Initiator, ResponderHello) {
    let mut message = Vec::new();
    let initiator = Initiator::start(PROLOGUE, INITIATOR_EPHEMERAL, b"", &mut message);
    let (responder, payload) = Responder::read_hello(PROLOGUE, &message).unwrap();
    assert_eq!(payload, b"");
    (initiator, responder)
}

fn reply() -> (Initiator, ResponderReply, Vec<u8>) {
    let (initiator, responder) = hello();
    let mut message = Vec::new();
    let responder = responder
        .reply(&responder_key(), RESPONDER_EPHEMERAL, b"two", &mut message)
        .unwrap();
    (initiator, responder, message)
}

fn finish() -> (Session, ResponderReply, Vec<u8>) {
    let (initiator, responder, message) = reply();
    let (initiator, payload) = initiator.read_reply(&message).unwrap();
    assert_eq!(payload, b"two");
    assert_eq!(initiator.responder_key(), responder_key().public());
    let mut message = Vec::new();
    let session = initiator
        .finish(&initiator_key(), b"three", &mut message)
        .unwrap();
    (session, responder, message)
}

fn error_of<T>(result: Result<T, NoiseError>) -> Option<NoiseError> {
    result.err()
}

#[test]
fn both_sides_reach_the_same_session() {
    let (ours, responder, message) = finish();
    let (theirs, key, payload) = responder.finish(&message).unwrap();
    assert_eq!(key, initiator_key().public());
    assert_eq!(payload, b"three");
    assert_eq!(ours.hash, theirs.hash);
    assert_eq!(ours.initiator_to_responder, theirs.initiator_to_responder);
    assert_eq!(ours.responder_to_initiator, theirs.responder_to_initiator);
    assert_ne!(ours.initiator_to_responder, ours.responder_to_initiator);
}

#[test]
fn the_published_vectors() {
    let file: Value = serde_json::from_str(include_str!("../vectors/noise_xx.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        check_vector(vector);
    }
}

fn check_vector(vector: &Value) {
    let field = |name: &str| unhex(vector[name].as_str().unwrap());
    let key = |name: &str| unhex_array::<32>(vector[name].as_str().unwrap());
    let message =
        |index: usize, name: &str| unhex(vector["messages"][index][name].as_str().unwrap());
    let prologue = field("prologue");
    let mut sent = Vec::new();
    let initiator = Initiator::start(
        &prologue,
        key("initiator_ephemeral"),
        &message(0, "payload"),
        &mut sent,
    );
    assert_eq!(hex(&sent), hex(&message(0, "ciphertext")));
    let (responder, payload) = Responder::read_hello(&prologue, &sent).unwrap();
    assert_eq!(payload, message(0, "payload"));

    sent.clear();
    let responder = responder
        .reply(
            &StaticKey::from_bytes(&key("responder_static")),
            key("responder_ephemeral"),
            &message(1, "payload"),
            &mut sent,
        )
        .unwrap();
    assert_eq!(hex(&sent), hex(&message(1, "ciphertext")));
    let (initiator, payload) = initiator.read_reply(&sent).unwrap();
    assert_eq!(payload, message(1, "payload"));

    sent.clear();
    let identity = StaticKey::from_bytes(&key("initiator_static"));
    let ours = initiator
        .finish(&identity, &message(2, "payload"), &mut sent)
        .unwrap();
    assert_eq!(hex(&sent), hex(&message(2, "ciphertext")));
    let (theirs, peer, payload) = responder.finish(&sent).unwrap();
    assert_eq!(payload, message(2, "payload"));
    assert_eq!(peer, identity.public());
    assert_eq!(ours.hash, theirs.hash);
    if let Some(hash) = vector["handshake_hash"].as_str() {
        assert_eq!(hex(&ours.hash), hash);
    }

    // The remaining messages prove the split keys: the responder speaks first, in turn.
    for index in 3..vector["messages"].as_array().unwrap().len() {
        let direction = if index % 2 == 1 {
            ours.responder_to_initiator
        } else {
            ours.initiator_to_responder
        };
        let mut nonce = [0; 12];
        nonce[11] = ((index - 3) / 2) as u8;
        let mut sealed = message(index, "payload");
        let tag = Aes256Gcm::new(&direction.into())
            .encrypt_inout_detached(&nonce.into(), &[], sealed.as_mut_slice().into())
            .unwrap();
        sealed.extend_from_slice(&tag);
        assert_eq!(hex(&sealed), hex(&message(index, "ciphertext")));
    }
}

fn snow_builder(key: &[u8; 32]) -> snow::Builder<'_> {
    snow::Builder::new("Noise_XX_25519_AESGCM_SHA256".parse().unwrap())
        .local_private_key(key)
        .unwrap()
        .prologue(PROLOGUE)
        .unwrap()
}

#[test]
fn snow_as_the_responder_understands_us() {
    for payload_bytes in [0, 1, 100, 256] {
        let payload = vec![0xab; payload_bytes];
        let mut snow = snow_builder(&[0x44; 32]).build_responder().unwrap();
        let (mut message, mut buffer) = (Vec::new(), [0; 1024]);
        let ours = Initiator::start(PROLOGUE, INITIATOR_EPHEMERAL, b"", &mut message);
        assert_eq!(snow.read_message(&message, &mut buffer).unwrap(), 0);

        let length = snow.write_message(&payload, &mut buffer).unwrap();
        let (ours, read) = ours.read_reply(&buffer[..length]).unwrap();
        assert_eq!(read, payload);
        assert_eq!(ours.responder_key(), responder_key().public());

        message.clear();
        let session = ours
            .finish(&initiator_key(), &payload, &mut message)
            .unwrap();
        let length = snow.read_message(&message, &mut buffer).unwrap();
        assert_eq!(buffer[..length], payload);
        assert_eq!(
            snow.get_remote_static().unwrap(),
            initiator_key().public().0
        );
        check_snow_session(snow, &session);
    }
}

#[test]
fn snow_as_the_initiator_understands_us() {
    for payload_bytes in [0, 1, 100, 256] {
        let payload = vec![0xcd; payload_bytes];
        let mut snow = snow_builder(&[0x33; 32]).build_initiator().unwrap();
        let (mut message, mut buffer) = (Vec::new(), [0; 1024]);
        let length = snow.write_message(&[], &mut buffer).unwrap();
        let (ours, read) = Responder::read_hello(PROLOGUE, &buffer[..length]).unwrap();
        assert_eq!(read, b"");

        let ours = ours
            .reply(
                &responder_key(),
                RESPONDER_EPHEMERAL,
                &payload,
                &mut message,
            )
            .unwrap();
        let length = snow.read_message(&message, &mut buffer).unwrap();
        assert_eq!(buffer[..length], payload);
        assert_eq!(
            snow.get_remote_static().unwrap(),
            responder_key().public().0
        );

        let length = snow.write_message(&payload, &mut buffer).unwrap();
        let (session, key, read) = ours.finish(&buffer[..length]).unwrap();
        assert_eq!((key, read), (initiator_key().public(), payload));
        check_snow_session(snow, &session);
    }
}

fn check_snow_session(mut snow: snow::HandshakeState, session: &Session) {
    assert!(snow.is_handshake_finished());
    assert_eq!(snow.get_handshake_hash(), session.hash);
    let is_initiator = snow.is_initiator();
    let mut transport = {
        let mut buffer = [0; 64];
        // Finished: no further handshake message can be written.
        assert!(snow.write_message(&[], &mut buffer).is_err());
        snow.into_transport_mode().unwrap()
    };
    let key = if is_initiator {
        session.initiator_to_responder
    } else {
        session.responder_to_initiator
    };
    let mut theirs = [0; 64];
    let length = transport.write_message(b"check", &mut theirs).unwrap();
    let mut ours = b"check".to_vec();
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&[0; 12].into(), &[], ours.as_mut_slice().into())
        .unwrap();
    ours.extend_from_slice(&tag);
    assert_eq!(theirs[..length], ours);
}

#[test]
fn another_prologue_is_noticed_by_the_initiator() {
    let mut message = Vec::new();
    let initiator = Initiator::start(b"one", INITIATOR_EPHEMERAL, b"", &mut message);
    let (responder, _) = Responder::read_hello(b"other", &message).unwrap();
    message.clear();
    let replied = responder.reply(&responder_key(), RESPONDER_EPHEMERAL, b"", &mut message);
    assert!(replied.is_ok());
    let error = error_of(initiator.read_reply(&message));
    assert_eq!(error, Some(NoiseError::Forged));
}

#[test]
fn the_responder_refuses_every_point_of_low_order() {
    for point in low_order_points() {
        let (responder, _) = Responder::read_hello(PROLOGUE, &point).unwrap();
        let mut out = Vec::new();
        let replied = responder.reply(&responder_key(), RESPONDER_EPHEMERAL, b"", &mut out);
        assert_eq!(
            error_of(replied),
            Some(NoiseError::NotContributory),
            "{point:02x?}"
        );
    }
}

#[test]
fn the_initiator_refuses_every_ephemeral_point_of_low_order() {
    for point in low_order_points() {
        let (initiator, _, mut message) = reply();
        message[..KEY_BYTES].copy_from_slice(&point);
        let error = error_of(initiator.read_reply(&message));
        assert_eq!(error, Some(NoiseError::NotContributory), "{point:02x?}");
    }
}

/// A cheating peer that knows its own ephemeral key but claims a static point of low order.
#[test]
fn a_static_point_of_low_order_is_refused_by_both() {
    for point in low_order_points() {
        let claimed = PublicKey(point);
        let (initiator, mut responder) = hello();
        let (mut message, cheat) = (Vec::new(), StaticKey::from_bytes(&RESPONDER_EPHEMERAL));
        responder.symmetric.mix_hash(&cheat.public().0);
        message.extend_from_slice(&cheat.public().0);
        responder
            .symmetric
            .mix_agreement(&cheat, responder.initiator_ephemeral)
            .unwrap();
        responder.symmetric.seal(&claimed.0, &mut message);
        message.extend_from_slice(&[0; FIELD_TAG_BYTES]);
        let error = error_of(initiator.read_reply(&message));
        assert_eq!(error, Some(NoiseError::NotContributory), "{point:02x?}");

        let (initiator, responder, message) = reply();
        let (mut initiator, _) = initiator.read_reply(&message).unwrap();
        let mut message = Vec::new();
        initiator.state.symmetric.seal(&claimed.0, &mut message);
        message.extend_from_slice(&[0; FIELD_TAG_BYTES]);
        let error = error_of(responder.finish(&message));
        assert_eq!(error, Some(NoiseError::NotContributory), "{point:02x?}");
    }
}

#[test]
fn every_truncation_fails() {
    let (_, _, whole) = reply();
    for length in 0..whole.len() {
        let (initiator, ..) = reply();
        assert!(initiator.read_reply(&whole[..length]).is_err(), "{length}");
    }
    let (_, _, whole) = finish();
    for length in 0..whole.len() {
        let (_, responder, _) = finish();
        assert!(responder.finish(&whole[..length]).is_err(), "{length}");
    }
    for length in 0..HELLO_BYTES {
        let error = error_of(Responder::read_hello(PROLOGUE, &vec![9; length]));
        assert_eq!(error, Some(NoiseError::Truncated));
    }
}

#[test]
fn every_flipped_bit_of_the_second_message_fails() {
    let (_, _, whole) = reply();
    for bit in 0..8 * whole.len() {
        let (initiator, ..) = reply();
        let mut message = whole.clone();
        message[bit / 8] ^= 1 << (bit % 8);
        let error = error_of(initiator.read_reply(&message));
        assert_eq!(error, Some(NoiseError::Forged), "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_of_the_third_message_fails() {
    let (_, _, whole) = finish();
    for bit in 0..8 * whole.len() {
        let (_, responder, _) = finish();
        let mut message = whole.clone();
        message[bit / 8] ^= 1 << (bit % 8);
        let error = error_of(responder.finish(&message));
        assert_eq!(error, Some(NoiseError::Forged), "bit {bit}");
    }
}

#[test]
fn a_changed_hello_is_noticed_by_the_initiator() {
    for bit in 0..8 * HELLO_BYTES {
        let mut message = Vec::new();
        let initiator = Initiator::start(PROLOGUE, INITIATOR_EPHEMERAL, b"", &mut message);
        message[bit / 8] ^= 1 << (bit % 8);
        let (responder, _) = Responder::read_hello(PROLOGUE, &message).unwrap();
        let mut answer = Vec::new();
        let replied = responder.reply(&responder_key(), RESPONDER_EPHEMERAL, b"", &mut answer);
        assert!(replied.is_ok());
        assert!(initiator.read_reply(&answer).is_err(), "bit {bit}");
    }
}

#[test]
fn state_wipes_itself() {
    fn wipes_itself<T: ZeroizeOnDrop>() {}
    wipes_itself::<SymmetricState>();
    wipes_itself::<StaticKey>();
    wipes_itself::<StaticSecret>();
    wipes_itself::<Session>();
    wipes_itself::<Aes256Gcm>();
    let mut state = SymmetricState::new(PROLOGUE);
    state
        .mix_agreement(&initiator_key(), responder_key().public())
        .unwrap();
    state.zeroize();
    assert_eq!((state.chaining_key, state.key), ([0; 32], [0; 32]));
}
