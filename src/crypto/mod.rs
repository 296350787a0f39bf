//! The sealed transport's cryptography (handshake, key schedule, records, fingerprints, key files),
//! and passwords.
//!
//! Read in this order: [`handshake`] agrees on keys and proves who holds which static key,
//! [`schedule`] turns them into one secret per direction, [`record`] seals and opens with those.
//!
//! Knows no socket, no clock and no random source: bytes, time and randomness are passed in.
//! Secrets are wiped where they lie when they are dropped, and none can be printed or copied.

pub mod fingerprint;
pub mod handshake;
pub mod key_file;
#[cfg(feature = "keylog")]
pub mod key_log;
#[cfg(feature = "server")]
pub mod password;
pub mod record;
pub mod schedule;
pub mod token;

#[cfg(test)]
mod tests {
    /// `bytes` as lower-case hexadecimal digits.
    pub(super) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes that `digits` stand for.
    pub(super) fn unhex(digits: &str) -> Vec<u8> {
        let digit = |index| u8::from_str_radix(&digits[index..index + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(digit).collect()
    }

    /// The same, for a known length.
    pub(super) fn unhex_array<const LENGTH: usize>(digits: &str) -> [u8; LENGTH] {
        unhex(digits).try_into().unwrap()
    }
}
