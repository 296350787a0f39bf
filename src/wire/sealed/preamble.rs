//! The first bytes: what a client asks for, how a server declines, and who else might knock.

use std::fmt;

use super::HandshakeError;
use crate::crypto::record::Suite;

/// Length of the preamble, bytes.
pub const PREAMBLE_BYTES: usize = 8;
/// Length of a refusal, bytes.
pub const REFUSAL_BYTES: usize = 4;
/// The newest version that we speak.
pub const VERSION_MAX: u8 = 1;

const MAGIC: &[u8; 4] = b"PRLR";
const PROLOGUE_LABEL: &[u8; 9] = b"parlour1\0";
/// Where a refusal begins like no message: none is that long.
pub(super) const REFUSAL_MARK: [u8; 2] = [0xff; 2];
/// Text of this length without an end of line is text all the same.
const TEXT_BYTES_TOLD: usize = 8;
const TLS_RECORD_TYPES: std::ops::RangeInclusive<u8> = 0x14..=0x17;
const TLS_VERSION_MAJOR: u8 = 3;
const HTTP_STARTS: [&[u8]; 11] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"PATCH ",
    b"TRACE ",
    b"PRI * ",
    b"HTTP/",
];

/// What a client asks for, before anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preamble {
    /// The protocol's version.
    pub version: u8,
    /// The cipher suite of the records.
    pub suite: Suite,
}

impl Preamble {
    /// What this program asks for to have `suite`.
    pub const fn asking_for(suite: Suite) -> Self {
        Self {
            version: VERSION_MAX,
            suite,
        }
    }

    /// The bytes to send.
    pub const fn encode(self) -> [u8; PREAMBLE_BYTES] {
        let [p, r, l, s] = *MAGIC;
        [p, r, l, s, self.version, self.suite.to_wire(), 0, 0]
    }

    /// Reads a preamble that we can go on with.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::NotParlour`], [`HandshakeError::UnknownVersion`],
    /// [`HandshakeError::UnknownSuite`] or [`HandshakeError::ReservedBits`].
    pub fn parse(bytes: &[u8; PREAMBLE_BYTES]) -> Result<Self, HandshakeError> {
        let [_, _, _, _, version, suite, flags, reserved] = *bytes;
        if !bytes.starts_with(MAGIC) {
            let looks_like = classify(bytes).unwrap_or(Foreign::Binary);
            return Err(HandshakeError::NotParlour { looks_like });
        }
        if version != VERSION_MAX {
            return Err(HandshakeError::UnknownVersion { version });
        }
        let suite = Suite::from_wire(suite).ok_or(HandshakeError::UnknownSuite { suite })?;
        if flags != 0 || reserved != 0 {
            return Err(HandshakeError::ReservedBits);
        }
        Ok(Self { version, suite })
    }

    /// What both sides put before the handshake, so that nobody changed the preamble unnoticed.
    pub(super) fn prologue(self) -> [u8; PROLOGUE_LABEL.len() + PREAMBLE_BYTES] {
        let mut prologue = [0; PROLOGUE_LABEL.len() + PREAMBLE_BYTES];
        let (label, preamble) = prologue.split_at_mut(PROLOGUE_LABEL.len());
        label.copy_from_slice(PROLOGUE_LABEL);
        preamble.copy_from_slice(&self.encode());
        prologue
    }
}

/// Whether a client that knocks at another door means the sealed one.
///
/// True from the fifth byte on: nobody types the version's control character.
pub fn looks_like_sealed_preamble(bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(MAGIC)
        .and_then(<[u8]>::first)
        .is_some_and(|version| version.is_ascii_control() && !version.is_ascii_whitespace())
}

/// Why a server sends a client away before the handshake.
///
/// A hint only: nothing proves that it comes from the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalCode {
    /// The server does not speak the version asked for.
    UnknownVersion,
    /// The server does not speak the cipher suite asked for.
    UnknownSuite,
    /// The server is full.
    Full,
    /// Too many connections come from the client's address.
    TooManyFromSource,
    /// The client's address is banned.
    Banned,
    /// A code that is newer than we are.
    Other(u8),
}

