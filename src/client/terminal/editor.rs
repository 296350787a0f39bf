//! The line being typed: text, cursor, history. Pure: keys in, a row of characters out.
//!
//! The cursor stands between grapheme clusters, so that one key moves over, and one key removes,
//! what people see as one character. A pasted text keeps its line ends; the row shows them as a
//! sign, because the row is always one row.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::history::History;
use crate::client::safe::safe;
use crate::limits::TEXT_BYTES_MAX;

/// Shown where a pasted text has a line end.
const LINE_END_SIGN: &str = "⏎";

/// The text typed so far.
///
/// Invariant: `cursor` is on a character boundary within `text`.
#[derive(Default)]
pub struct Editor {
    text: String,
    cursor: usize,
    /// What was cut last, for putting it back.
    cut: String,
    history: History,
    search: Option<Search>,
}

/// Looking for an earlier line that holds something.
struct Search {
    wanted: String,
    /// The line that was found, by its place.
    place: Option<usize>,
    /// What was being typed before.
    begun: String,
}

/// What of the typed text fits the row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The characters to show.
    pub text: String,
    /// In which column of them the cursor stands.
    pub cursor_column: usize,
}

/// Whether a key had an effect; if not, the terminal rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a key without effect is told to the user"]
pub enum Edit {
    /// It had.
    Done,
    /// There was nothing to do it to, or no room.
    Nothing,
}

impl Editor {
    /// What is typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Inserts what was typed or pasted, at the cursor, without what a terminal would obey.
    pub fn insert(&mut self, typed: &str) -> Edit {
        let unified = typed.replace("\r\n", "\n").replace('\r', "\n");
        let typed = safe(&unified);
        if typed.is_empty() || self.text.len() + typed.len() > TEXT_BYTES_MAX {
            return Edit::Nothing;
        }
        self.text.insert_str(self.cursor, &typed);
        self.cursor += typed.len();
        self.history.stop();
        Edit::Done
    }

    /// Replaces what is typed; the cursor goes to the end.
    pub fn replace(&mut self, text: String) {
        self.text = text;
        self.cursor = self.text.len();
    }

    /// Takes the finished text, which is remembered if `keep`; an empty row is left.
    pub fn take(&mut self, keep: bool) -> String {
        self.cursor = 0;
        let text = std::mem::take(&mut self.text);
        self.history.stop();
        if keep {
            self.history.add(&text);
        }
        text
    }

    /// Throws away what is typed.
    pub fn clear(&mut self) {
        drop(self.take(false));
    }

    /// To the left by one character.
    pub fn left(&mut self) -> Edit {
        let before = self.before();
        self.move_to(before.unwrap_or(self.cursor))
    }

    /// To the right by one character.
    pub fn right(&mut self) -> Edit {
        let after = self.after();
        self.move_to(after.unwrap_or(self.cursor))
    }

    /// To the beginning of the word.
    pub fn word_left(&mut self) -> Edit {
        self.move_to(self.word_start())
    }

    /// To the end of the word.
    pub fn word_right(&mut self) -> Edit {
        self.move_to(self.word_end())
    }

    /// To the beginning.
    pub fn home(&mut self) -> Edit {
        self.move_to(0)
    }

    /// To the end.
    pub fn end(&mut self) -> Edit {
        self.move_to(self.text.len())
    }

    /// Removes the character before the cursor.
    pub fn backspace(&mut self) -> Edit {
        let start = self.before().unwrap_or(self.cursor);
        self.remove(start..self.cursor)
    }

    /// Removes the character under the cursor.
    pub fn delete(&mut self) -> Edit {
        let end = self.after().unwrap_or(self.cursor);
        self.remove(self.cursor..end)
    }

    /// Cuts the word before the cursor.
    pub fn cut_word(&mut self) -> Edit {
        self.cut(self.word_start()..self.cursor)
    }

    /// Cuts the word after the cursor.
    pub fn cut_word_right(&mut self) -> Edit {
        self.cut(self.cursor..self.word_end())
    }

    /// Cuts everything before the cursor.
    pub fn cut_to_start(&mut self) -> Edit {
        self.cut(0..self.cursor)
    }

