//! The front for people: a row to type in below, what happens above it.
//!
//! One thread waits for keys, everything else happens in the link's loop: news become lines, keys
//! change the row, and each turn is painted with one write. What was typed is never disturbed, and a
//! secret is never shown.

pub mod completion;
pub mod editor;
pub mod guard;
pub mod history;
mod keyboard;
mod own;
pub mod painter;
mod press;
pub mod progress;
mod questions;
mod screen;
mod secret;
mod status;
pub mod style;
mod transfers;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use mio::Waker;

use self::completion::Completion;
use self::editor::Editor;
use self::guard::RawTerminal;
use self::keyboard::Keyboard;
use self::painter::{Painter, Row};
use self::progress::ProgressRows;
use self::questions::Question;
use self::screen::Screen;
use self::status::Status;
use self::style::{Ability, Style};
use self::transfers::{Fate, Transfers};
use super::clock::unix_seconds;
use super::exit::{Exit, report, report_frame};
use super::files::Downloads;
use super::link::{Ending, Link, Standing};
use super::news::News;
use super::password_file::PasswordFile;
use super::pipe::say_or_run;
use super::settings::{EmptyLine, Settings};
use super::time::Zone;
use super::trust::Trust;
use crate::chat::Name;
use crate::crypto::handshake::PublicKey;

/// Columns of a terminal that does not say how many it has.
const COLUMNS_DEFAULT: usize = 80;

/// What the user wants of the terminal, by flag, variable or setting.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What may be written to it beside characters.
    pub ability: Ability,
    /// Where the clocks are read.
    pub zone: Zone,
    /// Where received files go.
    pub downloads: Downloads,
    /// What is said first: to what the program is held.
    pub bounds: String,
    /// Whether it can read only what was named.
    pub is_confined: bool,
    /// The rest.
    pub settings: Settings,
}

/// Talks until the user leaves or the link ends.
///
/// # Errors
///
/// When the terminal or the poll fails.
pub fn run(
    mut link: Link,
    trust: &Trust,
    password: Option<PasswordFile>,
    manner: Manner,
) -> io::Result<Exit> {
    let raw = RawTerminal::enter(manner.ability == Ability::Nothing)?;
    let keyboard = Keyboard::start(link.waker());
    let place = trust.address().to_string();
    let mut front = Front::new(password, manner, place, link.waker());
    let mut has_more = false;
    front.begin(&mut link);
    front.paint(&mut link)?;
    while link.ending().is_none() {
        let hold = front.question.as_ref().is_some_and(Question::holds_link);
        let changes = [
            status::next_change(link.standing()),
            front.transfers.next_change(),
        ];
        let deadline = changes.into_iter().flatten().min();
        let deadline = deadline.map(|wait| link.now() + wait);
        let turn = link.turn(deadline, has_more, hold, &mut |news| front.hear(&news))?;
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
        has_more = front.carry_files(&mut link);
        let painted = front.pause(&raw).and_then(|()| front.paint(&mut link));
        if turn.asked_to_stop || painted.is_err() {
            link.leave();
        }
    }
    let ending = link.ending().cloned().unwrap_or(Ending::Clean);
    let waiting = link.session().conversation().unacknowledged_count();
    // It fails when the window was closed, and then nobody looks.
    let _ = front.close();
    drop(raw);
    front.report_unfinished();
    let exit = farewell(&ending, front.bye.as_deref(), waiting);
    let never_in = exit == Exit::Done && front.is_refused && !front.was_welcome;
    Ok(if never_in { Exit::Lost } else { exit })
}