impl RefusalCode {
    /// The bytes to send before closing.
    pub const fn encode(self) -> [u8; REFUSAL_BYTES] {
        let code = match self {
            Self::UnknownVersion => 1,
            Self::UnknownSuite => 2,
            Self::Full => 3,
            Self::TooManyFromSource => 4,
            Self::Banned => 5,
            Self::Other(code) => code,
        };
        let [first, second] = REFUSAL_MARK;
        [first, second, code, VERSION_MAX]
    }

    /// The error that a refusal stands for; the caller has seen that it begins with the mark.
    pub(super) const fn parse(bytes: [u8; REFUSAL_BYTES]) -> HandshakeError {
        let [_, _, code, version_max] = bytes;
        let code = match code {
            1 => Self::UnknownVersion,
            2 => Self::UnknownSuite,
            3 => Self::Full,
            4 => Self::TooManyFromSource,
            5 => Self::Banned,
            other => Self::Other(other),
        };
        HandshakeError::Refused { code, version_max }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion => formatter.write_str("it does not speak this version"),
            Self::UnknownSuite => formatter.write_str("it does not speak this cipher suite"),
            Self::Full => formatter.write_str("it is full; try again later"),
            Self::TooManyFromSource => {
                formatter.write_str("too many connections come from your address; close some")
            }
            Self::Banned => formatter.write_str("your address is banned"),
            Self::Other(code) => write!(formatter, "code {code}, which is not known here"),
        }
    }
}

/// What a peer seems to speak that does not speak to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foreign {
    /// A TLS record.
    Tls,
    /// An HTTP request or response.
    Http,
    /// Text, perhaps typed by a person.
    Text,
    /// None of these.
    Binary,
}

impl Foreign {
    /// Whether a line of text would be understood at the other end.
    pub const fn reads_text(self) -> bool {
        match self {
            Self::Http | Self::Text => true,
            Self::Tls | Self::Binary => false,
        }
    }

    pub(super) const fn cause(self) -> &'static str {
        match self {
            Self::Tls => "foreign-tls",
            Self::Http => "foreign-http",
            Self::Text => "foreign-text",
            Self::Binary => "foreign-binary",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::Text => "plain text",
            Self::Binary => "an unknown protocol",
        })
    }
}

/// What `bytes`, the first that came, seem to be, when they are no preamble and no beginning of
/// one; `None` while that cannot be told.
pub(super) fn recognise_foreign(bytes: &[u8]) -> Option<Foreign> {
    let begun = bytes.len().min(MAGIC.len());
    if bytes[..begun] == MAGIC[..begun] {
        return None;
    }
    classify(bytes)
}

/// What `bytes` seem to be; `None` while that cannot be told.
pub(super) fn classify(bytes: &[u8]) -> Option<Foreign> {
    match bytes {
        [] => return None,
        [first] if TLS_RECORD_TYPES.contains(first) => return None,
        [first, TLS_VERSION_MAJOR, ..] if TLS_RECORD_TYPES.contains(first) => {
            return Some(Foreign::Tls);
        }
        _ => {}
    }
    if !is_text(bytes) {
        return Some(Foreign::Binary);
    }
    if HTTP_STARTS.iter().any(|start| bytes.starts_with(start)) {
        return Some(Foreign::Http);
    }
    (bytes.contains(&b'\n') || bytes.len() >= TEXT_BYTES_TOLD).then_some(Foreign::Text)
}

