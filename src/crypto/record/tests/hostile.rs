//! Everything a path, or a peer, could do to records: each must end the direction.

use proptest::prelude::*;

use super::*;

in_both_suites! {
    every_flipped_bit_is_noticed_and_nothing_is_decrypted,
    swapped_repeated_and_dropped_records_are_noticed,
    a_record_of_the_other_direction_is_noticed,
    a_record_of_another_connection_is_noticed,
    a_record_of_an_old_or_a_coming_epoch_is_noticed,
    impossible_lengths_are_refused_before_their_bytes_arrive,
    a_genuine_record_that_breaks_the_rules_is_refused,
}

/// The opener refuses `record`, and then even a genuine one.
fn refuses(suite: Suite, record: &[u8], expected: RecordError) {
    let (mut sealer, mut opener) = pair(suite);
    refuses_here(&mut opener, record, expected);
    let genuine = sealed(&mut sealer, b"genuine");
    assert_eq!(opened(&mut opener, &genuine), Err(expected));
}

fn refuses_here(opener: &mut Opener, record: &[u8], expected: RecordError) {
    assert_eq!(opened(opener, record), Err(expected));
    assert!(!opener.is_closed());
}

fn every_flipped_bit_is_noticed_and_nothing_is_decrypted(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let whole = sealed_with(&mut sealer, Padding::Blocks, b"hello");
    for bit in 0..8 * whole.len() {
        let (_, mut opener) = pair(suite);
        let mut record = whole.clone();
        record[bit / 8] ^= 1 << (bit % 8);
        // A length that has grown makes the opener wait, so give it what it waits for.
        record.resize(RECORD_INNER_BYTES_MAX + 64, 0);
        let before = record.clone();
        let outcome = opener.open(&mut record, NOW);
        let expected = match bit / 8 {
            0 => RecordError::Version,
            1 => RecordError::Epoch,
            2 if bit % 8 >= 6 => RecordError::Length,
            _ => RecordError::Tag,
        };
        assert_eq!(outcome, Err(expected), "bit {bit}");
        assert_eq!(record, before, "bit {bit}");
    }
}

fn swapped_repeated_and_dropped_records_are_noticed(suite: Suite) {
    let (mut sealer, _) = pair(suite);
    let records: Vec<_> = (0..3u8)
        .map(|index| sealed(&mut sealer, &[index]))
        .collect();
    refuses(suite, &records[1], RecordError::Tag);
    for next in [0, 2] {
        let (_, mut opener) = pair(suite);
        opened(&mut opener, &records[0]).unwrap();
        refuses_here(&mut opener, &records[next], RecordError::Tag);
    }
}

fn a_record_of_the_other_direction_is_noticed(suite: Suite) {
    let client = RecordSecrets::derive(session(0x40), Side::Client, suite);
    let mut sealer = client.sealer.start(NEVER);
    refuses(suite, &sealed(&mut sealer, b"reflected"), RecordError::Tag);
}

fn a_record_of_another_connection_is_noticed(suite: Suite) {
    let other = RecordSecrets::derive(session(0x41), Side::Server, suite);
    let mut sealer = other.sealer.start(NEVER);
    refuses(suite, &sealed(&mut sealer, b"elsewhere"), RecordError::Tag);
}

fn a_record_of_an_old_or_a_coming_epoch_is_noticed(suite: Suite) {
    let (mut sealer, mut opener) = pair(suite);
    let old = sealed(&mut sealer, b"old");
    let mut update = Vec::new();
    sealer.seal_key_update(NEVER, &mut update).unwrap();
    let mut new = sealed(&mut sealer, b"new");
    refuses(suite, &new, RecordError::Epoch);

    opened(&mut opener, &old).unwrap();
    opened(&mut opener, &update).unwrap();
    refuses_here(&mut opener, &old, RecordError::Epoch);
    // Stating the right epoch does not make it genuine, for the header is authenticated.
    new[1] = 0;
    refuses(suite, &new, RecordError::Tag);
}

