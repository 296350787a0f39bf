//! The life of a key: its sequence, its limits, its change and its end.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::*;
use crate::limits::{
    BYTES_PER_KEY_ACCEPTED_MAX, BYTES_PER_KEY_MAX, RECORDS_PER_KEY_ACCEPTED_MAX,
    RECORDS_PER_KEY_MAX, REKEY_INTERVAL_MIN, REKEY_RECORDS_MIN,
};

in_both_suites! {
    every_record_spends_one_sequence_number,
    equal_contents_never_look_equal,
    a_sealed_record_is_not_changed_by_the_next,
    no_two_directions_and_no_two_connections_share_a_key,
    both_ends_have_the_same_binding,
    a_dropped_state_leaves_no_key,
    a_key_seals_no_more_records_than_it_may,
    a_key_seals_no_more_bytes_than_it_may,
    an_opener_accepts_no_more_than_it_may,
    the_key_is_due_when_its_time_has_come,
    keys_change_many_times_and_the_epoch_byte_wraps,
    a_second_key_change_must_not_come_too_early,
    nothing_follows_close,
}

#[test]
fn a_state_is_small() {
    assert!(size_of::<Sealer>() <= 368, "{}", size_of::<Sealer>());
    assert!(size_of::<Opener>() <= 176, "{}", size_of::<Opener>());
}

/// Invariant (a): each record spends one number, also those that fail to follow.
fn every_record_spends_one_sequence_number(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    for expected in 0..100 {
        assert_eq!(sealer.position.records(), expected);
        let record = sealed(&mut sealer, b"the same text");
        assert_eq!(opener.position.records(), expected);
        opened(&mut opener, &record).unwrap();
    }
}

/// Invariant (a), seen from outside: no keystream is used twice, within an epoch or across.
fn equal_contents_never_look_equal(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        for _ in 0..100 {
            assert!(seen.insert(sealed(&mut sealer, &[0; 32])[4..].to_vec()));
        }
        sealer.seal_key_update(NEVER, &mut Vec::new()).unwrap();
    }
}

/// Invariant (b): sealing behind a sealed record does not touch it.
fn a_sealed_record_is_not_changed_by_the_next(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let mut buffer = sealed(&mut sealer, b"first");
    let first = buffer.clone();
    let start = begin_record(&mut buffer);
    buffer.extend_from_slice(b"second");
    sealer.seal(Padding::Blocks, &mut buffer, start).unwrap();
    sealer.seal_close(CloseCode::Done, &mut buffer).unwrap();
    assert_eq!(buffer[..first.len()], first);
}

/// Invariants (c) and section 6: holds only while no such implementation exists, or the two
/// candidates would make this ambiguous and the test would not compile.
#[test]
fn states_can_be_neither_copied_nor_printed() {
    trait Without<Marker> {
        fn holds() {}
    }
    struct Clones;
    struct Prints;
    impl<T> Without<()> for T {}
    impl<T: Clone> Without<Clones> for T {}
    impl<T: std::fmt::Debug> Without<Prints> for T {}
    <Sealer as Without<_>>::holds();
    <Opener as Without<_>>::holds();
    <SealerSecret as Without<_>>::holds();
    <OpenerSecret as Without<_>>::holds();
    <RecordSecrets as Without<_>>::holds();
    <Session as Without<_>>::holds();
    <TrafficSecret as Without<_>>::holds();
    <crate::crypto::handshake::StaticKey as Without<_>>::holds();
    <crate::crypto::handshake::Initiator as Without<_>>::holds();
    <crate::crypto::handshake::ResponderHello as Without<_>>::holds();
    <crate::crypto::handshake::ResponderReply as Without<_>>::holds();
}

/// Invariant (d).
fn no_two_directions_and_no_two_connections_share_a_key(suite: Suite) {
    let mut looks = std::collections::HashSet::new();
    for first in [0x40, 0x41] {
        for side in [Side::Client, Side::Server] {
            let secrets = RecordSecrets::derive(session(first), side, suite);
            let mut sealer = secrets.sealer.start(NEVER);
            assert!(looks.insert(*sealer.keys.traffic()));
            let record = sealed(&mut sealer, &[0; 64]);
            assert!(looks.insert(record[4..36].try_into().unwrap()));
            assert!(looks.insert(record[36..68].try_into().unwrap()));
        }
    }
    assert_eq!(looks.len(), 12);
}

