//! The file that keeps a static key: its bytes, not its place.
//!
//! `PRLRKEY1 | private key (32) | checksum (8)`, the checksum being the start of SHA-256 over
//! what stands before it. It guards against damage, not against anybody: whoever reads the file
//! has the key. Writing it atomically and readable by its owner alone is the shell's duty.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::handshake::{KEY_BYTES, StaticKey};

/// Length of a key file, bytes.
pub const KEY_FILE_BYTES: usize = MAGIC.len() + KEY_BYTES + CHECKSUM_BYTES;

const MAGIC: &[u8; 8] = b"PRLRKEY1";
const CHECKSUM_BYTES: usize = 8;
const CHECKED_BYTES: usize = MAGIC.len() + KEY_BYTES;

/// Why a key file's bytes are not a key. Each says what the operator can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFileError {
    /// The file is something else.
    NotAKeyFile,
    /// The file has another length: cut, or appended to.
    Length {
        /// How many bytes it has.
        found: usize,
    },
    /// The checksum does not match.
    Damaged,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKeyFile => {
                return formatter.write_str(
                    "this is not a key file, so it was left alone: name another path for the key, or move the file away",
                );
            }
            Self::Length { found } => write!(
                formatter,
                "the key file is damaged: it has {found} bytes instead of {KEY_FILE_BYTES}"
            )?,
            Self::Damaged => formatter
                .write_str("the key file is damaged: its checksum does not match its content")?,
        }
        formatter.write_str(
            "; restore it from a backup, or delete it to make a new identity, which everybody who knows the old one will refuse until they run `parlour forget`",
        )
    }
}

impl std::error::Error for KeyFileError {}

/// The file's content for `key`.
pub fn encode(key: &StaticKey) -> Zeroizing<[u8; KEY_FILE_BYTES]> {
    let mut bytes = Zeroizing::new([0; KEY_FILE_BYTES]);
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[MAGIC.len()..CHECKED_BYTES].copy_from_slice(key.secret_bytes());
    let checksum = checksum(&bytes[..CHECKED_BYTES]);
    bytes[CHECKED_BYTES..].copy_from_slice(&checksum);
    bytes
}

/// The key that a file's content stands for. The caller wipes `bytes`.
///
/// # Errors
///
/// [`KeyFileError`] when the content is not what [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> Result<StaticKey, KeyFileError> {
    if !bytes.is_empty() && !bytes.starts_with(&MAGIC[..MAGIC.len().min(bytes.len())]) {
        return Err(KeyFileError::NotAKeyFile);
    }
    let Ok(bytes) = <&[u8; KEY_FILE_BYTES]>::try_from(bytes) else {
        return Err(KeyFileError::Length { found: bytes.len() });
    };
    let (checked, found) = bytes.split_at(CHECKED_BYTES);
    if checksum(checked) != found {
        return Err(KeyFileError::Damaged);
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&checked[MAGIC.len()..]);
    Ok(StaticKey::from_bytes(&key))
}

fn checksum(checked: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::digest(checked);
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.copy_from_slice(&digest[..CHECKSUM_BYTES]);
    checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let key = StaticKey::from_bytes(&[0x42; 32]);
        let bytes = encode(&key);
        assert_eq!(&bytes[..8], b"PRLRKEY1");
        let read = decode(&*bytes).map_err(|error| error.to_string()).unwrap();
        assert_eq!(read.secret_bytes(), key.secret_bytes());
        assert_eq!(read.public(), key.public());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = encode(&StaticKey::from_bytes(&[0x42; 32]));
        for bit in 0..8 * bytes.len() {
            let mut damaged = *bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < MAGIC.len() {
                KeyFileError::NotAKeyFile
            } else {
                KeyFileError::Damaged
            };
            assert_eq!(decode(&damaged).err(), Some(expected), "bit {bit}");
        }
    }

    #[test]
    fn every_other_length_is_noticed_and_the_error_helps() {
        let bytes = encode(&StaticKey::from_bytes(&[0x42; 32]));
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length]).err().unwrap();
            assert_eq!(error, KeyFileError::Length { found: length });
            assert!(error.to_string().contains("restore it from a backup"));
            assert!(error.to_string().contains("parlour forget"));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            decode(&longer).err(),
            Some(KeyFileError::Length { found: 49 })
        );
    }

    #[test]
    fn another_file_is_not_called_a_damaged_key() {
        let error = decode(b"[server]\nname = \"x\"\n").err().unwrap();
        assert_eq!(error, KeyFileError::NotAKeyFile);
        assert!(!error.to_string().contains("delete"));
    }
}
