//! Lines out of bytes, whatever else is among them.
//!
//! A line that lies whole in the input and needs no filtering is lent from there; anything else is
//! gathered. Like frames, lines are looked at first and consumed when dealt
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::line::FirstBytes;
    use proptest::prelude::*;

    const BYTES_MAX: usize = 12;

    fn line(text: &str) -> LineItem<'_> {
        LineItem::Line(Cow::Borrowed(text))
    }

    fn owned(item: LineItem<'_>) -> LineItem<'static> {
        match item {
            LineItem::Line(text) => LineItem::Line(Cow::Owned(text.into_owned())),
            LineItem::Empty => LineItem::Empty,
            LineItem::TooLong => LineItem::TooLong,
            LineItem::Interrupt => LineItem::Interrupt,
            LineItem::Foreign(protocol) => LineItem::Foreign(protocol),
        }
    }

    /// Takes every item that `input` completes.
    fn take_all(reader: &mut LineReader, mut input: &[u8], seen: &mut Vec<LineItem<'static>>) {
        while let Some(item) = reader.peek(&mut input) {
            seen.push(owned(item));
            reader.consume(&mut input);
        }
        assert!(input.is_empty(), "all input is taken");
        assert!(reader.held() <= BYTES_MAX, "a line is bounded");
    }

    /// What is read of `pieces` and the end of input after them.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<LineItem<'static>> {
        let mut reader = LineReader::new(BYTES_MAX);
        let mut seen = Vec::new();
        for piece in pieces {
            take_all(&mut reader, piece, &mut seen);
        }
        reader.finish();
        take_all(&mut reader, &[], &mut seen);
        seen
    }

    /// What is read of `stream`, however it is cut.
    fn read_any(stream: &[u8]) -> Vec<LineItem<'static>> {
        let whole = read([stream]);
        assert_eq!(read(stream.chunks(1)), whole, "byte by byte: {stream:?}");
        for at in 0..stream.len() {
            let (one, two) = stream.split_at(at);
            assert_eq!(read([one, two]), whole, "split at {at}: {stream:?}");
        }
        whole
    }

    #[test]
    fn lines_end_with_lf_or_crlf_and_the_last_one_with_the_input() {
        let all = [
            line("one"),
            line("two"),
            LineItem::Empty,
            LineItem::Empty,
            line("last"),
        ];
        assert_eq!(read_any(b"one\ntwo\r\n\n\r\nlast"), all);
        assert_eq!(read_any(b"\n"), [LineItem::Empty]);
        assert_eq!(read_any(b""), []);
    }

    #[test]
    fn a_lone_cr_and_nul_are_removed_and_other_controls_left_to_the_chat() {
        let all = [line("x"), line("ab"), line("c\td\u{1b}\u{4}")];
        assert_eq!(read_any(b"x\na\r\0b\r\0\nc\td\x1b\x04\n"), all);
    }

    #[test]
    fn a_character_may_come_in_pieces_and_what_is_none_becomes_u_fffd() {
        let all = [line("x"), line("zoë €"), line("\u{fffd}(\u{fffd}")];
        assert_eq!(read_any("x\nzoë €\n".as_bytes())[..], all[..2]);
        assert_eq!(
            read_any(b"x\nzo\xc3\xab \xe2\x82\xac\n\xc3(\xe2\x82\n"),
            all
        );
    }

    #[test]
    fn telnet_negotiation_is_swallowed() {
        // WILL ECHO, a subnegotiation with IAC IAC and LF inside, NOP, and an option number LF.
        let stream = b"\xff\xfb\x01a\xff\xfa\x18\xff\xff\nx\xff\xf0b\xff\xf1\xff\xfd\nc\n";
        assert_eq!(read_any(stream), [line("abc")]);
        assert_eq!(read_any(b"a\xff\xffb\n"), [line("a\u{fffd}b")]);
    }

    #[test]
    fn a_stray_iac_swallows_nothing() {
        let all = [line("y\u{fffd}"), line("\u{fffd}es")];
        assert_eq!(read_any(b"y\xff\n\xffes\n"), all);
    }

    #[test]
    fn interrupts_leave_at_once() {
        for interrupt in [&b"\x03"[..], b"\xff\xf4", b"\x04"] {
            let stream = &[b"a\n", interrupt].concat();
            assert_eq!(read_any(stream), [line("a"), LineItem::Interrupt]);
        }
        for interrupt in [&b"begun\x03"[..], b"begun\xff\xf4", b"much too long\x03"] {
            assert_eq!(read_any(interrupt).last(), Some(&LineItem::Interrupt));
        }
    }

    #[test]
    fn a_line_too_long_is_reported_once_and_thrown_away() {
        let most = "x".repeat(BYTES_MAX);
        let stream = format!("a\n{most}\n{most}y{most}{most}\nb\n{most}\r\n{most}z");
        let all = [
            line("a"),
            line(&most),
            LineItem::TooLong,
            line("b"),
            line(&most),
            LineItem::TooLong,
        ];
        assert_eq!(read_any(stream.as_bytes()), all);
        let mut reader = LineReader::new(BYTES_MAX);
        let mut seen = Vec::new();
        take_all(&mut reader, format!("{most}y").as_bytes(), &mut seen);
        assert_eq!(seen, [LineItem::TooLong], "before its end has come");
        assert!(reader.is_mid_line());
    }

    #[test]
    fn the_limit_can_be_raised_between_lines() {
        let mut reader = LineReader::new(5);
        let mut input = &b"alice\nhello there\n"[..];
        assert_eq!(reader.peek(&mut input), Some(line("alice")));
        reader.consume(&mut input);
        reader.set_bytes_max(BYTES_MAX);
        assert_eq!(reader.peek(&mut input), Some(line("hello there")));
    }

    #[test]
    fn who_came_to_the_wrong_door_is_recognised() {
        let foreign = |stream: &[u8]| {
            let mut reader = LineReader::new(100);
            let mut whole = stream;
            let found = reader.peek(&mut whole).map(owned);
            let mut reader = LineReader::new(100);
            let split = stream
                .chunks(1)
                .find_map(|mut byte| reader.peek(&mut byte).map(owned));
            assert_eq!(found, split, "{stream:?}");
            match found {
                Some(LineItem::Foreign(protocol)) => Some(protocol),
                Some(
                    LineItem::Line(_) | LineItem::Empty | LineItem::TooLong | LineItem::Interrupt,
                )
                | None => None,
            }
        };
        let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        assert_eq!(foreign(tls), Some(FirstBytes::Tls));
        for version in 1..=8 {
            let preamble = [b"PRLR", &[version, 1, 0, 0][..]].concat();
            assert_eq!(foreign(&preamble), Some(FirstBytes::Sealed));
        }
        for request in [
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"OPTIONS * HTTP/1.0\n",
        ] {
            assert_eq!(foreign(request), Some(FirstBytes::Http));
        }
        for text in [
            &b"GET\n"[..],
            b"GET HTTP off my lawn\n",
            b"get / HTTP/1.1\n",
            b"PRLR\n",
            b"PRLRx\n",
            b"a\nGET / HTTP/1.1\n",
            b"a\nPRLR\x01\n",
            b"\x16\n",
        ] {
            assert_eq!(foreign(text), None, "{text:?}");
        }
    }

    #[test]
    fn advice_is_one_line_that_names_the_other_door() {
        for protocol in [FirstBytes::Tls, FirstBytes::Http, FirstBytes::Sealed] {
            assert!(protocol.advice().contains("sealed port"));
            assert!(!protocol.advice().contains('\n'));
        }
    }

    #[test]
    fn a_plain_line_is_lent_from_the_input() {
        let stream = b"name\nhello\r\n";
        let mut reader = LineReader::new(BYTES_MAX);
        let mut input = &stream[..];
        reader.peek(&mut input);
        reader.consume(&mut input);
        let Some(LineItem::Line(Cow::Borrowed(text))) = reader.peek(&mut input) else {
            panic!("it needs no change");
        };
        assert!(stream.as_ptr_range().contains(&text.as_ptr()));
        reader.consume(&mut input);
        assert_eq!(reader.held(), 0);
    }

    #[test]
    fn what_is_discarded_never_comes_back_nor_does_the_rest_of_its_line() {
        let mut reader = LineReader::new(BYTES_MAX);
        let mut input = &b"admin\nsecret\nand more"[..];
        assert_eq!(reader.peek(&mut input), Some(line("admin")));
        reader.consume(&mut input);
        reader.stash(&input[..3]);
        reader.discard(&mut &input[3..]);
        assert!(reader.is_mid_line());
        let mut seen = Vec::new();
        take_all(&mut reader, b" of it\nalice\n", &mut seen);
        assert_eq!(seen, [line("alice")]);
    }

    /// Bytes of which every kind that matters is frequent.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(b'a'),
            3 => Just(b'\n'),
            2 => prop::sample::select(&b"\r\0\x03\x04\x16PRLR\x01"[..]),
            2 => prop::sample::select(&b"\xff\xff\xff\xf0\xf1\xf4\xfa\xfb"[..]),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..120)
    }

    proptest! {
        #[test]
        fn every_split_of_any_bytes_gives_the_same_items(stream in stream()) {
            read_any(&stream);
        }

        /// Goal: neither how a stream is cut nor where its reader pauses changes what is read.
        /// Method: cut it as drawn, and pause as drawn by stashing what a peek had found.
        #[test]
        fn any_pieces_and_pauses_give_the_same_items(
            stream in stream(),
            sizes in prop::collection::vec(1usize..40, 1..20),
            pauses in prop::collection::vec(any::<bool>(), 1..20),
        ) {
            let mut reader = LineReader::new(BYTES_MAX);
            let (mut seen, mut rest) = (Vec::new(), &stream[..]);
            let (mut sizes, mut pauses) = (sizes.iter().cycle(), pauses.iter().cycle());
            loop {
                let size = rest.len().min(*sizes.next().unwrap());
                let (mut input, after) = rest.split_at(size);
                rest = after;
                let last = rest.is_empty();
                if last {
                    reader.finish();
                }
                while let Some(item) = reader.peek(&mut input).map(owned) {
                    if *pauses.next().unwrap() && !last {
                        reader.stash(input);
                        break;
                    }
                    seen.push(item);
                    reader.consume(&mut input);
                }
                if last {
                    break;
                }
            }
            prop_assert_eq!(seen, read([&stream[..]]));
        }
    }
}
