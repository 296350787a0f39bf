//! Records: what travels on a sealed connection after the handshake.
//!
//! ```text
//! 0      1       2        4                          4+L            4+L+16
//! +------+-------+--------+--------------------------+---------------+
//! | 0x01 | epoch | L u16  | ciphertext of inner      | tag (16)      |
//! +------+-------+--------+--------------------------+---------------+
//! inner:   kind u8 | pad u8 | content | pad zero bytes
//! suite 1: AES-256-CTR, then HMAC-SHA-256 over sequence u64 | header | ciphertext, cut to 16 bytes
//! suite 2: AES-256-GCM with the nonce iv | sequence u64 and the header as additional data
//! ```
//!
//! A [`Sealer`] writes one direction, an [`Opener`] reads it. The sequence number is counted on
//! both sides and never sent, so a record that is changed, lost, repeated, moved or taken from
//! elsewhere does not open, and then nothing after it does. Hence the duty of the caller: **what
//! is sealed must be sent, whole, once, and in the order of sealing.**
//!
//! A state is used where it lies: it is neither `Clone` nor `Debug`, and dropping it wipes it in
//! place. Make it from its secret directly in the slot that will hold it.

mod gcm;
mod keys;
mod mac;
mod opener;
mod sealer;

pub use opener::{Opened, Opener, RecordError, RecordKind};
pub use sealer::{Padding, SealError, Sealer, begin_record};

use std::time::Duration;

use zeroize::Zeroizing;

use super::handshake::Session;
use super::schedule::{self, TrafficSecret};
use crate::limits::{RECORD_HEADER_BYTES, RECORD_PREFIX_BYTES};

/// Where a record's content starts, counted from the record's first byte.
pub const RECORD_CONTENT_OFFSET: usize = RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES;

const VERSION: u8 = 1;
const KIND_DATA: u8 = 1;
const KIND_KEY_UPDATE: u8 = 2;
const KIND_CLOSE: u8 = 3;
const KIND_PAD: u8 = 4;

/// Which ciphers protect the records of a connection.
///
/// The client names one before the handshake, whose prologue that is part of: so both ends have
/// the same one or no session, and no key is ever used in two suites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suite {
    /// AES-256 in counter mode, authenticated by HMAC-SHA-256.
    CtrHmac,
    /// AES-256-GCM: ahead of the other where the machine multiplies without carry.
    Gcm,
}

impl Suite {
    /// Every suite that we speak.
    pub const ALL: [Self; 2] = [Self::CtrHmac, Self::Gcm];
    /// What a client asks for that was not told otherwise.
    pub const DEFAULT: Self = Self::Gcm;

    /// The number that stands for it.
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::CtrHmac => 1,
            Self::Gcm => 2,
        }
    }

    /// The suite that `number` stands for, if it is one of ours.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::CtrHmac),
            2 => Some(Self::Gcm),
            _ => None,
        }
    }
}

/// Which end of a connection we are; decides which secret is for sealing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The initiator of the handshake.
    Client,
    /// The responder.
    Server,
}

/// What a finished handshake gives a connection: the makings of its two record states.
pub struct RecordSecrets {
    /// Makes the one sealer of this connection.
    pub sealer: SealerSecret,
    /// Makes the one opener of this connection.
    pub opener: OpenerSecret,
    /// Equal at both ends of this connection and nowhere else; never sent itself.
    pub binding: Zeroizing<[u8; 32]>,
}

impl RecordSecrets {
    /// Runs the key schedule for our `side`. The session's keys are wiped.
    ///
    /// `suite` must be the one in the prologue of the handshake that made the session.
    pub fn derive(session: Session, side: Side, suite: Suite) -> Self {
        let secrets = schedule::derive(session);
        let (ours, theirs) = match side {
            Side::Client => (secrets.client_to_server, secrets.server_to_client),
            Side::Server => (secrets.server_to_client, secrets.client_to_server),
        };
        Self {
            sealer: SealerSecret(ours, suite),
            opener: OpenerSecret(theirs, suite),
            binding: secrets.binding,
        }
    }
}

/// What a [`Sealer`] is made from, once. Cheap to move: the secret stays where it is.
pub struct SealerSecret(TrafficSecret, Suite);

impl SealerSecret {
    /// Makes the sealer; `rekey_at` is when its first key should be changed.
    pub fn start(self, rekey_at: Duration) -> Sealer {
        Sealer::new(self.1, self.0, rekey_at)
    }
}

/// What an [`Opener`] is made from, once. Cheap to move: the secret stays where it is.
pub struct OpenerSecret(TrafficSecret, Suite);

impl OpenerSecret {
    /// Makes the opener.
    pub fn start(self) -> Opener {
        Opener::new(self.1, self.0)
    }
}

/// Why a peer ends its direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseCode {
    /// Nothing more to say.
    Done,
    /// A record did not open.
    RecordError,
    /// The server stops.
    ServerStopping,
    /// The session goes on over another connection; the client must not reconnect by itself.
    TakenOver,
    /// The reader took too little for too long.
    TooSlow,
    /// An operator removed the client; it must not reconnect by itself.
    Removed,
    /// A code that is newer than we are.
    Other(u16),
}

impl CloseCode {
    /// Whether a client may reconnect without being asked to.
    pub const fn allows_reconnect(self) -> bool {
        match self {
            Self::TakenOver | Self::Removed => false,
            Self::Done
            | Self::RecordError
            | Self::ServerStopping
            | Self::TooSlow
            | Self::Other(_) => true,
        }
    }

    const fn to_wire(self) -> u16 {
        match self {
            Self::Done => 0,
            Self::RecordError => 1,
            Self::ServerStopping => 2,
            Self::TakenOver => 3,
            Self::TooSlow => 4,
            Self::Removed => 5,
            Self::Other(code) => code,
        }
    }

    const fn from_wire(code: u16) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::RecordError,
            2 => Self::ServerStopping,
            3 => Self::TakenOver,
            4 => Self::TooSlow,
            5 => Self::Removed,
            other => Self::Other(other),
        }
    }
}

/// Time in whole seconds, four bytes of a record state; it lasts for a century of uptime.
fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests;
