//! What the user sees of the news: lines with times and colours, own name marked. Pure.

use std::fmt::Write;

use crate::chat::{Name, RoomName};
use crate::client::news::{Apart, News};
use crate::client::safe::{safe, safe_row};
use crate::client::words::append_words;
use crate::wire::line::{Tense, encode_entry};
use crate::wire::message::{BodyView, EntryView};

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const CYAN: &str = "\x1b[36m";
const MAGENTA: &str = "\x1b[35m";
const MARKED: &str = "\x1b[1;33m";
const BELL: char = '\x07';

const SECONDS_PER_MINUTE: u64 = 60;
const MINUTES_PER_HOUR: u64 = 60;
const HOURS_PER_DAY: u64 = 24;

/// Turns news into lines, and holds them until they are painted.
pub(super) struct Screen {
    coloured: bool,
    rings: bool,
    name: Option<Name>,
    /// Whether a connection was there before.
    was_connected: bool,
    /// Whether the session goes on from before, so that its rooms are known.
    is_resumed: bool,
    /// Whether the terminal is to ring.
    bell: bool,
    /// Lines to be painted above the row, each ended by LF.
    pub(super) above: String,
}

impl Screen {
    pub(super) fn new(coloured: bool) -> Self {
        Self {
            coloured,
            rings: true,
            name: None,
            was_connected: false,
            is_resumed: false,
            bell: false,
            above: String::new(),
        }
    }

    /// Whether one's own name rings the bell from now on.
    pub(super) fn set_rings(&mut self, rings: bool) {
        self.rings = rings;
    }

    /// Tells that a key had no effect.
    pub(super) fn ring(&mut self) {
        self.bell = self.rings;
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
            self.line(CYAN, &format!("-- {line}"));
        }
    }

    /// Says that something went wrong.
    pub(super) fn complain(&mut self, words: &str) {
        for line in words.lines() {
            self.line(RED, line);
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
                let mut words = Vec::new();
                let tense = if past { Tense::Past } else { Tense::Live };
                encode_entry(entry, room.as_ref(), tense, &mut words);
                self.entry(entry, past, own, &String::from_utf8_lossy(&words));
                if let (false, Some(room)) = (past, room) {
                    self.explain_kick(entry, room);
                }
            }
            News::Welcome {
                name,
                resumed,
                history_reset,
            } => {
                if history_reset {
                    self.words(news, CYAN);
                }
                self.name = Some(name);
                self.is_resumed = resumed;
                match (resumed, std::mem::replace(&mut self.was_connected, true)) {
                    (true, _) => self.say("connected again"),
                    (false, true) => self.say("connected again, in a new session"),
                    (false, false) => {}
                }
            }
            News::Renamed(name) => self.name = Some(name),
            News::Entered {
                room,
                topic: Some(topic),
            } if !self.is_resumed => {
                let topic = safe_row(topic);
                self.line(DIM, &format!(" * {room} is about: {topic}"));
            }
            News::Refused { .. } | News::NotSent { .. } => self.words(news, RED),
            News::Notice(_) | News::Sent { .. } | News::Missed { .. } => self.words(news, CYAN),
            News::ReplayEnd { count, .. } if count > 0 => self.words(news, CYAN),
            News::Apart(Apart { why, again_after }) => {
                let why = safe_row(why);
                match again_after {
                    Some(wait) => self.complain(&format!(
                        "{why}; trying again in {:.1} s (what you type is sent then)",
                        wait.as_secs_f32()
                    )),
                    None => self.complain(&why),
                }
            }
            News::Trace(frame) => self.line(DIM, &safe_row(frame)),
            News::ServerKey(_)
            | News::AskName
            | News::AskSecret(_)
            | News::LoggedIn(_)
            | News::Entered { .. }
            | News::ReplayEnd { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Bye(_)
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_) => {}
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
    fn words(&mut self, news: &News<'_>, colour: &str) {
        let mut words = String::new();
        append_words(news, &mut words);
        for line in words.lines() {
            self.line(colour, line);
        }
    }

    fn entry(&mut self, entry: &EntryView<'_>, past: bool, own: bool, words: &str) {
        let (colour, text) = match entry.body {
            BodyView::Said(text) | BodyView::Acted(text) => ("", Some(text)),
            BodyView::Received(text) | BodyView::Sent(text) => (MAGENTA, Some(text)),
            BodyView::Offered(_)
            | BodyView::Joined { .. }
            | BodyView::Left { .. }
            | BodyView::Kicked { .. }
            | BodyView::Renamed { .. }
            | BodyView::Topic(_)
            | BodyView::Counted { .. } => (DIM, None),
        };
        let time = match past {
            // Its words begin with date and time.
            true => String::new(),
            false => clock_time(entry.unix_seconds),
        };
        let called = self
            .name
            .filter(|name| !own && text.is_some_and(|text| mentions(text, *name).next().is_some()));
        for line in safe(words).lines() {
            self.above.push_str(&self.paint(DIM, &time));
            match called {
                Some(name) => {
                    let marked = self.mark(line, name);
                    self.above.push_str(&marked);
                }
                None => self.above.push_str(&self.paint(colour, line)),
            }
            self.above.push('\n');
        }
        if called.is_some() && !past {
            self.ring();
        }
    }

    /// `line` with each mention of `name` marked, but for the author's.
    fn mark(&self, line: &str, name: Name) -> String {
        let mut marked = String::new();
        let mut rest = 0;
        for place in mentions(line, name) {
            let end = place + name.as_str().len();
            marked.push_str(&line[rest..place]);
            marked.push_str(&self.paint(MARKED, &line[place..end]));
            rest = end;
        }
        marked.push_str(&line[rest..]);
        marked
    }

    fn line(&mut self, colour: &str, line: &str) {
        let painted = self.paint(colour, line);
        self.above.push_str(&painted);
        self.above.push('\n');
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        match self.coloured && !colour.is_empty() && !text.is_empty() {
            true => format!("{colour}{text}{RESET}"),
            false => text.to_owned(),
        }
    }
}

