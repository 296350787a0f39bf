//! Opening: one direction's records, checked and decrypted where they lie.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use zeroize::ZeroizeOnDrop;

use super::keys::{Folded, Keys, Position};
use super::{
    CloseCode, KIND_CLOSE, KIND_DATA, KIND_KEY_UPDATE, KIND_PAD, RECORD_CONTENT_OFFSET, Suite,
    VERSION, whole_seconds,
};
use crate::crypto::schedule::TrafficSecret;
use crate::limits::{
    BYTES_PER_KEY_ACCEPTED_MAX, RECORD_HEADER_BYTES, RECORD_INNER_BYTES_MAX, RECORD_PREFIX_BYTES,
    RECORD_TAG_BYTES, RECORDS_PER_KEY_ACCEPTED_MAX, REKEY_INTERVAL_MIN, REKEY_RECORDS_MIN,
};

/// What the front of the input holds.
#[derive(PartialEq, Eq, Debug)]
pub enum Opened {
    /// Not a whole record yet; nothing was changed.
    Incomplete {
        /// Bytes that the input must hold, counted from its front, before it is worth another try.
        needed: usize,
    },
    /// A genuine record.
    Record {
        /// What it is.
        kind: RecordKind,
        /// Where its content now stands in the clear, within the input.
        content: Range<usize>,
        /// The record's whole length; the next one starts there.
        consumed: usize,
    },
}

/// What a genuine record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// The content continues this direction's byte stream.
    Data,
    /// The peer has changed its key; already done here too. Nothing to do.
    KeyUpdate,
    /// The peer has ended its direction.
    Close(CloseCode),
    /// Cover. Nothing to do.
    Pad,
}

/// Why a direction has ended: all of them close, and the peer is not told which it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
    /// The header names another version.
    Version,
    /// The header names another epoch than the current one.
    Epoch,
    /// The header names a length that no record has.
    Length,
    /// Corrupted, forged or out of order. Not told apart.
    Tag,
    /// Genuine, but of an unknown kind, or its content or padding breaks the rules.
    Inner,
    /// A second key change too soon after the one before.
    KeyUpdateTooEarly,
    /// The peer uses one key for more than it may.
    Exhausted,
    /// Bytes after CLOSE.
    AfterClose,
}

impl RecordError {
    /// The name of the counter and of the cause in the log.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Version => "record-version",
            Self::Epoch => "record-epoch",
            Self::Length => "record-length",
            Self::Tag => "record-tag",
            Self::Inner => "record-inner",
            Self::KeyUpdateTooEarly => "key-update-too-early",
            Self::Exhausted => "key-exhausted",
            Self::AfterClose => "after-close",
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a record could not be opened")
    }
}

impl std::error::Error for RecordError {}

/// Whether a direction goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closed,
    /// There is no way back after a bad record: what follows it cannot be told from a forgery.
    Failed(RecordError),
}

/// The opening end of one direction of one connection.
pub struct Opener {
    pub(super) keys: Keys<Folded>,
    pub(super) position: Position,
    /// When the current epoch began; meaningless in epoch zero, which no key change began.
    changed_at_seconds: u32,
    phase: Phase,
    suite: Suite,
}

// Each field wipes itself when it is dropped.
impl ZeroizeOnDrop for Opener {}

impl Opener {
    pub(super) fn new(suite: Suite, secret: TrafficSecret) -> Self {
        let (keys, position) = Keys::new(suite, secret);
        Self {
            keys,
            position,
            changed_at_seconds: 0,
            phase: Phase::Open,
            suite,
        }
    }

    /// Opens the record at the front of `bytes`, in place.
    ///
    /// The header is checked as soon as it is there. Nothing is decrypted before the tag holds.
    /// A key change is carried out here. `now` is any clock that only rises.
    ///
    /// # Errors
    ///
    /// Any [`RecordError`], which every later call repeats: stop reading, drop what is unread,
    /// send CLOSE with [`CloseCode::RecordError`] if the other direction is intact.
    pub fn open(&mut self, bytes: &mut [u8], now: Duration) -> Result<Opened, RecordError> {
        self.open_by(bytes, now, Keys::open)
    }

    /// Opens like [`Self::open`], but takes every record for genuine: all is the same, except that
    /// the tag is not looked at.
    ///
    /// For the load generator only. It plays thousands of receivers on one machine, where checking
    /// what each of them gets would measure the generator instead of the server; the records it
    /// reads are worth nothing to anybody. Whoever acts on what a peer says must use
    /// [`Self::open`]: a stranger on the path can change every bit that comes out of this.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`], without [`RecordError::Tag`].
    #[cfg(feature = "unverified")]
    pub fn open_unverified(
        &mut self,
        bytes: &mut [u8],
        now: Duration,
    ) -> Result<Opened, RecordError> {
        self.open_by(bytes, now, |keys, suite, iv, sequence, record, _tag| {
            keys.decrypt(suite, iv, sequence, record);
            true
        })
    }

