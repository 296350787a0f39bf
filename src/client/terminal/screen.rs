//! What the user sees of the news: lines with times and colours, own name marked. Pure.

mod entries;
mod marks;

use self::marks::{Absence, Marks};
use super::completion::People;
use super::style::{Ability, Style};
use crate::chat::{Name, RoomName};
use crate::client::news::{Apart, News};
use crate::client::safe::safe_row;
use crate::client::settings::Bell;
use crate::client::time::{Day, Zone};
use crate::client::words::append_words;
use crate::wire::message::{BodyView, EntryView};

const BELL: char = '\x07';

/// Turns news into lines, and holds them until they are painted.
pub(super) struct Screen {
    ability: Ability,
    zone: Zone,
    bell_when: Bell,
    /// Whether it is not shown who comes and goes.
    is_quiet: bool,
    name: Option<Name>,
    /// Whether a connection was there before.
    was_connected: bool,
    /// Why there is no connection, as it was said last.
    apart_why: String,
    /// Whether the session goes on from before, so that its rooms are known.
    is_resumed: bool,
    /// Whether the terminal is to ring.
    bell: bool,
    /// The day of the line that was shown last.
    day: Option<Day>,
    marks: Marks,
    /// Whose names can be completed.
    pub(super) people: People,
    /// Lines to be painted above the rows, each ended by LF.
    pub(super) above: String,
}

impl Screen {
    pub(super) fn new(ability: Ability, zone: Zone, bell_when: Bell, is_quiet: bool) -> Self {
        Self {
            ability,
            zone,
            bell_when,
            is_quiet,
            name: None,
            was_connected: false,
            apart_why: String::new(),
            is_resumed: false,
            bell: false,
            day: None,
            marks: Marks::default(),
            people: People::default(),
            above: String::new(),
        }
    }

    /// When the terminal rings.
    pub(super) fn bell_when(&self) -> Bell {
        self.bell_when
    }

    /// Chooses when the terminal rings.
    pub(super) fn set_bell(&mut self, when: Bell) {
        self.bell_when = when;
    }

    /// Whether it is not shown who comes and goes.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Chooses whether it is shown who comes and goes.
    pub(super) fn set_quiet(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
    }

    /// Whether the user has said that they are away.
    pub(super) fn is_away(&self) -> bool {
        self.marks.is_away()
    }

    /// The user is away, so what comes is marked as unread.
    pub(super) fn go_away(&mut self, unix_seconds: u64) {
        let since = self.zone.moment(unix_seconds);
        self.marks.owe(Absence::Away, since);
    }

    /// The user is back.
    pub(super) fn come_back(&mut self) {
        match self.marks.read(Absence::Away) {
            Some(count) if count > 0 => self.say(&format!(
                "{count} came while you were away; they begin at the mark"
            )),
            Some(_) | None => {}
        }
    }

    /// The user has said something, and so has seen what is there.
    pub(super) fn has_read(&mut self) {
        self.marks.read(Absence::Apart);
    }

    /// The connection was lost, so what is missed is marked when it comes.
    pub(super) fn lose_touch(&mut self, unix_seconds: u64) {
        if self.was_connected {
            let since = self.zone.moment(unix_seconds);
            self.marks.owe(Absence::Apart, since);
        }
    }

    /// Tells that a key had no effect.
    pub(super) fn ring(&mut self) {
        self.bell = self.bell_when != Bell::Off;
    }

    /// Appends the bell to `out` if it is to ring.
    pub(super) fn append_bell(&mut self, out: &mut String) {
        if std::mem::take(&mut self.bell) {
            out.push(BELL);
        }
    }

    /// Says something of the client's own, in one line or several.
    pub(super) fn say(&mut self, words: &str) {
        for line in words.lines() {
            self.line(Style::Notice, &format!("-- {line}"));
        }
    }

    /// Says that something went wrong.
    pub(super) fn complain(&mut self, words: &str) {
        for line in words.lines() {
            self.line(Style::Trouble, line);
        }
    }

    pub(super) fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::Entry {
                past,
                own,
                ref entry,
                room,
            } => {
                self.entry(entry, room, past, own);
                if let (false, Some(room)) = (past, room) {
                    self.explain_kick(entry, room);
                }
            }
            News::Welcome { name, resumed, .. } => self.welcome(name, resumed),
            News::Renamed(name) => {
                self.name = Some(name);
                self.people.forget(name);
            }
            News::Entered {
                room,
                topic: Some(topic),
            } if !self.is_resumed => {
                let topic = safe_row(topic);
                self.line(Style::Faint, &format!(" * {room} is about: {topic}"));
            }
            News::Refused { .. } | News::NotSent { .. } => self.words(news, Style::Trouble),
            News::Notice(text) => {
                self.people.listed(text);
                self.words(news, Style::Notice);
            }
            News::Sent { away: None, .. } => {}
            News::Sent { .. } | News::Missed { .. } | News::Passed(_) => {
                self.words(news, Style::Notice);
            }
            News::ReplayEnd { room, count } => self.replay_end(news, room, count),
            News::Apart(apart) => self.apart(apart),
            News::Trace(frame) => self.line(Style::Faint, &safe_row(frame)),
            News::ServerKey(_)
            | News::AskName
            | News::AskSecret(_)
            | News::LoggedIn(_)
            | News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Acknowledged { .. }
            | News::Bye(_)
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_) => {}
        }
    }

    fn welcome(&mut self, name: Name, resumed: bool) {
        self.name = Some(name);
        self.people.forget(name);
        self.is_resumed = resumed;
        self.apart_why.clear();
        let again = std::mem::replace(&mut self.was_connected, true);
        self.marks.connected(again);
        match (resumed, again) {
            (true, true) => self.say("connected again"),
            (true, false) => self.say("your session goes on where it was"),
            (false, true) => self.say("connected again, in a new session"),
            (false, false) => {}
        }
    }

    /// The past of a room, or of the inbox, was shown.
    fn replay_end(&mut self, news: &News<'_>, room: Option<RoomName>, count: u64) {
        match self.marks.caught_up(room) {
            Some(late) if late > 0 => {
                let place = room.map_or("private".to_owned(), |room| room.to_string());
                self.say(&format!(
                    "{place}: {late} missed while away, from the mark to here"
                ));
            }
            Some(_) => {}
            None if count > 0 => self.words(news, Style::Notice),
            None => {}
        }
    }

    fn apart(&mut self, Apart { why, again_after }: Apart<'_>) {
        let why = safe_row(why);
        // Said once, however often it is tried: the row below counts down.
        if self.apart_why == why {
            return;
        }
        self.apart_why.clone_from(&why);
        match again_after {
            Some(wait) => self.complain(&format!(
                "{why}; trying again in {:.1} s (Enter tries now; what you type is sent then)",
                wait.as_secs_f32()
            )),
            None => self.complain(&why),
        }
    }

    /// Tells who was removed from a room themselves what that means.
    fn explain_kick(&mut self, entry: &EntryView<'_>, room: RoomName) {
        let is_kick = matches!(entry.body, BodyView::Kicked { .. });
        if is_kick && self.name == Some(entry.author) {
            self.say(&format!(
                "you are out of {room}; /join {room} enters it again"
            ));
        }
    }

    /// Shows news in the line door's words.
    fn words(&mut self, news: &News<'_>, style: Style) {
        let mut words = String::new();
        append_words(news, &mut words);
        for line in words.lines() {
            self.line(style, line);
        }
    }

    fn line(&mut self, style: Style, line: &str) {
        self.ability.append(style, line, &mut self.above);
        self.above.push('\n');
    }
}

#[cfg(test)]
mod tests;
