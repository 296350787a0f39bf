//! Session tokens: what is kept of one so that its session can be found again.

use sha2::{Digest, Sha256};

/// Hashes a session's token, so that what is kept cannot be used to take the session over.
///
/// The token is 128 random bits, so nothing slower than SHA-256 is needed; half of the hash is kept.
pub fn hash(token: &[u8; 16]) -> [u8; 16] {
    let digest = Sha256::new()
        .chain_update(b"parlour1 session-token\0")
        .chain_update(token)
        .finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}
