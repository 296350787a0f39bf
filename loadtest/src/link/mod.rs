//! Links: the client's side of each protocol the load test speaks.
//!
//! A link turns bytes into [`Heard`] and words into bytes. All of them are driven the same way, so
//! a scenario is the same load on whichever server: [`Link::open`] once the connection stands,
//! [`Link::receive`] with what came, [`Link::word`] and [`Link::send`] to speak.
//!
//! Knows no socket and no clock. What a link must not do is measure or count: that is for those
//! who drive it.

mod account;
mod bare;
mod files;
mod irc;
mod line;
mod memo;
mod redis;
mod sealed;

use crate::entropy::Entropy;
pub(crate) use account::Account;
pub(crate) use bare::GREETING;

use bare::Bare;
use irc::Irc;
use line::Line;
pub(crate) use memo::Memo;
use parlour::crypto::fingerprint::Fingerprint;
use parlour::crypto::record::{CloseCode, Suite};
use parlour::limits::TEXT_BYTES_MAX;
use parlour::wire::WireError;
use parlour::wire::sealed::HandshakeError;
use redis::Redis;
pub(crate) use sealed::Bookmark;
use sealed::Sealed;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The protocols.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    /// Parlour's encrypted door, with this cipher suite.
    Sealed(Suite),
    /// Parlour's plain door.
    Line,
    /// The floor's: lines, and nothing else.
    Bare,
    /// Redis, publishing and subscribing.
    Redis,
    /// Internet Relay Chat.
    Irc,
}

impl Protocol {
    /// Whether who says something in a room hears it too.
    pub(crate) const fn echoes(self) -> bool {
        match self {
            Self::Sealed(_) | Self::Bare => true,
            Self::Line | Self::Redis | Self::Irc => false,
        }
    }

    /// Whether who listens to a room can also speak in it.
    pub(crate) const fn members_speak(self) -> bool {
        match self {
            Self::Sealed(_) | Self::Line | Self::Bare | Self::Irc => true,
            Self::Redis => false,
        }
    }

    /// Whether each message is acknowledged to who said it.
    pub(crate) const fn acknowledges(self) -> bool {
        match self {
            Self::Sealed(_) => true,
            Self::Line | Self::Bare | Self::Redis | Self::Irc => false,
        }
    }

    /// Whether who lost its connection can go on where it was.
    pub(crate) const fn resumes(self) -> bool {
        match self {
            Self::Sealed(_) => true,
            Self::Line | Self::Bare | Self::Redis | Self::Irc => false,
        }
    }

    /// Whether what is received comes in records that can be authenticated.
    pub(crate) const fn has_records(self) -> bool {
        match self {
            Self::Sealed(_) => true,
            Self::Line | Self::Bare | Self::Redis | Self::Irc => false,
        }
    }

    /// Bytes of the longest message that comes through whole.
    pub(crate) const fn text_bytes_max(self) -> usize {
        match self {
            Self::Sealed(_) | Self::Line | Self::Bare | Self::Redis => TEXT_BYTES_MAX,
            Self::Irc => irc::TEXT_BYTES_MAX,
        }
    }

    /// What it is called in reports.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Sealed(Suite::CtrHmac) => "sealed door (suite 1)",
            Self::Sealed(Suite::Gcm) => "sealed door (suite 2)",
            Self::Line => "line door (plain text)",
            Self::Bare => "bare lines",
            Self::Redis => "Redis (plain text)",
            Self::Irc => "IRC (plain text)",
        }
    }
}

/// Who a connection is and where it wants to be.
#[derive(Clone, Debug)]
pub(crate) struct Persona {
    /// Becomes the name; unique in a run.
    pub(crate) number: u32,
    /// The room without its `#`; the lobby when absent.
    pub(crate) room: Option<Arc<str>>,
    /// Whether it makes that room.
    pub(crate) founds: bool,
    /// Whether it only speaks, where who listens cannot.
    pub(crate) publishes: bool,
    /// The account it has or is to have; a guest has none.
    pub(crate) account: Option<Account>,
    /// Whether it keeps what was not acknowledged, to say it once more on its next connection.
    pub(crate) repeats: bool,
    /// Whether it fetches every file that is offered in its room.
    pub(crate) fetches: bool,
}

