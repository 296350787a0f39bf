//! Completion: what a word that was begun may become.
//!
//! Names come in the order of who was active last, because that is who one answers. Pressing the
//! key again goes on to the next. Knows what the client was told, not what the server knows: a
//! person who never said a word, came or was listed is not offered.

mod people;

use std::path::{MAIN_SEPARATOR, Path};

pub use self::people::People;
use super::editor::{Edit, Editor};
use crate::chat::RoomName;
use crate::client::safe::safe_row;
use crate::limits::CLIENT_FILES_OFFERED_MAX;

/// The commands, the server's and the client's own, as they are completed.
const COMMANDS: [&str; 50] = [
    "accept", "announce", "away", "back", "ban", "bans", "bell", "cancel", "clear", "close",
    "create", "deop", "files", "help", "history", "ignore", "invite", "join", "keys", "kick",
    "leave", "list", "log", "login", "me", "msg", "mute", "names", "nick", "op", "password",
    "quiet", "quit", "refuse", "reload", "reply", "room", "rooms", "say", "search", "send", "set",
    "shutdown", "stats", "topic", "unban", "unignore", "unmute", "users", "whois",
];

/// Commands whose first word is a room.
const OF_ROOMS: [&str; 14] = [
    "join", "j", "leave", "l", "part", "room", "cd", "default", "say", "public", "close",
    "history", "topic", "names",
];

/// Goes through what a word may become.
#[derive(Default)]
pub struct Completion {
    cycle: Option<Cycle>,
}

/// A word that is being completed.
struct Cycle {
    candidates: Vec<String>,
    index: usize,
    /// What stands before the cursor since the last completion: anything else begins anew.
    before: String,
}

/// What is known to complete words with.
pub struct Known<'a> {
    /// Who was met.
    pub people: &'a People,
    /// The rooms one is in or has heard of.
    pub rooms: &'a [RoomName],
}

impl Completion {
    /// Completes the word before the cursor, or goes on to the next it may become.
    pub fn press(&mut self, editor: &mut Editor, known: &Known<'_>) -> Edit {
        let goes_on = self
            .cycle
            .take()
            .filter(|cycle| cycle.before == editor.before_cursor() && cycle.candidates.len() > 1);
        let (mut cycle, replaced) = match goes_on {
            Some(mut cycle) => {
                let replaced = cycle.candidates[cycle.index].len();
                cycle.index = (cycle.index + 1) % cycle.candidates.len();
                (cycle, replaced)
            }
            None => {
                let (replaced, candidates) = candidates(editor.before_cursor(), known);
                if candidates.is_empty() {
                    return Edit::Nothing;
                }
                let cycle = Cycle {
                    candidates,
                    index: 0,
                    before: String::new(),
                };
                (cycle, replaced)
            }
        };
        let edit = editor.complete(replaced, &cycle.candidates[cycle.index]);
        cycle.before = editor.before_cursor().to_owned();
        self.cycle = Some(cycle);
        edit
    }
}

/// How many bytes of `before` are the word, and what it may become.
fn candidates(before: &str, known: &Known<'_>) -> (usize, Vec<String>) {
    let start = before.rfind(char::is_whitespace).map_or(0, |space| {
        space + before[space..].chars().next().map_or(1, char::len_utf8)
    });
    let word = &before[start..];
    if let Some(begun) = word.strip_prefix('/')
        && start == 0
    {
        return (word.len(), commands(begun));
    }
    let command = before.strip_prefix('/').filter(|_| start > 0);
    let mut words = command.unwrap_or_default().split_whitespace();
    let command = words.next().unwrap_or_default().to_ascii_lowercase();
    let is_first = words
        .next()
        .is_none_or(|first| first == word && words.next().is_none());
    if command == "send" {
        // A file's name may hold spaces; what is none is whom it is for.
        let path = before["/send".len()..].trim_start();
        let found = files(path);
        if !found.is_empty() {
            return (path.len(), found);
        }
    }
    if word.starts_with('#') || (OF_ROOMS.contains(&command.as_str()) && is_first) {
        return (word.len(), rooms(word, known.rooms));
    }
    // Who is spoken to at the beginning of a line is set apart from what is said.
    let behind = if start == 0 { ": " } else { " " };
    let names = known.people.beginning_with(word);
    let names = names.map(|name| format!("{name}{behind}")).collect();
    (word.len(), names)
}

