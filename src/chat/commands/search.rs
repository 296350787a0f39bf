//! Finding what was said: in rooms one is in that keep history, and in one's own inbox.

use super::super::command::depth;
use super::super::name::Name;
use super::super::people::Person;
use super::super::refusal::{Refusal, StoreFailure};
use super::super::searches::Asked;
use super::super::text;
use super::super::{
    Body, Chat, Depth, Duration, Effect, Effects, Entry, Event, Hit, Job, Kept, RoomId, RoomRef,
    Search, Ticket,
};
use super::{Answer, Asker};
use crate::limits::{SEARCH_HIT_BYTES_MAX, SEARCH_HITS_MAX, SEARCH_QUERY_BYTES_MAX, SEARCHES_MAX};
use std::sync::Arc;

/// What is asked for.
#[derive(Debug, Default)]
struct Query<'a> {
    words: Vec<Box<str>>,
    from: Option<Name>,
    room: Option<&'a str>,
    after: Option<After>,
}

/// Since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// So long ago.
    Age(Duration),
    /// That day, days since 1970.
    Day(u64),
}

impl Chat {
    /// Asks the reader for what was said.
    pub(super) fn search(
        &mut self,
        asker: Asker,
        query: &str,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        match self.settings.kept {
            Kept::Stored => {}
            Kept::InMemory | Kept::No => return Err(Refusal::NothingToSearch),
        }
        let query = read(query)?;
        let rooms = match query.room {
            Some(room) => {
                let room = self.own_room(asker, Some(RoomRef::Name(room)))?;
                let state = self.rooms.get(room).ok_or(Refusal::InNoRoom)?;
                if !state.has_history {
                    return Err(Refusal::NoHistory(state.name));
                }
                vec![room]
            }
            None => self.searchable(asker),
        };
        if self.searches.has(asker.client) || self.searches.count() >= SEARCHES_MAX {
            return Err(Refusal::Busy);
        }
        let ticket = self.journal.take_ticket();
        let asked = Asked {
            client: asker.client,
            id: asker.id,
            key: asker.key,
            from: query.from,
        };
        self.searches.insert(ticket, asked);
        effects.push_back(Effect::Submit(Job::Search(Search {
            ticket,
            rooms,
            words: query.words,
            from: query.from,
            since_unix_ms: query.after.map(|after| self.since(after)),
            hits_max: SEARCH_HITS_MAX,
        })));
        Ok(Answer::Elsewhere)
    }

    /// The rooms somebody is in that keep history, and its inbox.
    fn searchable(&self, asker: Asker) -> Vec<RoomId> {
        let Some(person) = self.people.get(asker.id) else {
            return Vec::new();
        };
        let keeps = |room: &&RoomId| self.rooms.get(**room).is_some_and(|room| room.has_history);
        let rooms = person.rooms.iter().filter(keeps).copied();
        rooms.chain(person.inbox()).collect()
    }

    fn since(&self, after: After) -> u64 {
        match after {
            After::Age(age) => {
                let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                self.now.unix_ms.saturating_sub(age)
            }
            After::Day(day) => day.saturating_mul(DAY_MS),
        }
    }

    /// The reader has answered.
    pub(in crate::chat) fn found(
        &mut self,
        ticket: Ticket,
        hits: Result<Vec<(RoomId, Entry)>, StoreFailure>,
        is_cut: bool,
        effects: &mut Effects,
    ) {
        let Some(asked) = self.searches.take(ticket) else {
            return;
        };
        let client = asked.client;
        match hits {
            Ok(hits) => {
                let hits = self.readable(&asked, hits);
                let words = match (hits.len(), is_cut) {
                    (count, false) => format!("{count} found"),
                    (count, true) => format!("{count} found, the newest; more words narrow it"),
                };
                if !hits.is_empty() {
                    effects.push_back(Effect::Reply(client, Event::Found(hits)));
                }
                Self::notice(client, words, effects);
                if let Some(key) = asked.key {
                    effects.push_back(Effect::Reply(client, Event::Done(key)));
                }
            }
            Err(_) => {
                let refused = Event::Refused(asked.key, Refusal::NotRead);
                effects.push_back(Effect::Reply(client, refused));
            }
        }
        self.finish_if_told(Some(client), effects);
    }

    /// What somebody may read of what was found: it may have left a room meanwhile.
    fn readable(&self, asked: &Asked, hits: Vec<(RoomId, Entry)>) -> Arc<[Hit]> {
        let person = self.people.get(asked.id);
        let hits = hits.into_iter().filter_map(|(room, entry)| {
            let person = person?;
            let name = if person.inbox() == Some(room) {
                None
            } else {
                let state = self.rooms.get(room)?;
                let is_in = person.rooms.contains(&room) && state.has_history;
                Some(is_in.then_some(state.name)?)
            };
            let body = on_one_line(&entry.body, asked, person)?;
            let entry = Entry { body, ..entry };
            Some(Hit { room: name, entry })
        });
        hits.take(SEARCH_HITS_MAX).collect()
    }
}

