//! The line door: plain text in both directions, for netcat, telnet and scripts.
//!
//! [`LineReader`] finds lines in bytes as they arrive; the encoders write the door's
//! [words], exactly as docs/protocol.md lists them. Every line out ends with LF and tells by its
//! first characters what it is, because there is nothing else to tell it by.

mod gatherer;
pub mod reader;
pub mod words;

pub use gatherer::FirstBytes;
pub use reader::{LineItem, LineReader};
pub use words::{
    Tense, encode_bye, encode_entry, encode_error, encode_event, encode_hits, encode_missed,
    encode_notice, encode_replay_end, encode_sent,
};
