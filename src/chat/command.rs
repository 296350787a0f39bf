//! What a line of text asks for: one table of commands, shared by the parser, its errors and help.
//!
//! Pure syntax: whether a room or a person exists is not known here.

use super::refusal::Refusal;
use super::text;
use super::vocabulary::{Command, Depth, KeyChange, Measure, Place, RoomRef};
use crate::limits::{HISTORY_ENTRIES_DEFAULT, UNKNOWN_WORD_BYTES_SHOWN};
use std::time::Duration;

/// One command as people write it.
#[derive(Debug)]
pub(super) struct Spelling {
    /// What it is called, the proper word first.
    pub(super) words: &'static [&'static str],
    /// How it is written.
    pub(super) usage: &'static str,
    /// What it does, in one line.
    pub(super) help: &'static str,
    /// Reads what follows the word; nothing when that is not how it is written.
    read: for<'a> fn(&'a str) -> Option<Command<'a>>,
    /// Who is told of it by help.
    pub(super) audience: Audience,
}

/// Whom a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Everybody.
    Everybody,
    /// Administrators of the server.
    Admins,
}

/// Every command, in the order in which help lists them.
pub(super) static TABLE: [Spelling; 41] = [
    spelling(
        &["help", "?"],
        "/help [COMMAND]",
        "lists commands, or explains one",
        |rest| {
            Some(Command::Help {
                topic: optional(rest)?,
            })
        },
    ),
    spelling(&["nick", "u"], "/nick NAME", "takes another name", |rest| {
        Some(Command::Nick { name: one(rest)? })
    }),
    spelling(
        &["password", "p", "pass"],
        "/password",
        "asks for a password and makes your name an account, or changes it",
        |rest| rest.trim().is_empty().then_some(Command::Password),
    ),
    spelling(
        &["login"],
        "/login NAME",
        "logs in to an account; the next line is the password",
        |rest| Some(Command::Login { name: one(rest)? }),
    ),
    spelling(
        &["keys"],
        "/keys [add or remove KEY]",
        "lists the client keys that log in to your account without a password, or changes them",
        keys,
    ),
    spelling(
        &["create", "c"],
        "/create ROOM [KEY]",
        "makes a room and enters it; with KEY only those who know it may join",
        |rest| {
            let (room, key) = one_or_two(rest)?;
            Some(Command::Create { room, key })
        },
    ),
    spelling(
        &["join", "j"],
        "/join ROOM [KEY]",
        "enters a room; recent history is shown first",
        |rest| {
            let (room, key) = one_or_two(rest)?;
            Some(Command::Join { room, key })
        },
    ),
    spelling(
        &["leave", "l", "part"],
        "/leave [ROOM]",
        "leaves a room",
        |rest| {
            Some(Command::Leave {
                room: optional(rest)?,
            })
        },
    ),
    spelling(
        &["room", "cd", "default"],
        "/room ROOM",
        "chooses where plain text goes",
        |rest| Some(Command::Room { room: one(rest)? }),
    ),
    spelling(
        &["say", "public"],
        "/say ROOM TEXT",
        "says something in a room you are in",
        |rest| {
            let (room, text) = word_and_text(rest)?;
            Some(say(room, text))
        },
    ),
    spelling(
        &["msg", "private", "w", "query"],
        "/msg NAME TEXT",
        "writes to one person; /msg #room is /say",
        |rest| {
            let (to, text) = word_and_text(rest)?;
            Some(if to.starts_with('#') {
                say(to, text)
            } else {
                Command::Tell { to, text }
            })
        },
    ),
    spelling(
        &["reply", "r"],
        "/reply TEXT",
        "answers the last private message",
        |rest| {
            Some(Command::Reply {
                text: some_text(rest)?,
            })
        },
    ),
    spelling(&["me"], "/me TEXT", "tells what you do", |rest| {
        Some(Command::Say {
            room: None,
            action: true,
            text: some_text(rest)?,
        })
    }),
    spelling(
        &["names", "who"],
        "/names [ROOM] [PREFIX]",
        "lists who is in a room",
        names,
    ),
    spelling(&["whois"], "/whois NAME", "tells about a person", |rest| {
        Some(Command::Whois { name: one(rest)? })
    }),
    spelling(
        &["rooms", "list"],
        "/rooms [PREFIX]",
        "lists the rooms",
        |rest| {
            Some(Command::Rooms {
                prefix: optional(rest)?,
            })
        },
    ),
    spelling(
        &["topic"],
        "/topic [#ROOM] [TEXT]",
        "shows or sets what a room is about",
        |rest| {
            let (room, rest) = room_first(rest);
            Some(Command::Topic {
                room,
                text: some_text(rest),
            })
        },
    ),
    spelling(
        &["set"],
        "/set [ROOM] [SETTING VALUE]",
        "shows or changes a room's settings: history on|off, hidden on|off, limit N|none, key WORD|none, plain on|off",
        set,
    ),
    spelling(
        &["history"],
        "/history [ROOM] [N or 2h]",
        "shows what was said before",
        history,
    ),
    spelling(
        &["away"],
        "/away [TEXT]",
        "tells those who write to you that you are away",
        |rest| {
            Some(Command::Away {
                text: some_text(rest),
            })
        },
    ),
    spelling(&["back"], "/back", "ends /away", |rest| {
        rest.trim().is_empty().then_some(Command::Back)
    }),
    spelling(
        &["ignore"],
        "/ignore [NAME]",
        "shows nothing more of a person; without NAME lists whom",
        |rest| {
            Some(Command::Ignore {
                name: optional(rest)?,
            })
        },
    ),
    spelling(
        &["unignore"],
        "/unignore NAME",
        "shows a person again",
        |rest| Some(Command::Unignore { name: one(rest)? }),
    ),
    spelling(
        &["search"],
        "/search WORDS",
        "finds what was said; from:NAME, in:ROOM and after:2h or after:2026-03-01 narrow it",
        |rest| {
            Some(Command::Search {
                query: some_text(rest)?,
            })
        },
    ),
    spelling(
        &["close"],
        "/close ROOM",
        "owners: ends a room, with everything that was said in it",
        |rest| Some(Command::CloseRoom { room: one(rest)? }),
    ),
    spelling(
        &["invite"],
        "/invite [#ROOM] NAME",
        "moderators: lets somebody in without the key",
        |rest| {
            let (room, rest) = room_first(rest);
            Some(Command::Invite {
                room,
                name: one(rest)?,
            })
        },
    ),
    spelling(
        &["kick"],
        "/kick [#ROOM] NAME [WHY]",
        "moderators: removes somebody from a room",
        |rest| sanction(Measure::Kick, rest),
    ),
    spelling(
        &["mute"],
        "/mute [#ROOM] NAME [10m] [WHY]",
        "moderators: lets somebody speak no more, for a while or for good",
        |rest| sanction(Measure::Mute, rest),
    ),
    spelling(
        &["unmute"],
        "/unmute [#ROOM] NAME",
        "moderators: lets somebody speak again",
        |rest| lift(Measure::Mute, rest),
    ),
    spelling(
        &["ban"],
        "/ban [#ROOM] NAME [server] [1h] [WHY]",
        "moderators: removes somebody and keeps them out; with server, administrators: from everywhere",
        |rest| sanction(Measure::Ban, rest),
    ),
    spelling(
        &["unban"],
        "/unban [#ROOM] NAME [server]",
        "moderators: lets somebody in again",
        |rest| lift(Measure::Ban, rest),
    ),
    spelling(
        &["bans"],
        "/bans [ROOM or server]",
        "moderators: lists who is banned or muted",
        |rest| {
            Some(Command::Bans {
                place: match optional(rest)? {
                    Some(word) if is_server(word) => Place::Server,
                    room => Place::Room(room),
                },
            })
        },
    ),
    spelling(
        &["op"],
        "/op [#ROOM] NAME [server]",
        "owners: makes somebody a moderator; with server, administrators: an administrator",
        |rest| appoint(true, rest),
    ),
    spelling(
        &["deop"],
        "/deop [#ROOM] NAME [server]",
        "owners: takes that back",
        |rest| appoint(false, rest),
    ),
    for_admins(
        &["users"],
        "/users [PREFIX]",
        "lists everybody who is connected",
        |rest| {
            Some(Command::Users {
                prefix: optional(rest)?,
            })
        },
    ),
    for_admins(
        &["announce"],
        "/announce TEXT",
        "tells everybody something",
        |rest| {
            Some(Command::Announce {
                text: some_text(rest)?,
            })
        },
    ),
    for_admins(
        &["log"],
        "/log [NAME]",
        "shows the newest lines of the activity log",
        |rest| {
            Some(Command::Log {
                name: optional(rest)?,
            })
        },
    ),
    for_admins(
        &["stats"],
        "/stats",
        "shows how the server is doing",
        |rest| rest.trim().is_empty().then_some(Command::Stats),
    ),
    for_admins(
        &["reload"],
        "/reload",
        "reads the configuration again",
        |rest| rest.trim().is_empty().then_some(Command::Reload),
    ),
    for_admins(
        &["shutdown"],
        "/shutdown [WHY]",
        "stops the server",
        |rest| {
            Some(Command::Shutdown {
                why: some_text(rest),
            })
        },
    ),
    spelling(
        &["quit", "exit", "logout"],
        "/quit [TEXT]",
        "leaves the server",
        |rest| {
            Some(Command::Quit {
                text: some_text(rest),
            })
        },
    ),
];