    /// Cuts everything after the cursor.
    pub fn cut_to_end(&mut self) -> Edit {
        self.cut(self.cursor..self.text.len())
    }

    /// Puts back what was cut last.
    pub fn put_back(&mut self) -> Edit {
        let cut = std::mem::take(&mut self.cut);
        let edit = self.insert(&cut);
        self.cut = cut;
        edit
    }

    /// Shows an earlier line.
    pub fn older(&mut self) -> Edit {
        match self.history.older(&self.text) {
            Some(line) => {
                self.replace(line);
                Edit::Done
            }
            None => Edit::Nothing,
        }
    }

    /// Shows a later line, in the end the one that was being typed.
    pub fn newer(&mut self) -> Edit {
        match self.history.newer() {
            Some(line) => {
                self.replace(line);
                Edit::Done
            }
            None => Edit::Nothing,
        }
    }

    /// Begins to look for an earlier line, or goes on to an older one that fits as well.
    pub fn search_older(&mut self) -> Edit {
        match &self.search {
            Some(search) => self.search_before(search.place),
            None => {
                self.search = Some(Search {
                    wanted: String::new(),
                    place: None,
                    begun: self.text.clone(),
                });
                Edit::Done
            }
        }
    }

    /// What is looked for, if anything is.
    pub fn searched(&self) -> Option<&str> {
        self.search.as_ref().map(|search| search.wanted.as_str())
    }

    /// Looks for so much more.
    pub fn search_more(&mut self, typed: &str) -> Edit {
        let Some(search) = &mut self.search else {
            return Edit::Nothing;
        };
        search.wanted.push_str(&safe(typed));
        // The line that is shown may fit that, too.
        let from = search.place.map(|place| place + 1);
        self.search_before(from)
    }

    /// Looks for one character less, from the newest line again.
    pub fn search_less(&mut self) -> Edit {
        let Some(search) = &mut self.search else {
            return Edit::Nothing;
        };
        if search.wanted.pop().is_none() {
            return Edit::Nothing;
        }
        search.place = None;
        self.search_before(None)
    }

    /// Ends looking: the line that was found is the one being typed, or, if not `keep`, what was
    /// being typed before comes back.
    pub fn end_search(&mut self, keep: bool) {
        if let Some(search) = self.search.take()
            && !keep
        {
            self.replace(search.begun);
        }
    }

    fn search_before(&mut self, before: Option<usize>) -> Edit {
        let Some(search) = &mut self.search else {
            return Edit::Nothing;
        };
        if search.wanted.is_empty() {
            return Edit::Done;
        }
        let Some((place, line)) = self.history.find(&search.wanted, before) else {
            return Edit::Nothing;
        };
        search.place = Some(place);
        let line = line.to_owned();
        self.replace(line);
        Edit::Done
    }

    /// What stands before the cursor.
    pub fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Puts `text` in the place of the last `count` bytes before the cursor.
    ///
    /// # Panics
    ///
    /// When those are not whole characters before the cursor.
    pub fn complete(&mut self, count: usize, text: &str) -> Edit {
        let start = self.cursor - count;
        if self.text.len() - count + text.len() > TEXT_BYTES_MAX {
            return Edit::Nothing;
        }
        self.text.replace_range(start..self.cursor, text);
        self.cursor = start + text.len();
        self.history.stop();
        Edit::Done
    }

    /// What fits a row of `columns`, with the cursor in it.
    ///
    /// A text that fits is shown from its beginning; a longer one so that the cursor has text on
    /// both sides of it. Costs a few rows' worth of characters, however long the text is.
    pub fn view(&self, columns: usize) -> View {
        // The cursor may stand behind the last character.
        let columns = columns.saturating_sub(1).max(1);
        let start = self.first_shown(columns);
        let mut view = View {
            text: String::new(),
            cursor_column: 0,
        };
        let mut used = 0;
        for (offset, cluster) in self.text[start..].grapheme_indices(true) {
            if start + offset == self.cursor {
                view.cursor_column = used;
            }
            let shown = shown(cluster);
            if used + shown.width() > columns {
                return view;
            }
            used += shown.width();
            view.text.push_str(shown);
        }
        if self.cursor == self.text.len() {
            view.cursor_column = used;
        }
        view
    }

