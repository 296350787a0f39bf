//! NIST's vectors, and another implementation for every length of a record.

use aes::cipher::KeyInit;
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;

use super::*;
use crate::crypto::tests::{hex, unhex, unhex_array};
use crate::limits::RECORD_INNER_BYTES_MAX;

#[test]
fn published_vectors() {
    let lines = include_str!("vectors.txt").lines();
    let values: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| if line == "-" { "" } else { line })
        .collect();
    let (vectors, rest) = values.as_chunks();
    assert_eq!((vectors.len(), rest.len()), (15, 0));
    for vector in vectors {
        match vector[2].len() / 2 {
            0 => check::<0>(vector),
            16 => check::<16>(vector),
            20 => check::<20>(vector),
            48 => check::<48>(vector),
            other => panic!("no header is {other} bytes long"),
        }
    }
}

fn check<const HEADER_BYTES: usize>([key, nonce, header, plaintext, expected]: &[&str; 5]) {
    let schedule = Aes256Enc::new(&unhex_array::<32>(key).into());
    let (header, mut text) = (unhex_array::<HEADER_BYTES>(header), unhex(plaintext));
    let (iv, sequence) = nonce.split_at(8);
    let sequence = u64::from_be_bytes(unhex_array(sequence));
    let pass = Pass::begin(&schedule, unhex_array(iv), sequence, text.len());
    pass.apply_keystream(&mut text);
    let tag = pass.tag(&header, &text);
    assert_eq!(hex(&text) + &hex(&tag), *expected);
    pass.apply_keystream(&mut text);
    assert_eq!(hex(&text), *plaintext);
}

#[test]
fn agrees_with_the_aes_gcm_crate_for_every_length_of_a_record() {
    let key: [u8; 32] = std::array::from_fn(|index| index as u8);
    let schedule = Aes256Enc::new(&key.into());
    let reference = AesGcm::<Aes256Enc, U12>::new(&key.into());
    let text: Vec<u8> = (0..=RECORD_INNER_BYTES_MAX)
        .map(|index| ((index * 7) >> 3) as u8)
        .collect();
    // Every length up to several wide passes, then a step that meets every residue of a block.
    let lengths = (0..2_200).chain((2_200..RECORD_INNER_BYTES_MAX).step_by(61));
    for length in lengths.chain([RECORD_INNER_BYTES_MAX]) {
        let sequence = length as u64 * 0x0101_0101_0101;
        let header = [1, length as u8, (length >> 8) as u8, length as u8];
        let mut nonce = [9; 12];
        nonce[4..].copy_from_slice(&sequence.to_be_bytes());
        let mut expected = text[..length].to_vec();
        let expected_tag: [u8; RECORD_TAG_BYTES] = reference
            .encrypt_inout_detached(&nonce.into(), &header, expected.as_mut_slice().into())
            .unwrap()
            .into();
        let mut record = [&header[..], &text[..length]].concat();
        let tag = seal(&schedule, [9; 4], sequence, &mut record);
        assert_eq!((&record[4..], tag), (&expected[..], expected_tag));
        assert!(open(&schedule, [9; 4], sequence, &mut record, &tag));
        assert_eq!(record, [&header[..], &text[..length]].concat());
    }
}

#[test]
fn a_wrong_tag_leaves_the_record_as_it_came() {
    let schedule = Aes256Enc::new(&[7; 32].into());
    for length in [2, 43, 128, 129, 16_384] {
        let mut record = vec![5; RECORD_HEADER_BYTES + length];
        let tag = seal(&schedule, [1; 4], 3, &mut record);
        let sealed = record.clone();
        for bit in 0..8 * tag.len() {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!open(&schedule, [1; 4], 3, &mut record, &wrong));
            assert_eq!(record, sealed, "bit {bit}");
        }
        assert!(!open(&schedule, [1; 4], 4, &mut record, &tag));
        assert!(!open(&schedule, [2; 4], 3, &mut record, &tag));
        assert!(!open(&schedule, [1; 4], 3, &mut record, &tag[..15]));
        assert!(open(&schedule, [1; 4], 3, &mut record, &tag));
    }
}

/// Section 7.5 for what lives as long as a record: the hash key and the mask of the tag, with
/// which one could forge, are wiped. The hash itself does so by its own `Drop`.
#[test]
fn what_a_record_needed_is_wiped() {
    let schedule = Aes256Enc::new(&[7; 32].into());
    let mut pass = Pass::begin(&schedule, [1; 4], 3, 43);
    assert_ne!(pass.blocks[HASH_KEY].0, [0; BLOCK_BYTES]);
    pass.wipe();
    assert_eq!(pass.blocks[HASH_KEY].0, [0; BLOCK_BYTES]);
    assert_eq!(pass.blocks[MASK].0, [0; BLOCK_BYTES]);
    assert!(std::mem::needs_drop::<Pass<'_>>() && std::mem::needs_drop::<GHash>());
}