/// Reads one line as its author typed it; a text may have several lines.
///
/// # Errors
///
/// [`Refusal::UnknownCommand`] and [`Refusal::Usage`], for lines that begin with a single slash.
pub fn parse(line: &str) -> Result<Command<'_>, Refusal> {
    let Some(command) = line.strip_prefix('/') else {
        return Ok(plain(line));
    };
    if command.starts_with('/') {
        return Ok(plain(command));
    }
    let (word, rest) = split(command);
    let spelling = find(word).ok_or_else(|| Refusal::UnknownCommand { word: shown(word) })?;
    (spelling.read)(rest).ok_or(Refusal::Usage {
        usage: spelling.usage,
    })
}

/// What is repeated to its author of a word that is no command.
pub(super) fn shown(word: &str) -> Box<str> {
    text::one_line(word, UNKNOWN_WORD_BYTES_SHOWN).into()
}

/// The command of that name or alias.
pub(super) fn find(word: &str) -> Option<&'static Spelling> {
    let is_called = |spelling: &&Spelling| {
        let mut words = spelling.words.iter();
        words.any(|name| name.eq_ignore_ascii_case(word))
    };
    TABLE.iter().find(is_called)
}

const fn spelling(
    words: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    read: for<'a> fn(&'a str) -> Option<Command<'a>>,
) -> Spelling {
    Spelling {
        words,
        usage,
        help,
        read,
        audience: Audience::Everybody,
    }
}

