//! Piped input: a thread reads it in pieces, and this cuts them into lines.
//!
//! A thread, because a regular file cannot be polled. It reads no further ahead than a few
//! pieces, so a client that cannot send makes whoever feeds it wait.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use mio::Waker;

use crate::buffer::ByteQueue;
use crate::limits::{CLIENT_INPUT_PIECES_MAX, CLIENT_READ_BYTES};

/// What the input holds next.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Text(String),
    /// A line longer than one may be; it was thrown away.
    TooLong,
    /// The end.
    End,
}

/// Lines of the standard input.
pub struct Input {
    pieces: Receiver<io::Result<Vec<u8>>>,
    lines: Lines,
}

impl Input {
    /// Begins to read the standard input, in lines of at most `bytes_max`; `waker` is woken for
    /// each piece.
    pub fn start(waker: Arc<Waker>, bytes_max: usize) -> Self {
        let (sender, pieces) = sync_channel(CLIENT_INPUT_PIECES_MAX);
        std::thread::spawn(move || {
            read_pieces(&sender, &waker);
            // The end is told by the channel's; only after it the poll must look.
            drop(sender);
            let _ = waker.wake();
        });
        Self {
            pieces,
            lines: Lines::new(bytes_max),
        }
    }

    /// The next line that has come; `None` while there is none.
    ///
    /// # Errors
    ///
    /// When the input cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            match self.pieces.try_recv() {
                Ok(Ok(piece)) => self.lines.push(&piece),
                Ok(Err(error)) => return Err(error),
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => self.lines.end(),
            }
        }
    }
}

fn read_pieces(sender: &SyncSender<io::Result<Vec<u8>>>, waker: &Waker) {
    let mut input = io::stdin().lock();
    loop {
        let mut piece = vec![0; CLIENT_READ_BYTES];
        let read = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => {
                piece.truncate(count);
                Ok(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if sender.send(read).is_err() || failed {
            break;
        }
        // A failed wake means that the poll is gone, and with it the reader of these pieces.
        let _ = waker.wake();
    }
}

/// Cuts pieces into lines. Pure.
struct Lines {
    held: ByteQueue,
    /// The most bytes a line may have.
    bytes_max: usize,
    /// Bytes held that are known to hold no line end.
    searched: usize,
    /// Whether the rest of a line that was too long is still to come.
    discarding: bool,
    /// Whether all pieces have come.
    ended: bool,
}

impl Lines {
    fn new(bytes_max: usize) -> Self {
        Self {
            held: ByteQueue::new(),
            bytes_max,
            searched: 0,
            discarding: false,
            ended: false,
        }
    }

    fn push(&mut self, piece: &[u8]) {
        self.held.append(piece);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self) -> Option<Line> {
        loop {
            let held = self.held.pending();
            let found = held[self.searched..].iter().position(|&byte| byte == b'\n');
            let Some(length) = found.map(|place| self.searched + place) else {
                return self.unended();
            };
            let line = held[..length]
                .strip_suffix(b"\r")
                .unwrap_or(&held[..length]);
            let line = line_of(line, self.bytes_max);
            self.held.consume(length + 1);
            self.searched = 0;
            if !std::mem::take(&mut self.discarding) {
                return Some(line);
            }
        }
    }

    /// What to make of bytes without a line end.
    fn unended(&mut self) -> Option<Line> {
        self.searched = self.held.len();
        // One byte more than a text has may be the CR of its line end.
        if self.held.len() > self.bytes_max + 1 {
            self.held.clear();
            self.searched = 0;
            return (!std::mem::replace(&mut self.discarding, true)).then_some(Line::TooLong);
        }
        if !self.ended {
            return None;
        }
        let rest = line_of(self.held.pending(), self.bytes_max);
        let is_empty = self.held.is_empty();
        self.held.clear();
        self.searched = 0;
        if is_empty || std::mem::take(&mut self.discarding) {
            return Some(Line::End);
        }
        Some(rest)
    }
}

fn line_of(bytes: &[u8], bytes_max: usize) -> Line {
    match bytes.len() > bytes_max {
        true => Line::TooLong,
        false => Line::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TEXT_BYTES_MAX;

    fn text(line: &str) -> Line {
        Line::Text(line.to_owned())
    }

    #[test]
    fn every_split_gives_the_same_lines() {
        let input = "one\r\n\nzoë\nlast".as_bytes();
        for split in 0..=input.len() {
            let mut lines = Lines::new(TEXT_BYTES_MAX);
            let mut seen = Vec::new();
            for piece in [&input[..split], &input[split..]] {
                lines.push(piece);
                seen.extend(std::iter::from_fn(|| lines.next()));
            }
            lines.end();
            seen.extend([lines.next().unwrap(), lines.next().unwrap()]);
            let expected = [text("one"), text(""), text("zoë"), text("last"), Line::End];
            assert_eq!(seen, expected, "split at {split}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_read() {
        let mut lines = Lines::new(TEXT_BYTES_MAX);
        lines.push(&vec![b'x'; TEXT_BYTES_MAX]);
        lines.push(b"\r\n");
        assert_eq!(lines.next(), Some(text(&"x".repeat(TEXT_BYTES_MAX))));
        lines.push(&vec![b'x'; TEXT_BYTES_MAX + 1]);
        lines.push(b"\n");
        assert_eq!(lines.next(), Some(Line::TooLong));
        for _ in 0..4 {
            lines.push(&vec![b'x'; TEXT_BYTES_MAX]);
            let _ = lines.next();
        }
        lines.push(b"xx\nnext\n");
        assert_eq!(lines.next(), Some(text("next")));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn what_is_not_unicode_is_replaced() {
        let mut lines = Lines::new(TEXT_BYTES_MAX);
        lines.push(b"a\xffb\n");
        assert_eq!(lines.next(), Some(text("a\u{fffd}b")));
    }
}
