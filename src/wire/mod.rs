//! Bytes to vocabulary and back.

pub mod sealed;
