//! Keys: what each does to the row, the search or the question.

use super::completion::Known;
use super::editor::Edit;
use super::keyboard::Key;
use super::own::Owner;
use super::questions::{Question, is_long_paste};
use super::{Front, say_or_run};
use crate::chat::RoomName;
use crate::client::link::{Ending, Link, Standing};
use crate::client::settings::EmptyLine;
use crate::client::trust::Trust;

impl Front {
    /// Does what a key asks for; `alone` when no other came with it.
    pub(super) fn press(&mut self, key: Key, alone: bool, link: &mut Link, trust: &Trust) {
        let interrupted = std::mem::take(&mut self.interrupted);
        if let Some(Question::Secret(..)) = self.question {
            return self.press_secret(key, link);
        }
        let Some(key) = self.press_in_search(key) else {
            return;
        };
        let editor = &mut self.editor;
        let edit = match key {
            Key::Character(character) => editor.insert(character.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => editor.insert(&text),
            Key::NewLine => editor.insert("\n"),
            Key::Left => editor.left(),
            Key::Right => editor.right(),
            Key::WordLeft => editor.word_left(),
            Key::WordRight => editor.word_right(),
            Key::Home => editor.home(),
            Key::End => editor.end(),
            Key::Up => editor.older(),
            Key::Down => editor.newer(),
            Key::Backspace => editor.backspace(),
            Key::Delete => editor.delete(),
            Key::CutWord => editor.cut_word(),
            Key::CutWordRight => editor.cut_word_right(),
            Key::CutToStart => editor.cut_to_start(),
            Key::CutToEnd => editor.cut_to_end(),
            Key::PutBack => editor.put_back(),
            Key::Complete => self.complete(link),
            Key::Search => self.search(),
            Key::EndOfInput if !editor.is_empty() => editor.delete(),
            Key::EndOfInput => return self.leave(link),
            Key::Interrupt if !editor.is_empty() => return editor.clear(),
            Key::Interrupt if interrupted => return self.leave(link),
            Key::Interrupt => return self.interrupt(),
            Key::Escape | Key::Abort => return,
            Key::Pause => return self.is_pausing = true,
            Key::Clear => return self.clear_screen(),
            Key::Resized => return,
            Key::Enter => return self.enter(alone, link, trust),
        };
        if edit == Edit::Nothing {
            self.screen.ring();
        }
    }

    /// Ctrl-C on an empty row.
    fn interrupt(&mut self) {
        if let Some(Question::Lines(text)) = &mut self.question {
            let text = std::mem::take(text);
            self.question = None;
            return self.editor.replace(text);
        }
        self.interrupted = true;
        self.screen.say("Ctrl-C once more leaves");
    }

    /// What a key does while an earlier line is looked for; returns it if it does so afterwards.
    fn press_in_search(&mut self, key: Key) -> Option<Key> {
        if self.editor.searched().is_none() {
            return Some(key);
        }
        let edit = match key {
            Key::Character(character) => {
                self.editor.search_more(character.encode_utf8(&mut [0; 4]))
            }
            Key::Paste(text) => self
                .editor
                .search_more(text.lines().next().unwrap_or_default()),
            Key::Search => self.editor.search_older(),
            Key::Backspace => self.editor.search_less(),
            Key::Interrupt | Key::Abort => {
                self.editor.end_search(false);
                return None;
            }
            Key::Escape => {
                self.editor.end_search(true);
                return None;
            }
            Key::Resized | Key::Clear | Key::Pause => return Some(key),
            key @ (Key::Enter
            | Key::NewLine
            | Key::Left
            | Key::Right
            | Key::WordLeft
            | Key::WordRight
            | Key::Home
            | Key::End
            | Key::Up
            | Key::Down
            | Key::Delete
            | Key::CutWord
            | Key::CutWordRight
            | Key::CutToStart
            | Key::CutToEnd
            | Key::PutBack
            | Key::EndOfInput
            | Key::Complete) => {
                self.editor.end_search(true);
                return Some(key);
            }
        };
        if edit == Edit::Nothing {
            self.screen.ring();
        }
        None
    }

    fn search(&mut self) -> Edit {
        match self.question {
            None => self.editor.search_older(),
            Some(_) => Edit::Nothing,
        }
    }

    fn complete(&mut self, link: &mut Link) -> Edit {
        if self.question.is_some() {
            return Edit::Nothing;
        }
        let mut rooms: Vec<RoomName> = link.session().conversation().rooms().collect();
        // The current one is where one is already.
        if let Some(current) = link.session().conversation().current_room()
            && let Some(place) = rooms.iter().position(|room| *room == current)
        {
            let current = rooms.remove(place);
            rooms.push(current);
        }
        let known = Known {
            people: &self.screen.people,
            rooms: &rooms,
        };
        self.completion.press(&mut self.editor, &known)
    }

    pub(super) fn leave(&mut self, link: &mut Link) {
        if let Some(Question::Server(_)) = self.question {
            return self.refuse_server(link);
        }
        // Who asks twice does not want to wait for the goodbye.
        match link.is_leaving() {
            true => link.end(Ending::Clean),
            false => link.leave(),
        }
    }

    /// The line is finished.
    fn enter(&mut self, alone: bool, link: &mut Link, trust: &Trust) {
        let line = self.editor.take(self.question.is_none());
        match self.question.take() {
            Some(Question::Name) => self.answer_name(line.trim(), link),
            Some(Question::Server(key)) => self.answer_server(&key, line.trim(), link, trust),
            Some(Question::Enrol(name)) => self.answer_enrolment(name, line.trim(), link, trust),
            Some(Question::Lines(text)) => self.answer_lines(text, line.trim(), link),
            Some(Question::Secret(..)) => unreachable!("its keys do not come here"),
            None if line.is_empty() => self.enter_nothing(alone, link),
            None if is_long_paste(&line) => self.ask_lines(line),
            None => self.say_or_run(&line, link),
        }
    }

    /// An empty line tries a lost connection at once; or it leaves, but not within a paste that the
    /// terminal did not mark as one, nor when it was meant for a connection that is back already.
    fn enter_nothing(&mut self, alone: bool, link: &mut Link) {
        if link.try_now() {
            self.is_impatient = true;
            return;
        }
        if self.empty_line == EmptyLine::Ignore || link.standing() != Standing::Connected {
            return;
        }
        match (self.is_impatient, alone) {
            (true, _) => self.screen.say("Ctrl-D leaves"),
            (false, true) => self.leave(link),
            (false, false) => {}
        }
    }

    /// Says what was typed, or runs it.
    pub(super) fn say_or_run(&mut self, line: &str, link: &mut Link) {
        self.is_impatient = false;
        if self.run_own(line.trim_end()) == Owner::Client {
            return;
        }
        if !link.session().has_room() {
            self.editor.replace(line.to_owned());
            let words = "too much waits for the server; press Enter again in a moment";
            return self.screen.complain(words);
        }
        say_or_run(link.session(), line, &mut |news| self.hear(&news));
    }
}
