//! Passwords: hashed so that whoever steals the hashes must pay for every guess.
//!
//! Argon2id with the parameters of `limits`, kept as PHC strings, which say their own parameters:
//! `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. A text is normalised first, so that the same letters
//! typed on two keyboards are the same password.
//!
//! Knows neither accounts nor a random source; salts are passed in. One hash takes some 20 ms and
//! 19 MiB, so only a thread of its own may call this while the server runs.

use crate::limits::{
    PASSWORD_BYTES_MAX, PASSWORD_LANES, PASSWORD_MEMORY_KIB, PASSWORD_MEMORY_KIB_MAX,
    PASSWORD_PASSES, PASSWORD_PASSES_MAX,
};
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use std::fmt;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

/// Random bytes that make equal passwords hash differently.
pub const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// The salt of the hash that stands in for accounts that do not exist. It guards nothing.
const NOBODYS_SALT: [u8; SALT_BYTES] = *b"nobody is called";

/// A text that can be a password, in Unicode's form NFC. Wiped when it is dropped.
pub struct Password(Zeroizing<String>);

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// There is nothing in it.
    Empty,
    /// It has more than `limits::PASSWORD_BYTES_MAX` bytes.
    TooLong,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a password cannot be empty"),
            Self::TooLong => write!(f, "a password has at most {PASSWORD_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for PasswordError {}

impl Password {
    /// Normalises what was typed.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] when nothing or too much is left of it.
    pub fn new(typed: &str) -> Result<Self, PasswordError> {
        // Room for all there may be: a text that moves while it grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(PASSWORD_BYTES_MAX));
        for character in typed.nfc() {
            if text.len() + character.len_utf8() > PASSWORD_BYTES_MAX {
                return Err(PasswordError::TooLong);
            }
            text.push(character);
        }
        match text.is_empty() {
            true => Err(PasswordError::Empty),
            false => Ok(Self(text)),
        }
    }
}

/// What a check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, and its hash is weaker than one made today.
    RightButWeak,
}

/// Hashes passwords, in memory that is kept from one to the next and wiped in between.
#[derive(Default)]
pub struct Hasher {
    memory: Vec<Block>,
    computed: u64,
}

impl Hasher {
    /// A hasher that takes its memory when it is first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The PHC string of `password` with the parameters of today. `salt` must be random.
    pub fn hash(&mut self, password: &Password, salt: [u8; SALT_BYTES]) -> String {
        let params = todays_params();
        let tag = self.tag(password, &salt, &params);
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("three numbers fit a PHC string"),
            salt: Some(Salt::new(&salt).expect("16 bytes fit a PHC string")),
            hash: Some(Output::new(&tag[..]).expect("32 bytes fit a PHC string")),
        };
        hash.to_string()
    }

    /// Compares `password` with a PHC string, or, for an account that does not exist, with
    /// nothing: that takes as long as with one made today, and is never right.
    ///
    /// A string that cannot be read, or asks for too much, is treated like an account that does
    /// not exist.
    pub fn check(&mut self, password: &Password, phc: Option<&str>) -> Checked {
        let kept = phc.and_then(Kept::parse).unwrap_or_else(Kept::nobodys);
        let tag = self.tag(password, &kept.salt, &kept.params);
        let is_same = bool::from(tag.ct_eq(&kept.tag[..]));
        match (is_same && kept.is_somebodys, kept.is_weak()) {
            (false, _) => Checked::Wrong,
            (true, false) => Checked::Right,
            (true, true) => Checked::RightButWeak,
        }
    }

    /// How often Argon2id was computed so far.
    pub fn computed(&self) -> u64 {
        self.computed
    }

    /// The Argon2id tag, as long as `params` says.
    fn tag(&mut self, password: &Password, salt: &[u8], params: &Params) -> Zeroizing<Vec<u8>> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            // A new one, for a vector that moves while it grows copies what is to be overwritten.
            self.memory = vec![Block::default(); blocks];
        }
        let mut tag = Zeroizing::new(vec![0; params.output_len().unwrap_or(HASH_BYTES)]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password.0.as_bytes(), salt, &mut tag, &mut self.memory)
            .expect("lengths and memory were made to fit");
        self.computed += 1;
        // Its beginning is as good as a fast hash of the password to whoever sees it.
        self.wipe(blocks);
        // More than today's parameters need was for one old hash.
        self.memory.truncate(todays_params().block_count());
        self.memory.shrink_to_fit();
        tag
    }

    fn wipe(&mut self, blocks: usize) {
        for block in &mut self.memory[..blocks] {
            block.zeroize();
        }
    }
}

