//! What the process says when it ends.

use std::io::Write;
use std::process::ExitCode;

/// The client's exit codes, which scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was said is stored.
    Done,
    /// Something was refused or lost.
    Lost,
    /// The command line is wrong.
    Usage,
    /// The server's key is unknown or has changed.
    Key,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Lost => 1,
            Exit::Usage => 2,
            Exit::Key => 3,
        })
    }
}

/// Says on standard error what went wrong.
pub fn report(words: &str) {
    // Where nobody reads it, nobody misses it; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "parlour: {words}");
}

/// Shows a decoded frame on standard error.
pub fn report_frame(frame: &str) {
    let _ = writeln!(std::io::stderr(), "{frame}");
}