fn both_ends_have_the_same_binding(suite: Suite) {
    let server = RecordSecrets::derive(session(0x40), Side::Server, suite);
    let client = RecordSecrets::derive(session(0x40), Side::Client, suite);
    assert_eq!(server.binding, client.binding);
}

/// Section 7.5, as far as safe code can look: every field that holds a secret is overwritten,
/// and the one that cannot be looked at wipes itself.
fn a_dropped_state_leaves_no_key(suite: Suite) {
    fn wipes_itself<T: ZeroizeOnDrop>() {}
    wipes_itself::<Sealer>();
    wipes_itself::<Opener>();
    wipes_itself::<keys::Keys<keys::Expanded>>();
    wipes_itself::<keys::Keys<keys::Folded>>();
    wipes_itself::<keys::Position>();
    wipes_itself::<aes::Aes256Enc>();
    wipes_itself::<mac::MacKey>();
    assert!(std::mem::needs_drop::<Sealer>() && std::mem::needs_drop::<Opener>());
    let (mut sealer, mut opener) = pair(suite);
    opened(&mut opener, &sealed(&mut sealer, b"use it")).unwrap();
    opener.keys.wipe();
    assert_eq!(opener.keys.cipher.kept(), &[0; 32]);
    sealer.keys.wipe();
    sealer.position.zeroize();
    assert_eq!(*sealer.keys.traffic(), [0; 32]);
    // The MAC's midstates, if the suite has any, are those of no key.
    let no_key = mac::MacKey::absent().tag(0, b"text");
    assert_eq!(sealer.keys.mac.tag(0, b"text"), no_key);
    let position = &sealer.position;
    assert_eq!((position.iv, position.epoch), ([0; 4], 0));
    assert_eq!((position.records(), position.bytes()), (0, 0));
}

fn a_key_seals_no_more_records_than_it_may(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    sealer.position.used(RECORDS_PER_KEY_MAX - 1, 0);
    assert!(!sealer.rekey_required());
    let _ = sealed(&mut sealer, b"the last");
    assert!(sealer.rekey_required() && sealer.rekey_due(Duration::ZERO));
    let mut buffer = b"before".to_vec();
    let start = begin_record(&mut buffer);
    let untouched = buffer.clone();
    let refused = sealer.seal(Padding::Blocks, &mut buffer, start);
    assert_eq!((refused, &buffer), (Err(SealError::Exhausted), &untouched));
    let refused = sealer.seal_pad(1, &mut buffer);
    assert_eq!((refused, &buffer), (Err(SealError::Exhausted), &untouched));
    sealer.seal_key_update(NEVER, &mut Vec::new()).unwrap();
    assert!(!sealer.rekey_required());
    let _ = sealed(&mut sealer, b"goes on");
}

fn a_key_seals_no_more_bytes_than_it_may(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let full = RECORD_INNER_BYTES_SENT_MAX as u64;
    sealer.position.used(9, BYTES_PER_KEY_MAX - full);
    assert!(!sealer.rekey_required());
    let most = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;
    let _ = sealed(&mut sealer, &vec![1; most]);
    assert!(sealer.rekey_required());
    let mut buffer = Vec::new();
    let start = begin_record(&mut buffer);
    let refused = sealer.seal(Padding::None, &mut buffer, start);
    assert_eq!(refused, Err(SealError::Exhausted));
    // An exhausted key can still say goodbye.
    sealer.seal_close(CloseCode::Done, &mut buffer).unwrap();
}

fn an_opener_accepts_no_more_than_it_may(suite: Suite) {
    let limits = [
        (RECORDS_PER_KEY_ACCEPTED_MAX, 0),
        (0, BYTES_PER_KEY_ACCEPTED_MAX - 3),
    ];
    for (records, bytes) in limits {
        let (mut sealer, mut opener) = pair(suite);
        sealer.position.used(records, 0);
        opener.position.used(records, bytes);
        let record = forged_inside(&mut sealer, &[KIND_DATA, 0, 1, 2]);
        assert_eq!(opened(&mut opener, &record), Err(RecordError::Exhausted));
    }
    let (mut sealer, mut opener) = pair(suite);
    let records = RECORDS_PER_KEY_ACCEPTED_MAX - 1;
    sealer.position.used(records, 0);
    opener
        .position
        .used(records, BYTES_PER_KEY_ACCEPTED_MAX - 4);
    let record = forged_inside(&mut sealer, &[KIND_DATA, 0, 1, 2]);
    assert!(opened(&mut opener, &record).is_ok());
}