const fn for_admins(
    words: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    read: for<'a> fn(&'a str) -> Option<Command<'a>>,
) -> Spelling {
    Spelling {
        audience: Audience::Admins,
        ..spelling(words, usage, help, read)
    }
}

fn plain(text: &str) -> Command<'_> {
    Command::Say {
        room: None,
        action: false,
        text,
    }
}

fn say<'a>(room: &'a str, text: &'a str) -> Command<'a> {
    Command::Say {
        room: Some(RoomRef::Name(room)),
        action: false,
        text,
    }
}

fn names(rest: &str) -> Option<Command<'_>> {
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

fn set(rest: &str) -> Option<Command<'_>> {
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

fn history(rest: &str) -> Option<Command<'_>> {
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

fn keys(rest: &str) -> Option<Command<'_>> {
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
fn sanction(measure: Measure, rest: &str) -> Option<Command<'_>> {
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

fn lift(measure: Measure, rest: &str) -> Option<Command<'_>> {
    let (place, name) = place_and_name(rest)?;
    Some(Command::Lift {
        measure,
        place,
        name,
    })
}

fn appoint(is_given: bool, rest: &str) -> Option<Command<'_>> {
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
fn is_server(word: &str) -> bool {
    word.eq_ignore_ascii_case("server")
}

/// Reads `20`, `2h` or `1d12h`.
pub(super) fn depth(word: &str) -> Option<Depth> {
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
fn split(rest: &str) -> (&str, &str) {
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
fn one(rest: &str) -> Option<&str> {
    optional(rest)?
}

/// One word or none.
fn optional(rest: &str) -> Option<Option<&str>> {
    let (word, rest) = split(rest);
    rest.is_empty()
        .then_some((!word.is_empty()).then_some(word))
}

/// One word, and perhaps another.
fn one_or_two(rest: &str) -> Option<(&str, Option<&str>)> {
    let (word, rest) = split(rest);
    Some(((!word.is_empty()).then_some(word)?, optional(rest)?))
}

/// One word, and text behind it.
fn word_and_text(rest: &str) -> Option<(&str, &str)> {
    let (word, rest) = split(rest);
    Some(((!word.is_empty()).then_some(word)?, some_text(rest)?))
}

/// Text that is not empty.
fn some_text(rest: &str) -> Option<&str> {
    (!rest.trim().is_empty()).then_some(rest)
}

/// The room, if the first word names one with its `#`, and what follows.
fn room_first(rest: &str) -> (Option<&str>, &str) {
    match split(rest) {
        (word, rest) if word.starts_with('#') => (Some(word), rest),
        _ => (None, rest),
    }
}
