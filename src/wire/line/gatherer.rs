//! The begun line, gathered from bytes that may be more than text.
//!
//! ```text
//! bytes -> telnet commands out -> CR and NUL out -> cut at LF
//! ```
//!
//! One byte decides at a time, whatever pieces the bytes come in; runs of ordinary ones are moved
//! together. The first line is watched for peers that came to the wrong door.

use crate::buffer::ByteQueue;

const NUL: u8 = 0x00;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const LF: u8 = b'\n';
const CR: u8 = b'\r';

/// What begins a sealed connection, followed by a version from 1 to [`CONTROL_LAST`].
const SEALED_PREAMBLE: &[u8] = b"PRLR";
/// What begins a TLS connection: a handshake record, followed by the major version 3.
const TLS_HANDSHAKE: &[u8] = &[0x16];
const TLS_MAJOR_VERSION: u8 = 0x03;
/// The last of the control characters that may mean something here; TAB and LF come after.
const CONTROL_LAST: u8 = 0x08;

/// The methods with which an HTTP request line begins.
const HTTP_METHODS: [&[u8]; 10] = [
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI",
];

/// The commands of telnet (RFC 854) that matter to who only wants to be rid of them.
mod telnet {
    pub(super) const END_SUBNEGOTIATION: u8 = 240;
    pub(super) const INTERRUPT_PROCESS: u8 = 244;
    pub(super) const SUBNEGOTIATION: u8 = 250;
    pub(super) const WILL: u8 = 251;
    pub(super) const DONT: u8 = 254;
    pub(super) const IAC: u8 = 255;
}

/// Which other protocol a peer's first bytes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstBytes {
    /// A TLS client's hello.
    Tls,
    /// An HTTP request.
    Http,
    /// Our own, at the wrong door.
    Sealed,
}

impl FirstBytes {
    /// What to tell such a peer before closing.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Tls => {
                "this is the plain text door and speaks no TLS; \
                 the parlour client talks encrypted to the sealed port (4747 by default)"
            }
            Self::Http => {
                "this is a chat server's plain text door and speaks no HTTP; \
                 connect with netcat, or with the parlour client to the sealed port (4747 by default)"
            }
            Self::Sealed => {
                "this is the plain text door; \
                 the parlour client talks to the sealed port (4747 by default)"
            }
        }
    }
}

/// Where an item is.
#[derive(Clone, Copy)]
pub(super) enum Found {
    /// At the front of what is stashed or else of the input, as it came.
    InPlace {
        line_bytes: usize,
        line_and_end_bytes: usize,
    },
    /// In the gatherer.
    Gathered,
    TooLong,
    Interrupt,
    Foreign(FirstBytes),
}

/// The begun line, and what the bytes before have left it to expect.
///
/// Invariant: `line` never holds more than `bytes_max` bytes, and none while discarding.
pub(super) struct Gatherer {
    line: ByteQueue,
    bytes_max: usize,
    telnet: Telnet,
    /// Nothing but the first line has come.
    is_first: bool,
    /// The line has passed the limit, and its rest is thrown away.
    is_discarding: bool,
}

/// Where in a telnet command the next byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telnet {
    /// In none.
    Text,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT, DO or DONT: it names the option.
    Option,
    /// In a subnegotiation.
    Subnegotiation,
    /// In a subnegotiation, after IAC.
    SubnegotiationCommand,
}

