//! The live line: how it goes, once a second, for somebody who watches.
//!
//! On a terminal only, and on standard error, so that what is kept of a run is the report alone.

use std::io::{IsTerminal, Write};

const BAR_CELLS: usize = 24;

/// A line that is written over.
pub(crate) struct Live {
    is_shown: bool,
    is_there: bool,
}

impl Live {
    /// A line on standard error, if somebody sees it.
    pub(crate) fn new() -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            is_there: false,
        }
    }

    /// Shows how much is done, of 1, and in words.
    pub(crate) fn show(&mut self, done: f64, words: &str) {
        if !self.is_shown {
            return;
        }
        let filled = (0..BAR_CELLS).map(|cell| {
            let place = u32::try_from(cell).expect("a bar is short");
            let cells = u32::try_from(BAR_CELLS).expect("a bar is short");
            if f64::from(place) < done * f64::from(cells) {
                '#'
            } else {
                '.'
            }
        });
        let bar = filled.collect::<String>();
        self.is_there = true;
        // Without wrapping, so that a narrow terminal cuts the line instead of keeping each. Nothing
        // depends on whether it is seen.
        let _ = write!(std::io::stderr(), "\r\x1b[?7l[{bar}] {words}\x1b[K\x1b[?7h");
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_there) {
            // As above.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
