//! The line door's words: what events and entries look like in plain text.
//!
//! The formats are exact, because scripts rely on them. The bundled client uses the same words when
//! its output is not a terminal. Texts may have several lines, and then each comes out with the
//! whole prefix, so that no line can pass for something else; reasons and topics are flattened
//! into the one line they are part of.

use crate::chat::span::Ago;
use crate::chat::{Event, Hit, Kept, Name, Parting, RoomId, RoomName, SecretPrompt, Size, Way};
use crate::wire::message::{BodyView, EntryView, OfferView};
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
        Event::AskSecret(prompt) => encode_secret_prompt(*prompt, out),
        Event::Notice(text) => encode_notice(text, out),
        Event::Found(hits) => encode_hits(hits, out),
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
        | Event::ReplayBegin { .. }
        | Event::ReplayEnd { .. }
        | Event::Missed { .. }
        | Event::File(_)
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
        BodyView::Offered(offer) => encode_offer(&time, author, &place, &offer, out),
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
        BodyView::Kicked { by, why } => {
            let why = Aside(why);
            let words = format_args!("{time} * {place}: {author} was kicked by {by}{why}");
            line(words, out);
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

/// Appends that a file is offered.
fn encode_offer(
    time: &Stamp,
    author: Name,
    place: &Place<'_>,
    offer: &OfferView<'_>,
    out: &mut Vec<u8>,
) {
    let (name, size, number) = (Flat(offer.name), Size(offer.bytes), offer.file);
    match offer.way {
        Way::ToRoom => line(
            format_args!(
                "{time} * {place}: {author} offers {name} ({size}), N {number}; \
                 fetch it with the client"
            ),
            out,
        ),
        Way::Received => line(
            format_args!(
                "{time}[{author}] * {author} offers {name} ({size}), N {number}; \
                 fetch it with the client"
            ),
            out,
        ),
        Way::Sent => line(
            format_args!("{time}-> to {author}: you offer {name} ({size}), N {number}"),
            out,
        ),
    }
}

/// Appends what a search found: each as it would be shown from the past.
pub fn encode_hits(hits: &[Hit], out: &mut Vec<u8>) {
    for hit in hits {
        // The number is of no use to a reader of lines.
        let view = EntryView::of(RoomId(0), &hit.entry);
        encode_entry(&view, hit.room.as_ref(), Tense::Past, out);
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

/// Appends what secret is wanted. What is typed into a plain connection is seen, so that is said.
fn encode_secret_prompt(prompt: SecretPrompt, out: &mut Vec<u8>) {
    let seen = "(it will be visible as you type)";
    let words = match prompt {
        SecretPrompt::Login(name) => format!("Password for {name}? {seen}"),
        SecretPrompt::Current => format!("Your password as it is? {seen}"),
        SecretPrompt::New => format!("The new password? {seen}"),
        SecretPrompt::Again => "The new password once more?".to_owned(),
    };
    encode_notice(&words, out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Body, Entry, EntryId, Loss, MessageKey, Refusal, Sent};
    use std::time::Duration;

    /// 2026-03-01T12:04:05Z.
    const THEN_UNIX_SECONDS: u64 = 1_772_366_645;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn of_event(event: &Event) -> String {
        written(|out| encode_event(event, out))
    }

    fn of_entry(author: &str, body: BodyView<'_>, room: Option<&str>, tense: Tense) -> String {
        let room = room.map(|text| RoomName::parse(text).unwrap());
        let entry = EntryView {
            room: 1,
            id: Some(EntryId(1)),
            unix_seconds: THEN_UNIX_SECONDS,
            author: name(author),
            body,
        };
        written(|out| encode_entry(&entry, room.as_ref(), tense, out))
    }

    #[test]
    fn what_is_said_in_a_room() {
        let live = |body| of_entry("bob", body, Some("lobby"), Tense::Live);
        assert_eq!(live(BodyView::Said("hello")), "[#lobby] bob: hello\n");
        assert_eq!(live(BodyView::Acted("waves")), "[#lobby] * bob waves\n");
        let past = |body| of_entry("bob", body, Some("lobby"), Tense::Past);
        assert_eq!(
            past(BodyView::Said("hello")),
            "2026-03-01T12:04:05Z [#lobby] bob: hello\n"
        );
    }

    #[test]
    fn what_is_said_in_private() {
        let live = |body| of_entry("bob", body, None, Tense::Live);
        assert_eq!(live(BodyView::Received("psst")), "[bob] psst\n");
        assert_eq!(live(BodyView::Sent("psst")), "-> to bob: psst\n");
        let past = of_entry("bob", BodyView::Received("psst"), None, Tense::Past);
        assert_eq!(past, "2026-03-01T12:04:05Z [bob] psst\n");
    }

    #[test]
    fn every_line_of_a_text_has_the_whole_prefix() {
        let past = |text| of_entry("bob", BodyView::Said(text), Some("lobby"), Tense::Past);
        assert_eq!(
            past("one\n\nErr: three\n"),
            "2026-03-01T12:04:05Z [#lobby] bob: one\n\
             2026-03-01T12:04:05Z [#lobby] bob: \n\
             2026-03-01T12:04:05Z [#lobby] bob: Err: three\n"
        );
        assert_eq!(of_event(&Event::Notice("a\nb".into())), "-> a\n-> b\n");
        let private = |body| of_entry("bob", body, None, Tense::Live);
        assert_eq!(private(BodyView::Received("a\nb")), "[bob] a\n[bob] b\n");
        assert_eq!(
            private(BodyView::Sent("a\nb")),
            "-> to bob: a\n-> to bob: b\n"
        );
        let acted = of_entry("bob", BodyView::Acted("a\nb"), Some("den"), Tense::Live);
        assert_eq!(acted, "[#den] * bob a\n[#den] * bob b\n");
    }

    #[test]
    fn who_comes_and_goes() {
        let live = |body| of_entry("bob", body, Some("lobby"), Tense::Live);
        let left = |how, why| {
            let after = Duration::from_secs(4 * 60 + 59);
            live(BodyView::Left { after, how, why })
        };
        assert_eq!(
            live(BodyView::Joined { here: 3 }),
            " * #lobby: bob joined (3 here)\n"
        );
        assert_eq!(
            left(Parting::Left, Some("bye")),
            " * #lobby: bob left after 4m (bye)\n"
        );
        assert_eq!(left(Parting::Left, None), " * #lobby: bob left after 4m\n");
        assert_eq!(
            left(Parting::Left, Some("")),
            " * #lobby: bob left after 4m\n"
        );
        assert_eq!(
            left(Parting::Lost(Loss::Reset), None),
            " * #lobby: bob lost the connection after 4m (reset)\n"
        );
        let counted = BodyView::Counted {
            arrived: 312,
            departed: 40,
            here: 8_204,
        };
        assert_eq!(live(counted), " * #lobby: +312, -40, 8204 here\n");
        assert_eq!(
            live(BodyView::Renamed { to: name("rob") }),
            " * #lobby: bob is now rob\n"
        );
    }

    #[test]
    fn topics_and_reasons_stay_in_their_line() {
        let topic = of_entry("alice", BodyView::Topic("a\nb"), Some("lobby"), Tense::Live);
        assert_eq!(topic, " * #lobby: alice set the topic: a b\n");
        assert_eq!(
            of_event(&Event::Bye(Some("a\r\nb".into()))),
            "-> Bye (a  b).\n"
        );
    }

    #[test]
    fn what_one_is_told() {
        assert_eq!(
            of_event(&Event::Banner(Kept::Stored)),
            "-> Welcome to Parlour. This door is not encrypted. What is said in #lobby is kept.\n"
        );
        assert!(
            of_event(&Event::Banner(Kept::InMemory))
                .ends_with(" What is said in #lobby is kept until the server stops.\n")
        );
        assert!(of_event(&Event::Banner(Kept::No)).ends_with(" in #lobby is not kept.\n"));
        assert_eq!(of_event(&Event::AskName), "-> Your name?\n");
        assert_eq!(of_event(&Event::Bye(None)), "-> Bye.\n");
        assert_eq!(
            of_event(&Event::Bye(Some("the server is stopping".into()))),
            "-> Bye (the server is stopping).\n"
        );
        assert_eq!(
            of_event(&Event::Refused(None, Refusal::InNoRoom)),
            "Err: you are in no room; /rooms lists them, /join ROOM enters one\n"
        );
    }

    #[test]
    fn what_was_found_comes_from_the_past() {
        let hit = |room: Option<&str>, body| Hit {
            room: room.map(|text| RoomName::parse(text).unwrap()),
            entry: Entry {
                id: Some(EntryId(7)),
                unix_ms: THEN_UNIX_SECONDS * 1_000,
                author: name("bob"),
                origin: None,
                body,
            },
        };
        let hits = [
            hit(Some("lobby"), Body::Said("hello".into())),
            hit(None, Body::Received("psst".into())),
        ];
        assert_eq!(
            of_event(&Event::Found(hits.into())),
            "2026-03-01T12:04:05Z [#lobby] bob: hello\n2026-03-01T12:04:05Z [bob] psst\n"
        );
        assert_eq!(of_event(&Event::Found([].into())), "");
    }

    #[test]
    fn acknowledgements_are_told_of_private_messages_only() {
        let stored = |sent| {
            let (key, room, id) = (MessageKey(1), RoomId(1), EntryId(1));
            of_event(&Event::Stored {
                key,
                room,
                id,
                sent,
            })
        };
        let sent = |away: Option<&str>| {
            let (to, away) = (name("bob"), away.map(Into::into));
            stored(Some(Sent { to, away }))
        };
        assert_eq!(stored(None), "");
        assert_eq!(sent(None), "-> sent to bob\n");
        assert_eq!(sent(Some("lunch")), "-> sent to bob (away: lunch)\n");
    }

    #[test]
    fn ends_of_replays_and_gaps_name_their_room() {
        let lobby = RoomName::parse("lobby").unwrap();
        let end = |room, count| written(|out| encode_replay_end(room, count, out));
        assert_eq!(
            end(Some(&lobby), 20),
            "-> #lobby: 20 earlier lines end here\n"
        );
        assert_eq!(
            end(Some(&lobby), 0),
            "-> #lobby: 0 earlier lines end here\n"
        );
        assert_eq!(end(None, 1), "-> private: 1 earlier lines end here\n");
        let missed = written(|out| encode_missed(Some(&lobby), 7, out));
        assert_eq!(missed, "-> #lobby: 7 missed, they are no longer kept\n");
    }

    #[test]
    fn what_only_sealed_clients_are_told_is_nothing_here() {
        let room = RoomId(1);
        for event in [
            Event::Inbox(room),
            Event::Exited(room),
            Event::Current(None),
            Event::Renamed(name("bob")),
            Event::Done(MessageKey(1)),
            Event::ReplayEnd { room, count: 1 },
            Event::Missed { room, count: 1 },
            Event::Ping,
        ] {
            assert_eq!(of_event(&event), "");
        }
    }

    #[test]
    fn known_dates_are_written_right() {
        let stamp = |unix_seconds| Stamp(Some(unix_seconds)).to_string();
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z ");
        assert_eq!(stamp(68_169_600), "1972-02-29T00:00:00Z ");
        assert_eq!(stamp(951_868_799), "2000-02-29T23:59:59Z ");
        assert_eq!(stamp(951_868_800), "2000-03-01T00:00:00Z ");
        assert_eq!(stamp(1_767_225_599), "2025-12-31T23:59:59Z ");
        assert_eq!(stamp(THEN_UNIX_SECONDS), "2026-03-01T12:04:05Z ");
        assert_eq!(stamp(4_107_542_400), "2100-03-01T00:00:00Z ");
        assert_eq!(stamp(13_574_563_200), "2400-02-29T00:00:00Z ");
        assert!(stamp(u64::MAX).ends_with("Z "));
    }

    #[test]
    fn every_day_of_a_cycle_follows_the_one_before() {
        let mut yesterday = date(0);
        for days in 1..=146_097 {
            let (year, month, day) = date(days);
            let follows = match yesterday {
                (y, m, d) if (year, month) == (y, m) => day == d + 1,
                (y, m, _) if year == y => (month, day) == (m + 1, 1),
                (y, m, d) => (y + 1, 12, 31, 1, 1) == (year, m, d, month, day),
            };
            assert!(follows, "{yesterday:?} and then {:?}", (year, month, day));
            yesterday = (year, month, day);
        }
        assert_eq!(yesterday, (2370, 1, 1));
    }
}
