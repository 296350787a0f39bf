//! The front for people: a row to type in below, what happens above it.
//!
//! One thread waits for keys, everything else happens in the link's loop: news become lines, keys
//! change the row, and each turn is painted with one write. What was typed is never disturbed, and a
//! secret is never shown.

pub mod editor;
mod guard;
pub mod history;
mod keyboard;
pub mod painter;
mod questions;
mod screen;
mod secret;

use std::io::{self, IsTerminal, Write};

use self::editor::{Edit, Editor};
use self::guard::RawTerminal;
use self::keyboard::{Key, Keyboard};
use self::painter::Painter;
use self::questions::Question;
use self::screen::Screen;
use super::exit::{Exit, report, report_frame};
use super::link::{Ending, Link};
use super::news::News;
use super::password_file::PasswordFile;
use super::pipe::say_or_run;
use super::trust::Trust;
use crate::chat::Name;
use crate::crypto::handshake::PublicKey;

/// Columns of a terminal that does not say how many it has.
const COLUMNS_DEFAULT: usize = 80;

/// Talks until the user leaves or the link ends.
///
/// # Errors
///
/// When the terminal or the poll fails.
pub fn run(
    mut link: Link,
    trust: &Trust,
    password: Option<PasswordFile>,
    coloured: bool,
) -> io::Result<Exit> {
    let raw = RawTerminal::enter()?;
    let keyboard = Keyboard::start(link.waker());
    let mut front = Front::new(password, coloured);
    front
        .screen
        .say("times are UTC; Ctrl-D leaves, /help lists the commands");
    if link.session().conversation().name().is_none() {
        front.ask_name();
        front.suggest_name();
    }
    front.paint(&mut link)?;
    while link.ending().is_none() {
        let hold = front.question.as_ref().is_some_and(Question::holds_link);
        let turn = link.turn(None, false, hold, &mut |news| front.hear(&news))?;
        if let Some(key) = front.server_key.take() {
            front.meet(&key, &mut link, trust);
        }
        if std::mem::take(&mut front.room_refused) {
            link.session().give_up_room(&mut |_| {});
        }
        front.answer_from_file(&mut link);
        front.offer_enrolment(trust);
        let Ok(keys) = keyboard.pressed() else {
            // The window was closed: leave, as far as the server is concerned.
            link.leave();
            continue;
        };
        let alone = keys.len() == 1;
        for key in keys {
            front.press(key, alone, &mut link, trust);
        }
        let painted = front.paint(&mut link);
        if turn.asked_to_stop || painted.is_err() {
            link.leave();
        }
    }
    let ending = link.ending().cloned().unwrap_or(Ending::Clean);
    let waiting = link.session().conversation().unacknowledged_count();
    // It fails when the window was closed, and then nobody looks.
    let _ = front.close();
    drop(raw);
    let exit = farewell(&ending, front.bye.as_deref(), waiting);
    let never_in = exit == Exit::Done && front.is_refused && !front.was_welcome;
    Ok(if never_in { Exit::Lost } else { exit })
}

struct Front {
    screen: Screen,
    editor: Editor,
    painter: Painter,
    question: Option<Question>,
    server_key: Option<PublicKey>,
    /// The key of the server that was accepted, when this client shows one of its own that stays.
    enrols_with: Option<PublicKey>,
    /// The account that a password has just opened.
    logged_in: Option<Name>,
    password: Option<PasswordFile>,
    /// What was being typed when a question came.
    draft: String,
    was_welcome: bool,
    /// Whether anything was refused.
    is_refused: bool,
    room_refused: bool,
    bye: Option<String>,
    /// Whether another Ctrl-C leaves.
    interrupted: bool,
    /// Where traces go: into the terminal, or beside it.
    traces_here: bool,
    /// What the terminal shows of the row; nothing is written when neither it nor news changed.
    shown: Option<(String, editor::View)>,
}

impl Front {
    fn new(password: Option<PasswordFile>, coloured: bool) -> Self {
        let columns = crossterm::terminal::size()
            .map_or(COLUMNS_DEFAULT, |(columns, _)| usize::from(columns).max(1));
        Self {
            screen: Screen::new(coloured),
            editor: Editor::default(),
            painter: Painter::new(columns),
            question: None,
            server_key: None,
            enrols_with: None,
            logged_in: None,
            password,
            draft: String::new(),
            was_welcome: false,
            is_refused: false,
            room_refused: false,
            bye: None,
            interrupted: false,
            traces_here: io::stderr().is_terminal(),
            shown: None,
        }
    }

    fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::ServerKey(key) => self.server_key = Some(key),
            News::AskName => self.ask_name(),
            News::AskSecret(prompt) => self.ask_secret(prompt),
            News::LoggedIn(name) => self.password_taken(name),
            News::Welcome { .. } => self.was_welcome = true,
            News::Refused { of_command, .. } => {
                self.is_refused = true;
                self.room_refused |= !of_command && self.was_welcome;
            }
            News::Bye(why) => self.bye = why.map(super::safe::safe_row),
            News::Trace(frame) if !self.traces_here => report_frame(frame),
            News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Sent { .. }
            | News::NotSent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Entry { .. }
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_)
            | News::Trace(_)
            | News::Apart(_) => {}
        }
        if self.traces_here || !matches!(news, News::Trace(_)) {
            self.screen.hear(news);
        }
    }

    fn press(&mut self, key: Key, alone: bool, link: &mut Link, trust: &Trust) {
        let interrupted = std::mem::take(&mut self.interrupted);
        if let Some(Question::Secret(..)) = self.question {
            return self.press_secret(key, link);
        }
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
            Key::EndOfInput if !editor.is_empty() => editor.delete(),
            Key::EndOfInput => return self.leave(link),
            Key::Interrupt if !editor.is_empty() => return editor.clear(),
            Key::Interrupt if interrupted => return self.leave(link),
            Key::Interrupt => {
                self.interrupted = true;
                return self.screen.say("Ctrl-C once more leaves");
            }
            Key::Escape => return,
            Key::Clear => return self.clear_screen(),
            Key::Resized(columns) => return self.resize(columns),
            Key::Enter => return self.enter(alone, link, trust),
        };
        if edit == Edit::Nothing {
            self.screen.ring();
        }
    }

    fn leave(&mut self, link: &mut Link) {
        if let Some(Question::Server(_)) = self.question {
            return self.refuse_server(link);
        }
        // Who asks twice does not want to wait for the goodbye.
        match link.is_leaving() {
            true => link.end(Ending::Clean),
            false => link.leave(),
        }
    }

    fn resize(&mut self, columns: usize) {
        self.painter.resize(columns);
        self.shown = None;
    }

    /// The line is finished.
    fn enter(&mut self, alone: bool, link: &mut Link, trust: &Trust) {
        let line = self.editor.take(self.question.is_none());
        match self.question.take() {
            Some(Question::Name) => self.answer_name(line.trim(), link),
            Some(Question::Server(key)) => self.answer_server(&key, line.trim(), link, trust),
            Some(Question::Enrol(name)) => self.answer_enrolment(name, line.trim(), link, trust),
            Some(Question::Secret(..)) => unreachable!("its keys do not come here"),
            // An empty line leaves; not within a paste that the terminal did not mark as one.
            None if line.is_empty() && alone => self.leave(link),
            None if line.is_empty() => {}
            None => self.send(&line, link),
        }
    }

    fn send(&mut self, line: &str, link: &mut Link) {
        match line.trim_end() {
            "/clear" => return self.clear_screen(),
            "/bell" => {
                self.screen.set_rings(true);
                return self.screen.say("your name rings the bell");
            }
            "/quiet" => {
                self.screen.set_rings(false);
                return self.screen.say("your name rings no bell");
            }
            _ => {}
        }
        if !link.session().has_room() {
            self.editor.replace(line.to_owned());
            let words = "too much waits for the server; press Enter again in a moment";
            return self.screen.complain(words);
        }
        say_or_run(link.session(), line, &mut |news| self.hear(&news));
    }

    fn clear_screen(&mut self) {
        let mut out = String::new();
        self.painter.clear(&mut out);
        self.shown = None;
        // A terminal that takes no output is noticed by the next paint.
        let _ = write_out(&out);
    }

    fn prompt(&self, link: &mut Link) -> String {
        match &self.question {
            Some(question) => question.words(),
            None => match link.session().conversation().current_room() {
                Some(room) => format!("{room}> "),
                None => "> ".to_owned(),
            },
        }
    }

    /// Shows what has changed, with one write.
    fn paint(&mut self, link: &mut Link) -> io::Result<()> {
        let prompt = self.prompt(link);
        let view = match self.question {
            Some(Question::Secret(..)) => editor::View::default(),
            Some(Question::Name | Question::Server(_) | Question::Enrol(_)) | None => {
                self.editor.view(self.painter.columns_for(&prompt))
            }
        };
        let unchanged = self
            .shown
            .as_ref()
            .is_some_and(|(shown_prompt, shown)| *shown_prompt == prompt && *shown == view);
        let mut out = String::new();
        self.screen.append_bell(&mut out);
        if unchanged && self.screen.above.is_empty() && out.is_empty() {
            return Ok(());
        }
        let above = std::mem::take(&mut self.screen.above);
        self.painter.paint(&above, &prompt, &view, &mut out);
        self.shown = Some((prompt, view));
        write_out(&out)
    }

    /// Takes the row away for good.
    fn close(&mut self) -> io::Result<()> {
        let mut out = String::new();
        self.painter.erase(&mut out);
        for line in std::mem::take(&mut self.screen.above).lines() {
            out.push_str(line);
            out.push_str("\r\n");
        }
        write_out(&out)
    }
}

fn write_out(out: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(out.as_bytes())?;
    output.flush()
}

/// Says how it ended, on the restored terminal.
fn farewell(ending: &Ending, bye: Option<&str>, waiting: usize) -> Exit {
    if waiting > 0 {
        report(&format!(
            "{waiting} of your messages may not have been stored"
        ));
    }
    match ending {
        Ending::Clean => {
            let bye = bye.map_or("Bye.\n".to_owned(), |why| format!("Bye ({why}).\n"));
            // A terminal that is gone needs no goodbye.
            let _ = write_out(&bye);
            if waiting > 0 { Exit::Lost } else { Exit::Done }
        }
        Ending::Failed(why) => {
            report(&super::safe::safe_row(why));
            if let Some(bye) = bye {
                report(&format!("the server said: {bye}"));
            }
            Exit::Lost
        }
        Ending::KeyRefused(words) => {
            report(words);
            Exit::Key
        }
    }
}
