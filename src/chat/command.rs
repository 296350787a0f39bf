//! What a line of text asks for: one table of commands, shared by the parser, its errors and help.
//!
//! Pure syntax: whether a room or a person exists is not known here.

mod arguments;

pub(super) use self::arguments::depth;
use self::arguments::{
    appoint, file, history, is_server, keys, lift, names, one, one_or_two, optional, room_first,
    sanction, set, some_text, split, word_and_text,
};
use super::refusal::Refusal;
use super::text;
use super::vocabulary::{Command, FileCommand, Measure, Place, RoomRef};
use crate::limits::UNKNOWN_WORD_BYTES_SHOWN;

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
pub(super) static TABLE: [Spelling; 46] = [
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
        &["files"],
        "/files",
        "lists the files that you may fetch, and your own",
        |rest| {
            let list = FileCommand::List { in_words: true };
            rest.trim().is_empty().then_some(Command::File(list))
        },
    ),
    spelling(
        &["send"],
        "/send FILE [NAME or #ROOM]",
        "offers a file (with the parlour client)",
        |_| Some(Command::File(FileCommand::ByClient)),
    ),
    spelling(
        &["accept"],
        "/accept N",
        "fetches a file (with the parlour client)",
        |_| Some(Command::File(FileCommand::ByClient)),
    ),
    spelling(
        &["refuse"],
        "/refuse N",
        "says that you do not want a file",
        |rest| file(rest).map(|file| Command::File(FileCommand::Refuse(file))),
    ),
    spelling(
        &["cancel"],
        "/cancel N",
        "takes back a file that you offer",
        |rest| file(rest).map(|file| Command::File(FileCommand::Cancel(file))),
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
