//! The line door's words: what events and entries look like in plain text.
//!
//! The formats are exact, because scripts rely on them. The bundled client uses the same words when
//! its output is not a terminal. Texts may have several lines, and then each comes out with the
//! whole prefix, so that no line can pass for something else; reasons and topics are flattened
//! into the one line they are part of.

use crate::chat::refusal::Ago;
use crate::chat::{Event, Kept, Name, Parting, RoomName};
use crate::wire::message::{BodyView, EntryView};
use std::fmt;
use std::io::Write as _;

/// Whether an entry is shown as it happens or from the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// As it happens.
    Live,
    /// From the past, with its time in front.
    Past,
}

/// Appends what the line door says of `event`.
///
/// Nothing for what only sealed clients are told, nor for [`Event::ReplayEnd`] and
/// [`Event::Missed`], whose room has to be named: [`encode_replay_end`], [`encode_missed`].
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    match event {
        Event::Banner(kept) => encode_banner(*kept, out),
        Event::AskName => encode_notice("Your name?", out),
        Event::Notice(text) => encode_notice(text, out),
        Event::Refused(_, refusal) => encode_error(&refusal.to_string(), out),
        Event::Stored {
            sent: Some(sent), ..
        } => encode_sent(sent.to, sent.away.as_deref(), out),
        Event::Bye(why) => encode_bye(why.as_deref(), out),
        Event::Stored { sent: None, .. }
        | Event::Welcome(_)
        | Event::Entered { .. }
        | Event::Inbox(_)
        | Event::Exited(_)
        | Event::Current(_)
        | Event::Renamed(_)
        | Event::Done(_)
        | Event::ReplayEnd { .. }
        | Event::Missed { .. }
        | Event::Ping => {}
    }
}

/// Appends `entry` of `room`, or of an inbox when there is none, as one line or several.
pub fn encode_entry(
    entry: &EntryView<'_>,
    room: Option<&RoomName>,
    tense: Tense,
    out: &mut Vec<u8>,
) {
    let (author, place) = (entry.author, Place(room));
    let time = match tense {
        Tense::Live => Stamp(None),
        Tense::Past => Stamp(Some(entry.unix_seconds)),
    };
    match entry.body {
        BodyView::Said(text) => lines(format_args!("{time}[{place}] {author}: "), text, out),
        BodyView::Acted(text) => lines(format_args!("{time}[{place}] * {author} "), text, out),
        BodyView::Received(text) => lines(format_args!("{time}[{author}] "), text, out),
        BodyView::Sent(text) => lines(format_args!("{time}-> to {author}: "), text, out),
        BodyView::Joined { here } => line(
            format_args!("{time} * {place}: {author} joined ({here} here)"),
            out,
        ),
        BodyView::Left { after, how, why } => {
            let after = Ago(after);
            match how {
                Parting::Left => {
                    let why = Aside(why);
                    let words = format_args!("{time} * {place}: {author} left after {after}{why}");
                    line(words, out);
                }
                Parting::Lost(loss) => line(
                    format_args!(
                        "{time} * {place}: {author} lost the connection after {after} ({loss})"
                    ),
                    out,
                ),
            }
        }
        BodyView::Renamed { to } => {
            line(format_args!("{time} * {place}: {author} is now {to}"), out)
        }
        BodyView::Topic(text) => {
            let text = Flat(text);
            let words = format_args!("{time} * {place}: {author} set the topic: {text}");
            line(words, out);
        }
        BodyView::Counted {
            arrived,
            departed,
            here,
        } => line(
            format_args!("{time} * {place}: +{arrived}, -{departed}, {here} here"),
            out,
        ),
    }
}

/// Appends that `count` earlier entries of `room`, or of the inbox, were shown.
pub fn encode_replay_end(room: Option<&RoomName>, count: u64, out: &mut Vec<u8>) {
    let place = Place(room);
    line(
        format_args!("-> {place}: {count} earlier lines end here"),
        out,
    );
}

/// Appends that `count` entries of `room`, or of the inbox, will never be shown.
pub fn encode_missed(room: Option<&RoomName>, count: u64, out: &mut Vec<u8>) {
    let place = Place(room);
    line(
        format_args!("-> {place}: {count} missed, they are no longer kept"),
        out,
    );
}

/// Appends an answer or a notice, each of its lines marked.
pub fn encode_notice(text: &str, out: &mut Vec<u8>) {
    lines(format_args!("-> "), text, out);
}

/// Appends that something was refused: what, why, what to do.
pub fn encode_error(text: &str, out: &mut Vec<u8>) {
    lines(format_args!("Err: "), text, out);
}

/// Appends that a private message to `to` is stored, and what they say of being away.
pub fn encode_sent(to: Name, away: Option<&str>, out: &mut Vec<u8>) {
    let away = away.filter(|text| !text.is_empty());
    match away {
        Some(text) => line(format_args!("-> sent to {to} (away: {})", Flat(text)), out),
        None => line(format_args!("-> sent to {to}"), out),
    }
}

/// Appends the last words.
pub fn encode_bye(why: Option<&str>, out: &mut Vec<u8>) {
    line(format_args!("-> Bye{}.", Aside(why)), out);
}

fn encode_banner(kept: Kept, out: &mut Vec<u8>) {
    let kept = match kept {
        Kept::Stored => "kept",
        Kept::InMemory => "kept until the server stops",
        Kept::No => "not kept",
    };
    line(
        format_args!(
            "-> Welcome to Parlour. This door is not encrypted. What is said in #lobby is {kept}."
        ),
        out,
    );
}

fn line(words: fmt::Arguments<'_>, out: &mut Vec<u8>) {
    out.write_fmt(words)
        .expect("a vector takes whatever is written");
    out.push(b'\n');
}

/// Appends each line of `text` behind `prefix`. A line end at the end of `text` begins no line.
fn lines(prefix: fmt::Arguments<'_>, text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.write_fmt(prefix)
        .expect("a vector takes whatever is written");
    let prefix = start..out.len();
    let text = text.strip_suffix('\n').unwrap_or(text);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.extend_from_within(prefix.clone());
        }
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}

/// A room's name with its `#`, or the word for an inbox.
struct Place<'a>(Option<&'a RoomName>);

/// A text within a line: what would end the line becomes a space.
struct Flat<'a>(&'a str);

/// A text in parentheses with a space before; nothing when there is none.
struct Aside<'a>(Option<&'a str>);

/// A time in front of a line, seconds since 1970, as `2026-03-01T12:04:05Z `; nothing when there is
/// none.
struct Stamp(Option<u64>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(room) => write!(f, "{room}"),
            None => f.write_str("private"),
        }
    }
}

impl fmt::Display for Flat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.0.split(['\n', '\r']).enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(piece)?;
        }
        Ok(())
    }
}

impl fmt::Display for Aside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None | Some("") => Ok(()),
            Some(text) => write!(f, " ({})", Flat(text)),
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let Some(unix_seconds) = self.0 else {
            return Ok(());
        };
        let (year, month, day) = date(unix_seconds / DAY);
        let hour = unix_seconds % DAY / HOUR;
        let minute = unix_seconds % HOUR / MINUTE;
        let second = unix_seconds % MINUTE;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z "
        )
    }
}

/// The year, month and day that is `days` after 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    /// After so many years, and so many days, the calendar repeats.
    const CYCLE_YEARS: u64 = 400;
    const CYCLE_DAYS: u64 = 146_097;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(CYCLE_YEARS))
    };
    let mut year = 1970 + days / CYCLE_DAYS * CYCLE_YEARS;
    let mut day = days % CYCLE_DAYS;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}
