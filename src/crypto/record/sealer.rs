//! Sealing: one direction's records, written in place into the caller's buffer.

use std::fmt;
use std::time::Duration;

use zeroize::ZeroizeOnDrop;

use super::keys::{Expanded, Keys, Position};
use super::{
    CloseCode, KIND_CLOSE, KIND_DATA, KIND_KEY_UPDATE, KIND_PAD, RECORD_CONTENT_OFFSET, Suite,
    VERSION, whole_seconds,
};
use crate::crypto::schedule::TrafficSecret;
use crate::limits::{
    BYTES_PER_KEY_ACCEPTED_MAX, BYTES_PER_KEY_MAX, RECORD_HEADER_BYTES,
    RECORD_INNER_BYTES_SENT_MAX, RECORDS_PER_KEY_ACCEPTED_MAX, RECORDS_PER_KEY_MAX,
};

/// Inner lengths to pad to are this many bytes apart: a block of SHA-256.
///
/// Suite 2 has no need of these lengths, but uses them all the same: then a watcher learns as much
/// from one suite's lengths as from the other's, and who fills a record need not know the suite.
const PADDING_STEP_BYTES: usize = 64;
/// What is hashed beside the inner part: sequence, header, and SHA-256's own end of 9 bytes.
const PADDING_OVERHEAD_BYTES: usize = 8 + RECORD_HEADER_BYTES + 9;

/// Whether a record hides the exact length of its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Padding {
    /// The content as it is.
    None,
    /// Up to the next length that fills the blocks which are hashed anyway; for what users say.
    Blocks,
}

impl Padding {
    /// The inner length to send for one of `inner_bytes`.
    const fn apply(self, inner_bytes: usize) -> usize {
        match self {
            Self::None => inner_bytes,
            Self::Blocks => {
                (inner_bytes + PADDING_OVERHEAD_BYTES).next_multiple_of(PADDING_STEP_BYTES)
                    - PADDING_OVERHEAD_BYTES
            }
        }
    }
}

/// Why nothing was sealed; the buffer is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealError {
    /// The key has sealed all it may; [`Sealer::seal_key_update`] comes first.
    Exhausted,
    /// CLOSE has been sealed: this direction has ended.
    Closed,
}

impl fmt::Display for SealError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exhausted => "the key has sealed its last record",
            Self::Closed => "this direction has been closed",
        })
    }
}

impl std::error::Error for SealError {}

/// Appends the room for a record's header to `buffer`; returns where the record starts.
///
/// The caller then appends the content and calls [`Sealer::seal`] with that start.
pub fn begin_record(buffer: &mut Vec<u8>) -> usize {
    let start = buffer.len();
    buffer.resize(start + RECORD_CONTENT_OFFSET, 0);
    start
}

/// The sealing end of one direction of one connection.
pub struct Sealer {
    pub(super) keys: Keys<Expanded>,
    pub(super) position: Position,
    rekey_at_seconds: u32,
    closed: bool,
    pub(super) suite: Suite,
}

// Each field wipes itself when it is dropped.
impl ZeroizeOnDrop for Sealer {}

impl Sealer {
    pub(super) fn new(suite: Suite, secret: TrafficSecret, rekey_at: Duration) -> Self {
        let (keys, position) = Keys::new(suite, secret);
        Self {
            keys,
            position,
            rekey_at_seconds: whole_seconds(rekey_at),
            closed: false,
            suite,
        }
    }