    /// Where the shown part begins.
    fn first_shown(&self, columns: usize) -> usize {
        let (mut used, mut scrolled) = (0, None);
        // Two thirds of the row before the cursor, one third behind it.
        let before_columns = (columns * 2 / 3).max(1);
        for (offset, cluster) in self.text[..self.cursor].grapheme_indices(true).rev() {
            used += shown(cluster).width();
            if used > before_columns && scrolled.is_none() {
                scrolled = Some(offset + cluster.len());
            }
            if used > columns {
                return scrolled.unwrap_or(0);
            }
        }
        0
    }

    fn before(&self) -> Option<usize> {
        self.text[..self.cursor]
            .grapheme_indices(true)
            .next_back()
            .map(|(offset, _)| offset)
    }

    fn after(&self) -> Option<usize> {
        self.text[self.cursor..]
            .graphemes(true)
            .next()
            .map(|cluster| self.cursor + cluster.len())
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before
            .char_indices()
            .rev()
            .find(|(_, character)| character.is_whitespace())
            .map_or(0, |(offset, space)| offset + space.len_utf8())
    }

    fn word_end(&self) -> usize {
        let behind = &self.text[self.cursor..];
        let blank = behind.len() - behind.trim_start().len();
        let word = behind[blank..].find(char::is_whitespace);
        self.cursor + word.map_or(behind.len(), |length| blank + length)
    }

    fn move_to(&mut self, place: usize) -> Edit {
        if place == self.cursor {
            return Edit::Nothing;
        }
        self.cursor = place;
        Edit::Done
    }

    fn remove(&mut self, range: Range<usize>) -> Edit {
        if range.is_empty() {
            return Edit::Nothing;
        }
        self.cursor = range.start;
        self.text.drain(range);
        self.history.stop();
        Edit::Done
    }

    fn cut(&mut self, range: Range<usize>) -> Edit {
        if !range.is_empty() {
            self.cut = self.text[range.clone()].to_owned();
        }
        self.remove(range)
    }
}