impl Gatherer {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self {
            line: ByteQueue::new(),
            bytes_max,
            telnet: Telnet::Text,
            is_first: true,
            is_discarding: false,
        }
    }

    pub(super) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// What has come of the line.
    pub(super) fn line(&self) -> &[u8] {
        self.line.pending()
    }

    pub(super) fn clear_line(&mut self) {
        self.line.clear();
    }

    /// Looks for the next item in `source`; tells how much of it has been taken.
    ///
    /// An item found in place has not been taken; if nothing is found all of `source` has been.
    pub(super) fn scan(&mut self, source: &[u8]) -> (usize, Option<Found>) {
        if let Some(found) = self.in_place(source) {
            return (0, Some(found));
        }
        let mut rest = source;
        while let Some((&byte, after)) = rest.split_first() {
            let plain_bytes = self.plain_bytes(rest);
            let found = if plain_bytes > 0 {
                let (plain, after) = rest.split_at(plain_bytes);
                rest = after;
                self.extend(plain)
            } else {
                rest = after;
                self.step(byte)
            };
            if found.is_some() {
                return (source.len() - rest.len(), found);
            }
        }
        (source.len(), None)
    }

    /// A whole line at the front of `source` that needs no filtering.
    fn in_place(&self, source: &[u8]) -> Option<Found> {
        if self.is_first || self.has_begun() || self.telnet != Telnet::Text {
            return None;
        }
        let line_bytes = self.plain_bytes(source);
        let end_bytes = match source[line_bytes..] {
            [LF, ..] => 1,
            [CR, LF, ..] => 2,
            _ => return None,
        };
        (line_bytes <= self.bytes_max).then_some(Found::InPlace {
            line_bytes,
            line_and_end_bytes: line_bytes + end_bytes,
        })
    }

    /// How many bytes at the front of `source` are simply part of a line.
    fn plain_bytes(&self, source: &[u8]) -> usize {
        if self.telnet != Telnet::Text {
            return 0;
        }
        let is_plain = |byte: u8| byte > CONTROL_LAST && !matches!(byte, LF | CR | telnet::IAC);
        source
            .iter()
            .position(|&byte| !is_plain(byte))
            .unwrap_or(source.len())
    }

    /// Takes one byte that may be more than a part of a line.
    fn step(&mut self, byte: u8) -> Option<Found> {
        let (next, found) = match self.telnet {
            Telnet::Text => return self.step_in_text(byte),
            Telnet::Command => return self.step_in_command(byte),
            Telnet::Option => (Telnet::Text, None),
            Telnet::Subnegotiation if byte == telnet::IAC => (Telnet::SubnegotiationCommand, None),
            Telnet::SubnegotiationCommand if byte == telnet::END_SUBNEGOTIATION => {
                (Telnet::Text, None)
            }
            Telnet::Subnegotiation | Telnet::SubnegotiationCommand => {
                (Telnet::Subnegotiation, None)
            }
        };
        self.telnet = next;
        found
    }

    fn step_in_text(&mut self, byte: u8) -> Option<Found> {
        if let Some(protocol) = self.foreign_at(byte) {
            return Some(self.drop_line(Found::Foreign(protocol)));
        }
        match byte {
            telnet::IAC => {
                self.telnet = Telnet::Command;
                None
            }
            LF => self.end_of_line(),
            // Telnet sends CR NUL for a CR; a lone one would let a line overwrite another.
            CR | NUL => None,
            CTRL_C => Some(self.drop_line(Found::Interrupt)),
            // Terminals send it alone, without a line end.
            CTRL_D if !self.has_begun() => Some(self.drop_line(Found::Interrupt)),
            _ => self.extend(&[byte]),
        }
    }

    fn step_in_command(&mut self, byte: u8) -> Option<Found> {
        self.telnet = Telnet::Text;
        match byte {
            telnet::IAC => self.extend(&[telnet::IAC]),
            telnet::INTERRUPT_PROCESS => Some(self.drop_line(Found::Interrupt)),
            telnet::SUBNEGOTIATION => {
                self.telnet = Telnet::Subnegotiation;
                None
            }
            telnet::WILL..=telnet::DONT => {
                self.telnet = Telnet::Option;
                None
            }
            telnet::END_SUBNEGOTIATION..telnet::SUBNEGOTIATION => None,
            // No command at all: a byte of some other encoding. It must not swallow a line's end.
            _ => {
                let too_long = self.extend(&[telnet::IAC]);
                too_long.or(self.step_in_text(byte))
            }
        }
    }

    /// Whether `byte`, on the first line so far, makes it another protocol's.
    fn foreign_at(&self, byte: u8) -> Option<FirstBytes> {
        if !self.is_first {
            return None;
        }
        match self.line.pending() {
            SEALED_PREAMBLE if (1..=CONTROL_LAST).contains(&byte) => Some(FirstBytes::Sealed),
            TLS_HANDSHAKE if byte == TLS_MAJOR_VERSION => Some(FirstBytes::Tls),
            line if byte == LF && is_http_request(line) => Some(FirstBytes::Http),
            _ => None,
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Option<Found> {
        if self.is_discarding {
            return None;
        }
        if self.line.len() + bytes.len() > self.bytes_max {
            self.is_discarding = true;
            return Some(self.drop_line(Found::TooLong));
        }
        self.line.append(bytes);
        None
    }

    fn end_of_line(&mut self) -> Option<Found> {
        self.is_first = false;
        let was_discarding = std::mem::take(&mut self.is_discarding);
        (!was_discarding).then_some(Found::Gathered)
    }

    pub(super) fn end_of_input(&mut self) -> Option<Found> {
        (!self.line.is_empty()).then_some(Found::Gathered)
    }

    pub(super) fn discard_begun(&mut self) {
        self.is_discarding = self.has_begun();
        self.line.clear();
    }

    pub(super) fn has_begun(&self) -> bool {
        self.is_discarding || !self.line.is_empty()
    }

    /// Forgets what has come of the line because of `found`.
    fn drop_line(&mut self, found: Found) -> Found {
        self.line.clear();
        self.is_first = false;
        found
    }
}

fn is_http_request(line: &[u8]) -> bool {
    let mut words = line.split(|&byte| byte == b' ');
    words
        .next()
        .is_some_and(|word| HTTP_METHODS.contains(&word))
        && words
            .next_back()
            .is_some_and(|word| word.starts_with(b"HTTP/"))
}
