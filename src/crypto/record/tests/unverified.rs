//! Opening without the tag: the same in everything else, so that the load generator's receivers
//! differ in nothing but the check.

use super::*;

in_both_suites! {
    it_opens_what_the_other_opens_to_the_last_byte,
    only_the_tag_is_not_looked_at,
}

/// Opens a whole record without looking at its tag; returns its kind and content.
fn taken(opener: &mut Opener, record: &[u8]) -> Result<(RecordKind, Vec<u8>), RecordError> {
    let mut bytes = record.to_vec();
    match opener.open_unverified(&mut bytes, NOW)? {
        Opened::Record { kind, content, .. } => Ok((kind, bytes[content].to_vec())),
        Opened::Incomplete { needed } => panic!("{needed} bytes needed, {} given", record.len()),
    }
}

/// Lengths on both sides of what suite 2 treats in one go, a key change amid them, a goodbye.
fn it_opens_what_the_other_opens_to_the_last_byte(suite: Suite) {
    let (mut sealer, mut trusting) = pair(suite);
    let (_, mut checking) = pair(suite);
    let mut records = Vec::new();
    for length in [0, 1, 15, 16, 17, 64, 126, 127, 128, 129, 4_000, 16_000] {
        let content: Vec<u8> = (0..length).map(|index| index as u8).collect();
        records.push(sealed_with(&mut sealer, Padding::Blocks, &content));
        if length == 64 {
            let mut update = Vec::new();
            sealer.seal_key_update(NEVER, &mut update).unwrap();
            records.push(update);
        }
    }
    let mut close = Vec::new();
    sealer.seal_close(CloseCode::Done, &mut close).unwrap();
    records.push(close);
    for record in &records {
        let expected = opened(&mut checking, record);
        assert!(expected.is_ok());
        assert_eq!(taken(&mut trusting, record), expected);
    }
    assert!(trusting.is_closed());
    assert_eq!(taken(&mut trusting, b"more"), Err(RecordError::AfterClose));
}

fn only_the_tag_is_not_looked_at(suite: Suite) {
    let (mut sealer, mut trusting) = pair(suite);
    let (_, mut checking) = pair(suite);
    let mut record = sealed(&mut sealer, b"hello");
    *record.last_mut().unwrap() ^= 1;
    assert_eq!(opened(&mut checking, &record), Err(RecordError::Tag));
    let hello = Ok((RecordKind::Data, b"hello".to_vec()));
    assert_eq!(taken(&mut trusting, &record), hello);

    let broken_inside = forged_inside(&mut sealer, &[9, 0]);
    assert_eq!(
        taken(&mut trusting, &broken_inside),
        Err(RecordError::Inner)
    );
    let genuine = sealed(&mut sealer, b"genuine");
    assert_eq!(taken(&mut trusting, &genuine), Err(RecordError::Inner));

    for (at, expected) in [
        (0, RecordError::Version),
        (1, RecordError::Epoch),
        (2, RecordError::Length),
    ] {
        let (mut sealer, mut trusting) = pair(suite);
        let mut record = sealed(&mut sealer, b"hello");
        record[at] = 0xff;
        assert_eq!(taken(&mut trusting, &record), Err(expected));
    }
}
