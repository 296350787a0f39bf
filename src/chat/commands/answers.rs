//! Answers that list things. Each is bounded; what is left out can be asked for by its beginning.

use super::super::command::{Audience, TABLE, find};
use super::super::name::Name;
use super::super::people::{PersonId, begins_with};
use super::super::refusal::Refusal;
use super::super::rooms::{Room, listed};
use super::super::seats::Seat;
use super::super::{Chat, ClientId, Door, Effects, RoomRef};
use super::{Answer, Asker};
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_LINES_MAX, NAMES_LISTED_MAX, ROOM_NAME_BYTES_MAX};
use std::fmt::Write;

impl Chat {
    /// Lists who is in a room.
    pub(super) fn names(
        &mut self,
        asker: Asker,
        room: Option<&str>,
        prefix: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let id = self.own_room(asker, room.map(RoomRef::Name))?;
        let mut room = self.rooms.get(id).ok_or(Refusal::InNoRoom)?;
        let (mut id, mut prefix) = (id, prefix.unwrap_or(""));
        let (mut names, mut next) = self.members_beginning_with(room, prefix);
        // A word that begins nobody's name may be a room's without its `#`.
        if names.is_empty()
            && let Ok(meant) = self.own_room(asker, Some(RoomRef::Name(prefix)))
            && let Some(state) = self.rooms.get(meant)
        {
            (id, room, prefix) = (meant, state, "");
            (names, next) = self.members_beginning_with(room, prefix);
        }
        let mut text = format!("names {}:", room.name);
        let expected = "a string takes everything";
        for (name, member) in names {
            // An account is listed once, and marked if any of its connections here is plain.
            let mut sessions = self.people.all_named(name);
            let is_plain = sessions.any(|(session, person)| {
                person.door == Door::Line && room.members.contains_key(&session)
            });
            let may_moderate = self.role(member, id).is_some();
            write!(text, " {}", listed(name, may_moderate, is_plain)).expect(expected);
        }
        if let Some(next) = next {
            write!(text, " ... more: /names {} {}", room.name, next).expect(expected);
        }
        Self::notice(asker.client, text, effects);
        Ok(Answer::Done)
    }

    /// The first so many members whose names begin with `prefix`, and how those after them begin.
    ///
    /// Walks whichever is shorter: the members, or everybody of that prefix.
    fn members_beginning_with(
        &self,
        room: &Room,
        prefix: &str,
    ) -> (Vec<(Name, PersonId)>, Option<String>) {
        let is_most = room.members.len() >= self.people.count() / CROWD_SHARE;
        let mut names: Vec<(Name, PersonId)> = if is_most {
            let everybody = self.people.beginning_with(prefix);
            let members = everybody.filter(|(_, person)| room.members.contains_key(person));
            let mut last = None;
            let once = members.filter(|(name, _)| last.replace(*name) != Some(*name));
            once.take(NAMES_LISTED_MAX + 1).collect()
        } else {
            let members = room.members.keys();
            let named =
                members.filter_map(|member| Some((self.people.get(*member)?.name, *member)));
            let mut names: Vec<_> = named
                .filter(|(name, _)| begins_with(name.as_str(), prefix))
                .collect();
            names.sort_unstable();
            names.dedup_by_key(|(name, _)| *name);
            names.truncate(NAMES_LISTED_MAX + 1);
            names
        };
        let rest = names.get(NAMES_LISTED_MAX - 1..=NAMES_LISTED_MAX);
        let next = rest.map(|rest| beginning(rest[0].0.as_str(), rest[1].0.as_str()));
        names.truncate(NAMES_LISTED_MAX);
        (names, next)
    }