/// A text as it is shown among others that were found; nothing if it is not what was asked for.
fn on_one_line(body: &Body, asked: &Asked, person: &Person) -> Option<Body> {
    let line = |text: &str| -> Arc<str> {
        let whole = text::one_line(text, SEARCH_HIT_BYTES_MAX);
        whole.into()
    };
    match body {
        Body::Said(text) => Some(Body::Said(line(text))),
        Body::Acted(text) => Some(Body::Acted(line(text))),
        Body::Received(text) => Some(Body::Received(line(text))),
        // It stands under the name of who got it, but oneself wrote it.
        Body::Sent(text) => {
            let is_meant = asked.from.is_none_or(|from| from == person.name);
            is_meant.then(|| Body::Sent(line(text)))
        }
        Body::Joined { .. }
        | Body::Left { .. }
        | Body::Kicked { .. }
        | Body::Renamed { .. }
        | Body::Topic(_)
        | Body::Counted { .. } => None,
    }
}

/// Reads a query.
fn read(text: &str) -> Result<Query<'_>, Refusal> {
    if text.len() > SEARCH_QUERY_BYTES_MAX {
        return Err(Refusal::TextTooLong {
            max: SEARCH_QUERY_BYTES_MAX,
        });
    }
    let mut query = Query::default();
    for word in text.split_whitespace() {
        if let Some(name) = word.strip_prefix("from:") {
            query.from = Some(Name::parse(name).map_err(Refusal::BadName)?);
        } else if let Some(room) = word.strip_prefix("in:") {
            query.room = Some(room);
        } else if let Some(word) = word.strip_prefix("after:") {
            query.after = Some(after(word).ok_or(Refusal::Usage { usage: USAGE })?);
        } else {
            let word = text::clean(word);
            if !word.is_empty() {
                query.words.push(word.as_ref().into());
            }
        }
    }
    if query.words.is_empty() && query.from.is_none() {
        return Err(Refusal::Usage { usage: USAGE });
    }
    Ok(query)
}

/// Reads `2h` or `2026-03-01`.
fn after(word: &str) -> Option<After> {
    if let Some(Depth::Age(age)) = depth(word) {
        return Some(After::Age(age)).filter(|_| !word.is_empty());
    }
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() && year.len() == YEAR_DIGITS;
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    day_number(year, month, day)
        .filter(|_| is_whole)
        .map(After::Day)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; nothing for what is no date since.
///
/// Years are counted from March, so that a leap day is the last of its year and the lengths of the
/// months before a date follow one rule: five months have 153 days.
fn day_number(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(is_leap),
        _ => return None,
    };
    if year < FIRST_YEAR || !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before_year = year * 365 + year / 4 - year / 100 + year / 400;
    let before_month = (153 * month + 2) / 5;
    Some(before_year + before_month + day - 1 - DAYS_BEFORE_1970)
}

const USAGE: &str = "/search WORDS, from:NAME, in:ROOM, after:2h or after:2026-03-01";
/// Milliseconds in a day.
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// The first year of which days are counted.
const FIRST_YEAR: u64 = 1970;
/// Digits of a year as dates are written.
const YEAR_DIGITS: usize = 4;
/// Days from the first of March of the year 0 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_have_their_numbers() {
        assert_eq!(day_number(1970, 1, 1), Some(0));
        assert_eq!(day_number(1972, 2, 29), Some(789));
        assert_eq!(day_number(2000, 3, 1), Some(11_017));
        assert_eq!(day_number(2026, 3, 1), Some(20_513));
        for (year, month, day) in [
            (1969, 12, 31),
            (2026, 2, 29),
            (2100, 2, 29),
            (2026, 13, 1),
            (2026, 0, 1),
            (2026, 4, 31),
            (2026, 4, 0),
        ] {
            assert_eq!(day_number(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut next = 0;
        for year in 1970..2410 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(number) = day_number(year, month, day) {
                        assert_eq!(number, next, "{year}-{month}-{day}");
                        next += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn a_query_is_words_and_what_narrows_them() {
        let query = read("hello from:bob in:#den after:2h world").unwrap();
        assert_eq!(
            query.words,
            ["hello".into(), "world".into()] as [Box<str>; 2]
        );
        assert_eq!(query.from, Name::parse("bob").ok());
        assert_eq!(query.room, Some("#den"));
        assert_eq!(query.after, Some(After::Age(Duration::from_secs(7_200))));
        let query = read("from:bob after:2026-03-01").unwrap();
        assert_eq!(query.after, Some(After::Day(20_513)));
        for wrong in [
            "",
            "in:den",
            "x after:",
            "x after:20",
            "x after:2026-02-30",
            "x after:soon",
        ] {
            assert!(matches!(read(wrong), Err(Refusal::Usage { .. })), "{wrong}");
        }
        assert!(matches!(read("x from:b!b"), Err(Refusal::BadName(_))));
        assert!(matches!(
            read(&"x".repeat(SEARCH_QUERY_BYTES_MAX + 1)),
            Err(Refusal::TextTooLong { .. })
        ));
    }
}