fn todays_params() -> Params {
    Params::new(
        PASSWORD_MEMORY_KIB,
        PASSWORD_PASSES,
        PASSWORD_LANES,
        Some(HASH_BYTES),
    )
    .expect("the parameters in limits.rs are within Argon2's")
}

/// A hash to compare with, taken apart.
struct Kept {
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
    is_somebodys: bool,
}

impl Kept {
    /// Reads a PHC string; `None` when it is none of ours or asks for too much.
    fn parse(phc: &str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let is_ours = hash.algorithm == ARGON2ID_IDENT
            && hash.version == Some(Version::V0x13.into())
            && params.keyid().is_empty()
            && params.data().is_empty();
        let is_bounded = params.m_cost() <= PASSWORD_MEMORY_KIB_MAX
            && params.t_cost() <= PASSWORD_PASSES_MAX
            && params.p_cost() <= PASSWORD_PASSES_MAX;
        (is_ours && is_bounded).then_some(Self {
            salt: hash.salt?.to_vec(),
            tag: hash.hash?.as_bytes().to_vec(),
            params,
            is_somebodys: true,
        })
    }

    /// What stands in for the hash of an account that does not exist.
    fn nobodys() -> Self {
        Self {
            params: todays_params(),
            salt: NOBODYS_SALT.to_vec(),
            tag: vec![0; HASH_BYTES],
            is_somebodys: false,
        }
    }

