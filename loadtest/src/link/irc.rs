//! Internet Relay Chat: register, join a channel, say things there.

use super::{Heard, Persona, Trouble};

/// Bytes of a message that every server forwards whole: its line has 512 at most, and before the
/// text are the sender's name, user and host, and the channel.
pub(super) const TEXT_BYTES_MAX: usize = 400;

/// A client of an IRC server.
pub(crate) struct Irc {
    persona: Persona,
    joined: bool,
}

impl Irc {
    pub(super) const fn new(persona: Persona) -> Self {
        Self {
            persona,
            joined: false,
        }
    }

    pub(super) fn open(&self, out: &mut Vec<u8>) {
        let name = self.persona.name();
        let words = format!("NICK {name}\r\nUSER {name} 0 * :loadtest\r\n");
        out.extend_from_slice(words.as_bytes());
    }

    pub(super) fn receive(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        mut hear: impl FnMut(Heard<'_>),
    ) -> Result<usize, Trouble> {
        let mut taken = 0;
        while let Some(length) = memchr::memchr(b'\n', &input[taken..]) {
            let line = &input[taken..taken + length];
            taken += length + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.take(line, out, &mut hear)?;
        }
        Ok(taken)
    }

    pub(super) fn word(&self, text: &str, words: &mut Vec<u8>) {
        let room = self.persona.room_name();
        words.extend_from_slice(format!("PRIVMSG #{room} :{text}\r\n").as_bytes());
    }

    fn take(
        &mut self,
        line: &[u8],
        out: &mut Vec<u8>,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Trouble> {
        let (source, rest) = match line.strip_prefix(b":") {
            Some(rest) => split(rest),
            None => (&b""[..], line),
        };
        let (command, rest) = split(rest);
        match command {
            b"PRIVMSG" if self.joined && !source.is_empty() => {
                let (room, text) = split(rest);
                if room.strip_prefix(b"#") == Some(self.persona.room_name().as_bytes()) {
                    hear(Heard::Said(text.strip_prefix(b":").unwrap_or(text)));
                }
            }
            b"PING" => {
                out.extend_from_slice(b"PONG ");
                out.extend_from_slice(rest);
                out.extend_from_slice(b"\r\n");
            }
            b"001" => {
                let room = self.persona.room_name();
                out.extend_from_slice(format!("JOIN #{room}\r\n").as_bytes());
            }
            // The end of the names: the last that is said of a join.
            b"366" if !self.joined => {
                self.joined = true;
                hear(Heard::Joined);
            }
            b"ERROR" => return Err(Trouble::Farewell(words(rest))),
            [b'4', digits @ ..] if digits.len() == 2 => {
                // An unknown command, no message of the day, a moment's patience: none does harm.
                if self.joined {
                    hear(Heard::Refused(&words(rest)));
                } else if !matches!(digits, b"21" | b"22" | b"39") {
                    return Err(Trouble::Refused(words(rest)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The first word of `text`, and what follows the space behind it.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(space) => (&text[..space], &text[space + 1..]),
        None => (text, b""),
    }
}

fn words(rest: &[u8]) -> String {
    String::from_utf8_lossy(rest).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_and_a_message_are_followed() {
        let mut link = Irc::new(Persona::guest(0));
        let input = b"PING :tok\r\n:s 001 aaaaaa :Welcome\r\n:s 422 aaaaaa :no motd\r\n\
            :s 366 aaaaaa #lobby :End\r\n:bob!b@h PRIVMSG #lobby :hi there\r\n\
            :bob!b@h PRIVMSG #other :not here\r\n";
        let (mut out, mut heard) = (Vec::new(), Vec::new());
        let note = |it: Heard<'_>| heard.push(format!("{it:?}"));
        assert_eq!(link.receive(input, &mut out, note), Ok(input.len()));
        assert_eq!(out, b"PONG :tok\r\nJOIN #lobby\r\n");
        let said = format!("{:?}", Heard::Said(b"hi there"));
        assert_eq!(heard, ["Joined".to_owned(), said]);
    }
}
