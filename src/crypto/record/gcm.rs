//! AES-256-GCM over one record, from the stored key schedule alone.
//!
//! ```text
//! blocks enciphered:  0            1 = iv | seq | 1   2 = iv | seq | 2 ...
//! are:                hash key     mask of the tag    keystream
//! tag = mask xor GHASH(hash key; header, ciphertext, their lengths)
//! ```
//!
//! The hash key and its powers are made anew for each record and wiped behind it. That costs one
//! block in a pipeline that is not full, and three multiplications; to keep them would add 144
//! bytes to each direction of each connection, to be fetched from memory at each record.
//!
//! # Source
//!
//! NIST SP 800-38D, 6.4, 7.1 and 7.2, with 96-bit nonces.

use aes::Aes256Enc;
use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherEncrypt, InnerIvInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::limits::{RECORD_HEADER_BYTES, RECORD_TAG_BYTES};

type Block = Array<u8, U16>;

const BLOCK_BYTES: usize = 16;
/// Blocks of keystream that are made together with the hash key and the mask: enough for the two
/// shortest padded records. Longer ones gain more from the cipher's own wide pass.
const KEYSTREAM_BLOCKS_TOGETHER: usize = 8;
const HASH_KEY: usize = 0;
const MASK: usize = 1;
const KEYSTREAM: usize = 2;
/// The counter of the mask (7.1, step 2); the keystream goes on from the next.
const MASK_COUNTER: u32 = 1;
const KEYSTREAM_COUNTER: u32 = 2;
/// GHASH is fastest on four blocks at a time.
const HASHED_TOGETHER_BYTES: usize = 4 * BLOCK_BYTES;

/// Encrypts the inner part of `record`, `header | inner`, in place; returns the tag.
pub(super) fn seal(
    schedule: &Aes256Enc,
    iv: [u8; 4],
    sequence: u64,
    record: &mut [u8],
) -> [u8; RECORD_TAG_BYTES] {
    let (header, inner) = split(record);
    let pass = Pass::begin(schedule, iv, sequence, inner.len());
    pass.apply_keystream(inner);
    pass.tag(header, inner)
}

/// Decrypts the inner part of `record` in place if `tag` is right; otherwise changes nothing.
///
/// The comparison takes a time that does not depend on where the tags differ.
pub(super) fn open(
    schedule: &Aes256Enc,
    iv: [u8; 4],
    sequence: u64,
    record: &mut [u8],
    tag: &[u8],
) -> bool {
    let (header, inner) = split(record);
    let pass = Pass::begin(schedule, iv, sequence, inner.len());
    let is_genuine = pass.tag(header, inner).ct_eq(tag).into();
    if is_genuine {
        pass.apply_keystream(inner);
    }
    is_genuine
}

/// Decrypts the inner part of `record` in place, whatever its tag.
#[cfg(feature = "unverified")]
pub(super) fn decrypt(schedule: &Aes256Enc, iv: [u8; 4], sequence: u64, record: &mut [u8]) {
    let (_, inner) = split(record);
    Pass::begin(schedule, iv, sequence, inner.len()).apply_keystream(inner);
}

/// What one record needs of the cipher.
struct Pass<'a> {
    schedule: &'a Aes256Enc,
    counter_block: [u8; BLOCK_BYTES],
    blocks: [Block; KEYSTREAM + KEYSTREAM_BLOCKS_TOGETHER],
}

impl<'a> Pass<'a> {
    #[inline]
    fn begin(schedule: &'a Aes256Enc, iv: [u8; 4], sequence: u64, inner_bytes: usize) -> Self {
        let mut counter_block = [0; BLOCK_BYTES];
        counter_block[..4].copy_from_slice(&iv);
        counter_block[4..12].copy_from_slice(&sequence.to_be_bytes());
        let mut blocks = [Block::default(); KEYSTREAM + KEYSTREAM_BLOCKS_TOGETHER];
        let used = if fits_together(inner_bytes) {
            KEYSTREAM + inner_bytes.div_ceil(BLOCK_BYTES)
        } else {
            KEYSTREAM
        };
        for (block, counter) in blocks[MASK..used].iter_mut().zip(MASK_COUNTER..) {
            counter_block[12..].copy_from_slice(&counter.to_be_bytes());
            *block = counter_block.into();
        }
        schedule.encrypt_blocks(&mut blocks[..used]);
        Self {
            schedule,
            counter_block,
            blocks,
        }
    }

