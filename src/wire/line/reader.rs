//! Lines out of bytes, whatever else is among them.
//!
//! A line that lies whole in the input and needs no filtering is lent from there; anything else is
//! [gathered](super::gatherer). Like frames, lines are looked at first and consumed when dealt
//! with. A line becomes text as a whole, so a character may come in pieces, and what is no UTF-8
//! becomes U+FFFD.
//!
//! It must not know what a line means, nor that an empty one may mean leaving.

use super::gatherer::{FirstBytes, Found, Gatherer};
use crate::buffer::ByteQueue;
use std::borrow::Cow;

/// One thing that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineItem<'a> {
    /// A line with something in it, without its end.
    Line(Cow<'a, str>),
    /// A line with nothing in it.
    Empty,
    /// The line passes the limit; it is reported at once, and thrown away up to its end.
    TooLong,
    /// The peer wants to leave: Ctrl-C, telnet's interrupt, or Ctrl-D at the start of a line.
    Interrupt,
    /// The first bytes are those of another protocol.
    Foreign(FirstBytes),
}

/// Finds lines in a stream that arrives in pieces.
///
/// Call [`peek`](Self::peek) until it finds nothing, and [`consume`](Self::consume) after each
/// item it found. Then all input has been taken, and at most one incomplete line is held. To stop
/// in between, [`stash`](Self::stash) the rest of the input: it comes before any further input.
pub struct LineReader {
    /// Input as it came, that could not be dealt with yet.
    stashed: ByteQueue,
    gatherer: Gatherer,
    /// The item last looked at and not yet consumed.
    found: Option<Found>,
    /// No more input will come.
    ended: bool,
}

impl LineReader {
    /// A reader that accepts lines of up to `bytes_max` bytes, without their ends.
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            stashed: ByteQueue::new(),
            gatherer: Gatherer::new(bytes_max),
            found: None,
            ended: false,
        }
    }

    /// Accepts lines of up to `bytes_max` bytes from now on.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.gatherer.set_bytes_max(bytes_max);
    }

    /// The next item, without taking it: until it is consumed it is found again.
    ///
    /// `None` means that all of `input` has been taken and more is needed. Nothing is held beyond
    /// one incomplete line and what was stashed.
    pub fn peek<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<LineItem<'a>> {
        Some(match self.find(input)? {
            Found::InPlace { line_bytes, .. } => {
                let source = if self.stashed.is_empty() {
                    *input
                } else {
                    self.stashed.pending()
                };
                line_item(&source[..line_bytes])
            }
            Found::Gathered => line_item(self.gatherer.line()),
            Found::TooLong => LineItem::TooLong,
            Found::Interrupt => LineItem::Interrupt,
            Found::Foreign(protocol) => LineItem::Foreign(protocol),
        })
    }

    /// Takes the item that [`peek`](Self::peek) has just found; `input` must be what it was.
    ///
    /// # Panics
    ///
    /// When there was none.
    pub fn consume(&mut self, input: &mut &[u8]) {
        let found = self.found.take();
        match found.expect("only an item looked at can be consumed") {
            Found::InPlace {
                line_and_end_bytes, ..
            } => {
                if self.stashed.is_empty() {
                    *input = &input[line_and_end_bytes..];
                } else {
                    self.stashed.consume(line_and_end_bytes);
                }
            }
            Found::Gathered => self.gatherer.clear_line(),
            Found::TooLong | Found::Interrupt | Found::Foreign(_) => {}
        }
    }

    /// Keeps input that cannot be dealt with now; it comes before any further input.
    pub fn stash(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.stashed.append(rest);
        }
    }

    /// Throws away whatever has come, the begun line up to its end included.
    ///
    /// An item that is being dealt with must have been consumed before.
    pub fn discard(&mut self, input: &mut &[u8]) {
        while self.peek(input).is_some() {
            self.consume(input);
        }
        self.gatherer.discard_begun();
    }

    /// No more input will come: what has come of a last line is a line.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.stashed.len() + self.gatherer.line().len()
    }

    /// Whether a line has begun but not come whole: the peer owes the rest.
    pub fn is_mid_line(&self) -> bool {
        self.found.is_none() && self.gatherer.has_begun()
    }

    fn find(&mut self, input: &mut &[u8]) -> Option<Found> {
        match self.found {
            Some(
                found @ (Found::Gathered | Found::TooLong | Found::Interrupt | Found::Foreign(_)),
            ) => return Some(found),
            // Found again, since what lies in place may have been stashed meanwhile.
            Some(Found::InPlace { .. }) | None => {}
        }
        let (taken, mut found) = self.gatherer.scan(self.stashed.pending());
        self.stashed.consume(taken);
        if found.is_none() {
            let (taken, in_input) = self.gatherer.scan(input);
            *input = &input[taken..];
            found = in_input;
        }
        if found.is_none() && self.ended {
            found = self.gatherer.end_of_input();
        }
        self.found = found;
        found
    }
}

fn line_item(bytes: &[u8]) -> LineItem<'_> {
    if bytes.is_empty() {
        LineItem::Empty
    } else {
        LineItem::Line(String::from_utf8_lossy(bytes))
    }
}
