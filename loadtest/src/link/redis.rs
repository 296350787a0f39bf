//! Redis, whose subscribers are the members of a room and whose publishers are others.
//!
//! Only what is needed of its protocol: pushed messages are arrays of three bulk strings, and a
//! publisher is answered with a number.

use super::{Heard, Persona, Trouble};

/// A client that subscribes or publishes.
pub(crate) struct Redis {
    persona: Persona,
    joined: bool,
}

/// One reply at the front of the input.
enum Reply<'a> {
    Number,
    /// The strings of an array; a number in it stands as an empty string.
    Array([&'a [u8]; 3]),
    Failed(&'a [u8]),
}

impl Redis {
    pub(super) const fn new(persona: Persona) -> Self {
        Self {
            persona,
            joined: false,
        }
    }

    pub(super) fn open(&self, out: &mut Vec<u8>) {
        if self.persona.publishes {
            // Nobody is there yet: the answer shows that it can publish.
            write_command(&[b"PUBLISH", self.channel(), b"hello"], out);
        } else {
            write_command(&[b"SUBSCRIBE", self.channel()], out);
        }
    }

    pub(super) fn receive(
        &mut self,
        input: &[u8],
        mut hear: impl FnMut(Heard<'_>),
    ) -> Result<usize, Trouble> {
        let mut rest = input;
        loop {
            let before = rest;
            let Some(reply) = read_reply(&mut rest)? else {
                return Ok(input.len() - before.len());
            };
            match reply {
                Reply::Array([b"message", _, text]) if self.joined => hear(Heard::Said(text)),
                Reply::Array([b"subscribe", ..]) | Reply::Number if !self.joined => {
                    self.joined = true;
                    hear(Heard::Joined);
                }
                Reply::Array(_) | Reply::Number => {}
                Reply::Failed(why) => {
                    return Err(Trouble::Refused(String::from_utf8_lossy(why).into_owned()));
                }
            }
        }
    }

    pub(super) fn word(&self, text: &str, words: &mut Vec<u8>) {
        write_command(&[b"PUBLISH", self.channel(), text.as_bytes()], words);
    }

    fn channel(&self) -> &[u8] {
        self.persona.room_name().as_bytes()
    }
}

fn write_command(words: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Takes one reply from the front of `input`; `None`, and nothing taken that matters, until it is
/// whole.
fn read_reply<'a>(input: &mut &'a [u8]) -> Result<Option<Reply<'a>>, Trouble> {
    let Some(line) = read_line(input) else {
        return Ok(None);
    };
    match line.split_first() {
        Some((b':', _)) => Ok(Some(Reply::Number)),
        Some((b'-', why)) => Ok(Some(Reply::Failed(why))),
        Some((b'*', b"3")) => {
            let mut strings: [&[u8]; 3] = [b""; 3];
            for string in &mut strings {
                let Some(line) = read_line(input) else {
                    return Ok(None);
                };
                let Some((b'$', length)) = line.split_first() else {
                    continue;
                };
                let length = read_number(length).ok_or_else(unreadable)?;
                let Some((found, rest)) = input.split_at_checked(length + 2) else {
                    return Ok(None);
                };
                (*string, *input) = (&found[..length], rest);
            }
            Ok(Some(Reply::Array(strings)))
        }
        Some(_) | None => Err(unreadable()),
    }
}

fn unreadable() -> Trouble {
    Trouble::Unreadable("not what Redis answers".to_owned())
}

fn read_line<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b'\n', input)?;
    let line = &input[..end];
    *input = &input[end + 1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

fn read_number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_in_any_split() {
        let input = b"*3\r\n$9\r\nsubscribe\r\n$5\r\nlobby\r\n:1\r\n\
            *3\r\n$7\r\nmessage\r\n$5\r\nlobby\r\n$2\r\nhi\r\n";
        for split in 0..=input.len() {
            let mut link = Redis::new(Persona::guest(0));
            let mut heard = Vec::new();
            let mut note = |it: Heard<'_>| heard.push(format!("{it:?}"));
            let taken = link.receive(&input[..split], &mut note).unwrap();
            let taken = taken + link.receive(&input[taken..], &mut note).unwrap();
            assert_eq!(taken, input.len());
            let said = format!("{:?}", Heard::Said(b"hi"));
            assert_eq!(heard, ["Joined".to_owned(), said]);
        }
    }
}
