//! The line door: plain text, as netcat would have it.

use super::{Heard, Persona, Trouble};

/// The client's side of a plain connection.
pub(crate) struct Line {
    persona: Persona,
    joined: bool,
    named: bool,
}

impl Line {
    pub(super) const fn new(persona: Persona) -> Self {
        Self {
            persona,
            joined: false,
            named: false,
        }
    }

    pub(super) fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("/nick {}\n", self.persona.name()).as_bytes());
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
            match line.split_first() {
                Some((b'[', rest)) => {
                    if let Some(text) = said(rest, self.persona.room_name()) {
                        hear(Heard::Said(text));
                    }
                }
                Some((b'-' | b'E', _)) => self.take_notice(line, out, &mut hear)?,
                Some(_) | None => {}
            }
        }
        Ok(taken)
    }

    fn take_notice(
        &mut self,
        line: &[u8],
        out: &mut Vec<u8>,
        hear: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), Trouble> {
        let line = String::from_utf8_lossy(line);
        if let Some(why) = line.strip_prefix("Err: ") {
            if !self.joined {
                return Err(Trouble::Refused(why.to_owned()));
            }
            hear(Heard::Refused(why));
        } else if line.starts_with("-> Bye") {
            return Err(Trouble::Farewell(line[3..].to_owned()));
        } else if line.starts_with("-> You are ") && !self.named {
            self.named = true;
            if let Some(room) = &self.persona.room {
                let verb = if self.persona.founds {
                    "create"
                } else {
                    "join"
                };
                let words = format!("/{verb} {room}\n/leave lobby\n");
                out.extend_from_slice(words.as_bytes());
            }
        }
        let from_room = line
            .strip_prefix("-> #")
            .and_then(|rest| rest.strip_prefix(self.persona.room_name()))
            .and_then(|rest| rest.strip_prefix(": "));
        match from_room {
            Some(rest) if rest.ends_with(" earlier lines end here") => {
                self.joined = true;
                hear(Heard::Joined);
            }
            Some(rest) if rest.contains(" missed, ") => {
                let count = rest.split(' ').next().and_then(|word| word.parse().ok());
                hear(Heard::Missed(count.unwrap_or(0)));
            }
            Some(_) | None => {}
        }
        Ok(())
    }
}

/// The text of `#room] name: text`, if that is the room.
fn said<'a>(rest: &'a [u8], room: &str) -> Option<&'a [u8]> {
    let rest = rest.strip_prefix(b"#")?;
    let rest = rest.strip_prefix(room.as_bytes())?.strip_prefix(b"] ")?;
    let colon = memchr::memchr(b':', rest)?;
    rest.get(colon + 2..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(room: Option<&str>) -> Line {
        Line::new(Persona {
            room: room.map(Into::into),
            founds: true,
            ..Persona::guest(0)
        })
    }

    #[test]
    fn a_whole_login_is_followed_in_any_split() {
        let input = b"-> Welcome\n-> Your name?\n-> #lobby: 0 earlier lines end here\n\
            -> You are aaaaaa (guest), in #lobby with 0 others. /help lists the commands.\n\
            -> #den: 0 earlier lines end here\n[#den] bob: hi: there\n[bob] psst\n";
        for split in 0..input.len() {
            let (mut link, mut out, mut heard) = (line(Some("den")), Vec::new(), Vec::new());
            let mut note = |it: Heard<'_>| heard.push(format!("{it:?}"));
            let taken = link.receive(&input[..split], &mut out, &mut note).unwrap();
            link.receive(&input[taken..], &mut out, &mut note).unwrap();
            let said = format!("{:?}", Heard::Said(b"hi: there"));
            assert_eq!(heard, ["Joined".to_owned(), said]);
            assert_eq!(out, b"/create den\n/leave lobby\n");
        }
    }

    #[test]
    fn a_refusal_before_the_room_ends_it() {
        let refused = line(None).receive(b"Err: name taken\n", &mut Vec::new(), |_| {});
        assert_eq!(refused, Err(Trouble::Refused("name taken".to_owned())));
    }
}
