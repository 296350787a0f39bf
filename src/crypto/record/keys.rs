//! The keys of one direction, and the place in its sequence: what sealing and opening share.

use aes::Aes256Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::mac::MacKey;
use super::{Suite, gcm};
use crate::crypto::schedule::{self, TrafficSecret};
use crate::limits::{RECORD_HEADER_BYTES, RECORD_TAG_BYTES};

/// The first block of a record's keystream (RFC 3686, 4).
const FIRST_BLOCK: u32 = 1;

/// How a direction keeps its cipher key.
pub(super) trait CipherKey {
    /// Keeps `key`.
    fn keep(key: &[u8; 32]) -> Self;
    /// Lends it in the form in which it encrypts blocks.
    fn lend<R>(&self, take: impl FnOnce(&Aes256Enc) -> R) -> R;
    /// Overwrites it, where that is not left to its own drop.
    fn wipe(&mut self);
}

/// Ready for use: for sealing, where every record counts.
pub(super) struct Expanded(Aes256Enc);

/// As it was derived, and expanded for each record: for opening. A server's clients mostly
/// listen, and expanding takes a fraction of the system call that brought the record, so this
/// saves 208 bytes per connection where they would lie unused.
pub(super) struct Folded([u8; 32]);

impl CipherKey for Expanded {
    fn keep(key: &[u8; 32]) -> Self {
        Self(Aes256Enc::new(key.into()))
    }

    fn lend<R>(&self, take: impl FnOnce(&Aes256Enc) -> R) -> R {
        take(&self.0)
    }

    fn wipe(&mut self) {}
}

#[cfg(test)]
impl Folded {
    pub(super) const fn kept(&self) -> &[u8; 32] {
        &self.0
    }
}

impl CipherKey for Folded {
    fn keep(key: &[u8; 32]) -> Self {
        Self(*key)
    }

    fn lend<R>(&self, take: impl FnOnce(&Aes256Enc) -> R) -> R {
        take(&Aes256Enc::new((&self.0).into()))
    }

    fn wipe(&mut self) {
        self.0.zeroize();
    }
}

/// The keys of the current epoch and the secret that the next one's come from.
///
/// Neither `Clone` nor `Debug`. What is kept is what each record would otherwise compute anew:
/// the cipher key and, in suite 1, the MAC's midstates.
///
/// Which suite they are for is told to each method by the sealer or the opener, which was made
/// with it and never changes it. In here the one byte would cost sixteen, for the alignment of
/// the cipher's key.
pub(super) struct Keys<C: CipherKey> {
    pub(super) cipher: C,
    pub(super) mac: MacKey,
    traffic: [u8; 32],
}

impl<C: CipherKey> Keys<C> {
    pub(super) fn new(suite: Suite, secret: TrafficSecret) -> (Self, Position) {
        let keys = schedule::epoch_keys(&secret.0);
        let state = Self {
            cipher: C::keep(&keys.encryption),
            mac: mac_of(suite, &secret.0),
            traffic: *secret.0,
        };
        (state, Position::new(0, keys.iv))
    }

    /// Goes to the next epoch: old keys are wiped, and the sequence starts at zero.
    pub(super) fn advance(&mut self, suite: Suite, position: &mut Position, epoch: u32) {
        schedule::advance(&mut self.traffic);
        let keys = schedule::epoch_keys(&self.traffic);
        // Assigning drops what was there, and dropping wipes it.
        self.cipher.wipe();
        self.cipher = C::keep(&keys.encryption);
        self.mac = mac_of(suite, &self.traffic);
        *position = Position::new(epoch, keys.iv);
    }

    /// Encrypts the inner part of `record`, `header | inner`, in place as the one numbered
    /// `sequence`; returns its tag.
    pub(super) fn seal(
        &self,
        suite: Suite,
        iv: [u8; 4],
        sequence: u64,
        record: &mut [u8],
    ) -> [u8; RECORD_TAG_BYTES] {
        match suite {
            Suite::CtrHmac => {
                self.apply_keystream(iv, sequence, &mut record[RECORD_HEADER_BYTES..]);
                self.mac.tag(sequence, record)
            }
            Suite::Gcm => self
                .cipher
                .lend(|cipher| gcm::seal(cipher, iv, sequence, record)),
        }
    }