struct Front {
    screen: Screen,
    editor: Editor,
    completion: Completion,
    painter: Painter,
    /// What takes a while; set by whoever carries it.
    progress: ProgressRows,
    /// Files on their way.
    transfers: Transfers,
    /// What is said first.
    bounds: String,
    /// Whether it was said that files are under way, so that leaving is meant.
    warned_of_files: bool,
    ability: Ability,
    empty_line: EmptyLine,
    /// The server's address, to be shown.
    place: String,
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
    /// Whether an empty line may be meant for a lost connection: nothing was said since it was.
    is_impatient: bool,
    /// Whether the shell is wanted.
    is_pausing: bool,
    /// Where traces go: into the terminal, or beside it.
    traces_here: bool,
    /// What the terminal shows of the rows; nothing is written when neither they nor news changed.
    shown: Option<Shown>,
}

/// The rows below what happens.
#[derive(PartialEq, Eq)]
struct Shown {
    rows: Vec<Row>,
    prompt: String,
    view: editor::View,
}

impl Front {
    fn new(
        password: Option<PasswordFile>,
        manner: Manner,
        place: String,
        waker: Arc<Waker>,
    ) -> Self {
        let columns = columns().unwrap_or(COLUMNS_DEFAULT);
        let Manner {
            ability,
            zone,
            downloads,
            bounds,
            is_confined,
            settings,
        } = manner;
        Self {
            screen: Screen::new(ability, zone, settings.bell, settings.quiet),
            editor: Editor::default(),
            completion: Completion::default(),
            painter: Painter::new(columns, ability),
            progress: ProgressRows::default(),
            transfers: Transfers::new(downloads, is_confined, waker),
            bounds,
            warned_of_files: false,
            ability,
            empty_line: settings.empty_line,
            place,
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
            is_impatient: false,
            is_pausing: false,
            traces_here: io::stderr().is_terminal(),
            shown: None,
        }
    }

    fn begin(&mut self, link: &mut Link) {
        self.screen
            .say("/help lists the commands, Tab completes, Ctrl-D leaves");
        self.screen.say(&std::mem::take(&mut self.bounds));
        if link.session().conversation().name().is_none() {
            self.ask_name();
            self.suggest_name();
        }
    }

    fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::ServerKey(key) => self.server_key = Some(key),
            News::AskName => self.ask_name(),
            News::AskSecret(prompt) => self.ask_secret(prompt),
            News::LoggedIn(name) => self.password_taken(name),
            News::Welcome { .. } => {
                // An empty line may be on its way that was to try a lost connection.
                self.is_impatient |= self.was_welcome;
                self.was_welcome = true;
                self.bye = None;
            }
            News::Refused { of_command, .. } => {
                self.is_refused = true;
                self.room_refused |= !of_command && self.was_welcome;
            }
            News::Bye(why) => self.bye = why.map(super::safe::safe_row),
            News::Apart(_) => self.screen.lose_touch(unix_seconds()),
            News::Trace(frame) if !self.traces_here => report_frame(frame),
            News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Acknowledged { .. }
            | News::Sent { .. }
            | News::NotSent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Passed(_)
            | News::Entry { .. }
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_)
            | News::Trace(_) => {}
        }
        self.transfers.hear(news);
        if self.traces_here || !matches!(news, News::Trace(_)) {
            self.screen.hear(news);
        }
    }

    /// Goes on with files; tells whether there is more to be done at once.
    fn carry_files(&mut self, link: &mut Link) -> bool {
        let is_over = link.is_leaving() || link.ending().is_some();
        let has_more = !is_over && self.transfers.go_on(link.session());
        self.transfers.show(link.now(), &mut self.progress);
        for fate in self.transfers.take_said() {
            match fate {
                Fate::Well(words) => self.screen.say(&super::safe::safe_row(&words)),
                Fate::Ill(words) => {
                    let words = super::safe::safe_row(&words);
                    self.screen.complain(&format!("Err: {words}"));
                }
            }
        }
        has_more
    }

    /// Says at the end what did not come to its end.
    fn report_unfinished(&self) {
        match self.transfers.count() {
            0 => {}
            1 => report("a file was under way; the same /send or /accept goes on where it was"),
            count => report(&format!(
                "{count} files were under way; the same /send or /accept goes on where they were"
            )),
        }
    }

    /// The terminal has another width now. It is asked each time, because news may come before the
    /// key that tells, and would be painted over the rows that the terminal has broken.
    fn measure(&mut self) {
        if let Some(columns) = columns().filter(|&columns| columns != self.painter.columns()) {
            self.painter.resize(columns);
            self.shown = None;
        }
    }

    fn clear_screen(&mut self) {
        let mut out = String::new();
        self.painter.clear(&mut out);
        self.shown = None;
        // A terminal that takes no output is noticed by the next paint.
        let _ = write_out(&out);
    }

    /// Lets the shell have the terminal, if that is wanted, until the client is wanted again.
    fn pause(&mut self, raw: &RawTerminal) -> io::Result<()> {
        if !std::mem::take(&mut self.is_pausing) {
            return Ok(());
        }
        self.close()?;
        raw.pause()?;
        self.shown = None;
        Ok(())
    }

    fn prompt(&self, status: &Status<'_>) -> String {
        if let Some(question) = &self.question {
            return question.words();
        }
        if let Some(wanted) = self.editor.searched() {
            return format!("(search: {wanted}) ");
        }
        let room = status.room.map_or(String::new(), |room| room.to_string());
        // Where there is one row only, it has to say what the row above it would.
        match self.ability {
            Ability::Nothing if status.standing != Standing::Connected => {
                format!("({}) {room}> ", status.connection())
            }
            Ability::Nothing | Ability::Weights | Ability::Colours => format!("{room}> "),
        }
    }

    /// What stands below what happens.
    fn below(&self, link: &mut Link) -> Shown {
        let (standing, is_leaving) = (link.standing(), link.is_leaving());
        let conversation = link.session().conversation();
        let status = Status {
            standing,
            is_leaving,
            is_asked: self.question.as_ref().is_some_and(Question::holds_link),
            room: conversation.current_room(),
            name: conversation.name(),
            place: &self.place,
            waiting: conversation.unacknowledged_count(),
            lines: questions::lines(self.editor.text()),
            is_away: self.screen.is_away(),
            is_quiet: self.screen.is_quiet(),
            bell: self.screen.bell_when(),
        };
        let mut rows: Vec<Row> = self
            .progress
            .rows(self.painter.columns().saturating_sub(1))
            .into_iter()
            .map(|text| Row {
                style: Style::Notice,
                text,
            })
            .collect();
        rows.push(status.row());
        let prompt = self.prompt(&status);
        let prompt = self.painter.fit(&prompt).to_owned();
        let columns = self.painter.columns_for(&prompt);
        let view = match self.question {
            Some(Question::Secret(..)) => editor::View::default(),
            Some(
                Question::Name | Question::Server(_) | Question::Enrol(_) | Question::Lines(_),
            )
            | None => self.editor.view(columns),
        };
        Shown { rows, prompt, view }
    }

    /// Shows what has changed, with one write.
    fn paint(&mut self, link: &mut Link) -> io::Result<()> {
        self.measure();
        let below = self.below(link);
        let unchanged = self.shown.as_ref() == Some(&below);
        let mut out = String::new();
        self.screen.append_bell(&mut out);
        if unchanged && self.screen.above.is_empty() && out.is_empty() {
            return Ok(());
        }
        let above = std::mem::take(&mut self.screen.above);
        let Shown { rows, prompt, view } = &below;
        self.painter.paint(&above, rows, prompt, view, &mut out);
        self.shown = Some(below);
        write_out(&out)
    }

    /// Takes the rows away for good.
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

/// How many columns the terminal has, if it says so.
#[cfg(unix)]
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// How many columns the terminal has, if it says so.
#[cfg(not(unix))]
fn columns() -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    Some(usize::from(columns)).filter(|&columns| columns > 0)
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
            if let Some(bye) = bye.filter(|bye| !why.contains(bye)) {
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