impl Persona {
    /// A guest in the lobby that only listens.
    #[cfg(test)]
    fn guest(number: u32) -> Self {
        Self {
            number,
            room: None,
            founds: false,
            publishes: false,
            account: None,
            repeats: false,
            fetches: false,
        }
    }

    /// A name of six letters.
    fn name(&self) -> String {
        let mut letters = [b'a'; 6];
        let mut rest = self.number;
        for letter in letters.iter_mut().rev() {
            *letter += u8::try_from(rest % 26).expect("there are 26 letters");
            rest /= 26;
        }
        letters.iter().map(|letter| char::from(*letter)).collect()
    }

    fn room_name(&self) -> &str {
        self.room.as_deref().unwrap_or("lobby")
    }
}

/// What a link needs of the world around it.
pub(crate) struct Surroundings<'a> {
    /// The time.
    pub(crate) now: Duration,
    /// For keys.
    pub(crate) entropy: &'a mut Entropy,
    /// Who the server must be, if that is known.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What others have received.
    pub(crate) memo: &'a mut Memo,
}

/// What came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard<'a> {
    /// The server's answer to whether the session that was asked for goes on.
    Resumed(bool),
    /// It is in its room now.
    Joined,
    /// Somebody said this in its room, just now.
    Said(&'a [u8]),
    /// One of its own messages was taken.
    Stored,
    /// It was asked for a password that it has, and answered.
    Asked,
    /// So many messages will not come.
    Missed(u64),
    /// Something was refused.
    Refused(&'a str),
    /// So many bytes of a file came.
    Piece(usize),
    /// A file has come, or goes no further: whether it is what was sent.
    File(bool),
}

/// Why a connection ended. Its words are what failures are counted under.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Trouble {
    /// It could not be made or it broke.
    Socket(String),
    /// The server closed it without a word.
    EndOfStream,
    /// It took too long to join.
    Timeout,
    /// The handshake failed.
    Handshake(String),
    /// The server is not the one whose fingerprint was given.
    WrongServer,
    /// What came could not be opened or read.
    Unreadable(String),
    /// The server let it not in.
    Refused(String),
    /// The server said goodbye.
    Farewell(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(why) => f.write_str(why),
            Self::EndOfStream => f.write_str("closed by the server without a word"),
            Self::Timeout => f.write_str("not joined in time"),
            Self::Handshake(why) => write!(f, "handshake: {why}"),
            Self::WrongServer => f.write_str("the server has another fingerprint"),
            Self::Unreadable(why) => write!(f, "unreadable: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Farewell(why) => write!(f, "closed by the server: {why}"),
        }
    }
}

impl From<HandshakeError> for Trouble {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error.to_string())
    }
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<CloseCode> for Trouble {
    fn from(code: CloseCode) -> Self {
        Self::Farewell(format!("{code:?}"))
    }
}

/// One connection's protocol.
pub(crate) enum Link {
    /// See [`Sealed`].
    Sealed(Sealed),
    /// See [`Line`].
    Line(Line),
    /// See [`Bare`].
    Bare(Bare),
    /// See [`Redis`].
    Redis(Redis),
    /// See [`Irc`].
    Irc(Irc),
}

impl Link {
    /// A link of `protocol` for `persona`, which authenticates records if it `verifies`, and goes
    /// on at `bookmark` where the protocol knows how.
    pub(crate) fn new(
        protocol: Protocol,
        persona: &Persona,
        verifies: bool,
        bookmark: Option<Bookmark>,
    ) -> Self {
        match protocol {
            Protocol::Sealed(suite) => {
                Self::Sealed(Sealed::new(persona.clone(), suite, verifies, bookmark))
            }
            Protocol::Line => Self::Line(Line::new(persona.clone())),
            Protocol::Bare => Self::Bare(Bare::new()),
            Protocol::Redis => Self::Redis(Redis::new(persona.clone())),
            Protocol::Irc => Self::Irc(Irc::new(persona.clone())),
        }
    }

