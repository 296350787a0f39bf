//! HMAC-SHA-256 from stored midstates: two compressions saved per record.
//!
//! A keyed HMAC begins both of its hashes with one block that depends on the key alone. We keep
//! the state after those blocks, 64 bytes in all, instead of the key.
//!
//! # Source
//!
//! RFC 2104; SHA-256: FIPS 180-4. Cut to 128 bits as in RFC 4868.

use sha2::block_api::compress256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::limits::RECORD_TAG_BYTES;

const BLOCK_BYTES: usize = 64;
const LENGTH_BYTES: usize = size_of::<u64>();
const STATE_WORDS: usize = 8;
const SEQUENCE_BYTES: usize = size_of::<u64>();
const INITIAL_STATE: [u32; STATE_WORDS] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A MAC key, ready to use.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct MacKey {
    inner: [u32; STATE_WORDS],
    outer: [u32; STATE_WORDS],
}

impl MacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            inner: begin(key, 0x36),
            outer: begin(key, 0x5c),
        }
    }

    /// The room for a key, in a suite that has none.
    pub(super) const fn absent() -> Self {
        Self {
            inner: [0; STATE_WORDS],
            outer: [0; STATE_WORDS],
        }
    }

    /// The tag over `sequence | authenticated`.
    pub(super) fn tag(&self, sequence: u64, authenticated: &[u8]) -> [u8; RECORD_TAG_BYTES] {
        let mut tag = [0; RECORD_TAG_BYTES];
        tag.copy_from_slice(&self.full_tag(sequence, authenticated)[..RECORD_TAG_BYTES]);
        tag
    }

    /// Whether `tag` is the right one, in a time that does not depend on where it differs.
    pub(super) fn verify(&self, sequence: u64, authenticated: &[u8], tag: &[u8]) -> bool {
        self.tag(sequence, authenticated).ct_eq(tag).into()
    }

    fn full_tag(&self, sequence: u64, authenticated: &[u8]) -> [u8; 32] {
        let mut state = self.inner;
        let mut block = [0; BLOCK_BYTES];
        block[..SEQUENCE_BYTES].copy_from_slice(&sequence.to_be_bytes());
        let message_bytes = SEQUENCE_BYTES + authenticated.len();
        // The sequence number shifts the bytes against the blocks once; after the first block
        // whole blocks are hashed where they lie.
        let begun = authenticated.len().min(BLOCK_BYTES - SEQUENCE_BYTES);
        let (first, rest) = authenticated.split_at(begun);
        block[SEQUENCE_BYTES..SEQUENCE_BYTES + begun].copy_from_slice(first);
        let used = if SEQUENCE_BYTES + begun == BLOCK_BYTES {
            compress256(&mut state, &[block]);
            let (blocks, tail) = rest.as_chunks();
            compress256(&mut state, blocks);
            block[..tail.len()].copy_from_slice(tail);
            tail.len()
        } else {
            SEQUENCE_BYTES + begun
        };
        finish(&mut state, block, used, message_bytes);

        let mut digest_block = [0; BLOCK_BYTES];
        let digest = to_bytes(&state);
        digest_block[..digest.len()].copy_from_slice(&digest);
        let mut outer = self.outer;
        finish(&mut outer, digest_block, digest.len(), digest.len());
        to_bytes(&outer)
    }
}

/// The state after the block that is the key, xored with `filler`.
fn begin(key: &[u8; 32], filler: u8) -> [u32; STATE_WORDS] {
    let mut block = Zeroizing::new([filler; BLOCK_BYTES]);
    for (byte, key_byte) in block.iter_mut().zip(key) {
        *byte ^= key_byte;
    }
    let mut state = INITIAL_STATE;
    compress256(&mut state, &[*block]);
    state
}

/// Hashes the last `used` bytes of a message of `message_bytes`, which a key block preceded.
fn finish(
    state: &mut [u32; STATE_WORDS],
    mut block: [u8; BLOCK_BYTES],
    used: usize,
    message_bytes: usize,
) {
    block[used] = 0x80;
    block[used + 1..].fill(0);
    if used + 1 + LENGTH_BYTES > BLOCK_BYTES {
        compress256(state, &[block]);
        block.fill(0);
    }
    let bits = 8 * (BLOCK_BYTES + message_bytes) as u64;
    block[BLOCK_BYTES - LENGTH_BYTES..].copy_from_slice(&bits.to_be_bytes());
    compress256(state, &[block]);
}

fn to_bytes(state: &[u32; STATE_WORDS]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *chunk = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    #[test]
    fn agrees_with_the_hmac_crate_for_every_length_of_a_record() {
        let key: [u8; 32] = std::array::from_fn(|index| index as u8);
        let mac = MacKey::new(&key);
        let message: Vec<u8> = (0..16_500u32)
            .map(|index| ((index * 7) >> 3) as u8)
            .collect();
        // Every length up to several blocks, then a step that meets every residue of the block.
        let lengths = (0..1_100).chain((1_100..16_500).step_by(61));
        for length in lengths {
            let sequence = length as u64 * 0x0101_0101_0101;
            let mut reference = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            reference.update(&sequence.to_be_bytes());
            reference.update(&message[..length]);
            let expected: [u8; 32] = reference.finalize().into_bytes().into();
            assert_eq!(mac.full_tag(sequence, &message[..length]), expected);
            let tag = mac.tag(sequence, &message[..length]);
            assert_eq!(tag, expected[..RECORD_TAG_BYTES]);
            assert!(mac.verify(sequence, &message[..length], &tag));
        }
    }

    /// RFC 4231, 4.2 to 4.5: the cases whose key, filled with zeros as HMAC does, is no longer
    /// than ours. The message's first eight bytes take the place of the sequence number.
    #[test]
    fn rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                &std::array::from_fn::<u8, 25, _>(|index| index as u8 + 1),
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
        ];
        for (key, message, expected) in cases {
            let mut padded = [0; 32];
            padded[..key.len()].copy_from_slice(key);
            let (sequence, rest) = message.split_first_chunk().unwrap();
            let tag = MacKey::new(&padded).full_tag(u64::from_be_bytes(*sequence), rest);
            assert_eq!(crate::crypto::tests::hex(&tag), expected);
        }
    }

    #[test]
    fn wiping_leaves_nothing() {
        let mut mac = MacKey::new(&[7; 32]);
        mac.zeroize();
        assert_eq!((mac.inner, mac.outer), ([0; 8], [0; 8]));
    }
}
