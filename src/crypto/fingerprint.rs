//! Fingerprints: a public key in 32 characters that people can compare and addresses can carry.
//!
//! The label keeps the two uses apart: the fingerprint of a key as a server's is never that of
//! the same key as a client's.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::handshake::PublicKey;

const FINGERPRINT_BYTES: usize = 20;
/// Characters without separators: 160 bits, five to a character.
const FINGERPRINT_CHARACTERS: usize = FINGERPRINT_BYTES * 8 / BITS_PER_CHARACTER;
const BITS_PER_CHARACTER: usize = 5;
const GROUP_CHARACTERS: usize = 4;
const SERVER_LABEL: &[u8] = b"parlour1 server-id";
const CLIENT_LABEL: &[u8] = b"parlour1 client-id";
/// Base32 of RFC 4648, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The fingerprint of a public key.
///
/// Shown as 32 characters without a break; [`Fingerprint::grouped`] is for people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Fingerprint(pub [u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    /// The fingerprint of a server's key.
    pub fn of_server(key: &PublicKey) -> Self {
        Self::labelled(SERVER_LABEL, key)
    }

    /// The fingerprint of a client's key.
    pub fn of_client(key: &PublicKey) -> Self {
        Self::labelled(CLIENT_LABEL, key)
    }

    /// Eight groups of four characters with spaces between, for comparing by eye.
    pub fn grouped(&self) -> String {
        let mut text = String::with_capacity(FINGERPRINT_CHARACTERS * 5 / 4);
        for (index, character) in self.characters().enumerate() {
            if index > 0 && index % GROUP_CHARACTERS == 0 {
                text.push(' ');
            }
            text.push(character);
        }
        text
    }

    fn labelled(label: &[u8], key: &PublicKey) -> Self {
        let digest = Sha256::new()
            .chain_update(label)
            .chain_update([0])
            .chain_update(key.0)
            .finalize();
        let mut bytes = [0; FINGERPRINT_BYTES];
        bytes.copy_from_slice(&digest[..FINGERPRINT_BYTES]);
        Self(bytes)
    }

    fn characters(&self) -> impl Iterator<Item = char> {
        // Five bytes are eight characters exactly.
        self.0.as_chunks::<5>().0.iter().flat_map(|chunk| {
            let bits = chunk
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            (0..8).rev().map(move |place| {
                let index = (bits >> (place * BITS_PER_CHARACTER)) & 0x1f;
                char::from(ALPHABET[usize::from(index.to_be_bytes()[7])])
            })
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.characters()
            .try_for_each(|character| formatter.write_char(character))
    }
}

/// Why a text is not a fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FingerprintError {
    /// It has another number of characters than 32, separators not counted.
    Length {
        /// How many it has.
        found: usize,
    },
    /// It has a character that no fingerprint has.
    Character {
        /// The character.
        found: char,
        /// Where it stands, counted from 1.
        position: usize,
    },
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => write!(
                formatter,
                "a fingerprint has {FINGERPRINT_CHARACTERS} characters, this has {found}; copy it again, whole"
            ),
            Self::Character { found, position } => write!(
                formatter,
                "{found:?}, character {position}, cannot be in a fingerprint, which has only the letters a to z and the digits 2 to 7"
            ),
        }
    }
}

impl std::error::Error for FingerprintError {}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads 32 characters, in one piece or grouped by spaces or hyphens, in either case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; FINGERPRINT_BYTES];
        let mut found = 0;
        for (index, character) in text.chars().enumerate() {
            if character == ' ' || character == '-' {
                continue;
            }
            let value = value_of(character).ok_or(FingerprintError::Character {
                found: character,
                position: index + 1,
            })?;
            if found < FINGERPRINT_CHARACTERS {
                put(&mut bytes, found * BITS_PER_CHARACTER, value);
            }
            found += 1;
        }
        if found == FINGERPRINT_CHARACTERS {
            Ok(Self(bytes))
        } else {
            Err(FingerprintError::Length { found })
        }
    }
}

fn value_of(character: char) -> Option<u8> {
    let character = u8::try_from(character).ok()?.to_ascii_lowercase();
    let index = ALPHABET.iter().position(|known| *known == character)?;
    u8::try_from(index).ok()
}

/// Writes the five bits of `value` at bit `offset`, counted from the first byte's highest.
fn put(bytes: &mut [u8; FINGERPRINT_BYTES], offset: usize, value: u8) {
    for bit in 0..BITS_PER_CHARACTER {
        let place = offset + bit;
        let is_set = value >> (BITS_PER_CHARACTER - 1 - bit) & 1;
        bytes[place / 8] |= is_set << (7 - place % 8);
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests {
    use super::*;

    fn example() -> Fingerprint {
        Fingerprint(std::array::from_fn(|index| (index * 37 + 11) as u8))
    }

    #[test]
    fn the_known_answers_of_base32() {
        // RFC 4648, 10: "foobar" without its padded end is "mzxw6ytb"; then the alphabet's ends.
        let mut bytes = [0; FINGERPRINT_BYTES];
        bytes[..5].copy_from_slice(b"fooba");
        bytes[5..10].fill(0xff);
        let text = Fingerprint(bytes).to_string();
        assert_eq!(text, "mzxw6ytb77777777aaaaaaaaaaaaaaaa");
    }

    #[test]
    fn labels_keep_servers_and_clients_apart() {
        let key = PublicKey([9; 32]);
        let digest = Sha256::digest([b"parlour1 server-id\0".as_slice(), &key.0].concat());
        assert_eq!(Fingerprint::of_server(&key).0, digest[..20]);
        let digest = Sha256::digest([b"parlour1 client-id\0".as_slice(), &key.0].concat());
        assert_eq!(Fingerprint::of_client(&key).0, digest[..20]);
    }

    #[test]
    fn both_forms_are_read_back() {
        let fingerprint = example();
        let whole = fingerprint.to_string();
        assert_eq!(whole.len(), 32);
        let grouped = fingerprint.grouped();
        let lengths: Vec<usize> = grouped.split(' ').map(str::len).collect();
        assert_eq!(lengths, [4; 8]);
        let variants = [
            whole.clone(),
            grouped.clone(),
            grouped.replace(' ', "-"),
            whole.to_uppercase(),
        ];
        for variant in variants {
            assert_eq!(variant.parse(), Ok(fingerprint), "{variant}");
        }
    }

    #[test]
    fn a_bad_fingerprint_says_what_is_wrong() {
        let whole = example().to_string();
        for length in [0, 31] {
            let error = whole[..length].parse::<Fingerprint>().unwrap_err();
            assert_eq!(error, FingerprintError::Length { found: length });
        }
        let long = format!("{whole}a").parse::<Fingerprint>().unwrap_err();
        assert!(long.to_string().contains("this has 33"));
        for bad in ['0', '1', '8', '/', 'é'] {
            let text = format!("{}{bad}{}", &whole[..6], &whole[7..]);
            let error = text.parse::<Fingerprint>().unwrap_err();
            let expected = FingerprintError::Character {
                found: bad,
                position: 7,
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn any_changed_character_is_another_fingerprint() {
        let fingerprint = example();
        let whole = fingerprint.to_string();
        for index in 0..whole.len() {
            let other = if &whole[index..=index] == "a" {
                "b"
            } else {
                "a"
            };
            let text = format!("{}{other}{}", &whole[..index], &whole[index + 1..]);
            assert_ne!(text.parse::<Fingerprint>().unwrap(), fingerprint);
        }
    }
}
