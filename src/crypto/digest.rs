//! What a file hashes to, bit by bit.

use sha2::{Digest, Sha256};

/// SHA-256 of bytes that come in pieces.
#[derive(Clone, Default)]
pub struct FileHasher(Sha256);

impl FileHasher {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// What all of them hash to.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_to_what_the_whole_does() {
        // FIPS 180-2, B.1.
        let mut hasher = FileHasher::default();
        hasher.update(b"a");
        hasher.update(b"");
        hasher.update(b"bc");
        let expected = b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\
                         \xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
        assert_eq!(hasher.finish(), *expected);
    }
}