/// Whether `bytes` are text, or the beginning of text that is cut within a character.
fn is_text(bytes: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    is_utf8 && !bytes.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preambles_are_the_documented_ones() {
        let cases = [
            (Suite::CtrHmac, b"PRLR\x01\x01\x00\x00"),
            (Suite::Gcm, b"PRLR\x01\x02\x00\x00"),
        ];
        for (suite, documented) in cases {
            let preamble = Preamble::asking_for(suite);
            assert_eq!(&preamble.encode(), documented);
            assert_eq!(Preamble::parse(documented), Ok(preamble));
            let prologue = [b"parlour1\0".as_slice(), documented].concat();
            assert_eq!(preamble.prologue().as_slice(), prologue);
        }
    }

    #[test]
    fn every_suite_but_ours_is_refused() {
        for number in 0..=u8::MAX {
            let mut bytes = Preamble::asking_for(Suite::Gcm).encode();
            bytes[5] = number;
            let parsed = Preamble::parse(&bytes);
            match number {
                1 => assert_eq!(parsed, Ok(Preamble::asking_for(Suite::CtrHmac))),
                2 => assert_eq!(parsed, Ok(Preamble::asking_for(Suite::Gcm))),
                suite => assert_eq!(parsed, Err(HandshakeError::UnknownSuite { suite })),
            }
        }
    }

    /// No single bit makes one suite into another.
    #[test]
    fn every_flipped_bit_of_the_preamble_is_refused() {
        for bit in 0..2 * 8 * PREAMBLE_BYTES {
            let suite = Suite::ALL[bit / (8 * PREAMBLE_BYTES)];
            let bit = bit % (8 * PREAMBLE_BYTES);
            let mut bytes = Preamble::asking_for(suite).encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = Preamble::parse(&bytes).unwrap_err();
            let refusal = match bit / 8 {
                4 => Some(RefusalCode::UnknownVersion),
                5 => Some(RefusalCode::UnknownSuite),
                _ => None,
            };
            assert_eq!(error.refusal(), refusal, "bit {bit}: {error}");
        }
    }

    #[test]
    fn refusals_survive_the_wire() {
        assert_eq!(RefusalCode::Full.encode(), [0xff, 0xff, 3, 1]);
        for code in 0..=255 {
            let error = RefusalCode::parse([0xff, 0xff, code, 7]);
            let HandshakeError::Refused {
                code: read,
                version_max: 7,
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!(read.encode()[2], code);
        }
    }

    #[test]
    fn strangers_are_recognised() {
        let cases: [(&[u8], Option<Foreign>); 17] = [
            (b"\x16\x03\x01\x02\x00\x01", Some(Foreign::Tls)),
            (b"\x15\x03", Some(Foreign::Tls)),
            (b"\x16", None),
            (b"\x16\x07", Some(Foreign::Binary)),
            (b"GET / HTTP/1.1\r\n", Some(Foreign::Http)),
            (b"GET ", Some(Foreign::Http)),
            (b"GET", None),
            (b"PRI * HTTP/2.0", Some(Foreign::Http)),
            (b"hi", None),
            (b"hi\n", Some(Foreign::Text)),
            (b"\r\n", Some(Foreign::Text)),
            (b"hello, anybody?", Some(Foreign::Text)),
            ("Grüße!".as_bytes(), Some(Foreign::Text)),
            ("Gr\u{fc}".as_bytes().split_last().unwrap().1, None),
            (b"\x00\x01", Some(Foreign::Binary)),
            (b"\xff\xfe", Some(Foreign::Binary)),
            (b"PRLR\x01", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(recognise_foreign(bytes), expected, "{bytes:?}");
        }
        assert!(Foreign::Text.reads_text() && !Foreign::Tls.reads_text());
    }

    #[test]
    fn the_sealed_preamble_is_recognised_at_another_door() {
        let preamble = Preamble::asking_for(Suite::DEFAULT).encode();
        for length in 0..preamble.len() {
            let expected = length > MAGIC.len();
            assert_eq!(looks_like_sealed_preamble(&preamble[..length]), expected);
        }
        assert!(!looks_like_sealed_preamble(b"PRLR\r\n"));
        assert!(!looks_like_sealed_preamble(b"PRLR says hello"));
        assert!(!looks_like_sealed_preamble(b"hello\x01"));
    }
}