    /// Lists the rooms one may see.
    pub(super) fn list_rooms(
        &mut self,
        asker: Asker,
        prefix: Option<&str>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        let prefix = prefix.unwrap_or("");
        let prefix = prefix.strip_prefix('#').unwrap_or(prefix);
        let is_admin = self.is_admin(asker.id);
        let (mut page, mut last) = (Page::default(), "");
        for (id, room) in self.rooms.by_name() {
            if !begins_with(room.name.as_str(), prefix) {
                continue;
            }
            let is_shown = !room.is_hidden
                || room.members.contains_key(&asker.id)
                || self.role(asker.id, id).is_some()
                || self.is_invited(asker.id, room);
            if !is_shown {
                continue;
            }
            let line = self.room_in_words(room, is_admin);
            if !page.add(&line) {
                let start = beginning(last, room.name.as_str());
                page.end_with(&format!("more: /rooms {start}"));
                break;
            }
            last = room.name.as_str();
        }
        if page.is_empty() {
            page.add("there is no such room");
        }
        Self::notice(asker.client, page.into_text(), effects);
        Ok(Answer::Done)
    }

    /// A room as it is listed; administrators see who owns it and that it is hidden.
    fn room_in_words(&self, room: &Room, is_admin: bool) -> String {
        let expected = "a string takes everything";
        let mut line = format!("{} ({} here", room.name, room.here());
        if room.key.is_some() {
            line.push_str(", key");
        }
        if is_admin {
            if room.is_hidden {
                line.push_str(", hidden");
            }
            for (index, owner) in self.owners(room).iter().enumerate() {
                let before = if index == 0 { "; owner " } else { ", " };
                write!(line, "{before}{owner}").expect(expected);
            }
        }
        line.push(')');
        if let Some(topic) = &room.topic {
            write!(line, " {topic}").expect(expected);
        }
        line
    }

    /// Lists the commands, or explains one.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownCommand`].
    pub(in crate::chat) fn help(
        &self,
        client: ClientId,
        topic: Option<&str>,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        if let Some(topic) = topic {
            let word = topic.trim_start_matches('/');
            let spelling = find(word).ok_or_else(|| Refusal::UnknownCommand {
                word: super::super::command::shown(word),
            })?;
            let mut text = format!("{}: {}", spelling.usage, spelling.help);
            for (index, alias) in spelling.words[1..].iter().enumerate() {
                let before = if index == 0 { "; also " } else { ", " };
                write!(text, "{before}/{alias}").expect("a string takes everything");
            }
            Self::notice(client, text, effects);
            return Ok(());
        }
        let mut page = Page::default();
        let is_admin = match self.seats.get(client) {
            Some(Seat::Taken(id)) => self.is_admin(*id),
            Some(Seat::Vacant | Seat::Nameless(_) | Seat::Deaf(_)) | None => false,
        };
        let shown = TABLE
            .iter()
            .filter(|spelling| is_admin || spelling.audience == Audience::Everybody);
        for spelling in shown {
            page.add(&format!("{}: {}", spelling.usage, spelling.help));
        }
        page.add("anything else is said in the room you are in; //TEXT says a line that begins with a slash");
        Self::notice(client, page.into_text(), effects);
        Ok(())
    }
}

/// An answer of bounded length; the last line is kept free for saying how to go on.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    lines: usize,
}

impl Page {
    /// Adds a line; false when there is no place for it.
    pub(super) fn add(&mut self, line: &str) -> bool {
        let bytes = self.text.len() + line.len() + MORE_BYTES_MAX;
        if self.lines + 1 >= ANSWER_LINES_MAX || bytes > ANSWER_BYTES_MAX {
            return false;
        }
        self.end_with(line);
        true
    }

    /// Adds a line that has a place in any case.
    pub(super) fn end_with(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.lines += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The letters with which to ask for what comes from `next` on: those by which it differs from the
/// `last` that was listed.
pub(super) fn beginning(last: &str, next: &str) -> String {
    let pairs = last.bytes().zip(next.bytes());
    let common = pairs.take_while(|(one, other)| one.eq_ignore_ascii_case(other));
    let letters = common.count() + 1;
    next.chars().take(letters).collect()
}

/// Who is in a room that holds at least one in so many of everybody is found faster by name.
const CROWD_SHARE: usize = 8;
/// Room kept free for the hint that tells how to go on.
const MORE_BYTES_MAX: usize = ROOM_NAME_BYTES_MAX + 32;