fn impossible_lengths_are_refused_before_their_bytes_arrive(suite: Suite) {
    for length in [0u16, 1, 16_385, u16::MAX] {
        let mut header = vec![VERSION, 0];
        header.extend_from_slice(&length.to_be_bytes());
        refuses(suite, &header, RecordError::Length);
    }
    for (length, needed) in [(2u16, 22), (16_384, 16_404)] {
        let (_, mut opener) = pair(suite);
        let mut header = vec![VERSION, 0];
        header.extend_from_slice(&length.to_be_bytes());
        let expected = Ok(Opened::Incomplete { needed });
        assert_eq!(opener.open(&mut header, NOW), expected);
    }
}

/// What only a peer with the keys could send, and must not.
fn a_genuine_record_that_breaks_the_rules_is_refused(suite: Suite) {
    let cases: [(&str, &[u8]); 15] = [
        ("kind 0", &[0, 0, b'x']),
        ("kind 5", &[5, 0, b'x']),
        ("kind 9", &[9, 0, b'x']),
        ("kind 255", &[255, 0]),
        ("pad beyond the content", &[KIND_DATA, 2, 0]),
        ("pad in an empty record", &[KIND_DATA, 1]),
        ("last pad byte set", &[KIND_DATA, 3, b'x', 0, 0, 1]),
        ("first pad byte set", &[KIND_DATA, 3, b'x', 1, 0, 0]),
        ("pad byte set behind a PAD", &[KIND_PAD, 1, 1]),
        ("close without a code", &[KIND_CLOSE, 0]),
        ("close with half a code", &[KIND_CLOSE, 1, 0, 0]),
        ("close with more than a code", &[KIND_CLOSE, 0, 0, 0, 0]),
        ("key update without an epoch", &[KIND_KEY_UPDATE, 0]),
        ("key update to epoch 0", &[KIND_KEY_UPDATE, 0, 0, 0, 0, 0]),
        ("key update to epoch 2", &[KIND_KEY_UPDATE, 0, 0, 0, 0, 2]),
    ];
    for (name, inner) in cases {
        let (mut sealer, mut opener) = pair(suite);
        let record = forged_inside(&mut sealer, inner);
        let outcome = opened(&mut opener, &record);
        assert_eq!(outcome, Err(RecordError::Inner), "{name}");
        assert!(!opener.is_closed(), "{name}");
    }
}

/// A peer must not learn from us which check failed.
#[test]
fn errors_read_the_same_but_are_counted_apart() {
    let all = [
        RecordError::Version,
        RecordError::Epoch,
        RecordError::Length,
        RecordError::Tag,
        RecordError::Inner,
        RecordError::KeyUpdateTooEarly,
        RecordError::Exhausted,
        RecordError::AfterClose,
    ];
    let mut causes: Vec<_> = all.iter().map(|error| error.cause()).collect();
    causes.sort_unstable();
    causes.dedup();
    assert_eq!(causes.len(), all.len());
    assert!(
        all.iter()
            .all(|error| error.to_string() == all[0].to_string())
    );
}

fn suites() -> impl Strategy<Value = Suite> {
    prop::sample::select(Suite::ALL.to_vec())
}

proptest! {
    #[test]
    fn no_bytes_open_or_panic(
        suite in suites(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let (_, mut opener) = pair(suite);
        let opened = opener.open(&mut bytes, NOW);
        prop_assert!(!matches!(opened, Ok(Opened::Record { .. })), "{opened:?}");
    }

    #[test]
    fn no_bytes_behind_a_good_header_open_or_panic(
        suite in suites(),
        mut bytes in prop::collection::vec(any::<u8>(), 22..600),
    ) {
        let (_, mut opener) = pair(suite);
        let length = u16::try_from(bytes.len() - 20).unwrap();
        bytes[..2].copy_from_slice(&[VERSION, 0]);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        prop_assert_eq!(opener.open(&mut bytes, NOW), Err(RecordError::Tag));
    }

    /// A peer that holds the keys may still send nonsense inside.
    #[test]
    fn no_genuine_inner_part_panics(
        suite in suites(),
        inner in prop::collection::vec(any::<u8>(), 2..300),
        kind in 0..6u8,
        pad in 0..8u8,
    ) {
        let (mut sealer, mut opener) = pair(suite);
        let _ = opened(&mut opener, &forged_inside(&mut sealer, &inner));
        let (mut sealer, mut opener) = pair(suite);
        let inner = [&[kind, pad], &inner[2..]].concat();
        let _ = opened(&mut opener, &forged_inside(&mut sealer, &inner));
    }
}
