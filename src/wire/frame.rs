//! Frames: where one message ends and the next begins on a sealed link.
//!
//! ```text
//! length u24 big-endian | kind u8 | body        length counts kind and body
//! ```
//!
//! A frame may span records, and a record may hold many. [`FrameReader`] finds them in whatever
//! pieces come: a frame that lies whole in the input is lent from there and never copied, only the
//! incomplete rest is kept. A frame is *looked at* first and *consumed* when it has been dealt
//! with, because a message that cannot be carried out yet must come again later.
//!
//! It must not know what a body means.

use super::WireError;
use crate::buffer::ByteQueue;
use crate::limits::MESSAGE_BYTES_MAX;

/// The length in front of a frame, bytes.
pub const FRAME_LENGTH_BYTES: usize = 3;
/// The length and the kind in front of a frame's body, bytes.
pub const FRAME_HEADER_BYTES: usize = 4;

/// One frame, lent from the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the body is.
    pub kind: u8,
    /// The message itself.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame of `stream` and what follows it, or nothing if none lies whole in it.
    ///
    /// For streams of our own making, such as a room's log: nothing is checked.
    pub fn first(stream: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (frame, rest) = stream.split_at_checked(frame_len(stream)?)?;
        let (&kind, body) = frame.get(FRAME_LENGTH_BYTES..)?.split_first()?;
        Some((Self { kind, body }, rest))
    }
}

/// The length of the frame at the front of `stream`, header included; nothing if `stream` is too
/// short to tell.
pub fn frame_len(stream: &[u8]) -> Option<usize> {
    match *stream {
        [high, middle, low, ..] => {
            let length = u32::from_be_bytes([0, high, middle, low]);
            let length = usize::try_from(length).expect("24 bits fit any usize we run on");
            Some(FRAME_LENGTH_BYTES + length)
        }
        _ => None,
    }
}

/// Appends a frame of `kind` whose body `write` appends.
///
/// # Panics
///
/// When the frame would be larger than [`MESSAGE_BYTES_MAX`]: what is said is bounded long before
/// it is encoded.
pub(super) fn write_frame(kind: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_LENGTH_BYTES]);
    out.push(kind);
    write(out);
    let length = out.len() - start - FRAME_LENGTH_BYTES;
    assert!(length <= MESSAGE_BYTES_MAX, "a message is bounded");
    let length = u32::try_from(length).expect("a message's length has 24 bits");
    let [_, bytes @ ..] = length.to_be_bytes();
    out[start..start + FRAME_LENGTH_BYTES].copy_from_slice(&bytes);
}

/// Finds frames in a stream that arrives in pieces.
///
/// Call [`peek`](Self::peek) until it finds nothing, and [`consume`](Self::consume) after each
/// frame it found. Then all input has been taken, and at most one incomplete frame is held. To stop
/// in between, [`stash`](Self::stash) the rest of the input: it comes before any further input.
pub struct FrameReader {
    queue: ByteQueue,
    bytes_max: usize,
    /// Length with header of the frame last looked at; 0 when there is none to consume.
    peeked: usize,
}

impl FrameReader {
    /// A reader that accepts frames of up to `bytes_max` bytes, kind and body.
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            queue: ByteQueue::new(),
            bytes_max,
            peeked: 0,
        }
    }

    /// Accepts frames of up to `bytes_max` bytes from now on.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// The next frame, without taking it: until it is consumed it is found again.
    ///
    /// The frame is lent from `input` when it lies whole there and nothing is held; else what
    /// it lacks is taken from `input` and it is lent from the reader. `None` means that all
    /// of `input` has been taken and more is needed. At most as many bytes are held as have
    /// arrived, whatever length a frame claims.
    ///
    /// # Errors
    ///
    /// [`WireError::FrameEmpty`] and [`WireError::FrameTooLarge`], as soon as the length has come.
    /// The stream is lost then.
    pub fn peek<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'a>>, WireError> {
        self.peeked = 0;
        if self.queue.is_empty() {
            if let Some(len) = self.checked_len(input)?
                && len <= input.len()
            {
                self.peeked = len;
                return Ok(Frame::first(input).map(|(frame, _)| frame));
            }
        } else {
            self.take(FRAME_LENGTH_BYTES, input);
            if let Some(len) = self.checked_len(self.queue.pending())? {
                self.take(len, input);
                if len <= self.queue.len() {
                    self.peeked = len;
                    return Ok(Frame::first(self.queue.pending()).map(|(frame, _)| frame));
                }
            }
        }
        self.stash(input);
        *input = &[];
        Ok(None)
    }

    /// Takes the frame that [`peek`](Self::peek) has just found; `input` must be what it was.
    ///
    /// # Panics
    ///
    /// When there was none.
    pub fn consume(&mut self, input: &mut &[u8]) {
        assert!(self.peeked > 0, "only a frame looked at can be consumed");
        if self.queue.is_empty() {
            *input = &input[self.peeked..];
        } else {
            self.queue.consume(self.peeked);
        }
        self.peeked = 0;
    }

    /// Keeps input that cannot be dealt with now; it comes before any further input.
    pub fn stash(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.queue.append(rest);
        }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.queue.len()
    }

    /// Whether the oldest frame held has begun but not come whole: the peer owes the rest.
    pub fn is_mid_frame(&self) -> bool {
        let held = self.queue.pending();
        !held.is_empty() && frame_len(held).is_none_or(|len| len > held.len())
    }

    /// Moves bytes from `input` until `len` are held, or none are left.
    fn take(&mut self, len: usize, input: &mut &[u8]) {
        let lacking = len.saturating_sub(self.queue.len()).min(input.len());
        let (taken, rest) = input.split_at(lacking);
        self.stash(taken);
        *input = rest;
    }

    fn checked_len(&self, stream: &[u8]) -> Result<Option<usize>, WireError> {
        let Some(len) = frame_len(stream) else {
            return Ok(None);
        };
        let claimed = len - FRAME_LENGTH_BYTES;
        if claimed == 0 {
            return Err(WireError::FrameEmpty);
        }
        if claimed > self.bytes_max {
            let max = self.bytes_max;
            return Err(WireError::FrameTooLarge { claimed, max });
        }
        Ok(Some(len))
    }
}
