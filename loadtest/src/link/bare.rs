//! The floor's protocol: every line goes to everybody, and nothing else is ever said.

use super::Heard;

/// What the floor says first, so that a client knows it is counted.
pub(crate) const GREETING: &[u8] = b"hello\n";

/// The client's side of a connection to the floor.
pub(crate) struct Bare {
    greeted: bool,
}

impl Bare {
    pub(super) const fn new() -> Self {
        Self { greeted: false }
    }

    pub(super) fn receive(&mut self, input: &[u8], mut hear: impl FnMut(Heard<'_>)) -> usize {
        let mut taken = 0;
        while let Some(length) = memchr::memchr(b'\n', &input[taken..]) {
            let line = &input[taken..taken + length];
            taken += length + 1;
            if self.greeted {
                hear(Heard::Said(line));
            } else {
                self.greeted = true;
                hear(Heard::Joined);
            }
        }
        taken
    }
}
