//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use super::address::{Address, AddressError};
use crate::chat::{Name, RoomName};
use crate::crypto::record::Suite;
use crate::manual::{self, Section, Shell};

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(
    name = "parlour",
    version,
    about = "Talk through a Parlour server, encrypted",
    after_help = "At the keyboard: lines go to the room, /help lists the commands, Ctrl-D leaves.\n\
        With input from a pipe: each line is sent, what happens comes out, and the exit code is\n\
        0 when everything was stored, 1 when something was refused or lost, 2 for a mistake on\n\
        the command line, 3 when the server's key is unknown or has changed.",
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// Another task than talking.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// `HOST`, `HOST:PORT`, `[IPV6]:PORT` or `parlour://HOST:PORT#FINGERPRINT` [default: localhost].
    pub address: Option<String>,
    /// The port, when the address has none [default: 4747].
    pub port: Option<String>,
    /// The name to be called by.
    #[arg(long, help_heading = "Who you are", value_name = "NAME", value_parser = parse_name)]
    pub name: Option<Name>,
    /// The room to enter instead of #lobby.
    #[arg(long, help_heading = "Who you are", value_name = "ROOM", value_parser = parse_room)]
    pub room: Option<RoomName>,
    /// Accept the key of a server that is not known yet, and remember it.
    #[arg(long, help_heading = "The connection")]
    pub accept_new: bool,
    /// The file of this client's key; made if absent [default: one per server].
    #[arg(long, help_heading = "Who you are", value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// The file whose first line is the password of the account called NAME. Nobody else may be
    /// able to read it.
    #[arg(long, help_heading = "Who you are", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How what is sent is protected: 2 is AES-256-GCM, 1 AES-256-CTR with HMAC-SHA-256. A server
    /// that does not speak it refuses, and no other is tried [default: 2].
    #[arg(long, help_heading = "The connection", value_name = "NUMBER", value_parser = parse_suite, default_value = "2", hide_default_value = true)]
    pub suite: Suite,
    /// No colours (so does the variable NO_COLOR).
    #[arg(long, help_heading = "What is shown")]
    pub no_color: bool,
    /// Show times in UTC.
    #[arg(long, help_heading = "What is shown")]
    pub utc: bool,
    /// Show each frame, decoded, on standard error.
    #[arg(long, help_heading = "The connection")]
    pub trace: bool,
    /// Send piped lines as text even when they begin with a slash.
    #[arg(long, help_heading = "Input from a pipe")]
    pub text: bool,
    /// One JSON object a line, in both directions; docs/scripting.md describes them.
    #[arg(long, conflicts_with = "text")]
    pub json: bool,
    /// Stay after the end of piped input, and show what happens.
    #[arg(long, help_heading = "Input from a pipe")]
    pub listen: bool,
    /// How long to go on trying when there is no connection, as in 30s or 5m; for ever at the
    /// keyboard, not at all with piped input.
    #[arg(long, help_heading = "The connection", value_name = "TIME", value_parser = parse_duration)]
    pub retry: Option<Duration>,
    /// Print the manual page and end; `parlour --man | man -l -` shows it.
    #[arg(long)]
    pub man: bool,
    /// Print what makes SHELL complete the words of this program, and end.
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<Shell>,
}

/// What the manual page says beyond `--help`.
const SECTIONS: [Section; 4] = [
    Section {
        title: "EXIT STATUS",
        terms: &[
            (
                "0",
                "Everything that was said is stored; with check: all is well.",
            ),
            (
                "1",
                "Something was refused or lost; with check: there is no connection.",
            ),
            ("2", "A mistake on the command line."),
            (
                "3",
                "The key of the server is unknown, or another than it must be.",
            ),
        ],
    },
    Section {
        title: "FILES",
        terms: &[
            (
                "$XDG_STATE_HOME/parlour/known_servers",
                "The key of each server, as HOST:PORT and fingerprint. Without the variable: \
                 ~/.local/state.",
            ),
            (
                "$XDG_STATE_HOME/parlour/keys/",
                "One key of this client for each server. Nothing that was said is kept anywhere.",
            ),
        ],
    },
    Section {
        title: "ENVIRONMENT",
        terms: &[
            (
                "NO_COLOR",
                "When it is set and not empty, no colours are used.",
            ),
            ("XDG_STATE_HOME, HOME", "Where the files are."),
        ],
    },
    Section {
        title: "EXAMPLES",
        terms: &[
            (
                "parlour chat.example",
                "Talk. On the first contact the fingerprint is shown.",
            ),
            (
                "parlour 'parlour://chat.example:4747#FINGERPRINT'",
                "The same with the address that the server printed: nothing is asked.",
            ),
            (
                "uptime | parlour --name monitor --room ops chat.example",
                "Say what comes from a pipe.",
            ),
            (
                "parlour check chat.example",
                "Find out why there is no connection.",
            ),
        ],
    },
];