    fn is_weak(&self) -> bool {
        self.params.m_cost() < PASSWORD_MEMORY_KIB
            || self.params.t_cost() < PASSWORD_PASSES
            || self.salt.len() < SALT_BYTES
            || self.tag.len() < HASH_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::tests::unhex;
    use argon2::AssociatedData;

    const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    /// RFC 9106, 5.3. It has a secret and associated data, which no password here has; so it
    /// tells that the crate computes Argon2id and not something near it.
    #[test]
    fn the_vector_of_the_standard() {
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let mut tag = [0; 32];
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
            .unwrap()
            .hash_password_into(&[1; 32], &[2; 16], &mut tag)
            .unwrap();
        let expected = unhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
        assert_eq!(tag[..], expected);
    }

    /// The test of the reference implementation with 64 MiB, two passes and one lane, read back
    /// from its PHC string.
    #[test]
    fn a_hash_of_another_program_is_understood() {
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                   $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let mut hasher = Hasher::new();
        let weak_only_by_its_salt = Checked::RightButWeak;
        let right = hasher.check(&password("password"), Some(phc));
        assert_eq!(right, weak_only_by_its_salt);
        let wrong = hasher.check(&password("differentpassword"), Some(phc));
        assert_eq!(wrong, Checked::Wrong);
        let todays = usize::try_from(PASSWORD_MEMORY_KIB).unwrap();
        assert_eq!(hasher.memory.len(), todays, "the rest is given back");
    }

    #[test]
    fn a_password_is_recognised_and_nothing_else_is() {
        let mut hasher = Hasher::new();
        let phc = hasher.hash(&password("correct horse"), SALT);
        assert!(
            phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
            "{phc}"
        );
        assert_eq!(
            hasher.check(&password("correct horse"), Some(&phc)),
            Checked::Right
        );
        for wrong in ["correct hors", "correct horse ", "Correct horse"] {
            assert_eq!(
                hasher.check(&password(wrong), Some(&phc)),
                Checked::Wrong,
                "{wrong}"
            );
        }
        let other = hasher.hash(&password("correct horse"), [8; SALT_BYTES]);
        assert_ne!(phc, other);
    }

    #[test]
    fn nobody_has_a_password_not_even_one_that_would_match() {
        let mut hasher = Hasher::new();
        assert_eq!(hasher.check(&password("x"), None), Checked::Wrong);
        for unreadable in [
            "",
            "x",
            "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw",
            "$argon2i$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4000000,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=4000000,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(Kept::parse(unreadable).is_none(), "{unreadable}");
        }
    }

    #[test]
    fn a_weak_hash_is_told_from_one_of_today() {
        let mut hasher = Hasher::new();
        let params = Params::new(64, 1, 1, Some(HASH_BYTES)).unwrap();
        let tag = hasher.tag(&password("old"), &SALT, &params);
        let kept = |m, t| Kept {
            params: Params::new(m, t, 1, Some(HASH_BYTES)).unwrap(),
            salt: SALT.to_vec(),
            tag: tag.to_vec(),
            is_somebodys: true,
        };
        assert!(kept(64, 1).is_weak());
        assert!(kept(PASSWORD_MEMORY_KIB, 1).is_weak());
        assert!(!kept(PASSWORD_MEMORY_KIB, PASSWORD_PASSES).is_weak());
        assert!(!kept(2 * PASSWORD_MEMORY_KIB, PASSWORD_PASSES + 1).is_weak());
    }

    #[test]
    fn letters_are_the_same_however_they_were_typed() {
        let mut hasher = Hasher::new();
        // é as one character, and as e with an accent; Å as ångström sign and as letter.
        let phc = hasher.hash(&password("caf\u{e9} \u{212b}"), SALT);
        let again = password("cafe\u{301} A\u{30a}");
        assert_eq!(hasher.check(&again, Some(&phc)), Checked::Right);
        let compatible_only = password("caf\u{e9} \u{ff21}\u{30a}");
        assert_eq!(hasher.check(&compatible_only, Some(&phc)), Checked::Wrong);
    }

    #[test]
    fn lengths_count_after_normalisation() {
        assert_eq!(Password::new("").err(), Some(PasswordError::Empty));
        let longest = "x".repeat(PASSWORD_BYTES_MAX);
        assert!(Password::new(&longest).is_ok());
        let longer = format!("{longest}x");
        assert_eq!(Password::new(&longer).err(), Some(PasswordError::TooLong));
        // Three bytes typed become two.
        let composed = "e\u{301}".repeat(PASSWORD_BYTES_MAX / 2);
        assert!(composed.len() > PASSWORD_BYTES_MAX);
        assert!(Password::new(&composed).is_ok());
        // Two bytes typed become four, and three times as many in one case.
        let apart = "\u{344}".repeat(PASSWORD_BYTES_MAX / 2);
        assert_eq!(Password::new(&apart).err(), Some(PasswordError::TooLong));
    }

    /// Goal: nothing of a password stays in the memory it was hashed in.
    #[test]
    fn the_memory_is_wiped_in_between() {
        let mut hasher = Hasher::new();
        let _ = hasher.hash(&password("secret"), SALT);
        assert!(!hasher.memory.is_empty());
        let is_wiped = |block: &Block| block.as_ref().iter().all(|word| *word == 0);
        assert!(hasher.memory.iter().all(is_wiped));
    }

    #[test]
    fn an_unknown_account_costs_what_a_known_one_does() {
        let (somebody, nobody) = (todays_params(), Kept::nobodys().params);
        assert_eq!(somebody.m_cost(), nobody.m_cost());
        assert_eq!(somebody.t_cost(), nobody.t_cost());
        assert_eq!(somebody.p_cost(), nobody.p_cost());
        assert_eq!(somebody.output_len(), nobody.output_len());
    }
}
