//! The painter: lines above, a few rows and the row being typed below, one write for each batch.
//!
//! The rows below are always whole rows. A batch erases them, prints what came, and paints them
//! again; so the terminal keeps its own scrollback, and a flood of lines costs one paint. On a
//! terminal that knows no cursor there is the row being typed alone, rewritten from its beginning.
//! Pure: it appends to a text that the caller writes.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::editor::View;
use super::progress::cut;
use super::style::{Ability, Style};

/// A row above the one being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// How it looks.
    pub style: Style,
    /// What it says, without any escape sequence.
    pub text: String,
}

/// What the painter must remember of the screen: the rows it painted last.
pub struct Painter {
    painted: Option<Painted>,
    /// Columns of the terminal.
    columns: usize,
    ability: Ability,
}

/// Columns that were painted.
struct Painted {
    above: Vec<usize>,
    row: usize,
    /// Where in the row the cursor was left.
    cursor: usize,
}

impl Painter {
    /// A painter of a terminal with so many columns.
    pub fn new(columns: usize, ability: Ability) -> Self {
        Self {
            painted: None,
            columns: columns.max(1),
            ability,
        }
    }

    /// Columns of the terminal.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// As much of `prompt` as leaves room to type.
    pub fn fit<'p>(&self, prompt: &'p str) -> &'p str {
        let room = self.columns.saturating_sub(12).max(self.columns / 2);
        cut(prompt, room)
    }

    /// Columns left for what is typed behind a prompt.
    pub fn columns_for(&self, prompt: &str) -> usize {
        self.columns.saturating_sub(prompt.width()).max(2)
    }

    /// The terminal has another width now.
    pub fn resize(&mut self, columns: usize) {
        self.columns = columns.max(1);
    }

    /// Erases the rows, prints `above`, paints the rows.
    ///
    /// `above` holds whole lines, each ended by LF; `prompt` may hold no escape sequence.
    pub fn paint(
        &mut self,
        above: &str,
        rows: &[Row],
        prompt: &str,
        view: &View,
        out: &mut String,
    ) {
        let cursor = prompt.width() + view.cursor_column;
        let row = prompt.width() + view.text.width();
        if self.ability == Ability::Nothing {
            return self.paint_bare(above, prompt, view, out);
        }
        // Hidden while it travels, or it flickers.
        out.push_str("\x1b[?25l");
        self.erase(out);
        append_lines(above, out);
        let mut painted = Vec::with_capacity(rows.len());
        for Row { style, text } in rows {
            // The last column stays free: some terminals go on to the next row when it is taken.
            let text = cut(text, self.columns.saturating_sub(1));
            self.ability.append(*style, text, out);
            out.push_str("\r\n");
            painted.push(text.width());
        }
        let _ = write!(out, "{prompt}{}\r", view.text);
        if cursor > 0 {
            let _ = write!(out, "\x1b[{cursor}C");
        }
        out.push_str("\x1b[?25h");
        self.painted = Some(Painted {
            above: painted,
            row,
            cursor,
        });
    }

    /// The same without any cursor: what is behind it is written, then what is before it again.
    fn paint_bare(&mut self, above: &str, prompt: &str, view: &View, out: &mut String) {
        self.erase(out);
        append_lines(above, out);
        let _ = write!(out, "{prompt}{}", view.text);
        let row = prompt.width() + view.text.width();
        let before = cut(&view.text, view.cursor_column);
        if before.len() < view.text.len() {
            let _ = write!(out, "\r{prompt}{before}");
        }
        self.painted = Some(Painted {
            above: Vec::new(),
            row,
            cursor: prompt.width() + view.cursor_column,
        });
    }

    /// Erases the rows, for good: what the terminal shows next begins in column 1.
    pub fn erase(&mut self, out: &mut String) {
        let Some(painted) = self.painted.take() else {
            return;
        };
        debug_assert!(
            painted.cursor <= painted.row,
            "the cursor stands in the row"
        );
        out.push('\r');
        if self.ability == Ability::Nothing {
            let _ = write!(out, "{:1$}\r", "", painted.row);
            return;
        }
        // A terminal that became narrower has broken each row into several.
        let broken = |width: &usize| width.saturating_sub(1) / self.columns + 1;
        let above: usize = painted.above.iter().map(broken).sum();
        let up = above + painted.cursor / self.columns;
        if up > 0 {
            let _ = write!(out, "\x1b[{up}A");
        }
        out.push_str("\x1b[J");
    }

    /// Clears the whole screen; the rows are painted anew by the next batch.
    pub fn clear(&mut self, out: &mut String) {
        if self.ability == Ability::Nothing {
            return self.erase(out);
        }
        self.painted = None;
        out.push_str("\x1b[2J\x1b[H");
    }
}

