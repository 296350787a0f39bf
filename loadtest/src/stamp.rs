//! Stamps: what each test message says of itself, so that every receiver can check it.
//!
//! ```text
//! run and speaker u32 | number u32 | time u64, nanoseconds | filling
//! ```
//!
//! Each half-byte is one character from `@` to `O`, so a stamp is text in every protocol, begins
//! no command, and is read with a few operations on whole words: a receiver reads millions a
//! second. The filling is a fixed pattern and is compared too.

use std::time::Duration;

/// Bytes of a message that are its stamp; none can be shorter.
pub(crate) const STAMP_BYTES: usize = 32;

/// Characters for one u32.
const WORD_BYTES: usize = 8;
/// The character for zero; its low half is zero too.
const ZERO: u8 = b'@';
const FILLING: u8 = b'.';
/// The filling is compared in pieces of this many bytes.
const FILLING_PIECE: [u8; 256] = [FILLING; 256];

/// What a message says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// Which run of the load test it belongs to; others may have left messages behind.
    pub(crate) run: u16,
    /// Who said it.
    pub(crate) speaker: u16,
    /// How many that one had said before.
    pub(crate) number: u32,
    /// When it was sent; in an open loop, when it should have been.
    pub(crate) at: Duration,
}

/// What a text turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// A message of a load test, complete.
    Stamped(Stamp),
    /// It begins like one, but is not as it was sent.
    Corrupt,
    /// Something else.
    Foreign,
}

impl Stamp {
    /// Appends a message of `size` bytes.
    pub(crate) fn write(&self, size: usize, out: &mut Vec<u8>) {
        let source = (u32::from(self.run) << 16) | u32::from(self.speaker);
        let nanos = u64::try_from(self.at.as_nanos()).expect("a run ends within 500 years");
        let high = u32::try_from(nanos >> 32).expect("32 bits are left");
        let low = u32::try_from(nanos & u64::from(u32::MAX)).expect("32 bits were kept");
        let end = out.len() + size.max(STAMP_BYTES);
        for word in [source, self.number, high, low] {
            out.extend_from_slice(&spell(word));
        }
        out.resize(end, FILLING);
    }

    /// Reads a message that should have `size` bytes.
    pub(crate) fn read(text: &[u8], size: usize) -> Reading {
        let Some((stamp, filling)) = text.split_at_checked(STAMP_BYTES) else {
            return Reading::Foreign;
        };
        let mut words = stamp
            .chunks_exact(WORD_BYTES)
            .map(|word| word.first_chunk().and_then(read_word));
        let mut next = || words.next().flatten();
        let (Some(source), Some(number), Some(high), Some(low)) = (next(), next(), next(), next())
        else {
            return Reading::Foreign;
        };
        let is_filled = filling
            .chunks(FILLING_PIECE.len())
            .all(|piece| piece == &FILLING_PIECE[..piece.len()]);
        if text.len() != size.max(STAMP_BYTES) || !is_filled {
            return Reading::Corrupt;
        }
        let half = |value: u32| u16::try_from(value & u32::from(u16::MAX)).expect("16 bits");
        Reading::Stamped(Self {
            run: half(source >> 16),
            speaker: half(source),
            number,
            at: Duration::from_nanos((u64::from(high) << 32) | u64::from(low)),
        })
    }
}

fn spell(word: u32) -> [u8; WORD_BYTES] {
    let mut spread = u64::from(word);
    spread = (spread | (spread << 16)) & 0x0000_ffff_0000_ffff;
    spread = (spread | (spread << 8)) & 0x00ff_00ff_00ff_00ff;
    spread = (spread | (spread << 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    (spread | u64::from_ne_bytes([ZERO; WORD_BYTES])).to_be_bytes()
}

fn read_word(characters: &[u8; WORD_BYTES]) -> Option<u32> {
    let spelt = u64::from_be_bytes(*characters);
    if spelt & 0xf0f0_f0f0_f0f0_f0f0 != u64::from_ne_bytes([ZERO; WORD_BYTES]) {
        return None;
    }
    let mut word = spelt & 0x0f0f_0f0f_0f0f_0f0f;
    word = (word | (word >> 4)) & 0x00ff_00ff_00ff_00ff;
    word = (word | (word >> 8)) & 0x0000_ffff_0000_ffff;
    word = (word | (word >> 16)) & 0x0000_0000_ffff_ffff;
    u32::try_from(word).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        run: 0xbeef,
        speaker: 7,
        number: 0x0123_4567,
        at: Duration::from_nanos(0x89ab_cdef_0123),
    };

    #[test]
    fn what_is_written_is_read_at_every_size() {
        for size in [0, 32, 33, 64, 300, 4096] {
            let mut text = Vec::new();
            STAMP.write(size, &mut text);
            assert_eq!(text.len(), size.max(STAMP_BYTES));
            assert!(text.iter().all(|byte| (b' '..=b'~').contains(byte)));
            assert_eq!(Stamp::read(&text, size), Reading::Stamped(STAMP));
        }
    }

    #[test]
    fn a_changed_message_is_noticed() {
        let mut text = Vec::new();
        STAMP.write(64, &mut text);
        for index in 0..text.len() {
            let mut changed = text.clone();
            changed[index] ^= 0x80;
            assert_ne!(Stamp::read(&changed, 64), Reading::Stamped(STAMP));
        }
        assert_eq!(Stamp::read(&text[..63], 64), Reading::Corrupt);
        assert_eq!(Stamp::read(b"hello", 64), Reading::Foreign);
    }
}
