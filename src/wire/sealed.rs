//! The sealed door's beginning: preamble, three handshake messages, what they carry.
//!
//! ```text
//! client -> server   preamble 8 : "PRLR" | version | suite | flags | 0
//!                    message 1  : u16 length | e
//! server -> client   message 2  : u16 length | e, s, payload
//! client -> server   message 3  : u16 length | s, payload
//! ```
//!
//! [`ServerHandshake`] and [`ClientHandshake`] take bytes as they come, and only those that belong
//! to the handshake, so that what follows in the same read is left for the record layer. Each ends
//! in [`Established`]. Computing is apart from reading: a server must be able to put the
//! expensive step off.
//!
//! Knows no socket, clock or random source, and nothing of what is said afterwards.

mod client;
mod payload;
mod preamble;
mod server;

pub use client::{ClientHandshake, Identity, Introduction, ServerOffer};
pub use payload::{NextKey, ServerPayload};
pub use preamble::{
    Foreign, PREAMBLE_BYTES, Preamble, REFUSAL_BYTES, RefusalCode, VERSION_MAX,
    looks_like_sealed_preamble,
};
pub use server::{ServerHandshake, Step};

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::handshake::{NoiseError, PublicKey};
use crate::crypto::record::{OpenerSecret, SealerSecret, Suite};
use crate::limits::{HANDSHAKE_BYTES_MAX, HANDSHAKE_PAYLOAD_BYTES_MAX};

/// The length before each handshake message, bytes.
const LENGTH_BYTES: usize = 2;

const _: () = {
    // What is buffered of a message at any time stays within the bound for a whole handshake.
    assert!(LENGTH_BYTES + server::FINISH_BYTES_MAX <= HANDSHAKE_BYTES_MAX);
    assert!(LENGTH_BYTES + client::REPLY_BYTES_MAX <= HANDSHAKE_BYTES_MAX);
    assert!(payload::SERVER_PAYLOAD_BYTES <= HANDSHAKE_PAYLOAD_BYTES_MAX);
};

/// What a finished handshake hands over.
pub struct Established {
    /// Makes this connection's sealer, in the slot that will hold it.
    pub sealer: SealerSecret,
    /// Makes this connection's opener, in the slot that will hold it.
    pub opener: OpenerSecret,
    /// Equal at both ends and on no other connection; never sent itself.
    pub binding: Zeroizing<[u8; 32]>,
    /// What protects the records: what the client asked for, and both have proven to mean.
    pub suite: Suite,
    /// The server's static key, which it has proven to hold.
    pub server_key: PublicKey,
    /// The client's static key, proven; `None` when it was drawn for this connection alone.
    pub client_key: Option<PublicKey>,
    /// Feature bits of the other side.
    pub peer_features: u32,
    /// What the client's program calls itself; chosen by the client and not to be trusted.
    pub client_name: String,
}

/// Why a handshake ended. The peer is told nothing, but for [`HandshakeError::refusal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeError {
    /// The peer speaks something else.
    NotParlour {
        /// What it seems to be.
        looks_like: Foreign,
    },
    /// The client asks for a version that we do not speak.
    UnknownVersion {
        /// The version it asked for.
        version: u8,
    },
    /// The client asks for a cipher suite that we do not speak.
    UnknownSuite {
        /// The suite it asked for.
        suite: u8,
    },
    /// A bit is set that this version reserves.
    ReservedBits,
    /// A message has a length that it cannot have.
    MessageLength {
        /// The length that its prefix names.
        claimed: u16,
    },
    /// A message is not genuine.
    Noise(NoiseError),
    /// A genuine payload breaks its own rules.
    Payload,
    /// A genuine payload has a field that we do not know and that may not be skipped.
    UnknownCritical {
        /// The field's type.
        field: u8,
    },
    /// The client sent more before it was its turn.
    OutOfTurn,
    /// The server refuses, before anything was proven: a hint, not a fact.
    Refused {
        /// Its reason.
        code: RefusalCode,
        /// The newest version it speaks.
        version_max: u8,
    },
    /// The handshake has ended before; our own mistake, harmless.
    Over,
}