    /// Whether `tag` is that of `record`; if so, and only then, decrypts its inner part in place.
    pub(super) fn open(
        &self,
        suite: Suite,
        iv: [u8; 4],
        sequence: u64,
        record: &mut [u8],
        tag: &[u8],
    ) -> bool {
        match suite {
            Suite::CtrHmac => {
                let is_genuine = self.mac.verify(sequence, record, tag);
                if is_genuine {
                    self.apply_keystream(iv, sequence, &mut record[RECORD_HEADER_BYTES..]);
                }
                is_genuine
            }
            Suite::Gcm => self
                .cipher
                .lend(|cipher| gcm::open(cipher, iv, sequence, record, tag)),
        }
    }

    /// Decrypts the inner part of `record` in place, genuine or not.
    #[cfg(feature = "unverified")]
    pub(super) fn decrypt(&self, suite: Suite, iv: [u8; 4], sequence: u64, record: &mut [u8]) {
        match suite {
            Suite::CtrHmac => {
                self.apply_keystream(iv, sequence, &mut record[RECORD_HEADER_BYTES..]);
            }
            Suite::Gcm => self
                .cipher
                .lend(|cipher| gcm::decrypt(cipher, iv, sequence, record)),
        }
    }

    /// Encrypts or decrypts `data` in place by suite 1, as the record numbered `sequence`.
    pub(super) fn apply_keystream(&self, iv: [u8; 4], sequence: u64, data: &mut [u8]) {
        let mut counter_block = [0; 16];
        counter_block[..4].copy_from_slice(&iv);
        counter_block[4..12].copy_from_slice(&sequence.to_be_bytes());
        counter_block[12..].copy_from_slice(&FIRST_BLOCK.to_be_bytes());
        self.cipher.lend(|cipher| {
            CtrCore::<&Aes256Enc, Ctr32BE>::inner_iv_init(cipher, (&counter_block).into())
                .apply_keystream_partial(data.into());
        });
    }

    /// Overwrites every secret but an expanded cipher key, which wipes itself when dropped.
    pub(super) fn wipe(&mut self) {
        self.cipher.wipe();
        self.mac.zeroize();
        self.traffic.zeroize();
    }

    #[cfg(test)]
    pub(super) fn with_cipher_key(key: &[u8; 32]) -> Self {
        Self {
            cipher: C::keep(key),
            mac: MacKey::new(&[0; 32]),
            traffic: [0; 32],
        }
    }

    #[cfg(test)]
    pub(super) const fn traffic(&self) -> &[u8; 32] {
        &self.traffic
    }
}

/// What suite 1 keeps for its MAC; suite 2 has its hash key from the cipher.
fn mac_of(suite: Suite, traffic: &[u8; 32]) -> MacKey {
    match suite {
        Suite::CtrHmac => MacKey::new(&schedule::mac_key(traffic)),
        Suite::Gcm => MacKey::absent(),
    }
}

impl<C: CipherKey> ZeroizeOnDrop for Keys<C> {}

impl<C: CipherKey> Drop for Keys<C> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Where a direction is: its epoch, and how much the epoch's keys have been used.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Position {
    pub(super) iv: [u8; 4],
    pub(super) epoch: u32,
    sequence: u64,
    bytes: u64,
}

impl Position {
    const fn new(epoch: u32, iv: [u8; 4]) -> Self {
        Self {
            iv,
            epoch,
            sequence: 0,
            bytes: 0,
        }
    }

    /// Spends the next sequence number on a record of `inner_bytes`, before anything is done with
    /// it: the only place where the sequence moves. `None` when the key may carry no such record.
    pub(super) fn spend(
        &mut self,
        inner_bytes: usize,
        records_max: u64,
        bytes_max: u64,
    ) -> Option<u64> {
        let bytes = self.bytes + inner_bytes as u64;
        if self.sequence >= records_max || bytes > bytes_max {
            return None;
        }
        let sequence = self.sequence;
        self.sequence += 1;
        self.bytes = bytes;
        Some(sequence)
    }

    /// Records so far under the current keys.
    pub(super) const fn records(&self) -> u64 {
        self.sequence
    }

    /// Plaintext bytes so far under the current keys.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The epoch as a record's header states it.
    pub(super) fn epoch_byte(&self) -> u8 {
        self.epoch.to_be_bytes()[3]
    }

    #[cfg(test)]
    pub(super) const fn used(&mut self, records: u64, bytes: u64) {
        self.sequence = records;
        self.bytes = bytes;
    }
}
