//! X25519 keys: what a server or a person is known by.

use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{KEY_BYTES, NoiseError};

/// A public X25519 key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PublicKey(pub [u8; KEY_BYTES]);

/// A private X25519 key with its public half; the private half is wiped when dropped.
pub struct StaticKey {
    secret: StaticSecret,
    public: PublicKey,
}

impl ZeroizeOnDrop for StaticKey {}

impl StaticKey {
    /// Makes a key of `random`, which must come from the OS random source.
    pub fn generate(mut random: [u8; KEY_BYTES]) -> Self {
        let key = Self::from_bytes(&random);
        random.zeroize();
        key
    }

    /// The key whose private half is `bytes`.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let secret = StaticSecret::from(*bytes);
        let public = PublicKey(x25519_dalek::PublicKey::from(&secret).to_bytes());
        Self { secret, public }
    }

    /// The half that may be shown.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The private half, for the key file.
    pub(in crate::crypto) fn secret_bytes(&self) -> &[u8; KEY_BYTES] {
        self.secret.as_bytes()
    }

    /// Diffie-Hellman; refuses a point that would make the outcome independent of our key.
    pub(super) fn agree(&self, peer: PublicKey) -> Result<x25519_dalek::SharedSecret, NoiseError> {
        let shared = self
            .secret
            .diffie_hellman(&x25519_dalek::PublicKey::from(peer.0));
        if shared.was_contributory() {
            Ok(shared)
        } else {
            Err(NoiseError::NotContributory)
        }
    }
}