impl HandshakeError {
    /// The refusal that a server sends for this error, if any; otherwise it closes silently.
    pub const fn refusal(self) -> Option<RefusalCode> {
        match self {
            Self::UnknownVersion { .. } => Some(RefusalCode::UnknownVersion),
            Self::UnknownSuite { .. } => Some(RefusalCode::UnknownSuite),
            Self::NotParlour { .. }
            | Self::ReservedBits
            | Self::MessageLength { .. }
            | Self::Noise(_)
            | Self::Payload
            | Self::UnknownCritical { .. }
            | Self::OutOfTurn
            | Self::Refused { .. }
            | Self::Over => None,
        }
    }

    /// The name of the counter and of the cause in the log.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::NotParlour { looks_like } => looks_like.cause(),
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnknownSuite { .. } => "unknown-suite",
            Self::ReservedBits => "reserved-bits",
            Self::MessageLength { .. } => "message-length",
            Self::Noise(NoiseError::Truncated) => "message-truncated",
            Self::Noise(NoiseError::NotContributory) => "low-order-point",
            Self::Noise(NoiseError::Forged) => "message-forged",
            Self::Payload => "payload",
            Self::UnknownCritical { .. } => "unknown-critical-field",
            Self::OutOfTurn => "out-of-turn",
            Self::Refused { .. } => "refused",
            Self::Over => "over",
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotParlour { looks_like } => {
                write!(formatter, "the other side speaks {looks_like}")
            }
            Self::UnknownVersion { version } => {
                write!(formatter, "version {version} is not spoken here")
            }
            Self::UnknownSuite { suite } => {
                write!(formatter, "cipher suite {suite} is not spoken here")
            }
            Self::ReservedBits => formatter.write_str("the preamble has reserved bits set"),
            Self::MessageLength { claimed } => {
                write!(
                    formatter,
                    "no handshake message is {claimed} bytes long here"
                )
            }
            Self::Noise(error) => error.fmt(formatter),
            Self::Payload => formatter.write_str("the handshake payload is malformed"),
            Self::UnknownCritical { field } => write!(
                formatter,
                "the handshake needs field {field:#04x}, which is not known here; one side is too old"
            ),
            Self::OutOfTurn => formatter.write_str("the client spoke before it was its turn"),
            Self::Refused { code, version_max } => match code {
                RefusalCode::UnknownVersion => write!(
                    formatter,
                    "the server speaks no newer version than {version_max}"
                ),
                RefusalCode::UnknownSuite
                | RefusalCode::Full
                | RefusalCode::TooManyFromSource
                | RefusalCode::Banned
                | RefusalCode::Other(_) => write!(formatter, "the server refuses: {code}"),
            },
            Self::Over => formatter.write_str("the handshake is over"),
        }
    }
}

impl std::error::Error for HandshakeError {}

impl From<NoiseError> for HandshakeError {
    fn from(error: NoiseError) -> Self {
        Self::Noise(error)
    }
}

/// Moves bytes from the front of `input` behind `buffered` until that holds `whole` bytes.
fn take(buffered: &mut Vec<u8>, whole: usize, input: &mut &[u8]) {
    let missing = whole.saturating_sub(buffered.len());
    let (taken, rest) = input.split_at(missing.min(input.len()));
    buffered.extend_from_slice(taken);
    *input = rest;
}

/// Appends to `out` what `write` appends, preceded by its length; on an error appends nothing.
fn write_message<T, E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
) -> Result<T, E> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    let written = write(out);
    if written.is_err() {
        out.truncate(start);
        return written;
    }
    let length = out.len() - start - LENGTH_BYTES;
    let length = u16::try_from(length).expect("a handshake message is a few hundred bytes long");
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    written
}

#[cfg(test)]
mod tests;
