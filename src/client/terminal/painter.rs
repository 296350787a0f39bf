//! The painter: lines above, the row being typed below, one write for each batch.
//!
//! The typed row is always exactly one row. A batch erases it, prints what came, and paints it
//! again; so the terminal keeps its own scrollback, and a flood of lines costs one paint. Pure:
//! it appends to a text that the caller writes.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::editor::View;

/// What the painter must remember of the screen: the row it painted last.
#[derive(Default)]
pub struct Painter {
    /// Columns painted, and the one where the cursor was left; none before the first paint.
    painted: Option<(usize, usize)>,
    /// Columns of the terminal.
    columns: usize,
}

impl Painter {
    /// A painter of a terminal with so many columns.
    pub fn new(columns: usize) -> Self {
        Self {
            painted: None,
            columns,
        }
    }

    /// Columns left for what is typed behind a prompt.
    pub fn columns_for(&self, prompt: &str) -> usize {
        self.columns.saturating_sub(prompt.width()).max(2)
    }

    /// The terminal has another width now.
    pub fn resize(&mut self, columns: usize) {
        self.columns = columns.max(1);
    }

    /// Erases the row, prints `above`, paints the row.
    ///
    /// `above` holds whole lines, each ended by LF; `prompt` may hold no escape sequence.
    pub fn paint(&mut self, above: &str, prompt: &str, view: &View, out: &mut String) {
        // Hidden while it travels, or it flickers.
        out.push_str("\x1b[?25l");
        self.erase(out);
        for line in above.lines() {
            out.push_str(line);
            out.push_str("\r\n");
        }
        let before = prompt.width() + view.cursor_column;
        let _ = write!(out, "{prompt}{}\r", view.text);
        if before > 0 {
            let _ = write!(out, "\x1b[{before}C");
        }
        out.push_str("\x1b[?25h");
        self.painted = Some((prompt.width() + view.text.width(), before));
    }

    /// Erases the row, for good: what the terminal shows next begins in column 1.
    pub fn erase(&mut self, out: &mut String) {
        let Some((painted, cursor)) = self.painted.take() else {
            return;
        };
        // A terminal that became narrower has broken the row into several.
        let columns = self.columns.max(1);
        let cursor_row = cursor / columns;
        debug_assert!(cursor <= painted, "the cursor stands within the row");
        out.push('\r');
        if cursor_row > 0 {
            let _ = write!(out, "\x1b[{cursor_row}A");
        }
        out.push_str("\x1b[J");
    }

    /// Clears the whole screen; the row is painted anew by the next batch.
    pub fn clear(&mut self, out: &mut String) {
        self.painted = None;
        out.push_str("\x1b[2J\x1b[H");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &str, cursor_column: usize) -> View {
        View {
            text: text.into(),
            cursor_column,
        }
    }

    #[test]
    fn a_batch_is_one_erase_the_lines_and_one_paint() {
        let mut painter = Painter::new(80);
        let mut out = String::new();
        painter.paint("", "> ", &view("hel", 3), &mut out);
        assert_eq!(out, "\x1b[?25l> hel\r\x1b[5C\x1b[?25h");
        out.clear();
        painter.paint("one\ntwo\n", "> ", &view("hel", 1), &mut out);
        assert_eq!(
            out,
            "\x1b[?25l\r\x1b[Jone\r\ntwo\r\n> hel\r\x1b[3C\x1b[?25h"
        );
    }

    #[test]
    fn a_row_broken_by_a_narrower_terminal_is_erased_whole() {
        let mut painter = Painter::new(80);
        let mut out = String::new();
        painter.paint("", "> ", &view(&"x".repeat(40), 40), &mut out);
        painter.resize(20);
        out.clear();
        painter.paint("", "> ", &view("x", 1), &mut out);
        assert!(out.starts_with("\x1b[?25l\r\x1b[2A\x1b[J> x"), "{out:?}");
    }

    #[test]
    fn erasing_twice_erases_once() {
        let mut painter = Painter::new(80);
        let mut out = String::new();
        painter.erase(&mut out);
        assert!(out.is_empty());
        painter.paint("", "", &view("", 0), &mut out);
        out.clear();
        painter.erase(&mut out);
        painter.erase(&mut out);
        assert_eq!(out, "\r\x1b[J");
    }
}