fn the_key_is_due_when_its_time_has_come(suite: Suite) {
    let secrets = RecordSecrets::derive(session(0x40), Side::Server, suite);
    let mut sealer = secrets.sealer.start(Duration::from_secs(3_600));
    assert!(!sealer.rekey_due(Duration::from_secs(3_599)));
    assert!(sealer.rekey_due(Duration::from_secs(3_600)));
    assert!(!sealer.rekey_required());
    let next = Duration::from_secs(7_000);
    sealer.seal_key_update(next, &mut Vec::new()).unwrap();
    assert!(!sealer.rekey_due(Duration::from_secs(6_999)));
    assert!(sealer.rekey_due(next));
}

fn keys_change_many_times_and_the_epoch_byte_wraps(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    for epoch in 0..600u32 {
        let record = sealed(&mut sealer, b"text");
        assert_eq!(record[1], (epoch % 256) as u8);
        opened(&mut opener, &record).unwrap();
        let mut update = Vec::new();
        sealer.seal_key_update(NEVER, &mut update).unwrap();
        let now = REKEY_INTERVAL_MIN * (epoch + 1);
        let kind = opener.open(&mut update, now).unwrap();
        assert!(matches!(
            kind,
            Opened::Record {
                kind: RecordKind::KeyUpdate,
                ..
            }
        ));
    }
}

/// A second change is too early only when both the time and the records are short.
fn a_second_key_change_must_not_come_too_early(suite: Suite) {
    let soon = NOW + REKEY_INTERVAL_MIN - Duration::from_secs(1);
    let late = NOW + REKEY_INTERVAL_MIN;
    for (records, now, expected) in [
        (0, NOW, false),
        (REKEY_RECORDS_MIN - 1, soon, false),
        (REKEY_RECORDS_MIN - 1, late, true),
        (REKEY_RECORDS_MIN, soon, true),
        (REKEY_RECORDS_MIN, NOW, true),
    ] {
        let (mut sealer, mut opener) = pair(suite);
        let mut update = Vec::new();
        sealer.seal_key_update(NEVER, &mut update).unwrap();
        assert!(opener.open(&mut update, NOW).is_ok());
        sealer.position.used(records, 0);
        opener.position.used(records, 0);
        update.clear();
        sealer.seal_key_update(NEVER, &mut update).unwrap();
        let outcome = opener.open(&mut update, now);
        assert_eq!(outcome.is_ok(), expected, "{records} records, {now:?}");
        if !expected {
            assert_eq!(outcome, Err(RecordError::KeyUpdateTooEarly));
        }
    }
}

fn nothing_follows_close(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    let mut buffer = Vec::new();
    sealer.seal_close(CloseCode::Done, &mut buffer).unwrap();
    assert!(sealer.is_closed());
    let start = begin_record(&mut buffer);
    assert_eq!(
        sealer.seal(Padding::None, &mut buffer, start),
        Err(SealError::Closed)
    );
    buffer.truncate(start);
    let closed = buffer.clone();
    assert_eq!(sealer.seal_pad(1, &mut buffer), Err(SealError::Closed));
    let refused = sealer.seal_close(CloseCode::Done, &mut buffer);
    assert_eq!(refused, Err(SealError::Closed));
    let refused = sealer.seal_key_update(NEVER, &mut buffer);
    assert_eq!((refused, &buffer), (Err(SealError::Closed), &closed));

    assert!(!opener.is_closed());
    opened(&mut opener, &buffer).unwrap();
    assert!(opener.is_closed());
    // Waiting for the end of the stream is no error, more bytes are.
    assert!(opener.open(&mut [], NOW).is_ok());
    assert_eq!(opener.open(&mut [1], NOW), Err(RecordError::AfterClose));
}