    /// Opens by `decipher`, which is [`Keys::open`] or stands in for it.
    #[inline]
    fn open_by(
        &mut self,
        bytes: &mut [u8],
        now: Duration,
        decipher: impl FnOnce(&Keys<Folded>, Suite, [u8; 4], u64, &mut [u8], &[u8]) -> bool,
    ) -> Result<Opened, RecordError> {
        let opened = match self.phase {
            Phase::Open => self.open_front(bytes, now, decipher),
            Phase::Closed if bytes.is_empty() => Ok(Opened::Incomplete {
                needed: RECORD_HEADER_BYTES,
            }),
            Phase::Closed => Err(RecordError::AfterClose),
            Phase::Failed(error) => Err(error),
        };
        if let Err(error) = opened {
            self.phase = Phase::Failed(error);
        }
        opened
    }

    /// Whether the peer has ended its direction properly: without it, the end of the stream is a
    /// truncation.
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    fn open_front(
        &mut self,
        bytes: &mut [u8],
        now: Duration,
        decipher: impl FnOnce(&Keys<Folded>, Suite, [u8; 4], u64, &mut [u8], &[u8]) -> bool,
    ) -> Result<Opened, RecordError> {
        let Some(header) = bytes.first_chunk::<RECORD_HEADER_BYTES>() else {
            return Ok(Opened::Incomplete {
                needed: RECORD_HEADER_BYTES,
            });
        };
        let inner_bytes = self.check_header(*header)?;
        let tag_start = RECORD_HEADER_BYTES + inner_bytes;
        let consumed = tag_start + RECORD_TAG_BYTES;
        if bytes.len() < consumed {
            return Ok(Opened::Incomplete { needed: consumed });
        }
        let sequence = self
            .position
            .spend(
                inner_bytes,
                RECORDS_PER_KEY_ACCEPTED_MAX,
                BYTES_PER_KEY_ACCEPTED_MAX,
            )
            .ok_or(RecordError::Exhausted)?;
        let (record, tag) = bytes[..consumed].split_at_mut(tag_start);
        let iv = self.position.iv;
        if !decipher(&self.keys, self.suite, iv, sequence, record, tag) {
            return Err(RecordError::Tag);
        }
        let (kind, content) = split_inner(&record[RECORD_HEADER_BYTES..])?;
        let content_end = RECORD_CONTENT_OFFSET + content.len();
        let kind = self.accept(kind, content, sequence, now)?;
        Ok(Opened::Record {
            kind,
            content: RECORD_CONTENT_OFFSET..content_end,
            consumed,
        })
    }

    fn check_header(&self, header: [u8; RECORD_HEADER_BYTES]) -> Result<usize, RecordError> {
        let [version, epoch, high, low] = header;
        if version != VERSION {
            return Err(RecordError::Version);
        }
        if epoch != self.position.epoch_byte() {
            return Err(RecordError::Epoch);
        }
        let inner_bytes = usize::from(u16::from_be_bytes([high, low]));
        if !(RECORD_PREFIX_BYTES..=RECORD_INNER_BYTES_MAX).contains(&inner_bytes) {
            return Err(RecordError::Length);
        }
        Ok(inner_bytes)
    }

    fn accept(
        &mut self,
        kind: u8,
        content: &[u8],
        sequence: u64,
        now: Duration,
    ) -> Result<RecordKind, RecordError> {
        match kind {
            KIND_DATA => Ok(RecordKind::Data),
            KIND_PAD => Ok(RecordKind::Pad),
            KIND_CLOSE => {
                let code = content.try_into().map_err(|_| RecordError::Inner)?;
                self.phase = Phase::Closed;
                let code = CloseCode::from_wire(u16::from_be_bytes(code));
                Ok(RecordKind::Close(code))
            }
            KIND_KEY_UPDATE => {
                let epoch = content.try_into().map_err(|_| RecordError::Inner)?;
                self.change_key(u32::from_be_bytes(epoch), sequence, whole_seconds(now))?;
                Ok(RecordKind::KeyUpdate)
            }
            _ => Err(RecordError::Inner),
        }
    }

    fn change_key(
        &mut self,
        epoch: u32,
        records_before: u64,
        now_seconds: u32,
    ) -> Result<(), RecordError> {
        if self.position.epoch.checked_add(1) != Some(epoch) {
            return Err(RecordError::Inner);
        }
        let elapsed = now_seconds.saturating_sub(self.changed_at_seconds);
        let is_second = self.position.epoch > 0;
        if is_second
            && u64::from(elapsed) < REKEY_INTERVAL_MIN.as_secs()
            && records_before < REKEY_RECORDS_MIN
        {
            return Err(RecordError::KeyUpdateTooEarly);
        }
        self.keys.advance(self.suite, &mut self.position, epoch);
        self.changed_at_seconds = now_seconds;
        Ok(())
    }
}

/// The kind and the content of a decrypted inner part, whose padding must be zero.
fn split_inner(inner: &[u8]) -> Result<(u8, &[u8]), RecordError> {
    let [kind, pad, rest @ ..] = inner else {
        return Err(RecordError::Inner);
    };
    let content_bytes = rest
        .len()
        .checked_sub(usize::from(*pad))
        .ok_or(RecordError::Inner)?;
    let (content, padding) = rest.split_at(content_bytes);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(RecordError::Inner);
    }
    Ok((*kind, content))
}