/// Another task than talking.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Say what is wrong with a connection: name, port, firewall, key; nobody joins.
    Check {
        /// The server, as for talking.
        address: String,
    },
    /// Forget the key of a server, because it is known to have a new one.
    Forget {
        /// The server, as HOST:PORT.
        #[arg(value_name = "HOST:PORT")]
        address: String,
    },
}

impl Arguments {
    /// What is to be printed instead of doing anything, if that was asked for.
    pub fn printed(&self) -> Option<String> {
        let command = Self::command();
        if self.man {
            return Some(manual::page(&command, &SECTIONS));
        }
        let shell = self.completions?;
        Some(manual::completions(&command, shell))
    }

    /// Where to connect.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when what was given is no address.
    pub fn destination(&self) -> Result<Address, AddressError> {
        match &self.address {
            Some(text) => Address::parse(text, self.port.as_deref()),
            None => Ok(Address::local()),
        }
    }
}

fn parse_name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}

fn parse_room(text: &str) -> Result<RoomName, String> {
    RoomName::parse(text).map_err(|error| error.to_string())
}

fn parse_suite(text: &str) -> Result<Suite, String> {
    let known = text.parse().ok().and_then(Suite::from_wire);
    known.ok_or_else(|| format!("{text:?} is no suite; there are 1 and 2"))
}

/// A number with its unit: `30s`, `5m`, `2h` or `1d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write it like 30s, 5m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["parlour"], words].concat())
    }

    #[test]
    fn the_server_is_one_word_or_two_or_none() {
        let place = |words: &[&str]| parsed(words).unwrap().destination().unwrap().to_string();
        assert_eq!(place(&[]), "localhost:4747");
        assert_eq!(place(&["chat.example"]), "chat.example:4747");
        assert_eq!(place(&["chat.example", "99"]), "chat.example:99");
        assert_eq!(place(&["--name", "bob", "[::1]:5"]), "[::1]:5");
        assert!(parsed(&["h:1", "2"]).unwrap().destination().is_err());
    }

    #[test]
    fn forget_is_a_task_of_its_own() {
        let task = parsed(&["forget", "h:1"]).unwrap().task;
        assert!(matches!(task, Some(Task::Forget { address }) if address == "h:1"));
        assert!(parsed(&["forget"]).is_err());
    }

    #[test]
    fn the_manual_page_names_every_flag() {
        let page = parsed(&["--man"]).unwrap().printed().unwrap();
        for argument in Arguments::command().get_arguments() {
            let Some(flag) = argument.get_long() else {
                continue;
            };
            let spelt = format!("--{flag}").replace('-', "\\-");
            assert!(page.contains(&spelt), "{flag} is not in it: {page}");
        }
        assert!(page.contains("parlour check"), "{page}");
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for words in [
            &["--name", "1st"][..],
            &["--room", "##"],
            &["--suite", "0"],
            &["--suite", "3"],
            &["--suite", "gcm"],
            &["--retry", "soon"],
            &["--retry", "5"],
            &["--nonsense"],
            &["a", "1", "2"],
        ] {
            assert_eq!(parsed(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
        let retry = parsed(&["--retry", "5m"]).unwrap().retry;
        assert_eq!(retry, Some(Duration::from_secs(300)));
    }
}
