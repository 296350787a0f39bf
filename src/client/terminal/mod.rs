//! The front for people: a row to type in below, what happens above it.
//!
//! One thread waits for keys, everything else happens in the link's loop: news become lines, keys
//! change the row, and each turn is painted with one write. What was typed is never disturbed.

pub mod editor;
mod guard;
pub mod history;
mod keyboard;
pub mod painter;
mod screen;

use std::io::{self, IsTerminal, Write};

use self::editor::{Edit, Editor};
use self::guard::RawTerminal;
use self::keyboard::{Key, Keyboard};
use self::painter::Painter;
use self::screen::Screen;
use super::exit::{Exit, report, report_frame};
use super::link::{Ending, Link};
use super::news::News;
use super::pipe::say_or_run;
use super::trust::{Decision, Trust};
use crate::chat::Name;
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::PublicKey;

/// Columns of a terminal that does not say how many it has.
const COLUMNS_DEFAULT: usize = 80;
/// Said when the user does not vouch for the server.
const NOT_ACCEPTED: &str = "the server's key was not accepted; nothing was sent";

/// Talks until the user leaves or the link ends.
///
/// # Errors
///
/// When the terminal or the poll fails.
pub fn run(mut link: Link, trust: &Trust, coloured: bool) -> io::Result<Exit> {
    let raw = RawTerminal::enter()?;
    let keyboard = Keyboard::start(link.waker());
    let mut front = Front::new(coloured);
    front
        .screen
        .say("times are UTC; Ctrl-D leaves, /help lists the commands");
    if link.session().conversation().name().is_none() {
        front.ask_name();
        front.suggest_name();
    }
    front.paint(&mut link)?;
    while link.ending().is_none() {
        let hold = front.question.is_some();
        let turn = link.turn(None, false, hold, &mut |news| front.hear(&news))?;
        if let Some(key) = front.server_key.take() {
            front.meet(&key, &mut link, trust);
        }
        if std::mem::take(&mut front.room_refused) {
            link.session().give_up_room(&mut |_| {});
        }
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
    Ok(farewell(&ending, front.bye.as_deref(), waiting))
}

/// What the user is being asked in the row.
enum Question {
    /// The name to be called by.
    Name,
    /// Whether this server is the right one.
    Server(PublicKey),
}

struct Front {
    screen: Screen,
    editor: Editor,
    painter: Painter,
    question: Option<Question>,
    server_key: Option<PublicKey>,
    was_welcome: bool,
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
    fn new(coloured: bool) -> Self {
        let columns = crossterm::terminal::size()
            .map_or(COLUMNS_DEFAULT, |(columns, _)| usize::from(columns).max(1));
        Self {
            screen: Screen::new(coloured),
            editor: Editor::default(),
            painter: Painter::new(columns),
            question: None,
            server_key: None,
            was_welcome: false,
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
            News::Welcome { .. } => self.was_welcome = true,
            News::Refused {
                of_command: false, ..
            } => self.room_refused = self.was_welcome,
            News::Bye(why) => self.bye = why.map(super::safe::safe_row),
            News::Trace(frame) if !self.traces_here => report_frame(frame),
            News::Refused { .. }
            | News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Sent { .. }
            | News::NotSent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Entry { .. }
            | News::Closed(_)
            | News::Trace(_)
            | News::Apart(_) => {}
        }
        if self.traces_here || !matches!(news, News::Trace(_)) {
            self.screen.hear(news);
        }
    }

    fn ask_name(&mut self) {
        self.question = Some(Question::Name);
    }

    /// Offers the name one has on this machine, to be changed or taken with Enter.
    fn suggest_name(&mut self) {
        let fits = |user: &String| Name::parse(user).is_ok_and(|name| !name.is_reserved());
        if let Some(user) = std::env::var("USER").ok().filter(fits) {
            self.editor.replace(user);
        }
    }

    /// Decides about the server that has shown its key, or asks.
    fn meet(&mut self, key: &PublicKey, link: &mut Link, trust: &Trust) {
        match trust.judge(key) {
            Decision::Accept => self.accept(key, link, trust),
            Decision::Ask(shown) => {
                self.screen.say(&format!(
                    "{} is not known here yet. Its fingerprint is\n\n    {}\n\n\
                     Compare it with the one the server printed when it started.",
                    trust.address(),
                    shown.grouped()
                ));
                self.editor.clear();
                self.question = Some(Question::Server(*key));
            }
            Decision::Refuse(words) => link.end(Ending::KeyRefused(words)),
        }
    }

    fn accept(&mut self, key: &PublicKey, link: &mut Link, trust: &Trust) {
        match trust.identity_for(key) {
            Ok(identity) => link.accept(identity.as_ref(), &mut |news| self.hear(&news)),
            Err(why) => link.end(Ending::Failed(why)),
        }
    }

    fn press(&mut self, key: Key, alone: bool, link: &mut Link, trust: &Trust) {
        let interrupted = std::mem::take(&mut self.interrupted);
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
            Key::Clear => return self.clear_screen(),
            Key::Resized(columns) => {
                self.painter.resize(columns);
                self.shown = None;
                return;
            }
            Key::Enter => return self.enter(alone, link, trust),
        };
        if edit == Edit::Nothing {
            self.screen.ring();
        }
    }

    fn leave(&mut self, link: &mut Link) {
        if let Some(Question::Server(_)) = self.question {
            return link.end(Ending::KeyRefused(NOT_ACCEPTED.to_owned()));
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

    fn answer_name(&mut self, answer: &str, link: &mut Link) {
        match Name::parse(answer) {
            Ok(name) => link
                .session()
                .choose_name(name, &mut |news| self.hear(&news)),
            Err(error) => {
                self.screen.complain(&error.to_string());
                self.question = Some(Question::Name);
            }
        }
    }

    fn answer_server(&mut self, key: &PublicKey, answer: &str, link: &mut Link, trust: &Trust) {
        if !answer.eq_ignore_ascii_case("yes") {
            return link.end(Ending::KeyRefused(NOT_ACCEPTED.to_owned()));
        }
        if let Err(why) = trust.remember(Fingerprint::of_server(key)) {
            return link.end(Ending::Failed(why));
        }
        self.accept(key, link, trust);
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
            Some(Question::Name) => "Your name: ".to_owned(),
            Some(Question::Server(_)) => "Type yes if it is the same: ".to_owned(),
            None => match link.session().conversation().current_room() {
                Some(room) => format!("{room}> "),
                None => "> ".to_owned(),
            },
        }
    }

    /// Shows what has changed, with one write.
    fn paint(&mut self, link: &mut Link) -> io::Result<()> {
        let prompt = self.prompt(link);
        let view = self.editor.view(self.painter.columns_for(&prompt));
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
            Exit::Lost
        }
        Ending::KeyRefused(words) => {
            report(words);
            Exit::Key
        }
    }
}