fn commands(begun: &str) -> Vec<String> {
    let begun = begun.to_ascii_lowercase();
    let fits = COMMANDS.iter().filter(|word| word.starts_with(&begun));
    fits.map(|word| format!("/{word} ")).collect()
}

fn rooms(begun: &str, rooms: &[RoomName]) -> Vec<String> {
    let begun = begun.trim_start_matches('#').to_ascii_lowercase();
    let fits = |room: &&RoomName| room.as_str().to_ascii_lowercase().starts_with(&begun);
    let fitting = rooms.iter().filter(fits);
    fitting.map(|room| format!("{room} ")).collect()
}

/// Files and folders that begin so; hidden ones only if the dot is typed.
fn files(begun: &str) -> Vec<String> {
    let (folder, begun) = match begun.rfind(MAIN_SEPARATOR) {
        Some(end) => begun.split_at(end + 1),
        None => ("", begun),
    };
    let home = std::env::var("HOME").ok();
    let place = match (folder.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        (Some(_) | None, _) if folder.is_empty() => Path::new(".").to_owned(),
        (Some(_) | None, _) => Path::new(folder).to_owned(),
    };
    let Ok(entries) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // What a terminal obeys may stand in a file's name.
            let is_shown = name.starts_with(begun) && safe_row(&name) == name;
            let is_wanted = is_shown && (begun.starts_with('.') || !name.starts_with('.'));
            let is_folder = std::fs::metadata(entry.path()).is_ok_and(|data| data.is_dir());
            let behind = if is_folder { "/" } else { " " };
            is_wanted.then(|| format!("{folder}{name}{behind}"))
        })
        .take(CLIENT_FILES_OFFERED_MAX)
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Name, Refusal};

    fn people(names: &[&str]) -> People {
        let mut people = People::default();
        for name in names {
            people.spoke(Name::parse(name).unwrap());
        }
        people
    }

    fn completed(line: &str, presses: usize) -> String {
        let rooms = ["lobby", "Den"].map(|room| RoomName::parse(room).unwrap());
        let people = people(&["alice", "bob", "Albert"]);
        let known = Known {
            people: &people,
            rooms: &rooms,
        };
        let mut editor = Editor::default();
        let _ = editor.insert(line);
        let mut completion = Completion::default();
        for _ in 0..presses {
            let _ = completion.press(&mut editor, &known);
        }
        editor.text().to_owned()
    }

    #[test]
    fn who_spoke_last_comes_first_and_the_others_after_it() {
        assert_eq!(completed("al", 1), "Albert: ");
        assert_eq!(completed("al", 2), "alice: ");
        assert_eq!(completed("al", 3), "Albert: ");
        assert_eq!(completed("ask AL", 1), "ask Albert ");
        assert_eq!(completed("/msg b", 1), "/msg bob ");
        assert_eq!(completed("zoe", 1), "zoe");
    }

    #[test]
    fn commands_and_rooms_are_completed_where_they_stand() {
        assert_eq!(completed("/whoi", 1), "/whois ");
        assert_eq!(completed("/join d", 1), "/join #Den ");
        assert_eq!(completed("/join #L", 1), "/join #lobby ");
        assert_eq!(completed("see #de", 1), "see #Den ");
        assert_eq!(completed("/join lobby b", 1), "/join lobby bob ");
        assert_eq!(completed("either /whoi", 1), "either /whoi");
    }

    #[test]
    fn files_are_completed_for_sending() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["some report.pdf", ".hidden", "ev\u{1b}il"] {
            std::fs::write(path(name), "").unwrap();
        }
        std::fs::create_dir(path("folder")).unwrap();
        let at = folder.path().display();
        let is = |begun: &str, presses, end: &str| {
            let line = completed(&format!("/send {at}/{begun}"), presses);
            assert_eq!(line, format!("/send {at}/{end}"));
        };
        is("some r", 1, "some report.pdf ");
        is("fo", 1, "folder/");
        is("", 1, "folder/");
        is("", 2, "some report.pdf ");
        is(".h", 1, ".hidden ");
        is("ev", 1, "ev");
    }

    #[test]
    fn every_command_that_is_completed_exists() {
        let own = [
            "bell", "quiet", "clear", "send", "files", "accept", "refuse", "cancel",
        ];
        for word in COMMANDS {
            let is_unknown = matches!(
                crate::chat::command::parse(&format!("/{word}")),
                Err(Refusal::UnknownCommand { .. })
            );
            assert!(!is_unknown || own.contains(&word), "/{word}");
        }
    }
}
