//! What both phases of a handshake share: the transcript's hash, the chaining key, the cipher.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{FIELD_TAG_BYTES, HASH_BYTES, KEY_BYTES, NoiseError, PublicKey, Session, StaticKey};

const PROTOCOL_NAME: &[u8; 28] = b"Noise_XX_25519_AESGCM_SHA256";
const NONCE_BYTES: usize = 12;

/// Noise's SymmetricState with its CipherState: sections 5.1 and 5.2.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct SymmetricState {
    pub(super) chaining_key: [u8; HASH_BYTES],
    hash: [u8; HASH_BYTES],
    pub(super) key: [u8; KEY_BYTES],
    nonce: u64,
}

impl SymmetricState {
    pub(super) fn new(prologue: &[u8]) -> Self {
        // A name that fits a hash is padded with zeros instead of being hashed.
        let mut name = [0; HASH_BYTES];
        name[..PROTOCOL_NAME.len()].copy_from_slice(PROTOCOL_NAME);
        let mut state = Self {
            chaining_key: name,
            hash: name,
            // Nothing is sealed before the first agreement sets the key: the phases see to it.
            key: [0; KEY_BYTES],
            nonce: 0,
        };
        state.mix_hash(prologue);
        state
    }

    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        let digest = Sha256::new().chain_update(self.hash).chain_update(data);
        self.hash = digest.finalize().into();
    }

    /// A DH token: the shared secret becomes part of the chain, and a fresh key follows.
    pub(super) fn mix_agreement(
        &mut self,
        ours: &StaticKey,
        theirs: PublicKey,
    ) -> Result<(), NoiseError> {
        let shared = ours.agree(theirs)?;
        let (chaining_key, key) = self.derive(shared.as_bytes());
        self.chaining_key = *chaining_key;
        self.key = *key;
        self.nonce = 0;
        Ok(())
    }

    fn derive(&self, input: &[u8]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
        let (mut first, mut second) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        let mut both = Zeroizing::new([0; 64]);
        Hkdf::<Sha256>::new(Some(&self.chaining_key), input)
            .expand(&[], &mut *both)
            .expect("two hashes are less than the 255 that HKDF can give");
        first.copy_from_slice(&both[..32]);
        second.copy_from_slice(&both[32..]);
        (first, second)
    }

    /// Each (key, nonce) is used once: the nonce is spent here, and a new key starts at zero.
    fn next_nonce(&mut self) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = [0; NONCE_BYTES];
        nonce[NONCE_BYTES - size_of::<u64>()..].copy_from_slice(&self.nonce.to_be_bytes());
        self.nonce += 1;
        nonce.into()
    }

    pub(super) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let (nonce, start) = (self.next_nonce(), out.len());
        out.extend_from_slice(plain);
        let tag = Aes256Gcm::new(&self.key.into())
            .encrypt_inout_detached(&nonce, &self.hash, (&mut out[start..]).into())
            .expect("a handshake field is far below the limit of GCM");
        out.extend_from_slice(&tag);
        self.mix_hash(&out[start..]);
    }

    pub(super) fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let (cipher, tag) = sealed
            .split_last_chunk::<FIELD_TAG_BYTES>()
            .ok_or(NoiseError::Truncated)?;
        let (nonce, mut plain) = (self.next_nonce(), cipher.to_vec());
        Aes256Gcm::new(&self.key.into())
            .decrypt_inout_detached(
                &nonce,
                &self.hash,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| NoiseError::Forged)?;
        self.mix_hash(sealed);
        Ok(plain)
    }

    pub(super) fn open_key(&mut self, sealed: &[u8]) -> Result<PublicKey, NoiseError> {
        let plain = self.open(sealed)?;
        let key = plain.try_into().map_err(|_| NoiseError::Truncated)?;
        Ok(PublicKey(key))
    }

    pub(super) fn split(&mut self) -> Session {
        let (initiator_to_responder, responder_to_initiator) = self.derive(&[]);
        Session {
            initiator_to_responder: *initiator_to_responder,
            responder_to_initiator: *responder_to_initiator,
            hash: self.hash,
        }
    }
}
