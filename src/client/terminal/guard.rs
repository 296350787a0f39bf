//! The terminal's mode: raw while the client runs, restored on every way out.

use std::io::{self, Write};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Keeps the terminal raw; dropping it, or a panic of any thread, restores it.
pub(super) struct RawTerminal(());

impl RawTerminal {
    pub(super) fn enter() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, or the words of the panic would run down the screen like stairs.
            restore();
            before(panic);
        }));
        enable_raw_mode()?;
        let raw = Self(());
        execute!(io::stdout(), EnableBracketedPaste)?;
        Ok(raw)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Does what can be done; a terminal that is gone needs nothing.
fn restore() {
    let mut output = io::stdout();
    let _ = execute!(output, DisableBracketedPaste, Show);
    let _ = output.flush();
    let _ = disable_raw_mode();
}