    /// Seals what stands in `buffer` from `start` on, as this direction's next DATA record.
    ///
    /// `start` comes from [`begin_record`]; the content stands behind it. Pads, encrypts and
    /// authenticates in place and appends the tag: 22 bytes more than the content and its
    /// padding. Allocates nothing when `buffer` has the capacity `WRITE_BUFFER_BYTES_MAX`.
    ///
    /// # Errors
    ///
    /// [`SealError`] when this key or direction has ended; `buffer` is unchanged.
    ///
    /// # Panics
    ///
    /// When the content is longer than fits a record that may be sent.
    ///
    /// # Source
    ///
    /// Suite 1: counter mode of RFC 3686, then RFC 4868's HMAC-SHA-256-128. Suite 2: NIST SP
    /// 800-38D. How long a key lasts: `limits::RECORDS_PER_KEY_MAX`.
    pub fn seal(
        &mut self,
        padding: Padding,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SealError> {
        let limits = (RECORDS_PER_KEY_MAX, BYTES_PER_KEY_MAX);
        self.seal_as(KIND_DATA, limits, padding, buffer, start)
    }

    /// Appends a record that the peer ignores, of `content_bytes` of cover.
    ///
    /// # Errors
    ///
    /// As [`Self::seal`].
    pub fn seal_pad(
        &mut self,
        content_bytes: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let limits = (RECORDS_PER_KEY_MAX, BYTES_PER_KEY_MAX);
        self.seal_appended(KIND_PAD, limits, buffer, |buffer| {
            buffer.resize(buffer.len() + content_bytes, 0);
        })
    }

    /// Appends KEYUPDATE, 26 bytes, and goes to the next key, to be changed at `rekey_at`.
    ///
    /// # Errors
    ///
    /// [`SealError`] when this direction has ended; `buffer` is unchanged.
    pub fn seal_key_update(
        &mut self,
        rekey_at: Duration,
        buffer: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let epoch = self
            .position
            .epoch
            .checked_add(1)
            .ok_or(SealError::Exhausted)?;
        self.seal_appended(KIND_KEY_UPDATE, LAST_RECORD_LIMITS, buffer, |buffer| {
            buffer.extend_from_slice(&epoch.to_be_bytes());
        })?;
        self.keys.advance(self.suite, &mut self.position, epoch);
        self.rekey_at_seconds = whole_seconds(rekey_at);
        Ok(())
    }

    /// Appends CLOSE, 24 bytes, after which this direction seals nothing.
    ///
    /// # Errors
    ///
    /// [`SealError`] when this direction has ended already; `buffer` is unchanged.
    pub fn seal_close(&mut self, code: CloseCode, buffer: &mut Vec<u8>) -> Result<(), SealError> {
        self.seal_appended(KIND_CLOSE, LAST_RECORD_LIMITS, buffer, |buffer| {
            buffer.extend_from_slice(&code.to_wire().to_be_bytes());
        })?;
        self.closed = true;
        Ok(())
    }

    /// Whether the key must be changed before another full record is sealed.
    pub fn rekey_required(&self) -> bool {
        self.position.records() >= RECORDS_PER_KEY_MAX
            || self.position.bytes() + RECORD_INNER_BYTES_SENT_MAX as u64 > BYTES_PER_KEY_MAX
    }

    /// Whether the key should be changed: it must be, or its time has come.
    pub fn rekey_due(&self, now: Duration) -> bool {
        self.rekey_required() || whole_seconds(now) >= self.rekey_at_seconds
    }

    /// Whether CLOSE has been sealed.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    fn seal_appended(
        &mut self,
        kind: u8,
        limits: (u64, u64),
        buffer: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SealError> {
        let start = begin_record(buffer);
        write(buffer);
        let sealed = self.seal_as(kind, limits, Padding::None, buffer, start);
        if sealed.is_err() {
            buffer.truncate(start);
        }
        sealed
    }

    fn seal_as(
        &mut self,
        kind: u8,
        (records_max, bytes_max): (u64, u64),
        padding: Padding,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SealError> {
        assert!(
            buffer.len() >= start + RECORD_CONTENT_OFFSET,
            "begin_record has made room for the header"
        );
        let inner_bytes = buffer.len() - start - RECORD_HEADER_BYTES;
        let padded_bytes = padding.apply(inner_bytes);
        assert!(
            padded_bytes <= RECORD_INNER_BYTES_SENT_MAX,
            "a record is filled to RECORD_INNER_BYTES_SENT_MAX at most"
        );
        if self.closed {
            return Err(SealError::Closed);
        }
        let sequence = self
            .position
            .spend(padded_bytes, records_max, bytes_max)
            .ok_or(SealError::Exhausted)?;

        let length = u16::try_from(padded_bytes).expect("limits.rs: an inner length fits a u16");
        let pad = u8::try_from(padded_bytes - inner_bytes).expect("padding is less than a block");
        buffer.resize(start + RECORD_HEADER_BYTES + padded_bytes, 0);
        let record = &mut buffer[start..];
        record[0] = VERSION;
        record[1] = self.position.epoch_byte();
        record[2..RECORD_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        record[RECORD_HEADER_BYTES] = kind;
        record[RECORD_HEADER_BYTES + 1] = pad;
        let iv = self.position.iv;
        let tag = self.keys.seal(self.suite, iv, sequence, record);
        buffer.extend_from_slice(&tag);
        Ok(())
    }
}

/// KEYUPDATE and CLOSE may follow the last record that carries content: the peer accepts far more.
const LAST_RECORD_LIMITS: (u64, u64) = (RECORDS_PER_KEY_ACCEPTED_MAX, BYTES_PER_KEY_ACCEPTED_MAX);
