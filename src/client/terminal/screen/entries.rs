//! Entries: how what happens in a room looks to somebody who sits there.

use super::Screen;
use crate::chat::{Name, RoomName};
use crate::client::safe::safe;
use crate::client::settings::Bell;
use crate::client::terminal::style::Style;
use crate::wire::line::{Tense, encode_entry};
use crate::wire::message::{BodyView, EntryView};

/// What stands before each line of a text.
struct Prefix {
    before: String,
    author: Option<Name>,
    behind: String,
    style: Style,
}

impl Screen {
    /// Shows an entry of `room`, or of the inbox.
    pub(super) fn entry(
        &mut self,
        entry: &EntryView<'_>,
        room: Option<RoomName>,
        past: bool,
        own: bool,
    ) {
        let is_own = own || self.name == Some(entry.author);
        self.meet(entry, is_own);
        let Some((prefix, text)) = prefix(entry, room) else {
            return self.happening(entry, room);
        };
        // In an inbox the author of what one wrote oneself is who got it.
        let is_sent = matches!(entry.body, BodyView::Sent(_));
        if !is_own
            && !is_sent
            && let Some(mark) = self.marks.said(past, room)
        {
            self.line(Style::Mark, &mark);
        }
        let time = self.time(entry.unix_seconds);
        let safe_text = safe(text);
        let called = self
            .name
            .filter(|name| !is_own && !is_sent && mentions(&safe_text, *name).next().is_some());
        for line in safe_text
            .strip_suffix('\n')
            .unwrap_or(&safe_text)
            .split('\n')
        {
            self.ability.append(Style::Faint, &time, &mut self.above);
            self.append_prefix(&prefix);
            match called {
                Some(name) => self.append_marked(line, name, prefix.style),
                None => self.ability.append(prefix.style, line, &mut self.above),
            }
            self.above.push('\n');
        }
        let is_private = matches!(entry.body, BodyView::Received(_));
        let rings = match self.bell_when {
            Bell::Off => false,
            Bell::Pm => is_private,
            Bell::All => is_private || called.is_some(),
        };
        self.bell |= rings && !past && !is_own;
    }

    /// Remembers who did something.
    fn meet(&mut self, entry: &EntryView<'_>, own: bool) {
        let author = entry.author;
        match entry.body {
            BodyView::Said(_) | BodyView::Acted(_) if own => {}
            BodyView::Said(_) | BodyView::Acted(_) | BodyView::Received(_) | BodyView::Sent(_) => {
                self.people.spoke(author)
            }
            BodyView::Joined { .. } | BodyView::Topic(_) if own => {}
            BodyView::Joined { .. } | BodyView::Topic(_) => self.people.seen(author),
            BodyView::Renamed { to } if own => self.people.forget(to),
            BodyView::Renamed { to } => self.people.renamed(author, to),
            BodyView::Left { .. } | BodyView::Kicked { .. } | BodyView::Counted { .. } => {}
        }
    }

    /// Shows what is not said by anybody.
    fn happening(&mut self, entry: &EntryView<'_>, room: Option<RoomName>) {
        let is_coming_or_going = match entry.body {
            BodyView::Joined { .. }
            | BodyView::Left { .. }
            | BodyView::Renamed { .. }
            | BodyView::Counted { .. } => true,
            BodyView::Kicked { .. } | BodyView::Topic(_) => false,
            BodyView::Said(_) | BodyView::Acted(_) | BodyView::Received(_) | BodyView::Sent(_) => {
                false
            }
        };
        if is_coming_or_going && self.is_quiet {
            return;
        }
        let time = self.time(entry.unix_seconds);
        let mut words = Vec::new();
        encode_entry(entry, room.as_ref(), Tense::Live, &mut words);
        for line in safe(&String::from_utf8_lossy(&words)).lines() {
            self.line(Style::Faint, &format!("{time}{line}"));
        }
    }

    /// The time in front of a line; when it is of another day than the line before, that is said
    /// first.
    fn time(&mut self, unix_seconds: u64) -> String {
        let moment = self.zone.moment(unix_seconds);
        if self.day.replace(moment.day()) != Some(moment.day()) {
            self.line(Style::Notice, &format!("-- {}", moment.day()));
        }
        format!("{moment} ")
    }

    fn append_prefix(&mut self, prefix: &Prefix) {
        self.ability
            .append(prefix.style, &prefix.before, &mut self.above);
        if let Some(author) = prefix.author {
            let style = Style::Person(author);
            self.ability.append(style, author.as_str(), &mut self.above);
        }
        self.ability
            .append(prefix.style, &prefix.behind, &mut self.above);
    }

    /// Appends `line` with each mention of `name` marked.
    fn append_marked(&mut self, line: &str, name: Name, style: Style) {
        let mut rest = 0;
        for place in mentions(line, name) {
            let end = place + name.as_str().len();
            self.ability
                .append(style, &line[rest..place], &mut self.above);
            self.ability
                .append(Style::Marked, &line[place..end], &mut self.above);
            rest = end;
        }
        self.ability.append(style, &line[rest..], &mut self.above);
    }
}

/// How what somebody says begins, and what it is; nothing when nobody says anything.
fn prefix<'a>(entry: &EntryView<'a>, room: Option<RoomName>) -> Option<(Prefix, &'a str)> {
    let place = room.map_or("private".to_owned(), |room| room.to_string());
    let author = entry.author;
    let public = |before: String, behind: &str| Prefix {
        before,
        author: Some(author),
        behind: behind.to_owned(),
        style: Style::Plain,
    };
    let private = |before: String| Prefix {
        before,
        author: None,
        behind: String::new(),
        style: Style::Private,
    };
    Some(match entry.body {
        BodyView::Said(text) => (public(format!("[{place}] "), ": "), text),
        BodyView::Acted(text) => (public(format!("[{place}] * "), " "), text),
        BodyView::Received(text) => (private(format!("[{author} -> you] ")), text),
        BodyView::Sent(text) => (private(format!("[you -> {author}] ")), text),
        BodyView::Joined { .. }
        | BodyView::Left { .. }
        | BodyView::Kicked { .. }
        | BodyView::Renamed { .. }
        | BodyView::Topic(_)
        | BodyView::Counted { .. } => return None,
    })
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
