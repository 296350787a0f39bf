//! What follows a command's word: read in parts; nothing when that is not how it is written.

use super::super::vocabulary::{Command, Depth, FileId, KeyChange, Measure, Place};
use crate::limits::HISTORY_ENTRIES_DEFAULT;
use std::time::Duration;

pub(super) fn names(rest: &str) -> Option<Command<'_>> {
    let (room, rest) = room_first(rest);
    let (first, second) = match optional(rest) {
        Some(prefix) => (None, prefix),
        None => one_or_two(rest).map(|(room, prefix)| (Some(room), prefix))?,
    };
    if room.is_some() && first.is_some() {
        return None;
    }
    Some(Command::Names {
        room: room.or(first),
        prefix: second,
    })
}

/// What `/set` changes.
const SETTINGS: [&str; 5] = ["history", "hidden", "limit", "key", "plain"];

pub(super) fn set(rest: &str) -> Option<Command<'_>> {
    let (mut room, mut rest) = room_first(rest);
    let (word, behind) = split(rest);
    // What is no setting, and has not just a value behind it, is a room without its `#`.
    let is_setting = SETTINGS.iter().any(|name| word.eq_ignore_ascii_case(name));
    let has_value = split(behind).1.is_empty() && !behind.is_empty();
    if room.is_none() && !is_setting && !has_value {
        (room, rest) = (optional(word)?, behind);
    }
    if rest.is_empty() {
        return Some(Command::Set { room, change: None });
    }
    let (setting, value) = one_or_two(rest)?;
    Some(Command::Set {
        room,
        change: Some((setting, value?)),
    })
}

pub(super) fn history(rest: &str) -> Option<Command<'_>> {
    let newest = Depth::Entries(HISTORY_ENTRIES_DEFAULT);
    let (room, depth) = match (one_or_two(rest), rest.trim().is_empty()) {
        (_, true) => (None, newest),
        (Some((room, Some(word))), _) => (Some(room), depth(word)?),
        (Some((word, None)), _) => match depth(word) {
            Some(depth) => (None, depth),
            None => (Some(word), newest),
        },
        (None, false) => return None,
    };
    Some(Command::History { room, depth })
}

pub(super) fn keys(rest: &str) -> Option<Command<'_>> {
    let (word, rest) = split(rest);
    let key = optional(rest)?;
    Some(Command::Keys(match word.to_ascii_lowercase().as_str() {
        "" => KeyChange::List,
        "add" if key.is_none() => KeyChange::Add,
        "remove" => KeyChange::Remove(key),
        _ => return None,
    }))
}

/// Reads `[#ROOM] NAME [server] [DURATION] [WHY]`; a kick has no duration.
pub(super) fn sanction(measure: Measure, rest: &str) -> Option<Command<'_>> {
    let (room, rest) = room_first(rest);
    let (name, rest) = split(rest);
    if name.is_empty() {
        return None;
    }
    let (place, rest) = match split(rest) {
        (word, rest) if room.is_none() && measure == Measure::Ban && is_server(word) => {
            (Place::Server, rest)
        }
        _ => (Place::Room(room), rest),
    };
    let (word, behind) = split(rest);
    let (duration, rest) = match depth(word).filter(|_| measure != Measure::Kick) {
        Some(Depth::Age(duration)) if !word.is_empty() => (Some(duration), behind),
        // A bare number would be read as a reason and hold for good, which nobody means.
        Some(Depth::Entries(_)) if !word.is_empty() => return None,
        Some(Depth::Age(_) | Depth::Entries(_)) | None => (None, rest),
    };
    Some(Command::Sanction {
        measure,
        place,
        name,
        duration,
        why: some_text(rest),
    })
}

pub(super) fn lift(measure: Measure, rest: &str) -> Option<Command<'_>> {
    let (place, name) = place_and_name(rest)?;
    Some(Command::Lift {
        measure,
        place,
        name,
    })
}

pub(super) fn appoint(is_given: bool, rest: &str) -> Option<Command<'_>> {
    let (place, name) = place_and_name(rest)?;
    Some(Command::Appoint {
        is_given,
        place,
        name,
    })
}

/// Reads `[#ROOM] NAME [server]`.
fn place_and_name(rest: &str) -> Option<(Place<'_>, &str)> {
    let (room, rest) = room_first(rest);
    let (name, word) = one_or_two(rest)?;
    let place = match word {
        None => Place::Room(room),
        Some(word) if room.is_none() && is_server(word) => Place::Server,
        Some(_) => return None,
    };
    Some((place, name))
}

/// Whether the whole server is meant.
pub(super) fn is_server(word: &str) -> bool {
    word.eq_ignore_ascii_case("server")
}

/// Reads the number of a file.
pub(super) fn file(rest: &str) -> Option<FileId> {
    let word = one(rest)?;
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| word.parse().ok().map(FileId))?
}

/// Reads `20`, `2h` or `1d12h`.
pub(in crate::chat) fn depth(word: &str) -> Option<Depth> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok().map(Depth::Entries);
    }
    let (mut seconds, mut number) = (0_u64, None);
    for byte in word.bytes() {
        if byte.is_ascii_digit() {
            let so_far: u64 = number.unwrap_or(0);
            number = Some(so_far.checked_mul(10)?.checked_add((byte - b'0').into())?);
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    number
        .is_none()
        .then_some(Depth::Age(Duration::from_secs(seconds)))
}

/// The first word, freed of its brackets, and what follows it.
pub(super) fn split(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start();
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    (bare(word), rest.trim_start())
}

/// A word without the brackets in which manuals write arguments.
fn bare(word: &str) -> &str {
    let within = |open, close| word.strip_prefix(open)?.strip_suffix(close);
    within('<', '>')
        .or_else(|| within('[', ']'))
        .unwrap_or(word)
}

/// Exactly one word.
pub(super) fn one(rest: &str) -> Option<&str> {
    optional(rest)?
}

/// One word or none.
pub(super) fn optional(rest: &str) -> Option<Option<&str>> {
    let (word, rest) = split(rest);
    rest.is_empty()
        .then_some((!word.is_empty()).then_some(word))
}

/// One word, and perhaps another.
pub(super) fn one_or_two(rest: &str) -> Option<(&str, Option<&str>)> {
    let (word, rest) = split(rest);
    Some(((!word.is_empty()).then_some(word)?, optional(rest)?))
}

/// One word, and text behind it.
pub(super) fn word_and_text(rest: &str) -> Option<(&str, &str)> {
    let (word, rest) = split(rest);
    Some(((!word.is_empty()).then_some(word)?, some_text(rest)?))
}

/// Text that is not empty.
pub(super) fn some_text(rest: &str) -> Option<&str> {
    (!rest.trim().is_empty()).then_some(rest)
}

/// The room, if the first word names one with its `#`, and what follows.
pub(super) fn room_first(rest: &str) -> (Option<&str>, &str) {
    match split(rest) {
        (word, rest) if word.starts_with('#') => (Some(word), rest),
        _ => (None, rest),
    }
}