    /// The connection stands: appends what is to be said first.
    pub(crate) fn open(&mut self, around: &mut Surroundings<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Sealed(link) => link.open(around, out),
            Self::Line(link) => link.open(out),
            Self::Bare(_) => {}
            Self::Redis(link) => link.open(out),
            Self::Irc(link) => link.open(out),
        }
    }

    /// Takes what came, calls `hear` for each thing it means, appends answers that are due.
    ///
    /// Returns how many bytes were taken; the rest is an incomplete piece to be presented again
    /// with more behind it. `input` may be changed.
    ///
    /// # Errors
    ///
    /// [`Trouble`] when the connection has ended or must be.
    pub(crate) fn receive(
        &mut self,
        input: &mut [u8],
        around: &mut Surroundings<'_>,
        out: &mut Vec<u8>,
        hear: impl FnMut(Heard<'_>),
    ) -> Result<usize, Trouble> {
        match self {
            Self::Sealed(link) => link.receive(input, around, out, hear),
            Self::Line(link) => link.receive(input, out, hear),
            Self::Bare(link) => Ok(link.receive(input, hear)),
            Self::Redis(link) => link.receive(input, hear),
            Self::Irc(link) => link.receive(input, out, hear),
        }
    }

    /// Appends to `words` what says `text` in the room, not yet encrypted.
    pub(crate) fn word(&mut self, text: &str, words: &mut Vec<u8>) {
        match self {
            Self::Sealed(link) => link.word(text, words),
            Self::Line(_) | Self::Bare(_) => {
                words.extend_from_slice(text.as_bytes());
                words.push(b'\n');
            }
            Self::Redis(link) => link.word(text, words),
            Self::Irc(link) => link.word(text, words),
        }
    }

    /// Appends to `out` what carries `words`.
    pub(crate) fn send(&mut self, words: &[u8], now: Duration, out: &mut Vec<u8>) {
        match self {
            Self::Sealed(link) => link.send(words, now, out),
            Self::Line(_) | Self::Bare(_) | Self::Redis(_) | Self::Irc(_) => {
                out.extend_from_slice(words);
            }
        }
    }

    /// Appends to `words` what offers a file of so many bytes in the room, in place of the last.
    pub(crate) fn offer(&mut self, bytes: u64, words: &mut Vec<u8>) {
        match self {
            Self::Sealed(link) => link.offer(bytes, words),
            // Files are sent through the sealed door alone.
            Self::Line(_) | Self::Bare(_) | Self::Redis(_) | Self::Irc(_) => {}
        }
    }

    /// Where another connection can go on, if this one ends without a goodbye.
    pub(crate) fn bookmark(&self) -> Option<Bookmark> {
        match self {
            Self::Sealed(link) => link.bookmark(),
            Self::Line(_) | Self::Bare(_) | Self::Redis(_) | Self::Irc(_) => None,
        }
    }

    /// Appends a goodbye.
    pub(crate) fn leave(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Sealed(link) => link.leave(out),
            Self::Line(_) => out.extend_from_slice(b"/quit\n"),
            Self::Irc(_) => out.extend_from_slice(b"QUIT\r\n"),
            Self::Bare(_) | Self::Redis(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_six_letters_and_differ() {
        let name = |number| Persona::guest(number).name();
        assert_eq!(name(0), "aaaaaa");
        assert_eq!(name(1), "aaaaab");
        assert_eq!(name(26), "aaaaba");
        let names: std::collections::BTreeSet<_> = (0..20_000).map(name).collect();
        assert_eq!(names.len(), 20_000);
    }
}