    #[inline]
    fn apply_keystream(&self, inner: &mut [u8]) {
        if fits_together(inner.len()) {
            let (whole, rest) = inner.as_chunks_mut::<BLOCK_BYTES>();
            let mut keystream = self.blocks[KEYSTREAM..].iter();
            for (bytes, block) in whole.iter_mut().zip(&mut keystream) {
                let mixed = u128::from_ne_bytes(*bytes) ^ u128::from_ne_bytes(block.0);
                *bytes = mixed.to_ne_bytes();
            }
            if let Some(block) = keystream.next() {
                for (byte, mask) in rest.iter_mut().zip(block) {
                    *byte ^= mask;
                }
            }
        } else {
            let mut counter_block = self.counter_block;
            counter_block[12..].copy_from_slice(&KEYSTREAM_COUNTER.to_be_bytes());
            CtrCore::<&Aes256Enc, Ctr32BE>::inner_iv_init(self.schedule, (&counter_block).into())
                .apply_keystream_partial(inner.into());
        }
    }

    /// The tag over `header`, which is filled up with zeros to whole blocks, and `ciphertext`.
    #[inline]
    fn tag<const HEADER_BYTES: usize>(
        &self,
        header: &[u8; HEADER_BYTES],
        ciphertext: &[u8],
    ) -> [u8; RECORD_TAG_BYTES] {
        let header_end = HEADER_BYTES.next_multiple_of(BLOCK_BYTES);
        let first = ciphertext.len().min(HASHED_TOGETHER_BYTES - header_end);
        let (first, rest) = ciphertext.split_at(first);
        let mut head = [0; HASHED_TOGETHER_BYTES];
        head[..HEADER_BYTES].copy_from_slice(header);
        head[header_end..header_end + first.len()].copy_from_slice(first);
        let head_end = header_end + first.len().next_multiple_of(BLOCK_BYTES);
        let mut hash = GHash::new(&self.blocks[HASH_KEY]);
        hash.update(Array::slice_as_chunks(&head[..head_end]).0);

        let (middle, last) = rest.split_at(rest.len() - rest.len() % HASHED_TOGETHER_BYTES);
        hash.update(Array::slice_as_chunks(middle).0);

        // Both lengths, in bits, are the last block (7.1, step 5).
        let mut tail = [0; HASHED_TOGETHER_BYTES + BLOCK_BYTES];
        tail[..last.len()].copy_from_slice(last);
        let tail_end = last.len().next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES;
        let lengths = (8 * HEADER_BYTES as u128) << u64::BITS | (8 * ciphertext.len() as u128);
        tail[tail_end - BLOCK_BYTES..tail_end].copy_from_slice(&lengths.to_be_bytes());
        hash.update(Array::slice_as_chunks(&tail[..tail_end]).0);

        let hash = u128::from_ne_bytes(hash.finalize().0);
        (hash ^ u128::from_ne_bytes(self.blocks[MASK].0)).to_ne_bytes()
    }

    /// Overwrites what a forger could use; the keystream says no more than the record's two texts.
    fn wipe(&mut self) {
        self.blocks[HASH_KEY].0.zeroize();
        self.blocks[MASK].0.zeroize();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Whether the keystream of a record is made together with its other blocks.
const fn fits_together(inner_bytes: usize) -> bool {
    inner_bytes <= KEYSTREAM_BLOCKS_TOGETHER * BLOCK_BYTES
}

/// The header of `record` and its inner part.
fn split(record: &mut [u8]) -> (&[u8; RECORD_HEADER_BYTES], &mut [u8]) {
    let (header, inner) = record
        .split_first_chunk_mut()
        .expect("a record begins with its header");
    (header, inner)
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests;