/// How a cluster is shown in the row.
fn shown(cluster: &str) -> &str {
    match cluster {
        "\n" => LINE_END_SIGN,
        "\t" => " ",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        let _ = editor.insert(text);
        editor
    }

    fn view(editor: &Editor, columns: usize) -> (String, usize) {
        let view = editor.view(columns);
        (view.text, view.cursor_column)
    }

    #[test]
    fn text_is_inserted_at_the_cursor() {
        let mut editor = typed("helo");
        assert_eq!(editor.left(), Edit::Done);
        assert_eq!(editor.insert("l"), Edit::Done);
        assert_eq!(editor.text(), "hello");
        assert_eq!(view(&editor, 80), ("hello".into(), 4));
        assert_eq!(editor.take(true), "hello");
        assert!(editor.is_empty());
    }

    #[test]
    fn what_a_terminal_obeys_cannot_be_typed() {
        assert_eq!(typed("a\u{1b}[31mb\u{7}").text(), "a[31mb");
        let mut editor = Editor::default();
        assert_eq!(editor.insert("\u{1b}"), Edit::Nothing);
    }

    #[test]
    fn one_key_removes_what_is_seen_as_one_character() {
        let mut editor = typed("a👩‍👩‍👧e\u{301}漢");
        assert_eq!(view(&editor, 80).1, 1 + 2 + 1 + 2);
        for left in ["a👩‍👩‍👧e\u{301}", "a👩‍👩‍👧", "a", ""] {
            assert_eq!(editor.backspace(), Edit::Done);
            assert_eq!(editor.text(), left);
        }
        assert_eq!(editor.backspace(), Edit::Nothing);
    }

    #[test]
    fn words_are_moved_over_and_cut_and_put_back() {
        let mut editor = typed("one two  three");
        assert_eq!(editor.word_left(), Edit::Done);
        assert_eq!(editor.cut_word(), Edit::Done);
        assert_eq!(editor.text(), "one three");
        assert_eq!(editor.end(), Edit::Done);
        assert_eq!(editor.insert(" "), Edit::Done);
        assert_eq!(editor.put_back(), Edit::Done);
        assert_eq!(editor.text(), "one three two  ");
        assert_eq!(editor.home(), Edit::Done);
        assert_eq!(editor.word_right(), Edit::Done);
        assert_eq!(editor.cut_to_end(), Edit::Done);
        assert_eq!(editor.text(), "one");
        assert_eq!(editor.cut_to_start(), Edit::Done);
        assert!(editor.is_empty());
    }

    #[test]
    fn a_long_text_scrolls_with_the_cursor_in_sight() {
        let mut editor = typed("0123456789abcdefghij");
        let (shown, column) = view(&editor, 10);
        assert_eq!((shown.as_str(), column), ("efghij", 6));
        let _ = editor.home();
        assert_eq!(view(&editor, 10), ("012345678".into(), 0));
        for _ in 0..10 {
            let _ = editor.right();
        }
        let (shown, column) = view(&editor, 10);
        assert_eq!(&shown[column..=column], "a");
    }

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        let mut editor = typed("漢字漢字漢字");
        for columns in 1..20 {
            let _ = editor.end();
            while editor.left() == Edit::Done {
                let view = editor.view(columns);
                assert!(view.text.width() < columns.max(3), "{columns}: {view:?}");
                assert!(view.cursor_column <= view.text.width());
            }
        }
    }

    #[test]
    fn a_paste_of_many_lines_stays_one_text() {
        let mut editor = typed("one\r\ntwo\rthree");
        assert_eq!(editor.text(), "one\ntwo\nthree");
        assert_eq!(view(&editor, 80).0, "one⏎two⏎three");
        assert_eq!(editor.take(true), "one\ntwo\nthree");
    }

    #[test]
    fn more_than_a_message_holds_is_not_taken() {
        let mut editor = typed(&"x".repeat(TEXT_BYTES_MAX));
        assert_eq!(editor.insert("y"), Edit::Nothing);
        assert_eq!(editor.text().len(), TEXT_BYTES_MAX);
        assert_eq!(editor.view(40).text.len(), 26);
    }

    #[test]
    fn earlier_lines_are_found_by_what_they_hold() {
        let mut editor = typed("make tea");
        editor.take(true);
        let _ = editor.insert("drink tea");
        editor.take(true);
        let _ = editor.insert("begun");
        assert_eq!(editor.search_older(), Edit::Done);
        assert_eq!(editor.searched(), Some(""));
        assert_eq!(editor.search_more("te"), Edit::Done);
        assert_eq!(editor.text(), "drink tea");
        assert_eq!(editor.search_more("a"), Edit::Done);
        assert_eq!(editor.text(), "drink tea");
        assert_eq!(editor.search_older(), Edit::Done);
        assert_eq!(editor.text(), "make tea");
        assert_eq!(editor.search_older(), Edit::Nothing);
        assert_eq!(editor.search_more("x"), Edit::Nothing);
        assert_eq!(editor.search_less(), Edit::Done);
        assert_eq!(editor.text(), "drink tea");
        editor.end_search(false);
        assert_eq!((editor.text(), editor.searched()), ("begun", None));
        let _ = editor.search_older();
        let _ = editor.search_more("MAKE");
        editor.end_search(true);
        assert_eq!(editor.text(), "make tea");
    }

    #[test]
    fn a_word_is_completed_where_the_cursor_stands() {
        let mut editor = typed("hi al there");
        for _ in 0.." there".len() {
            let _ = editor.left();
        }
        assert_eq!(editor.before_cursor(), "hi al");
        assert_eq!(editor.complete(2, "alice"), Edit::Done);
        assert_eq!(editor.text(), "hi alice there");
        assert_eq!(editor.before_cursor(), "hi alice");
    }

    #[test]
    fn earlier_lines_come_back_and_the_begun_one_is_not_lost() {
        let mut editor = typed("first");
        editor.take(true);
        let _ = editor.insert("second");
        editor.take(true);
        let _ = editor.insert("begun");
        assert_eq!(editor.older(), Edit::Done);
        assert_eq!(editor.text(), "second");
        assert_eq!(editor.older(), Edit::Done);
        assert_eq!(editor.text(), "first");
        assert_eq!(editor.older(), Edit::Nothing);
        let _ = editor.newer();
        let _ = editor.newer();
        assert_eq!(editor.text(), "begun");
        assert_eq!(editor.newer(), Edit::Nothing);
    }
}
