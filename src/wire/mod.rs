//! Bytes to vocabulary and back: the dialects in which a connection speaks.
//!
//! A sealed connection carries one stream of [frames](frame), whose bodies are
//! [messages](message); a plain one carries [lines](mod@line). Decoders take what has arrived, split
//! anywhere, hold at most one incomplete piece of it, and lend text out of the bytes they were
//! given; encoders append to a vector.
//!
//! It must not know what a message means, nor sockets, nor time. Nothing a peer sends can make it
//! panic or hold more than the bound it was given.

pub mod frame;
pub mod line;
pub mod message;
pub mod sealed;

use std::fmt;

/// What came is not the protocol; the connection that sent it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// A frame without even a kind.
    FrameEmpty,
    /// A frame claims to be longer than what may come.
    FrameTooLarge {
        /// How long it would be, bytes.
        claimed: usize,
        /// How long it may be, bytes.
        max: usize,
    },
    /// A frame of a kind that does not exist.
    UnknownKind {
        /// Which.
        kind: u8,
    },
    /// The body of a frame is not what its kind promises. What exactly is not told apart.
    Malformed,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameEmpty => f.write_str("a frame of 0 bytes"),
            Self::FrameTooLarge { claimed, max } => {
                write!(f, "a frame of {claimed} bytes where {max} are the most")
            }
            Self::UnknownKind { kind } => write!(f, "a frame of the unknown kind {kind:#04x}"),
            Self::Malformed => f.write_str("a frame whose body is malformed"),
        }
    }
}

impl std::error::Error for WireError {}
