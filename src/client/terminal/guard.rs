//! The terminal's mode: raw while the client runs, restored on every way out.

use std::io::{self, Write};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Keeps the terminal raw; dropping it, or a panic of any thread, restores it.
pub struct RawTerminal {
    is_bare: bool,
}

impl RawTerminal {
    /// Makes the terminal raw. One that is bare is sent nothing but characters.
    ///
    /// # Errors
    ///
    /// When it cannot be made raw, or is gone.
    pub fn enter(is_bare: bool) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, or the words of the panic would run down the screen like stairs.
            restore(is_bare);
            before(panic);
        }));
        let raw = Self { is_bare };
        raw.make_raw()?;
        Ok(raw)
    }

    fn make_raw(&self) -> io::Result<()> {
        enable_raw_mode()?;
        if !self.is_bare {
            execute!(io::stdout(), EnableBracketedPaste)?;
        }
        Ok(())
    }

    /// Hands the terminal back to the shell until the user wants the client again.
    ///
    /// # Errors
    ///
    /// When it cannot be made raw again, or is gone.
    #[cfg(unix)]
    pub fn pause(&self) -> io::Result<()> {
        use rustix::process::{Signal, getpid, kill_process};
        restore(self.is_bare);
        kill_process(getpid(), Signal::TSTP)?;
        self.make_raw()
    }

    /// There is nothing to pause for here.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn pause(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore(self.is_bare);
    }
}

/// Does what can be done; a terminal that is gone needs nothing.
fn restore(is_bare: bool) {
    let mut output = io::stdout();
    if !is_bare {
        let _ = execute!(output, DisableBracketedPaste, Show);
    }
    let _ = output.flush();
    let _ = disable_raw_mode();
}