/// Where `name` stands in `text` as a word of its own, in any case.
fn mentions(text: &str, name: Name) -> impl Iterator<Item = usize> {
    let length = name.as_str().len();
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let bytes = text.as_bytes();
    (0..text.len().saturating_sub(length - 1)).filter(move |&start| {
        let end = start + length;
        bytes[start..end].eq_ignore_ascii_case(name.as_str().as_bytes())
            && !is_part(start.checked_sub(1).and_then(|before| bytes.get(before)))
            && !is_part(bytes.get(end))
    })
}

/// `hh:mm ` of the day, in UTC.
fn clock_time(unix_seconds: u64) -> String {
    let minutes = unix_seconds / SECONDS_PER_MINUTE;
    let (hour, minute) = (minutes / MINUTES_PER_HOUR, minutes % MINUTES_PER_HOUR);
    let mut time = String::new();
    let _ = write!(time, "{:02}:{minute:02} ", hour % HOURS_PER_DAY);
    time
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::EntryId;

    fn said<'a>(author: &str, text: &'a str, own: bool) -> News<'a> {
        News::Entry {
            room: RoomName::parse("lobby").ok(),
            past: false,
            own,
            entry: EntryView {
                room: 1,
                id: Some(EntryId(1)),
                unix_seconds: 1_767_225_600 + 13 * 3_600 + 5 * 60,
                author: Name::parse(author).unwrap(),
                body: BodyView::Said(text),
            },
        }
    }

    fn screen(coloured: bool) -> Screen {
        let mut screen = Screen::new(coloured);
        screen.name = Name::parse("alice").ok();
        screen
    }

    fn rings(screen: &mut Screen) -> bool {
        let mut out = String::new();
        screen.append_bell(&mut out);
        !out.is_empty()
    }

    #[test]
    fn what_is_said_has_a_time_and_each_line_its_prefix() {
        let mut screen = screen(false);
        screen.hear(&said("bob", "one\ntwo\u{1b}[2J", false));
        assert_eq!(
            screen.above,
            "13:05 [#lobby] bob: one\n13:05 [#lobby] bob: two[2J\n"
        );
    }

    #[test]
    fn ones_own_name_is_marked_and_rings() {
        let mut screen = screen(true);
        screen.hear(&said("bob", "Alice, malice, alice", false));
        assert!(rings(&mut screen));
        assert_eq!(screen.above.matches(MARKED).count(), 2);
        screen.above.clear();
        screen.set_rings(false);
        screen.hear(&said("bob", "alice", false));
        assert!(!rings(&mut screen));
        screen.above.clear();
        screen.set_rings(true);
        screen.hear(&said("alice", "alice said so", true));
        assert!(!rings(&mut screen));
        assert!(!screen.above.contains(MARKED));
    }

    #[test]
    fn who_was_kicked_is_told_how_to_come_back() {
        let mut screen = screen(false);
        let mut kicked = |whom: &str| {
            screen.hear(&News::Entry {
                room: RoomName::parse("den").ok(),
                past: false,
                own: false,
                entry: EntryView {
                    room: 1,
                    id: None,
                    unix_seconds: 1_767_225_600,
                    author: Name::parse(whom).unwrap(),
                    body: BodyView::Kicked {
                        by: Name::parse("carol").unwrap(),
                        why: Some("noise"),
                    },
                },
            });
            std::mem::take(&mut screen.above)
        };
        let told = kicked("alice");
        assert!(told.contains("alice was kicked by carol (noise)"), "{told}");
        assert!(told.contains("/join #den"), "{told}");
        assert!(!kicked("bob").contains("/join"));
    }

    #[test]
    fn without_colour_no_escape_sequence_is_written() {
        let mut screen = screen(false);
        screen.hear(&said("bob", "alice!", false));
        screen.hear(&News::Refused {
            text: "no",
            of_command: true,
        });
        screen.hear(&News::Notice("hello"));
        assert!(!screen.above.contains('\x1b'));
        assert!(screen.above.ends_with("Err: no\n-> hello\n"));
    }
}
