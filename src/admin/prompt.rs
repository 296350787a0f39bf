//! Asking for a secret on the terminal, without showing it.
//!
//! Lines are edited here and not by the terminal's own driver, for the server has taken over the
//! signals by the time it asks: Ctrl-C would do nothing. The terminal is as it was afterwards, be
//! it after a panic.

use crate::config::Mistake;
use zeroize::Zeroizing;

/// What came of a question.
pub(super) enum Asked {
    /// This was typed; it may be empty.
    Text(Zeroizing<String>),
    /// The question was refused, or the server was asked to stop meanwhile.
    Cancelled,
}

/// The terminal, if this process is in the foreground of one.
pub(super) struct Terminal {
    _private: (),
}

/// Longest line that is kept, bytes; what is typed beyond it is ignored.
const LINE_BYTES_MAX: usize = 1024;

/// What a key does to a line.
#[derive(Debug, PartialEq, Eq)]
enum Edit {
    Going,
    Done,
    Cancelled,
}

/// A line while it is typed.
struct Line(Zeroizing<Vec<u8>>);

impl Line {
    fn new() -> Self {
        // Never moved while it grows, for that would leave copies behind.
        Self(Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX)))
    }

    /// Takes one byte as it comes from the terminal.
    fn take(&mut self, byte: u8) -> Edit {
        match byte {
            b'\r' | b'\n' => return Edit::Done,
            // Ctrl-C, Ctrl-D, Ctrl-Z and Ctrl-\.
            0x03 | 0x1a | 0x1c => return Edit::Cancelled,
            0x04 if self.0.is_empty() => return Edit::Cancelled,
            // Backspace takes a whole character.
            0x08 | 0x7f => while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl-U.
            0x15 => self.0.clear(),
            0x00..0x20 => {}
            byte if self.0.len() < LINE_BYTES_MAX => self.0.push(byte),
            _ => {}
        }
        Edit::Going
    }

    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.0).into_owned())
    }
}

#[cfg(unix)]
mod device {
    use super::{Asked, Edit, Line, Mistake, Terminal};
    use rustix::stdio::{stderr, stdin};
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetpgrp,
        tcsetattr,
    };
    use std::io::Write;

    /// Tenths of a second after which a read returns without a byte.
    const LOOK_UP_AFTER: u8 = 2;

    /// Puts the terminal back as it was.
    struct Restore(Termios);

    impl Drop for Restore {
        fn drop(&mut self) {
            // There is nothing else to try.
            let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
        }
    }

    impl Terminal {
        /// The terminal, if standard input and error are one and this process may read from it.
        pub(in super::super) fn open() -> Option<Self> {
            let is_in_front =
                || tcgetpgrp(stdin()).is_ok_and(|group| group == rustix::process::getpgrp());
            (isatty(stdin()) && isatty(stderr()) && is_in_front()).then_some(Self { _private: () })
        }

        /// Asks, and reads one line that is not shown. Gives up when `is_over`.
        pub(in super::super) fn ask(
            &mut self,
            prompt: &str,
            is_over: &mut dyn FnMut() -> bool,
        ) -> Result<Asked, Mistake> {
            let refused = |error: std::io::Error| Mistake(format!("the terminal: {error}"));
            let before = tcgetattr(stdin()).map_err(|error| refused(error.into()))?;
            let mut hidden = before.clone();
            hidden.local_modes -=
                LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
            hidden.special_codes[SpecialCodeIndex::VMIN] = 0;
            hidden.special_codes[SpecialCodeIndex::VTIME] = LOOK_UP_AFTER;
            let restore = Restore(before);
            tcsetattr(stdin(), OptionalActions::Drain, &hidden)
                .map_err(|error| refused(error.into()))?;
            let mut error = std::io::stderr().lock();
            write!(error, "{prompt}")
                .and_then(|()| error.flush())
                .map_err(refused)?;
            let asked = read_line(is_over);
            drop(restore);
            writeln!(error).map_err(refused)?;
            asked
        }

        /// Says something.
        pub(in super::super) fn say(&mut self, words: &str) -> Result<(), Mistake> {
            writeln!(std::io::stderr(), "{words}")
                .map_err(|error| Mistake(format!("the terminal: {error}")))
        }
    }

    fn read_line(is_over: &mut dyn FnMut() -> bool) -> Result<Asked, Mistake> {
        let mut line = Line::new();
        let mut byte = [0];
        loop {
            if is_over() {
                return Ok(Asked::Cancelled);
            }
            // One byte at a time: what is typed ahead of the next question stays the terminal's.
            match rustix::io::read(stdin(), &mut byte) {
                Ok(0) => {}
                Ok(_) => match line.take(byte[0]) {
                    Edit::Going => {}
                    Edit::Done => return Ok(Asked::Text(line.text())),
                    Edit::Cancelled => return Ok(Asked::Cancelled),
                },
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Mistake(format!("the terminal: {error}"))),
            }
        }
    }
}

#[cfg(not(unix))]
impl Terminal {
    /// Terminals of this system are not known how to be kept silent.
    pub(super) fn open() -> Option<Self> {
        None
    }

    pub(super) fn ask(
        &mut self,
        _prompt: &str,
        _is_over: &mut dyn FnMut() -> bool,
    ) -> Result<Asked, Mistake> {
        Ok(Asked::Cancelled)
    }

    pub(super) fn say(&mut self, words: &str) -> Result<(), Mistake> {
        eprintln!("{words}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> (String, Edit) {
        let mut line = Line::new();
        let edits = bytes.iter().map(|byte| line.take(*byte));
        let last = edits.last().unwrap();
        (line.text().to_string(), last)
    }

    #[test]
    fn a_hidden_line_can_be_edited_and_refused() {
        assert_eq!(typed(b"ab\r"), ("ab".to_owned(), Edit::Done));
        assert_eq!(typed(b"ab\x7fc\n"), ("ac".to_owned(), Edit::Done));
        assert_eq!(typed("aé\x7fb\n".as_bytes()).0, "ab");
        assert_eq!(typed(b"\x7f\x15x\x15y\n").0, "y");
        assert_eq!(typed(b"a\x03").1, Edit::Cancelled);
        assert_eq!(typed(b"\x04").1, Edit::Cancelled);
        assert_eq!(typed(b"a\x04").1, Edit::Going);
        assert_eq!(typed(&[b'x'; 5_000]).0.len(), LINE_BYTES_MAX);
    }
}
