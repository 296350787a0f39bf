//! The keys of one direction, and the place in its sequence: what sealing and opening share.

use aes::Aes256Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::mac::MacKey;
use crate::crypto::schedule::{self, TrafficSecret};

/// The first block of a record's keystream (RFC 3686, 4).
const FIRST_BLOCK: u32 = 1;

/// The keys of the current epoch and the secret that the next one's come from.
///
/// Neither `Clone` nor `Debug`. What is kept is what each record would otherwise compute anew:
/// the expanded cipher key and the MAC's midstates.
pub(super) struct Keys {
    schedule: Aes256Enc,
    pub(super) mac: MacKey,
    traffic: [u8; 32],
}

impl Keys {
    pub(super) fn new(secret: TrafficSecret) -> (Self, Position) {
        let keys = schedule::epoch_keys(&secret.0);
        let state = Self {
            schedule: Aes256Enc::new((&keys.encryption).into()),
            mac: MacKey::new(&keys.mac),
            traffic: *secret.0,
        };
        (state, Position::new(0, keys.iv))
    }

    /// Goes to the next epoch: old keys are wiped, and the sequence starts at zero.
    pub(super) fn advance(&mut self, position: &mut Position, epoch: u32) {
        schedule::advance(&mut self.traffic);
        let keys = schedule::epoch_keys(&self.traffic);
        // Assigning drops what was there, and dropping wipes it.
        self.schedule = Aes256Enc::new((&keys.encryption).into());
        self.mac = MacKey::new(&keys.mac);
        *position = Position::new(epoch, keys.iv);
    }

    /// Encrypts or decrypts `data` in place as the record numbered `sequence`.
    pub(super) fn apply_keystream(&self, iv: [u8; 4], sequence: u64, data: &mut [u8]) {
        let mut counter_block = [0; 16];
        counter_block[..4].copy_from_slice(&iv);
        counter_block[4..12].copy_from_slice(&sequence.to_be_bytes());
        counter_block[12..].copy_from_slice(&FIRST_BLOCK.to_be_bytes());
        CtrCore::<&Aes256Enc, Ctr32BE>::inner_iv_init(&self.schedule, (&counter_block).into())
            .apply_keystream_partial(data.into());
    }

    /// Overwrites every secret but the cipher's key schedule, which wipes itself when dropped.
    pub(super) fn wipe(&mut self) {
        self.mac.zeroize();
        self.traffic.zeroize();
    }

    #[cfg(test)]
    pub(super) fn with_cipher_key(key: &[u8; 32]) -> Self {
        Self {
            schedule: Aes256Enc::new(key.into()),
            mac: MacKey::new(&[0; 32]),
            traffic: [0; 32],
        }
    }

    #[cfg(test)]
    pub(super) const fn traffic(&self) -> &[u8; 32] {
        &self.traffic
    }
}

impl ZeroizeOnDrop for Keys {}

impl Drop for Keys {
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
