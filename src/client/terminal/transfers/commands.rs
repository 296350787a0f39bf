//! The commands about files that are the client's own.

use super::{Incoming, Outgoing, Transfers};
use crate::chat::{FileId, RoomName};
use crate::client::files::{Source, SourceError, Target};
use crate::client::folder::typed_path;
use crate::client::terminal::own::Owner;

impl Transfers {
    /// Offers the file that `argument` names, to whom it names, else to `room`.
    ///
    /// # Errors
    ///
    /// In words, when it cannot be sent.
    pub(in super::super) fn send(
        &mut self,
        argument: &str,
        room: Option<RoomName>,
        is_in: impl Fn(RoomName) -> bool,
    ) -> Result<(), String> {
        if argument.is_empty() {
            return Err("write /send FILE, /send FILE NAME or /send FILE #ROOM".to_owned());
        }
        let (path, target) = parts(argument, |path| typed_path(path.as_ref()).exists());
        let target = match target {
            Some(target) => Target::parse(target).map_err(|why| format!("{target}: {why}"))?,
            None => {
                Target::Room(room.ok_or("you are in no room; /send FILE NAME sends to a person")?)
            }
        };
        if let Target::Room(room) = target
            && !is_in(room)
        {
            return Err(format!("you are not in {room}; /join {room} enters it"));
        }
        let source =
            Source::open(&typed_path(path.as_ref())).map_err(|error| self.explained(&error))?;
        self.next_id += 1;
        self.outgoing
            .insert(self.next_id, Outgoing::new(source, target));
        Ok(())
    }

    /// Fetches what `argument` names: numbers, or all.
    ///
    /// # Errors
    ///
    /// In words, when it names nothing.
    pub(in super::super) fn accept(&mut self, argument: &str) -> Result<(), String> {
        if argument.eq_ignore_ascii_case("all") {
            self.wishes.all = true;
            return Ok(());
        }
        let files: Option<Vec<FileId>> = argument.split_whitespace().map(number).collect();
        let files = files.filter(|files| !files.is_empty());
        let files = files.ok_or("write /accept N, with the number of an offer, or /accept all")?;
        for file in files {
            match self.offers.get(&file).cloned() {
                Some(offered) => self.fetch(offered),
                None => {
                    self.wishes.numbers.insert(file);
                }
            }
        }
        Ok(())
    }

    /// Tells what there is, as soon as the server has.
    pub(in super::super) fn list(&mut self) {
        self.wishes.list = true;
    }

    /// Gives up what the server knows nothing of; all else is the server's.
    pub(in super::super) fn cancel(&mut self, argument: &str) -> Owner {
        let file = number(argument);
        if let Some(file) = file
            && self.give_up(file)
        {
            self.tell(&format!("N {file} is not fetched any more"));
            return Owner::Client;
        }
        let coming = self.incoming.values();
        if let Some(file) = coming.map(Incoming::file).find(|one| Some(*one) == file) {
            self.tell(&format!("N {file} has come already"));
            return Owner::Client;
        }
        let mut outgoing = self.outgoing.iter();
        let found = outgoing.find(|(_, one)| match one.file() {
            Some(known) => Some(known) == file,
            None => one.name() == argument,
        });
        let Some((id, has_number)) = found.map(|(id, one)| (*id, one.file().is_some())) else {
            return Owner::Server;
        };
        if has_number {
            // The server says how it ends.
            return Owner::Server;
        }
        self.outgoing.remove(&id);
        self.gone.push(id);
        self.tell(&format!("{argument} is not sent"));
        Owner::Client
    }

    /// What is not wanted is not fetched any more; the server is told in any case.
    pub(in super::super) fn refuse(&mut self, argument: &str) -> Owner {
        if let Some(file) = number(argument) {
            self.give_up(file);
        }
        Owner::Server
    }

    /// Why a file cannot be opened, and what it may be that forbids it.
    fn explained(&self, error: &SourceError) -> String {
        match self.is_confined {
            true => format!("{error}; only what --readable names can be sent"),
            false => error.to_string(),
        }
    }
}

/// The number of an offer: `7`, and `N7` as it was shown.
fn number(word: &str) -> Option<FileId> {
    let word = word.trim_matches(['<', '>', '[', ']', ',']);
    let digits = word.strip_prefix(['N', 'n']).unwrap_or(word);
    digits.trim().parse().ok().map(FileId)
}

/// A file's path, and to whom it goes if that is said. A name may hold spaces: what is a file as a
/// whole is one; else the last word says to whom. Quotes end a name where they say.
fn parts(argument: &str, exists: impl Fn(&str) -> bool) -> (&str, Option<&str>) {
    for quote in ['"', '\''] {
        if let Some((path, target)) = argument
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return (
                path,
                Some(target.trim()).filter(|target| !target.is_empty()),
            );
        }
    }
    if exists(argument) {
        return (argument, None);
    }
    match argument.rsplit_once(char::is_whitespace) {
        Some((path, target)) => {
            let target = target.trim_matches(['<', '>', '[', ']']);
            (path.trim_end(), Some(target))
        }
        None => (argument, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_is_there_and_the_rest_is_to_whom_it_goes() {
        let exists = |path: &str| ["a", "a b", "my file.txt"].contains(&path);
        for (argument, expected) in [
            ("a", ("a", None)),
            ("a bob", ("a", Some("bob"))),
            ("a b", ("a b", None)),
            ("a b #den", ("a b", Some("#den"))),
            ("my file.txt  <bob>", ("my file.txt", Some("bob"))),
            ("\"a b\" carol", ("a b", Some("carol"))),
            ("'a' ", ("a", None)),
            ("missing", ("missing", None)),
        ] {
            assert_eq!(parts(argument, exists), expected, "{argument}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for (word, expected) in [
            ("7", Some(7)),
            ("N7", Some(7)),
            ("<12>", Some(12)),
            ("x", None),
        ] {
            assert_eq!(number(word), expected.map(FileId), "{word}");
        }
    }
}