fn append_lines(lines: &str, out: &mut String) {
    for line in lines.lines() {
        out.push_str(line);
        out.push_str("\r\n");
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

    fn rows(texts: &[&str]) -> Vec<Row> {
        let row = |text: &&str| Row {
            style: Style::Plain,
            text: (*text).to_owned(),
        };
        texts.iter().map(row).collect()
    }

    fn painter(columns: usize) -> Painter {
        Painter::new(columns, Ability::Colours)
    }

    #[test]
    fn a_batch_is_one_erase_the_lines_and_one_paint() {
        let mut painter = painter(80);
        let mut out = String::new();
        painter.paint("", &[], "> ", &view("hel", 3), &mut out);
        assert_eq!(out, "\x1b[?25l> hel\r\x1b[5C\x1b[?25h");
        out.clear();
        painter.paint(
            "one\ntwo\n",
            &rows(&["here"]),
            "> ",
            &view("hel", 1),
            &mut out,
        );
        assert_eq!(
            out,
            "\x1b[?25l\r\x1b[Jone\r\ntwo\r\nhere\r\n> hel\r\x1b[3C\x1b[?25h"
        );
        out.clear();
        painter.paint("", &rows(&["there"]), "> ", &view("hel", 1), &mut out);
        assert_eq!(
            out,
            "\x1b[?25l\r\x1b[1A\x1b[Jthere\r\n> hel\r\x1b[3C\x1b[?25h"
        );
    }

    #[test]
    fn rows_broken_by_a_narrower_terminal_are_erased_whole() {
        let mut painter = painter(80);
        let mut out = String::new();
        let status = rows(&[&"s".repeat(45), ""]);
        painter.paint("", &status, "> ", &view(&"x".repeat(40), 40), &mut out);
        painter.resize(20);
        out.clear();
        painter.paint("", &[], "> ", &view("x", 1), &mut out);
        // Three rows of the first, one of the empty one, two before the cursor's.
        assert!(out.starts_with("\x1b[?25l\r\x1b[6A\x1b[J> x"), "{out:?}");
    }

    #[test]
    fn no_row_reaches_the_last_column() {
        let mut painter = painter(10);
        let mut out = String::new();
        painter.paint(
            "",
            &rows(&["0123456789", "漢字漢字漢字"]),
            "",
            &view("", 0),
            &mut out,
        );
        assert!(out.contains("012345678\r\n漢字漢字\r\n"), "{out:?}");
        assert_eq!(painter.fit("#a-very-long-name> "), "#a-ve");
    }

    #[test]
    fn a_terminal_without_a_cursor_gets_none() {
        let mut painter = Painter::new(80, Ability::Nothing);
        let mut out = String::new();
        painter.paint(
            "one\n",
            &rows(&["status"]),
            "> ",
            &view("hallo", 2),
            &mut out,
        );
        assert_eq!(out, "one\r\n> hallo\r> ha");
        out.clear();
        painter.paint("two\n", &[], "> ", &view("ha", 2), &mut out);
        assert_eq!(out, "\r       \rtwo\r\n> ha");
        out.clear();
        painter.clear(&mut out);
        assert!(!out.contains('\x1b'), "{out:?}");
    }

    #[test]
    fn erasing_twice_erases_once() {
        let mut painter = painter(80);
        let mut out = String::new();
        painter.erase(&mut out);
        assert!(out.is_empty());
        painter.paint("", &[], "", &view("", 0), &mut out);
        out.clear();
        painter.erase(&mut out);
        painter.erase(&mut out);
        assert_eq!(out, "\r\x1b[J");
    }
}
