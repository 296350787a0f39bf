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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (u8, Vec<u8>);

    fn stream_of(frames: &[Owned]) -> Vec<u8> {
        let mut stream = Vec::new();
        for (kind, body) in frames {
            write_frame(*kind, &mut stream, |out| out.extend_from_slice(body));
        }
        stream
    }

    /// Takes every frame that `input` completes.
    fn take_all(
        reader: &mut FrameReader,
        mut input: &[u8],
        seen: &mut Vec<Owned>,
    ) -> Result<(), WireError> {
        while let Some(frame) = reader.peek(&mut input)? {
            seen.push((frame.kind, frame.body.to_vec()));
            reader.consume(&mut input);
        }
        assert!(input.is_empty(), "all input is taken");
        Ok(())
    }

    fn frames() -> impl Strategy<Value = Vec<Owned>> {
        let body = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(any::<u8>(), 250..400),
        ];
        prop::collection::vec((any::<u8>(), body), 1..8)
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_frames() {
        let frames = [(1, vec![]), (2, b"hello".to_vec()), (0x80, vec![7; 300])];
        let stream = stream_of(&frames);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
                let mut seen = Vec::new();
                for piece in [&stream[..first], &stream[first..second], &stream[second..]] {
                    take_all(&mut reader, piece, &mut seen).unwrap();
                }
                assert_eq!(seen, frames, "split at {first} and {second}");
                assert_eq!(reader.held(), 0);
                assert!(!reader.is_mid_frame());
            }
        }
    }

    #[test]
    fn a_frame_that_lies_whole_in_the_input_is_lent_from_there() {
        let stream = stream_of(&[(2, b"hello".to_vec()), (3, b"more".to_vec())]);
        let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
        let mut input = &stream[..];
        while let Some(frame) = reader.peek(&mut input).unwrap() {
            assert!(stream.as_ptr_range().contains(&frame.body.as_ptr()));
            reader.consume(&mut input);
        }
        assert_eq!(reader.held(), 0);
    }

    #[test]
    fn a_frame_not_consumed_comes_again_after_what_followed_it_was_stashed() {
        let stream = stream_of(&[(2, b"wait".to_vec()), (3, b"after".to_vec())]);
        let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
        let mut input = &stream[..stream.len() - 1];
        assert_eq!(reader.peek(&mut input).unwrap().unwrap().kind, 2);
        reader.stash(input);
        assert!(!reader.is_mid_frame(), "the oldest frame is whole");
        let mut seen = Vec::new();
        take_all(&mut reader, &[], &mut seen).unwrap();
        assert_eq!(seen, [(2, b"wait".to_vec())]);
        assert!(reader.is_mid_frame());
        take_all(&mut reader, &stream[stream.len() - 1..], &mut seen).unwrap();
        assert_eq!(seen[1], (3, b"after".to_vec()));
    }

    #[test]
    fn a_length_is_judged_as_soon_as_it_has_come() {
        let judge = |bytes: &[u8]| {
            let mut reader = FrameReader::new(10);
            take_all(&mut reader, bytes, &mut Vec::new())
        };
        assert_eq!(judge(&[0, 0, 0]), Err(WireError::FrameEmpty));
        let (claimed, max) = (11, 10);
        let too_large = Err(WireError::FrameTooLarge { claimed, max });
        assert_eq!(judge(&[0, 0, 11]), too_large);
        assert_eq!(judge(&[0, 0, 10]), Ok(()));
        let mut reader = FrameReader::new(10);
        for byte in [0, 0] {
            take_all(&mut reader, &[byte], &mut Vec::new()).unwrap();
        }
        assert_eq!(take_all(&mut reader, &[11], &mut Vec::new()), too_large);
    }

    #[test]
    fn the_bound_can_be_raised_between_frames() {
        let stream = stream_of(&[(1, vec![0; 9]), (2, vec![0; 90])]);
        let mut reader = FrameReader::new(10);
        let mut input = &stream[..];
        assert!(reader.peek(&mut input).unwrap().is_some());
        reader.consume(&mut input);
        reader.set_bytes_max(91);
        assert!(reader.peek(&mut input).unwrap().is_some());
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
        take_all(&mut reader, &[0x07, 0xff, 0xff, 1], &mut Vec::new()).unwrap();
        assert!(reader.queue.capacity() < 100);
    }

    #[test]
    fn our_own_streams_are_walked_frame_by_frame() {
        let frames = [(0x80, b"one".to_vec()), (0x81, b"two".to_vec())];
        let stream = stream_of(&frames);
        let (one, rest) = Frame::first(&stream).unwrap();
        let (two, end) = Frame::first(rest).unwrap();
        assert_eq!((one.body, two.kind, end.len()), (&b"one"[..], 0x81, 0));
        assert_eq!(frame_len(&stream), Some(stream.len() - rest.len()));
        assert!(Frame::first(&rest[..rest.len() - 1]).is_none());
        assert!(frame_len(&stream[..2]).is_none());
    }

    proptest! {
        /// Goal: neither how a stream is cut nor where its reader pauses changes what is read.
        /// Method: cut it as drawn, and pause as drawn by stashing what a peek had found.
        #[test]
        fn any_pieces_and_pauses_give_the_same_frames(
            frames in frames(),
            sizes in prop::collection::vec(1usize..200, 1..40),
            pauses in prop::collection::vec(any::<bool>(), 1..40),
        ) {
            let stream = stream_of(&frames);
            let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
            let (mut seen, mut rest) = (Vec::new(), &stream[..]);
            let (mut sizes, mut pauses) = (sizes.iter().cycle(), pauses.iter().cycle());
            while !rest.is_empty() || reader.held() > 0 {
                let size = rest.len().min(*sizes.next().unwrap());
                let (mut input, after) = rest.split_at(size);
                rest = after;
                let last = rest.is_empty();
                while let Some(frame) = reader.peek(&mut input).unwrap() {
                    if *pauses.next().unwrap() && !last {
                        reader.stash(input);
                        break;
                    }
                    seen.push((frame.kind, frame.body.to_vec()));
                    reader.consume(&mut input);
                }
            }
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn no_bytes_break_the_reader_or_make_it_hold_more_than_one_frame(
            pieces in prop::collection::vec(prop::collection::vec(0u8..4, 0..40), 0..20),
        ) {
            let mut reader = FrameReader::new(50);
            for piece in pieces {
                if take_all(&mut reader, &piece, &mut Vec::new()).is_err() {
                    break;
                }
                prop_assert!(reader.held() < FRAME_LENGTH_BYTES + 50);
            }
        }
    }
}
